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
class Network:
    """A Neutron network with its one subnet and its metadata port."""

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
    router: Router = field(init=False)
    security_group: str = field(init=False)
    rules: tuple[Rule, ...] = field(init=False)

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("project_id", self.uuid("project", "demo").replace("-", ""))
        chassis = []
        for index in range(1, self.shape.gateways + 1):
            host = f"network{index}"
            chassis.append(
                NodeDesign(host, "network", 10 + index, self.uuid("chassis", host), True)
            )
        for index in range(1, self.shape.computes + 1):
            host = f"compute{index}"
            system_id, mapped = self.uuid("chassis", host), self.shape.dvr
            chassis.append(NodeDesign(host, "compute", 20 + index, system_id, mapped))
        put(
            "nodes",
            (
                NodeDesign("controller", "controller", 10),
                *chassis,
                NodeDesign("external", "external", 1),
            ),
        )
        put("network", self._network("net1", TENANT, TENANT_MTU, "geneve"))
        put("provider", self._network("public", PROVIDER, UNDERLAY_MTU, "flat"))
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

    def vm(
        self,
        name: str,
        host: str,
        ip: str,
        generation: int = 0,
        *,
        hybrid: bool = False,
        qemu: bool = False,
    ) -> Vm:
        """A VM with the identifiers that are its own."""
        return Vm(
            name=name,
            id=self.uuid("server", name, generation),
            host=host,
            port_id=self.uuid("port", name, generation),
            mac=self.mac("port", name, generation),
            ip=ip,
            hybrid=hybrid,
            qemu=qemu,
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
            metadata_ip=str(cidr[2]) if tenant else None,
            segment_id=None if tenant else self.uuid("segment", name),
            physnet=None if tenant else PHYSNET,
        )

    def _router(self) -> Router:
        def leg(name: str, network: Network, number: int) -> RouterPort:
            return RouterPort(
                self.uuid("router-port", name),
                self.mac("router-port", name),
                f"{network.cidr[number]}/{network.cidr.prefixlen}",
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
