"""The output constraints of AGGREGATION, as conditions in HAVING, and what becomes of a result by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from cleanrooms_mock.analysis.output_constraints import constrained
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import PUBLISHER, TABLES, accepted
from tests.analysis.visits import OF_VISITS, VISITS


def having(text: str, tables: dict[str, Table] | None = None) -> str:
    """The HAVING that a query runs with."""
    checked = accepted(text, TABLES if tables is None else tables)
    before = checked.parsed.statement.sql("spark")
    statement = constrained(checked.resolution)
    assert checked.parsed.statement.sql("spark") == before
    found: str = statement.args["having"].sql("duckdb")
    statement.set("having", checked.parsed.statement.args.get("having"))
    assert statement.sql("spark") == before
    return found.removeprefix("HAVING ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "SELECT city, SUM(visits) FROM pub_reach GROUP BY city ORDER BY city",
            'COUNT(DISTINCT "pub_reach"."household_id") >= 50',
        ),
        ("SELECT SUM(visits) AS household_id FROM PUB_REACH AS R", 'COUNT(DISTINCT "r"."household_id") >= 50'),
        (
            "SELECT SUM(visits) FROM pub_reach r HAVING SUM(visits) > 1 OR SUM(visits) < -1",
            '(SUM(visits) > 1 OR SUM(visits) < -1) AND COUNT(DISTINCT "r"."household_id") >= 50',
        ),
        (
            'SELECT COUNT(click_id) FROM "pub-clicks"',
            'COUNT(DISTINCT "pub-clicks"."hashed_email") >= 25 AND COUNT(DISTINCT "pub-clicks"."click_id") >= 30',
        ),
        (
            'SELECT SUM(s.amount) FROM adv_sales s JOIN "pub-clicks" ON s.hashed_email = "pub-clicks".hashed_email',
            'COUNT(DISTINCT "s"."hashed_email") >= 150 AND COUNT(DISTINCT "pub-clicks"."click_id") >= 30',
        ),
        (
            "SELECT COUNT(DISTINCT v.hashed_email), SUM(s.amount) FROM adv_sales s JOIN mea_panel v ON (s.hashed_email = v.hashed_email)",
            'COUNT(DISTINCT "v"."hashed_email") >= 150',
        ),
        (
            "SELECT SUM(s.amount) FROM adv_sales s JOIN pub_views v ON s.hashed_email = v.hashed_email",
            'COUNT(DISTINCT "s"."hashed_email") >= 150 AND COUNT(DISTINCT "v"."user_id") >= 100',
        ),
        (
            "SELECT SUM(s.amount) FROM adv_sales s JOIN idmt i ON s.phone = i.targetid JOIN pub_reach r ON r.phone = i.sourceid",
            'COUNT(DISTINCT "s"."hashed_email") >= 150 AND COUNT(DISTINCT "r"."household_id") >= 50',
        ),
    ],
)
@pytest.mark.rule("AGG-50", "AGG-51", "AGG-53", "AGG-54", "AGG-55", "CUS-04")
def test_conditions(text: str, expected: str) -> None:
    """Every constraint of every table is a condition on its column, beside those that the query has; nothing else is changed."""
    assert having(text) == expected


@pytest.mark.rule("AGG-53")
def test_columns_that_only_may_be_equal_are_counted_each() -> None:
    """An OR makes nothing equal for sure, nor does a string that is compared with a number."""
    rule = {
        "aggregate_columns": [{"column_names": ["n"], "function": "SUM"}],
        "join_columns": ["k", "j"],
        "dimension_columns": [],
        "scalar_functions": [],
        "allowed_join_operators": ["OR", "AND"],
        "output_constraints": [{"column_name": "k", "minimum": 3, "type": "COUNT_DISTINCT"}],
    }
    one = Table(
        name="one",
        owner=PUBLISHER,
        columns={"k": "string", "j": "string", "n": "int"},
        rule_type="AGGREGATION",
        policy=rule,
    )
    both = {"one": one, "two": replace(one, name="two")}
    each = 'COUNT(DISTINCT "one"."k") >= 3 AND COUNT(DISTINCT "two"."k") >= 3'
    text = "SELECT SUM(one.n) FROM one JOIN two ON one.k = two.k"
    assert having(text, both) == 'COUNT(DISTINCT "one"."k") >= 3'
    assert having(f"{text} OR one.j = two.j", both) == each
    numbers = replace(both["two"], columns={"k": "int", "j": "string", "n": "int"})
    assert having(text, {**both, "two": numbers}) == each


@pytest.mark.rule("AGG-51")
def test_names_that_need_quotes() -> None:
    """A column is quoted, whatever its name."""
    odd = replace(VISITS, policy={**VISITS.policy, "output_constraints": [{"column_name": "Person id", "minimum": 3}]})
    assert (
        having('SELECT SUM(pages) FROM "web-visits"', {odd.name: odd})
        == 'COUNT(DISTINCT "web-visits"."person id") >= 3'
    )
    assert having('SELECT SUM(pages) FROM "web-visits" "order"', OF_VISITS) == 'COUNT(DISTINCT "order"."id") >= 2'


@pytest.fixture
def run() -> Iterator[Any]:
    """Runs a query over visits to shops by users, of which one shop has two users, one has one, and one has users that nobody knows."""
    visits = Table(
        name="visits",
        owner=PUBLISHER,
        columns={"user_id": "string", "device": "string", "shop": "string", "amount": "int"},
        rule_type="AGGREGATION",
        policy={
            "aggregate_columns": [{"column_names": ["amount"], "function": "SUM"}],
            "join_columns": ["user_id"],
            "dimension_columns": ["shop"],
            "output_constraints": [{"column_name": "user_id", "minimum": 2, "type": "COUNT_DISTINCT"}],
        },
    )
    strict = replace(
        visits,
        policy={
            **visits.policy,
            "output_constraints": [
                {"column_name": "user_id", "minimum": 2, "type": "COUNT_DISTINCT"},
                {"column_name": "device", "minimum": 3, "type": "COUNT_DISTINCT"},
            ],
        },
    )
    friends = replace(
        visits,
        name="friends",
        policy={**visits.policy, "output_constraints": [{"column_name": "device", "minimum": 2}]},
    )
    connection = duckdb.connect()
    for name in ("visits", "friends"):
        connection.execute(f"CREATE TABLE {name} (user_id VARCHAR, device VARCHAR, shop VARCHAR, amount INTEGER)")
    connection.execute(
        "INSERT INTO visits VALUES ('ann', 'd1', 'a', 1), ('bob', 'd2', 'a', 2), ('ann', 'd3', 'a', 4), "
        "('bob', 'd4', 'b', 8), ('bob', 'd5', 'b', 16), (NULL, 'd6', 'c', 32), (NULL, 'd7', 'c', 64), ('cid', 'd8', 'c', 128), "
        "('ann', 'd9', NULL, 256), ('bob', 'd9', NULL, 512)"
    )
    connection.execute("INSERT INTO friends VALUES ('ann', 'e1', 'x', 1), ('bob', 'e2', 'y', 1), ('ann', 'e3', 'y', 1)")

    def rows(text: str, *, strictly: bool = False) -> list[tuple[object, ...]]:
        tables = {"visits": strict if strictly else visits, "friends": friends}
        statement = constrained(accepted(text, tables).resolution)
        return connection.execute(statement.sql("duckdb")).fetchall()

    yield rows
    connection.close()


@pytest.mark.rule("AGG-50", "AGG-51", "AGG-52", "AGG-53", "AGG-54", "AGG-55")
def test_rows_that_are_dropped(run: Any) -> None:
    """A row stays if every constraint holds for the rows behind it; NULL is nobody, and an own group."""
    by_shop = "SELECT shop, SUM(amount) AS a FROM visits {} GROUP BY shop {} ORDER BY a"
    assert run(by_shop.format("", "")) == [("a", 7), (None, 768)]
    assert run("SELECT SUM(amount) FROM visits GROUP BY shop ORDER BY SUM(amount)") == [(7,), (768,)]
    assert run(by_shop.format("", ""), strictly=True) == [("a", 7)]
    assert run(by_shop.format("WHERE shop = 'b'", "")) == []
    assert run(by_shop.format("WHERE shop <> 'b'", "HAVING SUM(amount) >= 1")) == [("a", 7)]
    assert run(by_shop.format("", "HAVING SUM(amount) > 7 AND SUM(amount) < 500")) == []
    assert run(by_shop.format("", "HAVING SUM(amount) > 7 OR SUM(amount) < 500")) == [("a", 7), (None, 768)]
    assert run("SELECT SUM(amount) FROM visits") == [(1023,)]
    assert run("SELECT SUM(amount) FROM visits WHERE shop = 'c'") == []
    assert run("SELECT SUM(amount) FROM visits WHERE shop = 'nowhere'") == []


@pytest.mark.rule("AGG-50", "AGG-53")
def test_rows_of_two_tables(run: Any) -> None:
    """Constraints count after the join, those of both tables."""
    joined = (
        "SELECT {}, SUM(v.amount) AS a FROM visits v JOIN friends f ON v.user_id = f.user_id GROUP BY {} ORDER BY a"
    )
    assert run(joined.format("f.shop", "f.shop")) == [("y", 799)]
    assert run(joined.format("v.shop", "v.shop")) == [("a", 12), (None, 1024)]
    assert run("SELECT SUM(v.amount) FROM visits v JOIN friends f ON v.user_id = f.user_id WHERE f.shop = 'x'") == []
