"""The statements about the cast of tables: each is accepted or refused as listed, for the reason that is listed."""

from __future__ import annotations

from typing import Any

import pytest

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.refusals import Refusal
from tests.analysis.cast import STATEMENTS, TABLES, question_of, refused, rule_of

#: Statements that break a finer rule than the one that they are listed under.
FINER = {
    "pq-05-r1": "CUS-02",
    "sql-10-r1": "SQL-08",
    "sql-11-r1": "SQL-24",
    "sql-21-r1": "SQL-24",
    "sql-26-r1": "CUS-30",
    "sql-27-r1": "CUS-30",
    "cus-03-r1": "AGG-03",
    "cus-04-r1": "CUS-30",
    "cus-05-r1": "CUS-01",
    "cus-22-r3": "CUS-23",
    "cus-25-r1": "CUS-22",
    "cus-26-r1": "SQL-24",
    "cus-31-r1": "CUS-30",
    "cus-32-r1": "CUS-30",
}


def ids(statement: dict[str, Any]) -> str:
    return str(statement["id"])


@pytest.mark.parametrize("statement", [one for one in STATEMENTS if one["verdict"] == "accepted"], ids=ids)
def test_accepted(statement: dict[str, Any]) -> None:
    """It passes every check."""
    checked = check(question_of(statement), TABLES)
    assert {table.name for table in checked.tables} == {name.lower() for name in statement["tables"]}


@pytest.mark.parametrize("statement", [one for one in STATEMENTS if one.get("refusedAt") == "run"], ids=ids)
def test_refused(statement: dict[str, Any]) -> None:
    """It ends with the code that is listed, by the rule that is listed."""
    with pytest.raises(Refusal) as caught:
        check(question_of(statement), TABLES)
    assert (caught.value.code, rule_of(caught.value)) == (
        statement["answer"],
        FINER.get(statement["id"], statement["rule"]),
    )


@pytest.mark.rule("SQL-20")
@pytest.mark.parametrize("name", ["glue_db.pub_events", "catalog.glue_db.pub_events", '"glue_db"."pub_events"'])
def test_qualified_names(name: str) -> None:
    """A table is called by its association's name alone."""
    error = refused(f"SELECT region FROM {name}")
    assert (error.code, rule_of(error)) == ("RESOURCE_NOT_FOUND", "SQL-20")


@pytest.mark.rule("PQ-09")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SELECT campaign, SUM(duration) FROM pub_views GROUP BY campaign",
            "Inner join to query runner table required for table pub_views",
        ),
        (
            "SELECT DISTINCT s.hashed_email, s.internal_id FROM adv_crm c JOIN pub_segments s ON c.phone = s.phone",
            "Column(s) [hashed_email, internal_id] is not allowed in select",
        ),
        (
            "SELECT city, region FROM pub_reach",
            "Column(s) [pub_reach.city, pub_reach.region] must appear in group by clause",
        ),
    ],
)
def test_the_known_messages(text: str, message: str) -> None:
    """What the service was seen to say, to the letter."""
    assert refused(text).message == message
