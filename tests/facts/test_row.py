"""Row types name real tables and columns, and read what an older OVN leaves out."""

from __future__ import annotations

import typing

import pytest

from tests.cloud import healthy
from viftrail.facts import northbound, southbound, vswitch
from viftrail.facts.ovsdb.values import columns_of, decode_rows
from viftrail.facts.row import Row

TYPES: tuple[type[Row], ...] = (*northbound.TABLES, *southbound.TABLES, *vswitch.TABLES)

each = pytest.mark.parametrize("row", TYPES, ids=lambda row: row.table)


@each
def test_a_row_type_is_whole(row: type[Row]) -> None:
    assert row.table
    assert row.__doc__
    assert row().uuid == "", "every column has a default, for a schema that lacks it"
    hints = typing.get_type_hints(row)
    assert row.references <= set(hints)


@each
def test_a_row_without_any_other_column_is_read(row: type[Row]) -> None:
    uuid = "00000000-0000-4000-8000-000000000001"
    (found,) = decode_rows(row, [{"_uuid": ["uuid", uuid]}])
    assert found == row(uuid=uuid)


@each
def test_its_columns_are_asked_for_by_name(row: type[Row]) -> None:
    assert "_uuid" in columns_of(row)
    assert "uuid" not in columns_of(row)


def test_a_chassis_that_names_no_transport_zone_is_in_the_default_one() -> None:
    assert southbound.Chassis().zones == {southbound.DEFAULT_ZONE}
    assert southbound.Chassis(transport_zones=("b", "a")).zones == {"a", "b"}


def test_a_map_that_is_empty_is_not_one_that_nobody_asked_for() -> None:
    leg = northbound.LogicalRouterPort
    asked = {"_uuid": ["uuid", "00000000-0000-4000-8000-000000000001"]}
    (unknown,) = decode_rows(leg, [asked])
    (empty,) = decode_rows(leg, [{**asked, "ipv6_ra_configs": ["map", []]}])
    assert (unknown.ipv6_ra_configs, empty.ipv6_ra_configs) == (None, {})


def test_tables_are_named_once() -> None:
    for tables in (northbound.TABLES, southbound.TABLES, vswitch.TABLES):
        names = [row.table for row in tables]
        assert len(names) == len(set(names))


def test_every_kind_of_row_that_the_lab_has_was_recorded() -> None:
    facts = healthy()
    empty = {row.table for row in facts.nb if not facts.nb[row].rows}
    assert empty <= {"HA_Chassis_Group", "HA_Chassis"}
    assert not {row.table for row in facts.sb if not facts.sb[row].rows}
