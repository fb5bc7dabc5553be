"""Schemas: what every active member of a collaboration sees of the tables that queries can name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cleanrooms_mock.cleanrooms.errors import ConflictException, ResourceNotFoundException
from cleanrooms_mock.cleanrooms.resources import Resource, active_member, already_exists
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.protocol import Listing

SchemaType = Literal["TABLE", "ID_MAPPING_TABLE", "INTERMEDIATE_TABLE"]
Columns = list[dict[str, str]]

_REASONS = {
    "ANALYSIS_RULE_MISSING": "The table has no analysis rule.",
    "ANALYSIS_TEMPLATES_NOT_CONFIGURED": "The analysis rule allows no analysis.",
    "ANALYSIS_PROVIDERS_NOT_CONFIGURED": "None of the allowed analysis providers is a member of the collaboration.",
    "DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED": "The owner has no privacy budget template for differential privacy.",
    "COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED": "The association has no analysis rule.",
    "RESULT_RECEIVERS_NOT_CONFIGURED": "The association's analysis rule names nobody who may receive results.",
    "RESULT_RECEIVERS_NOT_ALLOWED": "The analysis rule allows no results but those of additional analyses.",
    "ANALYSIS_RULE_TYPES_NOT_COMPATIBLE": "The analysis rules of the table and of the association are of different types.",
    "ADDITIONAL_ANALYSES_NOT_ALLOWED": "The table's analysis rule allows no additional analyses.",
    "ADDITIONAL_ANALYSES_NOT_CONFIGURED": "The association's analysis rule names no additional analysis.",
    "ID_MAPPING_TABLE_NOT_POPULATED": "The ID mapping table has not been populated.",
    "INTERMEDIATE_TABLE_ANALYSIS_RULE_MISSING": "The intermediate table has no analysis rule.",
    "INTERMEDIATE_TABLE_NOT_POPULATED": "The intermediate table has not been populated.",
    "INTERMEDIATE_TABLE_BASE_TABLE_REMOVED": "A table that the intermediate table is built on is gone.",
    "INTERMEDIATE_TABLE_DISALLOWED_BY_DATA_PROVIDER": "The owner of a base table has disallowed the intermediate table.",
    "INTERMEDIATE_TABLE_RETENTION_PERIOD_EXPIRED": "The retention period of the intermediate table is over.",
    "INTERMEDIATE_TABLE_INHERITED_CONSTRAINTS_VIOLATED": "The analysis rule breaks a constraint that the base tables have handed down.",
}


@dataclass(slots=True, eq=False, kw_only=True)
class NamedResource(Resource):
    """A resource that queries can name, and that has a schema for that.

    Its kind says what is in the schema; what follows from being a resource is filled in by :func:`schema_of`.
    """

    schema_type: ClassVar[SchemaType]

    name: str
    description: str | None = None

    def enter(self) -> None:
        Resource.enter(self)
        self.membership.member.collaboration.names.add(self.name.lower(), self)

    def leave(self) -> None:
        Resource.leave(self)
        names = self.membership.member.collaboration.names
        # Whoever left the collaboration before may find its name taken by now.
        if names.get(self.name.lower()) is self:
            names.remove(self.name.lower())

    @property
    def child_resources(self) -> list[dict[str, Any]] | None:
        """The intermediate tables that are built on it, with id and status for their owner only."""
        tables = self.membership.member.collaboration.resources["intermediatetable"]
        return [self._child(table) for table in tables if table.depends_on(self)] or None

    def _child(self, table: Any) -> dict[str, Any]:
        own = table.creator_account_id == self.creator_account_id
        return {
            "resource_id": table.id if own else None,
            "resource_type": "INTERMEDIATE_TABLE",
            "resource_name": table.name,
            "owner_account_id": table.creator_account_id,
            "resource_status": table.status if own else None,
        }

    @abstractmethod
    def columns_and_partition_keys(self) -> tuple[Columns, Columns]:
        """Return its columns and partition keys, as ``{"name", "type"}``."""

    @abstractmethod
    def analysis_rule_type(self) -> str | None:
        """Return the type of the rule that holds for queries on it, ``None`` if there is none."""

    @abstractmethod
    def analysis_rule(self) -> dict[str, Any]:
        """Return the members of its analysis rule that aren't the schema's own: policies and times."""

    @abstractmethod
    def status_details(self, *, strict: bool) -> list[dict[str, Any]]:
        """Return what may be done with it now; see :func:`status_detail`.

        :param strict: whether it is NOT_READY in every case in which the documentation has it so.
        """

    @abstractmethod
    def type_properties(self) -> dict[str, Any]:
        """Return the schema's ``schemaTypeProperties``."""

    @property
    def schema_arn(self) -> str | None:
        """The schema's ``resourceArn``."""
        return self.arn

    # The schema's methods of analysis, where it has any.
    analysis_method: ClassVar[Any] = None
    selected_analysis_methods: ClassVar[Any] = None


def status_detail(
    analysis_type: Literal["DIRECT_ANALYSIS", "ADDITIONAL_ANALYSIS"],
    codes: Sequence[str],
    *,
    rule_type: str | None,
    configurations: list[str] | None = None,
) -> dict[str, Any]:
    """Return one entry of ``schemaStatusDetails``: READY, or NOT_READY for the reasons in ``codes``."""
    return {
        "status": "NOT_READY" if codes else "READY",
        "reasons": [{"code": code, "message": _REASONS[code]} for code in codes] if codes else None,
        "analysis_rule_type": rule_type,
        "configurations": configurations,
        "analysis_type": analysis_type,
    }


behaviour(
    "SCH-2",
    "Every association, ID mapping table and intermediate table of an active member has a schema, which all active members see. An intermediate "
    "table that was never populated has no columns, which is inferred.",
    source="API reference Schema",
    status=DOCUMENTED,
)
behaviour(
    "ENG-02",
    "The types of a schema's columns are spelt as the Glue Data Catalog spells them, not as Spark does.",
    source="inferred: API reference Column, whose type derives from the table",
    status=INFERRED,
)
behaviour(
    "SCH-6",
    "A schema's `description` is empty where its resource has none, its times are the resource's, its creator is the owner.",
    source="inferred: required members of the shape",
    status=INFERRED,
)
behaviour(
    "SCH-8",
    "`resourceArn` is the ARN of the association or ID mapping table, and absent for intermediate tables; `schemaTypeProperties` has the id.",
    source="service model; that it is absent is inferred from the pattern",
    status=DOCUMENTED,
)


def schema_summary(resource: NamedResource) -> dict[str, Any]:
    """Return a schema as ListSchemas shows it."""
    member = resource.membership.member
    collaboration = member.collaboration
    rule_type = resource.analysis_rule_type()
    return {
        "name": resource.name,
        "type": resource.schema_type,
        "creator_account_id": member.account_id,
        "create_time": resource.create_time,
        "update_time": resource.update_time,
        "collaboration_id": collaboration.id,
        "collaboration_arn": collaboration.arn,
        "analysis_rule_types": [] if rule_type is None else [rule_type],
        "resource_arn": resource.schema_arn,
        "analysis_method": resource.analysis_method,
        "selected_analysis_methods": resource.selected_analysis_methods,
    }


def schema_of(resource: NamedResource, *, strict: bool) -> dict[str, Any]:
    """Return the whole schema of a resource.

    :param strict: as :meth:`NamedResource.status_details` takes it.
    """
    schema = schema_summary(resource)
    schema["columns"], schema["partition_keys"] = resource.columns_and_partition_keys()
    schema["description"] = resource.description or ""
    schema["schema_status_details"] = resource.status_details(strict=strict)
    schema["schema_type_properties"] = resource.type_properties()
    return schema


behaviour(
    "SCH-1",
    "Schemas are for members that have joined; invited accounts and strangers are denied access, in batches too.",
    source="inferred: an invited account sees the collaboration and its members only",
    status=INFERRED,
)


@operation
def get_schema(caller: Caller, *, collaboration_identifier: str, name: str) -> dict[str, Any]:
    collaboration = active_member(caller, collaboration_identifier).collaboration
    return schema_of(named_resource(collaboration, name), strict=caller.is_strict)


behaviour(
    "SCH-16",
    "ListSchemas filters by `schemaType`; summaries have no columns, status or description.",
    source="API reference ListSchemas",
    status=DOCUMENTED,
)


@operation
def list_schemas(
    caller: Caller, *, collaboration_identifier: str, schema_type: str | None = None
) -> Listing[dict[str, Any]]:
    names = active_member(caller, collaboration_identifier).collaboration.names
    if schema_type is None:
        return names.seen_as(schema_summary)
    return names.where(lambda resource: resource.schema_type == schema_type).seen_as(schema_summary)


behaviour(
    "SCH-17",
    "A batch answers 200 whatever it finds: what there is in the order of the request, each once, and an error with code "
    "`ResourceNotFoundException` for everything else. Code, order and repeats are inferred.",
    source="API reference BatchGetSchemaOutput",
    status=DOCUMENTED,
)
behaviour(
    "SCH-18",
    "All schemas of a batch are seen or none: IAM policies on single schemas aren't looked at.",
    source="service authorization reference",
    status=DOCUMENTED,
)


@operation
def batch_get_schema(caller: Caller, *, collaboration_identifier: str, names: list[str]) -> dict[str, Any]:
    collaboration = active_member(caller, collaboration_identifier).collaboration
    asked = {name: collaboration.names.get(name.lower()) for name in names}
    found = dict.fromkeys([resource for resource in asked.values() if resource is not None])
    strict = caller.is_strict
    return {
        "schemas": [schema_of(resource, strict=strict) for resource in found],
        "errors": [
            {"name": name, "code": ResourceNotFoundException.code, "message": f"There is no schema {name}."}
            for name, resource in asked.items()
            if resource is None
        ],
    }


behaviour(
    "SCH-14",
    "A schema's analysis rule has the rule of the table as `policy`, the association's as `collaborationPolicy`, and for tables both together as "
    "`consolidatedPolicy`, where the association's members are absent if it has no rule.",
    source="API reference AnalysisRule, ConsolidatedPolicyV1; when a member is absent is inferred",
    status=DOCUMENTED,
)


@operation
def get_schema_analysis_rule(caller: Caller, *, collaboration_identifier: str, name: str, type: str) -> dict[str, Any]:
    collaboration = active_member(caller, collaboration_identifier).collaboration
    resource = named_resource(collaboration, name)
    schema_has_the_rule(resource, name, type)
    return _rule_of(resource)


@operation
def batch_get_schema_analysis_rule(
    caller: Caller, *, collaboration_identifier: str, schema_analysis_rule_requests: list[dict[str, str]]
) -> dict[str, Any]:
    collaboration = active_member(caller, collaboration_identifier).collaboration
    pairs = dict.fromkeys((request["name"], request["type"]) for request in schema_analysis_rule_requests)
    found: dict[NamedResource, None] = {}
    errors = []
    for name, rule_type in pairs:
        resource = collaboration.names.get(name.lower())
        if resource is not None and resource.analysis_rule_type() == rule_type:
            found[resource] = None
        else:
            message = f"There is no analysis rule of type {rule_type} for a schema {name}."
            errors.append({"name": name, "type": rule_type, "code": ResourceNotFoundException.code, "message": message})
    return {"analysis_rules": [_rule_of(resource) for resource in found], "errors": errors}


def _rule_of(resource: NamedResource) -> dict[str, Any]:
    return {
        "collaboration_id": resource.collaboration_id,
        "type": resource.analysis_rule_type(),
        "name": resource.name,
        **resource.analysis_rule(),
    }


@rule("SCH-3", source="inferred: the nearest resource type", status=INFERRED, answer="ResourceNotFoundException")
def named_resource(collaboration: Collaboration, name: str) -> NamedResource:
    """Names are looked up in lower case. A name that isn't there isn't found, as a CONFIGURED_TABLE_ASSOCIATION with the name."""
    resource: NamedResource | None = collaboration.names.get(name.lower())
    if resource is None:
        raise ResourceNotFoundException(
            "CONFIGURED_TABLE_ASSOCIATION", name, f"Collaboration {collaboration.id} has no schema {name}."
        )
    return resource


@rule("SCH-13", source="inferred, as SCH-3", status=INFERRED, answer="ResourceNotFoundException")
def schema_has_the_rule(resource: NamedResource, name: str, rule_type: str) -> None:
    """A schema's analysis rule is found only by its own type."""
    if resource.analysis_rule_type() != rule_type:
        raise ResourceNotFoundException(
            "CONFIGURED_TABLE_ASSOCIATION", name, f"Schema {name} has no analysis rule of type {rule_type}."
        )


@rule(
    "ASSOC-5",
    source="user guide: create intermediate table; the exception's members are inferred",
    status=DOCUMENTED,
    answer="ConflictException ALREADY_EXISTS",
)
def name_is_free_in_collaboration(membership: Membership, name: str) -> None:
    """A name is one resource's in the whole collaboration, over all members' associations, ID mapping tables and intermediate tables, compared in
    lower case.
    """
    other: NamedResource | None = membership.member.collaboration.names.get(name.lower())
    if other is not None:
        raise name_is_taken(membership, other)


behaviour(
    "LIFE-25",
    "A conflict says what it is with: the type, or its container's where the model has none, and the id; both are left out where that is another "
    "account's.",
    source="inferred: the service model",
    status=INFERRED,
)


def name_is_taken(membership: Membership, other: NamedResource) -> ConflictException:
    """Return the conflict with a resource that has the name."""
    message = f"The collaboration has a table named {other.name}."
    mine = other.membership is membership
    return already_exists(other, message) if mine else ConflictException("ALREADY_EXISTS", None, None, message)
