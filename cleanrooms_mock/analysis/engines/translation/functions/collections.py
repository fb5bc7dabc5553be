"""Functions of arrays, maps and structs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_TIME,
    INT,
    STRING,
    YEAR_MONTH,
    Type,
    array,
    in_duckdb,
    is_integral,
    is_timestamp,
    map_of,
    name_of,
    struct,
)
from cleanrooms_mock.analysis.engines.translation.casts import cast, common_type, implicit, unified
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def _array(call: Call, value: Value) -> Value:
    if value.type.name != "array":
        raise wrong_type(call.name, value)
    return value


def _map(call: Call, value: Value) -> Value:
    if value.type.name != "map":
        raise wrong_type(call.name, value)
    return value


@function("ARRAY", least=0, open_end=True)
def _make_array(expressions: Expressions, call: Call) -> Value:
    values, type_ = unified(expressions.context, arguments(expressions, call), call.name)
    return Value(f"CAST([{', '.join(value.sql for value in values)}] AS {in_duckdb(array(type_))})", array(type_))


@function("STRUCT", "NAMED_STRUCT", least=1, open_end=True)
def _make_struct(expressions: Expressions, call: Call) -> Value:
    fields: dict[str, Value] = {}
    if call.name == "NAMED_STRUCT":
        values = arguments(expressions, call)
        for name, value in zip(values[::2], values[1::2], strict=False):
            fields[str(constant(call, name, str, "the name of a field"))] = value
    else:
        for number, node in enumerate(call.arguments, 1):
            value = node if isinstance(node, Value) else expressions(node)
            field = f"col{number}"
            if isinstance(node, exp.Dot):
                field = node.expression.name
            elif isinstance(node, exp.Alias | exp.Column):
                field = node.alias_or_name
            fields[field] = value
    types = struct({name: value.type for name, value in fields.items()})
    packed = ", ".join(f"{name_of(name)} := {value.sql}" for name, value in fields.items())
    return Value(f"CAST(struct_pack({packed}) AS {in_duckdb(types)})", types)


@function("MAP", least=0, open_end=True)
def _make_map(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    if len(values) % 2:
        raise malformed("The query is invalid: MAP takes keys and values in turn", call.node)
    keys, key = unified(expressions.context, values[::2], call.name)
    items, item = unified(expressions.context, values[1::2], call.name)
    type_ = map_of(key, item)
    return Value(
        f"CAST(map([{', '.join(one.sql for one in keys)}], [{', '.join(one.sql for one in items)}]) AS {in_duckdb(type_)})",
        type_,
    )


@function("MAP_FROM_ARRAYS", least=2)
def _map_from_arrays(expressions: Expressions, call: Call) -> Value:
    keys, values = (_array(call, one) for one in arguments(expressions, call))
    return Value(f"map({keys.sql}, {values.sql})", map_of(keys.type.parts[0], values.type.parts[0]))


@function("MAP_FROM_ENTRIES", least=1)
def _map_from_entries(expressions: Expressions, call: Call) -> Value:
    (entries,) = arguments(expressions, call)
    element = _array(call, entries).type.parts[0]
    if len(element.parts) != 2:
        raise wrong_type(call.name, entries)
    return Value(f"map_from_entries({entries.sql})", map_of(*element.parts))


@function("MAP_KEYS", "MAP_VALUES", "MAP_ENTRIES", least=1)
def _of_map(expressions: Expressions, call: Call) -> Value:
    (x,) = (_map(call, one) for one in arguments(expressions, call))
    key, value = x.type.parts
    element = {"MAP_KEYS": key, "MAP_VALUES": value}.get(call.name) or struct({"key": key, "value": value})
    return Value(f"{call.name.lower()}({x.sql})", array(element))


@function("MAP_CONCAT", least=1, open_end=True)
def _map_concat(expressions: Expressions, call: Call) -> Value:
    values, type_ = unified(expressions.context, arguments(expressions, call), call.name)
    # Where Spark fails for a key that stands twice, the last one wins here too.
    return Value(f"map_concat({', '.join(value.sql for value in values)})", type_)


@function("MAP_CONTAINS_KEY", least=2)
def _map_contains_key(expressions: Expressions, call: Call) -> Value:
    x, key = arguments(expressions, call)
    wanted = implicit(expressions.context, key, _map(call, x).type.parts[0], call.name)
    return Value(f"list_contains(map_keys({x.sql}), {wanted.sql})", BOOLEAN)


@function("STR_TO_MAP", least=1, most=3)
def _str_to_map(expressions: Expressions, call: Call) -> Value:
    from cleanrooms_mock.analysis.engines.translation.python_functions import str_to_map

    values = [value.sql for value in arguments(expressions, call, "s")]
    values += ["','", "':'"][len(values) - 1 :]
    return Value(
        expressions.context.python("str_to_map", str_to_map, ["VARCHAR"] * 3, "MAP(VARCHAR, VARCHAR)", *values),
        map_of(STRING, STRING),
    )


@function("SIZE", "CARDINALITY", "ARRAY_SIZE", least=1)
def _size(expressions: Expressions, call: Call) -> Value:
    """Of NULL it is -1 without ANSI mode, but for ARRAY_SIZE."""
    (x,) = arguments(expressions, call)
    if x.type.name not in ("array", "map"):
        raise wrong_type(call.name, x)
    length = f"CAST({'len' if x.type.name == 'array' else 'cardinality'}({x.sql}) AS INTEGER)"
    return Value(length if call.name == "ARRAY_SIZE" else f"coalesce({length}, -1)", INT)


@function("ARRAY_CONTAINS", least=2)
def _array_contains(expressions: Expressions, call: Call) -> Value:
    """NULL if it isn't there and one of the elements is NULL."""
    x, wanted, _ = _with_element(expressions, call)
    return Value(
        f"CASE WHEN {wanted.sql} IS NULL OR {x.sql} IS NULL THEN NULL WHEN list_contains({x.sql}, {wanted.sql}) THEN true "
        f"WHEN len(list_filter({x.sql}, lambda e: e IS NULL)) > 0 THEN NULL ELSE false END",
        BOOLEAN,
    )


def _with_element(expressions: Expressions, call: Call) -> tuple[Value, Value, Type]:
    """Return an array and a value, brought to one type, and that type."""
    x, wanted, *_ = arguments(expressions, call)
    type_ = common_type(_array(call, x).type.parts[0], wanted.type)
    if type_ is None:
        raise wrong_type(call.name, x, wanted)
    return cast(expressions.context, x, array(type_)), cast(expressions.context, wanted, type_), type_


@function("ARRAY_POSITION", least=2)
def _array_position(expressions: Expressions, call: Call) -> Value:
    x, wanted, _ = _with_element(expressions, call)
    return Value(
        f"CASE WHEN {x.sql} IS NOT NULL AND {wanted.sql} IS NOT NULL THEN CAST(coalesce(list_position({x.sql}, {wanted.sql}), 0) AS BIGINT) END",
        BIGINT,
    )


@function("ARRAY_REMOVE", least=2)
def _array_remove(expressions: Expressions, call: Call) -> Value:
    x, wanted, type_ = _with_element(expressions, call)
    return Value(
        f"CASE WHEN {wanted.sql} IS NOT NULL THEN list_filter({x.sql}, lambda e: e IS DISTINCT FROM {wanted.sql}) END",
        array(type_),
    )


@function("ARRAY_APPEND", "ARRAY_PREPEND", least=2)
def _array_append(expressions: Expressions, call: Call) -> Value:
    x, wanted, type_ = _with_element(expressions, call)
    sides = [x.sql, f"[{wanted.sql}]"] if call.name == "ARRAY_APPEND" else [f"[{wanted.sql}]", x.sql]
    return Value(f"CASE WHEN {x.sql} IS NOT NULL THEN {sides[0]} || {sides[1]} END", array(type_))


@function("ARRAY_DISTINCT", least=1)
def _array_distinct(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(_unique(_array(call, x).sql), x.type)


def _unique(x: str) -> str:
    """Return an array with the first of all equal elements, NULL among them, in its order."""
    return f"list_filter({x}, lambda e, i: NOT list_contains(list_transform(({x})[1:i - 1], lambda o: struct_pack(o := o)), struct_pack(o := e)))"


@function("ARRAY_UNION", "ARRAY_INTERSECT", "ARRAY_EXCEPT", "ARRAYS_OVERLAP", least=2)
def _two_arrays(expressions: Expressions, call: Call) -> Value:
    (x, y), type_ = unified(expressions.context, arguments(expressions, call), call.name)
    _array(call, x)
    if call.name == "ARRAY_UNION":
        return Value(_unique(f"({x.sql} || {y.sql})"), type_)
    boxed = f"list_transform({y.sql}, lambda o: struct_pack(o := o))"
    there = f"list_contains({boxed}, struct_pack(o := e))"
    if call.name == "ARRAYS_OVERLAP":
        met = f"len(list_filter({x.sql}, lambda e: e IS NOT NULL AND list_contains({y.sql}, e))) > 0"
        unknown = f"len({x.sql}) > 0 AND len({y.sql}) > 0 AND (len(list_filter({x.sql}, lambda e: e IS NULL)) > 0 OR len(list_filter({y.sql}, lambda e: e IS NULL)) > 0)"
        return Value(
            f"CASE WHEN {x.sql} IS NULL OR {y.sql} IS NULL THEN NULL WHEN {met} THEN true WHEN {unknown} THEN NULL ELSE false END",
            BOOLEAN,
        )
    kept = f"list_filter({x.sql}, lambda e: {'' if call.name == 'ARRAY_INTERSECT' else 'NOT '}{there})"
    return Value(f"CASE WHEN {y.sql} IS NOT NULL THEN {_unique(kept)} END", type_)


@function("ARRAY_JOIN", least=2, most=3)
def _array_join(expressions: Expressions, call: Call) -> Value:
    x, *rest = arguments(expressions, call)
    texts = implicit(expressions.context, _array(call, x), array(STRING), call.name).sql
    delimiter, *replacement = (implicit(expressions.context, one, STRING, call.name).sql for one in rest)
    if replacement:
        kept = f"list_transform({texts}, lambda e: coalesce(e, {replacement[0]}))"
    else:
        kept = f"list_filter({texts}, lambda e: e IS NOT NULL)"
    return Value(expressions.context.macro("spark_joined", kept, delimiter), STRING)


@function("FLATTEN", least=1)
def _flatten(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    inner = _array(call, x).type.parts[0]
    if inner.name != "array":
        raise wrong_type(call.name, x)
    return Value(
        f"CASE WHEN len(list_filter({x.sql}, lambda e: e IS NULL)) > 0 THEN NULL ELSE flatten({x.sql}) END", inner
    )


@function("EXPLODE", least=1)
def _explode(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"unnest({_array(call, x).sql})", x.type.parts[0])


@function("ARRAY_MIN", "ARRAY_MAX", least=1)
def _array_extreme(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"list_{call.name[6:].lower()}({_array(call, x).sql})", x.type.parts[0])


@function("ARRAY_COMPACT", least=1)
def _array_compact(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"list_filter({_array(call, x).sql}, lambda e: e IS NOT NULL)", x.type)


@function("SORT_ARRAY", "ARRAY_SORT", least=1, most=2)
def _sort_array(expressions: Expressions, call: Call) -> Value:
    """SORT_ARRAY puts NULL first in ascending order, ARRAY_SORT always last."""
    values = arguments(expressions, call)
    descending = len(values) > 1 and values[1].constant is False
    nulls = "NULLS LAST" if descending or call.name == "ARRAY_SORT" else "NULLS FIRST"
    return Value(
        f"list_sort({_array(call, values[0]).sql}, '{'DESC' if descending else 'ASC'}', '{nulls}')", values[0].type
    )


@function("ARRAY_REPEAT", least=2)
def _array_repeat(expressions: Expressions, call: Call) -> Value:
    x, times = arguments(expressions, call, "*i")
    return Value(
        f"CASE WHEN {times.sql} IS NOT NULL THEN list_transform(range(greatest({times.sql}, 0)), lambda e: {x.sql}) END",
        array(x.type),
    )


@function("SLICE", least=3)
def _slice(expressions: Expressions, call: Call) -> Value:
    x, start, length = arguments(expressions, call, "*ii")
    first = f"(CASE WHEN {start.sql} < 0 THEN len({_array(call, x).sql}) + {start.sql} + 1 ELSE {start.sql} END)"
    return Value(
        f"CASE WHEN {x.sql} IS NULL OR {start.sql} IS NULL OR {length.sql} IS NULL THEN NULL WHEN {first} < 1 THEN [] ELSE ({x.sql})[{first}:{first} + {length.sql} - 1] END",
        x.type,
    )


@function("ELEMENT_AT", "TRY_ELEMENT_AT", least=2)
def _element_at(expressions: Expressions, call: Call) -> Value:
    """Counted from 1, or from the end."""
    x, at = arguments(expressions, call)
    if x.type.name == "map":
        key = implicit(expressions.context, at, x.type.parts[0], call.name)
        return Value(f"({x.sql})[{key.sql}]", x.type.parts[1])
    if at.constant == 0:
        raise malformed(f"The query can't be carried out: {call.name} counts from 1, not 0", call.node)
    index = implicit(expressions.context, at, INT, call.name)
    return Value(f"({_array(call, x).sql})[{index.sql}]", x.type.parts[0])


@function("GET", least=2)
def _get(expressions: Expressions, call: Call) -> Value:
    x, at = arguments(expressions, call, "*i")
    return Value(expressions.context.macro("spark_element", _array(call, x).sql, at.sql), x.type.parts[0])


@function("SEQUENCE", least=2, most=3)
def _sequence(expressions: Expressions, call: Call) -> Value:
    start, stop, *step = arguments(expressions, call)
    if start.type == DATE or is_timestamp(start.type):
        return _sequence_of_times(expressions, call, start, stop, step)
    (start, stop), type_ = unified(expressions.context, [start, stop], call.name)
    if not is_integral(type_):
        raise wrong_type(call.name, start, stop)
    by = (
        cast(expressions.context, step[0], BIGINT).sql
        if step
        else f"CASE WHEN {start.sql} <= {stop.sql} THEN 1 ELSE -1 END"
    )
    return Value(
        f"CAST(generate_series(CAST({start.sql} AS BIGINT), CAST({stop.sql} AS BIGINT), {by}) AS {in_duckdb(array(type_))})",
        array(type_),
    )


def _sequence_of_times(expressions: Expressions, call: Call, start: Value, stop: Value, step: list[Value]) -> Value:
    end = implicit(expressions.context, stop, start.type, call.name)
    if not step:
        by = f"CASE WHEN {start.sql} <= {end.sql} THEN INTERVAL 1 DAY ELSE INTERVAL (-1) DAY END"
    elif step[0].type == YEAR_MONTH:
        by = f"to_months({step[0].sql})"
    elif step[0].type == DAY_TIME:
        by = f"to_microseconds({step[0].sql})"
    else:
        raise wrong_type(call.name, start, step[0])
    return Value(
        f"CAST(generate_series(CAST({start.sql} AS TIMESTAMP), CAST({end.sql} AS TIMESTAMP), {by}) AS {in_duckdb(array(start.type))})",
        array(start.type),
    )


@function("ARRAYS_ZIP", least=2, open_end=True)
def _arrays_zip(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    names = [node.name if isinstance(node, exp.Column) else str(number) for number, node in enumerate(call.arguments)]
    element = struct({name: _array(call, value).type.parts[0] for name, value in zip(names, values, strict=True)})
    known = " AND ".join(f"{value.sql} IS NOT NULL" for value in values)
    fields = ", ".join(f"{name_of(name)} := ({value.sql})[i]" for name, value in zip(names, values, strict=True))
    longest = f"greatest({', '.join(f'len({value.sql})' for value in values)})"
    return Value(
        f"CASE WHEN {known} THEN list_transform(generate_series(1, {longest}), lambda i: struct_pack({fields})) END",
        array(element),
    )
