"""What the server side makes of the JSON of a request, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.model import ServiceModel

from cleanrooms_mock.protocol import Fault, Violations
from cleanrooms_mock.protocol.reading import TOP, InputCompiler, spell

#: A library's shapes, of every kind.
SHAPES: dict[str, Any] = {
    "Title": {"type": "string", "min": 2, "max": 5},
    "Mark": {"type": "string", "pattern": "[a-z]+"},
    "ShortMark": {"type": "string", "min": 2, "max": 3, "pattern": "[a-z]+"},
    "Binding": {"type": "string", "enum": ["PAPER", "CLOTH"]},
    "Pages": {"type": "integer", "min": 1, "max": 2000},
    "Copies": {"type": "long", "min": 0},
    "Weight": {"type": "double", "min": 0.5, "max": 9.5},
    "Height": {"type": "float"},
    "IsLent": {"type": "boolean"},
    "Printed": {"type": "timestamp"},
    "Cover": {"type": "blob", "min": 2, "max": 4},
    "Notes": {"type": "structure", "members": {}, "document": True},
    "AllNotes": {"type": "list", "member": {"shape": "Notes"}},
    "Authors": {"type": "list", "member": {"shape": "Title"}, "min": 1, "max": 2},
    "Ratings": {"type": "map", "key": {"shape": "Mark"}, "value": {"shape": "Pages"}, "min": 1, "max": 2},
    "Owner": {
        "type": "structure",
        "union": True,
        "members": {"person": {"shape": "Title"}, "house": {"shape": "House"}},
    },
    "House": {"type": "structure", "members": {"roomNumbers": {"shape": "Rooms"}}},
    "Rooms": {"type": "list", "member": {"shape": "Pages"}},
    "Chapter": {
        "type": "structure",
        "required": ["title"],
        "members": {
            "title": {"shape": "Title"},
            "subChapters": {"shape": "Chapters"},
            "byMark": {"shape": "ChaptersByMark"},
        },
    },
    "Chapters": {"type": "list", "member": {"shape": "Chapter"}},
    "ChaptersByMark": {"type": "map", "key": {"shape": "Mark"}, "value": {"shape": "Chapter"}},
    "Tree": {
        "type": "structure",
        "union": True,
        "members": {"leaf": {"shape": "Pages"}, "branches": {"shape": "Trees"}},
    },
    "Trees": {"type": "list", "member": {"shape": "Tree"}},
    "Book": {
        "type": "structure",
        "required": ["mainTitle", "numberOfPages"],
        "members": {
            "mainTitle": {"shape": "Title", "locationName": "main-title"},
            "numberOfPages": {"shape": "Pages"},
            "ISBNMark": {"shape": "Mark"},
            "authors": {"shape": "Authors"},
            "ratings": {"shape": "Ratings"},
            "owner": {"shape": "Owner"},
        },
    },
}
MODEL = ServiceModel(
    {"metadata": {"protocol": "rest-json", "serviceId": "Library"}, "operations": {}, "shapes": SHAPES}
)


def read(shape: str, value: Any, overrides: Any = None) -> tuple[Any, list[tuple[str, str]]]:
    """What becomes of ``value`` on its way over the wire, and the faults found in it."""
    faults: list[Fault] = []
    check = InputCompiler(overrides or {}).compile(MODEL.shape_for(shape))
    result = check(json.loads(json.dumps(value)), TOP, faults)
    return result, [(fault.path, fault.message) for fault in faults]


@pytest.mark.rule("ERR-3", "ERR-4")
@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        ("Title", "a", "Member must have length greater than or equal to 2"),
        ("Title", "abcdef", "Member must have length less than or equal to 5"),
        ("Mark", "a1", "Member must satisfy regular expression pattern: [a-z]+"),
        ("ShortMark", "1", "Member must have length greater than or equal to 2"),
        ("ShortMark", "12345", "Member must have length less than or equal to 3"),
        ("ShortMark", "123", "Member must satisfy regular expression pattern: [a-z]+"),
        ("Binding", "LEATHER", "Member must satisfy enum value set: [PAPER, CLOTH]"),
        ("Binding", "paper", "Member must satisfy enum value set: [PAPER, CLOTH]"),
        ("Pages", 0, "Member must have value greater than or equal to 1"),
        ("Pages", 2001, "Member must have value less than or equal to 2000"),
        ("Copies", -1, "Member must have value greater than or equal to 0"),
        ("Weight", 0.4, "Member must have value greater than or equal to 0.5"),
        ("Weight", 10, "Member must have value less than or equal to 9.5"),
        ("Cover", "YQ==", "Member must have length greater than or equal to 2"),
        ("Cover", "YWJjZGU=", "Member must have length less than or equal to 4"),
        ("Authors", [], "Member must have length greater than or equal to 1"),
        ("Authors", ["ab", "cd", "ef"], "Member must have length less than or equal to 2"),
        ("Ratings", {}, "Member must have length greater than or equal to 1"),
        ("Ratings", {"a": 1, "b": 2, "c": 3}, "Member must have length less than or equal to 2"),
        ("Owner", {}, "Member must have exactly one of the keys: [person, house]"),
        ("Owner", {"person": "ab", "house": {}}, "Member must have exactly one of the keys: [person, house]"),
        ("Owner", {"person": None}, "Member must have exactly one of the keys: [person, house]"),
        ("Owner", {"stranger": "ab"}, "Member must have exactly one of the keys: [person, house]"),
    ],
)
def test_broken_constraint_is_one_fault(shape: str, value: Any, message: str) -> None:
    """Each kind of constraint is refused with its own sentence, and the first that is broken speaks for the member."""
    assert read(shape, value)[1] == [("", message)]


@pytest.mark.parametrize(
    ("shape", "value", "kept"),
    [
        ("Title", "ab", "ab"),
        ("Title", "abcde", "abcde"),
        ("Title", "😀😀😀😀😀", "😀😀😀😀😀"),
        ("Binding", "CLOTH", "CLOTH"),
        ("Pages", 1, 1),
        ("Pages", 2000, 2000),
        ("Copies", 2**62, 2**62),
        ("Weight", 0.5, 0.5),
        ("Weight", 9.5, 9.5),
        ("Weight", 3, 3.0),
        ("Height", -1.25, -1.25),
        ("IsLent", False, False),
        ("Printed", 0, 0.0),
        ("Printed", 1700000000.125, 1700000000.125),
        ("Printed", "2023-11-14T22:13:20Z", 1700000000.0),
        ("Printed", "2023-11-15T00:13:20.5+02:00", 1700000000.5),
        ("Printed", "Tue, 14 Nov 2023 22:13:20 GMT", 1700000000.0),
        ("Cover", "YWI=", b"ab"),
        ("Cover", "AP8AAA==", b"\x00\xff\x00\x00"),
        ("Authors", ["ab"], ["ab"]),
        ("Ratings", {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ("Owner", {"person": "ab", "house": None, "stranger": 1}, {"person": "ab"}),
        ("Notes", {"anyCase": [1, None, {"kept-As": True}]}, {"anyCase": [1, None, {"kept-As": True}]}),
        ("Notes", "a string", "a string"),
        ("Notes", [None, 1.5], [None, 1.5]),
    ],
)
def test_value_within_its_bounds_is_kept(shape: str, value: Any, kept: Any) -> None:
    """Bounds are inclusive, lengths count characters, and times and blobs become what a function can compute with."""
    result, faults = read(shape, value)
    assert faults == []
    assert result == kept
    assert type(result) is type(kept)


_WRONG_TYPES = {
    "Title": "Member must be a string",
    "Binding": "Member must satisfy enum value set: [PAPER, CLOTH]",
    "Pages": "Member must be an integer",
    "Copies": "Member must be an integer",
    "Weight": "Member must be a number",
    "Height": "Member must be a number",
    "IsLent": "Member must be a boolean",
    "Printed": "Member must be a timestamp",
    "Cover": "Member must be base64-encoded",
    "Authors": "Member must be a JSON array",
    "Ratings": "Member must be a JSON object",
    "House": "Member must be a JSON object",
}
_VALUES: dict[str, tuple[Any, set[str]]] = {
    "an object": ({"a": 1}, {"Ratings", "House"}),
    "an array": (["ab"], {"Authors"}),
    "a string": ("a!b", {"Title"}),
    "an integer": (7, {"Pages", "Copies", "Weight", "Height", "Printed"}),
    "a number": (7.5, {"Weight", "Height", "Printed"}),
    "a whole number with a point": (7.0, {"Weight", "Height", "Printed"}),
    "a boolean": (True, {"IsLent"}),
}


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize("kind", _VALUES)
@pytest.mark.parametrize("shape", _WRONG_TYPES)
def test_wrong_json_type_is_a_fault(shape: str, kind: str) -> None:
    """A JSON value of another type than the member's is named, never converted and never a crash."""
    value, takers = _VALUES[kind]
    expected = [] if shape in takers else [("", _WRONG_TYPES[shape])]
    assert read(shape, value)[1] == expected


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        ("Printed", "yesterday", "Member must be a timestamp"),
        ("Printed", "", "Member must be a timestamp"),
        ("Printed", 1e20, "Member must be a timestamp"),
        ("Printed", -1e300, "Member must be a timestamp"),
        pytest.param("Printed", 10**400, "Member must be a timestamp", id="Printed-beyond any float"),
        ("Printed", "nan", "Member must be a timestamp"),
        pytest.param("Height", 10**400, "Member must be a number", id="Height-beyond any float"),
        pytest.param("Height", float("inf"), "Member must be a number", id="Height-1e400, which JSON can say"),
        ("Cover", "YW I=", "Member must be base64-encoded"),
        ("Cover", "é", "Member must be base64-encoded"),
        ("Cover", "YWI", "Member must be base64-encoded"),
    ],
)
def test_value_that_cannot_be_converted_is_a_fault(shape: str, value: Any, message: str) -> None:
    """What has the right JSON type and stands for no value of the member's is named too."""
    assert read(shape, value)[1] == [("", message)]


def test_members_have_snake_case_names_and_unknown_ones_are_dropped() -> None:
    """A structure is read by the names on the wire and written by boto3's, and what the model doesn't have isn't there."""
    book = {
        "main-title": "Dune",
        "numberOfPages": 612,
        "ISBNMark": "abc",
        "mainTitle": "by another name",
        "publisher": {"unknown": True},
        "authors": None,
    }
    assert read("Book", book) == ({"main_title": "Dune", "number_of_pages": 612, "isbn_mark": "abc"}, [])


@pytest.mark.rule("ERR-3")
@pytest.mark.parametrize("absent", [{}, {"main-title": None}], ids=["absent", "null"])
def test_required_member_is_named_by_its_wire_name(absent: dict[str, Any]) -> None:
    """A required member that is absent or null is the same fault."""
    assert read("Book", {"numberOfPages": 1, **absent})[1] == [("main-title", "Member must not be null")]


@pytest.mark.rule("ERR-3", "ERR-4")
def test_every_broken_member_is_reported_in_the_order_of_the_model() -> None:
    """All faults of a request are in one answer, each with the path of its member."""
    book = {
        "owner": {"house": {"roomNumbers": [1, 0, "x", None]}},
        "ratings": {"a": 0, "b": 2},
        "authors": ["ab", "c"],
        "numberOfPages": True,
    }
    assert read("Book", book)[1] == [
        ("main-title", "Member must not be null"),
        ("numberOfPages", "Member must be an integer"),
        ("authors.member.2", "Member must have length greater than or equal to 2"),
        ("ratings", "Map value must satisfy constraint: [Member must have value greater than or equal to 1]"),
        ("owner.house.roomNumbers.member.2", "Member must have value greater than or equal to 1"),
        ("owner.house.roomNumbers.member.3", "Member must be an integer"),
        ("owner.house.roomNumbers.member.4", "Member must not be null"),
    ]


@pytest.mark.rule("ERR-4")
@pytest.mark.parametrize(
    ("ratings", "complaints"),
    [
        ({"a": None}, ["Map value must satisfy constraint: [Member must not be null]"]),
        (
            {"A": 1, "B": 2},
            ["Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-z]+]"],
        ),
        (
            {"A": 0},
            [
                "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-z]+]",
                "Map value must satisfy constraint: [Member must have value greater than or equal to 1]",
            ],
        ),
    ],
)
def test_keys_and_values_of_a_map_are_faults_of_the_map(ratings: dict[str, Any], complaints: list[str]) -> None:
    """However many keys or values are broken, the map is named once for its keys and once for its values."""
    assert read("Ratings", ratings)[1] == [("", complaint) for complaint in complaints]


def test_item_that_is_null_is_a_fault_of_any_list() -> None:
    """No list of the model may have holes, not even one of documents, which may be anything else."""
    assert read("AllNotes", [{"a": None}, [], "", 0, False]) == ([{"a": None}, [], "", 0, False], [])
    assert read("AllNotes", [{}, None, 1, None])[1] == [
        ("member.2", "Member must not be null"),
        ("member.4", "Member must not be null"),
    ]


def test_shape_that_contains_itself_is_read_to_any_depth() -> None:
    """Recursion through lists, maps and unions is compiled once and followed as far as the value goes."""
    chapter = {"title": "one", "subChapters": [{"title": "two", "byMark": {"x": {"title": "three"}}}]}
    assert read("Chapter", chapter) == (
        {"title": "one", "sub_chapters": [{"title": "two", "by_mark": {"x": {"title": "three"}}}]},
        [],
    )
    tree = {"branches": [{"leaf": 1}, {"branches": [{"leaf": 2}]}]}
    assert read("Tree", tree) == (tree, [])


def test_fault_in_a_shape_that_contains_itself_is_found_where_it_is() -> None:
    """The path leads through every level."""
    chapter = {"title": "one", "subChapters": [{"title": "two"}, {"title": "two", "subChapters": [{}, {"title": "x"}]}]}
    assert read("Chapter", chapter)[1] == [
        ("subChapters.member.2.subChapters.member.1.title", "Member must not be null"),
        ("subChapters.member.2.subChapters.member.2.title", "Member must have length greater than or equal to 2"),
    ]
    tree = {"branches": [{"leaf": 1}, {"branches": [{"leaf": 2, "branches": []}]}]}
    assert read("Tree", tree)[1] == [
        ("branches.member.2.branches.member.1", "Member must have exactly one of the keys: [leaf, branches]")
    ]


def test_union_with_a_broken_member_is_one_fault() -> None:
    """A union whose one member is broken isn't taken for a union without members."""
    assert read("Owner", {"person": "x"})[1] == [("person", "Member must have length greater than or equal to 2")]


def test_override_replaces_single_constraints() -> None:
    """Where the model is known to be wrong, a constraint is replaced and the shape's others stay."""
    overrides = {"ShortMark": {"max": 6}}
    assert read("ShortMark", "abcdef", overrides) == ("abcdef", [])
    assert read("ShortMark", "abcdefg", overrides)[1] == [("", "Member must have length less than or equal to 6")]
    assert read("ShortMark", "a", overrides)[1] == [("", "Member must have length greater than or equal to 2")]
    assert read("ShortMark", "12", overrides)[1] == [("", "Member must satisfy regular expression pattern: [a-z]+")]


def test_reading_changes_nothing_in_what_was_sent() -> None:
    """The request stays as it came, for the log of calls."""
    book = {"main-title": "Dune", "numberOfPages": 1, "authors": ["ab"], "owner": {"house": {"roomNumbers": [1]}}}
    before = json.dumps(book)
    check = InputCompiler({}).compile(MODEL.shape_for("Book"))
    result = check(book, TOP, [])
    result["authors"].append("state")
    result["owner"]["house"]["room_numbers"].append(2)
    assert json.dumps(book) == before


@pytest.mark.rule("ERR-4")
def test_path_is_spelled_with_dots_and_counts_items_from_one() -> None:
    """Members are joined with dots and the first item of a list is ``member.1``."""
    assert spell(TOP) == ""
    assert spell(((((TOP, "members"), 0), "abilities"), 11)) == "members.member.1.abilities.member.12"


@pytest.mark.rule("ERR-4")
@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (
            [Fault("name", "Member must not be null")],
            "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            [Fault("name", "Member must not be null"), Fault("a.member.2", "Member must be a string")],
            (
                "2 validation errors detected: Value at 'name' failed to satisfy constraint: Member must not be null; "
                "Value at 'a.member.2' failed to satisfy constraint: Member must be a string"
            ),
        ),
    ],
)
def test_message_counts_and_lists_the_faults(faults: list[Fault], message: str) -> None:
    """One fault is an error, several are errors, and each names its member."""
    assert Violations(faults).message == message
    assert str(Violations(faults)) == message
