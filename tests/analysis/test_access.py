"""Which tables a query may use at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Question, Reason, Table, Template
from tests.analysis.cast import ADVERTISER, MEASURER, PUBLISHER, TABLES, accepted, asked, refused, rule_of

ARN = "arn:aws:cleanrooms:us-east-1:222222222222:membership/22222222-2222-4222-8222-222222222222/analysistemplate/x"
FREE = {"allowed_analyses": ["ANY_QUERY"], "allowed_analysis_providers": [ADVERTISER]}


def custom(name: str = "t", **changes: object) -> dict[str, Table]:
    """A table that the advertiser may query freely, changed."""
    table = Table(name=name, owner=PUBLISHER, columns={"v": "int"}, rule_type="CUSTOM", policy=FREE)
    return {name: replace(table, **changes)}  # type: ignore[arg-type]


def refusal(question: Question, tables: dict[str, Table]) -> tuple[str | None, str]:
    with pytest.raises(Refusal) as caught:
        check(question, tables)
    return rule_of(caught.value), caught.value.code


def of_template(creator: str, arn: str = ARN) -> Question:
    return Question(text="SELECT v FROM t", runner=ADVERTISER, receivers=[ADVERTISER], template=Template(arn, creator))


def why(tables: dict[str, Table], text: str = "SELECT v FROM t", *receivers: str) -> tuple[str | None, str]:
    return refusal(asked(text, ADVERTISER, *receivers), tables)


@pytest.mark.rule("CUS-01", "CUS-05", "CUS-02")
def test_tables_of_one_rule_type() -> None:
    """All rules of a query are of one type; ID mapping tables go with any."""
    error = refused(
        "SELECT DISTINCT s.segment FROM adv_orders o JOIN pub_segments s ON o.hashed_email = s.hashed_email"
    )
    assert (rule_of(error), error.code, error.table) == ("CUS-01", "INVALID_RESOURCE", "pub_segments")
    assert "LIST" in error.message
    assert "CUSTOM" in error.message
    error = refused("SELECT v FROM pub_norule")
    assert (rule_of(error), error.code, error.table) == ("CUS-02", "INVALID_RESOURCE", "pub_norule")
    checked = accepted(
        "SELECT e.region FROM pub_events e JOIN idmt m ON e.user_id = m.sourceid JOIN adv_orders o ON o.user_id = m.targetid"
    )
    assert checked.rule_type == "CUSTOM"
    assert [table.name for table in checked.tables] == ["pub_events", "idmt", "adv_orders"]


@pytest.mark.rule("SQL-30")
def test_a_query_of_no_table() -> None:
    """What reads no table is refused before anything is asked of the tables."""
    for text in ("SELECT 1", "SELECT nothing"):
        assert why(custom(), text) == ("SQL-30", "MALFORMED_QUERY")


@pytest.mark.rule("CUS-03", "CUS-22")
def test_the_owner_is_no_exception() -> None:
    """An owner that isn't a provider of its own table can't query it."""
    tables = custom(owner=ADVERTISER, policy={**FREE, "allowed_analysis_providers": [PUBLISHER]})
    assert why(tables) == ("CUS-22", "RESOURCE_ACCESS_DENIED")
    assert accepted("SELECT v FROM t", custom(owner=ADVERTISER)).tables[0].owner == ADVERTISER


@pytest.mark.rule("CUS-22", "CUS-23", "CUS-24", "CUS-25", "PQ-06")
def test_a_text_of_the_runner() -> None:
    """A query that the runner wrote needs ANY_QUERY and the runner among the providers, at every table."""
    assert accepted("SELECT v FROM t", custom())
    assert why(custom(policy={**FREE, "allowed_analysis_providers": [PUBLISHER]})) == (
        "CUS-22",
        "RESOURCE_ACCESS_DENIED",
    )
    assert why(custom(policy={"allowed_analyses": [ARN]})) == ("CUS-23", "RESOURCE_ACCESS_DENIED")
    assert why(custom(policy={**FREE, "allowed_analyses": ["ANY_JOB"]})) == ("CUS-24", "RESOURCE_ACCESS_DENIED")
    assert accepted("SELECT v FROM t", custom(policy={**FREE, "allowed_analyses": ["ANY_JOB", "ANY_QUERY"]}))
    both = {**custom(), **custom("u", policy={"allowed_analyses": [ARN]})}
    assert why(both, "SELECT t.v FROM t JOIN u ON t.v = u.v") == ("CUS-23", "RESOURCE_ACCESS_DENIED")


@pytest.mark.rule("CUS-21", "CUS-24")
def test_a_template() -> None:
    """A template is allowed by its ARN, or by ANY_QUERY and its creator among the providers, whoever runs it."""
    assert check(of_template(PUBLISHER), custom(policy={"allowed_analyses": [ARN]}))
    assert check(of_template(ADVERTISER), custom())
    assert refusal(of_template(PUBLISHER), custom()) == ("CUS-21", "RESOURCE_ACCESS_DENIED")
    another = custom(policy={"allowed_analyses": [ARN + "2"]})
    assert refusal(of_template(PUBLISHER), another) == ("CUS-21", "RESOURCE_ACCESS_DENIED")
    jobs = custom(policy={**FREE, "allowed_analyses": ["ANY_JOB"]})
    assert refusal(of_template(ADVERTISER), jobs) == ("CUS-21", "RESOURCE_ACCESS_DENIED")


@pytest.mark.rule("CUS-20", "RULE-40")
def test_no_analysis_is_allowed() -> None:
    """An empty list of analyses lets nobody in."""
    assert why(custom(policy={"allowed_analyses": []})) == ("CUS-20", "INVALID_RESOURCE")


@pytest.mark.rule("CUS-07", "CUS-08", "CUS-09", "RULE-27")
def test_additional_analyses() -> None:
    """Where additional analyses may use a table the association needs a rule; where they must, no query may."""
    open_to_both = {**FREE, "additional_analyses": "ALLOWED"}
    assert why(custom(policy=open_to_both)) == ("CUS-07", "INVALID_RESOURCE")
    association = {"allowed_result_receivers": [ADVERTISER], "allowed_additional_analyses": []}
    assert accepted("SELECT v FROM t", custom(policy=open_to_both, association_policy=association))
    closed = custom(policy={**FREE, "additional_analyses": "REQUIRED"}, association_policy=association)
    assert why(closed) == ("CUS-08", "RESOURCE_ACCESS_DENIED")
    sales = replace(TABLES["adv_sales"], policy={**TABLES["adv_sales"].policy, "additional_analyses": "REQUIRED"})
    assert accepted("SELECT store, SUM(amount) AS a FROM adv_sales GROUP BY store", {"adv_sales": sales})


@pytest.mark.rule("CUS-11")
def test_the_method_of_analysis() -> None:
    """A table for jobs isn't queried."""
    assert why(custom(methods=frozenset({"DIRECT_JOB"}))) == ("CUS-11", "INVALID_RESOURCE")
    assert accepted("SELECT v FROM t", custom(methods=frozenset({"DIRECT_JOB", "DIRECT_QUERY"})))


@pytest.mark.rule("CUS-84", "PQ-05")
def test_readiness() -> None:
    """A table that isn't ready says why."""
    missing = Reason("ID_MAPPING_TABLE_NOT_POPULATED", "The ID mapping table has not been populated.")
    assert why(custom(kind="ID_MAPPING_TABLE", not_ready=[missing])) == ("CUS-84", "INVALID_RESOURCE")
    gone = Reason("ANALYSIS_PROVIDERS_NOT_CONFIGURED", "None of the providers is a member.")
    error = refused("SELECT v FROM t", custom(not_ready=[gone]))
    assert (rule_of(error), error.code) == ("PQ-05", "INVALID_RESOURCE")
    assert "None of the providers is a member. (ANALYSIS_PROVIDERS_NOT_CONFIGURED)" in error.message


@pytest.mark.rule("CUS-06", "CUS-10")
def test_receivers() -> None:
    """Every receiver is allowed by the association's rule of every table, and by the table's own where it names some."""
    tables = custom(association_policy={"allowed_result_receivers": [MEASURER, ADVERTISER]})
    assert check(asked("SELECT v FROM t", ADVERTISER, MEASURER, ADVERTISER), tables)
    assert why(tables, "SELECT v FROM t", MEASURER, PUBLISHER) == ("CUS-06", "RESOURCE_ACCESS_DENIED")
    narrower = custom(
        association_policy={"allowed_result_receivers": [MEASURER, ADVERTISER]},
        policy={**FREE, "allowed_result_receivers": [MEASURER]},
    )
    assert why(narrower, "SELECT v FROM t", ADVERTISER) == ("CUS-06", "RESOURCE_ACCESS_DENIED")
    assert check(asked("SELECT v FROM t", ADVERTISER, MEASURER), narrower)
    nobody = custom(association_policy={"allowed_result_receivers": []})
    assert why(nobody) == ("CUS-06", "INVALID_RESOURCE")
    both = {**custom(), **custom("u", association_policy={"allowed_result_receivers": [MEASURER]})}
    assert why(both, "SELECT t.v FROM t JOIN u ON t.v = u.v", ADVERTISER) == ("CUS-06", "RESOURCE_ACCESS_DENIED")


@pytest.mark.rule("PQ-73")
def test_how_many_tables_there_may_be() -> None:
    """Fifteen configured tables, of which one that is associated or named twice counts once."""
    tables = {name: table for number in range(16) for name, table in custom(f"t{number}").items()}
    text = "SELECT a.v FROM t0 a" + "".join(f" JOIN t{number} ON a.v = t{number}.v" for number in range(1, 15))
    assert accepted(f"{text} JOIN t0 b ON a.v = b.v", tables)
    error = refused(f"{text} JOIN t15 ON a.v = t15.v", tables)
    assert (rule_of(error), error.code) == ("PQ-73", "MALFORMED_QUERY")
    assert "16" in error.message
    same = {name: replace(table, configured_table=name.replace("15", "0")) for name, table in tables.items()}
    assert accepted(f"{text} JOIN t15 ON a.v = t15.v", same)
    assert check(asked(f"{text} JOIN t15 ON a.v = t15.v"), tables, most_tables=16)


@pytest.mark.rule("SQL-05")
@pytest.mark.parametrize("table", ["pub_reach", "pub_segments"])
def test_nothing_is_cached_of_other_rules(table: str) -> None:
    """CACHE TABLE is for CUSTOM rules."""
    error = refused(f"CACHE TABLE c AS SELECT phone FROM {table}; SELECT phone FROM c")
    assert (rule_of(error), error.code) == ("SQL-05", "MALFORMED_QUERY")


@pytest.mark.rule("PQ-08")
def test_the_first_breach_is_reported() -> None:
    """Of several breaches the service reports the one that it looks at first."""
    nobody = custom(policy={"allowed_analyses": []}, methods=frozenset({"DIRECT_JOB"}))
    assert why(nobody, "SELECT w FROM t JOIN nowhere ON true") == ("PQ-04", "RESOURCE_NOT_FOUND")
    assert why(nobody, "SELECT w FROM t") == ("CUS-11", "INVALID_RESOURCE")
    two_types = {**nobody, "pub_segments": TABLES["pub_segments"]}
    assert why(two_types, "SELECT t.w FROM t, pub_segments") == ("CUS-01", "INVALID_RESOURCE")
    assert why(custom(policy={"allowed_analyses": []}), "SELECT w FROM t") == ("CUS-20", "INVALID_RESOURCE")
    closed: dict[str, Any] = {"association_policy": {"allowed_result_receivers": []}}
    foreign = custom(policy={**FREE, "allowed_analysis_providers": [PUBLISHER]}, **closed)
    assert why(foreign, "SELECT w FROM t") == ("CUS-22", "RESOURCE_ACCESS_DENIED")
    assert why(custom(**closed), "SELECT w FROM t") == ("CUS-06", "INVALID_RESOURCE")
    private = custom(
        columns={"v": "int", "w": "int"},
        policy={**FREE, "disallowed_output_columns": ["w"], "differential_privacy": {"columns": [{"name": "v"}]}},
    )
    assert why(private, "SELECT w FROM t") == ("CUS-30", "MALFORMED_QUERY")
    assert why(private, "SELECT v, COUNT(*) FROM t") == ("SQL-34", "MALFORMED_QUERY")
    assert why(private, "SELECT MAX(v) FROM t") == ("CUS-62", "MALFORMED_QUERY")
    assert why(custom(), "SELECT w, COUNT(*) FROM t") == ("SQL-24", "MALFORMED_QUERY")
    assert why(custom(), "SELECT v, COUNT(*) FROM t") == ("SQL-34", "MALFORMED_QUERY")


@pytest.mark.rule("CUS-04")
def test_what_one_table_forbids_is_forbidden() -> None:
    """The stricter table of two decides."""
    both = {**custom(), **custom("u", methods=frozenset({"DIRECT_JOB"}))}
    assert why(both, "SELECT t.v FROM t, u") == ("CUS-11", "INVALID_RESOURCE")
