"""The life that everything under a membership shares: who sees it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.cleanrooms.test_associations import OTHER, Parties, Party, custom, derived, differs, mapping, namespaces
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, At, Refused, Scene

TAGS = {"stage": "test"}


@dataclass(frozen=True)
class Kind:
    """A kind of resource, and how tests make one.

    :ivar name: as it stands in the names of operations.
    :ivar path: as it stands in ARNs.
    :ivar make: creates one for a party, with a name and tags, if it has a name.
    :ivar resource_type: what exceptions call it.
    :ivar shared: whether the collaboration has operations for it.
    :ivar change: what an update must have.
    """

    name: str
    path: str
    make: Callable[..., dict[str, Any]]
    resource_type: str = "MEMBERSHIP"
    shared: bool = False
    change: tuple[tuple[str, Any], ...] = (("description", "new"),)

    @property
    def member(self) -> str:
        """The output member that holds one, which is also the stem of parameters and lists."""
        first, *others = self.name.split("_")
        return first + "".join(word.title() for word in others)

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    def of(self, resource: dict[str, Any]) -> dict[str, Any]:
        return {f"{self.member}Identifier": resource["id"]}

    def get(self, party: Party, resource: dict[str, Any]) -> dict[str, Any]:
        method = getattr(party.client, f"get_{self.name}")
        return dict(method(**party.here, **self.of(resource))[self.member])

    def all(self, party: Party) -> list[str]:
        answer = getattr(party.client, f"list_{self.plural}")(**party.here)
        return [summary["id"] for summary in answer[f"{self.member}Summaries"]]

    def update(self, party: Party, resource: dict[str, Any]) -> dict[str, Any]:
        method = getattr(party.client, f"update_{self.name}")
        return dict(method(**party.here, **self.of(resource), **dict(self.change))[self.member])

    def delete(self, party: Party, resource: dict[str, Any]) -> Any:
        return getattr(party.client, f"delete_{self.name}")(**party.here, **self.of(resource))

    def shared_get(self, client: Any, collaboration: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
        parameters: dict[str, Any] = {"collaborationIdentifier": collaboration["id"]}
        if self.name == "analysis_template":
            parameters["analysisTemplateArn"] = resource["arn"]
        else:
            parameters.update(self.of(resource))
        answer = getattr(client, f"get_collaboration_{self.name}")(**parameters)
        return dict(answer["collaboration" + self.member[0].upper() + self.member[1:]])

    def shared_views(
        self, client: Any, collaboration: dict[str, Any], resource: dict[str, Any]
    ) -> list[Callable[[], Any]]:
        return [
            lambda: self.shared_get(client, collaboration, resource),
            lambda: self.shared_list(client, collaboration),
        ]

    def shared_list(self, client: Any, collaboration: dict[str, Any]) -> list[str]:
        method = getattr(client, f"list_collaboration_{self.plural}")
        answer = method(collaborationIdentifier=collaboration["id"])
        summaries = answer[f"collaboration{self.member[0].upper()}{self.member[1:]}Summaries"]
        return [summary["id"] for summary in summaries]


def base(party: Party, name: str) -> dict[str, Any]:
    """Return an association that something of this name is built on."""
    alias = f"base_of_{name}"
    made = next((one for one in party.associations() if one["name"] == alias), None)
    return made or party.associate(alias, party.table(custom()))


def make_association(party: Party, name: str, **more: Any) -> dict[str, Any]:
    return party.associate(name, party.table(custom()), **more)


def make_template(party: Party, name: str, **more: Any) -> dict[str, Any]:
    source = {"text": f"SELECT email FROM {base(party, name)['name']}"}
    made = party.client.create_analysis_template(**party.here, name=name, format="SQL", source=source, **more)
    return dict(made["analysisTemplate"])


def make_budget(party: Party, name: str, **more: Any) -> dict[str, Any]:
    budget = {"resourceArn": base(party, name)["arn"], "budgetParameters": [{"type": "LIFETIME", "budget": 5}]}
    made = party.client.create_privacy_budget_template(
        **party.here, privacyBudgetType="ACCESS_BUDGET", parameters={"accessBudget": budget}, **more
    )
    return dict(made["privacyBudgetTemplate"])


def make_private_budget(party: Party, name: str, **more: Any) -> dict[str, Any]:
    """Create the one budget that needs no table."""
    made = party.client.create_privacy_budget_template(
        **party.here,
        privacyBudgetType="DIFFERENTIAL_PRIVACY",
        autoRefresh="NONE",
        parameters={"differentialPrivacy": {"epsilon": 3, "usersNoisePerQuery": 20}},
        **more,
    )
    return dict(made["privacyBudgetTemplate"])


def make_mapping(party: Party, name: str, **more: Any) -> dict[str, Any]:
    if not party.client.list_id_namespace_associations(**party.here)["idNamespaceAssociationSummaries"]:
        namespaces(party)
    return mapping(party, name, **more)


def make_namespace(party: Party, name: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:entityresolution:us-east-1:{party.account_id}:idnamespace/people"
    made = party.client.create_id_namespace_association(
        **party.here,
        name=name,
        inputReferenceConfig={"inputReferenceArn": arn, "manageResourcePolicies": False},
        **more,
    )
    return dict(made["idNamespaceAssociation"])


def make_model(party: Party, name: str, **more: Any) -> dict[str, Any]:
    made = party.client.create_configured_audience_model_association(
        **party.here,
        configuredAudienceModelArn=f"arn:aws:cleanrooms-ml:us-east-1:{party.account_id}:configured-audience-model/a",
        configuredAudienceModelAssociationName=name,
        manageResourcePolicies=False,
        **more,
    )
    return dict(made["configuredAudienceModelAssociation"])


def make_intermediate(party: Party, name: str, **more: Any) -> dict[str, Any]:
    return derived(party, name, f"SELECT email FROM {base(party, name)['name']}", **more)


KINDS = [
    Kind(
        "configured_table_association",
        "configuredtableassociation",
        make_association,
        resource_type="CONFIGURED_TABLE_ASSOCIATION",
    ),
    Kind("analysis_template", "analysistemplate", make_template, shared=True),
    Kind(
        "privacy_budget_template",
        "privacybudgettemplate",
        make_budget,
        shared=True,
        change=(
            ("privacyBudgetType", "ACCESS_BUDGET"),
            ("parameters", {"accessBudget": {"budgetParameters": [{"type": "LIFETIME", "budget": 6}]}}),
        ),
    ),
    Kind("id_mapping_table", "idmappingtable", make_mapping),
    Kind("id_namespace_association", "idnamespaceassociation", make_namespace, shared=True),
    Kind("configured_audience_model_association", "configuredaudiencemodelassociation", make_model, shared=True),
    Kind("intermediate_table", "intermediatetable", make_intermediate),
]
SHARED = [kind for kind in KINDS if kind.shared]
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_shared = pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.name)


@pytest.fixture
def parties(scene: Scene) -> Parties:
    """The publisher can query, so that it may keep something of every kind, and the advertiser creates and has no ability."""
    publisher = scene.member(PUBLISHER, ["CAN_QUERY", "CAN_RECEIVE_RESULTS"])
    return Parties(scene, creatorMemberAbilities=[], members=[publisher, scene.member(OTHER)])


# Whose it is


@each
@pytest.mark.rule("LIFE-33", "LIFE-34", "LIFE-37", "ASSOC-9", "TAG-1")
def test_what_the_owner_sees(parties: Parties, kind: Kind) -> None:
    """A resource has its owner's membership and the collaboration, is answered by 200, tagged by its long ARN, and deleted by 204."""
    publisher = parties.publisher
    made = kind.make(publisher, "one", tags=TAGS)
    assert made["arn"] == f"{publisher.membership['arn']}/{kind.path}/{made['id']}"
    assert len(made["arn"]) > 100
    assert (made["membershipId"], made["membershipArn"]) == (publisher.membership["id"], publisher.membership["arn"])
    if "collaborationId" in made:
        there = (parties.collaboration["id"], parties.collaboration["arn"])
        assert (made["collaborationId"], made["collaborationArn"]) == there
    assert made["createTime"] == made["updateTime"]
    assert "tags" not in made
    assert kind.get(publisher, made) == made
    assert kind.all(publisher) == [made["id"]]
    assert publisher.client.list_tags_for_resource(resourceArn=made["arn"])["tags"] == TAGS
    get = getattr(publisher.client, f"get_{kind.name}")(**publisher.here, **kind.of(made))
    assert get["ResponseMetadata"]["HTTPStatusCode"] == 200
    deleted = kind.delete(publisher, made)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert deleted.keys() == {"ResponseMetadata"}


@each
@pytest.mark.rule("LIFE-22", "LIFE-23", "LIFE-24", "LIFE-5")
def test_who_does_not_find_it(scene: Scene, parties: Parties, refused: Refused, kind: Kind) -> None:
    """Nobody else finds the membership, and under another one or once it is deleted the resource isn't there."""
    publisher = parties.publisher
    made = kind.make(publisher, "one")
    for client in (parties.advertiser.client, parties.invited, scene.stranger):
        impostor = copy(publisher)
        impostor.client = client
        for call in (kind.get, kind.update, kind.delete, lambda party, _: kind.all(party)):
            with refused("ResourceNotFoundException", rule="ERR-10") as error:
                call(impostor, made)
            assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", publisher.membership["id"])
    # A second membership of the publisher's, as able as the first.
    able = scene.member(PUBLISHER, ["CAN_QUERY", "CAN_RECEIVE_RESULTS"])
    elsewhere = Parties(scene, creatorMemberAbilities=[], members=[able]).publisher
    assert kind.all(elsewhere) == []
    assert kind.get(publisher, made) == made
    for party in (elsewhere, publisher):
        if party is publisher:
            kind.delete(publisher, made)
        calls: list[Any] = [kind.get, kind.update]
        if kind.name == "intermediate_table":
            kind.delete(party, made)
        else:
            calls.append(kind.delete)
        for call in calls:
            with refused("ResourceNotFoundException", rule="LIFE-24") as error:
                call(party, made)
            assert (error["resourceType"], error["resourceId"]) == (kind.resource_type, made["id"])
        assert kind.all(party) == []


@each_shared
@pytest.mark.rule("LIFE-37", "LIFE-36")
def test_what_all_members_see(parties: Parties, kind: Kind) -> None:
    """Every active member sees the resource in the collaboration, with its creator in place of the membership."""
    publisher = parties.publisher
    made = kind.make(publisher, "one")
    own = {name: value for name, value in made.items() if not name.startswith("membership")}
    for client in (parties.advertiser.client, publisher.client):
        seen = kind.shared_get(client, parties.collaboration, made)
        assert seen.items() <= {**own, "creatorAccountId": PUBLISHER}.items()
        assert {"id", "arn", "createTime", "updateTime", "collaborationId", "creatorAccountId"} <= seen.keys()
        assert kind.shared_list(client, parties.collaboration) == [made["id"]]
    assert kind.all(parties.advertiser) == []


@each_shared
@pytest.mark.rule("LIFE-20", "LIFE-21")
def test_who_is_denied_the_shared_view(scene: Scene, parties: Parties, refused: Refused, kind: Kind) -> None:
    """Whoever hasn't joined is denied, be it the creator, and strangers are; a collaboration that isn't there isn't found."""
    made = kind.make(parties.publisher, "one")
    unjoined = scene.create()
    for client, collaboration, rule in (
        (parties.invited, parties.collaboration, "LIFE-21"),
        (scene.advertiser, unjoined, "LIFE-21"),
        (scene.stranger, parties.collaboration, "ERR-8"),
    ):
        for view in kind.shared_views(client, collaboration, made):
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
                view()
    for view in kind.shared_views(parties.publisher.client, {"id": NOWHERE}, made):
        with refused("ResourceNotFoundException", rule="ERR-8") as error:
            view()
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", NOWHERE)


@pytest.mark.rule("LIFE-24")
@pytest.mark.parametrize(
    "kind",
    # What else isn't found in a collaboration is found by an ARN or by a function of its own.
    [kind for kind in SHARED if kind.name not in ("analysis_template", "privacy_budget_template")],
    ids=lambda kind: kind.name,
)
def test_not_found_in_the_collaboration(scene: Scene, parties: Parties, refused: Refused, kind: Kind) -> None:
    """What a collaboration doesn't have isn't found there, as a COLLABORATION with the id of the resource."""
    made = kind.make(parties.publisher, "one")
    elsewhere = Parties(scene).collaboration
    for collaboration, resource in ((elsewhere, made), (parties.collaboration, {"id": NOWHERE})):
        with refused("ResourceNotFoundException", rule="LIFE-24") as error:
            kind.shared_get(parties.advertiser.client, collaboration, resource)
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", resource["id"])


@pytest.mark.rule("LIFE-25")
@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind.name != "privacy_budget_template"],
    ids=lambda kind: kind.name,
)
def test_what_a_conflict_says(parties: Parties, refused: Refused, kind: Kind) -> None:
    """A conflict is with the resource that has the name: its type, or its container's, and its id."""
    made = kind.make(parties.publisher, "one")
    with refused("ConflictException", "ALREADY_EXISTS") as error:
        kind.make(parties.publisher, "one")
    assert (error["resourceType"], error["resourceId"]) == (kind.resource_type, made["id"])
    assert kind.all(parties.publisher) == [made["id"]]


# What may be done


@each
@pytest.mark.rule("LIFE-26")
def test_abilities(parties: Parties, refused: Refused, kind: Kind) -> None:
    """A member without any ability keeps everything but intermediate tables."""
    advertiser = parties.advertiser
    assert advertiser.membership["memberAbilities"] == []
    if kind.name == "intermediate_table":
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
            kind.make(advertiser, "one")
        assert kind.all(advertiser) == []
    else:
        made = kind.make(advertiser, "one")
        assert kind.all(advertiser) == [made["id"]]


@each
@pytest.mark.rule("LIFE-36")
def test_times(parties: Parties, at: At, kind: Kind) -> None:
    """An update moves updateTime and nothing moves createTime; tags move neither."""
    publisher = parties.publisher
    made = kind.make(publisher, "one")
    at(2040)
    publisher.client.tag_resource(resourceArn=made["arn"], tags=TAGS)
    assert kind.get(publisher, made) == made
    changed = kind.update(publisher, made)
    assert kind.get(publisher, made) == changed
    assert changed["updateTime"].utctimetuple().tm_year == 2040
    assert differs(changed, made) <= {"updateTime", "description", "parameters"}


@each
@pytest.mark.rule("LIFE-35")
def test_tags_go(parties: Parties, refused: Refused, kind: Kind) -> None:
    """Only the owner finds a resource by its ARN, and nobody once it is deleted."""
    publisher = parties.publisher
    made = kind.make(publisher, "one", tags=TAGS)
    for client, is_deleted in ((parties.advertiser.client, False), (publisher.client, True)):
        if is_deleted:
            kind.delete(publisher, made)
        for call, more in (
            (client.list_tags_for_resource, {}),
            (client.tag_resource, {"tags": TAGS}),
            (client.untag_resource, {"tagKeys": ["stage"]}),
        ):
            with refused("ResourceNotFoundException", rule="TAG-4") as error:
                call(resourceArn=made["arn"], **more)
            assert (error["resourceType"], error["resourceId"]) == (kind.resource_type, made["id"])


# How it ends


@pytest.mark.parametrize(
    "kind",
    [kind if kind.make is not make_budget else replace(kind, make=make_private_budget) for kind in KINDS],
    ids=lambda kind: kind.name,
)
@pytest.mark.rule("LIFE-1", "LIFE-2", "LIFE-11", "MEM-36", "LIFE-4")
def test_it_keeps_the_membership(parties: Parties, refused: Refused, kind: Kind) -> None:
    """A resource alone keeps its owner from leaving; when everything is deleted, which nothing blocks, the owner leaves for good."""
    publisher = parties.publisher
    made = kind.make(publisher, "one")
    for other in KINDS:
        if other.name != kind.name:
            for resource_id in other.all(publisher):
                other.delete(publisher, {"id": resource_id})
    with refused("ConflictException", "SUBRESOURCES_EXIST", rule="MEM-36") as error:
        publisher.client.delete_membership(**publisher.here)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", publisher.membership["id"])
    assert publisher.client.get_membership(**publisher.here)["membership"]["status"] == "ACTIVE"
    assert kind.all(publisher) == [made["id"]]
    kind.delete(publisher, made)
    publisher.client.delete_membership(**publisher.here)
    with refused("ResourceNotFoundException", rule="ERR-10"):
        kind.all(publisher)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
        publisher.client.create_membership(**parties.there, queryLogStatus="DISABLED")
    members = parties.advertiser.client.list_members(**parties.there)["memberSummaries"]
    assert {member["accountId"]: member["status"] for member in members}[PUBLISHER] == "LEFT"


@each
@pytest.mark.rule("LIFE-3", "MEM-37", "LIFE-2", "MEM-36")
@pytest.mark.parametrize("end", ["removed", "deleted"])
def test_it_keeps_the_membership_in_every_status(parties: Parties, refused: Refused, kind: Kind, end: str) -> None:
    """That the creator stays comes first; once the membership has ended, what is left under it keeps it still."""
    owner = parties.publisher
    if end == "deleted" and kind.name != "intermediate_table":
        owner = parties.advertiser
    made = kind.make(owner, "one")
    if owner is parties.advertiser:
        with refused("ConflictException", "INVALID_STATE", rule="MEM-35"):
            owner.client.delete_membership(**owner.here)
    parties.end(end)
    with refused("ConflictException", "SUBRESOURCES_EXIST", rule="MEM-36") as error:
        owner.client.delete_membership(**owner.here)
    assert error["resourceId"] == owner.membership["id"]
    kind.delete(owner, made)
    for other in KINDS:
        for resource_id in other.all(owner):
            other.delete(owner, {"id": resource_id})
    owner.client.delete_membership(**owner.here)
    assert owner.client.list_memberships()["membershipSummaries"] == []


@each
@pytest.mark.rule("LIFE-13", "LIFE-10", "LIFE-12")
@pytest.mark.parametrize("end", ["removed", "deleted"])
def test_after_the_end(parties: Parties, refused: Refused, kind: Kind, end: str) -> None:
    """Once its membership has ended a resource is read, listed, tagged and deleted by its owner, and neither changed nor made."""
    publisher = parties.publisher
    made = kind.make(publisher, "one", tags=TAGS)
    before = kind.get(publisher, made)
    parties.end(end)
    changed = {"updateTime", "status", "statusReason"} if kind.name == "intermediate_table" else set()
    assert differs(kind.get(publisher, made), before) <= changed
    assert kind.all(publisher) == [made["id"]]
    publisher.client.tag_resource(resourceArn=made["arn"], tags={"more": "yes"})
    assert publisher.client.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {**TAGS, "more": "yes"}
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        kind.update(publisher, made)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        kind.make(publisher, "two")
    assert differs(kind.get(publisher, made), before) <= changed
    kind.delete(publisher, made)
    assert kind.all(publisher) == []


@pytest.mark.rule("LIFE-13")
@pytest.mark.parametrize("end", ["removed", "deleted"])
def test_nothing_is_made_after_the_end(parties: Parties, refused: Refused, end: str) -> None:
    """Every operation that creates or populates is denied before anything it refers to is looked at."""
    publisher = parties.publisher
    table = make_mapping(publisher, "ids")
    parties.end(end)
    client, here = publisher.client, publisher.here
    reference = {"inputReferenceArn": "arn:aws:entityresolution:us-east-1:1:idmappingworkflow/w"}
    namespace = {"inputReferenceArn": f"arn:aws:entityresolution:us-east-1:{ADVERTISER}:idnamespace/n"}
    budget = {"resourceArn": publisher.membership["arn"] + f"/configuredtableassociation/{NOWHERE}"}
    calls: list[Callable[[], Any]] = [
        lambda: client.create_analysis_template(**here, name="one", format="SQL", source={"text": "SELECT"}),
        lambda: client.create_privacy_budget_template(
            **here,
            privacyBudgetType="ACCESS_BUDGET",
            parameters={"accessBudget": {**budget, "budgetParameters": [{"type": "LIFETIME", "budget": 1}]}},
        ),
        lambda: client.create_id_mapping_table(
            **here, name="ids", inputReferenceConfig={**reference, "manageResourcePolicies": False}
        ),
        lambda: client.populate_id_mapping_table(**here, idMappingTableIdentifier=table["id"]),
        lambda: client.populate_id_mapping_table(**here, idMappingTableIdentifier=NOWHERE),
        lambda: client.create_id_namespace_association(
            **here, name="one", inputReferenceConfig={**namespace, "manageResourcePolicies": False}
        ),
        lambda: derived(publisher, "select", "SELECT"),
        lambda: client.populate_intermediate_table(**here, intermediateTableIdentifier=NOWHERE),
        lambda: publisher.associate(table={"id": NOWHERE}),
    ]
    for call in calls:
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
            call()


@each_shared
@pytest.mark.rule("LIFE-10", "LIFE-12", "LIFE-20")
@pytest.mark.parametrize("end", ["removed", "deleted"])
def test_what_others_see_after_the_end(parties: Parties, refused: Refused, kind: Kind, end: str) -> None:
    """A removed member's resources vanish from the collaboration, others' stay; a deleted one's views are closed to everybody."""
    made = kind.make(parties.publisher, "one")
    other = kind.make(parties.advertiser, "two")
    collaboration = parties.collaboration
    parties.end(end)
    if end == "removed":
        client = parties.advertiser.client
        assert kind.shared_list(client, collaboration) == [other["id"]]
        assert kind.shared_get(client, collaboration, other)["id"] == other["id"]
        with refused("ResourceNotFoundException"):
            kind.shared_get(client, collaboration, made)
        for view in kind.shared_views(parties.publisher.client, collaboration, made):
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="ERR-8"):
                view()
    else:
        for party in (parties.advertiser, parties.publisher):
            for view in kind.shared_views(party.client, collaboration, made):
                with refused("ResourceNotFoundException", rule="ERR-8"):
                    view()


@pytest.mark.rule("LIFE-10", "LIFE-36")
def test_what_is_built_on_a_removed_members_tables(scene: Scene, at: At) -> None:
    """Tables built on a removed member's lose their data then, and what that member deletes later moves nothing."""
    parties = Parties(scene)
    advertiser = parties.advertiser
    base = parties.publisher.associate("base", parties.publisher.table(custom()))
    below = derived(advertiser, "below", "SELECT email FROM base")
    above = derived(advertiser, "above", "SELECT email FROM below")
    at(2040)
    parties.end("removed")
    kind = KINDS[-1]
    seen = [kind.get(advertiser, table) for table in (below, above)]
    assert [table["status"] for table in seen] == ["BASE_TABLE_REMOVED"] * 2
    assert [table["updateTime"].utctimetuple().tm_year for table in seen] == [2040] * 2
    at(2041)
    parties.publisher.delete(base)
    assert [kind.get(advertiser, table) for table in (below, above)] == seen


# Lists


@each
@pytest.mark.rule("LIFE-30", "LIFE-31", "LIFE-32")
def test_lists(scene: Scene, parties: Parties, refused: Refused, kind: Kind) -> None:
    """Every listing is empty at first, comes in order of creation and in pages, and doesn't take another's token."""
    publisher = parties.publisher
    Parties(scene)
    listings = [(f"list_{kind.plural}", publisher.here, f"{kind.member}Summaries")]
    if kind.shared:
        member = f"collaboration{kind.member[0].upper()}{kind.member[1:]}Summaries"
        listings.append((f"list_collaboration_{kind.plural}", parties.there, member))
    for name, where, member in listings:
        answer = getattr(publisher.client, name)(**where)
        assert answer[member] == []
        assert "nextToken" not in answer
    ids = [kind.make(publisher, f"n{number}")["id"] for number in range(3)]
    for name, where, member in listings:
        method = getattr(publisher.client, name)
        first = method(**where, maxResults=2)
        second = method(**where, maxResults=2, nextToken=first["nextToken"])
        assert [[one["id"] for one in page[member]] for page in (first, second)] == [ids[:2], ids[2:]]
        assert "nextToken" not in second
        whole = method(**where, maxResults=3)
        assert [one["id"] for one in whole[member]] == ids
        assert "nextToken" not in whole
        token = publisher.client.list_memberships(maxResults=1)["nextToken"]
        for foreign in (token, first["nextToken"] + "x"):
            with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
                method(**where, nextToken=foreign)
        with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="maxResults"):
            method(**where, maxResults=101)


@pytest.mark.rule("LIFE-30")
@pytest.mark.cleanrooms(quotas=None)
def test_pages_have_a_hundred_items(parties: Parties) -> None:
    """Without maxResults a page has a hundred items, and the token of the next."""
    publisher = parties.publisher
    table = publisher.table()
    ids = [publisher.associate(f"n{number}", table)["id"] for number in range(101)]
    first = publisher.client.list_configured_table_associations(**publisher.here)
    second = publisher.client.list_configured_table_associations(**publisher.here, nextToken=first["nextToken"])
    pages = [[one["id"] for one in page["configuredTableAssociationSummaries"]] for page in (first, second)]
    assert pages == [ids[:100], ids[100:]]
    assert "nextToken" not in second
    assert len(publisher.schemas()) == 100
