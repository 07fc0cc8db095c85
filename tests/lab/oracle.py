"""What is odd in the rows of a synthetic cloud, told without viftrail's catalogue.

Slow and simple: for each kind of fault the one observation that proves it. The
answer key of ``viftrail lab synth`` must say just that, no more and no less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from viftrail.facts.facts import Facts
from viftrail.facts.northbound import (
    NAT,
    DHCPOptions,
    GatewayChassis,
    HAChassis,
    HAChassisGroup,
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    NBGlobal,
    PortGroup,
)
from viftrail.facts.southbound import Chassis, ChassisPrivate, Encap, PortBinding

Oddity = tuple[str, str]
"""The fault and its subject, as the key has them."""


def oddities(facts: Facts) -> Counter[Oddity]:
    """Everything that is odd."""
    return Counter(
        [*_ports(facts), *_wanted(facts), *_networks(facts), *_routers(facts), *_chassis(facts)]
    )


def _ports(facts: Facts) -> Iterator[Oddity]:
    owned = {port.id: port for port in facts.owner.ports}
    groups: dict[str, set[str]] = {}
    for group in facts.nb[PortGroup]:
        for uuid in group.ports:
            groups.setdefault(uuid, set()).add(group.name)
    for row in facts.nb[LogicalSwitchPort]:
        if row.type:
            continue
        name = f"port {row.name}"
        port = owned.get(row.name)
        if port is None:
            yield "nb-orphan-lsp", name
            continue
        if row.addresses != (f"{port.mac} {port.addresses[0]}",):
            yield "nb-addresses-drift", name
        if row.enabled is False:
            yield "port-admin-down", name
        if row.dhcpv4_options is None:
            yield "dhcp-options-missing", name
        ids = row.external_ids["neutron:security_group_ids"].split()
        named = {"pg_" + each.replace("-", "_") for each in ids}
        held = groups[row.uuid] - {"neutron_pg_drop"}
        assert "neutron_pg_drop" in groups[row.uuid]
        assert named == set(port.port_groups)
        if not held:
            yield "sg-egress-missing", name
        elif held != named:
            yield "sg-portgroup-drift", name
        yield from _binding(facts, row, name)


def _binding(facts: Facts, row: LogicalSwitchPort, name: str) -> Iterator[Oddity]:
    binding = facts.sb[PortBinding].one("logical_port", row.name)
    if binding is None:
        yield "northd-binding-missing", name
        return
    assert row.up == binding.up == (binding.chassis is not None)
    assert binding.requested_chassis
    chassis = facts.sb[Chassis].one("uuid", binding.chassis or "")
    if chassis is None:
        yield "pb-unclaimed", name
    elif chassis.hostname != row.options["requested-chassis"]:
        yield "pb-requested-chassis-mismatch", name


def _wanted(facts: Facts) -> Iterator[Oddity]:
    rows = facts.nb[LogicalSwitchPort]
    for port in facts.owner.ports:
        if not rows.find("name", port.id):
            yield "nb-lsp-missing", f"port {port.id}"
    wanted = {floating_ip.ip for floating_ip in facts.owner.floating_ips}
    nat = {row.external_ip: row for row in facts.nb[NAT] if row.type == "dnat_and_snat"}
    for address in wanted - set(nat):
        yield "fip-nat-row-missing", f"floating IP {address}"
    inside = {ip for port in facts.owner.ports for ip in port.addresses}
    for address, row in nat.items():
        if row.logical_ip not in inside:
            assert address not in wanted
            yield "nb-orphan-nat", f"floating IP {address}"


def _networks(facts: Facts) -> Iterator[Oddity]:
    for switch in facts.nb[LogicalSwitch]:
        name = f"network {switch.name}"
        ports = [facts.nb[LogicalSwitchPort].one("uuid", uuid) for uuid in switch.ports]
        types = {port.type for port in ports if port}
        if "neutron:provnet-physical-network" in switch.external_ids and "localnet" not in types:
            yield "prov-localnet-wrong", name
        taken = Counter(
            entry for port in ports if port and not port.type for entry in port.addresses
        )
        yield from (("nb-duplicate-address", name) for count in taken.values() if count > 1)
    for options in facts.nb[DHCPOptions]:
        if not {"server_id", "server_mac", "lease_time"} <= options.options.keys():
            network = options.external_ids["neutron:network_id"]
            yield "dhcp-options-incomplete", f"network neutron-{network}"


def _routers(facts: Facts) -> Iterator[Oddity]:
    chassis = {row.name for row in facts.sb[Chassis]}
    for router in facts.nb[LogicalRouter]:
        for uuid in router.ports:
            leg = facts.nb[LogicalRouterPort].one("uuid", uuid)
            assert leg is not None
            if leg.external_ids["neutron:is_ext_gw"] != "True":
                continue
            named = _named(facts, leg)
            binding = facts.sb[PortBinding].one("logical_port", f"cr-{leg.name}")
            assert (binding is not None) == bool(named)
            if not named:
                yield "router-no-gateway-chassis", f"router {router.name}"
            elif not named & chassis:
                assert binding
                assert binding.chassis is None
                yield "router-gateway-chassis-gone", f"router {router.name}"
            elif named - chassis:
                assert binding
                assert binding.chassis
                yield "router-gateway-chassis-gone", f"router {router.name}"


def _named(facts: Facts, leg: LogicalRouterPort) -> set[str]:
    rows: list[GatewayChassis | HAChassis] = [
        row for uuid in leg.gateway_chassis for row in facts.nb[GatewayChassis].find("uuid", uuid)
    ]
    for group in facts.nb[HAChassisGroup].find("uuid", leg.ha_chassis_group or ""):
        for uuid in group.ha_chassis:
            rows += facts.nb[HAChassis].find("uuid", uuid)
    return {row.chassis_name for row in rows}


def _chassis(facts: Facts) -> Iterator[Oddity]:
    (counters,) = facts.nb[NBGlobal]
    hostnames = Counter(row.hostname for row in facts.sb[Chassis])
    stale = set()
    for name, count in hostnames.items():
        if count > 1:
            stale.add(name)
            yield "chassis-stale-same-hostname", f"host {name}"
    for row in facts.sb[Chassis]:
        (encap,) = (facts.sb[Encap].one("uuid", uuid) for uuid in row.encaps)
        assert encap is not None
        assert encap.chassis_name == row.name
        if encap.type != "geneve":
            yield "tunnel-encap-type-mismatch", f"host {row.hostname}"
    for private in facts.sb[ChassisPrivate]:
        chassis = facts.sb[Chassis].one("uuid", private.chassis or "")
        if chassis is None:
            yield "chassis-private-ghost", f"host {private.name}"
        elif private.nb_cfg != counters.nb_cfg and chassis.hostname not in stale:
            yield "controller-flow-lag", f"host {chassis.hostname}"
    assert counters.hv_cfg == min(row.nb_cfg for row in facts.sb[ChassisPrivate])
