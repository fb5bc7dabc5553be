"""How a query of private tables is taken apart, so that noise comes between its aggregates and everything that is made of them.

Under the last SELECT comes one of the same FROM and WHERE that gives for each row who its user is, what it is grouped by and what is aggregated. The inner
statement groups that, and tells beside each aggregate what its noise depends on. The outer statement is the last SELECT again, over a table of groups with
noisy values: its list, HAVING, ORDER BY and LIMIT never see others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Protocol

from sqlglot import exp

from cleanrooms_mock.analysis.grouping import Signature, aggregates_in, keys_of, of_groups, signature
from cleanrooms_mock.analysis.names import Output, Resolution, bare, is_query
from cleanrooms_mock.analysis.noise import Aggregation
from cleanrooms_mock.analysis.private_data import PrivateData
from cleanrooms_mock.analysis.private_plan import Measure, Plan
from cleanrooms_mock.analysis.private_result import kind_of
from cleanrooms_mock.analysis.refusals import malformed

_ROWS = "rows_of_users"
_TAILS = ("group", "having", "order", "limit", "offset", "distinct", "hint", "windows")


def aggregations_of(resolution: Resolution) -> list[Aggregation]:
    """Return what a query takes from the budget for: the kind of each aggregate of its last SELECT."""
    return [measure.kind for measure in _Planner(resolution).measures]


def private(resolution: Resolution, users_noise_per_query: int) -> Plan:
    """Return how to carry out a query that has passed the checks of differential privacy."""
    planner = _Planner(resolution)
    return Plan(
        planner.inner(),
        planner.outer(),
        planner.name,
        planner.measures,
        planner.key_names,
        users_noise_per_query,
    )


class _Replace(Protocol):
    def __call__(self, node: exp.Expr, *, inside: bool) -> exp.Expr | None:
        """Return what is to stand in the place of a node, ``None`` for the node itself."""


class _Planner:
    """Takes the last SELECT of a query apart."""

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution
        self._data = PrivateData(resolution)
        (self._select,) = resolution.final.selects
        self._final = self._select.node
        group = self._final.args.get("group")
        keys = {signature(resolution, key): key for key in keys_of(resolution, self._select, group)}
        #: What is grouped by, under the signatures by which they are known again.
        self._keys = {at: (f"key_{number}", key) for number, (at, key) in enumerate(keys.items())}
        self._measures = self._found_measures()
        self._kinds = {type(key) for _, key in self._keys.values()} | {
            type(measure.node) for measure in self._measures.values()
        }

    def _found_measures(self) -> dict[Signature, Measure]:
        found: dict[Signature, Measure] = {}
        for part in of_groups(self._select):
            for aggregate in aggregates_in(part):
                at = signature(self._resolution, aggregate)
                kind = kind_of(aggregate)
                if at not in found and kind is not None:
                    found[at] = Measure(aggregate, f"aggregate_{len(found)}", kind, self._counts_users(aggregate))
        return found

    def _counts_users(self, aggregate: exp.Expr) -> bool:
        distinct = aggregate.this
        if not isinstance(aggregate, exp.Count) or not isinstance(distinct, exp.Distinct):
            return False
        return len(distinct.expressions) == 1 and self._data.is_identifier(distinct.expressions[0])

    @property
    def measures(self) -> list[Measure]:
        return list(self._measures.values())

    @property
    def key_names(self) -> list[str]:
        return [name for name, _ in self._keys.values()]

    @cached_property
    def name(self) -> str:
        parsed = self._resolution.parsed
        taken = {*self._resolution.tables, *parsed.cached, *(query.name for query in self._resolution.queries)}
        return next(name for number in count() if (name := f"noisy_groups{number or ''}") not in taken)

    # The inner statement

    def inner(self) -> exp.Expr:
        rows: dict[str, exp.Expr] = {name: self._expanded(key) for name, key in self._keys.values()}
        items: list[exp.Expr] = [exp.column(name, _ROWS).as_(name) for name in rows]
        for measure in self.measures:
            aggregate, arguments = self._over_rows(measure)
            rows |= arguments
            items.append(aggregate.as_(measure.name))
            items += [part.as_(f"{measure.name}_{name}") for name, part in _beside(measure, arguments).items()]
        rows |= self._of_users()
        items += [exp.Max(this=exp.column(name, _ROWS)).as_(name) for name in ("most_rows", "most_groups")]

        source = self._resolution.parsed.statement.copy()
        select = source
        while isinstance(select, exp.Subquery):
            _without(select, _TAILS)
            select = select.this
        _without(select, _TAILS)
        select.set("expressions", [expression.as_(name) for name, expression in rows.items()])
        if isinstance(source, exp.Subquery):
            source.set("alias", exp.TableAlias(this=exp.to_identifier(_ROWS)))
        else:
            source = exp.Subquery(this=source, alias=exp.TableAlias(this=exp.to_identifier(_ROWS)))
        inner = exp.Select(expressions=items).from_(source, copy=False)
        if self._keys:
            inner.set("group", exp.Group(expressions=[exp.column(name, _ROWS) for name in self.key_names]))
        return inner

    def _over_rows(self, measure: Measure) -> tuple[exp.Expr, dict[str, exp.Expr]]:
        """Return an aggregate whose arguments are columns of the rows, and these columns."""
        columns: dict[str, exp.Expr] = {}
        node = measure.node.copy()
        originals = list(_arguments(measure.node))
        for number, (original, twin) in enumerate(zip(originals, list(_arguments(node)), strict=True)):
            if isinstance(original, exp.Star):
                continue
            name = f"{measure.name}_{number}"
            columns[name] = self._expanded(original)
            twin.replace(exp.column(name, _ROWS))
        return node, columns

    def _of_users(self) -> dict[str, exp.Expr]:
        """Return how many rows the user of a row has, and the number of the row's group among the user's own."""
        identifiers = list(self._data.identifiers(self._select))
        user: exp.Expr = identifiers[0]
        if len(identifiers) > 1:
            user = exp.Coalesce(this=user, expressions=identifiers[1:])
        most_rows: exp.Expr = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[user.copy()])
        most_groups: exp.Expr = exp.Literal.number(1)
        if self._keys and any(measure.counts_users for measure in self.measures):
            order = exp.Order(expressions=[exp.Ordered(this=self._expanded(key)) for _, key in self._keys.values()])
            most_groups = exp.Window(this=exp.DenseRank(), partition_by=[user.copy()], order=order)
        return {
            name: exp.Case(ifs=[exp.If(this=user.copy().is_(exp.null()).not_(), true=number)])
            for name, number in (("most_rows", most_rows), ("most_groups", most_groups))
        }

    def _expanded(self, node: exp.Expr) -> exp.Expr:
        """Return a copy of an expression, with what aliases of the list stand for in their places."""
        return _replaced(node, self._alias_meant)

    def _alias_meant(self, node: exp.Expr, *, inside: bool) -> exp.Expr | None:
        output = self._alias(node)
        return None if output is None or output.item is None else exp.paren(self._expanded(output.item.unalias()))

    def _alias(self, node: exp.Expr) -> Output | None:
        """Return the column of the last SELECT that a column refers to by its alias, ``None`` if it refers to something else."""
        if not isinstance(node, exp.Column) or id(node) not in self._resolution.references:
            return None
        output = self._resolution.reference(node).outputs[0]
        return output if any(output is own for own in self._select.outputs) else None

    # The outer statement

    def outer(self) -> exp.Expr:
        statement = self._resolution.parsed.statement.copy()
        select = bare(statement)
        items = [self._over_groups(item) for item in self._final.expressions]
        for number, item in enumerate(self._final.expressions):
            if isinstance(item, exp.Column):
                items[number] = items[number].as_(item.name, quoted=True)
        _without(select, ("joins", "laterals", "where", "group", "having", "hint"))
        select.set("expressions", items)
        select.set("from_", exp.From(this=exp.to_table(self.name)))
        having, order = self._final.args.get("having"), self._final.args.get("order")
        if having is not None:
            select.set("where", exp.Where(this=self._over_groups(having.this)))
        if order is not None:
            keys = [
                # The engine finds an alias that stands alone in the list, where it must look for it after DISTINCT.
                key.copy() if self._alias(key.this) is not None else self._over_groups(key)
                for key in order.expressions
            ]
            select.set("order", exp.Order(expressions=keys))
        self._drop_unused_ctes(statement)
        return statement

    def _over_groups(self, node: exp.Expr) -> exp.Expr:
        return _replaced(node, self._group_meant)

    def _group_meant(self, node: exp.Expr, *, inside: bool) -> exp.Expr | None:
        """Return the column of the noisy groups that an expression of the last SELECT is.

        :param inside: whether it is in a subquery, where columns alone may be of the last SELECT.
        """
        if isinstance(node, exp.Column):
            output = self._alias(node)
            if output is not None and output.item is not None:
                return exp.paren(self._over_groups(output.item.unalias()))
            reference = self._resolution.references.get(id(node))
            if reference is None or reference.select is not self._select:
                return None
        elif inside or type(node) not in self._kinds:
            return None
        at = signature(self._resolution, node)
        if at in self._measures:
            return exp.column(self._measures[at].name, self.name)
        if at in self._keys:
            return exp.column(self._keys[at][0], self.name)
        if isinstance(node, exp.Column):
            raise malformed(f"Column(s) [{node.sql()}] must appear in group by clause", node, column=node.name)
        return None

    def _drop_unused_ctes(self, statement: exp.Expr) -> None:
        """Leave out a WITH that nothing reads, so that no engine goes through private tables again."""
        withs = list(statement.find_all(exp.With))
        inside = {id(table) for with_ in withs for table in with_.find_all(exp.Table)}
        read = {table.name.lower() for table in statement.find_all(exp.Table) if id(table) not in inside}
        if not read - {self.name}:
            for with_ in withs:
                with_.pop()


def _beside(measure: Measure, arguments: Mapping[str, exp.Expr]) -> dict[str, exp.Expr]:
    """Return what stands beside an aggregate for its noise."""
    if not measure.has_bounds:
        return {}
    number = exp.cast(exp.column(next(iter(arguments)), _ROWS), "double")
    parts: dict[str, exp.Expr] = {"low": exp.Min(this=number), "high": exp.Max(this=number.copy())}
    if measure.kind in ("AVG", "STDDEV"):
        parts |= {"count": exp.Count(this=number.copy()), "total": exp.Sum(this=number.copy())}
    if measure.kind == "STDDEV":
        parts["squares"] = exp.Sum(this=exp.Mul(this=number.copy(), expression=number.copy()))
    return parts


def _arguments(aggregate: exp.Expr) -> list[exp.Expr]:
    this = aggregate.this
    return [*(this.expressions if isinstance(this, exp.Distinct) else [this]), *aggregate.expressions]


def _without(node: exp.Expr, parts: Sequence[str]) -> None:
    for part in parts:
        node.args.pop(part, None)


def _replaced(node: exp.Expr, replace: _Replace) -> exp.Expr:
    """Return a copy of an expression in which ``replace``, asked about each of its nodes from the outside, has put others."""
    copy = node.copy()
    steps = [(node, copy, False)]
    while steps:
        original, twin, inside = steps.pop()
        new = replace(original, inside=inside)
        if new is None:
            inside = inside or is_query(original)
            children = zip(original.iter_expressions(), list(twin.iter_expressions()), strict=True)
            steps.extend((child, other, inside) for child, other in children)
        elif twin is copy:
            return new
        else:
            twin.replace(new)
    return copy
