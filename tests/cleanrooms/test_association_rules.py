"""Analysis rules of associations: who may receive results, and what else may be done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cleanrooms.test_associations import OTHER, Parties, custom, listing, type_of
from tests.cleanrooms.test_configured_tables import AGGREGATION
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Refused, Scene

POLICIES = {"AGGREGATION": AGGREGATION, "LIST": listing(), "CUSTOM": custom()}
TYPES = tuple(POLICIES)
MODEL = f"arn:aws:cleanrooms:us-east-1:{STRANGER}:membership/*/configuredaudiencemodelassociation/*"


def policy_for(rule_type: str, **members: Any) -> dict[str, Any]:
    """An association's policy of a type."""
    return {"v1": {rule_type.lower(): members}}


@pytest.fixture
def parties(scene: Scene) -> Parties:
    """As everywhere, but the third account, which is only invited, can receive results."""
    return Parties(scene, members=[scene.member(), scene.member(OTHER, ["CAN_RECEIVE_RESULTS"])])


class Rules:
    """The publisher's association of a table with a rule, and what becomes of its own rule."""

    def __init__(self, parties: Parties, table_policy: dict[str, Any] | None) -> None:
        self.owner = parties.publisher
        self.client = self.owner.client
        self.table = self.owner.table(table_policy)
        self.association = self.owner.associate(table=self.table)
        self.here = self.owner.of(self.association)

    def create(self, policy: dict[str, Any], rule_type: str | None = None) -> dict[str, Any]:
        return dict(self.owner.add_rule(self.association, policy, rule_type))

    def update(self, policy: dict[str, Any], rule_type: str | None = None) -> dict[str, Any]:
        answer = self.client.update_configured_table_association_analysis_rule(
            **self.here, analysisRuleType=rule_type or type_of(policy), analysisRulePolicy=policy
        )
        return dict(answer["analysisRule"])

    def get(self, rule_type: str) -> dict[str, Any]:
        answer = self.client.get_configured_table_association_analysis_rule(**self.here, analysisRuleType=rule_type)
        return dict(answer["analysisRule"])

    def delete(self, rule_type: str) -> Any:
        return self.client.delete_configured_table_association_analysis_rule(**self.here, analysisRuleType=rule_type)

    def types(self) -> list[str]:
        return list(self.owner.get(self.association).get("analysisRuleTypes", []))


@pytest.mark.rule("ASSOC-20", "ASSOC-25", "ASSOC-28")
@pytest.mark.parametrize("rule_type", TYPES)
def test_a_rule(parties: Parties, rule_type: str) -> None:
    """A rule of each type is answered as it was sent, with whose it is, and analyses of which nobody knows are stored."""
    rules = Rules(parties, POLICIES[rule_type])
    policy = policy_for(rule_type, allowedResultReceivers=[ADVERTISER, OTHER], allowedAdditionalAnalyses=[MODEL, MODEL])
    made = rules.create(policy)
    assert made == {
        "membershipIdentifier": rules.owner.membership["id"],
        "configuredTableAssociationId": rules.association["id"],
        "configuredTableAssociationArn": rules.association["arn"],
        "policy": policy,
        "type": rule_type,
        "createTime": made["createTime"],
        "updateTime": made["createTime"],
    }
    assert rules.get(rule_type) == made
    assert rules.types() == [rule_type]


@pytest.mark.rule("ASSOC-20")
@pytest.mark.parametrize("table_type", [None, *TYPES])
def test_the_table_comes_first(parties: Parties, refused: Refused, table_type: str | None) -> None:
    """The table has no rule, or one of another type."""
    rules = Rules(parties, None if table_type is None else POLICIES[table_type])
    for rule_type in TYPES:
        if rule_type != table_type:
            with refused("ValidationException", "INVALID_CONFIGURATION", field="analysisRuleType", rule="ASSOC-20"):
                rules.create(policy_for(rule_type))
    assert rules.types() == []


@pytest.mark.rule("ASSOC-21")
def test_one_rule(parties: Parties, refused: Refused) -> None:
    """A second rule is refused, of its type or another, before its policy is looked at."""
    rules = Rules(parties, listing())
    made = rules.create(policy_for("LIST"))
    for rule_type in TYPES:
        with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-21") as error:
            rules.create(policy_for("LIST", allowedResultReceivers=[STRANGER]), rule_type)
        conflict = (error["resourceType"], error["resourceId"])
        assert conflict == ("CONFIGURED_TABLE_ASSOCIATION", rules.association["id"])
    assert rules.get("LIST") == made


@pytest.mark.rule("ASSOC-22")
@pytest.mark.parametrize("existing", [False, True])
def test_the_policy_is_of_the_type(parties: Parties, refused: Refused, existing: bool) -> None:
    """A policy of another type than the rule's is refused, in an update too."""
    rules = Rules(parties, listing())
    made = rules.create(policy_for("LIST")) if existing else None
    for rule_type in ("AGGREGATION", "CUSTOM"):
        with refused("ValidationException", "INVALID_CONFIGURATION", field="analysisRulePolicy", rule="ASSOC-22"):
            (rules.update if existing else rules.create)(policy_for(rule_type), "LIST")
    assert rules.types() == (["LIST"] if existing else [])
    assert made is None or rules.get("LIST") == made


@pytest.mark.rule("ASSOC-23", "LIFE-5")
def test_a_rule_is_addressed_by_its_type(parties: Parties, refused: Refused) -> None:
    """Another type isn't found, nor any while there is no rule, nor what was deleted."""
    rules = Rules(parties, listing())

    def nothing(*rule_types: str) -> None:
        for rule_type in rule_types:
            for call in (
                lambda t=rule_type: rules.get(t),
                lambda t=rule_type: rules.update(policy_for(t), t),
                lambda t=rule_type: rules.delete(t),
            ):
                with refused("ResourceNotFoundException", rule="ASSOC-23") as error:
                    call()
                found = (error["resourceType"], error["resourceId"])
                assert found == ("CONFIGURED_TABLE_ASSOCIATION", rules.association["id"])

    nothing(*TYPES)
    made = rules.create(policy_for("LIST"))
    nothing("AGGREGATION", "CUSTOM")
    assert rules.get("LIST") == made
    assert rules.delete("LIST")["ResponseMetadata"]["HTTPStatusCode"] == 204
    nothing(*TYPES)
    assert rules.types() == []


@pytest.mark.rule("ASSOC-24")
@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("rule_type", TYPES)
def test_receivers(parties: Parties, refused: Refused, rule_type: str, existing: bool) -> None:
    """Receivers are distinct members that can receive results, joined or not; strangers and members that can't are refused."""
    rules = Rules(parties, POLICIES[rule_type])
    if existing:
        rules.create(policy_for(rule_type))
    act = rules.update if existing else rules.create
    field = f"analysisRulePolicy.v1.{rule_type.lower()}.allowedResultReceivers"
    for receivers in ([STRANGER], [PUBLISHER], [ADVERTISER, PUBLISHER]):
        with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="ASSOC-24"):
            act(policy_for(rule_type, allowedResultReceivers=receivers))
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="ASSOC-24"):
        act(policy_for(rule_type, allowedResultReceivers=[ADVERTISER, ADVERTISER]))
    assert rules.types() == ([rule_type] if existing else [])
    assert not existing or rules.get(rule_type)["policy"] == policy_for(rule_type)
    policy = policy_for(rule_type, allowedResultReceivers=[OTHER, ADVERTISER])
    assert act(policy)["policy"] == policy


@pytest.mark.rule("ASSOC-24")
def test_receivers_that_are_gone(parties: Parties, refused: Refused) -> None:
    """Who was removed is no receiver any more; where it is named already it stays."""
    rules = Rules(parties, listing())
    policy = policy_for("LIST", allowedResultReceivers=[OTHER])
    rules.create(policy)
    parties.advertiser.client.delete_member(**parties.there, accountId=OTHER)
    assert rules.get("LIST")["policy"] == policy
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="ASSOC-24"):
        rules.update(policy)


@pytest.mark.rule("ASSOC-26", "ASSOC-25")
@pytest.mark.parametrize("rule_type", TYPES)
def test_additional_analyses_that_the_table_forbids(parties: Parties, rule_type: str) -> None:
    """Analyses are named although the table's rule forbids them, and the schema says so."""
    rules = Rules(parties, POLICIES[rule_type])
    rules.create(policy_for(rule_type, allowedResultReceivers=[ADVERTISER], allowedAdditionalAnalyses=[MODEL]))
    detail = parties.advertiser.schema()["schemaStatusDetails"][1]
    assert (detail["analysisType"], detail["status"]) == ("ADDITIONAL_ANALYSIS", "NOT_READY")
    assert "ADDITIONAL_ANALYSES_NOT_ALLOWED" in [reason["code"] for reason in detail["reasons"]]


@pytest.mark.rule("ASSOC-28", "LIFE-36")
def test_update(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update replaces the whole policy, and moves the rule's updateTime alone."""
    rules = Rules(parties, listing())
    made = rules.create(policy_for("LIST", allowedResultReceivers=[ADVERTISER], allowedAdditionalAnalyses=[MODEL]))
    monkeypatch.setattr("cleanrooms_mock.cleanrooms.association_rules.now", lambda: 4e9)
    changed = rules.update(policy_for("LIST", allowedResultReceivers=[]))
    assert changed == {
        **made,
        "policy": policy_for("LIST", allowedResultReceivers=[]),
        "updateTime": changed["updateTime"],
    }
    assert changed["updateTime"].timestamp() == 4e9
    assert rules.get("LIST") == changed
    assert rules.owner.get(rules.association)["updateTime"] == rules.association["updateTime"]


@pytest.mark.rule("ASSOC-20", "ASSOC-28")
def test_the_rule_outlives_the_tables(parties: Parties, refused: Refused) -> None:
    """When the table's rule goes, or another type comes, the association's stays and is updated and deleted still."""
    rules = Rules(parties, listing())
    rules.create(policy_for("LIST"))
    table = {"configuredTableIdentifier": rules.table["id"]}
    rules.client.delete_configured_table_analysis_rule(**table, analysisRuleType="LIST")
    assert rules.update(policy_for("LIST", allowedResultReceivers=[ADVERTISER]))["type"] == "LIST"
    rules.client.create_configured_table_analysis_rule(
        **table,
        analysisRuleType="CUSTOM",
        analysisRulePolicy=custom("ANY_QUERY", allowedAnalysisProviders=[ADVERTISER]),
    )
    (detail,) = parties.advertiser.schema()["schemaStatusDetails"]
    assert [reason["code"] for reason in detail["reasons"]] == ["ANALYSIS_RULE_TYPES_NOT_COMPATIBLE"]
    rules.delete("LIST")
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="ASSOC-20"):
        rules.create(policy_for("LIST"))


@pytest.mark.rule("ASSOC-13", "LIFE-22", "LIFE-13")
@pytest.mark.parametrize("end", [None, "removed", "deleted"])
def test_whose_rule_it_is(parties: Parties, refused: Refused, end: str | None) -> None:
    """Nobody else finds the membership, no other association is found under it, and after the end rules are only read and deleted."""
    rules = Rules(parties, listing())
    made = rules.create(policy_for("LIST"))
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create", {"analysisRuleType": "LIST", "analysisRulePolicy": policy_for("LIST")}),
        ("update", {"analysisRuleType": "LIST", "analysisRulePolicy": policy_for("LIST")}),
        ("get", {"analysisRuleType": "LIST"}),
        ("delete", {"analysisRuleType": "LIST"}),
    ]

    def call(client: Any, verb: str, arguments: dict[str, Any], **where: Any) -> Any:
        method = getattr(client, f"{verb}_configured_table_association_analysis_rule")
        return method(**{**rules.here, **where}, **arguments)

    if end is not None:
        parties.end(end)
        for verb, arguments in calls[:2]:
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
                call(rules.client, verb, arguments)
    for verb, arguments in calls:
        for client in (parties.advertiser.client, parties.invited):
            with refused("ResourceNotFoundException", rule="ERR-10"):
                call(client, verb, arguments)
        if end is None or verb in ("get", "delete"):
            with refused("ResourceNotFoundException", rule="LIFE-24") as error:
                call(rules.client, verb, arguments, configuredTableAssociationIdentifier=NOWHERE)
            assert error["resourceId"] == NOWHERE
    assert rules.get("LIST") == made
    rules.delete("LIST")
    assert rules.types() == []
