r"""The model's regular expressions, which are written for Java, as Python predicates.

A pattern holds for the whole value. Four things differ between the two languages:

- ``\d``, ``\w`` and ``\s`` are ASCII in Java;
- ``\p{L}`` names a Unicode category, which Python's ``re`` doesn't know;
- classes that list surrogates are written over UTF-16 and mean every character beyond the Basic Multilingual Plane;
- ``([a-z]+)*`` is harmless in neither, but only Python would be asked to try every way to split a value of 128 characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

Predicate = Callable[[str], object]

_SURROGATES = r"\uD800\uDBFF-\uDC00\uDFFF"
_BEYOND_BMP = r"\U00010000-\U0010FFFF"
# The class of all text but control characters, which names, descriptions and types have; as its complement it compiles ten times as fast.
_TEXT = re.compile(r"\[\\u0020-\\uD7FF\\uE000-\\uFFFD" + re.escape(_SURROGATES) + r"((?:\\[trn])*)\]")
_REPEATED_REPETITION = re.compile(r"\((\[[^\]]*\])\+\)\*")
_CATEGORY = re.compile(r"\\p\{(\w+)\}")
_ONE_CLASS = re.compile(r"\[((?:\\p\{\w+\}|[^\]\\])+)\]\+")


def compile_pattern(pattern: str) -> Predicate:
    """Return a predicate that is true for the values that ``pattern`` matches as a whole."""
    if _CATEGORY.search(pattern):
        return _compile_categories(pattern)
    pattern = _TEXT.sub(_all_text_but_controls, pattern)
    pattern = pattern.replace(_SURROGATES, _BEYOND_BMP)
    pattern = _REPEATED_REPETITION.sub(r"\1*", pattern)
    return re.compile(pattern, re.ASCII).fullmatch


def _all_text_but_controls(text_class: re.Match[str]) -> str:
    allowed = text_class[1].encode().decode("unicode_escape")
    controls = "".join(f"\\x{code:02x}" for code in range(0x20) if chr(code) not in allowed)
    return rf"[^{controls}\ud800-\udfff\ufffe\uffff]"


def _compile_categories(pattern: str) -> Predicate:
    whole = _ONE_CLASS.fullmatch(pattern)
    if whole is None:
        raise NotImplementedError(f"pattern {pattern!r} uses \\p{{…}} in a form other than [...]+")
    categories = tuple(_CATEGORY.findall(whole[1]))
    literals = frozenset(_CATEGORY.sub("", whole[1]))

    def is_in_class(character: str) -> bool:
        return character in literals or unicodedata.category(character).startswith(categories)

    # Almost every value is of these alone.
    ascii_characters = frozenset(filter(is_in_class, map(chr, range(128))))

    def matches(value: str) -> bool:
        return value != "" and (ascii_characters.issuperset(value) or all(map(is_in_class, value)))

    return matches
