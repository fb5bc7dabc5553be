"""Iceberg tables: the latest snapshot's data files, with what deletes take from them, and columns found by their ids."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile
from pyiceberg.manifest import DataFileContent, FileFormat, read_manifest_list
from pyiceberg.serializers import FromInputFile

from cleanrooms_mock.analysis.data_rules import iceberg_is_supported, is_still_as_known, unreadable
from cleanrooms_mock.analysis.parquet_files import Column, check, opened, rewrite
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import DataFile
from cleanrooms_mock.analysis.types import Type

if TYPE_CHECKING:
    from pyiceberg.manifest import ManifestEntry
    from pyiceberg.schema import Schema
    from pyiceberg.table.metadata import TableMetadata

    from cleanrooms_mock.analysis.objects import Objects

_VERSIONS = (1, 2)
_COMPRESSIONS = frozenset({"UNCOMPRESSED", "GZIP", "SNAPPY", "ZSTD"})
_FIELD_ID = b"PARQUET:field_id"
#: A file of rows needs a column, even if only the rows are counted.
_COUNTED = Column("_", Type("boolean"), None)


class _Deletes(NamedTuple):
    """A file of deletes, which concern data that are older.

    :ivar columns: of equality deletes, the ids of the columns that have to be equal; empty for deletes by position.
    :ivar partition: of equality deletes, the only partition that they concern; ``None`` if they concern all.
    """

    sequence: int
    columns: tuple[int, ...]
    partition: tuple[int, Any] | None
    rows: pa.Table


def iceberg_files(metadata_location: str | None, columns: Mapping[str, Type], objects: Objects) -> list[DataFile]:
    """Copy the data files of a table's latest snapshot, without the rows that were deleted.

    :param columns: those to be in the files, by the names that they have now.
    :raises Refusal: if it isn't an Iceberg table that can be read.
    """
    table = objects.table
    if metadata_location is None:
        raise unreadable(table, "the catalog", "has no metadata_location among the parameters of its Iceberg table")
    reading = _Objects(objects)
    with _damage(table, metadata_location):
        metadata = FromInputFile.table_metadata(reading.new_input(metadata_location))
    iceberg_is_supported(
        table,
        unsupported=None
        if metadata.format_version in _VERSIONS
        else f"has version {metadata.format_version}: only versions 1 and 2 are supported",
    )
    schema = metadata.schema()
    ids = {name: _id_of(schema, name, table) for name in columns}
    with _damage(table, metadata_location):
        data, deletes = _live(metadata, reading, objects)
    files = []
    for entry in data:
        uri = entry.data_file.file_path
        path = objects.copy(objects.at(uri))
        _settle(path, uri, table, {name: (ids[name], type_) for name, type_ in columns.items()}, entry, deletes)
        files.append(DataFile(path=path))
    return files


@contextmanager
def _damage(table: str, metadata_location: str) -> Iterator[None]:
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        # The library isn't made for broken files only: on some it fails with whatever Python raises.
        raise unreadable(
            table, metadata_location, "is no metadata of an Iceberg table, or what it names isn't"
        ) from error


def _id_of(schema: Schema, name: str, table: str) -> int:
    for field in schema.fields:
        if field.name.lower() == name:
            return field.field_id
    is_still_as_known(False, table, f"Column {name} of table {table} is no longer a column of the Iceberg table", name)
    raise KeyError(name)


def _live(metadata: TableMetadata, reading: _Objects, objects: Objects) -> tuple[list[ManifestEntry], list[_Deletes]]:
    """Return the data files of the latest snapshot, and all that is deleted from them."""
    snapshot = metadata.current_snapshot()
    data: list[ManifestEntry] = []
    deletes: list[_Deletes] = []
    for manifest in [] if snapshot is None else read_manifest_list(reading.new_input(snapshot.manifest_list)):
        for entry in manifest.fetch_manifest_entry(reading, discard_deleted=True):
            file = entry.data_file
            iceberg_is_supported(
                objects.table,
                unsupported=None
                if file.file_format == FileFormat.PARQUET
                else f"has {file.file_path} in format {file.file_format.value}: only Parquet is supported",
            )
            if file.content == DataFileContent.DATA:
                data.append(entry)
            else:
                deletes.append(_deletes(entry, metadata, objects))
    return data, deletes


def _deletes(entry: ManifestEntry, metadata: TableMetadata, objects: Objects) -> _Deletes:
    file = entry.data_file
    path = objects.copy(objects.at(file.file_path))
    with opened(path, file.file_path, objects.table) as found:
        rows = found.read()
    path.unlink()
    sequence = entry.sequence_number or 0
    if file.content == DataFileContent.POSITION_DELETES:
        return _Deletes(sequence, (), None, rows)
    columns = tuple(file.equality_ids or ())
    names = {_field_id(field): field.name for field in rows.schema}
    rows = rows.select([names[column] for column in columns]).rename_columns([str(column) for column in columns])
    everywhere = metadata.specs()[file.spec_id].is_unpartitioned()
    return _Deletes(sequence, columns, None if everywhere else _partition(entry), rows)


def _partition(entry: ManifestEntry) -> tuple[int, Any]:
    values = entry.data_file.partition
    return entry.data_file.spec_id, tuple(values[at] for at in range(len(values)))


def _settle(
    path: Path,
    uri: str,
    table: str,
    columns: Mapping[str, tuple[int, Type]],
    entry: ManifestEntry,
    deletes: Iterable[_Deletes],
) -> None:
    """Make sure that a data file has the columns, and none of the deleted rows."""
    with opened(path, uri, table) as file:
        fields = {_field_id(field): field for field in file.schema_arrow}
        _is_made_by_iceberg(file, uri, table, fields)
        wanted = [Column(name, type_, fields.get(field_id)) for name, (field_id, type_) in columns.items()]
        check(file, uri, table, wanted)
        gone = _gone(entry, deletes)
        if gone.is_empty:
            if not all(column.is_there for column in wanted):
                rewrite(file, path, uri, table, wanted)
        else:
            rewrite(file, path, uri, table, wanted or [_COUNTED], lambda first, batch: gone.kept(first, batch, fields))


def _is_made_by_iceberg(file: parquet.ParquetFile, uri: str, table: str, fields: Mapping[int, Any]) -> None:
    groups = file.metadata
    used = {
        groups.row_group(group).column(column).compression
        for group in range(groups.num_row_groups)
        for column in range(groups.num_columns)
    }
    complaint = None
    if fields.keys() <= {-1}:
        complaint = f"has {uri}, whose columns have no ids: tables converted from Parquet aren't supported"
    elif used - _COMPRESSIONS:
        complaint = f"has {uri}, whose compression {', '.join(sorted(used - _COMPRESSIONS))} isn't supported"
    iceberg_is_supported(table, unsupported=complaint)


class _Gone(NamedTuple):
    """What is deleted from one data file.

    :ivar positions: the numbers of rows.
    :ivar equal: for the ids of columns, the values that rows don't have any more.
    """

    positions: pa.Array
    equal: Mapping[tuple[int, ...], set[tuple[Any, ...]]]

    @property
    def is_empty(self) -> bool:
        return not len(self.positions) and not self.equal

    def kept(self, first: int, batch: pa.RecordBatch, fields: Mapping[int, Any]) -> pa.Array:
        numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
        kept = pc.invert(pc.is_in(numbers, value_set=self.positions))
        for ids, values in self.equal.items():
            columns = [
                batch.column(fields[column].name).to_pylist() if column in fields else [None] * batch.num_rows
                for column in ids
            ]
            kept = pc.and_(kept, pa.array([row not in values for row in zip(*columns, strict=True)], pa.bool_()))
        return kept


def _gone(entry: ManifestEntry, deletes: Iterable[_Deletes]) -> _Gone:
    positions: list[pa.ChunkedArray] = []
    equal: dict[tuple[int, ...], set[tuple[Any, ...]]] = {}
    sequence = entry.sequence_number or 0
    for one in deletes:
        if not one.columns:
            if one.sequence >= sequence:
                concerned = one.rows.filter(pc.equal(one.rows.column("file_path"), entry.data_file.file_path))
                positions.append(concerned.column("pos").cast(pa.int64()))
        elif one.sequence > sequence and one.partition in (None, _partition(entry)):
            rows = zip(*(column.to_pylist() for column in one.rows.columns), strict=True)
            equal.setdefault(one.columns, set()).update(rows)
    chunks = [chunk for found in positions for chunk in found.chunks]
    return _Gone(pa.concat_arrays(chunks) if chunks else pa.array([], pa.int64()), equal)


def _field_id(field: pa.Field) -> int:
    return int((field.metadata or {}).get(_FIELD_ID, -1))


class _Objects(FileIO):
    """How the library reads metadata: as copies in the query's folder, which don't stay there."""

    def __init__(self, objects: Objects) -> None:
        super().__init__()
        self._objects = objects

    def new_input(self, location: str) -> InputFile:
        return _Object(location, self._objects)

    def new_output(self, location: str) -> OutputFile:
        self._refuse(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        self._refuse(location)

    def _refuse(self, location: object) -> NoReturn:
        raise PermissionError(f"{location} is only read")


class _Object(InputFile):
    def __init__(self, location: str, objects: Objects) -> None:
        super().__init__(location)
        self._objects = objects

    def __len__(self) -> int:
        return self._objects.at(self.location).size

    def exists(self) -> bool:
        return self._objects.at(self.location) is not None

    def open(self, seekable: bool = True) -> InputStream:
        path = self._objects.copy(self._objects.at(self.location))
        kept = path.read_bytes()
        path.unlink()
        return io.BytesIO(kept)
