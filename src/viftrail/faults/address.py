"""S4: faults of a port's own row in OVN_Northbound: its addresses, and whether it is enabled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.northbound import enabled
from viftrail.chain.quoting import atom, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import enabled_port, rewritten_row
from viftrail.verdict import Evidence, Risk, Stage

_UNKNOWN = "unknown"
_MAC: Final = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def _drifted(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        row = port.row
        if row is None:
            continue
        wanted = " ".join((port.owned.mac.lower(), *port.owned.addresses)) if port.owned else ""
        seen = [" ".join((e.split()[0].lower(), *e.split()[1:])) for e in row.addresses if e]
        if wanted in seen or (seen and not wanted):
            continue
        # Of a port without port security Neutron has frames to any MAC sent there as well
        # (ovn_client.py _get_port_options).
        open_to_all = _UNKNOWN in row.addresses and not row.port_security
        change = f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
        own = (wanted, _UNKNOWN) if open_to_all else (wanted,)
        yield Case(
            subject=subject.port(port.id),
            summary=f"Northbound gives {port.label} "
            + (f"the address {', '.join(seen)} instead of {wanted}" if seen else "no address")
            + ", so nobody finds it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.addresses",
                    seen=", ".join(row.addresses) or "empty",
                    expected=wanted or "a MAC and its IP addresses",
                    command=f"ovn-nbctl lsp-get-addresses {q(port.id)}",
                ),
            ),
            steps=rewritten_row(
                cloud,
                port.id,
                ovn=change + _column(own),
                undo=change + _column(row.addresses),
                verify=f"ovn-nbctl lsp-get-addresses {q(port.id)}",
            )
            if wanted
            else (),
            note="" if wanted else f"Only its owner knows the address of port {port.id}.",
        )


def _column(addresses: tuple[str, ...]) -> str:
    return q(f"addresses=[{','.join(map(atom, addresses))}]")


def _disabled(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        if port.row is None or port.row.enabled is not False or not _is_servers(port.row):
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"the port of {port.label} is administratively down",
            evidence=(enabled(port.row),),
            steps=enabled_port(cloud, port.id),
        )


def _is_servers(row: LogicalSwitchPort) -> bool:
    """A server's port, or nobody says whose: Octavia keeps the ports of its VIPs disabled."""
    owner = row.external_ids.get("neutron:device_owner", "")
    return not owner or owner.startswith("compute:")


def _duplicate(cloud: Cloud) -> Iterator[Case]:
    """Two ports of one network with one address; told once a pair.

    A MAC counts as the port's own in its first entry only: Neutron writes those of allowed address
    pairs into further ones, and VRRP's is meant to be at two ports (ovn_client.py
    _get_allowed_addresses_from_port).
    """
    rows = cloud.nb[LogicalSwitchPort].by("uuid")
    for switch in cloud.nb[LogicalSwitch]:
        members = [row for uuid in switch.ports for row in rows.get(uuid, ())]
        words = [word for row in members for word in _addresses(row)]
        if len(set(words)) == len(words):
            continue
        first: dict[str, str] = {}
        told: set[tuple[str, str]] = set()
        for row in members:
            for address in _addresses(row) if row.name in cloud.ports else ():
                other = first.setdefault(address, row.name)
                if other != row.name and (other, row.name) not in told:
                    told.add((other, row.name))
                    pair = cloud.ports[other], cloud.ports[row.name]
                    yield _double(switch.name, *pair, address)


def _addresses(row: LogicalSwitchPort) -> list[str]:
    """The port's own MAC, and every IP address."""
    return list(dict.fromkeys(_words(row)))


def _words(row: LogicalSwitchPort) -> Iterator[str]:
    for index, entry in enumerate(row.addresses):
        for word in entry.lower().split():
            if word.count(".") == 3 or (":" in word and (not _MAC.fullmatch(word) or not index)):
                yield word


def _double(network: str, port: Port, other: Port, address: str) -> Case:
    return Case(
        subject=subject.network(network),
        summary=f"{port.label} and {other.label} both have {address} in one network",
        evidence=tuple(
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Switch_Port {each.id} addresses",
                seen=", ".join(each.row.addresses) if each.row else "",
                expected=f"{address} in one of them only",
                command=f"ovn-nbctl lsp-get-addresses {q(each.id)}",
            )
            for each in (port, other)
        ),
        steps=(),
        victims=frozenset({subject.port(port.id), subject.port(other.id)}),
        note=f"One of the two ports has to go or to change: {port.id} or {other.id}. Which one is "
        "for its owner to say.",
    )


FAULTS = (
    Fault(
        id="nb-addresses-drift",
        stage=Stage.NORTHBOUND,
        title="The port's addresses in Northbound are not its own",
        what="`addresses` of the Logical_Switch_Port is empty, or lacks the MAC and IP that the "
        "port's owner gave it: a hand edit, or an update that failed half-way.",
        shows="With other addresses nobody reaches the VM, since OVN answers ARP from that column; "
        "with none there is no DHCP either. Port_Binding.up stays true.",
        decisive="The column, held against the owner's port.",
        remedy="A no-op update of the port by its owner writes the column again.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), addresses", "ovn: northd ls_in_arp_rsp"),
        unlike={"portsec-mac-mismatch": "there the row is right and the guest is not"},
        find=_drifted,
    ),
    Fault(
        id="port-admin-down",
        stage=Stage.NORTHBOUND,
        title="The port is administratively down",
        what="Somebody set admin_state_up to False; Neutron writes that as `enabled=false`.",
        shows="No traffic at all, while Port_Binding.chassis and `up` stay as they were.",
        decisive="Logical_Switch_Port.enabled is false. Somebody ordered it, so an audit does not list "
        "it.",
        remedy="Enable the port.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), enabled", "neutron: ovsdb_monitor.py"),
        unlike={"vif-tap-down": "there the device is down and the port enabled"},
        find=_disabled,
        intended=True,
    ),
    Fault(
        id="nb-duplicate-address",
        stage=Stage.NORTHBOUND,
        title="Two ports of one network have the same address",
        what="Two Logical_Switch_Ports of one switch list the same MAC or IP. ovn-nbctl refuses that; "
        "a client that writes the column directly is not checked.",
        shows="Now one VM answers, now the other. Nothing is logged.",
        decisive="The same address in `addresses` of two ports of one switch.",
        remedy="Change or remove one of the two; their owner knows which.",
        risk=Risk.DISRUPTIVE,
        references=("ovn-nb(5), addresses",),
        unlike={"nb-orphan-lsp": "there one of the two is unknown to the owner"},
        find=_duplicate,
        spares_others=True,
        unprovoked="the lab's Neutron, as the real one, gives no address of a network twice.",
    ),
)
