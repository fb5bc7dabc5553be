"""The rest-json protocol of one service, compiled from its botocore model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from botocore import xform_name
from botocore.model import OperationModel, ServiceModel

from cleanrooms_mock.protocol.errors import Fault, Violations
from cleanrooms_mock.protocol.pagination import page
from cleanrooms_mock.protocol.reading import TOP, Constraints, InputCompiler
from cleanrooms_mock.protocol.routing import Router, Template
from cleanrooms_mock.protocol.text import Text, TextCompiler
from cleanrooms_mock.protocol.writing import JSON, PARSED, OutputCompiler, Write

_TOKEN, _LIMIT = "nextToken", "maxResults"
_DEFAULT_LIMIT = 100

_INTEGER = re.compile(r"-?[0-9]{1,18}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
_WHITESPACE = " \t\n\r"


class Operation:
    """One operation of the model, compiled.

    :ivar name: as the model spells it, ``CreateMembership``.
    :ivar python_name: as boto3 spells it, ``create_membership``.
    :ivar status: HTTP status of an answer that is no error.
    :ivar errors: names of the exceptions that the operation models.
    """

    def __init__(self, model: OperationModel, protocol: RestJson) -> None:
        self.name: str = model.name
        self.python_name: str = xform_name(model.name)
        self.status: int = model.http.get("responseCode", 200)
        self.template = Template(model.http["requestUri"])
        self.errors = frozenset(shape.name for shape in model.error_shapes)
        self._model = model
        members = model.input_shape.members if model.input_shape is not None else {}
        located: dict[str, Any] = {name: shape.serialization.get("location") for name, shape in members.items()}
        if unsupported := set(located.values()) - {None, "uri", "querystring"}:
            raise NotImplementedError(
                f"{model.name} has members in {sorted(unsupported)}, which this layer doesn't read"
            )
        self._outside_body = tuple(name for name, location in located.items() if location is not None)
        self._labels = {
            members[name].serialization.get("name", name): name for name, at in located.items() if at == "uri"
        }
        self._query = tuple(
            (members[name].serialization.get("name", name), name, members[name].type_name)
            for name, at in located.items()
            if at == "querystring"
        )
        self._has_body = any(location is None for location in located.values())
        self._check = protocol.inputs.compile(model.input_shape) if model.input_shape is not None else None
        self._text, self._parsed = protocol.text, protocol.parsed

    @cached_property
    def to_json(self) -> Text:
        """What makes the JSON of the answer out of a function's result."""
        shape = self._model.output_shape
        return (lambda result: "{}") if _is_empty(shape) else self._text.compile_answer(shape)

    @cached_property
    def to_parsed(self) -> Write:
        """What makes of a function's result what a client is given."""
        shape = self._model.output_shape
        return (lambda result: {}) if _is_empty(shape) else self._parsed.compile_answer(shape)

    @cached_property
    def listed(self) -> str | None:
        """The member of the answer that is cut into pages, in snake_case; ``None`` if the operation doesn't paginate."""
        given, answered = self._model.input_shape, self._model.output_shape
        if given is None or answered is None or _TOKEN not in given.members or _TOKEN not in answered.members:
            return None
        (name,) = (name for name, shape in answered.members.items() if shape.type_name == "list")
        return xform_name(name)

    def read(self, labels: Mapping[str, str], query: str, body: bytes | str | None) -> dict[str, Any]:
        """Return the parameters of a request by the model's names, unchecked.

        :param labels: what :attr:`template` read out of the path.
        :param query: the query string, without the question mark.
        :raises Violations: for a body that isn't a JSON object.
        """
        content = _read_body(body) if body and self._has_body else {}
        for name in self._outside_body:
            content.pop(name, None)
        arguments = content
        if labels:
            arguments = {name: labels[label] for label, name in self._labels.items()}
            arguments.update(content)
        if query and self._query:
            given = parse_qs(query, keep_blank_values=True)
            for parameter, name, kind in self._query:
                if parameter in given:
                    arguments[name] = _from_text(given[parameter], kind)
        return arguments

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of the function that answers this operation.

        :raises Violations: naming each member that breaks a constraint of the model.
        """
        if self._check is None:
            return {}
        faults: list[Fault] = []
        checked: dict[str, Any] = self._check(arguments, TOP, faults)
        if faults:
            raise Violations(faults)
        if self.listed is not None:
            checked.pop("next_token", None)
            checked.pop("max_results", None)
        return checked

    def finish(self, result: Any, arguments: Mapping[str, Any], scope: str) -> Any:
        """Cut the page that ``arguments`` ask for out of a function's result, if it is a listing.

        :param scope: whose listing it is; tokens aren't valid outside of it.
        :raises Violations: for a token that isn't of this listing.
        """
        if self.listed is None:
            return result
        filters = {name: value for name, value in arguments.items() if name not in (_TOKEN, _LIMIT)}
        scope = f"{scope} {self.name} {json.dumps(filters, sort_keys=True)}"
        items, token = page(result, scope, arguments.get(_TOKEN), arguments.get(_LIMIT, _DEFAULT_LIMIT))
        return {self.listed: items, "next_token": token}


Route = tuple[Operation, Mapping[str, str]]


class RestJson:
    """The protocol of one service; operations are compiled at their first use.

    :param model: the service model, any client's own or one that botocore's loader gives.
    :param overrides: constraints by shape name where the model is known to be wrong.
    """

    def __init__(self, model: ServiceModel, overrides: Mapping[str, Constraints] | None = None) -> None:
        self.model = model
        self.inputs = InputCompiler(overrides or {})
        self.text = TextCompiler()
        self.parsed = OutputCompiler(PARSED)
        self._operations: dict[str, Operation] = {}
        self._error_shapes = OutputCompiler(JSON)
        self._errors: dict[str, tuple[int, Callable[[Any], dict[str, Any]]]] = {}

    def operation(self, name: str) -> Operation:
        """Return the compiled operation called ``name`` in the model.

        :raises botocore.model.OperationNotFoundError: if there is none.
        """
        operation = self._operations.get(name)
        if operation is None:
            operation = self._operations[name] = Operation(self.model.operation_model(name), self)
        return operation

    @cached_property
    def _router(self) -> Router:
        models = (self.model.operation_model(name) for name in self.model.operation_names)
        return Router({model.name: (model.http["method"], model.http["requestUri"]) for model in models})

    def route(self, method: str, path: str) -> Route | None:
        """Return the operation that a request is for and what stands in the labels of its path, or ``None`` if it is for none.

        :param path: percent-encoded.
        """
        segments = path.split("/")
        name = self._router.match(method, segments)
        if name is None:
            return None
        operation = self.operation(name)
        labels = operation.template.read(segments)
        return None if labels is None else (operation, labels)

    def write_error(self, code: str, members: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the HTTP status and the body of the exception ``code``.

        :param members: its members, in snake_case.
        """
        written = self._errors.get(code)
        if written is None:
            shape = self.model.shape_for(code)
            written = self._errors[code] = (
                shape.metadata["error"]["httpStatusCode"],
                self._error_shapes.compile(shape),
            )
        status, write = written
        return status, write(dict(members))


def _is_empty(shape: Any) -> bool:
    return shape is None or not shape.members


def _read_body(body: bytes | str) -> dict[str, Any]:
    try:
        text = (body if isinstance(body, str) else body.decode("utf-8")).strip(_WHITESPACE)
        arguments, end = _decode(text)
        if end < len(text):
            raise ValueError("something follows the object")
    except (ValueError, RecursionError):
        raise Violations([Fault("body", "Member must be valid JSON")]) from None
    if type(arguments) is not dict:
        raise Violations([Fault("body", "Member must be a JSON object")])
    return arguments


def _from_text(values: list[str], kind: str) -> Any:
    """A query parameter as the JSON value it stands for; what can't be converted stays text, and the check names it."""
    if kind == "list":
        return values
    text = values[0]
    if kind in ("integer", "long") and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
