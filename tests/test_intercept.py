"""Where calls are caught: two seams that can't be told apart, and what stays as it was beside them."""

from __future__ import annotations

import functools
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import quote

import boto3
import botocore.session
import moto
import pytest
import requests
from botocore import UNSIGNED, xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse, HeadersDict
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import ClientError, EndpointProviderError, EndpointVariantError, NoCredentialsError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.retries.bucket import TokenBucket
from botocore.stub import Stubber
from moto import backend_index, mock_aws
from moto.backends import get_backend
from moto.core import utils
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.config import default_user_config
from moto.core.exceptions import ServiceNotWhitelisted
from moto.core.models import botocore_stubber
from moto.moto_api import recorder
from moto.moto_api._internal import mock_random
from moto.server import ThreadedMotoServer

from cleanrooms_mock import Handle, addresses, install, intercept, mock_cleanrooms
from cleanrooms_mock.cleanrooms import service
from cleanrooms_mock.cleanrooms.backend import cleanrooms_backends
from cleanrooms_mock.cleanrooms.operations import functions
from cleanrooms_mock.protocol import Fault, Operation, Register, UnmodelledError
from cleanrooms_mock.protocol.reading import TOP
from tests.cleanrooms.test_service import IMPLEMENTED, INVITATION, OPERATIONS, example, input_of, name_of
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Scene, pays, results_to

PROTOCOL = service.protocol()
DEFAULT = "123456789012"
HOST = "https://cleanrooms.us-east-1.amazonaws.com"
SEAMS = ["call", "wire"]
#: One attempt, so that a refusal isn't waited for.
ONCE = Config(retries={"total_max_attempts": 1})

#: One session for clients, so that the service's model is loaded once.
SESSION = boto3.session.Session()

both_seams = pytest.mark.parametrize("wire", [False, True], ids=SEAMS)


@pytest.fixture(autouse=True)
def seam() -> None:
    """In place of the fixture of the same name: the tests here choose their seams."""


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The seams that answered, one entry for each call."""
    seams: list[str] = []
    invoke: Callable[..., Any] = vars(intercept)["invoke"]

    def spy(operation: Operation, *args: Any) -> Any:
        seams.append("call" if args[-1] == operation.to_parsed else "wire")
        return invoke(operation, *args)

    monkeypatch.setattr(intercept, "invoke", spy)
    return seams


@pytest.fixture(autouse=True)
def reached(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Nothing reaches the network but for this machine; what tried to is in the list, which a test that wants it empties."""
    tried: list[Any] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if address[0] != "127.0.0.1":
            tried.append(address)
            raise ConnectionRefusedError(f"no network in tests: {address}")
        connect(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("127.0.0.1", None):
            tried.append(host)
            raise socket.gaierror(f"no network in tests: {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield tried
    assert tried == []


def boto3_client(service_name: str = "cleanrooms", **options: Any) -> Any:
    """A client as users make it, with credentials of its own."""
    given = {
        "region_name": "us-east-1",
        "aws_access_key_id": "AKIAEXAMPLE",
        "aws_secret_access_key": "secret",
        **options,
    }
    return SESSION.client(service_name, **given)  # type: ignore[call-overload]


# Both seams answer alike


Outcome = tuple[Any, ...]


def outcome_of(call: Callable[[], Any]) -> Outcome:
    try:
        return ("answer", call())
    except ClientError as error:
        return (type(error).__name__, str(error), error.operation_name, error.response)


class Recording:
    """Calls and what came of them."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.operations: list[tuple[str, str]] = []

    def __call__(self, client: Any, operation: str, **arguments: Any) -> Any:
        outcome = outcome_of(lambda: getattr(client, operation)(**arguments))
        self.outcomes.append(outcome)
        self.operations.append((operation, outcome[0]))
        return outcome[-1]


def play(handle: Handle) -> Recording:
    """A story with two accounts in which each operation is called as it should be, and then as it shouldn't."""
    call = Recording()
    advertiser, publisher, stranger = (handle.client(account_id) for account_id in (ADVERTISER, PUBLISHER, STRANGER))
    scene = Scene(handle)
    collaboration = call(
        advertiser,
        "create_collaboration",
        name="spring 😀",
        description="reach\nof a campaign",
        creatorDisplayName="advertiser",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        creatorPaymentConfiguration=pays(query=True, training=False),
        members=[
            scene.member(abilities=["CAN_RECEIVE_RESULTS"], paymentConfiguration=pays(query=True, inference=True)),
            scene.member(STRANGER, mlMemberAbilities={"customMLMemberAbilities": ["CAN_RECEIVE_MODEL_OUTPUT"]}),
        ],
        queryLogStatus="ENABLED",
        jobLogStatus="ENABLED",
        dataEncryptionMetadata={
            "allowCleartext": True,
            "allowDuplicates": False,
            "allowJoinsOnColumnsWithDifferentNames": True,
            "preserveNulls": False,
        },
        autoApprovedChangeRequestTypes=["ADD_MEMBER"],
        allowedResultRegions=["us-east-1", "eu-west-1"],
        isMetricsEnabled=True,
        tags={"team": "blue", "Größe": ""},
    )["collaboration"]
    here = {"collaborationIdentifier": collaboration["id"]}
    joined = call(publisher, "create_membership", **here, queryLogStatus="DISABLED")
    assert joined["reason"] == "INVALID_CONFIGURATION"
    membership = call(
        publisher,
        "create_membership",
        **here,
        queryLogStatus="ENABLED",
        paymentConfiguration=pays(query=True, inference=True),
        defaultResultConfiguration=results_to("results", PUBLISHER, keyPrefix="2026/", singleFileOutput=True),
        tags={"a": "b"},
    )["membership"]
    mine = {"membershipIdentifier": membership["id"]}
    own = call(advertiser, "create_membership", **here, queryLogStatus="DISABLED", isMetricsEnabled=True)["membership"]
    for client in (advertiser, publisher, stranger):
        call(client, "get_collaboration", **here)
        page = call(client, "list_members", **here, maxResults=2)
        call(client, "list_members", **here, nextToken=page["nextToken"])
        call(client, "list_collaborations", memberStatus="ACTIVE")
        call(client, "list_memberships", status="ACTIVE")
        call(client, "get_membership", **mine)
        call(client, "list_tags_for_resource", resourceArn=collaboration["arn"])
    call(publisher, "update_membership", **mine, queryLogStatus="DISABLED", membershipPaymentConfiguration={})
    call(advertiser, "update_collaboration", **here, name="summer", description="")
    auto = call(advertiser, "create_collaboration_change_request", **here, changes=[INVITATION])
    grant = json.loads(json.dumps(INVITATION))
    grant["specification"]["member"] |= {
        "memberAbilities": ["CAN_RECEIVE_RESULTS"],
        "paymentConfiguration": pays(query=True),
    }
    request = call(advertiser, "create_collaboration_change_request", **here, changes=[grant])
    assert auto["collaborationChangeRequest"]["status"] == "COMMITTED"
    this = {**here, "changeRequestIdentifier": request["collaborationChangeRequest"]["id"]}
    call(publisher, "get_collaboration_change_request", **this)
    call(publisher, "update_collaboration_change_request", **this, action="APPROVE")
    call(publisher, "update_collaboration_change_request", **this, action="APPROVE")
    call(advertiser, "update_collaboration_change_request", **this, action="COMMIT")
    call(advertiser, "list_collaboration_change_requests", **here, status="COMMITTED")
    call(publisher, "tag_resource", resourceArn=membership["arn"], tags={"c": "d", "e": "f"})
    call(publisher, "untag_resource", resourceArn=membership["arn"], tagKeys=["a", "c"])
    call(publisher, "list_tags_for_resource", resourceArn=membership["arn"])
    call(advertiser, "delete_membership", membershipIdentifier=own["id"])
    call(publisher, "delete_membership", **mine)
    call(advertiser, "delete_member", **here, accountId=STRANGER)
    call(stranger, "create_membership", **here, queryLogStatus="DISABLED")
    call(advertiser, "delete_collaboration", **here)
    call(advertiser, "list_members", **here)
    handle.quotas["Memberships per account"] = 0
    other = scene.create()
    call(publisher, "create_membership", collaborationIdentifier=other["id"], queryLogStatus="DISABLED")
    for operation in OPERATIONS:
        for whole in (True, False):
            call(stranger, operation.python_name, **example(input_of(operation), {}, whole=whole))
        broken = example(input_of(operation), {"CollaborationIdentifier": "x" * 36, "MembershipIdentifier": "É" * 36})
        call(stranger, operation.python_name, **broken)
    return call


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A clock that stands still, and a way to begin again with the same ids."""
    monkeypatch.setattr(utils, "utcnow", lambda: datetime(2026, 2, 3, 4, 5, 6, 789000))  # noqa: DTZ001
    return lambda: mock_random.seed(7)


def _as_motos(clock: Callable[[], datetime]) -> Callable[[], datetime]:
    return functools.wraps(utils.utcnow)(lambda: clock())


@pytest.mark.parametrize(
    "replace",
    [
        lambda clock: clock,
        _as_motos,
        lambda clock: mock.Mock(side_effect=clock),
        lambda clock: mock.create_autospec(utils.utcnow, side_effect=clock),
        lambda clock: functools.partial(clock),
    ],
    ids=["function", "wraps", "mock", "autospec", "partial"],
)
def test_clock_is_whatever_a_test_has_put_in_place_of_motos(
    replace: Callable[[Any], Any], cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times come from moto's clock as it is at the moment, however it was replaced, and from the system's if it wasn't."""
    monkeypatch.setattr(utils, "utcnow", replace(lambda: datetime(2026, 2, 3, 4, 5, 6, 789999)))  # noqa: DTZ001
    client = cleanrooms.client()
    created = client.create_collaboration(**MINIMAL)["collaboration"]["createTime"]
    assert created == datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=timezone.utc)
    monkeypatch.undo()
    before = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    created = client.create_collaboration(**MINIMAL)["collaboration"]["createTime"]
    assert before <= created <= datetime.now(timezone.utc)


def assert_equal(one: Any, other: Any) -> None:
    """Equal to the last member: values, types, order of keys, and the zone of times."""
    assert one == other
    assert repr(one) == repr(other)


def test_a_whole_story_is_the_same_on_both_seams(frozen: Callable[[], None], answered: list[str]) -> None:
    """Every operation's answers and refusals are equal to the last member, whichever seam gave them."""
    recordings = []
    for wire in (False, True):
        frozen()
        answered.clear()
        with mock_cleanrooms(wire=wire) as handle:
            recordings.append(play(handle))
        assert set(answered) == {SEAMS[wire]}
    by_call, by_wire = recordings
    assert len(by_call.outcomes) == len(by_wire.outcomes)
    for operation, one, other in zip(by_call.operations, by_call.outcomes, by_wire.outcomes, strict=True):
        assert one == other, operation
        assert repr(one) == repr(other), operation
    answers = {name for name, kind in by_call.operations if kind == "answer"}
    refusals = {name for name, kind in by_call.operations if kind != "answer"}
    # What the story leaves out is answered alike in the test of every operation's whole output below.
    assert len(answers) >= 19
    assert answers <= {operation.python_name for operation in IMPLEMENTED}
    assert refusals == {operation.python_name for operation in OPERATIONS}


def result_of(operation: Operation) -> Any:
    """What a function would return that has all that the operation's output can have."""
    shape = operation._model.output_shape
    if shape is None or not shape.members:
        return None
    faults: list[Fault] = []
    members = PROTOCOL.inputs.compile(shape)(example(shape, {}), TOP, faults)
    assert faults == []
    if operation.listed is not None:
        listing: Register[Any] = Register()
        for number in range(3):
            listing.add(str(number), members[operation.listed][0])
        return listing
    return members if len(shape.members) > 1 else next(iter(members.values()))


@contextmanager
def function_that(does: Callable[..., Any], operation: Operation, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a function in the place of an operation's."""
    names = frozenset(xform_name(name) for name in input_of(operation).members)
    with monkeypatch.context() as patched:
        patched.setitem(functions, operation.python_name, (does, names))
        yield


@pytest.fixture(scope="module")
def client() -> Any:
    """One client for many tests."""
    return boto3_client()


def on_both_seams(operation: Operation, client: Any, frozen: Callable[[], None], answered: list[str]) -> list[Outcome]:
    outcomes = []
    arguments = example(input_of(operation), {}, whole=False)
    if operation.listed is not None:
        arguments["maxResults"] = 2
    for wire in (False, True):
        frozen()
        answered.clear()
        with mock_cleanrooms(wire=wire):
            outcomes.append(outcome_of(lambda: getattr(client, operation.python_name)(**arguments)))
        assert set(answered) == {SEAMS[wire]}
    return outcomes


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_answer_with_every_member_is_the_same_on_both_seams(
    operation: Operation,
    client: Any,
    frozen: Callable[[], None],
    answered: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever an operation's output shape has, the dict of the call seam is the one that botocore parses from the wire."""
    result = result_of(operation)
    with function_that(lambda caller, **arguments: result, operation, monkeypatch):
        by_call, by_wire = on_both_seams(operation, client, frozen, answered)
    assert by_call[0] == "answer"
    shape = operation._model.output_shape
    expected = [] if shape is None else list(shape.members)
    assert [key for key in by_call[1] if key != "ResponseMetadata"] == expected
    assert_equal(by_call, by_wire)


def once(outcome: Outcome) -> Outcome:
    """A refusal without what tells how often it was asked for: the wire's client asks again, and the call seam leaves faults and
    rates, the only such errors that the mock has, to the wire.
    """
    kind, _, operation, response = outcome
    metadata = response["ResponseMetadata"]
    for name in ("RetryAttempts", "MaxAttemptsReached", "RetryQuotaReached", "RequestId"):
        metadata.pop(name, None)
    metadata["HTTPHeaders"].pop("x-amzn-requestid")
    return kind, operation, response


def raises(error: Exception) -> Callable[..., Any]:
    def function(caller: Any, /, **arguments: Any) -> Any:
        raise error

    return function


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_every_modelled_exception_is_the_same_on_both_seams(
    operation: Operation,
    client: Any,
    frozen: Callable[[], None],
    answered: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each exception of each operation is the same class with the same response, its members included."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    for code in sorted(operation.errors):
        shape: Any = PROTOCOL.model.shape_for(code)
        members = PROTOCOL.inputs.compile(shape)(example(shape, {}), TOP, [])
        error = service.InjectedError(code, "a message 😀", {**members, "message": "a message 😀"})
        with function_that(raises(error), operation, monkeypatch):
            by_call, by_wire = on_both_seams(operation, client, frozen, answered)
        assert by_call[0] == code
        assert set(by_call[3]) == {*shape.members, "Error", "ResponseMetadata"}
        if code in ("ThrottlingException", "InternalServerException"):
            by_call, by_wire = once(by_call), once(by_wire)
        assert_equal(by_call, by_wire)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 500, 503, 599])
def test_error_outside_of_the_model_is_the_same_on_both_seams(
    client: Any, frozen: Callable[[], None], answered: list[str], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """An HTTP status without a type has the status as its code."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    operation = PROTOCOL.operation("ListMemberships")
    with function_that(raises(UnmodelledError(status, "no such luck")), operation, monkeypatch):
        by_call, by_wire = on_both_seams(operation, client, frozen, answered)
    assert by_call[3]["Error"] == {"Message": "no such luck", "Code": str(status)}
    if status in (500, 503):
        by_call, by_wire = once(by_call), once(by_wire)
    assert_equal(by_call, by_wire)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_client_that_asks_once_is_answered_the_same_on_both_seams(frozen: Callable[[], None], mode: Any) -> None:
    """A client without retries reads in its answers and messages that it has reached its last attempt, as botocore has it."""
    client = boto3_client(config=Config(retries={"mode": mode, "total_max_attempts": 1}))
    outcomes = []
    for wire in (False, True):
        frozen()
        with mock_cleanrooms(wire=wire):
            outcomes.append([outcome_of(client.list_collaborations)])
            outcomes[-1].append(outcome_of(lambda: client.get_membership(membershipIdentifier=NOWHERE)))
    assert_equal(*outcomes)


def test_http_response_that_handlers_see_is_the_same_on_both_seams(
    frozen: Callable[[], None], answered: list[str]
) -> None:
    """Who listens to after-call gets the same HTTP response, its body included, though on the call seam none was sent."""
    seen: list[list[Any]] = []
    for wire in (False, True):
        frozen()
        seen.append([])
        with mock_cleanrooms(wire=wire) as handle:
            client = handle.client(ADVERTISER)
            client.meta.events.register(
                "after-call",
                lambda http_response, parsed, **kwargs: seen[-1].append(
                    (
                        http_response.status_code,
                        dict(http_response.headers),
                        http_response.content,
                        http_response.text,
                        http_response.url,
                        parsed,
                    )
                ),
            )
            collaboration = Scene(handle)
            collaboration.advertiser = client
            made = collaboration.create(tags={"a": "b"})
            here = {"collaborationIdentifier": made["id"]}
            client.list_members(**here)
            client.tag_resource(resourceArn=made["arn"], tags={})
            outcome_of(lambda: client.get_collaboration(collaborationIdentifier=NOWHERE))  # noqa: B023
            client.delete_collaboration(**here)
    assert set(answered) == set(SEAMS)
    assert len(seen[0]) == 5
    assert [status for status, *_ in seen[0]] == [200, 200, 200, 403, 204]
    assert json.loads(seen[0][0][2])["collaboration"]["createTime"] == 1770091506.789
    assert seen[0][4][2] == b""
    assert_equal(seen[0], seen[1])


@both_seams
def test_headers_of_an_answer_are_found_and_changed_in_any_case(wire: bool) -> None:
    """They are botocore's kind of headers, to handlers and to whoever changes them on their way."""
    seen: list[HeadersDict] = []
    with mock_cleanrooms(wire=wire) as handle:
        client = handle.client(ADVERTISER)
        client.meta.events.register("after-call", lambda http_response, **kwargs: seen.append(http_response.headers))
        request_id = client.list_collaborations()["ResponseMetadata"]["RequestId"]
    (headers,) = seen
    assert isinstance(headers, HeadersDict)
    assert headers["X-Amzn-RequestId"] == headers.get("x-amzn-requestid") == request_id
    assert "Content-Type" in headers
    assert "Date" not in headers
    assert headers.get("Date", "never") == "never"
    headers["X-Team"] = "reach"
    assert headers.copy()["x-team"] == "reach"
    assert list(headers) == ["content-type", "x-amzn-requestid", "x-team"]
    del headers["CONTENT-TYPE"]
    assert dict(headers) == {"x-amzn-requestid": request_id, "x-team": "reach"}
    with pytest.raises(KeyError):
        headers["content-type"]


@both_seams
def test_refusal_is_the_clients_own_exception(wire: bool) -> None:
    """Code under test catches refusals as it does those of the service."""
    with mock_cleanrooms(wire=wire) as handle:
        client = handle.client()
        with pytest.raises(client.exceptions.AccessDeniedException):
            client.get_collaboration(collaborationIdentifier=NOWHERE)
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            client.get_membership(membershipIdentifier=NOWHERE)
        assert caught.value.response["resourceId"] == NOWHERE  # type: ignore[typeddict-item]


# The call seam steps aside


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_call_seam_answers_in_every_retry_mode(answered: list[str], mode: Any) -> None:
    """botocore's own handlers, which differ by retry mode, are none that a call has to be seen by."""
    with mock_cleanrooms():
        client = boto3_client(config=Config(retries={"mode": mode, "max_attempts": 4}))
        assert client.list_collaborations()["ResponseMetadata"]["RetryAttempts"] == 0
        boto3_client(config=Config(defaults_mode="standard")).list_collaborations()  # type: ignore[arg-type]
    assert answered == ["call", "call"]


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("error", ["ThrottlingException", "InternalServerException", 500, 503])
def test_botocore_retries_an_injected_error(
    answered: list[str], monkeypatch: pytest.MonkeyPatch, mode: Any, error: str | int
) -> None:
    """While a fault is armed, calls go down to the wire, where botocore's retries see them; then the call seam is back."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(TokenBucket, "acquire", lambda *args, **kwargs: True)  # would wait as well, in adaptive mode
    with mock_cleanrooms() as handle:
        client = boto3_client(config=Config(retries={"mode": mode, "max_attempts": 4}))
        handle.inject_fault("list_collaborations", error, times=2)
        answer = client.list_collaborations()
        assert answer["ResponseMetadata"]["RetryAttempts"] == 2
        assert [call.status for call in handle.calls] == [STATUS.get(error, error)] * 2 + [200]
        client.list_collaborations()
    assert answered == ["wire", "wire", "wire", "call"]


STATUS: dict[Any, int] = {"ThrottlingException": 429, "InternalServerException": 500}


def test_rates_are_enforced_on_the_wire(answered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where request rates are enforced, botocore sees that it was throttled."""
    monkeypatch.setattr(utils, "utcnow", lambda: datetime(2026, 2, 3))  # noqa: DTZ001
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with mock_cleanrooms(rate_quotas=True):
        client = boto3_client(config=Config(retries={"max_attempts": 1}))
        for _ in range(5):
            client.list_collaborations()
        with pytest.raises(client.exceptions.ThrottlingException) as caught:
            client.list_collaborations()
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1
    assert answered == ["wire"] * 7


EVENTS = ["before-sign", "request-created", "before-send", "response-received", "needs-retry"]
NAMES = ["{}", "{}.cleanrooms", "{}.cleanrooms.ListCollaborations", "{}.*.ListCollaborations"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("event", EVENTS)
def test_handler_of_the_wire_is_called_and_forgotten(answered: list[str], event: str, name: str) -> None:
    """Who registers a handler for an event of the wire has it called from then on, and when it goes the call seam is back."""
    heard: list[str] = []

    def handler(event_name: str, **kwargs: Any) -> None:
        heard.append(event_name)

    with mock_cleanrooms():
        client = boto3_client()
        client.list_collaborations()
        client.meta.events.register(name.format(event), handler)
        assert client.list_collaborations()["collaborationList"] == []
        assert heard == [f"{event}.cleanrooms.ListCollaborations"]
        client.meta.events.unregister(name.format(event), handler)
        client.list_collaborations()
        client.meta.events.register_first(name.format(event), handler, unique_id="mine")
        client.list_collaborations()
        client.meta.events.unregister(name.format(event), unique_id="mine")
        client.list_collaborations()
    assert heard == [f"{event}.cleanrooms.ListCollaborations"] * 2
    assert answered == ["call", "wire", "call", "wire", "call"]


@pytest.mark.parametrize("event", EVENTS)
def test_handler_of_the_session_is_called(answered: list[str], event: str) -> None:
    """A handler that the session had before it made the client is the client's too."""
    heard: list[str] = []
    with mock_cleanrooms():
        session = boto3.session.Session()
        session.events.register(f"{event}.cleanrooms", lambda event_name, **kwargs: heard.append(event_name))
        session.client("cleanrooms", region_name="us-east-1").list_collaborations()
    assert heard == [f"{event}.cleanrooms.ListCollaborations"]
    assert answered == ["wire"]


@pytest.mark.parametrize(
    "name",
    [
        "before-send.s3",
        "before-send.cleanrooms.ListMembers",
        "before-send.cleanroomsml.ListCollaborations",
        "before-call",
        "after-call",
        "before-parameter-build.cleanrooms",
        "provide-client-params.cleanrooms.ListCollaborations",
    ],
)
def test_handler_of_something_else_keeps_the_call_seam(answered: list[str], name: str) -> None:
    """Only a handler that has to see this operation on the wire sends it there."""
    with mock_cleanrooms():
        client, other = boto3_client(), boto3_client()
        client.meta.events.register(name, lambda **kwargs: None)
        other.meta.events.register("before-send", lambda **kwargs: None)
        client.list_collaborations()
        other.list_collaborations()
        client.list_collaborations()
    assert answered == ["call", "wire", "call"]


def test_callable_of_any_kind_is_a_handler_of_somebodys(answered: list[str]) -> None:
    """A bound method, an object, a partial and a builtin are handlers as a function is."""

    class Listener:
        def __init__(self) -> None:
            self.count = 0

        def __call__(self, **kwargs: Any) -> None:
            self.count += 1

        def hear(self, **kwargs: Any) -> None:
            self.count += 1

    listener = Listener()
    with mock_cleanrooms():
        for handler in (listener, listener.hear, SimpleNamespace):
            client = boto3_client()
            client.meta.events.register("request-created.cleanrooms", handler)
            client.list_collaborations()
    assert answered == ["wire"] * 3
    assert listener.count == 2


@pytest.mark.parametrize("signer", [SimpleNamespace(), SimpleNamespace(_event_emitter=SimpleNamespace(_emitter=None))])
def test_wire_is_taken_if_botocore_has_changed(signer: Any) -> None:
    """If an emitter can't be asked who listens, somebody is taken to."""
    assert intercept._wire_is_watched(signer, "ListCollaborations") is True


def canned(url: str = HOST) -> AWSResponse:
    raw: Any = SimpleNamespace(stream=lambda **kwargs: iter([b'{"collaborationList": [{"name": "canned"}]}']))
    return AWSResponse(url, 200, HTTPHeaders(), raw)


@both_seams
def test_handler_before_send_may_answer_itself(wire: bool) -> None:
    """Who answers before-send first is the one who is heard, as ever."""
    with mock_cleanrooms(wire=wire):
        client = boto3_client()
        client.meta.events.register_first("before-send.cleanrooms", lambda **kwargs: canned())
        assert client.list_collaborations()["collaborationList"] == [{"name": "canned"}]


@both_seams
def test_needs_retry_handler_may_ask_for_another_attempt(wire: bool) -> None:
    """A handler's own idea of what to retry is followed."""
    with mock_cleanrooms(wire=wire) as handle:
        client = boto3_client()
        client.meta.events.register_first(
            "needs-retry.cleanrooms", lambda attempts, **kwargs: 0 if attempts < 3 else None
        )
        client.list_collaborations()
        assert len(handle.calls) == 3


@both_seams
@pytest.mark.parametrize("name", ["before-call", "before-call.cleanrooms", "before-call.cleanrooms.ListCollaborations"])
@pytest.mark.parametrize("when", ["session", "client"])
def test_users_own_before_call_handler_wins(wire: bool, name: str, when: str) -> None:
    """A user's handler that answers before-call comes before the mock, wherever and whenever it was registered."""
    answer = (SimpleNamespace(status_code=200), {"collaborationList": ["mine"], "ResponseMetadata": {}})
    with mock_cleanrooms(wire=wire) as handle:
        session: Any = boto3.session.Session()
        if when == "session":
            session.events.register(name, lambda **kwargs: answer)
        client = session.client("cleanrooms", region_name="us-east-1")
        if when == "client":
            client.list_collaborations()
            client.meta.events.register(name, lambda **kwargs: answer)
        assert client.list_collaborations()["collaborationList"] == ["mine"]
        assert len(handle.calls) == (when == "client")


@both_seams
def test_before_call_handler_may_change_the_request(wire: bool, answered: list[str]) -> None:
    """What a user's handler does to the request is seen by both seams."""

    def add(params: Any, **kwargs: Any) -> None:
        params["headers"]["x-moto-account-id"] = PUBLISHER
        params["body"] = json.dumps({**json.loads(params["body"]), "name": "changed"}).encode()

    with mock_cleanrooms(wire=wire):
        client = boto3_client()
        client.meta.events.register("before-call.cleanrooms.CreateCollaboration", add)
        created = client.create_collaboration(**MINIMAL)["collaboration"]
    assert (created["name"], created["creatorAccountId"]) == ("changed", PUBLISHER)
    assert answered == [SEAMS[wire]]


MINIMAL: dict[str, Any] = {
    "name": "campaign",
    "description": "reach",
    "members": [],
    "creatorDisplayName": "advertiser",
    "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
    "queryLogStatus": "DISABLED",
}


@both_seams
def test_botocore_stubber_wins(wire: bool) -> None:
    """A client with botocore's Stubber on it gets what was stubbed, and the mock again without it."""
    with mock_cleanrooms(wire=wire) as handle:
        client = boto3_client()
        with Stubber(client) as stubber:
            stubber.add_response("list_collaborations", {"collaborationList": []}, {"maxResults": 1})
            stubber.add_client_error("list_memberships", "ThrottlingException", http_status_code=429)
            client.list_collaborations(maxResults=1)
            with pytest.raises(client.exceptions.ThrottlingException):
                client.list_memberships()
            stubber.assert_no_pending_responses()
        assert handle.calls == ()
        client.list_collaborations()
        assert len(handle.calls) == 1


@both_seams
def test_call_without_credentials_is_botocores_own_error(
    wire: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where there are no credentials, a client says so as it does in production; an unsigned client needs none."""
    with mock_cleanrooms(wire=wire) as handle:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client: Any = boto3.session.Session().client("cleanrooms", region_name="us-east-1")
        with pytest.raises(NoCredentialsError):
            client.list_collaborations()
        assert not handle.calls
        unsigned: Any = boto3.session.Session().client(
            "cleanrooms", region_name="us-east-1", config=Config(signature_version=UNSIGNED)
        )
        assert unsigned.list_collaborations()["collaborationList"] == []
        (call,) = handle.calls
        assert call.account_id == DEFAULT
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "for moto to take away")


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], AbstractContextManager[None]]:
    """What has moto record into a file of the test's own while it is entered."""
    monkeypatch.setattr(recorder, "_location", str(tmp_path / "recording"))

    @contextmanager
    def record() -> Iterator[None]:
        recorder.start_recording()
        try:
            yield
        finally:
            recorder.stop_recording()

    return record


@both_seams
def test_motos_recorder_records(
    wire: bool, answered: list[str], recording: Callable[[], AbstractContextManager[None]]
) -> None:
    """While moto records, calls are in its recording as its own services' are, and it can replay them."""
    with mock_cleanrooms(wire=wire) as handle:
        client = boto3_client()
        with recording():
            client.create_collaboration(**MINIMAL)
        client.list_collaborations()
        (entry,) = [json.loads(line) for line in recorder.download_recording().splitlines()]
        assert (entry["method"], entry["url"]) == ("POST", f"{HOST}/collaborations")
        assert answered == ["wire", SEAMS[wire]]
        recorder.replay_recording()
        assert [call.operation for call in handle.calls][2:] == ["create_collaboration"]
        assert len(client.list_collaborations()["collaborationList"]) == 2


@both_seams
def test_motos_recorder_records_whose_call_it_is(
    wire: bool, recording: Callable[[], AbstractContextManager[None]]
) -> None:
    """A call of a handle's client is replayed as the account's that made it."""
    with mock_cleanrooms(wire=wire) as handle:
        publisher = handle.client(PUBLISHER)
        with recording():
            publisher.create_collaboration(**MINIMAL)
        recorder.replay_recording()
        assert [call.account_id for call in handle.calls] == [PUBLISHER, PUBLISHER]
        assert len(publisher.list_collaborations()["collaborationList"]) == 2


@both_seams
def test_motos_whitelist_holds(wire: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that moto's settings don't list is refused as moto refuses it, and one that they list is answered."""
    with mock_cleanrooms(wire=wire) as handle:
        client = boto3_client()
        monkeypatch.setitem(default_user_config, "core", {"service_whitelist": ["s3"]})
        with pytest.raises(ServiceNotWhitelisted):
            client.list_collaborations()
        assert handle.calls == ()
        monkeypatch.setitem(default_user_config, "core", {"service_whitelist": ["cleanrooms"]})
        assert client.list_collaborations()["collaborationList"] == []
        with pytest.raises(ServiceNotWhitelisted):
            boto3_client("s3").list_buckets()


@pytest.mark.parametrize(
    "passthrough", [{"services": ["cleanrooms"]}, {"urls": [r"https://cleanrooms\..*/collaborations"]}], ids=str
)
def test_motos_passthrough_holds(passthrough: Any, reached: list[Any]) -> None:
    """What moto's settings let through goes where it would have gone, past both seams."""
    with mock_aws(config={"core": {"passthrough": passthrough}}):
        client = boto3_client(config=ONCE)
        with pytest.raises(Exception, match="Could not connect to the endpoint URL"):
            client.list_collaborations()
        assert set(reached) == {"cleanrooms.us-east-1.amazonaws.com"}
        reached.clear()
        if "urls" in passthrough:
            assert client.list_memberships()["membershipSummaries"] == []
    with mock_cleanrooms():
        assert client.list_collaborations()["collaborationList"] == []


def test_both_seams_step_aside_outside_of_the_mock(reached: list[Any], answered: list[str]) -> None:
    """Without an active mock a client is what it was, and tries the network."""
    client = boto3_client(config=ONCE)
    for _ in range(2):
        with mock_cleanrooms():
            client.list_collaborations()
        with pytest.raises(Exception, match="Could not connect to the endpoint URL"):
            client.list_collaborations()
    assert set(reached) == {"cleanrooms.us-east-1.amazonaws.com"}
    reached.clear()
    assert len(answered) == 2


@both_seams
def test_mock_aws_alone_is_enough(wire: bool, answered: list[str]) -> None:
    """moto's own mock has Clean Rooms in it once this package is installed into it."""
    with mock_aws():
        client = boto3_client()
        if wire:
            client.meta.events.register("before-send", lambda **kwargs: None)
        created = client.create_collaboration(**MINIMAL)["collaboration"]
        assert client.get_collaboration(collaborationIdentifier=created["id"])["collaboration"]["name"] == "campaign"
    assert answered == [SEAMS[wire]] * 2


@both_seams
@pytest.mark.parametrize("call_before", [False, True], ids=["unused", "used in a mock before"])
def test_client_made_before_the_mock_is_mocked(wire: bool, call_before: bool, answered: list[str]) -> None:
    """A client at the top of a module, made before any mock started, is answered like any other."""
    client, session = boto3_client(), boto3.session.Session()
    if call_before:
        with mock_cleanrooms(wire=not wire):
            client.list_collaborations()
        answered.clear()
    with mock_cleanrooms(wire=wire):
        created = client.create_collaboration(**MINIMAL)["collaboration"]
        later: Any = session.client("cleanrooms", region_name="us-east-1")
        assert later.get_collaboration(collaborationIdentifier=created["id"])["collaboration"]["id"] == created["id"]
    assert answered == [SEAMS[wire]] * 2


# Endpoints


def _endpoints() -> list[tuple[str, str]]:
    """Each URL that botocore can make for the service, with its Region."""
    loader = botocore.session.Session().get_component("data_loader")
    partitions = loader.load_data("partitions")
    ruleset = loader.load_service_model("cleanrooms", "endpoint-rule-set-1")
    provider = EndpointProvider(ruleset, partitions)
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]]
    found = []
    for region, fips, dual_stack in product([*regions, "mars-north-1"], (False, True), (False, True)):
        try:
            endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack)
        except EndpointProviderError:
            continue
        found.append((endpoint.url, region))
    return found


def test_every_endpoint_of_botocore_is_ours() -> None:
    """Plain, FIPS, dual-stack and both: in every partition and Region the name is the service's and says the Region."""
    endpoints = _endpoints()
    assert len(endpoints) > 150
    for url, region_name in endpoints:
        for form in (url, f"{url}/", f"{url}:443/collaborations", f"{url}?a=b", url.replace("https", "http")):
            found = addresses.ENDPOINT.match(form)
            assert found is not None, form
            assert found["region"] == region_name, form


FORMS = list(
    product(
        [
            "us-east-1",
            "ap-southeast-5",
            "us-gov-west-1",
            "cn-north-1",
            "eusc-de-east-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "us-isof-south-1",
        ],
        (False, True),
        (False, True),
    )
)


@both_seams
def test_client_of_every_partition_is_answered(wire: bool, answered: list[str]) -> None:
    """A client that was configured for any form of endpoint is answered, in its own Region."""
    urls = set()
    with mock_cleanrooms(wire=wire) as handle:
        for region_name, fips, dual_stack in FORMS:
            config = Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack)
            try:
                client = boto3_client(region_name=region_name, config=config)
            except EndpointVariantError:
                continue
            assert client.list_collaborations()["collaborationList"] == []
            assert handle.calls[-1].region_name == region_name
            urls.add(client.meta.endpoint_url)
    assert len(urls) >= 24
    assert answered == [SEAMS[wire]] * len(urls)


@both_seams
@pytest.mark.parametrize(
    "url",
    [
        "https://vpce-0a1b2c3d-4e5f.cleanrooms.eu-west-1.vpce.amazonaws.com",
        "https://vpce-0a1b2c3d-4e5f-eu-west-1a.cleanrooms.eu-west-1.vpce.amazonaws.com",
        "https://vpce-0a1b2c3d-4e5f.cleanrooms-fips.eu-west-1.vpce.amazonaws.com",
        "https://cleanrooms.eu-west-1.amazonaws.com:443",
        "http://cleanrooms.eu-west-1.amazonaws.com",
        "https://cleanrooms.eu-west-1.amazonaws.com/",
        "https://cleanrooms.eu-west-1.api.aws:443",
        "https://cleanrooms-fips.eu-west-1.api.aws/",
    ],
)
def test_endpoint_that_the_user_names_is_answered(wire: bool, url: str, answered: list[str]) -> None:
    """A VPC endpoint, an explicit port, another scheme or a slash at the end are the same service in the Region of the name."""
    with mock_cleanrooms(wire=wire):
        client = boto3_client(region_name="us-east-1", endpoint_url=url)
        created = client.create_collaboration(**MINIMAL)["collaboration"]
        assert created["arn"].startswith(f"arn:aws:cleanrooms:eu-west-1:{DEFAULT}:collaboration/")
        client.list_tags_for_resource(resourceArn=created["arn"])
    assert answered == [SEAMS[wire]] * 2


@pytest.mark.parametrize(
    "url",
    [
        "https://cleanrooms-ml.us-east-1.amazonaws.com/",
        "https://notcleanrooms.us-east-1.amazonaws.com/",
        "https://my-cleanrooms.us-east-1.amazonaws.com/",
        "https://cleanroomsx.us-east-1.amazonaws.com/",
        "https://cleanrooms-fipsx.us-east-1.amazonaws.com/",
        "https://cleanrooms.amazonaws.com/",
        "https://cleanrooms.us-east-1.amazonaws.com.evil.example/",
        "https://cleanrooms.us-east-1.amazonaws.comevil.example/",
        "https://cleanrooms.us-east-1.evilamazonaws.com/",
        "https://cleanrooms.us-east-1.api.aws.evil.example/",
        "https://cleanrooms.us-east-1.api.awsevil/",
        "https://cleanrooms.us-east-1.amazonaws.com@evil.example/",
        "https://cleanrooms.us-east-1.amazonaws.com:443@evil.example/",
        "https://cleanrooms.us-east-1.amazonaws.com:port/",
        "https://evil.example/cleanrooms.us-east-1.amazonaws.com/",
        "https://evil.example/https://cleanrooms.us-east-1.amazonaws.com/",
        "https://evil.example?https://cleanrooms.us-east-1.amazonaws.com/",
        "https://evil.example#.cleanrooms.us-east-1.amazonaws.com/",
        "https://cleanrooms.us-east-1.localhost/",
        "https://s3.us-east-1.amazonaws.com/cleanrooms",
        "https://cleanrooms.s3.us-east-1.amazonaws.com/key",
        "https://cleanrooms.s3.amazonaws.com/key",
        "https://data.cleanrooms.s3.amazonaws.com/key",
        "https://cleanrooms.s3-us-west-2.amazonaws.com/key",
        "https://cleanrooms.s3-accelerate.amazonaws.com/key",
        "https://cleanrooms.s3-website-us-east-1.amazonaws.com/key",
        "ftp://cleanrooms.us-east-1.amazonaws.com/",
    ],
)
def test_other_host_is_not_ours(url: str) -> None:
    """Another service, a bucket that is called like this one, and whoever would like to pass for it."""
    assert addresses.ENDPOINT.match(url) is None


@both_seams
@pytest.mark.parametrize("bucket", ["cleanrooms", "data.cleanrooms", "cleanrooms-fips"])
def test_bucket_that_is_called_like_the_service_is_motos(wire: bool, bucket: str) -> None:
    """Beside the service, S3 keeps its buckets, whatever they are called."""
    with mock_cleanrooms(wire=wire) as handle:
        s3 = handle.client(ADVERTISER, service="s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="key", Body=b"content")
        assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"content"
        assert handle.calls == ()


@pytest.fixture
def local_server() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that somebody runs in place of the service, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            body = b'{"collaborationList": []}'
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.send_header("x-amzn-requestid", "local")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


@both_seams
def test_users_own_endpoint_goes_through(wire: bool, local_server: tuple[str, list[str]], answered: list[str]) -> None:
    """Who points a client at a server of their own, such as one on localhost, reaches it."""
    url, paths = local_server
    with mock_cleanrooms(wire=wire):
        client = boto3_client(endpoint_url=url)
        assert client.list_collaborations(maxResults=3)["ResponseMetadata"]["RequestId"] == "local"
        client.close()
        assert requests.get(f"{url}/elsewhere", timeout=5).json() == {"collaborationList": []}
    assert paths == ["/collaborations?maxResults=3", "/elsewhere"]
    assert answered == []


# Requests of other makers


def signed(
    method: str,
    url: str,
    body: Any = None,
    *,
    credentials: Credentials | None = None,
    headers: dict[str, str] | None = None,
    region_name: str = "us-east-1",
) -> requests.Response:
    """Send a request that was signed by hand, with the ``requests`` library."""
    request = AWSRequest(method, url, data=body if isinstance(body, bytes | str) else None, headers=headers or {})
    SigV4Auth(credentials or Credentials("AKIAEXAMPLE", "secret"), "cleanrooms", region_name).add_auth(request)
    return requests.request(method, url, data=body, headers=dict(request.headers.items()), timeout=5)


@pytest.mark.parametrize(
    "form",
    [
        lambda body: body,
        lambda body: body.encode(),
        lambda body: bytearray(body.encode()),
        lambda body: io.BytesIO(body.encode()),
        lambda body: io.StringIO(body),
        pytest.param(
            lambda body: iter([body[:10].encode(), body[10:].encode()]),
            marks=pytest.mark.skipif(
                not hasattr(BotocoreStubber, "process_prepared_request"),
                reason="moto before 5.2.3 can't read such a request itself",
            ),
        ),
    ],
    ids=["text", "bytes", "array of bytes", "file", "text file", "chunks"],
)
def test_signed_request_of_the_requests_library_is_answered(cleanrooms: Handle, form: Callable[[str], Any]) -> None:
    """Whoever signs a request and sends it by other means gets the answer on the wire, whatever the form of the body."""
    body = json.dumps({**MINIMAL, "name": "spring 😀"}, ensure_ascii=form("x" * 20) == "x" * 20)
    response = signed("POST", f"{HOST}/collaborations", form(body))
    assert response.status_code == 200, response.text
    collaboration = response.json()["collaboration"]
    assert (collaboration["name"], collaboration["creatorAccountId"]) == ("spring 😀", DEFAULT)
    read = signed("GET", f"{HOST}/collaborations/{collaboration['id']}")
    assert read.json()["collaboration"] == collaboration
    arn = quote(collaboration["arn"], safe="")
    assert signed("POST", f"{HOST}/tags/{arn}", json.dumps({"tags": {"a": "b"}})).status_code == 200
    assert signed("GET", f"{HOST}/tags/{collaboration['arn']}").json() == {"tags": {"a": "b"}}
    gone = signed("DELETE", f"{HOST}/collaborations/{collaboration['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert cleanrooms.client(DEFAULT).list_collaborations()["collaborationList"] == []


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize("body", ["{", b"\xff\xfe", "[]", "null", '"text"', "NaN", ""])
def test_malformed_body_is_a_modelled_error(cleanrooms: Handle, body: str | bytes) -> None:
    """A body that is no JSON object is a broken constraint, with a request id and a type like any refusal."""
    response = signed("POST", f"{HOST}/collaborations", body)
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert response.headers["x-amzn-requestid"]
    assert response.json()["reason"] == "FIELD_VALIDATION_FAILED"
    assert cleanrooms.client(DEFAULT).list_collaborations()["collaborationList"] == []


def test_log_of_a_malformed_body_has_the_path(cleanrooms: Handle) -> None:
    """Of a request whose body can't be read, the log has what its path says."""
    collaboration_id = "11111111-2222-3333-4444-555555555555"
    assert signed("PATCH", f"{HOST}/collaborations/{collaboration_id}", "{").status_code == 400
    (call,) = cleanrooms.calls
    assert (call.operation, call.status) == ("update_collaboration", 400)
    assert call.arguments == {"collaborationIdentifier": collaboration_id}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/unknown"),
        ("PUT", "/collaborations"),
        ("GET", "/collaborations/a/b/c/d?query=1#fragment"),
        ("OPTIONS", "/collaborations"),
        ("HEAD", "/collaborations"),
    ],
)
def test_path_of_no_operation_is_not_found(cleanrooms: Handle, method: str, path: str) -> None:
    """A path that the service doesn't have is answered as such, and never sent anywhere."""
    response = signed(method, f"{HOST}{path}")
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    if method != "HEAD":
        assert response.json()["message"] == f"{method} {path.split('?')[0] or '/'} is no operation"
    assert cleanrooms.calls == ()


def test_request_through_any_endpoint_is_answered(cleanrooms: Handle) -> None:
    """The requests library reaches every form of endpoint, in the Region of the name, whatever the signature says."""
    for url, region_name in _endpoints():
        response = signed("GET", f"{url}/collaborations")
        assert response.json() == {"collaborationList": []}, url
        assert cleanrooms.calls[-1].region_name == region_name
    assert signed("GET", "https://CleanRooms.US-East-1.amazonaws.com/collaborations").status_code == 200
    assert signed("GET", f"{HOST}/collaborations?maxResults=1#fragment").status_code == 200
    assert signed("GET", f"{HOST}/collaborations#fragment").status_code == 200
    assert len({call.region_name for call in cleanrooms.calls}) > 40


# Whose call it is


def assume(account_id: str) -> dict[str, str]:
    """Credentials of a role in an account, as moto's STS gives them."""
    answer = boto3_client("sts").assume_role(RoleArn=f"arn:aws:iam::{account_id}:role/any", RoleSessionName="test")
    given = answer["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


@both_seams
def test_account_follows_from_the_access_key(wire: bool, answered: list[str]) -> None:
    """Credentials of an assumed role act as the role's account, and any others as moto's default account."""
    with mock_cleanrooms(wire=wire) as handle:
        boto3_client(**assume(PUBLISHER)).create_collaboration(**MINIMAL)
        boto3_client().create_collaboration(**MINIMAL)
        assert [call.account_id for call in handle.calls] == [PUBLISHER, DEFAULT]
        for account_id in (PUBLISHER, DEFAULT):
            (collaboration,) = handle.client(account_id).list_collaborations()["collaborationList"]
            assert collaboration["creatorAccountId"] == account_id
    assert answered == [SEAMS[wire]] * 4


def test_account_of_a_signed_request_follows_from_its_access_key(cleanrooms: Handle) -> None:
    """A request that was signed by hand with the credentials of an assumed role acts as its account too."""
    role = assume(PUBLISHER)
    credentials = Credentials(*role.values())
    signed("GET", f"{HOST}/collaborations", credentials=credentials)
    signed("GET", f"{HOST}/collaborations", headers={"x-moto-account-id": STRANGER}, credentials=credentials)
    requests.get(f"{HOST}/collaborations", timeout=5)
    requests.get(
        f"{HOST}/collaborations",
        headers={"Authorization": f"AWS {role['aws_access_key_id']}:c2lnbmF0dXJl"},
        timeout=5,
    )
    assert [call.account_id for call in cleanrooms.calls] == [PUBLISHER, STRANGER, DEFAULT, PUBLISHER]


@both_seams
def test_environment_goes_before_header_and_header_before_key(
    wire: bool, monkeypatch: pytest.MonkeyPatch, answered: list[str]
) -> None:
    """moto's three ways to name an account hold, in moto's order."""
    with mock_cleanrooms(wire=wire) as handle:
        client = boto3_client(**assume(PUBLISHER))

        def as_stranger(params: Any, **kwargs: Any) -> None:
            params["headers"]["x-moto-account-id"] = STRANGER

        client.list_collaborations()
        client.meta.events.register("before-call", as_stranger)
        client.list_collaborations()
        monkeypatch.setenv("MOTO_ACCOUNT_ID", ADVERTISER)
        client.list_collaborations()
        signed("GET", f"{HOST}/collaborations", headers={"x-moto-account-id": STRANGER})
        monkeypatch.delenv("MOTO_ACCOUNT_ID")
        client.list_collaborations()
        accounts = [call.account_id for call in handle.calls]
    assert accounts == [PUBLISHER, STRANGER, ADVERTISER, ADVERTISER, STRANGER]
    assert answered == [SEAMS[wire]] * 3 + ["wire", SEAMS[wire]]


# Installing


def test_installing_again_changes_nothing() -> None:
    """Whoever calls install() a second time finds one stubber, one handler and one pattern, as before."""

    def seen() -> tuple[Any, ...]:
        return (
            list(BUILTIN_HANDLERS),
            list(backend_index.backend_url_patterns),
            type(botocore_stubber),
            get_backend("cleanrooms"),
        )

    before = seen()
    install()
    assert seen() == before
    assert [entry[1] for entry in BUILTIN_HANDLERS].count(intercept.answer_call) == 1
    assert [entry[1] for entry in BUILTIN_HANDLERS].count(botocore_stubber) == 1
    assert [pattern for name, pattern in backend_index.backend_url_patterns if name == "cleanrooms"] == [
        addresses.ENDPOINT
    ]
    assert isinstance(botocore_stubber, intercept.CleanRoomsStubber)


@pytest.mark.parametrize("version", ["5.1.22", "4.2.14", "5.1.0.dev"])
def test_moto_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """The error says what is needed, what is there, and what to do."""
    monkeypatch.setattr(moto, "__version__", version)
    with pytest.raises(ImportError, match=r"needs moto 5\.2 or newer") as caught:
        install()
    assert version in str(caught.value)
    assert "pip install --upgrade moto" in str(caught.value)


@pytest.mark.parametrize("version", ["5.2.0", "5.2.5.dev1", "5.10.0", "6.0.0"])
def test_moto_that_is_new_enough_is_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Versions are compared by their numbers."""
    monkeypatch.setattr(moto, "__version__", version)
    install()
    assert isinstance(botocore_stubber, intercept.CleanRoomsStubber)


def test_moto_that_lacks_what_is_relied_on_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a newer moto is built in another way, the error says what is missing rather than failing somewhere else."""
    monkeypatch.delattr(BotocoreStubber, "process_request")
    monkeypatch.setattr(backend_index, "backend_url_patterns", ())
    with pytest.raises(ImportError, match=rf"moto {moto.__version__} has no ") as caught:
        install()
    for name in ("BotocoreStubber.process_request", "backend_index.backend_url_patterns"):
        assert name in str(caught.value)
    assert "MockAWS._nested_count" not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "explanation"),
    [("4.2.14", "needs moto 5.2 or newer, and this is moto 4.2.14"), ("7.0.0", "moto 7.0.0 has no ")],
)
def test_import_with_a_foreign_moto_fails_with_an_explanation(tmp_path: Path, version: str, explanation: str) -> None:
    """A moto that has none of what is relied on is explained by an ImportError of ours, at the first use."""
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    root = Path(intercept.__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", "from cleanrooms_mock import mock_cleanrooms"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "ImportError" in result.stderr.splitlines()[-1]
    assert explanation in result.stderr.splitlines()[-1]


# moto's backends and server


def test_motos_backend_is_ours(cleanrooms: Handle) -> None:
    """moto finds our backend under the service's name, and its reset reaches it."""
    backends: Any = get_backend("cleanrooms")
    assert backends is cleanrooms_backends
    scene = Scene(cleanrooms)
    collaboration = scene.create()
    assert collaboration["id"] in backends[ADVERTISER]["us-east-1"].participations
    assert backends[ADVERTISER]["us-east-1"] is cleanrooms.backend(ADVERTISER)
    backends.reset()
    assert scene.advertiser.list_collaborations()["collaborationList"] == []
    assert (
        outcome_of(lambda: scene.publisher.list_members(collaborationIdentifier=collaboration["id"]))[0]
        == "ResourceNotFoundException"
    )


def test_motos_reset_api_reaches_the_state(cleanrooms: Handle) -> None:
    """Who resets moto from inside a test has no collaboration left, and can go on."""
    scene = Scene(cleanrooms)
    scene.create()
    assert requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=5).status_code == 200
    assert scene.advertiser.list_collaborations()["collaborationList"] == []
    assert scene.create()["id"]


@pytest.fixture
def server() -> Iterator[str]:
    """moto's own server, in this process."""
    moto_server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto_server.start()
    host, port = moto_server.get_host_and_port()
    url = f"http://{host}:{port}"
    yield url
    requests.post(f"{url}/moto-api/reset", timeout=5)
    moto_server.stop()
    moto_server._server.server_close()  # type: ignore[union-attr]


@contextmanager
def client_of(url: str, account_id: str, region_name: str = "us-east-1") -> Iterator[Any]:
    """A client that asks moto's server as an account."""
    client = boto3_client(endpoint_url=url, region_name=region_name, config=ONCE)

    def act(params: Any, **kwargs: Any) -> None:
        params["headers"]["x-moto-account-id"] = account_id

    client.meta.events.register("before-call", act)
    yield client
    client.close()


def test_motos_server_serves_the_same_rules(server: str, answered: list[str]) -> None:
    """Over moto's server an invited account joins, is refused and listed by the same rules, with all that a refusal carries."""
    with client_of(server, ADVERTISER) as advertiser, client_of(server, PUBLISHER) as publisher:
        members = [
            {
                "accountId": PUBLISHER,
                "displayName": "publisher 😀",
                "memberAbilities": [],
                "paymentConfiguration": pays(query=True),
            }
        ]
        made = advertiser.create_collaboration(**MINIMAL | {"members": members}, tags={"a": "b"})["collaboration"]
        here = {"collaborationIdentifier": made["id"]}
        with pytest.raises(publisher.exceptions.ValidationException) as caught:
            publisher.create_membership(**here, queryLogStatus="DISABLED")
        response = caught.value.response
        assert response["reason"] == "INVALID_CONFIGURATION"
        assert [entry["name"] for entry in response["fieldList"]] == ["paymentConfiguration"]
        assert response["ResponseMetadata"]["HTTPHeaders"]["x-cleanrooms-mock-rule"] == "PAY-22"
        membership = publisher.create_membership(
            **here, queryLogStatus="DISABLED", paymentConfiguration=pays(query=True)
        )["membership"]
        with pytest.raises(publisher.exceptions.ConflictException) as conflict:
            publisher.create_membership(**here, queryLogStatus="DISABLED")
        assert conflict.value.response["resourceId"] == membership["id"]
        assert conflict.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
        page = advertiser.list_members(**here, maxResults=1)
        (second,) = advertiser.list_members(**here, nextToken=page["nextToken"])["memberSummaries"]
        assert (second["displayName"], second["status"]) == ("publisher 😀", "ACTIVE")
        assert advertiser.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"a": "b"}
        publisher.tag_resource(resourceArn=membership["arn"], tags={"ü": "/="})
        publisher.untag_resource(resourceArn=membership["arn"], tagKeys=["a&b", "c"])
        assert publisher.list_tags_for_resource(resourceArn=membership["arn"])["tags"] == {"ü": "/="}
        assert advertiser.delete_collaboration(**here)["ResponseMetadata"]["HTTPStatusCode"] == 204
        with pytest.raises(advertiser.exceptions.ResourceNotFoundException) as missing:
            advertiser.list_protected_queries(membershipIdentifier=NOWHERE)
        assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert set(answered) == {"wire"}


def test_motos_server_tells_regions_apart_by_the_signature(server: str) -> None:
    """The host says no Region there, so the signature does."""
    with client_of(server, ADVERTISER, "eu-west-1") as abroad, client_of(server, ADVERTISER) as home:
        made = abroad.create_collaboration(**MINIMAL)["collaboration"]
        assert made["arn"].startswith(f"arn:aws:cleanrooms:eu-west-1:{ADVERTISER}:")
        assert home.list_collaborations()["collaborationList"] == []
        assert len(abroad.list_collaborations()["collaborationList"]) == 1


def test_motos_server_is_reset(server: str) -> None:
    """The server's reset has nothing left."""
    with client_of(server, ADVERTISER) as client:
        client.create_collaboration(**MINIMAL)
        requests.post(f"{server}/moto-api/reset", timeout=5)
        assert client.list_collaborations()["collaborationList"] == []
