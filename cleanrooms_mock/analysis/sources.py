"""The data of a query's tables, as engines read them: Parquet files in a folder of the query's own.

Whatever the tables are made of (text, Iceberg, Parquet of an earlier schema), what it means is settled before an engine runs, so that all
engines read the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.types import arrow_type, type_of_arrow

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A Parquet file.

    :ivar partition: the value of each partition key for all its rows, as the catalog spells it; ``None`` is NULL.
    """

    path: Path
    partition: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The data of one table, with the columns that the query reads; if it reads none, with one all the same.

    Each file has every column that is no partition key, by that name but for its case, with the very type that ``columns`` says
    (:func:`~cleanrooms_mock.analysis.types.arrow_type`). Only an instant may be kept without a time zone, and is in UTC then. A value of
    a char is padded to its length.

    :ivar columns: types as Glue spells them, by names in lower case, partition keys last.
    :ivar files: none for a table without rows.
    :ivar partition_keys: those of ``columns`` that aren't in the files.
    """

    columns: Mapping[str, str]
    files: Sequence[DataFile]
    partition_keys: Sequence[str] = ()


def table_source(table: pa.Table, folder: Path, name: str) -> Source:
    """Keep an Arrow table as a source, such as an intermediate table's rows.

    :param folder: the query's own.
    :param name: what its file is called there.
    """
    import pyarrow as pa
    from pyarrow import parquet

    types = {field.name.lower(): type_of_arrow(field.type) for field in table.schema}
    schema = pa.schema([(column, arrow_type(type_)) for column, type_ in types.items()])
    path = folder / f"{name}.parquet"
    parquet.write_table(table.rename_columns(list(types)).cast(schema), path, compression="none")
    return Source(columns={column: str(type_) for column, type_ in types.items()}, files=[DataFile(path=path)])


def to_ipc(table: pa.Table) -> bytes:
    """Return an Arrow table as bytes, to be kept."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def from_ipc(kept: bytes) -> pa.Table:
    """Return the Arrow table that :func:`to_ipc` has made bytes of; it shares their memory."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.BufferReader(kept)).read_all()
