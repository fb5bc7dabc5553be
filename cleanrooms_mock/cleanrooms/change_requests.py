"""Collaboration change requests: how a collaboration's members and payers change after its creation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from cleanrooms_mock.cleanrooms.abilities import (
    CAN_EXPORT_QUERY_ANALYSIS_LOG,
    CAN_QUERY,
    CAN_RECEIVE_RESULTS,
    CAN_RUN_JOB,
    holders,
    no_ability_twice,
)
from cleanrooms_mock.cleanrooms.access import (
    collaboration_of_participant,
    creator_or_active,
    denied,
    only_the_creator,
)
from cleanrooms_mock.cleanrooms.errors import (
    ConflictException,
    ResourceNotFoundException,
    invalid_configuration,
    invalid_field,
)
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.members import Member, admit, invite
from cleanrooms_mock.cleanrooms.payments import (
    JOB,
    candidates,
    payers_are_single_and_stay,
    query_payers_pay_for_jobs_by_default,
    runner_pays_for_queries_by_default,
    statements,
)
from cleanrooms_mock.cleanrooms.quotas import MEMBERS_INVITED
from cleanrooms_mock.cleanrooms.rules import DOCUMENTED, INFERRED, behaviour, rule
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.protocol import Listing, ServiceError

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration

ChangeRequestStatus = Literal["PENDING", "APPROVED", "CANCELLED", "DENIED", "COMMITTED"]

#: Abilities that a change request can give and take; who can query and run jobs is settled for good.
_CHANGEABLE = {
    CAN_RECEIVE_RESULTS: "RECEIVE_RESULTS_ABILITY",
    CAN_EXPORT_QUERY_ANALYSIS_LOG: "EXPORT_QUERY_ANALYSIS_LOG_ABILITY",
}
_ML_ABILITIES = ("CAN_RECEIVE_MODEL_OUTPUT", "CAN_RECEIVE_INFERENCE_OUTPUT")

behaviour(
    "CHG-6",
    "A MEMBER change of an existing member gives its full new set of abilities besides CAN_QUERY and CAN_RUN_JOB, which it keeps: an empty list "
    "takes CAN_RECEIVE_RESULTS away. `mlMemberAbilities` replaces as a whole and `paymentConfiguration` only the cost types in it; what is "
    "absent stays, which is inferred.",
    source="service model; user guide: change-requests",
    status=DOCUMENTED,
)
behaviour(
    "CHG-12",
    "`autoApprovedChangeTypes` of a COLLABORATION change is the full new list, and may be empty.",
    source="inferred: API reference CollaborationChangeSpecification",
    status=INFERRED,
)
behaviour(
    "CHG-13",
    "The displayName of an existing member is ignored: it can't be changed.",
    source="user guide: create-collab; that it is ignored is inferred",
    status=DOCUMENTED,
)
behaviour(
    "CHG-35",
    "A request is created with createTime equal to updateTime, and every action on it moves updateTime.",
    source="inferred",
    status=INFERRED,
)
behaviour(
    "CHG-36",
    "`changes[].specification` comes back as it was given, without defaults, with `types` beside it.",
    source="inferred: the shape is the input's",
    status=INFERRED,
)


@dataclass(slots=True, eq=False)
class Change:
    """One change of a request, with the types that it was found to be of."""

    specification_type: str
    specification: dict[str, Any]
    types: list[str]


@dataclass(slots=True, eq=False)
class ChangeRequest:
    """Changes that are made together or not at all.

    :ivar approvals: the vote of each member that has one, or ``None`` if there is nobody to ask.
    """

    id: str
    collaboration_id: str
    create_time: float
    update_time: float
    changes: list[Change]
    status: ChangeRequestStatus
    is_auto_approved: bool
    approvals: dict[str, dict[str, str]] | None

    def is_approved_by_all(self) -> bool:
        return all(vote["status"] == "APPROVED" for vote in (self.approvals or {}).values())

    def drop_voter(self, account_id: str, time: float) -> None:
        """Go on without the vote of a member that left or was removed (CHG-31)."""
        if self.status != "PENDING" or self.approvals is None or account_id not in self.approvals:
            return
        del self.approvals[account_id]
        if self.is_approved_by_all():
            self.status = "APPROVED"
            self.update_time = time
        self.approvals = self.approvals or None


behaviour(
    "CHG-31",
    "A voter that leaves or is removed drops out of `approvals`, and if all others have approved, the request is APPROVED. Who joins later has no vote.",
    source="inferred: the request would hang for ever",
    status=INFERRED,
)
behaviour(
    "CHG-37",
    "After DeleteCollaboration its requests are out of reach.",
    source="inferred from ERR-8",
    status=INFERRED,
)


@operation
def create_collaboration_change_request(
    caller: Caller, *, collaboration_identifier: str, changes: list[dict[str, Any]]
) -> ChangeRequest:
    me = collaboration_of_participant(caller, collaboration_identifier)
    requester_is_creator(me)
    collaboration = me.collaboration
    for number, change in enumerate(changes, 1):
        _check_form(change, f"changes.member.{number}")
    nothing_is_changed_twice(changes)
    assessed = [_assess(collaboration, change, f"changes.member.{number}") for number, change in enumerate(changes, 1)]
    _check_outcome(caller, collaboration, assessed)

    time = now()
    voters = [
        member.account_id for member in collaboration.members if member.status == "ACTIVE" and not member.is_creator
    ]
    request = ChangeRequest(
        id=new_id(),
        collaboration_id=collaboration.id,
        create_time=time,
        update_time=time,
        changes=assessed,
        status="PENDING",
        is_auto_approved=_is_auto_approved(collaboration, assessed),
        approvals=None,
    )
    if request.is_auto_approved:
        request.status = "COMMITTED"
        _apply(caller, collaboration, assessed, time)
    elif voters:
        request.approvals = {account_id: {"status": "PENDING"} for account_id in voters}
    else:
        request.status = "APPROVED"
    collaboration.change_requests.add(request.id, request)
    return request


behaviour(
    "CHG-20",
    "If all types of all changes are among the collaboration's autoApprovedChangeTypes, the request is auto-approved: COMMITTED and applied at "
    "once, without `approvals`. The status is inferred.",
    source="user guide: create-collab-ml-modeling, add-member",
    status=DOCUMENTED,
)
behaviour(
    "CHG-21",
    "Adding a member and granting or revoking the abilities to receive results and to export the log can be auto-approved; payers, abilities for "
    "machine learning and auto-approval itself always need votes.",
    source="API reference AutoApprovedChangeType",
    status=DOCUMENTED,
)
behaviour(
    "CHG-22",
    "Otherwise the request is PENDING, and each ACTIVE member but the creator has a vote. Who hasn't joined has none, which is inferred.",
    source="user guide: change-requests; API reference ApprovalStatusDetails",
    status=DOCUMENTED,
)
behaviour(
    "CHG-23",
    "A request for which nobody has a vote is APPROVED at once, without `approvals`.",
    source="inferred: nobody to ask, and the map needs an entry",
    status=INFERRED,
)


def _is_auto_approved(collaboration: Collaboration, changes: Collection[Change]) -> bool:
    approved = set(collaboration.auto_approved_change_types or ())
    return all(approved.issuperset(change.types) for change in changes)


@rule(
    "CHG-1",
    source="user guide: change-requests; that it needn't have joined is inferred",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def requester_is_creator(me: Member) -> None:
    """Only the creator requests changes, before it has joined too."""
    only_the_creator(me)


def _check_form(change: dict[str, Any], path: str) -> None:
    specification_fits_its_type(change, path)
    specification = change["specification"].get("member")
    if specification is not None:
        path = f"{path}.specification.member"
        only_changeable_abilities(specification["member_abilities"], f"{path}.memberAbilities")
        no_ability_twice(specification["member_abilities"], f"{path}.memberAbilities")
        if "ml_member_abilities" in specification:
            abilities = specification["ml_member_abilities"]["custom_ml_member_abilities"]
            no_ability_twice(abilities, f"{path}.mlMemberAbilities.customMLMemberAbilities")


@rule(
    "CHG-2",
    source="service model; the mismatch is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def specification_fits_its_type(change: dict[str, Any], path: str) -> None:
    """A request has 1 to 10 changes, and a change of type MEMBER has a `member` in its specification, one of type COLLABORATION a
    `collaboration`.
    """
    expected = change["specification_type"].lower()
    if expected not in change["specification"]:
        raise invalid_field(
            f"{path}.specification", f"a change of type {change['specification_type']} must have {expected!r}"
        )


@rule(
    "CHG-5",
    source="API reference MemberChangeSpecification",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def only_changeable_abilities(abilities: Sequence[str], field: str) -> None:
    """A change gives or takes CAN_RECEIVE_RESULTS and CAN_EXPORT_QUERY_ANALYSIS_LOG; CAN_QUERY and CAN_RUN_JOB can't be given."""
    for ability in abilities:
        if ability not in _CHANGEABLE:
            raise invalid_field(field, f"{ability} can't be given by a change request")


@rule(
    "CHG-3",
    source="inferred: the order between them would matter",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def nothing_is_changed_twice(changes: Sequence[dict[str, Any]]) -> None:
    """An account stands in a request at most once, and so does the collaboration."""
    subjects = [change["specification"].get("member", {}).get("account_id", "the collaboration") for change in changes]
    for subject in subjects:
        if subjects.count(subject) > 1:
            raise invalid_field("changes", f"{subject} is changed twice in one request")


behaviour(
    "CHG-7",
    "The `types` of a change are derived: ADD_MEMBER; GRANT_ or REVOKE_ for each ability that comes or goes; ADD_ or REMOVE_PAYER_CANDIDATE once, "
    "whatever the cost types; EDIT_AUTO_APPROVED_CHANGE_TYPES. A new member lists ADD_MEMBER first, then what it is given.",
    source="API reference Change; user guide: create-collab-ml-modeling; the combination is inferred",
    status=DOCUMENTED,
)


def _assess(collaboration: Collaboration, change: dict[str, Any], path: str) -> Change:
    """Find out what a change would change of the present state."""
    specification = change["specification"]
    if "collaboration" in specification:
        types = list(_types_for_collaboration(collaboration, specification["collaboration"]))
    else:
        types = list(_types_for_member(collaboration, specification["member"], f"{path}.specification.member"))
    something_changes(types, f"{path}.specification")
    return Change(change["specification_type"], specification, types)


def _types_for_collaboration(collaboration: Collaboration, specification: dict[str, Any]) -> Iterator[str]:
    new = specification.get("auto_approved_change_types")
    if new is not None and set(new) != set(collaboration.auto_approved_change_types or ()):
        yield "EDIT_AUTO_APPROVED_CHANGE_TYPES"


def _types_for_member(collaboration: Collaboration, specification: dict[str, Any], path: str) -> Iterator[str]:
    member = collaboration.members.get(specification["account_id"])
    if member is None:
        new_member_has_a_name(specification, f"{path}.displayName")
        yield "ADD_MEMBER"
    else:
        changed_member_participates(member)
    yield from _grants(
        _CHANGEABLE,
        set() if member is None else set(member.abilities),
        set(specification["member_abilities"]),
    )
    if "ml_member_abilities" in specification:
        yield from _grants(
            {ability: ability for ability in _ML_ABILITIES},
            set(_ml(None if member is None else member.ml_abilities)),
            set(_ml(specification["ml_member_abilities"])),
        )
    payer_of = frozenset[str]() if member is None else member.payer_of
    stated = statements(specification.get("payment_configuration")).items()
    if any(responsible and cost not in payer_of for cost, responsible in stated):
        yield "ADD_PAYER_CANDIDATE"
    if any(not responsible and cost in payer_of for cost, responsible in stated):
        yield "REMOVE_PAYER_CANDIDATE"


def _grants(names: dict[str, str], old: set[str], new: set[str]) -> Iterator[str]:
    for ability, name in names.items():
        if (ability in new) != (ability in old):
            yield f"{'GRANT' if ability in new else 'REVOKE'}_{name}"


def _ml(abilities: dict[str, list[str]] | None) -> list[str]:
    return [] if abilities is None else abilities["custom_ml_member_abilities"]


@rule(
    "CHG-4",
    source="API reference MemberChangeSpecification",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def new_member_has_a_name(specification: dict[str, Any], field: str) -> None:
    """A MEMBER change for an account that is no member adds it, and needs a displayName."""
    if "display_name" not in specification:
        raise invalid_field(field, "a new member must have a displayName")


@rule(
    "CHG-11",
    source="inferred: there is no way back (user guide: leave-collab)",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def changed_member_participates(member: Member) -> None:
    """A member that LEFT or was REMOVED can't be changed or added again."""
    if not member.participates:
        raise ConflictException(
            f"Account {member.account_id} is {member.status} and can't take part in collaboration {member.collaboration.id} again.",
            reason="INVALID_STATE",
            resource_type="MEMBERSHIP",
            resource_id=member.membership_id,
        )


@rule(
    "CHG-8",
    source="inferred: `types` needs an entry (API reference Change)",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def something_changes(types: Collection[str], field: str) -> None:
    """A change that would change nothing is refused."""
    if not types:
        raise invalid_configuration(field, "this changes nothing")


def _check_outcome(caller: Caller, collaboration: Collaboration, changes: Collection[Change]) -> None:
    """Check what the collaboration would be after all changes together."""
    somebody_still_receives_results(collaboration, changes)
    if not caller.controls.payer_candidates and any("PAYER" in kind for change in changes for kind in change.types):
        payers_are_single_and_stay("changes", "who pays can't be changed")
    added = sum("ADD_MEMBER" in change.types for change in changes)
    if added:
        added_within_quota(caller, collaboration, added)


@rule("CHG-9", source="inferred from COL-9", status=INFERRED, answer="ValidationException INVALID_CONFIGURATION")
def somebody_still_receives_results(collaboration: Collaboration, changes: Collection[Change]) -> None:
    """The last CAN_RECEIVE_RESULTS can't be taken away."""
    if not any("REVOKE_RECEIVE_RESULTS_ABILITY" in change.types for change in changes):
        return
    present = {
        member.account_id for member in holders(collaboration.members, CAN_RECEIVE_RESULTS) if member.participates
    }
    for change in changes:
        if (specification := change.specification.get("member")) is not None:
            present.discard(specification["account_id"])
            if CAN_RECEIVE_RESULTS in specification["member_abilities"]:
                present.add(specification["account_id"])
    if not present:
        raise invalid_configuration("changes", "at least one member of a collaboration must have CAN_RECEIVE_RESULTS")


@rule(
    "CHG-10",
    source="inferred: the exception is modelled for this operation (user guide: quotas)",
    status=INFERRED,
    answer="ServiceQuotaExceededException",
)
def added_within_quota(caller: Caller, collaboration: Collaboration, added: int) -> None:
    """A member can't be added beyond the quota of invited members, for which those who LEFT or were REMOVED don't count."""
    invited = sum(member.participates and not member.is_creator for member in collaboration.members)
    caller.controls.quotas.check(MEMBERS_INVITED, invited + added - 1)


@operation
def get_collaboration_change_request(
    caller: Caller, *, collaboration_identifier: str, change_request_identifier: str
) -> ChangeRequest:
    me = collaboration_of_participant(caller, collaboration_identifier)
    reader_is_creator_or_active(me)
    return change_request_of(me.collaboration, change_request_identifier)


behaviour(
    "CHG-34",
    "ListCollaborationChangeRequests lists the oldest first, filters by `status`, and its summaries have all that a request has.",
    source="API reference ListCollaborationChangeRequests; the direction is inferred",
    status=DOCUMENTED,
)


@operation
def list_collaboration_change_requests(
    caller: Caller, *, collaboration_identifier: str, status: str | None = None
) -> Listing[ChangeRequest]:
    me = collaboration_of_participant(caller, collaboration_identifier)
    reader_is_creator_or_active(me)
    requests = me.collaboration.change_requests
    return requests if status is None else requests.where(lambda request: request.status == status)


@rule(
    "CHG-32",
    source="inferred from COL-31",
    status=INFERRED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def reader_is_creator_or_active(me: Member) -> None:
    """Change requests are seen by the creator and by ACTIVE members."""
    creator_or_active(me)


@rule("CHG-33", source="inferred from ERR-11", status=INFERRED, answer="ResourceNotFoundException")
def change_request_of(collaboration: Collaboration, change_request_id: str) -> ChangeRequest:
    """A change request that doesn't exist, or is another collaboration's, isn't found, as a COLLABORATION with the id of the request."""
    request = collaboration.change_requests.get(change_request_id)
    if request is None:
        raise ResourceNotFoundException(
            "COLLABORATION",
            change_request_id,
            f"Collaboration {collaboration.id} has no change request {change_request_id}.",
        )
    return request


behaviour(
    "ERR-11",
    "A resource under a collaboration or membership that doesn't exist, of a kind for which `resourceType` has no value, isn't found as its parent's "
    "type, with the id that was asked for.",
    source="inferred: the enum has four values",
    status=INFERRED,
)
behaviour(
    "CHG-24",
    "When all voters have approved, the request is APPROVED; nothing changes until the creator commits it.",
    source="API reference UpdateCollaborationChangeRequest; What's New of 22 May 2026",
    status=DOCUMENTED,
)
behaviour(
    "CHG-25",
    "One DENY makes the request DENIED, for good.",
    source="user guide: change-requests; What's New of 22 May 2026",
    status=DOCUMENTED,
)


@operation
def update_collaboration_change_request(
    caller: Caller,
    *,
    collaboration_identifier: str,
    change_request_identifier: str,
    action: Literal["APPROVE", "DENY", "CANCEL", "COMMIT"],
) -> ChangeRequest:
    me = collaboration_of_participant(caller, collaboration_identifier)
    reader_is_creator_or_active(me)
    request = change_request_of(me.collaboration, change_request_identifier)
    if action in ("APPROVE", "DENY"):
        only_voters_vote(me, request)
    else:
        only_the_creator_cancels_and_commits(me)
    action_fits_the_state(me, request, action)

    time = now()
    if action == "COMMIT":
        _apply(caller, me.collaboration, _reassess(caller, me.collaboration, request), time)
        request.status = "COMMITTED"
    elif action == "CANCEL":
        request.status = "CANCELLED"
    else:
        assert request.approvals is not None
        request.approvals[me.account_id] = {"status": "APPROVED" if action == "APPROVE" else "DENIED"}
        if action == "DENY":
            request.status = "DENIED"
        elif request.is_approved_by_all():
            request.status = "APPROVED"
    request.update_time = time
    return request


@rule(
    "CHG-26",
    source="API reference UpdateCollaborationChangeRequest; who exactly is inferred",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def only_voters_vote(me: Member, request: ChangeRequest) -> None:
    """APPROVE and DENY are for the members that have a vote, of which the creator is none."""
    if me.account_id not in (request.approvals or {}):
        raise denied(me.account_id, f"you have no vote on change request {request.id}")


@rule(
    "CHG-27",
    source="API reference UpdateCollaborationChangeRequest",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def only_the_creator_cancels_and_commits(me: Member) -> None:
    """CANCEL and COMMIT are for the creator."""
    only_the_creator(me)


@rule(
    "CHG-28",
    source="API reference UpdateCollaborationChangeRequest: commit after approval; the rest is inferred",
    status=DOCUMENTED,
    answer="ConflictException INVALID_STATE",
)
def action_fits_the_state(me: Member, request: ChangeRequest, action: str) -> None:
    """APPROVE and DENY need a PENDING request and are said once by each member, CANCEL needs one that is PENDING or APPROVED, COMMIT one that is
    APPROVED.
    """
    allowed = {
        "APPROVE": ("PENDING",),
        "DENY": ("PENDING",),
        "CANCEL": ("PENDING", "APPROVED"),
        "COMMIT": ("APPROVED",),
    }
    if request.status not in allowed[action]:
        raise _conflict(
            request, f"Change request {request.id} is {request.status}, {action} needs {' or '.join(allowed[action])}."
        )
    if action in ("APPROVE", "DENY") and (request.approvals or {})[me.account_id]["status"] != "PENDING":
        raise _conflict(request, f"Account {me.account_id} has already voted on change request {request.id}.")


def _conflict(request: ChangeRequest, message: str) -> ConflictException:
    return ConflictException(message, reason="INVALID_STATE", resource_type="COLLABORATION", resource_id=request.id)


def _reassess(caller: Caller, collaboration: Collaboration, request: ChangeRequest) -> list[Change]:
    """Look at the changes of a request again, before they are made."""
    try:
        assessed = [
            _assess(
                collaboration,
                {"specification_type": change.specification_type, "specification": change.specification},
                f"changes.member.{number}",
            )
            for number, change in enumerate(request.changes, 1)
        ]
        _check_outcome(caller, collaboration, assessed)
    except ServiceError as error:
        changes_still_fit(request, error)
    return assessed


@rule(
    "CHG-29",
    source="inferred: several requests may be open at once",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def changes_still_fit(request: ChangeRequest, error: ServiceError) -> NoReturn:
    """COMMIT looks at the changes again, and conflicts if one no longer fits what the collaboration has become."""
    raise _conflict(request, f"Change request {request.id} no longer fits the collaboration: {error.message}")


behaviour(
    "CHG-30",
    "A commit makes all changes or none: new members are INVITED and have a membership id, abilities and payers of others are replaced, their "
    "updateTime moves and that of their memberships, which show the new abilities at once.",
    source="inferred",
    status=INFERRED,
)
behaviour(
    "PAY-33",
    "A member that becomes a payer candidate accepts that itself: its membership stays FALSE until UpdateMembership. One that no longer is a candidate "
    "becomes FALSE on both sides.",
    source="inferred: acceptance is the member's own act",
    status=INFERRED,
)


def _apply(caller: Caller, collaboration: Collaboration, changes: Collection[Change], time: float) -> None:
    for change in changes:
        if "collaboration" in change.specification:
            new = change.specification["collaboration"]["auto_approved_change_types"]
            collaboration.auto_approved_change_types = list(dict.fromkeys(new)) or None
            collaboration.update_time = time
            continue
        specification = change.specification["member"]
        member = collaboration.members.get(specification["account_id"])
        if member is None:
            member = _add_member(caller, collaboration, specification, time)
        else:
            _change_member(member, specification, time)
        for cost, responsible in statements(specification.get("payment_configuration")).items():
            member.stated[cost] = responsible
            member.payer_of = member.payer_of | {cost} if responsible else member.payer_of - {cost}
            if member.membership is not None and not responsible:
                member.membership.payer_of -= {cost}
    remaining_payers_step_in([member for member in collaboration.members if member.participates])


def _add_member(caller: Caller, collaboration: Collaboration, specification: dict[str, Any], time: float) -> Member:
    member = invite(
        caller,
        collaboration,
        account_id=specification["account_id"],
        display_name=specification["display_name"],
        abilities=list(specification["member_abilities"]),
        ml_abilities=specification.get("ml_member_abilities"),
        stated={},
        time=time,
    )
    admit(member, caller.region_name)
    return member


def _change_member(member: Member, specification: dict[str, Any], time: float) -> None:
    kept = [ability for ability in member.abilities if ability in (CAN_QUERY, CAN_RUN_JOB)]
    member.abilities = kept + specification["member_abilities"]
    member.ml_abilities = specification.get("ml_member_abilities", member.ml_abilities)
    member.touch(time)


@rule("PAY-34", source="inferred from the defaults of PAY-2 and PAY-5", status=INFERRED)
def remaining_payers_step_in(members: Collection[Member]) -> None:
    """Where a change leaves nobody to pay for queries, or for jobs that somebody can run, the defaults of PAY-2 and PAY-5 fill in who does, and the
    membership of the member that can query, if it is ACTIVE, accepts it with that.
    """
    before = {member: member.payer_of for member in members}
    runner_pays_for_queries_by_default(members)
    query_payers_pay_for_jobs_by_default(members)
    runners = holders(members, CAN_QUERY)
    for runner in runners:
        if CAN_RUN_JOB in runner.abilities and not candidates(members, JOB):
            runner.payer_of |= {JOB}
        if runner.membership is not None:
            runner.membership.payer_of |= runner.payer_of - before[runner]
