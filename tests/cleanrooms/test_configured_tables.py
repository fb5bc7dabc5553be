"""Configured tables: their columns and methods, and their life."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from cleanrooms_mock.cleanrooms.backend import cleanrooms_backends
from cleanrooms_mock.cleanrooms.configured_tables import ConfiguredTable
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, At, Refused, Scene, recording

RECORDED = "644160558196"
UUID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

GLUE = {"glue": {"databaseName": "shop", "tableName": "sales"}}
ATHENA = {"athena": {"workGroup": "primary", "databaseName": "shop", "tableName": "sales"}}
DATABRICKS = {
    "databricks": {
        "schemaName": "shop",
        "tableName": "sales",
        "workspaceUrl": "https://dbc-1.cloud.databricks.com",
        "connectionType": {
            "deltaSharing": {
                "deltaShareEndpoint": "https://dbc-1.cloud.databricks.com/api/2.0/delta-sharing/metastores/"
                f"{UUID}/recipients/{UUID}",
                "shareName": "share",
            }
        },
    }
}
AGGREGATION = {
    "v1": {
        "aggregation": {
            "aggregateColumns": [{"columnNames": ["price"], "function": "SUM"}],
            "joinColumns": ["email"],
            "dimensionColumns": [],
            "scalarFunctions": [],
            "outputConstraints": [{"columnName": "email", "minimum": 2, "type": "COUNT_DISTINCT"}],
        }
    }
}
LIST = {"v1": {"list": {"joinColumns": ["email"], "listColumns": []}}}


def snowflake(*columns: tuple[str, str]) -> dict[str, Any]:
    schema = [{"columnName": name, "columnType": kind} for name, kind in columns]
    return {
        "snowflake": {
            "secretArn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:snowflake",
            "accountIdentifier": "organisation-account",
            "databaseName": "SHOP",
            "tableName": "SALES",
            "schemaName": "PUBLIC",
            "tableSchema": {"v1": schema},
        }
    }


def custom(*analyses: str, private: bool = False) -> dict[str, Any]:
    policy: dict[str, Any] = {"allowedAnalyses": list(analyses)}
    if "ANY_QUERY" in analyses or "ANY_JOB" in analyses:
        policy["allowedAnalysisProviders"] = [PUBLISHER]
    if private:
        policy["differentialPrivacy"] = {"columns": [{"name": "email"}]}
    return {"v1": {"custom": policy}}


def create(client: Any, **overrides: Any) -> dict[str, Any]:
    """Configure a table and return it."""
    arguments: dict[str, Any] = {
        "name": "sales",
        "tableReference": GLUE,
        "allowedColumns": ["email", "price"],
        "analysisMethod": "DIRECT_QUERY",
        **overrides,
    }
    answer: Any = client.create_configured_table(**arguments)["configuredTable"]
    return dict(answer)


def get(client: Any, table: dict[str, Any]) -> dict[str, Any]:
    answer: Any = client.get_configured_table(configuredTableIdentifier=table["id"])["configuredTable"]
    return dict(answer)


def update(client: Any, table: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer: Any = client.update_configured_table(configuredTableIdentifier=table["id"], **changes)["configuredTable"]
    return dict(answer)


def add_rule(client: Any, table: dict[str, Any], policy: dict[str, Any]) -> None:
    client.create_configured_table_analysis_rule(
        configuredTableIdentifier=table["id"],
        analysisRuleType=next(iter(policy["v1"])).upper(),
        analysisRulePolicy=policy,
    )


def all_of(client: Any) -> list[dict[str, Any]]:
    answer: Any = client.list_configured_tables()["configuredTableSummaries"]
    return [dict(summary) for summary in answer]


def in_state(table: dict[str, Any], account_id: str = ADVERTISER, region_name: str = "us-east-1") -> ConfiguredTable:
    return cleanrooms_backends[account_id][region_name].configured_tables[table["id"]]


class Catalog:
    """The Glue catalog of an account, with the table ``shop.sales``."""

    def __init__(self, scene: Scene, account_id: str = ADVERTISER, region_name: str = "us-east-1") -> None:
        self.glue = scene.handle.client(account_id, region_name, service="glue")
        self.glue.create_database(DatabaseInput={"Name": "shop"})
        self.glue.create_table(DatabaseName="shop", TableInput=self._definition())

    def _definition(self, **types: str) -> dict[str, Any]:
        columns = {"Email": "STRING", "price": "double", "item": "varchar(20)", **types}
        return {
            "Name": "sales",
            "StorageDescriptor": {"Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]},
            "PartitionKeys": [{"Name": "day", "Type": "date"}, {"Name": "shop", "Type": "int"}],
        }

    def change(self, **types: str) -> None:
        self.glue.update_table(DatabaseName="shop", TableInput=self._definition(**types))

    def drop(self) -> None:
        self.glue.delete_table(DatabaseName="shop", Name="sales")


@pytest.fixture
def catalog(scene: Scene) -> Catalog:
    return Catalog(scene)


def year(time: Any) -> int:
    return int(time.utctimetuple().tm_year)


# What a table is


@pytest.mark.rule("TAB-1", "TAB-10", "TAB-14", "TAB-15", "TAB-16", "TAB-21", "LIFE-36")
def test_a_table_is_as_recorded(scene: Scene, at: At) -> None:
    """A table with a rule looks like the recorded one, and its summary too, but for the tableType that newer models have."""
    client = scene.handle.client(RECORDED)
    theirs: Any = recording("cleanrooms.GetConfiguredTable")[0]["body"]["configuredTable"]
    table = create(
        client,
        name=theirs["name"],
        tableReference={"glue": {"tableName": "elb_logs", "databaseName": "sampledb"}},
        allowedColumns=theirs["allowedColumns"],
        analysisMethod="MULTIPLE",
        selectedAnalysisMethods=theirs["selectedAnalysisMethods"],
        tags={"team": "reach"},
    )
    assert table["analysisRuleTypes"] == []
    at(2040)
    add_rule(client, table, custom())
    own = {name: table[name] for name in ("id", "arn", "createTime", "updateTime")}
    assert table["arn"] == f"arn:aws:cleanrooms:us-east-1:{RECORDED}:configuredtable/{table['id']}"
    assert table["createTime"] == table["updateTime"]
    assert get(client, table) == {**theirs, **own, "tableType": "GLUE"}
    summary: Any = recording("cleanrooms.ListConfiguredTables")[0]["body"]["configuredTableSummaries"][0]
    assert all_of(client) == [{**summary, **own, "tableType": "GLUE"}]


@pytest.mark.rule("TAB-1", "TAB-7", "TAB-14")
def test_any_account_makes_tables(scene: Scene) -> None:
    """An account that no collaboration knows makes tables, of one name, too; with one method nothing is selected."""
    first, second = create(scene.stranger), create(scene.stranger, description="all of them")
    assert first["id"] != second["id"]
    assert second["description"] == "all of them"
    assert not {"description", "selectedAnalysisMethods", "tags"} & first.keys()
    assert first == get(scene.stranger, first)


@pytest.mark.rule("TAB-24", "TAB-25", "TAB-1")
def test_tables_are_their_accounts(scene: Scene, refused: Refused) -> None:
    """A table is there for its account in its Region, not for the other members of a collaboration, and unknown ones aren't found."""
    scene.join(scene.advertiser, collaboration := scene.create())
    scene.join(scene.publisher, collaboration)
    table = create(scene.publisher)
    abroad = scene.handle.client(PUBLISHER, "eu-west-1")
    for client, table_id in (
        (scene.advertiser, table["id"]),
        (scene.stranger, table["id"]),
        (abroad, table["id"]),
        (scene.publisher, NOWHERE),
    ):
        for operation in (
            client.get_configured_table,
            client.update_configured_table,
            client.delete_configured_table,
        ):
            with refused("ResourceNotFoundException", rule="TAB-24") as error:
                operation(configuredTableIdentifier=table_id)
            assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table_id)
    assert get(scene.publisher, table) == table
    assert all_of(scene.advertiser) == all_of(scene.stranger) == all_of(abroad) == []


@pytest.mark.rule("TAB-25")
def test_tables_are_listed_page_by_page(scene: Scene, refused: Refused) -> None:
    """The oldest comes first, pages go on where the last ended, and a token of another account is refused."""
    ids = [create(scene.advertiser, name=f"table {number}")["id"] for number in range(5)]
    create(scene.publisher)
    assert [summary["id"] for summary in all_of(scene.advertiser)] == ids
    pages: Any = scene.advertiser.get_paginator("list_configured_tables").paginate(PaginationConfig={"PageSize": 2})
    found = [[summary["id"] for summary in page["configuredTableSummaries"]] for page in pages]
    assert found == [ids[:2], ids[2:4], ids[4:]]
    token = scene.advertiser.list_configured_tables(maxResults=2)["nextToken"]
    scene.advertiser.delete_configured_table(configuredTableIdentifier=ids[1])
    rest: Any = scene.advertiser.list_configured_tables(nextToken=token)
    assert [summary["id"] for summary in rest["configuredTableSummaries"]] == ids[2:]
    assert "nextToken" not in rest
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken"):
        scene.publisher.list_configured_tables(nextToken=token)


# Columns and methods


@pytest.mark.rule("TAB-4")
def test_columns_are_distinct(scene: Scene, refused: Refused) -> None:
    """A column that is allowed twice is refused, on create and on update."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="allowedColumns", rule="TAB-4"):
        create(scene.advertiser, allowedColumns=["email", "price", "email"])
    assert all_of(scene.advertiser) == []
    table = create(scene.advertiser)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="allowedColumns", rule="TAB-4"):
        update(scene.advertiser, table, allowedColumns=["email", "email"])
    assert get(scene.advertiser, table) == table


@pytest.mark.rule("TAB-8", "TAB-9")
@pytest.mark.parametrize(
    ("method", "selected", "reason", "rule"),
    [
        ("MULTIPLE", ["DIRECT_QUERY"], "FIELD_VALIDATION_FAILED", "TAB-8"),
        ("MULTIPLE", [], "FIELD_VALIDATION_FAILED", "TAB-8"),
        ("MULTIPLE", ["DIRECT_JOB", "DIRECT_JOB"], "FIELD_VALIDATION_FAILED", "TAB-8"),
        ("MULTIPLE", ["DIRECT_JOB", "DIRECT_QUERY", "DIRECT_JOB"], "FIELD_VALIDATION_FAILED", "TAB-8"),
        ("DIRECT_QUERY", ["DIRECT_QUERY"], "FIELD_VALIDATION_FAILED", "TAB-8"),
        ("DIRECT_QUERY", ["DIRECT_QUERY", "DIRECT_JOB"], "INVALID_CONFIGURATION", "TAB-9"),
        ("DIRECT_JOB", ["DIRECT_QUERY", "DIRECT_JOB"], "INVALID_CONFIGURATION", "TAB-9"),
    ],
)
def test_methods_that_contradict_each_other(
    scene: Scene, refused: Refused, method: str, selected: list[str], reason: str, rule: str
) -> None:
    """Selected methods are both or none, and go with MULTIPLE, on create and on update."""
    with refused("ValidationException", reason, field="selectedAnalysisMethods", rule=rule):
        create(scene.advertiser, analysisMethod=method, selectedAnalysisMethods=selected)
    assert all_of(scene.advertiser) == []
    table = create(scene.advertiser, analysisMethod=method)
    with refused("ValidationException", reason, field="selectedAnalysisMethods", rule=rule):
        update(scene.advertiser, table, selectedAnalysisMethods=selected)
    assert get(scene.advertiser, table) == table


@pytest.mark.rule("TAB-8", "TAB-9", "TAB-20")
def test_methods_that_are_selected(scene: Scene) -> None:
    """MULTIPLE means both and shows both, in the order they were given in; a single method shows none, and takes away what was selected."""
    given = ["DIRECT_QUERY", "DIRECT_JOB"]
    table = create(scene.advertiser, analysisMethod="MULTIPLE", selectedAnalysisMethods=given)
    assert table["selectedAnalysisMethods"] == given
    table = update(scene.advertiser, table, name="sales of spring")
    assert table["selectedAnalysisMethods"] == given
    table = update(scene.advertiser, table, analysisMethod="DIRECT_JOB")
    assert "selectedAnalysisMethods" not in table
    table = update(scene.advertiser, table, analysisMethod="MULTIPLE")
    assert sorted(table["selectedAnalysisMethods"]) == sorted(given)
    assert sorted(create(scene.advertiser, analysisMethod="MULTIPLE")["selectedAnalysisMethods"]) == sorted(given)


@pytest.mark.rule("TAB-5", "QUO-5")
def test_the_quota_of_columns(scene: Scene, refused: Refused) -> None:
    """A hundred columns are allowed and no more, on create and on update; a table that has more already keeps them."""
    columns = [f"column_{number}" for number in range(101)]
    with refused("ServiceQuotaExceededException") as error:
        create(scene.advertiser, allowedColumns=columns)
    assert (error["quotaName"], error["quotaValue"]) == ("Columns per configured table allowlist", 100.0)
    table = create(scene.advertiser, allowedColumns=columns[:100])
    with refused("ServiceQuotaExceededException"):
        update(scene.advertiser, table, allowedColumns=columns)
    assert get(scene.advertiser, table) == table
    scene.handle.quotas["Columns per configured table allowlist"] = 1
    assert update(scene.advertiser, table, name="wide")["allowedColumns"] == columns[:100]
    with refused("ServiceQuotaExceededException"):
        update(scene.advertiser, table, allowedColumns=columns[:2])


@pytest.mark.rule("TAB-6", "QUO-4")
def test_the_quota_of_tables(scene: Scene, refused: Refused) -> None:
    """An account has 250 tables in a Region; a deleted one makes room, and another account or Region has its own."""
    tables = [create(scene.advertiser) for _ in range(250)]
    with refused("ServiceQuotaExceededException") as error:
        create(scene.advertiser)
    assert (error["quotaName"], error["quotaValue"]) == ("Configured tables per account", 250.0)
    create(scene.publisher)
    create(scene.handle.client(ADVERTISER, "eu-west-1"))
    scene.advertiser.delete_configured_table(configuredTableIdentifier=tables[7]["id"])
    create(scene.advertiser)


# Updates


@pytest.mark.rule("TAB-17", "TAB-21")
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name": "sales of spring"},
        {"description": ""},
        {"description": "only the spring"},
        {"allowedColumns": ["item", "email"]},
        {"tableReference": {"glue": {**GLUE["glue"], "region": "eu-west-1"}}},
        {"analysisMethod": "DIRECT_JOB"},
        {"name": "jobs", "analysisMethod": "MULTIPLE", "selectedAnalysisMethods": ["DIRECT_QUERY", "DIRECT_JOB"]},
    ],
)
def test_each_member_is_updated_alone(scene: Scene, catalog: Catalog, at: At, change: dict[str, Any]) -> None:
    """What is given changes, what is absent stays, and updateTime moves with every update, one that says nothing too."""
    at(2040)
    table = create(scene.advertiser, description="all of them")
    at(2041)
    updated = update(scene.advertiser, table, **change)
    assert (year(updated["createTime"]), year(updated["updateTime"])) == (2040, 2041)
    assert updated == {**table, **change, "updateTime": updated["updateTime"]}
    assert get(scene.advertiser, table) == updated


@pytest.mark.rule("TAB-17")
def test_names_change_at_any_time(scene: Scene, refused: Refused, catalog: Catalog) -> None:
    """A name or description changes though the table is gone from the catalog, which its columns and reference don't."""
    table = create(scene.advertiser)
    catalog.drop()
    assert update(scene.advertiser, table, name="gone", description="dropped")["name"] == "gone"
    for change in ({"allowedColumns": ["email"]}, {"tableReference": GLUE}):
        with refused("ValidationException", "INVALID_CONFIGURATION", field="tableReference.glue", rule="TAB-2"):
            update(scene.advertiser, table, **change)


@pytest.mark.rule("TAB-17", "TAB-3", "TAB-9")
def test_the_merged_table_counts(scene: Scene, refused: Refused, catalog: Catalog) -> None:
    """What is given is checked together with what stays."""
    table = create(scene.advertiser, allowedColumns=["email", "price"])
    catalog.glue.create_table(DatabaseName="shop", TableInput={"Name": "returns"})
    with refused("ValidationException", "INVALID_CONFIGURATION", field="allowedColumns", rule="TAB-3"):
        update(scene.advertiser, table, tableReference={"glue": {**GLUE["glue"], "tableName": "returns"}})
    both = ["DIRECT_JOB", "DIRECT_QUERY"]
    with refused("ValidationException", "INVALID_CONFIGURATION", field="selectedAnalysisMethods", rule="TAB-9"):
        update(scene.advertiser, table, selectedAnalysisMethods=both)
    assert get(scene.advertiser, table) == table
    update(scene.advertiser, table, analysisMethod="MULTIPLE")
    assert update(scene.advertiser, table, selectedAnalysisMethods=both)["selectedAnalysisMethods"] == both


@pytest.mark.rule("TAB-18")
@pytest.mark.parametrize(
    ("policy", "kept", "lost"),
    [
        (AGGREGATION, ["price", "item"], "email"),
        (AGGREGATION, ["email", "item"], "price"),
        (LIST, ["price"], "email"),
        (custom("ANY_QUERY", private=True), ["price"], "email"),
    ],
)
def test_columns_that_the_rule_names_stay(
    scene: Scene, refused: Refused, policy: dict[str, Any], kept: list[str], lost: str
) -> None:
    """An update can't take away a column that the rule names; it can once the rule is gone, and other columns any time."""
    table = create(scene.advertiser, allowedColumns=["email", "price", "item"])
    add_rule(scene.advertiser, table, policy)
    table = get(scene.advertiser, table)
    with refused("ConflictException", "INVALID_STATE", rule="TAB-18") as error:
        update(scene.advertiser, table, allowedColumns=kept)
    assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table["id"])
    assert lost in error["message"]
    assert get(scene.advertiser, table) == table
    update(scene.advertiser, table, allowedColumns=["price", "email"])
    scene.advertiser.delete_configured_table_analysis_rule(
        configuredTableIdentifier=table["id"], analysisRuleType=table["analysisRuleTypes"][0]
    )
    assert update(scene.advertiser, table, allowedColumns=kept)["allowedColumns"] == kept


@pytest.mark.rule("TAB-19", "CUS-61")
@pytest.mark.parametrize(
    ("policy", "refuses", "allows"),
    [
        (AGGREGATION, [{"analysisMethod": "DIRECT_JOB"}, {"tableReference": ATHENA}], ["DIRECT_QUERY"]),
        (LIST, [{"analysisMethod": "DIRECT_JOB"}, {"tableReference": DATABRICKS}], ["DIRECT_QUERY"]),
        (
            custom("ANY_QUERY", private=True),
            [{"tableReference": ATHENA}, {"analysisMethod": "DIRECT_JOB"}],
            ["DIRECT_QUERY"],
        ),
        (custom(private=True), [{"tableReference": DATABRICKS}, {"analysisMethod": "DIRECT_JOB"}], ["DIRECT_QUERY"]),
        (custom("ANY_QUERY"), [{"analysisMethod": "DIRECT_JOB"}], ["DIRECT_QUERY"]),
        (custom("ANY_JOB"), [{"analysisMethod": "DIRECT_QUERY"}], ["DIRECT_JOB"]),
        (custom("ANY_QUERY", "ANY_JOB"), [{"analysisMethod": "DIRECT_QUERY"}, {"analysisMethod": "DIRECT_JOB"}], []),
        (custom(), [], ["DIRECT_QUERY", "DIRECT_JOB"]),
    ],
)
def test_the_rule_still_fits(
    scene: Scene, refused: Refused, policy: dict[str, Any], refuses: list[dict[str, Any]], allows: list[str]
) -> None:
    """An update can't make the table one that its rule wouldn't be accepted for."""
    table = create(scene.advertiser, analysisMethod="MULTIPLE")
    add_rule(scene.advertiser, table, policy)
    table = get(scene.advertiser, table)
    for change in refuses:
        with refused("ConflictException", "INVALID_STATE", rule="TAB-19") as error:
            update(scene.advertiser, table, **change)
        assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table["id"])
    assert get(scene.advertiser, table) == table
    for method in allows:
        assert update(scene.advertiser, table, analysisMethod=method)["analysisMethod"] == method
    if not any("tableReference" in change for change in refuses):
        assert update(scene.advertiser, table, tableReference=DATABRICKS)["tableType"] == "DATABRICKS"


# Deletion


@pytest.mark.rule("TAB-22", "TAB-23", "TAB-24", "LIFE-5")
def test_a_deleted_table_is_gone(scene: Scene, refused: Refused) -> None:
    """A deleted table takes its rule and its tags with it, and isn't found again."""
    table = create(scene.advertiser, tags={"team": "reach"})
    add_rule(scene.advertiser, table, LIST)
    kept = in_state(table)
    answer: Any = scene.advertiser.delete_configured_table(configuredTableIdentifier=table["id"])
    assert (answer.keys(), answer["ResponseMetadata"]["HTTPStatusCode"]) == ({"ResponseMetadata"}, 204)
    assert all_of(scene.advertiser) == []
    assert kept.rule is None
    with refused("ResourceNotFoundException", rule="TAB-24"):
        scene.advertiser.delete_configured_table(configuredTableIdentifier=table["id"])
    with refused("ResourceNotFoundException", rule="TAB-24"):
        scene.advertiser.get_configured_table_analysis_rule(
            configuredTableIdentifier=table["id"], analysisRuleType="LIST"
        )
    with refused("ResourceNotFoundException", rule="TAG-4"):
        scene.advertiser.list_tags_for_resource(resourceArn=table["arn"])


def _associate(client: Any, membership: dict[str, Any], table: dict[str, Any], account_id: str) -> dict[str, Any]:
    answer: Any = client.create_configured_table_association(
        membershipIdentifier=membership["id"],
        configuredTableIdentifier=table["id"],
        name="sales",
        roleArn=f"arn:aws:iam::{account_id}:role/clean-rooms",
    )["configuredTableAssociation"]
    return dict(answer)


@pytest.mark.rule("TAB-20", "TAB-22")
def test_an_associated_table(scene: Scene) -> None:
    """A table is updated and deleted while it is associated: the others see its columns at once, and the association stays."""
    scene.join(scene.advertiser, collaboration := scene.create())
    membership = scene.join(scene.publisher, collaboration)
    table = create(scene.publisher)
    association = _associate(scene.publisher, membership, table, PUBLISHER)
    update(scene.publisher, table, allowedColumns=["email", "item"], analysisMethod="MULTIPLE")
    schema: Any = scene.advertiser.get_schema(collaborationIdentifier=collaboration["id"], name="sales")["schema"]
    assert [column["name"] for column in schema["columns"]] == ["email", "item"]
    assert schema["analysisMethod"] == "MULTIPLE"
    update(scene.publisher, table, analysisMethod="DIRECT_QUERY")
    schema = scene.advertiser.get_schema(collaborationIdentifier=collaboration["id"], name="sales")["schema"]
    assert (schema["analysisMethod"], schema.get("selectedAnalysisMethods")) == ("DIRECT_QUERY", None)

    add_rule(scene.publisher, table, LIST)
    scene.publisher.delete_configured_table(configuredTableIdentifier=table["id"])
    assert (
        scene.publisher.get_configured_table_association(
            membershipIdentifier=membership["id"], configuredTableAssociationIdentifier=association["id"]
        )["configuredTableAssociation"]["configuredTableId"]
        == table["id"]
    )
    schema = scene.advertiser.get_schema(collaborationIdentifier=collaboration["id"], name="sales")["schema"]
    assert schema["analysisRuleTypes"] == []
    reasons = [reason["code"] for detail in schema["schemaStatusDetails"] for reason in detail["reasons"]]
    assert reasons == ["ANALYSIS_RULE_MISSING"]


@pytest.mark.rule("MEM-41")
@pytest.mark.parametrize("end", ["leaves", "is removed", "collaboration deleted"])
def test_tables_survive_their_memberships(scene: Scene, end: str) -> None:
    """A table doesn't keep its account from leaving, and is there afterwards as before."""
    scene.join(scene.advertiser, collaboration := scene.create())
    membership = scene.join(scene.publisher, collaboration)
    table = create(scene.publisher, tags={"team": "reach"})
    if end == "is removed":
        scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    if end == "collaboration deleted":
        scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    scene.publisher.delete_membership(membershipIdentifier=membership["id"])
    assert get(scene.publisher, table) == table
    assert update(scene.publisher, table, name="still mine")["name"] == "still mine"
    assert scene.publisher.list_tags_for_resource(resourceArn=table["arn"])["tags"] == {"team": "reach"}


# Tags


@pytest.mark.rule("TAG-1", "TAG-4", "TAG-5", "TAG-12")
def test_tags_of_a_table(scene: Scene, refused: Refused) -> None:
    """A table's tags are its account's to read and change, which doesn't move its updateTime."""
    table = create(scene.publisher, tags={"team": "reach"})
    scene.publisher.tag_resource(resourceArn=table["arn"], tags={"stage": "test"})
    scene.publisher.untag_resource(resourceArn=table["arn"], tagKeys=["team"])
    assert scene.publisher.list_tags_for_resource(resourceArn=table["arn"])["tags"] == {"stage": "test"}
    assert get(scene.publisher, table) == table
    for operation in (
        lambda: scene.advertiser.list_tags_for_resource(resourceArn=table["arn"]),
        lambda: scene.advertiser.tag_resource(resourceArn=table["arn"], tags={"a": "b"}),
        lambda: scene.advertiser.untag_resource(resourceArn=table["arn"], tagKeys=["stage"]),
    ):
        with refused("ResourceNotFoundException", rule="TAG-4") as error:
            operation()
        assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE", table["id"])


@pytest.mark.rule("TAG-9", "TAG-10", "TAG-11")
@pytest.mark.parametrize(
    ("tags", "rule"),
    [({"aws:a": ""}, "TAG-10"), ({"a": "b*"}, "TAG-11"), ({f"key {n}": "" for n in range(51)}, "TAG-9")],
)
def test_tags_that_a_table_cannot_have(scene: Scene, refused: Refused, tags: dict[str, str], rule: str) -> None:
    """Tags are checked when a table is created with them."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule=rule):
        create(scene.advertiser, tags=tags)
    assert all_of(scene.advertiser) == []


@pytest.mark.skipif(
    importlib.util.find_spec("moto.core.resource_tagging") is None,
    reason="moto before 5.2.3 has no way to put a service's resources into its Resource Groups Tagging API",
)
@pytest.mark.rule("TAG-14")
def test_tables_in_resource_groups(scene: Scene) -> None:
    """The Resource Groups Tagging API finds a table by its kind and its tags, changes them, and lists it without any."""
    table = create(scene.advertiser, tags={"team": "reach"})
    create(scene.advertiser)
    groups = scene.handle.client(ADVERTISER, service="resourcegroupstaggingapi")
    kind = {"ResourceTypeFilters": ["cleanrooms:configuredtable"]}

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = groups.get_resources(**kind)["ResourceTagMappingList"]
        return found

    assert listed() == [{"ResourceARN": table["arn"], "Tags": [{"Key": "team", "Value": "reach"}]}]
    assert groups.get_resources(ResourceTypeFilters=["cleanrooms:membership"])["ResourceTagMappingList"] == []
    groups.tag_resources(ResourceARNList=[table["arn"]], Tags={"stage": "test"})
    assert scene.advertiser.list_tags_for_resource(resourceArn=table["arn"])["tags"] == {
        "team": "reach",
        "stage": "test",
    }
    groups.untag_resources(ResourceARNList=[table["arn"]], TagKeys=["team", "stage"])
    assert listed() == [{"ResourceARN": table["arn"], "Tags": []}]
    scene.advertiser.delete_configured_table(configuredTableIdentifier=table["id"])
    assert listed() == []
