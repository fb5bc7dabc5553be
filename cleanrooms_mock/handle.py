"""What a test holds of its active mock."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore import xform_name
from botocore.model import OperationModel, OperationNotFoundError
from moto.core.models import DEFAULT_ACCOUNT_ID

from cleanrooms_mock.cleanrooms.backend import CleanRoomsBackend, cleanrooms_backends
from cleanrooms_mock.cleanrooms.controls import Call, Controls, Fault
from cleanrooms_mock.cleanrooms.entity_resolution import (
    AudienceModels,
    EntityResolution,
    audience_models,
    entity_resolution,
)
from cleanrooms_mock.cleanrooms.quotas import Quotas
from cleanrooms_mock.cleanrooms.service import SERVICE, protocol
from cleanrooms_mock.intercept import act_as

if TYPE_CHECKING:
    from mypy_boto3_cleanrooms import CleanRoomsServiceClient

#: What clients sign with while a mock is active.
FAKE_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "FOOBARKEY", "AWS_SECRET_ACCESS_KEY": "FOOBARSECRET"}
DEFAULT_REGION = "us-east-1"
_ACCOUNT_ID = re.compile(r"[0-9]{12}")


class Handle:
    """What a test holds of its active mock: clients for any account, faults, quotas, the log of calls, and the state.

    :ivar quotas: the quotas that apply, by their names in Service Quotas; assign one to change it from the next call on.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self.quotas: Quotas = controls.quotas

    @property
    def calls(self) -> Sequence[Call]:
        """The calls of Clean Rooms operations since this mock started, oldest first, refused ones included."""
        return self._controls.calls()

    @overload
    def client(
        self, account_id: str = ..., region_name: str = ..., service: Literal["cleanrooms"] = ...
    ) -> CleanRoomsServiceClient: ...
    @overload
    def client(self, account_id: str, region_name: str, service: str) -> Any: ...
    @overload
    def client(self, account_id: str = ..., region_name: str = ..., *, service: str) -> Any: ...
    def client(
        self, account_id: str = DEFAULT_ACCOUNT_ID, region_name: str = DEFAULT_REGION, service: str = SERVICE
    ) -> Any:
        """Return a boto3 client that acts as an account.

        :param account_id: the account, twelve digits.
        :param region_name: the Region that it asks.
        :param service: any service that moto mocks, by boto3's name.
        :raises ValueError: for an account id of another form, or while the environment's ``MOTO_ACCOUNT_ID``, which outranks every client,
            names another account.
        """
        _check_account_id(account_id)
        forced = os.environ.get("MOTO_ACCOUNT_ID", account_id)
        if forced != account_id:
            raise ValueError(
                f"the environment variable MOTO_ACCOUNT_ID makes every client act as {forced}, so none can act as {account_id}; unset it"
            )
        client: Any = _session().client(
            service,  # type: ignore[call-overload]
            region_name=region_name,
            aws_access_key_id=FAKE_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=FAKE_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        act_as(account_id, client.meta.events)
        return client

    def inject_fault(
        self,
        operation: str,
        error: str | int,
        times: int = 1,
        after: int = 0,
        message: str | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """Answer coming calls of an operation with an error, before anything else is looked at.

        botocore sees it as it would AWS's own: a client retries what it retries, and each attempt is a call.

        :param operation: its name, as ``create_membership`` or ``CreateMembership``.
        :param error: an exception that the operation models, by name, or an HTTP status from 400 to 599.
        :param times: how many calls are answered so.
        :param after: how many calls go through before.
        :param message: the error's message.
        :param members: other members of the exception, by their names in the model; required ones have a value without that.
        :raises ValueError: for a name, number or member that isn't possible, naming those that are.
        """
        model = _operation_model(operation)
        if times < 1 or after < 0:
            raise ValueError(
                f"a fault takes times of at least 1 and after of at least 0, not times={times}, after={after}"
            )
        if isinstance(error, int):
            if not 400 <= error <= 599 or members:
                raise ValueError(
                    f"an HTTP status for a fault is from 400 to 599 and has no members, not {error}, {members}"
                )
            fault_members: dict[str, Any] = {}
        else:
            fault_members = _exception_members(model, error, members or {})
        self._controls.faults.append(Fault(model.name, error, times, after, message, fault_members))

    @property
    def entity_resolution(self) -> EntityResolution:
        """What the mock is told of Entity Resolution, which moto doesn't have: ID namespaces and ID mapping workflows."""
        self.backend()  # with a state in moto, its reset reaches the registry
        return entity_resolution

    @property
    def audience_models(self) -> AudienceModels:
        """What the mock is told of Clean Rooms ML, which moto doesn't have: configured audience models."""
        self.backend()
        return audience_models

    def backend(self, account_id: str = DEFAULT_ACCOUNT_ID, region_name: str = DEFAULT_REGION) -> CleanRoomsBackend:
        """Return the state of an account in a Region, for looking at and for changing.

        :raises ValueError: for an account id that isn't twelve digits.
        """
        _check_account_id(account_id)
        return cleanrooms_backends[account_id][region_name]


@functools.cache
def _session() -> boto3.session.Session:
    """One session for all clients, so that botocore loads the service's model once."""
    return boto3.session.Session(region_name=DEFAULT_REGION)


def _check_account_id(account_id: str) -> None:
    if not isinstance(account_id, str) or not _ACCOUNT_ID.fullmatch(account_id):
        raise ValueError(f"an account id is a string of twelve digits, such as '222222222222', not {account_id!r}")


def _operation_model(name: str) -> OperationModel:
    """The operation that boto3 calls ``create_membership`` and the API ``CreateMembership``."""
    model = protocol().model
    camel_case = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    try:
        return model.operation_model(camel_case)
    except OperationNotFoundError:
        raise ValueError(
            f"Clean Rooms has no operation {name!r}; it has: {', '.join(sorted(model.operation_names))}"
        ) from None


def _exception_members(model: OperationModel, error: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an injected exception: those given, and some value for each other one that the model requires."""
    shapes: dict[str, Any] = {shape.name: shape for shape in model.error_shapes}
    if error not in shapes:
        raise ValueError(
            f"{model.name} models no {error}; it models: {', '.join(sorted(shapes))}. An HTTP status can be injected as a number"
        )
    shape = shapes[error]
    possible = set(shape.members) - {"message"}
    if unknown := sorted(set(members) - possible):
        raise ValueError(f"{error} has no member {', '.join(unknown)}; it has: {', '.join(sorted(possible)) or 'none'}")
    values: dict[str, Any] = {}
    for name in possible:
        choices = getattr(shape.members[name], "enum", [])
        if name in members:
            values[name] = members[name]
            if choices and members[name] not in choices:
                raise ValueError(f"{name} of {error} is one of {', '.join(choices)}, not {members[name]!r}")
        elif len(choices) == 1 or name in shape.required_members:
            values[name] = choices[0] if choices else 0.0 if shape.members[name].type_name == "double" else "injected"
    return {xform_name(name): value for name, value in values.items()}
