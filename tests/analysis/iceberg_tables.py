"""Iceberg tables in a lake, written as others would write them; their catalog is moto's Glue."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import count
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError
from pyarrow import parquet
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate, update_table_metadata
from pyiceberg.typedef import Record

from tests.analysis.lake import BUCKET, Lake

LOCATION = f"s3://{BUCKET}/warehouse/sales"


class _Written(io.BytesIO):
    def __init__(self, lake: Lake, key: str) -> None:
        super().__init__()
        self._lake, self._key = lake, key

    def close(self) -> None:
        if not self.closed:
            self._lake.put(self._key, self.getvalue())
        super().close()


class _Object(InputFile, OutputFile):
    def __init__(self, lake: Lake, location: str) -> None:
        super().__init__(location)
        self._lake = lake
        self._key = location.removeprefix(f"s3://{BUCKET}/")

    def __len__(self) -> int:
        return int(self._lake.s3.head_object(Bucket=BUCKET, Key=self._key)["ContentLength"])

    def exists(self) -> bool:
        try:
            return len(self) >= 0
        except ClientError:
            return False

    def open(self, seekable: bool = True) -> InputStream:
        return io.BytesIO(self._lake.s3.get_object(Bucket=BUCKET, Key=self._key)["Body"].read())

    def create(self, overwrite: bool = False) -> OutputStream:
        return _Written(self._lake, self._key)

    def to_input_file(self) -> InputFile:
        return self


class LakeIO(FileIO):
    def __init__(self, lake: Lake) -> None:
        super().__init__()
        self._lake = lake

    def new_input(self, location: str) -> InputFile:
        return _Object(self._lake, location)

    def new_output(self, location: str) -> OutputFile:
        return _Object(self._lake, location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise NotImplementedError


class _Catalog(NoopCatalog):
    """Keeps one table, and has Glue know where its metadata are."""

    def __init__(self, lake: Lake, columns: Mapping[str, str]) -> None:
        super().__init__("lake")
        self._lake, self._columns, self._versions = lake, columns, count()

    def keep(self, metadata: Any) -> str:
        location = f"{LOCATION}/metadata/{next(self._versions):05}.metadata.json"
        ToOutputFile.table_metadata(metadata, _Object(self._lake, location))
        self._lake.table(self._columns, None, location=LOCATION, table_type="ICEBERG", metadata_location=location)
        return location

    def commit_table(self, table: Table, requirements: Any, updates: Any) -> CommitTableResponse:
        metadata = update_table_metadata(table.metadata, updates, metadata_location=table.metadata_location)
        return CommitTableResponse(metadata=metadata, **{"metadata-location": self.keep(metadata)})


def create(
    lake: Lake,
    schema: Schema,
    columns: Mapping[str, str],
    *,
    version: int = 2,
    spec: PartitionSpec = UNPARTITIONED_PARTITION_SPEC,
    properties: Mapping[str, str] | None = None,
) -> Table:
    """Make the table `sales`.

    :param columns: what Glue says they are.
    """
    catalog = _Catalog(lake, columns)
    metadata = new_table_metadata(
        schema, spec, UNSORTED_SORT_ORDER, LOCATION, {"format-version": str(version), **(properties or {})}
    )
    location = catalog.keep(metadata)
    return Table(("shop", "sales"), metadata, location, LakeIO(lake), catalog)


class _Deletes(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def delete(
    table: Table,
    rows: pa.Table,
    *,
    equality_ids: list[int] | None = None,
    partition: Record | None = None,
    file_format: FileFormat = FileFormat.PARQUET,
) -> None:
    """Commit a file of deletes: of positions, or of what is equal in the columns of these ids."""
    metadata = table.metadata
    assert metadata.format_version == 2
    sequence = metadata.last_sequence_number + 1
    stem = f"{LOCATION}/deletes/{sequence}"
    sink = io.BytesIO()
    parquet.write_table(rows, sink)
    with table.io.new_output(f"{stem}.parquet").create() as stream:
        stream.write(sink.getvalue())
    file = DataFile.from_args(
        content=DataFileContent.EQUALITY_DELETES if equality_ids else DataFileContent.POSITION_DELETES,
        file_path=f"{stem}.parquet",
        file_format=file_format,
        partition=partition or Record(),
        record_count=rows.num_rows,
        file_size_in_bytes=len(sink.getvalue()),
        equality_ids=equality_ids,
    )
    file.spec_id = metadata.default_spec_id
    snapshot_id = sequence + 1000
    entry = ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, data_file=file)
    with _Deletes(table.spec(), table.schema(), table.io.new_output(f"{stem}.avro"), snapshot_id, "null") as writer:
        writer.add_entry(entry)
    current = table.current_snapshot()
    assert current is not None
    earlier = current.manifests(table.io)
    manifests = f"{stem}-list.avro"
    with write_manifest_list(
        2, table.io.new_output(manifests), snapshot_id, current.snapshot_id, sequence, "null"
    ) as lists:
        lists.add_manifests([*earlier, writer.to_manifest_file()])
    snapshot = Snapshot.model_validate(
        {
            "snapshot-id": snapshot_id,
            "parent-snapshot-id": current.snapshot_id,
            "sequence-number": sequence,
            "timestamp-ms": current.timestamp_ms + 1,
            "manifest-list": manifests,
            "summary": {"operation": "delete"},
            "schema-id": table.schema().schema_id,
        }
    )
    newest = SetSnapshotRefUpdate.model_validate({"ref-name": "main", "type": "branch", "snapshot-id": snapshot_id})
    answer = table.catalog.commit_table(table, (), (AddSnapshotUpdate(snapshot=snapshot), newest))
    table.metadata, table.metadata_location = answer.metadata, answer.metadata_location


def with_id(name: str, kind: pa.DataType, field_id: int) -> pa.Field:
    return pa.field(name, kind, metadata={"PARQUET:field_id": str(field_id)})


def positions(path: str, *numbers: int) -> pa.Table:
    """What a file of deletes by position has."""
    schema = pa.schema([with_id("file_path", pa.string(), 2147483546), with_id("pos", pa.int64(), 2147483545)])
    return pa.table([[path] * len(numbers), list(numbers)], schema=schema)
