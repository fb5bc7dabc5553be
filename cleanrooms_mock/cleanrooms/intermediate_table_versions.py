"""Versions of intermediate tables: each is what populating the table once came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cleanrooms_mock.analysis.output_columns import NoColumns, OutputColumn, base_table, output_columns
from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY, CAN_RUN_JOB
from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.intermediate_table_constraints import Parent, inherited, parent_of_association
from cleanrooms_mock.cleanrooms.intermediate_tables import (
    BASE_TABLE_REMOVED,
    DISALLOWED,
    EXPIRED,
    POPULATE_FAILED,
    POPULATE_SUCCESS,
    IntermediateTable,
)
from cleanrooms_mock.cleanrooms.payments import JOB, QUERY, candidates
from cleanrooms_mock.cleanrooms.population import is_job, query_of, template_of
from cleanrooms_mock.cleanrooms.privacy_budgets import take_access
from cleanrooms_mock.cleanrooms.resources import (
    active_membership,
    invalid_state,
    member_has_ability,
    own_resource,
    resource_of_membership,
)
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.schemas import NamedResource
    from cleanrooms_mock.protocol import Listing

_DAY = 24 * 60 * 60
_NO_JOBS = "cleanrooms_mock runs no PySpark job: the job that would populate the table was not started."

behaviour(
    "INT-15",
    "When the retention period of the active version is over, table and version are RETENTION_PERIOD_EXPIRED and the data is gone, until the table is "
    "populated again.",
    source="user guide: intermediate tables",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False, kw_only=True)
class Version:
    """What populating an intermediate table came to.

    :ivar outcome: POPULATE_SUCCESS or POPULATE_FAILED; its status is that, unless it has expired meanwhile.
    """

    version_id: str
    table_id: str
    create_time: float
    analysis_id: str
    analysis_type: Literal["QUERY", "JOB"]
    kms_key_arn: str | None
    parameters: dict[str, str] | None
    outcome: Literal["POPULATE_SUCCESS", "POPULATE_FAILED"] = POPULATE_FAILED
    inherited_constraints: dict[str, Any] = field(default_factory=dict)
    expiration_time: float | None = None

    @property
    def is_expired(self) -> bool:
        return self.expiration_time is not None and now() >= self.expiration_time

    @property
    def status(self) -> str:
        return EXPIRED if self.is_expired else self.outcome


behaviour(
    "INT-16",
    "Versions are listed newest first, those that failed among them.",
    source="inferred: API reference ListIntermediateTableVersions",
    status=INFERRED,
)


@operation
def list_intermediate_table_versions(
    caller: Caller, *, membership_identifier: str, intermediate_table_identifier: str
) -> Listing[Version]:
    table = own_resource(caller, membership_identifier, IntermediateTable, intermediate_table_identifier)
    return table.versions.newest_first()


behaviour(
    "INT-10",
    "The owner populates an intermediate table, with CAN_QUERY, and CAN_RUN_JOB too for a job; see LIFE-26. The answer has the ids of the analysis and of "
    "a new version. Here the work is done at once: a query gives its columns without any rows, and a job fails with a reason, since none is run.",
    source="API reference PopulateIntermediateTable; for jobs it is inferred, and what is done at once is our choice",
    status=DOCUMENTED,
)


@operation
def populate_intermediate_table(
    caller: Caller,
    *,
    intermediate_table_identifier: str,
    membership_identifier: str,
    parameters: dict[str, str] | None = None,
    compute_configuration: dict[str, Any] | None = None,
    analysis_payer_account_id: str | None = None,
) -> dict[str, Any]:
    membership = active_membership(caller, membership_identifier)
    member_has_ability(membership, CAN_QUERY)
    table = resource_of_membership(membership, IntermediateTable, intermediate_table_identifier)
    configuration = table.population_analysis_configuration
    if is_job(configuration):
        member_has_ability(membership, CAN_RUN_JOB)
    table_can_be_populated(table)
    template = template_of(membership.member.collaboration, configuration)
    analysis_can_run(table, template, parameters, compute_configuration, analysis_payer_account_id)

    version = Version(
        version_id=new_id(),
        table_id=table.id,
        create_time=now(),
        analysis_id=new_id(),
        analysis_type="JOB" if is_job(configuration) else "QUERY",
        kms_key_arn=table.kms_key_arn,
        parameters=parameters,
    )
    table.versions.add(version.version_id, version)
    table.update_time = version.create_time
    _run(table, template, version)
    return {
        "analysis_id": version.analysis_id,
        "analysis_type": version.analysis_type,
        "version_id": version.version_id,
    }


@rule(
    "INT-11",
    source="inferred: PopulateIntermediateTable models a conflict",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def table_can_be_populated(table: IntermediateTable) -> None:
    """A table that is DISALLOWED_BY_DATA_PROVIDER or BASE_TABLE_REMOVED can't be populated. One that is being populated couldn't either, but here that is
    done at once, so that no other call can meet it.
    """
    if table.state in (DISALLOWED, BASE_TABLE_REMOVED):
        raise invalid_state(table, f"Intermediate table {table.id} is {table.state}.")


@rule(
    "INT-13",
    source="user guide: populate; API reference IntermediateTableComputeConfiguration; the exceptions are inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION or FIELD_VALIDATION_FAILED",
)
def analysis_can_run(
    table: IntermediateTable,
    template: AnalysisTemplate | None,
    parameters: dict[str, str] | None,
    compute_configuration: dict[str, Any] | None,
    payer_account_id: str | None,
) -> None:
    """Parameters are those that the analysis template declares. The compute configuration is queryComputeConfiguration for a query and
    jobComputeConfiguration for a job. analysisPayerAccountId is an active member that has accepted to pay for queries or jobs; without it the only
    payer pays, or of several the member that populates, which must be one of them.
    """
    job = is_job(table.population_analysis_configuration)
    declared = {one["name"] for one in (template and template.analysis_parameters) or ()}
    for name in parameters or ():
        if name not in declared:
            raise invalid_field(f"parameters.{name}", "the analysis declares no such parameter")
    _payer_pays(table.membership, payer_account_id, JOB if job else QUERY)
    wrong = "query_compute_configuration" if job else "job_compute_configuration"
    if wrong in (compute_configuration or ()):
        kind, other = ("job", "query") if job else ("query", "job")
        raise invalid_configuration(
            f"computeConfiguration.{other}ComputeConfiguration", f"a {kind} populates the table"
        )


def _payer_pays(membership: Membership, account_id: str | None, cost: str) -> None:
    payers = {member.account_id: member for member in candidates(membership.member.collaboration.members, cost)}
    if account_id is None:
        account_id = next(iter(payers)) if len(payers) == 1 else membership.member.account_id
    payer = payers.get(account_id)
    if payer is None or payer.status != "ACTIVE" or payer.membership is None or cost not in payer.membership.payer_of:
        raise invalid_configuration(
            "analysisPayerAccountId", f"{account_id} is no active member that has accepted to pay for the analysis"
        )


behaviour(
    "INT-12",
    "The version before stays in use when the table is populated in vain: POPULATE_FAILED is a table only if it has no data that lives.",
    source="user guide: populate; the status is inferred",
    status=DOCUMENTED,
)
behaviour(
    "INT-14",
    "Populating gives a table its schema and a version, with the constraints that its base tables hand down at that time, which stay as they are until the "
    "table is populated again, and with the end of its retention. It takes one from the access budget of each base table, directly or under "
    "another intermediate table; if one of them has none left it fails.",
    source="user guide: intermediate table rule, populate, working-with-intermediate-tables",
    status=DOCUMENTED,
)


def _run(table: IntermediateTable, template: AnalysisTemplate | None, version: Version) -> None:
    """Do the analysis and let the table have what it comes to."""
    try:
        columns = _analyse(table, template)
    except NoColumns as error:
        if table.intermediate_table_version is None:
            table.state, table.status_reason = POPULATE_FAILED, str(error)
        return
    version.outcome = POPULATE_SUCCESS
    version.inherited_constraints = inherited([_parent(base) for base in table.parents], columns)
    version.expiration_time = version.create_time + table.retention_in_days * _DAY
    table.state, table.status_reason, table.last_success = POPULATE_SUCCESS, None, version
    table.columns = [{"name": name, "type": column.type} for name, column in columns.items()]


def _analyse(table: IntermediateTable, template: AnalysisTemplate | None) -> dict[str, OutputColumn]:
    if is_job(table.population_analysis_configuration):
        raise NoColumns(_NO_JOBS)
    query = query_of(table.membership.member.collaboration, table.population_analysis_configuration, template)
    columns = output_columns(query, {base.name.lower(): _columns(base) for base in table.parents})
    exhausted = take_access(table.bases)
    if exhausted is not None:
        raise NoColumns(f"The access budget of {exhausted.name} is used up.")
    return columns


def _columns(base: NamedResource) -> dict[str, OutputColumn]:
    columns, partition_keys = base.columns_and_partition_keys()
    if not columns and not partition_keys:
        raise NoColumns(f"The base table {base.name} has no data.")
    return dict(base_table(base.name, columns + partition_keys))


def _parent(base: NamedResource) -> Parent:
    if isinstance(base, ConfiguredTableAssociation):
        return parent_of_association(base)
    return base.as_parent() if isinstance(base, IntermediateTable) else Parent(base)
