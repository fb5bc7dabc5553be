"""Macros of DuckDB's that do what functions of Spark's do. Only those that a query calls are made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_is_macro = re.compile(r"\bspark_\w+")


def _number_text(digits: int, type_: str) -> str:
    """A number as Java writes it: with a point, and with an exponent outside of [1e-3, 1e7)."""
    return """(x) AS CASE
        WHEN isnan(x) THEN 'NaN'
        WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        WHEN x = 0 THEN CASE WHEN signbit(x) THEN '-0.0' ELSE '0.0' END
        WHEN abs(x) >= 0.001 AND abs(x) < 10000000 THEN CAST(x AS VARCHAR)
        ELSE spark_scientific(CAST(x AS VARCHAR)) END"""


_MACROS = {
    # Blanks and control characters around a value count for nothing.
    "spark_bare": r"(x) AS trim(x, e'\x01\x02\x03\x04\x05\x06\x07\b\t\n\x0b\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ')",
    "spark_whole": r"(x) AS CASE WHEN regexp_full_match(spark_bare(x), '[+-]?[0-9]+(\.[0-9]*)?') THEN regexp_extract(spark_bare(x), '^[+-]?[0-9]+')"
    r" WHEN regexp_full_match(spark_bare(x), '[+-]?\.[0-9]*') THEN '0' END",
    "spark_number": r"(x) AS CASE WHEN regexp_full_match(spark_bare(x), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') THEN spark_bare(x) END",
    "spark_double": r"""(x) AS CASE
        WHEN regexp_full_match(spark_bare(x), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?') THEN TRY_CAST(rtrim(spark_bare(x), 'dDfF') AS DOUBLE)
        WHEN regexp_full_match(lower(spark_bare(x)), '[+-]?(inf|infinity)') THEN CASE WHEN spark_bare(x)[1] = '-' THEN '-inf'::DOUBLE ELSE 'inf'::DOUBLE END
        WHEN lower(spark_bare(x)) = 'nan' THEN 'nan'::DOUBLE END""",
    "spark_boolean": "(x) AS CASE WHEN lower(spark_bare(x)) IN ('t', 'true', 'y', 'yes', '1') THEN true WHEN lower(spark_bare(x)) IN ('f', 'false', 'n', 'no', '0') THEN false END",
    "spark_double_to_long": "(x) AS CASE WHEN isnan(x) THEN 0::BIGINT WHEN x >= 9223372036854775807 THEN 9223372036854775807 WHEN x <= -9223372036854775808 THEN -9223372036854775808 ELSE CAST(trunc(x) AS BIGINT) END",
    "spark_double_to_int": "(x) AS CASE WHEN isnan(x) THEN 0::INTEGER WHEN x >= 2147483647 THEN 2147483647::INTEGER WHEN x <= -2147483648 THEN CAST(-2147483648 AS INTEGER) ELSE CAST(trunc(x) AS INTEGER) END",
    # DuckDB writes 1e+16 or 1.25e-05; Java 1.0E16 and 1.25E-5.
    "spark_mantissa": "(digits) AS CASE WHEN length(digits) = 1 THEN digits || '.0' ELSE digits[1] || '.' || digits[2:] END",
    "spark_unsigned_scientific": r"""(t) AS CASE
        WHEN contains(t, 'e') THEN
            (CASE WHEN contains(split_part(t, 'e', 1), '.') THEN split_part(t, 'e', 1) ELSE split_part(t, 'e', 1) || '.0' END)
            || 'E' || CAST(CAST(split_part(t, 'e', 2) AS INTEGER) AS VARCHAR)
        WHEN t[1:2] = '0.' THEN
            spark_mantissa(ltrim(t[3:], '0')) || 'E-' || CAST(length(t[3:]) - length(ltrim(t[3:], '0')) + 1 AS VARCHAR)
        ELSE spark_mantissa(coalesce(nullif(rtrim(replace(t, '.', ''), '0'), ''), '0')) || 'E' || CAST(length(split_part(t, '.', 1)) - 1 AS VARCHAR) END""",
    "spark_scientific": "(t) AS CASE WHEN t[1] = '-' THEN '-' || spark_unsigned_scientific(t[2:]) ELSE spark_unsigned_scientific(t) END",
    "spark_double_text": _number_text(17, "DOUBLE"),
    "spark_float_text": _number_text(9, "FLOAT"),
    # Before 1.5, DuckDB had no text of no parts.
    "spark_joined": "(parts, separator) AS CASE WHEN len(parts) = 0 AND separator IS NOT NULL THEN '' ELSE array_to_string(parts, separator) END",
    "spark_date_of": "(y, m, d) AS TRY(make_date(CAST(y AS BIGINT), CAST(coalesce(nullif(m, ''), '1') AS BIGINT), CAST(coalesce(nullif(d, ''), '1') AS BIGINT)))",
    "spark_date_parts": r"(x) AS regexp_extract(spark_bare(x), '^([+-]?[0-9]{4,7})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ].*)?)?)?$', ['y', 'm', 'd'], 's')",
    "spark_date": "(x) AS CASE WHEN x IS NULL OR spark_date_parts(x).y = '' THEN NULL ELSE spark_date_of(spark_date_parts(x).y, spark_date_parts(x).m, spark_date_parts(x).d) END",
    # The time may be missing, be there without seconds, or have up to nine digits behind them.
    "spark_time_parts": r"(x) AS regexp_extract(spark_bare(x), '^([+-]?[0-9]{4,6})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ](?:([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{0,9}))?)?)?\s*(Z|UTC|GMT|UT|(?:UTC|GMT|UT)?[+-][0-9]{1,2}(?::?[0-9]{1,2})?(?::?[0-9]{2})?|[A-Za-z]+(?:/[A-Za-z_+-]+[0-9]*)+)?)?)?)?)?$', ['y', 'm', 'd', 'h', 'i', 's', 'f', 'z'])",
    "spark_timestamp_of": "(p) AS TRY(make_timestamp(CAST(p.y AS BIGINT), CAST(coalesce(nullif(p.m, ''), '1') AS BIGINT), CAST(coalesce(nullif(p.d, ''), '1') AS BIGINT), CAST(coalesce(nullif(p.h, ''), '0') AS BIGINT), CAST(coalesce(nullif(p.i, ''), '0') AS BIGINT), CAST(coalesce(nullif(p.s, ''), '0') AS DOUBLE)) + to_microseconds(CAST(rpad(left(p.f, 6), 6, '0') AS BIGINT)))",
    "spark_timestamp_ntz": "(x) AS CASE WHEN x IS NULL OR spark_time_parts(x).y = '' THEN NULL ELSE spark_timestamp_of(spark_time_parts(x)) END",
    "spark_offset": r"(z) AS regexp_extract(z, '^(?:UTC|GMT|UT)?([+-])([0-9]{1,2})(?::?([0-9]{1,2}))?', ['sign', 'h', 'i'])",
    "spark_in_zone": r"""(t, z) AS CASE
        WHEN z IN ('UTC', 'Z', 'GMT', 'UT') THEN t
        WHEN regexp_matches(z, '^(UTC|GMT|UT)?[+-]') THEN
            t - to_minutes((CASE WHEN spark_offset(z).sign = '-' THEN -1 ELSE 1 END) * (CAST(spark_offset(z).h AS BIGINT) * 60 + CAST(coalesce(nullif(spark_offset(z).i, ''), '0') AS BIGINT)))
        ELSE TRY(timezone('UTC', timezone(z, t))) END""",
    "spark_timestamp": "(x, zone) AS CASE WHEN x IS NULL OR spark_time_parts(x).y = '' THEN NULL ELSE spark_in_zone(spark_timestamp_of(spark_time_parts(x)), coalesce(nullif(spark_time_parts(x).z, ''), zone)) END",
    "spark_timestamp_text": "(t) AS CASE WHEN epoch_us(t) % 1000000 = 0 THEN strftime(t, '%Y-%m-%d %H:%M:%S') ELSE rtrim(strftime(t, '%Y-%m-%d %H:%M:%S.%f'), '0') END",
    # A position before the first character takes from the length what is not there.
    "spark_substring": """(x, start, size) AS CASE
        WHEN x IS NULL OR start IS NULL OR size IS NULL THEN NULL
        WHEN size <= 0 THEN ''
        WHEN start > 0 THEN substring(x, start, size)
        WHEN start = 0 THEN substring(x, 1, size)
        WHEN length(x) + start >= 0 THEN substring(x, length(x) + start + 1, size)
        ELSE substring(x, 1, greatest(length(x) + start + size, 0)) END""",
    "spark_substring_bytes": "(x, start, size) AS CASE WHEN size <= 0 THEN '' WHEN start > 0 THEN substring(x, start * 2 - 1, size::BIGINT * 2) WHEN start = 0 THEN substring(x, 1, size::BIGINT * 2) ELSE substring(x, greatest(length(x) + start * 2 + 1, 1), size::BIGINT * 2) END",
    # The first of two equal characters decides, and those without a counterpart go.
    "spark_translate": "(x, old, new) AS translate(x, old, new)",
    "spark_lpad": "(x, size, pad) AS CASE WHEN x IS NULL OR size IS NULL OR pad IS NULL THEN NULL WHEN size <= 0 THEN '' WHEN pad = '' THEN left(x, size) ELSE lpad(x, size, pad) END",
    "spark_rpad": "(x, size, pad) AS CASE WHEN x IS NULL OR size IS NULL OR pad IS NULL THEN NULL WHEN size <= 0 THEN '' WHEN pad = '' THEN left(x, size) ELSE rpad(x, size, pad) END",
    "spark_left": "(x, size) AS CASE WHEN size <= 0 THEN CASE WHEN x IS NOT NULL THEN '' END ELSE left(x, size) END",
    "spark_right": "(x, size) AS CASE WHEN size <= 0 THEN CASE WHEN x IS NULL THEN NULL ELSE '' END ELSE right(x, size) END",
    "spark_repeat": "(x, times) AS repeat(x, greatest(CAST(times AS BIGINT), 0))",
    "spark_locate": "(part, x, start) AS CASE WHEN start IS NULL THEN 0 WHEN part IS NULL OR x IS NULL THEN NULL WHEN start < 1 THEN 0 WHEN part = '' THEN CASE WHEN start <= length(x) + 1 THEN start ELSE 0 END WHEN strpos(substring(x, start), part) = 0 THEN 0 ELSE strpos(substring(x, start), part) + start - 1 END",
    "spark_element": "(x, i) AS CASE WHEN i < 0 THEN NULL ELSE x[CAST(i AS BIGINT) + 1] END",
    "spark_round_double": "(x, n) AS CASE WHEN isnan(x) OR isinf(x) THEN x ELSE coalesce(TRY(CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 15)), n) AS DOUBLE)), round(x, n)) END",
    "spark_last_day": "(d) AS last_day(d)",
    "spark_week_day": "(d) AS CAST(isodow(d) AS INTEGER)",
}


def tries(sql: str) -> bool:
    """Whether a text has a TRY, by itself or in a macro that it calls."""
    if "TRY(" in sql:
        return True
    return any("TRY(" in statement for statement in definitions(set(_is_macro.findall(sql)) & _MACROS.keys()))


def definitions(names: Iterable[str]) -> Iterator[str]:
    """Yield the statements that make the macros of these names, and before each what it calls itself."""
    made: set[str] = set()

    def make(name: str) -> Iterator[str]:
        if name in made:
            return
        made.add(name)
        body = _MACROS[name]
        for other in _is_macro.findall(body):
            yield from make(other)
        yield f"CREATE TEMP MACRO {name}{body}"

    for name in sorted(names):
        yield from make(name)
