"""Files of text: lines of CSV as the OpenCSV serde reads them, and lines of JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from cleanrooms_mock.analysis.compression import ERRORS, opened
from cleanrooms_mock.analysis.data_rules import format_is_supported, unreadable
from cleanrooms_mock.analysis.text_values import converter
from cleanrooms_mock.analysis.types import Type, arrow_type
from cleanrooms_mock.rules import INFERRED, behaviour

behaviour(
    "ENG-07",
    "The first lines of each file of OpenCSV are skipped, as many as the table's `skip.header.line.count` says.",
    source="inferred: it is a usual property of tables in Glue",
    status=INFERRED,
)

_ROWS = 50_000

Row = Sequence[Any]
#: Returns the values of the wanted columns of each line, unconverted.
Reader = Callable[[Iterator[str]], Iterator[Row]]


class BadLine(ValueError):
    """A line that isn't what it should be."""


class _Csv(NamedTuple):
    separator: str
    quote: str
    escape: str
    header_lines: int


def csv_reader(
    columns: Sequence[str], wanted: Sequence[str], serde: Mapping[str, str], parameters: Mapping[str, str]
) -> Reader:
    """Return what reads lines as ``org.apache.hadoop.hive.serde2.OpenCSVSerde`` does: each for itself, since a value has no line breaks.

    :param columns: those of the file, in order.
    :param wanted: those to return; what the file doesn't have is NULL.
    :param serde: separatorChar, quoteChar, escapeChar.
    :param parameters: those of the table, which may have skip.header.line.count.
    """
    escape = serde.get("escapeChar", "\\")[:1]
    skip = parameters.get("skip.header.line.count", serde.get("skip.header.line.count", "0"))
    csv = _Csv(
        serde.get("separatorChar", ",")[:1] or ",",
        serde.get("quoteChar", '"')[:1] or '"',
        # A quote can't escape: given as the escape character it stands for the default.
        "\\" if escape in ("", '"') else escape,
        int(skip) if skip.isdecimal() else 0,
    )
    quoted_fields = _quoted_reader(csv)
    places = [columns.index(column) if column in columns else len(columns) for column in wanted]

    def read(lines: Iterator[str]) -> Iterator[Row]:
        for line in islice(lines, csv.header_lines, None):
            fields = quoted_fields(line) if csv.quote in line or csv.escape in line else line.split(csv.separator)
            count = len(fields)
            yield [fields[place] if place < count else None for place in places]

    return read


def _quoted_reader(csv: _Csv) -> Callable[[str], list[str]]:
    """Return what cuts lines that have quotes or escapes, fast if all quotes enclose whole fields."""
    separator, quote, escape = map(re.escape, csv[:3])
    plain = f"[^{quote}{escape}]*"
    field = re.compile(
        rf"(?:{quote}({plain}(?:(?:{quote}{quote}|{escape}[{quote}{escape}]){plain})*){quote}|([^{quote}{escape}{separator}]*))({separator}|\Z)",
        re.DOTALL,
    ).match
    escaped = re.compile(rf"[{quote}{escape}](.)", re.DOTALL).sub

    def read(line: str) -> list[str]:
        fields, at, more = [], 0, True
        while more:
            found = field(line, at)
            if found is None:
                return _quoted_fields(line, csv)
            fields.append(found[2] if found[1] is None else escaped(r"\1", found[1]))
            at, more = found.end(), bool(found[3])
        return fields

    return read


def _quoted_fields(line: str, csv: _Csv) -> list[str]:
    """Cut a line that has quotes or escapes. In a field that has begun an escape goes before a quote or an escape, and a quote may be doubled.

    An escape that escapes nothing vanishes. A quote in the midst of a field is kept, and quotes all the same. A field whose quote isn't
    closed is lost.
    """
    separator, quote, escape, _ = csv
    fields: list[str] = []
    field: list[str] = []
    quoted = in_field = False
    at, end = 0, len(line)
    while at < end:
        char, after = line[at], line[at + 1 : at + 2]
        begun = quoted or in_field
        if char == escape:
            if begun and after in (quote, escape) and after:
                field.append(after)
                at += 1
        elif char == quote:
            if begun and after == quote:
                field.append(quote)
                at += 1
            else:
                quoted = not quoted
                if at > 2 and line[at - 1] != separator and after not in ("", separator):
                    if field and not "".join(field).strip():
                        field.clear()
                    else:
                        field.append(quote)
            in_field = not in_field
        elif char == separator and not quoted:
            fields.append("".join(field))
            field.clear()
            in_field = False
        else:
            field.append(char)
            in_field = True
        at += 1
    if not quoted:
        fields.append("".join(field))
    return fields


def json_reader(wanted: Sequence[str], serde: Mapping[str, str]) -> Reader:
    """Return what reads lines that are JSON objects; empty ones are passed over.

    :param wanted: the columns to return, by the names of members in any case; what an object doesn't have is NULL.
    :param serde: what org.openx.data.jsonserde.JsonSerDe is told: ignore.malformed.json, case.insensitive, and mapping.COLUMN.
    """
    folds = serde.get("case.insensitive", "true").lower() != "false"
    forgiving = serde.get("ignore.malformed.json", "false").lower() == "true"
    names = [serde.get(f"mapping.{column}", column) for column in wanted]
    if folds:
        names = [name.lower() for name in names]
    nothing = [None] * len(names)
    decode = json.JSONDecoder(parse_float=Decimal).decode

    def read(lines: Iterator[str]) -> Iterator[Row]:
        for number, line in enumerate(lines, 1):
            if not line or line.isspace():
                continue
            try:
                found = decode(line)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                if folds:
                    found = {name.lower(): value for name, value in found.items()}
                yield [found.get(name) for name in names]
            elif forgiving:
                yield nothing
            else:
                raise BadLine(f"has a line that is no JSON object: line {number}")

    return read


def convert(path: Path, uri: str, table: str, columns: Mapping[str, Type], reader: Reader) -> None:
    """Make a Parquet file of a text file, in its place.

    :param columns: those that ``reader`` returns, with the types that they get.
    :raises Refusal: if it can't be read.
    """
    try:
        file = opened(path, uri)
    except KeyError as error:
        format_is_supported(table, unsupported=f"has {uri}, whose compression {error.args[0]} isn't supported")
        raise
    settled = path.with_suffix(".settled")
    try:
        with file:
            _write(settled, columns, reader(_lines(file)))
    except BadLine as error:
        raise unreadable(table, uri, str(error)) from error
    except ERRORS as error:
        raise unreadable(table, uri, f"is damaged: {error}") from error
    settled.replace(path)


def _lines(file: IO[bytes]) -> Iterator[str]:
    with io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline=None) as text:
        for line in text:
            yield line.removesuffix("\n")


def _write(path: Path, columns: Mapping[str, Type], rows: Iterator[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, arrow_type(type_)) for name, type_ in columns.items()])
    converters = [converter(type_) for type_ in columns.values()]
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _ROWS)):
            arrays = [
                pa.array(map(convert, values), field.type)
                for values, convert, field in zip(zip(*batch, strict=True), converters, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
