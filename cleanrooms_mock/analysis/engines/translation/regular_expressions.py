"""Java's regular expressions: by DuckDB's own where both read a pattern alike, and by Python's otherwise."""

from __future__ import annotations

import re
from functools import lru_cache, partial

from cleanrooms_mock.analysis.engines.translation.values import Context, Value
from cleanrooms_mock.analysis.refusals import malformed

# Only what RE2, Java and Python agree on: no look-around, no back-references, no possessive quantifiers, no classes in classes.
_is_plain = re.compile(
    r"""(?: [^\\()\[\]{}?*+|^$.]            # a character
          | \\[dDwWsSbBtnrf.\\()\[\]{}?*+|^$/\-]  # a class, or a character with a meaning
          | \[\^?(?:[^\[\]\\&]|\\[dDwWsStnrf.\\()\[\]{}?*+|^$/\-])+\]
          | \((?!\?) | \(\?:
          | [)|^.] | \$$ | \$(?=[)|])
          | (?:[?*+]|\{[0-9]+(?:,[0-9]*)?\})\??(?![+?*{])
        )*""",
    re.VERBOSE,
).fullmatch


def _plain(pattern: Value) -> bool:
    """Whether DuckDB's own engine can be trusted with a pattern."""
    return isinstance(pattern.constant, str) and pattern.constant.isascii() and _is_plain(pattern.constant) is not None


@lru_cache(256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern of Java's as Python has it.

    :raises Refusal: if it is none, or says what Python has no words for.
    """
    text = re.sub(r"\\([zZhRX])|\(\?<([A-Za-z])", _in_python, pattern)
    if re.search(r"\[[^\]]*(?:&&|\[)", text) or "\\p" in text or "\\P" in text:
        raise malformed(f"The query can't be carried out: the engine has no regular expression {pattern!r}")
    try:
        # In Java a class such as \d or \w is of ASCII alone.
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise malformed(f"The query is invalid: {pattern!r} is no regular expression: {error}") from None


def _in_python(found: re.Match[str]) -> str:
    if found[2]:
        return f"(?P<{found[2]}"
    if found[1] == "z":
        return r"\Z"
    if found[1] == "Z":
        return r"(?=\n?\Z)"
    if found[1] == "h":
        return r"[ \t]"
    if found[1] == "R":
        return r"(?:\r\n|[\n\r\x0b\x0c])"
    raise malformed(f"The query can't be carried out: the engine has no regular expression with {found[0]}")


def _matches_nothing(pattern: Value) -> bool:
    """Whether a pattern is content with no character at all, at which engines go on in different ways."""
    return compiled(str(pattern.constant)).search("") is not None


def _checked(pattern: Value) -> None:
    if isinstance(pattern.constant, str):
        compiled(pattern.constant)


def matches(context: Context, x: Value, pattern: Value) -> str:
    """Whether a pattern is found anywhere."""
    if _plain(pattern):
        return f"regexp_matches({x.sql}, {pattern.sql})"
    _checked(pattern)
    return context.python("rlike", _matches, ["VARCHAR", "VARCHAR"], "BOOLEAN", x.sql, pattern.sql)


def _matches(x: str | None, pattern: str | None) -> bool | None:
    return None if x is None or pattern is None else compiled(pattern).search(x) is not None


def extract(context: Context, x: Value, pattern: Value, group: int) -> str:
    """Return a group of the first match, or an empty string."""
    if _plain(pattern) and 0 <= group <= compiled(str(pattern.constant)).groups:
        return f"regexp_extract({x.sql}, {pattern.sql}, {group})"
    _checked_group(pattern, group)
    return context.python(
        f"regexp_extract_{group}", partial(_extract, group), ["VARCHAR", "VARCHAR"], "VARCHAR", x.sql, pattern.sql
    )


def _checked_group(pattern: Value, group: int) -> None:
    if isinstance(pattern.constant, str) and not 0 <= group <= compiled(pattern.constant).groups:
        raise malformed(f"The query can't be carried out: {pattern.constant!r} has no group {group}")


def _extract(group: int, x: str | None, pattern: str | None) -> str | None:
    if x is None or pattern is None:
        return None
    found = compiled(pattern).search(x)
    return "" if found is None else found[group] or ""


def extract_all(context: Context, x: Value, pattern: Value, group: int) -> str:
    """Return a group of each match."""
    _checked_group(pattern, group)
    return context.python(
        f"regexp_extract_all_{group}",
        partial(_extract_all, group),
        ["VARCHAR", "VARCHAR"],
        "VARCHAR[]",
        x.sql,
        pattern.sql,
    )


def _extract_all(group: int, x: str | None, pattern: str | None) -> list[str] | None:
    if x is None or pattern is None:
        return None
    return [found[group] or "" for found in compiled(pattern).finditer(x)]


def first(context: Context, x: Value, pattern: Value) -> str:
    """Return the first match, or NULL."""
    _checked(pattern)
    return context.python("regexp_substr", _first, ["VARCHAR", "VARCHAR"], "VARCHAR", x.sql, pattern.sql)


def _first(x: str | None, pattern: str | None) -> str | None:
    if x is None or pattern is None:
        return None
    found = compiled(pattern).search(x)
    return None if found is None else found[0]


def position(context: Context, x: Value, pattern: Value) -> str:
    """Return where the first match begins, counted from 1, or 0."""
    _checked(pattern)
    return context.python("regexp_instr", _position, ["VARCHAR", "VARCHAR"], "INTEGER", x.sql, pattern.sql)


def _position(x: str | None, pattern: str | None) -> int | None:
    if x is None or pattern is None:
        return None
    found = compiled(pattern).search(x)
    return 0 if found is None else found.start() + 1


def replaced(context: Context, x: Value, pattern: Value, new: Value) -> str:
    """Return what is left once each match is replaced; ``$1`` in the new text is a group."""
    if (
        _plain(pattern)
        and isinstance(new.constant, str)
        and not re.search(r"[\\$]", new.constant)
        and not _matches_nothing(pattern)
    ):
        return f"regexp_replace({x.sql}, {pattern.sql}, {new.sql}, 'g')"
    _checked(pattern)
    return context.python("regexp_replace", _replaced, ["VARCHAR"] * 3, "VARCHAR", x.sql, pattern.sql, new.sql)


def _replaced(x: str | None, pattern: str | None, new: str | None) -> str | None:
    if x is None or pattern is None or new is None:
        return None
    found = compiled(pattern)

    def expand(match: re.Match[str]) -> str:
        def part(token: re.Match[str]) -> str:
            if token[1]:
                return token[1]
            if token[3]:
                return match[token[3]] or ""
            # Java takes as many digits as make a group that there is.
            digits = token[2]
            while len(digits) > 1 and int(digits) > found.groups:
                digits = digits[:-1]
            return (match[int(digits)] or "") + token[2][len(digits) :]

        return re.sub(r"\\(.)|\$(\d+)|\$\{(\w+)\}", part, new)

    return found.sub(expand, x)


def split(context: Context, x: Value, pattern: Value, most: str) -> str:
    """Return what stands between matches, in at most so many parts."""
    if most == "-1" and _plain(pattern) and not _matches_nothing(pattern):
        return f"string_split_regex({x.sql}, {pattern.sql})"
    _checked(pattern)
    return context.python("split", _split, ["VARCHAR", "VARCHAR", "INTEGER"], "VARCHAR[]", x.sql, pattern.sql, most)


def _split(x: str | None, pattern: str | None, most: int | None) -> list[str] | None:
    if x is None or pattern is None or most is None:
        return None
    if pattern == "":
        return list(x) if x and most <= 0 else _letters(x, most)
    parts: list[str] = []
    start = 0
    for found in compiled(pattern).finditer(x):
        if 0 < most <= len(parts) + 1:
            break
        if found.end() == 0:
            # A match of nothing at the beginning cuts nothing off.
            continue
        parts.append(x[start : found.start()])
        start = found.end()
    return [*parts, x[start:]]


def _letters(x: str, most: int) -> list[str]:
    return [*x[: most - 1], x[most - 1 :]] if x and most > 0 else [x]
