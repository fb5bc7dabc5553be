"""Which columns can't be in a result."""

from __future__ import annotations

import pytest

from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of
from tests.analysis.custom_rules import judged, refusal_of


def _table(name: str, columns: str, *disallowed: str) -> Table:
    types = {
        "items": "array<struct<sku:string>>",
        "profile": "struct<mail:string,zip:string>",
        "tags": "map<string,string>",
    }
    return Table(
        name=name,
        owner="1",
        columns={column: types.get(column, "string") for column in columns.split()},
        rule_type="CUSTOM",
        policy={"allowed_analyses": ["ANY_QUERY"], "disallowed_output_columns": list(disallowed)},
    )


TABLES = {
    "e": _table("e", "id mail region amount", "ID", "mail"),
    "o": _table("o", "id region total"),
    "n": _table("n", "key items profile tags", "items", "profile", "tags"),
}


@pytest.mark.rule("CUS-30", "CUS-33", "CUS-35", "CUS-32")
@pytest.mark.parametrize(
    ("text", "rule", "columns"),
    [
        ("SELECT id, region, Mail FROM e", "CUS-30", "id, mail"),
        ("SELECT e.* FROM e", "CUS-30", "id, mail"),
        ("SELECT * EXCEPT (mail) FROM e", "CUS-30", "id"),
        ("SELECT *, region FROM o NATURAL JOIN e", "CUS-30", "id, mail"),
        ("SELECT COUNT(e.*) FROM e", "CUS-30", "id, mail"),
        ("SELECT COUNT(DISTINCT *) FROM e", "CUS-30", "id, mail"),
        ("SELECT STRUCT(*) FROM e", "CUS-30", "id, mail"),
        # Aliases of the list itself, which later items may name.
        ("SELECT UPPER(mail) AS m, region FROM e", "CUS-30", "mail"),
        ("SELECT region AS r, r || mail AS s FROM e", "CUS-30", "mail"),
        ("SELECT k FROM (SELECT mail AS m, m || 'x' AS k FROM e)", "CUS-30", "mail"),
        # Conditions and keys that the list holds.
        ("SELECT CASE region WHEN mail THEN 1 END FROM e", "CUS-30", "mail"),
        ("SELECT IF(mail IS NULL, 0, 1) FROM e", "CUS-30", "mail"),
        ("SELECT COUNT(*) FILTER (WHERE id = '7') FROM e", "CUS-30", "id"),
        ("SELECT COUNT(region) OVER (PARTITION BY id) FROM e", "CUS-30", "id"),
        ("SELECT RANK() OVER (ORDER BY mail) FROM e", "CUS-30", "mail"),
        ("SELECT SUM(amount) OVER w FROM e WINDOW w AS (PARTITION BY id)", "CUS-30", "id"),
        ("SELECT SUM(amount) OVER w FROM e WINDOW v AS (PARTITION BY id), w AS (v ORDER BY region)", "CUS-30", "id"),
        ("SELECT COLLECT_LIST(region ORDER BY mail) FROM e", "CUS-30", "mail"),
        ("SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY id) FROM e", "CUS-30", "id"),
        ("SELECT GROUPING(id), COUNT(*) FROM e GROUP BY CUBE (id)", "CUS-30", "id"),
        ("SELECT id IN (SELECT id FROM o) FROM e", "CUS-30", "id"),
        ("SELECT id = ANY (SELECT id FROM o) FROM e", "CUS-30", "id"),
        # Through other queries.
        ("WITH c(a, b) AS (SELECT region, mail FROM e) SELECT b FROM c", "CUS-30", "mail"),
        ("WITH c AS (SELECT mail m FROM e), d AS (SELECT m || 'x' AS n FROM c) SELECT MAX(n) FROM d", "CUS-30", "mail"),
        ("SELECT d.b FROM (SELECT region, id FROM e) AS d(a, b)", "CUS-30", "id"),
        ("SELECT t.d FROM e AS t(d, m, r, a)", "CUS-30", "id"),
        ("SELECT region FROM o UNION SELECT mail FROM e", "CUS-30", "mail"),
        ("SELECT region FROM o EXCEPT SELECT mail FROM e", "CUS-30", "mail"),
        ("SELECT x FROM (SELECT region AS x FROM o UNION ALL (SELECT id FROM e ORDER BY 1 LIMIT 2))", "CUS-30", "id"),
        ("SELECT v.x FROM o, (VALUES ((SELECT MAX(mail) FROM e))) AS v(x)", "CUS-30", "mail"),
        ("SELECT n FROM (SELECT COUNT(*) OVER (PARTITION BY mail) AS n FROM e)", "CUS-30", "mail"),
        # Columns that a join makes one.
        ("SELECT id FROM e JOIN o USING (id)", "CUS-30", "id"),
        ("SELECT id FROM o FULL JOIN e USING (id)", "CUS-30", "id"),
        ("SELECT * FROM (SELECT id FROM e) JOIN o USING (id)", "CUS-30", "id"),
        ("SELECT e.id, o.total FROM e JOIN o ON e.id = o.id", "CUS-33", "id"),
        # Parts of what is nested.
        ("SELECT profile.mail FROM n", "CUS-30", "profile"),
        ("SELECT n.profile.zip FROM n", "CUS-30", "profile"),
        ("SELECT i FROM n, n.items AS i", "CUS-30", "items"),
        ("SELECT i.sku FROM n, n.items AS i", "CUS-30", "items"),
        ("SELECT tags['a'] FROM n", "CUS-30", "tags"),
        ("SELECT STRUCT(key, tags).tags FROM n", "CUS-30", "tags"),
        # Subqueries in the list.
        ("SELECT (SELECT MAX(mail) FROM e) FROM o", "CUS-35", "mail"),
        ("SELECT region, (SELECT MAX(x.total) FROM o x WHERE x.id = e.id) FROM e", "CUS-35", "id"),
        ("SELECT EXISTS (SELECT 1 FROM o x WHERE x.id = e.id AND x.id = '7') FROM e", "CUS-35", "id"),
        ("SELECT o.id IN (SELECT e.id FROM e) FROM o", "CUS-35", "id"),
        ("SELECT ARRAY_SORT((SELECT COLLECT_LIST(id) FROM e)) FROM o", "CUS-35", "id"),
    ],
)  # fmt: skip
def test_made_of_a_disallowed_column(text: str, rule: str, columns: str) -> None:
    """However a disallowed column gets into the result, it is seen, and all of them are named."""
    refusal = refusal_of(text, TABLES)
    assert rule_of(refusal) == rule
    assert refusal.message == f"Column(s) [{columns}] is not allowed in select"
    assert refusal.code == "MALFORMED_QUERY"
    assert refusal.table in TABLES
    assert refusal.column == columns.split(", ", maxsplit=1)[0]


@pytest.mark.rule("CUS-31", "CUS-32", "CUS-35")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT region FROM e WHERE mail = 'a@b.c' AND id > '5'",
        "SELECT region, COUNT(*) FROM e GROUP BY region, id HAVING COUNT(mail) > 1 ORDER BY MAX(mail)",
        "SELECT region FROM e ORDER BY mail LIMIT 1",
        "SELECT o.id, o.region FROM e JOIN o ON e.id = o.id",
        "SELECT o.id FROM e LEFT JOIN o USING (id)",
        "SELECT o.* FROM e NATURAL JOIN o",
        "SELECT id FROM o LEFT SEMI JOIN e ON o.id = e.id",
        "SELECT * FROM o LEFT ANTI JOIN e USING (region)",
        "SELECT region FROM (SELECT * FROM e)",
        "SELECT * FROM (SELECT id, region FROM e) AS d(a, b) JOIN o ON a = o.id".replace("SELECT *", "SELECT b, o.*"),
        "WITH c AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY mail) AS n FROM e) SELECT region FROM c WHERE n = 1",
        "SELECT * EXCEPT (id, mail) FROM e",
        "SELECT e.* EXCEPT (e.id, mail), o.id FROM e JOIN o ON e.id = o.id",
        "SELECT COUNT(*), COUNT(1) FROM e",
        "SELECT o.id FROM o WHERE o.region IN (SELECT mail FROM e)",
        "SELECT id FROM o WHERE total > (SELECT MAX(mail) FROM e)",
        "SELECT (SELECT COUNT(*) FROM e WHERE id = '7') FROM o",
        "SELECT key, i FROM (SELECT key FROM n), (SELECT id AS i FROM o)",
        "SELECT mail AS region FROM (SELECT region AS mail FROM e)",
    ],
)
def test_used_elsewhere(text: str) -> None:
    """A disallowed column may decide which rows there are, and in which order, but not be seen."""
    judged(text, TABLES)


@pytest.mark.rule("CUS-34")
def test_cached_tables() -> None:
    """A CACHE TABLE selects no disallowed column, though a CTE in it may."""
    refusal = refusal_of("CACHE TABLE c AS SELECT region, UPPER(mail) AS m FROM e; SELECT region FROM c", TABLES)
    assert rule_of(refusal) == "CUS-34"
    assert refusal.message == "Column(s) [mail] is not allowed in the select of cached table c"
    assert (refusal.table, refusal.column) == ("e", "mail")
    refusal = refusal_of(
        "CACHE TABLE c AS SELECT region FROM e; CACHE TABLE d AS SELECT *, (SELECT MAX(id) FROM e) FROM c; SELECT region FROM d",
        TABLES,
    )
    assert rule_of(refusal) == "CUS-34"
    judged("CACHE TABLE c AS WITH x AS (SELECT * FROM e) SELECT region FROM x WHERE id > '1'; SELECT * FROM c", TABLES)


@pytest.mark.rule("CUS-30")
def test_where_it_stands() -> None:
    """The place is that of the column in the list of the final SELECT."""
    text = "SELECT region, LOWER(k) AS x\nFROM (SELECT mail AS k, region FROM e)"
    refusal = refusal_of(text, TABLES)
    assert refusal.place is not None
    assert text[refusal.place.start : refusal.place.end] == "LOWER(k) AS x"
    assert (refusal.place.line, refusal.place.column) == (1, 16)
