"""Protected queries: their operations, and how one is checked and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Question, Template
from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY
from cleanrooms_mock.cleanrooms.access import own_membership
from cleanrooms_mock.cleanrooms.analysis_runs import AnalysisRun, ongoing, run_in_sight
from cleanrooms_mock.cleanrooms.analysis_tables import tables_of, take_budgets
from cleanrooms_mock.cleanrooms.compute import FIELD, Compute, compute_of, query_within_vcpu
from cleanrooms_mock.cleanrooms.engine_choice import engine_of, extra_is_installed, limits_of, noise_of
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.query_data import (
    Files,
    Kept,
    Place,
    deliver,
    files_for,
    kept_rows,
    places_of,
    read,
    results_leave_the_tables_alone,
)
from cleanrooms_mock.cleanrooms.query_logs import log_end, log_start
from cleanrooms_mock.cleanrooms.quotas import ONGOING_QUERIES, PRIVATE_QUERY_TEXT, RUNNING_QUERIES, TABLES_OF_QUERY
from cleanrooms_mock.cleanrooms.resources import active_membership, member_has_ability
from cleanrooms_mock.cleanrooms.run_parameters import (
    Values,
    only_templates_have_parameters,
    query_template,
    text_is_not_blank,
    text_is_short_enough,
    text_or_template,
    values_for_query,
)
from cleanrooms_mock.cleanrooms.run_payers import payer_of_query
from cleanrooms_mock.cleanrooms.run_progress import asked_for, cancel, listed, start, without_lock
from cleanrooms_mock.cleanrooms.run_results import query_destination
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.check import Checked
    from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.controls import Controls
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.run_results import Delivery
    from cleanrooms_mock.cleanrooms.schemas import NamedResource
    from cleanrooms_mock.protocol import Listing

_TIME_ZONE = "spark.sql.session.timeZone"


@dataclass(slots=True, eq=False, kw_only=True)
class ProtectedQuery(AnalysisRun):
    """A protected query.

    :ivar is_private: whether a table of it has differential privacy.
    :ivar users_noise: how many users the noise of such a query hides.
    :ivar checked: what was found out about it when it was validated.
    :ivar places: where the data of its tables are.
    :ivar sensitivity: of one with differential privacy, how sensitive each of its aggregations is.
    """

    model = "cleanrooms::protected_query"
    noun = "query"
    parameters_member = "sql_parameters"
    payer_member = "query_compute_payer_account_id"
    at_a_time = RUNNING_QUERIES

    is_private: bool = False
    users_noise: int = 0
    checked: Checked | None = None
    places: list[Place] = field(default_factory=list)
    sensitivity: list[dict[str, Any]] | None = None

    def more(self) -> dict[str, Any]:
        found = self.sensitivity
        return {"differential_privacy": None if found is None else {"sensitivity_parameters": found}}

    def validate(self, caller: Caller) -> None:
        collaboration: Collaboration = self.membership.member.collaboration
        quotas, strict = caller.controls.quotas, caller.is_strict
        tables = tables_of(collaboration, strict=strict, populates=self.population is not None)
        names: dict[str, NamedResource] = {resource.name.lower(): resource for resource in collaboration.names}
        try:
            with without_lock(caller, self):
                # sqlglot is imported by the first query.
                from cleanrooms_mock.analysis.check import check
                from cleanrooms_mock.analysis.private_rewriting import aggregations_of

                checked = check(
                    self._question(),
                    tables,
                    most_tables=quotas.value(TABLES_OF_QUERY, caller.region_name),
                    most_private_bytes=quotas.value(PRIVATE_QUERY_TEXT, caller.region_name) * 1000,
                )
                aggregations = aggregations_of(checked.resolution) if checked.is_private else []
            places = places_of(checked.tables, names, strict=strict)
            results_leave_the_tables_alone(places, self.destination.deliveries)
            self.users_noise = take_budgets([names[table.name] for table in checked.tables], aggregations)
        except Refusal as refusal:
            log_start(self, _named(self.text, names), refusal.message)
            raise
        self.checked, self.places = checked, places
        self.is_private = checked.is_private
        log_start(self, [(table.name, names[table.name]) for table in checked.tables])

    def _question(self) -> Question:
        return Question(
            text=self.text,
            runner=self.runner_account_id,
            receivers=self.destination.receivers,
            template=None if self.template is None else Template(self.template.arn, self.template.creator_account_id),
            parameters=self.values,
        )

    def execute(self, caller: Caller) -> None:
        with without_lock(caller, self):
            outcome = carry_out(self, caller.controls, partition=caller.partition)
        deliver(self, outcome.files, partition=caller.partition, strict=caller.is_strict)
        if self.population is not None and outcome.rows is not None:
            self.population.keep(*outcome.rows)
        self.sensitivity = outcome.sensitivity

    def ended(self) -> None:
        # What it was about isn't needed any more.
        self.checked, self.places = None, []
        if self.population is not None:
            self.population.ended(self)
        log_end(self)


class Outcome(NamedTuple):
    """What a query comes to.

    :ivar files: what is to be written for each delivery.
    :ivar rows: what an intermediate table that it populates keeps.
    :ivar sensitivity: of a query with differential privacy, how sensitive each of its aggregations is.
    """

    files: Sequence[tuple[Delivery, Files]]
    rows: Kept | None = None
    sensitivity: list[dict[str, Any]] | None = None


def carry_out(query: ProtectedQuery, controls: Controls, *, partition: str) -> Outcome:
    """Run a query that was found valid. Nothing that calls could change is looked at or changed here.

    :param partition: the partition of the Region.
    :raises Refusal: if it fails.
    """
    extra_is_installed(controls)
    from cleanrooms_mock.analysis.run import run

    checked = query.checked
    assert checked is not None
    with engine_of(controls).sandbox(limits_of(controls)) as sandbox:
        result = run(
            checked,
            read(query.places, checked, sandbox.folder, partition=partition, strict=controls.references == "strict"),
            sandbox,
            noise_of(controls),
            users_noise_per_query=query.users_noise,
            time_zone=query.compute.properties.get(_TIME_ZONE, "UTC"),
        )
        files = files_for(result.table, query.destination.deliveries, query.id)
        rows = None if query.population is None else kept_rows(checked, result.table)
    return Outcome(files, rows, result.sensitivity)


def _named(text: str, names: Mapping[str, NamedResource]) -> list[tuple[str, NamedResource | None]]:
    """Return the tables that a text names, as far as it can be read."""
    from cleanrooms_mock.analysis.statements import parse_query

    try:
        return [(name, names.get(name.lower())) for name in parse_query(text).tables]
    except Refusal:
        return []


behaviour(
    "PQ-03",
    "A query whose text can be read and breaks a rule, or whose tables can't be used, is there all the same: it is logged with its validation errors at the stage "
    "SUBMISSION and is FAILED.",
    source="public lab aws-clean-rooms-lab, whose console shows it; API reference ProtectedQueryError, for the code",
    status=SEEN,
)
behaviour(
    "PQ-12",
    "A query is started by the member with CAN_QUERY: see LIFE-26.",
    source="user guide: running-sql-queries",
    status=DOCUMENTED,
)
behaviour(
    "PQ-07",
    "A start looks at the membership, then at the ability, the parameters, the template and its values, the result configuration, the payer, the compute "
    "configuration and the quotas, and the first that is wrong answers. The text isn't read by then.",
    source="inferred: rights come before content, and quotas last",
    status=INFERRED,
)


@operation
def start_protected_query(
    caller: Caller,
    *,
    type: str,
    membership_identifier: str,
    sql_parameters: dict[str, Any],
    result_configuration: dict[str, Any] | None = None,
    compute_configuration: dict[str, Any] | None = None,
    query_compute_payer_account_id: str | None = None,
) -> dict[str, Any]:
    membership = active_membership(caller, membership_identifier)
    member_has_ability(membership, CAN_QUERY)
    text, template, values = _what_to_run(caller, membership, sql_parameters)
    destination = query_destination(caller, membership.member, result_configuration)
    payer_account_id = payer_of_query(membership.member, query_compute_payer_account_id)
    compute = compute_of((compute_configuration or {}).get("worker"), f"{FIELD}.worker")
    query_within_quotas(caller, membership, compute)
    query = ProtectedQuery(
        membership=membership,
        backend=caller.backend,
        id=new_id(),
        create_time=now(),
        parameters=sql_parameters,
        destination=destination,
        payer_account_id=payer_account_id,
        compute=compute,
        asked_compute=compute_configuration,
        template=template,
        text=text,
        values=values,
    )
    return start(caller, query)


def _what_to_run(
    caller: Caller, membership: Membership, sql_parameters: Mapping[str, Any]
) -> tuple[str, AnalysisTemplate | None, Values]:
    text_or_template(sql_parameters)
    only_templates_have_parameters(sql_parameters)
    if "query_string" in sql_parameters:
        text: str = sql_parameters["query_string"]
        text_is_not_blank(text)
        text_is_short_enough(text, caller.controls.quotas)
        return text, None, {}
    template = query_template(membership.member.collaboration, sql_parameters["analysis_template_arn"])
    values = values_for_query(template, sql_parameters.get("parameters", {}))
    return template.source["text"], template, values


behaviour(
    "PQ-70",
    "A membership has a quota of queries that are ongoing: QUO-14. SUBMITTED, STARTED and CANCELLING are, which is inferred.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


def query_within_quotas(caller: Caller, membership: Membership, compute: Compute) -> None:
    """Refuse a query that asks for too many vCPUs, or one more than a membership may have ongoing."""
    query_within_vcpu(caller, compute)
    caller.controls.quotas.check(ONGOING_QUERIES, ongoing(caller, membership, ProtectedQuery), caller.region_name)


@operation
def get_protected_query(
    caller: Caller, *, membership_identifier: str, protected_query_identifier: str
) -> dict[str, Any]:
    membership = own_membership(caller, membership_identifier)
    return asked_for(caller, membership, run_in_sight(membership, ProtectedQuery, protected_query_identifier))


@operation
def list_protected_queries(
    caller: Caller, *, membership_identifier: str, status: str | None = None
) -> Listing[dict[str, Any]]:
    return listed(caller, own_membership(caller, membership_identifier), ProtectedQuery, status)


@operation
def update_protected_query(
    caller: Caller, *, membership_identifier: str, protected_query_identifier: str, target_status: str
) -> dict[str, Any]:
    membership = active_membership(caller, membership_identifier)
    query = run_in_sight(membership, ProtectedQuery, protected_query_identifier)
    member_has_ability(membership, CAN_QUERY)
    return cancel(caller, query, membership)
