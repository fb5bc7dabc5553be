"""Who pays, and who has to accept that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ADVERTISER, PUBLISHER, STRANGER, Refused, Scene, pays, recording, results_to

FIELDS = {
    "query": "queryCompute",
    "job": "jobCompute",
    "training": "machineLearning.modelTraining",
    "inference": "machineLearning.modelInference",
    "synthetic": "machineLearning.syntheticDataGeneration",
}
COSTS = tuple(FIELDS)
RECORDED = "644160558196"

RUNS_QUERIES = ["CAN_QUERY", "CAN_RECEIVE_RESULTS"]
RUNS_JOBS = ["CAN_QUERY", "CAN_RECEIVE_RESULTS", "CAN_RUN_JOB"]

#: What is said of one member, or by it: cost types that aren't mentioned are missing.
Said = dict[str, bool]


def says(yes: str = "", no: str = "") -> Said:
    """``says("query job", no="training")``"""
    return {**dict.fromkeys(yes.split(), True), **dict.fromkeys(no.split(), False)}


def costs(configuration: Any) -> set[str]:
    """The cost types for which a payment configuration is TRUE; all of it must be there (PAY-10)."""
    found = set()
    for cost, field in FIELDS.items():
        part = configuration
        for step in field.split("."):
            part = part[step]
        if part["isResponsible"]:
            found.add(cost)
    assert configuration == pays(**{cost: cost in found for cost in COSTS})
    return found


def create(scene: Scene, *said: Said | None, runs: list[str] = RUNS_QUERIES) -> dict[str, Any]:
    """Create a collaboration that the advertiser runs, with what is said of the advertiser, the publisher, the stranger."""
    configurations = [None if one is None else pays(**one) for one in said]
    members = []
    for account_id, configuration in zip((PUBLISHER, STRANGER), configurations[1:], strict=False):
        payment: Any = {} if configuration is None else {"paymentConfiguration": configuration}
        members.append(scene.member(account_id, **payment))
    return scene.create(
        creatorMemberAbilities=runs, creatorPaymentConfiguration=configurations[0] if said else None, members=members
    )


def join(scene: Scene, who: str, collaboration: dict[str, Any], said: Said | None) -> dict[str, Any]:
    """Join as the advertiser or the publisher, with what it says."""
    payment: Any = {} if said is None else {"paymentConfiguration": pays(**said)}
    return scene.join(getattr(scene, who), collaboration, **payment)


def sides(scene: Scene, collaboration: dict[str, Any]) -> list[set[str]]:
    """What each member is a payer candidate for, in the order of :func:`create`."""
    answer: Any = scene.advertiser.list_members(collaborationIdentifier=collaboration["id"])
    return [costs(member["paymentConfiguration"]) for member in answer["memberSummaries"]]


# The collaboration's side


@pytest.mark.rule("PAY-2", "PAY-3", "PAY-5", "PAY-9", "PAY-10")
@pytest.mark.parametrize("number", [0, 2], ids=["runner alone", "receiver pays for the runner"])
def test_candidates_are_those_recorded(scene: Scene, number: int) -> None:
    """ListMembers shows the payers that the real service did, for the same collaborations, with the same members of the answer."""
    recorded: Any = recording("cleanrooms.ListMembers")[number]["body"]["memberSummaries"]
    client: Any = scene.handle.client(RECORDED)
    theirs = {member["accountId"]: member for member in recorded}
    named = {"creatorPaymentConfiguration": pays(query=True)} if len(theirs) > 1 else {}
    collaboration = client.create_collaboration(
        name="recorded",
        creatorDisplayName=theirs[RECORDED]["displayName"],
        creatorMemberAbilities=theirs[RECORDED]["abilities"],
        members=[
            scene.member(account_id, member["abilities"], displayName=member["displayName"])
            for account_id, member in theirs.items()
            if account_id != RECORDED
        ],
        queryLogStatus="DISABLED",
        **named,
    )["collaboration"]
    ours = client.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
    assert {member["accountId"] for member in ours} == theirs.keys()
    for member in ours:
        expected = theirs[member["accountId"]]
        own = {name: member[name] for name in ("status", "createTime", "updateTime", "membershipId", "membershipArn")}
        assert member == {**expected, **own}


@pytest.mark.rule("PAY-1", "PAY-2", "PAY-3", "PAY-5", "PAY-7", "PAY-9", "PAY-12", "PAY-13")
@pytest.mark.parametrize(
    ("runs", "said", "expected"),
    [
        # PAY-2: nobody is named for queries, so the runner pays, and for nothing else (PAY-9).
        (RUNS_QUERIES, [None, None], ["query", ""]),
        (RUNS_QUERIES, [None, says(no="query job training inference synthetic")], ["query", ""]),
        # PAY-3: another one is named.
        (RUNS_QUERIES, [None, says("query")], ["", "query"]),
        (RUNS_QUERIES, [says(no="query"), says("query")], ["", "query"]),
        (RUNS_QUERIES, [says(no="query"), None, says("query")], ["", "", "query"]),
        # PAY-1: several are.
        (RUNS_QUERIES, [says("query"), says("query")], ["query", "query"]),
        (RUNS_QUERIES, [None, says("query"), says("query")], ["", "query", "query"]),
        *(
            (RUNS_QUERIES, [says(f"query {cost}")] * 3, [f"query {cost}"] * 3)
            for cost in ("job", "training", "inference", "synthetic")
        ),
        # PAY-13: a member without any ability may pay for everything, or each for something.
        (RUNS_QUERIES, [None, says("query job training inference synthetic")], ["", " ".join(COSTS)]),
        (
            RUNS_QUERIES,
            [says("query", no="training"), says("training", no="query"), says("inference synthetic", no="query")],
            ["query", "training", "inference synthetic"],
        ),
        # PAY-5: nobody is named for jobs, so who pays for queries pays for them, where somebody runs them.
        (RUNS_JOBS, [None, None], ["query job", ""]),
        (RUNS_JOBS, [None, says("query")], ["", "query job"]),
        (RUNS_JOBS, [says("query"), says("query")], ["query job", "query job"]),
        (RUNS_JOBS, [None, says(no="query job")], ["query job", ""]),
        (RUNS_JOBS, [says(no="query job"), says("query")], ["", "query job"]),
        # PAY-12: a FALSE for jobs is one, where another member's filled-in TRUE remains (PAY-6).
        (RUNS_JOBS, [says("query", no="job"), says("query")], ["query", "query job"]),
        (RUNS_JOBS, [says("query"), says("query", no="job")], ["query job", "query"]),
        # PAY-8: one set for both.
        (RUNS_JOBS, [says("query job"), says("query job"), None], ["query job", "query job", ""]),
        (RUNS_JOBS, [says(no="query job"), says("query job")], ["", "query job"]),
        # PAY-7: nobody runs jobs, and whoever is named for them is stored.
        (RUNS_QUERIES, [None, says("job", no="query")], ["query", "job"]),
        (
            RUNS_QUERIES,
            [says("query", no="job"), says("job", no="query"), says("job", no="query")],
            ["query", "job", "job"],
        ),
        (RUNS_QUERIES, [says("query", no="job"), None], ["query", ""]),
    ],
)
def test_who_is_a_candidate(scene: Scene, runs: list[str], said: list[Said | None], expected: list[str]) -> None:
    """What the creator says of each member, and what is filled in where it says nothing."""
    collaboration = create(scene, *said, runs=runs)
    assert sides(scene, collaboration) == [set(one.split()) for one in expected]


@pytest.mark.rule("PAY-4", "PAY-6", "PAY-8", "PAY-12")
@pytest.mark.parametrize(
    ("runs", "said", "rule", "field"),
    [
        (RUNS_QUERIES, [says(no="query")], "PAY-4", "creatorPaymentConfiguration.queryCompute"),
        (RUNS_QUERIES, [says(no="query"), None], "PAY-4", "creatorPaymentConfiguration.queryCompute"),
        (
            RUNS_JOBS,
            [says("job", no="query"), says("job", no="query")],
            "PAY-4",
            "creatorPaymentConfiguration.queryCompute",
        ),
        # The runner declines jobs, and nobody is TRUE for them, neither explicitly nor by default.
        (RUNS_JOBS, [says("query", no="job"), None], "PAY-6", "creatorPaymentConfiguration.jobCompute"),
        (RUNS_JOBS, [says("query", no="job"), says(no="query job")], "PAY-6", "creatorPaymentConfiguration.jobCompute"),
        (
            RUNS_JOBS,
            [says("query", no="job"), says("query", no="job")],
            "PAY-6",
            "creatorPaymentConfiguration.jobCompute",
        ),
        (RUNS_JOBS, [says(no="query job"), says("query", no="job")], "PAY-6", "creatorPaymentConfiguration.jobCompute"),
        # Queries and jobs have different payers.
        (RUNS_JOBS, [None, says("job", no="query")], "PAY-8", "creatorPaymentConfiguration.jobCompute"),
        (RUNS_JOBS, [says("query job"), says("query")], "PAY-8", "members.member.1.paymentConfiguration.jobCompute"),
        (RUNS_JOBS, [says("query"), says("query job")], "PAY-8", "creatorPaymentConfiguration.jobCompute"),
        (
            RUNS_JOBS,
            [says("query", no="job"), says("job", no="query")],
            "PAY-8",
            "creatorPaymentConfiguration.jobCompute",
        ),
        (
            RUNS_JOBS,
            [says("query job"), says("query job"), says("job", no="query")],
            "PAY-8",
            "members.member.2.paymentConfiguration.jobCompute",
        ),
    ],
)
def test_payers_that_do_not_add_up(
    scene: Scene, refused: Refused, runs: list[str], said: list[Said | None], rule: str, field: str
) -> None:
    """Somebody has to pay for queries and for jobs that can be run, and the same members for both."""
    with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{field}.isResponsible", rule=rule):
        create(scene, *said, runs=runs)
    for client in (scene.advertiser, scene.publisher, scene.stranger):
        assert client.list_collaborations()["collaborationList"] == []


@pytest.mark.rule("PAY-2", "PAY-4", "PAY-6")
@pytest.mark.parametrize(("said", "rule", "cost"), [("", "PAY-4", "query"), ("query", "PAY-6", "job")])
def test_the_runner_needn_t_be_the_creator(scene: Scene, refused: Refused, said: str, rule: str, cost: str) -> None:
    """The default payer is who can query, invited or not; what it can't decline is refused on its own field."""
    declined = says(said, no=cost)
    field = f"members.member.2.paymentConfiguration.{FIELDS[cost]}.isResponsible"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule=rule):
        scene.create(
            creatorMemberAbilities=[],
            members=[scene.member(STRANGER), scene.member(PUBLISHER, RUNS_JOBS, paymentConfiguration=pays(**declined))],
        )
    collaboration = scene.create(
        creatorMemberAbilities=[], members=[scene.member(STRANGER), scene.member(PUBLISHER, RUNS_JOBS)]
    )
    assert sides(scene, collaboration) == [set(), set(), {"query", "job"}]


@pytest.mark.rule("PAY-15")
@pytest.mark.cleanrooms(payer_candidates=False)
@pytest.mark.parametrize("cost", COSTS)
def test_one_payer_before_there_were_candidates(scene: Scene, refused: Refused, cost: str) -> None:
    """Without candidates two payers for a cost type are refused on the second one; one is taken, whoever it is."""
    payer, neither = says(cost, no="" if cost == "query" else "query"), says(no="query")
    field = f"members.member.2.paymentConfiguration.{FIELDS[cost]}.isResponsible"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PAY-15"):
        create(scene, None, payer, payer)
    assert scene.advertiser.list_collaborations()["collaborationList"] == []
    assert sides(scene, create(scene, None, neither, payer))[2] == {cost}


@pytest.mark.rule("PAY-15")
@pytest.mark.cleanrooms(payer_candidates=False)
@pytest.mark.parametrize("responsible", [True, False])
def test_payers_stayed_before_there_were_candidates(scene: Scene, refused: Refused, responsible: bool) -> None:
    """Without candidates no change request names a payer or takes one away."""
    collaboration = create(scene, None, says("training", no="query"))
    before = sides(scene, collaboration)
    payment: Any = pays(query=False, training=responsible, inference=True)
    specification: Any = {"accountId": PUBLISHER, "memberAbilities": [], "paymentConfiguration": payment}
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="PAY-15"):
        scene.advertiser.create_collaboration_change_request(
            collaborationIdentifier=collaboration["id"],
            changes=[{"specificationType": "MEMBER", "specification": {"member": specification}}],
        )
    assert sides(scene, collaboration) == before


@pytest.mark.rule("PAY-11")
def test_queries_must_be_mentioned(scene: Scene, refused: Refused) -> None:
    """A paymentConfiguration without queryCompute breaks the model in CreateCollaboration, for creator and members alike."""
    unchecked: Any = boto3.client("cleanrooms", "us-east-1", config=Config(parameter_validation=False))
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", rule="ERR-3") as error:
        unchecked.create_collaboration(
            name="campaign",
            creatorDisplayName="creator",
            creatorMemberAbilities=RUNS_QUERIES,
            creatorPaymentConfiguration=pays(job=True),
            members=[scene.member(paymentConfiguration=pays(training=True))],
            queryLogStatus="DISABLED",
        )
    assert {entry["name"] for entry in error["fieldList"]} == {
        "creatorPaymentConfiguration.queryCompute",
        "members.member.1.paymentConfiguration.queryCompute",
    }


# The membership's side

EVERYTHING = says(" ".join(COSTS))
JUST_QUERIES = says("query")


@pytest.mark.rule("MEM-20", "PAY-20", "PAY-21", "PAY-25", "PAY-26", "PAY-9", "PAY-12")
@pytest.mark.parametrize(
    ("runs", "of", "who", "said", "accepted"),
    [
        # PAY-20: no payer needn't say so.
        (RUNS_QUERIES, [None, None], "publisher", None, ""),
        (RUNS_QUERIES, [None, None], "publisher", says(no=" ".join(COSTS)), ""),
        (RUNS_QUERIES, [None, says("query")], "advertiser", None, ""),
        # PAY-21: a payer that can query needn't say anything.
        (RUNS_QUERIES, [None, None], "advertiser", None, "query"),
        (RUNS_JOBS, [None, None], "advertiser", None, "query job"),
        (RUNS_QUERIES, [EVERYTHING, None], "advertiser", None, " ".join(COSTS)),
        (RUNS_QUERIES, [says("training", no="query"), says("query")], "advertiser", None, "training"),
        # Who says that it pays what it has to pays it.
        (RUNS_QUERIES, [None, EVERYTHING], "publisher", EVERYTHING, " ".join(COSTS)),
        (RUNS_QUERIES, [None, says("query")], "publisher", says("query", no="job training inference"), "query"),
        (RUNS_QUERIES, [None, says("job", no="query")], "publisher", says("job", no="query"), "job"),
        (RUNS_QUERIES, [EVERYTHING, EVERYTHING], "advertiser", EVERYTHING, " ".join(COSTS)),
        # PAY-25: what isn't mentioned is filled in for who can query, and for who got it from PAY-5.
        (RUNS_QUERIES, [EVERYTHING, None], "advertiser", JUST_QUERIES, " ".join(COSTS)),
        (RUNS_JOBS, [None, None], "advertiser", JUST_QUERIES, "query job"),
        (RUNS_JOBS, [None, says("query")], "publisher", JUST_QUERIES, "query job"),
        (RUNS_JOBS, [None, says("query")], "publisher", says("query job"), "query job"),
        # PAY-26: nobody is named for learning, and who can query says so or leaves it.
        (RUNS_QUERIES, [None, None], "advertiser", says("query training"), "query training"),
        (RUNS_QUERIES, [None, None], "advertiser", says("query inference"), "query inference"),
        (RUNS_QUERIES, [None, None], "advertiser", says("query training inference"), "query training inference"),
        (RUNS_QUERIES, [None, None], "advertiser", JUST_QUERIES, "query"),
        (RUNS_QUERIES, [None, says("query")], "advertiser", says("training", no="query"), "training"),
        # PAY-9: the creator said FALSE of it, or named another one.
        (RUNS_QUERIES, [says("query", no="training"), None], "advertiser", says("query", no="training"), "query"),
        (RUNS_QUERIES, [None, says("training", no="query")], "advertiser", says("query", no="training"), "query"),
    ],
)
def test_what_a_member_accepts(
    scene: Scene, runs: list[str], of: list[Said | None], who: str, said: Said | None, accepted: str
) -> None:
    """What a member has accepted once it has joined, whatever it said, and that its joining changes no candidate."""
    collaboration = create(scene, *of, runs=runs)
    before = sides(scene, collaboration)
    membership = join(scene, who, collaboration, said)
    assert costs(membership["paymentConfiguration"]) == set(accepted.split())
    (summary,) = getattr(scene, who).list_memberships()["membershipSummaries"]
    assert summary["paymentConfiguration"] == membership["paymentConfiguration"]
    assert sides(scene, collaboration) == before


@pytest.mark.rule("MEM-20", "PAY-22", "PAY-23", "PAY-24", "PAY-25", "PAY-26", "PAY-27", "PAY-9")
@pytest.mark.parametrize(
    ("runs", "of", "who", "said", "rule", "cost"),
    [
        # PAY-22: a payer that can't query says nothing.
        (RUNS_QUERIES, [None, JUST_QUERIES], "publisher", None, "PAY-22", None),
        (RUNS_QUERIES, [None, EVERYTHING], "publisher", None, "PAY-22", None),
        *((RUNS_QUERIES, [None, says(cost, no="query")], "publisher", None, "PAY-22", None) for cost in COSTS[1:]),
        # PAY-23: FALSE where it is responsible, for each cost type, whether it can query or not.
        (RUNS_QUERIES, [None, JUST_QUERIES], "publisher", says(no="query"), "PAY-23", "query"),
        (RUNS_QUERIES, [None, None], "advertiser", says(no="query"), "PAY-23", "query"),
        (RUNS_JOBS, [None, None], "advertiser", says("query", no="job"), "PAY-23", "job"),
        (RUNS_JOBS, [None, JUST_QUERIES], "publisher", says("query", no="job"), "PAY-23", "job"),
        *(
            (RUNS_QUERIES, [None, says(cost, no="query")], "publisher", says(no=f"query {cost}"), "PAY-23", cost)
            for cost in COSTS[1:]
        ),
        *(
            (RUNS_QUERIES, [EVERYTHING, None], "advertiser", {**EVERYTHING, cost: False}, "PAY-23", cost)
            for cost in COSTS
        ),
        # PAY-24: TRUE where it isn't.
        *(
            (RUNS_QUERIES, [None, None], "publisher", {**says(no="query"), cost: True}, "PAY-24", cost)
            for cost in COSTS
        ),
        (RUNS_QUERIES, [None, JUST_QUERIES], "advertiser", says("query"), "PAY-24", "query"),
        (RUNS_QUERIES, [None, None], "advertiser", says("query job"), "PAY-24", "job"),
        # PAY-27: there is no default payer for synthetic data.
        (RUNS_QUERIES, [None, None], "advertiser", says("query synthetic"), "PAY-24", "synthetic"),
        # PAY-25: it was named for more than it mentions.
        *(
            (RUNS_QUERIES, [None, says(f"query {cost}")], "publisher", JUST_QUERIES, "PAY-25", cost)
            for cost in COSTS[1:]
        ),
        (RUNS_JOBS, [None, says("query job")], "publisher", JUST_QUERIES, "PAY-25", "job"),
        # PAY-26: the default payer refuses.
        *(
            (RUNS_QUERIES, [None, None], "advertiser", says("query", no=cost), "PAY-26", cost)
            for cost in ("training", "inference")
        ),
        (RUNS_QUERIES, [None, JUST_QUERIES], "advertiser", says(no="query training"), "PAY-26", "training"),
        # PAY-9: where the creator said FALSE of it, or named another one, it is no default payer.
        *(
            (RUNS_QUERIES, [of_runner, of_other], "advertiser", says(f"query {cost}"), "PAY-24", cost)
            for cost in ("training", "inference")
            for of_runner, of_other in ((says("query", no=cost), None), (None, says(cost, no="query")))
        ),
    ],
)
def test_what_a_member_may_not_say(
    scene: Scene,
    refused: Refused,
    runs: list[str],
    of: list[Said | None],
    who: str,
    said: Said | None,
    rule: str,
    cost: str | None,
) -> None:
    """Refusing what is one's own to pay, accepting what isn't, and keeping silent where one must speak."""
    collaboration = create(scene, *of, runs=runs)
    before = sides(scene, collaboration)
    field = "paymentConfiguration" if cost is None else f"paymentConfiguration.{FIELDS[cost]}.isResponsible"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule=rule) as error:
        join(scene, who, collaboration, said)
    assert len(error["fieldList"]) == 1
    client = getattr(scene, who)
    assert client.list_memberships()["membershipSummaries"] == []
    seen = client.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"]
    assert seen["memberStatus"] == "INVITED"
    assert sides(scene, collaboration) == before


@pytest.mark.rule("PAY-26", "PAY-9")
def test_the_default_payer_needn_t_be_the_creator(scene: Scene, refused: Refused) -> None:
    """Who pays for learning by default is the member that can query, whoever created the collaboration."""
    collaboration = scene.create(
        creatorMemberAbilities=["CAN_RECEIVE_RESULTS"], members=[scene.member(abilities=["CAN_QUERY"])]
    )
    learning = pays(query=True, training=True, inference=True)
    receiver = {
        "defaultResultConfiguration": results_to("results", ADVERTISER),
        "paymentConfiguration": {**learning, **pays(query=False)},
    }
    field = "paymentConfiguration.machineLearning.modelTraining.isResponsible"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PAY-24"):
        scene.join(scene.advertiser, collaboration, **receiver)
    membership = scene.join(scene.publisher, collaboration, paymentConfiguration=learning)
    assert costs(membership["paymentConfiguration"]) == {"query", "training", "inference"}
    assert sides(scene, collaboration) == [set(), {"query"}]


# Accepting and declining later


@pytest.mark.rule("PAY-30", "PAY-31", "PAY-11", "MEM-33")
@pytest.mark.parametrize(
    ("runs", "of", "said", "accepted"),
    [
        # PAY-31: a candidate declines what it had accepted, each part for itself (PAY-11).
        *(
            (RUNS_QUERIES, EVERYTHING, {cost: False}, set(COSTS) - {cost})
            for cost in ("training", "inference", "synthetic")
        ),
        (RUNS_QUERIES, JUST_QUERIES, says(no="query"), set()),
        (RUNS_QUERIES, says("job", no="query"), says(no="job"), set()),
        (RUNS_QUERIES, EVERYTHING, says(no=" ".join(COSTS)), set()),
        # What it is no candidate for it can only leave.
        (RUNS_QUERIES, JUST_QUERIES, says(no="training synthetic"), {"query"}),
        (RUNS_QUERIES, JUST_QUERIES, says(no="job"), {"query"}),
        (RUNS_QUERIES, JUST_QUERIES, says("query", no="job"), {"query"}),
        (RUNS_QUERIES, EVERYTHING, {}, set(COSTS)),
        # PAY-30: queries and jobs go together for who is a candidate for both.
        (RUNS_JOBS, JUST_QUERIES, says(no="query"), set()),
        (RUNS_JOBS, JUST_QUERIES, says(no="job"), set()),
        (RUNS_JOBS, JUST_QUERIES, says(no="query job"), set()),
        (RUNS_JOBS, JUST_QUERIES, says("job"), {"query", "job"}),
        (RUNS_QUERIES, EVERYTHING, says("training", no="job"), {"training", "inference", "synthetic"}),
    ],
)
def test_a_candidate_declines_and_accepts_again(
    scene: Scene, runs: list[str], of: Said, said: Said, accepted: set[str]
) -> None:
    """UpdateMembership moves what it mentions, leaves the rest, and doesn't touch the collaboration's side; TRUE brings it back."""
    collaboration = create(scene, None, of, runs=runs)
    candidacy = sides(scene, collaboration)
    whole = {**of, **({"job": True} if runs == RUNS_JOBS else {})}
    membership = join(scene, "publisher", collaboration, whole)
    before = costs(membership["paymentConfiguration"])

    def update(**said: bool) -> set[str]:
        configuration: Any = pays(**said)
        answer: Any = scene.publisher.update_membership(
            membershipIdentifier=membership["id"], membershipPaymentConfiguration=configuration
        )
        return costs(answer["membership"]["paymentConfiguration"])

    assert update(**said) == accepted
    assert sides(scene, collaboration) == candidacy
    assert update(**dict.fromkeys(before, True)) == before


@pytest.mark.rule("PAY-30")
@pytest.mark.parametrize(
    ("runs", "of", "said", "cost"),
    [
        *((RUNS_QUERIES, None, {cost: True}, cost) for cost in COSTS),
        *((RUNS_QUERIES, JUST_QUERIES, {"query": False, cost: True}, cost) for cost in COSTS[1:]),
        (RUNS_JOBS, JUST_QUERIES, says("query", no="job"), "job"),
        (RUNS_JOBS, JUST_QUERIES, says("job", no="query"), "job"),
    ],
)
def test_only_a_candidate_accepts(
    scene: Scene, refused: Refused, runs: list[str], of: Said | None, said: Said, cost: str
) -> None:
    """TRUE is refused for what the member is no candidate for, and so is answering queries and jobs differently; nothing of it is kept."""
    collaboration = create(scene, None, of, runs=runs)
    membership = join(
        scene, "publisher", collaboration, None if of is None else {**of, **says("job" if runs == RUNS_JOBS else "")}
    )
    configuration: Any = pays(**said)
    field = f"membershipPaymentConfiguration.{FIELDS[cost]}.isResponsible"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PAY-30"):
        scene.publisher.update_membership(
            membershipIdentifier=membership["id"], membershipPaymentConfiguration=configuration
        )
    assert scene.publisher.get_membership(membershipIdentifier=membership["id"])["membership"] == membership


@pytest.mark.rule("PAY-26", "PAY-30", "PAY-31")
@pytest.mark.parametrize("cost", ["training", "inference"])
def test_the_default_payer_accepts_later(scene: Scene, cost: str) -> None:
    """A default payer that said nothing when it joined can say so later, and take it back, without becoming a candidate."""
    collaboration = create(scene)
    membership = join(scene, "advertiser", collaboration, None)
    for responsible in (True, False):
        configuration: Any = pays(**{cost: responsible})
        answer: Any = scene.advertiser.update_membership(
            membershipIdentifier=membership["id"], membershipPaymentConfiguration=configuration
        )
        assert costs(answer["membership"]["paymentConfiguration"]) == ({"query", cost} if responsible else {"query"})
        assert sides(scene, collaboration)[0] == {"query"}


@pytest.mark.rule("PAY-30")
def test_a_new_candidate_accepts(scene: Scene, refused: Refused) -> None:
    """A member that a change request makes a candidate accepts by an update, which was refused before."""
    collaboration = create(scene, None, None)
    membership = join(scene, "publisher", collaboration, None)
    accept: Any = {"membershipIdentifier": membership["id"], "membershipPaymentConfiguration": pays(query=True)}
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="PAY-30"):
        scene.publisher.update_membership(**accept)
    specification: Any = {"accountId": PUBLISHER, "memberAbilities": [], "paymentConfiguration": pays(query=True)}
    request: Any = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"],
        changes=[{"specificationType": "MEMBER", "specification": {"member": specification}}],
    )["collaborationChangeRequest"]
    for client, action in ((scene.publisher, "APPROVE"), (scene.advertiser, "COMMIT")):
        update: Any = {"changeRequestIdentifier": request["id"], "action": action}
        client.update_collaboration_change_request(collaborationIdentifier=collaboration["id"], **update)
    answer: Any = scene.publisher.update_membership(**accept)
    assert costs(answer["membership"]["paymentConfiguration"]) == {"query"}


# All of it at once, against the rules told again in few words


def agreed(said: list[Said], runs_jobs: bool) -> list[set[str]] | None:
    """What each member is a candidate for, the runner first, or None if the collaboration is refused."""
    everybody = range(len(said))
    payers = {cost: {number for number in everybody if said[number].get(cost)} for cost in COSTS}
    job_is_named = bool(payers["job"])
    if not payers["query"]:
        if "query" in said[0]:
            return None
        payers["query"] = {0}
    if runs_jobs and job_is_named and payers["job"] != payers["query"]:
        return None
    if runs_jobs and not job_is_named:
        payers["job"] = {number for number in payers["query"] if "job" not in said[number]}
        if not payers["job"]:
            return None
    return [{cost for cost in COSTS if number in payers[cost]} for number in everybody]


def accepted(number: int, answer: Said | None, said: list[Said], candidacy: list[set[str]]) -> set[str] | None:
    """What a member has accepted once it has joined with this answer, or None if it is refused."""
    owed, runs = candidacy[number], number == 0
    if answer is None:
        return owed if runs or not owed else None
    by_default = {
        cost
        for cost in ("training", "inference")
        if runs and cost not in said[0] and not any(cost in candidate for candidate in candidacy)
    }
    for cost in COSTS:
        if cost in answer and answer[cost] != (cost in owed or cost in by_default):
            return None
        if cost not in answer and cost in owed and not runs and said[number].get(cost):
            return None
    return {cost for cost in COSTS if answer.get(cost, cost in owed)}


def unless_refused(call: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """What a call answers, or None if its payment configuration contradicts the others."""
    try:
        return call()
    except ClientError as error:
        if error.response.get("reason") != "INVALID_CONFIGURATION":
            raise
        return None


statements = st.one_of(
    st.none(), st.fixed_dictionaries({"query": st.booleans()}, optional={cost: st.booleans() for cost in COSTS[1:]})
)


def nearly_right(candidacy: set[str]) -> st.SearchStrategy[Said]:
    """Right answers that lack some part, which chance alone would rarely find."""

    def answer(left_out: set[str]) -> Said:
        return {cost: cost in candidacy for cost in COSTS if cost not in left_out}

    return st.sets(st.sampled_from(COSTS[1:])).map(answer)


@pytest.mark.rule(
    "PAY-1", "PAY-2", "PAY-4", "PAY-5", "PAY-6", "PAY-8", "PAY-20", "PAY-22", "PAY-23", "PAY-24", "PAY-25", "PAY-26"
)
@pytest.mark.cleanrooms(quotas=None)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(of=st.lists(statements, min_size=1, max_size=3), runs_jobs=st.booleans(), data=st.data())
def test_outcomes_are_those_of_the_rules(
    scene: Scene, of: list[Said | None], runs_jobs: bool, data: st.DataObject
) -> None:
    """Whatever the creator says of its members and they answer, the outcome is what the rules, written down a second time, say."""
    said: list[Said] = [one or {} for one in of]
    candidacy = agreed(said, runs_jobs)
    collaboration = unless_refused(lambda: create(scene, *of, runs=RUNS_JOBS if runs_jobs else RUNS_QUERIES))
    assert (None if collaboration is None else sides(scene, collaboration)) == candidacy
    if collaboration is None or candidacy is None:
        return
    for number, who in zip(range(len(of)), ("advertiser", "publisher", "stranger"), strict=False):
        answer = data.draw(statements | nearly_right(candidacy[number]), label=f"answer of the {who}")
        expected = accepted(number, answer, said, candidacy)
        membership = unless_refused(partial(join, scene, who, collaboration, answer))
        assert (None if membership is None else costs(membership["paymentConfiguration"])) == expected
    assert sides(scene, collaboration) == candidacy
