"""awswrangler, a published client, reads the results of queries as it does from the service."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cleanrooms_mock import mock_cleanrooms

wr = pytest.importorskip("awswrangler", reason="awswrangler isn't installed here; CI has an environment with it")

ADVERTISER, PUBLISHER = "111111111111", "222222222222"
BUCKET = "advertiser-results"


def client(service: str, account_id: str) -> Any:
    return session(account_id).client(service)


def session(account_id: str) -> Any:
    """A session of an account, whose role moto lets anybody assume."""
    sts = boto3.client("sts", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    found = sts.assume_role(RoleArn=f"arn:aws:iam::{account_id}:role/tester", RoleSessionName="test")["Credentials"]
    return boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], "us-east-1")


def publish(rows: dict[str, list[Any]], types: dict[str, str]) -> None:
    """The publisher puts a table into its lake."""
    import pyarrow as pa
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pa.table(rows), buffer)
    s3, glue = client("s3", PUBLISHER), client("glue", PUBLISHER)
    s3.create_bucket(Bucket="publisher-lake")
    s3.put_object(Bucket="publisher-lake", Key="views/part-0.parquet", Body=buffer.getvalue())
    glue.create_database(DatabaseInput={"Name": "lake"})
    glue.create_table(
        DatabaseName="lake",
        TableInput={
            "Name": "views",
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": kind} for name, kind in types.items()],
                "Location": "s3://publisher-lake/views/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
            },
        },
    )


@pytest.fixture
def membership_id(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The membership of an advertiser that may query a publisher's table."""
    # It waits this long before it asks, each time.
    monkeypatch.setattr(wr.cleanrooms._utils, "_QUERY_WAIT_POLLING_DELAY", 0)
    with mock_cleanrooms():
        publish(
            {"user_id": ["a", "a", "b", "c"], "region": ["EU", "EU", "EU", "US"], "seconds": [10, 20, 30, None]},
            {"user_id": "string", "region": "string", "seconds": "bigint"},
        )
        client("s3", ADVERTISER).create_bucket(Bucket=BUCKET)
        advertiser, publisher = client("cleanrooms", ADVERTISER), client("cleanrooms", PUBLISHER)
        collaboration = advertiser.create_collaboration(
            name="reach",
            description="Who saw it",
            creatorDisplayName="advertiser",
            creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
            members=[{"accountId": PUBLISHER, "displayName": "publisher", "memberAbilities": []}],
            queryLogStatus="DISABLED",
        )["collaboration"]
        of_advertiser, of_publisher = (
            one.create_membership(collaborationIdentifier=collaboration["id"], queryLogStatus="DISABLED")["membership"]
            for one in (advertiser, publisher)
        )
        table = publisher.create_configured_table(
            name="views",
            tableReference={"glue": {"databaseName": "lake", "tableName": "views"}},
            allowedColumns=["user_id", "region", "seconds"],
            analysisMethod="DIRECT_QUERY",
        )["configuredTable"]
        publisher.create_configured_table_analysis_rule(
            configuredTableIdentifier=table["id"],
            analysisRuleType="AGGREGATION",
            analysisRulePolicy={
                "v1": {
                    "aggregation": {
                        "aggregateColumns": [
                            {"columnNames": ["seconds"], "function": "SUM"},
                            {"columnNames": ["user_id"], "function": "COUNT_DISTINCT"},
                        ],
                        "joinColumns": ["user_id"],
                        "dimensionColumns": ["region"],
                        "scalarFunctions": [],
                        "outputConstraints": [{"columnName": "user_id", "minimum": 2, "type": "COUNT_DISTINCT"}],
                    }
                }
            },
        )
        publisher.create_configured_table_association(
            name="views",
            membershipIdentifier=of_publisher["id"],
            configuredTableIdentifier=table["id"],
            roleArn=f"arn:aws:iam::{PUBLISHER}:role/reads",
        )
        yield of_advertiser["id"]


@pytest.mark.parametrize("chunksize", [None, True, 1])
def test_read_sql_query(membership_id: str, chunksize: int | bool | None) -> None:
    """Its data frame has the groups that the rule lets through, and it cleans up behind itself."""
    found = wr.cleanrooms.read_sql_query(
        sql="SELECT region, COUNT(DISTINCT user_id) AS users, SUM(seconds) AS seconds FROM views GROUP BY region",
        membership_id=membership_id,
        output_bucket=BUCKET,
        output_prefix="results",
        keep_files=False,
        chunksize=chunksize,
        boto3_session=session(ADVERTISER),
    )
    frames = [found] if chunksize is None else list(found)
    rows = [row for frame in frames for row in frame.to_dict("records")]
    assert rows == [{"region": "EU", "users": 2, "seconds": 60}]
    assert "Contents" not in client("s3", ADVERTISER).list_objects_v2(Bucket=BUCKET)


def test_a_query_that_is_refused(membership_id: str) -> None:
    """It raises the exception that users of it catch."""
    with pytest.raises(wr.exceptions.QueryFailed):
        wr.cleanrooms.read_sql_query(
            sql="SELECT user_id FROM views",
            membership_id=membership_id,
            output_bucket=BUCKET,
            output_prefix="results",
            boto3_session=session(ADVERTISER),
        )
