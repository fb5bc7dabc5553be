"""What the names in a query mean."""

from __future__ import annotations

import pytest

from cleanrooms_mock.analysis.names import Resolution
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.resolving import resolve
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of

TABLES = {
    "t": Table(name="t", owner="1", columns={"a": "int", "b": "string", "s": "struct<x:int,y:struct<z:int>>"}),
    "u": Table(name="u", owner="2", columns={"a": "int", "c": "int"}),
    "orders": Table(
        name="orders", owner="1", columns={"id": "int", "lines": "array<struct<sku:string,parts:array<int>>>"}
    ),
    "pub-clicks": Table(name="pub-clicks", owner="2", columns={"page": "string", "click id": "string"}),
}


def resolved(text: str) -> Resolution:
    return resolve(parse_query(text), TABLES)


def outputs(text: str) -> list[tuple[str, set[str]]]:
    """The columns that a query gives: name, and the columns that each is made of."""
    return [
        (output.name, {f"{base.table.name}.{base.column}" for base in output.origins})
        for output in resolved(text).final.outputs
    ]


def refusal(text: str) -> tuple[str | None, Refusal]:
    with pytest.raises(Refusal) as caught:
        resolved(text)
    return rule_of(caught.value), caught.value


T, U = {"t.a", "t.b", "t.s"}, {"u.a", "u.c"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT a FROM t", [("a", {"t.a"})]),
        ("SELECT T.A, `B` AS x FROM T", [("a", {"t.a"}), ("x", {"t.b"})]),
        ("SELECT * FROM t", [("a", {"t.a"}), ("b", {"t.b"}), ("s", {"t.s"})]),
        ("SELECT x.*, y.c FROM u x, u y", [("a", {"u.a"}), ("c", {"u.c"}), ("c", {"u.c"})]),
        ("SELECT * EXCEPT (s, b) FROM t", [("a", {"t.a"})]),
        ("SELECT a + length(b) AS n, 1 FROM t", [("n", {"t.a", "t.b"}), ("", set())]),
        ("SELECT COUNT(*) FROM t", [("", set())]),
        ("SELECT COUNT(u.*) FROM u", [("", U)]),
        ("SELECT COUNT(a) FILTER (WHERE b = 'x') AS n FROM t", [("n", {"t.a", "t.b"})]),
        ("SELECT k FROM (SELECT b AS k FROM t)", [("k", {"t.b"})]),
        ("SELECT z.k FROM (SELECT b, a FROM t) z(k, l)", [("k", {"t.b"})]),
        ("WITH x AS (SELECT b AS k FROM t), y AS (SELECT k || 'x' AS m FROM x) SELECT m FROM y", [("m", {"t.b"})]),
        ("WITH x(k) AS (SELECT b FROM t) SELECT * FROM x", [("k", {"t.b"})]),
        ("WITH t AS (SELECT b AS a FROM t) SELECT a FROM t", [("a", {"t.b"})]),
        ("WITH x AS (SELECT a FROM t) SELECT a FROM (SELECT a FROM x)", [("a", {"t.a"})]),
        ("CACHE TABLE db.k AS SELECT a FROM u; SELECT a FROM db.k", [("a", {"u.a"})]),
        ("SELECT a FROM t UNION ALL SELECT c FROM u", [("a", {"t.a", "u.c"})]),
        (
            "SELECT a FROM t UNION SELECT c FROM u EXCEPT SELECT a FROM u ORDER BY a LIMIT 3",
            [("a", {"t.a", "u.c", "u.a"})],
        ),
        ("SELECT a FROM t UNION (WITH x AS (SELECT c FROM u) SELECT c FROM x ORDER BY c)", [("a", {"t.a", "u.c"})]),
        ("(SELECT a FROM t) ORDER BY a", [("a", {"t.a"})]),
        ("SELECT a, c FROM t JOIN u USING (a)", [("a", {"t.a", "u.a"}), ("c", {"u.c"})]),
        (
            "SELECT * FROM t NATURAL JOIN u",
            [("a", {"t.a", "u.a"}), ("b", {"t.b"}), ("s", {"t.s"}), ("c", {"u.c"})],
        ),
        ("SELECT u.a FROM t JOIN u USING (a)", [("a", {"u.a"})]),
        ("SELECT * FROM u LEFT SEMI JOIN t ON u.a = t.a", [("a", {"u.a"}), ("c", {"u.c"})]),
        ("SELECT a FROM u LEFT ANTI JOIN t ON u.a = t.a", [("a", {"u.a"})]),
        ("SELECT b FROM (t JOIN u ON t.a = u.a)", [("b", {"t.b"})]),
        ("SELECT v.p, b FROM VALUES (1, 2) AS v(p, q), t", [("p", set()), ("b", {"t.b"})]),
        ("SELECT v.q FROM VALUES (1, (SELECT MAX(a) FROM t)) v(p, q)", [("q", {"t.a"})]),
        ("SELECT (SELECT MAX(c) FROM u WHERE u.a = t.a) AS m FROM t", [("m", {"u.c", "t.a"})]),
        ("SELECT a IN (SELECT c FROM u) AS m FROM t", [("m", {"t.a", "u.c"})]),
        ("SELECT EXISTS (SELECT 1 FROM u WHERE u.a = t.a) AS m FROM t", [("m", {"t.a"})]),
        ("SELECT STRUCT(*) AS m FROM t", [("m", T)]),
        ("SELECT COUNT(DISTINCT *) AS m FROM u", [("m", U)]),
        ("SELECT CONCAT(b, *) AS m FROM t LEFT SEMI JOIN u ON t.a = u.a", [("m", T)]),
        (
            "SELECT COUNT(s) OVER w AS m FROM t WINDOW v AS (PARTITION BY a), w AS (v ORDER BY b)",
            [("m", {"t.s", "t.a", "t.b"})],
        ),
        ("SELECT u.a, x.* EXCEPT (x.a) FROM u JOIN u x ON true", [("a", {"u.a"}), ("c", {"u.c"})]),
        ("SELECT * EXCEPT (u.a) FROM u JOIN u x ON true", [("c", {"u.c"}), ("a", {"u.a"}), ("c", {"u.c"})]),
        ("SELECT a AS x, x + 1 AS y FROM t", [("x", {"t.a"}), ("y", {"t.a"})]),
        ("SELECT b AS a, a AS y FROM t", [("a", {"t.b"}), ("y", {"t.a"})]),
        ("SELECT SUM(a) OVER (PARTITION BY b ORDER BY s.x) AS m FROM t", [("m", T)]),
        ("SELECT SUM(a) OVER w AS m FROM t WINDOW w AS (PARTITION BY b)", [("m", {"t.a", "t.b"})]),
        ("SELECT RANK() OVER (w) AS m FROM t WINDOW w AS (ORDER BY b)", [("m", {"t.b"})]),
        ("SELECT s.x, t.s.y.z, s.y.z AS q FROM t", [("x", {"t.s"}), ("z", {"t.s"}), ("q", {"t.s"})]),
        ("SELECT l.sku FROM orders o, o.lines l", [("sku", {"orders.lines"})]),
        ("SELECT l, lines FROM orders o, o.lines AS l", [("l", {"orders.lines"}), ("lines", {"orders.lines"})]),
        ("SELECT l, i FROM orders o, o.lines AS l AT i", [("l", {"orders.lines"}), ("i", set())]),
        ("SELECT p FROM orders o, o.lines l, l.parts p", [("p", {"orders.lines"})]),
        ('SELECT "click id" FROM "pub-clicks"', [("click id", {"pub-clicks.click id"})]),
        ("SELECT a AS k FROM t GROUP BY k, b HAVING k > 1 ORDER BY b, k", [("k", {"t.a"})]),
        (
            "SELECT x.m FROM (SELECT b AS a, 1 AS m FROM t GROUP BY b HAVING SUM(a) > 1 ORDER BY MAX(a), a) x",
            [("m", set())],
        ),
        ("SELECT /*+ REPARTITION(b), REBALANCE(3, K) */ a AS k FROM t", [("k", {"t.a"})]),
        ("SELECT x.a FROM t x JOIN u y ON x.a = y.a AND EXISTS (SELECT 1 FROM u z WHERE z.c = 1)", [("a", {"t.a"})]),
    ],
)
@pytest.mark.rule("SQL-21", "SQL-26")
def test_what_a_result_is_made_of(text: str, expected: list[tuple[str, set[str]]]) -> None:
    """Every column of a result is followed to the columns of tables that it is made of."""
    assert outputs(text) == expected


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ("SELECT a FROM nowhere", "PQ-04", "nowhere"),
        ("SELECT a FROM (SELECT a FROM nowhere)", "PQ-04", "nowhere"),
        ("WITH y AS (SELECT a FROM x), x AS (SELECT a FROM t) SELECT a FROM y", "PQ-04", "x"),
        ("SELECT d FROM t", "SQL-24", "d"),
        ("SELECT t.c FROM t", "SQL-24", "t.c"),
        ("SELECT a FROM t WHERE d = 1", "SQL-24", "d"),
        ("SELECT a AS k FROM t WHERE k = 1", "SQL-24", "k"),
        ("SELECT x.a FROM t JOIN u ON x.a = u.a JOIN u x ON true", "SQL-24", "x.a"),
        ("SELECT u.a FROM t LEFT SEMI JOIN u ON t.a = u.a", "SQL-24", "u.a"),
        ("SELECT a FROM t JOIN u USING (b)", "SQL-24", "b"),
        ("SELECT x.* FROM t", "SQL-24", "x.*"),
        ("SELECT * EXCEPT (c) FROM t", "SQL-24", "c"),
        ("SELECT * EXCEPT (s.a) FROM t", "SQL-24", "s.a"),
        ("SELECT * EXCEPT (u.a) FROM t JOIN u x ON true", "SQL-24", "u.a"),
        ("SELECT a FROM t UNION SELECT c FROM u ORDER BY c", "SQL-24", "c"),
        ("SELECT v.z FROM VALUES (1) AS v(p), t", "SQL-24", "v.z"),
        ("SELECT v.p FROM VALUES (a) AS v(p), t", "SQL-24", "a"),
        ("SELECT a FROM t JOIN u ON t.a = u.c", "SQL-25", "a"),
        ("SELECT x.k FROM (SELECT a AS k, b AS k FROM t) x", "SQL-25", "x.k"),
        ("SELECT a FROM t JOIN t x ON true JOIN u USING (a)", "SQL-25", None),
        ("SELECT a FROM db.t", "SQL-20", None),
        ("SELECT l FROM orders o, o.nothing l", "SQL-20", None),
        ("SELECT l FROM orders o, o.nothing AS l AT i", "SQL-20", None),
        ("SELECT t.b FROM t, u WHERE EXISTS (SELECT 1 FROM orders WHERE id = a)", "SQL-25", "a"),
        ("SELECT t.a FROM t AS x", "SQL-36", "t.a"),
        ("SELECT t.* FROM t AS x", "SQL-36", "t.*"),
        ("SELECT 1", "SQL-30", None),
        ("VALUES (1)", "SQL-30", None),
        ("WITH x AS (WITH y AS (SELECT a FROM t) SELECT a FROM y) SELECT a FROM x", "SQL-38", None),
        ("WITH x AS (SELECT a FROM t), X AS (SELECT a FROM u) SELECT a FROM x", "SQL-38", None),
        (
            "SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u WHERE EXISTS (SELECT 1 FROM orders WHERE id = t.a))",
            "SQL-37",
            "t.a",
        ),
        ("SELECT b FROM t JOIN u ON t.a = (SELECT MAX(id) FROM orders WHERE id = t.a)", "SQL-37", "t.a"),
        ("SELECT (SELECT SUM(c) OVER () FROM u WHERE u.a = t.a) FROM t", "SQL-37", None),
        ("SELECT b FROM t GROUP BY b, (SELECT MAX(c) FROM u WHERE u.a = t.a)", "SQL-37", "t.a"),
        ("SELECT b FROM t WHERE a IN (SELECT SUM(c) FROM u GROUP BY a)", "SQL-37", None),
        ("SELECT a, b FROM t UNION SELECT c FROM u", "SQL-12", None),
        ("SELECT * FROM t INTERSECT ALL SELECT * FROM u", "SQL-12", None),
        ("SELECT /*+ REBALANCE(b) */ a FROM t", "SQL-14", None),
        ("SELECT /*+ REPARTITION(4, x) */ a FROM t", "SQL-14", None),
        ("SELECT /*+ REPARTITION_BY_RANGE(k) */ a AS k FROM t", "SQL-14", None),
    ],
)
@pytest.mark.rule("PQ-04", "SQL-12", "SQL-14", "SQL-20", "SQL-24", "SQL-25", "SQL-30", "SQL-36", "SQL-37", "SQL-38")
def test_names_that_mean_nothing(text: str, rule: str, where: str | None) -> None:
    """A name that means nothing, or two things, is refused where it stands."""
    found, error = refusal(text)
    assert found == rule
    if where is not None:
        assert error.place is not None
        assert text[error.place.start : error.place.end] == where


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * REPLACE (b AS a) FROM t",
        "SELECT t.* RENAME (b AS c) FROM t",
        "SELECT a, b FROM t UNION ALL BY NAME SELECT b, a FROM t",
    ],
)
def test_columns_keep_their_places(text: str) -> None:
    """No `*` gives one column for another, and no set operation puts its branches' columns in another order: both could carry a column past a rule."""
    _, error = refusal(text)
    assert error.code == "MALFORMED_QUERY"


def test_columns_that_joins_make_one() -> None:
    """A join with USING or NATURAL says which columns it makes one, on each side."""
    (select,) = resolved("SELECT * FROM t JOIN u USING (a) NATURAL JOIN u x").final.selects
    merges = [(merge.name, len(merge.left), len(merge.right)) for merge in select.merges]
    assert merges == [("a", 1, 1), ("a", 2, 1), ("c", 1, 1)]


def test_a_star_passes_on_what_it_stands_for() -> None:
    """Behind a `*`, and behind a set operation, are the columns that were there."""
    first, second = resolved("SELECT * FROM (SELECT a + 1 AS k FROM u) UNION SELECT c FROM u").final.outputs[0].passes
    assert [output.item and output.item.sql() for output in first.passes] == ["a + 1 AS k"]
    assert second.base is not None


def test_minimum_and_maximum_may_group_behind_in() -> None:
    """The ban on groups behind IN is for other aggregates."""
    assert outputs("SELECT b FROM t WHERE a IN (SELECT MAX(c) FROM u GROUP BY a)") == [("b", {"t.b"})]


def test_the_tree_stays_as_it_was() -> None:
    """Rules look at a query as it was written."""
    parsed = parse_query("SELECT *, t.a AS k FROM t JOIN u USING (a) GROUP BY 1 ORDER BY k")
    before = parsed.statement.copy()
    resolve(parsed, TABLES)
    assert parsed.statement == before


def test_a_long_chain_of_unions_is_resolved() -> None:
    """Set operations nest as deep as they are long, and Python's stack doesn't."""
    text = " UNION ALL ".join(["SELECT a FROM t"] * 2_000)
    assert outputs(text) == [("a", {"t.a"})]


def test_aggregates_take_columns_before_aliases() -> None:
    """In HAVING and ORDER BY a name is an alias first, but in an aggregate a column."""
    resolution = resolved("SELECT b AS a, COUNT(*) AS n FROM t GROUP BY b HAVING SUM(a) > 1 ORDER BY MAX(a), a")
    (select,) = resolution.final.selects
    found = [resolution.reference(column).base for clause, column in select.columns if clause in ("having", "order")]
    assert [base.column if base is not None else None for base in found] == ["a", "a", "b"]
