"""The LIST analysis rule: distinct rows of list columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cleanrooms_mock.analysis import list_rule
from cleanrooms_mock.analysis.check import check, tables_of
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import PUBLISHER, STATEMENTS, TABLES, breach, breach_of_shape, question_of, refused, rule_of

JOIN = "adv_crm c JOIN pub_segments s ON c.hashed_email = s.hashed_email"


def listed(rest: str = "", select: str = "DISTINCT s.segment") -> str:
    return f"SELECT {select} FROM {JOIN} {rest}"


@pytest.mark.parametrize(
    "statement", [one for one in STATEMENTS if one["rule"].startswith("LST-")], ids=lambda one: one["id"]
)
@pytest.mark.rule("LST-17")
def test_statements(statement: dict[str, Any]) -> None:
    """Each statement about the cast that is meant for this rule is accepted, or refused by the rule that is meant."""
    if statement["verdict"] == "accepted":
        assert check(question_of(statement), TABLES).rule_type == "LIST"
        return
    with pytest.raises(Refusal) as caught:
        check(question_of(statement), TABLES)
    assert caught.value.code == statement["answer"]
    assert rule_of(caught.value) == statement["rule"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (listed(), None),
        (f"({listed()})", "LST-06"),
        (f"{listed()} UNION {listed()}", "LST-06"),
        (f"{listed()} EXCEPT {listed()}", "LST-06"),
        (f"WITH x AS ({listed()}) {listed()}", "LST-06"),
        (listed("WHERE EXISTS (SELECT 1)"), "LST-06"),
        (listed("WHERE s.score > (SELECT 1)"), "LST-06"),
        (
            "SELECT DISTINCT s.segment FROM (SELECT hashed_email FROM adv_crm) c JOIN pub_segments s ON s.hashed_email = c.hashed_email",
            "LST-06",
        ),
        (listed("GROUP BY s.segment"), "LST-07"),
        (listed("HAVING COUNT(s.segment) > 1"), "LST-07"),
        (listed("ORDER BY 1"), "LST-07"),
        (listed("SORT BY s.segment"), "LST-07"),
        (listed("LIMIT 1"), None),
        (listed("LIMIT 0"), "LST-08"),
        (listed("LIMIT -1"), "LST-08"),
        (listed("LIMIT 1 + 1"), "LST-08"),
        (listed("LIMIT 1.5"), "LST-08"),
        (listed("LIMIT '1'"), "LST-08"),
        (listed("LIMIT ALL"), "LST-08"),
        (listed("OFFSET 1"), "LST-08"),
        (listed("LIMIT 5 OFFSET 1"), "LST-08"),
        (listed("", "DISTINCT s.segment, RANK() OVER (ORDER BY s.score)"), "LST-09"),
        (listed("", "DISTINCT SUM(s.score) FILTER (WHERE s.score > 1)"), "LST-09"),
        (listed("CROSS JOIN VALUES (1) AS v(a)"), "LST-09"),
        (listed("", "s.segment"), "LST-01"),
        (listed("", "ALL s.segment"), "LST-01"),
        (listed("", "DISTINCT ON (s.segment) s.score"), "LST-01"),
        (listed("", "/*+ BROADCAST(s) */ DISTINCT s.segment"), None),
    ],
)
@pytest.mark.rule("LST-01", "LST-06", "LST-07", "LST-08", "LST-09")
def test_what_a_list_may_be_made_of(text: str, rule: str | None) -> None:
    """SELECT DISTINCT … FROM … WHERE … LIMIT is all there is."""
    assert breach_of_shape(text) == rule
    assert (breach(text) is None) == (rule is None)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"({listed()})", "A query other than one SELECT"),
        (f"{listed()} UNION {listed()}", "UNION"),
        (f"WITH x AS ({listed()}) {listed()}", "WITH"),
        (listed("WHERE EXISTS (SELECT 1)"), "A subquery"),
        (listed("FETCH FIRST 1 ROWS ONLY"), "FETCH"),
        (listed("", "DISTINCT TOP 1 s.segment"), "TOP"),
        (listed("LIMIT 0"), "LIMIT with anything but a positive integer"),
    ],
)
@pytest.mark.rule("LST-06", "LST-08")
def test_what_is_too_much_is_named(text: str, what: str) -> None:
    """The message says which part of the query there may not be."""
    parsed = parse_query(text, TABLES)
    with pytest.raises(Refusal, match=f"^{what} is not allowed by the LIST analysis rule"):
        list_rule.shape(parsed, tables_of(parsed, TABLES))


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ('s.segment AS a, SCORE b, (c."CITY")', None),
        ("*", "LST-02"),
        ("s.*", "LST-02"),
        ("'x'", "LST-02"),
        ("1", "LST-02"),
        ("NULL", "LST-02"),
        ("s.score + 1", "LST-02"),
        ("-s.score", "LST-02"),
        ("s.segment || 'x'", "LST-02"),
        ("s.score > 1", "LST-02"),
        ("CAST(s.score AS VARCHAR(3))", "LST-02"),
        ("s.score::VARCHAR(3)", "LST-02"),
        ("CASE WHEN s.score > 1 THEN 1 END", "LST-02"),
        ("s.segment, UPPER(s.segment)", "LST-03"),
        ("COUNT(*)", "LST-03"),
        ("CURRENT_DATE", "LST-03"),
        ("NVL(s.segment, 'x')", "LST-03"),
    ],
)
@pytest.mark.rule("LST-02", "LST-03")
def test_what_is_listed(item: str, rule: str | None) -> None:
    """Bare columns are listed, under whatever alias."""
    assert breach(listed("", f"DISTINCT {item}")) == rule


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("s.segment = 'x' AND NOT (c.state <> 'y' OR s.score >= 3.5)", None),
        ("s.segment IN ('x') AND c.state NOT IN ('y', 'z') AND s.segment <> c.state", None),
        ("s.segment LIKE 'x%' AND c.state NOT LIKE '_'", None),
        ("s.score BETWEEN 1 AND 2 OR s.score IS NULL OR c.state IS NOT NULL", None),
        ("s.score * 2 - c.points / 3 % 4 + -1 < 5", None),
        ("c.state + '_' + c.city = 'NY_NYC'", None),
        ("s.segment >= DATE '2026-01-01'", None),
        ("s.segment ILIKE 'x'", "LST-16"),
        ("s.segment RLIKE 'x'", "LST-16"),
        ("s.segment <=> 'x'", "LST-16"),
        ("s.segment IS TRUE", "LST-16"),
        ("s.segment || 'x' = 'y'", "LST-16"),
        ("s.score ^ 2 = 4", "LST-16"),
        ("s.score DIV 2 = 4", "LST-16"),
        ("UPPER(s.segment) = 'x'", "LST-03"),
        ("CAST(s.score AS INT) = 1", "LST-03"),
        ("s.score::INT = 1", "LST-03"),
        ("CASE WHEN s.score > 1 THEN 1 END = 1", "LST-03"),
        ("COUNT(s.score) > 1", "LST-03"),
        ("s.score > 1 AND COALESCE(s.score, 1) > 1", "LST-03"),
    ],
)
@pytest.mark.rule("LST-03", "LST-16")
def test_where(condition: str, rule: str | None) -> None:
    """WHERE has list columns and literals, arithmetic and the operators of a list."""
    assert breach(listed(f"WHERE {condition}")) == rule


@pytest.mark.parametrize(
    ("text", "rule", "message", "place"),
    [
        (
            listed("", "DISTINCT s.segment, c.hashed_email, s.internal_id AS score, s.phone"),
            "LST-04",
            "Column(s) [hashed_email, internal_id, phone] is not allowed in select",
            "c.hashed_email",
        ),
        (
            listed("", 'DISTINCT "INTERNAL_ID", c.phone'),
            "LST-05",
            "Column(s) [internal_id, phone] is not allowed in select",
            '"INTERNAL_ID"',
        ),
        (
            listed("WHERE s.score > 1 AND s.phone IS NULL"),
            "LST-04",
            "Column(s) [phone] is not allowed in where",
            "s.phone",
        ),
        (
            listed("WHERE s.score > internal_id"),
            "LST-05",
            "Column(s) [internal_id] is not allowed in where",
            "internal_id",
        ),
        (
            listed("", "DISTINCT s.segment, s.score + 1"),
            "LST-02",
            "+ in select is not allowed by the LIST analysis rule of table(s) [adv_crm, pub_segments]",
            "s.score + 1",
        ),
    ],
)
@pytest.mark.rule("LST-02", "LST-04", "LST-05")
def test_columns(text: str, rule: str, message: str, place: str) -> None:
    """What isn't a list column is named, all of it, in the words of the service."""
    error = refused(text)
    assert (rule_of(error), error.message) == (rule, message)
    assert error.place is not None
    assert text[error.place.start : error.place.end] in (place, place.removesuffix(" + 1"), place.strip('"'))


@pytest.mark.rule("LST-04", "LST-05")
def test_columns_by_their_own_tables() -> None:
    """A column is judged by the rule of its table; one that a rule has in both lists is a list column."""
    odd = replace(
        TABLES["pub_segments"],
        policy={"join_columns": ["hashed_email", "phone"], "list_columns": ["Phone", "SEGMENT"]},
    )
    tables = {**TABLES, "pub_segments": odd}
    assert breach(listed("WHERE s.phone = 'x'", "DISTINCT s.phone, segment"), tables) is None
    assert breach(listed("", "DISTINCT c.phone"), tables) == "LST-04"
    assert breach(listed("", "DISTINCT s.score"), tables) == "LST-05"
    shaped = Table(
        name="pub_segments",
        owner=PUBLISHER,
        columns={"hashed_email": "string", "place": "struct<segment:string>"},
        rule_type="LIST",
        policy={"join_columns": ["hashed_email"], "list_columns": ["segment"]},
    )
    assert breach(listed("", "DISTINCT s.place.segment"), {**TABLES, "pub_segments": shaped}) == "LST-05"


@pytest.mark.rule("LST-05")
def test_released_columns_of_a_mapping_table() -> None:
    """What an ID mapping table releases can be listed and filtered by."""
    text = (
        "SELECT DISTINCT c.customer_id, m.{} FROM adv_crm c JOIN idmt_open m ON m.targetid = c.phone "
        "JOIN pub_segments s ON s.phone = m.sourceid WHERE m.{} <> 'x'"
    )
    assert breach(text.format("sourceid", "sourceid")) is None
    assert breach(text.format("targetid", "sourceid")) == "LST-04"
    assert breach(text.format("sourceid", "targetid")) == "LST-04"
