"""Schemas: what members see of each other's tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cleanrooms.test_associations import (
    OTHER,
    Parties,
    Party,
    custom,
    derived,
    listing,
    mapping,
    namespaces,
    type_of,
)
from tests.cleanrooms.test_configured_tables import AGGREGATION
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Refused, Scene

MODEL = f"arn:aws:cleanrooms:us-east-1:{STRANGER}:membership/*/configuredaudiencemodelassociation/*"


def aggregation(**members: Any) -> dict[str, Any]:
    return {"v1": {"aggregation": {**AGGREGATION["v1"]["aggregation"], **members}}}


@pytest.fixture
def parties(scene: Scene) -> Parties:
    return Parties(scene)


def views(client: Any, collaboration: dict[str, Any], name: str = "sales") -> list[Callable[[], Any]]:
    """The five operations on schemas."""
    there = {"collaborationIdentifier": collaboration["id"]}
    pair = {"name": name, "type": "LIST"}
    return [
        lambda: client.get_schema(**there, name=name),
        lambda: client.list_schemas(**there),
        lambda: client.batch_get_schema(**there, names=[name]),
        lambda: client.get_schema_analysis_rule(**there, **pair),
        lambda: client.batch_get_schema_analysis_rule(**there, schemaAnalysisRuleRequests=[pair]),
    ]


def names(party: Party, **filters: Any) -> list[str]:
    return [summary["name"] for summary in party.schemas(**filters)]


def codes(detail: dict[str, Any]) -> list[str]:
    assert detail["status"] == ("NOT_READY" if "reasons" in detail else "READY")
    assert all(reason["message"] for reason in detail.get("reasons", []))
    return [reason["code"] for reason in detail.get("reasons", [])]


# Who sees what


@pytest.mark.rule("SCH-1", "LIFE-20", "LIFE-21")
@pytest.mark.parametrize("who", ["invited", "stranger", "unjoined creator", "left", "removed", "deleted"])
def test_who_is_denied(scene: Scene, parties: Parties, refused: Refused, who: str) -> None:
    """Whoever hasn't joined or is out is denied every schema, in batches too; a deleted collaboration isn't found."""
    parties.publisher.associate(table=parties.publisher.table(listing()))
    collaboration, client, rule = parties.collaboration, parties.invited, "LIFE-21"
    if who == "unjoined creator":
        collaboration, client = scene.create(), scene.advertiser
    elif who == "stranger":
        client, rule = scene.stranger, "ERR-8"
    elif who != "invited":
        client, rule = parties.publisher.client, "ERR-8"
        if who == "left":
            parties.publisher.delete(parties.publisher.associations()[0])
            client.delete_membership(**parties.publisher.here)
        else:
            parties.end(who)
    for view in views(client, collaboration):
        if who == "deleted":
            with refused("ResourceNotFoundException", rule="ERR-8") as error:
                view()
            assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", collaboration["id"])
        else:
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
                view()
    for view in views(scene.stranger, {"id": NOWHERE}):
        with refused("ResourceNotFoundException", rule="ERR-8"):
            view()


@pytest.mark.rule("SCH-2", "LIFE-10")
def test_all_members_see_all_schemas(parties: Parties) -> None:
    """Tables of every kind and member are seen by all of them alike, until their owner is removed."""
    advertiser, publisher = parties.advertiser, parties.publisher
    publisher.associate("theirs", publisher.table(listing()))
    namespaces(publisher)
    mapping(publisher, "ids")
    advertiser.associate("own", advertiser.table(listing()))
    derived(advertiser, "Kept", "SELECT email FROM own")
    everything = ["theirs", "ids", "own", "Kept"]
    asked = {**parties.there, "names": everything}
    for party in (advertiser, publisher):
        assert names(party) == everything
        batch = party.client.batch_get_schema(**asked)
        assert batch["schemas"] == [party.schema(name) for name in everything]
        assert batch["errors"] == []
    assert [advertiser.schema(name) for name in everything] == [publisher.schema(name) for name in everything]
    assert [schema["type"] for schema in batch["schemas"]] == [
        "TABLE",
        "ID_MAPPING_TABLE",
        "TABLE",
        "INTERMEDIATE_TABLE",
    ]
    assert (batch["schemas"][3]["columns"], batch["schemas"][3]["partitionKeys"]) == ([], [])
    parties.end("removed")
    assert names(advertiser) == ["own", "Kept"]
    assert [error["name"] for error in advertiser.client.batch_get_schema(**asked)["errors"]] == ["theirs", "ids"]


@pytest.mark.rule("SCH-3", "LIFE-24")
def test_a_name_is_looked_up_in_lower_case(parties: Parties, refused: Refused) -> None:
    """A schema is found in any case and has its own name; an unknown one isn't, under the name that was asked for."""
    advertiser = parties.advertiser
    parties.publisher.associate(table=parties.publisher.table(listing()))
    derived(advertiser, "Kept", "SELECT email FROM SALES")
    assert [advertiser.schema(name)["name"] for name in ("SALES", "kept", "KEPT")] == ["sales", "Kept", "Kept"]
    rule = {**parties.there, "type": "LIST"}
    assert advertiser.client.get_schema_analysis_rule(**rule, name="Sales")["analysisRule"]["name"] == "sales"
    for call, asked in (
        (advertiser.client.get_schema, parties.there),
        (advertiser.client.get_schema_analysis_rule, rule),
    ):
        with refused("ResourceNotFoundException", rule="SCH-3") as error:
            call(**asked, name="Orders")
        assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", "Orders")


# What a schema has


@pytest.mark.rule("SCH-6", "SCH-7", "SCH-8", "SCH-16")
def test_a_table(parties: Parties) -> None:
    """A table's schema says whose it is and what it refers to; the summary leaves columns, description and status out."""
    publisher = parties.publisher
    table = publisher.table(listing(), analysisMethod="MULTIPLE")
    association = publisher.associate(table=table, description="all")
    summary = {
        "name": "sales",
        "type": "TABLE",
        "creatorAccountId": PUBLISHER,
        "createTime": association["createTime"],
        "updateTime": association["updateTime"],
        "collaborationId": parties.collaboration["id"],
        "collaborationArn": parties.collaboration["arn"],
        "analysisRuleTypes": ["LIST"],
        "resourceArn": association["arn"],
        "analysisMethod": "MULTIPLE",
        "selectedAnalysisMethods": table["selectedAnalysisMethods"],
    }
    assert parties.advertiser.schemas() == [summary]
    assert parties.advertiser.schema() == {
        **summary,
        "columns": [{"name": "email", "type": "string"}, {"name": "price", "type": "string"}],
        "partitionKeys": [],
        "description": "all",
        "schemaStatusDetails": [
            {"status": "READY", "analysisRuleType": "LIST", "analysisType": "DIRECT_ANALYSIS"},
        ],
        "schemaTypeProperties": {
            "configuredTableAssociation": {"configuredTableAssociationId": association["id"]},
        },
    }


@pytest.mark.rule("SCH-6", "SCH-7")
def test_a_table_of_which_little_is_said(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without description or rule both are empty, one method selects none, and times are the association's."""
    publisher = parties.publisher
    table = publisher.table()
    association = publisher.associate(table=table)
    for change in ({"name": "new"}, {"description": "new"}):
        publisher.client.update_configured_table(configuredTableIdentifier=table["id"], **change)
    schema = parties.advertiser.schema()
    assert (schema["description"], schema["analysisRuleTypes"]) == ("", [])
    assert schema["analysisMethod"] == "DIRECT_QUERY"
    assert "selectedAnalysisMethods" not in schema
    assert schema["updateTime"] == association["updateTime"]
    monkeypatch.setattr("cleanrooms_mock.cleanrooms.associations.now", lambda: 4e9)
    publisher.update(association, description="new")
    schema = parties.advertiser.schema()
    assert (schema["description"], schema["updateTime"].timestamp()) == ("new", 4e9)
    assert schema["createTime"] == association["createTime"]


@pytest.mark.rule("SCH-7", "SCH-8", "SCH-2", "SCH-6")
def test_other_tables(parties: Parties) -> None:
    """An ID mapping table has its ARN and its two sources, an intermediate table its id alone; neither has methods."""
    advertiser, publisher = parties.advertiser, parties.publisher
    source, target = namespaces(publisher)
    table = mapping(publisher, description="who is who")
    advertiser.associate("own")
    kept = derived(advertiser, "kept", "SELECT email FROM own")
    ids, result = advertiser.schema("ids"), advertiser.schema("kept")
    assert (ids["resourceArn"], ids["creatorAccountId"], ids["description"]) == (table["arn"], PUBLISHER, "who is who")
    assert ids["schemaTypeProperties"] == {
        "idMappingTable": {
            "idMappingTableId": table["id"],
            "idMappingTableInputSource": [
                {"idNamespaceAssociationId": source["id"], "type": "SOURCE"},
                {"idNamespaceAssociationId": target["id"], "type": "TARGET"},
            ],
        }
    }
    assert result["schemaTypeProperties"] == {"intermediateTable": {"intermediateTableId": kept["id"]}}
    assert (result["creatorAccountId"], result["description"]) == (ADVERTISER, "")
    assert "resourceArn" not in result
    for schema in (ids, result):
        assert not {"analysisMethod", "selectedAnalysisMethods"} & schema.keys()


class Catalog:
    """The publisher's Glue table ``shop.sales``."""

    def __init__(self, scene: Scene) -> None:
        self.glue = scene.handle.client(PUBLISHER, service="glue")
        self.glue.create_database(DatabaseInput={"Name": "shop"})
        self.glue.create_table(DatabaseName="shop", TableInput=self._table("DOUBLE"))

    def _table(self, price: str) -> dict[str, Any]:
        columns = {"email": "VARCHAR(20)", "price": price, "secret": "int"}
        return {
            "Name": "sales",
            "StorageDescriptor": {"Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]},
            "PartitionKeys": [{"Name": "day", "Type": "DATE"}, {"Name": "shop", "Type": "int"}],
        }

    def change(self, price: str) -> None:
        self.glue.update_table(DatabaseName="shop", TableInput=self._table(price))

    def drop(self) -> None:
        self.glue.delete_table(DatabaseName="shop", Name="sales")


def columns(party: Party) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    schema = party.schema()
    found = [[(column["name"], column["type"]) for column in schema[key]] for key in ("columns", "partitionKeys")]
    return found[0], found[1]


@pytest.mark.rule("SCH-4", "SCH-5", "ENG-02")
def test_columns(scene: Scene, parties: Parties) -> None:
    """Allowed columns come in their order with types in lower case, partition keys apart; types are the catalog's of now, or the last it had."""
    catalog = Catalog(scene)
    publisher = parties.publisher
    publisher.associate(table=publisher.table(allowedColumns=["price", "day", "email"]))
    keys = [("day", "date")]
    assert columns(parties.advertiser) == ([("price", "double"), ("email", "varchar(20)")], keys)
    catalog.change("Decimal(10,2)")
    changed = ([("price", "decimal(10,2)"), ("email", "varchar(20)")], keys)
    assert columns(parties.advertiser) == changed
    catalog.drop()
    assert columns(parties.advertiser) == changed


@pytest.mark.rule("SCH-5", "SCH-4")
def test_columns_that_no_catalog_has(parties: Parties) -> None:
    """What the catalog never had is a string, and columns that are allowed later are there at once."""
    table = parties.publisher.table()
    parties.publisher.associate(table=table)
    assert columns(parties.advertiser) == ([("email", "string"), ("price", "string")], [])
    parties.publisher.client.update_configured_table(configuredTableIdentifier=table["id"], allowedColumns=["day"])
    assert columns(parties.advertiser) == ([("day", "string")], [])


# What may be done

READY: list[str] = []
NO_RULE = "COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED"
NO_RECEIVERS = "RESULT_RECEIVERS_NOT_CONFIGURED"
NOT_DIRECT = "RESULT_RECEIVERS_NOT_ALLOWED"
NO_ANALYSES = "ADDITIONAL_ANALYSES_NOT_CONFIGURED"
NOT_ALLOWED = "ADDITIONAL_ANALYSES_NOT_ALLOWED"
RECEIVERS = {"allowedResultReceivers": [ADVERTISER]}
ANALYSES = {"allowedAdditionalAnalyses": [MODEL]}


def any_query(*providers: str, **members: Any) -> dict[str, Any]:
    return custom("ANY_QUERY", allowedAnalysisProviders=list(providers or (ADVERTISER,)), **members)


def some(choice: str) -> dict[str, Any]:
    return {"additionalAnalyses": choice}


CASES: list[Any] = [
    # Nothing was said of additional analyses: with the association's rule, and without one.
    (listing(), None, READY, None),
    (aggregation(), None, READY, None),
    (any_query(), None, READY, None),
    (listing(**some("NOT_ALLOWED")), None, READY, None),
    (listing(), RECEIVERS, READY, None),
    (listing(), {}, [NO_RECEIVERS], None),
    (listing(), {"allowedResultReceivers": []}, [NO_RECEIVERS], None),
    (aggregation(), {}, [NO_RECEIVERS], None),
    # Additional analyses are allowed or required; for AGGREGATION that has no effect.
    (listing(**some("ALLOWED")), None, [NO_RULE], [NO_RULE]),
    (listing(**some("REQUIRED")), None, [NOT_DIRECT, NO_RULE], [NO_RULE]),
    (aggregation(**some("ALLOWED")), None, READY, None),
    (aggregation(**some("REQUIRED")), RECEIVERS, READY, None),
    (listing(**some("ALLOWED")), RECEIVERS, READY, [NO_ANALYSES]),
    (listing(**some("ALLOWED")), {**RECEIVERS, "allowedAdditionalAnalyses": []}, READY, [NO_ANALYSES]),
    (listing(**some("ALLOWED")), {**RECEIVERS, **ANALYSES}, READY, READY),
    (listing(**some("ALLOWED")), ANALYSES, [NO_RECEIVERS], READY),
    (any_query(**some("REQUIRED")), {**RECEIVERS, **ANALYSES}, [NOT_DIRECT], READY),
    (any_query(**some("REQUIRED")), ANALYSES, [NO_RECEIVERS, NOT_DIRECT], READY),
    # The association names some that the table forbids.
    (listing(), {**RECEIVERS, **ANALYSES}, READY, [NOT_ALLOWED]),
    (listing(**some("NOT_ALLOWED")), ANALYSES, [NO_RECEIVERS], [NOT_ALLOWED]),
    (aggregation(**some("ALLOWED")), {**RECEIVERS, **ANALYSES}, READY, [NOT_ALLOWED]),
    # Whose analyses may run, and which.
    (custom(), None, ["ANALYSIS_TEMPLATES_NOT_CONFIGURED"], None),
    (any_query(STRANGER), RECEIVERS, ["ANALYSIS_PROVIDERS_NOT_CONFIGURED"], None),
    (any_query(STRANGER, OTHER), RECEIVERS, READY, None),
    (any_query(PUBLISHER), RECEIVERS, READY, None),
    (
        any_query(STRANGER, **some("ALLOWED")),
        ANALYSES,
        ["ANALYSIS_PROVIDERS_NOT_CONFIGURED", NO_RECEIVERS],
        ["ANALYSIS_PROVIDERS_NOT_CONFIGURED"],
    ),
    (
        custom(**some("REQUIRED")),
        {},
        ["ANALYSIS_TEMPLATES_NOT_CONFIGURED", NO_RECEIVERS, NOT_DIRECT],
        ["ANALYSIS_TEMPLATES_NOT_CONFIGURED", NO_ANALYSES],
    ),
]


@pytest.mark.rule("SCH-9", "SCH-10", "SCH-11", "ASSOC-24", "ASSOC-26", "ASSOC-27", "RULE-27", "RULE-32")
@pytest.mark.parametrize(("policy", "added", "direct", "additional"), CASES)
def test_status(parties: Parties, policy: Any, added: Any, direct: list[str], additional: list[str] | None) -> None:
    """What keeps a table from being analysed, for its rule and its association's; a second status is there only if it is about something."""
    publisher = parties.publisher
    association = publisher.associate(table=publisher.table(policy))
    if added is not None:
        (kind,) = policy["v1"]
        publisher.add_rule(association, {"v1": {kind: added}})
    details = parties.advertiser.schema()["schemaStatusDetails"]
    expected = {"DIRECT_ANALYSIS": direct}
    if additional is not None:
        expected["ADDITIONAL_ANALYSIS"] = additional
    assert {detail["analysisType"]: codes(detail) for detail in details} == expected
    assert list(expected) == [detail["analysisType"] for detail in details]
    assert all(detail["analysisRuleType"] == type_of(policy) for detail in details)
    assert all("configurations" not in detail for detail in details)


@pytest.mark.rule("ASSOC-27", "SCH-10")
@pytest.mark.cleanrooms(references="strict")
@pytest.mark.parametrize("added", [None, RECEIVERS])
def test_strict_status(scene: Scene, parties: Parties, added: dict[str, Any] | None) -> None:
    """With strict references every table waits for the association's rule."""
    Catalog(scene)
    role = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "cleanrooms.amazonaws.com"}, "Action": "*"}]}
    iam = scene.handle.client(PUBLISHER, service="iam")
    iam.create_role(RoleName="tables", AssumeRolePolicyDocument=str(role).replace("'", '"'))
    publisher = parties.publisher
    association = publisher.associate(table=publisher.table(listing()))
    if added is not None:
        publisher.add_rule(association, {"v1": {"list": added}})
    (detail,) = parties.advertiser.schema()["schemaStatusDetails"]
    assert codes(detail) == ([NO_RULE] if added is None else READY)


@pytest.mark.rule("SCH-9", "SCH-10")
def test_differential_privacy(parties: Parties) -> None:
    """A rule with differential privacy shows as a configuration, and waits for the owner's budget, not for another's."""
    publisher = parties.publisher
    policy = any_query(differentialPrivacy={"columns": [{"name": "email"}]}, **some("ALLOWED"))
    association = publisher.associate(table=publisher.table(policy))
    publisher.add_rule(association, {"v1": {"custom": {**RECEIVERS, **ANALYSES}}})
    for party, missing in ((None, True), (parties.advertiser, True), (publisher, False)):
        if party is not None:
            party.client.create_privacy_budget_template(
                **party.here,
                privacyBudgetType="DIFFERENTIAL_PRIVACY",
                autoRefresh="NONE",
                parameters={"differentialPrivacy": {"epsilon": 3, "usersNoisePerQuery": 20}},
            )
        details = parties.advertiser.schema()["schemaStatusDetails"]
        assert len(details) == 2
        for detail in details:
            assert detail["configurations"] == ["DIFFERENTIAL_PRIVACY"]
            assert codes(detail) == (["DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED"] if missing else READY)


@pytest.mark.rule("SCH-10", "SCH-11", "SCH-9")
def test_rules_that_no_longer_fit(parties: Parties) -> None:
    """The table's rule changes its type under the association's, or goes: then nothing else is told."""
    publisher = parties.publisher
    table = publisher.table(listing())
    association = publisher.associate(table=table)
    publisher.add_rule(association, {"v1": {"list": {**ANALYSES}}})
    here = {"configuredTableIdentifier": table["id"]}
    publisher.client.delete_configured_table_analysis_rule(**here, analysisRuleType="LIST")
    (detail,) = parties.advertiser.schema()["schemaStatusDetails"]
    assert codes(detail) == ["ANALYSIS_RULE_MISSING"]
    assert "analysisRuleType" not in detail
    publisher.client.create_configured_table_analysis_rule(
        **here, analysisRuleType="AGGREGATION", analysisRulePolicy=aggregation()
    )
    direct, additional = parties.advertiser.schema()["schemaStatusDetails"]
    assert codes(direct) == ["ANALYSIS_RULE_TYPES_NOT_COMPATIBLE", NO_RECEIVERS]
    assert codes(additional) == ["ANALYSIS_RULE_TYPES_NOT_COMPATIBLE", NOT_ALLOWED]


@pytest.mark.rule("SCH-10")
def test_a_provider_that_was_removed(parties: Parties) -> None:
    """An invited provider counts, and no longer when it is removed."""
    parties.publisher.associate(table=parties.publisher.table(any_query(OTHER)))
    for expected in (READY, ["ANALYSIS_PROVIDERS_NOT_CONFIGURED"]):
        assert codes(parties.advertiser.schema()["schemaStatusDetails"][0]) == expected
        parties.advertiser.client.delete_member(**parties.there, accountId=OTHER)


@pytest.mark.rule("SCH-12")
def test_status_of_an_id_mapping_table(parties: Parties) -> None:
    """An ID mapping table waits for its first populate, and for another if one of its namespaces is gone."""
    publisher = parties.publisher
    source, _ = namespaces(publisher)
    here = {**publisher.here, "idMappingTableIdentifier": mapping(publisher)["id"]}

    def status() -> list[str]:
        schema = parties.advertiser.schema("ids")
        assert schema["analysisRuleTypes"] == ["ID_MAPPING_TABLE"]
        (detail,) = schema["schemaStatusDetails"]
        assert (detail["analysisType"], detail["analysisRuleType"]) == ("DIRECT_ANALYSIS", "ID_MAPPING_TABLE")
        return codes(detail)

    assert status() == ["ID_MAPPING_TABLE_NOT_POPULATED"]
    publisher.client.populate_id_mapping_table(**here)
    assert status() == READY
    publisher.client.delete_id_namespace_association(**publisher.here, idNamespaceAssociationIdentifier=source["id"])
    assert status() == ["ID_MAPPING_TABLE_NOT_POPULATED"]


@pytest.mark.rule("SCH-12")
def test_status_of_an_intermediate_table(parties: Parties) -> None:
    """An intermediate table waits for its rule and its data, and says so when a base table is gone."""
    advertiser = parties.advertiser
    association = parties.publisher.associate(table=parties.publisher.table(any_query()))
    kept = derived(advertiser, "kept", "SELECT email FROM sales")

    def status() -> list[str]:
        (detail,) = advertiser.schema("kept")["schemaStatusDetails"]
        assert detail["analysisType"] == "DIRECT_ANALYSIS"
        return codes(detail)

    assert status() == ["INTERMEDIATE_TABLE_ANALYSIS_RULE_MISSING", "INTERMEDIATE_TABLE_NOT_POPULATED"]
    advertiser.client.create_intermediate_table_analysis_rule(
        **advertiser.here,
        intermediateTableIdentifier=kept["id"],
        analysisRuleType="CUSTOM",
        analysisRulePolicy=any_query(),
    )
    assert status() == ["INTERMEDIATE_TABLE_NOT_POPULATED"]
    parties.publisher.delete(association)
    assert status() == ["INTERMEDIATE_TABLE_BASE_TABLE_REMOVED"]


# Rules


@pytest.mark.rule("SCH-13", "SCH-3")
def test_a_rule_is_found_by_its_type(parties: Parties, refused: Refused) -> None:
    """A schema without a rule, or with one of another type, doesn't have the one that was asked for."""
    publisher, advertiser = parties.publisher, parties.advertiser
    namespaces(publisher)
    mapping(publisher)
    publisher.associate("Sales", publisher.table(listing()))
    publisher.associate("bare")
    for name, types in (
        ("Sales", ("AGGREGATION", "CUSTOM", "ID_MAPPING_TABLE")),
        ("bare", ("LIST", "ID_MAPPING_TABLE")),
        ("ids", ("LIST",)),
    ):
        for rule_type in types:
            with refused("ResourceNotFoundException", rule="SCH-13") as error:
                advertiser.client.get_schema_analysis_rule(**parties.there, name=name, type=rule_type)
            assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", name)


@pytest.mark.rule("SCH-14", "LIFE-36")
@pytest.mark.parametrize("policy", [listing(**some("ALLOWED")), aggregation(), any_query()])
def test_a_rule(parties: Parties, policy: dict[str, Any]) -> None:
    """The table's policy, the association's, and both together for everybody; what the association doesn't have isn't there."""
    publisher = parties.publisher
    (kind,) = policy["v1"]
    table = publisher.table(policy)
    association = publisher.associate(table=table)
    own = publisher.client.get_configured_table_analysis_rule(
        configuredTableIdentifier=table["id"], analysisRuleType=type_of(policy)
    )["analysisRule"]
    asked = {**parties.there, "name": "SALES", "type": type_of(policy)}
    expected = {
        "collaborationId": parties.collaboration["id"],
        "type": type_of(policy),
        "name": "sales",
        "createTime": own["createTime"],
        "updateTime": own["updateTime"],
        "policy": policy,
        "consolidatedPolicy": policy,
    }
    assert parties.advertiser.client.get_schema_analysis_rule(**asked)["analysisRule"] == expected
    for added in ({}, RECEIVERS, {**RECEIVERS, **ANALYSES}):
        addition = {"v1": {kind: added}}
        if added:
            publisher.client.update_configured_table_association_analysis_rule(
                **publisher.of(association), analysisRuleType=type_of(policy), analysisRulePolicy=addition
            )
        else:
            publisher.add_rule(association, addition)
        expected["collaborationPolicy"] = addition
        expected["consolidatedPolicy"] = {"v1": {kind: {**policy["v1"][kind], **added}}}
        for party in (parties.advertiser, publisher):
            assert party.client.get_schema_analysis_rule(**asked)["analysisRule"] == expected


@pytest.mark.rule("SCH-14")
def test_a_rule_of_another_type_adds_nothing(parties: Parties) -> None:
    """An association's rule that no longer is of the table's type is shown, and adds nothing."""
    publisher = parties.publisher
    table = publisher.table(listing())
    publisher.add_rule(publisher.associate(table=table), {"v1": {"list": RECEIVERS}})
    here = {"configuredTableIdentifier": table["id"]}
    publisher.client.delete_configured_table_analysis_rule(**here, analysisRuleType="LIST")
    publisher.client.create_configured_table_analysis_rule(
        **here, analysisRuleType="CUSTOM", analysisRulePolicy=custom()
    )
    rule: Any = parties.advertiser.client.get_schema_analysis_rule(**parties.there, name="sales", type="CUSTOM")
    assert rule["analysisRule"]["collaborationPolicy"] == {"v1": {"list": RECEIVERS}}
    assert rule["analysisRule"]["consolidatedPolicy"] == custom()


@pytest.mark.rule("SCH-15", "SCH-14")
@pytest.mark.parametrize("source", [False, True])
@pytest.mark.parametrize("target", [False, True])
def test_rule_of_an_id_mapping_table(parties: Parties, source: bool, target: bool) -> None:
    """Both columns join, the ones that are released are dimensions, and the others need an overlap."""
    publisher = parties.publisher
    namespaces(publisher, source, target)
    table = mapping(publisher)
    released = [name for name, is_released in (("sourceid", source), ("targetid", target)) if is_released]
    guarded = [name for name in ("sourceid", "targetid") if name not in released]
    policy = {
        "joinColumns": ["sourceid", "targetid"],
        "queryConstraints": [{"requireOverlap": {"columns": guarded}}],
        "dimensionColumns": released,
    }
    asked = {**parties.there, "name": "ids", "type": "ID_MAPPING_TABLE"}
    assert parties.advertiser.client.get_schema_analysis_rule(**asked)["analysisRule"] == {
        "collaborationId": parties.collaboration["id"],
        "type": "ID_MAPPING_TABLE",
        "name": "ids",
        "createTime": table["createTime"],
        "updateTime": table["updateTime"],
        "policy": {"v1": {"idMappingTable": policy}},
    }


# Lists and batches


@pytest.mark.rule("SCH-16", "LIFE-30")
def test_list(parties: Parties, refused: Refused) -> None:
    """Schemas are filtered by type, page by page, and a token is of its own filter."""
    publisher, advertiser = parties.publisher, parties.advertiser
    namespaces(publisher)
    tables = [publisher.associate(f"t{number}")["name"] for number in range(3)]
    mapping(publisher)
    derived(advertiser, "kept", "SELECT email FROM t0")
    everything = [*tables, "ids", "kept"]
    by_type = {"TABLE": tables, "ID_MAPPING_TABLE": ["ids"], "INTERMEDIATE_TABLE": ["kept"]}
    assert names(advertiser) == everything
    for schema_type, expected in by_type.items():
        assert names(advertiser, schemaType=schema_type) == expected
    for filters, expected in (({}, everything), ({"schemaType": "TABLE"}, tables)):
        pages = advertiser.client.get_paginator("list_schemas").paginate(
            **parties.there, **filters, PaginationConfig={"PageSize": 2}
        )
        found = [[summary["name"] for summary in page["schemaSummaries"]] for page in pages]
        assert found == [expected[at : at + 2] for at in range(0, len(expected), 2)]
    token = advertiser.client.list_schemas(**parties.there, maxResults=1)["nextToken"]
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
        advertiser.schemas(schemaType="TABLE", nextToken=token)
    columns_of_summary = {"columns", "partitionKeys", "description", "schemaStatusDetails", "schemaTypeProperties"}
    assert not any(columns_of_summary & summary.keys() for summary in advertiser.schemas())


@pytest.mark.rule("SCH-17", "SCH-18", "SCH-3")
def test_batch_of_schemas(parties: Parties) -> None:
    """What there is comes in the order of the request, each once, and an error for everything else; that is an answer, too."""
    advertiser, publisher = parties.advertiser, parties.publisher
    advertiser.associate("own")
    publisher.associate("theirs")
    asked = ["THEIRS", "nothing", "own", "theirs", "Nobody", "nothing"]
    batch = advertiser.client.batch_get_schema(**parties.there, names=asked)
    assert batch["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert batch["schemas"] == [advertiser.schema("theirs"), advertiser.schema("own")]
    assert [(error["name"], error["code"]) for error in batch["errors"]] == [
        ("nothing", "ResourceNotFoundException"),
        ("Nobody", "ResourceNotFoundException"),
    ]
    empty = publisher.client.batch_get_schema(**parties.there, names=["nothing"])
    assert (empty["schemas"], len(empty["errors"])) == ([], 1)
    assert publisher.client.batch_get_schema(**parties.there, names=["own"])["errors"] == []


@pytest.mark.rule("SCH-17", "SCH-18", "SCH-13")
def test_batch_of_rules(parties: Parties) -> None:
    """Rules are asked for by name and type, and are answered as schemas are."""
    advertiser, publisher = parties.advertiser, parties.publisher
    advertiser.associate("own", advertiser.table(aggregation()))
    publisher.associate("theirs", publisher.table(listing()))
    publisher.associate("bare")
    asked = [
        ("THEIRS", "LIST"),
        ("bare", "LIST"),
        ("own", "AGGREGATION"),
        ("theirs", "LIST"),
        ("own", "LIST"),
        ("own", "CUSTOM"),
        ("own", "LIST"),
        ("nothing", "LIST"),
    ]
    batch = advertiser.client.batch_get_schema_analysis_rule(
        **parties.there, schemaAnalysisRuleRequests=[{"name": name, "type": kind} for name, kind in asked]
    )
    assert batch["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert batch["analysisRules"] == [
        advertiser.client.get_schema_analysis_rule(**parties.there, name=name, type=kind)["analysisRule"]
        for name, kind in (("theirs", "LIST"), ("own", "AGGREGATION"))
    ]
    assert [(error["name"], error["type"]) for error in batch["errors"]] == [
        ("bare", "LIST"),
        ("own", "LIST"),
        ("own", "CUSTOM"),
        ("nothing", "LIST"),
    ]
    assert {error["code"] for error in batch["errors"]} == {"ResourceNotFoundException"}
    empty = advertiser.client.batch_get_schema_analysis_rule(
        **parties.there, schemaAnalysisRuleRequests=[{"name": "own", "type": "LIST"}]
    )
    assert (empty["analysisRules"], len(empty["errors"])) == ([], 1)
