"""What the service's SQL has, what it doesn't have, and by which rule a query is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlglot import exp

from cleanrooms_mock.analysis.constructs import check_text
from cleanrooms_mock.analysis.functions import FUNCTIONS, check_calls, function_name
from cleanrooms_mock.analysis.hints import hints_of
from cleanrooms_mock.analysis.literals import is_whole_interval
from cleanrooms_mock.analysis.parameters import bind, typed_literal
from cleanrooms_mock.analysis.refusals import Place, Refusal, place_of
from cleanrooms_mock.analysis.statements import ParsedQuery, parse_query
from cleanrooms_mock.rules import rule_behind

DATA = Path(__file__).parent / "data"
CAST: dict[str, Any] = yaml.safe_load((DATA / "statements.yaml").read_text(encoding="utf-8"))
HOSTILE: dict[str, list[dict[str, Any]]] = yaml.safe_load((DATA / "hostile.yaml").read_text(encoding="utf-8"))
#: The rules that need no names.
OURS = {
    "PQ-02", "SQL-01", "SQL-02", "SQL-03", "SQL-04", "SQL-05", "SQL-06", "SQL-07", "SQL-08", "SQL-10", "SQL-13", "SQL-22", "SQL-23", "SQL-28", "SQL-29",
    "SQL-31", "SQL-32", "SQL-33", "SQL-39",
}  # fmt: skip


def checked(
    text: str, parameters: dict[str, tuple[str, str]] | None = None, rule_type: str = "CUSTOM", taken: Any = ()
) -> ParsedQuery:
    """A query that has passed everything that needs no names."""
    query = bind(parse_query(text, taken), parameters or {})
    check_calls(check_text(query, rule_type))
    return query


def refused(text: str, parameters: dict[str, tuple[str, str]] | None = None, rule_type: str = "CUSTOM") -> Refusal:
    """The refusal of a query."""
    with pytest.raises(Refusal) as caught:
        checked(text, parameters, rule_type)
    assert caught.value.code == "MALFORMED_QUERY"
    return caught.value


def refusal_of(read: Callable[[], object]) -> Refusal | None:
    """How reading a query is refused, if it is."""
    try:
        read()
    except Refusal as refusal:
        return refusal
    return None


def rule_of(refusal: Refusal) -> str | None:
    entry = rule_behind(refusal)
    return None if entry is None else entry.id


def item(text: str, **options: Any) -> exp.Expr:
    """The first item that a query selects."""
    node: exp.Expr = checked(f"SELECT {text} FROM t", **options).statement.expressions[0]
    return node


@pytest.mark.rule("PQ-02", "SQL-01", "SQL-02", "SQL-03", "SQL-04", "SQL-06", "SQL-07", "SQL-08", "SQL-11", "SQL-12")
@pytest.mark.rule("SQL-13", "SQL-14", "SQL-22", "SQL-23", "SQL-28", "SQL-31", "SQL-32", "SQL-33", "SQL-39", "SQL-05")
@pytest.mark.parametrize(
    ("rule", "text", "instead"),
    [
        ("PQ-02", "SELECT a FROM t WHERE", "SELECT a FROM t WHERE a"),
        ("PQ-02", "SELECT a, FROM t", "SELECT a FROM t"),
        ("PQ-02", "SELECT a IS INT FROM t", "SELECT a IS UNKNOWN, a IS NOT FALSE, a IS DISTINCT FROM 5 FROM t"),
        ("PQ-02", "SELECT a IS NOT 5 FROM t", "SELECT a IS NOT NULL FROM t"),
        ("SQL-08", "SELECT a FROM t WHERE EXISTS ((SELECT 1), 2)", "SELECT a FROM t WHERE EXISTS (((SELECT 1 FROM u WHERE u.a = t.a)))"),
        ("PQ-02", "SELECT a FROM t GROUP BY", "SELECT a FROM t GROUP BY a"),
        ("PQ-02", "SELECT a ? FROM t", "SELECT a '?' FROM t".replace(" '?'", "")),
        ("SQL-01", "INSERT INTO t SELECT a FROM u", "SELECT a FROM u"),
        ("SQL-01", "WITH c AS (SELECT a FROM t) INSERT INTO u SELECT a FROM c", "WITH c AS (SELECT a FROM t) SELECT a FROM c"),
        ("SQL-02", "SELECT a FROM t; SELECT a FROM t", "CACHE TABLE c AS SELECT a FROM t; SELECT a FROM c"),
        ("SQL-02", "CACHE TABLE c AS SELECT a FROM t;", "CACHE TABLE c SELECT a FROM t; SELECT a FROM c;"),
        ("SQL-03", "SELECT a FROM t;;", "SELECT a FROM t; -- the end"),
        ("SQL-04", "CACHE TABLE c; SELECT a FROM c", "CACHE TABLE d.c AS (SELECT a FROM t); SELECT a FROM d.c"),
        ("SQL-06", "SELECT TOP 5 a FROM t", "SELECT top FROM t"),
        ("SQL-06", "SELECT a FROM t LIMIT 1 + 1", "SELECT a FROM t LIMIT 0 OFFSET 2"),
        ("SQL-06", "SELECT a FROM t GROUP BY ALL", "SELECT a FROM t GROUP BY a, ROLLUP (b), CUBE (c), GROUPING SETS ((a), (b, c))"),
        ("SQL-06", "SELECT * EXCEPT (a) FROM t", "SELECT *, t.*, COUNT(*) FROM t"),
        ("SQL-07", "SELECT a FROM t TABLESAMPLE (10 PERCENT)", "SELECT a FROM t WHERE b = 'TABLESAMPLE'"),
        ("SQL-07", "SELECT a FROM csv.`s3://bucket/key`", "SELECT a FROM \"csv\""),
        ("SQL-07", "SELECT a FROM t, LATERAL (SELECT b FROM u)", "SELECT a FROM t, (SELECT b FROM u)"),
        ("SQL-07", "SELECT a FROM t WHERE b > ANY (SELECT c FROM u)", "SELECT a FROM t WHERE b = ANY (SELECT c FROM u)"),
        ("SQL-08", "SELECT my_udf(a) FROM t", "SELECT sha2(a, 256) FROM t"),
        ("SQL-08", "SELECT upper(reflect(a)) FROM t", "SELECT upper(reverse(a)) FROM t"),
        ("SQL-08", "SELECT db.upper(a) FROM t", "SELECT Upper(a) FROM t"),
        ("SQL-11", "SELECT a FROM t RIGHT SEMI JOIN u ON t.a = u.a", "SELECT a FROM t LEFT SEMI JOIN u ON t.a = u.a"),
        ("SQL-11", "SELECT a FROM t ASOF JOIN u ON t.a = u.a", "SELECT a FROM t FULL OUTER JOIN u USING (a)"),
        ("SQL-11", "SELECT a FROM t NATURAL JOIN u ON t.a = u.a", "SELECT a FROM t NATURAL LEFT JOIN u CROSS JOIN v, w"),
        ("SQL-12", "SELECT a FROM t ORDER BY a UNION SELECT a FROM u", "(SELECT a FROM t ORDER BY a) UNION SELECT a FROM u"),
        ("SQL-12", "SELECT a FROM t LIMIT 1 EXCEPT ALL SELECT a FROM u", "SELECT a FROM t MINUS SELECT a FROM u ORDER BY a LIMIT 1"),
        ("SQL-13", "SELECT a /*+ BROADCAST(t) */ FROM t", "SELECT /*+ BROADCAST(t) */ /*+ COALESCE(2), x(1) */ a FROM t"),
        ("SQL-13", "/*+ COALESCE(2) */ SELECT a FROM t", "SELECT a /* + COALESCE(2) */ FROM t"),
        ("SQL-14", "SELECT /*+ REPARTITION(0) */ a FROM t", "SELECT /*+ REPARTITION(2147483647, a) */ a FROM t"),
        ("SQL-14", "SELECT /*+ REPARTITION(1e1) */ a FROM t", "SELECT /*+ REBALANCE(a, t.b) */ a FROM t"),
        ("SQL-14", "SELECT /*+ COALESCE(:n) */ a FROM t", "SELECT /*+ COALESCE(1) */ a FROM t"),
        ("SQL-22", "SELECT a FROM my-table", 'SELECT a FROM "my-table"'),
        ("SQL-22", "SELECT a AS 2b FROM t", "SELECT a AS `2b` FROM t"),
        ("SQL-23", 'SELECT a AS "xmin" FROM t', "SELECT a AS x_min FROM t"),
        ("SQL-23", "SELECT a AS pg_a FROM t", "SELECT a AS page FROM t"),
        ("SQL-23", 'SELECT a AS "b--c" FROM t', 'SELECT a AS "b-c d" FROM t'),
        ("SQL-23", f"SELECT a AS {'b' * 128} FROM t", f"SELECT a AS {'b' * 127} FROM t"),
        ("SQL-23", "SELECT $$a$$ FROM t", "SELECT a$b FROM t"),
        ("SQL-23", "SELECT é FROM t", "SELECT 'é' FROM t"),
        ("SQL-28", "SELECT a FROM t WHERE b = :c", "SELECT a FROM t WHERE b = ':c'"),
        ("SQL-31", "SELECT DATE 'yesterday-ish' FROM t", "SELECT DATE 'yesterday' FROM t"),
        ("SQL-31", "SELECT TIMESTAMP '2020-02-30 00:00:00' FROM t", "SELECT TIMESTAMP '2020-02-29 04:05 PM' FROM t"),
        ("SQL-31", "SELECT INTERVAL '1 month 1 day' FROM t", "SELECT INTERVAL '1w, 1h' FROM t"),
        ("SQL-31", f"SELECT {'9' * 39} FROM t", f"SELECT {'9' * 38}, 1e308 FROM t"),
        ("SQL-32", "SELECT CAST(a AS MONEY) FROM t", "SELECT CAST(a AS CHARACTER VARYING(10)) FROM t"),
        ("SQL-32", "SELECT CAST(a AS BINARY) FROM t", "SELECT CAST(a AS STRUCT<b: INT, c: ARRAY<MAP<STRING, DOUBLE PRECISION>>>) FROM t"),
        ("SQL-32", "SELECT a::DECIMAL(39) FROM t", "SELECT a::DECIMAL(38, 38) FROM t"),
        ("SQL-33", "SELECT UPPER() FROM t", "SELECT UPPER(a) FROM t"),
        ("SQL-33", "SELECT FIRST(a, b) FROM t", "SELECT FIRST(a, TRUE) FROM t"),
        ("SQL-33", "SELECT TRUNC(a, b, c) FROM t", "SELECT TRUNC(a), TRUNC(a, 1), TRUNC(a, 'MM'), CONVERT(VARCHAR(3), a) FROM t"),
        ("SQL-39", "SELECT SUM(a) OVER (ORDER BY b) FROM t", "SELECT SUM(a) OVER (ORDER BY b ROWS UNBOUNDED PRECEDING) FROM t"),
        ("SQL-39", "SELECT SUM(a) OVER (ORDER BY b RANGE UNBOUNDED PRECEDING) FROM t", "SELECT RANK() OVER (ORDER BY b) FROM t"),
        ("SQL-39", "SELECT RANK() OVER (PARTITION BY 'x' ORDER BY b) FROM t", "SELECT SUM(a) OVER (PARTITION BY b) FROM t"),
    ],
)  # fmt: skip
def test_what_a_rule_refuses(rule: str, text: str, instead: str) -> None:
    """Each of these is refused by the rule named, and what is written beside it passes."""
    assert rule_of(refused(text)) == rule
    checked(instead)


@pytest.mark.rule("PQ-02", "SQL-07", "SQL-11", "SQL-14", "SQL-28", "SQL-31", "SQL-32")
@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        ("SELECT 'a FROM t", "PQ-02", "it has a string that doesn't end"),
        ('SELECT "a FROM t', "PQ-02", "it has a name that doesn't end"),
        ("SELECT a FROM t" + " JOIN u" * 60, "PQ-02", "it is nested too deeply, or has too many joins without a condition"),
        ("SELECT a FROM t QUALIFY 1", "SQL-07", "QUALIFY isn't supported"),
        ("SELECT a FROM t TABLESAMPLE (10 PERCENT)", "SQL-07", "TABLESAMPLE isn't supported"),
        ("SELECT a FROM t PIVOT (SUM(a) FOR b IN (1))", "SQL-07", "PIVOT isn't supported"),
        ("SELECT a FROM t AS x AT i", "SQL-07", "AT isn't supported"),
        ("SELECT a AT TIME ZONE 'UTC' FROM t", "SQL-07", "AT TIME ZONE isn't supported"),
        ("SELECT SUM(a) WITHIN GROUP (ORDER BY b) FROM t", "SQL-07", "WITHIN GROUP isn't supported"),
        ("SELECT UPPER(ARRAY<INT>) FROM t", "SQL-07", "A type in the place of a value isn't supported"),
        ("SELECT a FROM t STRAIGHT_JOIN u", "SQL-11", "STRAIGHT_JOIN JOIN is no join"),
        ("SELECT /*+ REPARTITION(1, 2) */ a FROM t", "SQL-14", "REPARTITION takes at most one number and columns"),
        ("SELECT /*+ COALESCE(a) */ a FROM t", "SQL-14", "The hint COALESCE takes one number"),
        ("SELECT /*+ BROADCAST */ a FROM t", "SQL-14", "The hint BROADCAST takes names of relations"),
        ("SELECT /*+ BROADCAST('t', t) */ a FROM t", "SQL-14", "The hint BROADCAST takes names of relations"),
        ("SELECT a AS :n FROM t", "SQL-28", "the parameter :n can't stand here"),
        ("SELECT a FROM t AS :n", "SQL-28", "the parameter :n can't stand here"),
        ("SELECT INTERVAL '1' PARSEC FROM t", "SQL-31", "PARSEC is no unit of time"),
        ("SELECT CAST(a AS MAP<STRING>) FROM t", "SQL-32", "The type MAP needs the types of what it holds"),
        ("SELECT CAST(a AS ARRAY<INT, INT>) FROM t", "SQL-32", "The type ARRAY needs the types of what it holds"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_text(text: str, rule: str, message: str) -> None:
    """The message says what it is that there may not be."""
    refusal = refused(text)
    assert rule_of(refusal) == rule
    assert message in refusal.message


@pytest.mark.rule("SQL-05", "SQL-23")
def test_what_custom_rules_alone_have() -> None:
    """Under the other types of rules there are no cached tables, and no names with a dollar sign."""
    caching = "CACHE TABLE c AS SELECT a FROM t; SELECT a FROM c"
    checked(caching)
    checked("SELECT a$b FROM t")
    for rule_type in ("AGGREGATION", "LIST"):
        assert rule_of(refused(caching, rule_type=rule_type)) == "SQL-05"
        assert rule_of(refused("SELECT a$b FROM t", rule_type=rule_type)) == "SQL-23"


@pytest.mark.rule("PQ-02", "SQL-01", "SQL-02", "SQL-03", "SQL-04", "SQL-05", "SQL-06", "SQL-07", "SQL-08", "SQL-13")
@pytest.mark.rule("SQL-22", "SQL-23", "SQL-28", "SQL-29", "SQL-31", "SQL-32", "SQL-33", "SQL-39")
@pytest.mark.parametrize("statement", CAST["statements"], ids=lambda statement: statement["id"])
def test_the_statements_of_the_cast(statement: dict[str, Any]) -> None:
    """Accepted statements are in the dialect, and those refused by a rule about it are refused by that rule."""
    kinds = {
        CAST["tables"][name]["rule"]["type"] for name in statement["tables"] if CAST["tables"].get(name, {}).get("rule")
    }
    rule_type = kinds.pop() if len(kinds) == 1 else "CUSTOM"
    parameters, text = {}, statement.get("sql")
    if text is None:
        template = CAST["templates"][statement["template"]]
        text = template["text"]
        for one in template["analysisParameters"]:
            value = statement.get("parameters", {}).get(one["name"], one.get("defaultValue"))
            if value is not None:
                parameters[one["name"]] = one["type"], value
    refusal = refusal_of(lambda: checked(text, parameters, rule_type, CAST["tables"]))
    if refusal is not None:
        assert statement["verdict"] == "refused", refusal
        # What no family of functions has is refused as a function that isn't there.
        assert rule_of(refusal) == {"SQL-10": "SQL-08"}.get(statement["rule"], statement["rule"])
    elif statement["verdict"] == "refused":
        # The rest of SQL-12 and SQL-14, and of names, needs to know what the names mean.
        assert statement["rule"] not in OURS


def hostile() -> list[Any]:
    return [
        pytest.param(one, id=f"{theme.split()[0]}-{number}")
        for theme, texts in HOSTILE.items()
        for number, one in enumerate(texts)
    ]


@pytest.mark.rule("PQ-02", "SQL-01", "SQL-02", "SQL-03", "SQL-04", "SQL-06", "SQL-07", "SQL-08", "SQL-11", "SQL-12")
@pytest.mark.rule("SQL-13", "SQL-14", "SQL-22", "SQL-23", "SQL-28", "SQL-31", "SQL-32", "SQL-33", "SQL-39")
@pytest.mark.parametrize("one", hostile())
def test_hostile_texts(one: dict[str, Any]) -> None:
    """Each of them is refused for its own reason, or names what nobody has, and none hangs."""
    text = one.get("text")
    if text is None:
        times = one["times"]
        parts = (
            one.get("prefix", ""),
            one.get("repeat", "") * times,
            one.get("inside", ""),
            one.get("close", "") * times,
            one.get("suffix", ""),
        )
        text = "".join(parts)[:500_000]
    stages: list[str] = []

    def read() -> None:
        stages.append("read")
        query = parse_query(text)
        stages.append("check")
        check_calls(check_text(bind(query, {})))
        stages.append("names")

    refusal = refusal_of(read)
    assert (stages[-1], refusal and rule_of(refusal)) == (one["at"], one.get("rule"))
    if refusal is not None:
        assert refusal.code == "MALFORMED_QUERY"
        assert len(refusal.message) < 400


def test_there_are_hostile_texts_enough() -> None:
    assert sum(len(texts) for texts in HOSTILE.values()) > 200


def call(name: str, count: int) -> str:
    """A call of a function with so many arguments."""
    special = {
        "CASE": "CASE WHEN a THEN b END",
        "CAST": "CAST(a AS INT)",
        "TRY_CAST": "TRY_CAST(a AS INT)",
        "CONVERT": "CONVERT(INT, a)",
        "EXTRACT": "EXTRACT(year FROM a)",
        "POSITION": "POSITION(a IN b)" if count == 1 else None,
        "SUBSTRING": "SUBSTRING(a FROM 1 FOR 2)" if count == 1 else None,
        "NAMED_STRUCT": "NAMED_STRUCT(" + ", ".join(["'a'", "b"] * (count // 2)) + ")",
    }.get(name)
    boolean = name in ("ANY_VALUE", "FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE")
    return special or f"{name}({', '.join(['a', 'TRUE' if boolean else 'b', *'cdefgh'][:count])})"


@pytest.mark.rule("SQL-09", "SQL-10")
@pytest.mark.parametrize(
    "names",
    [
        pytest.param("APPROX_PERCENTILE AVG BOOL_AND COUNT MAX MEDIAN MIN STDDEV SUM VAR_POP", id="aggregates"),
        pytest.param("ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_INTERSECT ARRAY_JOIN EXPLODE FLATTEN", id="arrays"),
        pytest.param("CASE COALESCE GREATEST IF LEAST NULLIF NVL NVL2", id="conditions"),
        pytest.param("ARRAY MAP NAMED_STRUCT STRUCT", id="construction"),
        pytest.param("BASE64 CAST DECODE ENCODE HEX TO_CHAR TO_NUMBER TRY_CAST UNHEX", id="conversion"),
        pytest.param(
            "ADD_MONTHS CURRENT_DATE CURRENT_TIMESTAMP DATEDIFF DATE_TRUNC EXTRACT YEAR", id="dates and times"
        ),
        pytest.param("AES_DECRYPT AES_ENCRYPT", id="encryption"),
        pytest.param("MD5 SHA SHA1 SHA2 XXHASH64", id="hashes"),
        pytest.param("HLL_SKETCH_AGG HLL_SKETCH_ESTIMATE HLL_UNION HLL_UNION_AGG", id="HyperLogLog"),
        pytest.param("GET_JSON_OBJECT TO_JSON", id="JSON"),
        pytest.param("ABS CEIL FLOOR LOG MOD POWER RAND RANDOM ROUND SQRT", id="mathematics"),
        pytest.param("CARDINALITY SIZE", id="sizes"),
        pytest.param("CONCAT LENGTH LOWER REGEXP_REPLACE SPLIT_PART SUBSTRING TRIM UPPER UUID", id="strings"),
        pytest.param("CONSENT_GPP_V1_DECODE CONSENT_TCF_V2_DECODE", id="consents"),
        pytest.param("FIRST_VALUE LAG LEAD NTILE RANK ROW_NUMBER", id="windows"),
    ],
)
def test_families_of_functions(names: str) -> None:
    """There are functions of each family, among them those that give something else each time."""
    for name in names.split():
        assert checked(f"SELECT {call(name, FUNCTIONS[name][0])} FROM t")


@pytest.mark.rule("SQL-08", "SQL-10", "SQL-33")
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_can_be_called(name: str) -> None:
    """Each takes as many arguments as it takes, keeps its name and place, and takes neither fewer nor more."""
    least, most = FUNCTIONS[name]
    for count in {least, min(most, least + 2)}:
        query = checked(f"SELECT {call(name, count)} FROM t")
        named = [node for node in query.statement.walk() if function_name(node) is not None]
        assert [function_name(node) for node in named] == [name]
        place = place_of(named[0])
        assert place is not None
        assert (place.line, place.column, place.start) == (1, 8, 7)
    if name in ("CASE", "CAST", "TRY_CAST", "EXTRACT", "CONVERT", "POSITION", "SUBSTRING", "TRIM"):
        return
    for count in (least - 1, most + 1):
        if 0 <= count < 8 and (name, count) != ("NAMED_STRUCT", 1):
            refusal = refused(f"SELECT {name}({', '.join('abcdefgh'[:count])}) FROM t")
            assert rule_of(refusal) == "SQL-33"
            assert refusal.place == Place(1, 8, 7, refusal.place.end if refusal.place else 0)


@pytest.mark.rule("SQL-08")
def test_functions_are_found_on_the_tree() -> None:
    """A name that is no call is none: neither a string, nor a comment, nor a column."""
    checked("SELECT 'reflect(1)', reflect /* java_method(1) */ FROM t -- reflect(1)")
    refusal = refused("SELECT a,\n  UPPER( java_method('x') )\nFROM t")
    assert refusal.place == Place(2, 10, 19, refusal.place.end if refusal.place else 0)
    assert "JAVA_METHOD" in refusal.message


@pytest.mark.rule("SQL-27")
def test_comments_change_nothing() -> None:
    """Comments between any two words leave the query as it is, whatever they say."""
    plain = "SELECT COUNT ( DISTINCT a ) AS n FROM t GROUP BY b ORDER BY n"
    commented = plain.replace(" ", " /* , c /* nested */ ' */ -- sqlglot.anonymous \"\n")
    assert checked(commented).statement == checked(plain).statement
    assert parse_query("SELECT a /* sqlglot.anonymous */ FROM t").statement.sql() == "SELECT a FROM t"


@pytest.mark.rule("SQL-40")
def test_operators() -> None:
    """The operators that the reference adds to Spark's are read as what they mean."""
    pairs = [
        ("a == b", "a = b"),
        ("!a", "NOT a"),
        ("a ~~ 'x%'", "a LIKE 'x%'"),
        ("a !~~ 'x%'", "a NOT LIKE 'x%'"),
        ("a IS UNKNOWN", "a IS NULL"),
        ("a IS NOT UNKNOWN", "NOT a IS NULL"),
        ("a ^ b ^ 2 * c", "POWER(POWER(a, b), 2) * c"),
        ("is_null(a)", "(a IS NULL)"),
    ]
    for text, meaning in pairs:
        found, wanted = item(text).sql("spark"), item(meaning).sql("spark")
        assert found == wanted, text
    assert isinstance(item("a = ANY (SELECT b FROM u)"), exp.EQ)
    for limit in ("0", "ALL", "10"):
        checked(f"SELECT a FROM t LIMIT {limit}")


@pytest.mark.rule("SQL-31")
@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1999-01-08", "1999-01-08"),
        ("January 8, 1999", "1999-01-08"),
        ("Jun 1,2008", "2008-06-01"),
        ("1/8/1999", "1999-01-08"),
        ("01/02/00", "2000-01-02"),
        ("12-31-2008", "2008-12-31"),
        ("2000-Jan-31", "2000-01-31"),
        ("Jan-31-2000", "2000-01-31"),
        ("31-Jan-2000", "2000-01-31"),
        ("20080215", "2008-02-15"),
        ("080215", "2008-02-15"),
        ("990215", "1999-02-15"),
        ("2008.366", "2008-12-31"),
        ("2008-02", "2008-02-01"),
        ("2008-2-5 04:05", "2008-02-05"),
        ("now", "2024-02-29"),
        ("TODAY", "2024-02-29"),
        ("tomorrow", "2024-03-01"),
        ("yesterday", "2024-02-28"),
    ],
)
def test_dates(text: str, day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DATE literal may be written in many ways, and becomes one."""
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(2024, 2, 29, 10, 45, 32))  # noqa: DTZ001
    node = item(f"DATE '{text}'")
    assert node.this.this == day
    assert node.sql("spark") == f"CAST('{day}' AS DATE)"


@pytest.mark.rule("SQL-31")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2008-02-15", "2008-02-15 00:00:00"),
        ("2008-02-15 04:05:06.789", "2008-02-15 04:05:06.789000"),
        ("2008-02-15T04:05:06", "2008-02-15 04:05:06"),
        ("20080215 040506", "2008-02-15 04:05:06"),
        ("Feb 15, 2008 04:05 PM", "2008-02-15 16:05:00"),
        ("2008-02-15 12:05 am", "2008-02-15 00:05:00"),
        ("2008-02-15 04:05:06+02:00", "2008-02-15 04:05:06+02:00"),
        ("2008-02-15 04:05:06 UTC", "2008-02-15 04:05:06+00:00"),
        ("2008-02-15 04:05:06Z", "2008-02-15 04:05:06+00:00"),
        ("today", "2024-02-29 00:00:00"),
        ("now", "2024-02-29 10:45:32"),
    ],
)
def test_timestamps(text: str, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A TIMESTAMP literal may be written in many ways too; strings that functions of dates get are read as they are."""
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(2024, 2, 29, 10, 45, 32))  # noqa: DTZ001
    assert item(f"TIMESTAMP '{text}'").this.this == moment


@pytest.mark.rule("SQL-31")
def test_dates_in_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of dates read strings as literals of dates do; units, zones, formats and other functions' strings stay."""
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(2024, 2, 29, 10, 45, 32))  # noqa: DTZ001

    def strings(text: str) -> list[str]:
        return [node.this for node in item(text).find_all(exp.Literal) if node.is_string]

    assert "2024-02-29 00:00:00" in strings("DATE_ADD('today', 1)")
    assert set(strings("DATEDIFF(day, '12-31-2008', '2009-01-01')")) == {"2008-12-31 00:00:00", "2009-01-01"}
    assert strings("CONVERT_TIMEZONE('EST', '20080305 12:25:29')") == ["EST", "2008-03-05 12:25:29"]
    assert strings("TO_DATE('12-31-2008', 'MM-dd-yyyy')")[0] == "12-31-2008"
    assert strings("UPPER('today')") == ["today"]


@pytest.mark.rule("SQL-31")
@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("1 DAY", "1", "DAY"),
        ("'1' DAY", "1", "DAY"),
        ("-1 DAY", "-1", "DAY"),
        ("'1 day'", "1", "DAY"),
        ("'1w, 1h, 1m, 1s'", "608461", "SECOND"),
        ("'0.5 days'", "43200", "SECOND"),
        ("'7 days, 3 hours, 59 minutes'", "619140", "SECOND"),
        ("'52 weeks'", "364", "DAY"),
        ("'4 months'", "4", "MONTH"),
        ("'1.5'", "1.5", "SECOND"),
        ("'13 months' YEAR", "12", "MONTH"),
        ("'13 months' MONTH", "13", "MONTH"),
        ("'1-2' YEAR TO MONTH", "14", "MONTH"),
        ("'1 2:3:4.5678' DAY TO SECOND", "93784.5678", "SECOND"),
        ("'2:2' MINUTE TO SECOND", "122", "SECOND"),
        ("'2:2' HOUR TO MINUTE", "7320", "SECOND"),
        ("'1 day 1 hour 1 minute 1.123 seconds' MINUTE", "90060", "SECOND"),
        ("'5 h' HOUR", "18000", "SECOND"),
        ("'-2' DAY", "-2", "DAY"),
    ],
)
def test_intervals(text: str, number: str, unit: str) -> None:
    """An INTERVAL of any form becomes a number of months, days or seconds."""
    node = item(f"a + INTERVAL {text}").expression
    assert (node.this.this, node.args["unit"].name) == (number, unit)


def test_how_an_interval_was_written() -> None:
    """The unit stands in the string or behind it, which some rules tell apart."""
    assert is_whole_interval(item("INTERVAL '1 SECOND'"))
    assert not is_whole_interval(item("INTERVAL '1' SECOND"))


@pytest.mark.rule("SQL-28", "SQL-29")
def test_parameters_take_the_place_of_literals() -> None:
    """A value is a literal of its parameter's type in the tree, and the text that was read stays as it was."""
    query = parse_query(
        "CACHE TABLE c AS SELECT a FROM t WHERE b = :kind; SELECT a FROM c WHERE d BETWEEN DATE :day AND :end + INTERVAL :days DAY LIMIT :rows"
    )
    bound = bind(
        query,
        {
            "kind": ("VARCHAR", "x' OR '1'='1"),
            "day": ("DATE", "05-01-2023"),
            "end": ("DATE", "2023-Jun-01"),
            "days": ("INTEGER", "-3"),
            "rows": ("INTEGER", "10"),
        },
    )
    check_calls(check_text(bound))
    assert bound.cached["c"].sql("spark") == "SELECT a FROM t WHERE b = 'x\\' OR \\'1\\'=\\'1'"
    assert bound.statement.sql("spark") == (
        "SELECT a FROM c WHERE d BETWEEN CAST('2023-05-01' AS DATE) AND CAST('2023-06-01' AS DATE) + INTERVAL '-3' DAY LIMIT 10"
    )
    assert query.statement.find(exp.Placeholder) is not None
    literal = bound.cached["c"].find(exp.Literal)
    assert literal is not None
    assert literal.meta["parameter"] == "kind"
    assert place_of(literal) == Place(1, 44, 43, 48)


@pytest.mark.rule("SQL-28")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT a AS b FROM t WHERE c IN :p",
        "SELECT a :p FROM t",
        "SELECT a FROM :p",
        "SELECT :q FROM t",
        "SELECT a FROM t AS :p",
    ],
)
def test_where_no_parameter_stands(text: str) -> None:
    """A parameter is no name and no list, and has a value."""
    parameters = {"p": ("VARCHAR", "x")}
    assert rule_of(refused(text, parameters)) in ("SQL-28", "PQ-02")
    checked("SELECT :p, UPPER(:p) FROM t WHERE c IN (:p, 'y') AND d LIKE :p", parameters)


@pytest.mark.rule("SQL-29")
@pytest.mark.parametrize(
    ("kind", "value", "sql", "wrong"),
    [
        ("SMALLINT", "-32768", "-32768", "32768"),
        ("INTEGER", " 12 ", "12", "12 OR 1=1"),
        ("BIGINT", "+9", "9", "9.5"),
        ("TINYINT", "127", "127", "128"),
        ("DECIMAL", "10.50", "10.50", "1e5"),
        ("NUMERIC", "-.5", "-0.5", "NaN"),
        ("REAL", "1e5", "CAST(1e5 AS FLOAT)", "x"),
        ("DOUBLE_PRECISION", "-2.5", "CAST(-2.5 AS DOUBLE)", "1e"),
        ("BOOLEAN", "True", "TRUE", "maybe"),
        ("CHAR", "it's", "'it\\'s'", None),
        ("STRING", "", "''", None),
        ("DATE", "05-01-2023", "CAST('2023-05-01' AS DATE)", "13-13-2023"),
        ("TIMESTAMP", "2023-05-01 04:05", "CAST('2023-05-01 04:05:00' AS TIMESTAMP)", "x"),
        ("TIMESTAMP_NTZ", "2023-05-01", "CAST('2023-05-01 00:00:00' AS TIMESTAMP_NTZ)", ""),
        ("TIME", "04:05 PM", "'16:05:00'", "25:00"),
        ("VARBYTE", "abc", "CAST('abc' AS BINARY)", None),
    ],
)
def test_typed_literals(kind: str, value: str, sql: str, wrong: str | None) -> None:
    """Each type of parameter has literals, and takes no value that is none of its own."""
    assert typed_literal(kind, value).sql("spark") == sql
    if wrong is not None:
        with pytest.raises(ValueError):
            typed_literal(kind, wrong)
        assert rule_of(refused("SELECT :p FROM t", {"p": (kind, wrong)})) == "SQL-29"


@pytest.mark.rule("SQL-32")
def test_types() -> None:
    """Every type of the reference can be cast to, by each of its names, in all three ways to write it."""
    names = "BIGINT LONG INT INTEGER SMALLINT SHORT TINYINT BYTE DECIMAL NUMERIC FLOAT DOUBLE REAL BOOLEAN BOOL CHAR VARCHAR STRING DATE TIMESTAMP"
    names += " TIMESTAMP_LTZ TIMESTAMP_NTZ CHARACTER FLOAT4 FLOAT8 ARRAY<INT> MAP<STRING,INT> STRUCT<a:INT>"
    for name in [
        *names.split(),
        "CHARACTER VARYING",
        "DOUBLE PRECISION",
        "INTERVAL DAY TO SECOND",
        "DECIMAL(38,2)",
        "VARCHAR(9)",
    ]:
        checked(f"SELECT CAST(a AS {name}), CONVERT({name}, a), a::{name} FROM t")


def test_how_a_cast_was_written() -> None:
    """The tree knows CAST, CONVERT, two colons and literals from each other."""
    found = [
        (function_name(item(text)), "double_colon" in item(text).meta, "literal" in item(text).meta)
        for text in ("CAST(a AS INT)", "CONVERT(INT, a)", "a::INT", "DATE '2020-01-01'", "TIMESTAMP('2020-01-01')")
    ]
    assert found == [
        ("CAST", False, False),
        ("CONVERT", False, False),
        (None, True, False),
        (None, False, True),
        ("TIMESTAMP", False, False),
    ]


def test_places() -> None:
    """Whatever a rule may complain about, it can be shown in the text."""
    text = "SELECT a,\n  t.*, COUNT(*) AS n, 'x', 1.5, NULL, TRUE, b::INT, CASE WHEN c THEN 1 END,\n  CURRENT_DATE, INTERVAL '1 day', d + 2, (SELECT e FROM u)\nFROM t"
    lines = text.splitlines()
    for node in checked(text).statement.expressions:
        place = place_of(node)
        assert place is not None, node
        assert (
            text[place.start : place.end].split()
            == lines[place.line - 1][place.column - 1 :][: place.end - place.start].split()
        )
    shown = [text[place.start : place.end] for place in map(place_of, checked(text).statement.expressions) if place]
    assert shown == [
        "a", "t.*", "COUNT(*) AS n", "'x'", "1.5", "NULL", "TRUE", "b", "CASE WHEN c THEN 1", "CURRENT_DATE", "INTERVAL", "d + 2", "e FROM u",
    ]  # fmt: skip


@pytest.mark.rule("SQL-13", "SQL-14")
def test_the_hints_of_a_select() -> None:
    """Those that are known are given in their order, with what they say; the others are passed over."""
    query = checked("SELECT /*+ broadcast(x, y), unknown(1) */ /*+ REPARTITION(8, a, t.b) */ /*+ REBALANCE */ a FROM t")
    hints = hints_of(query.statement)
    assert [
        (hint.name, [number.this for number in hint.numbers], [column.sql() for column in hint.columns])
        for hint in hints
    ] == [
        ("BROADCAST", [], ["x", "y"]),
        ("REPARTITION", ["8"], ["a", "t.b"]),
        ("REBALANCE", [], []),
    ]
    assert query.tables == ["t"]
    place = place_of(hints[1].columns[0])
    assert place is not None
    assert query.statement is not None
    assert hints_of(parse_query("SELECT a FROM t").statement) == []


def test_an_array_is_unnested_with_its_index() -> None:
    """`AT` names the index of what is unnested, which must be a column of a relation before it."""
    query = checked("SELECT l.a, i FROM orders o, o.lines l AT i")
    assert isinstance(query.statement.args["joins"][0].this, exp.AtIndex)
    assert query.tables == ["orders"]
    assert rule_of(refused("SELECT a FROM orders o AT i")) == "SQL-07"
