"""Facts with the relations between them: which port, which plug, which host.

Everything here is derived, lazily and once. Stages and faults read a `Cloud`
so that none of them walks the tables on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from viftrail.chain.physnet import localnet_for
from viftrail.facts.facts import Facts
from viftrail.facts.host import Host, Link
from viftrail.facts.intent import SUBPORT
from viftrail.facts.northbound import (
    DHCPOptions,
    GatewayChassis,
    HAChassis,
    HAChassisGroup,
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    PortGroup,
)
from viftrail.facts.openstack import NeutronPort, OpenStack, Server
from viftrail.facts.owner import OwnedPort, Owner
from viftrail.facts.slice import GATEWAY_OPTION, is_gateway, router_name
from viftrail.facts.sounding import Soundings
from viftrail.facts.southbound import Chassis, Encap, PortBinding
from viftrail.facts.vswitch import Interface

NAME_LENGTH = 11
"""Nova names devices by a prefix and the first 11 letters of the port's id."""

PLUG_PREFIXES = ("tap", "qvo", "vhu")


@dataclass(frozen=True)
class Plug:
    """An OVS Interface on a host, and the bridge that has it (empty: none)."""

    host: str
    interface: Interface
    bridge: str


@dataclass(frozen=True)
class Port:
    """A VM's port: as its owner wants it, and as it stands in Northbound."""

    id: str
    row: LogicalSwitchPort | None
    owned: OwnedPort | None

    @property
    def mac(self) -> str:
        """Its MAC address, in lower case; empty when nobody says."""
        if self.owned:
            return self.owned.mac.lower()
        return next((entry.split()[0].lower() for entry in self._entries), "")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its fixed IP addresses."""
        if self.owned:
            return self.owned.addresses
        return tuple(ip for entry in self._entries for ip in entry.split()[1:])

    @property
    def _entries(self) -> list[str]:
        row = self.row
        return [entry for entry in row.addresses if ":" in entry] if row else []

    @property
    def ipv4(self) -> str:
        """Its first IPv4 address, or empty."""
        return next((address for address in self.addresses if ":" not in address), "")

    @property
    def ipv6(self) -> str:
        """Its first IPv6 address, or empty."""
        return next((address for address in self.addresses if ":" in address), "")

    @property
    def cidrs(self) -> tuple[str, ...]:
        """Its addresses with prefix lengths, where known."""
        if self.owned:
            return self.owned.cidrs
        return tuple(self.row.external_ids.get("neutron:cidrs", "").split()) if self.row else ()

    @property
    def server_id(self) -> str:
        """The server's id as Nova and libvirt have it; empty when nobody says."""
        if self.owned and self.owned.server_id:
            return self.owned.server_id
        return self.row.external_ids.get("neutron:device_id", "") if self.row else ""

    @property
    def server(self) -> str:
        """The server's name, or its id where the name is not known."""
        if self.owned:
            return self.owned.server or self.owned.server_id
        return self.row.external_ids.get("neutron:device_id", "") if self.row else ""

    @property
    def requested_chassis(self) -> str:
        """``options:requested-chassis``: the host that may claim it, by name."""
        return self.row.options.get("requested-chassis", "").partition(",")[0] if self.row else ""

    @property
    def subport(self) -> bool:
        """A trunk's: its parent's plug carries it, and it is claimed where that is (ovn-nb(5))."""
        if self.owned and self.owned.subport:
            return True
        row = self.row
        return row is not None and bool(
            row.parent_name or row.external_ids.get("neutron:device_owner") == SUBPORT
        )

    @property
    def plugged(self) -> bool:
        """An Interface of its own makes a chassis claim it.

        No subport has one, nor a port of type external (SR-IOV, bare metal) or virtual (an address
        that goes from VM to VM): see Logical_Switch_Port type in ovn-nb(5).
        """
        return not self.subport and (self.row is None or self.row.type == "")

    @property
    def label(self) -> str:
        """How to call it in a sentence."""
        return self.server or self.id

    def device_names(self) -> tuple[str, ...]:
        """The names that Nova gives its devices on the host."""
        return tuple(prefix + self.id[:NAME_LENGTH] for prefix in PLUG_PREFIXES)


@dataclass(frozen=True)
class Gateway:
    """A router's leg to a provider network, and where it is hosted."""

    router: LogicalRouter
    leg: LogicalRouterPort
    binding: PortBinding | None
    chassis: Chassis | None
    candidates: tuple[str, ...]
    """Chassis.name of every chassis that may host it, best first."""

    named: bool
    """Some chassis is named, or may be: a group that was not read can name one."""

    prospect: Chassis | None
    """The chassis that would host it once nothing upstream keeps it from being hosted."""

    @property
    def host(self) -> str:
        """The hostname of the chassis that hosts it; empty when none does."""
        return self.chassis.hostname if self.chassis else ""

    @property
    def expected(self) -> Chassis | None:
        """Where the trail goes on: the chassis that hosts it, else the one that would.

        A router that is disabled has no gateway anywhere, and the NIC of its gateway host can be
        out of the bridge all the same.
        """
        return self.chassis or self.prospect


class Cloud:
    """One moment of a cloud, related."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.nb = facts.nb
        self.sb = facts.sb
        self.hosts: Mapping[str, Host] = facts.hosts
        self._host_of: dict[str, str] = {}
        self._options_in_use: dict[str, tuple[DHCPOptions, ...]] = {}

    @property
    def soundings(self) -> Soundings:
        """What came of packets that were sent on purpose."""
        return self.facts.soundings

    @property
    def openstack(self) -> OpenStack:
        """What Nova, Placement and Neutron say."""
        return self.facts.openstack

    def server_of(self, port: Port) -> Server | None:
        """The server that has this port, where Nova was asked."""
        return self.openstack.server_with(port.server_id)

    def is_off(self, port: Port) -> bool:
        """Nova says that the server is shut off: it has no device, and that is right."""
        server = self.server_of(port)
        return server is not None and server.off

    def neutron_port(self, port_id: str) -> NeutronPort | None:
        """The port as Neutron has it, where Neutron was asked."""
        return self.openstack.port_with(port_id)

    def is_baremetal(self, port: Port) -> bool:
        """Its ``binding:vnic_type`` says that it is no VM's."""
        row = self.neutron_port(port.id)
        return row is not None and row.vnic_type == "baremetal"

    @property
    def owner(self) -> Owner:
        """Who decides that ports exist."""
        return self.facts.owner

    @cached_property
    def owner_told_all(self) -> bool:
        """What is not among the owner's ports is none of them, as far as can be proved.

        Neutron tells whoever is no admin of their own project's ports only. What nobody but an
        admin has is the ports of several projects, a router's gateway port, which is of none,
        among them.
        """
        if self.owner.kind == "lab":
            return bool(self.owner.ports)
        rows = [port.row for port in self.ports.values() if port.owned and port.row]
        by_row = {row.external_ids.get("neutron:project_id", "") for row in rows}
        by_name = {port.project_id for port in self.openstack.ports or ()}
        return bool(self.owner.ports) and (len(by_row) > 1 or len(by_name) > 1)

    @cached_property
    def ports(self) -> Mapping[str, Port]:
        """Every known port of a VM, by id."""
        rows = self.nb[LogicalSwitchPort]
        found = {
            port.id: Port(port.id, rows.one("name", port.id), port)
            for port in self.owner.ports
            if rows.find("name", port.id) or rows.knows("name", port.id)
        }
        for row in rows:
            if row.name not in found and is_vm_port(row):
                found[row.name] = Port(row.name, row, None)
        return found

    @cached_property
    def ports_on(self) -> Mapping[str, tuple[Port, ...]]:
        """The VMs' ports by the host where the VM runs."""
        found: dict[str, list[Port]] = {}
        for port in self.ports.values():
            found.setdefault(self.host_of(port), []).append(port)
        return {name: tuple(ports) for name, ports in found.items()}

    @cached_property
    def ports_wanted_on(self) -> Mapping[str, tuple[Port, ...]]:
        """The VMs' ports by the chassis that may claim them, as requested-chassis names it."""
        found: dict[str, list[Port]] = {}
        for port in self.ports.values():
            found.setdefault(port.requested_chassis, []).append(port)
        return {name: tuple(ports) for name, ports in found.items()}

    def ports_seen(self) -> Iterator[tuple[Port, Host]]:
        """The VMs' ports with a plug of their own on hosts that were looked at, with the host."""
        if self.hosts:
            for name, ports in self.ports_on.items():
                host = self.hosts.get(name)
                if host is not None:
                    for port in ports:
                        if port.plugged:
                            yield port, host

    @cached_property
    def plugs(self) -> Mapping[str, tuple[Plug, ...]]:
        """Every Interface that carries an iface-id, by that id."""
        found: dict[str, list[Plug]] = {}
        for name, host in self.hosts.items():
            for interface in host.conf[Interface]:
                iface_id = interface.external_ids.get("iface-id")
                if iface_id:
                    plug = Plug(name, interface, host.bridge_of.get(interface.name, ""))
                    found.setdefault(iface_id, []).append(plug)
        return {iface_id: tuple(plugs) for iface_id, plugs in found.items()}

    @cached_property
    def central(self) -> Mapping[str, Host]:
        """The hosts that run, or ran, the databases or northd."""
        return {name: host for name, host in self.hosts.items() if host.central}

    @property
    def chassis_count(self) -> int:
        """How many chassis Southbound knows."""
        return len(self.sb[Chassis])

    @property
    def central_name(self) -> str:
        """Where to run ovn-nbctl and ovn-sbctl."""
        return next(iter(self.central), "a host with the OVN central tools")

    def binding(self, port_id: str) -> PortBinding | None:
        """The Southbound row of a logical port."""
        rows = self._bindings.get(port_id)
        return rows[0] if rows else None

    @cached_property
    def _bindings(self) -> Mapping[str, tuple[PortBinding, ...]]:
        return self.sb[PortBinding].by("logical_port")

    def chassis_of(self, binding: PortBinding | None) -> Chassis | None:
        """The chassis that claimed it."""
        if binding is None or not binding.chassis:
            return None
        return self.sb[Chassis].one("uuid", binding.chassis)

    def chassis_named(self, name: str) -> Chassis | None:
        """By hostname or by system-id, as requested-chassis is matched (ovn-nb(5))."""
        table = self.sb[Chassis]
        return table.one("hostname", name) or table.one("name", name)

    def chassis_like(self, name: str) -> Chassis | None:
        """The chassis of this host; else the only one that may be the same, spelled otherwise."""
        found = self.chassis_named(name)
        if found or not name:
            return found
        short = name.partition(".")[0].lower()
        alike = [
            row
            for row in self.sb[Chassis]
            if short in (row.hostname.partition(".")[0].lower(), row.name.lower())
        ]
        return alike[0] if len(alike) == 1 else None

    def tunnel_ip(self, chassis: Chassis) -> str:
        """The address that other chassis send geneve to."""
        encaps = [self.sb[Encap].one("uuid", uuid) for uuid in chassis.encaps]
        return next((encap.ip for encap in encaps if encap), "")

    def host_of(self, port: Port) -> str:
        """Where the VM runs: its owner's word, else where it is plugged, claimed or wanted."""
        name = self._host_of.get(port.id)
        if name is None:
            name = self._host_of[port.id] = self._find_host(port)
        return name

    def _find_host(self, port: Port) -> str:
        if port.owned and port.owned.host:
            name = port.owned.host
            # Where a Chassis has that name, and another hostname, that is the host's (ovn-nb(5)).
            chassis = None if name in self.hosts else self.chassis_named(name)
            return chassis.hostname if chassis else name
        plugs = self.plugs.get(port.id, ())
        if plugs:
            return plugs[0].host
        chassis = self.chassis_of(self.binding(port.id))
        return chassis.hostname if chassis else port.requested_chassis

    def device_of(self, port: Port) -> Link | None:
        """The VM's own device (tap or vhost-user) in the kernel of its host."""
        host = self.hosts.get(self.host_of(port))
        if host is None:
            return None
        return host.link_by_name.get("tap" + port.id[:NAME_LENGTH])

    def switch_of(self, port: Port) -> LogicalSwitch | None:
        """The network that the port is, or shall be, in."""
        table = self.nb[LogicalSwitch]
        if port.row:
            return table.one("ports", port.row.uuid)
        return table.one("name", port.owned.switch) if port.owned else None

    def members(self, switch: LogicalSwitch) -> Iterator[LogicalSwitchPort]:
        """The known ports of a network."""
        rows = self.nb[LogicalSwitchPort].by("uuid")
        for uuid in switch.ports:
            yield from rows.get(uuid, ())

    def groups_of(self, port: Port) -> tuple[PortGroup, ...]:
        """The port groups that hold the port."""
        if port.row is None:
            return ()
        return self.nb[PortGroup].find("ports", port.row.uuid)

    @cached_property
    def members_of_groups(self) -> Mapping[str, frozenset[str]]:
        """Logical_Switch_Port UUIDs in each port group, by its name."""
        return {group.name: frozenset(group.ports) for group in self.nb[PortGroup]}

    def options_in_use(self, switch: LogicalSwitch) -> tuple[DHCPOptions, ...]:
        """The DHCP_Options that ports of a network refer to."""
        found = self._options_in_use.get(switch.uuid)
        if found is None:
            rows = self.nb[DHCPOptions].by("uuid")
            uuids = {member.dhcpv4_options or "": None for member in self.members(switch)}
            found = tuple(row for uuid in uuids for row in rows.get(uuid, ()))
            self._options_in_use[switch.uuid] = found
        return found

    @cached_property
    def gateways(self) -> tuple[Gateway, ...]:
        """Every gateway leg of every known router."""
        return tuple(self._gateways())

    def _gateways(self) -> Iterator[Gateway]:
        legs = self.nb[LogicalRouterPort].by("uuid")
        for router in self.nb[LogicalRouter]:
            for uuid in router.ports:
                for leg in legs.get(uuid, ()):
                    if is_gateway(leg):
                        binding = self.binding(f"cr-{leg.name}")
                        candidates = self._candidates(leg)
                        yield Gateway(
                            router,
                            leg,
                            binding,
                            self.chassis_of(binding),
                            candidates,
                            self._named(leg),
                            self._prospect(candidates),
                        )

    def _prospect(self, candidates: tuple[str, ...]) -> Chassis | None:
        """The best candidate that is registered; with none, the only chassis that may be one."""
        registered = filter(None, (self.sb[Chassis].one("name", name) for name in candidates))
        best = next(registered, None)
        chassis = self.sb[Chassis]
        if best or not chassis.knows("other_config", GATEWAY_OPTION):
            return best
        able = chassis.find("other_config", GATEWAY_OPTION)
        return able[0] if len(able) == 1 else None

    def _named(self, leg: LogicalRouterPort) -> bool:
        """By its references, which are there even where the rows were not read."""
        if leg.gateway_chassis or not leg.ha_chassis_group:
            return bool(leg.gateway_chassis)
        group = self.nb[HAChassisGroup].one("uuid", leg.ha_chassis_group)
        return group is None or bool(group.ha_chassis)

    def _candidates(self, leg: LogicalRouterPort) -> tuple[str, ...]:
        single = self.nb[GatewayChassis].by("uuid")
        ranked = [
            (row.priority, row.chassis_name)
            for uuid in leg.gateway_chassis
            for row in single.get(uuid, ())
        ]
        group = self.nb[HAChassisGroup].one("uuid", leg.ha_chassis_group or "")
        if group:
            members = self.nb[HAChassis].by("uuid")
            ranked += [
                (row.priority, row.chassis_name)
                for uuid in group.ha_chassis
                for row in members.get(uuid, ())
            ]
        return tuple(name for _, name in sorted(ranked, reverse=True))

    def routers_of(self, switch: LogicalSwitch) -> tuple[LogicalRouter, ...]:
        """The routers that serve this network; those that use it as their outside do not."""
        found: dict[str, LogicalRouter] = {}
        for member in self._fixtures.get(switch.uuid, ()):
            leg = self.nb[LogicalRouterPort].one("name", member.options.get("router-port", ""))
            if leg is None and member.type == "router" and not _is_outside(member):
                # Its leg is lost; the port still says whose it was.
                router = self.nb[LogicalRouter].one("name", router_name(member))
            else:
                serves = leg is not None and not is_gateway(leg)
                router = self.nb[LogicalRouter].one("ports", leg.uuid) if leg and serves else None
            if router:
                found[router.uuid] = router
        return tuple(found.values())

    def legs_of(self, switch: LogicalSwitch) -> Iterator[LogicalRouterPort]:
        """The router ports that are in a network."""
        for member in self._fixtures.get(switch.uuid, ()):
            yield from self.nb[LogicalRouterPort].find(
                "name", member.options.get("router-port", "")
            )

    def outside(self, gateway: Gateway) -> tuple[LogicalSwitch, LogicalSwitchPort | None] | None:
        """The provider network of a gateway leg, and the localnet port that leads on from there."""
        for peer in self._peers.get(gateway.leg.name, ()):
            switch = self.nb[LogicalSwitch].one("ports", peer.uuid)
            if switch:
                return switch, self.localnet_of(switch, gateway.expected)
        return None

    def provider_side(self, gateway: Gateway) -> tuple[LogicalSwitch, LogicalSwitchPort] | None:
        """The same, where there is a localnet port."""
        side = self.outside(gateway)
        return (side[0], side[1]) if side and side[1] else None

    def localnets_of(self, switch: LogicalSwitch) -> tuple[LogicalSwitchPort, ...]:
        """The ports that tie a provider network to its physical networks, one for each segment."""
        members = self._fixtures.get(switch.uuid, ())
        return tuple(member for member in members if member.type == "localnet")

    def localnet_of(
        self, switch: LogicalSwitch, chassis: Chassis | None = None
    ) -> LogicalSwitchPort | None:
        """The port by which this chassis, or any, leaves a provider network."""
        return localnet_for(self.localnets_of(switch), chassis)

    @cached_property
    def router_ports(self) -> tuple[tuple[LogicalSwitch, LogicalSwitchPort], ...]:
        """Each network's ports that lead to routers, with the network."""
        return tuple(pair for pair in self._placed_fixtures() if pair[1].type == "router")

    @cached_property
    def metadata_ports(self) -> tuple[tuple[LogicalSwitch, LogicalSwitchPort], ...]:
        """Each network's port of the metadata service, with the network."""
        return tuple(
            (switch, row)
            for switch, row in self._placed_fixtures()
            if row.type == "localport"
            and row.external_ids.get("neutron:device_owner") == "network:distributed"
        )

    def _placed_fixtures(self) -> Iterator[tuple[LogicalSwitch, LogicalSwitchPort]]:
        switches = self.nb[LogicalSwitch].by("uuid")
        for uuid, rows in self._fixtures.items():
            for switch in switches[uuid]:
                for row in rows:
                    yield switch, row

    @cached_property
    def _fixtures(self) -> Mapping[str, tuple[LogicalSwitchPort, ...]]:
        """What is no guest's port in a network (routers, localnet, …), by the switch's UUID."""
        switches = self.nb[LogicalSwitch].by("ports")
        found: dict[str, list[LogicalSwitchPort]] = {}
        for row in self.nb[LogicalSwitchPort]:
            for switch in switches.get(row.uuid, ()) if row.type else ():
                found.setdefault(switch.uuid, []).append(row)
        return {uuid: tuple(rows) for uuid, rows in found.items()}

    @cached_property
    def _peers(self) -> Mapping[str, tuple[LogicalSwitchPort, ...]]:
        """The ports of networks that lead to routers, by the name of the router's leg."""
        found: dict[str, list[LogicalSwitchPort]] = {}
        for rows in self._fixtures.values():
            for row in rows:
                found.setdefault(row.options.get("router-port", ""), []).append(row)
        return {name: tuple(rows) for name, rows in found.items() if name}


def is_vm_port(row: LogicalSwitchPort) -> bool:
    """A port with a guest behind it, as far as Northbound tells."""
    device_owner = row.external_ids.get("neutron:device_owner", "")
    if row.type != "" or device_owner.startswith("network:"):
        return False
    return not device_owner or device_owner.startswith("compute:")


def _is_outside(member: LogicalSwitchPort) -> bool:
    """A provider network's port towards a router whose way out it is."""
    return member.external_ids.get("neutron:device_owner") == "network:router_gateway"
