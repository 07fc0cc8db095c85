"""Clouds that were never recorded: the healthy recording with something changed.

Every function returns new facts. What is changed keeps the shape that a real
OVN gave it, so a test states only what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec

from tests.recordings import HEALTHY, facts_of, port_of
from viftrail.facts import northbound
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import (
    GatewayChassis,
    HAChassis,
    HAChassisGroup,
    LogicalRouterPort,
)
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.stored import StoredSource
from viftrail.facts.table import Table
from viftrail.verdict import Verdict
from viftrail.why import why

R = TypeVar("R", bound=Row)
TIME = "2026-01-01T00:00:00+00:00"
MOMENT = datetime.fromisoformat(TIME).timestamp() - 600
"""Ten minutes before the facts were taken: what logs tell of that time counts."""


def healthy() -> Facts:
    return facts_of(HEALTHY)


def vm(facts: Facts, server: str = "vm1") -> str:
    return port_of(facts, server)


def ask(facts: Facts, target: str = "vm1") -> Verdict:
    """The verdict as `why --bundle` gives it."""
    return why(StoredSource(facts, TIME), target)


def accused(verdict: Verdict) -> set[str]:
    return {cause.id for cause in verdict.causes}


def stage(verdict: Verdict, number: str) -> str:
    """The state of one stage, in words."""
    return next(f.state.value for f in verdict.stages if f.id == number)


def neutron_only(facts: Facts) -> Facts:
    """A Neutron cloud seen without OpenStack credentials: nobody says what the owner wants."""
    return replace(facts, owner=Owner(kind="ovn"))


def edit(facts: Facts, row_type: type[R], change: Callable[[R], R | Iterable[R] | None]) -> Facts:
    """Each row of a table replaced by what ``change`` makes of it; None takes it away."""
    in_nb = row_type in northbound.TABLES
    database = facts.nb if in_nb else facts.sb
    rows: list[R] = []
    for row in database[row_type]:
        made = change(row)
        rows += [made] if isinstance(made, Row) else list(made or ())
    tables: dict[type[Row], Table[Row]] = {known: database[known] for known in database}
    tables[row_type] = cast("Table[Row]", Table(rows, complete=database[row_type].complete))
    return replace(facts, nb=Database(tables)) if in_nb else replace(facts, sb=Database(tables))


def add(facts: Facts, *rows: Row) -> Facts:
    """With further rows."""
    for row in rows:
        database = facts.nb if type(row) in northbound.TABLES else facts.sb
        known: Table[Row] = database[type(row)]
        tables: dict[type[Row], Table[Row]] = {other: database[other] for other in database}
        tables[type(row)] = Table([*known, row], complete=known.complete)
        made = Database(tables)
        facts = replace(facts, nb=made) if database is facts.nb else replace(facts, sb=made)
    return facts


def change_port(facts: Facts, server: str = "vm1", **columns: Any) -> Facts:
    """The Logical_Switch_Port of a VM with other columns."""
    port_id = vm(facts, server)
    return edit(
        facts,
        northbound.LogicalSwitchPort,
        lambda row: msgspec.structs.replace(row, **columns) if row.name == port_id else row,
    )


def on_host(facts: Facts, name: str, **fields: Any) -> Facts:
    """One host's probe with other fields."""
    host = msgspec.structs.replace(facts.hosts[name], **fields)
    return replace(facts, hosts={**facts.hosts, name: host})


def wire_map(values: Mapping[str, str]) -> list[object]:
    return ["map", [[key, value] for key, value in values.items()]]


def conf(
    facts: Facts, host_name: str, table: str, keys: Mapping[str, object], /, **columns: object
) -> Facts:
    """Rows of a host's conf.db that have these values, with other columns, in wire form."""
    host: Host = facts.hosts[host_name]
    rows = [
        {**row, **columns} if all(row.get(key) == value for key, value in keys.items()) else row
        for row in host.vswitch[table]
    ]
    return on_host(facts, host_name, vswitch={**host.vswitch, table: rows})


def settings(facts: Facts, name: str, **changes: str | None) -> Facts:
    """Open_vSwitch.external_ids of a host; underscores stand for hyphens, None removes."""
    known = dict(facts.hosts[name].settings)
    for key, value in changes.items():
        known.pop(key.replace("_", "-"), None)
        if value is not None:
            known[key.replace("_", "-")] = value
    return conf(facts, name, "Open_vSwitch", {}, external_ids=wire_map(known))


def without(facts: Facts, *parts: str) -> Facts:
    """Without these hosts and databases, as if nobody had looked there."""
    return replace(
        facts,
        hosts={name: host for name, host in facts.hosts.items() if name not in parts},
        nb=Database() if NORTHBOUND in parts else facts.nb,
        sb=Database() if SOUTHBOUND in parts else facts.sb,
    )


def grouped(facts: Facts, priority: int = 0) -> Facts:
    """Gateways scheduled by an HA_Chassis_Group, as Neutron 29 does; 0 keeps their priorities."""
    rows = [
        HAChassis(uuid=row.uuid, chassis_name=row.chassis_name, priority=priority or row.priority)
        for row in facts.nb[GatewayChassis]
    ]
    group = HAChassisGroup(uuid="g", name="router1", ha_chassis=tuple(row.uuid for row in rows))
    return edit(
        add(facts, group, *rows),
        LogicalRouterPort,
        lambda row: (
            msgspec.structs.replace(row, gateway_chassis=(), ha_chassis_group="g")
            if row.gateway_chassis
            else row
        ),
    )
