"""Spark itself, where it and Java are installed: what is recorded of it is what it gives, by the service's dialect and through the engine."""

import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock.analysis.engines import Engine, Limits, engine
from cleanrooms_mock.analysis.engines.spark_sessions import opened
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import table_source
from tests.analysis.engines.rows import (
    HALLS,
    cast_sources,
    halls,
    is_ordered,
    outcome,
    own_sources,
    queries,
    refusal,
    run,
    statements,
)
from tests.analysis.engines.test_differences import ROWS
from tests.analysis.engines.values import (
    DATA,
    Expression,
    Outcome,
    alike,
    batch_query,
    batches,
    expressions,
    outcomes,
    table,
)

JAVA = shutil.which("java") or (Path(os.environ.get("JAVA_HOME", "/nowhere")) / "bin" / "java").exists()
pytestmark = [
    pytest.mark.skipif(
        find_spec("pyspark") is None, reason="pyspark isn't installed: pip install 'cleanrooms-mock[spark]'"
    ),
    pytest.mark.skipif(not JAVA, reason="Java isn't installed, which Spark needs"),
    pytest.mark.skipif(
        os.environ.get("CLEANROOMS_MOCK_SPARK") != "1", reason="takes minutes; CLEANROOMS_MOCK_SPARK=1 asks for it"
    ),
    # Py4J and Spark leave sockets for the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
BATCHES = list(batches(expressions(), 60))
NO_HURRY = Limits(seconds=600)


@pytest.fixture(scope="module")
def spark() -> Engine:
    return engine("local[2]")


@pytest.mark.parametrize("batch", BATCHES, ids=[f"{batch[0].family}: {batch[0].text}" for batch in BATCHES])
def test_an_expression_gives_what_is_recorded(batch: list[Expression], spark: Engine, tmp_path: Path) -> None:
    recorded = json.loads((DATA / "spark_expressions.json").read_text("utf-8"))
    sources = {"v": table_source(table(), tmp_path, "v")}
    try:
        given = outcomes(run(spark, batch_query(batch), sources, limits=NO_HURRY), batch)
    except Refusal:
        # Spark 4.3 itself stumbles over some aggregates beside others.
        given = [outcomes(run(spark, one.query(), sources, limits=NO_HURRY), [one])[0] for one in batch]
    for expression, found in zip(batch, given, strict=True):
        assert found.type == Outcome(*recorded[expression.text]).type, expression.text
        assert alike(found.values, recorded[expression.text][1]), expression.text


@pytest.mark.parametrize("text", queries())
def test_a_query_gives_what_is_recorded(text: str, spark: Engine, tmp_path: Path) -> None:
    recorded = json.loads((DATA / "spark_queries.json").read_text("utf-8"))
    given = outcome(run(spark, text, own_sources(tmp_path), limits=NO_HURRY), is_ordered(text))
    assert given == recorded[text]


@pytest.mark.parametrize(("key", "text", "tables"), statements(), ids=[key for key, *_ in statements()])
def test_an_accepted_statement_runs(key: str, text: str, tables: list[str], spark: Engine, tmp_path: Path) -> None:
    recorded = json.loads((DATA / "spark_queries.json").read_text("utf-8"))
    given = outcome(run(spark, text, cast_sources(tmp_path, tables), limits=NO_HURRY), ordered=False)
    assert given["columns"] == recorded[key]["columns"]
    assert len(given["rows"]) == len(recorded[key]["rows"])


def test_the_time_is_up(spark: Engine, tmp_path: Path) -> None:
    sources = {"v": table_source(table(), tmp_path, "v")}
    error = refusal(spark, "SELECT COUNT(*) AS n FROM v", sources, limits=Limits(seconds=0.001))
    assert error.code == "INSUFFICIENT_COMPUTE"
    # The session is still good for the next query.
    given = run(spark, "SELECT COUNT(*) AS n FROM v", sources, limits=NO_HURRY)
    assert given.to_pylist() == [{"n": 6}]


def test_what_only_the_engine_finds_is_malformed(spark: Engine, tmp_path: Path) -> None:
    sources = {"v": table_source(table(), tmp_path, "v")}
    error = refusal(spark, "SELECT consent_tcf_v2_decode(s) FROM v", sources, limits=NO_HURRY)
    assert error.code == "MALFORMED_QUERY"
    assert "consent_tcf_v2_decode" in error.message.lower()


@pytest.mark.rule("ENG-20")
def test_a_char_is_what_it_is_in_a_table_of_sparks(tmp_path: Path) -> None:
    """What is recorded of chars is what Spark gives for a table of its own catalog, whose files have no blanks."""
    recorded = json.loads((DATA / "spark_queries.json").read_text("utf-8"))
    asked = [text for text in queries() if "FROM h" in text and ";" not in text]
    assert len(asked) > 25
    folder = tmp_path / "k=k"
    folder.mkdir()
    rows = halls().to_pylist()
    bare = [row | {name: row[name] and row[name].rstrip() for name in ("c", "w")} for row in rows]
    parquet.write_table(pa.Table.from_pylist(bare, halls().schema), folder / "h.parquet")
    columns = ", ".join(f"{name} {type_}" for name, type_ in HALLS.items())
    with opened("local[2]", "UTC") as session:
        session.sql(f"CREATE TABLE h ({columns}) USING parquet PARTITIONED BY (k) LOCATION '{tmp_path}'")
        session.sql("MSCK REPAIR TABLE h")
        try:
            given = {text: outcome(session.sql(text).toArrow(), is_ordered(text))["rows"] for text in asked}
        finally:
            session.sql("DROP TABLE h")
    assert given == {text: recorded[text]["rows"] for text in asked}


@pytest.mark.parametrize(("expression", "_duckdb", "said"), ROWS)
def test_it_differs_from_duckdb_as_is_said(
    expression: str, _duckdb: str, said: str, spark: Engine, tmp_path: Path
) -> None:
    text = f"SELECT HEX({expression}) AS c FROM p" if "STRING" in expression else f"SELECT {expression} AS c FROM p"
    if said.startswith("refused"):
        with pytest.raises(Refusal):
            run(spark, text, own_sources(tmp_path), limits=NO_HURRY)
    else:
        given = run(spark, text, own_sources(tmp_path), limits=NO_HURRY)["c"][0].as_py()
        assert given is not None
        assert not said.startswith("`") or str(given) == said.strip("`")
