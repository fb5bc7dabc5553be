"""Results as CSV, to the last quote as Spark writes it; only timestamps are written otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types as is_

from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.types import UnsupportedType, spark_type, type_of_arrow
from cleanrooms_mock.rules import DOCUMENTED, rule

_ROWS = 65_536
#: What Spark takes off both ends of a value.
_BLANK = "".join(map(chr, range(33)))
_NEEDS_QUOTES = '[,"\r\n]'
#: Between these a number is written without an exponent.
_LEAST, _MOST = 1e-3, 1e7


@rule(
    "PQ-82",
    source="user guide: use-sql-editor (NULL); the rest is inferred from Spark's CSV writer",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def csv_can_hold(column: str, type_: pa.DataType) -> None:
    """CSV is UTF-8 and has a line with the columns' names in each file. NULL is nothing, an empty string two quotes; a value with a comma, a quote or
    a line break stands in quotes, where quotes and backslashes have a backslash before them, and loses the blanks at its ends; numbers
    are written as Java does, booleans as true and false, timestamps as `yyyy-MM-dd HH:mm:ss.SSS`. A row that is one NULL gives no line. Arrays,
    maps, structs and a bare NULL can't be written.
    """
    nested = is_.is_nested(type_)
    if nested or is_.is_null(type_):
        try:
            name = spark_type(type_of_arrow(type_)).replace("`", "") if nested else "VOID"
        except UnsupportedType:
            name = str(type_)
        raise malformed(
            f'The CSV datasource doesn\'t support the column `{column}` of the type "{name}".', column=column
        )


def csv_text(table: pa.Table) -> bytes:
    """Return a table as the text of one file.

    :raises Refusal: if a column has a type that CSV doesn't.
    """
    for field in table.schema:
        csv_can_hold(field.name, field.type)
    head = ",".join(_escaped(pa.array(table.column_names, pa.string())).to_pylist())
    return "".join(f"{line}\n" for line in [head, *_lines(table)]).encode()


def _lines(table: pa.Table) -> Iterator[str]:
    for batch in table.to_batches(_ROWS):
        columns = [_texts(column) for column in batch.columns]
        lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
        yield from (line for line in lines.to_pylist() if line or len(columns) > 1)


def _texts(values: pa.Array) -> pa.Array:
    """Return the values as they stand in a line."""
    type_ = values.type
    if is_.is_dictionary(type_):
        return _texts(values.dictionary_decode())
    if is_.is_floating(type_):
        return _floats(values)
    if is_.is_timestamp(type_):
        return _timestamps(values)
    if is_.is_duration(type_):
        return pa.array(map(_interval, values.cast(pa.duration("us")).cast(pa.int64()).to_pylist()), pa.string())
    if is_.is_binary(type_) or is_.is_large_binary(type_) or is_.is_fixed_size_binary(type_):
        return pa.array(
            [None if value is None else f"[{value.hex(' ').upper()}]" for value in values.to_pylist()], pa.string()
        )
    if is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_):
        return _escaped(values.cast(pa.string()))
    return values.cast(pa.string())


def _escaped(values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim(values, characters=_BLANK)
    quotes = pc.or_(pc.match_substring_regex(values, _NEEDS_QUOTES), pc.equal(trimmed, ""))
    escaped = pc.replace_substring_regex(trimmed, r'([\\"])', r"\\\1")
    return pc.if_else(quotes, pc.binary_join_element_wise('"', escaped, '"', ""), trimmed)


def _timestamps(values: pa.Array) -> pa.Array:
    if values.type.tz is not None:
        values = values.cast(pa.timestamp(values.type.unit)) if values.type.tz == "UTC" else pc.local_timestamp(values)
    return pc.floor_temporal(values, unit="millisecond").cast(pa.timestamp("ms")).cast(pa.string())


def _floats(values: pa.Array) -> pa.Array:
    texts = values.cast(pa.string()).to_pylist()
    return pa.array([None if text is None else _java(text) for text in texts], pa.string())


def _java(text: str) -> str:
    """Return a number as Java writes it, from the fewest digits that say which it is."""
    special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "0": "0.0", "-0": "-0.0"}.get(text)
    if special is not None:
        return special
    if _LEAST <= abs(float(text)) < _MOST and "e" not in text:
        return text if "." in text else f"{text}.0"
    found = re.fullmatch(r"(-?)([0-9]+)\.?([0-9]*)(?:e([+-][0-9]+))?", text)
    assert found is not None
    sign, whole, part, exponent = found[1], found[2], found[3], int(found[4] or 0)
    digits = (whole + part).lstrip("0")
    point = exponent + len(whole) - (len(whole + part) - len(digits)) - 1
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{point}"


def _interval(microseconds: Any) -> str | None:
    if microseconds is None:
        return None
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    rest = f".{fraction:06}".rstrip("0").rstrip(".")
    return f"INTERVAL '{sign}{days} {hours:02}:{minutes:02}:{seconds:02}{rest}' DAY TO SECOND"
