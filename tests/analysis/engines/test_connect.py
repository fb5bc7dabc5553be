"""A Spark Connect server that runs here, as the engine `sc://…`: it gives what Spark in this process gives, and keeps nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timezone
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock import mock_cleanrooms
from cleanrooms_mock.analysis.engines import Engine, Limits, engine
from cleanrooms_mock.analysis.engines.spark import frame_of
from cleanrooms_mock.analysis.engines.spark_sessions import opened
from cleanrooms_mock.analysis.sources import DataFile, Source, table_source
from tests.analysis.engines.connect_server import Server, connect_server
from tests.analysis.engines.rows import (
    cast_sources,
    is_ordered,
    outcome,
    own_sources,
    queries,
    refusal,
    run,
    statements,
)
from tests.analysis.engines.test_limits import ENDLESS
from tests.analysis.engines.values import DATA, Outcome, alike, batch_query, batches, expressions, outcomes, table
from tests.cleanrooms.staging import Stage, store
from tests.cleanrooms.test_running_queries import VISITS, location_of, result
from tests.conftest import Scene

JAVA = shutil.which("java") or (Path(os.environ.get("JAVA_HOME", "/nowhere")) / "bin" / "java").exists()
pytestmark = [
    pytest.mark.skipif(
        any(find_spec(module) is None for module in ("pyspark", "grpc", "grpc_status", "pandas")),
        reason="pyspark isn't installed with its extra connect: pip install 'cleanrooms-mock[connect]'",
    ),
    pytest.mark.skipif(not JAVA, reason="Java isn't installed, which Spark needs"),
    pytest.mark.skipif(
        os.environ.get("CLEANROOMS_MOCK_SPARK") != "1", reason="starts a server; CLEANROOMS_MOCK_SPARK=1 asks for it"
    ),
]
NO_HURRY = Limits(seconds=600)
# All of it has been compared; of what makes a difference here, types and how rows come and go, these have some of each.
SOME_QUERIES = [*queries()[::15], *(text for text in queries() if text.startswith("SELECT n, c"))]
SOME_STATEMENTS = statements()[::20]
# Spark 4.3 itself fails where LISTAGG … WITHIN GROUP stands beside two COUNT(DISTINCT …) of different columns, as in a large batch.
SOME_EXPRESSIONS = list(batches(expressions(), 20))[::18]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with connect_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def connect(server: Server) -> Iterator[Engine]:
    """The engine, which leaves nothing on the server."""
    yield engine(server.url)
    assert server.kept == "0 cached, 0 sessions"


@pytest.mark.parametrize("text", SOME_QUERIES)
def test_a_query_gives_what_is_recorded(text: str, connect: Engine, tmp_path: Path) -> None:
    recorded = json.loads((DATA / "spark_queries.json").read_text("utf-8"))
    given = outcome(run(connect, text, own_sources(tmp_path), limits=NO_HURRY), is_ordered(text))
    assert given == recorded[text]


@pytest.mark.parametrize(("key", "text", "tables"), SOME_STATEMENTS, ids=[key for key, *_ in SOME_STATEMENTS])
def test_what_is_accepted_runs(key: str, text: str, tables: list[str], connect: Engine, tmp_path: Path) -> None:
    recorded = json.loads((DATA / "spark_queries.json").read_text("utf-8"))
    given = outcome(run(connect, text, cast_sources(tmp_path, tables), limits=NO_HURRY), ordered=False)
    assert given["columns"] == recorded[key]["columns"]
    assert len(given["rows"]) == len(recorded[key]["rows"])


@pytest.mark.parametrize("number", range(len(SOME_EXPRESSIONS)))
def test_values_have_the_types_that_are_recorded(number: int, connect: Engine, tmp_path: Path) -> None:
    recorded = json.loads((DATA / "spark_expressions.json").read_text("utf-8"))
    batch = SOME_EXPRESSIONS[number]
    sources = {"v": table_source(table(), tmp_path, "v")}
    given = outcomes(run(connect, batch_query(batch), sources, limits=NO_HURRY), batch)
    for one, found in zip(batch, given, strict=True):
        assert found.type == Outcome(*recorded[one.text]).type, one.text
        assert alike(found.values, recorded[one.text][1]), one.text


def test_the_server_needs_no_file_of_this_machine(server: Server, tmp_path: Path) -> None:
    """Rows are sent: those of files with names in another case, of partitions, and of tables without rows or columns."""
    path = tmp_path / "t.parquet"
    instant = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    at = instant.replace(tzinfo=None)
    parquet.write_table(pa.table({"AT": [at, None], "Clock": [at, None], "n": pa.array([1, 2], pa.int8())}), path)
    source = Source(
        columns={"at": "timestamp", "clock": "timestamp_ntz", "n": "tinyint", "day": "date"},
        files=[DataFile(path=path, partition={"day": "2026-01-02"}), DataFile(path=path, partition={"day": None})],
        partition_keys=["day"],
    )
    only_partitions = Source(columns={"day": "date"}, files=source.files, partition_keys=["day"])
    empty = Source(columns={"a": "array<struct<b:int>>"}, files=[])
    with opened(server.url, "Europe/Rome") as session:
        frames = [frame_of(session, one) for one in (source, only_partitions, empty)]
        path.unlink()
        rows, days, nothing = (frame.toArrow() for frame in frames)
    day = date(2026, 1, 2)
    assert rows.to_pylist() == [
        {"at": instant, "clock": at, "n": 1, "day": day},
        {"at": None, "clock": None, "n": 2, "day": day},
        {"at": instant, "clock": at, "n": 1, "day": None},
        {"at": None, "clock": None, "n": 2, "day": None},
    ]
    assert days.to_pylist() == [{"day": day}, {"day": day}, {"day": None}, {"day": None}]
    assert nothing.num_rows == 0


def test_the_server_is_left_to_its_other_users(server: Server, connect: Engine, tmp_path: Path) -> None:
    """What others have cached stays."""
    sources = {"v": table_source(table(), tmp_path, "v")}
    with opened(server.url, "UTC") as theirs:
        cached = theirs.range(3).cache()
        assert cached.count() == 3
        text = "CACHE TABLE w AS SELECT s FROM v; SELECT COUNT(*) AS n FROM w"
        assert run(connect, text, sources, limits=NO_HURRY).to_pylist() == [{"n": 6}]
        assert server.kept == "1 cached, 1 sessions"
        cached.unpersist()


@pytest.mark.rule("ENG-15")
def test_the_time_is_up(connect: Engine, tmp_path: Path) -> None:
    sources = {"t": table_source(pa.table({"i": pa.array(range(20_000), pa.int64())}), tmp_path, "t")}
    for seconds in (0.001, 3):
        error = refusal(connect, ENDLESS, sources, limits=Limits(seconds=seconds))
        assert error.code == "INSUFFICIENT_COMPUTE"
        assert error.message == f"The query was interrupted at its limit of time: {seconds} seconds"


@pytest.mark.rule("ENG-15")
def test_the_output_is_too_large(connect: Engine, tmp_path: Path) -> None:
    sources = {"v": table_source(table(), tmp_path, "v")}
    error = refusal(connect, "SELECT s FROM v", sources, limits=Limits(seconds=600, output=10))
    assert error.code == "INSUFFICIENT_COMPUTE"


def test_what_only_the_engine_finds_is_malformed(connect: Engine, tmp_path: Path) -> None:
    sources = {"v": table_source(table(), tmp_path, "v")}
    error = refusal(connect, "SELECT consent_tcf_v2_decode(s) FROM v", sources, limits=NO_HURRY)
    assert error.code == "MALFORMED_QUERY"
    assert "consent_tcf_v2_decode" in error.message.lower()


def test_data_that_is_broken(connect: Engine, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"nothing")
    error = refusal(
        connect,
        "SELECT a FROM t",
        {"t": Source(columns={"a": "int"}, files=[DataFile(path=path)])},
        limits=NO_HURRY,
    )
    assert error.code == "INVALID_RESOURCE"


def test_there_is_no_server(tmp_path: Path) -> None:
    """The message says where, but not with which token."""
    url = "sc://127.0.0.1:1/;session_id=00112233-4455-6677-8899-aabbccddeeff;token=secret"
    error = refusal(engine(url), "SELECT 1 AS n", {})
    assert error.code == "INSUFFICIENT_COMPUTE"
    assert error.message.startswith("No Spark session could be had of sc://127.0.0.1:1: ")
    assert "secret" not in error.message


def test_a_protected_query(server: Server) -> None:
    """The mock takes the server's URL, and the URL may name a session, which isn't used."""
    url = f"{server.url}/;session_id=00112233-4455-6677-8899-aabbccddeeff"
    with mock_cleanrooms(engine=url, query_limits={"seconds": 600}) as handle:
        stage = Stage(Scene(handle))
        store(stage.publisher, "visits", VISITS, [("Rome", 3), ("Oslo", 5)], "tables")
        stage.advertiser.client_of("s3").create_bucket(Bucket="results")
        for _ in range(2):
            query = stage.advertiser.run("SELECT city, visits / 2 AS half FROM visits")
            assert result(stage.advertiser, location_of(query)) == ["city,half", "Oslo,2.5", "Rome,1.5"]
