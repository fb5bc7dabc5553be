"""Functions that write times as texts, and read them from such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    DATE,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    is_numeric,
    is_timestamp,
)
from cleanrooms_mock.analysis.engines.translation import number_formats, patterns
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, instant, local
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function
from cleanrooms_mock.analysis.engines.translation.functions.times import clock_of, current_timestamp
from cleanrooms_mock.analysis.engines.translation.values import Value

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


@function("DATE_FORMAT", "TO_CHAR", "TO_VARCHAR", least=2)
def _date_format(expressions: Expressions, call: Call) -> Value:
    x, pattern = arguments(expressions, call)
    if call.name != "DATE_FORMAT" and is_numeric(x.type):
        return number_formats.to_char(expressions.context, x, str(constant(call, pattern, str, "the format")))
    time = clock_of(expressions, call, x)
    if pattern.is_null:
        return Value("CAST(NULL AS VARCHAR)", STRING, None)
    return Value(
        patterns.written(str(constant(call, pattern, str, "the pattern")), time, expressions.context.time_zone), STRING
    )


@function("TO_DATE", "DATE", "TRY_TO_DATE", least=1, most=2)
def _to_date(expressions: Expressions, call: Call) -> Value:
    x, *pattern = arguments(expressions, call)
    if not pattern or x.type == DATE or is_timestamp(x.type):
        return implicit(expressions.context, x, DATE, call.name)
    text = implicit(expressions.context, x, STRING, call.name).sql
    time, _ = patterns.read(str(constant(call, pattern[0], str, "the pattern")), text)
    return Value(f"CAST({time} AS DATE)", DATE)


@function("TO_TIMESTAMP", "TIMESTAMP", "TRY_TO_TIMESTAMP", "TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_NTZ", least=1, most=2)
def _to_timestamp(expressions: Expressions, call: Call) -> Value:
    x, *pattern = arguments(expressions, call)
    type_ = TIMESTAMP_NTZ if call.name == "TO_TIMESTAMP_NTZ" else TIMESTAMP
    if not pattern or x.type == DATE or is_timestamp(x.type):
        return cast(expressions.context, x, type_)
    text = implicit(expressions.context, x, STRING, call.name).sql
    return _read(expressions, call, text, str(constant(call, pattern[0], str, "the pattern")), type_ == TIMESTAMP)


def _read(expressions: Expressions, call: Call, text: str, pattern: str, is_instant: bool) -> Value:
    time, zone = patterns.read(pattern, text)
    if not is_instant:
        return Value(time, TIMESTAMP_NTZ)
    if zone is None:
        return Value(instant(expressions.context, time), TIMESTAMP)
    return Value(expressions.context.macro("spark_in_zone", time, zone), TIMESTAMP)


@function("UNIX_TIMESTAMP", "TO_UNIX_TIMESTAMP", least=0, most=2)
def _unix_timestamp(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    if not values:
        time = current_timestamp(expressions, call)
    elif values[0].type == DATE or is_timestamp(values[0].type):
        time = cast(expressions.context, values[0], TIMESTAMP)
    else:
        text = implicit(expressions.context, values[0], STRING, call.name).sql
        pattern = str(constant(call, values[1], str, "the pattern")) if len(values) > 1 else "yyyy-MM-dd HH:mm:ss"
        time = _read(expressions, call, text, pattern, True)
    return Value(f"(epoch_us({time.sql}) // 1000000)", BIGINT)


@function("FROM_UNIXTIME", least=1, most=2)
def _from_unixtime(expressions: Expressions, call: Call) -> Value:
    x, *pattern = arguments(expressions, call, "ls")
    text = str(constant(call, pattern[0], str, "the pattern")) if pattern else "yyyy-MM-dd HH:mm:ss"
    time = local(expressions.context, f"make_timestamp({x.sql} * 1000000)", TIMESTAMP)
    return Value(patterns.written(text, time, expressions.context.time_zone), STRING)
