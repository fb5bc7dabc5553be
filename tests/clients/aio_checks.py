"""Checks of aiobotocore's clients, for an interpreter that has aiobotocore.

Run as a script, it does them all and writes one line of JSON for each; :mod:`tests.clients.test_aiobotocore` reads them.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from typing import Any

import boto3
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError, NoCredentialsError
from moto.core import utils
from moto.core.models import botocore_stubber
from moto.moto_api._internal import mock_random

from cleanrooms_mock import intercept, mock_cleanrooms

ADVERTISER = "111111111111"
PUBLISHER = "222222222222"
DEFAULT = "123456789012"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
CREDENTIALS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
COLLABORATION: dict[str, Any] = {
    "name": "spring 😀",
    "description": "reach of the spring campaign",
    "creatorDisplayName": "advertiser",
    "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
    "members": [{"accountId": PUBLISHER, "displayName": "publisher", "memberAbilities": []}],
    "queryLogStatus": "DISABLED",
}


def client(account_id: str | None = None, **options: Any) -> AbstractAsyncContextManager[Any]:
    """An aiobotocore client as users make it; with an account id, one that acts as that account."""
    session = get_session()
    if account_id is not None:
        session.register("before-call", acting_as(account_id))
    created: Any = session.create_client("cleanrooms", **{"region_name": "us-east-1", **CREDENTIALS, **options})
    return created  # type: ignore[no-any-return]


def acting_as(account_id: str) -> Callable[..., None]:
    def act(params: Any, **kwargs: Any) -> None:
        params["headers"]["x-moto-account-id"] = account_id

    return act


@contextmanager
def replaced(target: Any, name: str, value: Any) -> Iterator[None]:
    """Put ``value`` in the place of an attribute for a while."""
    before = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, before)


@contextmanager
def answered() -> Iterator[list[str]]:
    """The seams that answer meanwhile, one entry for each call."""
    seams: list[str] = []
    invoke: Callable[..., Any] = vars(intercept)["invoke"]

    def spy(operation: Any, *args: Any) -> Any:
        seams.append("call" if args[-1] == operation.to_parsed else "wire")
        return invoke(operation, *args)

    with replaced(intercept, "invoke", spy):
        yield seams


async def refusal(call: Awaitable[Any]) -> Any:
    """The response of a call that must be refused."""
    try:
        answer = await call
    except ClientError as error:
        return error.response
    raise AssertionError(f"not refused: {answer}")


async def story() -> list[Any]:
    """What two accounts are answered, refusals included."""
    answers: list[Any] = []
    async with client(ADVERTISER) as advertiser, client(PUBLISHER) as publisher:
        created = await advertiser.create_collaboration(**COLLABORATION, tags={"team": "blue"})
        here = {"collaborationIdentifier": created["collaboration"]["id"]}
        joined = await publisher.create_membership(**here, queryLogStatus="DISABLED")
        mine = {"membershipIdentifier": joined["membership"]["id"]}
        answers += [created, joined, await publisher.get_membership(**mine), await advertiser.list_members(**here)]
        answers.append(await publisher.list_tags_for_resource(resourceArn=joined["membership"]["arn"]))
        answers.append(await refusal(publisher.create_membership(**here, queryLogStatus="DISABLED")))
        answers.append(await refusal(publisher.update_membership(**mine, queryLogStatus="ENABLED")))
        answers.append(await refusal(publisher.update_collaboration(**here, name="mine")))
        answers.append(await refusal(publisher.get_membership(membershipIdentifier=UNKNOWN)))
        answers.append(await refusal(publisher.get_protected_query(**mine, protectedQueryIdentifier=UNKNOWN)))
        answers.append(await advertiser.delete_collaboration(**here))
    return answers


async def check_call_seam_answers() -> None:
    """Clients take the call seam as it stands, valid calls and refused ones."""
    with answered() as seams, mock_cleanrooms() as cleanrooms:
        answers = await story()
    assert set(seams) == {"call"}
    assert len(seams) == len(answers) == len(cleanrooms.calls) == 11
    assert answers[0]["collaboration"]["name"] == "spring 😀"
    assert isinstance(answers[0]["collaboration"]["createTime"], datetime)
    assert answers[1]["membership"]["status"] == "ACTIVE"
    statuses = [member["status"] for member in answers[3]["memberSummaries"]]
    assert statuses == ["INVITED", "ACTIVE"]


async def check_wire_seam_answers() -> None:
    """With ``wire=True`` calls go down to where they would be sent, and are answered there."""
    with answered() as seams, mock_cleanrooms(wire=True):
        answers = await story()
    assert set(seams) == {"wire"}
    assert answers[1]["membership"]["status"] == "ACTIVE"


async def check_both_seams_answer_alike() -> None:
    """Answers and refusals are equal to the last member on both seams."""
    stories = []
    with replaced(utils, "utcnow", lambda: datetime(2026, 2, 3, 4, 5, 6, 789000)):  # noqa: DTZ001
        for wire in (False, True):
            mock_random.seed(7)
            with mock_cleanrooms(wire=wire):
                stories.append(await story())
    assert stories[0] == stories[1]
    assert repr(stories[0]) == repr(stories[1])


async def check_refusal_is_a_client_error_with_its_members() -> None:
    """A refusal is the client's own exception and carries what the service models."""
    for wire in (False, True):
        async with mock_cleanrooms(wire=wire), client(PUBLISHER) as publisher:
            try:
                await publisher.create_membership(collaborationIdentifier=UNKNOWN, queryLogStatus="DISABLED")
            except publisher.exceptions.ResourceNotFoundException as error:
                response = error.response
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
            assert (response["resourceType"], response["resourceId"]) == ("COLLABORATION", UNKNOWN)
            response = await refusal(publisher.create_membership(collaborationIdentifier="x" * 36, queryLogStatus="ON"))
            assert response["Error"]["Code"] == "ValidationException"
            assert response["reason"] == "FIELD_VALIDATION_FAILED"
            fields = [entry["name"] for entry in response["fieldList"]]
            assert fields == ["collaborationIdentifier", "queryLogStatus"]


async def check_injected_fault_is_retried() -> None:
    """aiobotocore's retries see an injected fault as the service's own, in every retry mode."""

    async def no_sleep(*args: Any) -> None:
        return None

    for mode in ("legacy", "standard"):
        config = AioConfig(retries={"mode": mode, "max_attempts": 4})
        with replaced(asyncio, "sleep", no_sleep), answered() as seams, mock_cleanrooms() as cleanrooms:
            async with client(config=config) as asking:
                cleanrooms.inject_fault("list_collaborations", "ThrottlingException", times=2)
                answer = await asking.list_collaborations()
                assert answer["ResponseMetadata"]["RetryAttempts"] == 2
                assert [call.status for call in cleanrooms.calls] == [429, 429, 200]
                cleanrooms.inject_fault("list_collaborations", 503, times=1)
                await asking.list_collaborations()
                cleanrooms.inject_fault("list_collaborations", "AccessDeniedException")
                response = await refusal(asking.list_collaborations())
                assert response["reason"] == "INSUFFICIENT_PERMISSIONS"
                await asking.list_collaborations()
        assert [call.status for call in cleanrooms.calls][3:] == [503, 200, 403, 200]
        assert seams == ["wire"] * 6 + ["call"]


async def check_call_seam_answers_in_every_retry_mode() -> None:
    """aiobotocore's own handlers are none that a call has to be seen by."""
    for mode in ("legacy", "standard", "adaptive"):
        with answered() as seams, mock_cleanrooms():
            async with client(config=AioConfig(retries={"mode": mode})) as asking:
                await asking.list_collaborations()
        assert seams == ["call"], mode


async def check_accounts_follow_from_header_and_role() -> None:
    """An account is named by moto's header, or by the credentials of a role that it gave."""
    for wire in (False, True):
        with mock_cleanrooms(wire=wire) as cleanrooms:
            sts = boto3.client("sts", region_name="us-east-1")
            role = sts.assume_role(RoleArn=f"arn:aws:iam::{PUBLISHER}:role/any", RoleSessionName="check")["Credentials"]
            credentials = {
                "aws_access_key_id": role["AccessKeyId"],
                "aws_secret_access_key": role["SecretAccessKey"],
                "aws_session_token": role["SessionToken"],
            }
            async with client(ADVERTISER) as advertiser, client(**credentials) as publisher, client() as nobody:
                made = (await advertiser.create_collaboration(**COLLABORATION))["collaboration"]
                seen = await publisher.get_collaboration(collaborationIdentifier=made["id"])
                assert seen["collaboration"]["memberStatus"] == "INVITED"
                assert seen["collaboration"]["creatorAccountId"] == ADVERTISER
                response = await refusal(nobody.get_collaboration(collaborationIdentifier=made["id"]))
                assert response["Error"]["Code"] == "AccessDeniedException"
            assert [call.account_id for call in cleanrooms.calls] == [ADVERTISER, PUBLISHER, DEFAULT]


async def check_boto3_client_beside_it_sees_the_same_state() -> None:
    """An asynchronous and a synchronous client share the mock's state, on both seams."""
    for wire in (False, True):
        with mock_cleanrooms(wire=wire) as cleanrooms:
            synchronous = cleanrooms.client(PUBLISHER)
            async with client(ADVERTISER) as advertiser:
                made = (await advertiser.create_collaboration(**COLLABORATION))["collaboration"]
                synchronous.create_membership(collaborationIdentifier=made["id"], queryLogStatus="DISABLED")
                members = await advertiser.list_members(collaborationIdentifier=made["id"])
                assert [member["status"] for member in members["memberSummaries"]] == ["INVITED", "ACTIVE"]
                await advertiser.delete_collaboration(collaborationIdentifier=made["id"])
            memberships = synchronous.list_memberships()["membershipSummaries"]
            assert [membership["status"] for membership in memberships] == ["COLLABORATION_DELETED"]


async def check_fifty_calls_at_once() -> None:
    """Calls that are awaited together are all answered, each with its own answer."""
    for wire in (False, True):
        with mock_cleanrooms(wire=wire) as cleanrooms:
            async with client(ADVERTISER) as advertiser:
                made = await asyncio.gather(
                    *(
                        advertiser.create_collaboration(**{**COLLABORATION, "name": f"campaign {number}"})
                        for number in range(50)
                    )
                )
                assert [answer["collaboration"]["name"] for answer in made] == [
                    f"campaign {number}" for number in range(50)
                ]
                ids = {answer["collaboration"]["id"] for answer in made}
                assert len(ids) == 50
                listed = []
                async for page in advertiser.get_paginator("list_collaborations").paginate(
                    PaginationConfig={"PageSize": 7}
                ):
                    listed += [summary["id"] for summary in page["collaborationList"]]
                assert len(listed) == 50
                assert set(listed) == ids
            assert len(cleanrooms.calls) == 58


async def check_async_with() -> None:
    """``async with`` starts the mock and stops it, and the next one is empty."""
    for _ in range(2):
        async with mock_cleanrooms() as cleanrooms, client() as asking:
            assert (await asking.list_collaborations())["collaborationList"] == []
            await asking.create_collaboration(**COLLABORATION)
            assert len(cleanrooms.calls) == 2
        assert not botocore_stubber.enabled


async def check_decorated_coroutine_function() -> None:
    """A decorated ``async def`` has the mock from its first line to its last, however often it awaits."""

    @mock_cleanrooms
    async def bare() -> int:
        async with client() as asking:
            await asking.create_collaboration(**COLLABORATION)
            await asyncio.sleep(0)
            return len((await asking.list_collaborations())["collaborationList"])

    @mock_cleanrooms(wire=True, quotas={"Collaborations created per account": 0})
    async def called() -> str:
        async with client() as asking:
            response = await refusal(asking.create_collaboration(**COLLABORATION))
            return str(response["quotaName"])

    assert inspect.iscoroutinefunction(bare)
    assert [await bare(), await bare()] == [1, 1]
    assert await called() == "Collaborations created per account"
    assert not botocore_stubber.enabled


async def check_handlers_of_the_wire_are_called() -> None:
    """Who registers a handler for an event of the wire, a coroutine function or not, has it called."""
    heard: list[str] = []

    def hear(event_name: str, **kwargs: Any) -> None:
        heard.append(event_name)

    async def hear_later(event_name: str, **kwargs: Any) -> None:
        heard.append(event_name)

    with answered() as seams, mock_cleanrooms():
        async with client() as asking:
            for event, handler in (("before-sign", hear), ("request-created", hear_later), ("response-received", hear)):
                asking.meta.events.register(f"{event}.cleanrooms", handler)
                await asking.list_collaborations()
                asking.meta.events.unregister(f"{event}.cleanrooms", handler)
                await asking.list_collaborations()
    assert seams == ["wire", "call"] * 3
    assert heard == [
        f"{event}.cleanrooms.ListCollaborations" for event in ("before-sign", "request-created", "response-received")
    ]


async def check_client_made_before_the_mock() -> None:
    """A client that is older than the mock is mocked, on both seams."""
    async with client() as asking:
        for wire in (False, True):
            with answered() as seams, mock_cleanrooms(wire=wire):
                await asking.create_collaboration(**COLLABORATION)
            assert seams == ["wire" if wire else "call"]


async def check_client_without_credentials() -> None:
    """Where there are no credentials, the client's own error is due."""
    for wire in (False, True):
        with mock_cleanrooms(wire=wire) as cleanrooms:
            session = get_session()
            session.set_config_variable("credentials_file", "/none")
            session.set_config_variable("config_file", "/none")
            session.get_component("credential_provider").providers.clear()
            async with session.create_client("cleanrooms", region_name="us-east-1") as asking:
                try:
                    await asking.list_collaborations()
                except NoCredentialsError:
                    pass
                else:
                    raise AssertionError("answered without credentials")
            assert not cleanrooms.calls


CHECKS: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    name: check for name, check in list(globals().items()) if name.startswith("check_")
}


def refuse_the_network(*args: Any, **kwargs: Any) -> Any:
    raise OSError(f"no network in tests: {args}")


def main() -> int:
    """Do every check, write a line for each, and return how many failed."""
    failed = 0
    for name, check in CHECKS.items():
        failure = None
        try:
            with (
                replaced(socket.socket, "connect", refuse_the_network),
                replaced(socket, "getaddrinfo", refuse_the_network),
            ):
                asyncio.run(check())
        except Exception:
            failure = traceback.format_exc()
            failed += 1
        sys.stdout.write(json.dumps({"name": name, "failure": failure}) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
