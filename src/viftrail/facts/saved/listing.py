"""What ``ovn-nbctl list TABLE`` and its like print, as typed rows.

Sources: ovs-vsctl(8) and ovn-nbctl(8), "Database Commands"; ovsdb-client(1), ``-f list dump``. All
columns of a table are printed, with the values of ovsdb/ovsdb-data.c: a string that is no
identifier stands in quotes as in JSON, a set in brackets, a map in braces. Which table it is
shows in the columns, as no two have the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from viftrail.errors import ProtocolError
from viftrail.facts import northbound, southbound, vswitch
from viftrail.facts.ovsdb.shape import Annotation
from viftrail.facts.ovsdb.values import decode_rows, plan
from viftrail.facts.row import Row

TABLES = (*northbound.TABLES, *southbound.TABLES, *vswitch.TABLES)

_TELLING: dict[type[Row], tuple[str, str]] = {
    northbound.NBGlobal: ("nb_cfg sb_cfg hv_cfg", ""),
    northbound.LogicalSwitch: ("ports qos_rules", ""),
    northbound.LogicalSwitchPort: ("addresses port_security", ""),
    northbound.DHCPOptions: ("cidr options", ""),
    northbound.PortGroup: ("acls ports name", "qos_rules"),
    northbound.ACL: ("match direction severity", ""),
    northbound.LogicalRouter: ("nat static_routes", ""),
    northbound.LogicalRouterPort: ("networks gateway_chassis", ""),
    northbound.GatewayChassis: ("chassis_name priority name", ""),
    northbound.HAChassisGroup: ("ha_chassis name", "ref_chassis"),
    northbound.HAChassis: ("chassis_name priority", "name"),
    northbound.NAT: ("external_ip logical_ip", ""),
    northbound.StaticRoute: ("ip_prefix nexthop", ""),
    southbound.SBGlobal: ("nb_cfg connections", "sb_cfg"),
    southbound.PortBinding: ("logical_port tunnel_key nat_addresses", ""),
    southbound.Chassis: ("hostname encaps", ""),
    southbound.ChassisPrivate: ("chassis nb_cfg_timestamp", ""),
    southbound.Encap: ("chassis_name ip type", ""),
    southbound.MACBinding: ("logical_port ip mac datapath", "override_dynamic_mac"),
    vswitch.OpenVSwitch: ("ovs_version bridges", ""),
    vswitch.Bridge: ("datapath_type flood_vlans", ""),
    vswitch.Port: ("interfaces bond_mode", ""),
    vswitch.Interface: ("ofport mac_in_use", ""),
}
"""Columns that a table has, and those that it has not, by which it is known."""

_COLUMN = re.compile(r"([a-z_]\w*) *: ?(.*)")
_TITLE = re.compile(r"([A-Z]\w+) table")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,=\]}]+')


@dataclass(frozen=True)
class Listing:
    """The rows of one table, or those that were left of them."""

    row: type[Row]
    rows: tuple[Row, ...]
    whole: bool
    """From the first record to the last."""


def table_named(command: str) -> type[Row] | None:
    """The table that a command lists, by how sos calls its output: ``ovn-nbctl_list_NAT``."""
    found = re.search(r"(nbctl|sbctl|vsctl)\w*[-\w. ]*?[ _]list[ _](\w+)$", command)
    tables = {"nbctl": northbound.TABLES, "sbctl": southbound.TABLES, "vsctl": vswitch.TABLES}
    if not found:
        return None
    name = found[2].lower()
    return next((row for row in tables[found[1]] if row.table.lower() == name), None)


def read_listing(text: str) -> list[Listing]:
    """Every table of the text that is known; of a ``dump`` there are several.

    Rows whose columns were cut off at either end are left out, and the table is not whole then.
    """
    found: list[Listing] = []
    for title, records, headless in _sections(text):
        if not records:
            row = next((each for each in vswitch.TABLES if each.table == title), None)
            if row:
                found.append(Listing(row, (), whole=True))
            continue
        columns = frozenset().union(*records)
        row = table_of(columns)
        if row is not None:
            wanted = {field.column for field in plan(row).fields} & columns
            rows = [record for record in records if record.keys() >= wanted]
            whole = not headless and len(rows) == len(records) and records[-1].keys() == columns
            typed, broken = _typed(row, rows)
            found.append(Listing(row, typed, whole=whole and not broken))
    return found


def table_of(columns: frozenset[str]) -> type[Row] | None:
    """The table that has these columns, if it is one that is read."""
    for row, (with_, without) in _TELLING.items():
        if columns >= set(with_.split()) and not columns & set(without.split()):
            return row
    return None


def _sections(text: str) -> Iterator[tuple[str, list[dict[str, str]], bool]]:
    """Title, records, and whether the first record has no beginning."""
    title, records, headless = "", list[dict[str, str]](), False
    for line in text.splitlines():
        if named := _TITLE.fullmatch(line):
            if records or title:
                yield title, records, headless
            title, records, headless = named[1], [], False
        elif line.strip():
            column = _COLUMN.fullmatch(line)
            if not column:
                headless = headless or not records
            elif column[1] == "_uuid":
                records.append({"_uuid": column[2]})
            elif records:
                records[-1][column[1]] = column[2]
            else:
                headless = True
    if records or title:
        yield title, records, headless


def _typed(row: type[Row], records: list[dict[str, str]]) -> tuple[tuple[Row, ...], bool]:
    """The rows, and whether one of them could not be read."""
    fields = plan(row).fields
    made: list[Row] = []
    broken = False
    for record in records:
        try:
            wire = {
                field.column: value_of(record[field.column], field.annotation)
                for field in fields
                if field.column in record
            }
            made += decode_rows(row, [wire])
        except (ValueError, ProtocolError):
            broken = True
    return tuple(made), broken


def value_of(text: str, annotation: Annotation) -> Any:
    """A column's printed value as it is on the wire (RFC 7047 section 5.1).

    Raises:
        ValueError: it is none of this kind.
    """
    text = text.strip()
    if annotation.value is not None:
        inner = _within(text, "{}")
        tokens = _TOKEN.findall(inner)
        if len(tokens) % 2 or inner.count("=") < len(tokens) // 2:
            raise ValueError(text)
        pairs = zip(tokens[::2], tokens[1::2], strict=True)
        return [
            "map",
            [[_atom(key, annotation.key), _atom(each, annotation.value)] for key, each in pairs],
        ]
    if text.startswith("["):
        return [
            "set",
            [_atom(each, annotation.key) for each in _TOKEN.findall(_within(text, "[]"))],
        ]
    return _atom(text, annotation.key)


def _within(text: str, ends: str) -> str:
    if len(text) < 2 or text[0] != ends[0] or text[-1] != ends[1]:
        raise ValueError(text)
    return text[1:-1]


def _atom(text: str, kind: Any) -> Any:
    if text.startswith('"'):
        text = json.loads(text, strict=False)
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    return text if kind is str else kind(text)
