"""What stands for a group and what for a row."""

from __future__ import annotations

import pytest

from cleanrooms_mock.analysis.grouping import check_grouping
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.resolving import resolve
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of

TABLES = {
    "t": Table(name="t", owner="1", columns={"a": "int", "b": "string", "c": "int"}),
    "u": Table(name="u", owner="2", columns={"a": "int", "d": "int"}),
}


def check(text: str) -> None:
    check_grouping(resolve(parse_query(text), TABLES))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a, b FROM t",
        "SELECT b, COUNT(*) FROM t GROUP BY b",
        "SELECT B, t.b, x.b || 'y' FROM t x GROUP BY x.B".replace("t.b, ", ""),
        "SELECT a + c AS k, SUM(c) FROM t GROUP BY (a + c)",
        "SELECT (a + c) * 2, SUM(c) FROM t GROUP BY a + c",
        "SELECT a + c AS k, SUM(c) FROM t GROUP BY k HAVING k > 1 ORDER BY k",
        "SELECT b, SUM(c) FROM t GROUP BY 1 ORDER BY 2",
        "SELECT UPPER(b) FROM t GROUP BY upper(B)",
        "SELECT b, a, COUNT(*) FROM t GROUP BY ROLLUP (a, b)",
        "SELECT b, a, COUNT(*) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())",
        "SELECT b, a, COUNT(*) FROM t GROUP BY a, CUBE (b)",
        "SELECT 1, 'x', COUNT(*) FROM t",
        "SELECT SUM(a) / COUNT(b) FROM t",
        "SELECT b, SUM(SUM(c)) OVER (ORDER BY b) FROM t GROUP BY b",
        "SELECT b, RANK() OVER (ORDER BY SUM(c) DESC) FROM t GROUP BY b ORDER BY MAX(a)",
        "SELECT a, SUM(c) OVER (PARTITION BY b) FROM t",
        "SELECT COUNT(a) FILTER (WHERE b = 'x') FROM t",
        "SELECT b, (SELECT MAX(d) FROM u) FROM t GROUP BY b",
        "SELECT t.a, (SELECT COUNT(d + t.a) FROM u) FROM t",
        "SELECT MAX(s) FROM (SELECT b, SUM(c) AS s FROM t GROUP BY b)",
        "SELECT a, COUNT(d) FROM t JOIN u USING (a) GROUP BY a",
        "SELECT t.b, COUNT(*) FROM t GROUP BY t.b HAVING COUNT(*) > 1 AND t.b <> 'x'",
        "SELECT DISTINCT a FROM t ORDER BY a",
    ],
)
@pytest.mark.rule("SQL-34", "SQL-35")
def test_what_groups_give(text: str) -> None:
    """What is the same in all rows of a group may be selected beside aggregates."""
    check(text)


@pytest.mark.parametrize(
    ("text", "rule", "part"),
    [
        ("SELECT a, b, COUNT(*) FROM t GROUP BY b", "SQL-34", "[t.a]"),
        ("SELECT a, c, COUNT(*) FROM t x GROUP BY b", "SQL-34", "[x.a, x.c]"),
        ("SELECT a, COUNT(*) FROM t", "SQL-34", "[t.a]"),
        ("SELECT COUNT(*) FROM t HAVING a > 1", "SQL-34", "[t.a]"),
        ("SELECT b FROM t GROUP BY b ORDER BY a", "SQL-34", "[t.a]"),
        ("SELECT b FROM t GROUP BY b HAVING c > 1", "SQL-34", "[t.c]"),
        ("SELECT a + 2 FROM t GROUP BY a + 1", "SQL-34", "[t.a]"),
        ("SELECT b, RANK() OVER (ORDER BY a) FROM t GROUP BY b", "SQL-34", "[t.a]"),
        ("SELECT t.a, COUNT(*) FROM t JOIN u ON t.a = u.a GROUP BY u.a", "SQL-34", "[t.a]"),
        ("SELECT b, COUNT(*) FROM t GROUP BY 3", None, "position 3"),
        ("SELECT b, COUNT(*) FROM t GROUP BY 2", None, "position 2"),
        ("SELECT SUM(COUNT(a)) FROM t", "SQL-35", "COUNT"),
        ("SELECT b FROM t WHERE SUM(a) > 1 GROUP BY b", "SQL-35", "WHERE"),
        ("SELECT t.b FROM t JOIN u ON SUM(t.a) = u.a", "SQL-35", "ON"),
        ("SELECT COUNT(*) FROM t GROUP BY MAX(a)", "SQL-35", "GROUP BY"),
        ("SELECT b FROM t WHERE RANK() OVER (ORDER BY a) = 1", "SQL-35", "WHERE"),
        ("SELECT b FROM t GROUP BY b HAVING RANK() OVER (ORDER BY b) = 1", "SQL-35", "HAVING"),
        ("SELECT b FROM (SELECT a, COUNT(*) AS b FROM t)", "SQL-34", "[t.a]"),
        ("SELECT d FROM u WHERE EXISTS (SELECT a, COUNT(*) FROM t)", "SQL-34", "[t.a]"),
    ],
)
@pytest.mark.rule("SQL-34", "SQL-35")
def test_what_groups_do_not_give(text: str, rule: str | None, part: str) -> None:
    """What differs within a group, and aggregates where there are no groups yet."""
    with pytest.raises(Refusal) as caught:
        check(text)
    assert caught.value.code == "MALFORMED_QUERY"
    assert part in caught.value.message
    assert rule is None or rule_of(caught.value) == rule
