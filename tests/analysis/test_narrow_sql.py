"""What SQL is left with minimum aggregation thresholds or comparison controls."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of
from tests.analysis.custom_rules import judged, refusal_of

COLUMNS = {"uid": "string", "a": "string", "n": "int", "d": "date", "tags": "array<string>"}


def _table(name: str, **policy: Any) -> Table:
    policy = {"allowed_analyses": ["ANY_QUERY"], **policy}
    return Table(name=name, owner="1", columns=COLUMNS, rule_type="CUSTOM", policy=policy)


THRESHOLD = [
    {
        "identity_columns": ["uid"],
        "minimum_identity_count": 2,
        "type": "COUNT_DISTINCT",
        "allowed_aggregate_expression_type": "ANY_EXPRESSION",
    }
]
CONTROLS = {
    "allowed_literal_comparison_columns": ["a", "n", "d", "tags"],
    "allowed_column_comparison_columns": list(COLUMNS),
}
TABLES = {
    "t": _table("t", aggregation_thresholds=THRESHOLD),
    "c": _table("c", comparison_controls=CONTROLS),
    "o": _table("o"),
}


def _calls(text: str) -> list[str]:
    # Blanks part the calls, and underscores stand for those inside.
    return [re.sub("(?<=BY)_|(?<=DISTINCT)_|(?<=ORDER)_|(?<=PARTITION)_", " ", call) for call in text.split()]


CONSTRUCTS = {
    "SELECT a FROM {} WHERE EXISTS (SELECT 1 FROM o)": "EXISTS",
    "SELECT a, COUNT(*) FROM {} GROUP BY CUBE (a)": "GROUP BY CUBE",
    "SELECT a, COUNT(*) FROM {} GROUP BY ROLLUP (a)": "GROUP BY ROLLUP",
    "SELECT a, COUNT(*) FROM {} GROUP BY GROUPING SETS ((a), ())": "GROUP BY GROUPING SETS",
    "SELECT o.a FROM o LEFT SEMI JOIN {} x ON o.a = x.a": "SEMI JOIN",
    "SELECT o.a FROM o LEFT ANTI JOIN {} x ON o.a = x.a": "ANTI JOIN",
    "SELECT a FROM {} INTERSECT SELECT a FROM o": "INTERSECT",
    "SELECT a FROM {} EXCEPT ALL SELECT a FROM o": "EXCEPT",
    "SELECT a FROM {} MINUS SELECT a FROM o": "EXCEPT",
    "SELECT a FROM {} LIMIT 5 OFFSET 1": "OFFSET",
    "SELECT a FROM {} WHERE a <=> 'x'": "<=>",
    "WITH c1 AS (SELECT a FROM {} WHERE a IS NOT DISTINCT FROM 'x') SELECT a FROM c1": "<=>",
    "CACHE TABLE c1 AS SELECT a FROM {} LIMIT 5 OFFSET 1; SELECT a FROM c1": "OFFSET",
}
FUNCTIONS = _calls("""
ANY_VALUE(n) BOOL_AND(a) BOOL_OR(a) FIRST(n) LAST(n) FIRST_VALUE(n)OVER(ORDER_BY_n) LAST_VALUE(n)OVER(ORDER_BY_n) NTH_VALUE(n,2)OVER(ORDER_BY_n)
CUME_DIST()OVER(ORDER_BY_n) PERCENT_RANK()OVER(ORDER_BY_n) NTILE(2)OVER(ORDER_BY_n) ARRAY_EXCEPT(tags,tags) TO_CHAR(d,'yyyy') TO_NUMBER(a,'9')
DAYOFYEAR(d) DATE_ADD(d,1) ADD_MONTHS(d,1) TRUNCATE(n,1) CBRT(n) PI() RADIANS(n) DEGREES(n) ACOS(n) ASIN(n) ATAN(n) ATAN2(n,n) COS(n) COT(n) SIN(n)
REVERSE(a) TRANSLATE(a,'a','b') REGEXP_COUNT(a,'a') REGEXP_INSTR(a,'a') SPLIT_PART(a,'a',1) AES_ENCRYPT(a,a) AES_DECRYPT(a,a) HLL_SKETCH_AGG(n)
HLL_UNION_AGG(a) HLL_SKETCH_ESTIMATE(a) HLL_UNION(a,a)
""")  # fmt: skip
ALLOWED = _calls("""
AVG(n) COUNT(DISTINCT_n) SUM(n) STDDEV(n) STDDEV_SAMP(n) STDDEV_POP(n) VAR_SAMP(n) VARIANCE(n) VAR_POP(n) SKEWNESS(n) APPROX_COUNT_DISTINCT(n)
ARRAY(a) ARRAY_CONTAINS(tags,'a') ARRAY_DISTINCT(tags) ARRAY_INTERSECT(tags,tags) ARRAY_JOIN(tags,'a') ARRAY_REMOVE(tags,'a') ARRAY_SORT(tags)
ARRAY_UNION(tags,tags) GREATEST(n,1) LEAST(n,1) COALESCE(a,'x') NVL(a,'x') NULLIF(a,'x') NAMED_STRUCT('x',a) TO_DATE(a) ENCODE(a,'UTF-8') DATE_DIFF(d,d)
DATE_TRUNC('MONTH',d) DATE_PART('day',d) DAY(d) DAYOFWEEK(d) WEEKOFYEAR(d) MONTH(d) YEAR(d) MD5(a) SHA2(a,256) TO_JSON(tags) ABS(n) CEIL(n) FLOOR(n)
ROUND(n) LN(n) LOG10(n) POWER(n,2) SQRT(n) EXP(n) SIGN(n) TRUNC(n) SIZE(tags) CONCAT(a,a) LOWER(a) LENGTH(a) SUBSTRING(a,1,2) TRIM(a) REPLACE(a,'a','b')
REPEAT(a,2) REGEXP_REPLACE(a,'a','b') REGEXP_SUBSTR(a,'a') SPLIT(a,'a') UUID() LPAD(a,3,'x') LEFT(a,1) ROW_NUMBER()OVER(ORDER_BY_n)
RANK()OVER(ORDER_BY_n) DENSE_RANK()OVER(ORDER_BY_n) SUM(n)OVER(PARTITION_BY_a) DATEADD(day,1,d)
""")  # fmt: skip


@pytest.mark.rule("CUS-48")
@pytest.mark.parametrize("table", ["t", "c"])
@pytest.mark.parametrize("text", CONSTRUCTS)
def test_constructs(text: str, table: str) -> None:
    """What the page of SQL capabilities doesn't support is refused with either control, and free without."""
    refusal = refusal_of(text.format(table), TABLES)
    assert rule_of(refusal) == "CUS-48"
    assert refusal.message.startswith(f"{CONSTRUCTS[text]} is not supported")
    assert refusal.table == table
    judged(text.format("o"), TABLES)


@pytest.mark.rule("CUS-48")
@pytest.mark.parametrize("call", FUNCTIONS)
def test_functions(call: str) -> None:
    """So it is with functions, wherever they are called."""
    name = call.split("(", 1)[0]
    for text in (f"SELECT {call} AS x FROM t", f"SELECT a FROM (SELECT a, {call} AS x FROM t)"):
        refusal = refusal_of(text, TABLES)
        assert rule_of(refusal) == "CUS-48"
        assert refusal.message.startswith(f"{name} is not supported")
    judged(f"SELECT {call} AS x FROM o", TABLES)


@pytest.mark.rule("CUS-49")
@pytest.mark.parametrize("call", ALLOWED)
def test_functions_that_stay(call: str) -> None:
    """The functions that the page supports pass."""
    judged(f"SELECT {call} AS x FROM t", TABLES)


@pytest.mark.rule("CUS-49")
@pytest.mark.parametrize(
    "text",
    [
        "WITH x AS (SELECT * FROM t) SELECT /*+ BROADCAST(x) */ a, COUNT(*) FROM x GROUP BY a ORDER BY a NULLS LAST LIMIT 3",
        "CACHE TABLE x AS SELECT a FROM t; SELECT DISTINCT a FROM x",
        "SELECT t.a FROM t JOIN VALUES ('x') AS v(k) ON t.a = v.k",
        "SELECT t.a FROM t LEFT JOIN o ON t.a = o.a RIGHT JOIN o p ON p.a = t.a FULL JOIN o q ON q.a = t.a CROSS JOIN o r",
        "SELECT a FROM t NATURAL JOIN (SELECT a FROM o)",
        "SELECT a FROM t UNION SELECT a FROM o UNION ALL SELECT a FROM t",
        "SELECT a FROM t WHERE a IN ('x') AND a NOT LIKE 'y' AND a RLIKE 'z' AND n BETWEEN 1 AND 2 AND (n > 1) IS TRUE AND a IS DISTINCT FROM 'x'",
        "SELECT a, CASE WHEN n > 1 THEN 1 ELSE 0 END FROM t",
    ],
)
def test_constructs_that_stay(text: str) -> None:
    """The constructs that the page supports pass."""
    judged(text, TABLES)


SHOWING = ["MIN(n)", "MAX(n)", "PERCENTILE(n, 0.5)", "APPROX_PERCENTILE(n, 0.5)", "MEDIAN(n)", "COLLECT_LIST(n)", "COLLECT_SET(n)", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY n)"]  # fmt: skip
OVER = [
    "LAG(n) OVER (ORDER BY a)",
    "LEAD(n, 2) OVER (ORDER BY a)",
    "MIN(n) OVER (PARTITION BY a)",
    "MAX(n) OVER (PARTITION BY a)",
]


@pytest.mark.rule("CUS-51")
@pytest.mark.parametrize("call", SHOWING + OVER)
def test_what_shows_one_value(call: str) -> None:
    """It stands beside AVG, COUNT or SUM in the final SELECT, of a table with a threshold."""
    name = call.split("(", 1)[0]
    group = "" if "OVER" in call else " GROUP BY a"
    refusal = refusal_of(f"SELECT a, {call} AS x FROM t{group}", TABLES)
    assert rule_of(refusal) == "CUS-51"
    assert refusal.message.startswith(f"Function(s) [{name}] must be combined with AVG, COUNT or SUM")
    assert refusal.table == "t"
    count = "COUNT(*) OVER (PARTITION BY a)" if "OVER" in call else "COUNT(*)"
    judged(f"SELECT a, {call} AS x, {count} AS k FROM t{group}", TABLES)
    # In a CTE it may stand alone, and with comparison controls only.
    judged(f"SELECT COUNT(*) FROM (SELECT a, {call} AS x FROM t{group})", TABLES)
    judged(f"SELECT a, {call} AS x FROM c{group}", TABLES)
    judged(f"SELECT a, {call} AS x FROM o{group}", TABLES)


@pytest.mark.rule("CUS-51")
def test_every_branch_is_a_final_select() -> None:
    """An aggregate of one branch doesn't stand beside another's, nor does one that is the argument of an expression elsewhere."""
    text = (
        "SELECT a, COUNT(*) AS k FROM t GROUP BY a UNION ALL SELECT a, ROUND(MAX(n)) FROM (SELECT * FROM t) GROUP BY a"
    )
    assert rule_of(refusal_of(text, TABLES)) == "CUS-51"
    text = "SELECT a, MAX(n) AS k FROM t GROUP BY a HAVING COUNT(*) > 5"
    assert rule_of(refusal_of(text, TABLES)) == "CUS-51"
    judged(
        "SELECT a, ROUND(MAX(n) / SUM(n)) AS k FROM t GROUP BY a UNION ALL SELECT a, MAX(n) FROM o GROUP BY a", TABLES
    )
