"""Members: what is seen of them, and how they come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ADVERTISER, AGENCY, PUBLISHER, STRANGER, Refused, Scene, pays, recording, results_to

pytestmark = pytest.mark.usefixtures("passing_time")


def members(client: Any, collaboration: dict[str, Any]) -> dict[str, Any]:
    """Return the members that an account is shown, by account."""
    summaries = client.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
    return {summary["accountId"]: summary for summary in summaries}


def statuses(client: Any, collaboration: dict[str, Any]) -> dict[str, str]:
    """Return the statuses of the members that an account is shown, by account."""
    return {account_id: summary["status"] for account_id, summary in members(client, collaboration).items()}


def remove(scene: Scene, collaboration: dict[str, Any], account_id: str = PUBLISHER) -> Any:
    """Have the creator remove a member, and return the HTTP status of the answer."""
    answer = scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=account_id)
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def leave(scene: Scene, collaboration: dict[str, Any]) -> None:
    """Have the publisher delete its membership."""
    membership_id = scene.member_of(collaboration, PUBLISHER)["membershipId"]
    scene.publisher.delete_membership(membershipIdentifier=membership_id)


def add(scene: Scene, collaboration: dict[str, Any], account_id: str) -> None:
    """Have the creator add a member to a collaboration that approves that by itself."""
    specification = {"accountId": account_id, "displayName": "newcomer", "memberAbilities": []}
    change: Any = {"specificationType": "MEMBER", "specification": {"member": specification}}
    request = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"], changes=[change]
    )["collaborationChangeRequest"]
    assert request["status"] == "COMMITTED"


# What is seen


@pytest.mark.rule("COL-26")
def test_membership_id_is_allotted_at_the_invitation(scene: Scene) -> None:
    """The id and ARN that ListMembers shows of an invited member are those that its membership has once it joins."""
    collaboration = scene.create()
    invited = members(scene.advertiser, collaboration)
    assert invited[ADVERTISER]["membershipId"] != invited[PUBLISHER]["membershipId"]
    for account_id, client in ((ADVERTISER, scene.advertiser), (PUBLISHER, scene.publisher)):
        summary = invited[account_id]
        assert summary["membershipArn"].endswith(f":{account_id}:membership/{summary['membershipId']}")
        membership = scene.join(client, collaboration)
        assert (membership["id"], membership["arn"]) == (summary["membershipId"], summary["membershipArn"])
        joined = scene.member_of(collaboration, account_id)
        assert (joined["membershipId"], joined["membershipArn"]) == (membership["id"], membership["arn"])


@pytest.mark.rule("COL-26", "COL-41")
@pytest.mark.parametrize("recorded", recording("cleanrooms.ListMembers"))
def test_members_are_as_recorded(scene: Scene, recorded: dict[str, Any]) -> None:
    """The members of a collaboration that was created as a recorded one was have the same fields, statuses, abilities and payers."""
    summaries = recorded["body"]["memberSummaries"]
    creator = next(summary for summary in summaries if summary["status"] == "ACTIVE")
    others = [summary for summary in summaries if summary is not creator]
    collaboration = scene.create(
        creatorDisplayName=creator["displayName"],
        creatorMemberAbilities=creator["abilities"],
        creatorPaymentConfiguration=pays(query=True) if others else None,
        members=[scene.member(abilities=other["abilities"], displayName=other["displayName"]) for other in others],
    )
    if "CAN_QUERY" in creator["abilities"]:
        scene.join(scene.advertiser, collaboration)
    else:
        results = results_to("results", ADVERTISER)
        scene.join(
            scene.advertiser, collaboration, defaultResultConfiguration=results, paymentConfiguration=pays(query=True)
        )
    found = {summary["displayName"]: summary for summary in members(scene.advertiser, collaboration).values()}
    assert found.keys() == {summary["displayName"] for summary in summaries}
    for expected in summaries:
        summary = found[expected["displayName"]]
        assert summary.keys() == expected.keys()
        for name in ("status", "abilities", "paymentConfiguration"):
            assert summary[name] == expected[name]
        assert (summary["createTime"] == summary["updateTime"]) == (expected["createTime"] == expected["updateTime"])


@pytest.mark.rule("COL-41")
def test_abilities_for_machine_learning_are_there_if_they_were_given(scene: Scene) -> None:
    """A summary has mlAbilities where they were set and lacks them where they weren't; abilities are there even if empty."""
    abilities = {"customMLMemberAbilities": ["CAN_RECEIVE_MODEL_OUTPUT"]}
    collaboration = scene.create(members=[scene.member(mlMemberAbilities=abilities), scene.member(AGENCY)])
    found = members(scene.publisher, collaboration)
    assert found[PUBLISHER]["mlAbilities"] == abilities
    assert found[AGENCY].keys() == found[PUBLISHER].keys() - {"mlAbilities"}
    assert found[PUBLISHER]["abilities"] == found[AGENCY]["abilities"] == []


@pytest.mark.rule("COL-40")
def test_all_members_are_shown_to_invited_and_active_ones(scene: Scene, refused: Refused) -> None:
    """Who is INVITED or ACTIVE sees everybody, the creator and those who LEFT or were REMOVED included; those see nothing any more."""
    accounts = [PUBLISHER, AGENCY, "444444444444", "555555555555"]
    collaboration = scene.create(members=[scene.member(account_id) for account_id in accounts])
    scene.join(scene.publisher, collaboration)
    remove(scene, collaboration, AGENCY)
    scene.join(scene.handle.client("444444444444"), collaboration)
    leave(scene, collaboration)
    expected = dict(zip([ADVERTISER, *accounts], ["INVITED", "LEFT", "REMOVED", "ACTIVE", "INVITED"], strict=True))
    for account_id, status in expected.items():
        client = scene.handle.client(account_id)
        if status in ("INVITED", "ACTIVE"):
            assert statuses(client, collaboration) == expected
        else:
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="ERR-8"):
                members(client, collaboration)
    assert statuses(scene.advertiser, collaboration) == expected


@pytest.mark.rule("COL-40")
def test_strangers_see_no_members(scene: Scene, refused: Refused) -> None:
    """An account that was never invited is denied what it would see as a member."""
    collaboration = scene.create()
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="ERR-8") as error:
        members(scene.stranger, collaboration)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.rule("COL-42")
def test_times_of_a_member(scene: Scene) -> None:
    """A member is created with its collaboration, and updated when it joins and leaves; nobody else's times move, nor the collaboration's."""
    collaboration = scene.create()
    invited = members(scene.advertiser, collaboration)
    created = collaboration["createTime"]
    assert {(member["createTime"], member["updateTime"]) for member in invited.values()} == {(created, created)}

    membership = scene.join(scene.publisher, collaboration)
    joined = members(scene.advertiser, collaboration)
    assert joined[PUBLISHER]["createTime"] == created
    assert joined[PUBLISHER]["updateTime"] == membership["createTime"] > created

    leave(scene, collaboration)
    gone = members(scene.advertiser, collaboration)
    assert gone[PUBLISHER]["createTime"] == created
    assert gone[PUBLISHER]["updateTime"] > joined[PUBLISHER]["updateTime"]
    assert invited[ADVERTISER] == joined[ADVERTISER] == gone[ADVERTISER]
    assert (
        scene.advertiser.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"]
        == collaboration
    )


@pytest.mark.rule("COL-42")
@pytest.mark.parametrize("joined", [False, True])
def test_removal_moves_the_times_of_member_and_membership(scene: Scene, joined: bool) -> None:
    """A removed member and its membership are updated at the same moment."""
    collaboration = scene.create()
    before = scene.join(scene.publisher, collaboration)["updateTime"] if joined else collaboration["createTime"]
    remove(scene, collaboration)
    member = scene.member_of(collaboration, PUBLISHER)
    assert member["updateTime"] > before
    for membership in scene.publisher.list_memberships()["membershipSummaries"]:
        assert (membership["createTime"], membership["updateTime"]) == (before, member["updateTime"])


@pytest.mark.rule("COL-42")
def test_times_of_a_member_that_was_added(scene: Scene) -> None:
    """A member that a change request added is created with the commit, and those who were there aren't touched."""
    collaboration = scene.create(autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    before = members(scene.advertiser, collaboration)
    add(scene, collaboration, AGENCY)
    after = members(scene.advertiser, collaboration)
    added = after.pop(AGENCY)
    assert added["createTime"] == added["updateTime"] > collaboration["createTime"]
    assert after == before


@pytest.mark.rule("COL-40")
def test_pages_of_members_while_some_come_and_go(scene: Scene) -> None:
    """A listing that is read page by page shows each member once, with its status at that moment, those who come meanwhile too."""
    collaboration = scene.create(
        members=[scene.member(), scene.member(AGENCY)], autoApprovedChangeRequestTypes=["ADD_MEMBER"]
    )
    own: dict[str, Any] = {"collaborationIdentifier": collaboration["id"], "maxResults": 2}
    page: Any = scene.publisher.list_members(**own)
    assert [member["accountId"] for member in page["memberSummaries"]] == [ADVERTISER, PUBLISHER]
    remove(scene, collaboration, AGENCY)
    add(scene, collaboration, "444444444444")
    page = scene.publisher.list_members(**own, nextToken=page["nextToken"])
    found = [(member["accountId"], member["status"]) for member in page["memberSummaries"]]
    assert found == [(AGENCY, "REMOVED"), ("444444444444", "INVITED")]
    assert "nextToken" not in page


@pytest.mark.rule("COL-40")
def test_token_belongs_to_one_collaboration(scene: Scene, refused: Refused) -> None:
    """The token of one collaboration's members opens no page of another's."""
    first, second = scene.create(), scene.create()
    page: Any = scene.publisher.list_members(collaborationIdentifier=first["id"], maxResults=1)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
        scene.publisher.list_members(collaborationIdentifier=second["id"], maxResults=1, nextToken=page["nextToken"])


# How they come and go


@pytest.mark.rule("COL-43")
@pytest.mark.parametrize("target", [ADVERTISER, PUBLISHER, AGENCY, STRANGER])
@pytest.mark.parametrize("joined", [False, True])
def test_only_the_creator_removes_members(scene: Scene, refused: Refused, target: str, joined: bool) -> None:
    """A member removes nobody, not even itself, whoever it names."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY)])
    if joined:
        scene.join(scene.publisher, collaboration)
    before = members(scene.advertiser, collaboration)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="COL-43") as error:
        scene.publisher.delete_member(collaborationIdentifier=collaboration["id"], accountId=target)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert members(scene.advertiser, collaboration) == before


@pytest.mark.rule("COL-44")
@pytest.mark.parametrize("joined", [False, True])
def test_creator_is_not_removed(scene: Scene, refused: Refused, joined: bool) -> None:
    """The creator can't remove itself, before it joined or after."""
    collaboration = scene.create()
    if joined:
        scene.join(scene.advertiser, collaboration)
    before = members(scene.advertiser, collaboration)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="accountId", rule="COL-44"):
        remove(scene, collaboration, ADVERTISER)
    assert members(scene.advertiser, collaboration) == before


@pytest.mark.rule("COL-45")
def test_account_that_is_no_member_is_not_found(scene: Scene, refused: Refused) -> None:
    """An account that was never invited is a MEMBERSHIP that doesn't exist, with the account's id."""
    collaboration = scene.create()
    with refused("ResourceNotFoundException", rule="COL-45") as error:
        remove(scene, collaboration, STRANGER)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", STRANGER)
    assert statuses(scene.advertiser, collaboration) == {ADVERTISER: "INVITED", PUBLISHER: "INVITED"}


@pytest.mark.rule("COL-46")
def test_removed_member_loses_the_collaboration_and_keeps_a_removed_membership(scene: Scene, refused: Refused) -> None:
    """A member that had joined is REMOVED and so is its membership, which it can still read and delete."""
    collaboration = scene.create()
    membership = scene.join(scene.publisher, collaboration)
    assert remove(scene, collaboration) == 204
    assert statuses(scene.advertiser, collaboration) == {ADVERTISER: "INVITED", PUBLISHER: "REMOVED"}
    assert scene.publisher.list_collaborations()["collaborationList"] == []
    found = scene.publisher.get_membership(membershipIdentifier=membership["id"])["membership"]
    assert found == {**membership, "status": "REMOVED", "updateTime": found["updateTime"]}
    scene.publisher.delete_membership(membershipIdentifier=membership["id"])
    assert scene.member_of(collaboration, PUBLISHER)["status"] == "REMOVED"
    with refused("ResourceNotFoundException", rule="ERR-10"):
        scene.publisher.get_membership(membershipIdentifier=membership["id"])


@pytest.mark.rule("COL-46")
def test_invitation_is_taken_back(scene: Scene) -> None:
    """A member that hadn't joined is REMOVED too, and has no membership."""
    collaboration = scene.create()
    assert remove(scene, collaboration) == 204
    assert scene.member_of(collaboration, PUBLISHER)["status"] == "REMOVED"
    assert scene.publisher.list_collaborations()["collaborationList"] == []
    assert scene.publisher.list_memberships()["membershipSummaries"] == []


def joins_and_leaves(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.join(scene.publisher, collaboration)
    leave(scene, collaboration)


def joins_and_is_removed(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.join(scene.publisher, collaboration)
    remove(scene, collaboration)


def is_removed_and_deletes_its_membership(scene: Scene, collaboration: dict[str, Any]) -> None:
    membership = scene.join(scene.publisher, collaboration)
    remove(scene, collaboration)
    scene.publisher.delete_membership(membershipIdentifier=membership["id"])


Departure = Callable[[Scene, dict[str, Any]], Any]
departures = pytest.mark.parametrize(
    ("depart", "status"),
    [
        (joins_and_leaves, "LEFT"),
        (joins_and_is_removed, "REMOVED"),
        (remove, "REMOVED"),
        (is_removed_and_deletes_its_membership, "REMOVED"),
    ],
)


@pytest.mark.rule("COL-47")
@departures
def test_removing_who_is_gone_changes_nothing(scene: Scene, depart: Departure, status: str) -> None:
    """DeleteMember on a member that LEFT or was REMOVED answers 204 and leaves status, times and membership."""
    collaboration = scene.create()
    depart(scene, collaboration)
    before = members(scene.advertiser, collaboration), scene.publisher.list_memberships()["membershipSummaries"]
    assert remove(scene, collaboration) == 204
    after = members(scene.advertiser, collaboration), scene.publisher.list_memberships()["membershipSummaries"]
    assert before == after
    assert after[0][PUBLISHER]["status"] == status


@pytest.mark.rule("COL-49")
@departures
def test_who_is_gone_cannot_join_again(scene: Scene, refused: Refused, depart: Departure, status: str) -> None:
    """Neither who LEFT nor who was REMOVED joins again, and both stay what they are."""
    collaboration = scene.create()
    depart(scene, collaboration)
    before = members(scene.advertiser, collaboration)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="MEM-4"):
        scene.join(scene.publisher, collaboration)
    assert members(scene.advertiser, collaboration) == before
    assert before[PUBLISHER]["status"] == status
    assert scene.publisher.list_memberships(status="ACTIVE")["membershipSummaries"] == []


@pytest.mark.rule("COL-48")
@pytest.mark.parametrize("joined", [False, True])
def test_only_payer_and_only_runner_can_be_removed(scene: Scene, joined: bool) -> None:
    """The member that alone can query and alone pays is removed like any other, and nobody takes its place."""
    collaboration = scene.create(
        creatorMemberAbilities=["CAN_RECEIVE_RESULTS"],
        members=[scene.member(abilities=["CAN_QUERY"], paymentConfiguration=pays(query=True)), scene.member(AGENCY)],
    )
    if joined:
        scene.join(scene.publisher, collaboration)
    before = members(scene.advertiser, collaboration)
    assert remove(scene, collaboration) == 204
    after = members(scene.advertiser, collaboration)
    assert after.pop(PUBLISHER)["status"] == "REMOVED"
    before.pop(PUBLISHER)
    assert after == before


@pytest.mark.rule("COL-46", "COL-47", "COL-49")
def test_every_member_goes_its_own_way(scene: Scene) -> None:
    """What happens to one member of a collaboration happens to no other, and a membership follows its member."""
    accounts = [PUBLISHER, AGENCY, "444444444444"]
    collaboration = scene.create(members=[scene.member(account_id) for account_id in accounts])
    first, second, third = (scene.handle.client(account_id) for account_id in accounts)
    expected = dict.fromkeys([ADVERTISER, *accounts], "INVITED")
    memberships: dict[str, Any] = {}

    def move(account_id: str, status: str, client: Any, own_statuses: list[str]) -> None:
        expected[account_id] = status
        assert statuses(scene.advertiser, collaboration) == expected
        summaries = client.list_memberships()["membershipSummaries"]
        assert [membership["status"] for membership in summaries] == own_statuses

    for account_id, client in ((ADVERTISER, scene.advertiser), (PUBLISHER, first), (AGENCY, second)):
        memberships[account_id] = scene.join(client, collaboration)["id"]
        move(account_id, "ACTIVE", client, ["ACTIVE"])
    remove(scene, collaboration, "444444444444")
    move("444444444444", "REMOVED", third, [])
    first.delete_membership(membershipIdentifier=memberships[PUBLISHER])
    move(PUBLISHER, "LEFT", first, [])
    remove(scene, collaboration, AGENCY)
    move(AGENCY, "REMOVED", second, ["REMOVED"])
    second.delete_membership(membershipIdentifier=memberships[AGENCY])
    move(AGENCY, "REMOVED", second, [])
    move(ADVERTISER, "ACTIVE", scene.advertiser, ["ACTIVE"])
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    summaries = scene.advertiser.list_memberships()["membershipSummaries"]
    assert [membership["status"] for membership in summaries] == ["COLLABORATION_DELETED"]
    scene.advertiser.delete_membership(membershipIdentifier=memberships[ADVERTISER])
    assert scene.advertiser.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("MEM-35")
def test_creator_stays_until_it_deletes_the_collaboration(scene: Scene, refused: Refused) -> None:
    """The creator can't leave what still exists, so it never is a member that LEFT."""
    collaboration = scene.create()
    membership = scene.join(scene.advertiser, collaboration)
    with refused("ConflictException", "INVALID_STATE", rule="MEM-35") as error:
        scene.advertiser.delete_membership(membershipIdentifier=membership["id"])
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", membership["id"])
    assert scene.member_of(collaboration, ADVERTISER)["status"] == "ACTIVE"
