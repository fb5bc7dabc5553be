"""Collaborations: creating, seeing, changing and deleting them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.conftest import ADVERTISER, AGENCY, NOWHERE, PUBLISHER, Refused, Scene, pays, recording

pytestmark = pytest.mark.usefixtures("passing_time")


ENCRYPTION = {
    "allowCleartext": False,
    "allowDuplicates": True,
    "allowJoinsOnColumnsWithDifferentNames": False,
    "preserveNulls": True,
}


def ids(client: Any, **arguments: Any) -> list[str]:
    """Return the ids of the collaborations that an account is shown."""
    return [summary["id"] for summary in client.list_collaborations(**arguments)["collaborationList"]]


def get(client: Any, collaboration: dict[str, Any]) -> dict[str, Any]:
    """Return a collaboration as an account sees it."""
    return dict(client.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"])


def unvalidated() -> Any:
    """Return a client that sends what botocore would refuse to send."""
    return boto3.client("cleanrooms", region_name="us-east-1", config=Config(parameter_validation=False))


# CreateCollaboration


@pytest.mark.rule("COL-1", "COL-25", "COL-23")
def test_answer_is_the_collaboration_as_its_creator_sees_it(scene: Scene) -> None:
    """CreateCollaboration answers what was asked for and what GetCollaboration answers after it, without members, payers and tags."""
    collaboration = scene.create(
        description=None, tags={"season": "spring"}, creatorPaymentConfiguration=pays(query=True)
    )
    assert collaboration["arn"] == f"arn:aws:cleanrooms:us-east-1:{ADVERTISER}:collaboration/{collaboration['id']}"
    recorded = recording("cleanrooms.GetCollaboration")[0]["body"]["collaboration"]
    assert collaboration.keys() == recorded.keys() - {"description", "dataEncryptionMetadata"}
    assert collaboration["memberStatus"] == "INVITED"
    assert collaboration["createTime"] == collaboration["updateTime"]
    assert collaboration["name"] == "campaign"
    assert collaboration["creatorAccountId"] == ADVERTISER
    assert collaboration["creatorDisplayName"] == "advertiser"
    assert get(scene.advertiser, collaboration) == collaboration
    assert scene.advertiser.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("COL-1", "COL-2")
def test_creator_alone_is_a_collaboration(scene: Scene) -> None:
    """Without members there is the creator, invited until it joins like anybody else."""
    collaboration = scene.create(members=[])
    (creator,) = scene.advertiser.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
    assert (creator["accountId"], creator["status"], creator["displayName"]) == (ADVERTISER, "INVITED", "advertiser")
    scene.join(scene.advertiser, collaboration)
    assert get(scene.advertiser, collaboration)["memberStatus"] == "ACTIVE"


@pytest.mark.parametrize("recorded", recording("cleanrooms.GetCollaboration"))
@pytest.mark.rule("COL-17", "COL-18", "COL-19", "COL-20", "COL-21", "COL-22")
def test_answer_is_as_recorded(scene: Scene, recorded: dict[str, Any]) -> None:
    """What was created as the recorded collaboration was comes back with the same members and the same values."""
    expected = recorded["body"]["collaboration"]
    collaboration = scene.create(
        name=expected["name"],
        description=expected["description"],
        creatorDisplayName=expected["creatorDisplayName"],
        dataEncryptionMetadata=expected["dataEncryptionMetadata"],
        queryLogStatus=expected["queryLogStatus"],
    )
    scene.join(scene.advertiser, collaboration)
    found = get(scene.advertiser, collaboration)
    assert found.keys() == expected.keys()
    own = {"id", "arn", "creatorAccountId", "createTime", "updateTime", "membershipId", "membershipArn"}
    assert {name: found[name] for name in found.keys() - own} == {
        name: expected[name] for name in expected.keys() - own
    }


@pytest.mark.rule("COL-17", "COL-19", "COL-20", "COL-21", "COL-22", "COL-23")
@pytest.mark.parametrize(
    ("given", "returned"),
    [
        ({"jobLogStatus": None}, {"jobLogStatus": None}),
        ({"jobLogStatus": "DISABLED"}, {"jobLogStatus": "DISABLED"}),
        ({"jobLogStatus": "ENABLED"}, {"jobLogStatus": "ENABLED"}),
        ({"analyticsEngine": None}, {"analyticsEngine": "SPARK"}),
        ({"analyticsEngine": "SPARK"}, {"analyticsEngine": "SPARK"}),
        ({"allowedResultRegions": None}, {"allowedResultRegions": ["us-east-1"]}),
        (
            {"allowedResultRegions": ["eu-west-1", "ap-south-1", "eu-west-1"]},
            {"allowedResultRegions": ["eu-west-1", "ap-south-1"]},
        ),
        ({"isMetricsEnabled": None}, {"isMetricsEnabled": False}),
        ({"isMetricsEnabled": True}, {"isMetricsEnabled": True}),
        ({"dataEncryptionMetadata": None}, {"dataEncryptionMetadata": None}),
        ({"dataEncryptionMetadata": ENCRYPTION}, {"dataEncryptionMetadata": ENCRYPTION}),
        ({"autoApprovedChangeRequestTypes": None}, {"autoApprovedChangeTypes": None}),
        ({"autoApprovedChangeRequestTypes": []}, {"autoApprovedChangeTypes": None}),
        ({"autoApprovedChangeRequestTypes": ["ADD_MEMBER"]}, {"autoApprovedChangeTypes": ["ADD_MEMBER"]}),
        ({"description": None}, {"description": None}),
        ({"description": ""}, {"description": ""}),
    ],
)
def test_what_is_left_out_and_what_comes_back(scene: Scene, given: dict[str, Any], returned: dict[str, Any]) -> None:
    """Each optional parameter comes back as it was given, or as its default, or isn't there."""
    collaboration = scene.create(**given)
    assert {name: collaboration.get(name) for name in returned} == returned
    assert all(value is not None for value in collaboration.values())
    assert get(scene.publisher, collaboration).keys() == collaboration.keys()


@pytest.mark.rule("COL-17")
@pytest.mark.parametrize("status", [None, "DISABLED"])
def test_job_logging_is_off_unless_enabled(scene: Scene, refused: Refused, status: str | None) -> None:
    """A collaboration that says nothing about job logging is one where nobody can enable it."""
    collaboration = scene.create(jobLogStatus=status)
    with refused("ValidationException", "INVALID_CONFIGURATION", field="jobLogStatus"):
        scene.join(scene.publisher, collaboration, jobLogStatus="ENABLED")


@pytest.mark.rule("COL-16", "COL-21")
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "queryLogStatus"),
        (
            {
                "queryLogStatus": "ENABLED",
                "dataEncryptionMetadata": {name: ENCRYPTION[name] for name in list(ENCRYPTION)[:3]},
            },
            "dataEncryptionMetadata.preserveNulls",
        ),
    ],
)
def test_what_must_be_given(scene: Scene, refused: Refused, arguments: dict[str, Any], field: str) -> None:
    """queryLogStatus has no default, and neither has any of the four settings of data encryption."""
    client = unvalidated()
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="ERR-3"):
        client.create_collaboration(
            name="campaign",
            creatorDisplayName="advertiser",
            creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
            members=[],
            **arguments,
        )
    assert ids(client) == []


@pytest.mark.rule("COL-3", "COL-4", "COL-18")
@pytest.mark.parametrize(
    ("accounts", "more", "field", "rule"),
    [
        ([PUBLISHER, ADVERTISER], {}, "members", "COL-3"),
        ([PUBLISHER, AGENCY, PUBLISHER], {}, "members", "COL-4"),
        ([PUBLISHER], {"analyticsEngine": "CLEAN_ROOMS_SQL"}, "analyticsEngine", "COL-18"),
    ],
)
def test_values_that_are_refused(
    scene: Scene, refused: Refused, accounts: list[str], more: dict[str, Any], field: str, rule: str
) -> None:
    """The creator isn't listed, nobody is listed twice, and the engine that AWS has retired can't be chosen."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule=rule):
        scene.create(members=[scene.member(account) for account in accounts], **more)
    assert ids(scene.advertiser) == ids(scene.publisher) == []


@pytest.mark.rule("COL-5")
@pytest.mark.parametrize(("quota", "invited"), [(None, 5), (2, 2), (0, 0)])
def test_as_many_members_as_the_quota_has(scene: Scene, refused: Refused, quota: int | None, invited: int) -> None:
    """The quota counts the members that are invited, not the creator, and one more creates nothing."""
    if quota is not None:
        scene.handle.quotas["Members invited per collaboration"] = quota
    members = [scene.member(str(number) * 12) for number in range(2, 8)]
    with refused("ServiceQuotaExceededException") as error:
        scene.create(members=members[: invited + 1])
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert (error["quotaName"], error["quotaValue"]) == ("Members invited per collaboration", float(invited))
    assert ids(scene.advertiser) == []
    collaboration = scene.create(members=members[:invited])
    assert ids(scene.advertiser) == [collaboration["id"]]


@pytest.mark.rule("COL-6")
def test_as_many_collaborations_as_the_quota_has(scene: Scene, refused: Refused) -> None:
    """What an account created and didn't delete counts, in its Region; what others created with it as a member doesn't."""
    scene.handle.quotas["Collaborations created per account"] = 2
    kept, deleted = scene.create(), scene.create()
    with refused("ServiceQuotaExceededException") as error:
        scene.create()
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert (error["quotaName"], error["quotaValue"]) == ("Collaborations created per account", 2.0)
    assert ids(scene.advertiser) == [kept["id"], deleted["id"]]

    scene.advertiser.delete_collaboration(collaborationIdentifier=deleted["id"])
    assert scene.create()["id"] in ids(scene.advertiser)
    arguments: dict[str, Any] = {
        "name": "campaign",
        "creatorDisplayName": "creator",
        "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        "members": [],
        "queryLogStatus": "DISABLED",
    }
    assert len(ids(scene.publisher)) == 2
    assert scene.publisher.create_collaboration(**arguments)
    assert scene.handle.client(ADVERTISER, "eu-west-1").create_collaboration(**arguments)


@pytest.mark.rule("COL-6")
def test_default_quota_of_collaborations(scene: Scene, refused: Refused) -> None:
    """An account creates five hundred collaborations, and not one more."""
    scene.handle.backend(ADVERTISER).collaborations_created = 499
    collaboration = scene.create()
    with refused("ServiceQuotaExceededException") as error:
        scene.create()
    assert error["quotaValue"] == 500.0
    assert ids(scene.advertiser) == [collaboration["id"]]


@pytest.mark.rule("COL-15", "COL-28")
def test_names_need_not_be_unique(scene: Scene) -> None:
    """The same call twice makes two collaborations, and in one of them two members may have the same name."""
    members = [scene.member(displayName="advertiser"), scene.member(AGENCY, displayName="advertiser")]
    first, second = scene.create(members=members), scene.create(members=members)
    assert first["id"] != second["id"]
    assert first["name"] == second["name"]
    assert ids(scene.publisher) == [first["id"], second["id"]]
    summaries = scene.advertiser.list_members(collaborationIdentifier=first["id"])["memberSummaries"]
    assert [summary["displayName"] for summary in summaries] == ["advertiser"] * 3


@pytest.mark.rule("COL-24")
def test_payers_are_those_that_the_creator_names(scene: Scene) -> None:
    """Each member's paymentConfiguration says what it pays, the creator's in creatorPaymentConfiguration."""
    members = [scene.member(paymentConfiguration=pays(query=False, inference=True)), scene.member(AGENCY)]
    collaboration = scene.create(creatorPaymentConfiguration=pays(query=True, training=True), members=members)
    payers = {
        account: scene.member_of(collaboration, account)["paymentConfiguration"]
        for account in (ADVERTISER, PUBLISHER, AGENCY)
    }
    nothing = pays(query=False, job=False, training=False, inference=False, synthetic=False)
    assert payers[ADVERTISER] == pays(query=True, job=False, training=True, inference=False, synthetic=False)
    assert payers[PUBLISHER] == pays(query=False, job=False, training=False, inference=True, synthetic=False)
    assert payers[AGENCY] == nothing


# GetCollaboration and ListCollaborations


@pytest.mark.rule("COL-27")
def test_each_member_sees_its_own_status_and_membership(scene: Scene) -> None:
    """Members see the same collaboration, each with the status and the membership id that are its own, joined or not."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY)])
    scene.join(scene.publisher, collaboration)
    for account_id, client, status in (
        (ADVERTISER, scene.advertiser, "INVITED"),
        (PUBLISHER, scene.publisher, "ACTIVE"),
        (AGENCY, scene.handle.client(AGENCY), "INVITED"),
    ):
        member = scene.member_of(collaboration, account_id)
        own = {
            "memberStatus": status,
            "membershipId": member["membershipId"],
            "membershipArn": f"arn:aws:cleanrooms:us-east-1:{account_id}:membership/{member['membershipId']}",
        }
        assert get(client, collaboration) == {**collaboration, **own}
        (summary,) = client.list_collaborations()["collaborationList"]
        assert own.items() <= summary.items()


@pytest.mark.rule("COL-31")
def test_invited_account_sees_the_collaboration_and_its_members_and_joins(scene: Scene) -> None:
    """An account that hasn't joined can look at what it is invited to, and join."""
    collaboration = scene.create()
    assert get(scene.publisher, collaboration)["memberStatus"] == "INVITED"
    assert ids(scene.publisher) == [collaboration["id"]]
    members = scene.publisher.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
    assert [member["accountId"] for member in members] == [ADVERTISER, PUBLISHER]
    assert scene.join(scene.publisher, collaboration)["status"] == "ACTIVE"


@pytest.mark.rule("COL-31", "COL-34", "COL-37")
def test_creator_acts_as_creator_before_it_joins(scene: Scene) -> None:
    """A creator that is still INVITED changes, tags and deletes its collaboration and removes its members, but has no membership."""
    collaboration = scene.create(members=[scene.member(), scene.member(AGENCY)])
    own = {"collaborationIdentifier": collaboration["id"]}
    scene.advertiser.update_collaboration(**own, name="summer")
    scene.advertiser.tag_resource(resourceArn=collaboration["arn"], tags={"season": "summer"})
    scene.advertiser.delete_member(**own, accountId=AGENCY)
    assert get(scene.publisher, collaboration)["name"] == "summer"
    assert scene.member_of(collaboration, AGENCY)["status"] == "REMOVED"
    assert scene.advertiser.list_memberships()["membershipSummaries"] == []
    scene.advertiser.delete_collaboration(**own)
    assert ids(scene.advertiser) == ids(scene.publisher) == []


def left(scene: Scene, collaboration: dict[str, Any]) -> Any:
    membership = scene.join(scene.publisher, collaboration)
    scene.publisher.delete_membership(membershipIdentifier=membership["id"])
    return scene.publisher


def removed(scene: Scene, collaboration: dict[str, Any]) -> Any:
    scene.join(scene.publisher, collaboration)
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    return scene.publisher


def removed_before_joining(scene: Scene, collaboration: dict[str, Any]) -> Any:
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    return scene.publisher


def never_invited(scene: Scene, collaboration: dict[str, Any]) -> Any:
    return scene.stranger


def in_another_region(scene: Scene, collaboration: dict[str, Any]) -> Any:
    return scene.handle.client(ADVERTISER, "eu-west-1")


def deleted(scene: Scene, collaboration: dict[str, Any]) -> Any:
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    return scene.advertiser


def deleted_with_membership(scene: Scene, collaboration: dict[str, Any]) -> Any:
    scene.join(scene.publisher, collaboration)
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    return scene.publisher


Outsider = Callable[[Scene, dict[str, Any]], Any]


@pytest.mark.rule("COL-30", "COL-38")
@pytest.mark.parametrize(
    "outsider",
    [
        left,
        removed,
        removed_before_joining,
        never_invited,
        in_another_region,
        deleted,
        deleted_with_membership,
    ],
)
@pytest.mark.parametrize("operation", ["get_collaboration", "update_collaboration", "delete_collaboration"])
def test_who_has_no_part_in_a_collaboration_is_denied(
    scene: Scene, refused: Refused, outsider: Outsider, operation: str
) -> None:
    """Whoever isn't INVITED or ACTIVE is denied access, as to a collaboration that doesn't exist, and nothing comes of it."""
    collaboration = scene.create()
    client = outsider(scene, collaboration)
    before = ids(scene.advertiser)
    denials = []
    for collaboration_id in (collaboration["id"], NOWHERE):
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="COL-30") as error:
            getattr(client, operation)(collaborationIdentifier=collaboration_id)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
        denials.append(error["Error"]["Message"].replace(collaboration_id, "…"))
    assert denials[0] == denials[1]
    assert ids(client) == []
    assert ids(scene.advertiser) == before


@pytest.mark.rule("COL-32")
def test_listing_is_of_those_where_the_caller_is_invited_or_active(scene: Scene) -> None:
    """Without a filter both are listed, with one those of that status, and what the caller has no part in isn't."""
    invited, joined, left_behind = scene.create(), scene.create(), scene.create()
    scene.create(members=[])
    scene.join(scene.publisher, joined)
    left(scene, left_behind)
    assert ids(scene.publisher) == [invited["id"], joined["id"]]
    assert ids(scene.publisher, memberStatus="INVITED") == [invited["id"]]
    assert ids(scene.publisher, memberStatus="ACTIVE") == [joined["id"]]
    assert len(ids(scene.advertiser)) == len(ids(scene.advertiser, memberStatus="INVITED")) == 4
    assert ids(scene.advertiser, memberStatus="ACTIVE") == ids(scene.stranger) == []


@pytest.mark.rule("COL-32")
@pytest.mark.parametrize("status", ["LEFT", "REMOVED", "ANY"])
def test_listing_takes_no_other_status(cleanrooms_client: Any, refused: Refused, status: str) -> None:
    """LEFT and REMOVED are statuses of a member, but none to filter for."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="memberStatus", rule="ERR-3"):
        cleanrooms_client.list_collaborations(memberStatus=status)


@pytest.mark.rule("COL-32")
def test_summary_is_as_recorded(scene: Scene) -> None:
    """A summary has the members of a recorded one, and says what GetCollaboration says."""
    collaboration = scene.create()
    scene.join(scene.advertiser, collaboration)
    (summary,) = scene.advertiser.list_collaborations()["collaborationList"]
    whole = get(scene.advertiser, collaboration)
    assert summary == {name: whole[name] for name in summary}
    for recorded in recording("cleanrooms.ListCollaborations"):
        for expected in recorded["body"]["collaborationList"]:
            assert summary.keys() == expected.keys()


@pytest.mark.rule("COL-33")
def test_pages_of_a_listing_that_changes_between_them(scene: Scene) -> None:
    """What stays is shown once and in one order, whatever is created and deleted while its pages are read."""
    created = [scene.create()["id"] for _ in range(6)]
    assert ids(scene.publisher) == ids(scene.publisher) == created

    page: Any = scene.publisher.list_collaborations(maxResults=2)
    pages = [page["collaborationList"]]
    # One that was shown, the last one that was shown, where the next page would begin, and one in it.
    for gone in (created[1], created[2], created[4]):
        scene.advertiser.delete_collaboration(collaborationIdentifier=gone)
    new = scene.create()["id"]
    page = scene.publisher.list_collaborations(maxResults=2, nextToken=page["nextToken"])
    pages.append(page["collaborationList"])
    scene.advertiser.delete_collaboration(collaborationIdentifier=created[0])
    page = scene.publisher.list_collaborations(maxResults=2, nextToken=page["nextToken"])
    pages.append(page["collaborationList"])

    assert "nextToken" not in page
    assert [[summary["id"] for summary in items] for items in pages] == [created[:2], [created[3], created[5]], [new]]


@pytest.mark.rule("COL-33")
def test_filtered_pages_follow_the_status(scene: Scene) -> None:
    """A page of a filtered listing is filled with what has the status at that moment; a last page that is full names no other."""
    collaborations = [scene.create() for _ in range(4)]
    page: Any = scene.publisher.list_collaborations(memberStatus="INVITED", maxResults=1)
    assert [summary["id"] for summary in page["collaborationList"]] == [collaborations[0]["id"]]
    scene.join(scene.publisher, collaborations[1])
    page = scene.publisher.list_collaborations(memberStatus="INVITED", maxResults=2, nextToken=page["nextToken"])
    assert [summary["id"] for summary in page["collaborationList"]] == [
        collaborations[2]["id"],
        collaborations[3]["id"],
    ]
    assert "nextToken" not in page


@pytest.mark.rule("COL-33")
def test_token_of_a_page_that_went_away(scene: Scene) -> None:
    """A token leads to an empty page if everything behind it was deleted."""
    collaborations = [scene.create() for _ in range(2)]
    page: Any = scene.publisher.list_collaborations(maxResults=1)
    for collaboration in collaborations:
        scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    page = scene.publisher.list_collaborations(maxResults=1, nextToken=page["nextToken"])
    assert page["collaborationList"] == []
    assert "nextToken" not in page


@pytest.mark.rule("COL-19", "COL-30")
def test_region_knows_its_own_collaborations_alone(scene: Scene, refused: Refused) -> None:
    """A collaboration is created, seen and invited to in one Region, whose name is in its ARN and its allowed result regions."""
    here = scene.create()
    creator, member = (scene.handle.client(account_id, "eu-west-1") for account_id in (ADVERTISER, PUBLISHER))
    assert ids(creator) == ids(member) == []
    with refused("ResourceNotFoundException", rule="ERR-8") as error:
        creator.list_members(collaborationIdentifier=here["id"])
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", here["id"])
    there = creator.create_collaboration(
        name="campaign",
        creatorDisplayName="advertiser",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[{"accountId": PUBLISHER, "displayName": "publisher", "memberAbilities": []}],
        queryLogStatus="DISABLED",
    )["collaboration"]
    assert there["arn"].startswith(f"arn:aws:cleanrooms:eu-west-1:{ADVERTISER}:collaboration/")
    assert there["allowedResultRegions"] == ["eu-west-1"]
    assert ids(member) == [there["id"]]
    assert ids(scene.publisher) == ids(scene.advertiser) == [here["id"]]


# UpdateCollaboration


@pytest.mark.rule("COL-35", "COL-15")
@pytest.mark.parametrize(
    "given",
    [
        {"name": "summer"},
        {"description": "reach in June"},
        {"description": ""},
        {"name": "summer", "description": "reach in June", "analyticsEngine": "SPARK"},
        {"name": "campaign", "description": "reach in June"},
    ],
)
def test_update_changes_what_is_given(scene: Scene, given: dict[str, Any]) -> None:
    """What is absent stays, and the change is seen by all members, with a new updateTime."""
    collaboration = scene.create()
    answer: Any = scene.advertiser.update_collaboration(collaborationIdentifier=collaboration["id"], **given)
    updated = answer["collaboration"]
    assert updated["updateTime"] > collaboration["updateTime"]
    assert (
        updated
        == {**collaboration, **given, "updateTime": updated["updateTime"]}
        == get(scene.advertiser, collaboration)
    )
    assert {**given, "updateTime": updated["updateTime"]}.items() <= get(scene.publisher, collaboration).items()


@pytest.mark.rule("COL-35")
@pytest.mark.parametrize(
    "given", [{}, {"analyticsEngine": "SPARK"}, {"name": "campaign", "description": "reach of the spring campaign"}]
)
def test_update_that_changes_nothing(scene: Scene, given: dict[str, Any]) -> None:
    """An update without anything new is answered, and leaves updateTime."""
    collaboration = scene.create()
    answer: Any = scene.advertiser.update_collaboration(collaborationIdentifier=collaboration["id"], **given)
    assert answer["collaboration"] == collaboration == get(scene.advertiser, collaboration)


@pytest.mark.rule("COL-35")
def test_memberships_show_the_new_name(scene: Scene) -> None:
    """A membership gives its collaboration's present name, and isn't updated by it."""
    collaboration = scene.create()
    membership = scene.join(scene.publisher, collaboration)
    scene.advertiser.update_collaboration(collaborationIdentifier=collaboration["id"], name="summer")
    found = scene.publisher.get_membership(membershipIdentifier=membership["id"])["membership"]
    assert found == {**membership, "collaborationName": "summer"}
    (summary,) = scene.publisher.list_memberships()["membershipSummaries"]
    assert summary["collaborationName"] == "summer"


@pytest.mark.rule("COL-36")
def test_update_does_not_go_back_to_the_old_engine(scene: Scene, refused: Refused) -> None:
    """CLEAN_ROOMS_SQL is refused, and what else was given isn't changed."""
    collaboration = scene.create()
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="analyticsEngine", rule="COL-36"):
        scene.advertiser.update_collaboration(
            collaborationIdentifier=collaboration["id"], name="summer", analyticsEngine="CLEAN_ROOMS_SQL"
        )
    assert get(scene.advertiser, collaboration) == collaboration


@pytest.mark.rule("COL-34", "COL-37")
@pytest.mark.parametrize(
    ("operation", "given", "rule"),
    [("update_collaboration", {"name": "ours"}, "COL-34"), ("delete_collaboration", {}, "COL-37")],
)
@pytest.mark.parametrize("joined", [False, True])
def test_only_the_creator_updates_and_deletes(
    scene: Scene, refused: Refused, operation: str, given: dict[str, Any], rule: str, joined: bool
) -> None:
    """A member that isn't the creator can't, joined or not."""
    collaboration = scene.create()
    if joined:
        scene.join(scene.publisher, collaboration)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
        getattr(scene.publisher, operation)(collaborationIdentifier=collaboration["id"], **given)
    assert get(scene.advertiser, collaboration) == collaboration


# DeleteCollaboration


@pytest.mark.rule("COL-37", "COL-38")
def test_deletion_is_not_held_up(scene: Scene, refused: Refused) -> None:
    """A collaboration with active members and tags is deleted with 204, and a second time denies access."""
    collaboration = scene.create(tags={"season": "spring"})
    for client in (scene.advertiser, scene.publisher):
        scene.join(client, collaboration)
    own = {"collaborationIdentifier": collaboration["id"]}
    answer = scene.advertiser.delete_collaboration(**own)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert ids(scene.advertiser) == ids(scene.publisher) == []
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="COL-30"):
        scene.advertiser.delete_collaboration(**own)
    with refused("ResourceNotFoundException") as error:
        scene.advertiser.list_tags_for_resource(resourceArn=collaboration["arn"])
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", collaboration["id"])


@pytest.mark.rule("COL-38")
@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("list_members", {}),
        ("delete_member", {"accountId": PUBLISHER}),
        ("create_membership", {"queryLogStatus": "DISABLED"}),
    ],
)
@pytest.mark.parametrize("account_id", [ADVERTISER, PUBLISHER])
def test_other_operations_do_not_find_a_deleted_collaboration(
    scene: Scene, refused: Refused, operation: str, given: dict[str, Any], account_id: str
) -> None:
    """Where ResourceNotFoundException is modelled it is the answer, to the creator and to those who were invited."""
    collaboration = scene.create()
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    client = scene.handle.client(account_id)
    with refused("ResourceNotFoundException") as error:
        getattr(client, operation)(collaborationIdentifier=collaboration["id"], **given)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", collaboration["id"])
    assert client.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("COL-39")
def test_memberships_of_a_deleted_collaboration(scene: Scene) -> None:
    """ACTIVE ones become COLLABORATION_DELETED and can be read and deleted, REMOVED ones stay so, and invitations are gone."""
    members = [scene.member(account_id) for account_id in (PUBLISHER, AGENCY, "444444444444")]
    collaboration = scene.create(members=members)
    agency, invited = scene.handle.client(AGENCY), scene.handle.client("444444444444")
    clients: dict[str, Any] = {"COLLABORATION_DELETED": scene.publisher, "REMOVED": agency}
    joined = {status: scene.join(client, collaboration) for status, client in clients.items()}
    own = scene.join(scene.advertiser, collaboration)
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=AGENCY)
    removed_at = agency.get_membership(membershipIdentifier=joined["REMOVED"]["id"])["membership"]["updateTime"]
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])

    for status, client in clients.items():
        found = client.get_membership(membershipIdentifier=joined[status]["id"])["membership"]
        assert found == {**joined[status], "status": status, "updateTime": found["updateTime"]}
        (summary,) = client.list_memberships(status=status)["membershipSummaries"]
        assert (summary["id"], summary["updateTime"]) == (found["id"], found["updateTime"])
        assert (found["updateTime"] > removed_at) == (client is scene.publisher)
    assert ids(invited) == []
    assert invited.list_memberships()["membershipSummaries"] == []

    for client, membership in ((scene.publisher, joined["COLLABORATION_DELETED"]), (scene.advertiser, own)):
        client.delete_membership(membershipIdentifier=membership["id"])
        assert client.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("COL-35", "COL-36")
def test_an_old_collaboration_moves_to_spark(scene: Scene) -> None:
    """A collaboration from before SPARK, which the mock can only be handed as state, changes to it by an update."""
    created = scene.create()
    scene.handle.backend(ADVERTISER).world.collaborations[created["id"]].analytics_engine = "CLEAN_ROOMS_SQL"
    updated = scene.advertiser.update_collaboration(collaborationIdentifier=created["id"], analyticsEngine="SPARK")
    assert updated["collaboration"]["analyticsEngine"] == "SPARK"
    assert updated["collaboration"]["updateTime"] > created["updateTime"]
