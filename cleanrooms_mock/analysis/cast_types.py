"""The types that values can be converted to."""

from __future__ import annotations

from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.rules import DOCUMENTED, rule

_D = exp.DType
_TYPES = frozenset(
    {
        _D.BIGINT,
        _D.INT,
        _D.SMALLINT,
        _D.TINYINT,
        _D.DECIMAL,
        _D.FLOAT,
        _D.DOUBLE,
        _D.BOOLEAN,
        _D.TEXT,
        _D.DATE,
        _D.TIMESTAMP,
        _D.TIMESTAMPTZ,
        _D.TIMESTAMPLTZ,
        _D.TIMESTAMPNTZ,
        _D.INTERVAL,
        _D.ARRAY,
        _D.MAP,
        _D.STRUCT,
    }
)
_NESTED = {_D.ARRAY: 1, _D.MAP: 2}
_DIGITS = 38


@rule("SQL-32", source="SQL reference: data types, CAST", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def type_exists(complaint: str, at: exp.Expr) -> NoReturn:
    """Values can be made BIGINT (LONG), INT (INTEGER), SMALLINT (SHORT), TINYINT (BYTE), DECIMAL (NUMERIC) of up to 38 digits, FLOAT (FLOAT8, DOUBLE,
    DOUBLE PRECISION), REAL (FLOAT4), BOOLEAN (BOOL), CHAR (CHARACTER), VARCHAR (CHARACTER VARYING), STRING, DATE, TIMESTAMP (TIMESTAMP_LTZ),
    TIMESTAMP_NTZ, INTERVAL, ARRAY, MAP and STRUCT. BINARY is a type of columns, but nothing is cast to it.
    """
    raise malformed(complaint, at)


def check_type(type_: exp.Expr, at: exp.Expr) -> None:
    """Refuse a type that nothing can be cast to.

    :param at: the cast.
    """
    types = [type_]
    while types:
        node = types.pop()
        if isinstance(node, exp.ColumnDef):
            node = node.args.get("kind") or node
        kind = node.this
        if isinstance(kind, exp.Interval):
            continue
        inner = node.expressions
        if not isinstance(node, exp.DataType) or kind not in _TYPES:
            type_exists(f"Nothing can be cast to the type {_name(node)}", at)
        if kind in (_D.ARRAY, _D.MAP, _D.STRUCT):
            if kind in _NESTED and len(inner) != _NESTED[kind]:
                type_exists(f"The type {kind.value} needs the types of what it holds", at)
            types.extend(inner)
        elif kind == _D.DECIMAL:
            _check_decimal(inner, at)
        elif inner and kind != _D.TEXT:
            type_exists(f"The type {kind.value} takes no length", at)


def _check_decimal(sizes: list[exp.Expr], at: exp.Expr) -> None:
    numbers = [int(size.name) if size.name.isdigit() and len(size.name) < 4 else -1 for size in sizes]
    if not (len(numbers) <= 2 and all(0 <= number <= _DIGITS for number in numbers)) or numbers[:1] == [0]:
        type_exists(f"DECIMAL has 1 to {_DIGITS} digits", at)
    if len(numbers) == 2 and numbers[1] > numbers[0]:
        type_exists("DECIMAL has no more digits behind the point than it has", at)


def _name(node: exp.Expr) -> str:
    kind = node.args.get("kind")
    if isinstance(kind, str):
        return kind[:140]
    return getattr(node.this, "value", node.key).upper()
