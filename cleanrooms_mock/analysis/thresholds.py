"""How many identities a row of a result must stand for, and what may be aggregated under such a minimum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from cleanrooms_mock.analysis.called_functions import without_modifiers
from cleanrooms_mock.analysis.lineage import TablesBehind, behind, made_of
from cleanrooms_mock.analysis.names import Output, Resolution, Select, expression, is_query
from cleanrooms_mock.analysis.narrow_sql import thresholds
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

behaviour(
    "CUS-40",
    "Every row of a result stands for at least `minimumIdentityCount` distinct values of the identity column of each table with a minimum aggregation "
    "threshold; a row that doesn't is left out, and nothing says so. NULL is no identity. A table that stands in FROM twice must reach its minimum each time. "
    "What an inner query has aggregated stands for all identities of its rows, and what a subquery in an expression gives must reach the minimum itself, "
    "unless it filters the very table. Exempt is a SELECT of nothing but COUNT, COUNT DISTINCT and APPROX_COUNT_DISTINCT over one table, without grouping, "
    "HAVING, join or subquery.",
    source="user guide: minimum aggregation thresholds, considerations and limitations; that NULL doesn't count, tables that stand twice, inner aggregates "
    "and subqueries are inferred",
    status=DOCUMENTED,
)
behaviour(
    "CUS-41",
    "`outputColumnThresholds` give a column a minimum of its own, 0 for none. Of the columns of a table that are in a row the largest minimum holds; what "
    "counts the rows of a table, as COUNT(*) does, and a row with none of its columns has the table's.",
    source="user guide: minimum aggregation thresholds; that the largest holds is inferred",
    status=DOCUMENTED,
)
behaviour(
    "CUS-42",
    "A row that isn't aggregated stands for one identity, so that a SELECT of rows gives none, unless all of its columns are exempt. DISTINCT and UNION "
    "aggregate equal rows; a window function doesn't aggregate.",
    source="inferred: user guide, minimum aggregation thresholds",
    status=INFERRED,
)
behaviour(
    "CUS-44",
    "With `allowedAggregateExpressionType` ANY_EXPRESSION, aggregates and window functions take any expression.",
    source="API reference AggregationThreshold",
    status=DOCUMENTED,
)


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """The minimum of one table.

    :ivar identity: the column in lower case whose distinct values count.
    :ivar overrides: the minimum of each column that has one of its own, by name in lower case.
    :ivar columns_only: whether aggregates and window functions take columns and constants alone.
    """

    table: Table
    identity: str
    minimum: int
    overrides: Mapping[str, int]
    columns_only: bool

    def of(self, column: str) -> int:
        """Return the minimum for a column."""
        return self.overrides.get(column, self.minimum)


def threshold_of(table: Table) -> Threshold | None:
    """Return the minimum of a table, ``None`` if it has none."""
    for said in thresholds(table):
        overrides = {
            one["output_column_name"].lower(): int(one["minimum_identity_count"])
            for one in said.get("output_column_thresholds") or ()
        }
        kind = said.get("allowed_aggregate_expression_type", "COLUMNS_ONLY")
        identity = said["identity_columns"][0].lower()
        return Threshold(table, identity, int(said["minimum_identity_count"]), overrides, kind == "COLUMNS_ONLY")
    return None


class Minimums:
    """How many identities the rows of the SELECTs of a query must stand for."""

    def __init__(self, resolution: Resolution) -> None:
        self.tables = TablesBehind(resolution)
        self._resolution = resolution
        self._selects = {id(item): select for select in resolution.selects() for item in select.node.expressions}

    def of(self, select: Select, threshold: Threshold) -> int:
        """Return the minimum for the rows of a SELECT that has the threshold's table behind it; 0 if there is none."""
        found: set[int] = set()
        for output in select.outputs:
            found |= set(self._of_output(output, threshold))
        return max(found, default=threshold.minimum)

    def _of_output(self, output: Output, threshold: Threshold) -> Iterator[int]:
        steps: list[Output | tuple[exp.Expr, Select | None]] = [output]
        seen: set[int] = set()
        while steps:
            step = steps.pop()
            if isinstance(step, Output):
                for one in behind(step):
                    if id(one) in seen:
                        continue
                    seen.add(id(one))
                    if one.item is None or one.base is not None:
                        bases = one.origins if one.base is None else (one.base,)
                        yield from (threshold.of(base.column) for base in bases if base.table is threshold.table)
                    else:
                        steps.append((one.item, self._selects.get(id(one.item))))
                continue
            item, select = step
            for part in expression(item):
                if id(part) in self._resolution.references:
                    steps += self._resolution.references[id(part)].outputs
                elif is_query(part):
                    steps += self._resolution.query_of(part).outputs
                elif select is not None and self._counts_rows(part, select, threshold):
                    yield threshold.minimum

    def _counts_rows(self, part: exp.Expr, select: Select, threshold: Threshold) -> bool:
        """Whether a part of an expression tells of the rows of a table though it names no column of it."""
        if not isinstance(part, exp.AggFunc | exp.Window):
            return False
        if not any(table is threshold.table for table in self.tables.select(select)):
            return False
        function = part.this if isinstance(part, exp.Window) else part
        return not isinstance(function, exp.Expr) or not any(
            base.table is threshold.table for base in made_of(self._resolution, function)
        )


def only_counts(select: Select) -> bool:
    """Whether a SELECT does nothing but count the rows or values of one table, so that no minimum holds for it."""
    node = select.node
    if len(select.relations) != 1 or select.relations[0].table is None or select.subqueries:
        return False
    if any(node.args.get(part) is not None for part in ("group", "having", "distinct")):
        return False
    return all(isinstance(item.unalias().unnest(), exp.Count | exp.ApproxDistinct) for item in node.expressions)


@rule("CUS-43", source="API reference AggregationThreshold", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def aggregates_take_columns(resolution: Resolution) -> None:
    """With `allowedAggregateExpressionType` COLUMNS_ONLY, aggregates and window functions take a column as it is in its table, an aggregate that a CTE or
    subquery has made, or a constant: no expression, neither in their brackets nor in the CTE or subquery that gives the column; nor do they have a FILTER.
    """
    narrow = {
        id(table)
        for table in resolution.base_tables()
        if (threshold := threshold_of(table)) is not None and threshold.columns_only
    }
    for statement in resolution.parsed.trees if narrow else ():
        for node in statement.walk(bfs=False):
            for argument in _arguments(node):
                for made in _transformations(resolution, argument):
                    for base in sorted(made_of(resolution, made), key=lambda base: (base.table.name, base.column)):
                        if id(base.table) in narrow:
                            raise malformed(
                                f"Column(s) [{base.table.name}.{base.column}] is not allowed in an expression inside an aggregate or window function",
                                argument,
                                table=base.table.name,
                                column=base.column,
                            )


def _arguments(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what an aggregate or window function takes; with a FILTER, all of it."""
    if isinstance(node, exp.Filter):
        yield node
    if isinstance(node, exp.WithinGroup):
        yield from (key.this for key in node.expression.expressions)
    function = without_modifiers(node.this if isinstance(node, exp.Window) else node)
    if not (isinstance(function, exp.AggFunc) or (function is not node and isinstance(function, exp.Func))):
        return
    steps: list[exp.Expr] = list(function.iter_expressions())
    while steps:
        step = steps.pop(0)
        if isinstance(step, exp.Distinct):
            steps += step.expressions
        elif isinstance(step, exp.Order):
            # `COLLECT_LIST(x ORDER BY y)` takes x.
            steps += [part for part in (step.this,) if isinstance(part, exp.Expr)]
        else:
            yield step


def _transformations(resolution: Resolution, argument: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the expressions that stand between an argument and the columns of tables."""
    steps, seen = [argument], set[int]()
    while steps:
        step = steps.pop().unalias().unnest()
        if id(step) in resolution.references:
            for output in _all_behind(resolution.references[id(step)].outputs):
                if output.base is None and output.item is not None and id(output) not in seen:
                    seen.add(id(output))
                    steps.append(output.item)
        elif not isinstance(step, exp.AggFunc | exp.Window | exp.Star):
            yield step


def _all_behind(outputs: Iterable[Output]) -> Iterator[Output]:
    for output in outputs:
        yield from behind(output)
