"""What is timed: for each case and subject one small function that sets the scene and returns what pyperf times.

A subject is one way to have a call answered. Each is timed in a process of its own, so nothing here imports botocore, moto or
cleanrooms_mock before a scene needs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from time import process_time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

#: A handler on ``before-send`` that returns a canned answer: what botocore costs by itself, and for the mock what ``responses`` costs.
FLOOR = "floor"
#: botocore's Stubber with the same answer.
STUBBER = "stubber"
#: moto's own backend, where cleanrooms_mock was never imported.
MOTO = "moto"
#: ours, on either of its seams.
CALL, WIRE = "call", "wire"
SUBJECTS = (FLOOR, STUBBER, MOTO, CALL, WIRE)

ADVERTISER = "111111111111"
PUBLISHER = "222222222222"
PAGE = 100
#: How many memberships an account has in a case whose name ends so, and how many rows the tables of the large aggregation have.
SIZES = {"few": 100, "many": 100_000, "rows": 10_000_000}

T = TypeVar("T")
Arguments = Mapping[str, Any]
#: Does something a number of times and returns the seconds that it took, without those of its preparation. They are the processor's: nothing
#: here waits for anything, so on an idle machine they are the clock's, and on a busy one what its other users take isn't counted.
Time = Callable[[int], float]

#: A collaboration whose second member has everything to say when it joins: where results go, by which role, and that it pays.
COLLABORATION: Arguments = {
    "name": "campaign",
    "description": "reach of the spring campaign",
    "creatorDisplayName": "advertiser",
    "creatorMemberAbilities": ["CAN_QUERY"],
    "members": [
        {
            "accountId": PUBLISHER,
            "displayName": "publisher",
            "memberAbilities": ["CAN_RECEIVE_RESULTS"],
            "paymentConfiguration": {"queryCompute": {"isResponsible": True}},
        }
    ],
    "queryLogStatus": "ENABLED",
}


#: A configured table as most tests have it.
TABLE: Arguments = {
    "name": "readers",
    "description": "who read what",
    "tableReference": {"glue": {"databaseName": "campaign", "tableName": "readers"}},
    "allowedColumns": ["email", "city", "age_group"],
    "analysisMethod": "DIRECT_QUERY",
}
#: How many schemas one BatchGetSchema may ask for.
BATCH = 25


def joining(collaboration_id: str) -> Arguments:
    """The arguments of a CreateMembership that every check has something to look at in."""
    return {
        "collaborationIdentifier": collaboration_id,
        "queryLogStatus": "ENABLED",
        "tags": {"team": "measurement"},
        "defaultResultConfiguration": {
            "outputConfiguration": {
                "s3": {"resultFormat": "PARQUET", "bucket": "campaign-results", "keyPrefix": "reach"}
            },
            "roleArn": f"arn:aws:iam::{PUBLISHER}:role/results",
        },
        "paymentConfiguration": {"queryCompute": {"isResponsible": True}},
    }


@dataclass(frozen=True)
class Answer:
    """A call of an operation and the body that ours answers it with, for the subjects that answer from a can."""

    arguments: Arguments
    body: str


class Stage:
    """Where a scene is set; what was started on it stops when it is left.

    :param answers: canned answers by operation, for the floor and the Stubber.
    """

    def __init__(self, subject: str, case: str, answers: Mapping[str, Answer]) -> None:
        self.subject = subject
        self.case = case
        self.answers = answers
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._exits.close()

    def enter(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that is left with the stage."""
        return self._exits.enter_context(context)

    def mock_cleanrooms(self) -> Any:
        """Start ours and return its handle. No quota is reached, though each is checked."""
        from cleanrooms_mock import mock_cleanrooms

        return self._exits.enter_context(mock_cleanrooms(quotas=None, wire=self.subject == WIRE))

    def mock_aws(self) -> Any:
        """Start moto and return a client of its default account."""
        from moto import mock_aws

        self._exits.enter_context(mock_aws())
        return client()

    def canned(self, operation: str) -> Any:
        """Return a client for which a handler answers in place of the network."""
        from botocore.awsrequest import AWSResponse

        answering, body = client(), self.answers[operation].body.encode()
        headers = {"content-type": "application/json", "x-amzn-requestid": "5d2cb2d4-6f4f-4a8c-9f3b-0c8a5f9c7b1e"}

        def answer(request: Any, **kwargs: Any) -> AWSResponse:
            return AWSResponse(request.url, 200, headers, _Raw(body))  # type: ignore[arg-type]

        answering.meta.events.register("before-send.cleanrooms", answer)
        return answering


class _Raw(BytesIO):
    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        while content := self.read():
            yield content


def client() -> Any:
    """Return a client of boto3's, with credentials that nobody checks."""
    import boto3

    return boto3.session.Session(region_name="us-east-1").client(
        "cleanrooms", aws_access_key_id="FOOBARKEY", aws_secret_access_key="FOOBARSECRET"
    )


CASES: dict[str, dict[str, Callable[[Stage], Time]]] = {}


def case(name: str, *subjects: str) -> Callable[[Callable[[Stage], Time]], Callable[[Stage], Time]]:
    """Register a function as the scene of a case for some subjects."""

    def register(scene: Callable[[Stage], Time]) -> Callable[[Stage], Time]:
        CASES.setdefault(name, {}).update(dict.fromkeys(subjects, scene))
        return scene

    return register


@contextmanager
def timed(case: str, subject: str, answers: Mapping[str, Answer]) -> Iterator[Time]:
    """Set the scene of a case for a subject, and have what pyperf times."""
    with Stage(subject, case, answers) as stage:
        yield CASES[case][subject](stage)


def each(call: Callable[..., object], prepare: Callable[[int], list[Arguments]]) -> Time:
    """Time ``call`` with each of the arguments that ``prepare`` makes for a number of calls."""

    def time_calls(calls: int) -> float:
        prepared = prepare(calls)
        started = process_time()
        for arguments in prepared:
            call(**arguments)
        return process_time() - started

    return time_calls


def again(call: Callable[..., object], **arguments: Any) -> Time:
    """Time ``call`` with the same arguments again and again."""
    return each(call, lambda calls: [arguments] * calls)


# One call


@case("create_membership", FLOOR)
@case("get_membership", FLOOR)
@case("list_memberships", FLOOR)
@case("create_configured_table", FLOOR)
@case("get_schema", FLOOR)
@case("batch_get_schema", FLOOR)
def answer_before_sending(stage: Stage) -> Time:
    return again(getattr(stage.canned(stage.case), stage.case), **stage.answers[stage.case].arguments)


@case("create_membership", STUBBER)
@case("get_membership", STUBBER)
@case("list_memberships", STUBBER)
@case("create_configured_table", STUBBER)
@case("get_schema", STUBBER)
@case("batch_get_schema", STUBBER)
def answer_from_a_queue(stage: Stage) -> Time:
    call, queue = _stubbed(stage, stage.case)

    def prepare(calls: int) -> list[Arguments]:
        queue(calls)
        return [stage.answers[stage.case].arguments] * calls

    return each(call, prepare)


def _stubbed(stage: Stage, operation: str) -> tuple[Callable[..., object], Callable[[int], None]]:
    """Return a stubbed operation, and what queues its answers."""
    from botocore.stub import Stubber

    answer = getattr(stage.canned(operation), operation)(**stage.answers[operation].arguments)
    del answer["ResponseMetadata"]
    stubbed = client()
    stubber = Stubber(stubbed)
    stubber.activate()

    def queue(calls: int) -> None:
        for _ in range(calls):
            stubber.add_response(operation, answer)

    return getattr(stubbed, operation), queue


@case("create_membership", MOTO)
def join_in_moto(stage: Stage) -> Time:
    publisher = stage.mock_aws()
    # moto lets an account join as often as it likes.
    return again(publisher.create_membership, **joining(_collaborate(publisher)))


@case("create_membership", CALL, WIRE)
def join(stage: Stage) -> Time:
    handle = stage.mock_cleanrooms()
    advertiser = handle.client(ADVERTISER)
    return each(
        handle.client(PUBLISHER).create_membership,
        lambda calls: [joining(_collaborate(advertiser)) for _ in range(calls)],
    )


@case("get_membership", MOTO)
def get_from_moto(stage: Stage) -> Time:
    publisher = stage.mock_aws()
    return again(publisher.get_membership, membershipIdentifier=_join(publisher, publisher))


@case("get_membership", CALL, WIRE)
def get(stage: Stage) -> Time:
    handle = stage.mock_cleanrooms()
    publisher = handle.client(PUBLISHER)
    return again(publisher.get_membership, membershipIdentifier=_join(handle.client(ADVERTISER), publisher))


@case("list_memberships", MOTO)
def list_in_moto(stage: Stage) -> Time:
    publisher = stage.mock_aws()
    for _ in range(PAGE):
        _join(publisher, publisher)
    return again(publisher.list_memberships, maxResults=PAGE)


@case("list_memberships", CALL, WIRE)
def list_them(stage: Stage) -> Time:
    handle = stage.mock_cleanrooms()
    advertiser, publisher = handle.client(ADVERTISER), handle.client(PUBLISHER)
    for _ in range(PAGE):
        _join(advertiser, publisher)
    return again(publisher.list_memberships, maxResults=PAGE)


@case("create_configured_table", MOTO)
def create_table_in_moto(stage: Stage) -> Time:
    return again(stage.mock_aws().create_configured_table, **TABLE)


@case("create_configured_table", CALL, WIRE)
def create_table(stage: Stage) -> Time:
    return again(stage.mock_cleanrooms().client(ADVERTISER).create_configured_table, **TABLE)


@case("get_schema", CALL, WIRE)
def get_schema(stage: Stage) -> Time:
    advertiser = stage.mock_cleanrooms().client(ADVERTISER)
    collaboration_id, (name, *_) = _associate(advertiser)
    return again(advertiser.get_schema, collaborationIdentifier=collaboration_id, name=name)


@case("batch_get_schema", CALL, WIRE)
def batch_get_schema(stage: Stage) -> Time:
    advertiser = stage.mock_cleanrooms().client(ADVERTISER)
    collaboration_id, names = _associate(advertiser)
    return again(advertiser.batch_get_schema, collaborationIdentifier=collaboration_id, names=names)


def _associate(advertiser: Any) -> tuple[str, list[str]]:
    """Associate as many tables as a batch may name, each with an analysis rule."""
    collaboration_id = _collaborate(advertiser)
    membership = advertiser.create_membership(collaborationIdentifier=collaboration_id, queryLogStatus="ENABLED")
    names = [f"readers_{number}" for number in range(BATCH)]
    for name in names:
        table_id = advertiser.create_configured_table(**TABLE)["configuredTable"]["id"]
        advertiser.create_configured_table_analysis_rule(
            configuredTableIdentifier=table_id,
            analysisRuleType="LIST",
            analysisRulePolicy={"v1": {"list": {"joinColumns": ["email"], "listColumns": ["city", "age_group"]}}},
        )
        advertiser.create_configured_table_association(
            name=name,
            membershipIdentifier=membership["membership"]["id"],
            configuredTableIdentifier=table_id,
            roleArn=f"arn:aws:iam::{ADVERTISER}:role/tables",
        )
    return collaboration_id, names


def _collaborate(advertiser: Any) -> str:
    collaboration_id: str = advertiser.create_collaboration(**COLLABORATION)["collaboration"]["id"]
    return collaboration_id


def _join(advertiser: Any, publisher: Any) -> str:
    membership_id: str = publisher.create_membership(**joining(_collaborate(advertiser)))["membership"]["id"]
    return membership_id


def collect_answers() -> dict[str, Answer]:
    """Have ours make the answers that the floor and the Stubber give."""
    with Stage(WIRE, "answers", {}) as stage:
        handle = stage.mock_cleanrooms()
        advertiser, publisher = handle.client(ADVERTISER), handle.client(PUBLISHER)
        memberships = [_join(advertiser, publisher) for _ in range(PAGE)]
        calls: list[tuple[Any, str, Arguments]] = [
            (publisher, "get_membership", {"membershipIdentifier": memberships[0]}),
            (publisher, "list_memberships", {"maxResults": PAGE}),
            (publisher, "create_membership", joining(_collaborate(advertiser))),
            (advertiser, "create_collaboration", COLLABORATION),
            (advertiser, "create_configured_table", TABLE),
        ]
        collaboration_id, names = _associate(advertiser)
        calls += [
            (advertiser, "get_schema", {"collaborationIdentifier": collaboration_id, "name": names[0]}),
            (advertiser, "batch_get_schema", {"collaborationIdentifier": collaboration_id, "names": names}),
        ]
        answers: dict[str, Answer] = {}
        for caller, operation, arguments in calls:
            bodies: list[bytes] = []

            def keep(http_response: Any, bodies: list[bytes] = bodies, **kwargs: Any) -> None:
                bodies.append(http_response.content)

            caller.meta.events.register("after-call", keep, unique_id="benchmarks")
            getattr(caller, operation)(**arguments)
            caller.meta.events.unregister("after-call", unique_id="benchmarks")
            answers[operation] = Answer(arguments, bodies[0].decode())
        return answers


# The first call


def _first_above_second(call: Callable[..., object], arguments: Arguments, queue: Callable[[int], None]) -> Time:
    """Time what the first call in a process takes more than the second."""
    queue(2)
    both = again(call, **arguments)
    return lambda calls: both(1) - both(1)


@case("first_call", FLOOR)
def first_before_sending(stage: Stage) -> Time:
    return _first_above_second(
        stage.canned("create_collaboration").create_collaboration, COLLABORATION, lambda calls: None
    )


@case("first_call", STUBBER)
def first_from_a_queue(stage: Stage) -> Time:
    call, queue = _stubbed(stage, "create_collaboration")
    return _first_above_second(call, COLLABORATION, queue)


@case("first_call", MOTO)
def first_in_moto(stage: Stage) -> Time:
    return _first_above_second(stage.mock_aws().create_collaboration, COLLABORATION, lambda calls: None)


@case("first_call", CALL, WIRE)
def first(stage: Stage) -> Time:
    advertiser = stage.mock_cleanrooms().client(ADVERTISER)
    return _first_above_second(advertiser.create_collaboration, COLLABORATION, lambda calls: None)


# The mock itself


@case("start_and_stop", FLOOR)
def patch_requests(stage: Stage) -> Time:
    """What every mock of AWS needs of ``responses``: a fresh registry, a callback for each HTTP method, the patch and its end."""
    import responses

    methods = (
        responses.GET,
        responses.DELETE,
        responses.HEAD,
        responses.OPTIONS,
        responses.PATCH,
        responses.POST,
        responses.PUT,
    )
    mock = responses.RequestsMock(assert_all_requests_are_fired=False)
    anywhere = re.compile("https?://")

    def start_and_stop() -> None:
        mock.reset()
        mock.start()
        for method in methods:
            mock.add(responses.CallbackResponse(method=method, url=anywhere, callback=lambda request: (200, {}, "")))
        mock.stop()

    return again(start_and_stop)


@case("start_and_stop", STUBBER)
def activate_and_deactivate(stage: Stage) -> Time:
    from botocore.stub import Stubber

    stubbed = client()

    def start_and_stop() -> None:
        stubber = Stubber(stubbed)
        stubber.activate()
        stubber.deactivate()

    return again(start_and_stop)


@case("start_and_stop", MOTO)
def start_and_stop_moto(stage: Stage) -> Time:
    from moto import mock_aws

    def start_and_stop() -> None:
        mock = mock_aws()
        mock.start()
        mock.stop()

    return again(start_and_stop)


@case("start_and_stop", CALL, WIRE)
def start_and_stop_ours(stage: Stage) -> Time:
    from cleanrooms_mock import mock_cleanrooms

    def start_and_stop() -> None:
        mock = mock_cleanrooms(wire=stage.subject == WIRE)
        mock.start()
        mock.stop()

    return again(start_and_stop)


# Imports


@case("import", FLOOR)
def import_moto(stage: Stage) -> Time:
    return _import("import moto", on_top_of="sys")


@case("import", CALL)
def import_ours(stage: Stage) -> Time:
    return _import("from cleanrooms_mock import mock_cleanrooms", on_top_of="moto")


@case("import_plugin", FLOOR)
def import_pytest(stage: Stage) -> Time:
    return _import("import pytest", on_top_of="sys")


@case("import_plugin", CALL)
def import_plugin(stage: Stage) -> Time:
    return _import("import cleanrooms_mock.pytest_plugin", on_top_of="pytest")


def _import(statement: str, on_top_of: str) -> Time:
    """Time an import in a fresh interpreter, in which ``on_top_of`` was imported before.

    pyperf's processes don't have the environment variables that keep bytecode from being written, so from its warm-up on there is some.
    """
    code = f"import time, {on_top_of}; began = time.process_time(); {statement}; print(time.process_time() - began)"
    command = [sys.executable, "-c", code]

    def time_imports(calls: int) -> float:
        return sum(float(subprocess.check_output(command)) for _ in range(calls))

    return time_imports


# How cost grows with state


def _grown_moto(stage: Stage) -> Any:
    """Return a client of moto's whose account has as many memberships as the case says."""
    from moto.backends import get_backend

    publisher = stage.mock_aws()
    collaboration_id = _collaborate(publisher)
    backend: Any = get_backend("cleanrooms")["123456789012"]["us-east-1"]
    for _ in range(_size(stage)):
        backend.create_membership(collaboration_id, "ENABLED", None, None, None)
    return publisher


def _grown(stage: Stage) -> Any:
    """Return a handle of ours where the publisher has as many memberships as the case says."""
    from cleanrooms_mock.cleanrooms.collaborations import create_collaboration
    from cleanrooms_mock.cleanrooms.controls import current
    from cleanrooms_mock.cleanrooms.memberships import create_membership
    from cleanrooms_mock.cleanrooms.service import Caller

    handle = stage.mock_cleanrooms()
    backend = handle.backend(PUBLISHER)
    publisher = Caller(PUBLISHER, backend.region_name, backend, backend.world, current())
    for _ in range(_size(stage)):
        collaboration = create_collaboration(
            publisher,
            members=[],
            name="own",
            creator_member_abilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
            creator_display_name="publisher",
            query_log_status="DISABLED",
        )
        create_membership(publisher, collaboration_identifier=collaboration.id, query_log_status="DISABLED")
    return handle


def _size(stage: Stage) -> int:
    return SIZES[stage.case.rsplit("_", 1)[1]]


@case("create_membership_few", MOTO)
@case("create_membership_many", MOTO)
def join_grown_moto(stage: Stage) -> Time:
    publisher = _grown_moto(stage)
    return again(publisher.create_membership, **joining(_collaborate(publisher)))


@case("create_membership_few", CALL, WIRE)
@case("create_membership_many", CALL, WIRE)
def join_grown(stage: Stage) -> Time:
    handle = _grown(stage)
    advertiser, publisher = handle.client(ADVERTISER), handle.client(PUBLISHER)
    memberships = handle.backend(PUBLISHER).memberships

    def prepare(calls: int) -> list[Arguments]:
        for membership in list(memberships)[_size(stage) :]:
            publisher.delete_membership(membershipIdentifier=membership.id)
        return [joining(_collaborate(advertiser)) for _ in range(calls)]

    return each(publisher.create_membership, prepare)


@case("list_memberships_few", MOTO)
@case("list_memberships_many", MOTO)
def list_grown_moto(stage: Stage) -> Time:
    return _page_from_the_middle(stage, _grown_moto(stage))


@case("list_memberships_few", CALL, WIRE)
@case("list_memberships_many", CALL, WIRE)
def list_grown(stage: Stage) -> Time:
    return _page_from_the_middle(stage, _grown(stage).client(PUBLISHER))


def _page_from_the_middle(stage: Stage, publisher: Any) -> Time:
    arguments: dict[str, Any] = {"maxResults": PAGE}
    for _ in range(_size(stage) // PAGE // 2):
        arguments["nextToken"] = publisher.list_memberships(**arguments)["nextToken"]
    return again(publisher.list_memberships, **arguments)
