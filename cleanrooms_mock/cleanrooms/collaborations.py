"""Collaborations: what several accounts have agreed to do with each other's data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.abilities import agree_on_abilities, no_ability_twice
from cleanrooms_mock.cleanrooms.access import collaboration_in_sight, only_the_creator
from cleanrooms_mock.cleanrooms.backend import cleanrooms_backends
from cleanrooms_mock.cleanrooms.errors import invalid_field
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.members import Member, admit, invite
from cleanrooms_mock.cleanrooms.objects import replace_given, shown
from cleanrooms_mock.cleanrooms.payments import agree_on_payers, statements
from cleanrooms_mock.cleanrooms.quotas import COLLABORATIONS_CREATED, MEMBERS_INVITED, Quotas
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.protocol import Listing, Register
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.change_requests import ChangeRequest

SPARK = "SPARK"
CLEAN_ROOMS_SQL = "CLEAN_ROOMS_SQL"

behaviour(
    "COL-1",
    "Any account may create a collaboration, and is a member of it in addition to `members`. It has no membership yet: its status is INVITED "
    "until it calls CreateMembership itself.",
    source="user guide: create-collab pages; tests of terraform-provider-aws",
    status=SEEN,
)
behaviour(
    "COL-2",
    "`members` may be empty: a collaboration of the creator alone is valid.",
    source="recorded ListMembers; tests of terraform-provider-aws",
    status=SEEN,
)
behaviour(
    "COL-15",
    "Display names and names needn't be unique. A display name can't be changed.",
    source="API reference Collaboration; user guide",
    status=DOCUMENTED,
)
behaviour(
    "COL-16",
    "`queryLogStatus` is required, although its text names a default.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "COL-17",
    "Without `jobLogStatus` job logging is off, and the member is absent from answers.",
    source="recorded GetCollaboration",
    status=SEEN,
)
behaviour(
    "COL-20",
    "Without `isMetricsEnabled` it is false, and returned.",
    source="recorded GetCollaboration",
    status=SEEN,
)
behaviour(
    "COL-21",
    "`dataEncryptionMetadata` comes back as given, all four of its members are required in it, and it is absent if it was never given.",
    source="tests of terraform-provider-aws",
    status=SEEN,
)
behaviour(
    "COL-22",
    "What goes in as `autoApprovedChangeRequestTypes` comes back as `autoApprovedChangeTypes`; an empty list counts as none, and none is absent.",
    source="service model, recorded GetCollaboration",
    status=SEEN,
)
behaviour(
    "COL-23",
    "A description that was never given is absent.",
    source="inferred: as other optional members",
    status=INFERRED,
)
behaviour(
    "COL-24",
    "`creatorPaymentConfiguration` and `paymentConfiguration` of a member say who pays: see PAY-1 to PAY-15.",
    source="API reference CreateCollaboration",
    status=DOCUMENTED,
)
behaviour(
    "COL-25",
    "CreateCollaboration answers the collaboration as its creator sees it, with memberStatus INVITED and createTime equal to updateTime; no "
    "members, abilities, payers or tags.",
    source="API reference Collaboration",
    status=DOCUMENTED,
)
behaviour(
    "COL-27",
    "`membershipId` and `membershipArn` of a collaboration are the caller's own, there while it is INVITED too.",
    source="inferred from ListMembers, which shows both while INVITED",
    status=INFERRED,
)
behaviour(
    "COL-28",
    "CreateCollaboration isn't idempotent: the same call twice makes two collaborations.",
    source="API reference Collaboration",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False)
class Collaboration:
    """What its members share.

    :ivar members: in the order of their invitation, the creator first.
    :ivar resources: what its active members keep under their memberships, by kind; see ``resources.py``.
    :ivar names: the resources that queries can name, by their names in lower case.
    :ivar runs: the protected queries and jobs, by kind; see ``analysis_runs.py``.
    """

    id: str
    arn: str
    name: str
    description: str | None
    creator_account_id: str
    creator_display_name: str
    create_time: float
    update_time: float
    query_log_status: str
    job_log_status: str | None
    data_encryption_metadata: dict[str, bool] | None
    analytics_engine: str
    auto_approved_change_types: list[str] | None
    allowed_result_regions: list[str]
    is_metrics_enabled: bool
    tags: dict[str, str]
    members: Register[Member] = field(default_factory=Register)
    change_requests: Register[ChangeRequest] = field(default_factory=Register)
    resources: defaultdict[str, Register[Any]] = field(default_factory=lambda: defaultdict(Register))
    names: Register[Any] = field(default_factory=Register)
    runs: defaultdict[str, Register[Any]] = field(default_factory=lambda: defaultdict(Register))


class CollaborationSeenByMember:
    """A collaboration in the eyes of one of its members, whose status and membership id stand in it."""

    __slots__ = ("collaboration", "member_status", "membership_arn", "membership_id")

    def __init__(self, member: Member) -> None:
        self.collaboration = member.collaboration
        self.member_status = member.status
        self.membership_id = member.membership_id
        self.membership_arn = member.membership_arn

    id = shown("collaboration.id")
    arn = shown("collaboration.arn")
    name = shown("collaboration.name")
    description = shown("collaboration.description")
    creator_account_id = shown("collaboration.creator_account_id")
    creator_display_name = shown("collaboration.creator_display_name")
    create_time = shown("collaboration.create_time")
    update_time = shown("collaboration.update_time")
    query_log_status = shown("collaboration.query_log_status")
    job_log_status = shown("collaboration.job_log_status")
    data_encryption_metadata = shown("collaboration.data_encryption_metadata")
    analytics_engine = shown("collaboration.analytics_engine")
    auto_approved_change_types = shown("collaboration.auto_approved_change_types")
    allowed_result_regions = shown("collaboration.allowed_result_regions")
    is_metrics_enabled = shown("collaboration.is_metrics_enabled")


@operation
def create_collaboration(
    caller: Caller,
    *,
    members: list[dict[str, Any]],
    name: str,
    creator_member_abilities: list[str],
    creator_display_name: str,
    query_log_status: str,
    description: str | None = None,
    creator_ml_member_abilities: dict[str, list[str]] | None = None,
    data_encryption_metadata: dict[str, bool] | None = None,
    job_log_status: str | None = None,
    tags: dict[str, str] | None = None,
    creator_payment_configuration: dict[str, Any] | None = None,
    analytics_engine: str = SPARK,
    auto_approved_change_request_types: list[str] | None = None,
    allowed_result_regions: list[str] | None = None,
    is_metrics_enabled: bool = False,
) -> CollaborationSeenByMember:
    tags = check_tags(tags)
    only_the_spark_engine(analytics_engine)
    no_ability_twice(creator_member_abilities, "creatorMemberAbilities")
    _no_ml_ability_twice(creator_ml_member_abilities, "creatorMLMemberAbilities")
    for number, specification in enumerate(members, 1):
        no_ability_twice(specification["member_abilities"], f"members.member.{number}.memberAbilities")
        _no_ml_ability_twice(specification.get("ml_member_abilities"), f"members.member.{number}.mlMemberAbilities")
    creator_is_not_invited(members, caller.account_id)
    nobody_is_invited_twice(members)

    time, collaboration_id = now(), new_id()
    collaboration = Collaboration(
        id=collaboration_id,
        arn=f"arn:{caller.partition}:cleanrooms:{caller.region_name}:{caller.account_id}:collaboration/{collaboration_id}",
        name=name,
        description=description,
        creator_account_id=caller.account_id,
        creator_display_name=creator_display_name,
        create_time=time,
        update_time=time,
        query_log_status=query_log_status,
        job_log_status=job_log_status,
        data_encryption_metadata=data_encryption_metadata,
        analytics_engine=analytics_engine,
        auto_approved_change_types=list(dict.fromkeys(auto_approved_change_request_types or ())) or None,
        allowed_result_regions=result_regions(allowed_result_regions, caller.region_name),
        is_metrics_enabled=is_metrics_enabled,
        tags=tags,
    )
    everybody = _invite_everybody(
        caller,
        collaboration,
        {
            "account_id": caller.account_id,
            "display_name": creator_display_name,
            "member_abilities": creator_member_abilities,
            "ml_member_abilities": creator_ml_member_abilities,
            "payment_configuration": creator_payment_configuration,
        },
        *members,
    )
    agree_on_abilities(everybody)
    agree_on_payers(everybody, several=caller.controls.payer_candidates)
    invited_within_quota(caller.controls.quotas, len(members))
    created_within_quota(caller)

    caller.world.collaborations[collaboration.id] = collaboration
    for member in everybody:
        admit(member, caller.region_name)
    caller.backend.collaborations_created += 1
    caller.backend.keep(collaboration)
    return CollaborationSeenByMember(everybody[0])


def _invite_everybody(caller: Caller, collaboration: Collaboration, *specifications: dict[str, Any]) -> list[Member]:
    return [
        invite(
            caller,
            collaboration,
            account_id=specification["account_id"],
            display_name=specification["display_name"],
            abilities=specification["member_abilities"],
            ml_abilities=specification.get("ml_member_abilities"),
            stated=statements(specification.get("payment_configuration")),
            time=collaboration.create_time,
        )
        for specification in specifications
    ]


def _no_ml_ability_twice(abilities: dict[str, list[str]] | None, field: str) -> None:
    if abilities is not None:
        no_ability_twice(abilities["custom_ml_member_abilities"], f"{field}.customMLMemberAbilities")


@rule(
    "COL-18",
    source="terraform-provider-aws#48138, recorded answers; user guide: edit-collaboration",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def only_the_spark_engine(analytics_engine: str) -> None:
    """Without `analyticsEngine` it is SPARK, and returned. CLEAN_ROOMS_SQL has been out of support since December 2025 and is refused; the
    exception is inferred.
    """
    if analytics_engine == CLEAN_ROOMS_SQL:
        raise invalid_field("analyticsEngine", "CLEAN_ROOMS_SQL is no longer supported; use SPARK")


@rule(
    "COL-3",
    source="API reference CreateCollaboration; the exception is inferred",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def creator_is_not_invited(members: Sequence[dict[str, Any]], account_id: str) -> None:
    """`members` doesn't hold the caller, who is a member already."""
    if any(specification["account_id"] == account_id for specification in members):
        raise invalid_field("members", f"account {account_id} is the creator and must not be listed")


@rule(
    "COL-4",
    source="inferred: a member is identified by its account (user guide: glossary)",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def nobody_is_invited_twice(members: Sequence[dict[str, Any]]) -> None:
    """No account stands in `members` twice."""
    if len({specification["account_id"] for specification in members}) < len(members):
        raise invalid_field("members", "an account is listed twice")


@rule("COL-19", source="recorded GetCollaboration; the rest is inferred", status=SEEN)
def result_regions(given: list[str] | None, region_name: str) -> list[str]:
    """Without `allowedResultRegions` it is the collaboration's own Region, and returned. What is given is stored as given, with or without
    that Region, each once.
    """
    return [region_name] if given is None else list(dict.fromkeys(given))


@rule(
    "COL-5",
    source="user guide: quotas; the exception is inferred",
    status=DOCUMENTED,
    answer="ServiceQuotaExceededException",
)
def invited_within_quota(quotas: Quotas, count: int) -> None:
    """A collaboration has at most five members besides its creator."""
    quotas.check(MEMBERS_INVITED, count - 1)


@rule("COL-6", source="user guide: quotas", status=DOCUMENTED, answer="ServiceQuotaExceededException")
def created_within_quota(caller: Caller) -> None:
    """An account has a quota of collaborations that it created in a Region; deleted ones don't count."""
    caller.controls.quotas.check(COLLABORATIONS_CREATED, caller.backend.collaborations_created)


@operation
def get_collaboration(caller: Caller, *, collaboration_identifier: str) -> CollaborationSeenByMember:
    return CollaborationSeenByMember(collaboration_in_sight(caller, collaboration_identifier))


behaviour(
    "COL-32",
    "ListCollaborations lists where the caller is INVITED or ACTIVE, its own included before it joins; `memberStatus` filters for one of the "
    "two and takes no other value.",
    source="API reference ListCollaborations",
    status=DOCUMENTED,
)
behaviour(
    "COL-33",
    "The service promises no order of its lists, and recorded ones aren't in order of creation. Here they are, and stay so while pages are read.",
    source="recorded ListCollaborations, in two orders",
    status=SEEN,
)


@operation
def list_collaborations(caller: Caller, *, member_status: str | None = None) -> Listing[CollaborationSeenByMember]:
    participations = caller.backend.participations
    if member_status is not None:
        return participations.where(lambda member: member.status == member_status).seen_as(CollaborationSeenByMember)
    return participations.seen_as(CollaborationSeenByMember)


behaviour(
    "COL-35",
    "UpdateCollaboration changes name, description and analyticsEngine; what is absent stays. A change moves updateTime and shows in the names "
    "that memberships give, no change moves nothing.",
    source="API reference UpdateCollaboration",
    status=DOCUMENTED,
)


@operation
def update_collaboration(
    caller: Caller,
    *,
    collaboration_identifier: str,
    name: str | None = None,
    description: str | None = None,
    analytics_engine: str | None = None,
) -> CollaborationSeenByMember:
    member = collaboration_in_sight(caller, collaboration_identifier)
    updater_is_creator(member)
    engine_does_not_go_back(analytics_engine)
    collaboration = member.collaboration
    if replace_given(collaboration, name=name, description=description, analytics_engine=analytics_engine):
        collaboration.update_time = now()
    return CollaborationSeenByMember(member)


@rule(
    "COL-34",
    source="API reference UpdateCollaboration",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def updater_is_creator(member: Member) -> None:
    """Only the creator updates a collaboration, before it has joined too."""
    only_the_creator(member)


@rule(
    "COL-36",
    source="user guide: edit-collaboration; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def engine_does_not_go_back(analytics_engine: str | None) -> None:
    """The engine changes from CLEAN_ROOMS_SQL to SPARK, never back."""
    if analytics_engine == CLEAN_ROOMS_SQL:
        raise invalid_field("analyticsEngine", "a collaboration can't change to CLEAN_ROOMS_SQL")


behaviour(
    "COL-38",
    "After its deletion a collaboration isn't listed, Get, Update and DeleteCollaboration deny access to it, and the other operations don't find "
    "it, which is inferred.",
    source="terraform-provider-aws collaboration.go; AWS's CloudFormation DeleteHandler",
    status=SEEN,
)
behaviour(
    "COL-39",
    "When a collaboration is deleted, its ACTIVE memberships become COLLABORATION_DELETED and their updateTime moves; REMOVED ones stay REMOVED, "
    "and who hadn't joined loses the invitation.",
    source="user guide: delete-collaboration, events-detail-reference",
    status=DOCUMENTED,
)


@operation
def delete_collaboration(caller: Caller, *, collaboration_identifier: str) -> None:
    member = collaboration_in_sight(caller, collaboration_identifier)
    deleter_is_creator(member)
    collaboration, time = member.collaboration, now()
    del caller.world.collaborations[collaboration.id]
    for other in collaboration.members:
        backend = cleanrooms_backends[other.account_id][caller.region_name]
        backend.participations.discard(collaboration.id)
        backend.cancel_runs(other.membership)
        if other.membership is not None and other.membership.status == "ACTIVE":
            other.membership.status = "COLLABORATION_DELETED"
            other.membership.update_time = time
    caller.backend.collaborations_created -= 1
    caller.backend.drop(collaboration)


@rule(
    "COL-37",
    source="API reference DeleteCollaboration",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def deleter_is_creator(member: Member) -> None:
    """Only the creator deletes a collaboration; active members, memberships and what hangs on them don't keep it from doing so."""
    only_the_creator(member)
