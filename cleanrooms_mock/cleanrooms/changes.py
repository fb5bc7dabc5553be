"""The changes of a change request: what each would change, whether that may be, and making them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.abilities import (
    CAN_EXPORT_QUERY_ANALYSIS_LOG,
    CAN_QUERY,
    CAN_RECEIVE_RESULTS,
    CAN_RUN_JOB,
    holders,
    no_ability_twice,
)
from cleanrooms_mock.cleanrooms.errors import ConflictException, invalid_configuration, invalid_field
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
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.service import Caller

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


def check_form(change: dict[str, Any], path: str) -> None:
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


def assess(collaboration: Collaboration, change: dict[str, Any], path: str) -> Change:
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
        message = f"Account {member.account_id} is {member.status} and can't take part in collaboration {member.collaboration.id} again."
        raise ConflictException("INVALID_STATE", "MEMBERSHIP", member.membership_id, message)


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


def check_outcome(caller: Caller, collaboration: Collaboration, changes: Collection[Change]) -> None:
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


def make(caller: Caller, collaboration: Collaboration, changes: Collection[Change], time: float) -> None:
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
    if any("REMOVE_PAYER_CANDIDATE" in change.types for change in changes):
        remaining_payers_step_in([member for member in collaboration.members if member.participates], time)


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
def remaining_payers_step_in(members: Collection[Member], time: float) -> None:
    """Where a change leaves nobody to pay for queries, or for jobs that somebody can run, the defaults of PAY-2 and PAY-5 fill in who does, and the
    membership of the member that can query, if it is ACTIVE, accepts it with that.
    """
    before = {member: member.payer_of for member in members}
    runner_pays_for_queries_by_default(members)
    query_payers_pay_for_jobs_by_default(members)
    for runner in holders(members, CAN_QUERY):
        if CAN_RUN_JOB in runner.abilities and not candidates(members, JOB):
            runner.payer_of |= {JOB}
        if runner.membership is not None:
            runner.membership.payer_of |= runner.payer_of - before[runner]
    for member in members:
        if member.payer_of != before[member]:
            member.touch(time)
