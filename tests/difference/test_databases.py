"""Rows by lasting names: what a rebuild of a database changes is no change."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import msgspec
import pytest

from tests.cloud import healthy
from viftrail.difference import databases
from viftrail.difference.compare import compare
from viftrail.difference.picture import Picture
from viftrail.facts.database import Database
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import ACL, LogicalRouter, LogicalSwitchPort, NBGlobal
from viftrail.facts.row import Row
from viftrail.facts.table import Table


def drawn(facts: Facts) -> Picture:
    picture = Picture()
    databases.draw(picture, facts, {})
    return picture


def changed(facts: Facts) -> list[tuple[str, str, str]]:
    return [(c.stage, c.kind, c.trait) for c in compare(drawn(healthy()), drawn(facts))]


def with_rows(row: type[Row], **values: object) -> Facts:
    """The healthy lab with one column of the first row of a table changed."""
    table = healthy().nb[row]
    rows = [msgspec.structs.replace(table.rows[0], **values), *table.rows[1:]]
    tables = {each: healthy().nb[each] for each in healthy().nb}
    tables[row] = Table(rows, complete=True)
    return replace(healthy(), nb=Database(tables))


def restored() -> Facts:
    """As after ovsdb-tool made the databases anew: every row has another UUID."""
    text = {}
    sides = []
    for database in (healthy().nb, healthy().sb):
        tables: dict[type[Row], Table[Row]] = {}
        for row in database:
            for each in database[row]:
                text[each.uuid] = str(uuid4())
        sides.append((database, tables))
    for database, tables in sides:
        for row in database:
            content = msgspec.json.encode(list(database[row])).decode()
            for old, new in text.items():
                content = content.replace(old, new)
            tables[row] = Table(
                msgspec.json.decode(content, type=list[row]),  # type: ignore[valid-type]
                complete=True,
            )
    return replace(healthy(), nb=Database(sides[0][1]), sb=Database(sides[1][1]))


def test_other_uuids_are_no_change() -> None:
    assert changed(restored()) == []


def test_counters_and_revisions_are_no_change() -> None:
    assert changed(with_rows(NBGlobal, nb_cfg=0, hv_cfg=7)) == []
    ids = {**healthy().nb[LogicalSwitchPort].rows[0].external_ids, "neutron:revision_number": "99"}
    assert changed(with_rows(LogicalSwitchPort, external_ids=ids)) == []


@pytest.mark.parametrize(
    ("row", "values", "told"),
    [
        (LogicalRouter, {"enabled": False}, ("S11", "router", "enabled")),
        (LogicalRouter, {"static_routes": ()}, ("S11", "router", "routes")),
        (LogicalRouter, {"nat": ()}, ("S13", "router", "floating IPs")),
        (ACL, {"action": "drop"}, ("S9", "security group", "rules")),
        (LogicalSwitchPort, {"port_security": ("x",)}, ("S9", "port", "port_security")),
    ],
)
def test_a_change_is_told_at_the_stage_that_feels_it(
    row: type[Row], values: dict[str, object], told: tuple[str, str, str]
) -> None:
    assert told in changed(with_rows(row, **values))
