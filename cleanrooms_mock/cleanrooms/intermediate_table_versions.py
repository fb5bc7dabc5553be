"""Versions of intermediate tables: each is what populating the table once came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY, CAN_RUN_JOB
from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
from cleanrooms_mock.cleanrooms.compute import Compute, compute_of
from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.intermediate_table_constraints import Parent, inherited, parent_of_association
from cleanrooms_mock.cleanrooms.intermediate_tables import (
    BASE_TABLE_REMOVED,
    DISALLOWED,
    EXPIRED,
    POPULATE_FAILED,
    POPULATE_STARTED,
    POPULATE_SUCCESS,
    IntermediateTable,
)
from cleanrooms_mock.cleanrooms.payments import JOB, QUERY
from cleanrooms_mock.cleanrooms.population import is_job, template_of
from cleanrooms_mock.cleanrooms.protected_jobs import ProtectedJob, job_within_quotas
from cleanrooms_mock.cleanrooms.protected_queries import ProtectedQuery, query_within_quotas
from cleanrooms_mock.cleanrooms.resources import (
    active_membership,
    invalid_state,
    member_has_ability,
    own_resource,
    resource_of_membership,
)
from cleanrooms_mock.cleanrooms.run_parameters import Values, values_of
from cleanrooms_mock.cleanrooms.run_payers import payer_of
from cleanrooms_mock.cleanrooms.run_progress import start
from cleanrooms_mock.cleanrooms.run_results import Destination
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.analysis_runs import AnalysisRun
    from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate
    from cleanrooms_mock.cleanrooms.schemas import NamedResource
    from cleanrooms_mock.protocol import Listing

_DAY = 24 * 60 * 60

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

    :ivar outcome: what has come of it; its status is that, unless it has expired meanwhile.
    :ivar rows: the bytes of an Arrow file, once it has any.
    """

    version_id: str
    table_id: str
    create_time: float
    analysis_id: str
    analysis_type: Literal["QUERY", "JOB"]
    kms_key_arn: str | None
    parameters: dict[str, str] | None
    outcome: Literal["POPULATE_STARTED", "POPULATE_SUCCESS", "POPULATE_FAILED"] = POPULATE_STARTED
    inherited_constraints: dict[str, Any] = field(default_factory=dict)
    expiration_time: float | None = None
    rows: bytes | None = None

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
    "The owner populates an intermediate table, with CAN_QUERY, and CAN_RUN_JOB too for a job; see LIFE-26. The answer has the id of a protected query or job, which is "
    "started like any other, and of a new version. Both are POPULATE_STARTED until that has come to its end, and then POPULATE_SUCCESS or POPULATE_FAILED.",
    source="API reference PopulateIntermediateTable; for jobs the ability is inferred",
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
    job = is_job(configuration)
    if job:
        member_has_ability(membership, CAN_RUN_JOB)
    table_can_be_populated(table)
    template = template_of(membership.member.collaboration, configuration)
    values, payer_account_id, compute = analysis_can_run(
        table, template, parameters, compute_configuration, analysis_payer_account_id
    )
    (job_within_quotas if job else query_within_quotas)(caller, membership, compute)

    analysis_id, time = new_id(), now()
    version = Version(
        version_id=new_id(),
        table_id=table.id,
        create_time=time,
        analysis_id=analysis_id,
        analysis_type="JOB" if job else "QUERY",
        kms_key_arn=table.kms_key_arn,
        parameters=parameters,
    )
    output = {"intermediate_table": {"id": table.id, "arn": table.arn, "name": table.name}}
    sent, asked = _as_started(configuration, parameters, compute_configuration)
    kind = ProtectedJob if job else ProtectedQuery
    run = kind(
        membership=membership,
        backend=caller.backend,
        id=analysis_id,
        create_time=time,
        parameters=sent,
        destination=Destination(output),
        payer_account_id=payer_account_id,
        compute=compute,
        asked_compute=asked,
        template=template,
        text="" if job else _text(configuration, template),
        values=values,
        population=Population(table, version),
    )
    table.versions.add(version.version_id, version)
    table.update_time, table.state = time, POPULATE_STARTED
    start(caller, run)
    return {
        "analysis_id": version.analysis_id,
        "analysis_type": version.analysis_type,
        "version_id": version.version_id,
    }


def _as_started(
    configuration: dict[str, Any], parameters: dict[str, str] | None, compute_configuration: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the parameters and the compute configuration of the query or job, as if it had been started with them."""
    (sent,) = configuration.values()
    if parameters is not None:
        sent = {**sent, "parameters": parameters}
    if compute_configuration is None:
        return sent, None
    ((kind, asked),) = compute_configuration.items()
    return sent, asked if kind == "job_compute_configuration" else {"worker": asked}


def _text(configuration: dict[str, Any], template: AnalysisTemplate | None) -> str:
    text: str = configuration["sql_parameters"]["query_string"] if template is None else template.source["text"]
    return text


@rule(
    "INT-11",
    source="inferred: PopulateIntermediateTable models a conflict",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def table_can_be_populated(table: IntermediateTable) -> None:
    """A table that is DISALLOWED_BY_DATA_PROVIDER or BASE_TABLE_REMOVED, or that is being populated, can't be populated."""
    if table.state in (DISALLOWED, BASE_TABLE_REMOVED, POPULATE_STARTED):
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
) -> tuple[Values, str, Compute]:
    """Parameters are those that the analysis template declares, with values as PQ-24 has it. The compute configuration is queryComputeConfiguration for a query and
    jobComputeConfiguration for a job. analysisPayerAccountId is an active member that has accepted to pay for queries or jobs; without it the only
    payer pays, or of several the member that populates, which must be one of them.
    """
    job = is_job(table.population_analysis_configuration)
    values = values_of(template, parameters or {}, "parameters")
    payer = payer_of(table.membership.member, payer_account_id, JOB if job else QUERY, "analysisPayerAccountId")
    wanted, wrong = "job_compute_configuration", "query_compute_configuration"
    if not job:
        wanted, wrong = wrong, wanted
    asked = compute_configuration or {}
    if wrong in asked:
        kind, other = ("job", "query") if job else ("query", "job")
        raise invalid_configuration(
            f"computeConfiguration.{other}ComputeConfiguration", f"a {kind} populates the table"
        )
    worker = asked.get(wanted)
    if job:
        return (
            values,
            payer,
            compute_of(worker and worker["worker"], "computeConfiguration.jobComputeConfiguration.worker"),
        )
    return values, payer, compute_of(worker, "computeConfiguration.queryComputeConfiguration")


behaviour(
    "INT-12",
    "The version before stays in use when the table is populated in vain: POPULATE_FAILED is a table only if it has no data that lives.",
    source="user guide: populate; the status is inferred",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False)
class Population:
    """The populating of a table by a query or job."""

    table: IntermediateTable
    version: Version

    def keep(self, types: dict[str, str], origins: Mapping[str, Collection[tuple[str, str]]], rows: bytes) -> None:
        """Let the table have the result.

        :param types: of its columns, by name, as Glue spells them.
        :param origins: the columns of other tables that each is made of.
        :param rows: the bytes of an Arrow file.
        """
        table, version = self.table, self.version
        if version.version_id not in table.versions:
            return
        version.outcome, version.rows = POPULATE_SUCCESS, rows
        version.inherited_constraints = inherited([_parent(base) for base in table.parents], origins)
        version.expiration_time = version.create_time + table.retention_in_days * _DAY
        table.last_success = version
        table.columns = [{"name": name, "type": type_} for name, type_ in types.items()]

    def ended(self, run: AnalysisRun) -> None:
        """Let the table be what the analysis came to."""
        table, version = self.table, self.version
        if version.version_id not in table.versions:
            return
        if version.outcome == POPULATE_SUCCESS:
            table.state, table.status_reason = POPULATE_SUCCESS, None
            return
        version.outcome = POPULATE_FAILED
        if table.intermediate_table_version is not None:
            table.state = POPULATE_SUCCESS
        else:
            reason = f"The {run.noun} {run.id} is {run.status}." if run.failure is None else run.failure.message
            table.state, table.status_reason = POPULATE_FAILED, reason


def _parent(base: NamedResource) -> Parent:
    if isinstance(base, ConfiguredTableAssociation):
        return parent_of_association(base)
    return base.as_parent() if isinstance(base, IntermediateTable) else Parent(base)
