"""Which columns of a table with a CUSTOM rule can't be in a result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.names import Base, Output, Query, Resolution, expression, is_query
from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

behaviour(
    "CUS-31",
    "A column that is no output column may stand anywhere else: in ON, WHERE, HAVING, GROUP BY and ORDER BY, and in the lists of CTEs and subqueries whose "
    "columns stay out of the result.",
    source="user guide: configured table disallowed columns",
    status=DOCUMENTED,
)
behaviour(
    "CUS-32",
    "COUNT(*) counts rows and refers to no column, so that no list of columns forbids it. COUNT of a column, and of `t.*`, refers to it.",
    source="inferred from the rule for columns",
    status=INFERRED,
)


def disallowed(base: Base) -> bool:
    """Whether the rule of its table keeps a column out of results."""
    listed = base.table.policy.get("disallowed_output_columns") or ()
    return any(base.column.lower() == column.lower() for column in listed)


def check_outputs(resolution: Resolution) -> None:
    """Refuse a query whose result, or a cached table of which, has a disallowed column in it.

    :raises Refusal: as MALFORMED_QUERY, naming all such columns.
    """
    for query in resolution.queries:
        if query.role == "cached":
            found = _columns(query.outputs)
            if found:
                refuse_in_cached_table(query, found)
    kept_out = _columns(resolution.final.outputs)
    if not kept_out:
        return
    origin = next(output for output in resolution.final.outputs if not output.origins.isdisjoint(kept_out))
    if _is_join_column(resolution, origin):
        refuse_join_column(origin, kept_out)
    if _comes_from_subquery(resolution, origin):
        refuse_in_subquery(origin, kept_out)
    refuse_in_result(origin, kept_out)


def _columns(outputs: Iterable[Output]) -> dict[Base, None]:
    """Return the disallowed columns that any of some columns is made of, in the order of those."""
    found: dict[Base, None] = {}
    for output in outputs:
        found.update(dict.fromkeys(sorted(filter(disallowed, output.origins), key=lambda base: base.column)))
    return found


def _is_join_column(resolution: Resolution, output: Output) -> bool:
    """Whether a column of the result is one that the SELECT itself joins by."""
    if output.base is None:
        return False
    return any(
        clause == "on" and resolution.reference(column).base == output.base
        for select in resolution.final.selects
        if output in select.outputs
        for clause, column in select.columns
    )


def _comes_from_subquery(resolution: Resolution, output: Output) -> bool:
    if output.item is None:
        return False
    own: set[Base] = set()
    for part in expression(output.item):
        if id(part) in resolution.references:
            own |= resolution.references[id(part)].origins
    return not any(map(disallowed, own)) and any(map(is_query, expression(output.item)))


def _not_allowed(columns: Iterable[Base], where: str, at: exp.Expr | None) -> Refusal:
    found: Sequence[Base] = list(dict.fromkeys(columns))
    names = ", ".join(dict.fromkeys(base.column for base in found))
    return malformed(
        f"Column(s) [{names}] is not allowed in {where}", at, table=found[0].table.name, column=found[0].column
    )


@rule(
    "CUS-30",
    source="user guide: disallowed output columns, configured table disallowed columns",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_in_result(output: Output, columns: Iterable[Base]) -> NoReturn:
    """No column of the result is made of one in `disallowedOutputColumns`: neither as it is nor under an alias, through `*`, an expression, a function, an
    aggregate, a CASE, the keys of a window, a CTE, a subquery or a branch of a set operation.
    """
    raise _not_allowed(columns, "select", output.item)


@rule(
    "CUS-33",
    source="user guide: configured table disallowed columns, whose rule is taken against its own example",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_join_column(output: Output, columns: Iterable[Base]) -> NoReturn:
    """A disallowed column that the query joins by isn't an output column either. The equal column of the other table may be, if its own rule allows it."""
    raise _not_allowed(columns, "select", output.item)


@rule(
    "CUS-34",
    source="user guide: configured table disallowed columns",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_in_cached_table(query: Query, columns: Iterable[Base]) -> NoReturn:
    """The SELECT of a CACHE TABLE has no column that is made of a disallowed one, even if the result has none. A CTE may."""
    at = next(output.item for output in query.outputs if not output.origins.isdisjoint(columns))
    raise _not_allowed(columns, f"the select of cached table {query.name}", at)


@rule(
    "CUS-35",
    source="inferred: user guide, disallowed output columns",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_in_subquery(output: Output, columns: Iterable[Base]) -> NoReturn:
    """A subquery in the list of the SELECT gives nothing that is made of a disallowed column, nor depends on one of the row around it. In WHERE, behind
    EXISTS and IN, a subquery may read such columns.
    """
    raise _not_allowed(columns, "select", output.item)
