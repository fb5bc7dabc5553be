"""``mock_cleanrooms``: the decorator and context manager, and the handle that it gives."""

from __future__ import annotations

import functools
import inspect
import os
import re
import unittest
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import boto3
from botocore import xform_name
from botocore.model import OperationModel, OperationNotFoundError
from moto import backend_index, mock_aws, settings
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config, mock_credentials
from moto.core.custom_responses_mock import CallbackResponse, reset_responses_mock
from moto.core.model_instances import reset_model_data
from moto.core.models import RESPONSES_METHODS, MockAWS, botocore_stubber, responses_mock

from cleanrooms_mock import intercept
from cleanrooms_mock.cleanrooms.backend import CleanRoomsBackend, cleanrooms_backends
from cleanrooms_mock.cleanrooms.controls import Call, Controls, Fault, References, active
from cleanrooms_mock.cleanrooms.quotas import Quotas
from cleanrooms_mock.cleanrooms.service import SERVICE, protocol

if TYPE_CHECKING:
    from mypy_boto3_cleanrooms import CleanRoomsServiceClient
    from requests import PreparedRequest

F = TypeVar("F", bound=Callable[..., Any])

_FAKE_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "FOOBARKEY", "AWS_SECRET_ACCESS_KEY": "FOOBARSECRET"}
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
DEFAULT_ACCOUNT_ID = "123456789012"
DEFAULT_REGION = "us-east-1"


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
        return tuple(self._controls.calls)

    @overload
    def client(
        self, account_id: str = ..., region_name: str = ..., service: Literal["cleanrooms"] = ...
    ) -> CleanRoomsServiceClient: ...
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
            aws_access_key_id=_FAKE_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_FAKE_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

        def act_as_account(params: Any, **kwargs: Any) -> None:
            params["headers"]["x-moto-account-id"] = account_id

        client.meta.events.register_first("before-call", act_as_account)
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

    def backend(self, account_id: str = DEFAULT_ACCOUNT_ID, region_name: str = DEFAULT_REGION) -> CleanRoomsBackend:
        """Return the state of an account in a Region, for looking at and for changing.

        :raises ValueError: for an account id that isn't twelve digits.
        """
        _check_account_id(account_id)
        return cleanrooms_backends[account_id][region_name]


class MockCleanRooms:
    """What :func:`mock_cleanrooms` returns: a decorator, a context manager (``with`` and ``async with``), and :meth:`start` and :meth:`stop`."""

    def __init__(self, options: Callable[[], Controls]) -> None:
        self._options = options
        self._started: list[Controls] = []
        # A mock that moto runs in another process is moto's own affair.
        self._elsewhere = settings.TEST_SERVER_MODE or settings.is_test_proxy_mode()
        self._remote: list[Any] = []

    def start(self) -> Handle:
        """Mock from here on, until :meth:`stop`.

        State is shared with every other active mock, moto's included, and fresh if there is none.
        """
        controls = self._options()
        if self._elsewhere:
            self._remote.append(mock_aws())
            self._remote[-1].start()
        else:
            _enter()
        self._started.append(controls)
        active.append(controls)
        return Handle(controls)

    def stop(self) -> None:
        """End what the last :meth:`start` began. The state goes when no mock is left.

        :raises RuntimeError: if nothing was started.
        """
        if not self._started:
            raise RuntimeError("stop() was called on a mock_cleanrooms that isn't started; call start() first")
        active.remove(self._started.pop())
        if self._elsewhere:
            self._remote.pop().stop()
        else:
            _leave()

    def __enter__(self) -> Handle:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Handle:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, target: F) -> F:
        """Decorate a function, coroutine function, generator or class of tests."""
        if inspect.isclass(target):
            decorated: F = self._decorate_class(target)
            return decorated
        return self._decorate_function(target)

    def _decorate_function(self, function: F) -> F:
        wrapper: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

        elif inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    async for value in function(*args, **kwargs):
                        yield value

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return (yield from function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[no-any-return]

    def _decorate_class(self, cls: Any) -> Any:
        if issubclass(cls, unittest.TestCase):
            # `run` is the whole life of one test: setUp, the test, tearDown and clean-ups.
            cls.run = self._decorate_function(cls.run)
            return cls
        return self._decorate_pytest_class(cls)

    def _decorate_pytest_class(self, cls: Any) -> Any:
        """Mock from before ``setup_method`` to after ``teardown_method``, which pytest calls around each test."""
        set_up = getattr(cls, "setup_method", None)
        tear_down = getattr(cls, "teardown_method", None)

        def setup_method(test: Any, method: Any) -> None:
            self.start()
            try:
                _call_with_optional_argument(set_up, test, method)
            except BaseException:
                self.stop()
                raise

        def teardown_method(test: Any, method: Any) -> None:
            try:
                _call_with_optional_argument(tear_down, test, method)
            finally:
                self.stop()

        cls.setup_method, cls.teardown_method = setup_method, teardown_method
        return cls


@overload
def mock_cleanrooms(target: F, /) -> F: ...
@overload
def mock_cleanrooms(
    *,
    quotas: Mapping[str, float] | None = ...,
    rate_quotas: bool = ...,
    references: References = ...,
    payer_candidates: bool = ...,
    wire: bool = ...,
) -> MockCleanRooms: ...
def mock_cleanrooms(
    target: Any = None,
    /,
    *,
    quotas: Mapping[str, float] | None = {},
    rate_quotas: bool = False,
    references: References = "known",
    payer_candidates: bool = True,
    wire: bool = False,
) -> Any:
    """Mock AWS Clean Rooms, and with it everything that moto mocks.

    Use it bare or called, on a function, coroutine function, generator or class of tests, as ``with mock_cleanrooms() as handle``, or with
    ``start()`` and ``stop()``. It nests with itself and with ``moto.mock_aws`` and shares state with them.

    :param quotas: values in place of the service's default quotas, by their names in Service Quotas, or ``None`` for no quotas.
    :param rate_quotas: whether to answer ThrottlingException beyond the service's request rates, on moto's clock.
    :param references: ``"known"`` checks roles and buckets only in accounts in which the test has made any, ``"strict"`` always.
    :param payer_candidates: whether several members may be payers for one cost type; False is the service before 22 May 2026.
    :param wire: whether calls go through all of botocore's client, down to where it would send them.
    :raises ValueError: for a quota or an option that doesn't exist.
    """
    if references not in ("known", "strict"):
        raise ValueError(f"references must be 'known' or 'strict', not {references!r}")
    overrides = None if quotas is None else dict(quotas)
    Quotas(overrides)

    def options() -> Controls:
        return Controls(
            quotas=Quotas(overrides),
            rate_quotas=rate_quotas,
            references=references,
            payer_candidates=payer_candidates,
            wire=wire,
        )

    mock = MockCleanRooms(options)
    if target is None:
        return mock
    if not callable(target):
        raise TypeError(
            f"mock_cleanrooms decorates functions and classes and takes options by keyword only, not {target!r}"
        )
    return mock(target)


def _call_with_optional_argument(function: Callable[..., Any] | None, test: Any, method: Any) -> None:
    """Call ``setup_method(self)`` or ``setup_method(self, method)``, both of which pytest allows."""
    if function is not None:
        takes_method = len(inspect.signature(function).parameters) > 1
        function(test, method) if takes_method else function(test)


# Starting and stopping, with moto's own counter


@dataclass(slots=True)
class _Outside:
    """What was there before the outermost mock started, to be put back as it was."""

    environment: dict[str, str | None]
    default_session: Any
    configuration: dict[str, Any]


_outside: _Outside | None = None


def _enter() -> None:
    global _outside
    with MockAWS._mock_init_lock:
        if MockAWS._nested_count == 0:
            _outside = _Outside(
                environment={name: os.environ.get(name) for name in _FAKE_CREDENTIALS},
                default_session=boto3.DEFAULT_SESSION,
                configuration=dict(default_user_config),
            )
            if mock_credentials():
                os.environ.update(_FAKE_CREDENTIALS)
            if default_user_config["core"].get("reset_boto3_session", True):
                boto3.DEFAULT_SESSION = None
            BackendDict.reset()
            reset_responses_mock(responses_mock)
            responses_mock.start()
            for method in RESPONSES_METHODS:
                responses_mock.add(_EveryAwsHost(method=method, url=_ANY_URL, callback=_answer_requests))
            MockAWS._mocks_active = True
            botocore_stubber.enabled = True
        MockAWS._nested_count += 1


def _leave() -> None:
    with MockAWS._mock_init_lock:
        MockAWS._nested_count -= 1
        if MockAWS._nested_count == 0:
            MockAWS._mocks_active = False
            if BackendDict._instances:  # type: ignore[misc]
                BackendDict.reset()
                reset_model_data()
            reset_responses_mock(responses_mock)
            responses_mock.stop()
            botocore_stubber.enabled = False


def _restore_outside() -> None:
    """Put back what the outermost mock replaced, if it was one of ours; called when the last mock stops, whosever it is."""
    global _outside
    if _outside is None:
        return
    outside, _outside = _outside, None
    for name, value in outside.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    boto3.DEFAULT_SESSION = outside.default_session
    default_user_config.clear()  # type: ignore[attr-defined]
    default_user_config.update(outside.configuration)  # type: ignore[typeddict-item]


intercept.on_disabled(_restore_outside)

_ANY_URL = re.compile("https?://")
_AMAZON = re.compile(r"https?://.+\.amazonaws.com/.*")


class _EveryAwsHost(CallbackResponse):
    """One entry for ``responses`` that does the work of the hundreds that moto registers for each HTTP method."""

    def _url_matches(self, url: Any, other: Any, match_querystring: bool = False) -> bool:
        bare = other.split("?", 1)[0]
        return any(pattern.match(bare) for _, pattern in backend_index.backend_url_patterns) or bool(
            _AMAZON.match(bare)
        )


def _answer_requests(request: PreparedRequest) -> Any:
    # moto before 5.2.3 has one method for both kinds of request.
    answer: Any = getattr(botocore_stubber, "process_prepared_request", botocore_stubber.process_request)
    return answer(request)


# What a test says in words


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
