"""Hosts as things: daemons, settings, bridges, devices, flows, guests.

Process ids, port numbers, counters and MACs that a kernel made up are noise and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone

from viftrail.difference.databases import port_label
from viftrail.difference.picture import Entry, Heard, Near, Picture, Thing, Trait, nothing, words
from viftrail.facts.facts import NOT_ASKED, Facts
from viftrail.facts.host import Host, Link
from viftrail.facts.vswitch import Bridge, Interface, OpenVSwitch
from viftrail.verdict import Stage

STARTED = "started"
"""The trait that tells of a restart: a circumstance, most often."""

_DAEMONS = {
    "ovn-controller": Stage.CONTROLLER,
    "ovs-vswitchd": Stage.VIF,
    "ovsdb-server": Stage.VIF,
    "ovn-northd": Stage.NORTHD,
    "ovnnb_db": Stage.NORTHBOUND,
    "ovnsb_db": Stage.SOUTHBOUND,
}
_SERVERS = {"OVN_Northbound": Stage.NORTHBOUND, "OVN_Southbound": Stage.SOUTHBOUND}
_TUNNELS = ("geneve", "vxlan", "stt", "gre")
PLUGS = ("tap", "qvo", "qvb", "qbr", "vhu")
_NOISY_ANSWERS = frozenset({"dpctl/ct-get-nconns"})
_ASKED = frozenset({"version", "connection-status", "debug/status", "status"})
_LAB = re.compile(r"/run/viftrail/labs/[^/\s]+")
"""Where each lab has files of its own."""

_NOISY_IDS = ("ovn-installed-ts", "ct-zone", "md5")
_FULL, _SHORT = 0.01, 0.05


def draw(picture: Picture, facts: Facts, servers: Mapping[str, str]) -> None:
    """Add every host that was looked at, and what is on it."""
    for name, host in facts.hosts.items():
        for kind, what, label, stage, traits in _things(host, servers):
            thing = Thing(kind, what, name)
            picture.add(thing, Entry(label, stage, None, nothing, tuple(traits)))
            picture.knows.setdefault(kind, lambda each: _seen(facts, each))


def _seen(facts: Facts, thing: Thing) -> bool:
    """Its host was looked at, with more than its conf.db where that does not tell."""
    host = facts.hosts.get(thing.host)
    if host is None:
        return False
    if thing.kind in ("setting", "bridge", "interface"):
        return bool(host.vswitch)
    if thing.kind == "flows":
        return host.flows is not None
    if thing.kind == "VM":
        return host.domains is not None
    return not host.conf_only and not (thing.kind == "guest" and not host.guests)


_Things = Iterator[tuple[str, str, str, Stage, list[Trait]]]


def _things(host: Host, servers: Mapping[str, str]) -> _Things:
    yield "host", "", "host", Stage.INFRASTRUCTURE, list(_machine(host))
    yield from _daemons(host)
    yield from _switch(host)
    yield from _devices(host)
    for guest in host.guests:
        local = Stage.LOCAL
        traits = [
            Trait(local, "MAC", words(guest.mac)),
            Trait(local, "up", words(guest.up)),
            Trait(local, "addresses", words(guest.addresses)),
            Trait(Stage.TUNNEL, "MTU", Heard((str(guest.mtu),) if guest.mtu else ())),
        ]
        label = f"guest behind {port_label(guest.port_id, servers)}"
        yield "guest", guest.port_id, label, local, traits
    for each in host.domains or ():
        cards = (
            f"{c.mac} {c.kind} {c.device} {c.bridge}{' link down' if c.down else ''}".strip()
            for c in each.cards
        )
        traits = [
            Trait(Stage.VIF, "state", words(each.state)),
            Trait(Stage.VIF, "NICs", words(tuple(cards))),
        ]
        yield "VM", each.uuid, f"VM {each.name}", Stage.VIF, traits


def _machine(host: Host) -> Iterator[Trait]:
    infra = Stage.INFRASTRUCTURE
    boot = host.time - host.uptime
    if host.uptime:
        yield Trait(infra, "booted", Near(boot, _clock(boot), slack=60))
    for disk in host.disks:
        yield Trait(infra, f"disk {_LAB.sub('', disk.path)}", _room(disk.free, disk.total))
    if host.memory.total:
        yield Trait(infra, "memory", _room(host.memory.available, host.memory.total))
    if host.conntrack and host.conntrack.limit:
        free = host.conntrack.limit - host.conntrack.count
        room = _room(free, host.conntrack.limit)
        yield Trait(Stage.LOCAL, "tracked connections", room)
        most = Heard((str(host.conntrack.limit),))
        yield Trait(Stage.LOCAL, "most tracked connections", most)
    rules = {
        f"udp {rule.udp_port} {'dropped' if rule.drops else 'accepted'} by {rule.table} {rule.chain}"
        for rule in host.firewall
    }
    asked = not any(failure.why == NOT_ASKED for failure in host.failures("nft "))
    yield Trait(Stage.TUNNEL, "firewall", words(tuple(rules)) if asked else Heard(()))
    flapping = any(host.flaps.within(name) for name in host.flaps.second)
    yield Trait(Stage.ROUTER, "BFD", "goes up and down" if flapping else "steady")
    if host.tls:
        tls = host.tls
        for name in ("private_key", "certificate", "ca_cert", "subject", "issuer", "verified"):
            value = _LAB.sub("", getattr(tls, name))
            yield Trait(Stage.CONTROLLER, f"TLS {name}", words(value))
        yield Trait(Stage.CONTROLLER, "TLS valid until", _clock(tls.until) if tls.until else "none")
        yield Trait(Stage.CONTROLLER, "TLS authorities", words(tls.authorities))
    failed: dict[Stage, list[str]] = {}
    for failure in host.errors:
        if failure.why == NOT_ASKED:
            continue
        about = next((s for name, s in _DAEMONS.items() if name in failure.what), infra)
        failed.setdefault(about, []).append(_LAB.sub("", f"{failure.what} ({failure.why})"))
    for stage in (infra, *dict.fromkeys(_DAEMONS.values())):
        label = f"unanswered questions ({stage.title})"
        yield Trait(stage, label, words(tuple(failed.get(stage, ()))))


def _room(free: int, total: int) -> str | Heard:
    """In words; that there is room is nothing new where nobody could say before."""
    share = free / total if total else 0.0
    return "full" if share < _FULL else "nearly full" if share < _SHORT else Heard(("has room",))


def _clock(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(moment)


def _daemons(host: Host) -> _Things:
    for name, process in host.processes.items():
        stage = _DAEMONS.get(name, Stage.INFRASTRUCTURE)
        state = "runs" if process.runs else "stopped" if process.state in ("T", "t") else "gone"
        traits = [Trait(stage, "state", state)]
        if process.runs and process.started and host.uptime:  # ps and a report do not tell
            moment = host.time - host.uptime + process.started
            traits.append(Trait(stage, STARTED, Near(moment, _clock(moment), slack=3)))
        command = _LAB.sub("", process.command)
        traits.append(Trait(stage, "command", Heard((command,) if command else ())))
        answers = host.unixctl.get(name, {})
        for question in sorted(_ASKED.union(answers) - _NOISY_ANSWERS):
            answer = " ".join(answers.get(question, "").split())
            # Who is dead says nothing; that it is dead is told.
            traits.append(Trait(stage, question, Heard((answer,) if answer else ())))
        yield "daemon", name, name, stage, traits
    for name, server in host.servers.items():
        stage = _SERVERS.get(name, Stage.INFRASTRUCTURE)
        traits = [
            Trait(stage, part, words(getattr(server, part)))
            for part in ("model", "connected", "leader", "ports")
        ]
        yield "database server", name, f"server of {name}", stage, traits


def _switch(host: Host) -> _Things:
    for row in host.conf[OpenVSwitch]:
        traits = [
            Trait(_stage_of_setting(key), key, words(value))
            for key, value in row.external_ids.items()
        ]
        traits.append(Trait(Stage.VIF, "Open vSwitch", words(row.ovs_version)))
        yield "setting", "", "Open_vSwitch settings", Stage.CONTROLLER, traits
    integration = host.integration_bridge
    for bridge in host.conf[Bridge]:
        stage = Stage.VIF if bridge.name == integration else Stage.PROVIDER
        traits = [
            Trait(stage, "datapath_type", words(bridge.datapath_type)),
            Trait(stage, "protocols", words(bridge.protocols)),
        ]
        yield "bridge", bridge.name, f"bridge {bridge.name}", stage, traits
    for interface in host.conf[Interface]:
        stage = _stage_of(interface, host.bridge_of.get(interface.name, ""), integration)
        yield (
            "interface",
            interface.name,
            f"interface {interface.name}",
            stage,
            list(_interface(interface, stage, host)),
        )
    if host.flows:
        flows, ports = host.flows.count, len(host.flows.ports)
        traits = [
            Trait(Stage.CONTROLLER, "flows", Near(flows, f"{flows} flows", 10, 0.2)),
            Trait(Stage.CONTROLLER, "flows of its ports", Near(ports, f"{ports} flows", 0, 0.1)),
        ]
        yield "flows", host.flows.bridge, f"flows of {host.flows.bridge}", Stage.CONTROLLER, traits


def _stage_of_setting(key: str) -> Stage:
    if "bridge-mappings" in key or "chassis-mac" in key:
        return Stage.PROVIDER
    return Stage.TUNNEL if "encap" in key or "transport-zone" in key else Stage.CONTROLLER


def _stage_of(interface: Interface, bridge: str, integration: str) -> Stage:
    if interface.type in _TUNNELS:
        return Stage.TUNNEL
    own = bridge in (integration, "") and interface.type != "patch"
    return Stage.VIF if own or interface.name.startswith(PLUGS) else Stage.PROVIDER


def _interface(row: Interface, stage: Stage, host: Host) -> Iterator[Trait]:
    number = row.ofport
    opened = "yes" if number and number > 0 else "not yet" if number is None else "failed"
    yield Trait(stage, "opened by ovs-vswitchd", opened)
    yield Trait(stage, "bridge", words(host.bridge_of.get(row.name)))
    for name in ("type", "error", "admin_state", "link_state", "mtu"):
        yield Trait(stage, name, words(getattr(row, name)))
    for key, value in row.options.items():
        yield Trait(stage, f"options:{key}", words(value))
    for key, value in row.external_ids.items():
        if not key.startswith(_NOISY_IDS):
            yield Trait(stage, key, words(value))
    if row.external_ids.get("iface-id"):
        yield Trait(stage, "MAC of its guest", Heard(host.heard.get(row.name, ())))


def _devices(host: Host) -> _Things:
    ends = set(host.settings.get("ovn-encap-ip", "").split(","))
    for link in host.links:
        if link.ifname == "lo" or link.linkinfo.info_kind in _TUNNELS:
            continue
        stage = _stage_of_link(link, host, ends)
        addresses = sorted(
            f"{a.local}/{a.prefixlen}" for a in link.addr_info if not a.local.startswith("fe80:")
        )
        traits = [
            Trait(stage, "state", "up" if link.up else "down"),
            Trait(stage, "carrier", words(link.carrier)),
            Trait(stage, "MTU", words(link.mtu)),
            Trait(stage, "master", words(link.master)),
            Trait(stage, "addresses", words(tuple(addresses))),
        ]
        yield "device", link.ifname, f"device {link.ifname}", stage, traits


def _stage_of_link(link: Link, host: Host, ends: set[str]) -> Stage:
    if link.ifname.startswith(PLUGS):
        return Stage.VIF
    if any(address.local in ends for address in link.addr_info):
        return Stage.TUNNEL
    bridge = host.bridge_of.get(link.ifname, "")
    if bridge == host.integration_bridge:
        return Stage.VIF
    return Stage.PROVIDER if bridge else Stage.INFRASTRUCTURE
