"""Finding a collaboration or membership for a caller, and what a caller that may not see it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.errors import AccessDeniedException, ResourceNotFoundException
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.members import Member
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.service import Caller

behaviour(
    "ERR-12",
    "Listings that take no id, such as ListCollaborations and ListMemberships, always find something to answer: an empty list, if nothing else.",
    source="service model",
    status=DOCUMENTED,
)


def denied(caller_account_id: str, what: str) -> AccessDeniedException:
    """Return the refusal of something that the caller may not do."""
    return AccessDeniedException(f"Account {caller_account_id} does not have access: {what}")


@rule(
    "COL-30",
    source="terraform-provider-aws collaboration.go; AWS's CloudFormation handlers, ExceptionMapper; API reference DeleteMember",
    status=SEEN,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def collaboration_in_sight(caller: Caller, collaboration_id: str) -> Member:
    """GetCollaboration, UpdateCollaboration and DeleteCollaboration, which don't model ResourceNotFoundException, deny access to whoever isn't
    INVITED or ACTIVE in the collaboration, and to a collaboration that doesn't exist or was deleted, without telling which. That members
    who LEFT or were REMOVED are among them is inferred.
    """
    member = caller.backend.participations.get(collaboration_id)
    if member is None:
        raise denied(caller.account_id, f"no collaboration {collaboration_id} that you are invited to or active in")
    return member


@rule(
    "ERR-8",
    source="inferred for all operations but Get, Update and DeleteCollaboration (see COL-30): nobody published an answer, and the "
    "ResourceNotFoundException that they model has no other meaning",
    status=INFERRED,
    answer="ResourceNotFoundException or AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def collaboration_of_participant(caller: Caller, collaboration_id: str) -> Member:
    """Every other operation on a collaboration answers ResourceNotFoundException for one that doesn't exist or was deleted, and denies access
    to one that exists and in which the caller is neither INVITED nor ACTIVE.
    """
    member = caller.backend.participations.get(collaboration_id)
    if member is None:
        if collaboration_id not in caller.world.collaborations:
            raise ResourceNotFoundException("COLLABORATION", collaboration_id)
        raise denied(caller.account_id, f"you are neither invited to nor active in collaboration {collaboration_id}")
    return member


behaviour(
    "COL-31",
    "An account that is INVITED and not the creator sees the collaboration and its members and can join, nothing else. The creator acts as creator "
    "before it joins; what needs a membership it can't do before.",
    source="user guide: glossary, edit-collaboration",
    status=DOCUMENTED,
)


def creator_or_active(member: Member) -> None:
    """Deny access to an account that hasn't joined, unless it is the creator; the rule that says so is the caller's."""
    if member.status != "ACTIVE" and not member.is_creator:
        raise denied(member.account_id, f"you haven't joined collaboration {member.collaboration.id}")


def only_the_creator(member: Member) -> None:
    """Deny access to everybody but the creator; the rule that says so is the caller's."""
    if not member.is_creator:
        raise denied(
            member.account_id,
            f"only its creator, {member.collaboration.creator_account_id}, can do this to a collaboration",
        )


@rule(
    "ERR-10",
    source="tests of terraform-provider-aws; aws-sdk-pandas#2380",
    status=SEEN,
    answer="ResourceNotFoundException",
)
def own_membership(caller: Caller, membership_id: str) -> Membership:
    """A membership that doesn't exist, was deleted, or is another account's isn't found."""
    membership = caller.backend.memberships.get(membership_id)
    if membership is None:
        raise ResourceNotFoundException("MEMBERSHIP", membership_id)
    return membership
