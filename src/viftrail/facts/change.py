"""A row of a database that changed, and when."""

from __future__ import annotations

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One row of one transaction, as the database's own file has it (ovsdb(5), ``_date``)."""

    time: float
    """When the transaction was committed: seconds since 1970, by the server's clock."""
    database: str
    """``OVN_Northbound``, ``OVN_Southbound`` or ``Open_vSwitch``."""
    table: str
    uuid: str
    name: str = ""
    """What people know the row by: its name, or logical_port."""
    what: str
    """``insert``, ``modify`` or ``delete``."""
    columns: dict[str, str] = {}
    """The new value of each column that changed; of a map, of each pair (``column:key``)."""
    host: str = ""
    """Whose conf.db it is; empty for Northbound and Southbound."""
    comment: str = ""
    """What the writer said it was doing: its own name, most often."""
    source: str = ""
    """FILE@OFFSET of the transaction's record."""
