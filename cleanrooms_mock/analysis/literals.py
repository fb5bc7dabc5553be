"""Literals: what may stand in quotes behind DATE, TIMESTAMP and INTERVAL."""

from __future__ import annotations

from math import isinf
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.dates import is_special, is_unit, read_date, read_interval, read_timestamp, shown, written
from cleanrooms_mock.analysis.functions import DATE_FUNCTIONS
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.rules import DOCUMENTED, rule

_DIGITS = 38
_WITH_FORMAT = {"TO_DATE", "TO_TIMESTAMP"}


@rule("SQL-31", source="SQL reference: literals", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def literal_is_a_value(complaint: str, at: exp.Expr) -> NoReturn:
    """Literals are whole numbers, decimals, numbers with an exponent, strings in single quotes (two make one), TRUE, FALSE, NULL, DATE '…', TIMESTAMP '…'
    and INTERVAL. Dates and times may be written in more ways than Spark's, such as 12-31-2008, 31-Jan-2000 or 2008.366, and as 'now', 'today',
    'tomorrow' and 'yesterday'; intervals as '1w, 1h' and '0.5 days'. One of months has no smaller units.
    """
    raise malformed(complaint, at)


def is_whole_interval(node: exp.Expr) -> bool:
    """Whether an INTERVAL has its unit inside the string, as ``INTERVAL '1 day'``, not behind it."""
    return "in_one" in node.meta


def check_number(node: exp.Expr) -> None:
    """Refuse a number that none of the types can hold."""
    text = node.args["this"]
    if "e" in text or "E" in text:
        if isinf(float(text)):
            literal_is_a_value(f"{text[:100]} is larger than any number can be", node)
    elif len(text) > _DIGITS and len(text.replace(".", "")) > _DIGITS:
        literal_is_a_value(f"{text[:20]}… has more than {_DIGITS} digits", node)


def check_typed_literal(node: exp.Expr) -> None:
    """Put the string of a DATE or TIMESTAMP literal into Spark's form, or refuse it."""
    string = node.this
    if not isinstance(string, exp.Literal) or not string.is_string:
        return
    kind = node.args["to"].this
    try:
        if kind == exp.DType.DATE:
            string.set("this", read_date(string.this).isoformat())
        else:
            string.set("this", written(read_timestamp(string.this)))
    except ValueError:
        name = "DATE" if kind == exp.DType.DATE else "TIMESTAMP"
        literal_is_a_value(f"{name} '{string.this[:100]}' is no {name.lower()}", string)


def read_dates(name: str, node: exp.Expr) -> None:
    """Put the strings that a function of dates gets into Spark's form, where they are dates or times in another.

    :param name: with which the function is called.
    """
    if name not in DATE_FUNCTIONS or (name in _WITH_FORMAT and node.meta.get("arguments") == 2):
        return
    for part in list(node.iter_expressions()):
        string = part.this if isinstance(part, exp.TsOrDsToDate | exp.Cast) else part
        if not isinstance(string, exp.Literal) or not string.is_string or not string.this[:1].isalnum():
            continue
        text = string.this
        if text[:4].isdigit() and text[4:5] == "-" and not text[5:6].isalpha():
            continue
        if len(text) < 6 and not is_special(text):
            continue
        try:
            string.set("this", written(read_timestamp(text)))
        except ValueError:
            continue


def check_interval(node: exp.Interval) -> None:
    """Put an INTERVAL literal into one number and one unit: months, days or seconds; or refuse it."""
    value, unit = node.this, node.args.get("unit")
    negative = False
    while isinstance(value, exp.Neg | exp.Paren):
        negative ^= isinstance(value, exp.Neg)
        value = value.this
    if not isinstance(value, exp.Literal):
        literal_is_a_value("INTERVAL takes a literal", node)
    last = None
    if isinstance(unit, exp.IntervalSpan):
        unit, last = unit.this, unit.expression.name
    name = None if unit is None else (unit.name if isinstance(unit, exp.Var) else unit.key).upper()
    if name is not None and not is_unit(name):
        literal_is_a_value(f"{name[:40]} is no unit of time", node)
    try:
        interval = read_interval(("-" if negative else "") + value.this, name, last)
    except (ValueError, ArithmeticError):
        literal_is_a_value(f"INTERVAL '{value.this[:100]}' is no interval", node)
    number, of = shown(interval)
    node.set("this", exp.Literal.string(number))
    node.set("unit", exp.Var(this=of))
