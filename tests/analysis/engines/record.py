"""Record what Spark gives for each expression: `python -m tests.analysis.engines.record`, with pyspark and Java installed.

Spark reads the text as it stands, so that what is recorded owes nothing to the code under test.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet

from cleanrooms_mock.analysis.engines.spark import Spark
from cleanrooms_mock.analysis.engines.spark_sessions import opened
from cleanrooms_mock.analysis.refusals import Refusal
from tests.analysis.engines.rows import cast_sources, is_ordered, outcome, own_sources, queries, run, statements
from tests.analysis.engines.values import DATA, Expression, Outcome, batch_query, batches, expressions, outcomes, table

EXPRESSIONS = DATA / "spark_expressions.json"
QUERIES = DATA / "spark_queries.json"


def record(session: Any, of: list[Expression]) -> dict[str, Outcome | None]:
    """Return what Spark gives, ``None`` for what it refuses."""
    found: dict[str, Outcome | None] = {}
    for batch in batches(of, 40):
        for group in ([batch], [[one] for one in batch]):
            for part in group:
                try:
                    given = outcomes(session.sql(batch_query(part)).toArrow(), part)
                except Exception as error:  # noqa: PERF203  each is tried by itself
                    if len(part) == 1:
                        print(part[0].text, "->", str(error).split("\n", 1)[0])  # noqa: T201
                        found[part[0].text] = None
                else:
                    found |= {one.text: outcome for one, outcome in zip(part, given, strict=True)}
            if all(one.text in found for one in batch):
                break
    return found


def record_expressions() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, opened("local[2]", "UTC") as session:
        path = Path(folder) / "v.parquet"
        pyarrow.parquet.write_table(table(), path)
        session.read.parquet(str(path)).createOrReplaceTempView("v")
        return record(session, expressions())


def record_queries() -> dict[str, Any]:
    """Return what Spark gives for whole queries. They are in the service's dialect, which the engine turns into Spark's."""
    engine = Spark("local[2]")
    found: dict[str, Any] = {}
    for text in queries():
        with tempfile.TemporaryDirectory() as name:
            found[text] = tried(engine, text, own_sources(Path(name)), ordered=is_ordered(text))
    for key, text, tables in statements():
        with tempfile.TemporaryDirectory() as name:
            found[key] = tried(engine, text, cast_sources(Path(name), tables), ordered=False)
    return found


def tried(engine: Spark, text: str, sources: Any, *, ordered: bool) -> Any:
    try:
        return outcome(run(engine, text, sources), ordered)
    except Refusal as refusal:
        print(text, "->", refusal.message)  # noqa: T201
        return None


def write(path: Path, found: dict[str, Any]) -> None:
    lines = [
        f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(one, ensure_ascii=False)}" for key, one in found.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    write(EXPRESSIONS, record_expressions())
    write(QUERIES, record_queries())
