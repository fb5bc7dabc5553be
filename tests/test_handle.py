"""The handle: clients for any account, faults, quotas, the log of calls, and the state."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from moto.backends import get_backend

from cleanrooms_mock import Call, Handle, mock_cleanrooms
from cleanrooms_mock.cleanrooms.quotas import QUOTAS
from cleanrooms_mock.rules import catalogue
from tests.cleanrooms.staging import Member
from tests.conftest import ADVERTISER, PUBLISHER, STRANGER, Refused, Scene

DEFAULT = "123456789012"
CREATED = "Collaborations created per account"
JOINED = "Memberships per account"
MODEL: Any = Session().get_service_model("cleanrooms")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What botocore would have slept between attempts."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


@functools.cache
def client_of_a_session(mode: str = "standard", attempts: int = 1) -> Any:
    """A client as anybody makes one; by default it repeats nothing, so that one fault is one call."""
    retries: Any = {"mode": mode, "total_max_attempts": attempts}
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    return session.client("cleanrooms", config=Config(retries=retries))


def least(shape: Any) -> Any:
    """The smallest value that botocore sends for a shape."""
    kind = shape.type_name
    if kind == "structure":
        names = shape.required_members or (list(shape.members)[:1] if shape.is_tagged_union else [])
        return {name: least(shape.members[name]) for name in names}
    if kind == "list":
        return [least(shape.member)] * shape.metadata.get("min", 0)
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(shape.metadata.get("min", 1), 1)
    if kind == "timestamp":
        return datetime(2026, 6, 1, tzinfo=timezone.utc)
    return {"map": {}, "boolean": True, "blob": b"x"}.get(kind, shape.metadata.get("min", 0))


def call_with_least(client: Any, operation: str) -> Any:
    """Call an operation of the model with the fewest arguments."""
    shape = MODEL.operation_model(operation).input_shape
    return getattr(client, xform_name(operation))(**({} if shape is None else least(shape)))


# Clients


@pytest.mark.parametrize("region_name", ["us-east-1", "eu-central-1", "ap-northeast-2"])
def test_client_acts_as_an_account_in_a_region(cleanrooms: Handle, region_name: str) -> None:
    """A client is the account and Region that it was asked for, whatever other clients there are."""
    advertiser = cleanrooms.client(ADVERTISER, region_name)
    publisher = cleanrooms.client(account_id=PUBLISHER, region_name=region_name)
    elsewhere = cleanrooms.client(ADVERTISER, "us-west-2")
    created: Any = advertiser.create_collaboration(
        name="campaign",
        description="reach",
        creatorDisplayName="advertiser",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[{"accountId": PUBLISHER, "displayName": "publisher", "memberAbilities": []}],
        queryLogStatus="DISABLED",
    )["collaboration"]
    assert created["arn"] == f"arn:aws:cleanrooms:{region_name}:{ADVERTISER}:collaboration/{created['id']}"
    identifier = created["id"]
    joined = publisher.create_membership(collaborationIdentifier=identifier, queryLogStatus="DISABLED")["membership"]
    assert joined["arn"] == f"arn:aws:cleanrooms:{region_name}:{PUBLISHER}:membership/{joined['id']}"
    assert advertiser.list_memberships()["membershipSummaries"] == []
    assert elsewhere.list_collaborations()["collaborationList"] == []
    assert cleanrooms.client(region_name=region_name).list_collaborations()["collaborationList"] == []
    callers = [(call.account_id, call.region_name) for call in cleanrooms.calls]
    assert callers == [
        (ADVERTISER, region_name),
        (PUBLISHER, region_name),
        (ADVERTISER, region_name),
        (ADVERTISER, "us-west-2"),
        (DEFAULT, region_name),
    ]


def test_client_outlives_its_mock() -> None:
    """A client that one mock gave acts as the same account in the next, and finds fresh state."""
    with mock_cleanrooms() as first:
        scene = Scene(first)
        scene.create()
    with mock_cleanrooms() as second:
        assert scene.advertiser.list_collaborations()["collaborationList"] == []
        scene.create()
        assert [call.account_id for call in second.calls] == [ADVERTISER, ADVERTISER]


def test_client_of_other_services(cleanrooms: Handle) -> None:
    """Any service that moto mocks has clients of any account."""
    buckets = {}
    for account_id in (ADVERTISER, PUBLISHER):
        s3 = cleanrooms.client(account_id, "eu-west-1", service="s3")
        s3.create_bucket(Bucket=f"results-{account_id}", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket=f"results-{account_id}", Key="reach.csv", Body=b"42")
        buckets[account_id] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert buckets == {ADVERTISER: [f"results-{ADVERTISER}"], PUBLISHER: [f"results-{PUBLISHER}"]}
    sts = cleanrooms.client(PUBLISHER, service="sts")
    assert sts.get_caller_identity()["Account"] == PUBLISHER
    role = cleanrooms.client(PUBLISHER, service="iam").create_role(RoleName="results", AssumeRolePolicyDocument="{}")
    assert role["Role"]["Arn"] == f"arn:aws:iam::{PUBLISHER}:role/results"


@pytest.mark.parametrize("account_id", ["12345678901", "1234567890123", "12345678901a", "", 123456789012, None])
@pytest.mark.parametrize("method", ["client", "backend"])
def test_account_id_of_another_form(cleanrooms: Handle, method: str, account_id: Any) -> None:
    """What isn't twelve digits in a string is no account, and the message shows one that is."""
    with pytest.raises(ValueError) as refusal:
        getattr(cleanrooms, method)(account_id)
    message = f"an account id is a string of twelve digits, such as '222222222222', not {account_id!r}"
    assert str(refusal.value) == message


def test_account_id_that_the_environment_overrules(cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """While MOTO_ACCOUNT_ID names another account no client is made, and the message says what to do."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ADVERTISER)
    with pytest.raises(ValueError) as refusal:
        cleanrooms.client(PUBLISHER)
    assert str(refusal.value) == (
        f"the environment variable MOTO_ACCOUNT_ID makes every client act as {ADVERTISER}, so none can act as {PUBLISHER}; unset it"
    )
    assert cleanrooms.client(ADVERTISER).list_collaborations()["collaborationList"] == []
    assert cleanrooms.calls[-1].account_id == ADVERTISER
    monkeypatch.delenv("MOTO_ACCOUNT_ID")
    assert cleanrooms.client(PUBLISHER).list_collaborations()["collaborationList"] == []
    assert cleanrooms.calls[-1].account_id == PUBLISHER


# Faults


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_every_modelled_exception_of_every_operation(cleanrooms: Handle, operation: str) -> None:
    """Whatever an operation models can be injected, by either spelling of its name, and reaches boto3 whole."""
    client = client_of_a_session()
    shapes = MODEL.operation_model(operation).error_shapes
    assert shapes
    for shape in shapes:
        for spelling in (operation, xform_name(operation)):
            cleanrooms.inject_fault(spelling, shape.name)
            with pytest.raises(getattr(client.exceptions, shape.name)) as caught:
                call_with_least(client, operation)
            response = caught.value.response
            message = f"{shape.name}, injected by the test"
            assert response["Error"] == {"Code": shape.name, "Message": message}
            assert response["ResponseMetadata"]["HTTPStatusCode"] == shape.metadata["error"]["httpStatusCode"]
            assert set(shape.required_members) <= set(response)
            assert response.get("reason", "INSUFFICIENT_PERMISSIONS") == "INSUFFICIENT_PERMISSIONS"
            call = cleanrooms.calls[-1]
            assert (call.operation, call.error, call.message) == (xform_name(operation), shape.name, message)
            assert call.rule is None
    assert len(cleanrooms.calls) == 2 * len(shapes)


MEMBERS: dict[str, dict[str, Any]] = {
    "AccessDeniedException": {"reason": "INSUFFICIENT_PERMISSIONS"},
    "ConflictException": {"resourceId": "mine", "resourceType": "MEMBERSHIP", "reason": "SUBRESOURCES_EXIST"},
    "InternalServerException": {},
    "ResourceNotFoundException": {"resourceId": "mine", "resourceType": "CONFIGURED_TABLE"},
    "ServiceQuotaExceededException": {"quotaName": JOINED, "quotaValue": 3.0},
    "ThrottlingException": {},
    "ValidationException": {
        "reason": "IAM_SYNCHRONIZATION_DELAY",
        "fieldList": [{"name": "roleArn", "message": "not there yet"}],
    },
}


@pytest.mark.parametrize("error", MEMBERS)
def test_message_and_members(cleanrooms: Handle, error: str) -> None:
    """The exception has the message and exactly the members that were given."""
    members = MEMBERS[error]
    assert set(members) == set(MODEL.shape_for(error).members) - {"message"}
    cleanrooms.inject_fault("create_membership", error, message="out of order", members=members)
    with pytest.raises(ClientError) as caught:
        call_with_least(client_of_a_session(), "CreateMembership")
    response: dict[str, Any] = dict(caught.value.response)
    assert response.pop("Error") == {"Code": error, "Message": "out of order"}
    assert response.pop("message") == "out of order"
    response.pop("ResponseMetadata")
    assert response == members


def test_members_that_were_not_given(cleanrooms: Handle) -> None:
    """Optional members stay absent unless they have but one value, also beside others that were given."""
    cleanrooms.inject_fault("create_membership", "ConflictException", members={"reason": "INVALID_STATE"})
    cleanrooms.inject_fault("create_membership", "AccessDeniedException")
    found = []
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            call_with_least(client_of_a_session(), "CreateMembership")
        found.append({key: caught.value.response.get(key) for key in ("reason", "resourceId", "resourceType")})
    assert found == [
        {"reason": "INVALID_STATE", "resourceId": None, "resourceType": None},
        {"reason": "INSUFFICIENT_PERMISSIONS", "resourceId": None, "resourceType": None},
    ]


@pytest.mark.parametrize("status", [400, 404, 418, 429, 500, 503, 599])
@pytest.mark.parametrize("message", [None, "out of order"])
def test_status(cleanrooms: Handle, status: int, message: str | None) -> None:
    """Any status from 400 to 599 can be injected, as the bare answer of something between client and service."""
    cleanrooms.inject_fault("ListCollaborations", status, message=message)
    with pytest.raises(ClientError) as caught:
        client_of_a_session().list_collaborations()
    expected = message or f"Status {status}, injected by the test"
    assert type(caught.value) is ClientError
    assert caught.value.response["Error"] == {"Code": str(status), "Message": expected}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    call = cleanrooms.calls[-1]
    assert (call.status, call.error, call.message, call.rule) == (status, str(status), expected, None)


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize("error", ["ThrottlingException", "InternalServerException", 429, 500, 502, 503, 504])
def test_botocore_retries(cleanrooms: Handle, sleeps: list[float], mode: str, error: str | int) -> None:
    """botocore repeats what it would repeat of AWS's, in either of its modes, and each attempt is a call."""
    client = client_of_a_session(mode, 4)
    cleanrooms.inject_fault("list_collaborations", error, times=2)
    answer = client.list_collaborations()
    assert answer["collaborationList"] == []
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    status = error if isinstance(error, int) else MODEL.shape_for(error).metadata["error"]["httpStatusCode"]
    assert [call.status for call in cleanrooms.calls] == [status, status, 200]
    assert len(sleeps) == 2

    cleanrooms.inject_fault("list_collaborations", error, times=4)
    with pytest.raises(ClientError) as caught:
        client.list_collaborations()
    metadata: Any = caught.value.response["ResponseMetadata"]
    assert (metadata["RetryAttempts"], metadata["MaxAttemptsReached"]) == (3, True)
    assert [call.status for call in cleanrooms.calls[3:]] == [status] * 4
    assert client.list_collaborations()["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize("error", ["ValidationException", "AccessDeniedException", 400, 418])
def test_botocore_does_not_retry(cleanrooms: Handle, sleeps: list[float], mode: str, error: str | int) -> None:
    """What botocore wouldn't repeat of AWS's it doesn't repeat here."""
    cleanrooms.inject_fault("list_collaborations", error, times=2)
    with pytest.raises(ClientError) as caught:
        client_of_a_session(mode, 4).list_collaborations()
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert (len(cleanrooms.calls), sleeps) == (1, [])


def test_client_of_the_handle_retries(cleanrooms: Handle, sleeps: list[float]) -> None:
    """The handle's own clients retry as boto3's do."""
    cleanrooms.inject_fault("list_memberships", "ThrottlingException")
    answer = cleanrooms.client(PUBLISHER).list_memberships()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert [(call.account_id, call.status) for call in cleanrooms.calls] == [(PUBLISHER, 429), (PUBLISHER, 200)]


def outcome(call: Callable[[], Any]) -> str:
    """What came of a call: the exception's name, or an empty string."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def outcomes(client: Any, count: int, operation: str = "list_collaborations") -> list[str]:
    """What came of so many calls of an operation."""
    return [outcome(getattr(client, operation)) for _ in range(count)]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([{}], ["418", "", "", "", "", ""]),
        ([{"times": 3}], ["418", "418", "418", "", "", ""]),
        ([{"after": 2}], ["", "", "418", "", "", ""]),
        ([{"times": 2, "after": 1}], ["", "418", "418", "", "", ""]),
        ([{}, {"error": "ValidationException"}], ["418", "ValidationException", "", "", "", ""]),
        ([{"after": 3}, {"error": "ValidationException"}], ["ValidationException", "", "", "418", "", ""]),
    ],
)
def test_times_and_after(cleanrooms: Handle, faults: list[dict[str, Any]], expected: list[str]) -> None:
    """A fault lets ``after`` calls through and answers ``times``; one that waits counts calls that another answers, too."""
    for fault in faults:
        cleanrooms.inject_fault("list_collaborations", **{"error": 418, **fault})
    assert outcomes(client_of_a_session(), 6) == expected


def test_fault_of_another_operation(cleanrooms: Handle) -> None:
    """A fault answers calls of its operation, by whichever account, and neither answers nor counts another's."""
    cleanrooms.inject_fault("list_collaborations", 418, after=1)
    client, other = client_of_a_session(), cleanrooms.client(PUBLISHER)
    assert outcomes(client, 3, "list_memberships") == ["", "", ""]
    assert outcomes(client, 1) == [""]
    assert outcomes(other, 2) == ["418", ""]
    assert outcomes(client, 1, "list_memberships") == [""]


def test_fault_comes_first(scene: Scene, refused: Refused) -> None:
    """A fault answers before arguments, rights and rates are looked at, and changes no state."""
    collaboration = scene.create()
    scene.handle.inject_fault("create_collaboration", "AccessDeniedException")
    scene.handle.inject_fault("create_membership", "ServiceQuotaExceededException", times=2)
    with refused("AccessDeniedException"):
        scene.create()
    with refused("ServiceQuotaExceededException"):
        scene.join(scene.stranger, collaboration)
    with refused("ServiceQuotaExceededException"):
        scene.publisher.create_membership(collaborationIdentifier="X" * 36, queryLogStatus="DISABLED")
    assert len(scene.advertiser.list_collaborations()["collaborationList"]) == 1
    assert scene.join(scene.publisher, collaboration)["status"] == "ACTIVE"


def test_fault_waits_for_its_mock() -> None:
    """A fault is its own mock's: while another is the innermost it neither answers nor counts, and then it does."""
    client = client_of_a_session()
    with mock_cleanrooms() as outer:
        outer.inject_fault("list_collaborations", 418)
        with mock_cleanrooms() as inner:
            assert outcomes(client, 2) == ["", ""]
            inner.inject_fault("list_collaborations", 500, times=5)
            assert outcomes(client, 1) == ["500"]
        assert outcomes(client, 2) == ["418", ""]
    with mock_cleanrooms():
        assert outcomes(client, 1) == [""]


EXCEPTIONS = (
    "AccessDeniedException, ConflictException, InternalServerException, ResourceNotFoundException, "
    "ServiceQuotaExceededException, ThrottlingException, ValidationException"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"operation": "join", "error": 500},
            f"Clean Rooms has no operation 'join'; it has: {', '.join(sorted(MODEL.operation_names))}",
        ),
        (
            {"error": "TeapotException"},
            f"CreateMembership models no TeapotException; it models: {EXCEPTIONS}. An HTTP status can be injected as a number",
        ),
        (
            {"operation": "get_collaboration", "error": "ResourceNotFoundException"},
            (
                "GetCollaboration models no ResourceNotFoundException; it models: AccessDeniedException, InternalServerException, "
                "ThrottlingException, ValidationException. An HTTP status can be injected as a number"
            ),
        ),
        ({"error": 399}, "an HTTP status for a fault is from 400 to 599 and has no members, not 399, None"),
        ({"error": 600}, "an HTTP status for a fault is from 400 to 599 and has no members, not 600, None"),
        (
            {"error": 500, "members": {"reason": "x"}},
            "an HTTP status for a fault is from 400 to 599 and has no members, not 500, {'reason': 'x'}",
        ),
        (
            {"times": 0},
            "a fault takes times of at least 1 and after of at least 0, not times=0, after=0",
        ),
        (
            {"after": -1},
            "a fault takes times of at least 1 and after of at least 0, not times=1, after=-1",
        ),
        (
            {"error": "ConflictException", "members": {"resource_id": "mine", "field": 1}},
            "ConflictException has no member field, resource_id; it has: reason, resourceId, resourceType",
        ),
        ({"error": "ThrottlingException", "members": {"x": 1}}, "ThrottlingException has no member x; it has: none"),
        (
            {"error": "ConflictException", "members": {"reason": "BUSY"}},
            "reason of ConflictException is one of ALREADY_EXISTS, SUBRESOURCES_EXIST, INVALID_STATE, not 'BUSY'",
        ),
    ],
)
def test_impossible_fault(cleanrooms: Handle, arguments: dict[str, Any], message: str) -> None:
    """A fault that can't be is refused with a message that names what can, and isn't armed."""
    with pytest.raises(ValueError) as refusal:
        cleanrooms.inject_fault(**{"operation": "create_membership", "error": 500, **arguments})
    assert str(refusal.value) == message
    for operation in ("CreateMembership", "GetCollaboration"):
        with pytest.raises(ClientError) as caught:
            call_with_least(client_of_a_session(), operation)
        assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.rule("QUO-34")
@pytest.mark.parametrize("operation", ["tag_resource", "UntagResource", "list_tags_for_resource"])
def test_tag_operations_are_not_throttled(cleanrooms: Handle, operation: str) -> None:
    """The tag operations model no throttling, so it can't be injected by name."""
    with pytest.raises(ValueError, match=r"models no ThrottlingException; it models: ResourceNotFoundException, Val"):
        cleanrooms.inject_fault(operation, "ThrottlingException")


# Quotas


@pytest.mark.rule("QUO-31")
def test_quotas(scene: Scene, refused: Refused) -> None:
    """The handle's quotas are a mapping by name: the defaults, and what is assigned holds from the next call on, until it is deleted."""
    quotas = scene.handle.quotas
    assert dict(quotas) == {name: quota.default for name, quota in QUOTAS.items()}
    assert (len(quotas), quotas[CREATED]) == (len(QUOTAS), 500)
    scene.create()
    quotas[CREATED] = 1
    with refused("ServiceQuotaExceededException") as error:
        scene.create()
    assert (error["quotaName"], error["quotaValue"]) == (CREATED, 1.0)
    quotas[CREATED] = 2
    scene.create()
    quotas[CREATED] = 0
    assert len(scene.advertiser.list_collaborations()["collaborationList"]) == 2
    with refused("ServiceQuotaExceededException"):
        scene.create()
    del quotas[CREATED]
    assert quotas[CREATED] == 500
    scene.create()


def test_quota_that_does_not_exist(cleanrooms: Handle) -> None:
    """A name that is no quota is refused, whether it is read, set or deleted, naming those that are; and so is what is no number."""
    quotas = cleanrooms.quotas
    assert CREATED in quotas
    assert "Memberships" not in quotas
    uses: list[Callable[[], Any]] = [
        lambda: quotas["Memberships"],
        lambda: quotas.__setitem__("Memberships", 1),
        lambda: quotas.__delitem__("Memberships"),
    ]
    for use in uses:
        with pytest.raises(ValueError) as refusal:
            use()
        assert str(refusal.value) == (f"there is no quota 'Memberships'; the quotas are: {', '.join(sorted(QUOTAS))}")
    wrong: Any = "5"
    with pytest.raises(ValueError, match=f"quota '{JOINED}' must be a number of at least 0, not '5'"):
        quotas[JOINED] = wrong
    assert quotas[JOINED] == 500


# Calls


def test_calls(scene: Scene) -> None:
    """The log has every call, oldest first: who called what, where, with which arguments, and what came of it."""
    collaboration = scene.create(tags={"team": "reach"})
    arguments: dict[str, Any] = {
        "name": "campaign",
        "description": "reach of the spring campaign",
        "creatorDisplayName": "advertiser",
        "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        "members": [scene.member()],
        "queryLogStatus": "DISABLED",
        "tags": {"team": "reach"},
    }
    first = scene.handle.calls
    assert first == (Call("create_collaboration", ADVERTISER, "us-east-1", arguments, 200),)
    uses: list[tuple[Any, str, dict[str, Any], int]] = [
        (scene.publisher, "list_members", {"collaborationIdentifier": collaboration["id"], "maxResults": 1}, 200),
        (scene.publisher, "list_collaborations", {"memberStatus": "INVITED"}, 200),
        (scene.publisher, "list_memberships", {}, 200),
        (scene.advertiser, "list_tags_for_resource", {"resourceArn": collaboration["arn"]}, 200),
        (scene.advertiser, "untag_resource", {"resourceArn": collaboration["arn"], "tagKeys": ["team", "näme"]}, 200),
        (
            scene.advertiser,
            "delete_member",
            {"collaborationIdentifier": collaboration["id"], "accountId": PUBLISHER},
            204,
        ),
    ]
    for client, operation, given, _ in uses:
        getattr(client, operation)(**given)
    assert scene.handle.calls[1:] == tuple(
        Call(operation, PUBLISHER if client is scene.publisher else ADVERTISER, "us-east-1", given, status)
        for client, operation, given, status in uses
    )
    assert len(first) == 1


def test_calls_that_were_looked_at_before(scene: Scene) -> None:
    """The log goes on behind what somebody has looked at, and what was seen stays the same."""
    scene.create()
    (first,) = scene.handle.calls
    scene.advertiser.list_memberships()
    seen = scene.handle.calls
    assert seen[0] is first
    assert [call.operation for call in seen] == ["create_collaboration", "list_memberships"]
    assert scene.handle.calls == seen


def test_calls_by_threads_while_one_looks(scene: Scene) -> None:
    """Whoever looks at the log while others call sees each call once, in an order that holds."""
    with ThreadPoolExecutor(4) as pool:
        pages = [pool.submit(scene.advertiser.list_memberships, maxResults=size) for size in range(1, 41)]
        while not all(page.done() for page in pages):
            seen = scene.handle.calls
            assert scene.handle.calls[: len(seen)] == seen
    assert sorted(call.arguments["maxResults"] for call in scene.handle.calls) == list(range(1, 41))


def test_refused_calls(scene: Scene) -> None:
    """A refused call is logged with the exception, its message, and the rule if one refused it."""
    collaboration = scene.create()
    given = {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "DISABLED"}
    refusals = []
    for use in (
        lambda: scene.stranger.create_membership(**given),
        lambda: scene.stranger.create_membership(**{**given, "queryLogStatus": "MAYBE"}),
        lambda: scene.stranger.list_protected_queries(membershipIdentifier=collaboration["id"]),
    ):
        with pytest.raises(ClientError) as caught:
            use()
        refusals.append(caught.value.response)
    calls = scene.handle.calls[1:]
    assert [call.account_id for call in calls] == [STRANGER] * 3
    assert [call.arguments for call in calls] == [
        given,
        {**given, "queryLogStatus": "MAYBE"},
        {"membershipIdentifier": collaboration["id"]},
    ]
    assert [call.status for call in calls] == [403, 400, 404]
    assert [(call.error, call.message) for call in calls] == [
        (refusal["Error"]["Code"], refusal["Error"]["Message"]) for refusal in refusals
    ]
    assert [call.error for call in calls] == [
        "AccessDeniedException",
        "ValidationException",
        "ResourceNotFoundException",
    ]
    assert [call.rule for call in calls] == [catalogue["MEM-1"], catalogue["ERR-3"], catalogue["ERR-10"]]


def test_calls_that_a_fault_or_a_rate_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that was never looked at, since a fault or a rate answered it, is logged with its arguments as any other."""
    noon = datetime(2026, 6, 1, 12, tzinfo=timezone.utc).replace(tzinfo=None)
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: noon)
    given: dict[str, Any] = {"memberStatus": "INVITED", "maxResults": 5}
    with mock_cleanrooms(rate_quotas=True) as handle:
        client = client_of_a_session()
        handle.inject_fault("list_collaborations", 418)
        found = [outcome(lambda: client.list_collaborations(**given)) for _ in range(7)]
        assert found == ["418", "", "", "", "", "", "ThrottlingException"]
        assert [call.arguments for call in handle.calls] == [given] * 7


def test_calls_of_nested_mocks() -> None:
    """A handle has the calls since its mock started, those within inner mocks included."""
    client = client_of_a_session()
    with mock_cleanrooms() as outer:
        client.list_collaborations()
        with mock_cleanrooms() as inner:
            client.list_memberships()
        client.list_collaborations()
    assert [call.operation for call in outer.calls] == [
        "list_collaborations",
        "list_memberships",
        "list_collaborations",
    ]
    assert [call.operation for call in inner.calls] == ["list_memberships"]


def test_call_as_text(scene: Scene) -> None:
    """A call reads as who called what and what was answered, with the rule, its text and its page for a refusal."""
    identifier = scene.create()["id"]
    scene.publisher.list_collaborations(memberStatus="INVITED")
    scene.handle.inject_fault("get_collaboration", "AccessDeniedException", message="out of order")
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            scene.stranger.get_collaboration(collaborationIdentifier=identifier)
    answered, injected, refused = map(str, scene.handle.calls[1:])
    call = (
        f"{STRANGER} us-east-1 get_collaboration(collaborationIdentifier='{identifier}') -> 403 AccessDeniedException"
    )
    assert answered == f"{PUBLISHER} us-east-1 list_collaborations(memberStatus='INVITED') -> 200"
    assert injected == f"{call}: out of order"
    assert refused.splitlines() == [
        f"{call}: {caught.value.response['Error']['Message']}",
        f"  COL-30 (seen): {catalogue['COL-30'].text}",
        "  https://cleanrooms-mock.readthedocs.io/en/latest/rules.html#col-30",
    ]


# The state


def test_backend_shows_the_state(scene: Scene) -> None:
    """An account's backend holds its memberships and participations, its Region's world the collaborations; moto finds the same."""
    collaboration = scene.create(members=[scene.member(displayName="publisher")])
    membership = scene.join(scene.publisher, collaboration)
    backend = scene.handle.backend(PUBLISHER)
    assert backend is scene.handle.backend(account_id=PUBLISHER, region_name="us-east-1")
    registry: Any = get_backend("cleanrooms")
    assert backend is registry[PUBLISHER]["us-east-1"]
    assert [one.id for one in backend.memberships] == [membership["id"]]
    found = backend.memberships[membership["id"]]
    assert (found.status, found.member.display_name, found.arn) == ("ACTIVE", "publisher", membership["arn"])
    assert list(backend.world.collaborations) == [collaboration["id"]]
    assert backend.participations[collaboration["id"]] is found.member
    assert scene.handle.backend(ADVERTISER).collaborations_created == 1
    assert len(scene.handle.backend().memberships) == 0
    assert scene.handle.backend(PUBLISHER, "eu-west-1").world.collaborations == {}


def test_backend_can_be_changed(scene: Scene, refused: Refused) -> None:
    """What a test changes in the state is what the service goes by: a way into states that calls can't reach."""
    collaboration = scene.create()
    membership = scene.join(scene.publisher, collaboration)
    scene.handle.backend(PUBLISHER).memberships[membership["id"]].status = "COLLABORATION_DELETED"
    answer = scene.publisher.get_membership(membershipIdentifier=membership["id"])["membership"]
    assert answer["status"] == "COLLABORATION_DELETED"
    with refused("ConflictException", "INVALID_STATE", rule="MEM-32"):
        scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="DISABLED")
    scene.handle.backend(ADVERTISER).collaborations_created = 500
    with refused("ServiceQuotaExceededException"):
        scene.create()


def test_columns_that_a_test_changes(scene: Scene) -> None:
    """Columns that a test gives a table behind the service's back are in its schema at once, put there or put in their place."""
    collaboration = scene.create(members=[])
    table = Member(scene, collaboration, ADVERTISER).table("readers", "email")

    def columns() -> dict[str, str]:
        schema = scene.advertiser.get_schema(collaborationIdentifier=collaboration["id"], name="readers")["schema"]
        return {column["name"]: column["type"] for column in schema["columns"]}

    kept = scene.handle.backend(ADVERTISER).configured_tables[table["configuredTableId"]]
    assert columns() == {"email": "string"}
    kept.allowed_columns.append("city")
    assert columns() == {"email": "string", "city": "string"}
    kept.allowed_columns = ["city"]
    assert columns() == {"city": "string"}
    kept.known = {"city": "varchar(20)"}
    assert columns() == {"city": "varchar(20)"}
    kept.partitions = frozenset({"city"})
    assert columns() == {}


def test_backend_can_be_loaded_before_the_first_call(cleanrooms: Handle) -> None:
    """State that one test built can be put under the same keys before anything is called in another."""
    scene = Scene(cleanrooms)
    collaboration = scene.create(name="of an earlier test")
    kept = cleanrooms.backend().world.collaborations[collaboration["id"]]
    with mock_cleanrooms():
        backend = cleanrooms.backend(ADVERTISER, "eu-west-1")
        backend.world.collaborations[kept.id] = kept
        backend.participations.add(kept.id, kept.members[ADVERTISER])
        client = cleanrooms.client(ADVERTISER, "eu-west-1")
        found = client.get_collaboration(collaborationIdentifier=kept.id)["collaboration"]
        assert found["name"] == "of an earlier test"
        assert [one["id"] for one in client.list_collaborations()["collaborationList"]] == [kept.id]
