"""Types as the engines know them: those of columns, and those that only an expression has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.types import Type as Type
from cleanrooms_mock.analysis.types import arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

#: What a bare NULL is.
NULL = Type("null")
BOOLEAN = Type("boolean")
TINYINT = Type("tinyint")
SMALLINT = Type("smallint")
INT = Type("int")
BIGINT = Type("bigint")
FLOAT = Type("float")
DOUBLE = Type("double")
STRING = Type("string")
BINARY = Type("binary")
DATE = Type("date")
TIMESTAMP = Type("timestamp")
TIMESTAMP_NTZ = Type("timestamp_ntz")
#: Spark has two kinds of intervals that can be columns.
YEAR_MONTH = Type("interval year to month")
DAY_TIME = Type("interval day to second")

#: From narrow to wide, with the digits that a decimal needs to hold one.
INTEGRAL: Mapping[str, int] = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}
#: How many bits each has.
BITS: Mapping[str, int] = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

_DUCKDB: Mapping[str, str] = {
    "int": "INTEGER",
    "string": "VARCHAR",
    "binary": "BLOB",
    # Microseconds without a zone: an instant is kept as it reads in UTC, so that DuckDB asks no calendar for it.
    "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP",
    # Months, and microseconds.
    YEAR_MONTH.name: "INTEGER",
    DAY_TIME.name: "BIGINT",
    "null": "INTEGER",
}


def decimal(precision: int, scale: int) -> Type:
    return Type("decimal", precision=precision, scale=scale)


def array(element: Type) -> Type:
    return Type("array", parts=(element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", parts=(key, value))


def struct(fields: Mapping[str, Type]) -> Type:
    return Type("struct", parts=tuple(fields.values()), fields=tuple(fields))


def plain(type_: Type) -> Type:
    """Return a type in which every text is a string."""
    if type_.is_text:
        return STRING
    if type_.is_nested:
        return Type(type_.name, parts=tuple(map(plain, type_.parts)), fields=type_.fields)
    return type_


def width_of(type_: Type) -> int:
    """Return the length to which a char's values are padded, 0 for another type."""
    return type_.length if type_.name == "char" else 0


def is_integral(type_: Type) -> bool:
    return type_.name in INTEGRAL


def is_fractional(type_: Type) -> bool:
    return type_.name in ("float", "double")


def is_numeric(type_: Type) -> bool:
    return is_integral(type_) or is_fractional(type_) or type_.name == "decimal"


def is_timestamp(type_: Type) -> bool:
    return type_.name in ("timestamp", "timestamp_ntz")


def is_interval(type_: Type) -> bool:
    return type_ in (YEAR_MONTH, DAY_TIME)


def in_duckdb(type_: Type) -> str:
    """Return what keeps values of a type in DuckDB while a query runs."""
    if type_.name in ("array", "sketch"):
        return f"{in_duckdb(type_.parts[0])}[]"
    if type_.name == "map":
        return f"MAP({', '.join(map(in_duckdb, type_.parts))})"
    if type_.name == "struct":
        fields = zip(type_.fields, type_.parts, strict=True)
        return f"STRUCT({', '.join(f'{name_of(name)} {in_duckdb(part)}' for name, part in fields)})"
    return _DUCKDB.get(type_.name) or str(type_).upper()


def in_result(type_: Type) -> pa.DataType:
    """Return what a column of the result is; intervals are months, or microseconds."""
    import pyarrow as pa

    if type_ == NULL:
        return pa.null()
    if type_ == YEAR_MONTH:
        return pa.int32()
    if type_ == DAY_TIME:
        return pa.duration("us")
    return arrow_type(type_)


def name_of(name: str) -> str:
    """Return a name as DuckDB reads it."""
    return '"' + name.replace('"', '""') + '"'


def text_of(text: str) -> str:
    """Return a string as DuckDB reads it."""
    return "'" + text.replace("'", "''") + "'"
