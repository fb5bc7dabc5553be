"""Analysis rules of intermediate tables, by themselves and against what base tables hand down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cleanrooms.test_intermediate_tables import MODEL, Room, custom, open_to, room, shared_with
from tests.conftest import ADVERTISER, PUBLISHER, Clock, Refused, Scene

__all__ = ["room"]

POLICY = "analysisRulePolicy.v1.custom"


def rule(room: Room, table: dict[str, Any], call: str, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """Create, get, update or delete the rule of a table."""
    arguments = {**room.advertiser.of(table), "analysisRuleType": "CUSTOM"}
    if policy is not None:
        arguments["analysisRulePolicy"] = policy
    answer: Any = getattr(room.advertiser.client, f"{call}_intermediate_table_analysis_rule")(**arguments)
    return dict(answer.get("analysisRule", {}))


@pytest.mark.rule("INT-30", "INT-33")
def test_life_of_a_rule(room: Room, clock: Clock, refused: Refused) -> None:
    """A rule is created, once, then read, replaced and deleted; the table's own times don't move with it."""
    table = room.advertiser.populate(room.advertiser.create())
    assert room.reasons("reach") == ["INTERMEDIATE_TABLE_ANALYSIS_RULE_MISSING"]
    created_at = clock.advance(hours=1)
    created = rule(room, table, "create", open_to(ADVERTISER))
    assert created == {
        "intermediateTableIdentifier": table["id"],
        "intermediateTableArn": table["arn"],
        "analysisRulePolicy": open_to(ADVERTISER),
        "analysisRuleType": "CUSTOM",
        "createTime": created_at,
        "updateTime": created_at,
    }
    assert room.advertiser.get(table) == {**table, "analysisRuleTypes": ["CUSTOM"]}
    assert room.reasons("reach") == []
    with refused("ConflictException", "ALREADY_EXISTS", rule="INT-30") as error:
        rule(room, table, "create", custom())
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
    assert rule(room, table, "get") == created
    updated_at = clock.advance(hours=1)
    updated = rule(room, table, "update", open_to(PUBLISHER))
    assert updated == {**created, "analysisRulePolicy": open_to(PUBLISHER), "updateTime": updated_at}
    assert rule(room, table, "get") == updated
    rule(room, table, "delete")
    assert room.reasons("reach") == ["INTERMEDIATE_TABLE_ANALYSIS_RULE_MISSING"]
    assert room.advertiser.get(table) == table
    for call, policy in (("get", None), ("update", custom()), ("delete", None)):
        with refused("ResourceNotFoundException", rule="INT-33") as error:
            rule(room, table, call, policy)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
    rule(room, table, "create", custom())


@pytest.mark.rule("RULE-6")
def test_the_size_of_a_policy(room: Room, refused: Refused) -> None:
    """A rule of an intermediate table may be as large as any."""
    table = room.advertiser.create()
    room.scene.handle.quotas["Analysis rule size"] = 0
    with refused("ServiceQuotaExceededException", rule="RULE-6"):
        rule(room, table, "create", custom())
    del room.scene.handle.quotas["Analysis rule size"]
    rule(room, table, "create", custom())


@pytest.mark.rule("INT-30")
def test_schema_has_the_rule(room: Room) -> None:
    """All members see the rule in the schema, where the allowed analyses are never absent; without any nothing may run."""
    table = room.advertiser.populate(room.advertiser.create())
    created = rule(room, table, "create", custom(differentialPrivacy={"columns": [{"name": "id"}]}))
    answer: Any = room.publisher.client.get_schema_analysis_rule(
        collaborationIdentifier=room.collaboration["id"], name="reach", type="CUSTOM"
    )
    policy = {**created["analysisRulePolicy"]["v1"]["custom"], "allowedAnalyses": []}
    assert answer["analysisRule"] == {
        "collaborationId": room.collaboration["id"],
        "type": "CUSTOM",
        "name": "reach",
        "createTime": created["createTime"],
        "updateTime": created["updateTime"],
        "policy": {"v1": {"custom": policy}},
    }
    assert room.reasons("reach") == [
        "ANALYSIS_TEMPLATES_NOT_CONFIGURED",
        "DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED",
    ]
    (detail,) = room.schema("reach")["schemaStatusDetails"]
    assert detail["configurations"] == ["DIFFERENTIAL_PRIVACY"]
    assert room.schema("reach")["analysisRuleTypes"] == ["CUSTOM"]


@pytest.mark.rule("INT-30")
@pytest.mark.parametrize(
    ("policy", "rule_id", "reason"),
    [
        (custom(allowedAnalyses=["ANY_QUERY"]), "RULE-41", "INVALID_CONFIGURATION"),
        (custom(allowedAnalysisProviders=[ADVERTISER]), "RULE-43", "INVALID_CONFIGURATION"),
        (open_to(ADVERTISER, disallowedOutputColumns=["price"]), "RULE-7", "INVALID_CONFIGURATION"),
        (open_to(ADVERTISER, disallowedOutputColumns=["id", "id"]), "RULE-8", "FIELD_VALIDATION_FAILED"),
        (custom(differentialPrivacy={"columns": [{"name": "price"}]}), "RULE-7", "INVALID_CONFIGURATION"),
        (
            open_to(
                ADVERTISER,
                aggregationThresholds=[
                    {"identityColumns": ["n"], "minimumIdentityCount": 2, "type": "COUNT_DISTINCT", "allowedAggregateExpressionType": "COLUMNS_ONLY"}
                ],
            ),
            "RULE-51",
            "INVALID_CONFIGURATION",
        ),
    ],
)  # fmt: skip
def test_policies_that_are_wrong(room: Room, refused: Refused, policy: Any, rule_id: str, reason: str) -> None:
    """What is refused of a configured table's CUSTOM rule is refused here, against the columns of the table, in an update too."""
    table = room.advertiser.create(query="SELECT id, count(*) AS n FROM orders GROUP BY id")
    room.advertiser.populate(table)
    with refused("ValidationException", reason, rule=rule_id):
        rule(room, table, "create", policy)
    created = rule(room, table, "create", open_to(ADVERTISER))
    with refused("ValidationException", reason, rule=rule_id):
        rule(room, table, "update", policy)
    assert rule(room, table, "get") == created


@pytest.mark.rule("INT-30", "INT-32")
def test_columns_are_not_looked_at_before_there_are_any(room: Room, refused: Refused) -> None:
    """Before the first populate a rule may name any column; afterwards only those that the table has."""
    table = room.advertiser.create()
    policy = open_to(ADVERTISER, disallowedOutputColumns=["nothing"])
    rule(room, table, "create", policy)
    rule(room, table, "update", policy)
    room.advertiser.populate(table)
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="RULE-7"):
        rule(room, table, "update", policy)


@pytest.mark.rule("INT-30")
def test_size_of_a_policy(room: Room, refused: Refused) -> None:
    """A policy that is too large is beyond a quota in a creation, and a wrong value in an update, which models no quota."""
    table = room.advertiser.create()
    large = open_to(ADVERTISER, disallowedOutputColumns=[f"{number:0100}" for number in range(1000)])
    with refused("ServiceQuotaExceededException") as error:
        rule(room, table, "create", large)
    assert (error["quotaName"], error["quotaValue"]) == ("Analysis rule size", 100.0)
    created = rule(room, table, "create", open_to(ADVERTISER))
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="analysisRulePolicy"):
        rule(room, table, "update", large)
    assert rule(room, table, "get") == created


@pytest.mark.rule("INT-22")
def test_rules_are_the_owners(room: Room, refused: Refused) -> None:
    """Another member doesn't find the table whose rule it asks for."""
    table = room.advertiser.create()
    rule(room, table, "create", custom())
    asked = {"intermediateTableIdentifier": table["id"], "analysisRuleType": "CUSTOM"}
    for call in ("create", "get", "update", "delete"):
        policy = {"analysisRulePolicy": custom()} if call in ("create", "update") else {}
        operation = getattr(room.publisher.client, f"{call}_intermediate_table_analysis_rule")
        with refused("ResourceNotFoundException", rule="LIFE-24") as error:
            operation(**room.publisher.id, **asked, **policy)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
        with refused("ResourceNotFoundException", rule="ERR-10"):
            operation(**room.advertiser.id, **asked, **policy)
    room.scene.advertiser.delete_collaboration(collaborationIdentifier=room.collaboration["id"])
    for call in ("create", "update"):
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
            rule(room, table, call, custom())
    rule(room, table, "get")
    rule(room, table, "delete")


# Inherited constraints


@pytest.fixture
def constrained(scene: Scene) -> Room:
    """A room in which ``reach`` is built on ``clicks`` of the publisher, which constrains it."""
    room = Room(scene, members=[scene.member(abilities=["CAN_RECEIVE_RESULTS"])])
    room.publisher.table(
        "clicks",
        rule=open_to(ADVERTISER, disallowedOutputColumns=["price"], additionalAnalyses="ALLOWED"),
        shared=shared_with(ADVERTISER, allowedAdditionalAnalyses=[f"{MODEL}*"]),
    )
    room.advertiser.create(query="SELECT id, price AS cost FROM clicks")
    return room


BREACHES = [
    ("allowedResultReceivers", [ADVERTISER, PUBLISHER]),
    ("disallowedOutputColumns", ["id"]),
    ("disallowedOutputColumns", None),
    ("allowedAdditionalAnalyses", [MODEL.replace("us-east-1", "us-west-2") + "*"]),
    ("additionalAnalyses", "NOT_ALLOWED"),
    ("additionalAnalyses", None),
]
KEPT = {
    "allowedResultReceivers": [ADVERTISER],
    "disallowedOutputColumns": ["cost"],
    "additionalAnalyses": "ALLOWED",
    "allowedAdditionalAnalyses": [f"{MODEL}mine"],
}


def breaking(member: str, value: Any) -> dict[str, Any]:
    members = {name: value for name, value in {**KEPT, member: value}.items() if value is not None}
    return open_to(ADVERTISER, **members)


@pytest.mark.rule("INT-31")
@pytest.mark.parametrize(("member", "value"), BREACHES)
def test_rules_keep_to_what_was_inherited(constrained: Room, refused: Refused, member: str, value: Any) -> None:
    """A rule that allows more or disallows less than the base tables is refused, at creation and in an update."""
    room = constrained
    (table,) = room.advertiser.tables()
    room.advertiser.populate(table)
    for call in ("create", "update"):
        with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{POLICY}.{member}", rule="INT-31"):
            rule(room, table, call, breaking(member, value))
        if call == "create":
            created = rule(room, table, "create", open_to(ADVERTISER, **KEPT))
    assert rule(room, table, "get") == created
    assert room.reasons("reach") == []


@pytest.mark.rule("INT-31")
@pytest.mark.parametrize(
    "stricter",
    [
        {"allowedResultReceivers": []},
        {"disallowedOutputColumns": ["id", "cost"]},
        {"additionalAnalyses": "REQUIRED"},
        {"allowedAdditionalAnalyses": []},
    ],
    ids=lambda members: next(iter(members)),
)
def test_rules_may_be_stricter(constrained: Room, stricter: dict[str, Any]) -> None:
    """A rule that allows less, or disallows more, is taken."""
    room = constrained
    (table,) = room.advertiser.tables()
    room.advertiser.populate(table)
    rule(room, table, "create", open_to(ADVERTISER, **{**KEPT, **stricter}))


@pytest.mark.rule("INT-32")
@pytest.mark.parametrize(("member", "value"), BREACHES)
def test_rules_from_before_stay_and_are_told(constrained: Room, clock: Clock, member: str, value: Any) -> None:
    """A rule from before the first populate is held against nothing; if a version then has constraints that it breaks, the schema says so."""
    room = constrained
    (table,) = room.advertiser.tables()
    policy = breaking(member, value)
    rule(room, table, "create", policy)
    rule(room, table, "update", policy)
    assert room.reasons("reach") == ["INTERMEDIATE_TABLE_NOT_POPULATED"]
    room.advertiser.populate(table)
    assert rule(room, table, "get")["analysisRulePolicy"] == policy
    assert room.reasons("reach") == ["INTERMEDIATE_TABLE_INHERITED_CONSTRAINTS_VIOLATED"]
    rule(room, table, "update", open_to(ADVERTISER, **KEPT))
    assert room.reasons("reach") == []


@pytest.mark.rule("INT-31")
def test_first_party_tables_are_free(room: Room) -> None:
    """A table that is built on its owner's tables alone inherits constraints that bind nobody, through another one too."""
    room.advertiser.table(
        "clicks",
        rule=open_to(ADVERTISER, disallowedOutputColumns=["price"], additionalAnalyses="REQUIRED"),
        shared=shared_with(ADVERTISER),
    )
    one = room.advertiser.populate(room.advertiser.create("one", "SELECT id, price FROM clicks"))
    assert set(one["intermediateTableVersion"]["inheritedConstraints"]) == {
        "additionalAnalyses",
        "allowedAdditionalAnalyses",
        "allowedResultReceivers",
        "disallowedOutputColumns",
    }
    rule(room, one, "create", open_to(ADVERTISER, allowedResultReceivers=[PUBLISHER]))
    assert room.reasons("one") == []
    two = room.advertiser.populate(room.advertiser.create("two", "SELECT id, price FROM one"))
    constraints = two["intermediateTableVersion"]["inheritedConstraints"]
    assert {name: part["value"] for name, part in constraints.items()} == {"allowedResultReceivers": [PUBLISHER]}
