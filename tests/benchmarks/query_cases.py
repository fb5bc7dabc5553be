"""What is timed of queries that run: a large aggregation beside plain DuckDB, a small query from start to result, and the rules alone.

These are timed by the clock, since DuckDB has threads of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tests.benchmarks.cases import ADVERTISER, CALL, FLOOR, PUBLISHER, SIZES, WIRE, Stage, Time, case

if TYPE_CHECKING:
    from cleanrooms_mock import Handle

#: Two tables that are joined, of which the first has nine in ten of the rows; together they have about 16 bytes a row as Parquet.
TABLES: Mapping[str, tuple[dict[str, str], float, str]] = {
    "views": (
        {"user_id": "bigint", "campaign": "string", "seconds": "int"},
        0.9,
        "SELECT (hash(i) % {users})::BIGINT AS user_id, 'campaign ' || (i % 50) AS campaign, (hash(i * 7) % 3600)::INT AS seconds",
    ),
    "sales": (
        {"user_id": "bigint", "amount": "decimal(12,2)", "store": "string"},
        0.1,
        "SELECT (hash(i * 3) % {users})::BIGINT AS user_id, (hash(i * 5) % 10000)::DECIMAL(12, 2) AS amount, 'store ' || (i % 200) AS store",
    ),
}
AGGREGATION = """
    SELECT v.campaign, COUNT(DISTINCT v.user_id) AS users, SUM(v.seconds) AS seconds, SUM(s.amount) AS amount
    FROM sales s JOIN views v ON s.user_id = v.user_id
    GROUP BY v.campaign
"""
POLICIES: Mapping[str, dict[str, Any]] = {
    "views": {
        "aggregateColumns": [
            {"columnNames": ["user_id"], "function": "COUNT_DISTINCT"},
            {"columnNames": ["seconds"], "function": "SUM"},
        ],
        "joinColumns": ["user_id"],
        "dimensionColumns": ["campaign"],
        "scalarFunctions": [],
        "outputConstraints": [{"columnName": "user_id", "minimum": 100, "type": "COUNT_DISTINCT"}],
    },
    "sales": {
        "aggregateColumns": [{"columnNames": ["amount"], "function": "SUM"}],
        "joinColumns": ["user_id"],
        "dimensionColumns": ["store"],
        "scalarFunctions": [],
        "outputConstraints": [{"columnName": "user_id", "minimum": 50, "type": "COUNT_DISTINCT"}],
    },
}


def by_the_clock(call: Callable[[], object]) -> Time:
    """Time ``call`` a number of times."""

    def time_calls(calls: int) -> float:
        started = perf_counter()
        for _ in range(calls):
            call()
        return perf_counter() - started

    return time_calls


def _parquet(folder: Path, rows: int) -> dict[str, Path]:
    """Make the files of both tables."""
    import duckdb

    paths = {name: folder / f"{name}.parquet" for name in TABLES}
    with duckdb.connect() as database:
        for name, (_, share, select) in TABLES.items():
            columns = select.format(users=max(1, rows // 20))
            database.execute(
                f"COPY ({columns} FROM range({int(rows * share)}) t(i)) TO '{paths[name]}' (FORMAT parquet)"
            )
    return paths


@case("aggregation", FLOOR)
def aggregate_files(stage: Stage) -> Time:
    """Plain DuckDB over the files, opened for each query as a script would."""
    import duckdb

    folder = Path(stage.enter(tempfile.TemporaryDirectory()))
    paths = _parquet(folder, SIZES["rows"])

    def query() -> object:
        with duckdb.connect() as database:
            for name, path in paths.items():
                database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
            return database.execute(AGGREGATION).fetchall()

    return by_the_clock(query)


@case("aggregation", CALL)
def aggregate_in_a_collaboration(stage: Stage) -> Time:
    """The same statement as a protected query, its rules checked, its constraints applied, its result in S3."""
    return by_the_clock(_asking(stage, SIZES["rows"], AGGREGATION))


@case("small_query", CALL, WIRE)
def query_a_few_rows(stage: Stage) -> Time:
    """A query of a hundred rows, from StartProtectedQuery to the CSV that is read back."""
    return by_the_clock(_asking(stage, 100, AGGREGATION))


def _asking(stage: Stage, rows: int, text: str) -> Callable[[], object]:
    """Set a collaboration up over two tables, and return what asks it and reads the answer."""
    handle = stage.mock_cleanrooms()
    advertiser, s3 = handle.client(ADVERTISER), handle.client(ADVERTISER, service="s3")
    s3.create_bucket(Bucket="results")
    membership_id = _collaborate(handle)
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _parquet(Path(folder), rows).items():
            _publish(handle, PUBLISHER if name == "views" else ADVERTISER, name, path)
    result = {"s3": {"bucket": "results", "keyPrefix": "reach", "resultFormat": "CSV"}}

    def ask() -> bytes:
        query = advertiser.start_protected_query(
            type="SQL",
            membershipIdentifier=membership_id,
            sqlParameters={"queryString": text},
            resultConfiguration={"outputConfiguration": result},
        )["protectedQuery"]
        query = advertiser.get_protected_query(
            membershipIdentifier=membership_id, protectedQueryIdentifier=query["id"]
        )["protectedQuery"]
        prefix = query["result"]["output"]["s3"]["location"].removeprefix("s3://results/")
        (listed,) = s3.list_objects_v2(Bucket="results", Prefix=prefix)["Contents"]
        body: bytes = s3.get_object(Bucket="results", Key=listed["Key"])["Body"].read()
        return body

    return ask


def _collaborate(handle: Handle) -> str:
    advertiser, publisher = handle.client(ADVERTISER), handle.client(PUBLISHER)
    collaboration_id = advertiser.create_collaboration(
        name="reach",
        description="who saw it and bought it",
        creatorDisplayName="advertiser",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[{"accountId": PUBLISHER, "displayName": "publisher", "memberAbilities": []}],
        queryLogStatus="DISABLED",
    )["collaboration"]["id"]
    own, _ = (
        one.create_membership(collaborationIdentifier=collaboration_id, queryLogStatus="DISABLED")["membership"]["id"]
        for one in (advertiser, publisher)
    )
    return str(own)


def _publish(handle: Handle, account_id: str, name: str, path: Path) -> None:
    """Put a file into an account's S3 and Glue, and associate it with the rule of its table."""
    cleanrooms: Any = handle.client(account_id)
    s3, glue = (handle.client(account_id, service=one) for one in ("s3", "glue"))
    s3.create_bucket(Bucket=f"lake-of-{name}")
    s3.upload_file(str(path), f"lake-of-{name}", f"{name}/part-0.parquet")
    glue.create_database(DatabaseInput={"Name": "lake"})
    columns = [{"Name": column, "Type": kind} for column, kind in TABLES[name][0].items()]
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    glue.create_table(
        DatabaseName="lake",
        TableInput={
            "Name": name,
            "StorageDescriptor": {"Columns": columns, "Location": f"s3://lake-of-{name}/{name}/", "SerdeInfo": serde},
        },
    )
    table_id = cleanrooms.create_configured_table(
        name=name,
        tableReference={"glue": {"databaseName": "lake", "tableName": name}},
        allowedColumns=list(TABLES[name][0]),
        analysisMethod="DIRECT_QUERY",
    )["configuredTable"]["id"]
    cleanrooms.create_configured_table_analysis_rule(
        configuredTableIdentifier=table_id,
        analysisRuleType="AGGREGATION",
        analysisRulePolicy={"v1": {"aggregation": POLICIES[name]}},
    )
    (membership,) = cleanrooms.list_memberships()["membershipSummaries"]
    cleanrooms.create_configured_table_association(
        name=name,
        membershipIdentifier=membership["id"],
        configuredTableIdentifier=table_id,
        roleArn=f"arn:aws:iam::{account_id}:role/tables",
    )


#: A statement of 200 lines: CTEs one after the other, each with a join, a window, a CASE and a condition.
LONG = "\n".join(
    [
        "WITH step_0 AS (SELECT user_id, store, amount FROM sales),",
        *(
            f"""step_{number} AS (
    SELECT s.user_id,
        s.store,
        CASE WHEN s.amount > {number} THEN ROUND(s.amount * 0.9, 2) ELSE s.amount END AS amount,
        ROW_NUMBER() OVER (PARTITION BY s.store ORDER BY s.amount DESC) AS place_{number}
    FROM step_{number - 1} s
    LEFT JOIN views v ON s.user_id = v.user_id AND v.seconds > {number}
    WHERE s.amount IS NOT NULL AND UPPER(s.store) LIKE 'STORE%'
        AND v.campaign NOT IN ('a', 'b', 'c')
),"""
            for number in range(1, 20)
        ),
        "last AS (SELECT store, SUM(amount) AS amount",
        "    FROM step_19 GROUP BY store)",
        "SELECT store, amount,",
        "    RANK() OVER (ORDER BY amount DESC) AS place",
        "FROM last",
        "WHERE amount > 0",
        "ORDER BY amount DESC",
        "LIMIT 10",
        "OFFSET 0",
    ]
)


@case("check_statement", CALL)
def check_a_long_statement(stage: Stage) -> Time:
    """All rules for a statement of 200 lines, as the command line checks it, without a mock."""
    from cleanrooms_mock.analysis.check import check
    from cleanrooms_mock.analysis.tables import Question, Table

    policy = {
        "allowed_analyses": ["ANY_QUERY"],
        "allowed_analysis_providers": [ADVERTISER],
        "disallowed_output_columns": ["user_id"],
    }
    tables = {
        name: Table(name=name, owner=PUBLISHER, columns=columns, rule_type="CUSTOM", policy=policy)
        for name, (columns, _, _) in TABLES.items()
    }
    question = Question(text=LONG, runner=ADVERTISER, receivers=[ADVERTISER])
    return by_the_clock(lambda: check(question, tables))
