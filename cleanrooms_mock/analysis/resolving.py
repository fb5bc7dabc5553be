"""Finding out what the names in a query mean: every column found in its table, and what every column of the result is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.clauses import queries_can_be_combined
from cleanrooms_mock.analysis.hints import PARTITIONING_HINTS, hint_takes, hints_of
from cleanrooms_mock.analysis.names import (
    Base,
    Clause,
    Merge,
    Output,
    Query,
    Reference,
    Relation,
    Resolution,
    Role,
    Select,
    bare,
    expression,
    is_query,
)
from cleanrooms_mock.analysis.naming import (
    query_reads_a_table,
    refuse_ambiguous_column,
    refuse_correlation,
    refuse_name_behind_alias,
    refuse_qualified_name,
    refuse_unknown_column,
    refuse_unknown_table,
    with_is_plain,
)
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Table


def resolve(parsed: ParsedQuery, tables: Mapping[str, Table]) -> Resolution:
    """Find what every name in a query means.

    :param tables: those that it may name, by their names in lower case.
    :raises Refusal: for a name that means nothing, or more than one thing.
    """
    resolution = Resolution(parsed, tables)
    resolver = _Resolver(resolution)
    for name, cached in parsed.cached.items():
        resolver.cached[name] = resolver.query(cached, "cached", {}, name=name)
    resolution.final = resolver.query(parsed.statement, "final", {})
    query_reads_a_table(resolution.base_tables(), parsed.statement)
    return resolution


class _Resolver:
    """Goes through the queries of one text, from the innermost outwards."""

    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution
        self.cached: dict[str, Query] = {}
        self._with_depth = 0

    def query(
        self, node: exp.Expr, role: Role, ctes: Mapping[str, Query], *, name: str = "", outer: Select | None = None
    ) -> Query:
        """Resolve a query.

        :param ctes: what WITH has named around it.
        """
        inner = bare(node)
        query = Query(inner, role, name, outer)
        wrappers = []
        while node is not inner:
            wrappers.append(node)
            node = node.this
        for wrapper in wrappers:
            ctes = self._with(wrapper, ctes, role)
        ctes = self._with(inner, ctes, role)
        self._body(inner, query, ctes)
        for wrapper in reversed(wrappers):
            self._tail(wrapper, query, ctes)
        self.resolution.by_node[id(inner)] = query
        self.resolution.queries.append(query)
        return query

    def _with(self, node: exp.Expr, ctes: Mapping[str, Query], role: Role) -> Mapping[str, Query]:
        with_ = node.args.get("with_")
        if with_ is None:
            return ctes
        with_is_plain(with_, inside=self._with_depth > 0)
        named = dict(ctes)
        for cte in with_.expressions:
            self._with_depth += 1
            name = cte.alias.lower()
            made = self.query(cte.this, "cte", named, name=name)
            self._with_depth -= 1
            made.outputs = _renamed(made.outputs, cte.args.get("alias"))
            named[name] = made
        return named

    def _body(self, node: exp.Expr, query: Query, ctes: Mapping[str, Query]) -> None:
        if isinstance(node, exp.Select):
            select = Select(node, query)
            query.selects.append(select)
            _SelectResolver(self, select, ctes).resolve()
            query.outputs = select.outputs
        elif isinstance(node, exp.SetOperation):
            self._set_operation(node, query, ctes)
            self._tail(node, query, ctes)
        elif isinstance(node, exp.Values):
            query.outputs = self._values(node, query, ctes)
        else:
            raise malformed("The query can't be read", node)

    def _set_operation(self, node: exp.SetOperation, query: Query, ctes: Mapping[str, Query]) -> None:
        operations: list[exp.SetOperation] = []
        first: exp.Expr = node
        while isinstance(first, exp.SetOperation):
            if first is not node:
                ctes = self._with(first, ctes, query.role)
            operations.append(first)
            first = first.this
        branches = [first, *(operation.expression for operation in reversed(operations))]
        outputs: list[Output] = []
        for operation, branch in zip([None, *reversed(operations)], branches, strict=True):
            other = self._branch(branch, query, ctes)
            if operation is None:
                outputs = other
                continue
            if any(operation.args.get(part) for part in ("by_name", "side", "kind", "on")):
                raise malformed(f"{operation.key.upper()} takes columns by their position alone", operation)
            _have_as_many_columns(operation, len(outputs), len(other))
            outputs = [
                Output(one.name, one.origins | two.origins, None, one.item, (one, two))
                for one, two in zip(outputs, other, strict=True)
            ]
        query.outputs = outputs

    def _branch(self, node: exp.Expr, query: Query, ctes: Mapping[str, Query]) -> list[Output]:
        if isinstance(node, exp.Select) and node.args.get("with_") is None:
            select = Select(node, query)
            query.selects.append(select)
            _SelectResolver(self, select, ctes).resolve()
            return select.outputs
        # What is in brackets may have a WITH, an ORDER BY or branches of its own.
        inner = self.query(node, query.role, ctes, name=query.name, outer=query.outer)
        query.selects.extend(inner.selects)
        query.refers_out.extend(inner.refers_out)
        self.resolution.queries.remove(inner)
        return inner.outputs

    def _values(self, node: exp.Values, query: Query, ctes: Mapping[str, Query]) -> list[Output]:
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
        select = Select(exp.Select(), query)
        for row in rows:
            for value in row:
                for part in expression(value):
                    if isinstance(part, exp.Column):
                        refuse_unknown_column(part.name, part, ())
                    elif is_query(part):
                        select.subqueries.append(("select", self.query(part, "subquery", ctes, outer=select)))
        origins = [self.resolution.origins(value) for value in rows[0]]
        for row in rows[1:]:
            _have_as_many_columns(node, len(origins), len(row))
            origins = [one | self.resolution.origins(value) for one, value in zip(origins, row, strict=True)]
        outputs = [Output(f"col{number}", one, None, node) for number, one in enumerate(origins, 1)]
        return _renamed(outputs, node.args.get("alias"))

    def _tail(self, node: exp.Expr, query: Query, ctes: Mapping[str, Query]) -> None:
        """Resolve the ORDER BY behind brackets or a set operation, where only the columns of the result are in sight."""
        order = node.args.get("order")
        if order is None:
            return
        names = {output.name: output for output in query.outputs}
        # A select of its own, since what stands here is in none of the branches.
        select = Select(exp.Select(), query, outputs=query.outputs)
        for part in expression(order):
            if isinstance(part, exp.Column):
                output = names.get(part.name.lower())
                if output is None or part.table:
                    refuse_unknown_column(part.sql(), part, ())
                self.resolution.references[id(part)] = Reference((output,), None, select)
                select.columns.append(("order", part))
            elif is_query(part):
                select.subqueries.append(("order", self.query(part, "subquery", ctes, outer=select)))


class _SelectResolver:
    """Resolves one SELECT, clause by clause, in the order in which SQL sees them."""

    def __init__(self, resolver: _Resolver, select: Select, ctes: Mapping[str, Query]) -> None:
        self._resolver = resolver
        self._resolution = resolver.resolution
        self._select = select
        self._ctes = ctes
        self._columns: dict[str, list[Reference]] = {}
        self._aliases: dict[str, Output] = {}

    def resolve(self) -> None:
        node = self._select.node
        from_ = node.args.get("from_")
        if from_ is not None:
            self._member(from_.this, None)
        for join in node.args.get("joins") or ():
            self._join(join)
        for window in node.args.get("windows") or ():
            self._expression(window, "window")
        for item in node.expressions:
            self._item(item)
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            self._expression(distinct.args["on"], "select")
        for clause in ("where", "group", "having", "order"):
            part = node.args.get(clause)
            if part is not None:
                self._expression(part, clause)
        for clause in ("limit", "offset"):
            part = node.args.get(clause)
            if part is not None:
                self._expression(part, "limit")
        self._hints()

    def _hints(self) -> None:
        given = {output.name for output in self._select.outputs}
        for hint in hints_of(self._select.node):
            for column in hint.columns if hint.name in PARTITIONING_HINTS else ():
                if hint.name != "REBALANCE":
                    if self._find(column, "where") is None:
                        hint_takes(
                            f"The hint {hint.name} names {column.sql()}, which isn't a column of the input", column
                        )
                elif column.name.lower() not in given:
                    hint_takes(f"The hint REBALANCE names {column.sql()}, which isn't a column of the output", column)

    # What is in FROM

    def _join(self, join: exp.Join) -> None:
        before = set(self._columns)
        first = len(self._select.relations)
        self._member(join.this, join)
        new = self._select.relations[first:]
        if join.args.get("method") == "NATURAL":
            shared = [name for relation in new for name in relation.outputs if name in before]
            self._merge(join, dict.fromkeys(shared), new)
        elif join.args.get("using"):
            names: dict[str, None] = {}
            for identifier in join.args["using"]:
                name = identifier.name.lower()
                if name not in before or not any(name in relation.outputs for relation in new):
                    refuse_unknown_column(name, identifier, (relation.name for relation in self._select.relations))
                names[name] = None
            self._merge(join, names, new)
        on = join.args.get("on")
        if on is not None:
            self._expression(on, "on")
        if join.kind in ("SEMI", "ANTI"):
            for relation in new:
                relation.hidden = True
            for name, found in list(self._columns.items()):
                self._columns[name] = [one for one in found if one.relation is None or not one.relation.hidden]

    def _merge(self, join: exp.Join, names: Iterable[str], new: Sequence[Relation]) -> None:
        for name in names:
            found = self._columns[name]
            if sum(1 for one in found if one.relation not in new) > 1:
                at = new[0].node
                refuse_ambiguous_column(name, at, (one.relation.name for one in found if one.relation is not None))
            left = tuple(output for one in found if one.relation not in new for output in one.outputs)
            right = tuple(output for one in found if one.relation in new for output in one.outputs)
            self._select.merges.append(Merge(join, name, left, right))
            self._columns[name] = [Reference(left + right, None, self._select)]

    def _member(self, node: exp.Expr, join: exp.Join | None) -> None:
        """Add what one member of FROM brings: a relation, or several in brackets."""
        if isinstance(node, exp.Subquery) and isinstance(bare(node), exp.Table):
            if node.alias:
                raise malformed("Joined tables in brackets can't have an alias", node)
            self._member(node.this, join)
            for inner in node.args.get("joins") or ():
                self._join(inner)
            return
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Func):
            self._add(self._table(node, join))
        elif isinstance(node, exp.Subquery):
            name = node.alias.lower()
            query = self._resolver.query(node, "derived", self._ctes, name=name)
            outputs = _renamed(query.outputs, node.args.get("alias"))
            self._add(Relation(name, node, outputs, query=query, join=join))
        elif isinstance(node, exp.Values):
            name = node.alias.lower()
            query = self._resolver.query(node, "derived", self._ctes, name=name)
            self._add(Relation(name, node, query.outputs, query=query, join=join))
        elif (opened := _unnested(node)) is not None:
            self._open(*opened, node, join)
        else:
            raise malformed(f"{node.key.upper()} can't stand in FROM", node)
        for inner in node.args.get("joins") or ():
            self._join(inner)

    def _table(self, node: exp.Table, join: exp.Join | None) -> Relation:
        own = ".".join(part.name for part in node.parts).lower()
        alias = node.alias.lower()
        query = self._ctes.get(own) if len(node.parts) == 1 else None
        query = query or self._resolver.cached.get(own)
        if query is not None:
            outputs = _renamed(query.outputs, node.args.get("alias"))
            return Relation(alias or own, node, outputs, query=query, join=join)
        table = self._resolution.tables.get(own) if len(node.parts) == 1 else None
        if table is not None:
            columns = [
                Output(name, frozenset((Base(table, name),)), Base(table, name))
                for name in map(str.lower, table.columns)
            ]
            outputs = _renamed(columns, node.args.get("alias"))
            return Relation(alias or own, node, outputs, table=table, join=join)
        if len(node.parts) > 1:
            found = self._qualified(node.parts)
            if found is not None:
                index = node.args.get("ordinality")
                index = index.name.lower() if isinstance(index, exp.Identifier) else None
                return self._opened(alias or node.parts[-1].name.lower(), found, node, join, index)
            refuse_qualified_name(own, node)
        return refuse_unknown_table(own, node)

    def _qualified(self, parts: Sequence[exp.Expr]) -> Output | None:
        """Return the column that dotted names stand for behind an alias of an earlier relation."""
        first, second, *_ = (part.name.lower() for part in parts)
        for relation in self._select.relations:
            if relation.name == first:
                return relation.column(second, parts[0])
        return None

    def _open(self, path: exp.Column, alias: str, index: str | None, node: exp.Expr, join: exp.Join | None) -> None:
        found = self._qualified(path.parts)
        if found is None:
            refuse_qualified_name(".".join(part.name for part in path.parts), path)
        self._add(self._opened(alias or path.parts[-1].name.lower(), found, node, join, index))

    def _opened(
        self, alias: str, column: Output, node: exp.Expr, join: exp.Join | None, index: str | None = None
    ) -> Relation:
        element = Output(alias, column.origins)
        position = [Output(index, frozenset())] if index else []
        return Relation(alias, node, [element, *position], join=join, opened=element)

    def _add(self, relation: Relation) -> None:
        self._select.relations.append(relation)
        for output in relation.columns:
            if output.name:
                self._columns.setdefault(output.name, []).append(Reference((output,), relation, self._select))

    # What is in expressions

    def _item(self, item: exp.Expr) -> None:
        """Resolve one item of the SELECT's list, and add what it gives."""
        unaliased = item.unalias()
        if isinstance(unaliased, exp.Star):
            self._star(unaliased, None)
            return
        if isinstance(unaliased, exp.Column) and isinstance(unaliased.this, exp.Star):
            self._star(unaliased.this, unaliased)
            return
        self._expression(item, "select")
        alias = item.alias.lower() if isinstance(item, exp.Alias) else ""
        base = None
        if isinstance(unaliased, exp.Column):
            base = self._resolution.reference(unaliased).base
        name = alias or (unaliased.name.lower() if isinstance(unaliased, exp.Column | exp.Dot) else "")
        output = Output(name, self._resolution.origins(item, self._select), base, item)
        self._select.outputs.append(output)
        if alias:
            self._aliases.setdefault(alias, output)

    def _star(self, star: exp.Star, qualified: exp.Column | None) -> None:
        merged: set[int] = set()
        relations = [relation for relation in self._select.relations if not relation.hidden]
        if qualified is not None:
            relations = [self._relation(qualified)]
        if not relations:
            raise malformed("* needs a FROM", star)
        without = self._left_out(star, relations)
        for relation in relations:
            for output in relation.columns:
                one = Reference((output,), relation, self._select)
                if qualified is None:
                    shared = [found for found in self._columns.get(output.name, ()) if found.relation is None]
                    if shared and output in shared[0].outputs:
                        one = shared[0]
                        if id(one) in merged:
                            continue
                        merged.add(id(one))
                if output not in without:
                    self._select.outputs.append(
                        Output(output.name, one.origins, one.base, qualified or star, one.outputs)
                    )

    def _left_out(self, star: exp.Star, relations: Sequence[Relation]) -> set[Output]:
        """Return the columns that a ``* EXCEPT (…)`` doesn't stand for. A field of a struct is no column, and leaves the struct in sight."""
        if any(star.args.get(part) for part in ("replace", "rename", "ilike")):
            raise malformed("* stands for columns as they are, and takes EXCEPT alone", star)
        without: set[Output] = set()
        for column in star.args.get("except_") or ():
            *qualifier, name = (part.name.lower() for part in getattr(column, "parts", (column,)))
            found = [
                output
                for relation in relations
                if not qualifier or qualifier == [relation.name]
                for output in relation.columns
                if output.name == name
            ]
            if not found:
                refuse_unknown_column(".".join((*qualifier, name)), column, (relation.name for relation in relations))
            without.update(found)
        return without

    def _expression(self, node: exp.Expr, clause: Clause) -> None:
        for part in expression(node):
            if isinstance(part, exp.Column):
                self._column(part, clause)
            elif is_query(part):
                self._subquery(part, clause)
            elif isinstance(part, exp.Star) and not isinstance(part.parent, exp.Column | exp.Count):
                # COUNT(*) counts rows; any other function takes every column in the place of its *.
                relations = [relation for relation in self._select.relations if not relation.hidden]
                outputs = tuple(output for relation in relations for output in relation.columns)
                if outputs:
                    self._resolution.references[id(part)] = Reference(outputs, None, self._select)

    def _subquery(self, node: exp.Expr, clause: Clause) -> None:
        query = self._resolver.query(node, "subquery", self._ctes, outer=self._select)
        self._select.subqueries.append((clause, query))
        if query.refers_out:
            if clause == "on":
                refuse_correlation("it stands in ON", query.refers_out[0])
            if clause == "group":
                refuse_correlation("nothing can be grouped by its result", query.refers_out[0])
            for window in query.node.find_all(exp.Window):
                refuse_correlation("it has a window function", window)
        if isinstance(node.parent, exp.In):
            _refuse_grouped_aggregates(query)

    def _column(self, column: exp.Column, clause: Clause) -> None:
        if isinstance(column.this, exp.Star):
            relation = self._relation(column)
            outputs = tuple(relation.columns)
            self._resolution.references[id(column)] = Reference(outputs, relation, self._select)
            return
        found = self._find(column, clause)
        if found is None:
            found = self._find_outside(column)
        self._resolution.references[id(column)] = found
        self._select.columns.append((clause, column))

    def _find(self, column: exp.Column, clause: Clause) -> Reference | None:
        """Return what a column of this SELECT refers to, ``None`` if it is none of its own."""
        parts = [part.name.lower() for part in column.parts]
        if len(parts) > 1:
            for relation in self._select.relations:
                if relation.name == parts[0] and not (relation.hidden and clause != "on"):
                    output = relation.column(parts[1], column)
                    if output is None:
                        refuse_unknown_column(".".join(parts[:2]), column, (relation.name,))
                    return self._whole_or_field(Reference((output,), relation, self._select), parts[2:])
        # In an aggregate a name is that of a column, as outside one it is an alias before.
        first_alias = clause in ("having", "order") and len(parts) == 1 and not _is_aggregated(column)
        alias = self._aliases.get(parts[0]) if clause in ("select", "group", "having", "order") else None
        if first_alias and alias is not None:
            return Reference((alias,), None, self._select)
        found = self._columns.get(parts[0], ())
        if len(found) > 1:
            names = (one.relation.name for one in found if one.relation is not None)
            refuse_ambiguous_column(parts[0], column, names)
        if found:
            return self._whole_or_field(found[0], parts[1:])
        if alias is not None and len(parts) == 1:
            return Reference((alias,), None, self._select)
        return None

    def _whole_or_field(self, found: Reference, fields: Sequence[str]) -> Reference:
        if not fields:
            return found
        return Reference(tuple(Output(fields[-1], one.origins) for one in found.outputs), found.relation, found.select)

    def _find_outside(self, column: exp.Column) -> Reference:
        query = self._select.query
        outer = query.outer
        if outer is not None:
            found = _in_sight(outer, column)
            if found is not None:
                query.refers_out.append(column)
                return found
            further = outer.query.outer
            while further is not None:
                if _in_sight(further, column) is not None:
                    refuse_correlation("it refers to a query further out than the one around it", column)
                further = further.query.outer
        parts = [part.name.lower() for part in column.parts]
        if len(parts) > 1:
            for relation in self._select.relations:
                if relation.table is not None and relation.table.name.lower() == parts[0] != relation.name:
                    refuse_name_behind_alias(parts[0], relation.name, column)
        names = [relation.name for relation in self._select.relations]
        return refuse_unknown_column(".".join(part.name for part in column.parts), column, names)

    def _relation(self, column: exp.Column) -> Relation:
        """Return the relation that stands before a ``.*``."""
        name = column.table.lower()
        for relation in self._select.relations:
            if relation.name == name and not relation.hidden:
                return relation
        for relation in self._select.relations:
            if relation.table is not None and relation.table.name.lower() == name != relation.name:
                refuse_name_behind_alias(name, relation.name, column)
        return refuse_unknown_column(f"{name}.*", column, (relation.name for relation in self._select.relations))


def _is_aggregated(column: exp.Column) -> bool:
    node: exp.Expr | None = column.parent
    while node is not None and not isinstance(node, exp.Select):
        if isinstance(node, exp.AggFunc):
            return True
        node = node.parent
    return False


def _in_sight(select: Select, column: exp.Column) -> Reference | None:
    """Return what a column of a subquery refers to in the SELECT around it."""
    parts = [part.name.lower() for part in column.parts]
    relations = [relation for relation in select.relations if not relation.hidden]
    if len(parts) > 1:
        for relation in relations:
            output = relation.column(parts[1], column) if relation.name == parts[0] else None
            if output is not None:
                return Reference((output,), relation, select)
    found = [relation for relation in relations if parts[0] in relation.outputs]
    if len(found) > 1 and len({relation.outputs[parts[0]] for relation in found}) > 1 and len(parts) == 1:
        refuse_ambiguous_column(parts[0], column, (relation.name for relation in found))
    if found and (output := found[0].column(parts[0], column)) is not None:
        return Reference((output,), found[0], select)
    return None


def _refuse_grouped_aggregates(query: Query) -> None:
    for select in query.selects:
        if select.node.args.get("group") is None:
            continue
        for item in select.node.expressions:
            for part in expression(item):
                if isinstance(part, exp.AggFunc) and not isinstance(part, exp.Min | exp.Max):
                    refuse_correlation("behind IN it can't aggregate and group", part)


def _unnested(node: Any) -> tuple[exp.Column, str, str | None] | None:
    """Return the column, the alias and the name of the index of what is unnested, as in ``o.lines AS l AT i``."""
    index = None
    if isinstance(node, exp.AtIndex):
        index, node = node.expression.name.lower(), node.this
    alias = ""
    if isinstance(node, exp.Alias):
        alias, node = node.alias.lower(), node.this
    return (node, alias, index) if isinstance(node, exp.Column) and len(node.parts) > 1 else None


def _renamed(outputs: list[Output], alias: exp.Expr | None) -> list[Output]:
    """Return columns under the names that an alias such as ``AS t(a, b)`` gives them."""
    names = [] if alias is None else alias.args.get("columns") or []
    if not names:
        return outputs
    if len(names) != len(outputs):
        raise malformed(f"An alias names {len(names)} columns of {len(outputs)}", alias)
    return [
        Output(name.name.lower(), output.origins, output.base, output.item, output.passes)
        for name, output in zip(names, outputs, strict=True)
    ]


def _have_as_many_columns(node: exp.Expr, first: int, other: int) -> None:
    if first != other:
        queries_can_be_combined(f"{node.key.upper()} combines queries with {first} and {other} columns", node)
