"""The AGGREGATION analysis rule: what may be done with which column."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.analysis.cast import refused, rule_of
from tests.analysis.visits import OF_VISITS, VISITS, breach, visits


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
        (visits("WHERE id = 'x'"), "AGG-14", "Column(s) [id] is not allowed in where"),
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
    first = message.partition("[")[2].partition("]")[0].split(", ")[0]
    assert text[error.place.start : error.place.end].strip('"').lower() == first


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
    assert breach(text.format("v"), tables) is None
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
        assert breach(visits(f"v WHERE {function} = 'x'")) == rule
    else:
        assert breach(visits(f"v GROUP BY {function}", f"{function}, SUM(pages)")) == rule


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
    assert breach((text + by).format(*["COALESCE(v.city, r.city)"] * 2), tables) is None
    assert breach((text + by).format(*["UPPER(v.city)"] * 2), tables) is None
    error = refused((text + by).format(*["UPPER(r.city)"] * 2), tables)
    assert (rule_of(error), error.table) == ("AGG-20", "regions")
    assert breach(text.format("CURRENT_DATE"), tables) == "AGG-20"
    assert breach(text.format("CURRENT_DATE"), {**tables, dated.name: dated}) is None


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
    assert breach(visits("GROUP BY city", item)) == rule
