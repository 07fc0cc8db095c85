"""A table that nobody read is there, empty, and knows nothing."""

from __future__ import annotations

from viftrail.facts.database import Database
from viftrail.facts.northbound import NAT, NBGlobal
from viftrail.facts.table import Table


def test_a_table_that_was_not_read_is_not_an_empty_one() -> None:
    database = Database({NBGlobal: Table([NBGlobal(uuid="1")], complete=True)})
    assert list(database) == [NBGlobal]
    assert database[NBGlobal].one("uuid", "1") is not None
    assert len(database[NAT]) == 0
    assert not database[NAT].absent("external_ip", "203.0.113.1")
