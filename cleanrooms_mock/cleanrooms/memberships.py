"""Memberships: what an account has once it has joined a collaboration."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY, CAN_RUN_JOB
from cleanrooms_mock.cleanrooms.access import denied, own_membership
from cleanrooms_mock.cleanrooms.errors import ConflictException, ResourceNotFoundException, invalid_configuration
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.log_groups import open_log
from cleanrooms_mock.cleanrooms.members import Member, dismiss
from cleanrooms_mock.cleanrooms.objects import replace_given, shown
from cleanrooms_mock.cleanrooms.payments import (
    JOB,
    QUERY,
    Responsibility,
    accept_at_joining,
    change_acceptance,
    configuration,
)
from cleanrooms_mock.cleanrooms.quotas import MEMBERSHIPS
from cleanrooms_mock.cleanrooms.results import (
    JOBS,
    QUERIES,
    only_a_receiver_says_where_job_results_go,
    only_a_receiver_says_where_results_go,
    receiver_says_where_results_go,
    receiver_that_cannot_query_names_a_role,
    results_can_be_written,
    single_file_is_for_spark,
)
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.protocol import Listing, Register
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

MembershipStatus = Literal["ACTIVE", "REMOVED", "COLLABORATION_DELETED"]


@dataclass(slots=True, eq=False)
class Membership:
    """An account's membership in a collaboration; what it is called and may do stands with its :class:`Member`.

    :ivar payer_of: what the member accepted to pay for.
    :ivar resources: what is kept under it, by kind; see ``resources.py``.
    :ivar log_exports: the exports of logs that it started, once it started one.
    """

    member: Member
    create_time: float
    update_time: float
    query_log_status: str
    job_log_status: str | None
    default_result_configuration: dict[str, Any] | None
    default_job_result_configuration: dict[str, Any] | None
    is_metrics_enabled: bool
    payer_of: Responsibility
    tags: dict[str, str]
    status: MembershipStatus = "ACTIVE"
    resources: defaultdict[str, Register[Any]] = field(default_factory=lambda: defaultdict(Register))
    log_exports: Register[Any] | None = None

    id = shown("member.membership_id")
    arn = shown("member.membership_arn")
    member_abilities = shown("member.abilities")
    ml_member_abilities = shown("member.ml_abilities")
    collaboration_id = shown("member.collaboration.id")
    collaboration_arn = shown("member.collaboration.arn")
    collaboration_name = shown("member.collaboration.name")
    collaboration_creator_account_id = shown("member.collaboration.creator_account_id")
    collaboration_creator_display_name = shown("member.collaboration.creator_display_name")

    @property
    def payment_configuration(self) -> dict[str, Any]:
        return configuration(self.payer_of)


behaviour(
    "MEM-3",
    "The membership is the caller's own account's; nobody joins for another.",
    source="API reference CreateMembership",
    status=DOCUMENTED,
)
behaviour(
    "MEM-17",
    "Logging may be DISABLED for a membership where the collaboration's is ENABLED.",
    source="terraform-provider-aws membership_test.go",
    status=SEEN,
)
behaviour(
    "MEM-20",
    "`paymentConfiguration` accepts what the collaboration has the member pay: see PAY-20 to PAY-27.",
    source="API reference CreateMembership",
    status=DOCUMENTED,
)
behaviour(
    "MEM-21",
    "Joining makes the membership ACTIVE, with createTime equal to updateTime, and the member ACTIVE, and stores the tags.",
    source="recorded GetMembership, ListMembers",
    status=SEEN,
)
behaviour(
    "MEM-22",
    "CreateMembership checks in this order: the invitation, an earlier departure, an existing membership, where results go, logging, metrics, "
    "payment, bucket, role, quota. The first that fails answers.",
    source="inferred from ERR-16",
    status=INFERRED,
)


@operation
def create_membership(
    caller: Caller,
    *,
    collaboration_identifier: str,
    query_log_status: str,
    job_log_status: str | None = None,
    tags: dict[str, str] | None = None,
    default_result_configuration: dict[str, Any] | None = None,
    default_job_result_configuration: dict[str, Any] | None = None,
    payment_configuration: dict[str, Any] | None = None,
    is_metrics_enabled: bool = False,
) -> Membership:
    tags = check_tags(tags)
    member = invited_member(caller, collaboration_identifier)
    no_way_back(member)
    joins_once(member)
    receiver_says_where_results_go(member, default_result_configuration)
    _check_choices(
        member, query_log_status, job_log_status, default_result_configuration, default_job_result_configuration
    )
    metrics_are_for_who_runs_or_pays(member, is_metrics_enabled)
    payer_of = accept_at_joining(member, payment_configuration)
    results_can_be_written(
        caller, member, {QUERIES: default_result_configuration, JOBS: default_job_result_configuration}
    )
    memberships_within_quota(caller)

    time = now()
    membership = Membership(
        member=member,
        create_time=time,
        update_time=time,
        query_log_status=query_log_status,
        job_log_status=job_log_status,
        default_result_configuration=default_result_configuration,
        default_job_result_configuration=default_job_result_configuration,
        is_metrics_enabled=is_metrics_enabled,
        payer_of=payer_of,
        tags=tags,
    )
    member.membership = membership
    member.status = "ACTIVE"
    member.update_time = time
    caller.backend.memberships.add(membership.id, membership)
    caller.backend.keep(membership)
    open_log(membership, caller.region_name)
    return membership


def _check_choices(
    member: Member,
    query_log_status: str | None,
    job_log_status: str | None,
    results: dict[str, Any] | None,
    job_results: dict[str, Any] | None,
) -> None:
    """What holds for a member's choices whenever it makes them."""
    only_a_receiver_says_where_results_go(member, results)
    receiver_that_cannot_query_names_a_role(member, results)
    single_file_is_for_spark(member, results)
    only_a_receiver_says_where_job_results_go(member, job_results)
    query_logging_needs_the_collaboration(member, query_log_status)
    job_logging_needs_the_collaboration(member, job_log_status)


@rule(
    "MEM-1",
    source="inferred from ERR-8: both exceptions are modelled, and code under test wants to tell them apart",
    status=INFERRED,
    answer="ResourceNotFoundException or AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def invited_member(caller: Caller, collaboration_id: str) -> Member:
    """Only an account that was invited joins, the creator included. A collaboration that doesn't exist or was deleted isn't found; one that the
    caller was never invited to denies access.
    """
    collaboration = caller.world.collaborations.get(collaboration_id)
    if collaboration is None:
        raise ResourceNotFoundException("COLLABORATION", collaboration_id)
    member = collaboration.members.get(caller.account_id)
    if member is None:
        raise denied(caller.account_id, f"you were not invited to collaboration {collaboration_id}")
    return member


@rule(
    "MEM-4",
    source="user guide: leave-collab; the exception is inferred",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def no_way_back(member: Member) -> None:
    """Who has LEFT or was REMOVED can't join again."""
    if not member.participates:
        how = "left" if member.status == "LEFT" else "were removed from"
        raise denied(member.account_id, f"you {how} collaboration {member.collaboration.id} and can't join it again")


behaviour(
    "COL-49",
    "An account that LEFT or was REMOVED can't come back, neither by joining nor by a change request.",
    source="user guide: leave-collab; for removal it is inferred",
    status=DOCUMENTED,
)


@rule(
    "MEM-2",
    source="inferred: AWS's CloudFormation handlers, ExceptionMapper",
    status=INFERRED,
    answer="ConflictException ALREADY_EXISTS",
)
def joins_once(member: Member) -> None:
    """Joining a second time conflicts with the membership that exists."""
    if member.status == "ACTIVE":
        message = (
            f"You have already joined collaboration {member.collaboration.id} with membership {member.membership_id}."
        )
        raise ConflictException("ALREADY_EXISTS", "MEMBERSHIP", member.membership_id, message)


@rule(
    "MEM-16",
    source="inferred: user guide: create-membership offers logging only if the creator enabled it; terraform-provider-aws membership_test.go",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def query_logging_needs_the_collaboration(member: Member, query_log_status: str | None) -> None:
    """Query logging can't be ENABLED for a membership where it is DISABLED for the collaboration."""
    if query_log_status == "ENABLED" and member.collaboration.query_log_status != "ENABLED":
        raise invalid_configuration("queryLogStatus", "query logging isn't enabled for the collaboration")


@rule(
    "MEM-18",
    source="inferred, as MEM-16; recorded GetMembership for its absence",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def job_logging_needs_the_collaboration(member: Member, job_log_status: str | None) -> None:
    """Job logging can't be ENABLED for a membership where it isn't for the collaboration. Where it wasn't given it is absent from answers."""
    if job_log_status == "ENABLED" and member.collaboration.job_log_status != "ENABLED":
        raise invalid_configuration("jobLogStatus", "job logging isn't enabled for the collaboration")


@rule(
    "MEM-19",
    source="API reference CreateMembership; user guide: cloudwatch-metrics; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def metrics_are_for_who_runs_or_pays(member: Member, is_metrics_enabled: bool) -> None:
    """`isMetricsEnabled` needs a collaboration with metrics, and a member that can query, can run jobs, or is a payer of either. It is false
    where it wasn't given, and returned.
    """
    if not is_metrics_enabled:
        return
    if not member.collaboration.is_metrics_enabled:
        raise invalid_configuration("isMetricsEnabled", "metrics aren't enabled for the collaboration")
    if not {CAN_QUERY, CAN_RUN_JOB} & set(member.abilities) and not {QUERY, JOB} & member.payer_of:
        raise invalid_configuration("isMetricsEnabled", "you neither run nor pay for queries or jobs")


@rule(
    "MEM-5",
    source="user guide: quotas; what is counted is inferred",
    status=DOCUMENTED,
    answer="ServiceQuotaExceededException",
)
def memberships_within_quota(caller: Caller) -> None:
    """An account has a quota of memberships in a Region, which count in every status until they are deleted."""
    caller.controls.quotas.check(MEMBERSHIPS, len(caller.backend.memberships))


behaviour(
    "MEM-30",
    "GetMembership answers the owner, in every status, and nobody else.",
    source="tests of terraform-provider-aws; aws-sdk-pandas#2380",
    status=SEEN,
)


@operation
def get_membership(caller: Caller, *, membership_identifier: str) -> Membership:
    return own_membership(caller, membership_identifier)


behaviour(
    "MEM-31",
    "ListMemberships lists the caller's own, in every status unless one is asked for; deleted ones are gone.",
    source="API reference ListMemberships",
    status=DOCUMENTED,
)


@operation
def list_memberships(caller: Caller, *, status: str | None = None) -> Listing[Membership]:
    if status is not None:
        return caller.backend.memberships.where(lambda membership: membership.status == status)
    return caller.backend.memberships


behaviour(
    "MEM-33",
    "UpdateMembership leaves what is absent, replaces a result configuration as a whole, can't take one away and can't change isMetricsEnabled. "
    "What holds for a result configuration and for logging at joining holds for what is given.",
    source="service model; whole replacement is inferred",
    status=DOCUMENTED,
)
behaviour(
    "MEM-34",
    "An update that changes nothing leaves updateTime, any change moves it.",
    source="inferred: the service model requires nothing but the id",
    status=INFERRED,
)


@operation
def update_membership(
    caller: Caller,
    *,
    membership_identifier: str,
    query_log_status: str | None = None,
    job_log_status: str | None = None,
    default_result_configuration: dict[str, Any] | None = None,
    default_job_result_configuration: dict[str, Any] | None = None,
    membership_payment_configuration: dict[str, Any] | None = None,
) -> Membership:
    membership = own_membership(caller, membership_identifier)
    only_an_active_membership_changes(membership)
    member = membership.member
    _check_choices(
        member, query_log_status, job_log_status, default_result_configuration, default_job_result_configuration
    )
    payer_of = change_acceptance(member, membership.payer_of, membership_payment_configuration or {})
    results_can_be_written(
        caller, member, {QUERIES: default_result_configuration, JOBS: default_job_result_configuration}
    )

    logged = membership.query_log_status, membership.job_log_status
    if replace_given(
        membership,
        query_log_status=query_log_status,
        job_log_status=job_log_status,
        default_result_configuration=default_result_configuration,
        default_job_result_configuration=default_job_result_configuration,
        payer_of=payer_of,
    ):
        membership.update_time = now()
        open_log(membership, caller.region_name, logged)
    return membership


@rule(
    "MEM-32",
    source="user guide: update-membership; the exception is inferred",
    status=DOCUMENTED,
    answer="ConflictException INVALID_STATE",
)
def only_an_active_membership_changes(membership: Membership) -> None:
    """UpdateMembership needs an ACTIVE membership."""
    if membership.status != "ACTIVE":
        message = f"Membership {membership.id} is {membership.status}, not ACTIVE."
        raise ConflictException("INVALID_STATE", "MEMBERSHIP", membership.id, message)


behaviour(
    "MEM-39",
    "A deleted membership isn't found and isn't listed; its member has LEFT, unless it was REMOVED, and stays visible to the others as such.",
    source="user guide: leave-collab; tests of terraform-provider-aws",
    status=DOCUMENTED,
)
behaviour(
    "MEM-40",
    "A second DeleteMembership doesn't find the membership.",
    source="terraform-provider-aws membership.go, which takes it for gone",
    status=SEEN,
)


@operation
def delete_membership(caller: Caller, *, membership_identifier: str) -> None:
    membership = own_membership(caller, membership_identifier)
    creator_stays_while_active(membership)
    nothing_is_left_under_it(membership)
    member = membership.member
    caller.backend.memberships.remove(membership.id)
    caller.backend.drop(membership)
    caller.backend.cancel_runs(membership)
    member.membership = None
    if member.status == "ACTIVE":
        dismiss(member, "LEFT", caller.region_name, now())


@rule(
    "MEM-35",
    source="terraform-provider-aws membership.go; the reason is inferred",
    status=SEEN,
    answer="ConflictException INVALID_STATE",
)
def creator_stays_while_active(membership: Membership) -> None:
    """The creator can't leave: its membership is deleted only after the collaboration was. Its message is the service's own."""
    if membership.member.is_creator and membership.status == "ACTIVE":
        message = "Cannot delete membership for the creator of the collaboration while their membership is still ACTIVE"
        raise ConflictException("INVALID_STATE", "MEMBERSHIP", membership.id, message)


@rule(
    "MEM-36",
    source="API reference DeleteMembership; terraform-provider-awscc#3000",
    status=SEEN,
    answer="ConflictException SUBRESOURCES_EXIST",
)
def nothing_is_left_under_it(membership: Membership) -> None:
    """A membership is deleted only when it is empty: associations of tables, analysis templates, privacy budget templates, ID mapping tables, ID
    namespace and audience model associations and intermediate tables block it.
    """
    left = sorted(path for path, register in membership.resources.items() if len(register))
    if left:
        message = f"Membership {membership.id} still has resources: {', '.join(left)}."
        raise ConflictException("SUBRESOURCES_EXIST", "MEMBERSHIP", membership.id, message)


behaviour(
    "MEM-37",
    "That the creator stays is checked before what is left under the membership, which blocks in every status.",
    source="inferred: state before content",
    status=INFERRED,
)
