"""The AGGREGATION analysis rule: what a query may be made of, and what may be done with which column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import PUBLISHER, STATEMENTS, TABLES, accepted, question_of, refused, rule_of

#: A table with columns of every role, whose names need quotes or have capitals.
VISITS = Table(
    name="web-visits",
    owner=PUBLISHER,
    columns={
        "id": "string",
        "person id": "string",
        "City": "string",
        "order": "string",
        "day": "date",
        "pages": "int",
        "spend": "double",
        "secret": "string",
        "place": "struct<city:string>",
    },
    rule_type="AGGREGATION",
    policy={
        "aggregate_columns": [
            {"column_names": ["Pages"], "function": "SUM"},
            {"column_names": ["spend"], "function": "AVG"},
            {"column_names": ["person id"], "function": "COUNT_DISTINCT"},
        ],
        "join_columns": ["person id", "id"],
        "dimension_columns": ["City", "order", "day"],
        "scalar_functions": ["UPPER", "CAST", "ROUND", "COALESCE", "RTRIM", "DATEADD", "EXTRACT", "CEILING"],
        "output_constraints": [{"column_name": "id", "minimum": 2, "type": "COUNT_DISTINCT"}],
    },
)
OF_VISITS = {VISITS.name: VISITS}

Outcome = tuple[str | None, str | None, str | None]


def outcome(text: str, tables: Any = OF_VISITS) -> str | None:
    """The rule that refuses a query, ``None`` if none does."""
    try:
        accepted(text, tables)
    except Refusal as error:
        assert error.code == "MALFORMED_QUERY"
        assert error.place is not None, text
        return rule_of(error)
    return None


def visits(rest: str, select: str = "SUM(pages)") -> str:
    return f'SELECT {select} FROM "web-visits" {rest}'


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
    for text in (
        "WITH v AS (SELECT city FROM pub_reach) SELECT SUM(visits) FROM pub_reach",
        "(SELECT SUM(visits) FROM pub_reach)",
        "SELECT SUM(visits) FROM pub_reach WHERE EXISTS (SELECT 1 FROM pub_reach)",
        "SELECT SUM(visits) FROM pub_reach HAVING SUM(visits) > (SELECT 1)",
        "SELECT SUM(visits) FROM pub_reach JOIN (SELECT phone FROM adv_sales) s ON s.phone = pub_reach.phone",
    ):
        assert outcome(text, TABLES) == "AGG-01", text
    for operator in ("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "MINUS"):
        text = f"SELECT SUM(visits) FROM pub_reach {operator} SELECT SUM(visits) FROM pub_reach"
        assert outcome(text, TABLES) == "AGG-02", text
        assert outcome(f"({text})", TABLES) == "AGG-02"
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
    assert outcome(visits("LIMIT 1")) == "AGG-04"
    assert outcome(visits("LIMIT ALL")) == "AGG-04"
    assert outcome(visits("LIMIT 10 OFFSET 1")) == "AGG-04"
    assert outcome(visits("", "DISTINCT SUM(pages)")) == "AGG-06"
    assert outcome(visits("", "ALL SUM(pages)")) is None


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
    assert outcome(visits("v", aggregate)) == rule


@pytest.mark.rule("AGG-07")
def test_selected_dimensions_are_grouped() -> None:
    """In the same form, whatever the case, the qualifier, the quotes and the brackets."""
    both = 'GROUP BY v."City", UPPER("order")'
    assert outcome(visits(f"v {both}", 'city AS c, UPPER(v."ORDER"), SUM(pages)')) is None
    assert outcome(visits(f"v {both}", '(CITY), upper("order") u, SUM(pages)')) is None
    assert outcome(visits(f"v {both}", "SUM(pages)")) is None
    assert outcome(visits("GROUP BY EXTRACT(year FROM day)", "EXTRACT(YEAR FROM day), SUM(pages)")) is None
    error = refused(visits(f"v {both}", 'city, "order", day, SUM(pages)'), OF_VISITS)
    assert (rule_of(error), error.table, error.column) == ("AGG-07", "web-visits", "order")
    assert error.message == "Column(s) [v.order, v.day] must appear in group by clause"
    assert outcome(visits(f"v {both}", "UPPER(city), SUM(pages)")) == "AGG-07"
    assert outcome(visits("", "city, SUM(pages)")) == "AGG-07"
    assert outcome(visits("GROUP BY ROUND(day, 1)", "ROUND(day, 2), SUM(pages)")) == "AGG-07"
    text = "SELECT v.region, SUM(r.visits) FROM pub_reach r JOIN adv_sales s ON r.phone = s.phone JOIN pub_views v ON v.hashed_email = s.hashed_email "
    assert outcome(text + "GROUP BY r.region", TABLES) == "AGG-07"
    assert outcome(text + "GROUP BY v.region", TABLES) is None


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
    assert outcome(visits(f"GROUP BY {key}", "SUM(pages), SUM(pages) AS c")) == rule


@pytest.mark.rule("AGG-08")
def test_an_alias_that_is_a_column_too() -> None:
    """GROUP BY means the column."""
    assert outcome(visits("GROUP BY day", "SUM(pages) AS day")) is None
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
    assert outcome(text) == "AGG-09"


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
    assert outcome(text, free) == rule


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
    assert outcome(visits("GROUP BY city", f"{item}, SUM(pages)")) == rule


@pytest.mark.rule("AGG-26", "AGG-25")
def test_literals_alone() -> None:
    """They need an aggregate beside them, and can't be grouped by; what is computed can't be either."""
    assert outcome(visits("", "'x', 1")) == "AGG-26"
    assert outcome(visits("GROUP BY city", "'x', city")) == "AGG-03"
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
        ("city LIKE ANY ('x', 'y')", "AGG-41"),
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
    assert outcome(visits(f"WHERE {condition}")) == rule


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
    assert outcome(visits(f"v GROUP BY city HAVING {condition}", "city, SUM(pages) AS p")) == rule


@pytest.mark.rule("AGG-42")
def test_a_column_in_having_is_no_alias() -> None:
    """Inside an aggregate a name means the column of a table, though the list has an alias of that name."""
    assert outcome(visits("HAVING SUM(pages) > 1", "SUM(pages) AS pages")) is None
    assert outcome(visits("HAVING SUM(secret) > 1", "SUM(pages) AS secret")) == "AGG-42"
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
        ("ALL", "AGG-44"),
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
    assert outcome(text) == rule


@pytest.mark.rule("AGG-44")
def test_order_by_what_isnt_grouped() -> None:
    """The message is that of a selected column."""
    error = refused(visits("v GROUP BY city ORDER BY day, city"), OF_VISITS)
    assert error.message == "Column(s) [v.day] must appear in group by clause"
    error = refused(visits("v GROUP BY city ORDER BY secret"), OF_VISITS)
    assert error.message == "Column(s) [secret] is not allowed in order by"


# What may be done with which column


@pytest.mark.rule("AGG-13", "AGG-14", "AGG-15", "AGG-16", "AGG-40")
@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        (
            visits("GROUP BY secret, id, pages", "secret, id AS x, pages, SUM(pages)"),
            "AGG-13",
            "Column(s) [secret, id, pages] is not allowed in select",
        ),
        (visits("GROUP BY id", "id, SUM(pages)"), "AGG-14", "Column(s) [id] is not allowed in select"),
        (visits("GROUP BY city, id"), "AGG-14", "Column(s) [id] is not allowed in group by"),
        (visits("WHERE v.id = 'x'".replace("v.", "")), "AGG-14", "Column(s) [id] is not allowed in where"),
        (visits("GROUP BY pages", "pages, SUM(pages)"), "AGG-15", "Column(s) [pages] is not allowed in select"),
        (visits("GROUP BY PAGES"), "AGG-15", "Column(s) [pages] is not allowed in group by"),
        (visits("WHERE pages > 1 AND pages < 9"), "AGG-15", "Column(s) [pages] is not allowed in where"),
        (visits("GROUP BY secret"), "AGG-13", "Column(s) [secret] is not allowed in group by"),
        (visits("WHERE \"SECRET\" = 'x'"), "AGG-40", "Column(s) [secret] is not allowed in where"),
        (visits("", "COUNT(secret)"), "AGG-13", "Column(s) [secret] is not allowed in select"),
        (visits("", "COUNT(DISTINCT id)"), "AGG-14", "Column(s) [id] is not allowed in select"),
        (
            visits("GROUP BY secret", "secret AS city, SUM(pages)"),
            "AGG-16",
            "Column(s) [secret] is not allowed in select",
        ),
        (visits("GROUP BY id", 'id AS "CITY", SUM(pages)'), "AGG-16", "Column(s) [id] is not allowed in select"),
        (
            visits("GROUP BY place.city", "place.city, SUM(pages)"),
            "AGG-13",
            "Column(s) [place.city] is not allowed in select",
        ),
    ],
)
def test_roles_of_columns(text: str, rule: str, message: str) -> None:
    """A column stands where its role lets it, and all that don't are named."""
    error = refused(text, OF_VISITS)
    assert (rule_of(error), error.message, error.table) == (rule, message, "web-visits")
    assert error.place is not None
    assert (
        text[error.place.start : error.place.end].strip('"').split(".")[-1].lower()
        == message.split("[")[1].split("]")[0].split(",")[0].split(".")[-1]
    )


@pytest.mark.rule("AGG-16", "AGG-13")
def test_columns_of_the_same_name() -> None:
    """Each is judged by its own table: region is a dimension of one, and nothing to the other."""
    other = replace(
        VISITS,
        name="regions",
        columns={"id": "string", "day": "date"},
        policy={**VISITS.policy, "dimension_columns": []},
    )
    tables = {**OF_VISITS, "regions": other}
    text = 'SELECT {0}.day, SUM(v.pages) FROM "web-visits" v JOIN regions r ON v.id = r.id GROUP BY {0}.day'
    assert outcome(text.format("v"), tables) is None
    error = refused(text.format("r"), tables)
    assert (rule_of(error), error.table, error.column) == ("AGG-13", "regions", "day")


@pytest.mark.rule("AGG-11")
@pytest.mark.parametrize(
    ("aggregate", "message"),
    [
        ('COUNT("person id")', "Column(s) [person id] is not allowed in aggregate function COUNT"),
        ("AVG(pages)", "Column(s) [pages] is not allowed in aggregate function AVG"),
        ("SUM(DISTINCT pages)", "Column(s) [pages] is not allowed in aggregate function SUM DISTINCT"),
        ("COUNT(DISTINCT pages)", "Column(s) [pages] is not allowed in aggregate function COUNT DISTINCT"),
        ("SUM(city)", "Column(s) [city] is not allowed in aggregate function SUM"),
        ("ROUND(SUM(spend), 1)", "Column(s) [spend] is not allowed in aggregate function SUM"),
    ],
)
def test_which_function_of_which_column(aggregate: str, message: str) -> None:
    """Each function is allowed column by column."""
    error = refused(visits("", aggregate), OF_VISITS)
    assert (rule_of(error), error.message, error.table) == ("AGG-11", message, "web-visits")


@pytest.mark.rule("AGG-20", "AGG-21", "AGG-22")
@pytest.mark.parametrize("clause", ["group", "where"])
@pytest.mark.parametrize(
    ("function", "rule"),
    [
        ("UPPER(city)", None),
        ("CAST(v.city AS VARCHAR(3))", None),
        ("city::INT", None),
        ("CEIL(day)", None),
        ("COALESCE(city, \"order\", 'x', -1)", None),
        ("DATEADD(day, -1, day)", None),
        ("RTRIM(city)", None),
        ("LOWER(city)", "AGG-20"),
        ("SUBSTR(city, 1)", "AGG-20"),
        ("TRUNC(day, 'MM')", "AGG-20"),
        ("CURRENT_DATE", "AGG-20"),
        ("UPPER(secret)", "AGG-21"),
        ("UPPER(id)", "AGG-21"),
        ("ROUND(pages)", "AGG-21"),
        ("UPPER(LOWER(city))", "AGG-21"),
        ("UPPER(city::VARCHAR(3))", "AGG-21"),
        ("ROUND(day + 1)", "AGG-21"),
        ("COALESCE(city, NULL)", "AGG-21"),
        ("UPPER(place.city)", "AGG-21"),
    ],
)
def test_scalar_functions(function: str, rule: str | None, clause: str) -> None:
    """A scalar function takes dimensions and literals, if the table allows it."""
    if clause == "where":
        assert outcome(visits(f"v WHERE {function} = 'x'")) == rule
    else:
        assert outcome(visits(f"v GROUP BY {function}", f"{function}, SUM(pages)")) == rule


@pytest.mark.rule("AGG-20", "AGG-21", "AGG-22")
def test_messages_about_scalar_functions() -> None:
    """They name the function, the columns and the table."""
    for text, message in (
        (
            visits("GROUP BY LOWER(city)", "LOWER(city), SUM(pages)"),
            "Scalar function LOWER is not allowed on column(s) [city] of table web-visits",
        ),
        (visits("WHERE UPPER(secret) = 'x'"), "Column(s) [secret] is not allowed in scalar function UPPER in where"),
        (
            visits("", "FLOOR(SUM(pages))"),
            "Scalar function FLOOR is not allowed on column(s) [pages] of table web-visits",
        ),
        (
            visits("", "CURRENT_DATE, SUM(pages)"),
            "Scalar function CURRENT_DATE is not allowed by the AGGREGATION analysis rule of table(s) [web-visits]",
        ),
    ):
        error = refused(text, OF_VISITS)
        assert error.message == message
        assert error.table == "web-visits"


@pytest.mark.rule("AGG-20")
def test_scalar_functions_of_two_tables() -> None:
    """Both tables must allow a function of columns of both, and every table one without a column."""
    other = replace(VISITS, name="regions", policy={**VISITS.policy, "scalar_functions": ["COALESCE", "CURRENT_DATE"]})
    dated = replace(
        VISITS, policy={**VISITS.policy, "scalar_functions": [*VISITS.policy["scalar_functions"], "CURRENT_DATE"]}
    )
    tables = {**OF_VISITS, "regions": other}
    text = 'SELECT {}, SUM(v.pages) FROM "web-visits" v JOIN regions r ON v.id = r.id'
    by = " GROUP BY {}"
    assert outcome((text + by).format(*["COALESCE(v.city, r.city)"] * 2), tables) is None
    assert outcome((text + by).format(*["UPPER(v.city)"] * 2), tables) is None
    error = refused((text + by).format(*["UPPER(r.city)"] * 2), tables)
    assert (rule_of(error), error.table) == ("AGG-20", "regions")
    assert outcome(text.format("CURRENT_DATE"), tables) == "AGG-20"
    assert outcome(text.format("CURRENT_DATE"), {**tables, dated.name: dated}) is None


@pytest.mark.rule("AGG-22", "AGG-11")
@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ("ROUND(AVG(spend), 2)", None),
        ("COALESCE(SUM(pages), 0)", None),
        ("SUM(pages)::INT", None),
        ("FLOOR(AVG(spend))", "AGG-22"),
        ("COALESCE(SUM(pages), city)", "AGG-22"),
        ("ROUND(COALESCE(SUM(pages), 0), 1)", "AGG-21"),
        ("ROUND(SUM(pages) / 2)", "AGG-21"),
        ("ROUND(AVG(pages), 2)", "AGG-11"),
    ],
)
def test_scalar_functions_over_aggregates(item: str, rule: str | None) -> None:
    """The table of the aggregate's column allows the function over it too."""
    assert outcome(visits("GROUP BY city", item)) == rule


@pytest.mark.rule("AGG-07", "AGG-26")
def test_hints_mean_nothing() -> None:
    """A hint after SELECT changes no verdict, though its names are those of functions."""
    assert outcome(visits("", "/*+ COALESCE(3), REPARTITION(2) */ SUM(pages)")) is None
    assert outcome(visits("", "/*+ COALESCE(3) */ city, SUM(pages)")) == "AGG-07"
