"""What a query's text says, and that reading one always ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.statements import ParsedQuery, parse_query


def refusal(text: str, taken: set[str] | None = None) -> str:
    """The message with which a text is refused."""
    with pytest.raises(Refusal) as caught:
        parse_query(text, taken or set())
    assert caught.value.code == "MALFORMED_QUERY"
    return caught.value.message


def is_read(text: str) -> bool:
    """Whether a text is a query; one that isn't is refused as such, and by nothing else."""
    try:
        parse_query(text)
    except Refusal:
        return False
    return True


def around(before: str, after: str, inside: str = "1") -> Callable[[int], str]:
    return lambda times: f"SELECT {before * times}{inside}{after * times}"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t",
        "SELECT a FROM t;",
        "SELECT a FROM t; -- the end",
        "/* all of it */ SELECT a FROM t",
        "WITH c AS (SELECT a FROM t) SELECT a FROM c",
        "(SELECT a FROM t) UNION ALL SELECT b FROM u",
        "SELECT a FROM t MINUS SELECT b FROM u",
        "VALUES (1, 2)",
        "SELECT * FROM VALUES (1, 2)",
        "SELECT /*+ BROADCAST(t) */ a FROM t JOIN u ON t.a = u.a",
        "CACHE TABLE c AS SELECT a FROM t; SELECT a FROM c",
        "CACHE TABLE c AS (SELECT a FROM t); SELECT a FROM c;",
        "CACHE TABLE c SELECT a FROM t; SELECT a FROM c",
        "CACHE TABLE db.c AS WITH d AS (SELECT a FROM t) SELECT a FROM d; CACHE TABLE e AS SELECT a FROM db.c; SELECT a FROM e",
        "SELECT a FROM t JOIN u LEFT JOIN v CROSS JOIN w",
        "SELECT a FROM t0 " + " ".join(f"JOIN t{number}" for number in range(1, 15)),
        "SELECT CAST(a AS ARRAY<STRUCT<b: INT, c: DECIMAL(10, 2)>>) FROM t",
        "SELECT CONCAT(" * 30 + "a" + ")" * 30 + " FROM t",
    ],
)
def test_what_is_a_query(text: str) -> None:
    """CACHE TABLE statements and then one SELECT, of any of its forms, are a query."""
    parse_query(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "-- nothing",
        ";",
        "SELECT a FROM t;;",
        "SELECT a FROM t;; -- the end",
        "; SELECT a FROM t",
        "SELECT a FROM t; SELECT b FROM u",
        "CACHE TABLE c AS SELECT a FROM t",
        "CACHE TABLE c AS SELECT a FROM t;",
        "SELECT a FROM t; CACHE TABLE c AS SELECT a FROM t",
        "CACHE TABLE c; SELECT a FROM c",
        "CACHE LAZY TABLE c AS SELECT a FROM t; SELECT a FROM c",
        "CACHE TABLE c OPTIONS('storageLevel' = 'DISK_ONLY') AS SELECT a FROM t; SELECT a FROM c",
        "UNCACHE TABLE c; SELECT a FROM t",
        "INSERT INTO t SELECT a FROM u",
        "WITH c AS (SELECT a FROM t) INSERT INTO t SELECT a FROM c",
        "WITH c AS (DELETE FROM t) SELECT a FROM u",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
        "CREATE TABLE t AS SELECT a FROM u",
        "ALTER TABLE t ADD COLUMN a INT",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "SHOW TABLES",
        "DESCRIBE t",
        "EXPLAIN SELECT a FROM t",
        "SET spark.sql.ansi.enabled = true",
        "USE db",
        "GRANT SELECT ON t TO u",
        "ANALYZE TABLE t COMPUTE STATISTICS",
        "FROM t SELECT a",
        "TABLE t",
        "SELECT",
        "SELECT a FROM",
        "SELECT a FROM t WHERE",
        "SELEC a FROM t",
        "SELECT a FROM t t u",
        "SELECT (a FROM t",
        "SELECT 'a FROM t",
        'SELECT "a FROM t',
        "SELECT a INTO u FROM t",
        "SELECT map(1)",
        "SELECT a FROM t WHERE b = ?",
        "SELECT a FROM :t",
        "SELECT a FROM {{t}}",
        "(1)",
        "(t)",
    ],
)
def test_what_is_no_query(text: str) -> None:
    """Anything else is refused as an invalid query."""
    refusal(text)


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT 1", []),
        ("SELECT a FROM T JOIN u USING (a), v", ["T", "u", "v"]),
        ("SELECT a FROM t UNION SELECT a FROM T", ["t"]),
        ("SELECT a FROM t WHERE a IN (SELECT b FROM u) AND EXISTS (SELECT 1 FROM v WHERE v.a = t.a)", ["t", "u", "v"]),
        ("SELECT (SELECT max(a) FROM u) FROM t", ["u", "t"]),
        ("SELECT a FROM (SELECT a FROM (t JOIN u ON t.a = u.a))", ["t", "u"]),
        ('SELECT a FROM "my table" JOIN `my-table`', ["my table", "my-table"]),
        ("WITH c AS (SELECT a FROM t) SELECT a FROM C", ["t"]),
        ("WITH c AS (SELECT a FROM t), d AS (SELECT a FROM c) SELECT a FROM d, u", ["t", "u"]),
        # A CTE isn't in sight of itself, nor of those before it.
        ("WITH t AS (SELECT a FROM t) SELECT a FROM t", ["t"]),
        ("WITH c AS (SELECT a FROM d), d AS (SELECT 1) SELECT a FROM c, d", ["d"]),
        ("WITH RECURSIVE c AS (SELECT 1 UNION SELECT n FROM c, t) SELECT n FROM c", ["t"]),
        # It isn't in sight outside of its query.
        ("SELECT a FROM (WITH c AS (SELECT a FROM t) SELECT a FROM c) JOIN c", ["t", "c"]),
        ("SELECT a FROM c UNION (WITH c AS (SELECT a FROM t) SELECT a FROM c)", ["c", "t"]),
        # A cached table is one for what comes behind it.
        ("CACHE TABLE c AS SELECT a FROM c, t; SELECT a FROM C", ["c", "t"]),
        ("CACHE TABLE db.c AS SELECT a FROM t; SELECT a FROM DB.C", ["t"]),
        # Columns of a relation, functions and what a hint says are no tables.
        ("SELECT l.a FROM orders o, o.lines l", ["orders"]),
        ("SELECT l.a FROM orders JOIN Orders.lines l", ["orders"]),
        ("SELECT a FROM range(10), explode(array(1)) x, t LATERAL VIEW explode(b) AS c", ["t"]),
        ("SELECT /*+ BROADCAST(u), REPARTITION(3) */ a FROM t", ["t"]),
        ("SELECT 'FROM x' AS a, \"b\" FROM t -- JOIN y", ["t"]),
    ],
)
def test_the_tables_of_a_text(text: str, tables: list[str]) -> None:
    """A text's tables are those that it reads and doesn't make, in their order, each once."""
    assert parse_query(text).tables == tables


@pytest.mark.parametrize("name", ["db.t", "catalog.db.t", "csv.`s3://bucket/key`", "`a.b`", "`t-`", "`é`", "a" * 129])
def test_a_table_has_the_name_of_an_association(name: str) -> None:
    """A name that no association can have is kept apart, for those who refuse it."""
    query = parse_query(f"SELECT a FROM {name}")
    assert query.misnamed == name.replace("`", "")
    assert query.tables == []
    assert parse_query(f"SELECT a FROM {'a' * 128}").tables == ["a" * 128]


def test_a_cached_table_takes_no_others_name() -> None:
    """CACHE TABLE can't make what exists, in any case of its letters; a CTE can."""
    text = "CACHE TABLE Sales AS SELECT a FROM t; SELECT a FROM sales"
    assert "sales" in refusal(text, {"sales"})
    query = parse_query(text, {"other"})
    assert list(query.cached) == ["sales"]
    parse_query("WITH sales AS (SELECT a FROM t) SELECT a FROM sales", {"sales"})


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("SELECT a FROM t", []),
        ("SELECT :a, :b, :a FROM t WHERE c > :c", ["a", "b", "c"]),
        ("SELECT ':x', '''', ':y\\':z', \":v\", `:w` FROM t -- :c\n WHERE a = :a /* :d */", ["a"]),
        ("SELECT a FROM t WHERE b IN (:first, :second) LIMIT :n", ["first", "second", "n"]),
        ("SELECT a FROM t WHERE b BETWEEN DATE :start AND :end + INTERVAL :days DAY", ["start", "end", "days"]),
        (
            "SELECT a FROM t WHERE b = :1 OR c = :2nd OR d = :from OR e = :select OR f = :a_1",
            ["1", "2nd", "from", "select", "a_1"],
        ),
        ("CACHE TABLE c AS SELECT a FROM t WHERE a = :x; SELECT a FROM c WHERE a = :y", ["x", "y"]),
        ("WITH c AS (SELECT a FROM t WHERE a = :x) SELECT a, sum(:y) FROM c HAVING max(a) > :z", ["x", "y", "z"]),
        ("SELECT CAST(a AS STRUCT<b: INT, c:STRING>), d::INT FROM t", []),
        ("SELECT :Name, :name FROM t", ["Name", "name"]),
    ],
)
def test_the_parameters_of_a_text(text: str, parameters: list[str]) -> None:
    """A text's parameters stand behind a colon, with any name, outside of strings, names and comments."""
    assert sorted(parse_query(text).parameters) == sorted(parameters)


def test_quotes() -> None:
    """Single quotes make a string, in which two make one; double quotes and backticks make a name."""
    query: ParsedQuery = parse_query("SELECT 'it''s', \"a b\", `c d` FROM t")
    assert [column.name for column in query.statement.expressions] == ["it's", "a b", "c d"]
    assert [column.key for column in query.statement.expressions] == ["literal", "column", "column"]


@pytest.mark.parametrize("times", [20, 100, 20_000])
@pytest.mark.parametrize(
    "text",
    [
        around("(", ")"),
        around("f(", ")"),
        around("[", "]"),
        around("struct(", ")"),
        around("map(", ")"),
        around("decimal(", ")"),
        around("date(", ")"),
        around("(", ""),
        around("(SELECT 1 LIMIT ", ")"),
        around("interval (", ")"),
        around("case when ", " then 1 end"),
        around("not ", ""),
        around("- ", ""),
        around("array<", ">"),
        around("CAST(1 AS ", ")", "INT"),
        lambda times: "SELECT CAST(1 AS " + "ARRAY<" * times + "INT" + ">" * times + ")",
        lambda times: "SELECT * FROM " + "(" * times + "t" + ")" * times,
        lambda times: "SELECT * FROM t" + " JOIN t" * times,
        lambda times: "SELECT * FROM t" + " JOIN (SELECT * FROM t JOIN t" * times + ")" * times,
        lambda times: "SELECT 1" + ", struct(" * times + "1" + ")" * times,
        lambda times: "WITH c AS (" * times + "SELECT 1" + ") SELECT * FROM c" * times,
    ],
)
def test_reading_ends(text: Callable[[int], str], times: int) -> None:
    """A text that is nested too deeply, or has to be read too often, is refused in time, and so is a huge one."""
    started = time.perf_counter()
    assert is_read(text(times)[:500_000]) <= (times < 20_000)
    assert time.perf_counter() - started < 30


def test_long_is_not_deep() -> None:
    """A long text without nesting is read, whatever it is long of."""
    for text in (" AND 1" * 3000, ", 1" * 3000, " UNION ALL SELECT 1" * 3000, " + date(decimal(1))" * 1000):
        assert parse_query(f"SELECT 1{text}").tables == []
    joins = " ".join(f"JOIN t{number} ON t.a = t{number}.a" for number in range(500))
    assert len(parse_query(f"SELECT 1 FROM t {joins}").tables) == 501


WORDS = [
    *[
        "SELECT",
        "FROM",
        "WHERE",
        "WITH",
        "AS",
        "CACHE",
        "TABLE",
        "JOIN",
        "ON",
        "USING",
        "UNION",
        "VALUES",
        "CASE",
        "WHEN",
        "END",
        "CAST",
        "INTERVAL",
        "DATE",
        "LATERAL",
        "VIEW",
    ],
    *[
        "map",
        "struct",
        "array",
        "decimal",
        "t",
        "a",
        "b",
        "1",
        "'x'",
        '"y"',
        "`z`",
        ":",
        ":p",
        "?",
        ";",
        ",",
        ".",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        "=",
        "-",
        "--",
        "/*+",
        "/*",
        "*/",
        "{{",
        "}}",
        "'",
        '"',
        "`",
        "\\",
        "$$",
        "@",
        "#",
        "é",
    ],
]


@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, it is a query or an invalid one."""
    for attempt in (text, f"SELECT {text}", f"SELECT a FROM t {text}"):
        is_read(attempt)


def test_the_parser_is_imported_at_first_use() -> None:
    """Whoever makes no templates and runs no queries doesn't wait for the parser."""
    program = (
        "import sys; from cleanrooms_mock import mock_cleanrooms\n"
        "with mock_cleanrooms() as cleanrooms: cleanrooms.client().list_memberships()\n"
        "sys.exit('sqlglot' in sys.modules or 'duckdb' in sys.modules or 'pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
