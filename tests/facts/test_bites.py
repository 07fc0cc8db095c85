"""Reading whole tables in small bites: the same rows, and a server that is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.synthetic import PORTS, Served
from viftrail.audit import audit
from viftrail.facts import bites, northbound, southbound
from viftrail.facts.bites import AIM, REST, Bites, fitting
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import DHCPOptions, LogicalSwitch, LogicalSwitchPort
from viftrail.facts.ovsdb.client import Client, Select
from viftrail.facts.southbound import PortBinding


def everything(served: Served, *, gentle: bool) -> Facts:
    source = served.source()
    try:
        return source.everything(gentle=gentle)
    finally:
        source.close()


def rows(facts: Facts) -> dict[str, list[Any]]:
    return {
        row_type.table: list(database[row_type])
        for database in (facts.nb, facts.sb)
        for row_type in database
    }


def test_bites_make_up_the_whole(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bites, "REST", 0.0)
    gentle, plain = everything(served, gentle=True), everything(served, gentle=False)
    assert rows(gentle) == rows(plain)
    assert len(gentle.nb[LogicalSwitchPort]) > PORTS
    assert audit(gentle).groups == audit(plain).groups


class Noting:
    """A client that notes what it is asked for."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.asked: list[Sequence[Select[Any]]] = []

    def select(self, selects: Sequence[Select[Any]], *, timeout: float) -> list[list[Any]]:
        self.asked.append(selects)
        return self._client.select(selects, timeout=timeout)


def noting(served: Served, database: str) -> tuple[Noting, Bites, list[float]]:
    source = served.source()
    client = Noting(source.client(database))
    rests: list[float] = []
    return client, Bites(client, timeout=20, sleep=rests.append), rests  # type: ignore[arg-type]


def test_after_each_bite_the_server_is_left_alone(served: Served) -> None:
    client, reader, rests = noting(served, "OVN_Northbound")
    reader.read(LogicalSwitch)
    found = reader.read(LogicalSwitchPort)
    assert len(found) > PORTS
    assert len(rests) == len(client.asked) >= 3
    assert all(rest > 0 for rest in rests)


def test_no_question_is_for_a_whole_table_but_for_its_uuids(served: Served) -> None:
    for database, row_types in (
        ("OVN_Northbound", northbound.TABLES),
        ("OVN_Southbound", southbound.TABLES),
    ):
        client, reader, _ = noting(served, database)
        for row_type in row_types:
            reader.read(row_type)
        asked = [select for selects in client.asked for select in selects]
        for select in asked:
            assert select.where or select.columns == ("_uuid",)
        whole = {select.row for select in asked if not select.where}
        assert not whole & {LogicalSwitchPort, PortBinding}, "the two that are large"
        assert DHCPOptions in whole or database == "OVN_Southbound"


@given(st.integers(1, 5000), st.floats(0, 100))
def test_the_next_bite_fits_better_and_never_jumps(size: int, took: float) -> None:
    following = fitting(size, took)
    assert max(1, size // 2) <= following <= 2 * size
    if took > AIM:
        assert following <= size
    if took < AIM / 2:
        assert following >= size


def test_a_quarter_of_the_servers_time_at_most() -> None:
    assert 1 / (1 + REST) <= 0.25
