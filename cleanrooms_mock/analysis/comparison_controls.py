"""Which columns of a table with a CUSTOM rule can be compared, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.lineage import made_of
from cleanrooms_mock.analysis.names import Base, Output, Resolution, is_query
from cleanrooms_mock.analysis.narrow_sql import is_controlled, thresholds
from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.analysis.walks import put_children
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule

#: What a comparison stands between: expressions of one query, or columns that a join makes one.
Side = exp.Expr | Output
_TWO_SIDED = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Like,
    exp.ILike,
    exp.RegexpLike,
    exp.RegexpILike,
    exp.SimilarTo,
    exp.StartsWith,
    exp.EndsWith,
    exp.Contains,
    exp.ArrayContains,
    exp.ArrayRemove,
    exp.Nullif,
)
_PREDICATES = (*_TWO_SIDED, exp.Between, exp.In, exp.Is, exp.Exists)
_CONNECTIVES = (exp.And, exp.Or, exp.Not, exp.Paren)


class Comparison(NamedTuple):
    """Two sides that are compared.

    :ivar right: ``None`` if a condition is a value that is taken for true or false.
    """

    at: exp.Expr
    left: Side
    right: Side | None


def check_comparisons(resolution: Resolution) -> None:
    """Refuse a query that compares what a table of it doesn't let it compare.

    :raises Refusal: as MALFORMED_QUERY.
    """
    if not any(map(is_controlled, resolution.base_tables())):
        return
    for statement in resolution.parsed.trees:
        for comparison in comparisons(statement):
            _check(resolution, comparison)
    for select in resolution.selects():
        for merge in select.merges:
            for left in merge.left:
                for right in merge.right:
                    _check(resolution, Comparison(merge.join, left, right))


def _check(resolution: Resolution, comparison: Comparison) -> None:
    at, left, right = comparison
    one = made_of(resolution, left, value_parts)
    other = frozenset[Base]() if right is None else made_of(resolution, right, value_parts)
    for own, others in ((one, other), (other, one)):
        for base in sorted(own, key=lambda base: (base.table.name, base.column)):
            if not is_controlled(base.table):
                continue
            # Columns of two tables on one side are compared with each other too, as in `a.x - b.x = 0`.
            compared = others | {column for column in own if column.table is not base.table}
            if not others:
                literal_is_allowed(base, at)
            if compared:
                column_is_allowed(base, compared, at)


def literal_is_allowed(base: Base, at: exp.Expr) -> None:
    """Refuse the comparison of a column with a literal if its table doesn't allow it."""
    if base.column in identity_columns(base.table):
        refuse_identity(base, at)
    controls = base.table.policy.get("comparison_controls")
    if controls is not None and not _listed(base, controls.get("allowed_literal_comparison_columns")):
        refuse_comparison(base, "literal comparison", at)


def column_is_allowed(base: Base, others: Iterable[Base], at: exp.Expr) -> None:
    """Refuse the comparison of a column with others if its table doesn't allow it."""
    controls = base.table.policy.get("comparison_controls")
    if controls is None or _listed(base, controls.get("allowed_column_comparison_columns")):
        return
    if any(other.table is not base.table for other in others):
        refuse_comparison_across_tables(base, at)
    refuse_comparison(base, "column comparison", at)


def identity_columns(table: Table) -> set[str]:
    """Return the columns in lower case whose distinct values the thresholds of a table count."""
    return {str(column).lower() for threshold in thresholds(table) for column in threshold["identity_columns"]}


def _listed(base: Base, columns: Iterable[str] | None) -> bool:
    return any(base.column == column.lower() for column in columns or ())


def comparisons(statement: exp.Expr) -> Iterator[Comparison]:
    """Yield all comparisons in a statement, those of USING and NATURAL aside, in the order of the text."""
    steps = [statement]
    while steps:
        node = steps.pop()
        if isinstance(node, exp.Hint):
            continue
        yield from _sides(node)
        for condition in _conditions(node):
            for leaf in _leaves(condition):
                if not isinstance(leaf, _PREDICATES) and not is_query(leaf):
                    yield Comparison(leaf, leaf, None)
        put_children(steps, node)


def _sides(node: exp.Expr) -> Iterator[Comparison]:
    pairs: list[tuple[exp.Expr, exp.Expr]] = []
    if isinstance(node, _TWO_SIDED):
        pairs = [(node.this, node.expression)]
    elif isinstance(node, exp.Between):
        pairs = [(node.this, node.args["low"]), (node.this, node.args["high"])]
    elif isinstance(node, exp.In):
        others = [node.args.get("query"), node.args.get("unnest"), node.args.get("field")]
        pairs = [(node.this, one) for one in [*node.expressions, *others] if isinstance(one, exp.Expr)]
    elif isinstance(node, exp.Is):
        pairs = [(node.this, node.expression)]
    elif isinstance(node, exp.Case) and node.this is not None:
        pairs = [(node.this, branch.this) for branch in node.args["ifs"]]
    elif isinstance(node, exp.StrPosition):
        pairs = [(node.this, node.args["substr"])]
    elif isinstance(node, exp.ArrayIntersect):
        first, *rest = node.expressions
        pairs = [(first, one) for one in rest]
    elif isinstance(node, exp.Bracket | exp.JSONExtractScalar):
        # A key that comes from a column is looked up among those of the map, array or JSON text.
        keys = node.expressions if isinstance(node, exp.Bracket) else [node.expression]
        pairs = [(node.this, key) for key in keys if key.find(exp.Column)]
    for left, right in pairs:
        for one, other in _pairs(left, right):
            if not isinstance(one, exp.Null) and not isinstance(other, exp.Null):
                yield Comparison(node, one, other)


def _pairs(left: exp.Expr, right: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Yield what is compared with what: of two rows, column by column; of ANY and ALL, what they hold."""
    left, right = left.unnest(), right.unnest()
    if isinstance(right, exp.Any | exp.All):
        right = right.this.unnest()
        if isinstance(right, exp.Tuple) and not isinstance(left, exp.Tuple):
            for one in right.expressions:
                yield left, one
            return
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple) and len(left.expressions) == len(right.expressions):
        for one, other in zip(left.expressions, right.expressions, strict=True):
            yield from _pairs(one, other)
        return
    yield left, right


def _conditions(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the expressions below a node that are true or false to it."""
    if isinstance(node, exp.Where | exp.Having):
        yield node.this
    elif isinstance(node, exp.Join) and node.args.get("on") is not None:
        yield node.args["on"]
    elif isinstance(node, exp.If):
        if not (isinstance(node.parent, exp.Case) and node.parent.this is not None):
            yield node.this
    elif isinstance(node, exp.And | exp.Or | exp.Not):
        yield node


def _leaves(condition: exp.Expr) -> Iterator[exp.Expr]:
    steps = [condition]
    while steps:
        step = steps.pop()
        if isinstance(step, _CONNECTIVES):
            put_children(steps, step)
        else:
            yield step


def value_parts(node: exp.Expr) -> Iterable[exp.Expr]:
    """Yield the parts of an expression whose values its own value shows.

    What decides a CASE, a FILTER and a comparison are comparisons of their own; the keys of a window and the number of rows tell no value.
    """
    if isinstance(node, (*_PREDICATES, exp.Count, exp.ApproxDistinct)) and not isinstance(
        node, exp.Nullif | exp.ArrayRemove
    ):
        return ()
    if isinstance(node, exp.Case):
        branches = [branch.args["true"] for branch in node.args["ifs"]]
        return [*branches, *(part for part in (node.args.get("default"),) if part is not None)]
    if isinstance(node, exp.If):
        return [part for part in (node.args.get("true"), node.args.get("false")) if part is not None]
    if isinstance(node, exp.Filter | exp.Window):
        return [node.this]
    return node.iter_expressions()


@rule(
    "CUS-45",
    source="user guide: comparison controls; that tests for NULL are the exception is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_identity(base: Base, at: exp.Expr) -> NoReturn:
    """The identity column of a minimum aggregation threshold is never compared with a literal, with comparison controls or without. It may be tested for
    NULL.
    """
    raise _not_allowed(base, "literal comparison, since it is an identity column", at)


@rule(
    "CUS-46",
    source="user guide: comparison controls; API reference ComparisonControls; that bare keys are free is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_comparison(base: Base, kind: str, at: exp.Expr) -> NoReturn:
    """With comparison controls, only columns in `allowedLiteralComparisonColumns` are compared with literals, and only those in
    `allowedColumnComparisonColumns` with columns: in WHERE, HAVING, ON, USING, CASE and functions, in aggregates too, under any alias. An empty list allows
    none. Keys of GROUP BY, PARTITION BY and ORDER BY, what is counted, and tests for NULL compare nothing.
    """
    raise _not_allowed(base, kind, at)


@rule(
    "CUS-47",
    source="inferred: user guide, comparison controls, which are a table's own",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_comparison_across_tables(base: Base, at: exp.Expr) -> NoReturn:
    """Columns of two tables are compared only if each table with comparison controls allows its own. A table without them allows all."""
    raise _not_allowed(base, "column comparison", at)


def _not_allowed(base: Base, where: str, at: exp.Expr) -> Refusal:
    return malformed(
        f"Column(s) [{base.table.name}.{base.column}] is not allowed in {where}",
        at,
        table=base.table.name,
        column=base.column,
    )
