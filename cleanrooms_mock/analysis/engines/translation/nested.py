"""Nested data: fields of structs, elements of arrays, values of maps, and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import INT, Type, text_of
from cleanrooms_mock.analysis.engines.translation.casts import implicit
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def field(value: Value, name: str) -> Value:
    """Return a field of a struct, of each struct of an array, or what a map has under a key.

    :raises Refusal: if the value has none.
    """
    type_ = value.type
    if type_.name == "struct":
        for own, part in zip(type_.fields, type_.parts, strict=True):
            if own.lower() == name.lower():
                return Value(f"({value.sql})[{text_of(own)}]", part)
        raise malformed(f"The query is invalid: {name} is no field of {type_}")
    if type_.name == "array" and type_.parts[0].name == "struct":
        inner = field(Value("e", type_.parts[0]), name)
        return Value(f"list_transform({value.sql}, lambda e: {inner.sql})", Type("array", parts=(inner.type,)))
    if type_.name == "map":
        return Value(f"({value.sql})[{text_of(name)}]", type_.parts[1])
    raise malformed(f"The query is invalid: {name} is no column, and no field of a {type_}")


def bracket(expressions: Expressions, node: exp.Bracket) -> Value:
    """Return ``x[…]``: by its index, its key or the name of a field."""
    value = expressions(node.this)
    (position,) = expressions.values(node.expressions)
    if value.type.name == "array":
        index = implicit(expressions.context, position, INT, "an index")
        return Value(expressions.context.macro("spark_element", value.sql, index.sql), value.type.parts[0])
    if value.type.name == "map":
        key = implicit(expressions.context, position, value.type.parts[0], "a key")
        return Value(f"({value.sql})[{key.sql}]", value.type.parts[1])
    if value.type.name == "struct" and isinstance(position.constant, str):
        return field(value, position.constant)
    raise wrong_type("[]", value, position)


def row(expressions: Expressions, node: exp.Tuple) -> Value:
    """Return ``(x, y, …)``, a struct whose fields have no names of their own."""
    values = expressions.values(node.expressions)
    names = tuple(f"col{number}" for number in range(1, len(values) + 1))
    return Value(
        f"ROW({', '.join(value.sql for value in values)})",
        Type("struct", parts=tuple(value.type for value in values), fields=names),
    )
