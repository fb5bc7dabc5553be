"""What DuckDB gives for a whole query is what Spark has given for it."""

import json
from pathlib import Path

import pytest

from cleanrooms_mock.analysis.engines import engine
from tests.analysis.engines.rows import cast_sources, is_ordered, outcome, own_sources, queries, run, statements
from tests.analysis.engines.values import DATA, alike

RECORDED = json.loads((DATA / "spark_queries.json").read_text("utf-8"))


def test_each_is_recorded() -> None:
    assert {*queries(), *(key for key, *_ in statements())} == RECORDED.keys()
    assert len(statements()) > 130


@pytest.mark.rule("ENG-20")
@pytest.mark.parametrize("text", queries())
def test_a_query_gives_what_spark_gives(text: str, tmp_path: Path) -> None:
    given = outcome(run(engine("duckdb"), text, own_sources(tmp_path)), is_ordered(text))
    assert given["columns"] == RECORDED[text]["columns"]
    assert alike(given["rows"], RECORDED[text]["rows"]), (given["rows"], RECORDED[text]["rows"])


@pytest.mark.parametrize(("key", "text", "tables"), statements(), ids=[key for key, *_ in statements()])
def test_an_accepted_statement_gives_what_spark_gives(key: str, text: str, tables: list[str], tmp_path: Path) -> None:
    given = outcome(run(engine("duckdb"), text, cast_sources(tmp_path, tables)), False)
    assert given["columns"] == RECORDED[key]["columns"]
    if "LIMIT" in text:
        # Which of equal rows are left is for the engine to choose.
        assert len(given["rows"]) == len(RECORDED[key]["rows"])
    else:
        assert alike(given["rows"], RECORDED[key]["rows"])
