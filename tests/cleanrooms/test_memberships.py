"""Joining a collaboration: create_membership to the last parameter, and what becomes of a membership."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import ANY

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Clock, Refused, Scene, pays, recording, results_to

DEFAULT_ACCOUNT = "123456789012"
#: The account behind the recordings, whose roles stand in them.
RECORDED = "644160558196"
ROLE = f"arn:aws:iam::{PUBLISHER}:role/results"
NOTHING = pays(query=False, job=False, training=False, inference=False, synthetic=False)


pytestmark = pytest.mark.usefixtures("no_retries")


@contextmanager
def nothing_changes(scene: Scene, collaboration: dict[str, Any]) -> Iterator[None]:
    """Assert that the block leaves the members and both accounts' memberships as they were."""

    def state() -> Any:
        return (
            scene.advertiser.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"],
            *(
                client.get_membership(membershipIdentifier=summary["id"])["membership"]
                for client in (scene.advertiser, scene.publisher)
                for summary in client.list_memberships()["membershipSummaries"]
            ),
        )

    before = state()
    yield
    assert state() == before


# Every parameter in, every field out


@pytest.mark.rule("MEM-3", "MEM-20", "MEM-21", "TAG-15", "PAY-10")
def test_every_parameter_comes_back(scene: Scene, clock: Clock) -> None:
    """A membership made with every parameter has every field of the response, as given, and is read back the same."""
    abilities = ["CAN_RUN_JOB", "CAN_QUERY", "CAN_RECEIVE_RESULTS", "CAN_EXPORT_QUERY_ANALYSIS_LOG"]
    learning = {"customMLMemberAbilities": ["CAN_RECEIVE_INFERENCE_OUTPUT", "CAN_RECEIVE_MODEL_OUTPUT"]}
    everything = pays(query=True, job=True, training=True, inference=True, synthetic=True)
    collaboration = scene.create(
        creatorMemberAbilities=[],
        members=[scene.member(abilities=abilities, mlMemberAbilities=learning, paymentConfiguration=everything)],
        queryLogStatus="ENABLED",
        jobLogStatus="ENABLED",
        isMetricsEnabled=True,
    )
    invitation = scene.member_of(collaboration, PUBLISHER)
    clock.advance(seconds=60)
    query_results = {
        "outputConfiguration": {
            "s3": {"resultFormat": "PARQUET", "bucket": "results", "keyPrefix": "spring/", "singleFileOutput": True}
        },
        "roleArn": ROLE,
    }
    job_results = {
        "outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "job-results", "keyPrefix": "jobs/"}},
        "roleArn": ROLE,
    }
    answer: Any = scene.publisher.create_membership(
        collaborationIdentifier=collaboration["id"],
        queryLogStatus="ENABLED",
        jobLogStatus="ENABLED",
        tags={"team": "reach", "cost centre": ""},
        defaultResultConfiguration=query_results,  # type: ignore[arg-type]
        defaultJobResultConfiguration=job_results,  # type: ignore[arg-type]
        paymentConfiguration=everything,  # type: ignore[arg-type]
        isMetricsEnabled=True,
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer.keys() == {"membership", "ResponseMetadata"}
    membership = answer["membership"]
    assert membership == {
        "id": invitation["membershipId"],
        "arn": f"arn:aws:cleanrooms:us-east-1:{PUBLISHER}:membership/{invitation['membershipId']}",
        "collaborationArn": f"arn:aws:cleanrooms:us-east-1:{ADVERTISER}:collaboration/{collaboration['id']}",
        "collaborationId": collaboration["id"],
        "collaborationCreatorAccountId": ADVERTISER,
        "collaborationCreatorDisplayName": "advertiser",
        "collaborationName": "campaign",
        "createTime": clock.now,
        "updateTime": clock.now,
        "status": "ACTIVE",
        "memberAbilities": abilities,
        "mlMemberAbilities": learning,
        "queryLogStatus": "ENABLED",
        "jobLogStatus": "ENABLED",
        "defaultResultConfiguration": query_results,
        "defaultJobResultConfiguration": job_results,
        "paymentConfiguration": everything,
        "isMetricsEnabled": True,
    }
    assert scene.publisher.get_membership(membershipIdentifier=membership["id"])["membership"] == membership
    tags = scene.publisher.list_tags_for_resource(resourceArn=membership["arn"])["tags"]
    assert tags == {"team": "reach", "cost centre": ""}


@pytest.mark.rule("MEM-18", "MEM-19", "MEM-21")
def test_what_was_not_given(scene: Scene, clock: Clock) -> None:
    """A membership made with the two required parameters has no optional field but the filled-in ones, and no tags."""
    collaboration = scene.create()
    clock.advance(seconds=60)
    membership = scene.join(scene.publisher, collaboration)
    assert membership == {
        "id": ANY,
        "arn": ANY,
        "collaborationArn": collaboration["arn"],
        "collaborationId": collaboration["id"],
        "collaborationCreatorAccountId": ADVERTISER,
        "collaborationCreatorDisplayName": "advertiser",
        "collaborationName": "campaign",
        "createTime": clock.now,
        "updateTime": clock.now,
        "status": "ACTIVE",
        "memberAbilities": [],
        "queryLogStatus": "DISABLED",
        "paymentConfiguration": NOTHING,
        "isMetricsEnabled": False,
    }
    assert scene.publisher.list_tags_for_resource(resourceArn=membership["arn"])["tags"] == {}


def _recorded_scenes(scene: Scene) -> list[dict[str, Any]]:
    """Join as in the two memberships that were recorded, and return ours."""
    client = scene.handle.client(RECORDED)
    noncompliant: Any = client.create_collaboration(
        name="Noncompliant Collaboration",
        creatorDisplayName="Noncompliant Test creator",
        creatorMemberAbilities=["CAN_RECEIVE_RESULTS"],
        creatorPaymentConfiguration={"queryCompute": {"isResponsible": True}},
        members=[{"accountId": PUBLISHER, "displayName": "runner", "memberAbilities": ["CAN_QUERY"]}],
        queryLogStatus="DISABLED",
    )
    compliant: Any = client.create_collaboration(
        name="Compliant Collaboration",
        creatorDisplayName="Compliant Member",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[],
        queryLogStatus="ENABLED",
    )
    recorded = [answer["body"]["membership"] for answer in recording("cleanrooms.GetMembership")]
    receiver = scene.join(
        client,
        noncompliant["collaboration"],
        defaultResultConfiguration={
            "outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "c7n-lattice-test-logs"}},
            "roleArn": recorded[0]["defaultResultConfiguration"]["roleArn"],
        },
        paymentConfiguration=pays(query=True),
    )
    runner = scene.join(client, compliant["collaboration"], queryLogStatus="ENABLED")
    return [receiver, runner]


def _with_own_ids(recorded: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """A recorded membership under the ids and times of ours, which must be alike but for those."""
    own = {"id", "arn", "collaborationId", "collaborationArn", "createTime", "updateTime"}
    for name in ("arn", "collaborationArn"):
        assert recorded[name].rpartition("/")[0] == ours[name].rpartition("/")[0]
    assert (recorded["createTime"] == recorded["updateTime"]) == (ours["createTime"] == ours["updateTime"])
    return {name: ours[name] if name in own else value for name, value in recorded.items()}


@pytest.mark.rule("MEM-13", "MEM-14", "MEM-18", "MEM-19", "PAY-10", "PAY-21")
def test_answers_are_those_recorded(scene: Scene) -> None:
    """GetMembership answers what the real service did for the same two memberships, member by member."""
    ours = _recorded_scenes(scene)
    client = scene.handle.client(RECORDED)
    for answer, created in zip(recording("cleanrooms.GetMembership"), ours, strict=True):
        read: Any = client.get_membership(membershipIdentifier=created["id"])["membership"]
        assert read == created == _with_own_ids(answer["body"]["membership"], created)


@pytest.mark.rule("MEM-31")
def test_summaries_are_those_recorded(scene: Scene) -> None:
    """ListMemberships answers what the real service did: a summary has no logging, no result configuration, no metrics."""
    ours = _recorded_scenes(scene)
    answer: Any = scene.handle.client(RECORDED).list_memberships()
    (listing,) = recording("cleanrooms.ListMemberships")
    expected = listing["body"]["membershipSummaries"]
    assert answer["membershipSummaries"] == [_with_own_ids(*pair) for pair in zip(expected, ours, strict=True)]
    assert "nextToken" not in answer


@pytest.mark.rule("MEM-31")
def test_a_summary_has_abilities_for_machine_learning_if_set(scene: Scene) -> None:
    """A summary is the membership less what only GetMembership tells, abilities for machine learning included."""
    learning = {"customMLMemberAbilities": ["CAN_RECEIVE_MODEL_OUTPUT"]}
    collaboration = scene.create(members=[scene.member(mlMemberAbilities=learning)])
    membership = scene.join(scene.publisher, collaboration)
    told = {name: membership[name] for name in membership.keys() - {"queryLogStatus", "isMetricsEnabled"}}
    assert told["mlMemberAbilities"] == learning
    assert scene.publisher.list_memberships()["membershipSummaries"] == [told]


@pytest.mark.rule("MEM-21")
def test_the_member_becomes_active(scene: Scene, clock: Clock) -> None:
    """Joining moves the member from INVITED to ACTIVE for everybody to see, and leaves the collaboration's updateTime."""
    collaboration = scene.create()
    assert scene.member_of(collaboration, PUBLISHER)["status"] == "INVITED"
    clock.advance(seconds=60)
    membership = scene.join(scene.publisher, collaboration)
    member = scene.member_of(collaboration, PUBLISHER)
    assert (member["status"], member["membershipId"], member["membershipArn"]) == (
        "ACTIVE",
        membership["id"],
        membership["arn"],
    )
    assert member["updateTime"] == clock.now
    seen = scene.publisher.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"]
    assert (seen["memberStatus"], seen["updateTime"]) == ("ACTIVE", collaboration["updateTime"])
    assert scene.member_of(collaboration, ADVERTISER)["status"] == "INVITED"


@pytest.mark.rule("MEM-3")
def test_each_account_joins_for_itself(scene: Scene) -> None:
    """The same id in the body makes each caller's own membership, under its own account."""
    collaboration = scene.create(members=[scene.member(), scene.member(STRANGER)])
    for client, account_id in ((scene.stranger, STRANGER), (scene.advertiser, ADVERTISER)):
        membership = scene.join(client, collaboration)
        assert membership["arn"] == f"arn:aws:cleanrooms:us-east-1:{account_id}:membership/{membership['id']}"
        assert [one["id"] for one in client.list_memberships()["membershipSummaries"]] == [membership["id"]]
    assert scene.publisher.list_memberships()["membershipSummaries"] == []


# What the model refuses


@pytest.mark.rule("ERR-3", "PAY-11")
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("collaborationIdentifier", {"collaborationIdentifier": None}),
        ("collaborationIdentifier", {"collaborationIdentifier": "campaign"}),
        ("queryLogStatus", {"queryLogStatus": None}),
        ("queryLogStatus", {"queryLogStatus": "enabled"}),
        ("jobLogStatus", {"jobLogStatus": "ON"}),
        ("tags", {"tags": {"k" * 129: ""}}),
        ("tags", {"tags": {"key": "v" * 257}}),
        ("isMetricsEnabled", {"isMetricsEnabled": "no"}),
        ("defaultResultConfiguration.outputConfiguration", {"defaultResultConfiguration": {"roleArn": ROLE}}),
        (
            "defaultResultConfiguration.outputConfiguration",
            {"defaultResultConfiguration": {"outputConfiguration": {}}},
        ),
        (
            "defaultResultConfiguration.outputConfiguration.s3.resultFormat",
            {"defaultResultConfiguration": {"outputConfiguration": {"s3": {"bucket": "results"}}}},
        ),
        (
            "defaultResultConfiguration.outputConfiguration.s3.resultFormat",
            {"defaultResultConfiguration": results_to(resultFormat="JSON")},
        ),
        (
            "defaultResultConfiguration.outputConfiguration.s3.bucket",
            {"defaultResultConfiguration": {"outputConfiguration": {"s3": {"resultFormat": "CSV"}}}},
        ),
        (
            "defaultResultConfiguration.outputConfiguration.s3.bucket",
            {"defaultResultConfiguration": results_to("Results")},
        ),
        (
            "defaultResultConfiguration.outputConfiguration.s3.keyPrefix",
            {"defaultResultConfiguration": results_to(keyPrefix="spring campaign/")},
        ),
        (
            "defaultResultConfiguration.outputConfiguration.s3.singleFileOutput",
            {"defaultResultConfiguration": results_to(singleFileOutput="yes")},
        ),
        (
            "defaultResultConfiguration.roleArn",
            {"defaultResultConfiguration": {**results_to(), "roleArn": f"arn:aws:iam::{PUBLISHER}:user/results"}},
        ),
        ("defaultJobResultConfiguration.roleArn", {"defaultJobResultConfiguration": results_to()}),
        ("defaultJobResultConfiguration.outputConfiguration", {"defaultJobResultConfiguration": {"roleArn": ROLE}}),
        (
            "defaultJobResultConfiguration.outputConfiguration",
            {"defaultJobResultConfiguration": {"outputConfiguration": {}, "roleArn": ROLE}},
        ),
        (
            "defaultJobResultConfiguration.outputConfiguration.s3.bucket",
            {"defaultJobResultConfiguration": results_to("ab", PUBLISHER)},
        ),
        (
            "defaultJobResultConfiguration.outputConfiguration.s3.keyPrefix",
            {"defaultJobResultConfiguration": results_to("results", PUBLISHER, keyPrefix="k" * 513)},
        ),
        (
            "defaultJobResultConfiguration.outputConfiguration.s3.resultFormat",
            {"defaultJobResultConfiguration": results_to("results", PUBLISHER, resultFormat="csv")},
        ),
        ("paymentConfiguration.queryCompute", {"paymentConfiguration": pays(job=False)}),
        ("paymentConfiguration.queryCompute.isResponsible", {"paymentConfiguration": {"queryCompute": {}}}),
        ("paymentConfiguration.queryCompute.isResponsible", {"paymentConfiguration": pays(query="yes")}),  # type: ignore[arg-type]
        (
            "paymentConfiguration.jobCompute.isResponsible",
            {"paymentConfiguration": {**pays(query=False), "jobCompute": {}}},
        ),
        *(
            (
                f"paymentConfiguration.machineLearning.{cost}.isResponsible",
                {"paymentConfiguration": {**pays(query=False), "machineLearning": {cost: {}}}},
            )
            for cost in ("modelTraining", "modelInference", "syntheticDataGeneration")
        ),
    ],
)
def test_a_broken_constraint_names_its_field(
    scene: Scene, refused: Refused, field: str, change: dict[str, Any]
) -> None:
    """Each parameter that breaks the model is refused before anything else, with the path of the field and nothing more."""
    collaboration = scene.create(members=[scene.member(DEFAULT_ACCOUNT, ["CAN_RECEIVE_RESULTS"])])
    unchecked: Any = boto3.client("cleanrooms", "us-east-1", config=Config(parameter_validation=False))
    arguments = {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "DISABLED", **change}
    given = {name: value for name, value in arguments.items() if value is not None}
    with (
        nothing_changes(scene, collaboration),
        refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="ERR-3") as error,
    ):
        unchecked.create_membership(**given)
    assert [entry["name"] for entry in error["fieldList"]] == [field]
    assert error["message"].startswith(
        f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
    )


# The seven exceptions

Arrangement = Callable[[Scene, dict[str, Any]], dict[str, Any]]


def _has_joined(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    membership = scene.join(scene.publisher, collaboration)
    return {"reason": "ALREADY_EXISTS", "resourceType": "MEMBERSHIP", "resourceId": membership["id"]}


def _has_too_many(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    scene.handle.quotas["Memberships per account"] = 1
    scene.join(scene.publisher, scene.create())
    return {"quotaName": "Memberships per account", "quotaValue": 1.0}


def _finds_nothing(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    return {"resourceType": "COLLABORATION", "resourceId": collaboration["id"]}


def _meets_a_failure(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    scene.handle.inject_fault("create_membership", "InternalServerException")
    return {}


def _would_log(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    scene.handle.backend(PUBLISHER).world.collaborations[collaboration["id"]].query_log_status = "DISABLED"
    return {"reason": "INVALID_CONFIGURATION", "fieldList": [{"name": "queryLogStatus", "message": ANY}]}


def _is_too_fast(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    scene.handle.inject_fault("create_membership", "ThrottlingException")
    return {}


def _was_removed(scene: Scene, collaboration: dict[str, Any]) -> dict[str, Any]:
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    return {"reason": "INSUFFICIENT_PERMISSIONS"}


@pytest.mark.rule("MEM-1", "MEM-2", "MEM-4", "MEM-5", "MEM-16", "ERR-1", "ERR-2", "QUO-2", "QUO-30")
@pytest.mark.parametrize(
    ("arrange", "code", "status", "rule"),
    [
        (_has_joined, "ConflictException", 409, "MEM-2"),
        (_has_too_many, "ServiceQuotaExceededException", 402, "MEM-5"),
        (_finds_nothing, "ResourceNotFoundException", 404, "MEM-1"),
        (_meets_a_failure, "InternalServerException", 500, None),
        (_would_log, "ValidationException", 400, "MEM-16"),
        (_is_too_fast, "ThrottlingException", 429, None),
        (_was_removed, "AccessDeniedException", 403, "MEM-4"),
    ],
)
def test_the_seven_exceptions(scene: Scene, arrange: Arrangement, code: str, status: int, rule: str | None) -> None:
    """Each exception that CreateMembership models has its HTTP status, all of its members and no other, and its class in boto3."""
    collaboration = scene.create(queryLogStatus="ENABLED")
    members = arrange(scene, collaboration)
    before = scene.publisher.list_memberships()["membershipSummaries"]
    with pytest.raises(ClientError) as caught:
        scene.join(scene.publisher, collaboration, queryLogStatus="ENABLED")
    assert type(caught.value) is getattr(scene.publisher.exceptions, code)
    response: Any = dict(caught.value.response)
    metadata, error, message = response.pop("ResponseMetadata"), response.pop("Error"), response.pop("message")
    assert response == members
    assert message
    assert error == {"Code": code, "Message": message}
    assert (metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == (status, 0)
    assert metadata["HTTPHeaders"]["x-amzn-errortype"] == code
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]
    assert metadata["HTTPHeaders"].get("x-cleanrooms-mock-rule") == rule
    assert scene.publisher.list_memberships()["membershipSummaries"] == before


def test_no_other_exception_is_modelled(scene: Scene) -> None:
    """The seven are all that the model has for CreateMembership, and a fault can be none but those."""
    model: Any = scene.publisher.meta.service_model.operation_model("CreateMembership")
    assert len(model.error_shapes) == 7
    with pytest.raises(ValueError, match=r"AccessDeniedException, ConflictException, .*, ValidationException"):
        scene.handle.inject_fault("create_membership", "ResourceInUseException")


# Who may join


@pytest.mark.rule("MEM-1")
@pytest.mark.parametrize("reason", ["unknown", "deleted", "in another Region"])
def test_a_collaboration_that_is_not_there(scene: Scene, refused: Refused, reason: str) -> None:
    """An unknown collaboration, a deleted one and one of another Region aren't found, whoever asks."""
    collaboration = scene.create()
    publisher, identifier = scene.publisher, collaboration["id"]
    if reason == "unknown":
        identifier = NOWHERE
    elif reason == "deleted":
        scene.advertiser.delete_collaboration(collaborationIdentifier=identifier)
    else:
        publisher = scene.handle.client(PUBLISHER, "eu-west-1")
    for client in (publisher, scene.handle.client(ADVERTISER, publisher.meta.region_name)):
        with refused("ResourceNotFoundException", rule="MEM-1") as error:
            client.create_membership(collaborationIdentifier=identifier, queryLogStatus="DISABLED")
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", identifier)


@pytest.mark.rule("MEM-1")
def test_who_was_never_invited(scene: Scene, refused: Refused) -> None:
    """A collaboration that exists denies access to an account that was never invited."""
    collaboration = scene.create()
    with (
        nothing_changes(scene, collaboration),
        refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="MEM-1"),
    ):
        scene.join(scene.stranger, collaboration)
    assert scene.stranger.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("MEM-2")
def test_joining_twice(scene: Scene, refused: Refused) -> None:
    """A second call conflicts with the membership that the first one made, the creator's too."""
    collaboration = scene.create()
    for client in (scene.publisher, scene.advertiser):
        membership = scene.join(client, collaboration)
        with (
            nothing_changes(scene, collaboration),
            refused("ConflictException", "ALREADY_EXISTS", rule="MEM-2") as error,
        ):
            scene.join(client, collaboration, tags={"second": "try"})
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", membership["id"])
        assert client.list_tags_for_resource(resourceArn=membership["arn"])["tags"] == {}


@pytest.mark.rule("MEM-4", "MEM-39")
@pytest.mark.parametrize("departure", ["left", "removed", "removed while invited", "removed, then deleted"])
def test_no_way_back(scene: Scene, refused: Refused, departure: str) -> None:
    """Who left or was removed is denied access, whether it had joined or not."""
    collaboration = scene.create()
    if departure != "removed while invited":
        membership = scene.join(scene.publisher, collaboration)
    if departure.startswith("removed"):
        scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    if departure in ("left", "removed, then deleted"):
        scene.publisher.delete_membership(membershipIdentifier=membership["id"])
    with (
        nothing_changes(scene, collaboration),
        refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="MEM-4"),
    ):
        scene.join(scene.publisher, collaboration)


@pytest.mark.rule("MEM-5", "QUO-2")
def test_memberships_count_until_they_are_deleted(scene: Scene, refused: Refused) -> None:
    """Memberships that are REMOVED or whose collaboration was deleted take their place in the quota until they are deleted."""
    scene.handle.quotas["Memberships per account"] = 2
    removed, orphaned, next_one = scene.create(), scene.create(), scene.create()
    membership = scene.join(scene.publisher, removed)
    scene.join(scene.publisher, orphaned)
    scene.advertiser.delete_member(collaborationIdentifier=removed["id"], accountId=PUBLISHER)
    scene.advertiser.delete_collaboration(collaborationIdentifier=orphaned["id"])
    with refused("ServiceQuotaExceededException", rule="MEM-5") as error:
        scene.join(scene.publisher, next_one)
    assert (error["quotaName"], error["quotaValue"]) == ("Memberships per account", 2.0)
    assert scene.member_of(next_one, PUBLISHER)["status"] == "INVITED"
    scene.publisher.delete_membership(membershipIdentifier=membership["id"])
    assert scene.join(scene.publisher, next_one)["status"] == "ACTIVE"


@pytest.mark.rule("MEM-5", "QUO-2")
def test_the_quota_is_an_account_s_in_a_region(scene: Scene, refused: Refused) -> None:
    """What other accounts and other Regions have doesn't count."""
    scene.handle.quotas["Memberships per account"] = 1
    collaboration, full = scene.create(), scene.create()
    scene.join(scene.publisher, collaboration)
    scene.join(scene.advertiser, collaboration)
    with refused("ServiceQuotaExceededException", rule="MEM-5"):
        scene.join(scene.publisher, full)
    abroad = scene.handle.client(PUBLISHER, "eu-west-1")
    made: Any = abroad.create_collaboration(
        name="abroad",
        creatorDisplayName="publisher",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[],
        queryLogStatus="DISABLED",
    )
    assert scene.join(abroad, made["collaboration"])["status"] == "ACTIVE"


# Logging and metrics


@pytest.mark.rule("MEM-16", "MEM-17", "MEM-18")
@pytest.mark.parametrize(
    ("parameter", "agreed"),
    [
        ("queryLogStatus", "ENABLED"),
        ("queryLogStatus", "DISABLED"),
        ("jobLogStatus", "ENABLED"),
        ("jobLogStatus", "DISABLED"),
        ("jobLogStatus", None),
    ],
)
@pytest.mark.parametrize("wanted", ["ENABLED", "DISABLED"])
@pytest.mark.parametrize("when", ["joining", "updating"])
def test_logging_needs_the_collaboration(
    scene: Scene, refused: Refused, parameter: str, agreed: str | None, wanted: str, when: str
) -> None:
    """Logging is ENABLED only where the collaboration's is, which it isn't where nothing was said; DISABLED always goes."""
    collaboration = scene.create(**{parameter: agreed})
    membership = scene.join(scene.publisher, collaboration) if when == "updating" else {}

    def choose() -> Any:
        if when == "joining":
            return scene.join(scene.publisher, collaboration, **{parameter: wanted})
        choice: Any = {parameter: wanted}
        return scene.publisher.update_membership(membershipIdentifier=membership["id"], **choice)["membership"]

    if wanted == "ENABLED" and agreed != "ENABLED":
        rule = {"queryLogStatus": "MEM-16", "jobLogStatus": "MEM-18"}[parameter]
        with (
            nothing_changes(scene, collaboration),
            refused("ValidationException", "INVALID_CONFIGURATION", field=parameter, rule=rule),
        ):
            choose()
    else:
        assert choose()[parameter] == wanted


RUNS_QUERIES = ["CAN_QUERY", "CAN_RECEIVE_RESULTS"]
RUNS_JOBS = [*RUNS_QUERIES, "CAN_RUN_JOB"]


@pytest.mark.rule("MEM-19")
@pytest.mark.parametrize(
    ("abilities", "side", "metered"),
    [
        (RUNS_QUERIES, {}, True),
        (RUNS_JOBS, {}, True),
        ([], {"query": True}, True),
        ([], {"query": False, "job": True}, True),
        ([], {}, False),
        ([], {"query": False, "training": True, "inference": True, "synthetic": True}, False),
        (["CAN_EXPORT_QUERY_ANALYSIS_LOG"], {}, False),
    ],
)
@pytest.mark.parametrize("agreed", [True, False])
def test_metrics_are_for_who_runs_or_pays(
    scene: Scene, refused: Refused, abilities: list[str], side: dict[str, bool], metered: bool, agreed: bool
) -> None:
    """Metrics need a collaboration that has them and a member that runs or pays for queries or jobs."""
    payment: dict[str, Any] = {"paymentConfiguration": pays(**side)} if side else {}
    creator = [] if abilities in (RUNS_QUERIES, RUNS_JOBS) else RUNS_QUERIES
    collaboration = scene.create(
        creatorMemberAbilities=creator,
        members=[scene.member(abilities=abilities, **payment)],
        isMetricsEnabled=agreed,
    )
    if agreed and metered:
        assert scene.join(scene.publisher, collaboration, isMetricsEnabled=True, **payment)["isMetricsEnabled"]
        return
    with (
        nothing_changes(scene, collaboration),
        refused("ValidationException", "INVALID_CONFIGURATION", field="isMetricsEnabled", rule="MEM-19"),
    ):
        scene.join(scene.publisher, collaboration, isMetricsEnabled=True, **payment)
    without = scene.join(scene.publisher, collaboration, isMetricsEnabled=False, **payment)
    assert without["isMetricsEnabled"] is False


@pytest.mark.rule("MEM-19")
@pytest.mark.parametrize("abilities", [RUNS_QUERIES, RUNS_JOBS])
def test_metrics_for_who_runs_and_does_not_pay(scene: Scene, abilities: list[str]) -> None:
    """The member that runs queries or jobs has metrics where another one pays for all of them, too."""
    collaboration = scene.create(
        creatorMemberAbilities=[],
        creatorPaymentConfiguration=pays(query=True),
        members=[scene.member(abilities=abilities)],
        isMetricsEnabled=True,
    )
    membership = scene.join(scene.publisher, collaboration, isMetricsEnabled=True)
    assert (membership["isMetricsEnabled"], membership["paymentConfiguration"]) == (True, NOTHING)


@pytest.mark.rule("MEM-19")
def test_who_pays_may_stay_without_metrics(scene: Scene) -> None:
    """Where the collaboration has metrics a membership has none unless it asks."""
    collaboration = scene.create(isMetricsEnabled=True)
    assert scene.join(scene.advertiser, collaboration)["isMetricsEnabled"] is False


# The order of the checks


def _assert_order(
    scene: Scene, collaboration: dict[str, Any], wrong: dict[str, Any], steps: list[tuple[str, Callable[[], None]]]
) -> None:
    """Join with everything wrong, and repair one thing after another: each refusal is by the rule that comes next."""
    for expected, repair in steps:
        with pytest.raises(ClientError) as caught:
            scene.join(scene.publisher, collaboration, **wrong)
        headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-cleanrooms-mock-rule"] == expected, caught.value
        assert scene.publisher.list_memberships()["membershipSummaries"] == []
        repair()
    assert scene.join(scene.publisher, collaboration, **wrong)["status"] == "ACTIVE"


@pytest.mark.rule("MEM-22", "ERR-16", "QUO-31")
def test_order_for_a_member_that_receives_nothing(scene: Scene) -> None:
    """Results, job results, query logging, job logging, metrics, payment, quota: in this order, constraints of the model before them all."""
    collaboration = scene.create(members=[scene.member(paymentConfiguration=pays(query=True))], isMetricsEnabled=False)
    scene.handle.quotas["Memberships per account"] = 0
    wrong: dict[str, Any] = {
        "tags": {"key": "v" * 257},
        "defaultResultConfiguration": results_to(),
        "defaultJobResultConfiguration": results_to("results", PUBLISHER),
        "queryLogStatus": "ENABLED",
        "jobLogStatus": "ENABLED",
        "isMetricsEnabled": True,
    }

    def drop(name: str) -> Callable[[], None]:
        return lambda: wrong.pop(name)

    def accept() -> None:
        wrong["paymentConfiguration"] = pays(query=True)

    def raise_quota() -> None:
        del scene.handle.quotas["Memberships per account"]

    _assert_order(
        scene,
        collaboration,
        wrong,
        [
            ("ERR-3", drop("tags")),
            ("MEM-8", drop("defaultResultConfiguration")),
            ("MEM-15", drop("defaultJobResultConfiguration")),
            ("MEM-16", drop("queryLogStatus")),
            ("MEM-18", drop("jobLogStatus")),
            ("MEM-19", drop("isMetricsEnabled")),
            ("PAY-22", accept),
            ("MEM-5", raise_quota),
        ],
    )


@pytest.mark.rule("MEM-22", "ERR-16", "QUO-31")
def test_order_for_a_member_that_receives_results(scene: Scene) -> None:
    """Where results go, the role's name, one file, logging, payment, the buckets, the roles, the quota: in this order."""
    collaboration = scene.create(members=[scene.member(abilities=["CAN_RECEIVE_RESULTS"])])
    scene.handle.backend(PUBLISHER).world.collaborations[collaboration["id"]].analytics_engine = "CLEAN_ROOMS_SQL"
    scene.handle.quotas["Memberships per account"] = 0
    s3 = scene.handle.client(PUBLISHER, service="s3")
    s3.create_bucket(Bucket="results")
    s3.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    iam = scene.handle.client(PUBLISHER, service="iam")
    iam.create_role(RoleName="other", AssumeRolePolicyDocument="{}")
    wrong: dict[str, Any] = {
        "defaultJobResultConfiguration": results_to("abroad", PUBLISHER),
        "queryLogStatus": "ENABLED",
        "paymentConfiguration": pays(query=True),
    }

    def set_(name: str, value: Any) -> Callable[[], None]:
        return lambda: wrong.update({name: value})

    def remove_roles() -> None:
        iam.delete_role(RoleName="other")

    def raise_quota() -> None:
        del scene.handle.quotas["Memberships per account"]

    _assert_order(
        scene,
        collaboration,
        wrong,
        [
            ("MEM-6", set_("defaultResultConfiguration", results_to("abroad", singleFileOutput=True))),
            ("MEM-9", set_("defaultResultConfiguration", results_to("abroad", PUBLISHER, singleFileOutput=True))),
            ("MEM-13", set_("defaultResultConfiguration", results_to("abroad", PUBLISHER))),
            ("MEM-16", set_("queryLogStatus", "DISABLED")),
            ("PAY-24", set_("paymentConfiguration", pays(query=False))),
            ("MEM-12", set_("defaultResultConfiguration", results_to("results", PUBLISHER))),
            ("MEM-12", set_("defaultJobResultConfiguration", results_to("results", PUBLISHER))),
            ("MEM-11", remove_roles),
            ("MEM-5", raise_quota),
        ],
    )


@pytest.mark.rule("MEM-22", "ERR-16")
@pytest.mark.parametrize(
    ("who", "expected"), [("stranger", "MEM-1"), ("removed", "MEM-4"), ("active", "MEM-2"), ("nowhere", "MEM-1")]
)
def test_who_asks_comes_before_what_is_asked(scene: Scene, refused: Refused, who: str, expected: str) -> None:
    """Whether the caller may join is settled before its choices, its payments and its quota are looked at."""
    collaboration = scene.create()
    if who == "active":
        scene.join(scene.publisher, collaboration)
    elif who == "removed":
        scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    elif who == "nowhere":
        collaboration = {"id": NOWHERE}
    scene.handle.quotas["Memberships per account"] = 0
    code = {
        "MEM-1": "ResourceNotFoundException" if who == "nowhere" else "AccessDeniedException",
        "MEM-2": "ConflictException",
        "MEM-4": "AccessDeniedException",
    }[expected]
    with refused(code, rule=expected):
        scene.join(
            scene.stranger if who == "stranger" else scene.publisher,
            collaboration,
            queryLogStatus="ENABLED",
            defaultResultConfiguration=results_to(),
            paymentConfiguration=pays(query=True),
        )


# Reading

Ending = Callable[[Scene, dict[str, Any]], None]


def _remove(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)


def _delete(scene: Scene, collaboration: dict[str, Any]) -> None:
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])


def _go_on(scene: Scene, collaboration: dict[str, Any]) -> None:
    """Leave it as it is."""


each_status = pytest.mark.parametrize(
    ("end", "status"), [(_go_on, "ACTIVE"), (_remove, "REMOVED"), (_delete, "COLLABORATION_DELETED")]
)


@pytest.mark.rule("MEM-30", "ERR-10")
@each_status
def test_a_membership_is_its_owner_s(scene: Scene, refused: Refused, end: Ending, status: str) -> None:
    """The owner reads its membership in every status; the creator, other members and strangers don't find it."""
    collaboration = scene.create(members=[scene.member(), scene.member(STRANGER)])
    created = scene.join(scene.publisher, collaboration)
    scene.join(scene.advertiser, collaboration)
    scene.join(scene.stranger, collaboration)
    end(scene, collaboration)
    read: Any = scene.publisher.get_membership(membershipIdentifier=created["id"])["membership"]
    assert read == {**created, "status": status, "updateTime": ANY}
    for client in (scene.advertiser, scene.stranger, scene.handle.client(PUBLISHER, "eu-west-1")):
        with refused("ResourceNotFoundException", rule="ERR-10") as error:
            client.get_membership(membershipIdentifier=created["id"])
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", created["id"])


@pytest.mark.rule("MEM-31")
def test_list_memberships_by_status(scene: Scene) -> None:
    """Without a status all of the account's memberships are listed, with one those that have it; deleted ones never."""
    expected: dict[str, str] = {}
    for end, status in ((_go_on, "ACTIVE"), (_remove, "REMOVED"), (_delete, "COLLABORATION_DELETED")):
        collaboration = scene.create()
        expected[scene.join(scene.publisher, collaboration)["id"]] = status
        end(scene, collaboration)
    left = scene.join(scene.publisher, scene.create())
    scene.publisher.delete_membership(membershipIdentifier=left["id"])
    scene.join(scene.advertiser, scene.create())

    def listed(**filters: Any) -> dict[str, str]:
        return {one["id"]: one["status"] for one in scene.publisher.list_memberships(**filters)["membershipSummaries"]}

    assert listed() == expected
    for membership_id, status in expected.items():
        assert listed(status=status) == {membership_id: status}
    assert scene.stranger.list_memberships()["membershipSummaries"] == []


# Updating


@pytest.mark.rule("MEM-32")
@pytest.mark.parametrize(("end", "status"), [(_remove, "REMOVED"), (_delete, "COLLABORATION_DELETED")])
@pytest.mark.parametrize("change", [{"queryLogStatus": "DISABLED"}, {"queryLogStatus": "ENABLED"}, {}])
def test_only_an_active_membership_changes(
    scene: Scene, refused: Refused, end: Ending, status: str, change: Any
) -> None:
    """UpdateMembership conflicts with every other status, before it looks at what is to be changed."""
    collaboration = scene.create()
    created = scene.join(scene.publisher, collaboration)
    end(scene, collaboration)
    before = scene.publisher.get_membership(membershipIdentifier=created["id"])["membership"]
    with refused("ConflictException", "INVALID_STATE", rule="MEM-32") as error:
        scene.publisher.update_membership(membershipIdentifier=created["id"], **change)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", created["id"])
    after = scene.publisher.get_membership(membershipIdentifier=created["id"])["membership"]
    assert before["status"] == status
    assert after == before


@pytest.mark.rule("ERR-10")
@pytest.mark.parametrize("operation", ["get_membership", "update_membership", "delete_membership"])
@pytest.mark.parametrize("whose", ["nobody's", "the advertiser's", "deleted"])
def test_a_membership_that_is_not_there(scene: Scene, refused: Refused, operation: str, whose: str) -> None:
    """No operation on a membership finds an unknown one, another account's, or one that was deleted."""
    collaboration = scene.create()
    owner = scene.publisher if whose == "deleted" else scene.advertiser
    identifier = scene.join(owner, collaboration)["id"] if whose != "nobody's" else NOWHERE
    if whose == "deleted":
        scene.publisher.delete_membership(membershipIdentifier=identifier)
    with (
        nothing_changes(scene, collaboration),
        refused("ResourceNotFoundException", rule="ERR-10") as error,
    ):
        getattr(scene.publisher, operation)(membershipIdentifier=identifier)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", identifier)


@pytest.fixture
def receiver(scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """A collaboration with all logging, and in it the membership of a publisher that can query and receives results."""
    collaboration = scene.create(
        creatorMemberAbilities=[],
        members=[scene.member(abilities=["CAN_QUERY", "CAN_RUN_JOB", "CAN_RECEIVE_RESULTS"])],
        queryLogStatus="ENABLED",
        jobLogStatus="ENABLED",
        isMetricsEnabled=True,
    )
    membership = scene.join(
        scene.publisher,
        collaboration,
        queryLogStatus="ENABLED",
        jobLogStatus="ENABLED",
        isMetricsEnabled=True,
        tags={"team": "reach"},
        defaultResultConfiguration=results_to("results", PUBLISHER, keyPrefix="spring/", singleFileOutput=True),
        defaultJobResultConfiguration=results_to("results", PUBLISHER, keyPrefix="jobs/"),
    )
    return collaboration, membership


@pytest.mark.rule("MEM-33", "MEM-34")
@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({"queryLogStatus": "DISABLED"}, {"queryLogStatus": "DISABLED"}),
        ({"jobLogStatus": "DISABLED"}, {"jobLogStatus": "DISABLED"}),
        (
            {"defaultResultConfiguration": results_to("elsewhere", resultFormat="PARQUET")},
            {
                "defaultResultConfiguration": results_to("elsewhere", resultFormat="PARQUET", singleFileOutput=False),
            },
        ),
        (
            {"defaultJobResultConfiguration": results_to("elsewhere", PUBLISHER)},
            {"defaultJobResultConfiguration": results_to("elsewhere", PUBLISHER)},
        ),
        (
            {"membershipPaymentConfiguration": pays(query=False)},
            {"paymentConfiguration": {**NOTHING, **pays(query=False, job=False)}},
        ),
    ],
)
def test_what_is_given_replaces_the_rest_stays(
    scene: Scene,
    clock: Clock,
    receiver: tuple[dict[str, Any], dict[str, Any]],
    change: Any,
    effect: dict[str, Any],
) -> None:
    """An update replaces what it gives as a whole, leaves everything else, and moves updateTime."""
    _, membership = receiver
    clock.advance(seconds=60)
    updated: Any = scene.publisher.update_membership(membershipIdentifier=membership["id"], **change)["membership"]
    assert updated == {**membership, **effect, "updateTime": clock.now}
    assert membership["updateTime"] < updated["updateTime"]
    assert scene.publisher.get_membership(membershipIdentifier=membership["id"])["membership"] == updated
    assert scene.publisher.list_tags_for_resource(resourceArn=membership["arn"])["tags"] == {"team": "reach"}


@pytest.mark.rule("MEM-33")
def test_metrics_cannot_be_changed(scene: Scene, receiver: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """UpdateMembership has no parameter for isMetricsEnabled, and no update resets it."""
    _, membership = receiver
    model: Any = scene.publisher.meta.service_model.operation_model("UpdateMembership")
    assert "isMetricsEnabled" not in model.input_shape.members
    updated = scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="DISABLED")
    assert updated["membership"]["isMetricsEnabled"] is True


@pytest.mark.rule("MEM-34")
@pytest.mark.parametrize(
    "same",
    [
        {},
        {"queryLogStatus": "ENABLED", "jobLogStatus": "ENABLED"},
        {"membershipPaymentConfiguration": pays(query=True)},
        {"membershipPaymentConfiguration": {}},
        {"defaultJobResultConfiguration": results_to("results", PUBLISHER, keyPrefix="jobs/")},
    ],
)
def test_an_update_of_nothing(
    scene: Scene, clock: Clock, receiver: tuple[dict[str, Any], dict[str, Any]], same: Any
) -> None:
    """An update that gives nothing, or what is there already, answers the membership with its old updateTime."""
    _, membership = receiver
    clock.advance(seconds=60)
    answer: Any = scene.publisher.update_membership(membershipIdentifier=membership["id"], **same)
    assert answer["membership"] == membership


@pytest.mark.rule("MEM-33", "MEM-8", "MEM-9", "MEM-11", "MEM-15")
@pytest.mark.parametrize(
    ("abilities", "change", "field", "rule"),
    [
        ([], {"defaultResultConfiguration": results_to("results", PUBLISHER)}, "defaultResultConfiguration", "MEM-8"),
        (
            [],
            {"defaultJobResultConfiguration": results_to("results", PUBLISHER)},
            "defaultJobResultConfiguration",
            "MEM-15",
        ),
        (
            ["CAN_RECEIVE_RESULTS"],
            {"defaultResultConfiguration": results_to()},
            "defaultResultConfiguration.roleArn",
            "MEM-9",
        ),
        (
            ["CAN_RECEIVE_RESULTS"],
            {"defaultResultConfiguration": results_to("results", ADVERTISER)},
            "defaultResultConfiguration.roleArn",
            "MEM-11",
        ),
        (
            ["CAN_RECEIVE_RESULTS"],
            {"defaultJobResultConfiguration": results_to("results", ADVERTISER)},
            "defaultJobResultConfiguration.roleArn",
            "MEM-11",
        ),
    ],
)
def test_what_held_at_joining_holds_for_an_update(
    scene: Scene, refused: Refused, abilities: list[str], change: Any, field: str, rule: str
) -> None:
    """A result configuration that joining would refuse is refused by an update, which then changes nothing else either."""
    collaboration = scene.create(members=[scene.member(abilities=abilities)], queryLogStatus="ENABLED")
    results = {"defaultResultConfiguration": results_to("results", PUBLISHER)} if abilities else {}
    membership = scene.join(scene.publisher, collaboration, **results)
    with (
        nothing_changes(scene, collaboration),
        refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule=rule),
    ):
        scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="ENABLED", **change)


@pytest.mark.rule("MEM-33")
def test_an_update_need_not_say_where_results_go(scene: Scene) -> None:
    """A receiver that can't query needs its configuration at joining, not at each update."""
    collaboration = scene.create(members=[scene.member(abilities=["CAN_RECEIVE_RESULTS"])], queryLogStatus="ENABLED")
    results = results_to("results", PUBLISHER, singleFileOutput=False)
    membership = scene.join(scene.publisher, collaboration, defaultResultConfiguration=results)
    answer: Any = scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="ENABLED")
    assert answer["membership"]["defaultResultConfiguration"] == results


# Leaving


@pytest.mark.rule("MEM-35")
def test_the_creator_stays(scene: Scene, refused: Refused) -> None:
    """The creator's ACTIVE membership can't be deleted, in the service's own words; once the collaboration is deleted it can."""
    collaboration = scene.create()
    membership = scene.join(scene.advertiser, collaboration)
    with (
        nothing_changes(scene, collaboration),
        refused("ConflictException", "INVALID_STATE", rule="MEM-35") as error,
    ):
        scene.advertiser.delete_membership(membershipIdentifier=membership["id"])
    assert error["message"] == (
        "Cannot delete membership for the creator of the collaboration while their membership is still ACTIVE"
    )
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", membership["id"])
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    scene.advertiser.delete_membership(membershipIdentifier=membership["id"])
    assert scene.advertiser.list_memberships()["membershipSummaries"] == []


@pytest.mark.rule("MEM-39", "MEM-40")
@pytest.mark.parametrize(("end", "member_status"), [(_go_on, "LEFT"), (_remove, "REMOVED")], ids=["active", "removed"])
def test_leaving(scene: Scene, clock: Clock, refused: Refused, end: Ending, member_status: str) -> None:
    """A deleted membership is gone, its tags with it; the others see its member as LEFT, or still as REMOVED."""
    collaboration = scene.create()
    created = scene.join(scene.publisher, collaboration, tags={"team": "reach"})
    clock.advance(seconds=60)
    end(scene, collaboration)
    clock.advance(seconds=60)
    answer: Any = scene.publisher.delete_membership(membershipIdentifier=created["id"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert answer.keys() == {"ResponseMetadata"}

    member = scene.member_of(collaboration, PUBLISHER)
    assert (member["status"], member["membershipId"]) == (member_status, created["id"])
    if member_status == "LEFT":
        assert member["updateTime"] == clock.now
    for operation in (scene.publisher.get_membership, scene.publisher.delete_membership):
        with refused("ResourceNotFoundException", rule="ERR-10") as error:
            operation(membershipIdentifier=created["id"])
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", created["id"])
    with refused("ResourceNotFoundException", rule="TAG-4"):
        scene.publisher.list_tags_for_resource(resourceArn=created["arn"])
    assert scene.publisher.list_memberships()["membershipSummaries"] == []
    assert scene.publisher.list_collaborations()["collaborationList"] == []
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS"):
        scene.publisher.get_collaboration(collaborationIdentifier=collaboration["id"])


@pytest.mark.rule("MEM-39")
def test_what_is_left_of_a_deleted_collaboration(scene: Scene) -> None:
    """A membership whose collaboration is gone is deleted like any other, and nobody else's with it."""
    collaboration = scene.create()
    ours, theirs = scene.join(scene.publisher, collaboration), scene.join(scene.advertiser, collaboration)
    _delete(scene, collaboration)
    scene.publisher.delete_membership(membershipIdentifier=ours["id"])
    assert scene.publisher.list_memberships()["membershipSummaries"] == []
    kept = scene.advertiser.get_membership(membershipIdentifier=theirs["id"])["membership"]
    assert kept["status"] == "COLLABORATION_DELETED"
