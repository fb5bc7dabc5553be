"""Configured tables: what an account knows of a table of its own, in Glue, Athena, Snowflake or Databricks."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.errors import (
    ConflictException,
    ResourceNotFoundException,
    invalid_configuration,
    invalid_field,
)
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.objects import replace_given
from cleanrooms_mock.cleanrooms.quotas import ALLOWED_COLUMNS, CONFIGURED_TABLES
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.table_references import (
    Reference,
    catalog_table,
    check_catalog,
    kind_of,
    snowflake_schema_has_the_columns,
    with_region,
)
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleanrooms_mock.cleanrooms.analysis_rules import AnalysisRule
    from cleanrooms_mock.cleanrooms.schemas import Columns
    from cleanrooms_mock.integrations.glue import CatalogTable
    from cleanrooms_mock.protocol import Listing

GLUE = "GLUE"
DIRECT_QUERY = "DIRECT_QUERY"
DIRECT_JOB = "DIRECT_JOB"
MULTIPLE = "MULTIPLE"
_NOTHING: Mapping[str, str] = MappingProxyType({})
#: As the real service lists them.
_BOTH_METHODS = [DIRECT_JOB, DIRECT_QUERY]
behaviour(
    "TAB-1",
    "A configured table is its account's, in one Region, and any account may make one, with or without a membership.",
    source="recorded GetConfiguredTable",
    status=SEEN,
)
behaviour(
    "MEM-41",
    "A configured table survives the memberships it was associated under, and doesn't keep one from being deleted.",
    source="user guide: glossary",
    status=DOCUMENTED,
)
behaviour(
    "TAB-7",
    "Names of configured tables needn't be unique.",
    source="terraform-provider-aws configured_table_test.go, PR 38462",
    status=SEEN,
)
behaviour(
    "TAB-14",
    "The answer is the whole table: `analysisRuleTypes` is empty without a rule, `createTime` is `updateTime` at first, `description` and the "
    "`selectedAnalysisMethods` of a table with one method are absent where they weren't given, and tags are never there.",
    source="recorded GetConfiguredTable; the empty list is inferred",
    status=SEEN,
)
behaviour(
    "TAB-15",
    "`tableType` says what the reference refers to, in the table and in its summary.",
    source="inferred: API reference ConfiguredTable, newer than the recorded answers, which lack it",
    status=INFERRED,
)
behaviour(
    "TAB-16",
    "A table's summary has neither description nor reference nor columns.",
    source="recorded ListConfiguredTables",
    status=SEEN,
)


@dataclass(slots=True, eq=False, kw_only=True)
class ConfiguredTable:
    """A table that its account may associate with collaborations.

    :ivar table_reference: where it is, with the Region filled in.
    :ivar rule: its analysis rule, ``None`` if it has none or was deleted.
    :ivar known: what was last seen of it where it is, column types by name.
    :ivar partitions: those of its columns that were last seen to be partition keys.
    :ivar described: what :func:`columns_of` made last, and of which columns, types and partition keys.
    """

    id: str
    arn: str
    account_id: str
    region_name: str
    name: str
    description: str | None
    table_reference: Reference
    allowed_columns: list[str]
    analysis_method: str
    selected_analysis_methods: list[str] | None
    create_time: float
    update_time: float
    tags: dict[str, str]
    rule: AnalysisRule | None = None
    known: Mapping[str, str]
    partitions: frozenset[str] = frozenset()
    described: tuple[list[str], Mapping[str, str], frozenset[str], tuple[Columns, Columns]] | None = None

    @property
    def table_type(self) -> str:
        return kind_of(self.table_reference).upper()

    @property
    def analysis_rule_types(self) -> list[str]:
        return [] if self.rule is None else [self.rule.type]


def columns_of(table: ConfiguredTable) -> tuple[Columns, Columns]:
    """Return the allowed columns and the allowed partition keys, as ``{"name", "type"}``, in the order of allowedColumns; not to be changed.

    Types are read now. What is no longer there keeps the type it had, and what was never seen is a string.
    """
    _look_again(table)
    columns, known, partitions = table.allowed_columns, table.known, table.partitions
    described = table.described
    if described is None or described[0] != columns or described[1] is not known or described[2] is not partitions:
        described = table.described = ([*columns], known, partitions, _describe(table))
    return described[3]


def _describe(table: ConfiguredTable) -> tuple[Columns, Columns]:
    named = [{"name": column, "type": table.known.get(column, "string")} for column in table.allowed_columns]
    if not table.partitions:
        return named, []
    return (
        [column for column in named if column["name"] not in table.partitions],
        [column for column in named if column["name"] in table.partitions],
    )


def types_of(table: ConfiguredTable) -> dict[str, str]:
    """Return the types of all allowed columns by name."""
    columns, partition_keys = columns_of(table)
    return {column["name"]: column["type"] for column in columns + partition_keys}


def _look_again(table: ConfiguredTable) -> None:
    found = catalog_table(table.account_id, table.table_reference)
    if found is not None:
        _learn(table, found)


def _learn(table: ConfiguredTable, found: CatalogTable | None) -> None:
    """Keep what is known of a table by now.

    :param found: what the catalog has, if it is there.
    """
    if found is not None:
        table.known = {**table.known, **found.columns, **found.partition_keys}
        table.partitions = frozenset(found.partition_keys)
    elif "snowflake" in table.table_reference:
        schema = table.table_reference["snowflake"]["table_schema"]["v1"]
        table.known = {column["column_name"]: column["column_type"].lower() for column in schema}


@operation
def create_configured_table(
    caller: Caller,
    *,
    name: str,
    table_reference: Reference,
    allowed_columns: list[str],
    analysis_method: str,
    description: str | None = None,
    selected_analysis_methods: list[str] | None = None,
    tags: dict[str, str] | None = None,
) -> ConfiguredTable:
    tags = check_tags(tags)
    reference = with_region(caller, table_reference)
    columns_are_distinct(allowed_columns)
    if selected_analysis_methods is not None:
        selection_has_both_methods(selected_analysis_methods)
        selection_goes_with_multiple(analysis_method)
    snowflake_schema_has_the_columns(reference, allowed_columns)
    found = check_catalog(caller, reference, allowed_columns)
    columns_within_quota(caller, allowed_columns)
    tables_within_quota(caller)

    table_id, time = new_id(), now()
    table = ConfiguredTable(
        id=table_id,
        arn=f"arn:{caller.partition}:cleanrooms:{caller.region_name}:{caller.account_id}:configuredtable/{table_id}",
        account_id=caller.account_id,
        region_name=caller.region_name,
        name=name,
        description=description,
        table_reference=reference,
        allowed_columns=allowed_columns,
        analysis_method=analysis_method,
        selected_analysis_methods=_selection(analysis_method, selected_analysis_methods),
        create_time=time,
        update_time=time,
        tags=tags,
        known=_NOTHING,
    )
    _learn(table, found)
    caller.backend.configured_tables.add(table.id, table)
    caller.backend.keep(table)
    return table


@rule(
    "TAB-4",
    source="inferred: they are a set in CloudFormation and Terraform",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def columns_are_distinct(allowed_columns: list[str]) -> None:
    """Allowed columns are distinct."""
    if len(set(allowed_columns)) < len(allowed_columns):
        column = next(column for column in allowed_columns if allowed_columns.count(column) > 1)
        raise invalid_field("allowedColumns", f"{column} is listed twice")


@rule(
    "TAB-8",
    source="API reference CreateConfiguredTable",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def selection_has_both_methods(selected: list[str]) -> None:
    """`selectedAnalysisMethods`, where they are given, are two different ones, which is both."""
    if sorted(selected) != _BOTH_METHODS:
        raise invalid_field("selectedAnalysisMethods", "must name each of DIRECT_QUERY and DIRECT_JOB once")


@rule(
    "TAB-9",
    source="inferred: they contradict each other; recorded GetConfiguredTable; terraform-provider-aws PR 48143",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def selection_goes_with_multiple(analysis_method: str) -> None:
    """`selectedAnalysisMethods` go with the analysis method MULTIPLE alone, which without them means both and shows both."""
    if analysis_method != MULTIPLE:
        raise invalid_configuration(
            "selectedAnalysisMethods", f"can't be selected with the analysis method {analysis_method}"
        )


def _selection(analysis_method: str, selected: list[str] | None) -> list[str] | None:
    return (selected or list(_BOTH_METHODS)) if analysis_method == MULTIPLE else None


@rule("TAB-5", source="user guide: quotas", status=DOCUMENTED, answer="ServiceQuotaExceededException")
def columns_within_quota(caller: Caller, allowed_columns: list[str]) -> None:
    """There is a quota of allowed columns in a table, checked whenever they are given."""
    caller.controls.quotas.check(ALLOWED_COLUMNS, len(allowed_columns) - 1)


@rule("TAB-6", source="user guide: quotas", status=DOCUMENTED, answer="ServiceQuotaExceededException")
def tables_within_quota(caller: Caller) -> None:
    """An account has a quota of configured tables in a Region."""
    caller.controls.quotas.check(CONFIGURED_TABLES, len(caller.backend.configured_tables))


@rule(
    "TAB-24",
    source="terraform-provider-aws configured_table.go",
    status=SEEN,
    answer="ResourceNotFoundException",
)
def own_table(caller: Caller, table_id: str) -> ConfiguredTable:
    """A configured table that doesn't exist, was deleted, or is another account's isn't found."""
    table = caller.backend.configured_tables.get(table_id)
    if table is None:
        raise ResourceNotFoundException("CONFIGURED_TABLE", table_id)
    return table


@operation
def get_configured_table(caller: Caller, *, configured_table_identifier: str) -> ConfiguredTable:
    return own_table(caller, configured_table_identifier)


behaviour(
    "TAB-25",
    "ListConfiguredTables lists the caller's own in the Region, oldest first. The real service's order isn't stable.",
    source="recorded ListCollaborations; the order is our choice",
    status=SEEN,
)


@operation
def list_configured_tables(caller: Caller) -> Listing[ConfiguredTable]:
    return caller.backend.configured_tables


behaviour(
    "TAB-17",
    "UpdateConfiguredTable changes each of its members alone, and what is absent stays. What holds for a new table holds for what comes of the "
    "update; a new name or description alone looks at nothing else.",
    source="API reference UpdateConfiguredTable; terraform-provider-aws PR 48143",
    status=DOCUMENTED,
)
behaviour(
    "TAB-20",
    "A table may be updated while it is associated, and the schemas of all collaborations show it at once. Changing the analysis method from "
    "MULTIPLE to one removes the selected methods.",
    source="inferred: the table is the account's; user guide: analysis rules",
    status=INFERRED,
)
behaviour(
    "TAB-21",
    "Every update moves updateTime, one that says nothing too; what happens to the table's analysis rule doesn't.",
    source="recorded GetConfiguredTable: a table with a rule, and the update without members is inferred",
    status=SEEN,
)


@operation
def update_configured_table(
    caller: Caller,
    *,
    configured_table_identifier: str,
    name: str | None = None,
    description: str | None = None,
    table_reference: Reference | None = None,
    allowed_columns: list[str] | None = None,
    analysis_method: str | None = None,
    selected_analysis_methods: list[str] | None = None,
) -> ConfiguredTable:
    table = own_table(caller, configured_table_identifier)
    reference = table.table_reference if table_reference is None else with_region(caller, table_reference)
    columns = table.allowed_columns if allowed_columns is None else allowed_columns
    method = analysis_method or table.analysis_method
    if table.rule is not None:
        columns_of_the_rule_stay(table, table.rule, columns)
        rule_still_fits(table, table.rule, method, kind_of(reference).upper())
    columns_are_distinct(columns)
    if selected_analysis_methods is not None:
        selection_has_both_methods(selected_analysis_methods)
        selection_goes_with_multiple(method)
    if table_reference is not None or allowed_columns is not None:
        snowflake_schema_has_the_columns(reference, columns)
        check_catalog(caller, reference, columns)
    if allowed_columns is not None:
        columns_within_quota(caller, columns)

    if reference != table.table_reference:
        table.table_reference, table.known, table.partitions = reference, _NOTHING, frozenset()
    replace_given(table, name=name, description=description)
    table.allowed_columns = columns
    table.analysis_method = method
    table.selected_analysis_methods = _selection(method, selected_analysis_methods or table.selected_analysis_methods)
    table.update_time = now()
    _learn(table, catalog_table(table.account_id, reference))
    return table


@rule(
    "TAB-18",
    source="inferred: ConflictException is modelled for states that contradict each other",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def columns_of_the_rule_stay(table: ConfiguredTable, analysis_rule: AnalysisRule, columns: list[str]) -> None:
    """An update leaves the allowed columns that the table's analysis rule names."""
    if lost := analysis_rule.columns - set(columns):
        raise _contradiction(table, f"its analysis rule names {', '.join(sorted(lost))}")


@rule(
    "TAB-19",
    source="inferred: see TAB-18, RULE-9, RULE-10, RULE-47, RULE-48",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def rule_still_fits(table: ConfiguredTable, analysis_rule: AnalysisRule, method: str, table_type: str) -> None:
    """An update leaves the table one that its analysis rule fits: in Glue and open to queries for AGGREGATION, LIST and differential privacy, and
    open to the methods that allowed analyses rely on.
    """
    if analysis_rule.needs_glue and table_type != GLUE:
        raise _contradiction(table, f"its {analysis_rule.type} rule is for tables in Glue, not {table_type}")
    if method != MULTIPLE and (lost := analysis_rule.methods - {method}):
        raise _contradiction(table, f"its {analysis_rule.type} rule relies on {', '.join(sorted(lost))}")


def _contradiction(table: ConfiguredTable, why: str) -> ConflictException:
    message = f"Configured table {table.id} can't be updated so: {why}."
    return ConflictException("INVALID_STATE", "CONFIGURED_TABLE", table.id, message)


behaviour(
    "TAB-22",
    "A table is deleted while it is associated, too. Its associations stay until they are deleted themselves, and nothing can be analysed by them.",
    source="user guide: delete-config-table; how the schemas show it is inferred",
    status=DOCUMENTED,
)
behaviour(
    "TAB-23",
    "A deleted table takes its analysis rule and its tags with it.",
    source="AWS's CloudFormation handlers, DeleteHandler of configuredtable",
    status=SEEN,
)


@operation
def delete_configured_table(caller: Caller, *, configured_table_identifier: str) -> None:
    table = own_table(caller, configured_table_identifier)
    table.rule = None
    caller.backend.configured_tables.remove(table.id)
    caller.backend.drop(table)
