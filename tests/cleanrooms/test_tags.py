"""Tags: the service's own three operations, tags at creation, and the Resource Groups Tagging API."""

from __future__ import annotations

import importlib.util
from datetime import datetime
from typing import Any

import pytest
import requests

from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Refused, Scene, recording

RECORDED = "644160558196"
FIFTY = {f"key {number}": "value" for number in range(50)}


@pytest.fixture
def collaboration(scene: Scene) -> dict[str, Any]:
    return scene.create(tags={"team": "reach"})


@pytest.fixture
def membership(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    return scene.join(scene.publisher, collaboration, tags={"team": "reach"})


class Tagged:
    """A resource with the tag ``team: reach``, its owner's client, and the read of its updateTime."""

    def __init__(self, client: Any, arn: str, other: Any) -> None:
        self.client, self.arn, self.other = client, arn, other

    def tags(self) -> dict[str, str]:
        tags: dict[str, str] = self.client.list_tags_for_resource(resourceArn=self.arn)["tags"]
        return tags

    def update_time(self) -> datetime:
        identifier = self.arn.rpartition("/")[2]
        if ":collaboration/" in self.arn:
            answer = self.client.get_collaboration(collaborationIdentifier=identifier)["collaboration"]
        else:
            answer = self.client.get_membership(membershipIdentifier=identifier)["membership"]
        time: datetime = answer["updateTime"]
        return time


@pytest.fixture(params=["collaboration", "membership"])
def tagged(
    request: pytest.FixtureRequest, scene: Scene, collaboration: dict[str, Any], membership: dict[str, Any]
) -> Tagged:
    """Each kind of resource that can be tagged."""
    if request.param == "collaboration":
        return Tagged(scene.advertiser, collaboration["arn"], scene.publisher)
    return Tagged(scene.publisher, membership["arn"], scene.advertiser)


# Setting, reading, removing


@pytest.mark.rule("TAG-1", "TAG-6", "TAG-7", "TAG-8", "TAG-12")
def test_tags_come_and_go(tagged: Tagged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags are added and overwritten, others stay; unknown keys are removed without a word; updateTime doesn't move."""
    created = tagged.update_time()
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(2040, 1, 1))  # noqa: DTZ001
    steps: list[tuple[Any, dict[str, Any], dict[str, str]]] = [
        (tagged.client.tag_resource, {"tags": {"team": "campaign", "Team": ""}}, {"team": "campaign", "Team": ""}),
        (tagged.client.tag_resource, {"tags": {}}, {"team": "campaign", "Team": ""}),
        (tagged.client.tag_resource, {"tags": {"stage": "test"}}, {"team": "campaign", "Team": "", "stage": "test"}),
        (tagged.client.untag_resource, {"tagKeys": ["team", "unknown"]}, {"Team": "", "stage": "test"}),
        (tagged.client.untag_resource, {"tagKeys": ["stage", "Team"]}, {}),
    ]
    for operation, arguments, left in steps:
        answer = operation(resourceArn=tagged.arn, **arguments)
        assert (answer.keys(), answer["ResponseMetadata"]["HTTPStatusCode"]) == ({"ResponseMetadata"}, 200)
        assert tagged.tags() == left
    assert tagged.update_time() == created


@pytest.mark.rule("TAG-8")
def test_listings_are_those_recorded(scene: Scene, collaboration: dict[str, Any]) -> None:
    """ListTagsForResource answers each of the recorded maps, the empty one too, and nothing beside it."""
    for answer in recording("cleanrooms.ListTagsForResource"):
        listed = scene.advertiser.list_tags_for_resource(resourceArn=collaboration["arn"])["tags"]
        scene.advertiser.untag_resource(resourceArn=collaboration["arn"], tagKeys=list(listed))
        scene.advertiser.tag_resource(resourceArn=collaboration["arn"], tags=answer["body"]["tags"])
        ours: Any = scene.advertiser.list_tags_for_resource(resourceArn=collaboration["arn"])
        assert ours.pop("ResponseMetadata")["HTTPStatusCode"] == answer["status"]
        assert ours == answer["body"]


@pytest.mark.rule("TAG-7", "TAG-3")
@pytest.mark.parametrize("encoded", [True, False])
def test_keys_stand_in_the_query_string(tagged: Tagged, encoded: bool) -> None:
    """By hand: the ARN in the path, as it is or with its colon and slash encoded, and one tagKeys for each key."""
    tagged.client.tag_resource(resourceArn=tagged.arn, tags={"a+b=c": "", "stage": "test"})
    account_id = tagged.arn.split(":")[4]
    arn = tagged.arn.replace(":", "%3A").replace("/", "%2F") if encoded else tagged.arn
    answer = requests.delete(
        f"https://cleanrooms.us-east-1.amazonaws.com/tags/{arn}?tagKeys=a%2Bb%3Dc&tagKeys=stage",
        headers={"x-moto-account-id": account_id},
        timeout=5,
    )
    assert (answer.status_code, answer.text) == (200, "{}")
    assert tagged.tags() == {"team": "reach"}


@pytest.mark.rule("TAG-15", "TAG-1")
def test_tags_at_creation(scene: Scene, tagged: Tagged) -> None:
    """Tags of a create call are there when it has answered, and in no other answer."""
    assert tagged.tags() == {"team": "reach"}
    identifier = tagged.arn.rpartition("/")[2]
    if ":collaboration/" in tagged.arn:
        read: Any = scene.advertiser.get_collaboration(collaborationIdentifier=identifier)["collaboration"]
    else:
        read = scene.publisher.get_membership(membershipIdentifier=identifier)["membership"]
    assert "tags" not in read


@pytest.mark.rule("TAG-12")
def test_tags_go_with_their_resource(scene: Scene, refused: Refused, tagged: Tagged) -> None:
    """Once a resource is deleted its tags are gone, and its ARN isn't found any more."""
    identifier = tagged.arn.rpartition("/")[2]
    if ":collaboration/" in tagged.arn:
        tagged.client.delete_collaboration(collaborationIdentifier=identifier)
    else:
        tagged.client.delete_membership(membershipIdentifier=identifier)
    with refused("ResourceNotFoundException", rule="TAG-4"):
        tagged.tags()
    with refused("ResourceNotFoundException", rule="TAG-4"):
        tagged.client.tag_resource(resourceArn=tagged.arn, tags={"stage": "test"})


@pytest.mark.rule("TAG-13")
@pytest.mark.parametrize("end", ["removed", "deleted", "removed, then deleted"])
def test_tags_in_every_status(
    scene: Scene, collaboration: dict[str, Any], membership: dict[str, Any], end: str
) -> None:
    """The tags of a membership that is REMOVED or whose collaboration was deleted can be read, set and removed."""
    if end.startswith("removed"):
        scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    if end.endswith("deleted"):
        scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    tagged = Tagged(scene.publisher, membership["arn"], scene.advertiser)
    scene.publisher.tag_resource(resourceArn=membership["arn"], tags={"stage": "test"})
    assert tagged.tags() == {"team": "reach", "stage": "test"}
    scene.publisher.untag_resource(resourceArn=membership["arn"], tagKeys=["team"])
    assert tagged.tags() == {"stage": "test"}


# Which ARNs


def _every_operation(client: Any, arn: str) -> list[Any]:
    return [
        lambda: client.tag_resource(resourceArn=arn, tags={"stage": "test"}),
        lambda: client.untag_resource(resourceArn=arn, tagKeys=["team"]),
        lambda: client.list_tags_for_resource(resourceArn=arn),
    ]


@pytest.mark.rule("TAG-4", "TAG-2", "TAG-3", "ERR-9")
@pytest.mark.parametrize(
    ("path", "resource_type", "resource_id"),
    [
        (f"collaboration/{NOWHERE}", "COLLABORATION", NOWHERE),
        (f"membership/{NOWHERE}", "MEMBERSHIP", NOWHERE),
        (f"configuredtable/{NOWHERE}", "CONFIGURED_TABLE", NOWHERE),
        (f"membership/{NOWHERE}/configuredtableassociation/{NOWHERE}", "CONFIGURED_TABLE_ASSOCIATION", NOWHERE),
        (f"membership/{NOWHERE}/analysistemplate/{NOWHERE}", "MEMBERSHIP", NOWHERE),
        (f"membership/{NOWHERE}/idmappingtable/the-last-part", "MEMBERSHIP", "the-last-part"),
        (f"collaboration/{NOWHERE}/changerequest/{NOWHERE}", "MEMBERSHIP", NOWHERE),
        (f"membership/{'m' * 203}", "MEMBERSHIP", "m" * 203),
    ],
)
def test_an_arn_of_nothing(scene: Scene, refused: Refused, path: str, resource_type: str, resource_id: str) -> None:
    """An ARN of up to 256 characters under which there is nothing isn't found, with the type and id that it says itself."""
    arn = f"arn:aws:cleanrooms:us-east-1:{PUBLISHER}:{path}"
    assert len(arn) <= 256
    for call in _every_operation(scene.publisher, arn):
        with refused("ResourceNotFoundException", rule="TAG-4") as error:
            call()
        assert (error["resourceType"], error["resourceId"]) == (resource_type, resource_id)


@pytest.mark.rule("TAG-2")
def test_a_change_request_has_no_tags(scene: Scene, refused: Refused, collaboration: dict[str, Any]) -> None:
    """Whatever ARN one might make up for a change request, nothing is found under it."""
    specification: Any = {"member": {"accountId": STRANGER, "displayName": "new", "memberAbilities": []}}
    request: Any = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"],
        changes=[{"specificationType": "MEMBER", "specification": specification}],
    )["collaborationChangeRequest"]
    assert "arn" not in request
    for kind in ("changerequest", "collaborationchangerequest", "change-request"):
        for parent in (collaboration["arn"], f"arn:aws:cleanrooms:us-east-1:{ADVERTISER}:{kind}"):
            arn = f"{parent}/{kind}/{request['id']}" if parent == collaboration["arn"] else f"{parent}/{request['id']}"
            for call in _every_operation(scene.advertiser, arn):
                with refused("ResourceNotFoundException", rule="TAG-4"):
                    call()


@pytest.mark.rule("TAG-4", "TAG-5")
def test_others_do_not_find_it(scene: Scene, refused: Refused, tagged: Tagged) -> None:
    """Members, the creator and strangers don't find what another account owns, nor does the owner in another Region."""
    abroad = scene.handle.client(tagged.arn.split(":")[4], "eu-west-1")
    for client in (tagged.other, scene.stranger, abroad):
        for call in _every_operation(client, tagged.arn):
            with refused("ResourceNotFoundException", rule="TAG-4") as error:
                call()
            kind, _, identifier = tagged.arn.split(":")[5].partition("/")
            assert (error["resourceType"], error["resourceId"]) == (kind.upper(), identifier)
    assert tagged.tags() == {"team": "reach"}


@pytest.mark.rule("TAG-5")
def test_the_creator_tags_before_it_joins(scene: Scene, collaboration: dict[str, Any]) -> None:
    """A collaboration's tags are its creator's from the start; a membership can't be tagged before it is there."""
    assert scene.member_of(collaboration, ADVERTISER)["status"] == "INVITED"
    scene.advertiser.tag_resource(resourceArn=collaboration["arn"], tags={"stage": "test"})
    tags = scene.advertiser.list_tags_for_resource(resourceArn=collaboration["arn"])["tags"]
    assert tags == {"team": "reach", "stage": "test"}


@pytest.mark.rule("TAG-4", "COL-26")
def test_an_allotted_membership_is_not_there_yet(scene: Scene, refused: Refused, collaboration: dict[str, Any]) -> None:
    """The ARN that an invitation allots names a resource only once the account has joined."""
    arn = scene.member_of(collaboration, PUBLISHER)["membershipArn"]
    for call in _every_operation(scene.publisher, arn):
        with refused("ResourceNotFoundException", rule="TAG-4"):
            call()
    assert scene.join(scene.publisher, collaboration)["arn"] == arn
    assert scene.publisher.list_tags_for_resource(resourceArn=arn)["tags"] == {}


@pytest.mark.rule("TAG-3", "ERR-3")
@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:cleanrooms:us-east-1:{PUBLISHER}:membership/{'m' * 204}",
        f"arn:aws:cleanrooms:us-east-1:{PUBLISHER}:membership/{NOWHERE} ",
        f"arn:aws:s3:us-east-1:{PUBLISHER}:membership/{NOWHERE}",
        f"arn:aws:cleanrooms:us-east-1:2222:membership/{NOWHERE}",
        NOWHERE,
    ],
)
def test_what_is_no_arn(scene: Scene, refused: Refused, arn: str) -> None:
    """More than 256 characters, and anything that isn't an ARN of the service, break the model."""
    for call in _every_operation(scene.publisher, arn):
        with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="resourceArn", rule="ERR-3") as error:
            call()
        assert len(error["fieldList"]) == 1


@pytest.mark.rule("TAG-3", "ERR-20")
@pytest.mark.parametrize(
    ("region_name", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_arns_of_every_partition(scene: Scene, region_name: str, partition: str) -> None:
    """What a Region's own ARNs look like is taken, though the model's pattern has room for one partition alone."""
    client: Any = scene.handle.client(ADVERTISER, region_name)
    arn = client.create_collaboration(
        name="campaign",
        creatorDisplayName="advertiser",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[],
        queryLogStatus="DISABLED",
    )["collaboration"]["arn"]
    assert arn.startswith(f"arn:{partition}:cleanrooms:{region_name}:{ADVERTISER}:collaboration/")
    client.tag_resource(resourceArn=arn, tags={"stage": "test"})
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}


# Which tags

#: Tags, and the rule that refuses them.
WRONG_TAGS: list[tuple[dict[str, str], str]] = [
    ({"aws:team": "reach"}, "TAG-10"),
    ({"AWS:team": "reach"}, "TAG-10"),
    ({"good": "", "aWs:": ""}, "TAG-10"),
    ({"te*am": "reach"}, "TAG-11"),
    ({"team": "reach!"}, "TAG-11"),
    ({"team\n": "reach"}, "TAG-11"),
    ({"team": "<reach>"}, "TAG-11"),
    ({"k" * 129: "reach"}, "ERR-3"),
    ({"team": "v" * 257}, "ERR-3"),
    ({**FIFTY, "one more": ""}, "TAG-9"),
    ({f"key {number}": "" for number in range(200)}, "TAG-9"),
    ({f"key {number}": "" for number in range(201)}, "ERR-3"),
]


@pytest.mark.rule("TAG-9", "TAG-10", "TAG-11", "QUO-24")
@pytest.mark.parametrize(("tags", "rule"), WRONG_TAGS)
def test_wrong_tags(tagged: Tagged, refused: Refused, tags: dict[str, str], rule: str) -> None:
    """Reserved keys, other characters, and what is too long or too many are refused, and nothing of the call is kept."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule=rule):
        tagged.client.tag_resource(resourceArn=tagged.arn, tags=tags)
    assert tagged.tags() == {"team": "reach"}


@pytest.mark.rule("TAG-9", "TAG-10", "TAG-11", "TAG-15")
@pytest.mark.parametrize(("tags", "rule"), WRONG_TAGS)
@pytest.mark.parametrize("creates", ["collaboration", "membership"])
def test_wrong_tags_at_creation(
    scene: Scene, refused: Refused, collaboration: dict[str, Any], creates: str, tags: dict[str, str], rule: str
) -> None:
    """Create calls refuse the same tags, and then create nothing."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule=rule):
        if creates == "collaboration":
            scene.create(tags=tags)
        else:
            scene.join(scene.publisher, collaboration, tags=tags)
    assert len(scene.advertiser.list_collaborations()["collaborationList"]) == 1
    assert scene.publisher.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("TAG-11")
def test_a_key_has_a_character(tagged: Tagged) -> None:
    """An empty key, which boto3 wouldn't send, breaks the model."""
    answer = requests.post(
        f"https://cleanrooms.us-east-1.amazonaws.com/tags/{tagged.arn}",
        json={"tags": {"": "reach"}},
        headers={"x-moto-account-id": tagged.arn.split(":")[4]},
        timeout=5,
    )
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert [entry["name"] for entry in answer.json()["fieldList"]] == ["tags"]
    assert tagged.tags() == {"team": "reach"}


@pytest.mark.rule("TAG-11", "TAG-10")
@pytest.mark.parametrize(
    "tags",
    [
        {"k" * 128: "v" * 256},
        {"a b+c-d=e.f_g:h/i@j": "a b+c-d=e.f_g:h/i@j"},
        {"Größe": "25 m²", "команда": "охват", "数": "九"},
        {"team": "", "Team": "", "TEAM": ""},
        {"awsteam": "aws:reach", "my:aws:team": "AWS"},
    ],
)
def test_right_tags(tagged: Tagged, tags: dict[str, str]) -> None:
    """Letters, digits and spaces of any script and the nine signs go, up to 128 and 256 characters; case tells keys apart."""
    tagged.client.untag_resource(resourceArn=tagged.arn, tagKeys=["team"])
    tagged.client.tag_resource(resourceArn=tagged.arn, tags=tags)
    assert tagged.tags() == tags
    tagged.client.untag_resource(resourceArn=tagged.arn, tagKeys=list(tags))
    assert tagged.tags() == {}


@pytest.mark.rule("TAG-10")
@pytest.mark.parametrize("key", ["aws:team", "Aws:"])
def test_reserved_keys_cannot_be_removed(tagged: Tagged, refused: Refused, key: str) -> None:
    """A reserved key is refused in UntagResource too, on its own field, with all the others of the call."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tagKeys", rule="TAG-10"):
        tagged.client.untag_resource(resourceArn=tagged.arn, tagKeys=["team", key])
    assert tagged.tags() == {"team": "reach"}


@pytest.mark.rule("TAG-9")
def test_fifty_tags_in_all(tagged: Tagged, refused: Refused) -> None:
    """A resource has at most 50 tags after merging: overwriting counts nothing, one key more is too many."""
    tagged.client.untag_resource(resourceArn=tagged.arn, tagKeys=["team"])
    tagged.client.tag_resource(resourceArn=tagged.arn, tags=FIFTY)
    overwritten = dict.fromkeys(FIFTY, "other")
    tagged.client.tag_resource(resourceArn=tagged.arn, tags=overwritten)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule="TAG-9"):
        tagged.client.tag_resource(resourceArn=tagged.arn, tags={"key 1": "third", "one more": ""})
    assert tagged.tags() == overwritten


# The Resource Groups Tagging API

extensible = pytest.mark.skipif(
    importlib.util.find_spec("moto.core.resource_tagging") is None,
    reason="moto before 5.2.3 has no way to put a service's resources into its Resource Groups Tagging API",
)


def _groups(scene: Scene, account_id: str, region_name: str = "us-east-1") -> Any:
    return scene.handle.client(account_id, region_name, service="resourcegroupstaggingapi")


def _listed(client: Any, **filters: Any) -> dict[str, dict[str, str]]:
    mappings = client.get_resources(**filters)["ResourceTagMappingList"]
    return {one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in mappings}


@extensible
@pytest.mark.rule("TAG-14")
def test_groups_answer_as_recorded(scene: Scene) -> None:
    """The recorded sequence, call by call: a collaboration tagged, a membership that lost its tags, and what was found of them."""
    client: Any = scene.handle.client(RECORDED)
    groups = _groups(scene, RECORDED)
    resources = recording("tagging.GetResources")
    tag_resources, untag_resources = recording("tagging.TagResources"), recording("tagging.UntagResources")

    def create(name: str, **tags: str) -> Any:
        return client.create_collaboration(
            name=name,
            creatorDisplayName=name,
            creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
            members=[],
            queryLogStatus="DISABLED",
            tags=tags,
        )["collaboration"]

    compliant, noncompliant = create("compliant", ASV="PolicyTestASV"), create("noncompliant")
    untagged = scene.join(client, noncompliant, tags={"ASV": "x"})["arn"]
    tagged = scene.join(client, compliant, tags={"ASV": "PolicyTestASV"})["arn"]
    own = {
        "collaboration/62647862": compliant["arn"],
        "membership/471d06d5": untagged,
        "membership/c5773151": tagged,
    }

    def same(number: int, **filters: Any) -> None:
        expected: Any = resources[number]["body"]
        for mapping in expected["ResourceTagMappingList"]:
            theirs = mapping["ResourceARN"]
            mapping["ResourceARN"] = next(arn for part, arn in own.items() if f":{part}" in theirs)
        answer = groups.get_resources(**filters)
        # The empty PaginationToken, which moto leaves out, is moto's own.
        found = sorted(answer["ResourceTagMappingList"], key=lambda one: list(own.values()).index(one["ResourceARN"]))
        assert found == expected["ResourceTagMappingList"]
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == resources[number]["status"]

    def change(operation: Any, recorded: Any, arn: str, **what: Any) -> None:
        answer = operation(ResourceARNList=[arn], **what)
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == recorded[0]["status"]
        assert answer == recorded[0]["body"]

    change(groups.untag_resources, untag_resources, untagged, TagKeys=["ASV"])
    same(0, ResourceTypeFilters=["cleanrooms:collaboration"])
    change(groups.tag_resources, tag_resources, compliant["arn"], Tags={"Env": "Test"})
    same(1, ResourceTypeFilters=["cleanrooms:collaboration"])
    same(2, ResourceTypeFilters=["cleanrooms:configuredtable"])
    same(4, ResourceTypeFilters=["cleanrooms:membership"])
    change(groups.tag_resources, tag_resources, tagged, Tags={"Env": "Test"})
    same(5, ResourceTypeFilters=["cleanrooms:membership"])
    assert client.list_tags_for_resource(resourceArn=tagged)["tags"] == {"ASV": "PolicyTestASV", "Env": "Test"}
    assert client.list_tags_for_resource(resourceArn=untagged)["tags"] == {}


@extensible
@pytest.mark.rule("TAG-14", "TAG-5")
def test_groups_list_what_the_account_owns(
    scene: Scene, collaboration: dict[str, Any], membership: dict[str, Any]
) -> None:
    """Each account finds its own resources in its own Region, by type, by tag and by ARN, and only those that ever had a tag."""
    ours = scene.join(scene.advertiser, collaboration)
    assert _listed(_groups(scene, ADVERTISER)) == {collaboration["arn"]: {"team": "reach"}}
    scene.advertiser.tag_resource(resourceArn=ours["arn"], tags={"stage": "test"})
    everything = {collaboration["arn"]: {"team": "reach"}, ours["arn"]: {"stage": "test"}}
    groups = _groups(scene, ADVERTISER)
    assert _listed(groups) == everything
    assert _listed(groups, ResourceTypeFilters=["cleanrooms"]) == everything
    assert _listed(groups, ResourceTypeFilters=["cleanrooms:membership"]).keys() == {ours["arn"]}
    assert _listed(groups, TagFilters=[{"Key": "team", "Values": ["reach"]}]).keys() == {collaboration["arn"]}
    assert _listed(groups, ResourceARNList=[ours["arn"]]).keys() == {ours["arn"]}
    assert _listed(groups, ResourceTypeFilters=["s3"]) == {}
    assert sorted(groups.get_tag_keys()["TagKeys"]) == ["stage", "team"]
    assert groups.get_tag_values(Key="team")["TagValues"] == ["reach"]
    assert _listed(_groups(scene, PUBLISHER)) == {membership["arn"]: {"team": "reach"}}
    assert _listed(_groups(scene, STRANGER)) == {}
    assert _listed(_groups(scene, ADVERTISER, "eu-west-1")) == {}


@extensible
@pytest.mark.rule("TAG-14", "TAG-12")
def test_groups_set_remove_and_forget(scene: Scene, tagged: Tagged) -> None:
    """The tags are the same ones from both sides; an untagged resource is listed with none, a deleted one no more."""
    groups = _groups(scene, tagged.arn.split(":")[4])
    groups.tag_resources(ResourceARNList=[tagged.arn], Tags={"stage": "test", "team": "other"})
    assert tagged.tags() == {"stage": "test", "team": "other"} == _listed(groups)[tagged.arn]
    groups.untag_resources(ResourceARNList=[tagged.arn], TagKeys=["team", "unknown"])
    assert tagged.tags() == {"stage": "test"}
    tagged.client.untag_resource(resourceArn=tagged.arn, tagKeys=["stage"])
    assert _listed(groups) == {tagged.arn: {}}
    identifier = tagged.arn.rpartition("/")[2]
    if ":collaboration/" in tagged.arn:
        tagged.client.delete_collaboration(collaborationIdentifier=identifier)
    else:
        tagged.client.delete_membership(membershipIdentifier=identifier)
    assert _listed(groups) == {}


@extensible
@pytest.mark.rule("TAG-14", "TAG-4", "TAG-9", "TAG-10", "TAG-11")
def test_groups_report_what_fails(scene: Scene, collaboration: dict[str, Any], tagged: Tagged) -> None:
    """What the service would refuse is reported for its ARN, and the others of the call are tagged all the same."""
    account_id = tagged.arn.split(":")[4]
    groups = _groups(scene, account_id)
    foreign = f"arn:aws:cleanrooms:us-east-1:{account_id}:membership/{NOWHERE}"
    failed = groups.tag_resources(ResourceARNList=[foreign, tagged.arn], Tags={"stage": "test"})["FailedResourcesMap"]
    assert failed.keys() == {foreign}
    assert tagged.tags() == {"team": "reach", "stage": "test"}
    failed = groups.untag_resources(ResourceARNList=[foreign, tagged.arn], TagKeys=["stage"])["FailedResourcesMap"]
    assert failed.keys() == {foreign}
    for tags in ({"te*am": ""}, {f"key {number}": "" for number in range(50)}):
        answer = groups.tag_resources(ResourceARNList=[tagged.arn], Tags=tags)
        assert answer["FailedResourcesMap"].keys() == {tagged.arn}
    assert tagged.tags() == {"team": "reach"}
