"""ID namespace associations, and what tests of other resources around Entity Resolution need."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from cleanrooms_mock import intercept
from cleanrooms_mock.cleanrooms import service
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Clock, Refused, Scene, paged, tags_come_and_go

INVITED = "333333333333"
QUOTA = "ID namespace associations per membership"
SOURCE: Literal["SOURCE"] = "SOURCE"
TARGET: Literal["TARGET"] = "TARGET"
ENDINGS = ("member removed", "collaboration deleted")


def namespace_of(account_id: str, name: str = "customers", region_name: str = "us-east-1") -> str:
    return f"arn:aws:entityresolution:{region_name}:{account_id}:idnamespace/{name}"


class Member:
    """A member that has joined, and its ID namespace associations."""

    def __init__(self, scene: Scene, account_id: str, collaboration: dict[str, Any]) -> None:
        self.account_id = account_id
        self.client: Any = scene.handle.client(account_id)
        self.membership = scene.join(self.client, collaboration)
        self.id = {"membershipIdentifier": self.membership["id"]}
        self.here = {"collaborationIdentifier": collaboration["id"]}

    def associate(self, name: str = "customers", namespace: str | None = None, **more: Any) -> dict[str, Any]:
        """Associate a namespace, one of the member's own unless told otherwise."""
        reference = {"inputReferenceArn": namespace or namespace_of(self.account_id), "manageResourcePolicies": True}
        answer = self.client.create_id_namespace_association(
            **self.id, name=name, inputReferenceConfig=reference, **more
        )
        return dict(answer["idNamespaceAssociation"])

    def of(self, association: dict[str, Any]) -> dict[str, Any]:
        return {**self.id, "idNamespaceAssociationIdentifier": association["id"]}

    def get(self, association: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_id_namespace_association(**self.of(association))["idNamespaceAssociation"])

    def update(self, association: dict[str, Any], **changes: Any) -> dict[str, Any]:
        answer = self.client.update_id_namespace_association(**self.of(association), **changes)
        return dict(answer["idNamespaceAssociation"])

    def dissociate(self, association: dict[str, Any]) -> None:
        self.client.delete_id_namespace_association(**self.of(association))

    def associations(self) -> Any:
        return self.client.list_id_namespace_associations(**self.id)["idNamespaceAssociationSummaries"]

    def shown(self) -> Any:
        """Return what the member sees of all members' associations."""
        answer = self.client.list_collaboration_id_namespace_associations(**self.here)
        return answer["collaborationIdNamespaceAssociationSummaries"]


class Members:
    """Two members that have joined, an account that was only invited, and a stranger."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.collaboration = scene.create(members=[scene.member(), scene.member(INVITED)])
        self.here = {"collaborationIdentifier": self.collaboration["id"]}
        self.advertiser = Member(scene, ADVERTISER, self.collaboration)
        self.publisher = Member(scene, PUBLISHER, self.collaboration)

    def outsiders(self) -> list[Any]:
        return [self.scene.handle.client(account_id) for account_id in (INVITED, STRANGER)]

    def end(self, ending: str) -> None:
        """Have the publisher removed or the collaboration deleted."""
        if ending == "member removed":
            self.scene.advertiser.delete_member(**self.here, accountId=PUBLISHER)
        else:
            self.scene.advertiser.delete_collaboration(**self.here)


@pytest.fixture
def members(scene: Scene, clock: Clock) -> Members:
    return Members(scene)


# Creation


@pytest.mark.rule("IDN-2", "IDN-5")
@pytest.mark.parametrize("is_dimension", [True, False, None])
def test_association(members: Members, clock: Clock, is_dimension: bool | None) -> None:
    """A member without abilities has its namespace answered with all that was said of it; what wasn't is absent."""
    publisher = members.publisher
    given: dict[str, Any] = {}
    if is_dimension is not None:
        given = {"description": "", "idMappingConfig": {"allowUseAsDimensionColumn": is_dimension}}
    association = publisher.associate(**given)
    assert association == {
        "id": association["id"],
        "arn": f"{publisher.membership['arn']}/idnamespaceassociation/{association['id']}",
        "membershipId": publisher.membership["id"],
        "membershipArn": publisher.membership["arn"],
        "collaborationId": members.collaboration["id"],
        "collaborationArn": members.collaboration["arn"],
        "name": "customers",
        "createTime": clock.now,
        "updateTime": clock.now,
        "inputReferenceConfig": {"inputReferenceArn": namespace_of(PUBLISHER), "manageResourcePolicies": True},
        "inputReferenceProperties": {"idNamespaceType": SOURCE, "idMappingWorkflowsSupported": []},
        **given,
    }
    clock.advance(seconds=90)
    assert publisher.get(association) == association


@pytest.mark.rule("IDN-1")
@pytest.mark.parametrize("namespace", [namespace_of(ADVERTISER), namespace_of(PUBLISHER, region_name="eu-west-1")])
@pytest.mark.parametrize("registered", [True, False])
def test_namespace_of_others(members: Members, refused: Refused, namespace: str, registered: bool) -> None:
    """A namespace of another account or Region is refused, whether it is known or not."""
    if registered:
        members.scene.handle.entity_resolution.add_id_namespace(namespace, "SOURCE")
    field = "inputReferenceConfig.inputReferenceArn"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="IDN-1"):
        members.publisher.associate(namespace=namespace)
    assert members.publisher.associations() == members.advertiser.shown() == []


@pytest.mark.rule("IDN-1")
def test_namespace_of_the_same_region(scene: Scene) -> None:
    """The Region that counts is the one that is asked."""
    client: Any = scene.handle.client(ADVERTISER, "eu-west-1")
    scene.advertiser = client
    membership = scene.join(client, scene.create())
    reference = {
        "inputReferenceArn": namespace_of(ADVERTISER, region_name="eu-west-1"),
        "manageResourcePolicies": False,
    }
    answer = client.create_id_namespace_association(
        membershipIdentifier=membership["id"], name="customers", inputReferenceConfig=reference
    )
    assert answer["idNamespaceAssociation"]["inputReferenceConfig"] == reference


@pytest.mark.rule("IDN-2")
def test_types_of_unregistered_namespaces(members: Members, scene: Scene) -> None:
    """The collaboration's first is a source and the next are targets, whoever's they are; each collaboration counts for itself."""
    types = [
        member.associate(name)["inputReferenceProperties"]["idNamespaceType"]
        for member, name in ((members.publisher, "a"), (members.advertiser, "a"), (members.publisher, "b"))
    ]
    assert types == [SOURCE, TARGET, TARGET]
    other = Member(scene, PUBLISHER, scene.create())
    assert other.associate()["inputReferenceProperties"]["idNamespaceType"] == SOURCE


@pytest.mark.rule("IDN-2")
@pytest.mark.parametrize("types", [(TARGET, SOURCE), (SOURCE, TARGET), (TARGET, TARGET)])
def test_registered_namespaces(members: Members, types: tuple[Any, Any]) -> None:
    """A registered namespace is of the type that the test has said; what is registered later changes nothing."""
    registry = members.scene.handle.entity_resolution
    registry.add_id_namespace(namespace_of(PUBLISHER), types[0])
    registry.add_id_namespace(namespace_of(ADVERTISER), types[1])
    made = [members.publisher.associate(), members.advertiser.associate()]
    assert [one["inputReferenceProperties"] for one in made] == [
        {"idNamespaceType": kind, "idMappingWorkflowsSupported": []} for kind in types
    ]
    registry.add_id_namespace(namespace_of(PUBLISHER), types[1])
    assert members.publisher.get(made[0]) == made[0]
    shown = members.advertiser.client.get_collaboration_id_namespace_association(
        **members.here, idNamespaceAssociationIdentifier=made[0]["id"]
    )["collaborationIdNamespaceAssociation"]
    assert shown["inputReferenceProperties"] == made[0]["inputReferenceProperties"]
    assert [one["inputReferenceProperties"] for one in members.publisher.shown()] == [
        {"idNamespaceType": kind} for kind in types
    ]


@pytest.mark.rule("IDN-2")
def test_workflows_of_a_registered_namespace(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflows that a namespace supports are answered as the test has said them, whatever they are made of."""
    # The check of answers takes a document for a structure without members.
    monkeypatch.setattr(intercept, "invoke", service.invoke)
    workflows = [{"workflowName": "match", "rule_based": {"Rules": [1, 2.5, None, True]}}, {}]
    registry = members.scene.handle.entity_resolution
    registry.add_id_namespace(namespace_of(PUBLISHER), "TARGET", workflows)
    association = members.publisher.associate()
    expected = {"idNamespaceType": TARGET, "idMappingWorkflowsSupported": workflows}
    assert association["inputReferenceProperties"] == expected
    shown = members.advertiser.client.get_collaboration_id_namespace_association(
        **members.here, idNamespaceAssociationIdentifier=association["id"]
    )["collaborationIdNamespaceAssociation"]
    assert shown["inputReferenceProperties"] == expected


@pytest.mark.rule("IDN-3")
def test_names(members: Members, refused: Refused) -> None:
    """A name is one association's in a membership; the namespace may come again, and the name in other memberships and after a deletion."""
    first = members.publisher.associate()
    with refused("ConflictException", "ALREADY_EXISTS", rule="IDN-3") as error:
        members.publisher.associate(namespace=namespace_of(PUBLISHER, "others"))
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", first["id"])
    assert len(members.publisher.associations()) == 1
    members.publisher.associate("again")
    members.advertiser.associate()
    members.publisher.dissociate(first)
    members.publisher.associate()


@pytest.mark.rule("IDN-4", "QUO-10")
def test_quota(members: Members, refused: Refused) -> None:
    """A membership has ten associations at most; every other check comes first, and other members count for themselves."""
    made = [members.publisher.associate(f"namespace {number}") for number in range(10)]
    with refused("ServiceQuotaExceededException") as error:
        members.publisher.associate()
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 10.0)
    assert len(members.publisher.associations()) == 10
    with refused("ConflictException", rule="IDN-3"):
        members.publisher.associate("namespace 3")
    members.advertiser.associate()
    members.publisher.dissociate(made[0])
    members.publisher.associate()
    members.scene.handle.quotas[QUOTA] = 11
    members.publisher.associate("eleventh")


@pytest.mark.rule("IDN-1", "IDN-3")
def test_order_of_checks(members: Members, refused: Refused) -> None:
    """Tags come before the membership, then come the namespace and the name."""
    members.publisher.associate()
    foreign = namespace_of(ADVERTISER)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule="TAG-10"):
        members.publisher.associate(namespace=foreign, tags={"aws:team": "media"})
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="IDN-1"):
        members.publisher.associate(namespace=foreign)
    assert len(members.publisher.associations()) == 1


# Updates


@pytest.mark.rule("IDN-5")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "customers"},
        {"name": "clients"},
        {"description": ""},
        {"description": "all of them"},
        {"idMappingConfig": {"allowUseAsDimensionColumn": False}},
        {"name": "c", "description": "d", "idMappingConfig": {"allowUseAsDimensionColumn": True}},
    ],
)
@pytest.mark.parametrize("full", [True, False])
def test_update(members: Members, clock: Clock, changes: dict[str, Any], full: bool) -> None:
    """An update changes what it names, and the time; the name may be the one that it has."""
    given: dict[str, Any] = {"description": "some", "idMappingConfig": {"allowUseAsDimensionColumn": True}}
    association = members.publisher.associate(**(given if full else {}))
    clock.advance(seconds=90)
    updated = members.publisher.update(association, **changes)
    assert updated == {**association, **changes, "updateTime": clock.now}
    assert members.publisher.get(association) == updated


@pytest.mark.rule("IDN-5")
def test_update_to_a_taken_name(members: Members, refused: Refused) -> None:
    """Another association's name is refused, one that other members use isn't."""
    first, second = members.publisher.associate("first"), members.publisher.associate("second")
    members.advertiser.associate("third")
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="name", rule="IDN-5"):
        members.publisher.update(second, name="first", description="changed")
    assert [members.publisher.get(one) for one in (first, second)] == [first, second]
    assert members.publisher.update(second, name="third")["name"] == "third"


# Views


@pytest.mark.rule("IDN-2")
def test_views(members: Members, refused: Refused) -> None:
    """The owner has its association under its membership; every active member, and nobody else, sees it in the collaboration."""
    config = {"allowUseAsDimensionColumn": True}
    association = members.publisher.associate(description="of the shop", idMappingConfig=config)
    summary = {name: value for name, value in association.items() if name != "idMappingConfig"}
    summary["inputReferenceProperties"] = {"idNamespaceType": SOURCE}
    assert members.publisher.associations() == [summary]
    assert members.advertiser.associations() == []
    of_membership = ("membershipId", "membershipArn")
    identifier = {"idNamespaceAssociationIdentifier": association["id"]}
    for member in (members.publisher, members.advertiser):
        answer = member.client.get_collaboration_id_namespace_association(**members.here, **identifier)
        expected = {name: value for name, value in association.items() if name not in of_membership}
        assert answer["collaborationIdNamespaceAssociation"] == {**expected, "creatorAccountId": PUBLISHER}
        expected = {name: value for name, value in summary.items() if name not in of_membership}
        assert member.shown() == [{**expected, "creatorAccountId": PUBLISHER}]
    for client in members.outsiders():
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            client.get_collaboration_id_namespace_association(**members.here, **identifier)
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            client.list_collaboration_id_namespace_associations(**members.here)
    with refused("ResourceNotFoundException") as error:
        members.advertiser.client.get_collaboration_id_namespace_association(
            **members.here, idNamespaceAssociationIdentifier=NOWHERE
        )
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", NOWHERE)


@pytest.mark.rule("IDN-6")
@pytest.mark.parametrize("operation", ["get", "update", "dissociate"])
def test_association_of_others(members: Members, refused: Refused, operation: str) -> None:
    """What is another member's isn't found, neither under its membership nor under the caller's own."""
    association = members.publisher.associate()
    with refused("ResourceNotFoundException") as error:
        getattr(members.advertiser, operation)(association)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", association["id"])
    members.advertiser.id = members.publisher.id
    with refused("ResourceNotFoundException") as error:
        getattr(members.advertiser, operation)(association)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", members.publisher.membership["id"])
    with refused("ResourceNotFoundException"):
        members.advertiser.associations()
    with refused("ResourceNotFoundException"):
        members.advertiser.associate(namespace=namespace_of(ADVERTISER))
    assert members.publisher.get(association) == association


@pytest.mark.rule("IDN-6")
@pytest.mark.parametrize("ending", ENDINGS)
def test_endings(members: Members, refused: Refused, ending: str) -> None:
    """The owner keeps, reads and deletes what it had, creates and updates nothing, and nobody else sees it."""
    association = members.publisher.associate()
    members.end(ending)
    assert members.publisher.get(association) == association
    assert [one["id"] for one in members.publisher.associations()] == [association["id"]]
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        members.publisher.associate("new")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        members.publisher.update(association, name="new")
    if ending == "member removed":
        assert members.advertiser.shown() == []
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            members.publisher.shown()
        kind = members.advertiser.associate()["inputReferenceProperties"]["idNamespaceType"]
        assert kind == SOURCE, "what has left counts no more"
    else:
        for member in (members.advertiser, members.publisher):
            with refused("ResourceNotFoundException") as error:
                member.shown()
            assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", members.collaboration["id"])
    members.publisher.dissociate(association)
    assert members.publisher.associations() == []


@pytest.mark.rule("IDN-6")
def test_deletion(members: Members, refused: Refused) -> None:
    """A deleted association is gone from all views, and isn't found a second time."""
    gone, stays = members.publisher.associate("gone"), members.publisher.associate("stays")
    members.publisher.dissociate(gone)
    for seen in (members.publisher.associations(), members.publisher.shown(), members.advertiser.shown()):
        assert [one["id"] for one in seen] == [stays["id"]]
    for operation in (members.publisher.get, members.publisher.dissociate):
        with refused("ResourceNotFoundException") as error:
            operation(gone)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", gone["id"])


def test_pages(members: Members) -> None:
    """Lists are in order of creation and come in pages."""
    order = (members.publisher, members.advertiser, members.publisher, members.publisher)
    made = [(member, member.associate(f"namespace {number}")["id"]) for number, member in enumerate(order)]
    key = "idNamespaceAssociationSummaries"
    client = members.publisher.client
    own = [one for member, one in made if member is members.publisher]
    paged(client.list_id_namespace_associations, key, own, **members.publisher.id)
    key = "collaborationIdNamespaceAssociationSummaries"
    paged(client.list_collaboration_id_namespace_associations, key, [one for _, one in made], **members.here)


def test_tags(members: Members, refused: Refused) -> None:
    """An association is created with tags, tagged, untagged and deleted with them; others don't find it."""
    association = members.publisher.associate(tags={"team": "media"})
    assert "tags" not in association
    with refused("ResourceNotFoundException", rule="TAG-4"):
        members.advertiser.client.list_tags_for_resource(resourceArn=association["arn"])
    tags_come_and_go(
        members.publisher.client, association["arn"], refused, lambda: members.publisher.dissociate(association)
    )
