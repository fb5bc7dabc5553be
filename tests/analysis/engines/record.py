"""Record what Spark gives for each expression: `python -m tests.analysis.engines.record`, with pyspark and Java installed.

Spark reads the text as it stands, so that what is recorded owes nothing to the code under test.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet

from cleanrooms_mock.analysis.engines.spark import _session
from tests.analysis.engines.values import DATA, Expression, Outcome, batch_query, batches, expressions, outcomes, table

RECORDED = DATA / "spark_results.json"


def record(session: Any, of: list[Expression]) -> dict[str, Outcome | None]:
    """Return what Spark gives, ``None`` for what it refuses."""
    found: dict[str, Outcome | None] = {}
    for batch in batches(of, 40):
        for group in ([batch], [[one] for one in batch]):
            for part in group:
                try:
                    given = outcomes(session.sql(batch_query(part)).toArrow(), part)
                except Exception as error:
                    if len(part) == 1:
                        print(part[0].text, "->", str(error).split("\n", 1)[0])  # noqa: T201
                        found[part[0].text] = None
                else:
                    found |= {one.text: outcome for one, outcome in zip(part, given, strict=True)}
            if all(one.text in found for one in batch):
                break
    return found


def main() -> None:
    session = _session("local[2]")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.parquet"
        pyarrow.parquet.write_table(table(), path)
        session.read.parquet(str(path)).createOrReplaceTempView("v")
        found = record(session, expressions())
    lines = [f"{json.dumps(text, ensure_ascii=False)}: {json.dumps(outcome, ensure_ascii=False)}" for text, outcome in found.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
