"""Configured audience model associations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cleanrooms.test_id_namespaces import ENDINGS, Member, Members
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Clock, Refused, Scene, paged, tags_come_and_go

QUOTA = "Configured audience model associations per membership"


def model_of(account_id: str, name: str = "lookalikes", region_name: str = "us-east-1") -> str:
    return f"arn:aws:cleanrooms-ml:{region_name}:{account_id}:configured-audience-model/{name}"


class Models:
    """A member's configured audience model associations."""

    def __init__(self, member: Member) -> None:
        self.member, self.client, self.id = member, member.client, member.id

    def associate(self, name: str = "lookalikes", model: str | None = None, **more: Any) -> dict[str, Any]:
        arguments = {
            **self.id,
            "configuredAudienceModelArn": model or model_of(self.member.account_id),
            "configuredAudienceModelAssociationName": name,
            "manageResourcePolicies": True,
            **more,
        }
        answer = self.client.create_configured_audience_model_association(**arguments)
        return dict(answer["configuredAudienceModelAssociation"])

    def of(self, association: dict[str, Any]) -> dict[str, Any]:
        return {**self.id, "configuredAudienceModelAssociationIdentifier": association["id"]}

    def get(self, association: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.get_configured_audience_model_association(**self.of(association))
        return dict(answer["configuredAudienceModelAssociation"])

    def update(self, association: dict[str, Any], **changes: Any) -> dict[str, Any]:
        answer = self.client.update_configured_audience_model_association(**self.of(association), **changes)
        return dict(answer["configuredAudienceModelAssociation"])

    def delete(self, association: dict[str, Any]) -> None:
        self.client.delete_configured_audience_model_association(**self.of(association))

    def own(self) -> Any:
        answer = self.client.list_configured_audience_model_associations(**self.id)
        return answer["configuredAudienceModelAssociationSummaries"]

    def shown(self) -> Any:
        answer = self.client.list_collaboration_configured_audience_model_associations(**self.member.here)
        return answer["collaborationConfiguredAudienceModelAssociationSummaries"]


class Offers(Members):
    """Both members with their associations."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.theirs = Models(self.advertiser)
        self.mine = Models(self.publisher)


@pytest.fixture
def offers(scene: Scene, clock: Clock) -> Offers:
    return Offers(scene)


@pytest.mark.rule("AUD-4")
@pytest.mark.parametrize("manages", [True, False])
@pytest.mark.parametrize("given", [{}, {"description": ""}, {"description": "of the shop"}])
def test_association(offers: Offers, clock: Clock, manages: bool, given: dict[str, Any]) -> None:
    """A member without abilities has its model answered with all that was said of it, its name as `name`."""
    association = offers.mine.associate("who is alike", manageResourcePolicies=manages, **given)
    assert association == {
        "id": association["id"],
        "arn": f"{offers.publisher.membership['arn']}/configuredaudiencemodelassociation/{association['id']}",
        "configuredAudienceModelArn": model_of(PUBLISHER),
        "membershipId": offers.publisher.membership["id"],
        "membershipArn": offers.publisher.membership["arn"],
        "collaborationId": offers.collaboration["id"],
        "collaborationArn": offers.collaboration["arn"],
        "name": "who is alike",
        "manageResourcePolicies": manages,
        "createTime": clock.now,
        "updateTime": clock.now,
        **given,
    }
    clock.advance(seconds=90)
    assert offers.mine.get(association) == association


@pytest.mark.rule("AUD-1")
@pytest.mark.parametrize("model", [model_of(ADVERTISER), model_of(PUBLISHER, region_name="eu-west-1")])
@pytest.mark.parametrize("registered", [True, False])
def test_model_of_others(offers: Offers, refused: Refused, model: str, registered: bool) -> None:
    """A model of another account or Region is refused, whether it is known or not."""
    if registered:
        offers.scene.handle.audience_models.add_configured_audience_model(model)
    field = "configuredAudienceModelArn"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="AUD-1"):
        offers.mine.associate(model=model)
    assert offers.mine.own() == offers.theirs.shown() == []


@pytest.mark.rule("AUD-1")
def test_registered_models(offers: Offers, refused: Refused) -> None:
    """As soon as an account has a registered model its others don't exist; of other accounts that says nothing."""
    registry = offers.scene.handle.audience_models
    registry.add_configured_audience_model(model_of(STRANGER))
    offers.mine.associate("before", model_of(PUBLISHER, "unknown"))
    registry.add_configured_audience_model(model_of(PUBLISHER))
    offers.mine.associate("known")
    with refused(
        "ValidationException", "INVALID_CONFIGURATION", field="configuredAudienceModelArn", rule="AUD-1"
    ) as error:
        offers.mine.associate("after", model_of(PUBLISHER, "unknown"))
    assert "doesn't exist" in error["Error"]["Message"]
    assert [one["name"] for one in offers.mine.own()] == ["before", "known"]
    offers.theirs.associate(model=model_of(ADVERTISER, "unknown"))


@pytest.mark.rule("AUD-2")
def test_names(offers: Offers, refused: Refused) -> None:
    """A name is one association's in a membership; the model may come again, and the name in other memberships and after a deletion."""
    first = offers.mine.associate()
    with refused("ConflictException", "ALREADY_EXISTS", rule="AUD-2") as error:
        offers.mine.associate(model=model_of(PUBLISHER, "others"))
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", first["id"])
    assert len(offers.mine.own()) == 1
    offers.mine.associate("again")
    offers.theirs.associate()
    offers.mine.delete(first)
    offers.mine.associate()


@pytest.mark.rule("AUD-3", "QUO-11")
def test_quota(offers: Offers, refused: Refused) -> None:
    """A membership has five associations at most; every other check comes first, and other members count for themselves."""
    made = [offers.mine.associate(f"model {number}") for number in range(5)]
    with refused("ServiceQuotaExceededException") as error:
        offers.mine.associate()
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 5.0)
    assert len(offers.mine.own()) == 5
    with refused("ConflictException", rule="AUD-2"):
        offers.mine.associate("model 3")
    offers.theirs.associate()
    offers.mine.delete(made[0])
    offers.mine.associate()
    offers.scene.handle.quotas[QUOTA] = 6
    offers.mine.associate("sixth")


@pytest.mark.rule("AUD-1", "AUD-2")
def test_order_of_checks(offers: Offers, refused: Refused) -> None:
    """Tags come first, then the model, then the name."""
    offers.mine.associate()
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="tags", rule="TAG-10"):
        offers.mine.associate(model=model_of(ADVERTISER), tags={"aws:team": "media"})
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="AUD-1"):
        offers.mine.associate(model=model_of(ADVERTISER))
    assert len(offers.mine.own()) == 1


@pytest.mark.rule("AUD-4")
@pytest.mark.parametrize(
    "changes",
    [{}, {"name": "lookalikes"}, {"name": "alike"}, {"description": ""}, {"name": "alike", "description": "new"}],
)
@pytest.mark.parametrize("given", [{}, {"description": "old"}])
def test_update(
    offers: Offers,
    clock: Clock,
    changes: dict[str, Any],
    given: dict[str, Any],
) -> None:
    """An update changes what it names, and the time; the name may be the one that it has."""
    association = offers.mine.associate(**given)
    clock.advance(seconds=90)
    updated = offers.mine.update(association, **changes)
    assert updated == {**association, **changes, "updateTime": clock.now}
    assert offers.mine.get(association) == updated


@pytest.mark.rule("AUD-4")
def test_update_to_a_taken_name(offers: Offers, refused: Refused) -> None:
    """Another association's name is refused, one that other members use isn't."""
    first, second = offers.mine.associate("first"), offers.mine.associate("second")
    offers.theirs.associate("third")
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="name", rule="AUD-4"):
        offers.mine.update(second, name="first", description="changed")
    assert [offers.mine.get(one) for one in (first, second)] == [first, second]
    assert offers.mine.update(second, name="third")["name"] == "third"


@pytest.mark.rule("AUD-4")
def test_views(offers: Offers, refused: Refused) -> None:
    """The owner has its association under its membership; every active member, and nobody else, sees it in the collaboration."""
    association = offers.mine.associate(description="of the shop")

    def without(*names: str) -> dict[str, Any]:
        return {name: value for name, value in association.items() if name not in names}

    assert offers.mine.own() == [without("manageResourcePolicies")]
    assert offers.theirs.own() == []
    owners = ("membershipId", "membershipArn", "manageResourcePolicies")
    identifier = {"configuredAudienceModelAssociationIdentifier": association["id"]}
    for models in (offers.mine, offers.theirs):
        answer = models.client.get_collaboration_configured_audience_model_association(**offers.here, **identifier)
        shown = answer["collaborationConfiguredAudienceModelAssociation"]
        assert shown == {**without(*owners), "creatorAccountId": PUBLISHER}
        summary = {**without(*owners, "configuredAudienceModelArn"), "creatorAccountId": PUBLISHER}
        assert models.shown() == [summary]
    for client in offers.outsiders():
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            client.get_collaboration_configured_audience_model_association(**offers.here, **identifier)
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            client.list_collaboration_configured_audience_model_associations(**offers.here)
    with refused("ResourceNotFoundException") as error:
        offers.theirs.client.get_collaboration_configured_audience_model_association(
            **offers.here, configuredAudienceModelAssociationIdentifier=NOWHERE
        )
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", NOWHERE)


@pytest.mark.rule("AUD-4")
@pytest.mark.parametrize("operation", ["get", "update", "delete"])
def test_association_of_others(offers: Offers, refused: Refused, operation: str) -> None:
    """What is another member's isn't found, neither under its membership nor under the caller's own."""
    association = offers.mine.associate()
    with refused("ResourceNotFoundException") as error:
        getattr(offers.theirs, operation)(association)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", association["id"])
    offers.theirs.id = offers.mine.id
    with refused("ResourceNotFoundException") as error:
        getattr(offers.theirs, operation)(association)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", offers.publisher.membership["id"])
    for attempt in (offers.theirs.own, offers.theirs.associate):
        with refused("ResourceNotFoundException"):
            attempt()
    assert offers.mine.get(association) == association


@pytest.mark.rule("AUD-4")
@pytest.mark.parametrize("ending", ENDINGS)
def test_endings(offers: Offers, refused: Refused, ending: str) -> None:
    """The owner keeps, reads and deletes what it had, creates and updates nothing, and nobody else sees it."""
    association = offers.mine.associate()
    offers.end(ending)
    assert offers.mine.get(association) == association
    assert [one["id"] for one in offers.mine.own()] == [association["id"]]
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        offers.mine.associate("new")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        offers.mine.update(association, name="new")
    if ending == "member removed":
        assert offers.theirs.shown() == []
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
            offers.mine.shown()
    else:
        for models in (offers.mine, offers.theirs):
            with refused("ResourceNotFoundException") as error:
                models.shown()
            assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", offers.collaboration["id"])
    offers.mine.delete(association)
    assert offers.mine.own() == []


@pytest.mark.rule("AUD-4")
def test_deletion(offers: Offers, refused: Refused) -> None:
    """A deleted association is gone from all views, and isn't found a second time."""
    gone, stays = offers.mine.associate("gone"), offers.mine.associate("stays")
    offers.mine.delete(gone)
    for seen in (offers.mine.own(), offers.mine.shown(), offers.theirs.shown()):
        assert [one["id"] for one in seen] == [stays["id"]]
    for operation in (offers.mine.get, offers.mine.delete):
        with refused("ResourceNotFoundException") as error:
            operation(gone)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", gone["id"])


def test_pages(offers: Offers) -> None:
    """Lists are in order of creation and come in pages."""
    order = (offers.mine, offers.theirs, offers.mine, offers.mine)
    made = [(models, models.associate(f"model {number}")["id"]) for number, models in enumerate(order)]
    own = [one for models, one in made if models is offers.mine]
    client = offers.mine.client
    key = "configuredAudienceModelAssociationSummaries"
    paged(client.list_configured_audience_model_associations, key, own, **offers.mine.id)
    key = "collaborationConfiguredAudienceModelAssociationSummaries"
    every = [one for _, one in made]
    paged(client.list_collaboration_configured_audience_model_associations, key, every, **offers.here)


def test_tags(offers: Offers, refused: Refused) -> None:
    """An association is created with tags, tagged, untagged and deleted with them; others don't find it."""
    association = offers.mine.associate(tags={"team": "media"})
    assert "tags" not in association
    with refused("ResourceNotFoundException", rule="TAG-4"):
        offers.theirs.client.list_tags_for_resource(resourceArn=association["arn"])
    tags_come_and_go(offers.mine.client, association["arn"], refused, lambda: offers.mine.delete(association))
