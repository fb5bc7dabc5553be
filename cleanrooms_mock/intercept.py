"""Where calls are caught: two seams in botocore, and the one door behind them.

The call seam answers botocore's ``before-call`` event, in place of signing, sending and parsing; the wire seam answers what reaches moto's
stubber, which is everything that was sent. Both end in :func:`cleanrooms_mock.cleanrooms.service.invoke`, and what they give to a
client is the same to the last member.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import cached_property, partial
from importlib import import_module
from types import ModuleType
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_LAST
from moto import backend_index
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.config import default_user_config, passthrough_service, passthrough_url, service_whitelisted
from moto.core.exceptions import ServiceNotWhitelisted
from moto.core.models import botocore_stubber
from moto.moto_api import recorder

from cleanrooms_mock.addresses import ENDPOINT, Destination, destination_of, destination_of_call, split
from cleanrooms_mock.cleanrooms import backend as backends
from cleanrooms_mock.cleanrooms import (
    memberships as memberships,
)  # or the first call of almost every test would wait for it
from cleanrooms_mock.cleanrooms.controls import current
from cleanrooms_mock.cleanrooms.ids import new_id
from cleanrooms_mock.cleanrooms.service import SERVICE, Answer, invoke, protocol
from cleanrooms_mock.compatibility import check_moto
from cleanrooms_mock.integrations.iam import account_of_access_key

_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]*/([^/]+)/")
_CREDENTIAL_V2 = re.compile(r"AWS ([^:]+):")
_DEFAULT_REGION = "us-east-1"
#: Whose call it is, where the credentials don't say.
_ACCOUNT_HEADER = "x-moto-account-id"
_BEFORE_CALL = "before-call.cleanrooms."


def install() -> None:
    """Put both seams and the backend into botocore and moto. Doing it again changes nothing.

    :raises ImportError: if moto is too old, or isn't built the way this module relies on.
    """
    check_moto()
    if isinstance(botocore_stubber, CleanRoomsStubber):
        return
    backends.server_paths["/.*"] = answer_server
    # The one stubber that moto has registered with botocore and with `responses` becomes ours, whoever holds a reference to it.
    botocore_stubber.__class__ = CleanRoomsStubber
    BUILTIN_HANDLERS.append(("before-call", answer_call, REGISTER_LAST))
    _install_backend()
    # moto registers these patterns with `responses`, and its server finds a host's backend by them.
    patterns = [entry for entry in backend_index.backend_url_patterns if entry[0] != SERVICE]
    backend_index.backend_url_patterns[:] = [(SERVICE, ENDPOINT), *patterns]


def _install_backend() -> None:
    """Put our backend where moto's own partial one stands, or would stand in a moto that has none yet."""
    try:
        package = import_module(f"moto.{SERVICE}")
        homes = [package, import_module(f"moto.{SERVICE}.models")]
    except ImportError:
        package = ModuleType(f"moto.{SERVICE}")
        homes = [package]
        sys.modules[package.__name__] = package
    for home in homes:
        home.cleanrooms_backends = backends.cleanrooms_backends  # type: ignore[attr-defined]


def act_as(account_id: str, events: Any) -> None:
    """Have a client of any service act as an account, whatever its credentials are.

    :param events: the client's ``meta.events``, in which it gets both seams bound to the account in place of those of all clients.
    """
    events.unregister("before-call", answer_call)
    events.register_last("before-call", partial(answer_call, account_id=account_id))
    events.unregister("before-send", botocore_stubber)
    events.register("before-send", partial(botocore_stubber, account_id=account_id))


# The call seam


def answer_call(
    model: Any,
    params: Any,
    request_signer: Any,
    context: Any,
    event_name: str,
    account_id: str | None = None,
    **kwargs: Any,
) -> tuple[AWSResponse, dict[str, Any]] | None:
    """Answer botocore's ``before-call``, or return ``None`` to let the call go down to the wire.

    :param account_id: who calls, where that is known.
    """
    if not botocore_stubber.enabled or not event_name.startswith(_BEFORE_CALL):
        return None
    # Whichever seam answers has the client's own model then, and needs to load none.
    protocol(model)
    controls = current()
    if (
        controls.wire
        or controls.faults
        or controls.rate_quotas
        or _moto_has_a_say()
        or _never_retries(context)
        or _wire_is_watched(request_signer, model.name)
    ):
        return None
    credentials = request_signer._credentials
    access_key = None if credentials is None else credentials.access_key
    if access_key is None:
        return None
    url: str = params["url"]
    address, query = split(url)
    destination = destination_of_call(model.name, address)
    if destination is None:
        return None
    region_name, operation, labels = destination
    account_id = _account_id(account_id or params["headers"].get(_ACCOUNT_HEADER), lambda: access_key, region_name)
    answer = invoke(operation, labels, query, params["body"], account_id, region_name, operation.to_parsed)
    headers = _headers(answer)
    response = _UnreadResponse(
        url, answer.status, headers, lambda: _encode(_times_as_seconds(answer.body), answer.status)
    )
    metadata = {
        "RequestId": headers["x-amzn-requestid"],
        "HTTPStatusCode": answer.status,
        "HTTPHeaders": dict(headers),
        "RetryAttempts": 0,
    }
    if answer.status < 300:
        return response, {"ResponseMetadata": metadata, **answer.body}
    error = {"Message": answer.body.get("message", ""), "Code": answer.error or str(answer.status)}
    modelled = answer.body if answer.error in operation.errors else {}
    return response, {"Error": error, "ResponseMetadata": metadata, **modelled}


def _moto_has_a_say() -> bool:
    """Whether moto's recorder or settings have to see the call, which they do on the wire."""
    core = default_user_config["core"]
    passthrough = core.get("passthrough") or {}
    return bool(
        recorder._user_enabled
        or core.get("service_whitelist") is not None
        or passthrough.get("services")
        or passthrough.get("urls")
    )


def _never_retries(context: Any) -> bool:
    """Whether the client makes one attempt, of which botocore's retry handlers note in each answer that it was the last."""
    retries = context["client_config"].retries
    return bool(retries) and retries.get("total_max_attempts") == 1


_WATCHED = ("before-sign", "request-created", "before-send", "response-received", "needs-retry")
_OWN_MODULES = ("botocore.", "aiobotocore.", "cleanrooms_mock.")


def _wire_is_watched(request_signer: Any, operation: str) -> bool:
    """Whether handlers that aren't botocore's or ours wait for an event that only happens on the wire.

    botocore's emitter drops its cache of handlers whenever one is registered or removed, so the verdict is kept in that cache. If
    botocore has changed what is looked at here, the wire is taken.
    """
    try:
        emitter = request_signer._event_emitter
        emitter = getattr(emitter, "_emitter", emitter)
        verdicts = emitter._lookup_cache
        key = ("cleanrooms_mock", operation)
        verdict: bool | None = verdicts.get(key)
        if verdict is None:
            search = emitter._handlers.prefix_search
            handlers = [handler for event in _WATCHED for handler in search(f"{event}.{SERVICE}.{operation}")]
            verdict = verdicts[key] = any(not _is_own(handler) for handler in handlers)
        return verdict
    except AttributeError:
        return True


def _is_own(handler: Any) -> bool:
    if isinstance(handler, partial):
        handler = handler.func
    return handler is botocore_stubber or (getattr(handler, "__module__", None) or "").startswith(_OWN_MODULES)


def _times_as_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _times_as_seconds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_times_as_seconds(item) for item in value]
    return round(value.timestamp(), 3) if hasattr(value, "timestamp") else value


class _AwaitableBytes(bytes):
    """What aiobotocore awaits and botocore doesn't."""

    def __await__(self) -> Generator[Any, None, bytes]:
        return bytes(self)
        yield  # type: ignore[unreachable]  # makes this a generator, which is what is awaited


class _Headers(HeadersDict):
    """An answer's headers, whose names are in lower case: botocore asks each answer for eight, and its own class takes a key apart each time.

    :param headers: by names in lower case; they are kept, not copied.
    """

    def __init__(self, headers: dict[str, str]) -> None:
        self._dict = headers

    def __getitem__(self, name: str) -> str:
        return self._dict[name.lower()]

    def __setitem__(self, name: str, value: str) -> None:
        self._dict[name.lower()] = value

    def __delitem__(self, name: str) -> None:
        del self._dict[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._dict

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict)

    def get(self, name: str, default: Any = None) -> Any:
        return self._dict.get(name.lower(), default)


class _Response(AWSResponse):
    """An HTTP response whose content botocore and aiobotocore can read alike, and that nobody streams."""

    content: bytes = b""  # where botocore has a property

    def __init__(self, url: str, status: int, headers: dict[str, str], content: bytes) -> None:
        self.url = url
        self.status_code = status
        self.headers = _Headers(headers)
        self.content = _AwaitableBytes(content)

    @property
    def raw(self) -> MockRawResponse:
        return MockRawResponse(self.content)


class _UnreadResponse(_Response):
    """The response of the call seam, at which only who listens to ``after-call`` ever looks, so that its body is made when it is asked for.

    :param content: what makes its body.
    """

    def __init__(self, url: str, status: int, headers: dict[str, str], content: Callable[[], bytes]) -> None:
        self.url = url
        self.status_code = status
        self.headers = _Headers(headers)
        self._content_maker = content

    @cached_property
    def content(self) -> bytes:  # type: ignore[override]
        return _AwaitableBytes(self._content_maker())


# The wire seam


_disabled_listeners: list[Callable[[], None]] = []


def on_disabled(listener: Callable[[], None]) -> None:
    """Have ``listener`` called when the last mock stops, be it ours or moto's."""
    _disabled_listeners.append(listener)


class CleanRoomsStubber(BotocoreStubber):
    """moto's stubber, which answers requests to Clean Rooms itself before moto looks through the patterns of its services."""

    @property
    def enabled(self) -> bool:
        """Whether a mock is active. moto sets it when its first mock starts and its last one stops."""
        return bool(self.__dict__["enabled"])

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.__dict__["enabled"] = value
        if not value:
            for listener in _disabled_listeners:
                listener()

    def __call__(
        self, event_name: str, request: AWSPreparedRequest, account_id: str | None = None, **kwargs: Any
    ) -> AWSResponse | None:
        address, query = split(request.url)
        destination = destination_of(request.method, address) if self.enabled else None
        if destination is None or _moto_has_a_say():
            if account_id is not None:  # whoever else sees the request has to be told
                request.headers[_ACCOUNT_HEADER] = account_id
            if destination is None:
                return super().__call__(event_name, request, **kwargs)
            if not _moto_lets_answer(request):
                return None
        return _Response(request.url, *_answer_http(request, destination, query, request.body, account_id))

    def process_request(self, request: Any) -> Any:
        """Answer a request of the ``requests`` library's, as moto does: status, headers, body."""
        address, query = split(str(request.url))
        destination = destination_of(request.method, address)
        if destination is None:
            return super().process_request(request)
        if _moto_has_a_say() and not _moto_lets_answer(request):
            return None
        # What comes by way of `responses` is a werkzeug request in moto before 5.2.3.
        body = request.get_data() if hasattr(request, "get_data") else request.body
        return _answer_http(request, destination, query, body)


def _moto_lets_answer(request: Any) -> bool:
    """Do what moto's settings and its recorder would have done, and return whether the request isn't for the network."""
    if passthrough_url(str(request.url).split("?", 1)[0]) or passthrough_service(SERVICE):
        return False
    if not service_whitelisted(SERVICE):
        raise ServiceNotWhitelisted(SERVICE)
    if recorder._user_enabled:
        _record(request)
    return True


def answer_server(request: Any, url: str, headers: Any) -> Any:
    """Answer a request that reached moto's server, which has recorded it."""
    address, query = split(url)
    path = "/" + address.split("//", 1)[-1].partition("/")[2]
    region_name = _signed_region(_text(request.headers.get("Authorization", "")))
    destination = Destination(region_name, path, protocol().route(request.method, path))
    return _answer_http(request, destination, query, request.get_data())


def _answer_http(
    request: Any, destination: Destination, query: str, body: Any, account_id: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    region_name, path, route = destination
    if route is None:
        message = f"{request.method} {path or '/'} is no operation"
        answer = Answer(404, {"message": message}, "UnknownOperationException")
        return 404, _headers(answer), _encode(answer.body, 404)
    operation, labels = route
    headers = request.headers
    account_id = _account_id(
        account_id or headers.get(_ACCOUNT_HEADER),
        lambda: _access_key(_text(headers.get("Authorization", ""))),
        region_name,
    )
    answer = invoke(operation, labels, query, _read(body), account_id, region_name, operation.to_json)
    return answer.status, _headers(answer), _encode(answer.body, answer.status)


def _record(request: Any) -> None:
    try:
        from moto.core.request import normalize_request

        if isinstance(request, AWSPreparedRequest):
            request = normalize_request(request)
    except ImportError:  # moto before 5.2.3 records requests as they are
        pass
    recorder._record_request(request)


# What both have in common


def _account_id(header: str | bytes | None, access_key: Callable[[], str], region_name: str) -> str:
    """Whose call it is, by moto's order: the environment, the header, the access key."""
    if (account_id := os.environ.get("MOTO_ACCOUNT_ID")) is not None:
        return account_id
    if header is not None:
        return _text(header)
    return account_of_access_key(access_key(), region_name)


def _headers(answer: Answer) -> dict[str, str]:
    headers = {"content-type": "application/json", "x-amzn-requestid": new_id()}
    if answer.error is not None:
        headers["x-amzn-errortype"] = answer.error
    if answer.rule is not None:
        headers["x-cleanrooms-mock-rule"] = answer.rule
    return headers


_to_json = json.JSONEncoder(separators=(",", ":")).encode


def _encode(body: Mapping[str, Any] | str, status: int) -> bytes:
    if status == 204:
        return b""
    return (body if isinstance(body, str) else _to_json(body)).encode()


def _access_key(authorization: str) -> str:
    found = _CREDENTIAL.search(authorization) or _CREDENTIAL_V2.search(authorization)
    return found[1] if found else ""


def _signed_region(authorization: str) -> str:
    found = _CREDENTIAL.search(authorization)
    return found[2] if found else _DEFAULT_REGION


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _read(body: Any) -> bytes | str | None:
    if body is None or isinstance(body, bytes | str):
        return body
    if isinstance(body, bytearray):
        return bytes(body)
    content: bytes | str = body.read() if hasattr(body, "read") else b"".join(body)
    return content
