"""Rows that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from viftrail.facts.change import Change
from viftrail.facts.facts import Facts
from viftrail.facts.names import Names
from viftrail.facts.number import number
from viftrail.facts.vswitch import Interface
from viftrail.history.event import Event

_TOLD = (
    "up", "enabled", "chassis", "requested_chassis", "type", "ofport", "error", "external_ip",
    "logical_ip", "external_mac", "admin_state", "link_state", "virtual_parent",
    "options:requested-chassis", "external_ids:iface-id", "external_ids:ovn-installed",
    "external_ids:neutron:port_fip", "addresses", "dhcpv4_options",
)  # fmt: skip
"""Columns that say how far a port has come. The others change along with them."""

_WHAT = {"insert": "made", "delete": "deleted"}
_LONG = 60
_NEVER = 10**14
"""Milliseconds since 1970 that are beyond any calendar's."""


def changed(changes: Iterable[Change]) -> Iterator[Event]:
    """The changes that say something."""
    for change in changes:
        values = " ".join(
            f"{_short(column)}={_shown(change.columns[column])}"
            for column in _TOLD
            if column in change.columns
            and (change.what != "insert" or change.columns[column] not in ("", "false"))
        )
        if not values and change.what == "modify":
            continue
        writer = change.comment.partition("\n")[0].partition(":")[0]
        place = f"{change.database} of {change.host}" if change.host else change.database
        yield Event(
            change.time,
            "row",
            place,
            " ".join(
                filter(
                    None,
                    (
                        change.table,
                        change.name,
                        _WHAT.get(change.what, ""),
                        values,
                        f"(by {writer})" if writer else "",
                    ),
                )
            ),
            source=change.source,
        )


def installed(facts: Facts, names: Names) -> Iterator[Event]:
    """When ovn-controller had the flows of the port in place, as the Interface itself says."""
    for host_name, host in facts.hosts.items():
        for row in host.conf[Interface]:
            stamp = number(row.external_ids.get("ovn-installed-ts", ""))
            if row.external_ids.get("iface-id", "") in names.ports and stamp and stamp < _NEVER:
                yield Event(
                    stamp / 1000,
                    "row",
                    f"Open_vSwitch of {host_name}",
                    f"Interface {row.name} ovn-installed (its flows are in the bridge)",
                )


def _short(column: str) -> str:
    return column.removeprefix("external_ids:").removeprefix("options:")


def _shown(value: str) -> str:
    shown = value if len(value) <= _LONG else value[: _LONG - 3] + "..."
    return f'"{shown}"' if " " in shown or not shown else shown
