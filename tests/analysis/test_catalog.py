"""What of a table in the catalog a query reads, and what it is refused for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock import Handle
from cleanrooms_mock.analysis.data_rules import nested_columns_are_for_custom, type_is_supported
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.integrations import s3
from cleanrooms_mock.rules import rule_behind
from tests.analysis.lake import ACCOUNT, BUCKET, CSV, REGION, Lake, rows_of

COLUMNS = {"region": "string", "visits": "int"}
NORTH = pa.table({"region": ["north", None], "visits": pa.array([1, 2], pa.int32())})
SOUTH = pa.table({"region": ["south"], "visits": pa.array([3], pa.int32())})
NORTHERN = [{"region": "north", "visits": 1}, {"region": None, "visits": 2}]
SOUTHERN = [{"region": "south", "visits": 3}]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"


class Refused:
    """``with refused("INVALID_RESOURCE", "ENG-03", column="x") as found: …``; `found.message` is what it says."""

    message = ""

    def __init__(self, code: str, rule_id: str | None = None, *, column: str | None = None) -> None:
        self.expected = code, rule_id, column, "reach"

    def __enter__(self) -> Refused:  # noqa: PYI034  what typing calls Self came with 3.11
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        assert isinstance(error, Refusal), f"{error!r} is no refusal"
        behind = rule_behind(error)
        found = error.code, None if behind is None else behind.id, error.column, error.table
        assert found == self.expected, error.message
        assert "reach" in error.message
        self.message = error.message
        return True


def test_the_files_of_a_table(lake: Lake) -> None:
    """All objects below the location are read, however deep, in the order of their keys, and copied into the query's folder as they are."""
    lake.table(COLUMNS)
    lake.put("sales/b/2.parquet", SOUTH)
    lake.put("sales/1.parquet", NORTH)
    source = lake.source(COLUMNS)
    assert source.columns == COLUMNS
    assert source.partition_keys == []
    assert rows_of(source) == NORTHERN + SOUTHERN
    stored = [
        lake.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in ("sales/1.parquet", "sales/b/2.parquet")
    ]
    assert [file.path.read_bytes() for file in source.files] == stored
    assert all(file.path.is_relative_to(lake.folder) for file in source.files)


@pytest.mark.parametrize("location", [f"s3://{BUCKET}/sales", f"s3a://{BUCKET}/sales/", f"s3n://{BUCKET}//sales"])
def test_what_isn_t_data(lake: Lake, location: str) -> None:
    """A location ends at a slash, whether it is written with one or not; hidden objects, folders and what has no bytes aren't read."""
    lake.table(COLUMNS, location=location)
    lake.put("sales/part.parquet", NORTH)
    lake.put("sales/_k=1/part.parquet", SOUTH)
    for key in (
        "sales2/part.parquet",
        "sales.parquet",
        "sales/_SUCCESS",
        "sales/_temporary/0/part.parquet",
        "sales/.part.parquet.crc",
        "sales/.hive-staging/part.parquet",
        "sale",
    ):
        lake.put(key, b"no Parquet")
    for key in ("sales/", "sales/deep/", "sales/empty.parquet", "sales_$folder$"):
        lake.put(key, b"")
    lake.put("sales/full/", b"a folder with bytes")
    assert lake.rows(COLUMNS) == SOUTHERN + NORTHERN


def test_a_location_that_is_one_object_or_a_whole_bucket(lake: Lake) -> None:
    """A location may be the key of one object, or a bucket without more."""
    lake.put("part.parquet", NORTH)
    lake.put("deep/part.parquet", SOUTH)
    for location, rows in {
        f"s3://{BUCKET}/part.parquet": NORTHERN,
        f"s3://{BUCKET}/": SOUTHERN + NORTHERN,
        f"s3://{BUCKET}": SOUTHERN + NORTHERN,
    }.items():
        lake.table(COLUMNS, location=location)
        assert lake.rows(COLUMNS) == rows


def test_versions_and_parts(lake: Lake) -> None:
    """Of a bucket with versions the newest one counts, and none if that is a deletion; an object that was uploaded in parts is one."""
    lake.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    lake.table(COLUMNS)
    lake.put("sales/1.parquet", NORTH)
    lake.put("sales/1.parquet", SOUTH)
    lake.put("sales/2.parquet", b"no Parquet")
    lake.s3.delete_object(Bucket=BUCKET, Key="sales/2.parquet")
    upload = lake.s3.create_multipart_upload(Bucket=BUCKET, Key="sales/3.parquet")["UploadId"]
    big = pa.table(
        {"region": [f"{number:09}" for number in range(900_000)], "visits": pa.array(range(900_000), pa.int32())}
    )
    whole = _parquet(big, lake.folder)
    assert len(whole) > 6_000_000
    parts = []
    for number, part in enumerate((whole[:5_500_000], whole[5_500_000:]), 1):
        answer = lake.s3.upload_part(
            Bucket=BUCKET, Key="sales/3.parquet", PartNumber=number, UploadId=upload, Body=part
        )
        parts.append({"ETag": answer["ETag"], "PartNumber": number})
    lake.s3.complete_multipart_upload(
        Bucket=BUCKET, Key="sales/3.parquet", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    first, second = lake.source(COLUMNS).files
    assert parquet.read_table(first.path).equals(SOUTH)
    assert second.path.read_bytes() == whole


def _parquet(table: pa.Table, folder: Path) -> bytes:
    path = folder / "whole"
    parquet.write_table(table, path, compression="none", use_dictionary=False)
    return path.read_bytes()


def test_an_object_s_bytes_are_copied_in_parts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """No object is ever whole in memory, not even when it is looked for, whether moto keeps it in memory or in a file."""
    lake.table(COLUMNS)
    lake.put("sales/1.parquet", NORTH)
    monkeypatch.setattr("moto.s3.models.FakeKey.value", property(lambda key: pytest.fail("all bytes are read")))
    assert lake.rows(COLUMNS) == NORTHERN


def test_an_object_that_goes_while_it_is_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that is deleted between being found and being copied fails the query."""
    lake.table(COLUMNS)
    lake.put("sales/1.parquet", NORTH)
    found = s3.objects_below

    def then_delete(*place: str) -> Any:
        objects = found(*place)
        lake.s3.delete_object(Bucket=BUCKET, Key="sales/1.parquet")
        return objects

    monkeypatch.setattr(s3, "objects_below", then_delete)
    with Refused("INVALID_RESOURCE") as refused:
        lake.source(COLUMNS)
    assert "was deleted while it was read" in refused.message


@pytest.mark.rule("ENG-12")
def test_an_empty_location(lake: Lake) -> None:
    """A table without objects has no rows; a table whose bucket is gone isn't found."""
    lake.table(COLUMNS)
    source = lake.source(COLUMNS)
    assert source.columns == COLUMNS
    assert source.files == []
    lake.table(COLUMNS, location="s3://gone/sales/")
    with Refused("RESOURCE_NOT_FOUND", "ENG-12") as refused:
        lake.source(COLUMNS)
    assert "s3://gone/sales/" in refused.message


@pytest.mark.rule("ENG-11")
def test_a_table_that_isn_t_there(cleanrooms: Handle, lake: Lake) -> None:
    """Without its table, its database or any catalog at all a query fails, and says where it looked."""
    lake.table(COLUMNS)
    with Refused("RESOURCE_NOT_FOUND", "ENG-11") as refused:
        lake.source(COLUMNS, table="sale")
    assert f"account {ACCOUNT} in {REGION} has no table sale in a database shop" in refused.message
    with Refused("RESOURCE_NOT_FOUND", "ENG-11"):
        lake.source(COLUMNS, database="shops")
    assert lake.rows(COLUMNS, database="Shop", table="SALES") == []
    lake.glue.delete_table(DatabaseName="shop", Name="sales")
    with Refused("RESOURCE_NOT_FOUND", "ENG-11"):
        lake.source(COLUMNS)
    lake.glue.delete_database(Name="shop")
    with Refused("RESOURCE_NOT_FOUND", "ENG-11"):
        lake.source(COLUMNS)


@pytest.mark.rule("ENG-11")
def test_columns_that_aren_t_as_they_were(lake: Lake) -> None:
    """A column that was dropped from the catalog, got another type there, or has another in the files fails the query that reads it, and no other."""
    lake.put("sales/1.parquet", NORTH.append_column("price", pa.array(["1", "2"])))
    lake.table({"region": "string", "visits": "bigint", "price": "double"})
    columns = {"gone": "string", "visits": "int", "price": "double", "region": "string"}
    for column, saying in {
        "gone": "no longer a column of it in the catalog",
        "visits": "has become bigint in the catalog, and was int",
        "price": f"has type double in the catalog and string in s3://{BUCKET}/sales/1.parquet",
    }.items():
        with Refused("INVALID_RESOURCE", "ENG-11", column=column) as refused:
            lake.source(columns, ["region", column])
        assert saying in refused.message
    assert lake.rows(columns, ["region"]) == [{"region": "north"}, {"region": None}]


def test_a_query_that_reads_no_column(lake: Lake) -> None:
    """To count rows any column does that can be read, a partition key if there is no other."""
    lake.put("sales/1.parquet", NORTH.append_column("price", pa.array(["1", "2"])))
    lake.table({"region": "string", "visits": "bigint", "price": "double"})
    columns = {"gone": "string", "price": "double", "region": "string"}
    assert lake.rows(columns, []) == [{"region": "north"}, {"region": None}]
    with Refused("INVALID_RESOURCE", "ENG-11", column="gone"):
        lake.source({"gone": "string", "price": "double"}, [])


def test_only_keys_of_lines(lake: Lake) -> None:
    """Rows of text are counted even if nothing of them is read but partition keys."""
    lake.table({"a": "string"}, CSV, keys={"day": "date"})
    lake.put("sales/day=2026-06-09/1.csv", "x\ny\n")
    lake.partition(["2026-06-09"])
    assert lake.rows({"a": "string", "day": "date"}, ["day"]) == [{"day": "2026-06-09"}] * 2


@pytest.mark.rule("ENG-03")
@pytest.mark.parametrize("kind", ["interval", "uniontype<int,string>", "array<interval>"])
def test_types_that_aren_t_supported(lake: Lake, kind: str) -> None:
    """A column of a type that isn't supported fails the query that reads it, and no other."""
    lake.put("sales/1.parquet", NORTH)
    lake.table({**COLUMNS, "odd": kind})
    with Refused("INVALID_RESOURCE", "ENG-03", column="odd") as refused:
        lake.source({**COLUMNS, "odd": kind})
    assert kind in refused.message
    assert lake.rows({**COLUMNS, "odd": kind}, COLUMNS) == NORTHERN
    with Refused("INVALID_RESOURCE", "ENG-03", column="odd"):
        type_is_supported("reach", "odd", kind)


@pytest.mark.rule("ENG-01")
def test_nested_types_are_for_custom_rules() -> None:
    """An array, a map or a struct is read under a CUSTOM rule only, and never in a table of Athena, whichever column is read there."""
    columns = {"region": "string", "tags": "ARRAY<string>", "by_day": "map<date,int>", "home": "struct<zip:string>"}
    for column in ("tags", "by_day", "home"):
        nested_columns_are_for_custom("reach", columns, [column], "CUSTOM")
        for rule_type in ("AGGREGATION", "LIST", None):
            with Refused("INVALID_RESOURCE", "ENG-01", column=column):
                nested_columns_are_for_custom("reach", columns, ["region", column], rule_type)
    nested_columns_are_for_custom("reach", columns, ["region"], "LIST")
    with Refused("INVALID_RESOURCE", "ENG-01", column="tags"):
        nested_columns_are_for_custom("reach", columns, ["region"], "CUSTOM", is_athena=True)
    nested_columns_are_for_custom("reach", {"region": "string"}, ["region"], "CUSTOM", is_athena=True)


@pytest.mark.rule("ENG-04")
@pytest.mark.parametrize(
    ("serde", "saying"),
    [
        (
            "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "is stored as org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        ),
        ("org.apache.hadoop.hive.ql.io.orc.OrcSerde", "OrcSerde"),
        ("org.apache.hadoop.hive.serde2.avro.AvroSerDe", "AvroSerDe"),
        ("org.apache.hadoop.hive.serde2.RegexSerDe", "RegexSerDe"),
        (None, "has no SerdeInfo.SerializationLibrary"),
    ],
)
def test_formats_that_aren_t_supported(lake: Lake, serde: str | None, saying: str) -> None:
    """Any other format is refused, and the message says which ones there are."""
    lake.table(COLUMNS, serde)
    with Refused("INVALID_RESOURCE", "ENG-04") as refused:
        lake.source(COLUMNS)
    assert refused.message.startswith("One of the underlying datasets has an unsupported file format.")
    assert saying in refused.message
    assert "ParquetHiveSerDe" in refused.message


@pytest.mark.rule("ENG-04")
@pytest.mark.parametrize("location", [None, "hdfs://namenode/sales", "jdbc:postgresql", "s3://", "/sales"])
def test_data_that_aren_t_in_s3(lake: Lake, location: str | None) -> None:
    """A table that has no location in S3 is refused."""
    lake.table(COLUMNS, location=location)
    with Refused("INVALID_RESOURCE", "ENG-04") as refused:
        lake.source(COLUMNS)
    assert str(location) in refused.message


@pytest.mark.rule("ENG-04")
def test_encryption(lake: Lake) -> None:
    """What S3 has encrypted is read as ever. What its client had encrypted before isn't."""
    lake.table(COLUMNS)
    lake.put("sales/1.parquet", NORTH, ServerSideEncryption="AES256")
    lake.put("sales/2.parquet", SOUTH, ServerSideEncryption="aws:kms")
    assert lake.rows(COLUMNS) == NORTHERN + SOUTHERN
    lake.put("sales/3.parquet", b"sealed", Metadata={"x-amz-key-v2": "a2V5", "x-amz-cek-alg": "AES/GCM/NoPadding"})
    with Refused("INVALID_RESOURCE", "ENG-04") as refused:
        lake.source(COLUMNS)
    assert "sales/3.parquet" in refused.message


@pytest.mark.rule("ENG-08")
def test_partitions(lake: Lake) -> None:
    """The partitions of the catalog are read, each from its own location or the one that its values make, and nothing else; keys come last."""
    lake.table(COLUMNS, keys={"year": "int", "Day": "string"})
    columns = {"day": "string", "region": "string", "year": "int", "visits": "int"}
    lake.put("sales/stray.parquet", b"no Parquet")
    lake.put("sales/year=2025/day=1/1.parquet", b"no Parquet")
    assert lake.rows(columns) == []
    lake.put("sales/year=2026/day=1/1.parquet", NORTH)
    lake.put("elsewhere/1.parquet", SOUTH)
    lake.partition(["2026", "1"])
    lake.partition(["2026", "__HIVE_DEFAULT_PARTITION__"], f"s3://{BUCKET}/elsewhere")
    source = lake.source(columns)
    assert list(source.columns) == ["region", "visits", "day", "year"]
    assert source.partition_keys == ["day", "year"]
    assert rows_of(source) == [
        {"region": "north", "visits": 1, "day": "1", "year": "2026"},
        {"region": None, "visits": 2, "day": "1", "year": "2026"},
        {"region": "south", "visits": 3, "day": None, "year": "2026"},
    ]
    assert lake.rows(columns, ["year"]) == [{"year": "2026"}] * 3


@pytest.mark.rule("ENG-20")
def test_a_char_as_a_partition_key(lake: Lake) -> None:
    """Its value is padded as one of a file is."""
    lake.table({"code": "char(3)"}, keys={"day": "char(4)"})
    lake.put("sales/day=a/1.parquet", pa.table({"code": ["x"]}))
    lake.partition(["a"])
    lake.partition(["__HIVE_DEFAULT_PARTITION__"], f"s3://{BUCKET}/sales/day=a")
    rows = lake.rows({"code": "char(3)", "day": "char(4)"})
    assert rows == [{"code": "x  ", "day": "a   "}, {"code": "x  ", "day": None}]


@pytest.mark.rule("ENG-08")
def test_partition_projection(lake: Lake) -> None:
    """Properties that tell Athena what partitions there are make none here."""
    told: dict[str, Any] = {
        "projection.enabled": "true",
        "projection.day.type": "integer",
        "projection.day.range": "1,2",
    }
    lake.table(COLUMNS, keys={"day": "int"}, **told)
    lake.put("sales/day=1/1.parquet", NORTH)
    assert lake.rows({**COLUMNS, "day": "int"}) == []


@pytest.mark.rule("ENG-08", "PQ-09")
@pytest.mark.parametrize("left", [None, "sales/day=2/", "sales/day=2/_SUCCESS"])
def test_a_partition_without_data(lake: Lake, left: str | None) -> None:
    """A partition of the catalog without objects that hold data fails any query, whichever partition that is after; one without rows doesn't."""
    lake.table(COLUMNS, keys={"day": "int"})
    for day in ("1", "2"):
        lake.partition([day])
    lake.put("sales/day=1/1.parquet", NORTH)
    if left:
        lake.put(left, b"")
    with Refused("INVALID_RESOURCE", "ENG-08") as refused:
        lake.source({**COLUMNS, "day": "int"}, ["region"])
    assert refused.message.startswith(
        "Missing partition data: One of the configured tables is partitioned and one or more of the partitions does not have data"
    )
    assert f"partition day=2 at s3://{BUCKET}/sales/day=2" in refused.message
    lake.put("sales/day=2/1.parquet", NORTH.slice(0, 0))
    assert len(lake.rows(COLUMNS)) == 2


def test_a_partition_in_another_format(lake: Lake) -> None:
    """A partition may be stored otherwise than the table, with columns in another order."""
    lake.table(COLUMNS, keys={"day": "int"})
    lake.put("sales/day=1/1.parquet", SOUTH)
    lake.put("old/1.csv", "7;west\n")
    lake.partition(["1"])
    lake.partition(
        ["0"],
        f"s3://{BUCKET}/old/",
        serde=CSV,
        told={"separatorChar": ";"},
        columns={"visits": "int", "region": "string"},
    )
    assert lake.rows(COLUMNS) == [*SOUTHERN, {"region": "west", "visits": 7}]


def test_a_partition_with_too_few_values(lake: Lake) -> None:
    """A partition that doesn't say all its keys isn't read."""
    lake.table(COLUMNS, keys={"year": "int", "day": "int"})
    lake.partition(["2026"])
    with Refused("INVALID_RESOURCE"):
        lake.source(COLUMNS)


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cleanrooms.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
RIGHTS = {
    "glue:GetDatabase": [f"{GLUE}:catalog", f"{GLUE}:database/shop"],
    "glue:GetTable": [f"{GLUE}:catalog", f"{GLUE}:database/shop", f"{GLUE}:table/shop/sales"],
    "glue:GetPartitions": [f"{GLUE}:catalog", f"{GLUE}:database/shop", f"{GLUE}:table/shop/sales"],
    "s3:ListBucket": [f"arn:aws:s3:::{BUCKET}"],
    "s3:GetObject": [f"arn:aws:s3:::{BUCKET}/sales/*"],
    "kms:Decrypt": [KEY],
}


def grant(lake: Lake, rights: dict[str, list[str]]) -> None:
    statements = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in rights.items()]
    iam = lake.handle.client(ACCOUNT, REGION, service="iam")
    iam.put_role_policy(
        RoleName="reader",
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


@pytest.mark.rule("ENG-10")
def test_the_role_that_reads(lake: Lake) -> None:
    """The association's role has to exist, to trust the service and to permit all that reading the table takes; each right that lacks is named."""
    lake.table(COLUMNS, keys={"day": "int"})
    lake.partition(["1"])
    lake.put("sales/day=1/1.parquet", NORTH, ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY)

    def read(**more: Any) -> Any:
        return lake.rows(COLUMNS, role_arn=ROLE, **more)

    assert read() == NORTHERN
    with Refused("RESOURCE_ACCESS_DENIED", "ENG-10") as refused:
        read(strict=True)
    assert f"{ROLE} doesn't exist" in refused.message
    iam = lake.handle.client(ACCOUNT, REGION, service="iam")
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(TRUST))
    with Refused("RESOURCE_ACCESS_DENIED", "ENG-10") as refused:
        read()
    assert refused.message.startswith(
        "One or more tables referenced by the query is not accessible by its associated service role."
    )
    assert f"{ROLE} doesn't exist" in refused.message
    distrust = json.loads(json.dumps(TRUST).replace("cleanrooms.", "ec2."))
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(distrust))
    grant(lake, RIGHTS)
    with Refused("RESOURCE_ACCESS_DENIED", "ENG-10") as refused:
        read()
    assert "doesn't trust cleanrooms.amazonaws.com" in refused.message
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=json.dumps(TRUST))
    assert read() == NORTHERN
    for action, resources in RIGHTS.items():
        for at in range(len(resources)):
            grant(lake, {**RIGHTS, action: [*resources[:at], *resources[at + 1 :], "arn:aws:s3:::other"]})
            with Refused("RESOURCE_ACCESS_DENIED", "ENG-10") as refused:
                read()
            assert f"doesn't permit {action} on {resources[at].replace('*', 'day=1/1.parquet')}" in refused.message


def test_a_key_by_its_id(lake: Lake) -> None:
    """A key that an object names by its id alone is one of the table's account, in the bucket's Region."""
    lake.table(COLUMNS)
    lake.put("sales/1.parquet", NORTH, ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY.rpartition("/")[2])
    lake.handle.client(ACCOUNT, REGION, service="iam").create_role(
        RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    grant(lake, RIGHTS)
    assert lake.rows(COLUMNS, role_arn=ROLE) == NORTHERN
    grant(lake, {action: on for action, on in RIGHTS.items() if action != "kms:Decrypt"})
    with Refused("RESOURCE_ACCESS_DENIED", "ENG-10") as refused:
        lake.source(COLUMNS, role_arn=ROLE)
    assert KEY in refused.message
