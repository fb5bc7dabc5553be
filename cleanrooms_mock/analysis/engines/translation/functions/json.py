"""Functions of JSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import INT, STRING, Type, array, in_duckdb, plain
from cleanrooms_mock.analysis.engines.translation import json_values
from cleanrooms_mock.analysis.engines.translation.casts import implicit
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.types import UnsupportedType, parse_type

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


@function("GET_JSON_OBJECT", least=2)
def _get_json_object(expressions: Expressions, call: Call) -> Value:
    x, path = arguments(expressions, call, "s")
    return Value(
        expressions.context.python(
            "get_json_object", json_values.found_at, ["VARCHAR", "VARCHAR"], "VARCHAR", x.sql, path.sql
        ),
        STRING,
    )


@function("JSON_ARRAY_LENGTH", least=1)
def _json_array_length(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "s")
    return Value(
        expressions.context.python("json_array_length", json_values.array_length, ["VARCHAR"], "INTEGER", x.sql), INT
    )


@function("JSON_OBJECT_KEYS", least=1)
def _json_object_keys(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "s")
    return Value(
        expressions.context.python("json_object_keys", json_values.object_keys, ["VARCHAR"], "VARCHAR[]", x.sql),
        array(STRING),
    )


@function("TO_JSON", least=1, most=2)
def _to_json(expressions: Expressions, call: Call) -> Value:
    x, *options = arguments(expressions, call)
    if options:
        raise malformed("The query can't be carried out: the engine has no TO_JSON with options", call.node)
    if not x.type.is_nested:
        raise wrong_type(call.name, x)
    name = f"to_json_{abs(hash(x.type))}"
    write = partial(json_values.written, x.type, expressions.context.time_zone)
    return Value(expressions.context.python(name, write, [in_duckdb(x.type)], "VARCHAR", x.sql), STRING)


@function("FROM_JSON", least=2, most=3)
def _from_json(expressions: Expressions, call: Call) -> Value:
    x, schema, *options = arguments(expressions, call)
    if options:
        raise malformed("The query can't be carried out: the engine has no FROM_JSON with options", call.node)
    text = implicit(expressions.context, x, STRING, call.name)
    type_ = _schema(call, str(constant(call, schema, str, "the schema")))
    name = f"from_json_{abs(hash(type_))}"
    read = partial(json_values.read, type_, expressions.context.time_zone)
    return Value(expressions.context.python(name, read, ["VARCHAR"], in_duckdb(type_), text.sql), type_)


def _schema(call: Call, text: str) -> Type:
    """Read a type, or the fields of a struct as ``a INT, b STRING``."""
    try:
        return plain(parse_type(text))
    except UnsupportedType:
        pass
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        node = exp.DataType.build(f"STRUCT<{text}>", dialect="spark")
        return plain(parse_type(node.sql("spark").replace(", ", ",").replace(": ", ":")))
    except (SqlglotError, UnsupportedType):
        raise malformed(f"The query is invalid: {text!r} is no schema", call.node) from None
