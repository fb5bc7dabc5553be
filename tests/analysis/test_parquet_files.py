"""Tables of Parquet: which types of files are read as which types of the catalog, and how."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import rule_behind
from tests.analysis.lake import BUCKET, Lake, as_parquet

NAIVE = datetime(2026, 6, 9, 2, 0, 0, 367_891)  # noqa: DTZ001  it has no zone
INSTANT = NAIVE.replace(tzinfo=timezone.utc)
INTEGERS = ("tinyint", "smallint", "int", "bigint")
SEVEN = Decimal(7)


def read(lake: Lake, kind: str, values: pa.Array, **options: Any) -> Any:
    """Return what a file's one value is read as."""
    lake.put("sales/1.parquet", as_parquet(pa.table({"x": values}), **options))
    lake.table({"x": kind})
    ((value,),) = (row.values() for row in lake.rows({"x": kind}))
    return value


# What Spark 4.3 reads of each with the schema of the other, and to what; it refuses the other pairs.
READ = [
    *((name, kind, 7) for name in ("int8", "int16", "int32", "uint8", "uint16") for kind in INTEGERS),
    *((name, "double", 7.0) for name in ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")),
    *(
        (name, kind, SEVEN)
        for name in ("int8", "int16", "int32")
        for kind in ("decimal(10,0)", "decimal(20,0)", "decimal(12,2)")
    ),
    ("int64", "bigint", 7),
    ("uint32", "bigint", 7),
    ("int64", "decimal(20,0)", SEVEN),
    ("uint64", "decimal(20,0)", SEVEN),
    ("float32", "float", 7.0),
]
NUMBERS = [f"{sign}{bits}" for sign in ("int", "uint") for bits in (8, 16, 32, 64)] + ["float32", "float64"]
KINDS = [*INTEGERS, "float", "double", "decimal(10,0)", "decimal(20,0)", "decimal(12,2)", "string", "boolean"]


@pytest.mark.parametrize(("name", "kind", "value"), READ)
def test_numbers_that_are_read_as_others(lake: Lake, name: str, kind: str, value: Any) -> None:
    """A number is read as a wider one, and as one that a file keeps in the same way."""
    assert read(lake, kind, pa.array([7], getattr(pa, name)())) == value


@pytest.mark.rule("ENG-11")
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in NUMBERS for kind in KINDS if (name, kind) not in {pair[:2] for pair in READ}],
)
def test_numbers_that_aren_t_read_as_others(lake: Lake, name: str, kind: str) -> None:
    """Any other pair of types fails the query that reads the column, and no other."""
    found = pa.array([7], getattr(pa, name)())
    lake.put("sales/1.parquet", pa.table({"x": found, "y": ["y"]}))
    lake.table({"x": kind, "y": "string"})
    columns = {"x": kind, "y": "string"}
    with pytest.raises(Refusal) as caught:
        lake.source(columns)
    assert (caught.value.code, caught.value.table, caught.value.column) == ("INVALID_RESOURCE", "reach", "x")
    assert caught.value.message == (
        f"Column x of table reach has type {kind} in the catalog and {found.type} in s3://{BUCKET}/sales/1.parquet"
    )
    behind = rule_behind(caught.value)
    assert behind is not None
    assert behind.id == "ENG-11"
    assert lake.rows(columns, ["y"]) == [{"y": "y"}]


CENTS = pa.array([Decimal("1.25")], pa.decimal128(10, 2))


@pytest.mark.parametrize(
    ("values", "kind", "value"),
    [
        (CENTS, "decimal(10,2)", Decimal("1.25")),
        (CENTS, "decimal(12,4)", Decimal("1.2500")),
        (CENTS, "decimal(38,10)", Decimal("1.2500000000")),
        (pa.array(["a"]), "binary", b"a"),
        (pa.array([b"a"]), "string", "a"),
        (pa.array(["abc"]), "varchar(2)", "abc"),
        (pa.array(["é"]), "char(3)", "é  "),
        (pa.array(["abcd"]), "char(3)", "abcd"),
        (pa.array([b"a"]), "char(3)", "a  "),
        (pa.array([["a", None]]), "array<char(2)>", ["a ", None]),
        (pa.array([{"a": "x"}]), "struct<a:char(2)>", {"a": "x "}),
        (pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())), "map<char(2),char(3)>", [("k ", "v  ")]),
        (pa.array(["a"], pa.large_string()), "string", "a"),
        (pa.array(["a"]).dictionary_encode(), "string", "a"),
        (pa.array([b"abcd"], pa.binary(4)), "binary", b"abcd"),
        (pa.array([date(2026, 6, 9)]), "date", date(2026, 6, 9)),
        (pa.array([5], pa.int32()), "date", date(1970, 1, 6)),
        (pa.array([date(2026, 6, 9)]), "timestamp_ntz", datetime(2026, 6, 9)),  # noqa: DTZ001
        (pa.array([True]), "boolean", True),
        (pa.array([NAIVE], pa.timestamp("us")), "timestamp", NAIVE),
        (pa.array([NAIVE.replace(microsecond=0)], pa.timestamp("ms")), "timestamp", NAIVE.replace(microsecond=0)),
        (pa.array([INSTANT], pa.timestamp("us", tz="UTC")), "timestamp", INSTANT),
        (pa.array([INSTANT], pa.timestamp("us", tz="Europe/Rome")), "timestamp", INSTANT),
        (pa.array([[1, None]], pa.list_(pa.int32())), "array<int>", [1, None]),
        (pa.array([[1, None]], pa.list_(pa.int32())), "array<bigint>", [1, None]),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())), "map<string,bigint>", [("a", 1)]),
        (pa.array([{"a": 1, "b": "x"}]), "struct<b:string,a:bigint,c:int>", {"b": "x", "a": 1, "c": None}),
        (pa.array([{"A": [{"B": 1}]}]), "struct<a:array<struct<b:bigint>>>", {"a": [{"b": 1}]}),
        (pa.array([{"A": 1}]), "struct<a:bigint>", {"a": 1}),
        (pa.nulls(1, pa.struct([("a", pa.int32())])), "struct<a:bigint>", None),
    ],
)
@pytest.mark.rule("ENG-20")
def test_other_types(lake: Lake, values: pa.Array, kind: str, value: Any) -> None:
    """Strings, dates, instants and nested values."""
    assert read(lake, kind, values) == value


@pytest.mark.rule("ENG-11")
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (CENTS, "decimal(9,2)"),
        (CENTS, "decimal(12,1)"),
        (CENTS, "double"),
        (CENTS, "int"),
        (pa.array(["2026-06-09"]), "date"),
        (pa.array(["a"]), "int"),
        (pa.array([date(2026, 6, 9)]), "timestamp"),
        (pa.array([date(2026, 6, 9)]), "string"),
        (pa.array([True]), "int"),
        (pa.array([1]), "timestamp"),
        (pa.array([[1]]), "string"),
        (pa.array([["a"]]), "array<int>"),
        (pa.array([1]), "array<bigint>"),
        (pa.array([{"a": "x"}]), "struct<a:int>"),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), "map<string,int>"),
        (pa.array([{"a": 1}]), "map<string,bigint>"),
    ],
)
def test_other_types_that_aren_t_read(lake: Lake, values: pa.Array, kind: str) -> None:
    """What Spark wouldn't read fails the query."""
    with pytest.raises(Refusal, match="in the catalog and") as caught:
        read(lake, kind, values)
    assert (caught.value.code, caught.value.column) == ("INVALID_RESOURCE", "x")


@pytest.mark.rule("ENG-11")
def test_timestamps_in_nanoseconds(lake: Lake) -> None:
    """Spark doesn't read timestamps in nanoseconds, and the message says what to write instead; it reads those in the old way."""
    values = pa.array([NAIVE], pa.timestamp("ns"))
    with pytest.raises(Refusal, match="write them in microseconds"):
        read(lake, "timestamp", values)
    found = read(lake, "timestamp", values, use_deprecated_int96_timestamps=True)
    assert str(found).startswith("2026-06-09 02:00:00.367891")


def test_columns_by_their_names(lake: Lake) -> None:
    """The order and the case of a file's columns don't matter, and those that the catalog doesn't have neither; what a file lacks is NULL there."""
    kinds = {"region": "string", "visits": "bigint"}
    lake.table(kinds)
    lake.put("sales/1.parquet", pa.table({"extra": [[1]], "VISITS": [1], "Region": ["north"]}))
    lake.put("sales/2.parquet", pa.table({"visits": [2]}))
    lake.put("sales/3.parquet", pa.table({"extra": [1, 2]}))
    lake.put("sales/4.parquet", pa.table({"region": ["south"], "visits": pa.array([4], pa.int32())}))
    assert [tuple(row.values()) for row in lake.rows(kinds)] == [
        ("north", 1),
        (None, 2),
        (None, None),
        (None, None),
        ("south", 4),
    ]
    first = lake.source(kinds).files[0].path.read_bytes()
    assert first == lake.s3.get_object(Bucket=BUCKET, Key="sales/1.parquet")["Body"].read()


def test_two_columns_of_one_name(lake: Lake) -> None:
    """A file with two columns that differ in case fails the query that reads them."""
    lake.table({"region": "string", "visits": "bigint"})
    lake.put("sales/1.parquet", pa.table({"region": ["a"], "Region": ["b"], "visits": [1]}))
    with pytest.raises(Refusal, match=r"sales/1.parquet has 2 columns named region"):
        lake.source({"region": "string", "visits": "bigint"})
    assert lake.rows({"region": "string", "visits": "bigint"}, ["visits"]) == [{"visits": 1}]


def test_a_long_file_that_is_written_anew(lake: Lake) -> None:
    """All rows come along, in their order."""
    lake.table({"x": "bigint"})
    lake.put("sales/1.parquet", pa.table({"x": pa.array(range(200_000), pa.int32())}))
    (file,) = lake.source({"x": "bigint"}).files
    assert parquet.read_table(file.path)["x"].to_pylist() == list(range(200_000))


@pytest.mark.parametrize("body", [b"no Parquet", b"PAR1", as_parquet(pa.table({"x": [1]}))[:-9]])
def test_files_that_are_no_parquet(lake: Lake, body: bytes) -> None:
    """A file that isn't Parquet fails the query, with its name."""
    lake.table({"x": "bigint"})
    lake.put("sales/1.parquet", body)
    with pytest.raises(Refusal, match=r"s3://publisher-data/sales/1.parquet is no Parquet file") as caught:
        lake.source({"x": "bigint"})
    assert caught.value.code == "INVALID_RESOURCE"


def test_a_file_that_is_damaged(lake: Lake) -> None:
    """One that turns out to be broken as it is written anew fails the query, too."""
    body = bytearray(as_parquet(pa.table({"x": pa.array(range(1000), pa.int32())}), compression="gzip"))
    body[40:80] = bytes(40)
    lake.table({"x": "bigint"})
    lake.put("sales/1.parquet", bytes(body))
    with pytest.raises(Refusal, match="is damaged") as caught:
        lake.source({"x": "bigint"})
    assert caught.value.code == "INVALID_RESOURCE"
