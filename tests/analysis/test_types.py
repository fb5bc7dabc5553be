"""Types of columns, in four spellings."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanrooms_mock.analysis.engines.data_types import in_duckdb, plain
from cleanrooms_mock.analysis.types import (
    Type,
    UnsupportedType,
    arrow_type,
    parse_type,
    spark_type,
    type_of_arrow,
)

INSTANT = pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    ("text", "spark", "duck", "arrow"),
    [
        ("tinyint", "TINYINT", "TINYINT", pa.int8()),
        ("smallint", "SMALLINT", "SMALLINT", pa.int16()),
        ("int", "INT", "INTEGER", pa.int32()),
        ("bigint", "BIGINT", "BIGINT", pa.int64()),
        ("float", "FLOAT", "FLOAT", pa.float32()),
        ("double", "DOUBLE", "DOUBLE", pa.float64()),
        ("decimal(10,2)", "DECIMAL(10,2)", "DECIMAL(10,2)", pa.decimal128(10, 2)),
        ("boolean", "BOOLEAN", "BOOLEAN", pa.bool_()),
        ("string", "STRING", "VARCHAR", pa.string()),
        ("varchar(20)", "VARCHAR(20)", "VARCHAR", pa.string()),
        ("char(2)", "CHAR(2)", "VARCHAR", pa.string()),
        ("date", "DATE", "DATE", pa.date32()),
        ("timestamp", "TIMESTAMP", "TIMESTAMP", INSTANT),
        ("timestamp_ntz", "TIMESTAMP_NTZ", "TIMESTAMP", pa.timestamp("us")),
        ("binary", "BINARY", "BLOB", pa.binary()),
        ("array<int>", "ARRAY<INT>", "INTEGER[]", pa.list_(pa.int32())),
        ("map<string,double>", "MAP<STRING, DOUBLE>", "MAP(VARCHAR, DOUBLE)", pa.map_(pa.string(), pa.float64())),
        (
            "struct<a b:int,c:array<map<string,date>>>",
            "STRUCT<`a b`: INT, `c`: ARRAY<MAP<STRING, DATE>>>",
            'STRUCT("a b" INTEGER, "c" MAP(VARCHAR, DATE)[])',
            pa.struct([("a b", pa.int32()), ("c", pa.list_(pa.map_(pa.string(), pa.date32())))]),
        ),
    ],
)
def test_a_type_in_four_spellings(text: str, spark: str, duck: str, arrow: pa.DataType) -> None:
    """Each type that Glue has a name for has one in Spark, in DuckDB and in Arrow, and comes back from there."""
    found = parse_type(text.replace("a b", "`a b`"))
    assert str(found) == text
    assert spark_type(found) == spark
    assert in_duckdb(plain(found)) == duck
    assert duckdb.execute(f"SELECT NULL::{duck}").fetchall() == [(None,)]
    assert arrow_type(found) == arrow
    assert type_of_arrow(arrow) == (Type("string") if found.is_text else found)
    assert found.is_nested == (found.name in ("array", "map", "struct"))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("INTEGER", "int"),
        (" Decimal ( 12 , 3 ) ", "decimal(12,3)"),
        ("decimal", "decimal(10,0)"),
        ("numeric(5)", "decimal(5,0)"),
        ("double precision", "double"),
        ("long", "bigint"),
        ("character varying(7)", "varchar(7)"),
        ("character(7)", "char(7)"),
        ("timestamp_ltz", "timestamp"),
        ("STRUCT< `x``y` : BIGINT, Z : array < real > >", "struct<x`y:bigint,Z:array<float>>"),
    ],
)
def test_other_names_of_types(text: str, canonical: str) -> None:
    """Case and space don't matter, and a type may have more names than one."""
    assert str(parse_type(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "interval",
        "interval_year_month",
        "uniontype<int,string>",
        "union",
        "void",
        "array",
        "array<>",
        "array<int",
        "array<int>>",
        "array<interval>",
        "map<string>",
        "struct<a>",
        "struct<a:int,>",
        "decimal(39,1)",
        "decimal(0)",
        "decimal(3,4)",
        "decimal(3,4,5)",
        "decimal(-3)",
        "varchar",
        "varchar(0)",
        "int int",
        "string`",
        "double double",
        "array<" * 2000 + "int" + ">" * 2000,
    ],
)
def test_what_is_no_type_of_a_column(text: str) -> None:
    """What columns can't have, and what is no type at all, is refused with its text."""
    with pytest.raises(UnsupportedType) as caught:
        parse_type(text)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("arrow", "text"),
    [
        (pa.null(), "string"),
        (pa.uint8(), "smallint"),
        (pa.uint16(), "int"),
        (pa.uint32(), "bigint"),
        (pa.uint64(), "decimal(20,0)"),
        (pa.float16(), "float"),
        (pa.large_string(), "string"),
        (pa.string_view(), "string"),
        (pa.dictionary(pa.int32(), pa.string()), "string"),
        (pa.large_binary(), "binary"),
        (pa.binary(4), "binary"),
        (pa.date64(), "date"),
        (pa.timestamp("ns"), "timestamp_ntz"),
        (pa.timestamp("ms", tz="Europe/Berlin"), "timestamp"),
        (pa.decimal256(38, 4), "decimal(38,4)"),
        (pa.large_list(pa.int64()), "array<bigint>"),
    ],
)
def test_types_of_arrow_that_are_no_other_s(arrow: pa.DataType, text: str) -> None:
    """What only Arrow tells apart becomes the nearest that columns can have."""
    assert str(type_of_arrow(arrow)) == text


@pytest.mark.parametrize(
    "arrow", [pa.duration("us"), pa.time64("us"), pa.decimal256(50, 2), pa.month_day_nano_interval()]
)
def test_types_of_arrow_that_no_column_has(arrow: pa.DataType) -> None:
    """A duration, a time of the day and a decimal of more than 38 digits are no column's."""
    with pytest.raises(UnsupportedType):
        type_of_arrow(arrow)


SIMPLE = st.sampled_from(
    ["int", "bigint", "double", "string", "date", "timestamp", "decimal(7,3)", "char(4)", "binary"]
)
TYPES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map("array<{}>".format),
        st.tuples(SIMPLE, inner).map(lambda pair: f"map<{pair[0]},{pair[1]}>"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: f"struct<{','.join(f'f{at}:{part}' for at, part in enumerate(parts))}>"
        ),
    ),
    max_leaves=8,
)


@given(TYPES)
def test_a_type_s_text_is_its_own(text: str) -> None:
    """What is read is written the same, and Arrow's form of it says the same but for the lengths of strings."""
    found = parse_type(text)
    assert str(found) == text
    assert parse_type(spark_type(found)) == found
    assert str(type_of_arrow(arrow_type(found))) == text.replace("char(4)", "string")
