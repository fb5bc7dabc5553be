"""What members may do, as the creator of a collaboration says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ADVERTISER, AGENCY, PUBLISHER, Refused, Scene

QUERY = "CAN_QUERY"
RESULTS = "CAN_RECEIVE_RESULTS"
JOB = "CAN_RUN_JOB"
LOG = "CAN_EXPORT_QUERY_ANALYSIS_LOG"
OUTPUT = "CAN_RECEIVE_MODEL_OUTPUT"
INFERENCE = "CAN_RECEIVE_INFERENCE_OUTPUT"


def among_three(scene: Scene, creator: list[str], publisher: list[str], agency: list[str]) -> dict[str, Any]:
    """Create a collaboration of three accounts with these abilities."""
    members = [scene.member(PUBLISHER, publisher), scene.member(AGENCY, agency)]
    return scene.create(creatorMemberAbilities=creator, members=members)


@pytest.mark.rule("COL-7", "COL-8", "COL-9", "COL-10")
@pytest.mark.parametrize(
    ("creator", "publisher", "agency", "rule"),
    [
        pytest.param([QUERY, RESULTS], [QUERY], [], "COL-7", id="creator and another query"),
        pytest.param([RESULTS], [QUERY], [QUERY], "COL-7", id="two others query"),
        pytest.param([RESULTS], [], [LOG], "COL-8", id="nobody queries"),
        pytest.param([], [], [], "COL-8", id="nobody can do anything"),
        pytest.param([QUERY], [LOG], [], "COL-9", id="nobody receives results"),
        pytest.param([QUERY, RESULTS], [JOB], [], "COL-10", id="another than who queries runs jobs"),
        pytest.param([RESULTS, JOB], [], [QUERY], "COL-10", id="the creator runs jobs and another queries"),
        pytest.param([QUERY, RESULTS, JOB], [], [JOB], "COL-10", id="two run jobs"),
    ],
)
def test_abilities_that_no_collaboration_has(
    scene: Scene, refused: Refused, creator: list[str], publisher: list[str], agency: list[str], rule: str
) -> None:
    """One member queries, at least one receives results, and jobs are run by the member that queries, or nothing is created."""
    with refused("ValidationException", "INVALID_CONFIGURATION", rule=rule) as error:
        among_three(scene, creator, publisher, agency)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert scene.advertiser.list_collaborations()["collaborationList"] == []
    assert scene.publisher.list_collaborations()["collaborationList"] == []


@pytest.mark.rule("COL-7", "COL-9", "COL-10", "COL-11", "COL-14")
@pytest.mark.parametrize(
    ("creator", "publisher", "agency"),
    [
        pytest.param([QUERY, RESULTS], [], [], id="the creator queries and receives"),
        pytest.param([], [QUERY], [RESULTS], id="the creator only contributes data"),
        pytest.param([RESULTS], [QUERY, RESULTS], [RESULTS], id="all receive results"),
        pytest.param([RESULTS], [JOB, QUERY], [], id="another queries and runs jobs"),
        pytest.param([LOG, QUERY], [LOG, RESULTS], [LOG], id="all export the analysis log"),
        pytest.param([LOG, JOB, RESULTS, QUERY], [], [], id="everything, in an order of its own"),
    ],
)
def test_abilities_are_given_and_come_back_in_order(
    scene: Scene, creator: list[str], publisher: list[str], agency: list[str]
) -> None:
    """What a collaboration allows is stored for each member, as it was given."""
    collaboration = among_three(scene, creator, publisher, agency)
    given = {ADVERTISER: creator, PUBLISHER: publisher, AGENCY: agency}
    assert {account: scene.member_of(collaboration, account)["abilities"] for account in given} == given


@pytest.mark.rule("COL-14")
def test_membership_has_abilities_in_the_order_given(scene: Scene) -> None:
    """The abilities of a membership are those of its member, in the same order."""
    abilities = [LOG, JOB, RESULTS, QUERY]
    membership = scene.join(scene.advertiser, scene.create(creatorMemberAbilities=abilities))
    assert membership["memberAbilities"] == abilities


@pytest.mark.rule("COL-11", "COL-14")
@pytest.mark.parametrize("abilities", [[], [LOG]])
def test_contributor_joins_without_further_ado(scene: Scene, abilities: list[str]) -> None:
    """Neither no ability at all nor the export of the analysis log alone obliges a member to anything."""
    collaboration = scene.create(members=[scene.member(abilities=abilities)])
    membership = scene.join(scene.publisher, collaboration)
    assert (membership["status"], membership["memberAbilities"]) == ("ACTIVE", abilities)


@pytest.mark.rule("COL-12")
def test_any_number_of_members_receives_model_and_inference_output(scene: Scene) -> None:
    """Both abilities for machine learning go to the creator and to others at once, and are absent where none were given."""
    both, one = {"customMLMemberAbilities": [INFERENCE, OUTPUT]}, {"customMLMemberAbilities": [OUTPUT]}
    members = [scene.member(PUBLISHER, mlMemberAbilities=both), scene.member(AGENCY, mlMemberAbilities=one)]
    collaboration = scene.create(creatorMLMemberAbilities=both, members=[*members, scene.member("444444444444")])
    assert scene.member_of(collaboration, ADVERTISER)["mlAbilities"] == both
    assert scene.member_of(collaboration, PUBLISHER)["mlAbilities"] == both
    assert scene.member_of(collaboration, AGENCY)["mlAbilities"] == one
    assert "mlAbilities" not in scene.member_of(collaboration, "444444444444")
    assert scene.join(scene.publisher, collaboration)["mlMemberAbilities"] == both


@pytest.mark.rule("COL-13")
@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("creatorMemberAbilities", {"creatorMemberAbilities": [QUERY, RESULTS, QUERY]}),
        (
            "creatorMLMemberAbilities.customMLMemberAbilities",
            {"creatorMLMemberAbilities": {"customMLMemberAbilities": [OUTPUT, OUTPUT]}},
        ),
        (
            "members.member.2.memberAbilities",
            {
                "members": [
                    {"accountId": PUBLISHER, "displayName": "publisher", "memberAbilities": [LOG]},
                    {"accountId": AGENCY, "displayName": "agency", "memberAbilities": [RESULTS, RESULTS]},
                ]
            },
        ),
        (
            "members.member.1.mlMemberAbilities.customMLMemberAbilities",
            {
                "members": [
                    {
                        "accountId": PUBLISHER,
                        "displayName": "publisher",
                        "memberAbilities": [],
                        "mlMemberAbilities": {"customMLMemberAbilities": [INFERENCE, OUTPUT, INFERENCE]},
                    }
                ]
            },
        ),
    ],
)
def test_no_ability_is_listed_twice(scene: Scene, refused: Refused, field: str, arguments: dict[str, Any]) -> None:
    """The same ability twice in one list is refused, on the list that has it."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="COL-13"):
        scene.create(**arguments)
    assert scene.advertiser.list_collaborations()["collaborationList"] == []
