"""What a query's rows are sorted and cut by: ORDER BY, LIMIT and OFFSET."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import INT
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def is_modified(node: exp.Expr) -> bool:
    """Whether a query has ORDER BY, LIMIT, OFFSET or WITH."""
    return any(node.args.get(clause) is not None for clause in ("order", "limit", "offset", "with_"))


def tail(node: exp.Expr, expressions: Expressions, width: int, selected: Mapping[str, int]) -> str:
    """Return ORDER BY, LIMIT and OFFSET, with a blank before them if there is any.

    :param width: the number of selected columns.
    :param selected: the number of each by its text.
    """
    parts = []
    order = node.args.get("order")
    if order is not None:
        parts.append(f"ORDER BY {', '.join(_ordered(one, expressions, width, selected) for one in order.expressions)}")
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is not None and limit.expression.name.upper() != "ALL":
        parts.append(f"LIMIT {_number(limit.expression, expressions)}")
    if offset is not None:
        parts.append(f"OFFSET {_number(offset.expression, expressions)}")
    return f" {' '.join(parts)}" if parts else ""


def _ordered(node: exp.Expr, expressions: Expressions, width: int, selected: Mapping[str, int]) -> str:
    inner = node.this if isinstance(node, exp.Ordered) else node
    place = ordinal(inner, width)
    if place is not None:
        text = str(place)
    else:
        sql = expressions.whole(inner).sql
        text = str(selected[sql]) if sql in selected else sql
    return text + direction(node)


def _number(node: exp.Expr, expressions: Expressions) -> str:
    value = expressions(node)
    if value.type != INT:
        raise malformed("The query is invalid: LIMIT and OFFSET take an integer", node)
    return value.sql


def ordinal(node: exp.Expr, width: int) -> int | None:
    """Return the number of the selected column that a literal of ORDER BY or GROUP BY stands for, ``None`` for anything else.

    :param width: how many columns are selected.
    :raises Refusal: if there is none of that number.
    """
    if not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit():
        return None
    number = int(node.name)
    if not 1 <= number <= width:
        raise malformed(f"The query is invalid: there is no selected column {number}", node)
    return number


def direction(node: exp.Expr) -> str:
    """Return in which order to sort, and where NULL goes: first in ascending order unless the text says otherwise."""
    descending = bool(node.args.get("desc")) if isinstance(node, exp.Ordered) else False
    first = node.args.get("nulls_first") if isinstance(node, exp.Ordered) else True
    return f"{' DESC' if descending else ' ASC'} NULLS {'FIRST' if first else 'LAST'}"
