"""What a protected query and a protected job have in common: their life, who sees what of them, and how they are listed and cancelled."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar

from cleanrooms_mock.cleanrooms.access import denied
from cleanrooms_mock.cleanrooms.compute import Compute
from cleanrooms_mock.cleanrooms.errors import ConflictException, ResourceNotFoundException
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import shown
from cleanrooms_mock.cleanrooms.run_results import Destination
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, Rule, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate
    from cleanrooms_mock.cleanrooms.backend import CleanRoomsBackend
    from cleanrooms_mock.cleanrooms.intermediate_table_versions import Population
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.quotas import Quota
    from cleanrooms_mock.cleanrooms.run_parameters import Values
    from cleanrooms_mock.cleanrooms.schemas import NamedResource
    from cleanrooms_mock.cleanrooms.service import Caller
    from cleanrooms_mock.protocol import Listing

SUBMITTED: Final = "SUBMITTED"
STARTED: Final = "STARTED"
SUCCESS: Final = "SUCCESS"
FAILED: Final = "FAILED"
CANCELLING: Final = "CANCELLING"
CANCELLED: Final = "CANCELLED"
TIMED_OUT: Final = "TIMED_OUT"
Status = Literal["SUBMITTED", "STARTED", "SUCCESS", "FAILED", "CANCELLING", "CANCELLED", "TIMED_OUT"]
ONGOING: Final = (SUBMITTED, STARTED, CANCELLING)

_HOUR = 60 * 60

behaviour(
    "PQ-50",
    "A query is SUBMITTED, then STARTED, and ends SUCCESS, FAILED or TIMED_OUT; one that is cancelled meanwhile is CANCELLING and ends CANCELLED.",
    source="awswrangler's cleanrooms module, which polls for these",
    status=SEEN,
)
behaviour(
    "PQ-51",
    "A query that breaks a rule ends FAILED without having been STARTED.",
    source="inferred: API reference StartAnalysisLogExport, which has validation before execution",
    status=INFERRED,
)
behaviour(
    "PQ-55",
    "A query may take 12 hours, or 24 if every member that receives its result by the default of its membership names a role there (QUO-23). After that it is "
    "TIMED_OUT, without an error, which is inferred. With steps by moto's state manager it is moto's clock that tells.",
    source="user guide: edit-results-settings",
    status=DOCUMENTED,
)
behaviour(
    "QUO-23",
    "A query's run time is 24 hours with a service role for its results, and 12 hours without, see PQ-55; it isn't among the quotas that can be set.",
    source="user guide: quotas",
    status=DOCUMENTED,
)
behaviour(
    "PQ-56",
    "The answer of a start has the query's ids, time, status SUBMITTED, parameters, result configuration and payer, and the compute configuration if one was "
    "given; nothing yet of what comes of it.",
    source="inferred: API reference ProtectedQuery",
    status=INFERRED,
)
behaviour(
    "PQ-57",
    "`statistics` are there from the end on: `totalDurationInMillis` from creation to the end, and CRPU hours as `billedResourceUtilization` if the query was STARTED. "
    "When they are there is inferred.",
    source="API reference ProtectedQueryStatistics",
    status=DOCUMENTED,
)
behaviour(
    "PQ-59",
    "`error` is there if a query is FAILED, with a message and one of the codes MALFORMED_QUERY, RESOURCE_NOT_FOUND, INVALID_RESOURCE, RESOURCE_ACCESS_DENIED, "
    "INSUFFICIENT_COMPUTE, TRANSIENT_ERROR, INTERNAL_ERROR and UNKNOWN_ERROR.",
    source="API reference ProtectedQueryError; user guide: error codes",
    status=DOCUMENTED,
)
behaviour(
    "PQ-60",
    "`retry.retryable` is true for TRANSIENT_ERROR and INTERNAL_ERROR and false for other codes; UNKNOWN_ERROR has no `retry`. All but MALFORMED_QUERY is inferred.",
    source="user guide: error codes",
    status=DOCUMENTED,
)
behaviour(
    "PQ-62",
    "`receiverConfigurations` of a summary has one entry for DIRECT_ANALYSIS with the accounts that receive the result. A query that populates an intermediate "
    "table has one for ADDITIONAL_ANALYSIS, without accounts. Which accounts is inferred.",
    source="API reference ReceiverConfiguration",
    status=DOCUMENTED,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run is FAILED.

    :ivar rule: the rule that it broke, ``None`` if it broke none.
    """

    code: str
    message: str
    rule: Rule | None = None

    @property
    def error(self) -> dict[str, Any]:
        retry = (
            None if self.code == "UNKNOWN_ERROR" else {"retryable": self.code in ("TRANSIENT_ERROR", "INTERNAL_ERROR")}
        )
        return {"code": self.code, "message": self.message, "retry": retry}


@dataclass(slots=True, eq=False, kw_only=True)
class AnalysisRun:
    """A protected query or a protected job.

    :ivar membership: the runner's.
    :ivar backend: the state of the runner's account.
    :ivar parameters: ``sqlParameters`` or ``jobParameters`` as they were sent.
    :ivar text: the SQL that runs; empty for a job.
    :ivar values: the type and value of each of the template's parameters.
    :ivar asked_compute: the ``computeConfiguration`` that was sent.
    :ivar population: the intermediate table that it populates, if it does.
    :ivar busy: whether a thread is at work on it at the moment.
    :ivar looks: how often it was asked for since its last step.
    :ivar stepped: when it took its last step.
    :ivar logged: the tables that its logs are about, once they are known.
    """

    #: Its name for moto's state manager, and for messages.
    model: ClassVar[str]
    noun: ClassVar[str]
    #: What answers call its parameters, and the account that pays.
    parameters_member: ClassVar[str]
    payer_member: ClassVar[str]
    #: How many may run in an account at a time.
    at_a_time: ClassVar[Quota]
    #: What summaries call the analysis that populates an intermediate table.
    analysis_type_of_population: ClassVar[str] = "ADDITIONAL_ANALYSIS"

    membership: Membership
    backend: CleanRoomsBackend
    id: str
    create_time: float
    parameters: Mapping[str, Any]
    destination: Destination
    payer_account_id: str
    compute: Compute
    asked_compute: dict[str, Any] | None
    template: AnalysisTemplate | None = None
    text: str = ""
    values: Values = field(default_factory=dict)
    population: Population | None = None
    status: Status = SUBMITTED
    busy: bool = False
    looks: int = 0
    stepped: float = 0.0
    start_time: float | None = None
    end_time: float | None = None
    failure: Failure | None = None
    logged: list[tuple[str, NamedResource | None]] = field(default_factory=list)

    membership_id = shown("membership.id")
    membership_arn = shown("membership.arn")
    runner_account_id = shown("membership.member.account_id")

    @abstractmethod
    def validate(self, caller: Caller) -> None:
        """Do what ends SUBMITTED: look whether it may run. Called with the world's lock held, which may be let go meanwhile.

        :raises Refusal: if it may not.
        """

    @abstractmethod
    def execute(self, caller: Caller) -> None:
        """Do what ends STARTED: run, and deliver the result. Called as :meth:`validate` is.

        :raises Refusal: if it fails.
        """

    def take_too_long(self) -> None:
        """Fail for having taken too long, if that is how such a run ends."""

    def ended(self) -> None:
        """Take note that it has come to its end."""

    @property
    def is_over(self) -> bool:
        return self.status not in ONGOING

    @property
    def latest_end(self) -> float | None:
        """When it has taken too long, ``None`` before it is STARTED."""
        if self.start_time is None:
            return None
        by_default = [delivery for delivery in self.destination.deliveries if delivery.role_arn is not None]
        has_roles = bool(by_default) and len(by_default) == len(self.destination.deliveries)
        return self.start_time + (24 if has_roles else 12) * _HOUR

    def finish(self, status: Status) -> None:
        """Come to an end."""
        self.status, self.end_time = status, now()
        self.backend.ongoing.pop(self.id, None)
        self.ended()

    def give_up(self) -> None:
        """Be cancelled with what it belongs to."""
        self.status = CANCELLING
        if not self.busy:
            self.finish(CANCELLED)

    def seen_by(self, membership: Membership) -> dict[str, Any]:
        """Return it as an answer shows it to the owner of a membership, the runner or a receiver."""
        is_runner = membership is self.membership
        viewer = membership.member.account_id
        return {
            "id": self.id,
            "membership_id": self.membership_id,
            "membership_arn": self.membership_arn,
            "create_time": self.create_time,
            self.parameters_member: self.parameters if is_runner else None,
            "status": self.status,
            "result_configuration": {"output_configuration": self.destination.configuration} if is_runner else None,
            "statistics": self._statistics(),
            "result": self._result(viewer),
            "error": None if self.failure is None else self.failure.error,
            "compute_configuration": self.asked_compute,
            self.payer_member: self.payer_account_id,
            **self.more(),
        }

    def more(self) -> dict[str, Any]:
        """Return what only a run of this kind has in answers."""
        return {}

    def _statistics(self) -> dict[str, Any] | None:
        if self.end_time is None:
            return None
        statistics: dict[str, Any] = {"total_duration_in_millis": round((self.end_time - self.create_time) * 1000)}
        if self.start_time is not None:
            units = self.compute.crpu * (self.end_time - self.start_time) / _HOUR
            statistics["billed_resource_utilization"] = {"units": units}
        return statistics

    def _result(self, viewer: str) -> dict[str, Any] | None:
        if self.status != SUCCESS:
            return None
        output = self.destination.output(self.id, viewer, self.runner_account_id)
        return None if output is None else {"output": output}

    def summary(self) -> dict[str, Any]:
        """Return it as lists show it."""
        return {
            "id": self.id,
            "membership_id": self.membership_id,
            "membership_arn": self.membership_arn,
            "create_time": self.create_time,
            "status": self.status,
            "receiver_configurations": [self._receivers()],
            self.payer_member: self.payer_account_id,
            "intermediate_table_configuration": self.destination.configuration.get("intermediate_table"),
        }

    def _receivers(self) -> dict[str, Any]:
        if self.population is not None:
            return {"analysis_type": self.analysis_type_of_population}
        accounts = {"receiver_account_ids": self.destination.receivers}
        details = {"direct_analysis_configuration_details": accounts}
        return {"analysis_type": "DIRECT_ANALYSIS", "configuration_details": details}


Run = TypeVar("Run", bound=AnalysisRun)

behaviour(
    "PQ-14",
    "A query is seen by its runner and, through their own memberships, by the members that receive its result: they get and list it, with the runner's "
    "membership, and without `sqlParameters` and `resultConfiguration`. Nobody else finds it, who pays or owns its tables included. What the API leaves out is "
    "inferred.",
    source="user guide: view-query-details",
    status=DOCUMENTED,
)
behaviour(
    "PQ-10",
    "The membership of an operation on queries and jobs is the caller's own: see ERR-10. For other operations than GetProtectedQuery it is inferred.",
    source="aws-sdk-pandas#2380",
    status=SEEN,
)
behaviour(
    "PQ-11",
    "A query or job starts under an ACTIVE membership: see LIFE-13.",
    source="inferred: the start operations model no conflict",
    status=INFERRED,
)
behaviour(
    "PQ-16",
    "Under a membership that is REMOVED or COLLABORATION_DELETED queries and jobs can be read and listed, and neither started nor cancelled.",
    source="inferred: memberships stay readable",
    status=INFERRED,
)
behaviour(
    "PQ-61",
    "Queries and jobs are listed newest first, all or those with exactly one status.",
    source="API reference ListProtectedQueries",
    status=DOCUMENTED,
)
behaviour(
    "PJ-20",
    "What PQ-14 to PQ-16, PQ-50 to PQ-53 and PQ-56 to PQ-62 say of queries holds for jobs, which have `jobParameters`.",
    source="inferred: both have the same design",
    status=INFERRED,
)


def runs_of(membership: Membership, kind: type[Run]) -> Listing[Run]:
    """Return the runs of a kind that the owner of a membership sees, newest first."""
    account_id = membership.member.account_id
    runs = membership.member.collaboration.runs[kind.model]
    return runs.newest_first().where(
        lambda run: run.membership is membership or account_id in run.destination.receivers
    )


@rule(
    "PQ-15",
    source="inferred: API reference ResourceType, which has no value for queries",
    status=INFERRED,
    answer="ResourceNotFoundException",
)
def run_in_sight(membership: Membership, kind: type[Run], run_id: str) -> Run:
    """A query or job that doesn't exist, or that the caller doesn't see, isn't found, as a MEMBERSHIP with its id."""
    run: Run | None = membership.member.collaboration.runs[kind.model].get(run_id)
    sees = run is not None and (
        run.membership is membership or membership.member.account_id in run.destination.receivers
    )
    if run is None or not sees:
        raise ResourceNotFoundException("MEMBERSHIP", run_id, f"No {kind.noun} {run_id} was found.")
    return run


@rule(
    "PQ-54",
    source="inferred: AWS's managed policy without querying denies starting and updating together",
    status=INFERRED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def runner_cancels(membership: Membership, run: AnalysisRun) -> None:
    """A query or job is cancelled by its runner, with the ability that starting takes (LIFE-26), and not by those who receive its result."""
    if run.membership is not membership:
        raise denied(membership.member.account_id, f"the {run.noun} {run.id} is another member's")


behaviour(
    "PQ-52",
    "An update cancels, and nothing else. From SUBMITTED and STARTED it answers CANCELLING, which becomes CANCELLED; what is CANCELLING stays so.",
    source="inferred: the model's one target status, and CANCELLING",
    status=INFERRED,
)


@rule(
    "PQ-53",
    source="inferred: ConflictException is modelled",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def is_not_over(run: AnalysisRun) -> None:
    """What has come to its end can't be cancelled, whatever end that was."""
    if run.is_over:
        raise ConflictException("INVALID_STATE", None, run.id, f"The {run.noun} {run.id} is {run.status}.")


def ongoing(caller: Caller, membership: Membership, kind: type[AnalysisRun]) -> int:
    """Return how many runs of a kind a membership of the caller's has that haven't come to their end."""
    return sum(type(run) is kind and run.membership is membership for run in caller.backend.ongoing.values())


behaviour(
    "MEM-38",
    "Queries and jobs don't keep a membership from being deleted; those that are ongoing end CANCELLED then, and when a member is removed or the "
    "collaboration deleted, which is inferred too.",
    source="inferred: they are history, not resources",
    status=INFERRED,
)
