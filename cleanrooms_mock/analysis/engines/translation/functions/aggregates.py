"""Aggregates, which are window functions too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DAY_TIME,
    DOUBLE,
    STRING,
    TINYINT,
    YEAR_MONTH,
    Type,
    array,
    decimal,
    in_duckdb,
    is_integral,
    is_interval,
    is_numeric,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation.arithmetic import quotient
from cleanrooms_mock.analysis.engines.translation.casts import bounded, implicit, wrapped
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, function
from cleanrooms_mock.analysis.engines.translation.functions.windows import behind, order_of
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def _distinct(call: Call) -> str:
    return "DISTINCT " if call.distinct else ""


def _numeric(expressions: Expressions, call: Call, value: Value) -> Value:
    return value if is_numeric(value.type) else implicit(expressions.context, value, DOUBLE, call.name)


@function("COUNT", least=1, open_end=True, aggregate=True)
def _count(expressions: Expressions, call: Call) -> Value:
    from sqlglot import exp

    over = behind(expressions, call)
    if isinstance(call.arguments[0], exp.Star):
        return Value(f"count(*){over}", BIGINT)
    values = [value.sql for value in arguments(expressions, call)]
    if len(values) == 1:
        return Value(f"count({_distinct(call)}{values[0]}){over}", BIGINT)
    # A row counts if none of its values is NULL.
    known = " AND ".join(f"{value} IS NOT NULL" for value in values)
    counted = f"ROW({', '.join(values)})" if call.distinct else "1"
    return Value(f"count({_distinct(call)}CASE WHEN {known} THEN {counted} END){over}", BIGINT)


@function("SUM", "TRY_SUM", least=1, aggregate=True)
def _sum(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    over = behind(expressions, call)
    if is_interval(x.type):
        return Value(f"CAST(sum({_distinct(call)}{x.sql}){over} AS {in_duckdb(x.type)})", x.type)
    x = _numeric(expressions, call, x)
    if is_integral(x.type):
        return Value(wrapped(f"(sum({_distinct(call)}{x.sql}){over})", BIGINT), BIGINT)
    if x.type.name == "decimal":
        type_ = bounded(x.type.precision + 10, x.type.scale)
        return Value(f"TRY_CAST(sum({_distinct(call)}{x.sql}){over} AS {in_duckdb(type_)})", type_)
    return Value(f"sum({_distinct(call)}CAST({x.sql} AS DOUBLE)){over}", DOUBLE)


@function("AVG", "MEAN", "TRY_AVG", least=1, aggregate=True)
def _avg(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    over = behind(expressions, call)
    if is_interval(x.type):
        return Value(f"CAST(round(avg({_distinct(call)}{x.sql}){over}) AS {in_duckdb(x.type)})", x.type)
    x = _numeric(expressions, call, x)
    if x.type.name == "decimal":
        type_ = bounded(x.type.precision + 4, x.type.scale + 4)
        total = decimal(38, x.type.scale)
        sum_ = Value(f"CAST(sum({_distinct(call)}{x.sql}){over} AS {in_duckdb(total)})", total)
        count = Value(f"count({_distinct(call)}{x.sql}){over}", BIGINT)
        return quotient(expressions.context, sum_, count, type_)
    return Value(f"avg({_distinct(call)}CAST({x.sql} AS DOUBLE)){over}", DOUBLE)


@function("MIN", "MAX", least=1, aggregate=True)
def _extreme(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"{call.name.lower()}({x.sql}){behind(expressions, call)}", x.type)


@function("MAX_BY", "MIN_BY", least=2, aggregate=True)
def _by(expressions: Expressions, call: Call) -> Value:
    x, y = arguments(expressions, call)
    name = "arg_max_null" if call.name == "MAX_BY" else "arg_min_null"
    return Value(f"{name}({x.sql}, {y.sql}){behind(expressions, call)}", x.type)


_MOMENTS = {
    "STDDEV": "stddev_samp",
    "STD": "stddev_samp",
    "STDDEV_SAMP": "stddev_samp",
    "STDDEV_POP": "stddev_pop",
    "VARIANCE": "var_samp",
    "VAR_SAMP": "var_samp",
    "VAR_POP": "var_pop",
}


@function(*_MOMENTS, least=1, aggregate=True)
def _moment(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "d")
    return Value(f"{_MOMENTS[call.name]}({_distinct(call)}{x.sql}){behind(expressions, call)}", DOUBLE)


@function("SKEWNESS", "KURTOSIS", least=1, aggregate=True)
def _shape(expressions: Expressions, call: Call) -> Value:
    """Spark's are those of a whole population; DuckDB corrects skewness for a sample."""
    (x,) = arguments(expressions, call, "d")
    over = behind(expressions, call)
    n = f"count({_distinct(call)}{x.sql}){over}"
    spread = f"var_pop({_distinct(call)}{x.sql}){over}"
    if call.name == "KURTOSIS":
        return Value(
            f"CASE WHEN {n} = 0 THEN NULL WHEN {spread} = 0 THEN NULL ELSE kurtosis_pop({_distinct(call)}{x.sql}){over} END",
            DOUBLE,
        )
    sample = f"skewness({_distinct(call)}{x.sql}){over}"
    mean = f"avg({_distinct(call)}{x.sql}){over}"
    # Of one or two values, for which there is no correction, it is 0 by symmetry.
    return Value(
        f"CASE WHEN {n} = 0 OR {spread} = 0 THEN NULL WHEN {n} = 2 THEN 0 * {mean} ELSE {sample} * ({n} - 2) / sqrt(CAST({n} AS DOUBLE) * ({n} - 1)) END",
        DOUBLE,
    )


@function(
    "CORR",
    "COVAR_POP",
    "COVAR_SAMP",
    "REGR_AVGX",
    "REGR_AVGY",
    "REGR_R2",
    "REGR_SLOPE",
    "REGR_INTERCEPT",
    "REGR_SXX",
    "REGR_SXY",
    "REGR_SYY",
    least=2,
    aggregate=True,
)
def _pair(expressions: Expressions, call: Call) -> Value:
    x, y = arguments(expressions, call, "d")
    sql = f"{call.name.lower()}({x.sql}, {y.sql}){behind(expressions, call)}"
    return Value(f"CASE WHEN isnan({sql}) THEN NULL ELSE {sql} END" if call.name == "CORR" else sql, DOUBLE)


@function("REGR_COUNT", least=2, aggregate=True)
def _regr_count(expressions: Expressions, call: Call) -> Value:
    x, y = arguments(expressions, call, "d")
    return Value(f"CAST(regr_count({x.sql}, {y.sql}){behind(expressions, call)} AS BIGINT)", BIGINT)


@function("BOOL_AND", "EVERY", "BOOL_OR", "SOME", "ANY", least=1, aggregate=True)
def _bool(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "b")
    name = "bool_and" if call.name in ("BOOL_AND", "EVERY") else "bool_or"
    return Value(f"{name}({x.sql}){behind(expressions, call)}", BOOLEAN)


@function("COUNT_IF", least=1, aggregate=True)
def _count_if(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "b")
    return Value(
        f"CAST(count({_distinct(call)}CASE WHEN {x.sql} THEN true END){behind(expressions, call)} AS BIGINT)", BIGINT
    )


@function("BIT_AND", "BIT_OR", "BIT_XOR", least=1, aggregate=True)
def _bits(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    if not is_integral(x.type):
        x = implicit(expressions.context, x, BIGINT, call.name)
    return Value(f"{call.name.lower()}({x.sql}){behind(expressions, call)}", x.type)


@function("COLLECT_LIST", "ARRAY_AGG", "COLLECT_SET", least=1, aggregate=True)
def _collect(expressions: Expressions, call: Call) -> Value:
    """Arrays without NULL, and empty rather than NULL."""
    (x,) = arguments(expressions, call)
    distinct = "DISTINCT " if call.distinct or call.name == "COLLECT_SET" else ""
    from sqlglot import exp

    if call.condition is None:
        over = behind(expressions, call, f"{x.sql} IS NOT NULL")
    else:
        kept = exp.And(
            this=call.condition, expression=exp.Not(this=exp.Is(this=call.arguments[0], expression=exp.Null()))
        )
        call.condition = kept
        over = behind(expressions, call)
    return Value(f"coalesce(array_agg({distinct}{x.sql}){over}, [])", array(x.type))


@function("LISTAGG", "STRING_AGG", least=1, most=2, aggregate=True)
def _listagg(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call, "ss")
    separator = values[1].sql if len(values) > 1 else "''"
    order = f" {order_of(expressions, call.order)}" if call.order is not None else ""
    return Value(f"string_agg({_distinct(call)}{values[0].sql}, {separator}{order}){behind(expressions, call)}", STRING)


@function("ANY_VALUE", least=1, most=2, aggregate=True)
def _any_value(expressions: Expressions, call: Call) -> Value:
    x, *rest = arguments(expressions, call)
    over = behind(expressions, call)
    ignoring = call.ignore_nulls or bool(rest and rest[0].constant)
    return Value(f"{'any_value' if ignoring else 'first'}({x.sql}){over}", x.type)


@function("FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE", least=1, most=2, aggregate=True)
def _first(expressions: Expressions, call: Call) -> Value:
    x, *rest = arguments(expressions, call)
    ignoring = call.ignore_nulls or bool(rest and rest[0].constant)
    word = "first" if call.name.startswith("FIRST") else "last"
    if call.window is not None:
        return Value(f"{word}_value({x.sql}{' IGNORE NULLS' if ignoring else ''}){behind(expressions, call)}", x.type)
    over = behind(expressions, call, f"{x.sql} IS NOT NULL" if ignoring else None)
    return Value(f"{word}({x.sql}){over}", x.type)


@function("APPROX_COUNT_DISTINCT", least=1, most=2, aggregate=True)
def _approx_count(expressions: Expressions, call: Call) -> Value:
    """Exact, which is as near as can be."""
    x, *_ = arguments(expressions, call)
    return Value(f"count(DISTINCT {x.sql}){behind(expressions, call)}", BIGINT)


def _percentages(call: Call, value: Value) -> str:
    if value.type.name == "array":
        return f"list_transform({value.sql}, lambda p: CAST(p AS DOUBLE))"
    return f"CAST({value.sql} AS DOUBLE)"


@function("MEDIAN", least=1, aggregate=True)
def _median(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    number = _numeric(expressions, call, x)
    return Value(
        f"quantile_cont({_distinct(call)}CAST({number.sql} AS DOUBLE), 0.5){behind(expressions, call)}", DOUBLE
    )


@function("PERCENTILE", least=2, most=3, aggregate=True)
def _percentile(expressions: Expressions, call: Call) -> Value:
    x, at, *frequency = arguments(expressions, call)
    if frequency:
        raise malformed("The query can't be carried out: the engine has no PERCENTILE with a frequency", call.node)
    return _continuous(expressions, call, x, at, "quantile_cont")


def _continuous(expressions: Expressions, call: Call, x: Value, at: Value, name: str) -> Value:
    number = _numeric(expressions, call, x)
    over = behind(expressions, call)
    type_ = array(DOUBLE) if at.type.name == "array" else DOUBLE
    return Value(f"{name}({_distinct(call)}CAST({number.sql} AS DOUBLE), {_percentages(call, at)}){over}", type_)


@function("PERCENTILE_CONT", "PERCENTILE_DISC", least=1, aggregate=True)
def _within_group(expressions: Expressions, call: Call) -> Value:
    (at,) = arguments(expressions, call)
    if call.order is None or len(call.order.expressions) != 1:
        raise malformed(f"The query is invalid: {call.name} wants WITHIN GROUP (ORDER BY …)", call.node)
    (ordered,) = call.order.expressions
    x = expressions(ordered.this)
    if ordered.args.get("desc"):
        at = Value(f"(1 - {at.sql})", DOUBLE)
    call.order = None
    return _continuous(expressions, call, x, at, "quantile_cont" if call.name == "PERCENTILE_CONT" else "quantile_disc")


@function("APPROX_PERCENTILE", "PERCENTILE_APPROX", least=2, most=3, aggregate=True)
def _approx_percentile(expressions: Expressions, call: Call) -> Value:
    """The exact percentile, one of the values themselves."""
    x, at, *_ = arguments(expressions, call)
    if (
        not is_numeric(x.type)
        and x.type not in (DAY_TIME, YEAR_MONTH)
        and x.type.name not in ("date", "timestamp", "timestamp_ntz")
    ):
        x = implicit(expressions.context, x, DOUBLE, call.name)
    over = behind(expressions, call)
    type_ = array(x.type) if at.type.name == "array" else x.type
    return Value(f"quantile_disc({_distinct(call)}{x.sql}, {_percentages(call, at)}){over}", type_)


@function("MODE", least=1, aggregate=True)
def _mode(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"mode({x.sql}){behind(expressions, call)}", x.type)


@function("GROUPING", least=1, aggregate=True)
def _grouping(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"CAST(GROUPING({x.sql}) AS TINYINT)", TINYINT)


@function("GROUPING_ID", least=1, open_end=True, aggregate=True)
def _grouping_id(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    return Value(f"CAST(GROUPING({', '.join(value.sql for value in values)}) AS BIGINT)", BIGINT)


# A sketch is kept as the values themselves: its estimate is exact, and its bytes, which nobody could compare, are never given.


@function("HLL_SKETCH_AGG", least=1, most=2, aggregate=True)
def _sketch(expressions: Expressions, call: Call) -> Value:
    x, *_ = arguments(expressions, call)
    if not is_integral(x.type) and x.type not in (STRING, BINARY):
        raise wrong_type(call.name, x)
    # A sketch doesn't take in what is empty.
    kept = (
        x.sql
        if is_integral(x.type)
        else f"nullif({x.sql}, {'' if x.type == STRING else 'CAST'}({text_of('')}{'' if x.type == STRING else ' AS BLOB'}))"
    )
    return Value(f"coalesce(array_agg(DISTINCT {kept}){behind(expressions, call)}, [])", sketch(x.type))


def sketch(type_: Type) -> Type:
    return Type("sketch", parts=(type_,))


def _sketched(call: Call, value: Value) -> Value:
    if value.type.name != "sketch":
        raise wrong_type(call.name, value)
    return value


@function("HLL_SKETCH_ESTIMATE", least=1)
def _estimate(expressions: Expressions, call: Call) -> Value:
    (x,) = (_sketched(call, value) for value in arguments(expressions, call))
    return Value(f"CAST(len(list_filter({x.sql}, lambda e: e IS NOT NULL)) AS BIGINT)", BIGINT)


@function("HLL_UNION", least=2, most=3)
def _union(expressions: Expressions, call: Call) -> Value:
    x, y, *_ = arguments(expressions, call)
    _sketched(call, x), _sketched(call, y)
    if x.type != y.type:
        raise wrong_type(call.name, x, y)
    return Value(f"list_distinct({x.sql} || {y.sql})", x.type)


@function("HLL_UNION_AGG", least=1, most=2, aggregate=True)
def _union_agg(expressions: Expressions, call: Call) -> Value:
    x, *_ = arguments(expressions, call)
    _sketched(call, x)
    return Value(f"list_distinct(flatten(array_agg({x.sql}){behind(expressions, call)}))", x.type)
