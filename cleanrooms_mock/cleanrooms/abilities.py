"""What the members of a collaboration may do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.members import Member

CAN_QUERY = "CAN_QUERY"
CAN_RECEIVE_RESULTS = "CAN_RECEIVE_RESULTS"
CAN_RUN_JOB = "CAN_RUN_JOB"
CAN_EXPORT_QUERY_ANALYSIS_LOG = "CAN_EXPORT_QUERY_ANALYSIS_LOG"

behaviour(
    "COL-11",
    "CAN_EXPORT_QUERY_ANALYSIS_LOG may be given to any number of members, at creation too, with other abilities or alone.",
    source="API reference MemberChangeSpecification; user guide: export-analysis-logs",
    status=DOCUMENTED,
)
behaviour(
    "COL-12",
    "CAN_RECEIVE_MODEL_OUTPUT and CAN_RECEIVE_INFERENCE_OUTPUT may each be given to any number of members.",
    source="inferred: the console offers one each, change requests can grant more (API reference ChangeType)",
    status=INFERRED,
)
behaviour(
    "COL-14",
    "A member without abilities contributes data and nothing else. Abilities come back in the order in which they were given.",
    source="tests of terraform-provider-aws, recorded answers",
    status=SEEN,
)


@rule(
    "COL-13",
    source="inferred: unique items in CloudFormation's schema of a collaboration",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def no_ability_twice(abilities: Sequence[str], field: str) -> None:
    """The same ability twice in one list is refused."""
    if len(set(abilities)) < len(abilities):
        raise invalid_field(field, "an ability is listed twice")


def agree_on_abilities(members: Collection[Member]) -> None:
    """Check the abilities that a new collaboration gives to its members."""
    at_most_one_member_queries(members)
    somebody_queries(members)
    somebody_receives_results(members)
    jobs_are_run_by_who_queries(members)


def holders(members: Collection[Member], ability: str) -> list[Member]:
    """Return the members that have ``ability``."""
    return [member for member in members if ability in member.abilities]


_FIELD = "creatorMemberAbilities"


@rule("COL-7", source="user guide: glossary", status=DOCUMENTED, answer="ValidationException INVALID_CONFIGURATION")
def at_most_one_member_queries(members: Collection[Member]) -> None:
    """CAN_QUERY is held by one member, the creator or another, and stays there."""
    if len(holders(members, CAN_QUERY)) > 1:
        raise invalid_configuration(_FIELD, "only one member of a collaboration can have CAN_QUERY")


@rule(
    "COL-8",
    source="inferred: the console forces a choice, and no public example leaves it out (user guide: create-collab)",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def somebody_queries(members: Collection[Member]) -> None:
    """A collaboration in which nobody has CAN_QUERY is refused."""
    if not holders(members, CAN_QUERY):
        raise invalid_configuration(_FIELD, "one member of a collaboration must have CAN_QUERY")


@rule(
    "COL-9",
    source="user guide: glossary, create-collab-ml-modeling",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def somebody_receives_results(members: Collection[Member]) -> None:
    """One or more members have CAN_RECEIVE_RESULTS. That there must be one is inferred."""
    if not holders(members, CAN_RECEIVE_RESULTS):
        raise invalid_configuration(_FIELD, "at least one member of a collaboration must have CAN_RECEIVE_RESULTS")


@rule(
    "COL-10",
    source="user guide: glossary, create-collab-queries-and-jobs",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def jobs_are_run_by_who_queries(members: Collection[Member]) -> None:
    """CAN_RUN_JOB is held by at most one member. That this is the member with CAN_QUERY is inferred from the console, which grants both
    together.
    """
    if any(CAN_QUERY not in member.abilities for member in holders(members, CAN_RUN_JOB)):
        raise invalid_configuration(_FIELD, "CAN_RUN_JOB goes only to the member that has CAN_QUERY")
