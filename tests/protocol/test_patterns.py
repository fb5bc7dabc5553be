"""The model's patterns, which are written for Java."""

from __future__ import annotations

from itertools import product

import pytest
from botocore.session import Session

from cleanrooms_mock.protocol.patterns import compile_pattern

ONE_LINE = r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDBFF-\uDC00\uDFFF\t]*"
SEVERAL_LINES = r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDBFF-\uDC00\uDFFF\t\r\n]*"
NOT_BLANK = r"(?!\s*$)" + ONE_LINE
WORDS = r"[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}.]+"
REPEATED = r"[a-zA-Z0-9_](([a-zA-Z0-9_]+)*([a-zA-Z0-9_]+))?"
ROLE = r"arn:aws:iam::[\w]+:role/[\w+=./@-]+"
EITHER = r"a+$|^b+"
BUCKET = r".*(?!^(\d+\.)+\d+$)(^(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])$).*"


def patterns_of_the_models() -> list[str]:
    """Every pattern of the services that the protocol layer is for."""
    models = [Session().get_service_model(name) for name in ("cleanrooms", "cleanroomsml")]
    metadata = [model.shape_for(name).metadata for model in models for name in model.shape_names]
    return sorted({constraints["pattern"] for constraints in metadata if "pattern" in constraints})


@pytest.mark.rule("ERR-19")
@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        pytest.param("[a-z]+", "table", True, id="whole value"),
        pytest.param("[a-z]+", "table1", False, id="more behind"),
        pytest.param("[a-z]+", "1table", False, id="more before"),
        pytest.param("[a-z]+", "table\n", False, id="line end behind"),
        pytest.param("[a-z]+$", "table\n", False, id="line end behind an anchor"),
        pytest.param(EITHER, "aa", True, id="first alternative"),
        pytest.param(EITHER, "bb", True, id="second alternative"),
        pytest.param(EITHER, "aab", False, id="more behind an alternative"),
        pytest.param(r"\d+", "42", True, id="digits"),
        pytest.param(r"\d+", "٤٢", False, id="digits that aren't ASCII"),
        pytest.param(ROLE, "arn:aws:iam::111111111111:role/path/Role+=.@-_", True, id="word characters"),
        pytest.param(ROLE, "arn:aws:iam::111111111111:role/Rôle", False, id="word characters that aren't ASCII"),
        pytest.param(r"a\sb", "a\fb", True, id="space"),
        pytest.param(r"a\sb", "a\N{NO-BREAK SPACE}b", False, id="space that isn't ASCII"),
        pytest.param(WORDS, "Größe_2 — 漢字.csv", True, id="categories and a literal"),
        pytest.param(WORDS, "e\N{COMBINING ACUTE ACCENT}", True, id="category of marks"),
        pytest.param(WORDS, "a\N{NO-BREAK SPACE}b", True, id="category of spaces"),
        pytest.param(WORDS, "", False, id="no character of a category"),
        pytest.param(WORDS, "a\tb", False, id="control character in no category"),
        pytest.param(WORDS, "a,b", False, id="other punctuation in no category"),
        pytest.param(WORDS, "a😀", False, id="symbol in no category"),
        pytest.param(r"[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}]+", "a b", False, id="space in no category"),
        pytest.param(r"[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}]+", "a.b", False, id="literal that isn't listed"),
        pytest.param(ONE_LINE, "spring 😀 campaign 🇫🇷", True, id="emoji"),
        pytest.param(ONE_LINE, "\U00010000\U0010ffff", True, id="first and last beyond the BMP"),
        pytest.param(ONE_LINE, "", True, id="nothing at all"),
        pytest.param(ONE_LINE, "a\tb", True, id="tab"),
        pytest.param(ONE_LINE, "a\nb", False, id="line end in one line"),
        pytest.param(ONE_LINE, "a\x1f", False, id="control character"),
        pytest.param(ONE_LINE, "a\ufffe", False, id="no character"),
        pytest.param(ONE_LINE, "a\ud83d", False, id="half an emoji"),
        pytest.param(SEVERAL_LINES, "a\r\nb", True, id="line end in several lines"),
        pytest.param(NOT_BLANK, " a ", True, id="not blank"),
        pytest.param(NOT_BLANK, "😀", True, id="emoji alone isn't blank"),
        pytest.param(NOT_BLANK, " \t ", False, id="blank"),
        pytest.param(NOT_BLANK, "", False, id="empty is blank"),
        pytest.param(REPEATED, "a_1", True, id="repeated repetition"),
        pytest.param(REPEATED, "a", True, id="repeated repetition, shortest"),
        pytest.param(REPEATED, "a-1", False, id="repeated repetition, foreign character"),
        pytest.param(BUCKET, "results.of-spring.2026", True, id="bucket"),
        pytest.param(BUCKET, "10.0.0.1", False, id="bucket like an address"),
        pytest.param(BUCKET, "results-", False, id="bucket that ends in a hyphen"),
        pytest.param(BUCKET, "results\n", False, id="bucket with a line end"),
    ],
)
def test_pattern_holds_for_the_whole_value_as_in_java(pattern: str, value: str, matches: bool) -> None:
    """A pattern is about the whole value, its classes are Java's, and surrogates in it mean what lies beyond the BMP."""
    assert bool(compile_pattern(pattern)(value)) is matches


_UNITS = ["".join(pair) for pair in product("aA0_-. :/*é\t", repeat=2)]
_PREFIXES = [
    "",
    "s3://",
    "https://",
    "arn:aws:iam::1:role/",
    "arn:aws:cleanrooms:us-east-1:111111111111:membership/",
    "arn:aws:cleanrooms:us-east-1:111111111111:membership/m/",
    "arn:aws:cleanrooms-ml:us-east-1:111111111111:",
    "arn:aws:entityresolution:",
    "arn:aws:secretsmanager:us-east-1:111111111111:secret:",
]


@pytest.mark.rule("ERR-19")
@pytest.mark.parametrize("pattern", patterns_of_the_models())
def test_every_pattern_of_the_models_comes_to_a_verdict(pattern: str) -> None:
    """No pattern of the models tries every way to split a long value that nearly matches; one that did would never return."""
    matches = compile_pattern(pattern)
    values = [
        (prefix + unit * 100)[:199] + ending
        for prefix in _PREFIXES
        for unit in _UNITS
        for ending in ("\x00", "!\n", "a")
    ]
    verdicts = {value: bool(matches(value)) for value in values}
    if not _takes_anything(pattern):
        assert not any(matched for value, matched in verdicts.items() if value.endswith("\x00"))


def _takes_anything(pattern: str) -> bool:
    """Whether a NUL at the end is within the pattern."""
    return pattern.endswith((".*", ".*)", ".+")) or pattern == r"[\S\s]*"


@pytest.mark.parametrize("pattern", [r"a[\p{L}]+", r"[\p{L}]{2}", r"[\p{L}]+|[\p{N}]+", r"\p{L}+", r"[\p{L}\w]+"])
def test_category_in_a_form_that_no_model_has_is_said(pattern: str) -> None:
    """A pattern that can't be taken right isn't taken wrong."""
    with pytest.raises(NotImplementedError) as caught:
        compile_pattern(pattern)
    assert repr(pattern) in str(caught.value)
