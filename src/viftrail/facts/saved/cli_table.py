"""The tables that ``openstack`` and ``nova-manage`` draw in a terminal, as records."""

from __future__ import annotations

import re

_RULE = re.compile(r"\+[-=]{2,}[-=+]*\+")


def looks_like_table(text: str) -> bool:
    """It begins with the upper rule of such a table."""
    return _RULE.match(text.lstrip()) is not None


def records(text: str) -> list[dict[str, str]]:
    """One record a line of a list; of a ``show``, with its two columns, a single one.

    A cell that goes over several lines is put together again. Several tables in one text are
    read one after the other.
    """
    found: list[dict[str, str]] = []
    heading: list[str] = []
    rows: list[list[str]] = []
    rules = 0
    for line in [*text.splitlines(), ""]:
        cells = _cells(line)
        if _RULE.fullmatch(line.strip()):
            rules += 1
            if rules == 3:
                found += _records(heading, rows)
                heading, rows, rules = [], [], 0
        elif cells and rules == 1 and not heading:
            heading = cells
        elif cells and rules == 2 and len(cells) == len(heading):
            if rows and not cells[0] and any(cells):
                known = zip(rows[-1], cells, strict=True)
                rows[-1] = [f"{old}\n{new}" if new else old for old, new in known]
            else:
                rows.append(cells)
        elif not cells and rules:
            found += _records(heading, rows)  # cut off before its last rule
            heading, rows, rules = [], [], 0
    return found


def _cells(line: str) -> list[str]:
    line = line.strip()
    if len(line) < 2 or line[0] != "|" or line[-1] != "|":
        return []
    return [cell.strip() for cell in re.split(r" \| |\| | \||\|", line[1:-1])]


def _records(heading: list[str], rows: list[list[str]]) -> list[dict[str, str]]:
    if [name.lower() for name in heading] in (["field", "value"], ["property", "value"]):
        return [{row[0]: row[1] for row in rows}] if rows else []
    return [dict(zip(heading, row, strict=True)) for row in rows]
