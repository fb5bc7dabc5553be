"""What the columns of a result are called."""

from __future__ import annotations

import pytest

from cleanrooms_mock.analysis.result_names import result_names
from tests.analysis.cast import accepted


@pytest.mark.rule("PQ-86")
@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("o.TOTAL", "total"),
        ("total AS T", "T"),
        ("COUNT(*)", "count(1)"),
        ("COUNT(DISTINCT o.region)", "count(DISTINCT region)"),
        ("SUM(total)", "sum(total)"),
        ("total + 1", "(total + 1)"),
        ("(total + 1) * 2", "((total + 1) * 2)"),
        ("CASE WHEN total > 1 THEN 'big' END", "CASE WHEN (total > 1) THEN big END"),
        ("'week 1'", "week 1"),
        ("CAST(total AS BIGINT)", "CAST(total AS BIGINT)"),
        ("region IN ('a', 'b')", "(region IN (a, b))"),
        ("(SELECT MAX(total) FROM adv_orders)", "scalarsubquery()"),
        ("SUM(total) OVER (PARTITION BY region)", "sum(total) OVER (PARTITION BY region)"),
    ],
)
def test_expressions_are_called_as_spark_calls_them(item: str, name: str) -> None:
    """An alias or the column's own name; else the expression."""
    group = "" if "OVER" in item else " GROUP BY total, region"
    checked = accepted(f"SELECT {item} FROM adv_orders o{group}")
    assert result_names(checked.resolution, "CUSTOM") == [name]


@pytest.mark.rule("PQ-86")
def test_an_aggregate_under_an_aggregation_rule() -> None:
    """It has the name that a screenshot of the console shows the beginning of."""
    checked = accepted(
        'SELECT city, COUNT(DISTINCT "r"."household_id"), SUM(visits) AS V FROM pub_reach r GROUP BY city'
    )
    assert result_names(checked.resolution, "AGGREGATION") == ["city", "count_pub_reach_household_id", "V"]
