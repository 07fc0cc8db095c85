"""What was made anew between two sides: other ids, the same thing to people.

A VM that was deleted and made again, a host that was installed again, a whole cloud that was
built again have other ids. Where a name means one thing on each side, and the ids of the two are
nowhere else, they are the same thing, and its new id is told as if it were the old one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from viftrail.facts.facts import Facts
from viftrail.facts.northbound import (
    DHCPOptions,
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
    PortGroup,
)
from viftrail.facts.southbound import Chassis

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PLUGS = ("tap", "qvo", "qvb", "qbr", "vhu")
_TOKEN = re.compile(
    rf"{_UUID}|{_UUID.replace('-[', '_[')}"
    r"|(?:tap|qvo|qvb|qbr|vhu)[0-9a-f]{8}-[0-9a-f]{2}|ovn-[0-9a-f]{6}(?=-)"
    r"|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_DEVICE, _TUNNEL = 11, 6
"""Characters of a port's id that Nova names a device by, and of a chassis' that OVN names a
tunnel by (nova: NIC_NAME_LEN; ovn: controller/encaps.c)."""

Names = Mapping[str, str]


class Renaming:
    """From the ids of the later side to those of the earlier one."""

    def __init__(self, ids: Names, macs: Names) -> None:
        self.ids = ids
        self._tokens: dict[str, str] = dict(macs)
        for new, old in ids.items():
            self._tokens[new] = old
            self._tokens[new.replace("-", "_")] = old.replace("-", "_")
            self._tokens[f"ovn-{new[:_TUNNEL]}"] = f"ovn-{old[:_TUNNEL]}"
            for end in "01":  # the two ends of a network's metadata
                self._tokens[f"tap{new[:10]}{end}"] = f"tap{old[:10]}{end}"
            for prefix in _PLUGS:
                self._tokens[prefix + new[:_DEVICE]] = prefix + old[:_DEVICE]

    def __bool__(self) -> bool:
        return bool(self.ids)

    def __call__(self, text: str) -> str:
        """The text with the earlier side's ids."""
        return _TOKEN.sub(lambda found: self._tokens.get(found[0], found[0]), text)


def renaming(before: Facts, after: Facts) -> Renaming:
    """What is the same under another id."""
    if _ids(before) == _ids(after):
        return Renaming({}, {})
    ids = _matched(dict(_named(before)), dict(_named(after)))
    # A group has no name in Northbound: it is that of the port that is in one group on each side.
    ids |= _matched(_groups(before, {}), _groups(after, ids))
    old, new = _macs(before), _macs(after)
    macs = {new[one]: old[two] for one, two in ids.items() if one in new and two in old}
    return Renaming(ids, macs)


def _macs(facts: Facts) -> Names:
    """Of each port; one that is made anew is given another."""
    rows = ((row.name, entry) for row in facts.nb[LogicalSwitchPort] for entry in row.addresses)
    found = {name: mac[0] for name, entry in rows if (mac := _MAC.match(entry))}
    found |= {bare_id(leg.name): leg.mac for leg in facts.nb[LogicalRouterPort]}
    for options in facts.nb[DHCPOptions]:
        found[options.external_ids.get("subnet_id", "")] = options.options.get("server_mac", "")
    found |= {port.id: port.mac for port in facts.owner.ports}
    return {ident: mac for ident, mac in found.items() if mac}


def _ids(facts: Facts) -> frozenset[str]:
    """Of everything that could have been made anew."""
    rows = (facts.nb[LogicalSwitch], facts.nb[LogicalRouter], facts.nb[LogicalSwitchPort])
    ids = {each.name for table in rows for each in table}
    ids |= {each.name for each in facts.sb[Chassis]} | {port.id for port in facts.owner.ports}
    return frozenset(ids)


def _matched(
    old: Mapping[tuple[str, ...], set[str]], new: Mapping[tuple[str, ...], set[str]]
) -> dict[str, str]:
    olds, news = (frozenset().union(*side.values()) for side in (old, new))
    found: dict[str, str] = {}
    for key, ids in new.items():
        known = old.get(key, set())
        if len(ids) == len(known) == 1:
            (one,), (other,) = ids, known
            if one not in olds and other not in news:
                found[one] = other
    return found


def _named(facts: Facts) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Ids by what people call the thing; more than one where the name is not its own."""
    found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    network_of: dict[str, str] = {}
    for switch in facts.nb[LogicalSwitch]:
        name = switch.external_ids.get("neutron:network_name", "")
        found["network", name].add(bare_id(switch.name))
        network_of.update(dict.fromkeys(switch.ports, name))
    for router in facts.nb[LogicalRouter]:
        found["router", router.external_ids.get("neutron:router_name", "")].add(
            bare_id(router.name)
        )
    for chassis in facts.sb[Chassis]:
        found["chassis", chassis.hostname].add(chassis.name)
    for options in facts.nb[DHCPOptions]:
        found["subnet", options.cidr].add(options.external_ids.get("subnet_id", ""))
    servers = {port.id: port.server for port in facts.owner.ports}
    for port in facts.nb[LogicalSwitchPort]:
        name = servers.get(port.name) or port.external_ids.get("neutron:port_name", "")
        kind = port.type or ("" if name else "nameless")
        found["port", kind, network_of.get(port.uuid, ""), name].add(bare_id(port.name))
    for owned in facts.owner.ports:
        found["port", "", owned.network, owned.server].add(owned.id)
        found["server", owned.server].add(owned.server_id)
    for server in facts.openstack.servers or ():
        found["server", server.name].add(server.id)
    for key, ids in found.items():
        if key[1:] != ("",) and "nameless" not in key:
            yield key, {each for each in ids if each}


def bare_id(name: str) -> str:
    """The id in a name such as ``neutron-ID`` or ``provnet-ID``."""
    found = re.search(_UUID, name)
    return found[0] if found else name


def _groups(facts: Facts, ids: Names) -> dict[tuple[str, ...], set[str]]:
    found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    names = {row.uuid: bare_id(row.name) for row in facts.nb[LogicalSwitchPort] if not row.type}
    for group in facts.nb[PortGroup]:
        ident = group.name.removeprefix("pg_").replace("_", "-")
        for port in group.ports:
            if re.fullmatch(_UUID, ident) and port in names:
                found["group of", ids.get(names[port], names[port])].add(ident)
    return dict(found)
