"""The whole protocol of a service, compiled from its model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import OperationNotFoundError, ServiceModel
from botocore.session import Session

from cleanrooms_mock.protocol import Fault, Operation, Register, RestJson, Violations

SHAPES: dict[str, Any] = {
    "String": {"type": "string"},
    "Title": {"type": "string", "min": 1, "max": 10},
    "Integer": {"type": "integer"},
    "Limit": {"type": "integer", "min": 1, "max": 100},
    "Boolean": {"type": "boolean"},
    "Strings": {"type": "list", "member": {"shape": "String"}, "max": 2},
    "Book": {"type": "structure", "members": {"title": {"shape": "String"}, "numberOfPages": {"shape": "Integer"}}},
    "Books": {"type": "list", "member": {"shape": "Book"}},
    "GetBookInput": {
        "type": "structure",
        "required": ["bookId", "title"],
        "members": {
            "bookId": {"shape": "Title", "location": "uri", "locationName": "book-id"},
            "title": {"shape": "Title"},
            "authors": {"shape": "Strings"},
            "withIndex": {"shape": "Boolean", "location": "querystring", "locationName": "index"},
            "pages": {"shape": "Integer", "location": "querystring", "locationName": "pages"},
            "marks": {"shape": "Strings", "location": "querystring", "locationName": "mark"},
            "binding": {"shape": "String", "location": "querystring", "locationName": "binding"},
        },
    },
    "GetBookOutput": {"type": "structure", "members": {"book": {"shape": "Book"}}},
    "BooksInput": {
        "type": "structure",
        "members": {
            "nextToken": {"shape": "String", "location": "querystring", "locationName": "nextToken"},
            "maxResults": {"shape": "Limit", "location": "querystring", "locationName": "maxResults"},
            "binding": {"shape": "String", "location": "querystring", "locationName": "binding"},
        },
    },
    "BooksOutput": {"type": "structure", "members": {"books": {"shape": "Books"}, "nextToken": {"shape": "String"}}},
    "CountBooksOutput": {"type": "structure", "members": {"books": {"shape": "Books"}, "count": {"shape": "Integer"}}},
    "Gone": {
        "type": "structure",
        "members": {"message": {"shape": "String"}, "bookId": {"shape": "String", "locationName": "book-id"}},
        "error": {"httpStatusCode": 410},
        "exception": True,
    },
    "HeadersInput": {
        "type": "structure",
        "members": {"mark": {"shape": "String", "location": "header", "locationName": "x-mark"}},
    },
}


def operation_model(method: str, uri: str, *, status: int | None = None, **shapes: str) -> dict[str, Any]:
    http = {"method": method, "requestUri": uri} | ({} if status is None else {"responseCode": status})
    return {"http": http, "errors": [{"shape": "Gone"}], **{key: {"shape": name} for key, name in shapes.items()}}


OPERATIONS = {
    "GetBook": operation_model("POST", "/books/{book-id}", status=201, input="GetBookInput", output="GetBookOutput"),
    "ListBooks": operation_model("GET", "/books", input="BooksInput", output="BooksOutput"),
    "ListAllBooks": operation_model("GET", "/all-books", input="BooksInput", output="BooksOutput"),
    "CountBooks": operation_model("GET", "/count", input="BooksInput", output="CountBooksOutput"),
    "Close": operation_model("DELETE", "/", status=204),
    "Headers": operation_model("GET", "/headers", input="HeadersInput"),
}
PROTOCOL = RestJson(
    ServiceModel(
        {
            "metadata": {"protocol": "rest-json", "serviceId": "Library"},
            "operations": {name: {"name": name, **model} for name, model in OPERATIONS.items()},
            "shapes": SHAPES,
        }
    )
)
GET_BOOK, LIST_BOOKS = PROTOCOL.operation("GetBook"), PROTOCOL.operation("ListBooks")


def faults_of(operation: Operation, labels: dict[str, str], query: str, body: bytes | str | None) -> list[Fault]:
    with pytest.raises(Violations) as caught:
        operation.check(operation.read(labels, query, body))
    return caught.value.faults


MODELS = {name: Session().get_service_model(name) for name in ("cleanrooms", "cleanroomsml")}


@pytest.mark.parametrize(
    ("service", "name"), [(s, name) for s, model in MODELS.items() for name in model.operation_names]
)
def test_every_operation_of_the_models_compiles(service: str, name: str) -> None:
    """An operation is compiled whole, both ways, from nothing but the model; an empty request breaks just what is required."""
    model = MODELS[service].operation_model(name)
    operation = RestJson(MODELS[service]).operation(name)
    assert (operation.name, operation.python_name, operation.status) == (
        name,
        xform_name(name),
        model.http["responseCode"],
    )
    assert operation.errors == {shape.name for shape in model.error_shapes}
    given = model.input_shape
    required = [] if given is None else [member for member in given.members if member in given.required_members]
    if required:
        with pytest.raises(Violations) as caught:
            operation.check({})
        assert [fault.path for fault in caught.value.faults] == required
    else:
        assert operation.check({}) == {}
    several = model.output_shape is not None and len(model.output_shape.members) > 1
    nothing: Any = {} if several else None
    assert (operation.to_json(nothing), operation.to_parsed(nothing)) == ("{}", {})


@pytest.mark.parametrize("service", MODELS)
def test_pagination_is_what_botocore_has(service: str) -> None:
    """Which operations paginate, and what they list, is found in the shapes as botocore's file has it, for each operation."""
    paginators = Session().get_component("data_loader").load_service_model(service, "paginators-1")["pagination"]
    protocol = RestJson(MODELS[service])
    assert paginators
    listing: Register[dict[str, Any]] = Register()
    for name in MODELS[service].operation_names:
        operation, paginator = protocol.operation(name), paginators.get(name)
        finished = operation.finish(listing, {}, "scope")
        if paginator is None:
            assert finished is listing, name
        else:
            assert finished == {xform_name(paginator["result_key"]): [], xform_name(paginator["output_token"]): None}
            assert (paginator["input_token"], paginator["limit_key"]) == ("nextToken", "maxResults")


def test_arguments_come_from_path_query_and_body() -> None:
    """Each member is read where the model has it, under its name there, and handed on in snake_case."""
    body = json.dumps({"title": "Dune", "authors": ["Frank"], "unknown": 1}).encode()
    arguments = GET_BOOK.read({"book-id": "b/1"}, "index=true&pages=-7&mark=a&mark=b%26c&binding=PAPER+BACK", body)
    assert GET_BOOK.check(arguments) == {
        "book_id": "b/1",
        "title": "Dune",
        "authors": ["Frank"],
        "with_index": True,
        "pages": -7,
        "marks": ["a", "b&c"],
        "binding": "PAPER BACK",
    }


def test_body_cannot_say_what_stands_in_the_path_or_query() -> None:
    """A member that has its place elsewhere is not taken from the body, whether it is there or not."""
    body = json.dumps({"title": "Dune", "bookId": "body", "book-id": "again", "pages": 7, "binding": "CLOTH"})
    assert GET_BOOK.check(GET_BOOK.read({"book-id": "path"}, "", body)) == {
        "book_id": "path",
        "title": "Dune",
    }


def test_operation_without_a_body_ignores_one() -> None:
    """An operation that has nothing in its body doesn't look at what somebody sent there."""
    assert LIST_BOOKS.check(LIST_BOOKS.read({}, "binding=CLOTH", b"[not JSON")) == {"binding": "CLOTH"}


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("pages=", [Fault("pages", "Member must be an integer")]),
        ("pages=1.0", [Fault("pages", "Member must be an integer")]),
        ("pages=0x1", [Fault("pages", "Member must be an integer")]),
        ("pages=%2B1", [Fault("pages", "Member must be an integer")]),
        ("pages=1_0", [Fault("pages", "Member must be an integer")]),
        ("pages=%D9%A1", [Fault("pages", "Member must be an integer")]),
        ("pages=" + "9" * 5000, [Fault("pages", "Member must be an integer")]),
        ("index=True", [Fault("withIndex", "Member must be a boolean")]),
        ("index=1", [Fault("withIndex", "Member must be a boolean")]),
        ("index", [Fault("withIndex", "Member must be a boolean")]),
        ("mark=a&mark=b&mark=c", [Fault("marks", "Member must have length less than or equal to 2")]),
    ],
)
def test_query_parameter_of_the_wrong_form_is_a_fault(query: str, faults: list[Fault]) -> None:
    """Text that stands for no value of the member's type is named, not guessed at."""
    assert faults_of(GET_BOOK, {"book-id": "b"}, query, b'{"title": "Dune"}') == faults


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "Member must not be null"),
        (None, "Member must not be null"),
        (b"{}", "Member must not be null"),
        (b"{", "Member must be valid JSON"),
        (b" ", "Member must be valid JSON"),
        (b"title=Dune", "Member must be valid JSON"),
        (b"{'title': 'Dune'}", "Member must be valid JSON"),
        (b'{"title": "Dune"} {}', "Member must be valid JSON"),
        (b'{"title": NaN}', "Member must be valid JSON"),
        (b'{"title": -Infinity}', "Member must be valid JSON"),
        (b'{"title": "\xff"}', "Member must be valid JSON"),
        (b'{"title": "a\nb"}', "Member must be valid JSON"),
        (b'{"title": ' + b"9" * 5000 + b"}", "Member must be valid JSON"),
        (b"[" * 100_000, "Member must be valid JSON"),
        ("\ud83d", "Member must be valid JSON"),
        (b"[]", "Member must be a JSON object"),
        (b'"title"', "Member must be a JSON object"),
        (b"null", "Member must be a JSON object"),
        (b"1", "Member must be a JSON object"),
        ("true", "Member must be a JSON object"),
        (b'{"title": ["Dune"]}', "Member must be a string"),
        (b'{"title": "Dune", "title": 1}', "Member must be a string"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_body_that_is_no_json_object_is_a_fault(body: bytes | str | None, complaint: str) -> None:
    """Whatever a sender puts into the body, the answer is a fault and never a crash."""
    path = "body" if "JSON" in complaint else "title"
    assert faults_of(GET_BOOK, {"book-id": "b"}, "", body) == [Fault(path, complaint)]


def test_body_is_text_or_bytes() -> None:
    """botocore has bytes, other senders text; both are UTF-8."""
    body = '{"title": "Größe 😀"}'
    for sent in (body, body.encode(), json.dumps(json.loads(body))):
        assert GET_BOOK.read({"book-id": "b"}, "", sent)["title"] == "Größe 😀"


def test_body_may_have_space_around_it() -> None:
    """Space that JSON allows stands around a body of other senders; any other is no JSON."""
    for sent in (b' {"title": "Dune"}', b'{"title": "Dune"}\r\n', '\t\n{"title": "Dune"}  '):
        assert GET_BOOK.read({"book-id": "b"}, "", sent)["title"] == "Dune"
    for sent in ('\u00a0{"title": "Dune"}', '{"title": "Dune"}\v', '{"title": "Dune"}\x00'):
        assert faults_of(GET_BOOK, {"book-id": "b"}, "", sent) == [Fault("body", "Member must be valid JSON")]


def test_page_is_cut_by_what_was_asked_for() -> None:
    """A function gives the whole listing and sees neither token nor limit; without a limit a page has 100 items."""
    listing: Register[dict[str, int]] = Register()
    for number in range(205):
        listing.add(str(number), {"number_of_pages": number})
    arguments = LIST_BOOKS.read({}, "maxResults=2&binding=CLOTH", None)
    assert LIST_BOOKS.check(arguments) == {"binding": "CLOTH"}
    first = LIST_BOOKS.finish(listing, arguments, "scope")
    assert [book["number_of_pages"] for book in first["books"]] == [0, 1]

    arguments = LIST_BOOKS.read({}, f"nextToken={first['next_token']}&binding=CLOTH", None)
    assert LIST_BOOKS.check(arguments) == {"binding": "CLOTH"}
    second = LIST_BOOKS.finish(listing, arguments, "scope")
    assert [book["number_of_pages"] for book in second["books"]] == list(range(2, 102))
    assert json.loads(LIST_BOOKS.to_json(first)) == {
        "books": [{"numberOfPages": 0}, {"numberOfPages": 1}],
        "nextToken": first["next_token"],
    }


@pytest.mark.rule("ERR-13")
@pytest.mark.parametrize(
    ("operation", "query", "scope"),
    [
        pytest.param("ListAllBooks", "binding=CLOTH", "scope", id="another operation"),
        pytest.param("ListBooks", "binding=PAPER", "scope", id="another filter"),
        pytest.param("ListBooks", "", "scope", id="no filter"),
        pytest.param("ListBooks", "binding=CLOTH", "another scope", id="another caller"),
    ],
)
def test_token_is_good_for_the_listing_that_gave_it_alone(operation: str, query: str, scope: str) -> None:
    """A token from another operation, filter or caller is a fault; another limit is none."""
    listing: Register[dict[str, int]] = Register()
    for number in range(5):
        listing.add(str(number), {"number_of_pages": number})
    first = LIST_BOOKS.finish(listing, LIST_BOOKS.read({}, "maxResults=2&binding=CLOTH", None), "scope")
    token = first["next_token"]
    again = LIST_BOOKS.read({}, f"maxResults=3&binding=CLOTH&nextToken={token}", None)
    assert len(LIST_BOOKS.finish(listing, again, "scope")["books"]) == 3
    other = PROTOCOL.operation(operation)
    with pytest.raises(Violations) as caught:
        other.finish(listing, other.read({}, f"{query}&nextToken={token}", None), scope)
    assert [fault.path for fault in caught.value.faults] == ["nextToken"]


def test_one_member_of_an_output_is_what_the_function_returns() -> None:
    """An output with one member is that member, one with several is a dict of them, one with none is nothing."""
    assert GET_BOOK.to_json({"title": "Dune"}) == '{"book":{"title":"Dune"}}'
    assert PROTOCOL.operation("CountBooks").to_json({"books": [], "count": 0}) == '{"books":[],"count":0}'
    close = PROTOCOL.operation("Close")
    assert (close.to_json(object()), close.to_parsed(object())) == ("{}", {})
    assert close.to_parsed(object()) is not close.to_parsed(object())
    assert PROTOCOL.operation("Close").check({"anything": 1}) == {}


def test_output_with_a_list_but_no_token_is_no_listing() -> None:
    """A list alone doesn't make an operation one that is read in pages."""
    count = PROTOCOL.operation("CountBooks")
    result = {"books": [{"title": "Dune"}] * 200, "count": 200}
    assert count.finish(result, count.read({}, "maxResults=2", None), "scope") is result


def test_error_is_written_with_its_own_members_and_status() -> None:
    """An exception's status and members come from the model; what is None or isn't a member is left out."""
    members = {"message": "gone", "book_id": "b", "rule": "LIB-1"}
    assert PROTOCOL.write_error("Gone", members) == (410, {"message": "gone", "book-id": "b"})
    assert PROTOCOL.write_error("Gone", {"message": "gone", "book_id": None}) == (410, {"message": "gone"})


def test_status_is_the_models() -> None:
    """Each operation answers with its own status, and 200 where the model has none."""
    assert {name: PROTOCOL.operation(name).status for name in ("GetBook", "ListBooks", "Close")} == {
        "GetBook": 201,
        "ListBooks": 200,
        "Close": 204,
    }


def test_operation_is_compiled_once() -> None:
    """A second look-up finds what the first compiled, by name and by route."""
    assert PROTOCOL.operation("GetBook") is GET_BOOK
    found = PROTOCOL.route("POST", "/books/b%2F1")
    assert found == (GET_BOOK, {"book-id": "b/1"})
    assert PROTOCOL.route("GET", "/books/b") is None


def test_operation_that_the_model_lacks_is_said() -> None:
    """An unknown name is an error of botocore's."""
    with pytest.raises(OperationNotFoundError):
        PROTOCOL.operation("BurnBook")


def test_location_that_is_not_read_is_said() -> None:
    """A member in a header, of which the services have none, isn't silently lost."""
    with pytest.raises(NotImplementedError, match=r"Headers has members in .'header'."):
        PROTOCOL.operation("Headers")
