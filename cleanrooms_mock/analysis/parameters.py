"""Parameters of templates: literals with a name in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.dates import read_date, read_time, read_timestamp, written
from cleanrooms_mock.analysis.hints import check_hints
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule


@rule(
    "SQL-29",
    source="inferred from API reference AnalysisParameter",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def value_fits(name: str, kind: str, at: exp.Expr) -> NoReturn:
    """The value of a parameter takes its place as a literal of the parameter's type and is never read as SQL: quotes in it are data, and it needs none."""
    raise malformed(f"The value of the parameter {name} is no {kind}", at)


_WHOLE = {"TINYINT": 8, "BYTE": 8, "SMALLINT": 16, "SHORT": 16, "INTEGER": 32, "INT": 32, "BIGINT": 64, "LONG": 64}
_DECIMAL = {"DECIMAL", "NUMERIC"}
_REAL = {
    "REAL": exp.DType.FLOAT,
    "FLOAT": exp.DType.FLOAT,
    "DOUBLE": exp.DType.DOUBLE,
    "DOUBLE_PRECISION": exp.DType.DOUBLE,
}
_STRINGS = {"CHAR", "CHARACTER", "VARCHAR", "STRING"}
_BYTES = {"VARBYTE", "BINARY"}
_MOMENTS = {
    "TIMESTAMP": exp.DType.TIMESTAMPTZ,
    "TIMESTAMPTZ": exp.DType.TIMESTAMPTZ,
    "TIMESTAMP_LTZ": exp.DType.TIMESTAMPLTZ,
    "TIMESTAMP_NTZ": exp.DType.TIMESTAMPNTZ,
}
_BOOLEANS = {"true": True, "t": True, "1": True, "yes": True, "y": True} | dict.fromkeys(
    ("false", "f", "0", "no", "n"), False
)
_is_whole = re.compile(r"[+-]?[0-9]{1,20}").fullmatch
_is_decimal = re.compile(r"[+-]?(?:[0-9]{1,38}(?:\.[0-9]{0,38})?|\.[0-9]{1,38})").fullmatch
_is_real = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?").fullmatch


@rule(
    "SQL-28",
    source="user guide: analysis templates; SQL reference: hints; that free queries have none is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def parameter_is_bound(name: str, at: exp.Expr) -> NoReturn:
    """Parameters, `:name`, stand in the texts of templates only, and only where a literal may: for no name, in no hint, and one for each value in the
    list of an IN.
    """
    raise malformed(f"The query is invalid: the parameter :{name} can't stand here", at)


def bind(parsed: ParsedQuery, parameters: Mapping[str, tuple[str, str]]) -> ParsedQuery:
    """Return a query with literals in the place of its parameters.

    :param parameters: the type of each, as ``ParameterType`` names it, and its value.
    :raises Refusal: if a parameter stands where no literal may, or has no value.
    """
    if not parsed.parameters:
        return parsed
    return ParsedQuery(
        _bound(parsed.statement, parameters),
        {name: _bound(query, parameters) for name, query in parsed.cached.items()},
        parsed.tables,
        parsed.parameters,
        parsed.misnamed,
    )


def _bound(query: exp.Expr, parameters: Mapping[str, tuple[str, str]]) -> exp.Expr:
    query = query.copy()
    for placeholder in list(query.find_all(exp.Placeholder)):
        name = placeholder.this
        if isinstance(placeholder.parent, exp.Anonymous) and isinstance(placeholder.parent.parent, exp.Hint):
            check_hints(placeholder.parent.parent)
        if name not in parameters or not _may_be_a_literal(placeholder):
            parameter_is_bound(name, placeholder)
        kind, value = parameters[name]
        try:
            literal = typed_literal(kind, value)
        except ValueError:
            value_fits(name, kind, placeholder)
        parent = placeholder.parent
        if isinstance(parent, exp.Interval) or (parent is not None and "literal" in parent.meta):
            # DATE, TIMESTAMP and INTERVAL make the literal themselves, of a string.
            literal = exp.Literal.string(value)
        literal.meta.update(placeholder.meta)
        literal.meta["parameter"] = name
        placeholder.replace(literal)
    return query


def _may_be_a_literal(placeholder: exp.Expr) -> bool:
    parent, part = placeholder.parent, placeholder.arg_key
    if isinstance(parent, exp.Table | exp.TableAlias | exp.DataTypeParam | exp.DataType):
        return False
    if isinstance(parent, exp.Alias):
        return part == "this"
    if isinstance(parent, exp.In):
        return part != "field"
    return not (isinstance(parent, exp.Dot) or part == "alias")


def typed_literal(kind: str, value: str) -> exp.Expr:
    """Return the literal of a parameter.

    :param kind: its type, as ``ParameterType`` names it.
    :raises ValueError: if the value is none of that type.
    """
    text = value.strip()
    if kind in _WHOLE:
        if not _is_whole(text) or not -(2 ** (_WHOLE[kind] - 1)) <= int(text) < 2 ** (_WHOLE[kind] - 1):
            raise ValueError(value)
        return _number(str(int(text)))
    if kind in _DECIMAL:
        return _number(_decimal(text))
    if kind in _REAL:
        if not _is_real(text):
            raise ValueError(value)
        return exp.Cast(this=_number(text.lstrip("+")), to=_REAL[kind].into_expr())
    if kind == "BOOLEAN":
        if text.lower() not in _BOOLEANS:
            raise ValueError(value)
        return exp.Boolean(this=_BOOLEANS[text.lower()])
    if kind == "DATE":
        return _typed(read_date(text).isoformat(), exp.DType.DATE)
    if kind in _MOMENTS:
        return _typed(written(read_timestamp(text)), _MOMENTS[kind])
    if kind in ("TIME", "TIMETZ"):
        return exp.Literal.string(read_time(text).isoformat())
    if kind in _BYTES:
        return exp.Cast(this=exp.Literal.string(value), to=exp.DType.BINARY.into_expr())
    if kind not in _STRINGS:
        raise ValueError(kind)
    return exp.Literal.string(value)


def _number(text: str) -> exp.Expr:
    literal = exp.Literal.number(text.lstrip("-"))
    return exp.Neg(this=literal) if text.startswith("-") else literal


def _decimal(text: str) -> str:
    try:
        if not _is_decimal(text):
            raise ValueError(text)
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    return f"{number:f}"


def _typed(text: str, kind: exp.DType) -> exp.Expr:
    node = exp.Cast(this=exp.Literal.string(text), to=kind.into_expr())
    node.meta["literal"] = True
    return node
