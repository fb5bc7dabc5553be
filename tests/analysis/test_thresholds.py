"""How many identities a row stands for, and what may be aggregated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cleanrooms_mock.analysis.engines import Limits, Work, engine
from cleanrooms_mock.analysis.sources import table_source
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.suppression import constrained
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of
from tests.analysis.custom_rules import judged, refusal_of
from tests.analysis.engines.rows import copies

COLUMNS = {"uid": "string", "region": "string", "camp": "string", "cost": "int"}


def _table(name: str, columns: dict[str, str] = COLUMNS, **threshold: Any) -> Table:
    policy: dict[str, Any] = {"allowed_analyses": ["ANY_QUERY"]}
    if threshold:
        policy["aggregation_thresholds"] = [
            {"identity_columns": ["UID"], "type": "COUNT_DISTINCT", "minimum_identity_count": 2, **threshold}
        ]
    return Table(name=name, owner="1", columns=columns, rule_type="CUSTOM", policy=policy)


def _overrides(**minimums: int) -> list[dict[str, Any]]:
    return [{"output_column_name": name, "minimum_identity_count": count} for name, count in minimums.items()]


TABLES = {
    table.name: table
    for table in (
        _table("t", allowed_aggregate_expression_type="ANY_EXPRESSION"),
        _table("w", minimum_identity_count=3, output_column_thresholds=_overrides(CAMP=2, region=0), allowed_aggregate_expression_type="ANY_EXPRESSION"),
        _table("strict", allowed_aggregate_expression_type="COLUMNS_ONLY"),
        _table("default", minimum_identity_count=2),
        _table("blind", {"region": "string", "cost": "int"}, allowed_aggregate_expression_type="ANY_EXPRESSION"),
        _table("o"),
    )
}  # fmt: skip
#: Users of a region: of x are a, b and c, of y are a and b, of z only d, beside rows of nobody.
ROWS = [
    ("a", "x", "k", 1), ("a", "x", "k", 2), ("b", "x", "l", 3), ("c", "x", "k", 4), ("a", "y", "l", 5), ("b", "y", "l", 6), ("d", "z", "m", 7),
    ("d", "z", "m", 8), (None, "z", "m", 9),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def sources(folder: Path) -> dict[str, Any]:
    columns = dict(zip(COLUMNS, zip(*ROWS, strict=True), strict=True))
    types = {name: pa.int32() if name == "cost" else pa.string() for name in COLUMNS}
    return {
        table.name: table_source(
            pa.table({name: pa.array(columns[name], types[name]) for name in table.columns}), folder, table.name
        )
        for table in TABLES.values()
    }


@pytest.mark.rule("CUS-40", "CUS-41", "CUS-42", "CUS-44")
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT region, SUM(cost) AS s FROM t GROUP BY region ORDER BY s DESC", [("y", 11), ("x", 10)]),
        ("SELECT region, SUM(cost) AS s FROM o GROUP BY region ORDER BY region", [("x", 10), ("y", 11), ("z", 24)]),
        ("SELECT region, SUM(cost * 2) AS s FROM t GROUP BY region HAVING SUM(cost) > 10 OR region = 'z'", [("y", 22)]),
        ("SELECT SUM(cost) AS s FROM t WHERE region = 'z'", []),
        ("SELECT SUM(cost) AS s FROM t WHERE region <> 'z'", [(21,)]),
        # Counts over one table are exempt, in no other shape.
        ("SELECT COUNT(*) AS n, COUNT(DISTINCT uid) AS m, APPROX_COUNT_DISTINCT(camp) AS k FROM t WHERE region = 'z'", [(3, 1, 1)]),
        ("SELECT COUNT(*) AS n, SUM(cost) AS s FROM t WHERE region = 'z'", []),
        ("SELECT GREATEST(COUNT(*), 0) AS n FROM t WHERE region = 'z'", []),
        ("SELECT COUNT(*) AS n FROM t WHERE region = 'z' HAVING SUM(cost) > 1", []),
        ("SELECT region, COUNT(*) AS n FROM t WHERE region = 'z' GROUP BY region", []),
        ("SELECT COUNT(*) AS n FROM t JOIN o ON t.cost = o.cost WHERE t.region = 'z'", []),
        ("SELECT COUNT(*) AS n FROM t WHERE cost IN (SELECT cost FROM o WHERE region = 'z')", []),
        ("SELECT COUNT(*) AS n FROM (SELECT * FROM t WHERE region = 'z')", []),
        ("SELECT COUNT(*) AS n FROM t WHERE cost > (SELECT COUNT(*) FROM o)", []),
        # Rows stand for one identity, whatever is computed over them; equal ones are one with DISTINCT and UNION.
        ("SELECT region, cost FROM t", []),
        ("SELECT region, SUM(cost) OVER (PARTITION BY region) AS s FROM t", []),
        ("SELECT DISTINCT region FROM t ORDER BY region DESC", [("y",), ("x",)]),
        ("SELECT DISTINCT UPPER(region) AS r, region FROM t ORDER BY UPPER(region) LIMIT 1", [("X", "x")]),
        ("SELECT DISTINCT region, SUM(cost) OVER (PARTITION BY region) AS s FROM t ORDER BY 1", [("x", 10), ("y", 11)]),
        ("SELECT * FROM (SELECT region FROM t UNION SELECT region FROM o WHERE region = 'z') ORDER BY region", [("x",), ("y",)]),
        # Columns with minimums of their own.
        ("SELECT region FROM w WHERE region = 'z'", [("z",), ("z",), ("z",)]),
        ("SELECT region, 'c' AS c FROM w WHERE cost = 7", [("z", "c")]),
        ("SELECT camp FROM w GROUP BY camp ORDER BY camp", [("k",), ("l",)]),
        ("SELECT camp, region FROM w GROUP BY camp, region ORDER BY camp", [("k", "x"), ("l", "y")]),
        ("SELECT camp, SUM(cost) AS s FROM w GROUP BY camp", []),
        ("SELECT camp, COUNT(*) AS n FROM w GROUP BY camp", []),
        ("SELECT camp, RANK() OVER (ORDER BY camp) AS n FROM w GROUP BY camp", []),
        ("SELECT region, COUNT(region) AS n FROM w WHERE region = 'z' GROUP BY region", [("z", 3)]),
        ("SELECT region, COUNT(*) AS n FROM w GROUP BY region", [("x", 4)]),
        ("SELECT 'c' AS c FROM w GROUP BY camp", []),
        ("SELECT camp FROM (SELECT region AS camp, camp AS region FROM w) WHERE camp = 'z'", [("z",), ("z",), ("z",)]),
        ("SELECT n FROM (SELECT region, COUNT(*) AS n FROM w GROUP BY region)", [(4,)]),
        # Joins, each table with its own minimum, and each time that it stands there.
        ("SELECT t.region, SUM(t.cost) AS s FROM t JOIN o ON t.cost = o.cost GROUP BY t.region ORDER BY 1", [("x", 10), ("y", 11)]),
        ("SELECT w.region, SUM(t.cost) AS s FROM t JOIN w ON t.cost = w.cost AND t.uid = w.uid GROUP BY w.region ORDER BY 1", [("x", 10)]),
        ("SELECT w.camp, SUM(t.cost) AS s FROM t JOIN w USING (cost) GROUP BY w.camp ORDER BY 1", []),
        ("SELECT SUM(a.cost) AS s FROM t a JOIN t b ON a.region = b.region WHERE a.cost = 1", []),
        ("SELECT o.region, COUNT(t.cost) AS n FROM o LEFT JOIN t ON t.cost = o.cost AND t.region = 'x' GROUP BY o.region", [("x", 4)]),
        # Inner queries: what they aggregate stands for all identities of their rows.
        ("WITH u AS (SELECT uid, region, SUM(cost) AS c FROM t GROUP BY uid, region) SELECT region, AVG(c) AS a FROM u GROUP BY region ORDER BY a", [("x", 10 / 3), ("y", 5.5)]),
        ("SELECT * FROM (SELECT region, COUNT(*) AS n FROM t GROUP BY region) WHERE n > 2", [("x", 4)]),
        ("SELECT region, COUNT(*) AS n FROM (SELECT * FROM t ORDER BY cost LIMIT 3) GROUP BY region", [("x", 3)]),
        ("SELECT a.region, b.n FROM (SELECT DISTINCT region FROM t) a JOIN (SELECT region, COUNT(*) AS n FROM t GROUP BY region) b USING (region) ORDER BY 1", [("x", 4), ("y", 2)]),
        ("CACHE TABLE c AS SELECT region, cost FROM t; SELECT region, SUM(cost) AS s FROM c GROUP BY region ORDER BY 1", [("x", 10), ("y", 11)]),
        # Each branch by itself.
        ("SELECT region, SUM(cost) AS s FROM t GROUP BY region UNION ALL SELECT region, cost FROM o WHERE cost > 8 UNION ALL SELECT region, cost FROM t ORDER BY s", [("z", 9), ("x", 10), ("y", 11)]),
        # Subqueries give what stands for enough, but where they filter what is counted anyway.
        ("SELECT o.cost, (SELECT SUM(cost) FROM t WHERE t.region = o.region) AS s FROM o WHERE cost IN (1, 7) ORDER BY 1", [(1, 10), (7, None)]),
        ("SELECT COUNT(*) AS n FROM o WHERE uid IN (SELECT uid FROM t)", [(0,)]),
        ("SELECT region FROM o WHERE cost > (SELECT AVG(cost) FROM t WHERE region = 'z')", []),
        ("SELECT region, COUNT(*) AS n FROM t WHERE cost < (SELECT MAX(cost) FROM t WHERE uid IS NULL) GROUP BY region ORDER BY 1", [("x", 4), ("y", 2)]),
        ("SELECT v.x FROM o, (VALUES ((SELECT COUNT(cost) FROM t WHERE region = 'z'))) AS v(x) WHERE o.cost = 1", [(None,)]),
        # Without its identity column nothing can be counted.
        ("SELECT region, SUM(cost) AS s FROM blind GROUP BY region", []),
    ],
)  # fmt: skip
def test_rows_that_stay(text: str, rows: list[tuple[Any, ...]], sources: dict[str, Any]) -> None:
    """A result has the rows that stand for enough identities, in the query's order and under its names."""
    resolution = judged(text, TABLES)
    parsed = constrained(resolution)
    with engine("duckdb").sandbox(Limits()) as sandbox:
        copied = copies(sources, sandbox.folder)
        work = Work(statement=parsed.statement, sources=copied, cached=list(parsed.cached.items()))
        result = sandbox.run(work)
    assert [tuple(row.values()) for row in result.to_pylist()] == rows
    assert result.column_names == [output.name for output in resolution.final.outputs]


@pytest.mark.rule("CUS-40")
def test_what_is_not_rewritten() -> None:
    """A query without a minimum is carried out as it is, and the trees of others stay as they are."""
    free = judged("SELECT region FROM o", TABLES)
    assert constrained(free) is free.parsed
    resolution = judged(
        "CACHE TABLE c AS SELECT DISTINCT * FROM t; SELECT region FROM c UNION SELECT region FROM t", TABLES
    )
    before = parse_query("CACHE TABLE c AS SELECT DISTINCT * FROM t; SELECT region FROM c UNION SELECT region FROM t")
    constrained(resolution)
    assert resolution.parsed.statement == before.statement
    assert resolution.parsed.cached == before.cached


@pytest.mark.rule("CUS-40")
def test_columns_keep_their_names() -> None:
    """A column has its name as it is spelt, also where DISTINCT becomes a GROUP BY; no name of the query is taken for another."""
    text = 'SELECT DISTINCT UPPER(region), camp AS "Which one", region AS identities_1 FROM t'
    items = constrained(judged(text, TABLES)).statement.expressions
    assert [item.alias for item in items] == ["UPPER(region)", "Which one", "identities_1"]
    inner = constrained(judged("SELECT identities_1 FROM (SELECT COUNT(*) AS identities_1 FROM t)", TABLES)).statement
    assert "identities_2" in inner.sql()


@pytest.mark.rule("CUS-40")
def test_long_chains_are_rewritten() -> None:
    """Set operations nest as deep as they are long, and Python's stack doesn't."""
    text = " UNION ALL ".join(["SELECT region FROM t"] * 300)
    statement = constrained(judged(f"SELECT region, COUNT(*) AS n FROM ({text}) GROUP BY region", TABLES)).statement
    assert statement.sql().count("identities_1") == 301


@pytest.mark.rule("CUS-43")
@pytest.mark.parametrize("table", ["strict", "default"])
@pytest.mark.parametrize(
    "text",
    [
        "SELECT region, SUM(cost * 2) AS s FROM {} GROUP BY region",
        "SELECT region, SUM(ROUND(cost)) AS s FROM {} GROUP BY region",
        "SELECT region, SUM(-cost) AS s FROM {} GROUP BY region",
        "SELECT region, COUNT(DISTINCT UPPER(camp)) AS s FROM {} GROUP BY region",
        "SELECT region, COUNT(DISTINCT camp, cost + 1) AS s FROM {} GROUP BY region",
        "SELECT COUNT(CASE WHEN region = 'x' THEN 1 END) AS s FROM {}",
        "SELECT COUNT(IF(region = 'x', 1, NULL)) AS s FROM {}",
        "SELECT COUNT(*) FILTER (WHERE region = 'x') AS s FROM {}",
        "SELECT SUM(cost) FILTER (WHERE TRUE) AS s FROM {}",
        "SELECT region, COUNT(*) AS s FROM {} GROUP BY region HAVING SUM(cost + 1) > 5",
        "SELECT region, COUNT(*) AS s FROM {} GROUP BY region ORDER BY AVG(cost + 1)",
        "SELECT region, COUNT(*) AS s, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY cost + 1) AS p FROM {} GROUP BY region",
        "SELECT region, SUM(cost + 1) OVER (PARTITION BY region) AS s FROM {}",
        "SELECT region, COUNT(*) OVER () AS k, LAG(cost + 1) OVER (ORDER BY region) AS s FROM {}",
        "SELECT o.region, SUM(o.cost + x.cost) AS s FROM o JOIN {} x ON x.camp = o.camp GROUP BY o.region",
        # By way of another query.
        "SELECT region, SUM(k) AS s FROM (SELECT region, cost * 2 AS k FROM {}) GROUP BY region",
        "WITH c AS (SELECT CASE WHEN region = 'x' THEN cost END AS k FROM {}), d AS (SELECT * FROM c) SELECT SUM(k) AS s FROM d",
        "SELECT SUM(k) AS s FROM (SELECT cost AS k FROM o UNION ALL SELECT cost + 1 FROM {})",
        "SELECT AVG(k) AS s FROM (SELECT uid, SUM(cost) / COUNT(*) AS k FROM {} GROUP BY uid)",
        "SELECT COUNT(*) AS s FROM (SELECT SUM(cost + 1) AS k FROM {} GROUP BY region)",
        "CACHE TABLE c AS SELECT SUM(cost + 1) AS k FROM {}; SELECT COUNT(*) AS s FROM c",
        "SELECT SUM((SELECT MAX(cost) FROM {})) AS s FROM o",
    ],
)  # fmt: skip
def test_expressions_are_not_aggregated(text: str, table: str) -> None:
    """COLUMNS_ONLY, which is the default, holds through CTEs and subqueries too; with ANY_EXPRESSION nothing is asked."""
    refusal = refusal_of(text.format(table), TABLES)
    assert rule_of(refusal) == "CUS-43"
    assert refusal.message.startswith(f"Column(s) [{table}.{refusal.column}] is not allowed in an expression inside")
    judged(text.format("t"), TABLES)


@pytest.mark.rule("CUS-43")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT region, SUM(cost), AVG((cost)), COUNT(*), COUNT(1), COUNT(DISTINCT camp, uid) FROM strict GROUP BY region",
        "SELECT UPPER(region), SUM(cost) * 2, ROUND(AVG(cost), 1) FROM strict GROUP BY UPPER(region)",
        "SELECT PERCENTILE(cost, 0.5), APPROX_PERCENTILE(cost, ARRAY(0.1, 0.5)), COUNT(*) FROM strict",
        "SELECT COLLECT_LIST(cost), COUNT(cost) FROM strict",
        "SELECT region, COUNT(*) OVER (PARTITION BY UPPER(region) ORDER BY cost), LAG(cost, 1, 0) OVER (ORDER BY cost) FROM strict".replace(" ORDER BY cost)", ")", 1),
        "SELECT region, SUM(SUM(cost)) OVER () FROM strict GROUP BY region",
        "SELECT region, SUM(k) FROM (SELECT region, cost AS k FROM (SELECT * FROM strict)) GROUP BY region",
        "WITH u AS (SELECT uid, SUM(cost) AS k, COUNT(*) AS n FROM strict GROUP BY uid) SELECT AVG(k), SUM(n) FROM u",
        "SELECT SUM(k) FROM (SELECT cost AS k FROM strict UNION ALL SELECT cost * 2 FROM o)",
        "SELECT strict.region, SUM(o.cost * 2), COUNT(*) FILTER (WHERE o.cost > 1) FROM strict JOIN o ON strict.camp = o.camp GROUP BY strict.region",
        "SELECT SUM(k) FROM (SELECT cost * 2 AS j, cost AS k FROM strict)",
        "SELECT SUM(k) FROM (SELECT 1 AS k, region FROM strict)",
    ],
)  # fmt: skip
def test_columns_are_aggregated(text: str) -> None:
    """Columns as they are, constants, and aggregates of another query may be aggregated."""
    judged(text, TABLES)
