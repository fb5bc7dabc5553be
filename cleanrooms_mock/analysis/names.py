"""What the names in a query mean, as :func:`cleanrooms_mock.analysis.resolving.resolve` finds it out.

The tree isn't changed. What is found out about a node is kept beside it, so that rules can still look at the query as it was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeGuard

from sqlglot import exp

from cleanrooms_mock.analysis.naming import refuse_ambiguous_column
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.analysis.walks import put_children

Role = Literal["final", "cached", "cte", "derived", "subquery"]
#: Where in a SELECT an expression stands.
Clause = Literal["select", "from", "on", "where", "group", "having", "order", "window", "limit"]
_QUERIES = (exp.Select, exp.SetOperation)


class Base(NamedTuple):
    """A column of a table of the collaboration."""

    table: Table
    column: str


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A column that a relation or query gives.

    :ivar name: in lower case; empty if an expression has no alias.
    :ivar origins: the columns that its values are made of.
    :ivar base: the column that it is, if it is one and unchanged.
    :ivar item: its expression in the list of the SELECT, which a ``*`` stands for more than one of; ``None`` for a table's own column.
    :ivar passes: the columns that it passes on as they are: those that a ``*`` stands for, and those of the branches of a set operation.
    """

    name: str
    origins: frozenset[Base]
    base: Base | None = None
    item: exp.Expr | None = None
    passes: tuple[Output, ...] = ()


@dataclass(slots=True, eq=False)
class Relation:
    """One member of a FROM.

    :ivar name: what qualifies its columns, in lower case: its alias, or its own name; empty if it has neither.
    :ivar table: the table, if it is one of the collaboration.
    :ivar query: the query, if it is a derived table, a CTE or a cached table.
    :ivar join: how it is joined to those before it, ``None`` for the first.
    :ivar columns: its columns in order.
    :ivar outputs: its columns by name.
    :ivar doubled: the names that several of its columns have, as a derived table's can.
    :ivar opened: of an array or map that is unnested, the column; it gives whatever it holds.
    :ivar hidden: whether its columns are in sight of its ON alone, as those of a semi-join are.
    """

    name: str
    node: exp.Expr
    columns: list[Output]
    table: Table | None = None
    query: Query | None = None
    join: exp.Join | None = None
    opened: Output | None = None
    hidden: bool = False
    outputs: dict[str, Output] = field(init=False)
    doubled: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = Counter(output.name for output in self.columns if output.name)
        self.outputs = {output.name: output for output in self.columns if output.name}
        self.doubled = frozenset(name for name, times in names.items() if times > 1)

    def column(self, name: str, node: exp.Expr) -> Output | None:
        """Return the column of that name, ``None`` if there is none."""
        if name in self.doubled:
            refuse_ambiguous_column(name, node, (self.name, self.name))
        return self.outputs.get(name) or self.opened


class Merge(NamedTuple):
    """Columns that USING or NATURAL made one.

    :ivar left: the column of the relations before the JOIN, or the columns that are one already.
    :ivar right: that of the relation behind it.
    """

    join: exp.Join
    name: str
    left: tuple[Output, ...]
    right: tuple[Output, ...]


@dataclass(slots=True, eq=False)
class Select:
    """One SELECT, without what it is combined with.

    :ivar subqueries: those in its expressions, each with the clause it stands in.
    :ivar columns: its columns, each with the clause it stands in, those of its subqueries aside.
    :ivar merges: the columns that its joins made one.
    """

    node: exp.Select
    query: Query
    relations: list[Relation] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    subqueries: list[tuple[Clause, Query]] = field(default_factory=list)
    columns: list[tuple[Clause, exp.Column]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Query:
    """A SELECT, several in a set operation, or VALUES.

    :ivar node: the query without the brackets around it.
    :ivar name: of a CTE, a derived or a cached table, in lower case.
    :ivar selects: its SELECTs, one for each branch that is one.
    :ivar outer: the SELECT in whose expressions it stands, which it may refer to.
    :ivar refers_out: its references to that.
    """

    node: exp.Expr
    role: Role
    name: str = ""
    outer: Select | None = None
    selects: list[Select] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    refers_out: list[exp.Column] = field(default_factory=list)


class Reference(NamedTuple):
    """What a column in an expression refers to.

    :ivar outputs: what it takes its value from: one column, or those that USING or NATURAL made one.
    :ivar relation: the relation that gives it; ``None`` for a merged column, and for an alias of the SELECT's own list.
    :ivar select: the SELECT in which it was found.
    """

    outputs: tuple[Output, ...]
    relation: Relation | None
    select: Select

    @property
    def origins(self) -> frozenset[Base]:
        first, *others = self.outputs
        return first.origins.union(*(output.origins for output in others))

    @property
    def base(self) -> Base | None:
        """The column of a table that it is, if it is one and unchanged."""
        return self.outputs[0].base if len(self.outputs) == 1 else None


@dataclass(slots=True, eq=False)
class Resolution:
    """What all names in a query mean.

    :ivar final: the query whose result is the analysis's.
    :ivar queries: all queries, each before those that read it.
    :ivar references: what the columns refer to, and each ``*`` in a function, by the node's id.
    """

    parsed: ParsedQuery
    tables: Mapping[str, Table]
    queries: list[Query] = field(default_factory=list)
    references: dict[int, Reference] = field(default_factory=dict)
    by_node: dict[int, Query] = field(default_factory=dict)
    final: Query = field(init=False)

    def reference(self, column: exp.Column) -> Reference:
        """Return what a column refers to."""
        return self.references[id(column)]

    def query_of(self, node: exp.Expr) -> Query:
        """Return the query that a node is, with or without brackets."""
        return self.by_node[id(bare(node))]

    def origins(self, node: exp.Expr, select: Select | None = None) -> frozenset[Base]:
        """Return the columns that the value of an expression is made of, through all subqueries.

        A correlated subquery gives what the row around it decides, so that what it refers to there counts too.

        :param select: where it stands, for the windows that it names.
        """
        found: set[Base] = set()
        steps, named = [node], set[str]()
        while steps:
            for part in expression(steps.pop()):
                if id(part) in self.references:
                    found |= self.references[id(part)].origins
                elif is_query(part):
                    query = self.query_of(part)
                    found = found.union(*(output.origins for output in query.outputs))
                    found = found.union(*(self.references[id(column)].origins for column in query.refers_out))
                elif isinstance(part, exp.Window) and select is not None and part.args.get("alias") is not None:
                    # A window may be made from another that has a name too.
                    name = part.args["alias"].name.lower()
                    if name not in named:
                        named.add(name)
                        windows = select.node.args.get("windows") or ()
                        steps += [window for window in windows if window.name.lower() == name]
        return frozenset(found)

    def base_tables(self) -> Iterator[Table]:
        """Yield each table that the query reads, once, in no certain order."""
        seen: set[int] = set()
        for select in self.selects():
            for relation in select.relations:
                if relation.table is not None and id(relation.table) not in seen:
                    seen.add(id(relation.table))
                    yield relation.table

    def selects(self) -> Iterator[Select]:
        """Yield every SELECT, each before those that read it."""
        for query in self.queries:
            yield from query.selects


def is_query(node: object) -> TypeGuard[exp.Expr]:
    """Whether a node is a query, in brackets or not."""
    if isinstance(node, exp.Subquery):
        return not isinstance(bare(node), exp.Table)
    return isinstance(node, _QUERIES)


def bare(node: exp.Expr) -> exp.Expr:
    """Return a query without the brackets around it."""
    while isinstance(node, exp.Subquery):
        node = node.this
    return node


def combined(node: exp.SetOperation) -> tuple[list[exp.SetOperation], list[exp.Expr]]:
    """Return the set operations of a chain, the first one first, and what they combine."""
    operations: list[exp.SetOperation] = []
    first: exp.Expr = node
    while isinstance(first, exp.SetOperation):
        operations.append(first)
        first = first.this
    operations.reverse()
    return operations, [first, *(operation.expression for operation in operations)]


def expression(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the nodes of an expression in the order of the text; of a query in it only the outermost node."""
    steps: list[exp.Expr] = [node]
    take = steps.pop
    while steps:
        step = take()
        yield step
        if not is_query(step):
            put_children(steps, step)
