"""Tables of Iceberg."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.manifest import FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import IntegerType, LongType, NestedField, StringType, TimestamptzType

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import rule_behind
from tests.analysis.iceberg_tables import LOCATION, create, delete, positions, with_id
from tests.analysis.lake import BUCKET, Lake, rows_of

SCHEMA = Schema(NestedField(1, "Region", StringType()), NestedField(2, "visits", IntegerType()))
COLUMNS = {"region": "string", "visits": "int"}


@pytest.fixture(autouse=True)
def no_threads_stay() -> Iterator[None]:
    """What reads a table leaves no thread behind; what writes it, the library, has its own."""
    from pyiceberg.utils.concurrent import ExecutorFactory

    ExecutorFactory.get_or_create().submit(int).result()
    before = {thread for thread in threading.enumerate() if not thread.name.startswith("ThreadPoolExecutor")}
    yield
    after = {thread for thread in threading.enumerate() if not thread.name.startswith("ThreadPoolExecutor")}
    assert after <= before


def rows(*pairs: tuple[str | None, int | None]) -> pa.Table:
    regions, visits = zip(*pairs, strict=True)
    return pa.table({"Region": pa.array(regions, pa.string()), "visits": pa.array(visits, pa.int32())})


def found(lake: Lake, columns: dict[str, str] = COLUMNS, used: list[str] | None = None) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in lake.rows(columns, used))


def data_files(table: Table) -> list[str]:
    return sorted(task.file.file_path for task in table.scan().plan_files())


def refused(lake: Lake, saying: str, rule_id: str | None = "ENG-09", code: str = "INVALID_RESOURCE") -> None:
    with pytest.raises(Refusal, match=saying) as caught:
        lake.source(COLUMNS)
    assert (caught.value.code, caught.value.table) == (code, "reach")
    behind = rule_behind(caught.value)
    assert (None if behind is None else behind.id) == rule_id


@pytest.mark.rule("ENG-09")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("compression", ["gzip", "snappy", "zstd", "uncompressed"])
def test_versions_and_compressions(lake: Lake, version: int, compression: str) -> None:
    """Versions 1 and 2 are read, whichever way their files are compressed; the files are copied as they are, and nothing else is left."""
    table = create(lake, SCHEMA, COLUMNS, version=version, properties={"write.parquet.compression-codec": compression})
    assert found(lake) == []
    table.append(rows(("north", 1), (None, 2)))
    table.append(rows(("south", None)))
    source = lake.source(COLUMNS)
    assert source.columns == COLUMNS
    assert sorted((row["region"] or "", row["visits"] or 0) for row in rows_of(source)) == [
        ("", 2),
        ("north", 1),
        ("south", 0),
    ]
    stored = sorted(
        lake.s3.get_object(Bucket=BUCKET, Key=path.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
        for path in data_files(table)
    )
    assert sorted(file.path.read_bytes() for file in source.files) == stored
    assert set(source.files[0].path.parent.iterdir()) == {file.path for file in source.files}


@pytest.mark.rule("ENG-09")
def test_the_latest_snapshot(lake: Lake) -> None:
    """Rows that were overwritten or deleted are gone, and so are columns that were dropped; files that no snapshot has aren't read."""
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(("north", 1), ("south", 2)))
    table.append(rows(("west", 3)))
    table.delete("visits = 1")
    lake.put("warehouse/sales/data/stray.parquet", b"no Parquet")
    assert found(lake) == [("south", 2), ("west", 3)]
    table.overwrite(rows(("east", 4)))
    assert found(lake) == [("east", 4)]


@pytest.mark.rule("ENG-09")
def test_columns_are_found_by_their_ids(lake: Lake) -> None:
    """A column that was renamed, widened, added or made anew under an old name is what it is now in files that are older than that, too."""
    columns = {"place": "string", "visits": "bigint", "region": "int", "at": "timestamp"}
    table = create(lake, SCHEMA, columns)
    table.append(rows(("north", 1)))
    with table.update_schema() as update:
        update.rename_column("Region", "place")
        update.update_column("visits", LongType())
        update.add_column("region", IntegerType())
        update.add_column("at", TimestamptzType())
    at = datetime(2026, 6, 9, tzinfo=timezone.utc)
    later = pa.table(
        {
            "place": ["south"],
            "visits": pa.array([2**40]),
            "region": pa.array([7], pa.int32()),
            "at": pa.array([at], pa.timestamp("us", tz="UTC")),
        }
    )
    table.append(later)
    assert lake.rows(columns)[0].keys() == columns.keys()
    assert {tuple(row.values()) for row in lake.rows(columns)} == {
        ("north", 1, None, None),
        ("south", 2**40, 7, at),
    }
    assert sorted(row["place"] for row in lake.rows(columns, ["place"])) == ["north", "south"]


@pytest.mark.rule("ENG-09", "ENG-11")
def test_columns_that_the_table_no_longer_has(lake: Lake) -> None:
    """What Glue still has, and the table of Iceberg hasn't, fails the query that reads it."""
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(("north", 1)))
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("visits")
    assert found(lake, used=["region"]) == [("north",)]
    refused(lake, "Column visits of table reach is no longer a column of the Iceberg table", "ENG-11")


@pytest.mark.rule("ENG-09")
def test_partitions_are_columns(lake: Lake) -> None:
    """What a table is partitioned by is in its files like any other column."""
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "Region"))
    table = create(lake, SCHEMA, COLUMNS, spec=spec)
    table.append(rows(("north", 1), ("south", 2), ("north", 3)))
    assert len(data_files(table)) == 2
    source = lake.source(COLUMNS)
    assert source.partition_keys == []
    assert found(lake) == [("north", 1), ("north", 3), ("south", 2)]


@pytest.mark.rule("ENG-09")
def test_deletes_by_position(lake: Lake) -> None:
    """Rows are gone by their number in their file, whatever is read of them, and other files keep theirs."""
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(("north", 1), ("south", 2), ("west", 3)))
    (first,) = data_files(table)
    table.append(rows(("east", 4)))
    delete(table, positions(first, 0, 2))
    assert found(lake) == [("east", 4), ("south", 2)]
    assert found(lake, used=["visits"]) == [(2,), (4,)]
    delete(table, positions(first, 1))
    assert found(lake) == [("east", 4)]
    files = lake.source(COLUMNS).files
    assert sorted(path.name for path in files[0].path.parent.iterdir()) == sorted(file.path.name for file in files)
    table.append(rows(("east", 5)))
    assert found(lake, used=[]) == [("east",), ("east",)]


@pytest.mark.rule("ENG-09")
def test_deletes_by_position_in_a_long_file(lake: Lake) -> None:
    """A number counts from the beginning of the file, however it is read."""
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(*((str(number), number) for number in range(150_000))))
    (first,) = data_files(table)
    delete(table, positions(first, 70_000, 149_999))
    kept = [row["visits"] for row in lake.rows(COLUMNS, ["visits"])]
    assert kept == [number for number in range(149_999) if number != 70_000]


@pytest.mark.rule("ENG-09")
def test_deletes_by_equality(lake: Lake) -> None:
    """Rows are gone that are equal in the named columns, NULL to NULL, if their file is older than the delete; the names may have changed since."""
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(("north", 1), ("south", 2), (None, 3), ("north", 4)))
    gone = pa.table(
        [["north", None], pa.array([1, 3], pa.int32())],
        schema=pa.schema([with_id("Region", pa.string(), 1), with_id("old_name", pa.int32(), 2)]),
    )
    delete(table, gone, equality_ids=[2, 1])
    assert found(lake) == [("north", 4), ("south", 2)]
    table.append(rows(("north", 1)))
    assert found(lake) == [("north", 1), ("north", 4), ("south", 2)]
    delete(table, gone.select(["Region"]), equality_ids=[1])
    assert found(lake) == [("south", 2)]
    assert found(lake, used=["visits"]) == [(2,)]


@pytest.mark.rule("ENG-09")
def test_deletes_by_equality_in_one_partition(lake: Lake) -> None:
    """A delete of one partition leaves the others alone."""
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "Region"))
    table = create(lake, SCHEMA, COLUMNS, spec=spec)
    table.append(rows(("north", 1), ("south", 1)))
    gone = pa.table([pa.array([1], pa.int32())], schema=pa.schema([with_id("visits", pa.int32(), 2)]))
    delete(table, gone, equality_ids=[2], partition=Record("north"))
    assert found(lake) == [("south", 1)]


@pytest.mark.rule("ENG-09")
def test_what_isn_t_supported(lake: Lake) -> None:
    """Version 3, other formats of files, other compressions and files whose columns have no ids are refused."""
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(("north", 1)))
    assert len(found(lake)) == 1
    (path,) = data_files(table)
    key = path.removeprefix(f"s3://{BUCKET}/")
    whole = lake.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    lake.put(key, rows(("north", 1)))
    refused(lake, "whose columns have no ids: tables converted from Parquet aren't supported")

    file = lake.folder / "brotli.parquet"
    parquet.write_table(parquet.read_table(pa.BufferReader(whole)), file, compression="brotli")
    lake.put(key, file.read_bytes())
    refused(lake, "whose compression BROTLI isn't supported")
    lake.put(key, whole)

    delete(table, positions(path, 0), file_format=FileFormat.AVRO)
    refused(lake, "in format AVRO: only Parquet is supported")

    metadata = f"{LOCATION}/metadata/v3.json".removeprefix(f"s3://{BUCKET}/")
    text = table.metadata.model_dump(by_alias=True, mode="json", exclude_none=True)
    lake.put(metadata, json.dumps({**text, "format-version": 3, "next-row-id": 0}))
    lake.table(COLUMNS, None, table_type="iceberg", metadata_location=f"s3://{BUCKET}/{metadata}")
    refused(lake, "has version 3")


def test_what_can_t_be_read(lake: Lake) -> None:
    """Metadata and files that are missing, or aren't what they should be, fail the query with their names."""
    lake.table(COLUMNS, None, table_type="ICEBERG")
    refused(lake, "has no metadata_location among the parameters", None)
    lake.table(COLUMNS, None, table_type="ICEBERG", metadata_location=f"s3://{BUCKET}/gone.json")
    refused(lake, "s3://publisher-data/gone.json doesn't exist", None)
    lake.table(COLUMNS, None, table_type="ICEBERG", metadata_location="s3://gone/gone.json")
    refused(lake, "s3://gone/gone.json", None)
    lake.put("bad.json", b"no JSON")
    lake.table(COLUMNS, None, table_type="ICEBERG", metadata_location=f"s3://{BUCKET}/bad.json")
    refused(lake, "is no metadata of an Iceberg table", None)
    table = create(lake, SCHEMA, COLUMNS)
    table.append(rows(("north", 1)))
    (path,) = data_files(table)
    lake.put(path.removeprefix(f"s3://{BUCKET}/"), b"no Parquet")
    refused(lake, "is no Parquet file", None)
    lake.s3.delete_object(Bucket=BUCKET, Key=path.removeprefix(f"s3://{BUCKET}/"))
    refused(lake, "doesn't exist", None)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    lake.put(snapshot.manifest_list.removeprefix(f"s3://{BUCKET}/"), b"no Avro")
    refused(lake, "is no metadata of an Iceberg table, or what it names isn't", None)
