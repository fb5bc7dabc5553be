"""Analysis rules of configured tables: their life, and what AGGREGATION and LIST may say."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config

from cleanrooms_mock.cleanrooms.backend import cleanrooms_backends
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, At, Refused, Scene

COLUMNS = ["email", "phone", "price", "item", "region", "day"]
OTHER_PLACES: list[dict[str, Any]] = [
    {"athena": {"workGroup": "primary", "databaseName": "shop", "tableName": "sales"}},
    {
        "snowflake": {
            "secretArn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:snowflake",
            "accountIdentifier": "organisation-account",
            "databaseName": "SHOP",
            "tableName": "SALES",
            "schemaName": "PUBLIC",
            "tableSchema": {"v1": [{"columnName": column, "columnType": "TEXT"} for column in COLUMNS]},
        }
    },
]


def sums(function: str = "SUM", *columns: str) -> dict[str, Any]:
    return {"function": function, "columnNames": list(columns or ("price",))}


def at_least(column: str = "email", minimum: int = 100) -> dict[str, Any]:
    return {"columnName": column, "minimum": minimum, "type": "COUNT_DISTINCT"}


def aggregation(**members: Any) -> dict[str, Any]:
    """An AGGREGATION policy, sound unless a test says otherwise."""
    policy = {
        "aggregateColumns": [sums()],
        "joinColumns": ["email"],
        "dimensionColumns": ["region"],
        "scalarFunctions": ["TRUNC"],
        "outputConstraints": [at_least()],
        **members,
    }
    return {"v1": {"aggregation": policy}}


def listing(**members: Any) -> dict[str, Any]:
    """A LIST policy, sound unless a test says otherwise."""
    return {"v1": {"list": {"joinColumns": ["email"], "listColumns": ["item"], **members}}}


def custom(**members: Any) -> dict[str, Any]:
    """A CUSTOM policy that allows nothing unless a test says otherwise."""
    return {"v1": {"custom": {"allowedAnalyses": [], **members}}}


POLICIES = {"AGGREGATION": aggregation(), "LIST": listing(), "CUSTOM": custom()}


def table_of(client: Any, **overrides: Any) -> str:
    """Configure a table and return its id."""
    arguments: dict[str, Any] = {
        "name": "sales",
        "tableReference": {"glue": {"databaseName": "shop", "tableName": "sales"}},
        "allowedColumns": COLUMNS,
        "analysisMethod": "DIRECT_QUERY",
        **overrides,
    }
    table_id: str = client.create_configured_table(**arguments)["configuredTable"]["id"]
    return table_id


def type_of(policy: dict[str, Any]) -> str:
    return str(next(iter(policy["v1"]))).upper()


def add(client: Any, table_id: str, policy: dict[str, Any], rule_type: str | None = None) -> dict[str, Any]:
    answer: Any = client.create_configured_table_analysis_rule(
        configuredTableIdentifier=table_id,
        analysisRuleType=rule_type or type_of(policy),
        analysisRulePolicy=policy,
    )["analysisRule"]
    return dict(answer)


def change(client: Any, table_id: str, policy: dict[str, Any], rule_type: str | None = None) -> dict[str, Any]:
    answer: Any = client.update_configured_table_analysis_rule(
        configuredTableIdentifier=table_id,
        analysisRuleType=rule_type or type_of(policy),
        analysisRulePolicy=policy,
    )["analysisRule"]
    return dict(answer)


def get(client: Any, table_id: str, rule_type: str) -> dict[str, Any]:
    answer: Any = client.get_configured_table_analysis_rule(
        configuredTableIdentifier=table_id, analysisRuleType=rule_type
    )["analysisRule"]
    return dict(answer)


def delete(client: Any, table_id: str, rule_type: str) -> Any:
    return client.delete_configured_table_analysis_rule(configuredTableIdentifier=table_id, analysisRuleType=rule_type)


def rule_types(client: Any, table_id: str) -> list[str]:
    table: Any = client.get_configured_table(configuredTableIdentifier=table_id)["configuredTable"]
    return list(table["analysisRuleTypes"])


class Table:
    """A table that has no rule, and one that has, on which a policy is tried with create and with update."""

    def __init__(self, client: Any, policy: dict[str, Any], **overrides: Any) -> None:
        self.client, self.before, self.type = client, policy, type_of(policy)
        self.bare = table_of(client, **overrides)
        self.ruled = table_of(client, **overrides)
        add(client, self.ruled, policy)

    def accepts(self, policy: dict[str, Any]) -> None:
        for answer in (add(self.client, self.bare, policy), change(self.client, self.ruled, policy)):
            assert answer["policy"] == policy
            assert get(self.client, answer["configuredTableId"], self.type) == answer

    def refuses(self, refused: Refused, policy: dict[str, Any], rule: str, reason: str, field: str) -> None:
        path = f"analysisRulePolicy.v1.{self.type.lower()}.{field}"
        for attempt, table_id in ((add, self.bare), (change, self.ruled)):
            with refused("ValidationException", reason, field=path, rule=rule):
                attempt(self.client, table_id, policy)
        assert rule_types(self.client, self.bare) == []
        assert get(self.client, self.ruled, self.type)["policy"] == self.before


# The life of a rule


@pytest.mark.rule("RULE-5", "RULE-11", "TAB-21", "LIFE-36")
@pytest.mark.parametrize("rule_type", POLICIES)
def test_a_rule_is_created_read_and_replaced(scene: Scene, at: At, rule_type: str) -> None:
    """The answer echoes the policy and nothing more; an update replaces all of it, and moves the rule's updateTime, not the table's."""
    at(2040)
    table_id = table_of(scene.advertiser)
    table = scene.advertiser.get_configured_table(configuredTableIdentifier=table_id)["configuredTable"]
    at(2041)
    rule = add(scene.advertiser, table_id, POLICIES[rule_type])
    assert rule == {
        "configuredTableId": table_id,
        "configuredTableArn": table["arn"],
        "type": rule_type,
        "policy": POLICIES[rule_type],
        "createTime": rule["createTime"],
        "updateTime": rule["createTime"],
    }
    assert get(scene.advertiser, table_id, rule_type) == rule
    at(2042)
    other = {
        "AGGREGATION": aggregation(dimensionColumns=["region", "day"], additionalAnalyses="NOT_ALLOWED"),
        "LIST": listing(joinColumns=["phone", "email"], allowedJoinOperators=["OR", "AND"]),
        "CUSTOM": custom(disallowedOutputColumns=["phone"]),
    }[rule_type]
    changed = change(scene.advertiser, table_id, other)
    times = [time.utctimetuple().tm_year for time in (changed["createTime"], changed["updateTime"])]
    assert times == [2041, 2042]
    assert changed == {**rule, "policy": other, "updateTime": changed["updateTime"]}
    assert get(scene.advertiser, table_id, rule_type) == changed
    after: Any = scene.advertiser.get_configured_table(configuredTableIdentifier=table_id)["configuredTable"]
    assert after == {**table, "analysisRuleTypes": [rule_type]}


@pytest.mark.rule("RULE-1")
@pytest.mark.parametrize("second", POLICIES)
@pytest.mark.parametrize("first", POLICIES)
def test_a_table_has_one_rule(scene: Scene, refused: Refused, first: str, second: str) -> None:
    """A second rule conflicts with the first, of whatever type, and however wrong it is."""
    table_id = table_of(scene.advertiser)
    rule = add(scene.advertiser, table_id, POLICIES[first])
    for policy in (POLICIES[second], listing(joinColumns=["unknown"])):
        with refused("ConflictException", "ALREADY_EXISTS", rule="RULE-1") as error:
            add(scene.advertiser, table_id, policy, second)
        assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table_id)
    assert get(scene.advertiser, table_id, first) == rule


@pytest.mark.rule("RULE-2")
@pytest.mark.parametrize(
    ("rule_type", "given"), [(one, other) for one in POLICIES for other in POLICIES if one != other]
)
def test_the_policy_is_of_the_type(scene: Scene, refused: Refused, rule_type: str, given: str) -> None:
    """A policy of another type than the rule's is refused, on create and on update."""
    table_id = table_of(scene.advertiser)
    where = {"field": "analysisRulePolicy", "rule": "RULE-2"}
    with refused("ValidationException", "INVALID_CONFIGURATION", **where):
        add(scene.advertiser, table_id, POLICIES[given], rule_type)
    assert rule_types(scene.advertiser, table_id) == []
    rule = add(scene.advertiser, table_id, POLICIES[rule_type])
    with refused("ValidationException", "INVALID_CONFIGURATION", **where):
        change(scene.advertiser, table_id, POLICIES[given], rule_type)
    assert get(scene.advertiser, table_id, rule_type) == rule


@pytest.mark.rule("RULE-4", "RULE-5", "TAB-24")
def test_rules_are_found_by_table_and_type(scene: Scene, refused: Refused) -> None:
    """A type that the table's rule doesn't have isn't found, nor is a table that isn't the caller's, whether it has a rule or not."""
    bare, ruled = table_of(scene.advertiser), table_of(scene.advertiser)
    rule = add(scene.advertiser, ruled, listing())
    for client, table_id, expected in (
        (scene.advertiser, bare, "RULE-4"),
        (scene.advertiser, ruled, "RULE-4"),
        (scene.publisher, ruled, "TAB-24"),
        (scene.stranger, ruled, "TAB-24"),
        (scene.handle.client(ADVERTISER, "eu-west-1"), ruled, "TAB-24"),
        (scene.advertiser, NOWHERE, "TAB-24"),
    ):
        for operation in (get, delete, _change_to_custom):
            with refused("ResourceNotFoundException", rule=expected) as error:
                operation(client, table_id, "CUSTOM")
            assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table_id)
    with refused("ResourceNotFoundException", rule="TAB-24"):
        add(scene.publisher, bare, listing())
    assert get(scene.advertiser, ruled, "LIST") == rule


def _change_to_custom(client: Any, table_id: str, rule_type: str) -> dict[str, Any]:
    return change(client, table_id, custom(), rule_type)


@pytest.mark.rule("RULE-4", "RULE-13")
def test_a_deleted_rule_is_gone(scene: Scene, refused: Refused) -> None:
    """A deleted rule isn't found, and makes room for one of another type."""
    table_id = table_of(scene.advertiser)
    add(scene.advertiser, table_id, listing())
    answer = delete(scene.advertiser, table_id, "LIST")
    assert (answer.keys(), answer["ResponseMetadata"]["HTTPStatusCode"]) == ({"ResponseMetadata"}, 204)
    assert rule_types(scene.advertiser, table_id) == []
    for operation in (get, delete):
        with refused("ResourceNotFoundException", rule="RULE-4"):
            operation(scene.advertiser, table_id, "LIST")
    add(scene.advertiser, table_id, aggregation())
    assert rule_types(scene.advertiser, table_id) == ["AGGREGATION"]


@pytest.mark.rule("RULE-3", "RULE-12", "RULE-13")
def test_rules_of_an_associated_table(scene: Scene) -> None:
    """Rules come, change and go while the table is associated; the association's own rule stays, with what the schema says of that."""
    scene.join(scene.advertiser, collaboration := scene.create())
    membership = scene.join(scene.publisher, collaboration)
    table_id = table_of(scene.publisher)
    association: Any = scene.publisher.create_configured_table_association(
        membershipIdentifier=membership["id"],
        configuredTableIdentifier=table_id,
        name="sales",
        roleArn=f"arn:aws:iam::{PUBLISHER}:role/clean-rooms",
    )["configuredTableAssociation"]
    where: dict[str, Any] = {
        "membershipIdentifier": membership["id"],
        "configuredTableAssociationIdentifier": association["id"],
        "analysisRuleType": "LIST",
    }

    def reasons() -> list[str]:
        schema: Any = scene.advertiser.get_schema(collaborationIdentifier=collaboration["id"], name="sales")["schema"]
        return [one["code"] for detail in schema["schemaStatusDetails"] for one in detail.get("reasons", [])]

    add(scene.publisher, table_id, listing())
    change(scene.publisher, table_id, listing(listColumns=[]))
    scene.publisher.create_configured_table_association_analysis_rule(
        **where, analysisRulePolicy={"v1": {"list": {"allowedResultReceivers": [ADVERTISER]}}}
    )
    assert reasons() == []
    delete(scene.publisher, table_id, "LIST")
    assert reasons() == ["ANALYSIS_RULE_MISSING"]
    assert scene.publisher.get_configured_table_association_analysis_rule(**where)["analysisRule"]["type"] == "LIST"
    add(scene.publisher, table_id, aggregation())
    assert "ANALYSIS_RULE_TYPES_NOT_COMPATIBLE" in reasons()


@pytest.mark.rule("RULE-6", "QUO-8")
def test_the_size_of_a_policy(scene: Scene, refused: Refused) -> None:
    """A policy of more than 100 KB is one too many, on create and on update; one that is just smaller isn't."""
    account = [f"{number:012}" for number in range(6900)]
    large = custom(allowedAnalyses=["ANY_QUERY"], allowedAnalysisProviders=account)
    small = custom(allowedAnalyses=["ANY_QUERY"], allowedAnalysisProviders=account[:6800])
    bare, ruled = table_of(scene.advertiser), table_of(scene.advertiser)
    add(scene.advertiser, ruled, small)
    for attempt, table_id in ((add, bare), (change, ruled)):
        with refused("ServiceQuotaExceededException") as error:
            attempt(scene.advertiser, table_id, large)
        assert (error["quotaName"], error["quotaValue"]) == ("Analysis rule size", 100.0)
    assert rule_types(scene.advertiser, bare) == []
    assert get(scene.advertiser, ruled, "CUSTOM")["policy"] == small
    scene.handle.quotas["Analysis rule size"] = 200
    change(scene.advertiser, ruled, large)


@pytest.mark.rule("RULE-56")
def test_the_order_of_checks(scene: Scene, refused: Refused) -> None:
    """Of everything that is wrong with a rule, the first in the order answers: the table, the slot, the type, values, contradictions, the table's
    columns and methods, the size."""
    scene.handle.quotas["Analysis rule size"] = 0
    table_id = table_of(scene.advertiser, analysisMethod="DIRECT_JOB")
    repeats = aggregation(joinColumns=["region", "region", "unknown"])
    contradicts = aggregation(joinColumns=["region", "unknown"])
    unknown = aggregation(joinColumns=["unknown"])
    for policy, rule_type, expected in (
        (repeats, "LIST", "RULE-2"),
        (repeats, "AGGREGATION", "RULE-8"),
        (contradicts, "AGGREGATION", "RULE-21"),
        (unknown, "AGGREGATION", "RULE-7"),
        (aggregation(), "AGGREGATION", "RULE-9"),
    ):
        with refused("ValidationException", rule=expected):
            add(scene.advertiser, table_id, policy, rule_type)
    with refused("ResourceNotFoundException", rule="TAB-24"):
        add(scene.advertiser, NOWHERE, repeats, "LIST")
    with refused("ServiceQuotaExceededException"):
        add(scene.advertiser, table_id, custom())
    scene.handle.quotas["Analysis rule size"] = 1
    add(scene.advertiser, table_id, custom())
    with refused("ConflictException", rule="RULE-1"):
        add(scene.advertiser, table_id, repeats, "LIST")
    with refused("ResourceNotFoundException", rule="RULE-4"):
        change(scene.advertiser, table_id, repeats, "LIST")


def test_inner_policy(scene: Scene) -> None:
    """The part of a policy that counts is the one under its type."""
    table_id = table_of(scene.advertiser)
    add(scene.advertiser, table_id, listing())
    rule = cleanrooms_backends[ADVERTISER]["us-east-1"].configured_tables[table_id].rule
    assert rule is not None
    assert rule.inner == {"join_columns": ["email"], "list_columns": ["item"]}


# What holds for AGGREGATION and LIST


@pytest.mark.rule("RULE-9")
@pytest.mark.parametrize("policy", [aggregation(), listing()], ids=["AGGREGATION", "LIST"])
def test_queries_run_on_the_table(scene: Scene, refused: Refused, policy: dict[str, Any]) -> None:
    """A table on which only jobs run takes neither; one on which both run does."""
    table_id = table_of(scene.advertiser, analysisMethod="DIRECT_JOB")
    with refused("ValidationException", "INVALID_CONFIGURATION", field="analysisRuleType", rule="RULE-9"):
        add(scene.advertiser, table_id, policy)
    assert rule_types(scene.advertiser, table_id) == []
    add(scene.advertiser, table_of(scene.advertiser, analysisMethod="MULTIPLE"), policy)


@pytest.mark.rule("RULE-10", "ENG-14")
@pytest.mark.parametrize("reference", OTHER_PLACES, ids=["athena", "snowflake"])
@pytest.mark.parametrize("policy", [aggregation(), listing()], ids=["AGGREGATION", "LIST"])
def test_tables_outside_of_glue(
    scene: Scene, refused: Refused, policy: dict[str, Any], reference: dict[str, Any]
) -> None:
    """A table that isn't in Glue takes CUSTOM only."""
    table_id = table_of(scene.advertiser, tableReference=reference)
    with refused("ValidationException", "INVALID_CONFIGURATION", field="analysisRuleType", rule="RULE-10"):
        add(scene.advertiser, table_id, policy)
    assert rule_types(scene.advertiser, table_id) == []
    add(scene.advertiser, table_id, custom())


@pytest.mark.rule("RULE-7")
@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (aggregation(joinColumns=["email", "unknown"]), "joinColumns.member.2"),
        (aggregation(dimensionColumns=["unknown"]), "dimensionColumns.member.1"),
        (
            aggregation(aggregateColumns=[sums(), sums("AVG", "price", "unknown")]),
            "aggregateColumns.member.2.columnNames.member.2",
        ),
        (aggregation(outputConstraints=[at_least("unknown")]), "outputConstraints.member.1.columnName"),
        (listing(joinColumns=["unknown"]), "joinColumns.member.1"),
        (listing(listColumns=["item", "unknown"]), "listColumns.member.2"),
    ],
)
def test_columns_are_allowed(scene: Scene, refused: Refused, policy: dict[str, Any], field: str) -> None:
    """Wherever a policy names a column, it is one that the table allows."""
    table = Table(scene.advertiser, POLICIES[type_of(policy)])
    table.refuses(refused, policy, "RULE-7", "INVALID_CONFIGURATION", field)


@pytest.mark.rule("RULE-8")
@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (aggregation(joinColumns=["email", "phone", "email"]), "joinColumns.member.3"),
        (aggregation(dimensionColumns=["region", "region"]), "dimensionColumns.member.2"),
        (aggregation(scalarFunctions=["TRUNC", "ABS", "TRUNC"]), "scalarFunctions.member.3"),
        (aggregation(allowedJoinOperators=["AND", "AND"]), "allowedJoinOperators.member.2"),
        (listing(joinColumns=["email", "email"]), "joinColumns.member.2"),
        (listing(listColumns=["item", "item"]), "listColumns.member.2"),
        (listing(allowedJoinOperators=["OR", "OR"]), "allowedJoinOperators.member.2"),
    ],
)
def test_nothing_is_listed_twice(scene: Scene, refused: Refused, policy: dict[str, Any], field: str) -> None:
    """A list that has an entry twice is refused."""
    table = Table(scene.advertiser, POLICIES[type_of(policy)])
    table.refuses(refused, policy, "RULE-8", "FIELD_VALIDATION_FAILED", field)


@pytest.mark.rule("RULE-20", "RULE-23", "RULE-24", "RULE-25", "RULE-26", "RULE-27", "RULE-28", "RULE-30", "RULE-32")
@pytest.mark.parametrize(
    "policy",
    [
        # RULE-20: a join column is counted.
        aggregation(aggregateColumns=[sums("COUNT_DISTINCT", "email")]),
        # RULE-23: empty lists; RULE-24: without join columns, if no join is required.
        aggregation(joinColumns=[], dimensionColumns=[], scalarFunctions=[]),
        aggregation(joinRequired="QUERY_RUNNER"),
        # RULE-25: one function for several columns, one column for several functions, in one entry or more.
        aggregation(aggregateColumns=[sums(), sums("SUM", "item"), sums("AVG", "price", "item")]),
        # RULE-26: constraints on a join column, and on one that nothing else names.
        aggregation(outputConstraints=[at_least("email", 2), at_least("day")]),
        # RULE-27
        *(aggregation(additionalAnalyses=value) for value in ("ALLOWED", "REQUIRED", "NOT_ALLOWED")),
        # RULE-28
        *(aggregation(allowedJoinOperators=value) for value in ([], ["OR"], ["AND", "OR"])),
        aggregation(joinColumns=[], allowedJoinOperators=["OR"]),
        *(listing(allowedJoinOperators=value) for value in ([], ["OR"], ["AND", "OR"])),
        # RULE-30
        listing(listColumns=[]),
        # RULE-32
        *(listing(additionalAnalyses=value) for value in ("ALLOWED", "REQUIRED", "NOT_ALLOWED")),
    ],
)
def test_policies_that_are_sound(scene: Scene, policy: dict[str, Any]) -> None:
    """What may be empty, may stand alone or may meet is stored as it was sent, by create and by update."""
    Table(scene.advertiser, POLICIES[type_of(policy)]).accepts(policy)


@pytest.mark.rule("RULE-23", "RULE-30")
@pytest.mark.parametrize(
    "policy", [aggregation(aggregateColumns=[]), aggregation(outputConstraints=[]), listing(joinColumns=[])]
)
def test_what_may_not_be_empty(scene: Scene, refused: Refused, policy: dict[str, Any]) -> None:
    """Aggregate columns and constraints of AGGREGATION and join columns of LIST are at least one each."""
    unchecked = boto3.client("cleanrooms", "us-east-1", config=Config(parameter_validation=False))
    name = next(name for name, value in next(iter(policy["v1"].values())).items() if value == [])
    table = Table(unchecked, POLICIES[type_of(policy)])
    table.refuses(refused, policy, "ERR-3", "FIELD_VALIDATION_FAILED", name)


@pytest.mark.rule("RULE-21", "RULE-22", "RULE-24", "RULE-25", "RULE-26", "RULE-31")
@pytest.mark.parametrize(
    ("policy", "rule", "reason", "field"),
    [
        (
            aggregation(dimensionColumns=["region", "email"]),
            "RULE-21",
            "INVALID_CONFIGURATION",
            "dimensionColumns.member.2",
        ),
        (
            aggregation(dimensionColumns=["price"], aggregateColumns=[sums("AVG", "item"), sums("SUM", "price")]),
            "RULE-22",
            "INVALID_CONFIGURATION",
            "dimensionColumns.member.1",
        ),
        (
            aggregation(joinRequired="QUERY_RUNNER", joinColumns=[]),
            "RULE-24",
            "INVALID_CONFIGURATION",
            "joinRequired",
        ),
        (
            aggregation(aggregateColumns=[sums("SUM", "price", "price")]),
            "RULE-25",
            "FIELD_VALIDATION_FAILED",
            "aggregateColumns.member.1.columnNames.member.2",
        ),
        (
            aggregation(aggregateColumns=[sums(), sums("AVG", "price"), sums("SUM", "item", "price")]),
            "RULE-25",
            "FIELD_VALIDATION_FAILED",
            "aggregateColumns.member.3.columnNames.member.2",
        ),
        (
            aggregation(outputConstraints=[at_least(), at_least("phone"), at_least(minimum=2)]),
            "RULE-26",
            "FIELD_VALIDATION_FAILED",
            "outputConstraints.member.3.columnName",
        ),
        (
            listing(joinColumns=["email", "phone"], listColumns=["item", "phone"]),
            "RULE-31",
            "INVALID_CONFIGURATION",
            "listColumns.member.2",
        ),
    ],
)
def test_policies_that_contradict_themselves(
    scene: Scene, refused: Refused, policy: dict[str, Any], rule: str, reason: str, field: str
) -> None:
    """Columns with two parts that don't go together, and what is said twice, are refused by create and by update."""
    Table(scene.advertiser, POLICIES[type_of(policy)]).refuses(refused, policy, rule, reason, field)
