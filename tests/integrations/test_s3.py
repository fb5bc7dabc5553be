"""Which buckets there are, whose and where: what is read out of moto's S3."""

from __future__ import annotations

import sys

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
