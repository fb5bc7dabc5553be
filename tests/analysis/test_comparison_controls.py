"""Which columns can be compared, and with what."""

from __future__ import annotations

from typing import Any

import pytest

from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of
from tests.analysis.custom_rules import judged, refusal_of

COLUMNS = {
    "uid": "string",
    "lit": "string",
    "col": "string",
    "num": "int",
    "flag": "boolean",
    "tags": "map<string,string>",
}


def _table(name: str, **policy: Any) -> Table:
    return Table(
        name=name,
        owner="1",
        columns=COLUMNS,
        rule_type="CUSTOM",
        policy={"allowed_analyses": ["ANY_QUERY"], **policy},
    )


THRESHOLD = [
    {
        "identity_columns": ["UID"],
        "minimum_identity_count": 2,
        "type": "COUNT_DISTINCT",
        "allowed_aggregate_expression_type": "ANY_EXPRESSION",
    }
]
TABLES = {
    "t": _table(
        "t",
        aggregation_thresholds=THRESHOLD,
        comparison_controls={
            "allowed_literal_comparison_columns": ["LIT", "num"],
            "allowed_column_comparison_columns": ["uid", "Col"],
        },
    ),
    # The identity column is kept from literals by the threshold alone.
    "i": _table("i", aggregation_thresholds=THRESHOLD),
    "c": _table(
        "c",
        comparison_controls={"allowed_literal_comparison_columns": [], "allowed_column_comparison_columns": ["col"]},
    ),
    "o": _table("o"),
}


def counting(rest: str) -> str:
    return f"SELECT COUNT(*) AS n FROM t {rest}"


@pytest.mark.rule("CUS-45", "CUS-46", "CUS-47")
@pytest.mark.parametrize(
    ("text", "rule", "column"),
    [
        # The identity and a literal, whatever the comparison.
        (counting("WHERE uid = '7'"), "CUS-45", "t.uid"),
        (counting("WHERE '7' <> t.uid"), "CUS-45", "t.uid"),
        (counting("WHERE uid == '7' OR uid != '8'"), "CUS-45", "t.uid"),
        (counting("WHERE NOT uid < '7'"), "CUS-45", "t.uid"),
        (counting("WHERE UPPER(uid) >= '7'"), "CUS-45", "t.uid"),
        (counting("WHERE uid IS DISTINCT FROM '7'"), "CUS-45", "t.uid"),
        (counting("WHERE uid LIKE '7%'"), "CUS-45", "t.uid"),
        (counting("WHERE uid NOT ILIKE '7%'"), "CUS-45", "t.uid"),
        (counting("WHERE uid RLIKE '^7'"), "CUS-45", "t.uid"),
        (counting("WHERE uid LIKE ANY ('7', '8')"), "CUS-45", "t.uid"),
        (counting("WHERE uid BETWEEN '7' AND '8'"), "CUS-45", "t.uid"),
        (counting("WHERE '7' BETWEEN '6' AND uid"), "CUS-45", "t.uid"),
        (counting("WHERE lit BETWEEN '6' AND '7' AND uid NOT IN ('7', '8')"), "CUS-45", "t.uid"),
        (counting("WHERE (lit, uid) IN (('EU', '7'))"), "CUS-45", "t.uid"),
        (counting("WHERE (lit, uid) = ('EU', '7')"), "CUS-45", "t.uid"),
        (counting("WHERE uid = ANY (SELECT '7')"), "CUS-45", "t.uid"),
        (counting("WHERE uid IN (SELECT x FROM VALUES ('7') AS v(x))"), "CUS-45", "t.uid"),
        (counting("WHERE CASE uid WHEN '7' THEN TRUE END"), "CUS-45", "t.uid"),
        (counting("WHERE CASE WHEN lit = 'EU' THEN uid END = '7'"), "CUS-45", "t.uid"),
        (counting("WHERE NULLIF(uid, '7') IS NULL"), "CUS-45", "t.uid"),
        (counting("WHERE COALESCE(uid, lit) = '7'"), "CUS-45", "t.uid"),
        (counting("WHERE IF(uid = '7', TRUE, FALSE)"), "CUS-45", "t.uid"),
        (counting("WHERE IF(lit = 'EU', uid, '8') = '7'"), "CUS-45", "t.uid"),
        (counting("WHERE ARRAY_CONTAINS(ARRAY('7', '8'), uid)"), "CUS-45", "t.uid"),
        (counting("WHERE SIZE(ARRAY_INTERSECT(ARRAY(uid), ARRAY('7'))) = 1"), "CUS-45", "t.uid"),
        (counting("WHERE SIZE(ARRAY_REMOVE(ARRAY(uid), '7')) = 0"), "CUS-45", "t.uid"),
        (counting("WHERE MAP('7', TRUE)[uid]"), "CUS-45", "t.uid"),
        (counting("WHERE CAST(uid AS BOOLEAN)"), "CUS-45", "t.uid"),
        ("SELECT SUM(CAST(GET_JSON_OBJECT('{\"7\": 1}', '$.' || uid) AS INT)) FROM t", "CUS-45", "t.uid"),
        (counting("WHERE lit = 'EU' AND (lit = 'US' OR CAST(uid AS BOOLEAN))"), "CUS-45", "t.uid"),
        (counting("WHERE POSITION('7' IN uid) > 0"), "CUS-45", "t.uid"),
        (counting("HAVING MIN(uid) = '7'"), "CUS-45", "t.uid"),
        ("SELECT SUM(CASE WHEN uid = '7' THEN num ELSE 0 END) AS n FROM t", "CUS-45", "t.uid"),
        ("SELECT SUM(POSITION('7' IN uid)) AS n FROM t", "CUS-45", "t.uid"),
        ("SELECT SUM(MAP('7', 1)[uid]) AS n FROM t", "CUS-45", "t.uid"),
        ("SELECT COUNT(*) FILTER (WHERE uid = '7') AS n FROM t", "CUS-45", "t.uid"),
        ("SELECT COUNT(NULLIF(uid, '7')) AS n FROM t", "CUS-45", "t.uid"),
        # Through names, and what a join compares with.
        ("SELECT COUNT(*) FROM (SELECT uid AS k FROM t) WHERE k = '7'", "CUS-45", "t.uid"),
        ("WITH x AS (SELECT * FROM t), y(k) AS (SELECT uid FROM x UNION ALL SELECT uid FROM o) SELECT COUNT(*) FROM y WHERE k = '7'", "CUS-45", "t.uid"),
        ("CACHE TABLE x AS SELECT num FROM t WHERE uid = '7'; SELECT COUNT(*) FROM x", "CUS-45", "t.uid"),
        ("SELECT COUNT(*) FROM (SELECT MAX(uid) AS k FROM t GROUP BY lit) WHERE k = '7'", "CUS-45", "t.uid"),
        ("SELECT COUNT(*) FROM t WHERE (SELECT MIN(uid) FROM t) = '7'", "CUS-45", "t.uid"),
        (counting("JOIN VALUES ('7') AS v(x) ON v.x = uid"), "CUS-45", "t.uid"),
        (counting("JOIN (SELECT '7' AS uid) USING (uid)"), "CUS-45", "t.uid"),
        (counting("NATURAL JOIN (SELECT '7' AS uid)"), "CUS-45", "t.uid"),
        (counting("LEFT JOIN o ON t.uid = '7'"), "CUS-45", "t.uid"),
        ("SELECT COUNT(*) FROM i WHERE uid = '7'", "CUS-45", "i.uid"),
        # Lists of columns for literals.
        (counting("WHERE col = 'a'"), "CUS-46", "t.col"),
        (counting("WHERE lit = 'a' AND flag"), "CUS-46", "t.flag"),
        (counting("WHERE NOT (flag)"), "CUS-46", "t.flag"),
        (counting("WHERE flag IS TRUE"), "CUS-46", "t.flag"),
        (counting("WHERE num + LENGTH(col) > 3"), "CUS-46", "t.col"),
        (counting("WHERE tags['a'] = 'b'"), "CUS-46", "t.tags"),
        (counting("GROUP BY lit HAVING MAX(col) > 'a'"), "CUS-46", "t.col"),
        (counting("ORDER BY CASE WHEN col = 'a' THEN 1 END"), "CUS-46", "t.col"),
        ("SELECT COUNT(*) OVER (PARTITION BY col = 'a') FROM t", "CUS-46", "t.col"),
        ("SELECT SUM(IF(col = 'a', num, 0)) FROM t", "CUS-46", "t.col"),
        ("SELECT COUNT(*) FROM c WHERE lit = 'a'", "CUS-46", "c.lit"),
        ("SELECT COUNT(*) FROM c WHERE num > RAND()", "CUS-46", "c.num"),
        # Lists of columns for columns.
        (counting("WHERE lit = col"), "CUS-46", "t.lit"),
        (counting("WHERE num < LENGTH(col)"), "CUS-46", "t.num"),
        (counting("a JOIN t b ON a.uid = b.uid AND a.lit > b.lit"), "CUS-46", "t.lit"),
        ("SELECT NULLIF(lit, col) FROM t", "CUS-46", "t.lit"),
        (counting("WHERE num > (SELECT AVG(num) FROM t)"), "CUS-46", "t.num"),
        (counting("JOIN o ON t.lit = o.lit"), "CUS-47", "t.lit"),
        (counting("JOIN o USING (uid, lit)"), "CUS-47", "t.lit"),
        (counting("NATURAL JOIN o"), "CUS-47", "t.lit"),
        (counting("FULL JOIN (SELECT lit AS k FROM o) ON k = t.lit"), "CUS-47", "t.lit"),
        (counting("JOIN o ON t.num - o.num = 0"), "CUS-47", "t.num"),
        (counting("WHERE lit IN (SELECT lit FROM o)"), "CUS-47", "t.lit"),
        (counting("WHERE (col, lit) IN (SELECT col, lit FROM o)"), "CUS-47", "t.lit"),
        (counting("JOIN c ON t.col = c.col JOIN o ON o.lit = c.lit"), "CUS-47", "c.lit"),
        (counting("JOIN c ON t.uid = c.uid"), "CUS-47", "c.uid"),
        ("SELECT COUNT(*) FROM o WHERE EXISTS (SELECT 1 FROM o x WHERE x.lit = o.lit) AND o.num = ALL (SELECT num FROM c)", "CUS-48", None),
    ],
)  # fmt: skip
def test_not_allowed(text: str, rule: str, column: str | None) -> None:
    """Every comparison is found, and what it compares is followed to its tables."""
    refusal = refusal_of(text, TABLES)
    assert rule_of(refusal) == rule
    assert refusal.code == "MALFORMED_QUERY"
    if column is not None:
        assert refusal.message.startswith(f"Column(s) [{column}] is not allowed in ")
        assert f"{refusal.table}.{refusal.column}" == column
        assert ("column comparison" in refusal.message) == (
            rule == "CUS-47" or "literal comparison" not in refusal.message
        )


@pytest.mark.rule("CUS-45", "CUS-46", "CUS-47")
@pytest.mark.parametrize(
    "text",
    [
        counting("WHERE lit = 'EU' AND num > 1 OR lit IN ('US') AND num BETWEEN 1 AND 2 AND lit LIKE 'E%'"),
        counting("WHERE uid IS NOT NULL AND col IS NULL AND uid IS DISTINCT FROM NULL AND NOT flag IS UNKNOWN"),
        counting("WHERE uid = col"),
        counting("JOIN o ON t.uid = o.uid AND t.col = o.lit"),
        counting("JOIN o USING (uid, col)"),
        counting("JOIN (SELECT uid FROM o) NATURAL JOIN (SELECT col FROM o)").replace("JOIN (SELECT uid", "NATURAL JOIN (SELECT uid"),
        counting("WHERE uid IN (SELECT uid FROM o WHERE lit = '7')"),
        counting("WHERE (lit = 'EU') = TRUE AND (lit = 'US') IS FALSE"),
        counting("WHERE CASE WHEN lit = 'EU' THEN num ELSE 0 END > 5"),
        counting("GROUP BY uid, col, flag HAVING COUNT(DISTINCT uid) > 5 AND APPROX_COUNT_DISTINCT(col) > 1 ORDER BY col"),
        "SELECT COUNT(*) FROM (SELECT lit, COUNT(uid) AS n FROM t GROUP BY lit) WHERE n > 5",
        "SELECT COUNT(*) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY uid ORDER BY col) AS r FROM t) WHERE r = 1",
        "SELECT uid, col, COALESCE(col, 'x'), GREATEST(col, 'x'), CAST(flag AS STRING) FROM t",
        "SELECT COUNT(*) FROM i JOIN o ON i.uid = o.uid AND i.col = 'x' WHERE i.lit = o.lit AND i.flag",
        "SELECT COUNT(*) FROM o WHERE lit = '7' AND flag AND lit = col",
        "SELECT GET_JSON_OBJECT(col, '$.a'), tags['a'] FROM t",
        "SELECT COUNT(*) FROM c JOIN o ON c.col = o.col WHERE o.lit = '7'",
        "SELECT /*+ BROADCAST(o) */ COUNT(*) FROM c JOIN o ON c.col = o.col",
    ],
)  # fmt: skip
def test_allowed(text: str) -> None:
    """Listed columns, tests for NULL, keys, and columns of tables without controls are free."""
    judged(text, TABLES)


@pytest.mark.rule("CUS-46")
def test_where_it_stands() -> None:
    """The comparison is pointed at, not the whole condition."""
    text = counting("WHERE lit = 'EU' AND UPPER(col) = 'X'")
    refusal = refusal_of(text, TABLES)
    assert refusal.message == "Column(s) [t.col] is not allowed in literal comparison"
    assert refusal.place is not None
    assert "lit" not in text[refusal.place.start : refusal.place.end]
    assert "col" in text[refusal.place.start : refusal.place.end]
