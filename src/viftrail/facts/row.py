"""What every OVSDB row has in common, whichever database it is from."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of one OVSDB table: only the columns that a diagnosis reads.

    A field whose column the server's schema does not have keeps its default,
    so an older OVN is read with the same types.
    """

    table: ClassVar[str] = ""
    references: ClassVar[frozenset[str]] = frozenset({"uuid"})
    """Fields that hold rows of other tables, by UUID."""

    uuid: str = ""
