"""Wire values to typed rows.

A row type is a frozen ``msgspec.Struct`` whose fields are columns; the
annotation says what the column is turned into:

=====================================  ========================================
annotation                             column
=====================================  ========================================
``str`` ``int`` ``bool`` ``float``     exactly one atom (a uuid becomes a str)
the same ``| None``                    at most one atom
``tuple[str, ...]`` and the like       a set, sorted
``dict[str, str]`` and the like        a map
=====================================  ========================================

The field ``uuid`` is the column ``_uuid``; any other field is the column of
its own name, or of its msgspec ``rename``. A class attribute ``table`` names
the table; without it the class name does.

A `Maker` is made once for a row type and a schema. Each row is then decoded
straight into the few objects that its wanted columns hold, and those go into
the row: one row at a time, so that no table is in memory twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import msgspec

from viftrail.errors import ProtocolError
from viftrail.facts.ovsdb import collector
from viftrail.facts.ovsdb.shape import Annotation, Shape, WrongShapeError, annotation_of

if TYPE_CHECKING:
    from viftrail.facts.ovsdb.schema import ColumnType

RowT = TypeVar("RowT", bound=msgspec.Struct)
_making = threading.Lock()

_UUID_FIELD, _UUID_COLUMN = "uuid", "_uuid"
_REPORT = (
    "Check that the database is of the OVN or OVS version that its server claims; "
    "if it is, please report this."
)
BAD_JSON = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What a decoder raises about JSON that is none, or not of its type."""

WRONG = (msgspec.ValidationError, WrongShapeError, TypeError, AttributeError)
"""What a `Maker` raises about a value that does not fit."""


@dataclass(frozen=True)
class Field:
    """One field of a row type, and the column it is read from."""

    name: str
    column: str
    annotation: Annotation
    required: bool


@dataclass(frozen=True)
class Plan:
    """What rows of one type are made of."""

    table: str
    fields: tuple[Field, ...]

    @property
    def stored(self) -> tuple[Field, ...]:
        """The fields but for ``uuid``."""
        return tuple(field for field in self.fields if field.column != _UUID_COLUMN)


@cache
def plan(row_type: type[msgspec.Struct]) -> Plan:
    """Work out, once a type, what its rows are made of.

    Raises:
        TypeError: a field's annotation is none of those above (a programmer's
            mistake, not an operator's).
    """
    fields: list[Field] = []
    for field in msgspec.structs.fields(row_type):
        annotation = annotation_of(field.type)
        if annotation is None:
            raise TypeError(f"{row_type.__name__}.{field.name} cannot be read from OVSDB")
        is_uuid = field.name == _UUID_FIELD and field.encode_name == _UUID_FIELD
        column = _UUID_COLUMN if is_uuid else field.encode_name
        fields.append(Field(field.name, column, annotation, field.required))
    table = getattr(row_type, "table", None)
    return Plan(table if isinstance(table, str) else row_type.__name__, tuple(fields))


def columns_of(row_type: type[msgspec.Struct]) -> tuple[str, ...]:
    """The columns that rows of this type are made of, in field order."""
    return tuple(field.column for field in plan(row_type).fields)


def table_of(row_type: type[msgspec.Struct]) -> str:
    """The table that rows of this type are in."""
    return plan(row_type).table


def decoder_of(wanted: Any) -> msgspec.json.Decoder[Any]:
    """A decoder that can be made while other threads make theirs.

    msgspec works out what a Struct is made of when it is first asked for, and a thread that meets
    one half worked out by another (`Set` of strings, say) ends the program with SIGSEGV.
    """
    with _making:
        return msgspec.json.Decoder(wanted)


class Maker(Generic[RowT]):
    """Makes rows of one type from columns of known kinds.

    Attributes:
        wire: the Struct type that a row's columns are decoded into.
        shapes: how each field is read.
    """

    def __init__(
        self,
        row_type: type[RowT],
        kinds: Mapping[str, ColumnType | None],
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """Prepare for the fields whose column is among ``kinds``; others keep their default.

        Args:
            row_type: what is made.
            kinds: by column, None where the schema is not known.
            defaults: decoded wire values of the columns that a row may lack.

        Raises:
            ProtocolError: a column is of a kind that does not fit its field,
                or one that a field cannot do without is absent.
        """
        self._plan = plan(row_type)
        fields = [field for field in self._plan.fields if field.column in kinds]
        self.shapes = {
            field.name: _fitting(self._plan, field, kinds[field.column]) for field in fields
        }
        lacking = [f.column for f in self._plan.stored if f.required and f.column not in kinds]
        if lacking:
            _absent(self._plan, lacking)
        wire_fields: list[Any] = [
            (
                field.name,
                self.shapes[field.name].wire,
                msgspec.field(name=field.column, **_default(defaults, field.column)),
            )
            for field in fields
        ]
        self.wire = msgspec.defstruct("Wire", wire_fields, kw_only=True, frozen=True, gc=False)
        self.build: Callable[[str, Any], RowT] = _compile(row_type, self.shapes)
        """From the row's UUID and its decoded columns."""
        self.decode: Callable[[Any], Any] = decoder_of(self.wire).decode
        """From JSON to decoded columns."""

    def rows(self, raws: Iterable[msgspec.Raw]) -> list[RowT]:
        """Rows from JSON objects that hold every column, ``_uuid`` included.

        Raises:
            ProtocolError: a value is of another type than the field, or a
                column is absent.
        """
        decode, build = self.decode, self.build
        made: list[RowT] = []
        for raw in raws:
            try:
                made.append(build("", decode(raw)))
            except WRONG:
                self.blame(msgspec.json.decode(raw))
        return made

    def blame(self, row: object) -> NoReturn:
        """Name the column that was the reason why this row could not be made.

        Raises:
            ProtocolError: always.
        """
        values: Mapping[str, object] = row if isinstance(row, dict) else {}
        for field in self._plan.fields:
            shape = self.shapes.get(field.name)
            if shape is not None and field.column in values:
                try:
                    shape.convert(msgspec.convert(values[field.column], shape.wire))
                except WRONG:
                    _mismatch(self._plan, field.column, values[field.column])
        _absent(
            self._plan,
            [
                field.column
                for field in self._plan.fields
                if field.column not in values and (field.required or field.name in self.shapes)
            ],
        )


def _default(defaults: Mapping[str, object] | None, column: str) -> dict[str, object]:
    return {} if defaults is None or column not in defaults else {"default": defaults[column]}


def _fitting(plan: Plan, field: Field, kind: ColumnType | None) -> Shape:
    shape = field.annotation.shape(kind)
    if shape is None:
        raise ProtocolError(
            f"{plan.table}.{field.column} is declared as {kind}, which is another type "
            "than expected.",
            _REPORT,
        )
    return shape


def _compile(row_type: type[RowT], shapes: Mapping[str, Shape]) -> Callable[[str, Any], RowT]:
    """Write the one expression that makes a row, as dataclasses write ``__init__``.

    The quick way of each column stands in it without a call: that halves the
    time of a bulk read.
    """
    names: dict[str, Any] = {"row_type": row_type}
    arguments = []
    if _UUID_FIELD not in shapes and "uuid" in row_type.__struct_fields__:
        arguments.append("uuid=uuid")
    for number, (name, shape) in enumerate(shapes.items()):
        names[f"convert{number}"] = shape.convert
        value = f"convert{number}(wire.{name})"
        if shape.quick_class is not None:
            names[f"class{number}"] = shape.quick_class
            test = f"(x := wire.{name}).__class__ is class{number}"
            value = f"{shape.quick} if {test} else convert{number}(x)"
        arguments.append(f"{name}={value}")
    code = f"def build(uuid, wire):\n    return row_type({', '.join(arguments)})\n"
    exec(code, names)
    build: Callable[[str, Any], RowT] = names["build"]
    return build


def decode_rows(row_type: type[RowT], rows: Iterable[Mapping[str, object]]) -> list[RowT]:
    """Turn wire rows that were decoded already, of no known schema, into typed ones.

    A column that a row lacks (its schema is older) leaves the field at its
    default.

    Raises:
        ProtocolError: a value is of another type than the field, or a column
            without a default is absent; the sentence names table.column.
    """
    made: list[RowT] = []
    with collector.paused():
        for row in rows:
            maker = _schemaless(row_type, frozenset(row))
            try:
                made.append(maker.build("", msgspec.convert(row, maker.wire)))
            except WRONG:
                maker.blame(row)
    return made


@cache
def _schemaless(row_type: type[RowT], columns: frozenset[str]) -> Maker[RowT]:
    wanted = columns_of(row_type)
    return Maker(row_type, dict.fromkeys(column for column in wanted if column in columns))


def _mismatch(plan: Plan, column: str, value: object) -> NoReturn:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    raise ProtocolError(
        f"{plan.table}.{column} holds {shown}, which is of another type than expected.", _REPORT
    ) from None


def _absent(plan: Plan, columns: Iterable[str]) -> NoReturn:
    raise ProtocolError(
        f"Rows of {plan.table} came without {', '.join(sorted(columns))}.",
        "Check that the address belongs to an ovsdb-server with that table.",
    ) from None
