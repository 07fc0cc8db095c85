"""The hosts of what was saved: from their conf.db, and from all else that a sosreport has of them.

A host is told by its conf.db, whose system-id is the name of its Chassis; a report without one by
its hostname. ``ovs-vsctl list`` prints what a file does not have: the columns that Open vSwitch
never stores, such as ``link_state`` (ovs-vswitchd.conf.db(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from viftrail.facts import vswitch
from viftrail.facts.database import Database
from viftrail.facts.host import PROBE_FORMAT, Host
from viftrail.facts.ovsdb.file import StoredDatabase
from viftrail.facts.row import Row
from viftrail.facts.saved import sosreport
from viftrail.facts.saved.kind import Kind
from viftrail.facts.saved.show import Plugs, switch
from viftrail.facts.saved.sosreport import Output, Report
from viftrail.facts.southbound import Chassis, Encap
from viftrail.facts.vswitch import Bridge, Interface, OpenVSwitch, Port

_PATCH = re.compile(r"patch-(.+)-to-(.+)")

Wire = dict[str, list[dict[str, object]]]
Rows = dict[type[Row], dict[str, Row]]


def from_conf(conf: StoredDatabase, sb: Database, taken: float) -> tuple[str, Host] | None:
    """A host of which only its conf.db is known, under the name that its Chassis has."""
    rows = _rows(conf)
    name = _name(rows, sb, "")
    if not name:
        return None
    return name, Host(
        format=PROBE_FORMAT,
        hostname=_settings(rows).get("hostname", "") or name,
        time=taken,
        vswitch=_wire_all(rows),
        conf_only=True,
    )


def from_report(
    report: Report, confs: Sequence[StoredDatabase], sb: Database, taken: float
) -> tuple[str, Host, Mapping[Path, str]]:
    """A host by its sosreport, with the newest conf.db that is in it; and what could not be read."""
    saved = report.outputs()
    conf = max(
        (each for each in confs if not each.torn),
        key=lambda each: each.last_change or 0,
        default=None,
    )
    rows = _overlaid(conf, saved, sb)
    settings = _settings(rows)
    seen = sosreport.look(saved, settings.get("ovn-bridge", "br-int"))
    name = _name(rows, sb, report.name)
    hostname = settings.get("hostname", "") or report.name
    host = sosreport.host_of(seen, hostname, taken, _wire_all(rows))
    # sos takes minutes: what is compared between hosts has a time of its own.
    asked = [each.path.stat().st_mtime for each in saved if each.kind is Kind.CLUSTER]
    made = max(asked, default=report.time)
    return name, msgspec.structs.replace(host, reported=made), seen.failed


def _rows(conf: StoredDatabase) -> Rows:
    return {row: {each.uuid: each for each in conf.rows[row]} for row in vswitch.TABLES}


def _overlaid(conf: StoredDatabase | None, saved: Iterable[Output], sb: Database) -> Rows:
    """The rows of conf.db as ``ovs-vsctl list`` shows them; all by it where there is no file.

    Empty where neither is whole: of a plug that is not known nobody could say that it is missing.
    """
    lists = [
        each
        for output in saved
        if output.kind in (Kind.LISTING, Kind.EMPTY)
        for each in sosreport.listings(output, vswitch.TABLES)
    ]
    if conf is not None:
        rows = _rows(conf)
        for listing in lists:
            known = rows[listing.row]
            known.update({each.uuid: each for each in listing.rows if each.uuid in known})
        return rows
    rows = {each.row: {row.uuid: row for row in each.rows} for each in lists if each.whole}
    overview = next((output for output in saved if output.kind is Kind.SWITCH), None)
    if Port not in rows and overview is not None and not overview.cut and Interface in rows:
        rows = _plugged(rows, switch(overview.text()), sb)
    return rows if len(rows) == len(vswitch.TABLES) else {}


def _plugged(rows: Rows, plugs: Plugs, sb: Database) -> Rows:
    """Bridges and ports as ``ovs-vsctl show`` has them, with the rows that were listed."""
    interfaces = {each.name: each for each in _of(rows, Interface)}
    listed = {each.name: each for each in _of(rows, Bridge)}
    ports: dict[str, Row] = {}
    bridges: dict[str, Row] = {}
    for name, members in plugs.items():
        for port, devices in members.items():
            own = [interfaces[device] for device in devices if device in interfaces]
            ports[f"port {port}"] = Port(
                uuid=f"port {port}",
                name=port,
                interfaces=tuple(each.uuid for each in own),
                external_ids=_made(own, sb),
            )
        bridge = listed.get(name, Bridge(uuid=f"bridge {name}", name=name))
        bridges[bridge.uuid] = msgspec.structs.replace(
            bridge, ports=tuple(f"port {port}" for port in members)
        )
    return {**rows, Bridge: bridges, Port: ports}


def _made(interfaces: Sequence[Interface], sb: Database) -> dict[str, str]:
    """What ovn-controller writes to the ports that it makes, told by their names.

    A tunnel is ``ovn-`` and the beginning of the chassis (controller/encaps.c), a patch port
    ``patch-FROM-to-TO``, where one of both is a localnet port's name (controller/patch.c).
    """
    for each in interfaces:
        if each.type == "patch" and (patch := _PATCH.fullmatch(each.name)):
            return {"ovn-localnet-port": patch[2] if patch[1].startswith("br-") else patch[1]}
        address = each.options.get("remote_ip", "")
        ends = {row.chassis_name for row in sb[Encap].find("ip", address)} if address else set()
        if each.name.startswith("ovn-") and len(ends) == 1:
            return {"ovn-chassis-id": f"{ends.pop()}@{address}"}
    return {}


def _of(rows: Rows, row: type[Any]) -> list[Any]:
    return list(rows.get(row, {}).values())


def _settings(rows: Rows) -> Mapping[str, str]:
    own: list[OpenVSwitch] = _of(rows, OpenVSwitch)
    return own[0].external_ids if own else {}


def _name(rows: Rows, sb: Database, report: str) -> str:
    settings = _settings(rows)
    chassis = sb[Chassis].one("name", settings.get("system-id", ""))
    if chassis and chassis.hostname:
        return chassis.hostname
    name = settings.get("hostname", "") or report or settings.get("system-id", "")
    # One of both may be the full name and the other the short one.
    called = {each.hostname for each in sb[Chassis]}
    same = [each for each in called if each.split(".")[0] == name.split(".")[0]]
    short = name.split(".")[0] in (name, *same)
    return same[0] if name not in called and len(same) == 1 and short else name


def _wire_all(rows: Rows) -> Wire:
    return {row.table: [_wire(each) for each in known.values()] for row, known in rows.items()}


def _wire(row: Row) -> dict[str, object]:
    """A row as a probe hands it on (RFC 7047 section 5.1)."""
    return {
        "_uuid" if name == "uuid" else name: _wire_value(getattr(row, name), name in row.references)
        for name in row.__struct_fields__
    }


def _wire_value(value: Any, reference: bool) -> object:
    if isinstance(value, dict):
        return ["map", [[key, each] for key, each in value.items()]]
    if isinstance(value, tuple):
        return ["set", [_wire_value(each, reference) for each in value]]
    if value is None:
        return ["set", []]
    return ["uuid", value] if reference else value
