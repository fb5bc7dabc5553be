"""Where the result of a query may go, and who pays for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cleanrooms.staging import Computing, Member, Stage, computing, to_member
from tests.conftest import ADVERTISER, AGENCY, PUBLISHER, STRANGER, Refused, Scene, pays, results_to

__all__ = ["computing"]

pytestmark = pytest.mark.usefixtures("computing")

OUTPUT = "resultConfiguration.outputConfiguration"


@pytest.mark.rule("PQ-31", "PQ-13", "PQ-38")
def test_the_runners_default(scene: Scene, refused: Refused) -> None:
    """Without a result configuration a runner's default is used and shown, if it has one and receives results."""
    without: list[dict[str, Any]] = [{"default": False}, {"abilities": ["CAN_QUERY"], "receives": True}]
    for more in without:
        stage = Stage(scene, **more)
        with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PQ-31"):
            stage.advertiser.start()
    stage = Stage(scene, joining={"defaultResultConfiguration": results_to("mine", resultFormat="PARQUET")})
    shown = stage.advertiser.start()["resultConfiguration"]["outputConfiguration"]
    assert shown == {"s3": {"bucket": "mine", "resultFormat": "PARQUET", "singleFileOutput": False}}


@pytest.mark.rule("PQ-31")
def test_a_default_of_one_that_receives_no_more(scene: Scene, refused: Refused) -> None:
    """A default that stayed from when the runner could receive results serves nobody."""
    stage = Stage(scene)
    backend = scene.handle.backend(ADVERTISER)
    backend.memberships[stage.advertiser.membership["id"]].member.abilities.remove("CAN_RECEIVE_RESULTS")
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PQ-31"):
        stage.advertiser.start()


@pytest.mark.rule("PQ-32", "PQ-38", "PQ-80")
def test_a_bucket_of_the_runners(scene: Scene, refused: Refused) -> None:
    """Naming a bucket takes the ability to receive results, and no default."""
    stage = Stage(scene, default=False)
    for prefix, location in ((None, "own/"), ("", "own/"), ("a", "own/a/"), ("a/b/", "own/a/b/")):
        more = {} if prefix is None else {"keyPrefix": prefix}
        query = stage.advertiser.run(resultConfiguration=results_to("own", **more))
        shown = {"bucket": "own", "resultFormat": "CSV", "singleFileOutput": False, **more}
        assert query["resultConfiguration"] == {"outputConfiguration": {"s3": shown}}
        assert query["result"]["output"] == {"s3": {"location": f"s3://{location}{query['id']}/"}}
    stage = Stage(scene, ["CAN_QUERY"], receives=True)
    locations = [{"member": {"accountId": PUBLISHER}}, {"s3": {"bucket": "own", "resultFormat": "CSV"}}]
    distributed = {"outputConfiguration": {"distribute": {"locations": locations}}}
    for configuration in (results_to("own"), distributed):
        with (
            stage.nothing_starts(),
            refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="PQ-32"),
        ):
            stage.advertiser.start(resultConfiguration=configuration)


@pytest.mark.rule("PQ-33", "PQ-13")
def test_receivers_that_are_not_ready(scene: Scene, refused: Refused) -> None:
    """A member receives that is active, can, and has said where its results go."""
    third = "444444444444"
    members = [
        scene.member(PUBLISHER),
        scene.member(AGENCY, ["CAN_RECEIVE_RESULTS"]),
        scene.member(third, ["CAN_RECEIVE_RESULTS"]),
    ]
    stage = Stage(scene, default=False, members=members)
    Member(scene, stage.collaboration, third, defaultResultConfiguration=results_to("theirs", third))
    # Nobody, one that can't, one that hasn't joined, and the runner without a default.
    for account_id in (STRANGER, PUBLISHER, AGENCY, ADVERTISER):
        with (
            stage.nothing_starts(),
            refused("ValidationException", "INVALID_CONFIGURATION", field=f"{OUTPUT}.member.accountId", rule="PQ-33"),
        ):
            stage.advertiser.start(resultConfiguration=to_member(account_id))
    field = f"{OUTPUT}.distribute.locations.member.2.member.accountId"
    with stage.nothing_starts(), refused("ValidationException", field=field, rule="PQ-33"):
        stage.advertiser.start(resultConfiguration=to_member(third, PUBLISHER))
    assert stage.advertiser.run(resultConfiguration=to_member(third))["status"] == "SUCCESS"
    stage.advertiser.client.delete_member(collaborationIdentifier=stage.collaboration["id"], accountId=third)
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PQ-33"):
        stage.advertiser.start(resultConfiguration=to_member(third))


@pytest.mark.rule("PQ-34", "PQ-35")
@pytest.mark.parametrize(
    "locations",
    [
        [{"member": {"accountId": PUBLISHER}}, {"member": {"accountId": PUBLISHER}}],
        [{"member": {"accountId": PUBLISHER}}, {"member": {"accountId": ADVERTISER}}],
        [{"s3": {"bucket": "one", "resultFormat": "CSV"}}, {"s3": {"bucket": "two", "resultFormat": "CSV"}}],
    ],
)
def test_locations_that_do_not_go_together(scene: Scene, refused: Refused, locations: list[dict[str, Any]]) -> None:
    """Two of the runner's own, a member twice, or the runner as a member are refused, by the second location."""
    stage = Stage(scene, receives=True)
    field = f"{OUTPUT}.distribute.locations.member.2"
    with (
        stage.nothing_starts(),
        refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="PQ-35"),
    ):
        stage.advertiser.start(resultConfiguration={"outputConfiguration": {"distribute": {"locations": locations}}})


@pytest.mark.rule("PQ-37")
def test_regions_of_buckets(scene: Scene, refused: Refused) -> None:
    """A bucket lies where the collaboration lets results go."""
    stage = Stage(scene)
    s3 = stage.advertiser.client_of("s3")
    s3.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.create_bucket(Bucket="home")
    assert stage.advertiser.start(resultConfiguration=results_to("home"))
    field = f"{OUTPUT}.s3.bucket"
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PQ-37"):
        stage.advertiser.start(resultConfiguration=results_to("abroad"))


# Who pays


@pytest.mark.rule("PQ-40", "PQ-41", "PQ-42", "PAY-35", "PAY-36")
def test_the_only_payer(scene: Scene, refused: Refused) -> None:
    """The only candidate pays, named or not, once it has joined; nobody else does."""
    payer = scene.member(AGENCY, paymentConfiguration=pays(query=True))
    stage = Stage(scene, members=[scene.member(), payer])
    field = "queryComputePayerAccountId"
    with (
        stage.nothing_starts(),
        refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PQ-41") as error,
    ):
        stage.advertiser.start()
    assert "no active member that has accepted to pay" in error["message"]
    Member(scene, stage.collaboration, AGENCY, paymentConfiguration=pays(query=True))
    named: list[dict[str, Any]] = [{}, {"queryComputePayerAccountId": AGENCY}]
    for more in named:
        query = stage.advertiser.run(**more)
        assert query["queryComputePayerAccountId"] == AGENCY
    for account_id in (ADVERTISER, PUBLISHER, STRANGER):
        with stage.nothing_starts(), refused("ValidationException", field=field, rule="PQ-41") as error:
            stage.advertiser.start(queryComputePayerAccountId=account_id)
        assert f"{account_id} is no payer candidate" in error["message"]
    assert {query["queryComputePayerAccountId"] for query in stage.advertiser.queries()} == {AGENCY}


@pytest.mark.rule("PQ-40")
@pytest.mark.parametrize("runner", [True, False])
def test_several_payers(scene: Scene, refused: Refused, runner: bool) -> None:
    """Of several candidates the runner pays if it is one; else the query must say who."""
    third = "444444444444"
    others = [PUBLISHER] if runner else [PUBLISHER, third]
    members = [scene.member(one, paymentConfiguration=pays(query=True)) for one in others]
    stage = Stage(
        scene,
        members=members,
        creatorPaymentConfiguration=pays(query=runner),
        publisher={"paymentConfiguration": pays(query=True)},
    )
    if runner:
        assert stage.advertiser.start()["queryComputePayerAccountId"] == ADVERTISER
    else:
        with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PQ-40"):
            stage.advertiser.start()
    query = stage.advertiser.start(queryComputePayerAccountId=PUBLISHER)
    assert query["queryComputePayerAccountId"] == PUBLISHER


@pytest.mark.rule("PQ-41", "PAY-35", "PAY-37", "MEM-42")
@pytest.mark.parametrize("is_removed", [False, True])
def test_payers_that_decline_or_leave(scene: Scene, refused: Refused, is_removed: bool) -> None:
    """Who doesn't pay any more isn't the payer of what starts then, and stays that of what has started."""
    payer = scene.member(PUBLISHER, paymentConfiguration=pays(query=True))
    stage = Stage(scene, members=[payer], publisher={"paymentConfiguration": pays(query=True)})
    query = stage.advertiser.run()
    for answer in (False, True):
        stage.publisher.client.update_membership(
            **stage.publisher.id, membershipPaymentConfiguration=pays(query=answer)
        )
        if answer:
            stage.advertiser.start()
        else:
            with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PQ-41"):
                stage.advertiser.start()
    if is_removed:
        scene.advertiser.delete_member(collaborationIdentifier=stage.collaboration["id"], accountId=PUBLISHER)
    else:
        stage.publisher.client.delete_configured_table_association(
            **stage.publisher.id, configuredTableAssociationIdentifier=stage.visits["id"]
        )
        stage.publisher.client.delete_membership(**stage.publisher.id)
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PQ-41"):
        stage.advertiser.start()
    assert stage.advertiser.get(query)["queryComputePayerAccountId"] == PUBLISHER


def test_two_deliveries_of_one_kind_are_written_once(scene: Scene, computing: Computing) -> None:
    """The receivers of a query are its accounts, each once."""
    stage = Stage(scene, receives=True)
    locations = [{"s3": {"bucket": "own", "resultFormat": "CSV"}}, {"member": {"accountId": PUBLISHER}}]
    stage.advertiser.start(resultConfiguration={"outputConfiguration": {"distribute": {"locations": locations}}})
    (summary,) = stage.advertiser.queries()
    details = summary["receiverConfigurations"][0]["configurationDetails"]
    assert details["directAnalysisConfigurationDetails"] == {"receiverAccountIds": [ADVERTISER, PUBLISHER]}
    assert computing.ran[-1].destination.receivers == [ADVERTISER, PUBLISHER]
