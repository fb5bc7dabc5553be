"""What DuckDB gives for an expression is what Spark has given for it, and of the same type."""

import json
from pathlib import Path

import pytest

from cleanrooms_mock.analysis.engines import engine
from cleanrooms_mock.analysis.sources import Source, table_source
from tests.analysis.engines.rows import run
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

RECORDED = json.loads((DATA / "spark_expressions.json").read_text("utf-8"))
BATCHES = list(batches(expressions(), 25))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("expressions")


@pytest.fixture(scope="module")
def source(folder: Path) -> Source:
    return table_source(table(), folder, "v")


def test_there_are_many_and_each_is_recorded() -> None:
    texts = [one.text for one in expressions()]
    assert len(texts) == len(set(texts)) > 800
    assert set(texts) == RECORDED.keys()


@pytest.mark.rule("ENG-16")
@pytest.mark.rule("ENG-17")
@pytest.mark.parametrize("batch", BATCHES, ids=[f"{batch[0].family}: {batch[0].text}" for batch in BATCHES])
def test_values_and_types_are_sparks(batch: list[Expression], folder: Path, source: Source) -> None:
    given = outcomes(run(engine("duckdb"), batch_query(batch), {"v": source}), batch)
    for expression, outcome in zip(batch, given, strict=True):
        recorded = Outcome(*RECORDED[expression.text])
        assert outcome.type == recorded.type, expression.text
        assert alike(outcome.values, recorded.values), (expression.text, outcome.values, recorded.values)
