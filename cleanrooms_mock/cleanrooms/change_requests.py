"""Collaboration change requests: how a collaboration's members and payers change after its creation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from cleanrooms_mock.cleanrooms.access import (
    collaboration_of_participant,
    creator_or_active,
    denied,
    only_the_creator,
)
from cleanrooms_mock.cleanrooms.changes import Change, assess, check_form, check_outcome, make, nothing_is_changed_twice
from cleanrooms_mock.cleanrooms.errors import ConflictException, ResourceNotFoundException
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.protocol import Listing, ServiceError
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.members import Member

ChangeRequestStatus = Literal["PENDING", "APPROVED", "CANCELLED", "DENIED", "COMMITTED"]

behaviour(
    "CHG-35",
    "A request is created with createTime equal to updateTime, and every action on it moves updateTime.",
    source="inferred",
    status=INFERRED,
)


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
        check_form(change, f"changes.member.{number}")
    nothing_is_changed_twice(changes)
    assessed = [assess(collaboration, change, f"changes.member.{number}") for number, change in enumerate(changes, 1)]
    check_outcome(caller, collaboration, assessed)

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
        make(caller, collaboration, assessed, time)
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
        make(caller, me.collaboration, _reassess(caller, me.collaboration, request), time)
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
    return ConflictException("INVALID_STATE", "COLLABORATION", request.id, message)


def _reassess(caller: Caller, collaboration: Collaboration, request: ChangeRequest) -> list[Change]:
    """Look at the changes of a request again, before they are made."""
    try:
        assessed = [
            assess(
                collaboration,
                {"specification_type": change.specification_type, "specification": change.specification},
                f"changes.member.{number}",
            )
            for number, change in enumerate(request.changes, 1)
        ]
        check_outcome(caller, collaboration, assessed)
    except ServiceError as error:
        refuse_what_no_longer_fits(request, error.message)
    if [change.types for change in assessed] != [change.types for change in request.changes]:
        refuse_what_no_longer_fits(request, "part of it is done already")
    return assessed


@rule(
    "CHG-29",
    source="inferred: several requests may be open at once",
    status=INFERRED,
    answer="ConflictException INVALID_STATE",
)
def refuse_what_no_longer_fits(request: ChangeRequest, why: str) -> NoReturn:
    """COMMIT looks at the changes again, and conflicts if one is no longer possible, or no longer what was approved."""
    raise _conflict(request, f"Change request {request.id} no longer fits the collaboration: {why}")
