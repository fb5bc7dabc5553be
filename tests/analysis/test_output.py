"""Results as objects in a bucket."""

from __future__ import annotations

import io
import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from moto.moto_api._internal import mock_random
from pyarrow import parquet

from cleanrooms_mock.analysis import output
from cleanrooms_mock.analysis.csv_text import csv_text
from cleanrooms_mock.analysis.output import location, store, write
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import rule_behind
from tests.analysis.lake import ACCOUNT, BUCKET, REGION, Lake

ID = "a1b2c3d4-5678-90ab-cdef-1234567890ab"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/results"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOCAL = datetime(2026, 6, 9, 2, 0, 0, 367_891)  # noqa: DTZ001  these have no zone
LONG_AGO = datetime(1969, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001
TABLE = pa.table({"region": ["north", None], "reach": pa.array([150, 3], pa.int64())})


def text(values: list[Any], type_: pa.DataType | None = None) -> list[str]:
    """Return what a column's values are written as, beside another column."""
    table = pa.table({"x": pa.array(values, type_), "y": pa.array(["!"] * len(values))})
    written = csv_text(table).decode()
    assert written.startswith("x,y\n")
    *lines, end = written.removeprefix("x,y\n").split(",!\n")
    assert end == ""
    return lines


# What Spark 4.3 writes for each of these.
@pytest.mark.rule("PQ-82")
@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        ("", '""'),
        ("plain", "plain"),
        ("a,b", '"a,b"'),
        ('say "hi"', r'"say \"hi\""'),
        (" lead", "lead"),
        ("trail ", "trail"),
        ("   ", '""'),
        ("\n", '""'),
        ("a\nb", '"a\nb"'),
        ("a\r\nb", '"a\r\nb"'),
        ("x\n", '"x"'),
        (" a,b ", '"a,b"'),
        ("\t tab", "tab"),
        ("back\\slash", "back\\slash"),
        ("\\", "\\"),
        ("x,\\", r'"x,\\"'),
        ('q\\"x', r'"q\\\"x"'),
        ("a;b'c", "a;b'c"),
        ("#c", "#c"),
        ("é€", "é€"),
        ("\u00a0nb\u00a0", "\u00a0nb\u00a0"),
        ("a\tb", "a\tb"),
    ],
)
def test_strings_in_csv(value: str | None, written: str) -> None:
    """A string is quoted where it has to be, and escaped by a backslash there; blanks at its ends are lost; NULL is nothing."""
    assert text([value], pa.string()) == [written]
    assert text([value], pa.large_string()) == [written]


@pytest.mark.rule("PQ-82")
@pytest.mark.parametrize(
    ("type_", "values", "written"),
    [
        (pa.bool_(), [True, False, None], ["true", "false", ""]),
        (pa.int8(), [-5], ["-5"]),
        (pa.int64(), [9223372036854775807], ["9223372036854775807"]),
        (
            pa.float64(),
            [1.5, 1e10, 1e-5, float("nan"), float("-inf"), 123456.0, -0.0, 0.0, 1e7, 0.001, 9999999.999, 1e21, 1e22],
            [
                "1.5",
                "1.0E10",
                "1.0E-5",
                "NaN",
                "-Infinity",
                "123456.0",
                "-0.0",
                "0.0",
                "1.0E7",
                "0.001",
                "9999999.999",
                "1.0E21",
                "1.0E22",
            ],
        ),
        (
            pa.float64(),
            [12345678.9, 123456789012345680.0, 0.00012345, 2.2250738585072014e-308, -100.0, float("inf"), None],
            ["1.23456789E7", "1.2345678901234568E17", "1.2345E-4", "2.2250738585072014E-308", "-100.0", "Infinity", ""],
        ),
        (
            pa.float32(),
            [0.1, 16777216.0, 3.4028234663852886e38, 9999999.0, 3.1415927],
            ["0.1", "1.6777216E7", "3.4028235E38", "9999999.0", "3.1415927"],
        ),
        (pa.decimal128(10, 2), [Decimal("1.10"), Decimal("-3.00"), None], ["1.10", "-3.00", ""]),
        (pa.decimal128(20, 7), [Decimal(0), Decimal("0.0000012")], ["0E-7", "0.0000012"]),
        (pa.date32(), [date(2026, 6, 9), date(1, 1, 1)], ["2026-06-09", "0001-01-01"]),
        (
            pa.timestamp("us"),
            [LOCAL, LONG_AGO],
            ["2026-06-09 02:00:00.367", "1969-12-31 23:59:59.999"],
        ),
        (
            pa.timestamp("us", tz="UTC"),
            [datetime(2026, 6, 9, tzinfo=timezone.utc), None],
            ["2026-06-09 00:00:00.000", ""],
        ),
        (
            pa.timestamp("us", tz="Europe/Rome"),
            [datetime(2026, 6, 9, tzinfo=timezone.utc)],
            ["2026-06-09 02:00:00.000"],
        ),
        (pa.binary(), [b"\x61\xff\x00", b"", None], ["[61 FF 00]", "[]", ""]),
        (
            pa.duration("us"),
            [timedelta(days=1, hours=2, minutes=3, seconds=4), timedelta(days=-1, hours=-1, milliseconds=-250), None],
            ["INTERVAL '1 02:03:04' DAY TO SECOND", "INTERVAL '-1 01:00:00.25' DAY TO SECOND", ""],
        ),
        (pa.dictionary(pa.int8(), pa.string()), ["a,b", None], ['"a,b"', ""]),
    ],
)
def test_values_in_csv(type_: pa.DataType, values: list[Any], written: list[str]) -> None:
    """Each type has its own way to be written."""
    assert text(values, type_) == written


@pytest.mark.rule("PQ-82")
@pytest.mark.parametrize(
    ("values", "type_", "name"),
    [
        ([[1]], pa.list_(pa.int32()), "ARRAY<INT>"),
        ([[("a", 1)]], pa.map_(pa.string(), pa.int32()), "MAP<STRING, INT>"),
        ([{"a": 1}], pa.struct([("a", pa.int32())]), "STRUCT<a: INT>"),
        ([None], pa.null(), "VOID"),
        ([[None]], pa.list_(pa.duration("us")), "list<item: duration[us]>"),
    ],
)
def test_what_csv_can_t_hold(values: list[Any], type_: pa.DataType, name: str) -> None:
    """Nested values aren't written as CSV; the message says which column has them."""
    table = pa.table({"x": ["y"], "odd": pa.array(values, type_)})
    with pytest.raises(Refusal) as caught:
        list(write(table, "CSV", single=False, analysis_id=ID))
    assert caught.value.code == "MALFORMED_QUERY"
    assert caught.value.message == f'The CSV datasource doesn\'t support the column `odd` of the type "{name}".'
    behind = rule_behind(caught.value)
    assert behind is not None
    assert behind.id == "PQ-82"


@pytest.mark.rule("PQ-82")
def test_lines_of_csv() -> None:
    """Names are written like strings, twice the same if need be; a row that is one NULL gives no line."""
    table = pa.table([["x"], pa.array([None], pa.string())], names=["a,b", ' c "d" '])
    assert csv_text(table) == b'"a,b","c \\"d\\""\nx,\n'
    assert csv_text(pa.table([["x"], ["y"]], names=["a", "a"])) == b"a,a\nx,y\n"
    assert csv_text(pa.table({"a": pa.array([None, "x", ""])})) == b'a\nx\n""\n'


@pytest.mark.rule("PQ-81", "PQ-82")
def test_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result has a file for each 100,000 rows, each with the columns' names, and all with one UUID, which moto's seed decides."""
    assert output.ROWS_PER_FILE == 100_000
    monkeypatch.setattr(output, "ROWS_PER_FILE", 2)
    table = pa.table({"a": [1, 2, 3, 4, 5]})
    mock_random.seed(7)
    written = dict(write(table, "CSV", single=False, analysis_id=ID))
    uuid = re.fullmatch(
        r"part-00000-([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})-c000.csv",
        next(iter(written)),
    )
    assert uuid is not None
    assert written == {
        f"part-00000-{uuid[1]}-c000.csv": b"a\n1\n2\n",
        f"part-00001-{uuid[1]}-c000.csv": b"a\n3\n4\n",
        f"part-00002-{uuid[1]}-c000.csv": b"a\n5\n",
    }
    mock_random.seed(7)
    files = dict(write(table, "PARQUET", single=False, analysis_id=ID))
    assert [*files] == [f"part-0000{number}-{uuid[1]}-c000.snappy.parquet" for number in range(3)]
    assert [parquet.read_table(io.BytesIO(body)).num_rows for body in files.values()] == [2, 2, 1]
    assert len(dict(write(table.slice(0, 2), "CSV", single=False, analysis_id=ID))) == 1


@pytest.mark.rule("PQ-81")
def test_a_single_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single file is called after the query, however many rows it has."""
    monkeypatch.setattr(output, "ROWS_PER_FILE", 2)
    table = pa.table({"a": [1, 2, 3, 4, 5]})
    assert dict(write(table, "CSV", single=True, analysis_id=ID)) == {f"{ID}.csv": b"a\n1\n2\n3\n4\n5\n"}
    ((name, body),) = write(table, "PARQUET", single=True, analysis_id=ID)
    assert name == f"{ID}.parquet"
    assert parquet.read_table(io.BytesIO(body)).equals(table)


@pytest.mark.rule("PQ-83")
@pytest.mark.parametrize("single", [True, False])
def test_a_result_without_rows(single: bool) -> None:
    """It is one file, which says what the columns are."""
    ((_, body),) = write(TABLE.slice(0, 0), "CSV", single=single, analysis_id=ID)
    assert body == b"region,reach\n"
    ((_, body),) = write(TABLE.slice(0, 0), "PARQUET", single=single, analysis_id=ID)
    assert parquet.read_table(io.BytesIO(body)).equals(TABLE.slice(0, 0))


def test_types_in_parquet() -> None:
    """Parquet keeps every type that a result has, compressed by Snappy."""
    table = pa.table(
        {
            "n": pa.array([Decimal("1.50")], pa.decimal128(38, 10)),
            "at": pa.array([datetime(2026, 6, 9, 2, 0, 0, 367_891, tzinfo=timezone.utc)], pa.timestamp("us", tz="UTC")),
            "local": pa.array([LOCAL], pa.timestamp("us")),
            "tags": [["a", None]],
            "by": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())),
            "nothing": pa.nulls(1),
            "x": [b"\x00"],
        }
    )
    ((_, body),) = write(table, "PARQUET", single=True, analysis_id=ID)
    file = parquet.ParquetFile(io.BytesIO(body))
    assert file.read().to_pylist() == table.to_pylist()
    assert file.schema_arrow.field("at").type == pa.timestamp("us", tz="UTC")
    assert file.schema_arrow.field("local").type == pa.timestamp("us")
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"


@pytest.mark.rule("PQ-86")
def test_columns_of_one_name() -> None:
    """Two columns of one name, in whatever case, are written as CSV and refused for Parquet."""
    table = pa.table([[1], [2]], names=["reach", "Reach"])
    assert dict(write(table, "CSV", single=True, analysis_id=ID))[f"{ID}.csv"] == b"reach,Reach\n1,2\n"
    with pytest.raises(Refusal, match="`Reach` already exists") as caught:
        list(write(table, "PARQUET", single=True, analysis_id=ID))
    assert caught.value.code == "MALFORMED_QUERY"
    behind = rule_behind(caught.value)
    assert behind is not None
    assert behind.id == "PQ-86"


@pytest.mark.rule("PQ-80")
@pytest.mark.parametrize(
    ("prefix", "folder"), [(None, ""), ("", ""), ("/", ""), ("results", "results/"), ("a/b/", "a/b/"), ("a//", "a/")]
)
def test_where_results_are(lake: Lake, prefix: str | None, folder: str) -> None:
    """The location is a prefix that ends with the query's id and a slash, and every object of the result is below it."""
    found = store(TABLE, "CSV", single=False, analysis_id=ID, partition="aws", bucket=BUCKET, key_prefix=prefix)
    assert found == location(BUCKET, prefix, ID) == f"s3://{BUCKET}/{folder}{ID}/"
    (stored,) = lake.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert stored["Key"].startswith(f"{folder}{ID}/part-00000-")
    assert lake.s3.get_object(Bucket=BUCKET, Key=stored["Key"])["Body"].read() == b"region,reach\nnorth,150\n,3\n"


def keys(lake: Lake) -> list[str]:
    return [stored["Key"] for stored in lake.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.mark.rule("ENG-13")
def test_a_bucket_that_is_gone(lake: Lake) -> None:
    """Results need their bucket."""
    with pytest.raises(Refusal, match="bucket gone doesn't exist") as caught:
        store(TABLE, "CSV", single=False, analysis_id=ID, partition="aws", bucket="gone")
    assert caught.value.code == "RESOURCE_NOT_FOUND"
    behind = rule_behind(caught.value)
    assert behind is not None
    assert behind.id == "ENG-13"


@pytest.mark.rule("ENG-13")
def test_a_role_that_may_not_write(lake: Lake) -> None:
    """The role is asked where its account has any, and each object has to be permitted; nothing is written otherwise."""

    def write_it(**more: Any) -> str:
        return store(
            TABLE,
            "CSV",
            single=True,
            analysis_id=ID,
            partition="aws",
            bucket=BUCKET,
            key_prefix="r",
            role_arn=ROLE,
            **more,
        )

    def denied(saying: str, **more: Any) -> None:
        with pytest.raises(Refusal, match=re.escape(saying)) as caught:
            write_it(**more)
        assert caught.value.code == "RESOURCE_ACCESS_DENIED"
        behind = rule_behind(caught.value)
        assert behind is not None
        assert behind.id == "ENG-13"
        assert keys(lake) == []

    denied(f"role {ROLE} doesn't exist", strict=True)
    iam = lake.handle.client(ACCOUNT, REGION, service="iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "cleanrooms.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="results", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    denied(f"doesn't permit s3:PutObject on arn:aws:s3:::{BUCKET}/r/{ID}/{ID}.csv")

    def grant(*statements: dict[str, str]) -> None:
        allowed = [{"Effect": "Allow", **statement} for statement in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName="results", PolicyName="write", PolicyDocument=document)

    put = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/r/*"}
    grant(put)
    encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
    lake.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [encrypted]})
    denied(f"doesn't permit kms:GenerateDataKey on {KEY}")
    grant(put, {"Action": "kms:GenerateDataKey", "Resource": KEY})
    write_it()
    assert keys(lake) == [f"r/{ID}/{ID}.csv"]
    head = lake.s3.head_object(Bucket=BUCKET, Key=f"r/{ID}/{ID}.csv")
    assert head["SSEKMSKeyId"] == KEY


def test_a_bucket_with_versions(lake: Lake) -> None:
    """Where versions are kept, results have them."""
    lake.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        store(TABLE, "CSV", single=True, analysis_id=ID, partition="aws", bucket=BUCKET)
    versions = lake.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len({version["VersionId"] for version in versions}) == 2


def test_a_result_that_can_t_be_written_leaves_nothing(lake: Lake) -> None:
    """Neither part of a result is stored if another can't be."""
    table = pa.table({"a": [[1]]})
    with pytest.raises(Refusal):
        store(table, "CSV", single=False, analysis_id=ID, partition="aws", bucket=BUCKET)
    assert keys(lake) == []
