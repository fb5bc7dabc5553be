"""Associations of tables: their names, their roles and their life."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, At, Refused, Scene

OTHER = "333333333333"
QUOTA = "Table associations per membership"
SERVICE = "cleanrooms.amazonaws.com"


def role_of(account_id: str, name: str = "tables") -> str:
    return f"arn:aws:iam::{account_id}:role/{name}"


def differs(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """The members in which two answers differ."""
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


class Party:
    """A member and what it does with its tables."""

    def __init__(self, scene: Scene, account_id: str, collaboration: dict[str, Any]) -> None:
        self.account_id = account_id
        self.client: Any = scene.handle.client(account_id)
        self.role = role_of(account_id)
        self.membership = scene.join(self.client, collaboration)
        self.here = {"membershipIdentifier": self.membership["id"]}
        self.there = {"collaborationIdentifier": collaboration["id"]}

    def table(self, policy: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
        """Configure a table, with an analysis rule if there is a policy for it."""
        arguments: dict[str, Any] = {
            "name": "sales",
            "tableReference": {"glue": {"databaseName": "shop", "tableName": "sales"}},
            "allowedColumns": ["email", "price"],
            "analysisMethod": "DIRECT_QUERY",
            **overrides,
        }
        table: dict[str, Any] = self.client.create_configured_table(**arguments)["configuredTable"]
        if policy is not None:
            self.client.create_configured_table_analysis_rule(
                configuredTableIdentifier=table["id"], analysisRuleType=type_of(policy), analysisRulePolicy=policy
            )
        return table

    def associate(self, name: str = "sales", table: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
        """Associate a table, one without a rule unless a test brings its own."""
        arguments: dict[str, Any] = {
            **self.here,
            "name": name,
            "configuredTableIdentifier": (table or self.table())["id"],
            "roleArn": self.role,
            **overrides,
        }
        return dict(self.client.create_configured_table_association(**arguments)["configuredTableAssociation"])

    def of(self, association: dict[str, Any]) -> dict[str, Any]:
        return {**self.here, "configuredTableAssociationIdentifier": association["id"]}

    def get(self, association: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_configured_table_association(**self.of(association))["configuredTableAssociation"])

    def update(self, association: dict[str, Any], **changes: Any) -> dict[str, Any]:
        answer = self.client.update_configured_table_association(**self.of(association), **changes)
        return dict(answer["configuredTableAssociation"])

    def delete(self, association: dict[str, Any]) -> Any:
        return self.client.delete_configured_table_association(**self.of(association))

    def associations(self) -> list[dict[str, Any]]:
        answer = self.client.list_configured_table_associations(**self.here)
        return list(answer["configuredTableAssociationSummaries"])

    def add_rule(self, association: dict[str, Any], policy: dict[str, Any], rule_type: str | None = None) -> Any:
        return self.client.create_configured_table_association_analysis_rule(
            **self.of(association), analysisRuleType=rule_type or type_of(policy), analysisRulePolicy=policy
        )["analysisRule"]

    def schema(self, name: str = "sales") -> Any:
        return self.client.get_schema(**self.there, name=name)["schema"]

    def schemas(self, **filters: Any) -> Any:
        return self.client.list_schemas(**self.there, **filters)["schemaSummaries"]


def type_of(policy: dict[str, Any]) -> str:
    return str(next(iter(policy["v1"]))).upper()


def listing(**members: Any) -> dict[str, Any]:
    """A table's LIST policy, sound unless a test says otherwise."""
    return {"v1": {"list": {"joinColumns": ["email"], "listColumns": ["price"], **members}}}


def custom(*analyses: str, **members: Any) -> dict[str, Any]:
    """A table's CUSTOM policy that allows these analyses."""
    return {"v1": {"custom": {"allowedAnalyses": list(analyses), **members}}}


def snowflake(**columns: str) -> dict[str, Any]:
    """A reference to a table in Snowflake, which tells its columns itself."""
    schema = [{"columnName": name, "columnType": kind} for name, kind in columns.items()]
    return {
        "snowflake": {
            "secretArn": "arn:aws:secretsmanager:us-east-1:222222222222:secret:snowflake",
            "accountIdentifier": "organisation-account",
            "databaseName": "SHOP",
            "tableName": "SALES",
            "schemaName": "PUBLIC",
            "tableSchema": {"v1": schema},
        }
    }


def namespaces(party: Party, *dimensions: bool) -> list[dict[str, Any]]:
    """Associate two ID namespaces, and say whether each may be a dimension."""
    found = []
    for name, dimension in zip(("source", "target"), dimensions or (False, False), strict=True):
        answer = party.client.create_id_namespace_association(
            **party.here,
            name=name,
            inputReferenceConfig={
                "inputReferenceArn": f"arn:aws:entityresolution:us-east-1:{party.account_id}:idnamespace/{name}",
                "manageResourcePolicies": False,
            },
            idMappingConfig={"allowUseAsDimensionColumn": dimension},
        )
        found.append(answer["idNamespaceAssociation"])
    return found


def mapping(party: Party, name: str = "ids", **more: Any) -> dict[str, Any]:
    """Create an ID mapping table."""
    workflow = f"arn:aws:entityresolution:us-east-1:{party.account_id}:idmappingworkflow/ids"
    answer = party.client.create_id_mapping_table(
        **party.here,
        name=name,
        inputReferenceConfig={"inputReferenceArn": workflow, "manageResourcePolicies": False},
        **more,
    )
    return dict(answer["idMappingTable"])


def derived(party: Party, name: str, query: str, **more: Any) -> dict[str, Any]:
    """Create an intermediate table."""
    answer = party.client.create_intermediate_table(
        **party.here, name=name, populationAnalysisConfiguration={"sqlParameters": {"queryString": query}}, **more
    )
    return dict(answer["intermediateTable"])


class Parties:
    """Two members that have joined, the advertiser and the publisher, and a third account that was only invited."""

    def __init__(self, scene: Scene, **overrides: Any) -> None:
        members = [scene.member(), scene.member(OTHER)]
        self.collaboration = scene.create(**{"members": members, **overrides})
        self.there = {"collaborationIdentifier": self.collaboration["id"]}
        self.advertiser = Party(scene, ADVERTISER, self.collaboration)
        self.publisher = Party(scene, PUBLISHER, self.collaboration)
        self.invited: Any = scene.handle.client(OTHER)

    def end(self, how: str) -> None:
        """Remove the publisher, or delete the collaboration."""
        if how == "removed":
            self.advertiser.client.delete_member(**self.there, accountId=PUBLISHER)
        else:
            self.advertiser.client.delete_collaboration(**self.there)


@pytest.fixture
def parties(scene: Scene) -> Parties:
    return Parties(scene)


# Creation


@pytest.mark.rule("ASSOC-2", "ASSOC-4", "ASSOC-9", "ASSOC-10")
def test_an_association(parties: Parties) -> None:
    """A member without abilities associates a table, and is answered the whole of it, with the name in lower case and nothing that is empty."""
    publisher = parties.publisher
    assert publisher.membership["memberAbilities"] == []
    table = publisher.table()
    association = publisher.associate("Spring_Sales", table, description="all", tags={"stage": "test"})
    own = {name: association[name] for name in ("id", "createTime")}
    summary = {
        **own,
        "arn": f"{publisher.membership['arn']}/configuredtableassociation/{association['id']}",
        "configuredTableId": table["id"],
        "membershipId": publisher.membership["id"],
        "membershipArn": publisher.membership["arn"],
        "name": "spring_sales",
        "updateTime": association["createTime"],
    }
    assert association == {
        **summary,
        "configuredTableArn": table["arn"],
        "roleArn": publisher.role,
        "description": "all",
    }
    assert publisher.get(association) == association
    assert publisher.associations() == [summary]
    assert "description" not in publisher.associate("autumn_sales")


@pytest.mark.rule("ASSOC-3", "SCH-10")
def test_a_table_without_a_rule(parties: Parties) -> None:
    """A table without a rule is associated, and its schema isn't ready."""
    parties.publisher.associate()
    (detail,) = parties.advertiser.schema()["schemaStatusDetails"]
    assert (detail["status"], [reason["code"] for reason in detail["reasons"]]) == (
        "NOT_READY",
        ["ANALYSIS_RULE_MISSING"],
    )


@pytest.mark.rule("ASSOC-1")
def test_membership_and_table_are_own(scene: Scene, parties: Parties, refused: Refused) -> None:
    """Another's membership isn't found, be the table unknown or not; then another's table isn't, nor one that doesn't exist."""
    publisher, advertiser = parties.publisher, parties.advertiser
    foreign, unknown = advertiser.table(), {"id": NOWHERE}
    for membership_id in (advertiser.membership["id"], NOWHERE):
        with refused("ResourceNotFoundException", rule="ERR-10") as error:
            publisher.associate(table=unknown, membershipIdentifier=membership_id)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", membership_id)
    for table in (foreign, unknown):
        with refused("ResourceNotFoundException", rule="TAB-24") as error:
            publisher.associate(table=table, roleArn=advertiser.role)
        assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table["id"])
    assert publisher.associations() == advertiser.associations() == []


@pytest.mark.rule("ASSOC-5", "ASSOC-4", "LIFE-25")
@pytest.mark.parametrize("name", ["sales", "SALES", "Sales"])
def test_a_name_is_taken(parties: Parties, refused: Refused, name: str) -> None:
    """A name is taken in any case, by whichever member; with what, only its owner is told."""
    publisher, advertiser = parties.publisher, parties.advertiser
    association = publisher.associate("Sales")
    with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5") as error:
        publisher.associate(name)
    assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", association["id"])
    with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5") as error:
        advertiser.associate(name)
    assert "resourceType" not in error
    assert "resourceId" not in error
    assert association["id"] not in str(error)
    assert publisher.get(association) == association
    assert advertiser.associations() == []
    publisher.delete(association)
    assert advertiser.associate(name)["name"] == "sales"


@pytest.mark.rule("ASSOC-5", "LIFE-25")
def test_all_kinds_of_tables_share_their_names(parties: Parties, refused: Refused) -> None:
    """Associations, ID mapping tables and intermediate tables can't have each other's names; what has no type goes by its membership's."""
    advertiser = parties.advertiser
    namespaces(advertiser)
    association = advertiser.associate("sales", advertiser.table(custom()))
    table = mapping(advertiser, "Ids")
    kept = derived(advertiser, "Kept", "SELECT email FROM sales")
    others = {
        "SALES": ("CONFIGURED_TABLE_ASSOCIATION", association["id"]),
        "ids": ("MEMBERSHIP", table["id"]),
        "kept": ("MEMBERSHIP", kept["id"]),
    }
    for name, other in others.items():
        attempts: list[Callable[[str], Any]] = [
            advertiser.associate,
            lambda name: mapping(advertiser, name),
            lambda name: derived(advertiser, name, "SELECT email FROM sales"),
        ]
        for attempt in attempts:
            with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5") as error:
                attempt(name)
            assert (error["resourceType"], error["resourceId"]) == other
    assert [schema["name"] for schema in advertiser.schemas()] == ["sales", "Ids", "Kept"]


@pytest.mark.rule("ASSOC-5", "LIFE-10")
def test_the_name_of_a_removed_member(parties: Parties) -> None:
    """A removed member's name is free, and stays its next owner's when the old one is deleted."""
    old = parties.publisher.associate()
    parties.end("removed")
    new = parties.advertiser.associate()
    assert parties.publisher.get(old) == old
    parties.publisher.delete(old)
    assert parties.advertiser.schema()["resourceArn"] == new["arn"]
    assert [schema["resourceArn"] for schema in parties.advertiser.schemas()] == [new["arn"]]


@pytest.mark.rule("ASSOC-6", "ASSOC-5")
def test_one_table_under_many_names(scene: Scene, parties: Parties) -> None:
    """A table is associated twice with one collaboration, and under a name that is taken there with another."""
    publisher = parties.publisher
    other = Parties(scene).publisher
    table = publisher.table()
    made = [publisher.associate("sales", table), publisher.associate("orders", table), other.associate("sales", table)]
    assert {association["configuredTableId"] for association in made} == {table["id"]}
    assert len({association["id"] for association in made}) == 3
    assert [summary["name"] for summary in publisher.associations()] == ["sales", "orders"]
    assert [summary["name"] for summary in other.associations()] == ["sales"]


@pytest.mark.rule("ASSOC-8", "QUO-6", "LIFE-25")
def test_quota(scene: Scene, parties: Parties, refused: Refused) -> None:
    """The quota counts the associations of one membership, is checked after the name, and is 100 by default."""
    publisher = parties.publisher
    assert scene.handle.quotas[QUOTA] == 100
    scene.handle.quotas[QUOTA] = 2
    first, second = publisher.associate("a"), publisher.associate("b")
    with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5"):
        publisher.associate("A")
    with refused("ServiceQuotaExceededException") as error:
        publisher.associate("c")
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 2)
    assert [summary["id"] for summary in publisher.associations()] == [first["id"], second["id"]]
    parties.advertiser.associate("c")
    publisher.delete(first)
    publisher.associate("a")


# Roles


def make_role(scene: Scene, account_id: str, name: str, service: str = SERVICE) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    arn: str = scene.handle.client(account_id, service="iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )["Role"]["Arn"]
    return arn


@pytest.mark.rule("ASSOC-7")
def test_roles(scene: Scene, parties: Parties, refused: Refused) -> None:
    """A role is the caller's own; once the account has made one, it must exist and trust the service, at creation and in updates."""
    publisher = parties.publisher
    before = publisher.associate("before")
    wrong = [role_of(ADVERTISER)]
    make_role(scene, ADVERTISER, "others")
    assert publisher.update(before, roleArn=role_of(PUBLISHER, "nobody"))["roleArn"] == role_of(PUBLISHER, "nobody")
    trusted = make_role(scene, PUBLISHER, "trusted")
    wrong += [role_of(PUBLISHER, "nobody"), make_role(scene, PUBLISHER, "glue", "glue.amazonaws.com")]
    association = publisher.associate(roleArn=trusted)
    for role in wrong:
        with refused("ValidationException", "INVALID_CONFIGURATION", field="roleArn", rule="ASSOC-7"):
            publisher.associate("orders", roleArn=role)
        with refused("ValidationException", "INVALID_CONFIGURATION", field="roleArn", rule="ASSOC-7"):
            publisher.update(association, roleArn=role, description="changed")
    assert publisher.get(association) == association
    assert len(publisher.associations()) == 2


@pytest.mark.rule("ASSOC-7")
def test_role_of_another_account(parties: Parties, refused: Refused) -> None:
    """Another account's role is refused although nobody has made any, and before the name is looked at."""
    publisher = parties.publisher
    publisher.associate()
    with refused("ValidationException", "INVALID_CONFIGURATION", field="roleArn", rule="ASSOC-7"):
        publisher.associate(roleArn=parties.advertiser.role)


@pytest.mark.rule("ASSOC-7")
@pytest.mark.cleanrooms(references="strict")
def test_roles_strictly(scene: Scene, parties: Parties, refused: Refused) -> None:
    """With strict references a role must exist from the first."""
    table = parties.publisher.table(tableReference=snowflake(email="TEXT", price="NUMBER"))
    with refused("ValidationException", "INVALID_CONFIGURATION", field="roleArn", rule="ASSOC-7"):
        parties.publisher.associate(table=table)
    parties.publisher.associate(table=table, roleArn=make_role(scene, PUBLISHER, "tables"))


# Afterwards


@pytest.mark.rule("ASSOC-10")
def test_children(parties: Parties) -> None:
    """An association has its intermediate tables for children, with id and status of its owner's own only."""
    advertiser, publisher = parties.advertiser, parties.publisher
    theirs = publisher.associate("theirs", publisher.table(custom()))
    own = advertiser.associate("own", advertiser.table(custom()))
    unused = publisher.associate("unused")
    shared = derived(advertiser, "Shared", "SELECT a.email FROM theirs a JOIN own b ON a.email = b.email")
    above = derived(advertiser, "above", "SELECT email FROM Shared")
    shown = [
        {"resourceType": "INTERMEDIATE_TABLE", "resourceName": name, "ownerAccountId": ADVERTISER}
        for name in ("Shared", "above")
    ]
    assert publisher.get(theirs)["childResources"] == shown
    assert advertiser.get(own)["childResources"] == [
        {**child, "resourceId": table["id"], "resourceStatus": "CREATED"}
        for child, table in zip(shown, (shared, above), strict=True)
    ]
    assert "childResources" not in publisher.get(unused)


@pytest.mark.rule("ASSOC-11", "LIFE-36")
def test_update(parties: Parties, at: At) -> None:
    """An update changes what it names, and moves updateTime even if that is nothing."""
    publisher = parties.publisher
    association = publisher.associate(description="all")
    seen = association
    for year, changes in ((2040, {"description": "some"}), (2041, {"roleArn": role_of(PUBLISHER, "new")}), (2042, {})):
        at(year)
        changed = publisher.update(association, **changes)
        assert changed == publisher.get(association)
        assert differs(changed, seen) == {*changes, "updateTime"}
        assert changes.items() <= changed.items()
        assert changed["updateTime"].utctimetuple().tm_year == year
        seen = changed
    assert publisher.update(association, description="")["description"] == ""


@pytest.mark.rule("LIFE-36", "ASSOC-10")
def test_what_hangs_on_an_association_does_not_move_it(parties: Parties, at: At) -> None:
    """Tags, rules and the table's own changes leave updateTime, and the type of the rule is shown while there is one."""
    publisher = parties.publisher
    table = publisher.table(listing())
    association = publisher.associate(table=table)
    at(2040)
    publisher.client.tag_resource(resourceArn=association["arn"], tags={"a": "b"})
    publisher.client.update_configured_table(configuredTableIdentifier=table["id"], name="new")
    assert publisher.get(association) == association
    publisher.add_rule(association, {"v1": {"list": {}}})
    assert publisher.get(association) == {**association, "analysisRuleTypes": ["LIST"]}
    assert publisher.associations()[0]["analysisRuleTypes"] == ["LIST"]
    publisher.client.delete_configured_table_association_analysis_rule(
        **publisher.of(association), analysisRuleType="LIST"
    )
    assert publisher.get(association) == association


@pytest.mark.rule("ASSOC-12", "LIFE-4", "LIFE-33", "LIFE-35")
def test_delete(parties: Parties, refused: Refused) -> None:
    """A deleted association is gone with all that hangs on it, whatever is built on it, and a new one of the name has none of that."""
    publisher, advertiser = parties.publisher, parties.advertiser
    table = publisher.table(listing())
    association = publisher.associate(table=table, tags={"a": "b"})
    publisher.add_rule(association, {"v1": {"list": {}}})
    budget = {"resourceArn": association["arn"], "budgetParameters": [{"type": "LIFETIME", "budget": 5}]}
    publisher.client.create_privacy_budget_template(
        **publisher.here, privacyBudgetType="ACCESS_BUDGET", parameters={"accessBudget": budget}
    )
    below = derived(advertiser, "below", "SELECT email FROM sales")
    above = derived(advertiser, "above", "SELECT email FROM below")
    kept = derived(advertiser, "kept", "SELECT email FROM own") if advertiser.associate("own") else {}
    assert publisher.delete(association)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("ResourceNotFoundException", rule="LIFE-24"):
        publisher.get(association)
    with refused("ResourceNotFoundException", rule="SCH-3"):
        advertiser.schema()
    with refused("ResourceNotFoundException", rule="TAG-4"):
        publisher.client.list_tags_for_resource(resourceArn=association["arn"])
    assert publisher.client.list_privacy_budget_templates(**publisher.here)["privacyBudgetTemplateSummaries"] == []
    states = [
        advertiser.client.get_intermediate_table(**advertiser.here, intermediateTableIdentifier=one["id"])[
            "intermediateTable"
        ]["status"]
        for one in (below, above, kept)
    ]
    assert states == ["BASE_TABLE_REMOVED", "BASE_TABLE_REMOVED", "CREATED"]
    again = publisher.associate(table=table)
    assert "analysisRuleTypes" not in again
    assert publisher.client.list_tags_for_resource(resourceArn=again["arn"])["tags"] == {}


@pytest.mark.rule("ASSOC-13", "LIFE-24", "LIFE-23", "LIFE-5")
def test_not_found(scene: Scene, parties: Parties, refused: Refused) -> None:
    """An association isn't found if it never was, is deleted, or is under another membership, of the caller's too."""
    publisher = parties.publisher
    elsewhere = Parties(scene).publisher.associate()
    theirs, gone = parties.advertiser.associate("theirs"), publisher.associate()
    publisher.delete(gone)
    for one in (elsewhere, theirs, gone, {"id": NOWHERE}):
        for call in (publisher.get, publisher.update, publisher.delete):
            with refused("ResourceNotFoundException", rule="LIFE-24") as error:
                call(one)
            assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", one["id"])
    assert publisher.associations() == []
    assert len(parties.advertiser.associations()) == 1


@pytest.mark.rule("LIFE-14", "LIFE-4")
@pytest.mark.parametrize("end", [None, "removed", "deleted"])
def test_an_association_outlives_its_table(parties: Parties, refused: Refused, end: str | None) -> None:
    """When the table is deleted the association stays as it was, in every state of its membership, until it is deleted itself."""
    publisher = parties.publisher
    table = publisher.table(listing())
    association = publisher.associate(table=table)
    if end is not None:
        parties.end(end)
    publisher.client.delete_configured_table(configuredTableIdentifier=table["id"])
    assert publisher.get(association) == association
    assert len(publisher.associations()) == 1
    if end is None:
        schema = parties.advertiser.schema()
        assert schema["analysisRuleTypes"] == []
        assert schema["schemaStatusDetails"][0]["reasons"][0]["code"] == "ANALYSIS_RULE_MISSING"
        with refused("ResourceNotFoundException", rule="TAB-24"):
            publisher.associate("again", table)
    publisher.delete(association)
    assert publisher.associations() == []
