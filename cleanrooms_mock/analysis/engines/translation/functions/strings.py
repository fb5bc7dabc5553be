"""Functions of strings and bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import BIGINT, BINARY, INT, STRING, array, is_integral, text_of
from cleanrooms_mock.analysis.engines.translation import regular_expressions
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, unified
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function, templates
from cleanrooms_mock.analysis.engines.translation.python_functions import formatted, soundex
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions

templates(
    "s",
    "s",
    ("UPPER UCASE", "upper({0})"),
    ("LOWER LCASE", "lower({0})"),
    # A word begins behind a blank and nothing else.
    ("INITCAP", "array_to_string(list_transform(string_split({0}, ' '), lambda w: upper(w[1]) || lower(w[2:])), ' ')"),
)
templates("s", "i", ("ASCII", "CASE WHEN {0} = '' THEN 0 ELSE ascii({0}) END"))
templates(
    "si",
    "s",
    ("LEFT", "spark_left({0}, {1})"),
    ("RIGHT", "spark_right({0}, {1})"),
    ("REPEAT", "spark_repeat({0}, {1})"),
)
templates("sss", "s", ("TRANSLATE", "spark_translate({0}, {1}, {2})"))
templates(
    "ss",
    "b",
    ("STARTSWITH", "starts_with({0}, {1})"),
    ("ENDSWITH", "ends_with({0}, {1})"),
    ("CONTAINS", "contains({0}, {1})"),
)
templates(
    "ss",
    "i",
    ("LEVENSHTEIN", "CAST(levenshtein({0}, {1}) AS INTEGER)"),
    (
        "FIND_IN_SET",
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN contains({0}, ',') THEN 0 ELSE coalesce(CAST(list_position(string_split({1}, ','), {0}) AS INTEGER), 0) END",
    ),
)
templates(
    "l",
    "s",
    ("CHR CHAR", "CASE WHEN {0} < 0 THEN '' WHEN {0} % 256 = 0 THEN chr(0) ELSE chr(CAST({0} % 256 AS INTEGER)) END"),
    ("SPACE", "repeat(' ', greatest({0}, 0))"),
)


def _text_or_bytes(expressions: Expressions, call: Call, value: Value) -> Value:
    return value if value.type == BINARY else implicit(expressions.context, value, STRING, call.name)


@function("LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "LEN", least=1)
def _length(expressions: Expressions, call: Call) -> Value:
    x = _text_or_bytes(expressions, call, arguments(expressions, call)[0])
    return Value(f"CAST({'octet_length' if x.type == BINARY else 'length'}({x.sql}) AS INTEGER)", INT)


@function("OCTET_LENGTH", "BIT_LENGTH", least=1)
def _octet_length(expressions: Expressions, call: Call) -> Value:
    x = _text_or_bytes(expressions, call, arguments(expressions, call)[0])
    bytes_ = x.sql if x.type == BINARY else f"encode({x.sql})"
    return Value(f"CAST(octet_length({bytes_}) * {8 if call.name == 'BIT_LENGTH' else 1} AS INTEGER)", INT)


@function("CONCAT", least=0, open_end=True)
def _concat(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    if not values:
        return Value("''", STRING)
    if any(value.type.name == "array" for value in values):
        values, type_ = unified(expressions.context, values, call.name)
        return Value(f"({' || '.join(value.sql for value in values)})", type_)
    if all(value.type == BINARY for value in values):
        return Value(f"({' || '.join(value.sql for value in values)})", BINARY)
    texts = [implicit(expressions.context, value, STRING, call.name).sql for value in values]
    return Value(f"({' || '.join(texts)})" if len(texts) > 1 else texts[0], STRING)


@function("CONCAT_WS", least=1, open_end=True)
def _concat_ws(expressions: Expressions, call: Call) -> Value:
    """The parts that aren't NULL, and the elements of arrays among them."""
    separator, *values = arguments(expressions, call)
    separator = implicit(expressions.context, separator, STRING, call.name)
    if not values:
        return Value(f"CASE WHEN {separator.sql} IS NOT NULL THEN '' END", STRING)
    lists = [
        cast(expressions.context, value, array(STRING)).sql
        if value.type.name == "array"
        else f"[{implicit(expressions.context, value, STRING, call.name).sql}]"
        for value in values
    ]
    flat = f"flatten([{', '.join(f'coalesce({one}, [])' for one in lists)}])"
    return Value(
        f"CASE WHEN {separator.sql} IS NOT NULL THEN coalesce(array_to_string(list_filter({flat}, lambda e: e IS NOT NULL), {separator.sql}), '') END",
        STRING,
    )


@function("SUBSTRING", "SUBSTR", "MID", least=2, most=3)
def _substring(expressions: Expressions, call: Call) -> Value:
    x, *rest = arguments(expressions, call, "*i")
    x = _text_or_bytes(expressions, call, x)
    start, size = rest[0], rest[1].sql if len(rest) > 1 else "2147483647"
    if x.type == BINARY:
        as_text = f"hex({x.sql})"
        macro = expressions.context.macro("spark_substring_bytes", as_text, start.sql, size)
        return Value(f"unhex({macro})", BINARY)
    if isinstance(start.constant, int) and start.constant > 0 and (len(rest) < 2 or isinstance(rest[1].constant, int)):
        if len(rest) < 2:
            return Value(f"substring({x.sql}, {start.constant})", STRING)
        return Value(f"substring({x.sql}, {start.constant}, {max(rest[1].constant, 0)})", STRING)
    return Value(
        expressions.context.macro("spark_substring", x.sql, f"CAST({start.sql} AS BIGINT)", f"CAST({size} AS BIGINT)"),
        STRING,
    )


@function("TRIM", "BTRIM", "LTRIM", "RTRIM", least=1, most=2)
def _trim(expressions: Expressions, call: Call) -> Value:
    x, *characters = arguments(expressions, call, "s")
    name = call.name.lower().removeprefix("b")
    if call.name in ("LTRIM", "RTRIM") and characters and call.node.key == "anonymous":
        # Written as a function it is LTRIM(characters, text); with the syntax of TRIM the characters come second here.
        x, characters = characters[0], [x]
    return Value(f"{name}({x.sql}, {characters[0].sql if characters else text_of(' ')})", STRING)


@function("LPAD", "RPAD", least=2, most=3)
def _pad(expressions: Expressions, call: Call) -> Value:
    x, size, *pad = arguments(expressions, call, "sis")
    return Value(
        expressions.context.macro(f"spark_{call.name.lower()}", x.sql, size.sql, pad[0].sql if pad else "' '"), STRING
    )


@function("REPLACE", least=2, most=3)
def _replace(expressions: Expressions, call: Call) -> Value:
    x, old, *new = arguments(expressions, call, "s")
    return Value(f"replace({x.sql}, {old.sql}, {new[0].sql if new else text_of('')})", STRING)


@function("REVERSE", least=1)
def _reverse(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    if x.type.name == "array":
        return Value(f"list_reverse({x.sql})", x.type)
    return Value(f"reverse({implicit(expressions.context, x, STRING, call.name).sql})", STRING)


@function("LOCATE", "POSITION", least=2, most=3)
def _locate(expressions: Expressions, call: Call) -> Value:
    part, x, *start = arguments(expressions, call, "ssi")
    return Value(
        f"CAST({expressions.context.macro('spark_locate', part.sql, x.sql, start[0].sql if start else '1')} AS INTEGER)",
        INT,
    )


@function("INSTR", "CHARINDEX", "STRPOS", least=2, most=3)
def _instr(expressions: Expressions, call: Call) -> Value:
    x, part, *start = arguments(expressions, call, "ssi")
    if call.name == "CHARINDEX":
        x, part = part, x
    return Value(
        f"CAST({expressions.context.macro('spark_locate', part.sql, x.sql, start[0].sql if start else '1')} AS INTEGER)",
        INT,
    )


@function("OVERLAY", least=3, most=4)
def _overlay(expressions: Expressions, call: Call) -> Value:
    x, new, start, *size = arguments(expressions, call, "ssii")
    length = (
        f"CASE WHEN {size[0].sql} >= 0 THEN {size[0].sql} ELSE length({new.sql}) END" if size else f"length({new.sql})"
    )
    head = expressions.context.macro("spark_substring", x.sql, "1", f"CAST({start.sql} - 1 AS BIGINT)")
    tail = expressions.context.macro("spark_substring", x.sql, f"CAST({start.sql} + {length} AS BIGINT)", "2147483647")
    return Value(f"({head} || {new.sql} || {tail})", STRING)


@function("SPLIT_PART", least=3)
def _split_part(expressions: Expressions, call: Call) -> Value:
    x, delimiter, number = arguments(expressions, call, "ssi")
    if number.constant == 0:
        raise malformed("The query can't be carried out: SPLIT_PART counts from 1, not 0", call.node)
    part = f"string_split({x.sql}, {delimiter.sql})[{number.sql}]"
    return Value(
        f"CASE WHEN {x.sql} IS NULL OR {delimiter.sql} IS NULL OR {number.sql} IS NULL THEN NULL "
        f"WHEN {delimiter.sql} = '' THEN CASE WHEN abs({number.sql}) = 1 THEN {x.sql} ELSE '' END ELSE coalesce({part}, '') END",
        STRING,
    )


@function("SUBSTRING_INDEX", least=3)
def _substring_index(expressions: Expressions, call: Call) -> Value:
    x, delimiter, number = (value.sql for value in arguments(expressions, call, "ssi"))
    parts = f"string_split({x}, {delimiter})"
    return Value(
        f"CASE WHEN {x} IS NULL OR {delimiter} IS NULL OR {number} IS NULL THEN NULL WHEN {number} = 0 OR {delimiter} = '' THEN '' "
        f"WHEN {number} > 0 THEN array_to_string({parts}[1:{number}], {delimiter}) "
        f"ELSE array_to_string({parts}[greatest(len({parts}) + {number} + 1, 1):], {delimiter}) END",
        STRING,
    )


# Regular expressions


@function("RLIKE", "REGEXP", "REGEXP_LIKE", least=2)
def _rlike(expressions: Expressions, call: Call) -> Value:
    from cleanrooms_mock.analysis.engines.data_types import BOOLEAN

    x, pattern = arguments(expressions, call, "s")
    return Value(regular_expressions.matches(expressions.context, x, pattern), BOOLEAN)


@function("REGEXP_EXTRACT", least=2, most=3)
def _regexp_extract(expressions: Expressions, call: Call) -> Value:
    x, pattern, *group = arguments(expressions, call, "ssi")
    number = constant(call, group[0], int, "the group") if group else 1
    return Value(regular_expressions.extract(expressions.context, x, pattern, int(str(number))), STRING)


@function("REGEXP_EXTRACT_ALL", least=2, most=3)
def _regexp_extract_all(expressions: Expressions, call: Call) -> Value:
    x, pattern, *group = arguments(expressions, call, "ssi")
    number = constant(call, group[0], int, "the group") if group else 1
    return Value(regular_expressions.extract_all(expressions.context, x, pattern, int(str(number))), array(STRING))


@function("REGEXP_SUBSTR", least=2)
def _regexp_substr(expressions: Expressions, call: Call) -> Value:
    x, pattern = arguments(expressions, call, "s")
    return Value(regular_expressions.first(expressions.context, x, pattern), STRING)


@function("REGEXP_COUNT", least=2)
def _regexp_count(expressions: Expressions, call: Call) -> Value:
    x, pattern = arguments(expressions, call, "s")
    return Value(f"CAST(len({regular_expressions.extract_all(expressions.context, x, pattern, 0)}) AS INTEGER)", INT)


@function("REGEXP_INSTR", least=2, most=3)
def _regexp_instr(expressions: Expressions, call: Call) -> Value:
    x, pattern, *_ = arguments(expressions, call, "ssi")
    return Value(regular_expressions.position(expressions.context, x, pattern), INT)


@function("REGEXP_REPLACE", least=3, most=4)
def _regexp_replace(expressions: Expressions, call: Call) -> Value:
    x, pattern, new, *start = arguments(expressions, call, "sssi")
    if start and start[0].constant != 1:
        raise malformed("The query can't be carried out: the engine has no REGEXP_REPLACE from a position", call.node)
    return Value(regular_expressions.replaced(expressions.context, x, pattern, new), STRING)


@function("SPLIT", least=2, most=3)
def _split(expressions: Expressions, call: Call) -> Value:
    x, pattern, *limit = arguments(expressions, call, "ssi")
    most = limit[0].sql if limit else "-1"
    return Value(regular_expressions.split(expressions.context, x, pattern, most), array(STRING))


# Bytes


@function("HEX", least=1)
def _hex(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    if is_integral(x.type) or x.type.name in ("decimal", "double", "float"):
        number = cast(expressions.context, x, BIGINT).sql
        return Value(f"CASE WHEN {number} = 0 THEN '0' ELSE ltrim(hex({number}), '0') END", STRING)
    return Value(f"hex({_text_or_bytes(expressions, call, x).sql})", STRING)


@function("UNHEX", least=1)
def _unhex(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "s")
    padded = f"CASE WHEN length({x.sql}) % 2 = 1 THEN '0' || {x.sql} ELSE {x.sql} END"
    return Value(f"TRY(unhex({padded}))", BINARY)


@function("BASE64", least=1)
def _base64(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "x")
    return Value(f"to_base64({x.sql})", STRING)


@function("UNBASE64", least=1)
def _unbase64(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "s")
    return Value(f"TRY(from_base64({x.sql}))", BINARY)


_CHARACTER_SETS = {"UTF-8": "utf-8", "US-ASCII": "ascii", "ISO-8859-1": "latin-1", "UTF-16": "utf-16", "UTF-16BE": "utf-16-be", "UTF-16LE": "utf-16-le"}  # fmt: skip


def _character_set(call: Call, value: Value) -> str:
    name = str(constant(call, value, str, "the character set")).upper()
    if name not in _CHARACTER_SETS or name == "UTF-16":
        raise malformed(f"The query can't be carried out: the engine has no character set {name}", call.node)
    return _CHARACTER_SETS[name]


@function("ENCODE", least=2)
def _encode(expressions: Expressions, call: Call) -> Value:
    x, name = arguments(expressions, call)
    x = implicit(expressions.context, x, STRING, call.name)
    codec = _character_set(call, name)
    if codec == "utf-8":
        return Value(f"encode({x.sql})", BINARY)

    def encoded(text: str | None) -> bytes | None:
        return None if text is None else text.encode(codec, "replace")

    return Value(
        expressions.context.python(f"encode_{codec.replace('-', '_')}", encoded, ["VARCHAR"], "BLOB", x.sql), BINARY
    )


@function("DECODE", least=2)
def _decode(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    x = implicit(expressions.context, values[0], BINARY, call.name)
    codec = _character_set(call, values[1])

    def text_of_bytes(bytes_: bytes | None) -> str | None:
        return None if bytes_ is None else bytes_.decode(codec)

    name = f"decode_{codec.replace('-', '_')}"
    return Value(expressions.context.python(name, text_of_bytes, ["BLOB"], "VARCHAR", x.sql), STRING)


@function("SOUNDEX", least=1)
def _soundex(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "s")
    return Value(expressions.context.python("soundex", soundex, ["VARCHAR"], "VARCHAR", x.sql), STRING)


_is_conversion = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


@function("FORMAT_STRING", "PRINTF", least=1, open_end=True)
def _format_string(expressions: Expressions, call: Call) -> Value:
    """printf, with the conversions that Java and Python have in common."""
    pattern, *values = arguments(expressions, call)
    text = str(constant(call, pattern, str, "the format"))
    if any(
        found[5] not in "sdfexXgcbn%S" or "(" in found[2] or "#" in found[2] or found[1]
        for found in map(_groups, _is_conversion.finditer(text))
    ):
        raise malformed(f"The query can't be carried out: the engine has no format {text!r}", call.node)
    texts = []
    types = []
    for value in values:
        if value.type.is_nested or value.type == BINARY:
            raise wrong_type(call.name, value)
        if is_integral(value.type):
            texts.append(cast(expressions.context, value, BIGINT).sql)
            types.append("BIGINT")
        elif value.type.name in ("double", "float"):
            texts.append(f"CAST({value.sql} AS DOUBLE)")
            types.append("DOUBLE")
        elif value.type.name == "decimal":
            texts.append(f"CAST({value.sql} AS DECIMAL(38,{value.type.scale}))")
            types.append(f"DECIMAL(38,{value.type.scale})")
        else:
            texts.append(implicit(expressions.context, value, STRING, call.name).sql)
            types.append("VARCHAR")
    if not texts:
        return Value(text_of(text.replace("%%", "%").replace("%n", "\n")), STRING)
    name = f"format_{abs(hash((text, tuple(types))))}"

    def apply(*row: object) -> str | None:
        return formatted(text, row)

    return Value(expressions.context.python(name, apply, types, "VARCHAR", *texts), STRING)


def _groups(found: re.Match[str]) -> tuple[str, ...]:
    return (found[0], *(group or "" for group in found.groups()))
