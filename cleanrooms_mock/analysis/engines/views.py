"""The files of a query's tables as views of DuckDB's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import (
    STRING,
    TIMESTAMP,
    Type,
    in_duckdb,
    name_of,
    plain,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation.casts import cast
from cleanrooms_mock.analysis.engines.translation.values import Context, Value
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.types import UnsupportedType, parse_type

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.sources import Source


def view(context: Context, name: str, source: Source, read: Sequence[str]) -> str:
    """Return the statement that makes a view of a table.

    :param name: the table's, in lower case.
    :param read: the columns that are read of it.
    :raises Refusal: INVALID_RESOURCE if one of them has a type that no query can read.
    """
    types = {column: _type(name, column, source.columns[column]) for column in read}
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for file in source.files:
        key = tuple(file.partition.get(column) for column in source.partition_keys)
        groups.setdefault(key, []).append(text_of(str(file.path)))
    selects = []
    for key, paths in groups.items():
        partition = dict(zip(source.partition_keys, key, strict=True))
        columns = [_column(context, column, type_, partition) for column, type_ in types.items()]
        # Something has to be selected to count rows.
        selects.append(f"SELECT {', '.join(columns) or '1 AS one'} FROM read_parquet([{', '.join(paths)}])")
    if not selects:
        columns = [f"CAST(NULL AS {in_duckdb(type_)}) AS {name_of(column)}" for column, type_ in types.items()]
        selects.append(f"SELECT {', '.join(columns) or '1 AS one'} WHERE false")
    return f"CREATE TEMP VIEW {name_of(name)} AS {' UNION ALL '.join(selects)}"


def _type(table: str, column: str, type_: str) -> Type:
    try:
        return plain(parse_type(type_))
    except UnsupportedType as error:
        raise Refusal(
            "INVALID_RESOURCE",
            f"Column {column} of table {table} has the type {type_}, which queries can't read",
            table=table,
            column=column,
        ) from error


def _column(context: Context, column: str, type_: Type, partition: Mapping[str, str | None]) -> str:
    name = name_of(column)
    if column in partition:
        text = partition[column]
        kept = Value("NULL" if text is None else text_of(text), STRING)
        value = f"CAST(NULL AS {in_duckdb(type_)})" if text is None else cast(context, kept, type_).sql
        return f"{value} AS {name}"
    if type_ == TIMESTAMP:
        # A cast of what has a time zone would ask a calendar for each row.
        return f"make_timestamp(epoch_us({name})) AS {name}"
    return f"CAST({name} AS {in_duckdb(type_)}) AS {name}" if type_.is_nested else name
