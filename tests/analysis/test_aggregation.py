"""The AGGREGATION analysis rule: what a query may be made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.refusals import Refusal
from tests.analysis import cast
from tests.analysis.cast import STATEMENTS, TABLES, question_of, refused, rule_of
from tests.analysis.visits import OF_VISITS, VISITS, breach, visits


@pytest.mark.parametrize(
    "statement",
    [one for one in STATEMENTS if one["rule"].startswith("AGG-") or one["rule"] in ("CUS-03", "CUS-83")],
    ids=lambda one: one["id"],
)
@pytest.mark.rule("CUS-03")
def test_statements(statement: dict[str, Any]) -> None:
    """Each statement about the cast that is meant for this rule is accepted, or refused by the rule that is meant."""
    if statement["verdict"] == "accepted":
        assert check(question_of(statement), TABLES).rule_type == "AGGREGATION"
        return
    with pytest.raises(Refusal) as caught:
        check(question_of(statement), TABLES)
    assert caught.value.code == statement["answer"]
    # That the owner is no exception is no rule that refuses by itself.
    assert rule_of(caught.value) == {"CUS-03": "AGG-03"}.get(statement["rule"], statement["rule"])


# What the query may be made of


@pytest.mark.rule("AGG-01", "AGG-02")
def test_one_select() -> None:
    """Nothing is around, in or beside the one SELECT."""
    for text, what in (
        ("WITH v AS (SELECT city FROM pub_reach) SELECT SUM(visits) FROM pub_reach", "WITH"),
        ("(SELECT SUM(visits) FROM pub_reach)", "A query other than one SELECT"),
        ("SELECT SUM(visits) FROM pub_reach WHERE EXISTS (SELECT 1 FROM pub_reach)", "A subquery"),
        ("SELECT SUM(visits) FROM pub_reach HAVING SUM(visits) > (SELECT 1)", "A subquery"),
        (
            "SELECT SUM(visits) FROM pub_reach JOIN (SELECT phone FROM adv_sales) s ON s.phone = pub_reach.phone",
            "A subquery",
        ),
    ):
        assert cast.breach(text) == "AGG-01", text
        assert refused(text).message.startswith(f"{what} is not allowed by the AGGREGATION analysis rule"), text
    for operator in ("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "MINUS"):
        text = f"SELECT SUM(visits) FROM pub_reach {operator} SELECT SUM(visits) FROM pub_reach"
        assert cast.breach(text) == "AGG-02", text
        assert cast.breach(f"({text})") == "AGG-02"
    error = refused("SELECT SUM(visits) FROM pub_reach UNION SELECT SUM(visits) FROM pub_reach")
    assert error.message == "UNION is not allowed by the AGGREGATION analysis rule of table(s) [pub_reach]"
    assert error.table == "pub_reach"


@pytest.mark.rule("AGG-03")
def test_an_aggregate_is_selected() -> None:
    """An aggregate in HAVING or ORDER BY alone doesn't do; the message names what isn't grouped by."""
    for text, message in (
        ("SELECT city, region FROM pub_reach r", "Column(s) [r.city, r.region] must appear in group by clause"),
        ("SELECT DISTINCT city FROM pub_reach", "Column(s) [pub_reach.city] must appear in group by clause"),
        (
            "SELECT city, region FROM pub_reach GROUP BY city",
            "Column(s) [pub_reach.region] must appear in group by clause",
        ),
        (
            "SELECT UPPER(store), campaign FROM adv_sales s JOIN pub_views v ON s.hashed_email = v.hashed_email",
            "Column(s) [s.store, v.campaign] must appear in group by clause",
        ),
        (
            "SELECT city FROM pub_reach GROUP BY city HAVING SUM(visits) > 1 ORDER BY SUM(visits)",
            "A select list without an aggregate function is not allowed by the AGGREGATION analysis rule of table(s) [pub_reach]",
        ),
    ):
        error = refused(text)
        assert (rule_of(error), error.message) == ("AGG-03", message)
    assert refused("SELECT city, region FROM pub_reach r").column == "city"


@pytest.mark.rule("AGG-04", "AGG-06")
def test_no_cut() -> None:
    """The whole result is returned, and no row of it only once."""
    assert breach(visits("LIMIT 1")) == "AGG-04"
    assert breach(visits("LIMIT ALL")) == "AGG-04"
    assert breach(visits("LIMIT 10 OFFSET 1")) == "AGG-04"
    assert breach(visits("", "DISTINCT SUM(pages)")) == "AGG-06"
    assert breach(visits("", "ALL SUM(pages)")) is None


@pytest.mark.rule("AGG-05", "AGG-12", "AGG-10")
@pytest.mark.parametrize(
    ("aggregate", "rule"),
    [
        ("*", "AGG-05"),
        ("v.*, SUM(pages)", "AGG-05"),
        ("COUNT(*)", "AGG-05"),
        ("COUNT(v.*)", "AGG-05"),
        ("COUNT(1)", "AGG-05"),
        ("SUM(-1)", "AGG-05"),
        ("COUNT('x')", "AGG-05"),
        ("SUM(pages + 1)", "AGG-12"),
        ("SUM(pages * spend)", "AGG-12"),
        ("SUM(CAST(pages AS INT))", "AGG-12"),
        ("SUM(COALESCE(pages, 0))", "AGG-12"),
        ("COUNT(DISTINCT 1)", "AGG-12"),
        ('COUNT(DISTINCT id, "person id")', "AGG-12"),
        ('COUNT(id, "person id")', "AGG-12"),
        ("SUM(SUM(pages))", "AGG-12"),
        ("SUM(pages)", None),
        ("SUM((pages))", None),
        ('COUNT(DISTINCT "PERSON ID")', None),
        ('count(distinct v."person id")', None),
        ("AVG(DISTINCT spend)", "AGG-10"),
        ("MIN(pages)", "AGG-10"),
        ("MEDIAN(pages)", "AGG-10"),
        ("PERCENTILE(pages, 0.5)", "AGG-10"),
        ("SUM(pages), ROUND(MAX(spend))", "AGG-10"),
    ],
)
def test_aggregate_functions(aggregate: str, rule: str | None) -> None:
    """Of the aggregate functions five are possible, each of one bare column."""
    assert breach(visits("v", aggregate)) == rule


@pytest.mark.rule("AGG-07")
def test_selected_dimensions_are_grouped() -> None:
    """In the same form, whatever the case, the qualifier, the quotes and the brackets."""
    both = 'GROUP BY v."City", UPPER("order")'
    assert breach(visits(f"v {both}", 'city AS c, UPPER(v."ORDER"), SUM(pages)')) is None
    assert breach(visits(f"v {both}", '(CITY), upper("order") u, SUM(pages)')) is None
    assert breach(visits(f"v {both}", "SUM(pages)")) is None
    assert breach(visits("GROUP BY EXTRACT(year FROM day)", "EXTRACT(YEAR FROM day), SUM(pages)")) is None
    error = refused(visits(f"v {both}", 'city, "order", day, SUM(pages)'), OF_VISITS)
    assert (rule_of(error), error.table, error.column) == ("AGG-07", "web-visits", "order")
    assert error.message == "Column(s) [v.order, v.day] must appear in group by clause"
    assert breach(visits(f"v {both}", "UPPER(city), SUM(pages)")) == "AGG-07"
    assert breach(visits("", "city, SUM(pages)")) == "AGG-07"
    assert breach(visits("GROUP BY ROUND(day, 1)", "ROUND(day, 2), SUM(pages)")) == "AGG-07"
    assert breach(visits("GROUP BY CAST(day AS INT)", "CAST(day AS BIGINT), SUM(pages)")) == "AGG-07"
    assert breach(visits("GROUP BY COALESCE(city, day)", "COALESCE(day, city), SUM(pages)")) == "AGG-07"
    assert breach(visits("", f"ROUND({'day + ' * 3000} 1), SUM(pages)")) == "AGG-07"
    text = "SELECT v.region, SUM(r.visits) FROM pub_reach r JOIN adv_sales s ON r.phone = s.phone JOIN pub_views v ON v.hashed_email = s.hashed_email "
    assert cast.breach(text + "GROUP BY r.region") == "AGG-07"
    assert cast.breach(text + "GROUP BY v.region") is None


@pytest.mark.rule("AGG-08")
@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("1", "AGG-08"),
        ("-1", "AGG-08"),
        ("'x'", "AGG-08"),
        ("c", "AGG-08"),
        ("UPPER(c)", "AGG-08"),
        ("ROLLUP (city)", "AGG-08"),
        ("CUBE (city, day)", "AGG-08"),
        ("city WITH ROLLUP", "AGG-08"),
        ("GROUPING SETS ((city), ())", "AGG-08"),
        ("(city, day)", "AGG-08"),
        ("SUM(pages)", "AGG-08"),
        ("city", None),
        ("(city)", None),
        ("UPPER(city), day", None),
    ],
)
def test_group_by(key: str, rule: str | None) -> None:
    """GROUP BY has dimensions, and scalar functions of them."""
    assert breach(visits(f"GROUP BY {key}", "SUM(pages), SUM(pages) AS c")) == rule


@pytest.mark.rule("AGG-08")
def test_an_alias_that_is_a_column_too() -> None:
    """GROUP BY means the column."""
    assert breach(visits("GROUP BY day", "SUM(pages) AS day")) is None
    error = refused(visits("GROUP BY c", "UPPER(city) AS c, SUM(pages)"), OF_VISITS)
    assert error.message.startswith("GROUP BY with the alias c is not allowed by")


@pytest.mark.rule("AGG-09")
@pytest.mark.parametrize(
    "text",
    [
        visits("", "SUM(pages) OVER (PARTITION BY city)"),
        visits("", "SUM(pages), RANK() OVER (ORDER BY city)"),
        visits("WINDOW w AS (PARTITION BY city)"),
        visits("SORT BY city"),
        visits("", "SUM(pages) FILTER (WHERE city = 'x')"),
        visits("GROUP BY ALL", "city, SUM(pages)"),
        visits("", "COUNT(DISTINCT id ORDER BY id)"),
        visits("", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY pages)"),
        visits("", "SUM(pages) IGNORE NULLS"),
        visits("QUALIFY SUM(pages) > 1"),
    ],
)
def test_no_other_clause(text: str) -> None:
    """What the grammar doesn't have is refused."""
    assert cast.breach_of_shape(text, OF_VISITS) == "AGG-09"
    assert refused(text, OF_VISITS).code == "MALFORMED_QUERY"


@pytest.mark.rule("AGG-24", "AGG-23")
@pytest.mark.parametrize("where", ["select", "where", "group", "order", "over"])
@pytest.mark.parametrize(
    ("function", "rule"),
    [
        ("CASE WHEN city = 'x' THEN 'y' END", "AGG-24"),
        ("NVL(city, 'x')", "AGG-24"),
        ("CONCAT(city, 'x')", "AGG-24"),
        ("city || 'x'", "AGG-24"),
        ("IF(city = 'x', 1, 2)", "AGG-24"),
        ("NULLIF(city, 'x')", "AGG-24"),
        ("NVL2(city, 'x', 'y')", "AGG-23"),
        ("REVERSE(city)", "AGG-23"),
        ("TRY_CAST(city AS INT)", "AGG-23"),
        ("LOG10(city)", "AGG-23"),
        ("YEAR(day)", "AGG-23"),
        ("DATE_ADD(day, 1)", "AGG-23"),
        ("DATE_TRUNC('MM', day)", "AGG-23"),
        ("LTRIM(city)", "AGG-23"),
        ("RTRIM('x', city)", "AGG-23"),
        ("MOD(city, 2)", "AGG-23"),
    ],
)
def test_functions_that_no_rule_can_allow(function: str, rule: str, where: str) -> None:
    """They are refused wherever they stand, and whatever the table says."""
    free = {
        VISITS.name: replace(VISITS, policy={**VISITS.policy, "scalar_functions": ["NVL", "REVERSE", "LTRIM", "MOD"]})
    }
    text = {
        "select": visits(f"GROUP BY {function}", f"{function}, SUM(pages)"),
        "where": visits(f"WHERE {function} = 'x'"),
        "group": visits(f"GROUP BY {function}"),
        "order": visits(f"GROUP BY city ORDER BY {function}"),
        "over": visits("", f"{function.replace('city', 'SUM(pages)').replace('day', 'SUM(pages)')}"),
    }[where]
    assert breach(text, free) == rule


@pytest.mark.rule("AGG-25", "AGG-26")
@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ("city + 1", "AGG-25"),
        ("SUM(pages) / 2", "AGG-25"),
        ("SUM(pages) / AVG(spend)", "AGG-25"),
        ("-SUM(pages)", "AGG-25"),
        ("city = 'x'", "AGG-25"),
        ("city IS NULL", "AGG-25"),
        ("place[0]", "AGG-25"),
        ("TRUE", "AGG-26"),
        ("NULL", "AGG-26"),
        ("DATE '2026-01-01'", "AGG-26"),
        ("INTERVAL '1' DAY", "AGG-26"),
        ("'x'", None),
        ("7", None),
        ("-7.5 AS a", None),
        ("('x')", None),
        ("1e3", None),
    ],
)
def test_what_is_selected_beside_columns(item: str, rule: str | None) -> None:
    """Strings and numbers may be selected; what is computed without a function may not."""
    assert breach(visits("GROUP BY city", f"{item}, SUM(pages)")) == rule


@pytest.mark.rule("AGG-26", "AGG-25")
def test_literals_alone() -> None:
    """They need an aggregate beside them, and can't be grouped by; what is computed can't be either."""
    assert breach(visits("", "'x', 1")) == "AGG-26"
    assert breach(visits("GROUP BY city", "'x', city")) == "AGG-03"
    error = refused(visits("GROUP BY day + 1"), OF_VISITS)
    assert rule_of(error) == "AGG-25"
    assert error.message == "+ in group by is not allowed by the AGGREGATION analysis rule of table(s) [web-visits]"


@pytest.mark.rule("AGG-40", "AGG-41")
@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("city = 'x' AND NOT (day > '2026-01-01' OR city <> \"order\")", None),
        ("city IN ('x', 'y') AND city NOT IN ('z') AND city != 'a'", None),
        ("city LIKE 'x%' AND city NOT LIKE 'y' AND city LIKE 'z!_' ESCAPE '!'", None),
        ("day BETWEEN '2026-01-01' AND '2026-02-01' AND day NOT BETWEEN 1 AND 2", None),
        ("day IS NULL OR city IS NOT NULL", None),
        ("(day + 1) * 2 - 3 / 4 % 5 >= -6", None),
        ("day < DATE '2026-01-01' AND day + INTERVAL '1' DAY <= TIMESTAMP '2026-01-01 00:00:00'", None),
        ('UPPER(city) = UPPER("order") AND ROUND(day, 1) + 1 > 2', None),
        ("city ILIKE 'x'", "AGG-41"),
        ("NOT (city RLIKE 'x')", "AGG-41"),
        ("city <=> 'x'", "AGG-41"),
        ("city IS TRUE", "AGG-41"),
        ("city IS DISTINCT FROM 'x'", "AGG-41"),
        ("city LIKE ANY ('x', 'y')", "SQL-07"),
        ("day DIV 2 = 1", "AGG-41"),
        ("day ^ 2 = 1", "AGG-41"),
        ("(city, day) IN (('x', 'y'))", "AGG-41"),
        ("SUM(pages) > 1", "AGG-41"),
        ("place[0] = 'x'", "AGG-41"),
        ("secret = 'x'", "AGG-40"),
        ("city = 'x' OR secret LIKE 'y'", "AGG-40"),
        ("day BETWEEN '2026-01-01' AND secret", "AGG-40"),
        ("city IN ('x', secret)", "AGG-40"),
        ("place.city = 'x'", "AGG-40"),
    ],
)
def test_where(condition: str, rule: str | None) -> None:
    """WHERE has dimensions and literals, and the operators of a list."""
    assert breach(visits(f"WHERE {condition}")) == rule


@pytest.mark.rule("AGG-42", "AGG-43")
@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("SUM(pages) > 1", None),
        ("1.5 <= AVG(v.spend)", None),
        ('(SUM(pages) > 1 OR SUM(pages) < -1) AND COUNT(DISTINCT "person id") <> 7', None),
        ("AVG(pages) > 1", "AGG-42"),
        ('COUNT("person id") > 1', "AGG-42"),
        ("COUNT(DISTINCT secret) > 1", "AGG-42"),
        ("SUM(pages) > 1 AND SUM(city) > 1", "AGG-42"),
        ("city = 'x'", "AGG-43"),
        ("SUM(pages) > '1'", "AGG-43"),
        ("SUM(pages) > AVG(spend)", "AGG-43"),
        ("SUM(pages) + 1 > 2", "AGG-43"),
        ("-SUM(pages) > 2", "AGG-43"),
        ("ROUND(SUM(pages)) > 2", "AGG-43"),
        ("SUM(pages) IN (1, 2)", "AGG-43"),
        ("SUM(pages) BETWEEN 1 AND 2", "AGG-43"),
        ("NOT SUM(pages) > 1", "AGG-43"),
        ("NOT (SUM(pages) > 1)", "AGG-43"),
        ("SUM(pages) IS NULL", "AGG-43"),
        ("SUM(pages) <=> 1", "AGG-43"),
        ("MAX(pages) > 1", "AGG-43"),
        ("p > 1", "AGG-43"),
        ("TRUE", "AGG-43"),
        ("1 = 1", "AGG-43"),
        ("SUM(p) > 1", "AGG-42"),
    ],
)
def test_having(condition: str, rule: str | None) -> None:
    """HAVING compares allowed aggregates with numbers."""
    assert breach(visits(f"v GROUP BY city HAVING {condition}", "city, SUM(pages) AS p")) == rule


@pytest.mark.rule("AGG-42")
def test_a_column_in_having_is_no_alias() -> None:
    """Inside an aggregate a name means the column of a table, though the list has an alias of that name."""
    assert breach(visits("HAVING SUM(pages) > 1", "SUM(pages) AS pages")) is None
    assert breach(visits("HAVING SUM(secret) > 1", "SUM(pages) AS secret")) == "AGG-42"
    error = refused(visits("HAVING COUNT(DISTINCT secret) > 1"), OF_VISITS)
    assert error.message == "Column(s) [secret] is not allowed in aggregate function COUNT DISTINCT in having"


@pytest.mark.rule("AGG-44", "AGG-14")
@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("city", None),
        ('v.City DESC, UPPER("order") ASC', None),
        ("p DESC, c", None),
        ('SUM(pages), COUNT(DISTINCT "person id")', None),
        ("ROUND(AVG(spend), 1)", None),
        ("1", "AGG-44"),
        ("'city'", "AGG-44"),
        ("p + 1", "AGG-44"),
        ("SUM(pages) + 1", "AGG-44"),
        ("city NULLS LAST", "AGG-44"),
        ("p DESC NULLS FIRST", "AGG-44"),
        ("city NULLS FIRST", "AGG-44"),
        ("day", "AGG-44"),
        ("UPPER(city)", "AGG-44"),
        ("pages", "AGG-44"),
        ("secret", "AGG-44"),
        ("SUM(p)", "AGG-44"),
        ("SUM(secret)", "AGG-44"),
        ("id", "AGG-14"),
        ("AVG(pages)", "AGG-11"),
    ],
)
def test_order_by(key: str, rule: str | None) -> None:
    """ORDER BY has what the list may have, and the aliases of the list."""
    text = visits(f'v GROUP BY city, UPPER("order") ORDER BY {key}', "city AS c, SUM(pages) AS p")
    assert breach(text) == rule


@pytest.mark.rule("AGG-44")
def test_order_by_what_isnt_grouped() -> None:
    """The message is that of a selected column."""
    error = refused(visits("v GROUP BY city ORDER BY day, city"), OF_VISITS)
    assert error.message == "Column(s) [v.day] must appear in group by clause"
    error = refused(visits("v GROUP BY city ORDER BY secret"), OF_VISITS)
    assert error.message == "Column(s) [secret] is not allowed in order by"


@pytest.mark.rule("AGG-07", "AGG-26")
def test_hints_mean_nothing() -> None:
    """A hint after SELECT changes no verdict, though its names are those of functions."""
    assert breach(visits("", "/*+ COALESCE(3), REPARTITION(2) */ SUM(pages)")) is None
    assert breach(visits("", "/*+ COALESCE(3) */ city, SUM(pages)")) == "AGG-07"
