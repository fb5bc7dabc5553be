"""ID mapping tables and their schemas."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.cleanrooms.test_id_namespaces import ENDINGS, INVITED, SOURCE, TARGET, Member, Members, namespace_of
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, Clock, Refused, Scene, paged, tags_come_and_go

QUOTA = "ID mapping tables per membership"
WORKFLOW_FIELD = "inputReferenceConfig.inputReferenceArn"
KEY = "arn:aws:kms:us-east-1:222222222222:key/one"
DIMENSION = {"allowUseAsDimensionColumn": True}
COLUMNS = [{"name": "sourceid", "type": "string"}, {"name": "targetid", "type": "string"}]
NOT_POPULATED = "ID_MAPPING_TABLE_NOT_POPULATED"


def workflow_of(account_id: str, name: str = "match") -> str:
    return f"arn:aws:entityresolution:us-east-1:{account_id}:idmappingworkflow/{name}"


class Tables:
    """A member's ID mapping tables."""

    def __init__(self, member: Member) -> None:
        self.member, self.client, self.id, self.here = member, member.client, member.id, member.here

    def create(self, name: str = "ids", workflow: str | None = None, **more: Any) -> dict[str, Any]:
        arn = workflow or workflow_of(self.member.account_id)
        reference = {"inputReferenceArn": arn, "manageResourcePolicies": True}
        arguments = {**self.id, "name": name, "inputReferenceConfig": reference, **more}
        return dict(self.client.create_id_mapping_table(**arguments)["idMappingTable"])

    def of(self, table: dict[str, Any]) -> dict[str, Any]:
        return {**self.id, "idMappingTableIdentifier": table["id"]}

    def get(self, table: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_id_mapping_table(**self.of(table))["idMappingTable"])

    def update(self, table: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return dict(self.client.update_id_mapping_table(**self.of(table), **changes)["idMappingTable"])

    def delete(self, table: dict[str, Any]) -> None:
        self.client.delete_id_mapping_table(**self.of(table))

    def populate(self, table: dict[str, Any], **more: Any) -> str:
        return str(self.client.populate_id_mapping_table(**self.of(table), **more)["idMappingJobId"])

    def own(self) -> Any:
        return self.client.list_id_mapping_tables(**self.id)["idMappingTableSummaries"]

    def schema(self, name: str = "ids") -> dict[str, Any]:
        return dict(self.client.get_schema(**self.here, name=name)["schema"])

    def schemas(self) -> list[str]:
        return [schema["name"] for schema in self.client.list_schemas(**self.here)["schemaSummaries"]]

    def status(self, name: str = "ids") -> Any:
        """READY, or the codes of why it isn't."""
        (detail,) = self.schema(name)["schemaStatusDetails"]
        assert detail["analysisRuleType"] == "ID_MAPPING_TABLE"
        assert detail["analysisType"] == "DIRECT_ANALYSIS"
        assert (detail["status"] == "READY") == ("reasons" not in detail)
        return [reason["code"] for reason in detail["reasons"]] if "reasons" in detail else detail["status"]

    def rule(self, name: str = "ids") -> dict[str, Any]:
        answer = self.client.get_schema_analysis_rule(**self.here, name=name, type="ID_MAPPING_TABLE")
        return dict(answer["analysisRule"])

    def associate_table(self, name: str) -> dict[str, Any]:
        """Make an association of a configured table."""
        table = self.client.create_configured_table(
            name="sales",
            tableReference={"glue": {"tableName": "sales", "databaseName": "shop"}},
            allowedColumns=["price"],
            analysisMethod="DIRECT_QUERY",
        )["configuredTable"]
        answer = self.client.create_configured_table_association(
            **self.id,
            name=name,
            configuredTableIdentifier=table["id"],
            roleArn=f"arn:aws:iam::{self.member.account_id}:role/tables",
        )
        return dict(answer["configuredTableAssociation"])


class Matching(Members):
    """Two members with ID mapping tables; the advertiser has the source and the publisher the target, unless made without."""

    def __init__(self, scene: Scene, *, with_namespaces: bool = True) -> None:
        super().__init__(scene)
        self.theirs, self.mine = Tables(self.advertiser), Tables(self.publisher)
        self.source = self.target = {"id": ""}
        if with_namespaces:
            self.source, self.target = self.advertiser.associate(), self.publisher.associate()


@pytest.fixture
def matching(scene: Scene, clock: Clock) -> Matching:
    return Matching(scene)


@pytest.fixture
def bare(scene: Scene) -> Matching:
    """Members without namespaces."""
    return Matching(scene, with_namespaces=False)


def inputs(source: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    return {
        "idMappingTableInputSource": [
            {"idNamespaceAssociationId": source["id"], "type": SOURCE},
            {"idNamespaceAssociationId": target["id"], "type": TARGET},
        ]
    }


# Creation


@pytest.mark.rule("IDM-2", "IDM-4")
@pytest.mark.parametrize("given", [{}, {"description": "", "kmsKeyArn": KEY}])
def test_table(matching: Matching, clock: Clock, given: dict[str, Any]) -> None:
    """A member without abilities has its table answered with all that was said of it, and with the namespaces."""
    table = matching.mine.create("ID map", **given)
    assert table == {
        "id": table["id"],
        "arn": f"{matching.publisher.membership['arn']}/idmappingtable/{table['id']}",
        "inputReferenceConfig": {"inputReferenceArn": workflow_of(PUBLISHER), "manageResourcePolicies": True},
        "membershipId": matching.publisher.membership["id"],
        "membershipArn": matching.publisher.membership["arn"],
        "collaborationId": matching.collaboration["id"],
        "collaborationArn": matching.collaboration["arn"],
        "name": "ID map",
        "createTime": clock.now,
        "updateTime": clock.now,
        "inputReferenceProperties": inputs(matching.source, matching.target),
        **given,
    }
    clock.advance(seconds=90)
    assert matching.mine.get(table) == table


@pytest.mark.rule("IDM-1")
@pytest.mark.parametrize("types", [[], [SOURCE], [TARGET], [SOURCE, SOURCE], [TARGET, TARGET]])
def test_both_types_are_needed(bare: Matching, refused: Refused, types: list[Any]) -> None:
    """Without a source or a target in the collaboration no table is made; with both one is, whoever has them."""
    registry = bare.scene.handle.entity_resolution
    registry.add_id_mapping_workflow(
        workflow_of(PUBLISHER), source=namespace_of(PUBLISHER), target=namespace_of(PUBLISHER)
    )
    for number, kind in enumerate(types):
        registry.add_id_namespace(arn := namespace_of(PUBLISHER, f"namespace{number}"), kind)
        bare.publisher.associate(f"namespace {number}", arn)
    with refused("ValidationException", "INVALID_CONFIGURATION", field=WORKFLOW_FIELD, rule="IDM-1"):
        bare.mine.create()
    assert bare.mine.own() == bare.mine.schemas() == []
    for kind in (SOURCE, TARGET):
        registry.add_id_namespace(arn := namespace_of(ADVERTISER, f"missing{kind}"), kind)
        if kind not in types:
            bare.advertiser.associate(kind, arn)
    bare.mine.create(workflow=workflow_of(PUBLISHER, "other"))


@pytest.mark.rule("IDM-1")
@pytest.mark.parametrize("gone", ["deleted", "member removed"])
def test_namespaces_that_have_gone(matching: Matching, refused: Refused, gone: str) -> None:
    """An association that was deleted or whose owner was removed doesn't count."""
    if gone == "deleted":
        matching.publisher.dissociate(matching.target)
    else:
        matching.end(gone)
    with refused("ValidationException", "INVALID_CONFIGURATION", field=WORKFLOW_FIELD, rule="IDM-1"):
        matching.theirs.create()


@pytest.mark.rule("IDM-2")
@pytest.mark.parametrize("registered", [True, False])
def test_workflow_of_others(matching: Matching, refused: Refused, registered: bool) -> None:
    """A workflow of another account is refused, whether it is known or not."""
    arn = workflow_of(ADVERTISER)
    if registered:
        matching.scene.handle.entity_resolution.add_id_mapping_workflow(
            arn, source=namespace_of(ADVERTISER), target=namespace_of(PUBLISHER)
        )
    with refused("ValidationException", "INVALID_CONFIGURATION", field=WORKFLOW_FIELD, rule="IDM-2"):
        matching.mine.create(workflow=arn)
    assert matching.mine.own() == matching.mine.schemas() == []


@pytest.mark.rule("IDM-2")
def test_workflows(matching: Matching) -> None:
    """A registered workflow has its namespaces, at their oldest associations; another has the collaboration's oldest of either type."""
    registry = matching.scene.handle.entity_resolution
    arns = {kind: namespace_of(PUBLISHER, f"my{kind}") for kind in (SOURCE, TARGET)}
    made = {}
    for kind, arn in arns.items():
        registry.add_id_namespace(arn, kind)
        made[kind] = matching.publisher.associate(kind, arn)
        matching.publisher.associate(f"{kind} again", arn)
    registry.add_id_mapping_workflow(workflow_of(PUBLISHER), source=arns[SOURCE], target=arns[TARGET])
    table = matching.mine.create()
    assert table["inputReferenceProperties"] == inputs(made[SOURCE], made[TARGET])
    table = matching.mine.create("others", workflow_of(PUBLISHER, "unregistered"))
    assert table["inputReferenceProperties"] == inputs(matching.source, matching.target)
    registry.add_id_mapping_workflow(workflow_of(ADVERTISER), source=arns[SOURCE], target=namespace_of(PUBLISHER))
    table = matching.theirs.create("theirs")
    assert table["inputReferenceProperties"] == inputs(made[SOURCE], matching.target)


@pytest.mark.rule("IDM-2")
@pytest.mark.parametrize("missing", [SOURCE, TARGET])
def test_namespace_of_a_workflow_that_is_not_associated(matching: Matching, refused: Refused, missing: str) -> None:
    """A registered workflow's namespaces must both be in the collaboration."""
    ends: dict[str, Any] = {"source": namespace_of(ADVERTISER), "target": namespace_of(PUBLISHER)}
    ends[missing.lower()] = arn = namespace_of(PUBLISHER, "elsewhere")
    matching.scene.handle.entity_resolution.add_id_mapping_workflow(workflow_of(PUBLISHER), **ends)
    with refused("ValidationException", "INVALID_CONFIGURATION", field=WORKFLOW_FIELD, rule="IDM-2") as error:
        matching.mine.create()
    assert arn in error["Error"]["Message"]
    matching.publisher.associate("elsewhere", arn)
    matching.mine.create()


@pytest.mark.rule("IDM-3", "ASSOC-5")
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("kind", ["association", "table"])
def test_names(matching: Matching, refused: Refused, own: bool, kind: str) -> None:
    """A name is one table's in the collaboration, in any case; the conflict says with what only if that is the caller's."""
    owner, other = (matching.mine, matching.theirs) if own else (matching.theirs, matching.mine)
    taken = owner.associate_table("ids") if kind == "association" else owner.create("IDs")
    attempts: list[Callable[[str], Any]] = [matching.mine.create]
    if kind == "table":
        attempts.append(matching.mine.associate_table)
    for attempt in attempts:
        with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5") as error:
            attempt("iDs")
        resource_type = "CONFIGURED_TABLE_ASSOCIATION" if kind == "association" else "MEMBERSHIP"
        expected = (resource_type, taken["id"]) if own else (None, None)
        assert (error.get("resourceType"), error.get("resourceId")) == expected
    assert len(matching.mine.schemas()) == 1
    assert other.own() == []
    matching.mine.create("ids 2")
    if kind == "association":
        owner.client.delete_configured_table_association(**owner.id, configuredTableAssociationIdentifier=taken["id"])
    else:
        owner.delete(taken)
    other.create("IDS")


@pytest.mark.rule("IDM-3", "ASSOC-5")
def test_names_elsewhere(matching: Matching, scene: Scene) -> None:
    """Other collaborations and members that were removed leave the name free."""
    matching.mine.create()
    other = Member(scene, PUBLISHER, collaboration := scene.create())
    for name in ("a", "b"):
        other.associate(name)
    Tables(other).create()
    assert Tables(other).schema()["collaborationId"] == collaboration["id"]
    matching.end("member removed")
    matching.advertiser.associate("second")
    matching.theirs.create()


@pytest.mark.rule("IDM-3", "QUO-9")
def test_quota(matching: Matching, refused: Refused) -> None:
    """A membership has five tables at most; every other check comes first, and other members count for themselves."""
    made = [matching.mine.create(f"ids_{number}") for number in range(5)]
    with refused("ServiceQuotaExceededException") as error:
        matching.mine.create()
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 5.0)
    assert len(matching.mine.own()) == len(matching.mine.schemas()) == 5
    with refused("ConflictException", rule="ASSOC-5"):
        matching.mine.create("ids_3")
    matching.theirs.create("theirs")
    matching.mine.delete(made[0])
    matching.mine.create()
    matching.scene.handle.quotas[QUOTA] = 6
    matching.mine.create("sixth")


@pytest.mark.rule("IDM-1", "IDM-2", "IDM-3")
def test_order_of_checks(bare: Matching, refused: Refused) -> None:
    """Tags come first, then the namespaces, the workflow, the name and the quota."""
    bare.theirs.associate_table("ids")
    bare.scene.handle.quotas[QUOTA] = 0
    foreign = workflow_of(ADVERTISER)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule="TAG-10"):
        bare.mine.create(workflow=foreign, tags={"aws:team": "media"})
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="IDM-1"):
        bare.mine.create(workflow=foreign)
    for name in ("a", "b"):
        bare.publisher.associate(name)
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="IDM-2"):
        bare.mine.create(workflow=foreign)
    with refused("ConflictException", rule="ASSOC-5"):
        bare.mine.create()
    with refused("ServiceQuotaExceededException"):
        bare.mine.create("others")
    assert bare.mine.own() == []


# Updates and deletion


@pytest.mark.rule("IDM-7")
@pytest.mark.parametrize(
    "changes",
    [{}, {"description": ""}, {"kmsKeyArn": f"{KEY}-2"}, {"description": "new", "kmsKeyArn": f"{KEY}-2"}],
)
@pytest.mark.parametrize("given", [{}, {"description": "old", "kmsKeyArn": KEY}])
def test_update(
    matching: Matching,
    clock: Clock,
    changes: dict[str, Any],
    given: dict[str, Any],
) -> None:
    """An update changes what it names, and the time, and leaves the data; a populated table doesn't move its time."""
    table = matching.mine.create(**given)
    clock.advance(seconds=90)
    matching.mine.populate(table)
    assert matching.mine.get(table) == table
    updated = matching.mine.update(table, **changes)
    assert updated == {**table, **changes, "updateTime": clock.now}
    assert matching.mine.get(table) == updated
    assert matching.mine.status() == "READY"
    assert matching.theirs.schema()["description"] == updated.get("description", "")
    assert matching.theirs.schema()["updateTime"] == matching.theirs.rule()["updateTime"] == clock.now


@pytest.mark.rule("IDM-7")
def test_deletion(matching: Matching, refused: Refused) -> None:
    """A deleted table is gone from all views, and isn't found a second time."""
    gone, stays = matching.mine.create("gone"), matching.mine.create("stays")
    matching.mine.populate(gone)
    matching.mine.delete(gone)
    assert [one["id"] for one in matching.mine.own()] == [stays["id"]]
    assert matching.mine.schemas() == matching.theirs.schemas() == ["stays"]
    for operation in (matching.mine.get, matching.mine.delete, matching.mine.populate):
        with refused("ResourceNotFoundException") as error:
            operation(gone)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", gone["id"])
    for seen in (matching.mine.schema, matching.theirs.rule):
        with refused("ResourceNotFoundException") as error:
            seen("gone")
        assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", "gone")


@pytest.mark.rule("IDM-7", "IDN-6")
@pytest.mark.parametrize("gone", ["table", SOURCE, TARGET])
def test_intermediate_tables_lose_their_base(matching: Matching, gone: str) -> None:
    """Intermediate tables that are built on a table whose namespace goes, or that goes itself, lose their data, and block nothing."""
    table = matching.mine.create()
    matching.mine.populate(table)
    built = matching.theirs.client.create_intermediate_table(
        **matching.theirs.id,
        name="reach",
        populationAnalysisConfiguration={"sqlParameters": {"queryString": "SELECT sourceid FROM ids"}},
    )["intermediateTable"]
    (child,) = matching.mine.get(table)["childResources"]
    assert child == {"resourceType": "INTERMEDIATE_TABLE", "resourceName": "reach", "ownerAccountId": ADVERTISER}
    if gone == "table":
        matching.mine.delete(table)
    else:
        owner, association = (
            (matching.advertiser, matching.source) if gone == SOURCE else (matching.publisher, matching.target)
        )
        owner.dissociate(association)
    answer = matching.theirs.client.get_intermediate_table(
        **matching.theirs.id, intermediateTableIdentifier=built["id"]
    )
    assert answer["intermediateTable"]["status"] == "BASE_TABLE_REMOVED"


# Schemas


@pytest.mark.rule("SCH-12", "IDM-4")
def test_schema(matching: Matching, refused: Refused, clock: Clock) -> None:
    """Every active member, and nobody else, sees the schema, by GetSchema, in batches and in lists."""
    table = matching.mine.create("IDs", description="who is who")
    clock.advance(seconds=90)
    matching.mine.populate(table)
    summary = {
        "name": "IDs",
        "type": "ID_MAPPING_TABLE",
        "creatorAccountId": PUBLISHER,
        "createTime": table["createTime"],
        "updateTime": table["updateTime"],
        "collaborationId": matching.collaboration["id"],
        "collaborationArn": matching.collaboration["arn"],
        "analysisRuleTypes": ["ID_MAPPING_TABLE"],
        "resourceArn": table["arn"],
    }
    status = {"status": "READY", "analysisRuleType": "ID_MAPPING_TABLE", "analysisType": "DIRECT_ANALYSIS"}
    properties = {"idMappingTableId": table["id"], **inputs(matching.source, matching.target)}
    schema = {
        **summary,
        "columns": COLUMNS,
        "partitionKeys": [],
        "description": "who is who",
        "schemaStatusDetails": [status],
        "schemaTypeProperties": {"idMappingTable": properties},
    }
    for tables in (matching.mine, matching.theirs):
        assert tables.schema("ids") == tables.schema("IDS") == schema
        batch = tables.client.batch_get_schema(**tables.here, names=["ids", "nothing"])
        assert batch["schemas"] == [schema]
        assert [error["name"] for error in batch["errors"]] == ["nothing"]
        assert tables.client.list_schemas(**tables.here)["schemaSummaries"] == [summary]
        for kind, found in (("ID_MAPPING_TABLE", [summary]), ("TABLE", []), ("INTERMEDIATE_TABLE", [])):
            assert tables.client.list_schemas(**tables.here, schemaType=kind)["schemaSummaries"] == found
    for client in matching.outsiders():
        for operation, arguments in (
            ("get_schema", {"name": "ids"}),
            ("batch_get_schema", {"names": ["ids"]}),
            ("list_schemas", {}),
            ("get_schema_analysis_rule", {"name": "ids", "type": "ID_MAPPING_TABLE"}),
        ):
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
                getattr(client, operation)(**matching.here, **arguments)


@pytest.mark.rule("SCH-12")
def test_status(matching: Matching) -> None:
    """A schema is ready once its own table was populated, and for direct analysis by its rule only."""
    table = matching.mine.create()
    matching.mine.create("other")
    (detail,) = matching.theirs.schema()["schemaStatusDetails"]
    (reason,) = detail["reasons"]
    assert reason["message"]
    assert detail == {
        "status": "NOT_READY",
        "reasons": [{"code": NOT_POPULATED, "message": reason["message"]}],
        "analysisRuleType": "ID_MAPPING_TABLE",
        "analysisType": "DIRECT_ANALYSIS",
    }
    matching.mine.populate(table)
    for tables in (matching.mine, matching.theirs):
        assert tables.status() == "READY"
        assert tables.status("other") == [NOT_POPULATED]


@pytest.mark.rule("SCH-15", "IDM-4")
@pytest.mark.parametrize("source", [True, False, None])
@pytest.mark.parametrize("target", [True, False, None])
def test_rule(bare: Matching, source: bool | None, target: bool | None) -> None:
    """The service's rule joins on both columns; which are dimensions is for each namespace to say, and the others need an overlap."""

    def config(allowed: bool | None) -> dict[str, Any]:
        return {} if allowed is None else {"idMappingConfig": {"allowUseAsDimensionColumn": allowed}}

    bare.advertiser.associate(**config(source))
    bare.publisher.associate(**config(target))
    table = bare.mine.create("IDs")
    dimensions = [name for name, allowed in (("sourceid", source), ("targetid", target)) if allowed]
    others = [name for name in ("sourceid", "targetid") if name not in dimensions]
    policy = {
        "joinColumns": ["sourceid", "targetid"],
        "queryConstraints": [{"requireOverlap": {"columns": others}}],
        "dimensionColumns": dimensions,
    }
    rule = {
        "collaborationId": bare.collaboration["id"],
        "type": "ID_MAPPING_TABLE",
        "name": "IDs",
        "createTime": table["createTime"],
        "updateTime": table["updateTime"],
        "policy": {"v1": {"idMappingTable": policy}},
    }
    for tables in (bare.mine, bare.theirs):
        assert tables.rule("ids") == rule
        requests = [{"name": "ids", "type": kind} for kind in ("ID_MAPPING_TABLE", "CUSTOM")]
        batch = tables.client.batch_get_schema_analysis_rule(**tables.here, schemaAnalysisRuleRequests=requests)
        assert batch["analysisRules"] == [rule]
        assert [error["type"] for error in batch["errors"]] == ["CUSTOM"]


@pytest.mark.rule("SCH-15")
def test_rule_follows_the_namespaces(matching: Matching) -> None:
    """What a namespace association comes to allow is allowed in all tables that are made from it, and only by it."""
    matching.mine.create()
    matching.advertiser.update(matching.source, idMappingConfig=DIMENSION)
    matching.publisher.associate("bystander", idMappingConfig=DIMENSION)
    policy = matching.theirs.rule()["policy"]["v1"]["idMappingTable"]
    assert policy["dimensionColumns"] == ["sourceid"]
    assert policy["queryConstraints"] == [{"requireOverlap": {"columns": ["targetid"]}}]
    matching.advertiser.update(matching.source, idMappingConfig={"allowUseAsDimensionColumn": False})
    assert matching.theirs.rule()["policy"]["v1"]["idMappingTable"]["dimensionColumns"] == []


@pytest.mark.rule("IDM-4")
@pytest.mark.parametrize("kind", ["AGGREGATION", "LIST", "CUSTOM"])
def test_rule_of_another_type(matching: Matching, refused: Refused, kind: str) -> None:
    """The table has no other analysis rule than the service's, which it has to itself."""
    matching.mine.create()
    with refused("ResourceNotFoundException", rule="SCH-13") as error:
        matching.mine.client.get_schema_analysis_rule(**matching.here, name="ids", type=kind)
    assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", "ids")
    matching.mine.associate_table("sales")
    with refused("ResourceNotFoundException", rule="SCH-13"):
        matching.mine.rule("sales")


# Population


@pytest.mark.rule("IDM-5", "SCH-12")
def test_populate(matching: Matching) -> None:
    """The owner populates as often as it likes and has a job's id each time."""
    table = matching.mine.create()
    jobs = {matching.mine.populate(table), matching.mine.populate(table)}
    assert len(jobs) == 2
    assert all(str(uuid.UUID(job)) == job for job in jobs)
    assert matching.mine.status() == "READY"


@pytest.mark.rule("IDM-5", "IDN-6", "SCH-12")
@pytest.mark.parametrize("gone", [SOURCE, TARGET, "member removed"])
def test_namespace_goes(matching: Matching, refused: Refused, gone: str) -> None:
    """Without one of its namespaces a table loses its data and can't be populated, though the same namespace comes back or others are there."""
    matching.publisher.associate("bystander")
    matching.advertiser.associate("bystander")
    table = matching.theirs.create()
    matching.theirs.populate(table)
    if gone == "member removed":
        matching.end(gone)
    elif gone == SOURCE:
        matching.advertiser.dissociate(matching.source)
        matching.advertiser.associate()
    else:
        matching.publisher.dissociate(matching.target)
        matching.publisher.associate()
    assert matching.theirs.status() == [NOT_POPULATED]
    with refused("ValidationException", "INVALID_CONFIGURATION", field=WORKFLOW_FIELD, rule="IDM-5"):
        matching.theirs.populate(table)
    assert matching.theirs.status() == [NOT_POPULATED]
    assert matching.theirs.get(table) == table
    matching.theirs.delete(table)


@pytest.mark.rule("IDN-6")
def test_other_namespaces_go(matching: Matching) -> None:
    """An association that a table isn't made from leaves the table its data."""
    table = matching.mine.create()
    matching.mine.populate(table)
    matching.publisher.dissociate(matching.publisher.associate("bystander"))
    assert matching.mine.status() == "READY"
    matching.mine.populate(table)


@pytest.mark.rule("IDM-6")
@pytest.mark.parametrize("job_type", ["BATCH", "INCREMENTAL", "DELETE_ONLY", None])
@pytest.mark.parametrize("workflow", ["provider", "rules", "unregistered"])
def test_job_type(matching: Matching, refused: Refused, job_type: str | None, workflow: str) -> None:
    """A provider's workflow takes no job type, any other takes all."""
    registry = matching.scene.handle.entity_resolution
    if workflow != "unregistered":
        registry.add_id_mapping_workflow(
            workflow_of(PUBLISHER),
            source=namespace_of(ADVERTISER),
            target=namespace_of(PUBLISHER),
            provider=workflow == "provider",
        )
    registry.add_id_mapping_workflow(
        workflow_of(PUBLISHER, "other"),
        source=namespace_of(ADVERTISER),
        target=namespace_of(PUBLISHER),
        provider=workflow != "provider",
    )
    table = matching.mine.create()
    more = {} if job_type is None else {"jobType": job_type}
    if workflow == "provider" and job_type is not None:
        with refused("ValidationException", "INVALID_CONFIGURATION", field="jobType", rule="IDM-6"):
            matching.mine.populate(table, **more)
        assert matching.mine.status() == [NOT_POPULATED]
    else:
        matching.mine.populate(table, **more)
        assert matching.mine.status() == "READY"


# Views


@pytest.mark.rule("IDM-4", "IDM-5")
@pytest.mark.parametrize("operation", ["get", "update", "delete", "populate"])
def test_table_of_others(matching: Matching, refused: Refused, operation: str) -> None:
    """What is another member's isn't found, neither under its membership nor under the caller's own."""
    table = matching.mine.create()
    with refused("ResourceNotFoundException") as error:
        getattr(matching.theirs, operation)(table)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
    matching.theirs.id = matching.mine.id
    with refused("ResourceNotFoundException") as error:
        getattr(matching.theirs, operation)(table)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", matching.publisher.membership["id"])
    for attempt in (matching.theirs.own, matching.theirs.create):
        with refused("ResourceNotFoundException"):
            attempt()
    assert matching.mine.get(table) == table
    assert matching.mine.status() == [NOT_POPULATED]
    with refused("ResourceNotFoundException") as error:
        getattr(matching.mine, operation)({"id": NOWHERE})
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", NOWHERE)


@pytest.mark.rule("IDM-4")
def test_lists(matching: Matching, scene: Scene) -> None:
    """Each member lists its own tables; an invited account that joins sees the others' schemas and makes its own table."""
    table = matching.mine.create(description="who is who", kmsKeyArn=KEY)
    theirs = matching.theirs.create("theirs")
    absent = ("kmsKeyArn", "inputReferenceProperties")
    assert matching.mine.own() == [{name: value for name, value in table.items() if name not in absent}]
    assert [one["id"] for one in matching.theirs.own()] == [theirs["id"]]
    third = Tables(Member(scene, INVITED, matching.collaboration))
    assert third.own() == []
    third.create("third")
    assert third.schemas() == matching.mine.schemas() == ["ids", "theirs", "third"]


@pytest.mark.rule("IDM-4")
@pytest.mark.parametrize("ending", ENDINGS)
def test_endings(matching: Matching, refused: Refused, ending: str) -> None:
    """The owner keeps, reads and deletes what it had, creates, updates and populates nothing, and nobody sees the schema."""
    table = matching.mine.create()
    matching.mine.populate(table)
    matching.end(ending)
    assert matching.mine.get(table) == table
    assert [one["id"] for one in matching.mine.own()] == [table["id"]]
    attempts: list[Callable[[], Any]] = [
        lambda: matching.mine.create("new"),
        lambda: matching.mine.update(table, description="new"),
        lambda: matching.mine.populate(table),
    ]
    for attempt in attempts:
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
            attempt()
    if ending == "member removed":
        assert matching.theirs.schemas() == []
        for seen in (matching.theirs.schema, matching.theirs.rule):
            with refused("ResourceNotFoundException") as error:
                seen()
            assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", "ids")
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            matching.mine.schema()
    else:
        for tables in (matching.mine, matching.theirs):
            for view in (tables.schema, tables.rule, tables.schemas):
                with refused("ResourceNotFoundException") as error:
                    view()
                assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", matching.collaboration["id"])
    matching.mine.delete(table)
    assert matching.mine.own() == []


def test_pages(matching: Matching) -> None:
    """Lists are in order of creation and come in pages, schemas too."""
    order = (matching.mine, matching.theirs, matching.mine, matching.mine)
    made = [(tables, tables.create(f"ids_{number}")) for number, tables in enumerate(order)]
    own = [table["id"] for tables, table in made if tables is matching.mine]
    paged(matching.mine.client.list_id_mapping_tables, "idMappingTableSummaries", own, **matching.mine.id)
    arguments = {**matching.here, "schemaType": "ID_MAPPING_TABLE", "maxResults": 3}
    first = matching.theirs.client.list_schemas(**arguments)
    second = matching.theirs.client.list_schemas(**arguments, nextToken=first["nextToken"])
    pages = [[schema["name"] for schema in page["schemaSummaries"]] for page in (first, second)]
    assert pages == [["ids_0", "ids_1", "ids_2"], ["ids_3"]]
    assert "nextToken" not in second


def test_tags(matching: Matching, refused: Refused) -> None:
    """A table is created with tags, tagged, untagged and deleted with them; others don't find it."""
    table = matching.mine.create(tags={"team": "media"})
    assert "tags" not in table
    with refused("ResourceNotFoundException", rule="TAG-4"):
        matching.theirs.client.list_tags_for_resource(resourceArn=table["arn"])
    tags_come_and_go(matching.mine.client, table["arn"], refused, lambda: matching.mine.delete(table))


@pytest.mark.rule("PAY-14")
def test_table_of_a_member_that_pays_for_nothing(matching: Matching) -> None:
    """Who makes and populates an ID mapping table needs to have accepted no payment."""
    costs = matching.publisher.membership["paymentConfiguration"]
    assert not costs["queryCompute"]["isResponsible"]
    assert not costs["jobCompute"]["isResponsible"]
    assert not any(part["isResponsible"] for part in costs["machineLearning"].values())
    assert matching.mine.populate(matching.mine.create("IDs"))
