"""What an audit reads, as tables and columns, as far as the installed schemas have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viftrail.facts import northbound, southbound
from viftrail.facts.ovsdb.values import columns_of

SCHEMAS = Path("/usr/share/ovn")


def row_types(which: str) -> tuple[Any, ...]:
    """The rows of ``nb`` or ``sb``."""
    return northbound.TABLES if which == "nb" else southbound.TABLES


def schema(which: str) -> Path:
    """The schema that ovn-common installed."""
    return SCHEMAS / f"ovn-{which}.ovsschema"


def wanted(which: str) -> dict[str, list[str]]:
    """Columns by table."""
    tables = json.loads(schema(which).read_text())["tables"]
    return {
        row.table: [name for name in columns_of(row) if name in tables[row.table]["columns"]]
        for row in row_types(which)
    }


if __name__ == "__main__":
    # For the peers, which run in environments without viftrail.
    print(json.dumps({which: [str(schema(which)), wanted(which)] for which in ("nb", "sb")}))
