"""Functions of Spark's that DuckDB has nothing like, for values of one row."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

# Enough for the product and the quotient of two decimals of 38 digits.
_exact = decimal.Context(prec=120, rounding=ROUND_HALF_UP, Emax=9999, Emin=-9999)


def vectorised(function: Callable[..., Any], result: str) -> Callable[..., Any]:
    """Return a function of Arrow arrays that applies another to each row.

    :param result: the type of its result, as DuckDB names it.
    """
    import pyarrow as pa

    type_ = _arrow(result)

    def apply(*columns: Any) -> Any:
        return pa.array(map(function, *(column.to_pylist() for column in columns)), type_)

    return apply


def _arrow(name: str) -> Any:
    import pyarrow as pa

    import duckdb

    # DuckDB itself knows best what it takes a type of its own for.
    return duckdb.sql(f"SELECT CAST(NULL AS {name}) LIMIT 0").to_arrow_table().schema.field(0).type


def decimal_text(value: Decimal | None) -> str | None:
    """Write a decimal as Java's BigDecimal does, which both do alike."""
    return None if value is None else str(value)


def decimal_operation(operator: str, precision: int, scale: int, x: Decimal | None, y: Decimal | None) -> Decimal | None:
    """Reckon with all digits, and round once."""
    if x is None or y is None or (not y and operator in ("/", "%", "DIV")):
        return None
    if operator == "+":
        found = _exact.add(x, y)
    elif operator == "-":
        found = _exact.subtract(x, y)
    elif operator == "*":
        found = _exact.multiply(x, y)
    elif operator == "/":
        found = _exact.divide(x, y)
    elif operator == "%":
        found = _exact.remainder(x, y)
    else:
        found = _exact.divide(x, y).quantize(Decimal(1), ROUND_DOWN, _exact)
    found = found.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _exact)
    return found if len(found.as_tuple().digits) <= precision else None


