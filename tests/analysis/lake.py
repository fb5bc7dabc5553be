"""An account's data: tables in moto's Glue over objects in moto's S3, and what a query would read of them."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from cleanrooms_mock import Handle
from cleanrooms_mock.analysis.catalog import CatalogPlace, glue_source
from cleanrooms_mock.analysis.sources import Source

ACCOUNT = "222222222222"
REGION = "us-east-1"
BUCKET = "publisher-data"

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON = "org.openx.data.jsonserde.JsonSerDe"


def as_parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


class Lake:
    """One database, `shop`, and one bucket."""

    def __init__(self, handle: Handle, folder: Path) -> None:
        self.handle = handle
        self.folder = folder
        self.queries = 0
        self.glue: Any = handle.client(ACCOUNT, REGION, service="glue")
        self.s3: Any = handle.client(ACCOUNT, REGION, service="s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": "shop"})

    def put(self, key: str, body: bytes | str | pa.Table, **more: Any) -> None:
        if isinstance(body, pa.Table):
            body = as_parquet(body)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)

    def table(
        self,
        columns: Mapping[str, str],
        serde: str | None = PARQUET,
        *,
        keys: Mapping[str, str] | None = None,
        told: Mapping[str, str] | None = None,
        location: str | None = f"s3://{BUCKET}/sales/",
        name: str = "sales",
        **parameters: str,
    ) -> None:
        """Make a table, or a new version of it."""
        known = {table["Name"] for table in self.glue.get_tables(DatabaseName="shop")["TableList"]}
        (self.glue.update_table if name in known else self.glue.create_table)(
            DatabaseName="shop",
            TableInput={
                "Name": name,
                "StorageDescriptor": descriptor(columns, serde, told, location),
                "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in (keys or {}).items()],
                "Parameters": parameters,
            },
        )

    def partition(self, values: Sequence[str], location: str | None = None, **storage: Any) -> None:
        described = descriptor(storage.get("columns", {}), storage.get("serde"), storage.get("told"), location)
        self.glue.create_partition(
            DatabaseName="shop",
            TableName="sales",
            PartitionInput={"Values": list(values), "StorageDescriptor": described},
        )

    def source(
        self, columns: Mapping[str, str], used: Collection[str] | None = None, *, name: str = "reach", **more: Any
    ) -> Source:
        """Return what a query gets of `sales`, which the collaboration calls `reach`; by default it reads all columns."""
        self.queries += 1
        folder = self.folder / str(self.queries)
        folder.mkdir()
        place = CatalogPlace(ACCOUNT, REGION, more.pop("database", "shop"), more.pop("table", "sales"))
        return glue_source(name, place, columns, columns if used is None else used, folder, **more)

    def rows(
        self, columns: Mapping[str, str], used: Collection[str] | None = None, **more: Any
    ) -> list[dict[str, Any]]:
        """Return the rows of that, with the partition keys as strings."""
        return rows_of(self.source(columns, used, **more))


def descriptor(
    columns: Mapping[str, str], serde: str | None, told: Mapping[str, str] | None, location: str | None
) -> dict[str, Any]:
    described: dict[str, Any] = {"Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]}
    if serde is not None:
        described["SerdeInfo"] = {"SerializationLibrary": serde, "Parameters": dict(told or {})}
    if location is not None:
        described["Location"] = location
    return described


def rows_of(source: Source) -> list[dict[str, Any]]:
    """Return the rows of a source, checking that its files keep to what a source promises."""
    from cleanrooms_mock.analysis.parquet_files import is_same
    from cleanrooms_mock.analysis.types import arrow_type, parse_type

    rows: list[dict[str, Any]] = []
    inside = [column for column in source.columns if column not in source.partition_keys]
    assert list(source.columns) == [*inside, *source.partition_keys]
    for file in source.files:
        table = parquet.read_table(file.path)
        names = {name.lower(): name for name in table.column_names}
        for column in inside:
            assert is_same(table.schema.field(names[column]).type, arrow_type(parse_type(source.columns[column])))
        assert list(file.partition) == list(source.partition_keys)
        rows += [{**{column: row[names[column]] for column in inside}, **file.partition} for row in table.to_pylist()]
    return rows
