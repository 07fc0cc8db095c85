"""One database out of what there is of it: files, ends of files, lists and overviews in text.

A whole file is all that is needed. Without one each table is taken from a list that is whole, and
else put together of all that names its rows; it is then not complete, so that a row which is not
there proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from viftrail.facts.database import Database
from viftrail.facts.facts import Gap
from viftrail.facts.row import Row
from viftrail.facts.southbound import NEVER_WHOLE
from viftrail.facts.table import Table

Rows = Mapping[type[Row], Sequence[Row]]


@dataclass(frozen=True)
class Copy:
    """Rows of a database, from one file."""

    source: str
    rows: Rows = field(repr=False)
    whole: frozenset[type[Row]] = frozenset()
    """Tables of which it has every row."""
    changed: float = 0.0
    """When the last of its rows was written, or the file itself; seconds since 1970."""
    journal: bool = False
    """It is an OVSDB file that was read to its end, so it is all of one moment."""


@dataclass(frozen=True)
class Patchwork:
    """A database, and what is not known of it."""

    database: Database
    gaps: tuple[Gap, ...]
    changed: float


def patch(
    name: str,
    tables: Sequence[type[Row]],
    copies: Sequence[Copy],
    *,
    unreadable: Sequence[str] = (),
) -> Patchwork:
    """The database of this name, out of all copies.

    Where there is none of it, it may be in what was there and could not be read.
    """
    files = [copy for copy in copies if copy.journal]
    if files:
        latest = max(files, key=lambda copy: copy.changed)
        rows = {row: Table(latest.rows.get(row, ()), complete=True) for row in tables}
        return Patchwork(Database(rows), (), latest.changed)
    if not copies:
        return Patchwork(Database(), (_absent(name, unreadable),), 0.0)
    # The later, and the more it has, the better; what is in it stays.
    ordered = sorted(copies, key=lambda copy: (len(copy.whole), copy.changed))
    found: dict[type[Row], Table[Row]] = {}
    for row in tables:
        lists = [copy for copy in ordered if row in copy.whole]
        several = lists[-1:] or [copy for copy in ordered if row in copy.rows]
        known = {each.uuid: each for copy in several for each in copy.rows.get(row, ())}
        found[row] = Table(known.values(), complete=bool(lists))
    gap = _gap(name, tables, found, copies)
    return Patchwork(Database(found), (gap,) if gap else (), ordered[-1].changed)


def _absent(name: str, unreadable: Sequence[str]) -> Gap:
    file = "ovnnb_db.db" if name == "OVN_Northbound" else "ovnsb_db.db"
    why = f"No file of {name} is among what was saved"
    if not unreadable:
        return Gap(name, f"{why}.", f"Add it (/var/lib/ovn/{file}).")
    hidden = f", as far as it may be read: {_some(unreadable)}"
    return Gap(
        name, f"{why}{hidden}.", "Look as the owner of these files, or as root; else add it."
    )


def _gap(
    name: str,
    tables: Iterable[type[Row]],
    found: Mapping[type[Row], Table[Row]],
    copies: Sequence[Copy],
) -> Gap | None:
    wanted = [row for row in tables if row not in NEVER_WHOLE]
    absent = [row.table for row in wanted if not found[row].complete and not found[row].rows]
    partial = [row.table for row in wanted if not found[row].complete and found[row].rows]
    if not absent and not partial:
        return None
    parts = [f"There is no whole file of it, only {_some([copy.source for copy in copies])}."]
    if partial:
        parts.append(f"Some rows are known of {', '.join(partial)}: others may be missing.")
    if absent:
        parts.append(f"Nothing is known of {', '.join(absent)}.")
    program = "ovn-nbctl" if name == "OVN_Northbound" else "ovn-sbctl"
    return Gap(
        name,
        " ".join(parts),
        f"Add the file itself, or `{program} list TABLE` of these.",
    )


def _some(sources: Sequence[str]) -> str:
    shown = list(dict.fromkeys(sources))
    more = len(shown) - 3
    return ", ".join(shown[:3]) + (f" and {more} more" if more > 0 else "")
