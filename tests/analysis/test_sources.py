"""Tables that are kept as Arrow has them, and read like any other."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from cleanrooms_mock.analysis.sources import DataFile, from_ipc, table_source, to_ipc

INSTANT = datetime(2026, 6, 9, 2, 0, 0, 367_891, tzinfo=timezone.utc)
TABLE = pa.table(
    {
        "Region": pa.array(["north", None, ""]),
        "visits": pa.array([1, 2, 3], pa.uint16()),
        "spend": pa.array([Decimal("1.50"), None, Decimal("-2.25")], pa.decimal128(10, 2)),
        "seen": pa.array([INSTANT, None, INSTANT], pa.timestamp("ns", tz="Europe/Berlin")),
        "tags": pa.array([["a"], [], None], pa.large_list(pa.string())),
    }
)


def test_a_table_is_kept_as_bytes() -> None:
    """What was kept is the same, an empty table too."""
    assert from_ipc(to_ipc(TABLE)).equals(TABLE)
    assert from_ipc(to_ipc(TABLE.slice(0, 0))).schema == TABLE.schema
    assert from_ipc(to_ipc(pa.table({}))).num_columns == 0


def test_a_table_as_a_source(tmp_path: Path) -> None:
    """Its columns get names in lower case and types that columns can have, and its file has just those."""
    source = table_source(TABLE, tmp_path, "reach")
    assert source.columns == {
        "region": "string",
        "visits": "int",
        "spend": "decimal(10,2)",
        "seen": "timestamp",
        "tags": "array<string>",
    }
    assert source.files == [DataFile(path=tmp_path / "reach.parquet")]
    assert source.partition_keys == ()
    kept = parquet.read_table(tmp_path / "reach.parquet")
    assert kept.column_names == list(source.columns)
    assert kept.schema.field("visits").type == pa.int32()
    assert kept.schema.field("seen").type == pa.timestamp("us", tz="UTC")
    assert kept.to_pylist()[0] == {
        "region": "north",
        "visits": 1,
        "spend": Decimal("1.50"),
        "seen": INSTANT,
        "tags": ["a"],
    }
    assert kept.column("region").to_pylist() == ["north", None, ""]


def test_a_table_without_rows_as_a_source(tmp_path: Path) -> None:
    """A file says what the columns are, whether or not it has rows."""
    source = table_source(TABLE.slice(0, 0), tmp_path, "reach")
    assert parquet.read_schema(source.files[0].path).names == list(source.columns)
