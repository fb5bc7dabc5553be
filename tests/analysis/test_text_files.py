"""Tables of CSV and of JSON."""

from __future__ import annotations

import bz2
import gzip
import json
import math
import struct
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.text_files import _Csv, _quoted_fields, _quoted_reader, csv_reader
from cleanrooms_mock.analysis.text_values import converter
from cleanrooms_mock.analysis.types import parse_type
from cleanrooms_mock.rules import rule_behind
from tests.analysis.lake import CSV, JSON, Lake

ABC = ("a", "b", "c")


def fields(line: str, **told: str) -> list[Any]:
    ((found),) = csv_reader(ABC, ABC, told, {})(iter([line]))
    return list(found)


@pytest.mark.rule("ENG-05")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x,y,z", ["x", "y", "z"]),
        ("x,,", ["x", "", ""]),
        ("x", ["x", None, None]),
        ("", ["", None, None]),
        ("x,y,z,more", ["x", "y", "z"]),
        (" x , y ", [" x ", " y ", None]),
        ('"x","",z', ["x", "", "z"]),
        ('"x,y","z"', ["x,y", "z", None]),
        ('"say ""hi""",y', ['say "hi"', "y", None]),
        (r'"say \"hi\"",y', ['say "hi"', "y", None]),
        (r'"back\\slash",y', ["back\\slash", "y", None]),
        (r'"a\nb",y', ["anb", "y", None]),
        (r"C:\dir,y", ["C:dir", "y", None]),
        (r"a\"b,y", ['a"b', "y", None]),
        ('"""",y', ['"', "y", None]),
        ('""""""', ['""', None, None]),
        ('one,"two', ["one", None, None]),
        ('abc,de"f"g,h', ["abc", 'de"f"g', "h"]),
        ('abc, "de",f', ["abc", "de", "f"]),
        ("x\\", ["x", None, None]),
    ],
)
def test_fields_of_a_line(line: str, expected: list[Any]) -> None:
    """Quotes and escapes are read as the serde does; a line has as many fields as the table has columns, or NULL."""
    assert fields(line) == expected


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x;'y;''z'", {"separatorChar": ";", "quoteChar": "'"}),
        ("x\t`y;^`z`", {"separatorChar": "\t", "quoteChar": "`", "escapeChar": "^"}),
        ('x|"y;\\"z"', {"separatorChar": "||", "quoteChar": '"', "escapeChar": '"'}),
    ],
)
def test_characters_of_a_table_s_own(line: str, told: dict[str, str]) -> None:
    """Separator, quote and escape are the first characters of the serde's parameters; a quote isn't taken for an escape."""
    quote = told["quoteChar"]
    assert fields(line, **told) == ["x", f"y;{quote}z", None]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\\", exclude_categories=["Cs"])), min_size=3, max_size=3))
def test_any_value_comes_through_in_quotes(values: list[str]) -> None:
    """Values that are quoted, with their quotes doubled, are read as they were."""
    assert fields(",".join('"' + value.replace('"', '""') + '"' for value in values)) == values


@given(st.text(st.sampled_from('a ,"\\'), max_size=12))
def test_the_fast_way_is_the_long_way(line: str) -> None:
    """Lines whose quotes enclose whole fields are read as those that have to be read sign by sign."""
    csv = _Csv(",", '"', "\\", 0)
    assert _quoted_reader(csv)(line) == _quoted_fields(line, csv)


TYPES = {
    "t": "tinyint",
    "i": "int",
    "l": "bigint",
    "f": "float",
    "d": "double",
    "n": "decimal(5,2)",
    "b": "boolean",
    "s": "string",
    "v": "varchar(3)",
    "day": "date",
    "at": "timestamp",
    "x": "binary",
}
FITTING = [
    "-128",
    " +7 ",
    "9223372036854775807",
    "1.5",
    "1e3",
    "1.005",
    "TRUE",
    "",
    "abcdef",
    "2026-6-9",
    "2026-06-09 02:00:00.367891",
    "é",
]
FITTED = {
    "t": -128,
    "i": 7,
    "l": 9223372036854775807,
    "f": 1.5,
    "d": 1000.0,
    "n": Decimal("1.01"),
    "b": True,
    "s": "",
    "v": "abc",
    "day": date(2026, 6, 9),
    "at": datetime(2026, 6, 9, 2, 0, 0, 367_891, tzinfo=timezone.utc),
    "x": "é".encode(),
}


@pytest.mark.rule("ENG-05")
def test_types_of_csv(lake: Lake) -> None:
    """Each field becomes a value of its column's type, or NULL where it doesn't fit; an empty string is a string, and no other type's value."""
    lake.table(TYPES, CSV)
    nonsense = ["x"] * 7 + ["x", "x", "x", "x", "x"]
    empty = [""] * len(TYPES)
    lake.put("sales/1.csv", "\n".join(",".join(row) for row in (FITTING, nonsense, empty)))
    fitted, wrong, blank = lake.rows(TYPES)
    assert fitted == FITTED
    nothing = dict.fromkeys(TYPES)
    assert wrong == {**nothing, "s": "x", "v": "x", "x": b"x"}
    assert blank == {**nothing, "s": "", "v": "", "x": b""}
    assert lake.rows(TYPES, ["l", "s"])[0] == {"l": 9223372036854775807, "s": ""}


@pytest.mark.rule("ENG-05")
@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("tinyint", "128", None),
        ("smallint", "32767", 32767),
        ("int", "-2147483649", None),
        ("int", "1.99", 1),
        ("int", "1e2", None),
        ("int", "1_0", None),
        ("bigint", "9" * 50, None),
        ("double", "-inf", -math.inf),
        ("double", "1_0", None),
        ("decimal(5,2)", "999.994", Decimal("999.99")),
        ("decimal(5,2)", "999.995", None),
        ("decimal(5,2)", "-0.005", Decimal("-0.01")),
        ("decimal(5,2)", "1e2", Decimal("100.00")),
        ("decimal(5,2)", "NaN", None),
        ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
        ("boolean", "0", False),
        ("boolean", "2", None),
        ("date", "2026-02-30", None),
        ("date", "2026-06-09T02:00", date(2026, 6, 9)),
        ("date", "06/09/2026", None),
        ("char(2)", "abc", "ab"),
        ("char(2)", "a", "a "),
        ("varchar(2)", "a", "a"),
        ("array<int>", "[1]", None),
        ("struct<a:int>", "{}", None),
        ("map<string,int>", "{}", None),
    ],
)
def test_a_value_and_its_type(kind: str, text: str, value: Any) -> None:
    """What is at the edge of a type, and what is just beyond."""
    assert converter(parse_type(kind))(text) == value


def test_what_is_no_number() -> None:
    """NaN is a value of floating-point types."""
    found = converter(parse_type("double"))(" nan ")
    assert found is not None
    assert math.isnan(found)


@pytest.mark.rule("ENG-06")
@pytest.mark.parametrize(
    "text",
    [
        "2026-06-09 02:00:00",
        "2026-06-09 02:00:00.367",
        "2026-06-09T02:00:00.367891",
        "2026-06-09 02:00:00.367891Z",
        "2026-06-09",
        "1780970400",
        "2026-02-30 00:00:00.000000",
        "2026-06-09 24:00:00.000000",
    ],
)
def test_timestamps_that_are_written_otherwise(lake: Lake, text: str) -> None:
    """Only one way to write a timestamp is read, in CSV and in JSON."""
    kinds = {"at": "timestamp"}
    lake.table(kinds, CSV)
    lake.put("sales/1.csv", f"{text}\n2026-06-09 02:00:00.367891\n")
    missing, there = lake.rows(kinds)
    assert missing == {"at": None}
    assert there == {"at": FITTED["at"]}
    lake.table(kinds, JSON)
    lake.put("sales/1.csv", json.dumps({"at": text}) + '\n{"at": "2026-06-09 02:00:00.367891"}\n{"at": 1780970400}')
    assert [row["at"] for row in lake.rows(kinds)] == [None, FITTED["at"], None]


@pytest.mark.rule("ENG-07")
def test_lines_to_skip(lake: Lake) -> None:
    """As many lines of each file are skipped as the table, or its serde, says, if it says a number."""
    for key in ("1", "2"):
        lake.put(f"sales/{key}.csv", f"head\nhead\n{key}\n")
    kinds = {"a": "string"}
    cases: list[tuple[dict[str, str], dict[str, Any], int]] = [
        ({}, {}, 0),
        ({}, {"skip.header.line.count": "1"}, 1),
        ({"skip.header.line.count": "2"}, {}, 2),
        ({}, {"skip.header.line.count": "many"}, 0),
        ({}, {"skip.header.line.count": "9"}, 3),
    ]
    for told, parameters, skipped in cases:
        lake.table(kinds, CSV, told=told, **parameters)
        expected = [*["head", "head", "1"][skipped:], *["head", "head", "2"][skipped:]]
        assert [row["a"] for row in lake.rows(kinds)] == expected


def test_lines_of_every_kind(lake: Lake) -> None:
    """Lines end as on any system, the last one as it likes; a mark of the byte order isn't text, and bytes that are none become a sign for that."""
    kinds = {"a": "string", "b": "string"}
    lake.table(kinds, CSV)
    lake.put("sales/1.csv", b"\xef\xbb\xbf1,x\r\n2,y\r3,\xff\n4,\xc3\xa9")
    assert [tuple(row.values()) for row in lake.rows(kinds)] == [("1", "x"), ("2", "y"), ("3", "\ufffd"), ("4", "é")]


def test_more_lines_than_are_read_at_once(lake: Lake) -> None:
    """A file of any length is one file."""
    kinds = {"a": "int", "b": "string"}
    lake.table(kinds, CSV)
    lake.put("sales/1.csv", "".join(f"{number},{number % 7}\n" for number in range(120_001)))
    rows = lake.rows(kinds)
    assert len(rows) == 120_001
    assert rows[-1] == {"a": 120_000, "b": str(120_000 % 7)}


def hadoop_snappy(body: bytes) -> bytes:
    codec = pa.Codec("snappy")
    written = b""
    for block in (body[:20], body[20:]):
        parts = [bytes(codec.compress(part, asbytes=True)) for part in (block[:7], block[7:])]
        written += struct.pack(">I", len(block)) + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return written


def framed_snappy(body: bytes) -> bytes:
    compressed = b"CRC!" + bytes(pa.Codec("snappy").compress(body[:10], asbytes=True))
    plain = b"CRC!" + body[10:]
    return (
        b"\xff\x06\x00\x00sNaPpY"
        b"\x00"
        + len(compressed).to_bytes(3, "little")
        + compressed
        + b"\xfe\x02\x00\x00.."
        + b"\x01"
        + len(plain).to_bytes(3, "little")
        + plain
    )


def zstandard(body: bytes) -> bytes:
    codec = pa.Codec("zstd")
    return bytes(codec.compress(body[:9], asbytes=True) + codec.compress(body[9:], asbytes=True))


BODY = "".join(f"line {number},é\n" for number in range(200)).encode()


@pytest.mark.rule("ENG-04")
@pytest.mark.parametrize(
    ("extension", "body"),
    [
        (".gz", gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])),
        (".GZ", gzip.compress(BODY)),
        (".bz2", bz2.compress(BODY[:100]) + bz2.compress(BODY[100:])),
        (".snappy", hadoop_snappy(BODY)),
        (".snappy", framed_snappy(BODY)),
        (".zstd", zstandard(BODY)),
        (".zst", zstandard(BODY)),
        (".csv", BODY),
        ("", BODY),
    ],
)
def test_compression(lake: Lake, extension: str, body: bytes) -> None:
    """How a text is compressed is told by the end of its name; one in several pieces is one text."""
    kinds = {"a": "string", "b": "string"}
    lake.table(kinds, CSV)
    lake.put(f"sales/part{extension}", body)
    assert [row["a"] for row in lake.rows(kinds)] == [f"line {number}" for number in range(200)]


@pytest.mark.rule("ENG-04")
@pytest.mark.parametrize("extension", [".lz4", ".deflate", ".xz", ".zip"])
def test_compression_that_isn_t_supported(lake: Lake, extension: str) -> None:
    """A text that is compressed otherwise is refused, with its name."""
    lake.table({"a": "string"}, CSV)
    lake.put(f"sales/part.csv{extension}", b"anything")
    with pytest.raises(Refusal, match=rf"part.csv{extension}, whose compression {extension} isn't supported") as caught:
        lake.source({"a": "string"})
    behind = rule_behind(caught.value)
    assert behind is not None
    assert behind.id == "ENG-04"


@pytest.mark.parametrize(
    ("extension", "body"),
    [
        (".gz", b"no gzip"),
        (".gz", gzip.compress(BODY)[:-9]),
        (".bz2", b"no bzip2"),
        (".zstd", b"no zstandard"),
        (".snappy", b"no snappy, but longer than that"),
        (".snappy", hadoop_snappy(BODY)[:-3]),
        (".snappy", framed_snappy(BODY)[:-3]),
        (".snappy", b"\x00\x00\x00\x05\x00"),
    ],
)
def test_damaged_files(lake: Lake, extension: str, body: bytes) -> None:
    """What can't be decompressed fails the query, with the object's name."""
    lake.table({"a": "string"}, CSV)
    lake.put(f"sales/part{extension}", body)
    with pytest.raises(Refusal, match=rf"part{extension} is damaged") as caught:
        lake.source({"a": "string"})
    assert caught.value.code == "INVALID_RESOURCE"


JSONS = {
    **TYPES,
    "tags": "array<int>",
    "by_day": "map<date,int>",
    "home": "struct<zip:string,geo:struct<lat:double>>",
}


@pytest.mark.rule("ENG-05")
def test_types_of_json(lake: Lake) -> None:
    """JSON's values become those of their columns' types; names have any case; what isn't there, or doesn't fit, is NULL."""
    lake.table(JSONS, JSON)
    first = {
        **dict(zip(TYPES, FITTING, strict=True)),
        "tags": [1, "2", None, "x"],
        "by_day": {"2026-06-09": 3, "never": 4},
        "home": {"ZIP": 10115, "Geo": {"LAT": 52.5, "lon": 13.4}},
    }
    numbers = {"T": 1, "I": 2.9, "l": True, "F": 1, "d": 2, "n": 3.456, "b": 1, "s": 1.50, "v": 12345, "day": 3, "x": 4}
    wrong = {"tags": {}, "by_day": [], "home": "x", "s": {"a": [1, None, 1.5, True]}, "b": "x"}
    lake.put("sales/1.json", "\n".join(json.dumps(row) for row in (first, numbers, wrong)) + "\n\n  \n")
    fitted, plain, unfit = lake.rows(JSONS)
    assert fitted == {
        **FITTED,
        "tags": [1, 2, None, None],
        "by_day": [(date(2026, 6, 9), 3)],
        "home": {"zip": "10115", "geo": {"lat": 52.5}},
    }
    nothing = dict.fromkeys(JSONS)
    assert plain == {
        **nothing,
        "t": 1,
        "i": 2,
        "f": 1.0,
        "d": 2.0,
        "n": Decimal("3.46"),
        "b": True,
        "s": "1.5",
        "v": "123",
        "x": b"4",
    }
    assert unfit == {**nothing, "s": '{"a":[1,null,1.5,true]}'}


def test_names_of_json(lake: Lake) -> None:
    """A column may have another name in the data, and case may matter there."""
    kinds = {"a": "int", "b": "int"}
    lake.put("sales/1.json", '{"A": 1, "beta": 2, "Beta": 3}\n')
    lake.table(kinds, JSON, told={"mapping.b": "Beta", "case.insensitive": "FALSE"})
    assert lake.rows(kinds) == [{"a": None, "b": 3}]
    lake.table(kinds, JSON, told={"mapping.b": "BETA"})
    assert lake.rows(kinds) == [{"a": 1, "b": 3}]


@pytest.mark.parametrize("line", ["no JSON", "[1]", "1", '{"a": 1', '{"a": 1} {"a": 2}', "[" * 100_000])
def test_lines_that_are_no_json(lake: Lake, line: str) -> None:
    """A line that is no object fails the query, unless the serde is told to pass over it: then it is a row of NULLs."""
    kinds = {"a": "int"}
    lake.put("sales/1.json", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
    lake.table(kinds, JSON)
    with pytest.raises(Refusal, match=r"sales/1.json has a line that is no JSON object: line 2") as caught:
        lake.source(kinds)
    assert caught.value.code == "INVALID_RESOURCE"
    lake.table(kinds, JSON, told={"ignore.malformed.json": "true"})
    assert [row["a"] for row in lake.rows(kinds)] == [1, None, 2]


@pytest.mark.parametrize(
    "serde", ["org.apache.hive.hcatalog.data.JsonSerDe", "org.apache.hadoop.hive.serde2.JsonSerDe"]
)
def test_hive_s_own_serdes_for_json(lake: Lake, serde: str) -> None:
    """Other serdes for JSON read it all the same."""
    lake.table({"a": "int"}, serde)
    lake.put("sales/1.json", '{"A": 1}')
    assert lake.rows({"a": "int"}) == [{"a": 1}]
