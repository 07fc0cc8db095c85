"""A tenant's rows on their way into the databases; the place where faults are planted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viftrail.facts.owner import OwnedFloatingIp, OwnedPort
    from viftrail.lab.ovsdb import Json, Row
    from viftrail.lab.synth.plan import Ids, Tenancy

Tables = dict[str, dict[str, "Row"]]
"""Rows of a database, by table and uuid."""


class Draft:
    """What one tenant puts into the databases.

    Attributes:
        rows: its Northbound rows.
        outside: uuids of its ports in the provider's switch.
        secured: uuids of its ports in ``neutron_pg_drop``.
        owned: its ports as Neutron wants them, by id.
        floating_ips: its floating IPs as Neutron wants them, by address.
        claims: by logical port the ``Chassis.name`` that claims it.
        unbound: logical ports that Southbound shall have lost.
    """

    def __init__(self, tenancy: Tenancy, ids: Ids) -> None:
        self.tenancy = tenancy
        self.ids = ids
        self.rows: Tables = defaultdict(dict)
        self.outside: list[str] = []
        self.secured: list[str] = []
        self.owned: dict[str, OwnedPort] = {}
        self.floating_ips: dict[str, OwnedFloatingIp] = {}
        self.claims: dict[str, str] = {}
        self.unbound: set[str] = set()

    def add(self, table: str, row: Row, uuid: str = "") -> Json:
        """Adds a row; gives back a reference to it."""
        uuid = uuid or self.ids.uuid()
        self.rows[table][uuid] = row
        return ["uuid", uuid]

    def named(self, table: str, name: str) -> tuple[str, Row]:
        """The uuid and the row of that name."""
        return next(item for item in self.rows[table].items() if item[1]["name"] == name)

    def unlink(self, table: str, column: str, uuid: str) -> None:
        """Takes a row out of the sets that hold it."""
        for row in self.rows[table].values():
            held = row[column][1]
            if ["uuid", uuid] in held:
                held.remove(["uuid", uuid])


def pairs(row: Row, column: str) -> dict[str, str]:
    """A map column of a row."""
    return dict(row.get(column, ["map", []])[1])


def items(row: Row, column: str) -> list[Json]:
    """A set column of a row."""
    value = row.get(column, ["set", []])
    if isinstance(value, list) and value[0] == "set":
        content: list[Json] = value[1]
        return content
    return [value]


def references(row: Row, column: str) -> list[str]:
    """The uuids of the rows that a column holds."""
    return [reference[1] for reference in items(row, column)]
