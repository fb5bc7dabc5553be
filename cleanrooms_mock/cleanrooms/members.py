"""The members of a collaboration, from their invitation on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cleanrooms_mock.cleanrooms.access import collaboration_of_participant, only_the_creator
from cleanrooms_mock.cleanrooms.backend import cleanrooms_backends
from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException, invalid_field
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.payments import NOBODY, Responsibility, configuration
from cleanrooms_mock.cleanrooms.resources import withdraw_all
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.protocol import Listing
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.memberships import Membership

MemberStatus = Literal["INVITED", "ACTIVE", "LEFT", "REMOVED"]

behaviour(
    "COL-26",
    "A member's membership id is allotted at the invitation: ListMembers shows it while the member is INVITED, and CreateMembership creates "
    "exactly that membership, which is inferred.",
    source="recorded ListMembers",
    status=SEEN,
)
behaviour(
    "COL-41",
    "A member summary always has abilities, times, membership id and ARN and the whole payment configuration; mlAbilities only if set.",
    source="recorded ListMembers",
    status=SEEN,
)
behaviour(
    "COL-42",
    "A member is created with its collaboration, or when the change request that adds it is committed. Its updateTime moves when it joins, "
    "leaves, is removed or its abilities change; the collaboration's doesn't.",
    source="recorded ListMembers, GetCollaboration",
    status=SEEN,
)


@dataclass(slots=True, eq=False)
class Member:
    """One account's place in a collaboration.

    :ivar abilities: in the order given.
    :ivar ml_abilities: the abilities for machine learning, or ``None`` if none were set.
    :ivar stated: what the creator said about what it pays for.
    :ivar payer_of: what it is a payer candidate for, defaults included.
    :ivar membership: once it has joined.
    """

    collaboration: Collaboration
    account_id: str
    display_name: str
    abilities: list[str]
    ml_abilities: dict[str, list[str]] | None
    stated: dict[str, bool]
    create_time: float
    update_time: float
    membership_id: str
    membership_arn: str
    payer_of: Responsibility = NOBODY
    status: MemberStatus = "INVITED"
    membership: Membership | None = None

    @property
    def is_creator(self) -> bool:
        return self.account_id == self.collaboration.creator_account_id

    @property
    def participates(self) -> bool:
        """Whether it is invited or active; who has left or was removed is out for good."""
        return self.status in ("INVITED", "ACTIVE")

    @property
    def payment_configuration(self) -> dict[str, Any]:
        return configuration(self.payer_of)

    def touch(self, time: float) -> None:
        """Note that it changed, on both of its sides."""
        self.update_time = time
        if self.membership is not None:
            self.membership.update_time = time


def invite(
    caller: Caller,
    collaboration: Collaboration,
    *,
    account_id: str,
    display_name: str,
    abilities: list[str],
    ml_abilities: dict[str, list[str]] | None,
    stated: dict[str, bool],
    time: float,
) -> Member:
    """Return a new member, which :func:`admit` makes one of the collaboration."""
    membership_id = new_id()
    return Member(
        collaboration=collaboration,
        account_id=account_id,
        display_name=display_name,
        abilities=abilities,
        ml_abilities=ml_abilities,
        stated=stated,
        create_time=time,
        update_time=time,
        membership_id=membership_id,
        membership_arn=f"arn:{caller.partition}:cleanrooms:{caller.region_name}:{account_id}:membership/{membership_id}",
    )


def admit(member: Member, region_name: str) -> None:
    """Let the collaboration and the member's account know of each other."""
    collaboration = member.collaboration
    collaboration.members.add(member.account_id, member)
    cleanrooms_backends[member.account_id][region_name].participations.add(collaboration.id, member)


def dismiss(member: Member, status: Literal["LEFT", "REMOVED"], region_name: str, time: float) -> None:
    """Take the collaboration out of the sight of a member that leaves or is removed, for good."""
    member.status = status
    member.update_time = time
    backend = cleanrooms_backends[member.account_id][region_name]
    backend.participations.discard(member.collaboration.id)
    if member.membership is not None:
        backend.cancel_runs(member.membership)
        withdraw_all(member.membership, time)
    for request in member.collaboration.change_requests:
        request.drop_voter(member.account_id, time)


behaviour(
    "COL-40",
    "ListMembers shows all members to INVITED and ACTIVE ones, with those that LEFT or were REMOVED and with the creator.",
    source="user guide: leave-collab; API reference MemberSummary",
    status=DOCUMENTED,
)


@operation
def list_members(caller: Caller, *, collaboration_identifier: str) -> Listing[Member]:
    return collaboration_of_participant(caller, collaboration_identifier).collaboration.members


behaviour(
    "COL-46",
    "DeleteMember makes an INVITED or ACTIVE member REMOVED, and its membership with it.",
    source="API reference DeleteMember; user guide: remove-member",
    status=DOCUMENTED,
)
behaviour(
    "COL-47",
    "DeleteMember on a member that LEFT or was REMOVED answers 204 and changes nothing.",
    source="inferred: the service model calls it idempotent",
    status=INFERRED,
)
behaviour(
    "COL-48",
    "The only payer and the member that can query may be removed.",
    source="user guide: remove-member",
    status=DOCUMENTED,
)


@operation
def delete_member(caller: Caller, *, collaboration_identifier: str, account_id: str) -> None:
    me = collaboration_of_participant(caller, collaboration_identifier)
    remover_is_creator(me)
    creator_cannot_be_removed(me, account_id)
    member = member_to_remove(me.collaboration, account_id)
    if member.participates:
        time = now()
        dismiss(member, "REMOVED", caller.region_name, time)
        if member.membership is not None:
            member.membership.status = "REMOVED"
            member.membership.update_time = time


@rule(
    "COL-43",
    source="user guide: remove-member",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def remover_is_creator(me: Member) -> None:
    """Only the creator removes members."""
    only_the_creator(me)


@rule(
    "COL-44",
    source="user guide: remove-member",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def creator_cannot_be_removed(me: Member, account_id: str) -> None:
    """The creator can't be removed from its collaboration. The exception is inferred."""
    if account_id == me.account_id:
        raise invalid_field("accountId", "the creator can't be removed; delete the collaboration instead")


@rule(
    "COL-45", source="inferred: the closest type that is modelled", status=INFERRED, answer="ResourceNotFoundException"
)
def member_to_remove(collaboration: Collaboration, account_id: str) -> Member:
    """An account that is no member isn't found, as a MEMBERSHIP with the account's id."""
    member = collaboration.members.get(account_id)
    if member is None:
        raise ResourceNotFoundException(
            "MEMBERSHIP", account_id, f"Account {account_id} is no member of collaboration {collaboration.id}."
        )
    return member
