"""What a lab is to look like: nodes, networks, addresses and identifiers. Pure.

Identifiers are uuid5 of the lab's and the object's name, so that a lab made
twice under one name is the same lab, and documents can quote it. A VM deleted
and booted again gets new ones, as it does from Neutron.
"""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import dataclass, field
from typing import Final

from viftrail.lab.shape import Shape

#: RFC 5737's three documentation networks, so that no lab looks like a site.
MANAGEMENT: Final = ipaddress.IPv4Network("192.0.2.0/24")
TUNNEL: Final = ipaddress.IPv4Network("198.51.100.0/24")
PROVIDER: Final = ipaddress.IPv4Network("203.0.113.0/24")
#: A host of the world behind the provider's router (RFC 2544's range, routed nowhere).
BEYOND: Final = "198.18.0.1"
TENANT: Final = ipaddress.IPv4Network("10.0.0.0/24")
#: The tenant network's second subnet, of RFC 3849's documentation prefix.
TENANT6: Final = ipaddress.IPv6Network("2001:db8:0:1::/64")
#: The provider's VLAN network, of the same range as BEYOND, and its tag.
VLAN: Final = ipaddress.IPv4Network("198.18.100.0/24")
VLAN_TAG: Final = 100
#: How its guests get addresses: themselves, from the advertised prefix, and options by DHCPv6.
ADDRESS_MODE: Final = "dhcpv6_stateless"

PHYSNET: Final = "physnet1"
PROVIDER_BRIDGE: Final = "br-ex"
TUNNEL_BRIDGE: Final = "br-phy"
INTEGRATION_BRIDGE: Final = "br-int"

UNDERLAY_MTU: Final = 1500
#: 1500 less IPv4, UDP, geneve with OVN's option, and the inner Ethernet header.
TENANT_MTU: Final = UNDERLAY_MTU - 58

#: The last bytes of the VMs' addresses: Neutron's allocation pool.
POOL: Final = range(11, 151)

#: What the lab's security group lets in from anywhere, so that tests can.
OPENINGS: Final = ("icmp4", "tcp && tcp.dst == 22", "tcp && tcp.dst == 80")
OPENINGS6: Final = ("icmp6",)

#: Where the servers of Northbound and Southbound listen for clients (utilities/ovn-ctl).
NB_PORT: Final = 6641
SB_PORT: Final = 6642

_ROOT: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "lab.viftrail")


@dataclass(frozen=True)
class NodeDesign:
    """One machine of the cloud.

    ``role`` is ``controller``, ``network``, ``compute`` or ``external``;
    ``number`` gives its last address byte on every network it is on. A chassis
    that is ``mapped`` maps its provider bridge to the physical network.
    """

    name: str
    role: str
    number: int
    system_id: str | None = None
    mapped: bool = False

    @property
    def is_chassis(self) -> bool:
        """Whether Open vSwitch and ovn-controller run there."""
        return self.system_id is not None

    @property
    def management_ip(self) -> str | None:
        """The address on eth0; the external host has none."""
        return None if self.role == "external" else str(MANAGEMENT[self.number])

    @property
    def tunnel_ip(self) -> str | None:
        """The tunnel endpoint, on br-phy."""
        return str(TUNNEL[self.number]) if self.is_chassis else None


@dataclass(frozen=True)
class Central:
    """Where both databases are served: by one server each, or by the members of a cluster."""

    addresses: tuple[str, ...]
    ssl: bool = False

    @property
    def scheme(self) -> str:
        """How the servers are spoken to, as in a remote."""
        return "ssl" if self.ssl else "tcp"

    @property
    def clustered(self) -> bool:
        """Whether a database has several members."""
        return len(self.addresses) > 1

    def remote(self, port: int) -> str:
        """What a client is told: every member."""
        return ",".join(f"{self.scheme}:{address}:{port}" for address in self.addresses)


@dataclass(frozen=True)
class Subnet6:
    """A network's IPv6 subnet."""

    id: str
    cidr: ipaddress.IPv6Network
    mode: str
    """The address mode, spelled as in Logical_Router_Port.ipv6_ra_configs."""

    @property
    def gateway(self) -> str:
        """The router's address in it."""
        return str(self.cidr[1])

    def address_of(self, mac: str) -> str:
        """The address that a guest makes itself of its MAC, and Neutron knows beforehand.

        RFC 4291, appendix A: modified EUI-64.
        """
        raw = bytes.fromhex(mac.replace(":", ""))
        tail = bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:]
        return str(self.cidr[int.from_bytes(tail, "big")])


@dataclass(frozen=True)
class Network:
    """A Neutron network with its IPv4 subnet, perhaps an IPv6 one, and its metadata port."""

    id: str
    name: str
    subnet_id: str
    cidr: ipaddress.IPv4Network
    gateway: str
    mtu: int
    type: str
    metadata_port: str
    metadata_mac: str
    metadata_ip: str | None
    segment_id: str | None = None
    physnet: str | None = None
    tag: int | None = None
    subnet6: Subnet6 | None = None

    @property
    def logical_switch(self) -> str:
        """The name Neutron gives the Logical_Switch."""
        return f"neutron-{self.id}"

    @property
    def localnet_port(self) -> str | None:
        """The name Neutron (17 and later) gives the localnet port."""
        return f"provnet-{self.segment_id}" if self.segment_id else None


@dataclass(frozen=True)
class RouterPort:
    """One leg of the router: a Logical_Switch_Port and its peer."""

    id: str
    mac: str
    address: str
    address6: str = ""

    @property
    def networks(self) -> tuple[str, ...]:
        """Its addresses with prefix lengths."""
        return tuple(filter(None, (self.address, self.address6)))

    @property
    def logical_router_port(self) -> str:
        """The name Neutron gives the Logical_Router_Port."""
        return f"lrp-{self.id}"


@dataclass(frozen=True)
class Router:
    """The one router between the tenant and the provider network."""

    id: str
    name: str
    inside: RouterPort
    outside: RouterPort

    @property
    def logical_router(self) -> str:
        """The name Neutron gives the Logical_Router."""
        return f"neutron-{self.id}"


@dataclass(frozen=True)
class FloatingIp:
    """A public address of one VM."""

    id: str
    port_id: str
    address: str
    mac: str


@dataclass(frozen=True)
class Vm:
    """What Nova and Neutron, both played by the lab, want of one VM.

    With ``qemu`` it has a kernel of its own; else it is a network namespace.
    """

    name: str
    id: str
    host: str
    port_id: str
    mac: str
    ip: str
    hybrid: bool = False
    qemu: bool = False
    floating_ip: FloatingIp | None = None
    ip6: str = ""
    direct: bool = False
    """It is on the provider's VLAN network, without a router of the cloud's."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its fixed IPs."""
        return tuple(filter(None, (self.ip, self.ip6)))

    def _device(self, prefix: str) -> str:
        return prefix + self.port_id[:11]

    @property
    def tap(self) -> str:
        """The VM's own link on the host."""
        return self._device("tap")

    @property
    def qbr(self) -> str:
        """The Linux bridge of a hybrid plug."""
        return self._device("qbr")

    @property
    def qvb(self) -> str:
        """The leg of a hybrid plug in the Linux bridge."""
        return self._device("qvb")

    @property
    def qvo(self) -> str:
        """The leg of a hybrid plug in br-int."""
        return self._device("qvo")

    @property
    def ovs_port(self) -> str:
        """The port in br-int that carries the iface-id."""
        return self.qvo if self.hybrid else self.tap


@dataclass(frozen=True)
class Rule:
    """A security group rule, as the ACL Neutron makes of it."""

    id: str
    direction: str
    match: str


@dataclass(frozen=True)
class Design:
    """A whole lab on paper."""

    name: str
    shape: Shape = field(default_factory=Shape)
    project_id: str = field(init=False)
    nodes: tuple[NodeDesign, ...] = field(init=False)
    network: Network = field(init=False)
    provider: Network = field(init=False)
    vlan: Network | None = field(init=False)
    router: Router = field(init=False)
    security_group: str = field(init=False)
    rules: tuple[Rule, ...] = field(init=False)

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("project_id", self.uuid("project", "demo").replace("-", ""))
        chassis = []
        provider_hosts = self.shape.dvr or self.shape.vlan or self.shape.openstack
        for index in range(1, self.shape.gateways + 1):
            host = f"network{index}"
            chassis.append(
                NodeDesign(host, "network", 10 + index, self.uuid("chassis", host), True)
            )
        for index in range(1, self.shape.computes + 1):
            host = f"compute{index}"
            system_id, mapped = self.uuid("chassis", host), provider_hosts
            chassis.append(NodeDesign(host, "compute", 20 + index, system_id, mapped))
        put(
            "nodes",
            (
                NodeDesign("controller", "controller", 10),
                *(
                    NodeDesign(f"controller{number}", "controller", number)
                    for number in ((2, 3) if self.shape.cluster else ())
                ),
                *chassis,
                NodeDesign("external", "external", 1),
            ),
        )
        put("network", self._network("net1", TENANT, TENANT_MTU, "geneve"))
        put("provider", self._network("public", PROVIDER, UNDERLAY_MTU, "flat"))
        vlan = self._network("vlan100", VLAN, UNDERLAY_MTU, "vlan") if self.shape.vlan else None
        put("vlan", vlan)
        put("router", self._router())
        put("security_group", self.uuid("security-group", "default"))
        put("rules", self._rules())

    def uuid(self, kind: str, name: str, generation: int = 0) -> str:
        """The identifier of an object of this lab."""
        again = f"#{generation}" if generation else ""
        return str(uuid.uuid5(_ROOT, f"{self.name}/{kind}/{name}{again}"))

    def mac(self, kind: str, name: str, generation: int = 0) -> str:
        """A MAC address with Neutron's prefix (``base_mac``)."""
        tail = uuid.UUID(self.uuid(f"mac-of-{kind}", name, generation)).bytes[:3]
        return "fa:16:3e:" + tail.hex(":")

    def node(self, name: str) -> NodeDesign:
        """The node of that name; raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def chassis(self) -> tuple[NodeDesign, ...]:
        """The nodes with Open vSwitch."""
        return tuple(node for node in self.nodes if node.is_chassis)

    @property
    def central(self) -> Central:
        """Where the databases are."""
        return Central(
            tuple(str(node.management_ip) for node in self.nodes if node.role == "controller"),
            self.shape.ssl,
        )

    @property
    def gateways(self) -> tuple[NodeDesign, ...]:
        """The nodes that may host the router's gateway port, the first choice first."""
        return tuple(node for node in self.nodes if node.role == "network")

    @property
    def compute_names(self) -> tuple[str, ...]:
        """The nodes that carry VMs."""
        return tuple(node.name for node in self.nodes if node.role == "compute")

    @property
    def port_group(self) -> str:
        """The Port_Group Neutron makes of the security group."""
        return port_group(self.security_group)

    def network_of(self, vm: Vm) -> Network:
        """The network that a VM's port is in."""
        return self.vlan if self.vlan and vm.direct else self.network

    def vm(
        self,
        name: str,
        host: str,
        ip: str,
        generation: int = 0,
        *,
        hybrid: bool = False,
        qemu: bool = False,
        direct: bool = False,
    ) -> Vm:
        """A VM with the identifiers that are its own."""
        mac = self.mac("port", name, generation)
        subnet6 = None if direct else self.network.subnet6
        return Vm(
            name=name,
            id=self.uuid("server", name, generation),
            host=host,
            port_id=self.uuid("port", name, generation),
            mac=mac,
            ip=ip,
            hybrid=hybrid,
            qemu=qemu,
            ip6=subnet6.address_of(mac) if subnet6 else "",
            direct=direct,
        )

    def floating_ip(self, vm: Vm) -> FloatingIp:
        """The public address of a VM: the last byte of its private one, plus 90."""
        number = int(vm.ip.rsplit(".", 1)[1])
        return FloatingIp(
            id=self.uuid("floating-ip", vm.name),
            port_id=self.uuid("floating-ip-port", vm.name),
            address=str(PROVIDER[number + 90]),
            mac=self.mac("floating-ip", vm.name),
        )

    def _network(self, name: str, cidr: ipaddress.IPv4Network, mtu: int, kind: str) -> Network:
        tenant = kind == "geneve"
        subnet6 = None
        if tenant and self.shape.ipv6:
            subnet6 = Subnet6(self.uuid("subnet6", name), TENANT6, ADDRESS_MODE)
        return Network(
            id=self.uuid("network", name),
            name=name,
            subnet_id=self.uuid("subnet", name),
            cidr=cidr,
            gateway=str(cidr[1]),
            mtu=mtu,
            type=kind,
            metadata_port=self.uuid("metadata-port", name),
            metadata_mac=self.mac("metadata-port", name),
            # Neutron gives the port an address in each subnet with DHCP.
            metadata_ip=None if kind == "flat" else str(cidr[2]),
            segment_id=None if tenant else self.uuid("segment", name),
            physnet=None if tenant else PHYSNET,
            tag=VLAN_TAG if kind == "vlan" else None,
            subnet6=subnet6,
        )

    def _router(self) -> Router:
        def leg(name: str, network: Network, number: int) -> RouterPort:
            return RouterPort(
                self.uuid("router-port", name),
                self.mac("router-port", name),
                f"{network.cidr[number]}/{network.cidr.prefixlen}",
                f"{subnet6.gateway}/{subnet6.cidr.prefixlen}"
                if (subnet6 := network.subnet6)
                else "",
            )

        return Router(
            self.uuid("router", "router1"),
            "router1",
            leg("inside", self.network, 1),
            leg("outside", self.provider, 10),
        )

    def _rules(self) -> tuple[Rule, ...]:
        return tuple(
            Rule(self.uuid("rule", match), direction, match)
            for direction, match in (
                *default_rules(self.port_group),
                *(opening(self.port_group, what) for what in OPENINGS),
                *(opening6(self.port_group, w) for w in OPENINGS6 if self.shape.ipv6),
            )
        )


def port_group(security_group: str) -> str:
    """The name of the Port_Group that Neutron makes of a security group."""
    return "pg_" + security_group.replace("-", "_")


def default_rules(group: str) -> tuple[tuple[str, str], ...]:
    """Direction and match of the rules that every default security group begins with."""
    return (
        *egress_rules(group),
        ("to-lport", f"outport == @{group} && ip4 && ip4.src == ${group}_ip4"),
        ("to-lport", f"outport == @{group} && ip6 && ip6.src == ${group}_ip6"),
    )


def egress_rules(group: str) -> tuple[tuple[str, str], ...]:
    """The rules that every new security group begins with."""
    return (
        ("from-lport", f"inport == @{group} && ip4"),
        ("from-lport", f"inport == @{group} && ip6"),
    )


def opening(group: str, what: str) -> tuple[str, str]:
    """A rule that lets the whole world in to ``what``."""
    return "to-lport", f"outport == @{group} && ip4 && ip4.src == 0.0.0.0/0 && {what}"


def opening6(group: str, what: str) -> tuple[str, str]:
    """The same over IPv6."""
    return "to-lport", f"outport == @{group} && ip6 && ip6.src == ::/0 && {what}"
