"""Domain objects as JSON, and as what botocore would have made of that JSON."""

from __future__ import annotations

import base64
import datetime
import json
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.utils import parse_timestamp

from cleanrooms_mock.protocol.text import TextCompiler
from cleanrooms_mock.protocol.writing import JSON, PARSED, OutputCompiler

SHAPES: dict[str, Any] = {
    "String": {"type": "string"},
    "Integer": {"type": "integer"},
    "Long": {"type": "long"},
    "Double": {"type": "double"},
    "Float": {"type": "float"},
    "Boolean": {"type": "boolean"},
    "Time": {"type": "timestamp"},
    "Blob": {"type": "blob"},
    "Document": {"type": "structure", "members": {}, "document": True},
    "Strings": {"type": "list", "member": {"shape": "String"}},
    "Times": {"type": "list", "member": {"shape": "Time"}},
    "Counts": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Integer"}},
    "Grid": {"type": "list", "member": {"shape": "Strings"}},
    "Shelves": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Books"}},
    "Books": {"type": "list", "member": {"shape": "Book"}},
    "Book": {
        "type": "structure",
        "members": {
            "title": {"shape": "String"},
            "numberOfPages": {"shape": "Integer"},
            "copies": {"shape": "Long"},
            "weight": {"shape": "Double"},
            "height": {"shape": "Float"},
            "isLent": {"shape": "Boolean"},
            "printedAt": {"shape": "Time"},
            "lentAt": {"shape": "Times"},
            "cover": {"shape": "Blob"},
            "ISBNMark": {"shape": "String", "locationName": "isbn-mark"},
            "authors": {"shape": "Strings"},
            "index": {"shape": "Counts"},
            "grid": {"shape": "Grid"},
            "notes": {"shape": "Document"},
            "sequel": {"shape": "Book"},
            "quotedBy": {"shape": "Books"},
            "shelves": {"shape": "Shelves"},
        },
    },
}
MODEL = ServiceModel(
    {"metadata": {"protocol": "rest-json", "serviceId": "Library"}, "operations": {}, "shapes": SHAPES}
)
MOMENT = 1700000000.125


@dataclass(slots=True)
class Book:
    """A domain object with less than the model has."""

    title: str
    printed_at: float
    weight: float = 1
    authors: list[str] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    sequel: Book | None = None
    shelf_mark: str = "not in the model"


def write_json(shape: str, value: Any) -> Any:
    return OutputCompiler(JSON).compile(MODEL.shape_for(shape))(value)


def write_parsed(shape: str, value: Any) -> Any:
    return OutputCompiler(PARSED).compile(MODEL.shape_for(shape))(value)


def parsed_by_botocore(shape: str, value: Any) -> Any:
    """What a client gets that reads the JSON."""
    body = json.dumps(write_json(shape, value), allow_nan=False).encode()
    answer = {"status_code": 200, "headers": {}, "body": body}
    parsed = create_parser("rest-json").parse(answer, MODEL.shape_for(shape))
    del parsed["ResponseMetadata"]
    return parsed


VALUES: dict[str, Callable[[], Any]] = {
    "nothing": dict,
    "scalars": lambda: {"title": "Dune é 😀", "number_of_pages": 612, "copies": 2**62, "is_lent": False},
    "numbers with and without a point": lambda: {"weight": 2, "height": 0.1, "number_of_pages": -0},
    "small and large numbers": lambda: {"weight": 5e-324, "height": 1.7976931348623157e308},
    "time with a fraction": lambda: {"printed_at": MOMENT},
    "whole time": lambda: {"printed_at": 1700000000},
    "time before the epoch": lambda: {"printed_at": -86400.5},
    "time far ahead": lambda: {"printed_at": 32503680000.001},
    "times in a list": lambda: {"lent_at": [0, MOMENT, MOMENT]},
    "blob": lambda: {"cover": b"\x00\xff cover"},
    "name on the wire": lambda: {"isbn_mark": "abc"},
    "containers": lambda: {"authors": ["a", "b"], "index": {"Z": 1, "a": 2}, "grid": [["x"], []]},
    "empty containers": lambda: {"authors": [], "index": {}, "shelves": {}, "quoted_by": []},
    "documents": lambda: {"notes": {"anyCase": [1, None, {"kept-As": 1.5}], "": {}}},
    "absent and None": lambda: {"title": None, "authors": None, "sequel": {"title": None}},
    "what the model lacks": lambda: {"title": "Dune", "publisher": "unknown"},
    "recursion": lambda: {
        "sequel": {"title": "two", "sequel": {"printed_at": MOMENT}},
        "quoted_by": [{"title": "x", "quoted_by": [{"weight": 1}]}],
        "shelves": {"left": [{"title": "y"}], "right": []},
    },
    "object": lambda: Book("Dune", MOMENT, 2, ["Frank"], {"spice": 3}, Book("Messiah", 0.001)),
    "objects in dicts in objects": lambda: SimpleNamespace(quoted_by=[{"sequel": Book("x", 1)}, Book("y", 2)]),
    "object with one member": lambda: SimpleNamespace(title="Dune"),
    "object with no member": lambda: SimpleNamespace(publisher="unknown"),
}


def equal(one: Any, other: Any) -> bool:
    """Whether two answers can't be told apart: same types, same order, same zone, same digits."""
    return bool(one == other) and repr(one) == repr(other)


@pytest.mark.parametrize("made", VALUES.values(), ids=VALUES)
def test_parsed_is_what_botocore_makes_of_the_json(made: Callable[[], Any]) -> None:
    """Both readers' answers come from one walk and can't be told apart once botocore has parsed the one on the wire."""
    assert equal(write_parsed("Book", made()), parsed_by_botocore("Book", made()))


@pytest.mark.parametrize("made", VALUES.values(), ids=VALUES)
def test_text_is_what_an_encoder_makes_of_the_json(made: Callable[[], Any]) -> None:
    """What is written at once is to the last character what is written in two steps, at the first value of a kind and at later ones."""
    text = TextCompiler().compile(MODEL.shape_for("Book"))
    expected = json.dumps(write_json("Book", made()), separators=(",", ":"))
    assert [text(made()), text(made())] == [expected, expected]


def test_text_of_members_that_python_has_words_for() -> None:
    """A member may be named as no attribute can be spelled."""
    shapes: dict[str, Any] = {
        "Word": {"type": "structure", "members": {"from": {"shape": "String"}, "class": {"shape": "String"}}},
        "String": {"type": "string"},
    }
    model = ServiceModel({"metadata": {"protocol": "rest-json"}, "operations": {}, "shapes": shapes})
    text = TextCompiler().compile(model.shape_for("Word"))
    assert text(SimpleNamespace(**{"from": '"a"', "class": "\n"})) == '{"from":"\\"a\\"","class":"\\n"}'


@pytest.mark.parametrize("first", ["id", "note"])
@pytest.mark.parametrize("made", [dict, SimpleNamespace])
def test_text_of_members_that_the_model_requires(made: Callable[..., Any], first: str) -> None:
    """Required members, ids and ARNs are written with fewer questions, wherever they stand; names and texts are escaped for all their patterns."""
    patterns = {
        "id": r"[0-9a-f]{8}-[0-9a-f]{4}",
        "arn": r"arn:aws:books:[\d]{12}:shelf\/[\d\w-]+/(book|page)/[\d\w-]+",
        "note": r"[a-z](([a-z ]+-)*([a-z ]+))?",
        "role": r"arn:aws:iam::[\d]{12}:role/.*",
    }
    names = [first, *(name for name in patterns if name != first)]
    required = [name for name in names if name != "note"]
    shapes: dict[str, Any] = {
        **{name.title(): {"type": "string", "pattern": pattern} for name, pattern in patterns.items()},
        "Loan": {
            "type": "structure",
            "required": required,
            "members": {name: {"shape": name.title()} for name in names},
        },
    }
    model = ServiceModel({"metadata": {"protocol": "rest-json"}, "operations": {}, "shapes": shapes})
    shape = model.shape_for("Loan")
    text = TextCompiler().compile(shape)
    arn = "arn:aws:books:111111111111:shelf/1-a/page/2_b"
    for note in ("fine", None, 'say "é"\n'):
        values = {"id": "0000aaaa-00ff", "arn": arn, "note": note, "role": 'arn:aws:iam::111111111111:role/"a\\b'}
        assert text(made(**values)) == json.dumps(OutputCompiler(JSON).compile(shape)(values), separators=(",", ":"))


def test_text_that_fails_shows_its_source() -> None:
    """A traceback through what was compiled has its lines, like any other."""
    text = TextCompiler().compile(MODEL.shape_for("Book"))
    with pytest.raises(TypeError) as caught:
        text(SimpleNamespace(title=1))
    assert "quote(item)" in "".join(traceback.format_exception(caught.value))


def test_json_is_by_wire_names_and_numbers() -> None:
    """On the wire, times are seconds since the epoch, blobs base64, doubles have a point, and order is the model's."""
    value = {"isbn_mark": "abc", "cover": b"ab", "printed_at": MOMENT, "weight": 2, "title": "Dune", "sequel": None}
    written = write_json("Book", value)
    assert json.dumps(written) == (
        '{"title": "Dune", "weight": 2.0, "printedAt": 1700000000.125, "cover": "YWI=", "isbn-mark": "abc"}'
    )
    assert base64.b64decode(written["cover"]) == b"ab"


def test_parsed_is_by_the_names_of_the_model() -> None:
    """What a client reads has the model's names, blobs as bytes and aware datetimes."""
    written = write_parsed("Book", {"isbn_mark": "abc", "cover": b"ab", "printed_at": MOMENT})
    assert list(written) == ["printedAt", "cover", "ISBNMark"]
    assert written["cover"] == b"ab"
    assert written["printedAt"].timestamp() == MOMENT
    assert written["printedAt"].utcoffset() is not None


@pytest.mark.parametrize("write", [write_json, write_parsed])
def test_object_that_lacks_members_is_written_without_them(write: Callable[[str, Any], Any]) -> None:
    """A model that is newer than a class does no harm, and neither does a class that has more than the model."""
    written = write("Book", Book("Dune", 0, authors=["Frank"]))
    assert list(written) == ["title", "weight", "printedAt", "authors", "index"]


@pytest.mark.parametrize("write", [write_json, write_parsed])
def test_objects_of_one_class_are_written_each_with_its_own_values(write: Callable[[str, Any], Any]) -> None:
    """What is remembered of a class is where its values stand, not the values; None is left out of each by itself."""
    written = write("Books", [Book("one", 0), Book("two", 0, sequel=Book("three", 0)), Book("four", 0)])
    assert [(book["title"], book.get("sequel", {}).get("title")) for book in written] == [
        ("one", None),
        ("two", "three"),
        ("four", None),
    ]


def _containers() -> dict[str, Any]:
    return {
        "authors": ["a"],
        "index": {"a": 1},
        "grid": [["x"]],
        "lent_at": [0],
        "notes": {"deep": [{"er": [1]}]},
        "sequel": {"authors": ["b"]},
        "quoted_by": [{"index": {"b": 1}}],
        "shelves": {"left": [{"authors": ["c"]}]},
    }


def _scribble(value: Any) -> None:
    """Change every container in ``value``."""
    if isinstance(value, dict):
        for item in value.values():
            _scribble(item)
        value["scribbled"] = True
    elif isinstance(value, list):
        for item in value:
            _scribble(item)
        value.append("scribbled")


@pytest.mark.parametrize("write", [write_json, write_parsed])
@pytest.mark.parametrize("make", [_containers, lambda: SimpleNamespace(**_containers())], ids=["dict", "object"])
@pytest.mark.parametrize("member", _containers())
def test_answer_never_aliases_the_state(member: str, make: Callable[[], Any], write: Callable[[str, Any], Any]) -> None:
    """Whoever changes what a call has answered changes nothing in the service."""
    state = make()
    held = state[member] if isinstance(state, dict) else getattr(state, member)
    before = repr(held)
    _scribble(write("Book", state))
    assert repr(held) == before


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A way to move this machine to another time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("first", "second"),
    [("UTC", "Asia/Kathmandu"), ("Asia/Kathmandu", "UTC"), ("XST-1", "XST-2")],
    ids=["east", "back", "to a zone of the same name"],
)
def test_times_are_in_the_zone_that_botocore_gives_them(zone: Callable[[str], None], first: str, second: str) -> None:
    """A test that moves the machine's zone between two calls sees both in the zone of their time."""
    for name in (first, second):
        zone(name)
        written = write_parsed("Book", {"printed_at": MOMENT})["printedAt"]
        expected = parsed_by_botocore("Book", {"printed_at": MOMENT})["printedAt"]
        assert (written.isoformat(), written.tzinfo) == (expected.isoformat(), expected.tzinfo)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("Europe/Berlin", 1792889999, id="an hour comes twice"),
        pytest.param("Europe/Berlin", 1774745999, id="an hour is left out"),
        pytest.param("Australia/Lord_Howe", 1775314799, id="half an hour comes twice"),
    ],
)
def test_times_about_a_change_of_clocks(zone: Callable[[str], None], name: str, change: int) -> None:
    """Offset and fold are botocore's for every time of a second, though what holds for a second is looked up once."""
    zone(name)
    fractions = (0.999999, 0, 0.0005, 0.5, 0.9999994, 0.9999996)
    for second in (-1, 1, change - 7200, change - 1800, change - 1, change, change + 1, change + 1800, change + 7200):
        for moment in (second + fraction for fraction in fractions):
            written = write_parsed("Book", {"printed_at": moment})["printedAt"]
            expected = parse_timestamp(moment)  # type: ignore[arg-type]  # it takes numbers
            assert (repr(written), written.utcoffset()) == (repr(expected), expected.utcoffset())


def test_times_are_of_the_class_that_a_test_has_put_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen clock replaces datetime, and the times of answers are of its class like all others."""
    write_parsed("Book", {"printed_at": MOMENT})

    class FrozenDatetime(datetime.datetime):
        pass

    monkeypatch.setattr(datetime, "datetime", FrozenDatetime)
    written = write_parsed("Book", {"printed_at": MOMENT})["printedAt"]
    assert type(written) is FrozenDatetime
    assert type(parsed_by_botocore("Book", {"printed_at": MOMENT})["printedAt"]) is FrozenDatetime
