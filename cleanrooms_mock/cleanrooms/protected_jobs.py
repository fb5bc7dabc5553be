"""Protected jobs: their operations, and how one is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Template
from cleanrooms_mock.cleanrooms.abilities import CAN_RUN_JOB
from cleanrooms_mock.cleanrooms.access import own_membership
from cleanrooms_mock.cleanrooms.analysis_runs import AnalysisRun, Failure, ongoing, run_in_sight
from cleanrooms_mock.cleanrooms.analysis_tables import tables_of, take_budgets
from cleanrooms_mock.cleanrooms.compute import FIELD, Compute, compute_of, job_within_vcpu
from cleanrooms_mock.cleanrooms.engine_choice import limits_of
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.job_data import stored_artifacts, whole_sources
from cleanrooms_mock.cleanrooms.query_data import (
    Place,
    deliver,
    files_for,
    places_of,
    results_leave_the_tables_alone,
)
from cleanrooms_mock.cleanrooms.query_logs import log_end, log_start
from cleanrooms_mock.cleanrooms.quotas import ONGOING_JOBS, RUNNING_JOBS
from cleanrooms_mock.cleanrooms.resources import active_membership, member_has_ability
from cleanrooms_mock.cleanrooms.run_parameters import job_template, values_for_job
from cleanrooms_mock.cleanrooms.run_payers import payer_of_job
from cleanrooms_mock.cleanrooms.run_progress import asked_for, cancel, listed, start, without_lock
from cleanrooms_mock.cleanrooms.run_results import job_destination
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, behaviour

if TYPE_CHECKING:
    import pyarrow as pa

    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.schemas import NamedResource
    from cleanrooms_mock.protocol import Listing


@dataclass(slots=True, eq=False, kw_only=True)
class ProtectedJob(AnalysisRun):
    """A protected job.

    :ivar places: where the data of its tables are.
    """

    model = "cleanrooms::protected_job"
    noun = "job"
    parameters_member = "job_parameters"
    payer_member = "job_compute_payer_account_id"
    at_a_time = RUNNING_JOBS
    # The model has no other type for jobs.
    analysis_type_of_population = "DIRECT_ANALYSIS"

    places: list[Place] = field(default_factory=list)

    def validate(self, caller: Caller) -> None:
        collaboration: Collaboration = self.membership.member.collaboration
        assert self.template is not None
        tables = tables_of(collaboration, strict=caller.is_strict, populates=self.population is not None)
        names: dict[str, NamedResource] = {resource.name.lower(): resource for resource in collaboration.names}
        referenced: list[str] = self.template.schema["referenced_tables"]
        try:
            # sqlglot is imported by the first query or job.
            from cleanrooms_mock.analysis.job_rules import check_job

            template = Template(self.template.arn, self.template.creator_account_id)
            used = check_job(referenced, tables, template, self.destination.receivers)
            places = places_of(used, names, strict=caller.is_strict)
            results_leave_the_tables_alone(places, self.destination.deliveries)
            take_budgets([names[table.name] for table in used], [])
        except Refusal as refusal:
            log_start(self, [(name, names.get(name.lower())) for name in referenced], refusal.message)
            raise
        self.places = places
        log_start(self, [(table.name, names[table.name]) for table in used])

    def execute(self, caller: Caller) -> None:
        with without_lock(caller, self):
            outputs = run_job(caller, self)
            files = [
                (delivery, [(f"{name}/{part}", content) for part, content in parts])
                for name, table in outputs.items()
                for delivery, parts in files_for(table, self.destination.deliveries, self.id)
            ]
        deliver(self, files, partition=caller.partition, strict=caller.is_strict)

    def take_too_long(self) -> None:
        self.failure = Failure("INSUFFICIENT_COMPUTE", "The job has run out of time.")

    def ended(self) -> None:
        self.places = []
        if self.population is not None:
            self.population.ended(self)
        log_end(self)


behaviour(
    "PJ-21",
    "A job's result lies in a folder that is named by the job's id, as a query's does (PQ-80), with a folder in it for each output of the script, which is inferred.",
    source="user guide: receive-job-results",
    status=DOCUMENTED,
)


def run_job(caller: Caller, job: ProtectedJob) -> Mapping[str, pa.Table]:
    """Run the script of a job.

    :returns: its outputs by name.
    :raises Refusal: if it fails.
    """
    if not caller.controls.run_jobs:
        raise Refusal(
            "INSUFFICIENT_COMPUTE",
            "A job is the test's own code, which runs only if the mock is told so: mock_cleanrooms(run_jobs=True).",
        )
    # What runs scripts is imported by the first job.
    from cleanrooms_mock.analysis import jobs

    jobs.spark_is_installed()
    template, strict = job.template, caller.is_strict
    assert template is not None
    with TemporaryDirectory(prefix="cleanrooms-mock-") as name:
        folder = Path(name)
        entry_point, *additional = stored_artifacts(
            template.artifacts, folder / "artifacts", partition=caller.partition
        )
        names = template.schema["referenced_tables"]
        return jobs.run_job(
            entry_point,
            additional,
            whole_sources(job.places, names, folder, partition=caller.partition, strict=strict),
            {name: value for name, (_, value) in job.values.items()},
            folder,
            limits_of(caller.controls),
            is_detailed=(template.error_message_configuration or {}).get("type") == "DETAILED",
        )


behaviour(
    "PJ-01",
    "A job is of the type PYSPARK and by an analysis template: there are no scripts in the request.",
    source="API reference ProtectedJobParameters",
    status=DOCUMENTED,
)
behaviour(
    "PJ-02",
    "A job is started by the member with CAN_RUN_JOB: see LIFE-26. That CAN_QUERY isn't enough is inferred.",
    source="user guide: run-jobs",
    status=DOCUMENTED,
)
behaviour(
    "PJ-12",
    "A membership has a quota of jobs that are ongoing (QUO-15), and an account one of those that run at a time (QUO-17).",
    source="user guide: quotas",
    status=DOCUMENTED,
)
behaviour(
    "PJ-14",
    "A job has the statuses of a query but TIMED_OUT: one that takes too long is FAILED with INSUFFICIENT_COMPUTE, which is inferred.",
    source="API reference ProtectedJobStatus, ProtectedJobError",
    status=DOCUMENTED,
)
behaviour(
    "PJ-15",
    "A job's error has MALFORMED_SCRIPT among its codes in place of MALFORMED_QUERY.",
    source="API reference ProtectedJobError",
    status=DOCUMENTED,
)


@operation
def start_protected_job(
    caller: Caller,
    *,
    type: str,
    membership_identifier: str,
    job_parameters: dict[str, Any],
    result_configuration: dict[str, Any] | None = None,
    compute_configuration: dict[str, Any] | None = None,
    job_compute_payer_account_id: str | None = None,
) -> dict[str, Any]:
    membership = active_membership(caller, membership_identifier)
    member_has_ability(membership, CAN_RUN_JOB)
    template = job_template(membership.member.collaboration, job_parameters["analysis_template_arn"])
    values = values_for_job(template, job_parameters.get("parameters", {}))
    destination = job_destination(membership.member, result_configuration)
    payer_account_id = payer_of_job(membership.member, job_compute_payer_account_id)
    compute = compute_of((compute_configuration or {}).get("worker"), f"{FIELD}.worker")
    job_within_quotas(caller, membership, compute)
    job = ProtectedJob(
        membership=membership,
        backend=caller.backend,
        id=new_id(),
        create_time=now(),
        parameters=job_parameters,
        destination=destination,
        payer_account_id=payer_account_id,
        compute=compute,
        asked_compute=compute_configuration,
        template=template,
        values=values,
    )
    return start(caller, job)


def job_within_quotas(caller: Caller, membership: Membership, compute: Compute) -> None:
    """Refuse a job that asks for too many workers, or one more than a membership may have ongoing."""
    job_within_vcpu(caller, compute)
    caller.controls.quotas.check(ONGOING_JOBS, ongoing(caller, membership, ProtectedJob), caller.region_name)


@operation
def get_protected_job(caller: Caller, *, membership_identifier: str, protected_job_identifier: str) -> dict[str, Any]:
    membership = own_membership(caller, membership_identifier)
    return asked_for(caller, membership, run_in_sight(membership, ProtectedJob, protected_job_identifier))


@operation
def list_protected_jobs(
    caller: Caller, *, membership_identifier: str, status: str | None = None
) -> Listing[dict[str, Any]]:
    return listed(caller, own_membership(caller, membership_identifier), ProtectedJob, status)


@operation
def update_protected_job(
    caller: Caller, *, membership_identifier: str, protected_job_identifier: str, target_status: str
) -> dict[str, Any]:
    membership = active_membership(caller, membership_identifier)
    job = run_in_sight(membership, ProtectedJob, protected_job_identifier)
    member_has_ability(membership, CAN_RUN_JOB)
    return cancel(caller, job, membership)
