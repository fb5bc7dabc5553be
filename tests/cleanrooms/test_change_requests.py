"""Change requests: who asks, who votes, what is changed, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.conftest import ADVERTISER, AGENCY, NOWHERE, PUBLISHER, Refused, Scene, pays

pytestmark = pytest.mark.usefixtures("passing_time")

NEWCOMER = "444444444444"
OTHER_NEWCOMER = "555555555555"

RESULTS = "CAN_RECEIVE_RESULTS"
LOG = "CAN_EXPORT_QUERY_ANALYSIS_LOG"
OUTPUT = "CAN_RECEIVE_MODEL_OUTPUT"
INFERENCE = "CAN_RECEIVE_INFERENCE_OUTPUT"
QUOTA = "Members invited per collaboration"

#: All types that can be approved without a vote.
AUTOMATIC = [
    "ADD_MEMBER",
    "GRANT_RECEIVE_RESULTS_ABILITY",
    "REVOKE_RECEIVE_RESULTS_ABILITY",
    "GRANT_EXPORT_QUERY_ANALYSIS_LOG_ABILITY",
    "REVOKE_EXPORT_QUERY_ANALYSIS_LOG_ABILITY",
]


def change(account_id: str = PUBLISHER, abilities: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a change of a member."""
    specification = {"accountId": account_id, "memberAbilities": abilities or [], **more}
    return {"specificationType": "MEMBER", "specification": {"member": specification}}


def addition(account_id: str = NEWCOMER, abilities: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a change that adds a member."""
    return change(account_id, abilities, displayName=f"newcomer {account_id}", **more)


def auto_approve(*types: str) -> dict[str, Any]:
    """Return a change of the types that the collaboration approves without a vote."""
    specification = {"autoApprovedChangeTypes": list(types)}
    return {"specificationType": "COLLABORATION", "specification": {"collaboration": specification}}


def learns(*abilities: str) -> dict[str, Any]:
    """Return abilities for machine learning."""
    return {"customMLMemberAbilities": list(abilities)}


def ask(scene: Scene, collaboration: dict[str, Any], *changes: dict[str, Any]) -> dict[str, Any]:
    """Have the creator request changes, and return the request."""
    given: Any = list(changes)
    answer: Any = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"], changes=given
    )
    return dict(answer["collaborationChangeRequest"])


def of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that name a request."""
    return {"collaborationIdentifier": request["collaborationId"], "changeRequestIdentifier": request["id"]}


def act(client: Any, request: dict[str, Any], action: str) -> dict[str, Any]:
    """Act on a request, and return it."""
    answer = client.update_collaboration_change_request(**of(request), action=action)
    return dict(answer["collaborationChangeRequest"])


def see(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return a request as it is now."""
    return dict(client.get_collaboration_change_request(**of(request))["collaborationChangeRequest"])


def listed(client: Any, collaboration: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return the requests of a collaboration."""
    answer = client.list_collaboration_change_requests(collaborationIdentifier=collaboration["id"], **more)
    return list(answer["collaborationChangeRequestSummaries"])


def members(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    """Return all members, by account."""
    summaries = scene.advertiser.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
    return {summary["accountId"]: summary for summary in summaries}


def membership_of(client: Any) -> dict[str, Any]:
    """Return an account's only membership."""
    (summary,) = client.list_memberships()["membershipSummaries"]
    return dict(client.get_membership(membershipIdentifier=summary["id"])["membership"])


def remove(scene: Scene, collaboration: dict[str, Any], account_id: str = PUBLISHER) -> None:
    """Have the creator remove a member."""
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=account_id)


def leave(client: Any) -> None:
    """Have an account delete its only membership."""
    client.delete_membership(membershipIdentifier=membership_of(client)["id"])


def of_three(scene: Scene, **overrides: Any) -> tuple[dict[str, Any], Any]:
    """Create a collaboration in which the publisher and an agency are active, and return it with the agency's client."""
    collaboration = scene.create(**{"members": [scene.member(), scene.member(AGENCY)], **overrides})
    agency = scene.handle.client(AGENCY)
    for client in (scene.publisher, agency):
        scene.join(client, collaboration)
    return collaboration, agency


# Asking


@pytest.mark.rule("CHG-1", "COL-31")
def test_creator_asks_before_it_has_joined(scene: Scene) -> None:
    """A creator that is still INVITED requests changes, sees them, and commits and cancels them."""
    collaboration = scene.create()
    first, second = ask(scene, collaboration, addition()), ask(scene, collaboration, addition(OTHER_NEWCOMER))
    assert listed(scene.advertiser, collaboration) == [first, second]
    assert act(scene.advertiser, first, "COMMIT")["status"] == "COMMITTED"
    assert act(scene.advertiser, second, "CANCEL")["status"] == "CANCELLED"
    assert members(scene, collaboration).keys() == {ADVERTISER, PUBLISHER, NEWCOMER}
    assert members(scene, collaboration)[ADVERTISER]["status"] == "INVITED"


@pytest.mark.rule("CHG-1")
@pytest.mark.parametrize("joined", [False, True])
def test_only_the_creator_asks(scene: Scene, refused: Refused, joined: bool) -> None:
    """A member that isn't the creator requests nothing, not even for itself."""
    collaboration = scene.create()
    if joined:
        scene.join(scene.publisher, collaboration)
    given: Any = [change(abilities=[RESULTS])]
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="CHG-1") as error:
        scene.publisher.create_collaboration_change_request(collaborationIdentifier=collaboration["id"], changes=given)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert listed(scene.advertiser, collaboration) == []


@pytest.mark.rule("CHG-2", "QUO-24")
def test_request_has_one_to_ten_changes(scene: Scene, refused: Refused) -> None:
    """None and eleven are refused by the model, ten are as good as one."""
    collaboration = scene.create()
    scene.handle.quotas[QUOTA] = 20
    changes = [addition(f"{number:012d}") for number in range(11)]
    client: Any = boto3.client("cleanrooms", region_name="us-east-1", config=Config(parameter_validation=False))
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="changes", rule="ERR-3"):
        client.create_collaboration_change_request(collaborationIdentifier=collaboration["id"], changes=[])
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="changes", rule="ERR-3"):
        ask(scene, collaboration, *changes)
    assert listed(scene.advertiser, collaboration) == []
    assert len(ask(scene, collaboration, *changes[:10])["changes"]) == 10


@pytest.mark.rule("CHG-2", "CHG-3", "CHG-4", "CHG-5", "COL-13", "COL-7", "COL-10")
@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        (
            [addition(), {**auto_approve("ADD_MEMBER"), "specificationType": "MEMBER"}],
            "changes.member.2.specification",
            "CHG-2",
        ),
        ([{**addition(), "specificationType": "COLLABORATION"}], "changes.member.1.specification", "CHG-2"),
        ([addition(), auto_approve("ADD_MEMBER"), addition(abilities=[RESULTS])], "changes", "CHG-3"),
        ([auto_approve("ADD_MEMBER"), addition(), auto_approve()], "changes", "CHG-3"),
        ([addition(), change(OTHER_NEWCOMER)], "changes.member.2.specification.member.displayName", "CHG-4"),
        ([change(abilities=["CAN_QUERY"])], "changes.member.1.specification.member.memberAbilities", "CHG-5"),
        (
            [change(abilities=[RESULTS, "CAN_RUN_JOB"])],
            "changes.member.1.specification.member.memberAbilities",
            "CHG-5",
        ),
        (
            [addition(), addition(OTHER_NEWCOMER, ["CAN_QUERY"])],
            "changes.member.2.specification.member.memberAbilities",
            "CHG-5",
        ),
        ([change(ADVERTISER, ["CAN_QUERY"])], "changes.member.1.specification.member.memberAbilities", "CHG-5"),
        ([change(abilities=[LOG, LOG])], "changes.member.1.specification.member.memberAbilities", "COL-13"),
        (
            [change(mlMemberAbilities=learns(OUTPUT, OUTPUT))],
            "changes.member.1.specification.member.mlMemberAbilities.customMLMemberAbilities",
            "COL-13",
        ),
    ],
)
def test_changes_that_are_refused(
    scene: Scene, refused: Refused, changes: list[dict[str, Any]], field: str, rule: str
) -> None:
    """A change that can't be as it is given is refused with all of its request, and named."""
    collaboration = scene.create(autoApprovedChangeRequestTypes=AUTOMATIC)
    before = members(scene, collaboration)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule=rule):
        ask(scene, collaboration, *changes)
    assert members(scene, collaboration) == before
    assert listed(scene.advertiser, collaboration) == []


def with_receiver(scene: Scene, **overrides: Any) -> dict[str, Any]:
    """Create a collaboration whose invited publisher receives results and model output, pays for training, and approves added members."""
    publisher = scene.member(
        abilities=[RESULTS],
        mlMemberAbilities=learns(OUTPUT),
        paymentConfiguration=pays(query=False, training=True),
    )
    return scene.create(**{"members": [publisher], "autoApprovedChangeRequestTypes": ["ADD_MEMBER"], **overrides})


@pytest.mark.rule("CHG-7", "CHG-12")
@pytest.mark.parametrize(
    ("requested", "types"),
    [
        (change(abilities=[RESULTS, LOG]), ["GRANT_EXPORT_QUERY_ANALYSIS_LOG_ABILITY"]),
        (change(), ["REVOKE_RECEIVE_RESULTS_ABILITY"]),
        (change(abilities=[LOG]), ["REVOKE_RECEIVE_RESULTS_ABILITY", "GRANT_EXPORT_QUERY_ANALYSIS_LOG_ABILITY"]),
        (change(ADVERTISER, [LOG]), ["REVOKE_RECEIVE_RESULTS_ABILITY", "GRANT_EXPORT_QUERY_ANALYSIS_LOG_ABILITY"]),
        (
            change(abilities=[RESULTS], mlMemberAbilities=learns(INFERENCE)),
            ["GRANT_CAN_RECEIVE_INFERENCE_OUTPUT", "REVOKE_CAN_RECEIVE_MODEL_OUTPUT"],
        ),
        (change(abilities=[RESULTS], mlMemberAbilities=learns()), ["REVOKE_CAN_RECEIVE_MODEL_OUTPUT"]),
        (change(ADVERTISER, [RESULTS], mlMemberAbilities=learns(OUTPUT)), ["GRANT_CAN_RECEIVE_MODEL_OUTPUT"]),
        (change(abilities=[RESULTS], paymentConfiguration=pays(query=True)), ["ADD_PAYER_CANDIDATE"]),
        (
            change(abilities=[RESULTS], paymentConfiguration=pays(query=True, job=True, inference=True)),
            ["ADD_PAYER_CANDIDATE"],
        ),
        (
            change(abilities=[RESULTS], paymentConfiguration=pays(query=False, training=False)),
            ["REMOVE_PAYER_CANDIDATE"],
        ),
        (
            change(abilities=[RESULTS], paymentConfiguration=pays(query=True, training=False, synthetic=True)),
            ["ADD_PAYER_CANDIDATE", "REMOVE_PAYER_CANDIDATE"],
        ),
        (addition(), ["ADD_MEMBER"]),
        (addition(paymentConfiguration=pays(query=False, training=False)), ["ADD_MEMBER"]),
        (addition(paymentConfiguration=pays(query=True, training=True)), ["ADD_MEMBER", "ADD_PAYER_CANDIDATE"]),
        (
            addition(abilities=[LOG, RESULTS], mlMemberAbilities=learns(INFERENCE, OUTPUT)),
            [
                "ADD_MEMBER",
                "GRANT_RECEIVE_RESULTS_ABILITY",
                "GRANT_EXPORT_QUERY_ANALYSIS_LOG_ABILITY",
                "GRANT_CAN_RECEIVE_MODEL_OUTPUT",
                "GRANT_CAN_RECEIVE_INFERENCE_OUTPUT",
            ],
        ),
        (auto_approve("ADD_MEMBER", "GRANT_RECEIVE_RESULTS_ABILITY"), ["EDIT_AUTO_APPROVED_CHANGE_TYPES"]),
        (auto_approve(), ["EDIT_AUTO_APPROVED_CHANGE_TYPES"]),
    ],
)
def test_types_say_what_a_change_does(scene: Scene, requested: dict[str, Any], types: list[str]) -> None:
    """The types of a change are found by comparing it with what there is; a new member is first of all a new member."""
    (found,) = ask(scene, with_receiver(scene), requested)["changes"]
    assert sorted(found["types"]) == sorted(types)
    assert (found["types"][0] == "ADD_MEMBER") == ("ADD_MEMBER" in types)


@pytest.mark.rule("CHG-8", "CHG-12")
@pytest.mark.parametrize(
    "requested",
    [
        change(abilities=[RESULTS]),
        change(ADVERTISER, [RESULTS]),
        change(abilities=[RESULTS], mlMemberAbilities=learns(OUTPUT)),
        change(abilities=[RESULTS], paymentConfiguration=pays(query=False, training=True, synthetic=False)),
        change(abilities=[RESULTS], displayName="another name"),
        {"specificationType": "COLLABORATION", "specification": {"collaboration": {}}},
        auto_approve("ADD_MEMBER"),
        auto_approve("ADD_MEMBER", "ADD_MEMBER"),
    ],
)
def test_change_that_changes_nothing(scene: Scene, refused: Refused, requested: dict[str, Any]) -> None:
    """A change to what there is already is refused, with those beside it that would change something."""
    collaboration = with_receiver(scene)
    before = members(scene, collaboration)
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="CHG-8"):
        ask(scene, collaboration, addition(), requested)
    assert members(scene, collaboration) == before
    assert listed(scene.advertiser, collaboration) == []


@pytest.mark.rule("CHG-9")
def test_somebody_receives_results_after_every_change(scene: Scene, refused: Refused) -> None:
    """The last CAN_RECEIVE_RESULTS among those who take part is kept, unless the same request gives it to another."""
    receivers = [scene.member(PUBLISHER, [RESULTS]), scene.member(AGENCY, [RESULTS])]
    collaboration = scene.create(creatorMemberAbilities=["CAN_QUERY"], members=receivers)
    with refused("ValidationException", "INVALID_CONFIGURATION", field="changes", rule="CHG-9"):
        ask(scene, collaboration, change(PUBLISHER), change(AGENCY))
    assert ask(scene, collaboration, change(PUBLISHER))["status"] == "APPROVED"
    remove(scene, collaboration, AGENCY)
    with refused("ValidationException", "INVALID_CONFIGURATION", field="changes", rule="CHG-9"):
        ask(scene, collaboration, change(PUBLISHER))
    assert len(listed(scene.advertiser, collaboration)) == 1
    request = ask(scene, collaboration, change(PUBLISHER), addition(abilities=[RESULTS]))
    act(scene.advertiser, request, "COMMIT")
    assert members(scene, collaboration)[PUBLISHER]["abilities"] == []
    assert members(scene, collaboration)[NEWCOMER]["abilities"] == [RESULTS]


@pytest.mark.rule("CHG-10")
def test_members_are_added_up_to_the_quota(scene: Scene, refused: Refused) -> None:
    """INVITED and ACTIVE members and those that a request adds count, who LEFT or was REMOVED doesn't, nor the creator."""
    collaboration, agency = of_three(scene, autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    scene.handle.quotas[QUOTA] = 3

    def one_too_many(*changes: dict[str, Any]) -> None:
        before, requests = members(scene, collaboration), listed(scene.advertiser, collaboration)
        with refused("ServiceQuotaExceededException") as error:
            ask(scene, collaboration, *changes)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 402
        assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 3.0)
        assert (members(scene, collaboration), listed(scene.advertiser, collaboration)) == (before, requests)

    one_too_many(addition("666666666666"), addition("777777777777"))
    ask(scene, collaboration, addition(NEWCOMER))
    one_too_many(addition("666666666666"))
    leave(agency)
    ask(scene, collaboration, addition("666666666666"))
    one_too_many(addition("777777777777"))
    remove(scene, collaboration, NEWCOMER)
    ask(scene, collaboration, addition("777777777777"))
    assert [member["status"] for member in members(scene, collaboration).values()] == [
        "INVITED",
        "ACTIVE",
        "LEFT",
        "REMOVED",
        "INVITED",
        "INVITED",
    ]


@pytest.mark.rule("CHG-10")
def test_quota_that_was_lowered_refuses_no_change_of_who_is_there(scene: Scene) -> None:
    """A change that adds nobody doesn't ask how many there are."""
    collaboration = scene.create(autoApprovedChangeRequestTypes=AUTOMATIC)
    scene.handle.quotas[QUOTA] = 0
    assert ask(scene, collaboration, change(abilities=[RESULTS]))["status"] == "COMMITTED"


def joins_and_leaves(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.join(scene.publisher, collaboration)
    leave(scene.publisher)


def joins_and_is_removed(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.join(scene.publisher, collaboration)
    remove(scene, collaboration)


Step = Callable[[Scene, dict[str, Any]], Any]


@pytest.mark.rule("CHG-11", "COL-49")
@pytest.mark.parametrize("depart", [joins_and_leaves, joins_and_is_removed, remove])
@pytest.mark.parametrize("requested", [change(abilities=[RESULTS]), addition(PUBLISHER)])
def test_who_is_gone_does_not_come_back(
    scene: Scene, refused: Refused, depart: Step, requested: dict[str, Any]
) -> None:
    """An account that LEFT or was REMOVED is neither changed nor added again."""
    collaboration = scene.create(autoApprovedChangeRequestTypes=AUTOMATIC)
    depart(scene, collaboration)
    before = members(scene, collaboration)
    with refused("ConflictException", "INVALID_STATE", rule="CHG-11") as error:
        ask(scene, collaboration, requested)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", before[PUBLISHER]["membershipId"])
    assert members(scene, collaboration) == before
    assert scene.publisher.list_collaborations()["collaborationList"] == []


@pytest.mark.rule("CHG-36", "CHG-35")
def test_request_comes_back_as_it_was_given(scene: Scene) -> None:
    """Specifications come back in their order and without defaults, each with its types; the rest is the request's own."""
    collaboration = scene.create()
    given = [
        addition(abilities=[LOG], paymentConfiguration=pays(query=False)),
        change(abilities=[RESULTS], mlMemberAbilities=learns(OUTPUT), displayName="ignored"),
        auto_approve("ADD_MEMBER"),
    ]
    request = ask(scene, collaboration, *given)
    found = [dict(one) for one in request["changes"]]
    types = [one.pop("types") for one in found]
    assert found == given
    assert all(types)
    assert request.keys() == {
        "id",
        "collaborationId",
        "createTime",
        "updateTime",
        "status",
        "isAutoApproved",
        "changes",
    }
    assert request["collaborationId"] == collaboration["id"]
    assert request["createTime"] == request["updateTime"] > collaboration["createTime"]
    assert see(scene.advertiser, request) == request


# Approval without a vote


@pytest.mark.rule("CHG-20", "CHG-21")
@pytest.mark.parametrize(
    ("approved", "changes"),
    [
        (["ADD_MEMBER"], [addition(), addition(OTHER_NEWCOMER)]),
        (["ADD_MEMBER", "GRANT_RECEIVE_RESULTS_ABILITY"], [addition(abilities=[RESULTS])]),
        (["GRANT_EXPORT_QUERY_ANALYSIS_LOG_ABILITY"], [change(abilities=[LOG])]),
        (["REVOKE_RECEIVE_RESULTS_ABILITY"], [change(ADVERTISER)]),
        (["REVOKE_EXPORT_QUERY_ANALYSIS_LOG_ABILITY"], [change(AGENCY, [RESULTS])]),
        (AUTOMATIC, [addition(), change(abilities=[RESULTS]), change(AGENCY)]),
    ],
)
def test_what_is_approved_without_a_vote_is_done_at_once(
    scene: Scene, approved: list[str], changes: list[dict[str, Any]]
) -> None:
    """If all types of all changes are approved in advance, the request is COMMITTED when it is made, though there are voters."""
    agency = scene.member(AGENCY, [LOG, RESULTS])
    collaboration = scene.create(members=[scene.member(), agency], autoApprovedChangeRequestTypes=approved)
    scene.join(scene.publisher, collaboration)
    request = ask(scene, collaboration, *changes)
    assert (request["status"], request["isAutoApproved"]) == ("COMMITTED", True)
    assert "approvals" not in request
    found = members(scene, collaboration)
    for specification in (one["specification"]["member"] for one in changes):
        abilities = [ability for ability in found[specification["accountId"]]["abilities"] if ability != "CAN_QUERY"]
        assert abilities == specification["memberAbilities"]


@pytest.mark.rule("CHG-20", "CHG-21")
@pytest.mark.parametrize(
    ("approved", "changes"),
    [
        pytest.param([], [addition()], id="nothing is approved in advance"),
        pytest.param(["ADD_MEMBER"], [addition(abilities=[RESULTS])], id="a new member's ability isn't"),
        pytest.param(["GRANT_RECEIVE_RESULTS_ABILITY"], [addition(abilities=[RESULTS])], id="adding a member isn't"),
        pytest.param(["ADD_MEMBER"], [addition(), change(abilities=[LOG])], id="one change of two isn't"),
        pytest.param(AUTOMATIC, [addition(paymentConfiguration=pays(query=True))], id="a new payer"),
        pytest.param(AUTOMATIC, [change(paymentConfiguration=pays(query=True))], id="a payer candidate"),
        pytest.param(
            AUTOMATIC, [change(ADVERTISER, [RESULTS], paymentConfiguration=pays(query=False))], id="a payer that goes"
        ),
        pytest.param(AUTOMATIC, [change(mlMemberAbilities=learns(OUTPUT))], id="model output"),
        pytest.param(AUTOMATIC, [change(AGENCY, mlMemberAbilities=learns())], id="no more inference output"),
        pytest.param(AUTOMATIC, [auto_approve("ADD_MEMBER")], id="what is approved in advance"),
    ],
)
def test_what_is_not_approved_in_advance_needs_votes(
    scene: Scene, approved: list[str], changes: list[dict[str, Any]]
) -> None:
    """One type of one change that isn't, or can't be, approved in advance keeps the whole request waiting."""
    agency = scene.member(AGENCY, mlMemberAbilities=learns(INFERENCE))
    collaboration = scene.create(members=[scene.member(), agency], autoApprovedChangeRequestTypes=approved)
    scene.join(scene.publisher, collaboration)
    before = members(scene, collaboration)
    request = ask(scene, collaboration, *changes)
    assert (request["status"], request["isAutoApproved"]) == ("PENDING", False)
    assert request["approvals"] == {PUBLISHER: {"status": "PENDING"}}
    assert members(scene, collaboration) == before


@pytest.mark.rule("CHG-21")
@pytest.mark.parametrize(
    "kind", ["ADD_PAYER_CANDIDATE", "GRANT_CAN_RECEIVE_MODEL_OUTPUT", "EDIT_AUTO_APPROVED_CHANGE_TYPES"]
)
def test_what_always_needs_votes_cannot_be_approved_in_advance(scene: Scene, refused: Refused, kind: str) -> None:
    """A type of the other seven is none of the values that the list takes."""
    collaboration = scene.create()
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", rule="ERR-3"):
        ask(scene, collaboration, auto_approve(kind))
    assert listed(scene.advertiser, collaboration) == []


@pytest.mark.rule("CHG-12", "CHG-20")
def test_list_of_what_is_approved_in_advance_is_replaced(scene: Scene) -> None:
    """The new list holds from the commit on, instead of the old one, and an empty one is none."""
    collaboration = scene.create(autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    get = scene.advertiser.get_collaboration
    edit = ask(scene, collaboration, auto_approve("GRANT_RECEIVE_RESULTS_ABILITY"))
    assert ask(scene, collaboration, addition())["isAutoApproved"]
    act(scene.advertiser, edit, "COMMIT")
    found = get(collaborationIdentifier=collaboration["id"])["collaboration"]
    assert found["autoApprovedChangeTypes"] == ["GRANT_RECEIVE_RESULTS_ABILITY"]
    assert not ask(scene, collaboration, addition(OTHER_NEWCOMER))["isAutoApproved"]
    assert ask(scene, collaboration, change(abilities=[RESULTS]))["isAutoApproved"]
    act(scene.advertiser, ask(scene, collaboration, auto_approve()), "COMMIT")
    assert "autoApprovedChangeTypes" not in get(collaborationIdentifier=collaboration["id"])["collaboration"]
    assert not ask(scene, collaboration, change(abilities=[LOG, RESULTS]))["isAutoApproved"]


# Voting


@pytest.mark.rule("CHG-22")
def test_active_members_but_the_creator_have_a_vote(scene: Scene) -> None:
    """Each of them is asked; the creator, who asks, isn't, nor is who hasn't joined, has left or was removed."""
    accounts = [PUBLISHER, AGENCY, NEWCOMER, OTHER_NEWCOMER, "666666666666"]
    collaboration = scene.create(members=[scene.member(account_id) for account_id in accounts])
    for account_id in (ADVERTISER, *accounts[:4]):
        scene.join(scene.handle.client(account_id), collaboration)
    leave(scene.handle.client(NEWCOMER))
    remove(scene, collaboration, OTHER_NEWCOMER)
    request = ask(scene, collaboration, change(abilities=[RESULTS]))
    assert (request["status"], request["isAutoApproved"]) == ("PENDING", False)
    assert request["approvals"] == {PUBLISHER: {"status": "PENDING"}, AGENCY: {"status": "PENDING"}}


@pytest.mark.rule("CHG-23")
def test_request_that_nobody_can_vote_on_is_approved(scene: Scene) -> None:
    """Where the creator alone is ACTIVE its request is APPROVED at once, but not yet made."""
    collaboration = scene.create()
    scene.join(scene.advertiser, collaboration)
    request = ask(scene, collaboration, addition())
    assert (request["status"], request["isAutoApproved"]) == ("APPROVED", False)
    assert "approvals" not in request
    assert NEWCOMER not in members(scene, collaboration)
    assert act(scene.advertiser, request, "COMMIT")["status"] == "COMMITTED"
    assert members(scene, collaboration)[NEWCOMER]["status"] == "INVITED"


@pytest.mark.rule("CHG-24", "CHG-35")
def test_request_that_all_approve_waits_for_the_commit(scene: Scene) -> None:
    """It is PENDING until the last approval and APPROVED then; it is made when the creator commits it. Each step moves updateTime."""
    collaboration, agency = of_three(scene)
    before = members(scene, collaboration)
    request = ask(scene, collaboration, change(abilities=[RESULTS]))
    steps = [
        request,
        act(agency, request, "APPROVE"),
        act(scene.publisher, request, "APPROVE"),
    ]
    assert [step["status"] for step in steps] == ["PENDING", "PENDING", "APPROVED"]
    assert steps[1]["approvals"] == {PUBLISHER: {"status": "PENDING"}, AGENCY: {"status": "APPROVED"}}
    assert steps[2]["approvals"] == {PUBLISHER: {"status": "APPROVED"}, AGENCY: {"status": "APPROVED"}}
    assert members(scene, collaboration) == before
    steps.append(act(scene.advertiser, request, "COMMIT"))
    assert steps[3] == {**steps[2], "status": "COMMITTED", "updateTime": steps[3]["updateTime"]}
    assert members(scene, collaboration)[PUBLISHER]["abilities"] == [RESULTS]
    times = [step["updateTime"] for step in steps]
    assert times == sorted(set(times))
    assert {step["createTime"] for step in steps} == {request["createTime"]}
    # An answer isn't the state: what came back earlier stays as it was.
    assert request["approvals"] == {PUBLISHER: {"status": "PENDING"}, AGENCY: {"status": "PENDING"}}


@pytest.mark.rule("CHG-25", "CHG-35")
def test_one_denial_is_final(scene: Scene, refused: Refused) -> None:
    """A request that one member denies is DENIED for all of them, and a new one has to be made."""
    collaboration, agency = of_three(scene)
    request = ask(scene, collaboration, change(abilities=[RESULTS]))
    denied = act(agency, request, "DENY")
    assert denied["status"] == "DENIED"
    assert denied["approvals"] == {PUBLISHER: {"status": "PENDING"}, AGENCY: {"status": "DENIED"}}
    assert denied["updateTime"] > request["updateTime"]
    with refused("ConflictException", "INVALID_STATE", rule="CHG-28"):
        act(scene.publisher, request, "APPROVE")
    assert see(scene.publisher, request) == denied
    assert ask(scene, collaboration, change(abilities=[RESULTS]))["status"] == "PENDING"


@pytest.mark.rule("CHG-26")
@pytest.mark.parametrize("action", ["APPROVE", "DENY"])
def test_only_voters_vote(scene: Scene, refused: Refused, action: str) -> None:
    """The creator has no vote, nor has a member that joined after the request was made."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY)])
    for client in (scene.advertiser, scene.publisher):
        scene.join(client, collaboration)
    request = ask(scene, collaboration, addition())
    agency = scene.handle.client(AGENCY)
    scene.join(agency, collaboration)
    for client in (scene.advertiser, agency):
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="CHG-26") as error:
            act(client, request, action)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert see(agency, request) == request


@pytest.mark.rule("CHG-26")
def test_nobody_votes_where_there_is_no_vote(scene: Scene, refused: Refused) -> None:
    """A request that was committed without a vote isn't open to one."""
    collaboration, agency = of_three(scene, autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    request = ask(scene, collaboration, addition())
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="CHG-26"):
        act(agency, request, "DENY")
    assert see(agency, request) == request


@pytest.mark.rule("CHG-27")
@pytest.mark.parametrize("action", ["CANCEL", "COMMIT"])
@pytest.mark.parametrize("approved", [False, True])
def test_only_the_creator_cancels_and_commits(scene: Scene, refused: Refused, action: str, approved: bool) -> None:
    """A member that has a vote on a request has no other say in it."""
    collaboration = scene.create()
    scene.join(scene.publisher, collaboration)
    request = ask(scene, collaboration, addition())
    if approved:
        request = act(scene.publisher, request, "APPROVE")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="CHG-27"):
        act(scene.publisher, request, action)
    assert see(scene.publisher, request) == request
    assert NEWCOMER not in members(scene, collaboration)


PATHS = {
    "PENDING": "",
    "APPROVED": "publisher APPROVE, agency APPROVE",
    "DENIED": "publisher DENY",
    "CANCELLED": "advertiser CANCEL",
    "COMMITTED": "publisher APPROVE, agency APPROVE, advertiser COMMIT",
}
ALLOWED = {
    ("PENDING", "APPROVE"): "PENDING",
    ("PENDING", "DENY"): "DENIED",
    ("PENDING", "CANCEL"): "CANCELLED",
    ("APPROVED", "CANCEL"): "CANCELLED",
    ("APPROVED", "COMMIT"): "COMMITTED",
}


@pytest.mark.rule("CHG-28")
@pytest.mark.parametrize("action", ["APPROVE", "DENY", "CANCEL", "COMMIT"])
@pytest.mark.parametrize("status", PATHS)
def test_each_action_needs_its_state(scene: Scene, refused: Refused, status: str, action: str) -> None:
    """Votes need a PENDING request, CANCEL one that isn't closed, COMMIT an APPROVED one; anything else conflicts and changes nothing."""
    collaboration, agency = of_three(scene)
    clients: dict[str, Any] = {"publisher": scene.publisher, "agency": agency, "advertiser": scene.advertiser}
    request = ask(scene, collaboration, addition())
    for step in filter(None, PATHS[status].split(", ")):
        who, what = step.split()
        request = act(clients[who], request, what)
    assert request["status"] == status
    before = members(scene, collaboration)
    client = agency if action in ("APPROVE", "DENY") else scene.advertiser
    if (status, action) in ALLOWED:
        assert act(client, request, action)["status"] == ALLOWED[status, action]
    else:
        with refused("ConflictException", "INVALID_STATE", rule="CHG-28") as error:
            act(client, request, action)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 409
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", request["id"])
        assert see(client, request) == request
        assert members(scene, collaboration) == before


@pytest.mark.rule("CHG-28")
@pytest.mark.parametrize("second", ["APPROVE", "DENY"])
def test_each_member_votes_once(scene: Scene, refused: Refused, second: str) -> None:
    """Who has approved a request that still waits for others can't vote again."""
    collaboration, agency = of_three(scene)
    request = act(agency, ask(scene, collaboration, addition()), "APPROVE")
    with refused("ConflictException", "INVALID_STATE", rule="CHG-28") as error:
        act(agency, request, second)
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", request["id"])
    assert see(agency, request) == request


def publisher_leaves(scene: Scene, collaboration: dict[str, Any]) -> None:
    leave(scene.publisher)


departures = pytest.mark.parametrize("depart", [remove, publisher_leaves])


@pytest.mark.rule("CHG-31")
@departures
def test_request_goes_on_without_a_voter_that_is_gone(scene: Scene, depart: Step) -> None:
    """A voter that leaves or is removed drops out of every open request, and who is left decides; what is closed stays so."""
    collaboration, agency = of_three(scene)
    waiting = ask(scene, collaboration, addition())
    approved_by_the_other = act(agency, ask(scene, collaboration, addition(OTHER_NEWCOMER)), "APPROVE")
    approved_by_who_goes = act(scene.publisher, ask(scene, collaboration, change(AGENCY, [LOG])), "APPROVE")
    denied, cancelled = (act(agency, ask(scene, collaboration, change(AGENCY, [RESULTS])), "APPROVE") for _ in range(2))
    act(scene.publisher, denied, "DENY")
    act(scene.advertiser, cancelled, "CANCEL")
    depart(scene, collaboration)

    waiting = see(agency, waiting)
    assert (waiting["status"], waiting["approvals"]) == ("PENDING", {AGENCY: {"status": "PENDING"}})
    found = see(agency, approved_by_the_other)
    assert (found["status"], found["approvals"]) == ("APPROVED", {AGENCY: {"status": "APPROVED"}})
    assert found["updateTime"] > approved_by_the_other["updateTime"]
    assert see(agency, approved_by_who_goes)["status"] == "PENDING"
    assert [see(agency, request)["status"] for request in (denied, cancelled)] == ["DENIED", "CANCELLED"]
    assert act(agency, waiting, "APPROVE")["status"] == "APPROVED"


@pytest.mark.rule("CHG-31")
@departures
def test_request_is_approved_when_its_last_voter_is_gone(scene: Scene, depart: Step) -> None:
    """A request that has nobody left to ask is APPROVED, without approvals, and can be committed."""
    collaboration = scene.create()
    scene.join(scene.publisher, collaboration)
    request = ask(scene, collaboration, addition())
    assert request["status"] == "PENDING"
    depart(scene, collaboration)
    found = see(scene.advertiser, request)
    assert found["status"] == "APPROVED"
    assert "approvals" not in found
    assert act(scene.advertiser, request, "COMMIT")["status"] == "COMMITTED"


@pytest.mark.rule("CHG-31")
def test_who_joins_later_has_no_vote(scene: Scene) -> None:
    """Members that join while a request is open aren't asked, and it doesn't wait for them."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY)])
    scene.join(scene.publisher, collaboration)
    request = ask(scene, collaboration, addition())
    scene.join(scene.handle.client(AGENCY), collaboration)
    approved = act(scene.publisher, request, "APPROVE")
    assert (approved["status"], approved["approvals"]) == ("APPROVED", {PUBLISHER: {"status": "APPROVED"}})


# What a commit does


@pytest.mark.rule("CHG-30", "CHG-6", "COL-42")
def test_commit_makes_every_change(scene: Scene) -> None:
    """New members are invited, abilities of others are replaced but for those that stay, and memberships show them at once."""
    collaboration = scene.create(
        creatorMemberAbilities=[RESULTS],
        members=[scene.member(abilities=["CAN_RUN_JOB", RESULTS, "CAN_QUERY"]), scene.member(AGENCY, [LOG])],
    )
    joined = scene.join(scene.publisher, collaboration)
    before = members(scene, collaboration)
    request = ask(
        scene,
        collaboration,
        addition(abilities=[LOG, RESULTS], mlMemberAbilities=learns(INFERENCE), paymentConfiguration=pays(query=True)),
        change(abilities=[LOG]),
        auto_approve("ADD_MEMBER"),
    )
    act(scene.publisher, request, "APPROVE")
    committed = act(scene.advertiser, request, "COMMIT")

    found = members(scene, collaboration)
    added = found[NEWCOMER]
    assert (added["status"], added["displayName"]) == ("INVITED", f"newcomer {NEWCOMER}")
    assert (added["abilities"], added["mlAbilities"]) == ([LOG, RESULTS], learns(INFERENCE))
    assert added["paymentConfiguration"]["queryCompute"] == {"isResponsible": True}
    assert added["createTime"] == added["updateTime"] == committed["updateTime"]
    (summary,) = scene.handle.client(NEWCOMER).list_collaborations()["collaborationList"]
    assert (summary["id"], summary["membershipId"]) == (collaboration["id"], added["membershipId"])

    changed = found[PUBLISHER]
    assert changed == {
        **before[PUBLISHER],
        "abilities": ["CAN_RUN_JOB", "CAN_QUERY", LOG],
        "updateTime": committed["updateTime"],
    }
    assert membership_of(scene.publisher) == {
        **joined,
        "memberAbilities": ["CAN_RUN_JOB", "CAN_QUERY", LOG],
        "updateTime": committed["updateTime"],
    }
    assert {account_id: found[account_id] for account_id in (ADVERTISER, AGENCY)} == {
        account_id: before[account_id] for account_id in (ADVERTISER, AGENCY)
    }
    seen = scene.advertiser.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"]
    assert seen["autoApprovedChangeTypes"] == ["ADD_MEMBER"]


@pytest.mark.rule("CHG-30", "COL-26")
def test_added_member_joins_like_any_other(scene: Scene) -> None:
    """The membership of a member that was added has the id that was allotted at the commit, and the member has a vote from then on."""
    collaboration = scene.create(autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    ask(scene, collaboration, addition())
    newcomer = scene.handle.client(NEWCOMER)
    membership = scene.join(newcomer, collaboration)
    assert membership["id"] == members(scene, collaboration)[NEWCOMER]["membershipId"]
    assert ask(scene, collaboration, change(abilities=[LOG]))["approvals"] == {NEWCOMER: {"status": "PENDING"}}


@pytest.mark.rule("CHG-6", "CHG-13")
@pytest.mark.parametrize(
    ("given", "abilities", "ml_abilities", "payer"),
    [
        # Who wants to change a payer alone and says [] takes the results away.
        ({"paymentConfiguration": pays(query=True)}, [], [OUTPUT], {"query": True, "training": True}),
        (
            {"abilities": [RESULTS], "paymentConfiguration": pays(query=False, inference=True)},
            [RESULTS],
            [OUTPUT],
            {"query": False, "training": True, "inference": True},
        ),
        ({"abilities": [LOG, RESULTS]}, [LOG, RESULTS], [OUTPUT], {"query": False, "training": True}),
        (
            {"abilities": [RESULTS], "mlMemberAbilities": learns(INFERENCE)},
            [RESULTS],
            [INFERENCE],
            {"query": False, "training": True},
        ),
        ({"abilities": [LOG], "displayName": "another name"}, [LOG], [OUTPUT], {"query": False, "training": True}),
        (
            {"abilities": [RESULTS], "paymentConfiguration": pays(query=False, training=False)},
            [RESULTS],
            [OUTPUT],
            {"query": False, "training": False},
        ),
    ],
)
def test_change_of_an_existing_member(
    scene: Scene, given: dict[str, Any], abilities: list[str], ml_abilities: list[str], payer: dict[str, bool]
) -> None:
    """memberAbilities replaces all, mlMemberAbilities and each cost type what they are given for; the name stays."""
    collaboration = with_receiver(scene)
    before = members(scene, collaboration)[PUBLISHER]
    act(scene.advertiser, ask(scene, collaboration, change(**given)), "COMMIT")
    nothing = {"query": False, "job": False, "training": False, "inference": False, "synthetic": False}
    after = members(scene, collaboration)[PUBLISHER]
    assert after == {
        **before,
        "abilities": abilities,
        "mlAbilities": learns(*ml_abilities),
        "paymentConfiguration": pays(**{**nothing, **payer}),
        "updateTime": after["updateTime"],
    }
    assert after["updateTime"] > before["updateTime"]


def other_request(*changes: dict[str, Any]) -> Step:
    """Return the step in which another request is made."""
    return lambda scene, collaboration: act(scene.advertiser, ask(scene, collaboration, *changes), "COMMIT")


def quota_is_lowered(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.handle.quotas[QUOTA] = 1


def other_fills_the_quota(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.handle.quotas[QUOTA] = 3
    other_request(addition(OTHER_NEWCOMER))(scene, collaboration)


@pytest.mark.rule("CHG-29", "CHG-30")
@pytest.mark.parametrize(
    ("requested", "meanwhile"),
    [
        pytest.param(change(abilities=[RESULTS]), remove, id="the member was removed"),
        pytest.param(change(abilities=[RESULTS]), joins_and_leaves, id="the member has left"),
        pytest.param(addition(), quota_is_lowered, id="the quota was lowered"),
        pytest.param(addition(), other_fills_the_quota, id="another was added"),
        pytest.param(addition(), other_request(addition()), id="the same was added"),
        pytest.param(
            addition(abilities=[RESULTS]), other_request(addition()), id="the same was added with less abilities"
        ),
        pytest.param(
            change(abilities=[RESULTS]), other_request(change(abilities=[RESULTS])), id="the ability was granted"
        ),
        pytest.param(
            change(abilities=[LOG, RESULTS]),
            other_request(change(abilities=[RESULTS])),
            id="one of two abilities was granted",
        ),
        pytest.param(
            change(abilities=[LOG]),
            other_request(change(abilities=[RESULTS])),
            id="it would take away what nobody voted on",
        ),
        pytest.param(
            change(ADVERTISER),
            other_request(change(AGENCY)),
            id="nobody else receives results any more",
        ),
        pytest.param(
            change(paymentConfiguration=pays(query=True)),
            other_request(change(paymentConfiguration=pays(query=True))),
            id="the payer was added",
        ),
        pytest.param(
            auto_approve("ADD_MEMBER"), other_request(auto_approve("ADD_MEMBER")), id="the list is the same already"
        ),
    ],
)
def test_commit_of_what_no_longer_fits(
    scene: Scene, refused: Refused, requested: dict[str, Any], meanwhile: Step
) -> None:
    """Of two requests that were both approved the second conflicts if the first has done its work; none of its changes is made."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY, [RESULTS])])
    request = ask(scene, collaboration, requested)
    beside = ask(scene, collaboration, addition("666666666666"), requested)
    meanwhile(scene, collaboration)
    before = members(scene, collaboration)
    for open_request in (request, beside):
        with refused("ConflictException", "INVALID_STATE", rule="CHG-29") as error:
            act(scene.advertiser, open_request, "COMMIT")
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 409
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", open_request["id"])
        assert members(scene, collaboration) == before
        assert see(scene.advertiser, open_request)["status"] == "APPROVED"
        assert act(scene.advertiser, open_request, "CANCEL")["status"] == "CANCELLED"


@pytest.mark.rule("CHG-29")
def test_requests_that_do_not_touch_each_other_are_all_made(scene: Scene) -> None:
    """Several requests may be open at once, and are committed in any order if each still fits."""
    collaboration, agency = of_three(scene)
    requests = [
        ask(scene, collaboration, *changes)
        for changes in (
            [addition()],
            [change(abilities=[RESULTS])],
            [change(AGENCY, [LOG]), auto_approve("ADD_MEMBER")],
        )
    ]
    for request in requests:
        for client in (agency, scene.publisher):
            act(client, request, "APPROVE")
    for request in reversed(requests):
        act(scene.advertiser, request, "COMMIT")
    assert [request["status"] for request in listed(agency, collaboration)] == ["COMMITTED"] * 3
    abilities = {account_id: member["abilities"] for account_id, member in members(scene, collaboration).items()}
    assert abilities == {ADVERTISER: ["CAN_QUERY", RESULTS], PUBLISHER: [RESULTS], AGENCY: [LOG], NEWCOMER: []}


# Seeing


@pytest.mark.rule("CHG-32", "COL-31")
@pytest.mark.parametrize("operation", ["get", "list", "APPROVE", "DENY", "CANCEL", "COMMIT"])
@pytest.mark.parametrize(
    ("depart", "rule"),
    [(None, "CHG-32"), (joins_and_leaves, "ERR-8"), (joins_and_is_removed, "ERR-8"), (remove, "ERR-8")],
)
def test_requests_are_for_the_creator_and_active_members(
    scene: Scene, refused: Refused, operation: str, depart: Step | None, rule: str
) -> None:
    """Who is INVITED, has LEFT, was REMOVED or never was a member neither sees a request nor acts on it."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY)])
    request = ask(scene, collaboration, addition())
    if depart is not None:
        depart(scene, collaboration)
    for client, expected in ((scene.publisher, rule), (scene.stranger, "ERR-8")):
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=expected) as error:
            if operation == "get":
                see(client, request)
            elif operation == "list":
                listed(client, collaboration)
            else:
                act(client, request, operation)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert see(scene.advertiser, request) == request


@pytest.mark.rule("CHG-32")
def test_active_members_and_the_creator_see_the_same(scene: Scene) -> None:
    """A request looks the same to all who may see it."""
    collaboration, agency = of_three(scene)
    request = ask(scene, collaboration, addition())
    for client in (scene.advertiser, scene.publisher, agency):
        assert see(client, request) == request
        assert listed(client, collaboration) == [request]


@pytest.mark.rule("CHG-33", "ERR-11")
@pytest.mark.parametrize("operation", ["get", "APPROVE", "CANCEL", "COMMIT"])
@pytest.mark.parametrize("of_another", [False, True])
def test_request_that_is_not_there_is_not_found(
    scene: Scene, refused: Refused, operation: str, of_another: bool
) -> None:
    """An unknown request, or one of another collaboration of the same creator, isn't found, as a COLLABORATION with the request's id."""
    collaboration, other = scene.create(), scene.create()
    scene.join(scene.publisher, collaboration)
    elsewhere = ask(scene, other, addition())
    request = {"collaborationId": collaboration["id"], "id": elsewhere["id"] if of_another else NOWHERE}
    for client in (scene.advertiser, scene.publisher):
        with refused("ResourceNotFoundException", rule="CHG-33") as error:
            if operation == "get":
                see(client, request)
            else:
                act(client, request, operation)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", request["id"])
    assert see(scene.advertiser, elsewhere) == elsewhere


@pytest.mark.rule("CHG-34")
def test_listing_is_of_whole_requests_oldest_first(scene: Scene) -> None:
    """Requests come in the order of their creation, with all that GetCollaborationChangeRequest tells, and can be filtered by status."""
    collaboration, agency = of_three(scene, autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    statuses = ["PENDING", "COMMITTED", "DENIED", "PENDING", "CANCELLED", "APPROVED"]
    requests = [
        ask(scene, collaboration, addition() if status == "COMMITTED" else change(abilities=[LOG]))
        for status in statuses
    ]
    requests[2] = act(agency, requests[2], "DENY")
    requests[4] = act(scene.advertiser, requests[4], "CANCEL")
    for client in (agency, scene.publisher):
        requests[5] = act(client, requests[5], "APPROVE")
    found = listed(scene.publisher, collaboration)
    assert found == requests
    assert [request["status"] for request in found] == statuses
    assert [see(scene.publisher, request) for request in found] == found
    for status in set(statuses):
        expected = [request for request in requests if request["status"] == status]
        assert listed(scene.publisher, collaboration, status=status) == expected
    assert listed(scene.advertiser, scene.create()) == []


@pytest.mark.rule("CHG-34")
def test_pages_of_requests_while_some_are_closed_and_made(scene: Scene) -> None:
    """A listing that is filtered and read page by page goes on behind what it showed, with what has the status by then."""
    collaboration = scene.create()
    scene.join(scene.publisher, collaboration)
    requests = [ask(scene, collaboration, change(abilities=[LOG])) for _ in range(4)]
    own: dict[str, Any] = {"collaborationIdentifier": collaboration["id"], "status": "PENDING"}
    page: Any = scene.publisher.list_collaboration_change_requests(**own, maxResults=2)
    assert page["collaborationChangeRequestSummaries"] == requests[:2]
    act(scene.publisher, requests[1], "DENY")
    act(scene.advertiser, requests[2], "CANCEL")
    new = ask(scene, collaboration, change(abilities=[RESULTS]))
    page = scene.publisher.list_collaboration_change_requests(**own, maxResults=2, nextToken=page["nextToken"])
    assert page["collaborationChangeRequestSummaries"] == [requests[3], new]
    assert "nextToken" not in page


@pytest.mark.rule("CHG-37")
@pytest.mark.parametrize("operation", ["create", "get", "list", "APPROVE", "COMMIT"])
@pytest.mark.parametrize("gone", ["deleted", "elsewhere"])
def test_requests_are_out_of_reach_without_their_collaboration(
    scene: Scene, refused: Refused, operation: str, gone: str
) -> None:
    """After DeleteCollaboration, as in any other Region, the collaboration isn't found, whoever asks for its requests."""
    collaboration = scene.create()
    scene.join(scene.publisher, collaboration)
    request = ask(scene, collaboration, addition())
    region_name = "us-east-1"
    if gone == "deleted":
        scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    else:
        region_name = "eu-west-1"
    for account_id in (ADVERTISER, PUBLISHER):
        client: Any = scene.handle.client(account_id, region_name)
        with refused("ResourceNotFoundException", rule="ERR-8") as error:
            if operation == "create":
                client.create_collaboration_change_request(
                    collaborationIdentifier=collaboration["id"], changes=[addition()]
                )
            elif operation == "get":
                see(client, request)
            elif operation == "list":
                listed(client, collaboration)
            else:
                act(client, request, operation)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", collaboration["id"])


# Payers


def payer(configuration: Any) -> dict[str, bool]:
    """Return who pays for queries and jobs, of a payment configuration."""
    return {cost: configuration[cost]["isResponsible"] for cost in ("queryCompute", "jobCompute")}


def both(query: bool, job: bool) -> dict[str, bool]:
    return {"queryCompute": query, "jobCompute": job}


def make(scene: Scene, collaboration: dict[str, Any], *changes: dict[str, Any]) -> None:
    """Have changes requested, approved by the publisher if it has a vote, and committed."""
    request = ask(scene, collaboration, *changes)
    if request["status"] == "PENDING":
        act(scene.publisher, request, "APPROVE")
    act(scene.advertiser, request, "COMMIT")


def sides(scene: Scene, collaboration: dict[str, Any], account_id: str) -> tuple[dict[str, bool], dict[str, bool]]:
    """Return who pays on the collaboration's side and on the side of an account's membership."""
    membership = membership_of(scene.handle.client(account_id))
    return (
        payer(members(scene, collaboration)[account_id]["paymentConfiguration"]),
        payer(membership["paymentConfiguration"]),
    )


@pytest.mark.rule("PAY-32", "PAY-33")
def test_new_candidate_accepts_by_itself(scene: Scene, refused: Refused) -> None:
    """Only a change request makes a member a payer candidate, and its membership stays FALSE until it accepts."""
    collaboration = scene.create()
    membership = scene.join(scene.publisher, collaboration)
    accept: Any = {
        "membershipIdentifier": membership["id"],
        "membershipPaymentConfiguration": {"queryCompute": {"isResponsible": True}},
    }
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="PAY-30"):
        scene.publisher.update_membership(**accept)
    assert sides(scene, collaboration, PUBLISHER) == (both(False, False), both(False, False))

    make(scene, collaboration, change(paymentConfiguration=pays(query=True)))
    assert sides(scene, collaboration, PUBLISHER) == (both(True, False), both(False, False))
    scene.publisher.update_membership(**accept)
    assert sides(scene, collaboration, PUBLISHER) == (both(True, False), both(True, False))
    assert payer(members(scene, collaboration)[ADVERTISER]["paymentConfiguration"]) == both(True, False)


@pytest.mark.rule("PAY-33")
def test_new_candidate_that_has_not_joined_accepts_when_it_joins(scene: Scene, refused: Refused) -> None:
    """A candidate that can't query must accept at joining, as if it had been named at the creation."""
    collaboration = scene.create()
    make(scene, collaboration, change(paymentConfiguration=pays(query=True)))
    with refused("ValidationException", "INVALID_CONFIGURATION", field="paymentConfiguration", rule="PAY-22"):
        scene.join(scene.publisher, collaboration)
    scene.join(scene.publisher, collaboration, paymentConfiguration=pays(query=True))
    assert sides(scene, collaboration, PUBLISHER) == (both(True, False), both(True, False))


@pytest.mark.rule("PAY-32", "PAY-33")
def test_candidate_that_is_one_no_longer_is_free_on_both_sides(scene: Scene) -> None:
    """A member that declines stays a candidate; one that a change request releases isn't, and its acceptance goes with that."""
    payers = pays(query=True, training=True)
    collaboration = scene.create(
        creatorPaymentConfiguration=pays(query=True), members=[scene.member(paymentConfiguration=payers)]
    )
    membership = scene.join(scene.publisher, collaboration, paymentConfiguration=payers)
    decline: Any = {"queryCompute": {"isResponsible": False}}
    scene.publisher.update_membership(membershipIdentifier=membership["id"], membershipPaymentConfiguration=decline)
    assert sides(scene, collaboration, PUBLISHER) == (both(True, False), both(False, False))

    make(scene, collaboration, change(paymentConfiguration=pays(query=False, training=False)))
    nothing = pays(query=False, job=False, training=False, inference=False, synthetic=False)
    assert members(scene, collaboration)[PUBLISHER]["paymentConfiguration"] == nothing
    assert membership_of(scene.publisher)["paymentConfiguration"] == nothing


RUNNER = ["CAN_QUERY", "CAN_RUN_JOB", RESULTS]


def paid_by_the_publisher(scene: Scene) -> dict[str, Any]:
    """Create a collaboration in which the advertiser queries and runs jobs, and the publisher pays for both; both are active."""
    collaboration = scene.create(
        creatorMemberAbilities=RUNNER, members=[scene.member(paymentConfiguration=pays(query=True))]
    )
    scene.join(scene.advertiser, collaboration)
    scene.join(scene.publisher, collaboration, paymentConfiguration=pays(query=True, job=True))
    assert sides(scene, collaboration, ADVERTISER) == (both(False, False), both(False, False))
    assert sides(scene, collaboration, PUBLISHER) == (both(True, True), both(True, True))
    return collaboration


@pytest.mark.rule("PAY-34", "CHG-6")
@pytest.mark.parametrize(
    ("given", "runner", "publisher"),
    [
        pytest.param(pays(query=False, job=False), both(True, True), both(False, False), id="both"),
        pytest.param(pays(query=False), both(True, False), both(False, True), id="queries alone"),
        pytest.param(pays(query=True, job=False), both(False, True), both(True, False), id="jobs alone"),
    ],
)
def test_runner_pays_when_the_last_candidate_goes(
    scene: Scene, given: dict[str, Any], runner: dict[str, bool], publisher: dict[str, bool]
) -> None:
    """Where a change leaves nobody to pay, the member that queries and runs jobs does, and has accepted it."""
    collaboration = paid_by_the_publisher(scene)
    make(scene, collaboration, change(paymentConfiguration=given))
    assert sides(scene, collaboration, ADVERTISER) == (runner, runner)
    assert sides(scene, collaboration, PUBLISHER) == (publisher, publisher)


@pytest.mark.rule("PAY-34", "PAY-2")
def test_runner_cannot_be_released_without_another(scene: Scene) -> None:
    """A runner that is the only candidate for queries and jobs is filled in again as soon as a change takes it off."""
    collaboration = scene.create(creatorMemberAbilities=RUNNER)
    for client in (scene.advertiser, scene.publisher):
        scene.join(client, collaboration)
    make(scene, collaboration, change(ADVERTISER, [RESULTS], paymentConfiguration=pays(query=False, job=False)))
    assert sides(scene, collaboration, ADVERTISER) == (both(True, True), both(True, True))


@pytest.mark.rule("PAY-34", "PAY-5")
def test_who_pays_for_queries_pays_for_jobs_when_the_last_candidate_goes(scene: Scene) -> None:
    """Where a change leaves nobody to pay for jobs, those do that pay for queries, and not the runner, if it isn't one of them."""
    payers = [scene.member(paymentConfiguration=pays(query=True, job=True)), scene.member(AGENCY)]
    collaboration = scene.create(creatorMemberAbilities=RUNNER, members=payers)
    before = members(scene, collaboration)
    make(
        scene,
        collaboration,
        change(AGENCY, paymentConfiguration=pays(query=True)),
        change(paymentConfiguration=pays(query=False, job=False)),
    )
    after = members(scene, collaboration)
    assert {account_id: payer(one["paymentConfiguration"]) for account_id, one in after.items()} == {
        ADVERTISER: both(False, False),
        PUBLISHER: both(False, False),
        AGENCY: both(True, True),
    }
    assert after[ADVERTISER] == before[ADVERTISER]


@pytest.mark.rule("PAY-34")
def test_runner_that_has_not_joined_becomes_the_candidate(scene: Scene) -> None:
    """A runner that is INVITED is filled in on the collaboration's side, and pays once it joins."""
    collaboration = scene.create(members=[scene.member(paymentConfiguration=pays(query=True))])
    make(scene, collaboration, change(paymentConfiguration=pays(query=False)))
    runner = members(scene, collaboration)[ADVERTISER]
    assert payer(runner["paymentConfiguration"]) == both(True, False)
    assert runner["updateTime"] > collaboration["updateTime"]
    scene.join(scene.advertiser, collaboration)
    assert sides(scene, collaboration, ADVERTISER) == (both(True, False), both(True, False))


@pytest.mark.rule("PAY-34")
def test_runner_steps_in_only_for_the_last_candidate_that_takes_part(scene: Scene) -> None:
    """While another candidate is there the runner pays nothing; one that was removed isn't there."""
    payers = [scene.member(account_id, paymentConfiguration=pays(query=True)) for account_id in (PUBLISHER, AGENCY)]
    collaboration = scene.create(members=[*payers, scene.member(NEWCOMER, paymentConfiguration=pays(query=True))])
    scene.join(scene.advertiser, collaboration)
    make(scene, collaboration, change(NEWCOMER, paymentConfiguration=pays(query=False)))
    assert sides(scene, collaboration, ADVERTISER) == (both(False, False), both(False, False))
    remove(scene, collaboration, AGENCY)
    assert sides(scene, collaboration, ADVERTISER) == (both(False, False), both(False, False))
    make(scene, collaboration, change(paymentConfiguration=pays(query=False)))
    assert sides(scene, collaboration, ADVERTISER) == (both(True, False), both(True, False))


@pytest.mark.rule("PAY-34", "COL-48")
@pytest.mark.parametrize("automatic", [False, True])
def test_change_of_something_else_makes_nobody_pay(scene: Scene, automatic: bool) -> None:
    """After the only payer was removed nobody pays, and a commit that has nothing to do with payers leaves it so."""
    collaboration = scene.create(
        creatorMemberAbilities=RUNNER,
        members=[scene.member(paymentConfiguration=pays(query=True))],
        autoApprovedChangeRequestTypes=["ADD_MEMBER"] if automatic else [],
    )
    scene.join(scene.advertiser, collaboration)
    remove(scene, collaboration)
    request = ask(scene, collaboration, addition())
    assert request["isAutoApproved"] == automatic
    if not automatic:
        act(scene.advertiser, request, "COMMIT")
    assert NEWCOMER in members(scene, collaboration)
    assert sides(scene, collaboration, ADVERTISER) == (both(False, False), both(False, False))


@pytest.mark.rule("PAY-15", "PAY-32")
@pytest.mark.cleanrooms(payer_candidates=False)
@pytest.mark.parametrize(
    "requested",
    [
        change(paymentConfiguration=pays(query=True)),
        change(ADVERTISER, [RESULTS], paymentConfiguration=pays(query=False)),
        addition(paymentConfiguration=pays(query=False, training=True)),
    ],
)
def test_payers_stayed_before_there_were_candidates(scene: Scene, refused: Refused, requested: dict[str, Any]) -> None:
    """With the service as it was before May 2026 a change request changes no payer, and anything else as today."""
    collaboration = scene.create()
    before = members(scene, collaboration)
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="PAY-15"):
        ask(scene, collaboration, requested)
    assert members(scene, collaboration) == before
    assert listed(scene.advertiser, collaboration) == []
    assert ask(scene, collaboration, addition(), change(abilities=[RESULTS]))["status"] == "APPROVED"
