"""Which buckets there are, whose and where: what is read out of moto's S3."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.integrations import s3

ACCOUNT = "222222222222"
OTHER = "333333333333"


def make(handle: Handle, bucket: str, region_name: str = "us-east-1", account_id: str = ACCOUNT) -> None:
    client = handle.client(account_id, region_name, service="s3")
    if region_name == "us-east-1":
        client.create_bucket(Bucket=bucket)
    else:
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region_name})


@pytest.mark.rule("MEM-12")
@pytest.mark.parametrize("account_id", [ACCOUNT, OTHER])
@pytest.mark.parametrize("region_name", ["us-east-1", "us-west-2", "eu-central-1"])
def test_the_region_of_a_bucket(cleanrooms: Handle, account_id: str, region_name: str) -> None:
    """A bucket is where it was made, whosever it is, as long as it exists."""
    assert s3.bucket_region("aws", "results") is None
    make(cleanrooms, "results", region_name, account_id)
    make(cleanrooms, "more-results", account_id=account_id)
    assert s3.bucket_region("aws", "results") == region_name
    assert s3.bucket_region("aws", "result") is None
    assert s3.bucket_region("aws-cn", "results") is None
    cleanrooms.client(account_id, region_name, service="s3").delete_bucket(Bucket="results")
    assert s3.bucket_region("aws", "results") is None


def test_buckets_of_another_partition(cleanrooms: Handle) -> None:
    """A bucket in China is one there, and none in the other partitions."""
    make(cleanrooms, "results", "cn-north-1")
    assert s3.bucket_region("aws-cn", "results") == "cn-north-1"
    assert s3.bucket_region("aws", "results") is None
    assert s3.has_buckets("aws-cn", ACCOUNT)
    assert not s3.has_buckets("aws", ACCOUNT)


@pytest.mark.rule("MEM-12")
def test_whether_an_account_has_buckets(cleanrooms: Handle) -> None:
    """An account has buckets from the first it makes, in whichever Region, to the last it deletes; others' don't count."""
    assert not s3.has_buckets("aws", ACCOUNT)
    make(cleanrooms, "theirs", account_id=OTHER)
    assert not s3.has_buckets("aws", ACCOUNT)
    for bucket, region_name in (("ours", "us-east-1"), ("ours-abroad", "eu-west-1")):
        make(cleanrooms, bucket, region_name)
        assert s3.has_buckets("aws", ACCOUNT)
    client = cleanrooms.client(ACCOUNT, service="s3")
    client.delete_bucket(Bucket="ours")
    assert s3.has_buckets("aws", ACCOUNT)
    client.delete_bucket(Bucket="ours-abroad")
    assert not s3.has_buckets("aws", ACCOUNT)
    assert s3.has_buckets("aws", OTHER)


def test_buckets_go_with_the_mock() -> None:
    """What one mock has made the next one doesn't know."""
    for _ in range(2):
        with mock_cleanrooms() as handle:
            assert not s3.has_buckets("aws", ACCOUNT)
            assert s3.bucket_region("aws", "results") is None
            make(handle, "results", "eu-west-1")
            assert s3.bucket_region("aws", "results") == "eu-west-1"


def test_an_s3_that_nobody_has_used(cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as moto's S3 isn't imported there are no buckets, and looking doesn't import it."""
    monkeypatch.delitem(sys.modules, "moto.s3.models", raising=False)
    assert not s3.has_buckets("aws", ACCOUNT)
    assert s3.bucket_region("aws", "results") is None
    assert "moto.s3.models" not in sys.modules


@pytest.mark.rule("MEM-12")
def test_the_storage_of_a_table_is_no_bucket(cleanrooms: Handle) -> None:
    """What S3 Tables keeps a table in, which moto notes among the names of buckets, isn't one that results go to."""
    tables = cleanrooms.client(ACCOUNT, service="s3tables")
    arn = tables.create_table_bucket(name="tables")["arn"]
    tables.create_namespace(tableBucketARN=arn, namespace=["campaign"])
    table = {"tableBucketARN": arn, "namespace": "campaign", "name": "reach"}
    tables.create_table(**table, format="ICEBERG")
    storage = tables.get_table(**table)["warehouseLocation"].removeprefix("s3://")
    assert s3.bucket_region("aws", storage) is None


def test_objects_to_be_read(cleanrooms: Handle, tmp_path: Path) -> None:
    """Objects come in the order of their keys, the newest version of each, without those that were deleted; their bytes go to a file."""
    assert s3.objects_below("aws", "data", "") is None
    assert s3.object_at("aws", "data", "a/1") is None
    make(cleanrooms, "data")
    client = cleanrooms.client(ACCOUNT, service="s3")
    client.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    assert s3.objects_below("aws", "data", "") == []
    large = bytes(range(256)) * 100_000
    for key, body in (("a/2", b"old"), ("a/2", b"second"), ("a/1", large), ("b", b"third"), ("a/3", b"gone")):
        client.put_object(Bucket="data", Key=key, Body=body)
    client.delete_object(Bucket="data", Key="a/3")
    first, second = s3.objects_below("aws", "data", "a/") or []
    assert (first.uri, first.size, first.kms_key, first.is_sealed) == ("s3://data/a/1", len(large), None, False)
    assert (second.uri, second.size) == ("s3://data/a/2", 6)
    for _ in range(2):
        first.copy_to(tmp_path / "first")
        assert (tmp_path / "first").read_bytes() == large
    second.copy_to(tmp_path / "second")
    assert (tmp_path / "second").read_bytes() == b"second"
    assert client.get_object(Bucket="data", Key="a/1")["Body"].read() == large
    found = s3.object_at("aws", "data", "a/2")
    assert found == second
    assert s3.object_at("aws", "data", "a/3") is None
    assert s3.object_at("aws", "data", "a/") is None
    assert s3.objects_below("aws-cn", "data", "") is None
    client.put_object(Bucket="data", Key="a/2", Body=b"third")
    client.delete_object(Bucket="data", Key="b", VersionId=client.head_object(Bucket="data", Key="b")["VersionId"])
    assert [one.size for one in s3.objects_below("aws", "data", "") or []] == [len(large), 5]


def test_an_object_that_is_gone(cleanrooms: Handle, tmp_path: Path) -> None:
    """An object that was deleted since it was found has no bytes left."""
    make(cleanrooms, "data")
    client = cleanrooms.client(ACCOUNT, service="s3")
    client.put_object(Bucket="data", Key="a", Body=b"a")
    found = s3.object_at("aws", "data", "a")
    assert found is not None
    client.delete_object(Bucket="data", Key="a")
    with pytest.raises(FileNotFoundError, match="s3://data/a"):
        found.copy_to(tmp_path / "a")


def test_how_an_object_is_encrypted(cleanrooms: Handle) -> None:
    """A key of the account's own is named, and what a client has encrypted is known by what it notes beside it."""
    make(cleanrooms, "data")
    client = cleanrooms.client(ACCOUNT, service="s3")
    client.put_object(Bucket="data", Key="1", Body=b"a", ServerSideEncryption="aws:kms", SSEKMSKeyId="1234abcd")
    client.put_object(Bucket="data", Key="2", Body=b"a", Metadata={"X-Amz-Key-V2": "a2V5"})
    client.put_object(Bucket="data", Key="3", Body=b"a", Metadata={"x-amz-key": "a2V5"})
    client.put_object(Bucket="data", Key="4", Body=b"a", ServerSideEncryption="AES256", Metadata={"key": "a2V5"})
    objects = s3.objects_below("aws", "data", "") or []
    assert [(one.kms_key, one.is_sealed) for one in objects] == [
        ("1234abcd", False),
        (None, True),
        (None, True),
        (None, False),
    ]


def test_an_object_is_put(cleanrooms: Handle) -> None:
    """It is stored as a call would store it, in whoever's bucket, with the encryption of that."""
    make(cleanrooms, "theirs", "eu-west-1", OTHER)
    client = cleanrooms.client(OTHER, "eu-west-1", service="s3")
    assert s3.bucket_key("aws", "theirs") is None
    assert s3.bucket_key("aws", "nobody-s") is None
    by_s3 = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    client.put_bucket_encryption(Bucket="theirs", ServerSideEncryptionConfiguration={"Rules": [by_s3]})
    assert s3.bucket_key("aws", "theirs") is None
    by_kms = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "1234abcd"}}
    client.put_bucket_encryption(Bucket="theirs", ServerSideEncryptionConfiguration={"Rules": [by_kms]})
    assert s3.bucket_key("aws", "theirs") == "1234abcd"
    s3.put_object("aws", "theirs", "results/a.csv", b"a")
    answer = client.get_object(Bucket="theirs", Key="results/a.csv")
    assert answer["Body"].read() == b"a"
    assert answer["SSEKMSKeyId"] == "1234abcd"
