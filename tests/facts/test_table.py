"""Tables find rows by any column, and know what they do not know."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.table import Table, keys_of

PORTS = (
    LogicalSwitchPort(uuid="1", name="a", addresses=("unknown", "x"), options={"k": "v"}),
    LogicalSwitchPort(uuid="2", name="b", addresses=("unknown",), up=True),
    LogicalSwitchPort(uuid="3", name="b"),
)


def test_rows_are_found_by_scalar_member_and_pair() -> None:
    table = Table(PORTS)
    assert [row.uuid for row in table.find("name", "b")] == ["2", "3"]
    assert [row.uuid for row in table.find("addresses", "unknown")] == ["1", "2"]
    assert table.one("options", "k=v") == PORTS[0]
    assert table.one("options", "k") is None
    assert table.find("up", "True") == (PORTS[1],)
    assert len(table) == len(list(table)) == 3


def test_an_empty_table_that_nobody_read_proves_nothing() -> None:
    table: Table[LogicalSwitchPort] = Table()
    assert not table.knows("name", "a")
    assert not table.absent("name", "a")


def test_a_complete_table_proves_every_absence() -> None:
    table = Table(PORTS, complete=True)
    assert table.absent("name", "c")
    assert not table.absent("name", "a")


def test_an_answered_question_proves_that_absence_and_no_other() -> None:
    table = Table(PORTS, answered=[("name", "c"), ("name", "a")])
    assert table.absent("name", "c")
    assert not table.absent("name", "a"), "it is there"
    assert not table.absent("name", "d"), "nobody asked"
    assert not table.absent("type", "c"), "another column was asked"


def test_an_unset_column_is_found_under_no_value() -> None:
    assert keys_of(None) == ()
    assert Table(PORTS).find("dhcpv4_options", "None") == ()


names = st.text(alphabet="abc", max_size=2)


@given(st.lists(names), names, st.booleans(), st.lists(st.tuples(st.just("name"), names)))
def test_absence_is_never_proved_of_what_is_there(
    stored: list[str], asked: str, complete: bool, answered: list[tuple[str, str]]
) -> None:
    rows = [LogicalSwitchPort(uuid=str(n), name=name) for n, name in enumerate(stored)]
    table = Table(rows, complete=complete, answered=answered)
    assert [row.name for row in table.find("name", asked)] == [n for n in stored if n == asked]
    if table.absent("name", asked):
        assert asked not in stored
        assert complete or ("name", asked) in answered
