"""From a method and a path to an operation and its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from botocore.session import Session

from cleanrooms_mock.protocol import RestJson
from cleanrooms_mock.protocol.routing import Router, Template

PROTOCOLS = {name: RestJson(Session().get_service_model(name)) for name in ("cleanrooms", "cleanroomsml")}
OPERATIONS = [(service, name) for service, protocol in PROTOCOLS.items() for name in protocol.model.operation_names]
ARN = "arn:aws:cleanrooms:us-east-1:111111111111:membership/8e1c/analysistemplate/77af"


def labels_of(model: ServiceModel, operation: str) -> list[str]:
    """The members of an operation's input that stand in its path."""
    shape = model.operation_model(operation).input_shape
    members = {} if shape is None else shape.members
    return [name for name, member in members.items() if member.serialization.get("location") == "uri"]


def path_by_botocore(model: ServiceModel, operation: str, labels: dict[str, str]) -> tuple[str, str]:
    """The method and path that a client sends."""
    operation_model: Any = model.operation_model(operation)
    request = create_serializer("rest-json", include_validation=False).serialize_to_request(labels, operation_model)
    return request["method"], request["url_path"]


def route(service: str, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
    found = PROTOCOLS[service].route(method, path)
    return None if found is None else (found[0].name, found[1])


AWKWARD = [
    "11111111-1111-4111-8111-111111111111",
    ARN,
    "a/b//c/",
    "arn:",
    "100%",
    "a%2Fb",
    "a b+c",
    "?query#fragment",
    "Größe😀",
    "{membershipIdentifier}",
    "batch-schema",
    "member",
    "..",
    "~.-_",
]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_operation_routes_to_itself(service: str, operation: str) -> None:
    """Whatever stands in its labels, the path that botocore makes for an operation leads to it and gives them back."""
    model = PROTOCOLS[service].model
    for value in AWKWARD:
        labels = {name: f"{value}{index or ''}" for index, name in enumerate(labels_of(model, operation))}
        method, path = path_by_botocore(model, operation, labels)
        assert route(service, method, path) == (operation, labels)


def test_no_two_operations_share_a_route() -> None:
    """The models are covered whole: each of the operations has a method and path of its own."""
    assert len({service for service, _ in OPERATIONS}) == len(PROTOCOLS)
    for service, protocol in PROTOCOLS.items():
        names = protocol.model.operation_names
        routes = {
            path_by_botocore(protocol.model, name, dict.fromkeys(labels_of(protocol.model, name), "x"))
            for name in names
        }
        assert len(routes) == len(names) > 50, service


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        "arn:aws:cleanrooms:us-east-1:111111111111:collaboration/8e1c",
        "arn:aws:cleanrooms:us-east-1:111111111111:collaboration",
        "arn:aws:cleanrooms:us-east-1:111111111111:membership//8e1c/",
    ],
)
@pytest.mark.parametrize("safe", [":/", "/", ":", ""], ids=lambda safe: f"{safe or 'nothing'} unencoded")
@pytest.mark.parametrize(
    ("method", "path", "operation", "name"),
    [
        ("GET", "/tags/{}", "ListTagsForResource", "resourceArn"),
        ("POST", "/tags/{}", "TagResource", "resourceArn"),
        ("DELETE", "/tags/{}", "UntagResource", "resourceArn"),
        ("GET", "/collaborations/c/analysistemplates/{}", "GetCollaborationAnalysisTemplate", "analysisTemplateArn"),
    ],
)
def test_arn_in_the_last_label_needs_no_encoding(
    method: str, path: str, operation: str, name: str, safe: str, arn: str
) -> None:
    """Senders that build a path by hand leave slashes or colons of an ARN as they are; it is the same ARN."""
    found = route("cleanrooms", method, path.format(quote(arn, safe=safe)))
    assert found is not None
    assert (found[0], found[1][name]) == (operation, arn)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "//memberships"),
        ("GET", "/member"),
        ("GET", "/Memberships"),
        ("GET", "/memberships/m/unknown"),
        ("GET", "/memberships/m/protectedQueries/q/unknown"),
        ("GET", "/memberships/a/b"),
        ("GET", "/prefix/memberships"),
        ("GET", "/tags/not-an-arn/with/slashes"),
        ("GET", "/collaborations/c/arn:aws:cleanrooms"),
        ("GET", "/arn:aws:cleanrooms:us-east-1:1:x/y"),
        ("PUT", "/memberships"),
        ("POST", "/memberships/m"),
        ("get", "/memberships"),
        ("", "/memberships"),
        ("POST", "/memberships/"),
    ],
)
def test_path_of_no_operation_is_none(method: str, path: str) -> None:
    """A path or method that the model doesn't have leads nowhere, rather than to the next best."""
    assert route("cleanrooms", method, path) is None


def test_empty_label_is_a_label() -> None:
    """A path that ends in a slash names an empty id, which is the constraints' affair."""
    assert route("cleanrooms", "GET", "/memberships/") == ("GetMembership", {"membershipIdentifier": ""})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/books/new", "Literal"),
        ("/books/dune", "Label"),
        ("/books/new/pages", "LiteralBelowLabel"),
        ("/books/dune/pages", "LiteralBelowLabel"),
        ("/books/new/index", "LiteralBelowLiteral"),
        ("/books/dune/index", "TwoLabels"),
        ("/books/arn:x/y/z", "LastLabel"),
        ("/books/arn:x", "Label"),
        ("/books/dune/pages/1", None),
    ],
)
def test_literal_goes_before_label_and_gives_way_to_it(path: str, expected: str | None) -> None:
    """Where a segment is both a word of the model and a possible label, the way that leads to an operation is taken."""
    uris = {
        "Literal": "/books/new",
        "Label": "/books/{id}",
        "LiteralBelowLiteral": "/books/new/index",
        "LiteralBelowLabel": "/books/{id}/pages",
        "TwoLabels": "/books/{id}/{part}",
    }
    router = Router({name: ("GET", uri) for name, uri in uris.items()})
    found = router.match("GET", path.split("/"))
    if expected == "LastLabel":
        assert found == "Label"
        assert Template(uris["Label"]).read(path.split("/")) == {"id": "arn:x/y/z"}
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("uri", "path", "labels"),
    [
        ("/a/{one}/b/{two+}?fixed=1", "/a/1/b/2", {"one": "1", "two": "2"}),
        ("/a/{one}/b/{two}", "/a/%31%2F/b/%E2%82%AC", {"one": "1/", "two": "€"}),
        ("/a/{one}/b/{two}", "/a/1+1/b/", {"one": "1+1", "two": ""}),
        ("/a/{one}/b/{two}", "/a/1/c/2", None),
        ("/a/{one}/b/{two}", "/a/1/b", None),
        ("/a/{one}/b/{two}", "/a/1/b/2/3", None),
        ("/a/{one}/b/{two}", "/a/1/b/arn:2/3", {"one": "1", "two": "arn:2/3"}),
        ("/a/{one}/b", "/a/arn:1/2/b", None),
        ("/a/{one}/b", "/a/1/arn:/b", None),
    ],
)
def test_template_reads_its_labels_or_nothing(uri: str, path: str, labels: dict[str, str] | None) -> None:
    """A template takes its own form of path apart, decoded once, and no other."""
    assert Template(uri).read(path.split("/")) == labels
