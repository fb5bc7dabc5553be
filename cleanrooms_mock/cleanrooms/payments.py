"""Who pays: what the creator of a collaboration says, what stands where it says nothing, and what each member accepts.

A cost type is named by its path in a payment configuration. The collaboration's side (``Member.payer_of``) says who is a payer
candidate, the membership's side (``Membership.payer_of``) who accepted to be one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY, CAN_RUN_JOB, holders
from cleanrooms_mock.cleanrooms.errors import ValidationException, invalid_configuration
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.members import Member

QUERY = "queryCompute"
JOB = "jobCompute"
TRAINING = "machineLearning.modelTraining"
INFERENCE = "machineLearning.modelInference"
SYNTHETIC_DATA = "machineLearning.syntheticDataGeneration"
COST_TYPES = (QUERY, JOB, TRAINING, INFERENCE, SYNTHETIC_DATA)

_SUBJECTS = {
    QUERY: "query compute",
    JOB: "job compute",
    TRAINING: "model training",
    INFERENCE: "model inference",
    SYNTHETIC_DATA: "synthetic data generation",
}

#: Cost types that somebody is or isn't responsible for.
Responsibility = frozenset[str]
#: What was said about responsibility: cost types that weren't mentioned are missing.
Statements = Mapping[str, bool]

NOBODY: Responsibility = frozenset()

behaviour(
    "PAY-11",
    "A paymentConfiguration of CreateCollaboration or CreateMembership must say something about queryCompute; in UpdateMembership every "
    "part is optional.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "PAY-12",
    "A cost type that a paymentConfiguration leaves out is not specified and may be filled in; an explicit FALSE is a FALSE.",
    source="inferred: needed to tell a default from a refusal to pay",
    status=INFERRED,
)


def statements(configuration: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return what a payment configuration says, by cost type."""
    if configuration is None:
        return {}
    learning = configuration.get("machine_learning", {})
    parts = {
        QUERY: configuration.get("query_compute"),
        JOB: configuration.get("job_compute"),
        TRAINING: learning.get("model_training"),
        INFERENCE: learning.get("model_inference"),
        SYNTHETIC_DATA: learning.get("synthetic_data_generation"),
    }
    return {cost: part["is_responsible"] for cost, part in parts.items() if part is not None}


behaviour(
    "PAY-10",
    "Answers hold the whole structure, on both sides: queryCompute, jobCompute and all three parts of machineLearning, each with "
    "isResponsible.",
    source="recorded ListMembers, GetMembership",
    status=SEEN,
)


@lru_cache
def configuration(responsible: Responsibility) -> dict[str, Any]:
    """Return the payment configuration that says what ``responsible`` does."""
    return {
        "query_compute": {"is_responsible": QUERY in responsible},
        "machine_learning": {
            "model_training": {"is_responsible": TRAINING in responsible},
            "model_inference": {"is_responsible": INFERENCE in responsible},
            "synthetic_data_generation": {"is_responsible": SYNTHETIC_DATA in responsible},
        },
        "job_compute": {"is_responsible": JOB in responsible},
    }


# The collaboration's side

behaviour(
    "PAY-1",
    "Several members may be payer candidates for the same cost type.",
    source="API reference QueryComputePaymentConfig and siblings; What's New of 22 May 2026",
    status=DOCUMENTED,
)
behaviour(
    "PAY-3",
    "Where another member is named for queryCompute, the member that can query isn't responsible unless it is named too.",
    source="recorded ListMembers",
    status=SEEN,
)
behaviour(
    "PAY-7",
    "jobCompute may be TRUE for anybody in a collaboration in which nobody has CAN_RUN_JOB.",
    source="inferred: no document forbids it",
    status=INFERRED,
)
behaviour(
    "PAY-9",
    "Where nobody is named for model training, model inference or synthetic data generation, everybody stays FALSE in answers. For the "
    "first two the member that can query is the payer all the same, unless the creator said FALSE for it.",
    source="recorded answers; API reference ModelTrainingPaymentConfig, MembershipModelTrainingPaymentConfig",
    status=SEEN,
)
behaviour(
    "PAY-13",
    "Any member may pay, with or without abilities, the creator or another.",
    source="user guide: create-collab pages",
    status=DOCUMENTED,
)
behaviour(
    "PAY-14",
    "Lookalike models and ID mapping tables are paid for by who makes them; no setting says so, and none has to be accepted for it.",
    source="user guide: create-collab pages",
    status=DOCUMENTED,
)
behaviour(
    "PAY-32",
    "What the creator said about payers can be changed only by change requests.",
    source="API reference ChangeType",
    status=DOCUMENTED,
)


def agree_on_payers(members: Collection[Member], *, several: bool) -> None:
    """Settle the collaboration's side of a new collaboration, from what its creator said about each member.

    :param several: whether a cost type may have several payer candidates.
    """
    for member in members:
        member.payer_of = frozenset(cost for cost, responsible in member.stated.items() if responsible)
    for cost in () if several else COST_TYPES:
        if len(payers := candidates(members, cost)) > 1:
            payers_are_single_and_stay(
                _field(members, payers[1], cost), f"only one member can pay for {_SUBJECTS[cost]}"
            )
    who_queries_may_decline_only_for_another(members)
    runner_pays_for_queries_by_default(members)
    if not candidates(members, JOB):
        who_runs_jobs_may_decline_only_for_another(members)
    one_set_pays_for_queries_and_jobs(members)
    query_payers_pay_for_jobs_by_default(members)


def candidates(members: Collection[Member], cost: str) -> list[Member]:
    """Return the payer candidates for ``cost``."""
    return [member for member in members if cost in member.payer_of]


@rule(
    "PAY-15",
    source="API reference before 22 May 2026; see PAY-1",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def payers_are_single_and_stay(field: str, complaint: str) -> NoReturn:
    """With the mock's option `payer_candidates=False`, which is the service before 22 May 2026, a cost type has one payer, and who pays can't be
    changed.
    """
    raise invalid_configuration(field, complaint)


@rule(
    "PAY-4",
    source="inferred: nobody would pay; CloudFormation reference QueryComputePaymentConfig, in an older text",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def who_queries_may_decline_only_for_another(members: Collection[Member]) -> None:
    """An explicit FALSE for queryCompute on the member that can query is refused where no other member is TRUE."""
    if not candidates(members, QUERY):
        for runner in holders(members, CAN_QUERY):
            if QUERY in runner.stated:
                raise invalid_configuration(
                    _field(members, runner, QUERY), "nobody else is responsible for query compute costs"
                )


@rule("PAY-2", source="API reference; terraform-provider-aws#48138, recorded ListMembers", status=SEEN)
def runner_pays_for_queries_by_default(members: Collection[Member]) -> None:
    """Where nobody is TRUE for queryCompute, the member that can query is the payer, and is stored and returned as TRUE."""
    if not candidates(members, QUERY):
        for runner in holders(members, CAN_QUERY):
            runner.payer_of |= {QUERY}


@rule(
    "PAY-6",
    source="API reference JobComputePaymentConfig; user guide: create-collab-queries-and-jobs",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def who_runs_jobs_may_decline_only_for_another(members: Collection[Member]) -> None:
    """An explicit FALSE for jobCompute on the member that runs jobs is refused, if it leaves nobody to pay for them."""
    for runner in holders(members, CAN_RUN_JOB):
        others = [member for member in candidates(members, QUERY) if member is not runner]
        if runner.stated.get(JOB) is False and all(other.stated.get(JOB) is False for other in others):
            raise invalid_configuration(
                _field(members, runner, JOB), "nobody else is responsible for job compute costs"
            )


@rule(
    "PAY-8",
    source="API reference JobComputePaymentConfig, MembershipJobComputePaymentConfig; user guide: change-requests",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def one_set_pays_for_queries_and_jobs(members: Collection[Member]) -> None:
    """Where somebody runs jobs and somebody is named for jobCompute, the same members pay for queries and for jobs; where nobody is named, who
    pays for queries can't all decline to pay for jobs. A change request may move one of the two alone later.
    """
    if not holders(members, CAN_RUN_JOB):
        return
    query_payers, job_payers = candidates(members, QUERY), candidates(members, JOB)
    if job_payers and job_payers != query_payers:
        odd = next(member for member in members if (member in job_payers) != (member in query_payers))
        raise invalid_configuration(
            _field(members, odd, JOB), "the same members must be responsible for query and job compute costs"
        )
    if not job_payers and all(member.stated.get(JOB) is False for member in query_payers):
        raise invalid_configuration(
            _field(members, query_payers[0], JOB), "nobody is responsible for job compute costs"
        )


@rule("PAY-5", source="recorded ListMembers; user guide: glossary", status=SEEN)
def query_payers_pay_for_jobs_by_default(members: Collection[Member]) -> None:
    """Where nobody is TRUE for jobCompute and a member has CAN_RUN_JOB, the members that pay for queries are stored as TRUE for jobs too,
    which is inferred; without such a member everybody is FALSE.
    """
    if holders(members, CAN_RUN_JOB) and not candidates(members, JOB):
        for member in candidates(members, QUERY):
            if member.stated.get(JOB) is not False:
                member.payer_of |= {JOB}


def _field(members: Collection[Member], member: Member, cost: str) -> str:
    """The field of CreateCollaboration that says whether ``member`` pays."""
    if member.is_creator:
        return f"creatorPaymentConfiguration.{cost}.isResponsible"
    number = [other for other in members if not other.is_creator].index(member) + 1
    return f"members.member.{number}.paymentConfiguration.{cost}.isResponsible"


# The membership's side

behaviour(
    "PAY-27",
    "Synthetic data generation follows the same two rules as the other cost types: no refusal by who is responsible, no offer by who isn't.",
    source="inferred: the shape's text is silent",
    status=INFERRED,
)


def accept_at_joining(member: Member, payment_configuration: Mapping[str, Any] | None) -> Responsibility:
    """Return what ``member`` is responsible for once it has joined with this payment configuration.

    :raises ValidationException: if it doesn't accept what the collaboration has it pay, or offers what it hasn't.
    """
    if payment_configuration is None:
        if member.payer_of:
            payer_that_cannot_query_says_so(member)
        return member.payer_of
    said = statements(payment_configuration)
    for cost, answer in said.items():
        if cost in member.payer_of:
            payer_does_not_refuse(cost, answer)
        elif is_default_payer(member, cost):
            default_payer_does_not_refuse(cost, answer)
        else:
            only_a_payer_accepts(cost, answer)
    unmentioned = [cost for cost in COST_TYPES if cost in member.payer_of and cost not in said]
    for cost in unmentioned:
        named_payer_mentions_each_cost_type(member, cost)
    accepted = frozenset(unmentioned).union(cost for cost, answer in said.items() if answer)
    # Most members accept just what they were named for, and one set does for both sides.
    return member.payer_of if accepted == member.payer_of else accepted


behaviour(
    "PAY-20",
    "A member that is no payer joins without paymentConfiguration, and is stored as responsible for nothing.",
    source="API reference CreateMembership",
    status=DOCUMENTED,
)
behaviour(
    "PAY-21",
    "A payer that can query joins without paymentConfiguration, and has accepted what it was named for.",
    source="API reference CreateMembership; terraform-provider-awscc#1904, recorded GetMembership",
    status=SEEN,
)


@rule(
    "PAY-22",
    source="API reference CreateMembership; terraform-provider-awscc#1904",
    status=SEEN,
    answer="ValidationException INVALID_CONFIGURATION",
)
def payer_that_cannot_query_says_so(member: Member) -> None:
    """A payer that can't query must give paymentConfiguration."""
    if CAN_QUERY not in member.abilities:
        costs = " and ".join(_SUBJECTS[cost] for cost in COST_TYPES if cost in member.payer_of)
        raise invalid_configuration(
            "paymentConfiguration",
            f"the collaboration has you pay for {costs}; a member that can't query must accept that when it joins",
        )


@rule(
    "PAY-25",
    source="inferred: PAY-21 and PAY-22, for each cost type",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def named_payer_mentions_each_cost_type(member: Member, cost: str) -> None:
    """A member that can't query and that the creator named for a cost type must mention it in its paymentConfiguration. A member that can
    query, or one for which the cost type was filled in, needn't, and is stored as TRUE.
    """
    if CAN_QUERY not in member.abilities and member.stated.get(cost):
        raise _not_accepted(cost)


@rule(
    "PAY-23",
    source="API reference MembershipQueryComputePaymentConfig and siblings",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def payer_does_not_refuse(cost: str, answer: bool) -> None:
    """FALSE for a cost type that the member is responsible for is refused."""
    if not answer:
        raise _not_accepted(cost)


@rule(
    "PAY-24",
    source="API reference MembershipQueryComputePaymentConfig and siblings",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def only_a_payer_accepts(cost: str, answer: bool) -> None:
    """TRUE for a cost type that the member isn't responsible for is refused."""
    if answer:
        raise invalid_configuration(
            f"paymentConfiguration.{cost}.isResponsible", f"you are not responsible for {_SUBJECTS[cost]} costs"
        )


@rule(
    "PAY-26",
    source="API reference CreateMembership, MembershipModelTrainingPaymentConfig, MembershipModelInferencePaymentConfig",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def default_payer_does_not_refuse(cost: str, answer: bool) -> None:
    """The member that can query is the default payer for model training and model inference: its TRUE is accepted and stored, its FALSE
    is refused, and where it says nothing it stays FALSE.
    """
    if not answer:
        raise _not_accepted(cost)


def is_default_payer(member: Member, cost: str) -> bool:
    """Whether ``member`` pays for ``cost`` because nobody was named for it (PAY-9)."""
    return (
        cost in (TRAINING, INFERENCE)
        and CAN_QUERY in member.abilities
        and member.stated.get(cost) is not False
        and not candidates(member.collaboration.members, cost)
    )


def _not_accepted(cost: str) -> ValidationException:
    return invalid_configuration(
        f"paymentConfiguration.{cost}.isResponsible",
        f"you are responsible for {_SUBJECTS[cost]} costs and must accept that",
    )


behaviour(
    "PAY-31",
    "A member may decline later, by UpdateMembership with FALSE, what it is a payer candidate for; the collaboration's side stays TRUE.",
    source="user guide: update-membership",
    status=DOCUMENTED,
)


def change_acceptance(
    member: Member, accepted: Responsibility, payment_configuration: Mapping[str, Any]
) -> Responsibility:
    """Return what ``member`` is responsible for after accepting or declining by UpdateMembership."""
    said = statements(payment_configuration)
    candidate_accepts_or_declines(member, said)
    if member.payer_of >= {QUERY, JOB}:
        said.update({other: said[cost] for cost, other in ((QUERY, JOB), (JOB, QUERY)) if cost in said})
    return accepted.union(cost for cost, answer in said.items() if answer).difference(
        cost for cost, answer in said.items() if not answer
    )


@rule(
    "PAY-30",
    source="service model; user guide: update-membership",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def candidate_accepts_or_declines(member: Member, said: Statements) -> None:
    """UpdateMembership accepts what the member is a payer candidate for, and refuses TRUE for anything else. Who is a candidate for queries
    and jobs accepts or declines both with one choice: one of the two moves the other, and different answers are refused.
    """
    for cost, answer in said.items():
        if answer and cost not in member.payer_of and not is_default_payer(member, cost):
            raise invalid_configuration(
                f"membershipPaymentConfiguration.{cost}.isResponsible",
                f"you are no payer candidate for {_SUBJECTS[cost]} costs",
            )
    if member.payer_of >= {QUERY, JOB} and QUERY in said and JOB in said and said[QUERY] != said[JOB]:
        raise invalid_configuration(
            f"membershipPaymentConfiguration.{JOB}.isResponsible",
            "query and job compute costs are accepted or declined together",
        )
