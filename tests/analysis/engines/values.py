"""The table that expressions are tried on, and its rows in every engine's words."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from cleanrooms_mock.analysis.types import type_of_arrow

DATA = Path(__file__).parent.parent / "data"
UTC = timezone.utc


def table() -> pa.Table:
    """Rows with usual values, with NULL everywhere, with what is empty or nothing, and with what is at a type's ends."""
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5, 6], pa.int32()),
            "t": pa.array([5, None, 0, -128, 127, 7], pa.int8()),
            "i": pa.array([42, None, 0, -2147483648, 2147483647, -7], pa.int32()),
            "l": pa.array([42, None, 0, -9223372036854775808, 9223372036854775807, -1234567890123], pa.int64()),
            "f": pa.array([1.5, None, 0.0, -3.4e38, 0.1, 1e-5], pa.float32()),
            "d": pa.array([2.5, None, 0.0, math.nan, math.inf, -1234567.891], pa.float64()),
            "n": pa.array(
                [Decimal("12.34"), None, Decimal("0.00"), Decimal("-99999999.99"), Decimal("99999999.99"), Decimal("0.05")],
                pa.decimal128(10, 2),
            ),
            "w": pa.array(
                [Decimal("1.5000000000"), None, Decimal("0E-10"), Decimal("-1234567890123456789012345678.0123456789"), Decimal("0.0000000001"), Decimal("333.3333333333")],
                pa.decimal128(38, 10),
            ),
            "b": pa.array([True, None, False, True, False, True]),
            "s": pa.array(["abc", None, "", "ABC", "x", "abcabc"]),
            "u": pa.array(["Äb ç", None, "", "日本語 text", "😀a", " \t padded "]),
            "num": pa.array(["42", None, "", " 10 ", "1.5e1", "abc"]),
            "js": pa.array(['{"a": 1, "b": [1, 2, 3], "c": {"d": "x"}}', None, "", "{broken", '{"a": "text", "b": null}', "[]"]),
            "x": pa.array([b"AB", None, b"", b"\x00\xff\x10", b"long enough to be more than one block", b"z"]),
            "dt": pa.array([date(2024, 2, 29), None, date(1970, 1, 1), date(1969, 12, 31), date(2999, 12, 31), date(2023, 1, 1)]),
            "dts": pa.array(["2024-02-29", None, "", "2024-2-3", "2024-02-30", "2023-01-01 10:00:00"]),
            "ts": pa.array(
                [
                    datetime(2024, 2, 29, 12, 34, 56, 789123, UTC),
                    None,
                    datetime(1970, 1, 1, tzinfo=UTC),
                    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
                    datetime(2030, 7, 1, 0, 0, 0, 500000, UTC),
                    datetime(2023, 3, 26, 1, 30, tzinfo=UTC),
                ],
                pa.timestamp("us", tz="UTC"),
            ),
            "tss": pa.array(["2024-02-29 12:34:56.789", None, "", "2024-02-29T01:02:03Z", "2024-13-01 00:00:00", "2024-02-29 12:34:56+02:00"]),
            "arr": pa.array([[1, 2, 3], None, [], [2, None, 2], [5], [3, 1, 2]], pa.list_(pa.int32())),
            "sarr": pa.array([["a", "b"], None, [], ["x", None, "y"], [""], ["b", "a", "b"]], pa.list_(pa.string())),
            "m": pa.array([[("a", 1), ("b", 2)], None, [], [("a", None)], [("zz", 9)], [("b", 1)]], pa.map_(pa.string(), pa.int32())),
            "st": pa.array(
                [{"a": 1, "b": "x"}, None, {"a": None, "b": None}, {"a": 4, "b": ""}, {"a": 5, "b": "y z"}, {"a": 6, "b": None}],
                pa.struct([("a", pa.int32()), ("b", pa.string())]),
            ),
        }
    )  # fmt: skip


class Expression(NamedTuple):
    """An expression of expressions.sql.

    :ivar family: the comment that it stands under.
    """

    family: str
    text: str

    @property
    def is_aggregate(self) -> bool:
        return self.family == "aggregates"

    def query(self) -> str:
        """Return a query that gives it for each row, or for all."""
        return f"SELECT {self.text} AS c FROM v" if self.is_aggregate else f"SELECT id, {self.text} AS c FROM v"


def expressions() -> list[Expression]:
    found, family = [], ""
    for line in (DATA / "expressions.sql").read_text("utf-8").splitlines()[1:]:
        if line.startswith("--"):
            family = line[2:].strip()
        elif line:
            found.append(Expression(family, line))
    return found


def batches(of: list[Expression], size: int) -> Iterator[list[Expression]]:
    """Yield expressions of one family in groups, which one query can give."""
    for family in dict.fromkeys(one.family for one in of):
        kin = [one for one in of if one.family == family]
        for start in range(0, len(kin), size):
            yield kin[start : start + size]


def batch_query(batch: list[Expression]) -> str:
    columns = [f"{one.text} AS c{number}" for number, one in enumerate(batch)]
    return f"SELECT {', '.join(columns if batch[0].is_aggregate else ['id', *columns])} FROM v"


class Outcome(NamedTuple):
    """What an expression gives: its type, and its values in the order of the rows."""

    type: str
    values: list[Any]


def outcomes(table: pa.Table, batch: list[Expression]) -> list[Outcome]:
    """Return what each expression of a batch has given."""
    if not batch[0].is_aggregate:
        table = table.sort_by(table.column_names[0]).select(range(1, table.num_columns))
    return [Outcome(type_name(column.type), plain(column)) for column in table.columns]


def type_name(type_: Any) -> str:
    """Return a type of Arrow's as Spark spells it."""
    return str(type_ if pa.types.is_duration(type_) or pa.types.is_null(type_) else type_of_arrow(type_))


def plain(column: Any) -> list[Any]:
    """Return the values of a column as JSON has them."""
    return [_plain(value, column.type) for value in column.to_pylist()]


def _plain(value: Any, type_: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | Decimal | timedelta):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(part, None) for key, part in value.items()}
    if type_ is not None and pa.types.is_map(type_):
        # The entries of a map have no order.
        return sorted(([_plain(key, None), _plain(one, None)] for key, one in value), key=str)
    return [_plain(one, None) for one in value]


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal; doubles up to the last digits, in which libraries of mathematics differ."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-300)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other
