"""Quotas: their defaults, what a test sets in their place, and what is said beyond them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.cleanrooms.quotas import QUOTAS
from tests.conftest import ADVERTISER, PUBLISHER, STRANGER, Refused, Scene

COLLABORATIONS = "Collaborations created per account"
MEMBERSHIPS = "Memberships per account"
INVITED = "Members invited per collaboration"

#: The quotas of what there is so far, with their codes in Service Quotas and their defaults; all of them are adjustable.
DOCUMENTED = {COLLABORATIONS: ("L-F60C2030", 500), MEMBERSHIPS: ("L-99A163CB", 500), INVITED: ("L-F7B26AF5", 5)}


def invited(scene: Scene, number: int) -> list[dict[str, Any]]:
    return [scene.member(f"{account:012}") for account in range(1, number + 1)]


@pytest.mark.rule("QUO-1", "QUO-2", "QUO-3")
def test_the_documented_defaults(cleanrooms: Handle) -> None:
    """Names, codes and defaults are those of Service Quotas, and a mock applies them unless it is told otherwise."""
    for name, (code, default) in DOCUMENTED.items():
        assert (QUOTAS[name].name, QUOTAS[name].code, QUOTAS[name].adjustable) == (name, code, True)
        assert cleanrooms.quotas[name] == QUOTAS[name].default == default
    assert dict(cleanrooms.quotas) == {name: quota.default for name, quota in QUOTAS.items()}


@pytest.mark.rule("QUO-1", "QUO-2", "QUO-30", "QUO-31", "COL-6", "MEM-5")
def test_five_hundred_of_each(scene: Scene, refused: Refused) -> None:
    """The five hundredth collaboration and membership are made, the next ones refused with the default."""
    for _ in range(500):
        collaboration = scene.create()
        scene.join(scene.publisher, collaboration)
    with refused("ServiceQuotaExceededException", rule="COL-6") as error:
        scene.create()
    assert (error["quotaName"], error["quotaValue"]) == (COLLABORATIONS, 500.0)
    theirs: Any = scene.stranger.create_collaboration(
        name="theirs",
        creatorDisplayName="stranger",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[scene.member()],  # type: ignore[list-item]
        queryLogStatus="DISABLED",
    )
    with refused("ServiceQuotaExceededException", rule="MEM-5") as error:
        scene.join(scene.publisher, theirs["collaboration"])
    assert (error["quotaName"], error["quotaValue"]) == (MEMBERSHIPS, 500.0)
    assert len(scene.handle.backend(PUBLISHER).memberships) == 500


@pytest.mark.rule("QUO-3", "QUO-30", "COL-5")
def test_five_invited(scene: Scene, refused: Refused) -> None:
    """Five members are invited besides the creator, a sixth is too many, and then nobody is."""
    with refused("ServiceQuotaExceededException", rule="COL-5") as error:
        scene.create(members=invited(scene, 6))
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert {name: error[name] for name in error.keys() - {"Error", "ResponseMetadata", "message"}} == {
        "quotaName": INVITED,
        "quotaValue": 5.0,
    }
    assert type(error["quotaValue"]) is float
    assert scene.advertiser.list_collaborations()["collaborationList"] == []
    collaboration = scene.create(members=invited(scene, 5))
    members = scene.advertiser.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
    assert len(members) == 6


@pytest.mark.rule("QUO-3")
def test_a_change_request_invites_within_the_quota_too(scene: Scene, refused: Refused) -> None:
    """Adding a member beyond the quota is refused; one that was removed makes room for another."""
    collaboration = scene.create(members=invited(scene, 5))

    def add() -> Any:
        specification: Any = {"accountId": STRANGER, "displayName": "new", "memberAbilities": []}
        return scene.advertiser.create_collaboration_change_request(
            collaborationIdentifier=collaboration["id"],
            changes=[{"specificationType": "MEMBER", "specification": {"member": specification}}],
        )["collaborationChangeRequest"]

    with refused("ServiceQuotaExceededException") as error:
        add()
    assert (error["quotaName"], error["quotaValue"]) == (INVITED, 5.0)
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=f"{1:012}")
    assert add()["status"] == "APPROVED"


@pytest.mark.rule("QUO-1", "QUO-30", "COL-6")
@pytest.mark.cleanrooms(quotas={COLLABORATIONS: 2})
def test_an_override_by_the_marker(scene: Scene, refused: Refused) -> None:
    """A mapping replaces single defaults; deleted collaborations make room, other accounts and Regions have their own."""
    assert dict(scene.handle.quotas) == {**{name: quota.default for name, quota in QUOTAS.items()}, COLLABORATIONS: 2}
    first, _ = scene.create(), scene.create()
    with refused("ServiceQuotaExceededException", rule="COL-6") as error:
        scene.create()
    assert (error["quotaName"], error["quotaValue"]) == (COLLABORATIONS, 2.0)
    assert type(error["quotaValue"]) is float
    own = {
        "name": "own",
        "creatorDisplayName": "somebody",
        "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        "members": [],
        "queryLogStatus": "DISABLED",
    }
    for client in (scene.publisher, scene.handle.client(ADVERTISER, "eu-west-1")):
        client.create_collaboration(**own)  # type: ignore[arg-type]
    scene.advertiser.delete_collaboration(collaborationIdentifier=first["id"])
    scene.create()
    with refused("ServiceQuotaExceededException", rule="COL-6"):
        scene.create()
    assert len(scene.advertiser.list_collaborations()["collaborationList"]) == 2


@pytest.mark.rule("QUO-31")
def test_lowering_breaks_nothing(scene: Scene, refused: Refused) -> None:
    """A quota below what exists refuses what is new; what exists is read, changed and left as before."""
    collaboration, other = scene.create(queryLogStatus="ENABLED"), scene.create()
    membership = scene.join(scene.publisher, collaboration)
    scene.handle.quotas.update({COLLABORATIONS: 1, MEMBERSHIPS: 0, INVITED: 0})
    with refused("ServiceQuotaExceededException", rule="COL-6") as error:
        scene.create(members=[])
    assert (error["quotaName"], error["quotaValue"]) == (COLLABORATIONS, 1.0)
    with refused("ServiceQuotaExceededException", rule="MEM-5") as error:
        scene.join(scene.publisher, other)
    assert (error["quotaName"], error["quotaValue"]) == (MEMBERSHIPS, 0.0)
    updated = scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="ENABLED")
    assert updated["membership"]["queryLogStatus"] == "ENABLED"
    scene.advertiser.update_collaboration(collaborationIdentifier=collaboration["id"], name="renamed")
    assert scene.publisher.list_memberships()["membershipSummaries"][0]["collaborationName"] == "renamed"
    scene.publisher.delete_membership(membershipIdentifier=membership["id"])
    assert scene.publisher.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("QUO-31", "ERR-16")
def test_quotas_are_looked_at_last(scene: Scene, refused: Refused) -> None:
    """Whatever else is wrong with a call is said before its quota is."""
    scene.handle.quotas.update({COLLABORATIONS: 0, INVITED: 0})
    for wrong, rule in (
        ({"name": " "}, "ERR-3"),
        ({"creatorMemberAbilities": []}, "COL-8"),
        ({"members": [scene.member(ADVERTISER)]}, "COL-3"),
        ({"creatorPaymentConfiguration": {"queryCompute": {"isResponsible": False}}}, "PAY-4"),
    ):
        with refused("ValidationException", rule=rule):
            scene.create(**{"members": [], **wrong})
    with refused("ServiceQuotaExceededException", rule="COL-6"):
        scene.create(members=[])


@pytest.mark.rule("QUO-1", "QUO-2", "QUO-3", "QUO-31")
@pytest.mark.cleanrooms(quotas=None)
def test_no_quotas(scene: Scene) -> None:
    """Without quotas there may be as many as one likes."""
    assert set(scene.handle.quotas.values()) == {float("inf")}
    for number in range(501):
        collaboration = scene.create(members=[scene.member(), *invited(scene, 9 if number == 500 else 0)])
        scene.join(scene.publisher, collaboration)
    assert (
        len(scene.handle.backend(PUBLISHER).memberships)
        == scene.handle.backend(ADVERTISER).collaborations_created
        == 501
    )


def test_assigning_and_deleting(scene: Scene, refused: Refused) -> None:
    """An assigned value holds from the next call on, and deleting it brings the default back."""
    quotas = scene.handle.quotas
    quotas[COLLABORATIONS] = 0
    with refused("ServiceQuotaExceededException", rule="COL-6"):
        scene.create()
    quotas[COLLABORATIONS] = 1
    scene.create()
    with refused("ServiceQuotaExceededException", rule="COL-6"):
        scene.create()
    del quotas[COLLABORATIONS]
    scene.create()
    assert quotas[COLLABORATIONS] == 500


def test_each_mock_has_its_own() -> None:
    """The innermost mock's quotas hold; a mapping is read once, and a mock that starts again has what it was given."""
    mapping: dict[str, float] = {MEMBERSHIPS: 3}
    outer = mock_cleanrooms(quotas=mapping)
    mapping[MEMBERSHIPS] = 7
    with outer as first:
        first.quotas[INVITED] = 1
        with mock_cleanrooms(quotas={INVITED: 0}) as inner:
            assert (inner.quotas[MEMBERSHIPS], inner.quotas[INVITED], first.quotas[INVITED]) == (500, 0, 1)
            scene = Scene(inner)
            with pytest.raises(inner.client().exceptions.ServiceQuotaExceededException):
                scene.create()
        scene = Scene(first)
        assert scene.create()["memberStatus"] == "INVITED"
    with outer as second:
        assert (second.quotas[MEMBERSHIPS], second.quotas[INVITED]) == (3, 5)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda quotas: mock_cleanrooms(quotas={"Memberships": 1}),
        lambda quotas: quotas["Memberships"],
        lambda quotas: quotas.update(Memberships=1),
        lambda quotas: quotas.__delitem__("Memberships"),
    ],
    ids=["mock_cleanrooms", "reading", "assigning", "deleting"],
)
def test_a_quota_that_there_is_not(cleanrooms: Handle, misuse: Callable[[Any], Any]) -> None:
    """An unknown name is an error that names the quotas, at once, however it is used."""
    with pytest.raises(ValueError, match="there is no quota 'Memberships'") as caught:
        misuse(cleanrooms.quotas)
    for name in QUOTAS:
        assert name in str(caught.value)
    assert set(cleanrooms.quotas) == set(QUOTAS)


def test_whether_there_is_a_quota(cleanrooms: Handle) -> None:
    """Asking whether a name is a quota is no misuse."""
    assert MEMBERSHIPS in cleanrooms.quotas
    assert "Memberships" not in cleanrooms.quotas


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), True, "5", None])
def test_a_value_that_is_none(cleanrooms: Handle, value: Any) -> None:
    """A quota is a number of at least 0, and anything else an error that names quota and value, which changes nothing."""
    message = f"quota 'Memberships per account' must be a number of at least 0, not {value!r}"
    with pytest.raises(ValueError, match=message):
        mock_cleanrooms(quotas={MEMBERSHIPS: value})
    with pytest.raises(ValueError, match=message):
        cleanrooms.quotas[MEMBERSHIPS] = value
    assert cleanrooms.quotas[MEMBERSHIPS] == 500


def test_clearing_restores_the_defaults(cleanrooms: Handle) -> None:
    """Deleting all overrides leaves every quota at its default."""
    cleanrooms.quotas.update(dict.fromkeys(QUOTAS, 1))
    cleanrooms.quotas.clear()
    assert dict(cleanrooms.quotas) == {name: quota.default for name, quota in QUOTAS.items()}
