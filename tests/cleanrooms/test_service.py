"""What every operation has in common: constraints, errors, pages, ids and times."""

from __future__ import annotations

import inspect
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from botocore.exceptions import ClientError
from moto.core import utils
from moto.moto_api._internal import mock_random

from cleanrooms_mock import Handle
from cleanrooms_mock.cleanrooms import service
from cleanrooms_mock.cleanrooms.errors import ValidationException
from cleanrooms_mock.cleanrooms.operations import functions
from cleanrooms_mock.protocol import Operation
from cleanrooms_mock.protocol.patterns import compile_pattern
from cleanrooms_mock.rules import SITE, catalogue
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Refused, Scene, results_to

PROTOCOL = service.protocol()
OPERATIONS = [PROTOCOL.operation(name) for name in PROTOCOL.model.operation_names]
IMPLEMENTED = [operation for operation in OPERATIONS if operation.python_name in functions]
INVITATION = {
    "specificationType": "MEMBER",
    "specification": {"member": {"accountId": "333333333333", "displayName": "third", "memberAbilities": []}},
}


def name_of(operation: Operation) -> str:
    return operation.name


def input_of(operation: Operation) -> Any:
    """The input shape of an operation."""
    return operation._model.input_shape


# Requests of our own making, which botocore hasn't looked at


def send(
    operation: Operation,
    arguments: dict[str, Any] | str | bytes,
    *,
    labels: dict[str, str] | None = None,
    **sender: str,
) -> requests.Response:
    """Send ``arguments`` by raw HTTP, each where the model has it, or a body that is given as it stands.

    :param sender: ``account_id`` and ``region_name``.
    """
    labels = dict(labels or {})
    query: dict[str, Any] = {}
    body: Any = arguments
    if isinstance(arguments, dict):
        body = dict(arguments)
        for name, shape in input_of(operation).members.items():
            location = shape.serialization.get("location")
            if location is not None and name in body:
                (labels if location == "uri" else query)[shape.serialization["name"]] = body.pop(name)
        body = json.dumps(body)
    path = re.sub(r"\{(\w+)\}", lambda label: quote(labels[label[1]], safe=""), operation._model.http["requestUri"])
    region_name = sender.get("region_name", "us-east-1")
    return requests.request(
        operation._model.http["method"],
        f"https://cleanrooms.{region_name}.amazonaws.com{path}?{urlencode(query, doseq=True)}",
        data=body,
        headers={"x-moto-account-id": sender.get("account_id", ADVERTISER)},
        timeout=5,
    )


_ARN = "arn:aws:cleanrooms:us-east-1:111111111111"
#: Values of which each string of the model is one; the first that fits is its example.
CANDIDATES = [
    "example",
    NOWHERE,
    "333333333333",
    f"{_ARN}:collaboration/{NOWHERE}",
    f"{_ARN}:configuredtable/{NOWHERE}",
    f"{_ARN}:configuredtableassociation/example/example",
    f"{_ARN}:privacybudgettemplate/{NOWHERE}",
    *(
        f"{_ARN}:membership/{NOWHERE}{part}"
        for part in ("", f"/analysistemplate/{NOWHERE}", f"/idmappingtable/{NOWHERE}")
    ),
    f"{_ARN}:membership/{NOWHERE}/configuredaudiencemodelassociation/{NOWHERE}",
    f"{_ARN}:membership/{NOWHERE}/configuredtableassociation/{NOWHERE}",
    f"{_ARN}:membership/{NOWHERE}/intermediatetable/{NOWHERE}",
    f"{_ARN}:membership/{NOWHERE}/idnamespaceassociation/{NOWHERE}",
    f"arn:aws:cleanrooms-ml:us-east-1:111111111111:configured-audience-model/{NOWHERE}",
    f"arn:aws:entityresolution:us-east-1:111111111111:idnamespace/{NOWHERE}",
    "arn:aws:entityresolution:us-east-1:111111111111:idmappingworkflow/example",
    f"arn:aws:kms:us-east-1:111111111111:key/{NOWHERE}",
    "arn:aws:iam::111111111111:role/example",
    "arn:aws:secretsmanager:us-east-1:111111111111:secret:example",
    "s3://example/file",
    "https://example.cloud.databricks.com",
    f"https://example.cloud.databricks.com/api/2.0/delta-sharing/metastores/{NOWHERE}/recipients/{NOWHERE}",
]


def constraints_of(shape: Any) -> dict[str, Any]:
    return {**shape.metadata, **service._OVERRIDES.get(shape.name, {})}


def example(shape: Any, ids: dict[str, str], *, whole: bool = True) -> Any:
    """A value that breaks no constraint of ``shape``, with all its members, or with the required ones only."""
    kind, constraints = shape.type_name, constraints_of(shape)
    if kind == "structure":
        members = list(shape.members)[:1] if shape.is_tagged_union else shape.members
        wanted = [name for name in members if whole or name in shape.required_members or shape.is_tagged_union]
        return {name: example(shape.members[name], ids, whole=whole) for name in wanted}
    if kind == "list":
        return [example(shape.member, ids, whole=whole)] * max(1, constraints.get("min", 1))
    if kind == "map":
        return {example(shape.key, ids): example(shape.value, ids)}
    if kind == "string":
        return shape.enum[0] if shape.enum else ids.get(shape.name, example_string(constraints))
    if kind == "boolean":
        return True
    number = constraints.get("min", 1)
    return number if kind in ("integer", "long") else float(number)


def example_string(constraints: dict[str, Any]) -> str:
    shortest, longest = constraints.get("min", 0), constraints.get("max", 1000)
    matches = compile_pattern(constraints.get("pattern", r"[\S\s]*"))
    fitting = (text for text in CANDIDATES if shortest <= len(text) <= longest and matches(text))
    return next(fitting, "x" * max(1, shortest))


_WRONG_TYPES: dict[str, Any] = {
    "a string": "x",
    "a number": 1.5,
    "a boolean": True,
    "an array": [],
    "an object": {},
}
_RIGHT_TYPES = {
    "string": "a string",
    "boolean": "a boolean",
    "list": "an array",
    "structure": "an object",
    "map": "an object",
}


def broken(shape: Any, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every way to break one constraint in ``value``: the path of the member that is at fault, and the whole broken value."""
    kind, constraints = shape.type_name, constraints_of(shape)
    for name, wrong in _WRONG_TYPES.items():
        if name != _RIGHT_TYPES.get(kind, "a number" if kind in ("double", "float", "timestamp") else "an integer"):
            yield path, wrong
    if kind == "structure":
        yield from broken_structure(shape, value, path)
    elif kind == "list":
        yield from ((path, [value[0]] * size) for size in beyond(constraints))
        for where, item in broken(shape.member, value[0], f"{path}.member.1"):
            yield where, [item, *value[1:]]
        yield f"{path}.member.1", [None, *value[1:]]
    elif kind == "map":
        ((key, item),) = value.items()
        yield from ((path, {f"key {number}": item for number in range(size)}) for size in beyond(constraints))
        yield from ((path, {key: wrong}) for _, wrong in broken(shape.value, item, path))
        yield from (
            (path, {wrong: item})
            for _, wrong in broken(shape.key, key, path)
            if isinstance(wrong, str) and wrong != "x"
        )
        yield path, {key: None}
    elif kind == "string":
        if shape.enum:
            yield path, f"{value}_"
            return
        yield from ((path, (value * size)[:size]) for size in beyond(constraints))
        if "pattern" in constraints:
            yield path, mismatch(constraints)
    elif kind in ("integer", "long", "double", "float"):
        yield from ((path, number) for number in beyond(constraints))


def broken_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    if shape.is_tagged_union:
        yield path, {}
        yield path, {"unknown": 1}
        if len(shape.members) > 1:
            yield path, {name: example(member, {}) for name, member in shape.members.items()}
        for name, member in shape.members.items():
            for at, item in broken(member, example(member, {}), f"{path}.{name}"):
                yield at, {name: item}
        return
    for name, member in shape.members.items():
        where = f"{path}.{name}" if path else name
        location = member.serialization.get("location")
        if name in shape.required_members and location != "uri":
            yield where, {key: item for key, item in value.items() if key != name}
            if location is None:
                yield where, {**value, name: None}
        for at, item in broken(member, value[name], where):
            # A path or a query string holds text; of a number it can at least hold another text.
            texts = item if isinstance(value[name], list) else [item]
            if location is None or (isinstance(texts, list) and all(isinstance(text, str) for text in texts)):
                yield at, {**value, name: item}


def beyond(constraints: dict[str, Any]) -> list[Any]:
    """The sizes next to the bounds, on their outer sides."""
    below = [constraints["min"] - 1] if constraints.get("min", 0) > 0 else []
    return below + ([constraints["max"] + 1] if "max" in constraints else [])


def mismatch(constraints: dict[str, Any]) -> str:
    """A text of the right length that breaks the pattern."""
    matches = compile_pattern(constraints["pattern"])
    candidates: list[str] = [c * max(1, constraints.get("min", 1)) for c in "\x00é "]
    return next(text for text in candidates if not matches(text))


def ids_in(scene: Scene) -> dict[str, str]:
    """Two accounts in a collaboration, with a change request, as values for the shapes of ids."""
    collaboration = scene.create()
    membership = scene.join(scene.advertiser, collaboration, tags={"team": "blue"})
    scene.join(scene.publisher, collaboration)
    request = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"],
        changes=[INVITATION],  # type: ignore[list-item]
    )
    return {
        "CollaborationIdentifier": collaboration["id"],
        "MembershipIdentifier": membership["id"],
        "CollaborationChangeRequestIdentifier": request["collaborationChangeRequest"]["id"],
        "CleanroomsArn": membership["arn"],
    }


def state_of(scene: Scene) -> str:
    """All that the accounts of a scene can see, as text."""
    seen: list[Any] = []
    for client in (scene.advertiser, scene.publisher, scene.stranger):
        for summary in client.list_collaborations()["collaborationList"]:
            collaboration_id = summary["id"]
            seen += [
                summary,
                client.get_collaboration(collaborationIdentifier=collaboration_id)["collaboration"],
                client.list_members(collaborationIdentifier=collaboration_id)["memberSummaries"],
            ]
            if summary["memberStatus"] == "ACTIVE":
                requests_ = client.list_collaboration_change_requests(collaborationIdentifier=collaboration_id)
                seen.append(requests_["collaborationChangeRequestSummaries"])
        for membership in client.list_memberships()["membershipSummaries"]:
            seen += [
                client.get_membership(membershipIdentifier=membership["id"])["membership"],
                client.list_tags_for_resource(resourceArn=membership["arn"])["tags"],
            ]
    return json.dumps(seen, default=str, indent=1)


# The registry


@pytest.mark.parametrize("operation", IMPLEMENTED, ids=name_of)
def test_function_takes_what_the_model_gives_it(operation: Operation) -> None:
    """A function's parameters are the members of the input shape, in snake_case; those that are required have no default."""
    function, known = functions[operation.python_name]
    first, *parameters = inspect.signature(function).parameters.values()
    assert first.name == "caller"
    assert {parameter.kind for parameter in parameters} <= {inspect.Parameter.KEYWORD_ONLY}
    assert known == {parameter.name for parameter in parameters}
    shape = input_of(operation)
    expected = set(example(shape, {}))
    required = set(shape.required_members)
    if operation.listed is not None:
        expected -= {"nextToken", "maxResults"}
    assert known == {snake_case(name) for name in expected}
    assert {parameter.name for parameter in parameters if parameter.default is parameter.empty} == {
        snake_case(name) for name in required
    }


def snake_case(member: str) -> str:
    """``creatorMLMemberAbilities`` as ``creator_ml_member_abilities``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", member)
    return "_".join(words).lower()


def test_functions_are_operations_of_the_model() -> None:
    """Nothing is registered that nobody can call."""
    assert set(functions) == {operation.python_name for operation in IMPLEMENTED}
    assert len(IMPLEMENTED) >= 19


def test_operation_of_a_newer_model_says_so(cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that the model has and the mock hasn't answers status 501, with its name and where to read on."""
    monkeypatch.delitem(functions, "list_memberships")
    with pytest.raises(ClientError) as caught:
        cleanrooms.client().list_memberships()
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert response["Error"]["Code"] == "NotImplementedByCleanroomsMock"
    assert "list_memberships" in response["Error"]["Message"]
    assert f"{SITE}/coverage.html" in response["Error"]["Message"]
    assert [(call.operation, call.status) for call in cleanrooms.calls] == [("list_memberships", 501)]


def test_parameter_of_a_newer_model_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that botocore has and the function hasn't is never ignored, and the call does nothing."""
    function, known = functions["update_collaboration"]
    monkeypatch.setitem(functions, "update_collaboration", (function, known - {"analytics_engine"}))
    collaboration = scene.create()
    before = state_of(scene)
    with pytest.raises(ClientError, match=r"analytics_engine of update_collaboration") as caught:
        scene.advertiser.update_collaboration(
            collaborationIdentifier=collaboration["id"], name="other", analyticsEngine="SPARK"
        )
    response: Any = caught.value.response
    assert response["Error"]["Code"] == "NotImplementedByCleanroomsMock"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert state_of(scene) == before
    updated = scene.advertiser.update_collaboration(collaborationIdentifier=collaboration["id"], name="other")
    assert updated["collaboration"]["name"] == "other"


# Constraints of the model


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_example_breaks_no_constraint(operation: Operation) -> None:
    """What the tests below break was whole before, so that each breaks one constraint."""
    for whole in (True, False):
        arguments = example(input_of(operation), {}, whole=whole)
        assert operation.check(arguments) or arguments.keys() <= {"nextToken", "maxResults"}


@pytest.mark.rule("ERR-3", "ERR-6", "ERR-7")
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_each_broken_constraint_is_refused_and_changes_nothing(operation: Operation, scene: Scene) -> None:
    """Whichever member breaks whichever constraint, the answer is the modelled exception and names that member alone."""
    ids = ids_in(scene)
    before = state_of(scene)
    shape = input_of(operation)
    count = 0
    for path, arguments in broken_structure(shape, example(shape, ids), ""):
        response = send(operation, arguments)
        answer = response.json()
        assert response.status_code == 400, (path, arguments, answer)
        assert response.headers["x-amzn-errortype"] == "ValidationException"
        assert "ValidationException" in operation.errors
        assert response.headers["x-cleanrooms-mock-rule"] == "ERR-3"
        assert answer["reason"] == "FIELD_VALIDATION_FAILED"
        names = [entry["name"] for entry in answer["fieldList"]]
        assert set(names) == {path}, (arguments, answer)
        assert answer["message"].startswith(f"{len(names)} validation error")
        count += 1
    assert count > 0
    assert state_of(scene) == before


@pytest.mark.rule("ERR-3", "ERR-4")
def test_all_broken_members_are_reported_at_once(scene: Scene, refused: Refused) -> None:
    """One answer has an entry for each broken member, in the words of AWS's front end, whatever else is wrong with the call."""
    before = state_of(scene)
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", rule="ERR-3") as error:
        scene.publisher.create_membership(
            collaborationIdentifier=NOWHERE.replace("0", "O"),
            queryLogStatus="ON",  # type: ignore[arg-type]
            tags={"k" * 129: "v"},
            defaultResultConfiguration={
                "outputConfiguration": {"s3": {"bucket": "Results", "resultFormat": "CSV", "keyPrefix": "k" * 513}}
            },
        )
    uuids = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    s3 = "defaultResultConfiguration.outputConfiguration.s3"
    bucket: Any = input_of(PROTOCOL.operation("CreateMembership")).members["defaultResultConfiguration"]
    bucket = bucket.members["outputConfiguration"].members["s3"].members["bucket"].metadata["pattern"]
    complaints = {
        "collaborationIdentifier": f"Member must satisfy regular expression pattern: {uuids}",
        "queryLogStatus": "Member must satisfy enum value set: [ENABLED, DISABLED]",
        "tags": "Map keys must satisfy constraint: [Member must have length less than or equal to 128]",
        f"{s3}.bucket": f"Member must satisfy regular expression pattern: {bucket}",
        f"{s3}.keyPrefix": "Member must have length less than or equal to 512",
    }
    assert {entry["name"]: entry["message"] for entry in error["fieldList"]} == complaints
    details = "; ".join(
        f"Value at '{entry['name']}' failed to satisfy constraint: {entry['message']}" for entry in error["fieldList"]
    )
    assert error["Error"]["Message"] == error["message"] == f"5 validation errors detected: {details}"
    assert state_of(scene) == before


@pytest.mark.rule("ERR-4")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"queryLogStatus": "ON"},
            "Value at 'queryLogStatus' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
        ),
        (
            {"name": "n" * 101},
            "Value at 'name' failed to satisfy constraint: Member must have length less than or equal to 100",
        ),
        (
            {
                "members": [
                    {"accountId": PUBLISHER, "displayName": "p", "memberAbilities": []},
                    {"accountId": STRANGER, "displayName": "s", "memberAbilities": ["CAN_RECEIVE_RESULTS", "CAN_FLY"]},
                ]
            },
            (
                "Value at 'members.member.2.memberAbilities.member.2' failed to satisfy constraint: Member must satisfy enum "
                "value set: [CAN_QUERY, CAN_RECEIVE_RESULTS, CAN_RUN_JOB, CAN_EXPORT_QUERY_ANALYSIS_LOG]"
            ),
        ),
    ],
    ids=["enum", "length", "item of a list"],
)
def test_message_of_one_broken_constraint(
    scene: Scene, refused: Refused, arguments: dict[str, Any], message: str
) -> None:
    """The message counts one error and says where it is and what must hold there."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", rule="ERR-3") as error:
        scene.create(**arguments)
    assert error["Error"]["Message"] == f"1 validation error detected: {message}"
    assert scene.advertiser.list_collaborations()["collaborationList"] == []


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"text"', b"\xff", b'{"name": NaN}', "text"])
@pytest.mark.parametrize(
    "operation",
    [op for op in IMPLEMENTED if any("location" not in m.serialization for m in input_of(op).members.values())],
    ids=name_of,
)
def test_body_that_is_no_json_object_is_a_broken_constraint(
    operation: Operation, body: bytes | str, scene: Scene
) -> None:
    """A body that isn't JSON or isn't an object is answered as a broken constraint of the body."""
    ids = ids_in(scene)
    labels = {
        name: example(shape, ids)
        for name, shape in input_of(operation).members.items()
        if shape.serialization.get("location") == "uri"
    }
    before = state_of(scene)
    response = send(operation, body, labels=labels)
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert response.json()["reason"] == "FIELD_VALIDATION_FAILED"
    assert [entry["name"] for entry in response.json()["fieldList"]] == ["body"]
    assert state_of(scene) == before


@pytest.mark.rule("ERR-7")
@pytest.mark.parametrize(
    "spoil",
    [
        str.upper,
        lambda given: f"arn:aws:cleanrooms:us-east-1:{ADVERTISER}:membership/{given}",
        lambda given: given.replace("-", ""),
        lambda given: f"{given} ",
        lambda given: given[:-1] + "\n",
        lambda given: "x",
        lambda given: "",
    ],
    ids=["upper case", "ARN", "no hyphens", "space behind", "line end", "word", "nothing"],
)
def test_malformed_id_is_a_broken_constraint(scene: Scene, spoil: Any) -> None:
    """An id that is no lower-case UUID is refused as such in every label that takes one, not looked for."""
    ids = ids_in(scene)
    tried = 0
    for operation in IMPLEMENTED:
        arguments = example(input_of(operation), ids)
        for name, shape in input_of(operation).members.items():
            if not shape.name.endswith("Identifier"):
                continue
            response = send(operation, {**arguments, name: spoil("abcdefab-cdef-4abc-8def-abcdefabcdef")})
            assert (response.status_code, response.headers["x-amzn-errortype"]) == (400, "ValidationException")
            assert response.json()["reason"] == "FIELD_VALIDATION_FAILED"
            assert [entry["name"] for entry in response.json()["fieldList"]] == [name]
            tried += 1
    assert tried >= 15


@pytest.mark.rule("ERR-19")
@pytest.mark.parametrize("name", ["😀", "spring 😀", "a\tb", "\U0010ffff", "漢字", " padded "])
def test_name_may_hold_what_lies_beyond_the_bmp(scene: Scene, name: str) -> None:
    """A name with an emoji is a name, and comes back as it was given."""
    collaboration = scene.create(name=name, creatorDisplayName=name, description=f"{name}\r\n{name}")
    read = scene.advertiser.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"]
    assert (read["name"], read["creatorDisplayName"]) == (name, name)
    assert read["description"] == f"{name}\r\n{name}"


@pytest.mark.rule("ERR-19")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "two\nlines"),
        ("name", "line end\n"),
        ("name", " \t"),
        ("name", "a\x7f\x00"),
        ("description", "\n \r\n"),
        ("description", "a\x0b"),
        ("creatorDisplayName", "\ufffe"),
    ],
)
def test_pattern_holds_for_the_whole_value(scene: Scene, refused: Refused, member: str, value: str) -> None:
    """A pattern without anchors refuses what it matches in part only."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=member, rule="ERR-3"):
        scene.create(**{member: value})
    assert scene.advertiser.list_collaborations()["collaborationList"] == []


# How errors look


@pytest.mark.rule("ERR-1")
def test_error_on_the_wire_is_its_members_and_three_headers(scene: Scene) -> None:
    """The body has what applies and no null, the type stands in its header as a bare name, and each answer has its own id."""
    collaboration = scene.create()
    expected: list[tuple[str, dict[str, Any], str, str, set[str]]] = [
        ("GetCollaboration", {"collaborationIdentifier": NOWHERE}, ADVERTISER, "AccessDeniedException", {"reason"}),
        (
            "ListMembers",
            {"collaborationIdentifier": NOWHERE},
            ADVERTISER,
            "ResourceNotFoundException",
            {"resourceId", "resourceType"},
        ),
        (
            "CreateMembership",
            {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "ENABLED"},
            PUBLISHER,
            "ValidationException",
            {"reason", "fieldList"},
        ),
    ]
    seen = set()
    for name, arguments, account_id, error, members in expected:
        response = send(PROTOCOL.operation(name), arguments, account_id=account_id)
        assert response.headers["x-amzn-errortype"] == error
        assert response.headers["content-type"] == "application/json"
        seen.add(uuid.UUID(response.headers["x-amzn-requestid"]))
        assert set(response.json()) == {"message", *members}
        assert None not in response.json().values()
    assert len(seen) == len(expected)


@pytest.mark.rule("ERR-1")
def test_member_that_does_not_apply_is_absent(cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ValidationException about no field in particular has no fieldList, neither null nor empty."""

    def refuses(caller: Any) -> None:
        raise ValidationException("no such query", reason="INVALID_QUERY")

    monkeypatch.setitem(functions, "list_memberships", (refuses, frozenset()))
    response = send(PROTOCOL.operation("ListMemberships"), {})
    assert response.json() == {"message": "no such query", "reason": "INVALID_QUERY"}


@pytest.mark.rule("ERR-1")
def test_answer_on_the_wire_has_an_id_and_no_error_type(scene: Scene) -> None:
    """An answer that is no error has the same headers but for the type, and nothing that is absent is null."""
    arguments = example(input_of(PROTOCOL.operation("CreateCollaboration")), {}, whole=False)
    arguments |= {"creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"], "members": []}
    response = send(PROTOCOL.operation("CreateCollaboration"), arguments)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert uuid.UUID(response.headers["x-amzn-requestid"])
    assert "x-amzn-errortype" not in response.headers
    assert None not in response.json()["collaboration"].values()


STATUSES = {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "InternalServerException": 500,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ThrottlingException": 429,
    "ValidationException": 400,
}


@pytest.mark.rule("ERR-2")
@pytest.mark.parametrize("error", STATUSES)
def test_exception_has_the_status_of_the_model(cleanrooms: Handle, error: str) -> None:
    """Each exception answers the service's own status, for each operation that models it: 402 for quotas, 429 for throttling."""
    modelling = [operation for operation in OPERATIONS if error in operation.errors]
    for operation in modelling:
        cleanrooms.inject_fault(operation.name, error)
        response = send(operation, example(input_of(operation), {}))
        assert (response.status_code, response.headers["x-amzn-errortype"]) == (STATUSES[error], error)
    assert len(modelling) > 10


def test_there_is_no_other_exception() -> None:
    """The seven exceptions are all that the operations model."""
    assert {error for operation in OPERATIONS for error in operation.errors} == set(STATUSES)


@pytest.mark.rule("ERR-5")
@pytest.mark.parametrize(
    ("overrides", "rule", "reason", "field"),
    [
        ({"members": "own account"}, "COL-3", "FIELD_VALIDATION_FAILED", "members"),
        ({"analyticsEngine": "CLEAN_ROOMS_SQL"}, "COL-18", "FIELD_VALIDATION_FAILED", "analyticsEngine"),
        ({"tags": {"aws:mine": "no"}}, "TAG-10", "FIELD_VALIDATION_FAILED", "tags"),
        ({"creatorMemberAbilities": ["CAN_RECEIVE_RESULTS"]}, "COL-8", "INVALID_CONFIGURATION", None),
        ({"creatorMemberAbilities": ["CAN_QUERY"]}, "COL-9", "INVALID_CONFIGURATION", None),
    ],
)
def test_reason_tells_a_wrong_value_from_a_contradiction(
    scene: Scene, refused: Refused, overrides: dict[str, Any], rule: str, reason: str, field: str | None
) -> None:
    """One value that is wrong by itself failed validation, with its field; settings that contradict each other are a configuration."""
    if overrides == {"members": "own account"}:
        overrides = {"members": [scene.member(ADVERTISER)]}
    with refused("ValidationException", reason, rule=rule, field=field):
        scene.create(**overrides)
    assert scene.advertiser.list_collaborations()["collaborationList"] == []


@pytest.mark.rule("ERR-5")
def test_every_rule_that_refuses_says_with_which_exception_and_reason() -> None:
    """Whatever a rule answers is one of the seven exceptions, and where that has reasons, with one of its reasons."""
    reasons = {
        "ValidationException": "INVALID_CONFIGURATION|FIELD_VALIDATION_FAILED|INVALID_QUERY|IAM_SYNCHRONIZATION_DELAY",
        "ConflictException": "ALREADY_EXISTS|INVALID_STATE|SUBRESOURCES_EXIST",
        "AccessDeniedException": "INSUFFICIENT_PERMISSIONS",
    }
    refusing = [entry for entry in catalogue.values() if entry.answer is not None]
    assert len(refusing) > 30
    for entry in refusing:
        if (entry.answer or "").startswith("FAILED "):
            continue
        named = re.findall(r"\w+Exception", entry.answer or "")
        assert named, entry.id
        assert set(named) <= set(STATUSES), entry.id
        for error in set(named) & set(reasons):
            assert re.search(reasons[error], entry.answer or ""), entry.id


# Who sees what


def as_stranger(scene: Scene, operation: str, **arguments: Any) -> Any:
    """Call an operation as the stranger."""
    return getattr(scene.stranger, operation)(**arguments)


IN_SIGHT: dict[str, dict[str, Any]] = {
    "get_collaboration": {},
    "update_collaboration": {"name": "mine"},
    "delete_collaboration": {},
}
OF_PARTICIPANTS: dict[str, dict[str, Any]] = {
    "create_membership": {"queryLogStatus": "DISABLED"},
    "list_members": {},
    "delete_member": {"accountId": PUBLISHER},
    "create_collaboration_change_request": {"changes": [INVITATION]},
    "get_collaboration_change_request": {"changeRequestIdentifier": NOWHERE},
    "list_collaboration_change_requests": {},
    "update_collaboration_change_request": {"changeRequestIdentifier": NOWHERE, "action": "COMMIT"},
}


# What members keep in a collaboration is seen as its members are; a request that is valid in form will do.
OF_PARTICIPANTS |= {
    operation.python_name: {
        name: value
        for name, value in example(input_of(operation), {}, whole=False).items()
        if name != "collaborationIdentifier"
    }
    for operation in IMPLEMENTED
    if "collaborationIdentifier" in input_of(operation).members
    and operation.python_name not in IN_SIGHT.keys() | OF_PARTICIPANTS.keys()
}


def a_deleted_collaboration(scene: Scene) -> str:
    collaboration_id: str = scene.create()["id"]
    scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration_id)
    return collaboration_id


@pytest.mark.rule("ERR-8", "ERR-9")
@pytest.mark.parametrize(("operation", "arguments"), IN_SIGHT.items(), ids=IN_SIGHT)
def test_collaboration_out_of_sight_is_denied_without_telling_why(
    scene: Scene, refused: Refused, operation: str, arguments: dict[str, Any]
) -> None:
    """Operations that model no ResourceNotFoundException deny the same way what is unknown, what was deleted and what is foreign."""
    foreign = scene.create()["id"]
    before = state_of(scene)
    answers = []
    for collaboration_id in (NOWHERE, a_deleted_collaboration(scene), foreign):
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="COL-30") as error:
            as_stranger(scene, operation, collaborationIdentifier=collaboration_id, **arguments)
        assert error.pop("ResponseMetadata")["HTTPStatusCode"] == 403
        answers.append(json.dumps(error).replace(collaboration_id, "ID"))
    assert len(set(answers)) == 1
    assert state_of(scene) == before


@pytest.mark.rule("ERR-8")
@pytest.mark.parametrize(("operation", "arguments"), OF_PARTICIPANTS.items(), ids=OF_PARTICIPANTS)
def test_collaboration_that_does_not_exist_is_not_found_and_a_foreign_one_is_denied(
    scene: Scene, refused: Refused, operation: str, arguments: dict[str, Any]
) -> None:
    """All other operations tell an id that isn't, or no longer is, from one in which the caller has no part, or no longer has."""
    foreign = scene.create()
    rule = "MEM-1" if operation == "create_membership" else "ERR-8"
    for collaboration_id in (NOWHERE, a_deleted_collaboration(scene)):
        with refused("ResourceNotFoundException", rule=rule) as error:
            as_stranger(scene, operation, collaborationIdentifier=collaboration_id, **arguments)
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", collaboration_id)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    before = state_of(scene)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
        as_stranger(scene, operation, collaborationIdentifier=foreign["id"], **arguments)
    assert state_of(scene) == before


@pytest.mark.rule("ERR-8")
@pytest.mark.parametrize("how", ["left", "removed"])
@pytest.mark.parametrize(("operation", "arguments"), OF_PARTICIPANTS.items(), ids=OF_PARTICIPANTS)
def test_who_has_no_part_any_more_is_denied(
    scene: Scene, refused: Refused, operation: str, arguments: dict[str, Any], how: str
) -> None:
    """A member that left or was removed is neither INVITED nor ACTIVE, so access is denied."""
    collaboration = scene.create(members=[scene.member(STRANGER)])
    membership = scene.join(scene.stranger, collaboration)
    if how == "left":
        scene.stranger.delete_membership(membershipIdentifier=membership["id"])
    else:
        scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=STRANGER)
    before = state_of(scene)
    rule = "MEM-4" if operation == "create_membership" else "ERR-8"
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
        as_stranger(scene, operation, collaborationIdentifier=collaboration["id"], **arguments)
    assert state_of(scene) == before


@pytest.mark.rule("ERR-10")
@pytest.mark.parametrize("operation", ["get_membership", "update_membership", "delete_membership"])
def test_membership_of_nobody_or_of_another_is_not_found(scene: Scene, refused: Refused, operation: str) -> None:
    """A membership id that is unknown, deleted, foreign or only allotted isn't found, whatever the operation."""
    collaboration = scene.create(members=[scene.member(), scene.member(STRANGER)])
    own = scene.join(scene.stranger, collaboration)
    scene.stranger.delete_membership(membershipIdentifier=own["id"])
    foreign = scene.join(scene.advertiser, collaboration)["id"]
    allotted = scene.member_of(collaboration, PUBLISHER)["membershipId"]
    before = state_of(scene)
    for client, membership_id in (
        (scene.stranger, NOWHERE),
        (scene.stranger, own["id"]),
        (scene.stranger, foreign),
        (scene.publisher, allotted),
    ):
        with refused("ResourceNotFoundException", rule="ERR-10") as error:
            getattr(client, operation)(membershipIdentifier=membership_id)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", membership_id)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert state_of(scene) == before


@pytest.mark.rule("ERR-9")
@pytest.mark.parametrize("operation", IMPLEMENTED, ids=name_of)
def test_operation_answers_only_what_it_models(operation: Operation, scene: Scene) -> None:
    """Called by whoever has no right to, and on what doesn't exist, an operation keeps to its own exceptions."""
    ids = ids_in(scene)
    unknown = {name: NOWHERE for name in ids if name != "CleanroomsArn"}
    for account_id in (ADVERTISER, PUBLISHER, STRANGER):
        for known in (ids, unknown):
            response = send(operation, example(input_of(operation), known), account_id=account_id)
            if response.status_code >= 300:
                assert response.headers["x-amzn-errortype"] in operation.errors


@pytest.mark.rule("ERR-12")
@pytest.mark.parametrize(
    ("operation", "member"),
    [("list_collaborations", "collaborationList"), ("list_memberships", "membershipSummaries")],
)
def test_listing_without_an_id_is_empty_rather_than_not_found(scene: Scene, operation: str, member: str) -> None:
    """An account that has nothing gets an empty list, without a token."""
    scene.create()
    answer = as_stranger(scene, operation)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer[member] == []
    assert "nextToken" not in answer


# Pages


@pytest.mark.rule("ERR-13")
@pytest.mark.parametrize("token", ["", "x", "A" * 24, "A" * 10240, "é", "😀"])
def test_token_that_nobody_gave_is_refused(scene: Scene, refused: Refused, token: str) -> None:
    """A nextToken from nowhere is a fault of that field, in each listing that needs nothing but a collaboration or membership."""
    collaboration = scene.create()
    ids = {
        "CollaborationIdentifier": collaboration["id"],
        "MembershipIdentifier": scene.join(scene.advertiser, collaboration)["id"],
    }
    for operation in IMPLEMENTED:
        if operation.listed is None or operation.name == "ListIntermediateTableVersions":
            continue
        arguments = example(input_of(operation), ids, whole=False)
        with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
            getattr(scene.advertiser, operation.python_name)(**arguments, nextToken=token)


@pytest.mark.rule("ERR-13")
def test_token_is_of_one_caller_listing_filter_and_region(cleanrooms: Handle, scene: Scene, refused: Refused) -> None:
    """A token is good for the call that gave it, for its caller, there, and with its filter; another page size is no other call."""
    for _ in range(3):
        scene.create()
    advertiser, other = scene.advertiser, scene.create()
    token = advertiser.list_collaborations(memberStatus="INVITED", maxResults=1)["nextToken"]
    assert len(advertiser.list_collaborations(memberStatus="INVITED", nextToken=token)["collaborationList"]) == 3
    strangers: list[Any] = [
        lambda: advertiser.list_collaborations(nextToken=token),
        lambda: advertiser.list_collaborations(memberStatus="ACTIVE", nextToken=token),
        lambda: advertiser.list_memberships(nextToken=token),
        lambda: advertiser.list_members(collaborationIdentifier=other["id"], nextToken=token),
        lambda: scene.publisher.list_collaborations(memberStatus="INVITED", nextToken=token),
        lambda: cleanrooms.client(ADVERTISER, "eu-west-1").list_collaborations(memberStatus="INVITED", nextToken=token),
    ]
    for call in strangers:
        with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
            call()


@pytest.mark.rule("ERR-13")
def test_token_of_one_collaboration_is_foreign_in_another(scene: Scene, refused: Refused) -> None:
    """The id in the path belongs to the listing as a filter does."""
    one, other = scene.create(), scene.create()
    token = scene.advertiser.list_members(collaborationIdentifier=one["id"], maxResults=1)["nextToken"]
    assert scene.advertiser.list_members(collaborationIdentifier=one["id"], nextToken=token)["memberSummaries"]
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
        scene.advertiser.list_members(collaborationIdentifier=other["id"], nextToken=token)


def test_boto3_paginator_reads_all_while_collaborations_come_and_go(scene: Scene) -> None:
    """A paginator sees once each collaboration that stays, though others are made and deleted between its pages."""
    made = [scene.create()["id"] for _ in range(9)]
    paginator = scene.advertiser.get_paginator("list_collaborations")
    seen = []
    for number, found in enumerate(paginator.paginate(PaginationConfig={"PageSize": 2})):
        seen += [summary["id"] for summary in found["collaborationList"]]
        if number == 0:
            scene.advertiser.delete_collaboration(collaborationIdentifier=made[1])
            scene.advertiser.delete_collaboration(collaborationIdentifier=made[3])
            made.append(scene.create()["id"])
    assert seen == [collaboration_id for collaboration_id in made if collaboration_id != made[3]]


@pytest.mark.rule("ERR-14")
def test_page_has_a_hundred_items_where_nobody_says_how_many(scene: Scene) -> None:
    """Without maxResults a page has 100 items, and the next one the rest."""
    made = [scene.create()["id"] for _ in range(101)]
    first = scene.advertiser.list_collaborations()
    second = scene.advertiser.list_collaborations(nextToken=first["nextToken"])
    assert [summary["id"] for summary in first["collaborationList"]] == made[:100]
    assert [summary["id"] for summary in second["collaborationList"]] == made[100:]
    assert "nextToken" not in second


# Regions


@pytest.mark.rule("ERR-15")
def test_collaboration_and_membership_are_unknown_in_another_region(
    cleanrooms: Handle, scene: Scene, refused: Refused
) -> None:
    """What was made in one Region can't be read, joined, listed or tagged in another, not even by its creator."""
    collaboration = scene.create()
    membership = scene.join(scene.advertiser, collaboration)
    before = state_of(scene)
    abroad = cleanrooms.client(ADVERTISER, "eu-west-1")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="COL-30"):
        abroad.get_collaboration(collaborationIdentifier=collaboration["id"])
    with refused("ResourceNotFoundException", rule="ERR-8") as error:
        abroad.list_members(collaborationIdentifier=collaboration["id"])
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", collaboration["id"])
    with refused("ResourceNotFoundException", rule="MEM-1"):
        cleanrooms.client(PUBLISHER, "eu-west-1").create_membership(
            collaborationIdentifier=collaboration["id"], queryLogStatus="DISABLED"
        )
    with refused("ResourceNotFoundException", rule="ERR-10") as error:
        abroad.get_membership(membershipIdentifier=membership["id"])
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", membership["id"])
    with refused("ResourceNotFoundException", rule="TAG-4"):
        abroad.list_tags_for_resource(resourceArn=membership["arn"])
    assert abroad.list_collaborations()["collaborationList"] == []
    assert abroad.list_memberships()["membershipSummaries"] == []
    assert state_of(scene) == before


@pytest.mark.rule("ERR-15")
def test_regions_have_quotas_and_collaborations_of_their_own(cleanrooms: Handle, refused: Refused) -> None:
    """A quota that is used up in one Region is untouched in another."""
    cleanrooms.quotas["Collaborations created per account"] = 1
    home, abroad = Scene(cleanrooms), Scene(cleanrooms)
    abroad.advertiser = cleanrooms.client(ADVERTISER, "ap-northeast-1")
    home.create()
    with refused("ServiceQuotaExceededException", rule="COL-6"):
        home.create()
    collaboration = abroad.create()
    assert collaboration["arn"].startswith(f"arn:aws:cleanrooms:ap-northeast-1:{ADVERTISER}:")
    assert [item["id"] for item in abroad.advertiser.list_collaborations()["collaborationList"]] == [
        collaboration["id"]
    ]


# The order of checks


def _constraint_before_existence(scene: Scene) -> Iterator[None]:
    yield
    scene.publisher.create_membership(collaborationIdentifier=NOWHERE, queryLogStatus="ON")  # type: ignore[arg-type]


def _existence_before_role(scene: Scene) -> Iterator[None]:
    yield
    scene.publisher.delete_member(collaborationIdentifier=NOWHERE, accountId=PUBLISHER)


def _role_before_input(scene: Scene) -> Iterator[None]:
    collaboration = scene.create()
    yield
    scene.publisher.update_collaboration(collaborationIdentifier=collaboration["id"], analyticsEngine="CLEAN_ROOMS_SQL")


def _role_before_state(scene: Scene) -> Iterator[None]:
    """COMMIT isn't for the publisher to say, and wouldn't fit a request that is PENDING."""
    ids = ids_in(scene)
    yield
    scene.publisher.update_collaboration_change_request(
        collaborationIdentifier=ids["CollaborationIdentifier"],
        changeRequestIdentifier=ids["CollaborationChangeRequestIdentifier"],
        action="COMMIT",
    )


def _state_before_input(scene: Scene) -> Iterator[None]:
    collaboration = scene.create()
    membership = scene.join(scene.publisher, collaboration)
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    yield
    scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="ENABLED")


def _input_before_role_of_iam(scene: Scene) -> Iterator[None]:
    collaboration = scene.create()
    _make_a_role(scene)
    yield
    results = results_to("results", ADVERTISER)
    scene.join(scene.advertiser, collaboration, queryLogStatus="ENABLED", defaultResultConfiguration=results)


def _role_of_iam_before_quota(scene: Scene) -> Iterator[None]:
    collaboration = scene.create()
    _make_a_role(scene)
    scene.handle.quotas["Memberships per account"] = 0
    yield
    scene.join(scene.advertiser, collaboration, defaultResultConfiguration=results_to("results", ADVERTISER))


def _abilities_before_quota(scene: Scene) -> Iterator[None]:
    scene.handle.quotas["Collaborations created per account"] = 0
    yield
    scene.create(creatorMemberAbilities=["CAN_RECEIVE_RESULTS"])


def _quota_before_writing(scene: Scene) -> Iterator[None]:
    collaboration = scene.create()
    scene.handle.quotas["Memberships per account"] = 0
    yield
    scene.join(scene.advertiser, collaboration)


def _make_a_role(scene: Scene) -> None:
    """Have the advertiser's account make some role, so that the role it names for its results is looked for."""
    iam = scene.handle.client(ADVERTISER, service="iam")
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))


@pytest.mark.rule("ERR-16")
@pytest.mark.parametrize(
    ("case", "error", "rule"),
    [
        (_constraint_before_existence, "ValidationException", "ERR-3"),
        (_existence_before_role, "ResourceNotFoundException", "ERR-8"),
        (_role_before_input, "AccessDeniedException", "COL-34"),
        (_role_before_state, "AccessDeniedException", "CHG-27"),
        (_state_before_input, "ConflictException", "MEM-32"),
        (_input_before_role_of_iam, "ValidationException", "MEM-16"),
        (_role_of_iam_before_quota, "ValidationException", "MEM-11"),
        (_abilities_before_quota, "ValidationException", "COL-8"),
        (_quota_before_writing, "ServiceQuotaExceededException", "MEM-5"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_first_check_that_fails_answers(
    scene: Scene, refused: Refused, case: Callable[[Scene], Iterator[None]], error: str, rule: str
) -> None:
    """Of two things that are wrong with a call, the one that is checked first is told, and nothing is written."""
    steps = case(scene)
    next(steps)
    before = state_of(scene)
    with refused(error, rule=rule):
        next(steps)
    assert state_of(scene) == before


# Ids and times


@pytest.mark.rule("ERR-17")
def test_ids_are_random_uuids_and_arns_carry_their_owner(scene: Scene) -> None:
    """A collaboration's ARN has the creator's account for whoever reads it, a membership's has the member's."""
    collaboration = scene.create()
    scene.join(scene.advertiser, collaboration)
    membership = scene.join(scene.publisher, collaboration)
    answer = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"],
        changes=[INVITATION],  # type: ignore[list-item]
    )
    found = [collaboration["id"], membership["id"], answer["collaborationChangeRequest"]["id"]]
    assert len(set(found)) == 3
    for given in found:
        assert str(uuid.UUID(given)) == given
        assert (uuid.UUID(given).version, uuid.UUID(given).variant) == (4, uuid.RFC_4122)
    arn = f"arn:aws:cleanrooms:us-east-1:{ADVERTISER}:collaboration/{collaboration['id']}"
    for client in (scene.advertiser, scene.publisher):
        read = client.get_collaboration(collaborationIdentifier=collaboration["id"])["collaboration"]
        assert read["arn"] == arn
    assert membership["arn"] == f"arn:aws:cleanrooms:us-east-1:{PUBLISHER}:membership/{membership['id']}"
    assert membership["collaborationArn"] == arn


@pytest.mark.rule("ERR-17")
def test_ids_come_from_motos_generator(scene: Scene) -> None:
    """A test that seeds moto gets the same ids again."""
    found = []
    for _ in range(2):
        mock_random.seed(20)
        found.append(scene.create()["id"])
    assert found[0] == found[1]
    mock_random.seed(21)
    assert scene.create()["id"] != found[0]


@pytest.mark.rule("ERR-18")
@pytest.mark.parametrize(
    ("microsecond", "milliseconds", "on_the_wire"),
    [(0, 0, 1700000000.0), (999, 0, 1700000000.0), (123456, 123, 1700000000.123), (999999, 999, 1700000000.999)],
)
def test_times_are_cut_to_milliseconds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, microsecond: int, milliseconds: int, on_the_wire: float
) -> None:
    """Times are moto's, cut to milliseconds, and seconds since the epoch with a fraction on the wire."""
    monkeypatch.setattr(utils, "utcnow", lambda: datetime(2023, 11, 14, 22, 13, 20, microsecond))  # noqa: DTZ001
    collaboration = scene.create()
    assert collaboration["createTime"].timestamp() == on_the_wire
    assert collaboration["createTime"].microsecond == milliseconds * 1000
    response = send(PROTOCOL.operation("GetCollaboration"), {"collaborationIdentifier": collaboration["id"]})
    assert response.json()["collaboration"]["createTime"] == on_the_wire
    assert re.search(r'"createTime":(\d+(\.\d{1,3})?)[,}]', response.text)


@pytest.mark.rule("ERR-20")
@pytest.mark.parametrize(
    ("region_name", "partition"),
    [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_arns_have_the_partition_of_their_region(cleanrooms: Handle, region_name: str, partition: str) -> None:
    """An ARN names the partition that its Region is in, and can be used as the ARN that it is."""
    scene = Scene(cleanrooms)
    scene.advertiser = cleanrooms.client(ADVERTISER, region_name)
    collaboration = scene.create(tags={"team": "blue"})
    membership = scene.join(scene.advertiser, collaboration)
    assert collaboration["allowedResultRegions"] == [region_name]
    prefix = f"arn:{partition}:cleanrooms:{region_name}:{ADVERTISER}"
    assert collaboration["arn"] == f"{prefix}:collaboration/{collaboration['id']}"
    assert membership["arn"] == f"{prefix}:membership/{membership['id']}"
    assert scene.advertiser.list_tags_for_resource(resourceArn=collaboration["arn"])["tags"] == {"team": "blue"}


# Faults and the log of calls


def test_fault_answers_before_anything_is_looked_at(cleanrooms: Handle) -> None:
    """An injected error answers even a call that is broken, as many times as it was asked for, and after as many as it lets through."""
    cleanrooms.inject_fault("get_collaboration", "AccessDeniedException", times=2, after=1, message="not today")
    operation = PROTOCOL.operation("GetCollaboration")
    answers = [send(operation, {"collaborationIdentifier": "malformed"}).json()["message"] for _ in range(4)]
    assert answers[1:3] == ["not today"] * 2
    assert answers[0] == answers[3] != "not today"
    assert send(PROTOCOL.operation("ListCollaborations"), {}).status_code == 200


def test_log_has_every_call_with_its_outcome(scene: Scene, refused: Refused) -> None:
    """The log says who called what where, with which arguments, what was answered, and which rule refused."""
    collaboration = scene.create()
    with refused("ValidationException", rule="MEM-16"):
        scene.join(scene.publisher, collaboration, queryLogStatus="ENABLED")
    with refused("ValidationException", rule="ERR-3"):
        scene.advertiser.list_collaborations(maxResults=101)
    created, joined, listed = scene.handle.calls
    assert (created.operation, created.account_id, created.region_name) == (
        "create_collaboration",
        ADVERTISER,
        "us-east-1",
    )
    assert (created.status, created.error, created.message, created.rule) == (200, None, None, None)
    assert created.arguments["name"] == "campaign"
    assert (joined.account_id, joined.status, joined.error) == (PUBLISHER, 400, "ValidationException")
    assert joined.rule is catalogue["MEM-16"]
    assert joined.arguments == {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "ENABLED"}
    assert (listed.arguments, listed.rule) == ({"maxResults": 101}, catalogue["ERR-3"])
    text = str(joined)
    for part in (PUBLISHER, "us-east-1", "create_membership", "-> 400 ValidationException", joined.message, "MEM-16"):
        assert str(part) in text
    assert catalogue["MEM-16"].text in text
    assert catalogue["MEM-16"].page in text
    assert str(created).startswith(f"{ADVERTISER} us-east-1 create_collaboration(")
    assert str(created).endswith("-> 200")
