"""Reading the text of a query: the one SELECT that it is, the tables that it names, and its parameters.

Whatever the text, reading it ends: the parser is only given what it can get through, and what it chokes on is an invalid query.
Here a text is only read. That it stays within the service's dialect is for :mod:`cleanrooms_mock.analysis.constructs` to check.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis.syntax import (
    cached_table_is_new,
    command_is_a_query,
    construct_exists,
    text_ends_with_its_select,
    text_has_one_result,
    text_is_sql,
)

if TYPE_CHECKING:
    from sqlglot import Token, exp

#: A table is named as its association is; the model's own pattern for that.
_is_table_name = re.compile(r"(?=.{1,128}\Z)[a-zA-Z0-9_](?:(?:[a-zA-Z0-9_ ]+-)*[a-zA-Z0-9_ ]+)?").fullmatch

#: What SQL has elsewhere, here or there.
_COMMANDS = frozenset(
    [
        "ADD",
        "ALTER",
        "ANALYZE",
        "ATTACH",
        "BEGIN",
        "CALL",
        "CHECKPOINT",
        "CLEAR",
        "COMMENT",
        "COMMIT",
        "COPY",
        "CREATE",
        "DECLARE",
        "DELETE",
        "DESC",
        "DESCRIBE",
        "DETACH",
        "DROP",
        "END",
        "EXECUTE",
        "EXPLAIN",
        "EXPORT",
        "FORCE",
        "GRANT",
        "IMPORT",
        "INSERT",
        "INSTALL",
        "KILL",
        "LIST",
        "LOAD",
        "LOCK",
        "MERGE",
        "MSCK",
        "OPTIMIZE",
        "PRAGMA",
        "PREPARE",
        "PUT",
        "REFRESH",
        "RENAME",
        "REPAIR",
        "REPLACE",
        "RESET",
        "REVOKE",
        "ROLLBACK",
        "SET",
        "SHOW",
        "START",
        "SUMMARIZE",
        "TABLE",
        "TRUNCATE",
        "UNCACHE",
        "UNLOAD",
        "UNLOCK",
        "UPDATE",
        "USE",
        "VACUUM",
    ]
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a text says.

    :ivar statement: its SELECT.
    :ivar cached: the queries of its CACHE TABLE statements, by the names in lower case that they make.
    :ivar tables: the tables that it names, as it spells them, each once; what a CACHE TABLE or WITH makes is none.
    :ivar parameters: the names of its ``:name`` parameters, each once.
    :ivar misnamed: the first name of a table in it that none of a collaboration can have, as one behind that of a database.
    """

    statement: exp.Expr
    cached: dict[str, exp.Expr]
    tables: list[str]
    parameters: list[str]
    misnamed: str | None = None

    @property
    def trees(self) -> list[exp.Expr]:
        """All its queries in the order of the text: those of its CACHE TABLE statements, then its SELECT."""
        return [*self.cached.values(), self.statement]


def parse_query(text: str, taken: Container[str] = ()) -> ParsedQuery:
    """Read ``text``: any number of CACHE TABLE statements, then one SELECT.

    :param taken: names in lower case that a CACHE TABLE can't make, since tables of the collaboration have them.
    :raises Refusal: for any other text, as MALFORMED_QUERY.
    """
    from cleanrooms_mock.analysis.dialect import statements

    *caching, last = [_parse(tokens, text) for tokens in _without_the_end(statements(text))]
    names = _Names()
    cached: dict[str, exp.Expr] = {}
    for statement in caching:
        name, query = _cached_table(statement)
        if name in taken:
            cached_table_is_new(
                f"CACHE TABLE can't take the name {name}, which a table of the collaboration has", query
            )
        if name in cached:
            cached_table_is_new(f"CACHE TABLE takes the name {name} twice", query)
        names.read(query, cached)
        cached[name] = query
    if _is_command(last):
        command_is_a_query(type(last).__name__.upper(), last)
    if not _is_query(last):
        text_has_one_result("its last statement must be a SELECT", last)
    names.read(last, cached)
    return ParsedQuery(last, cached, list(names.tables.values()), list(names.parameters), names.misnamed)


def _without_the_end(statements: list[list[Token]]) -> list[list[Token]]:
    """Drop what is behind the last semicolon, which may be nothing; between others there must be something."""
    from cleanrooms_mock.analysis.refusals import Place, place_of_token

    if len(statements) > 1 and not statements[-1]:
        statements.pop()
    place = Place(1, 1, 0, 0)
    for tokens in statements:
        if not tokens:
            if len(statements) == 1:
                text_is_sql("it has no statement", place)
            text_ends_with_its_select(place)
        place = place_of_token(tokens[-1])
    return statements


def _parse(tokens: list[Token], text: str) -> exp.Expr:
    from sqlglot import TokenType

    from cleanrooms_mock.analysis.dialect import parse
    from cleanrooms_mock.analysis.refusals import place_of_token

    commands = {TokenType.SELECT, TokenType.WITH, TokenType.VALUES, TokenType.L_PAREN, TokenType.CACHE, TokenType.HINT}
    first = tokens[0]
    if first.token_type == TokenType.FROM:
        construct_exists("A query that begins with FROM", place_of_token(first))
    if first.token_type not in commands:
        if first.text.upper() in _COMMANDS:
            command_is_a_query(first.text.upper(), place_of_token(first))
        text_is_sql(f"it begins with {first.text[:40]}", place_of_token(first))
    return parse(tokens, text)


def _is_query(tree: exp.Expr) -> bool:
    from sqlglot import exp

    while isinstance(tree, exp.Subquery):
        tree = tree.this
    return isinstance(tree, exp.Select | exp.SetOperation | exp.Values)


def _is_command(tree: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(tree, exp.DML | exp.DDL | exp.Command) and not isinstance(tree, exp.Query)


def _cached_table(statement: exp.Expr) -> tuple[str, exp.Expr]:
    """Return the name that a CACHE TABLE makes, in lower case, and its query."""
    from sqlglot import exp

    if not isinstance(statement, exp.Cache):
        text_has_one_result("it has more than one SELECT", statement)
    query = statement.expression
    if query is None or not _is_query(query) or statement.args.get("lazy") or statement.args.get("options"):
        cached_table_is_new("CACHE TABLE takes a name and a query", statement)
    return ".".join(part.name for part in statement.this.parts).lower(), query


class _Bind(NamedTuple):
    """A step of a walk at which the name of a CTE comes into sight, or goes out of it."""

    name: str
    by: int


@cache
def _matters(kind: type[Any]) -> bool:
    """Whether there is more to a kind of node than what is below it."""
    from sqlglot import exp

    commands = (exp.DML, exp.DDL, exp.Command, exp.Cache, exp.Into)
    return issubclass(kind, (_Bind, exp.Table, exp.Placeholder, exp.Hint, exp.Query, *commands))


class _Names:
    """What the queries of one text name.

    :ivar tables: as they are spelt first, by their names in lower case.
    """

    def __init__(self) -> None:
        self.tables: dict[str, str] = {}
        self.parameters: dict[str, None] = {}
        self.misnamed: str | None = None

    def read(self, query: exp.Expr, cached: Container[str]) -> None:
        """Add what ``query`` names but for ``cached`` and its own CTEs, or refuse it.

        A walk in the order of the text; recursion would go as deep as the query.
        """
        from sqlglot import exp

        from cleanrooms_mock.analysis.walks import put_children

        ctes: Counter[str] = Counter()
        unnested: set[int] = set()
        steps: list[Any] = [query]
        take = steps.pop
        while steps:
            node = take()
            kind = node.__class__
            if _matters(kind):
                if kind is _Bind:
                    ctes[node.name] += node.by
                    continue
                if kind is exp.Placeholder:
                    self.parameters[node.this] = None
                    continue
                if kind is exp.Hint:
                    # Relations are named in a hint, not read.
                    self.parameters.update((parameter.this, None) for parameter in node.find_all(exp.Placeholder))
                    continue
                if kind is exp.Table:
                    if id(node) not in unnested:
                        self._add_table(node, cached, ctes)
                elif kind is exp.Select:
                    if not node.expressions:
                        text_is_sql("it has a SELECT that selects nothing", node)
                    unnested.update(_unnested(node))
                elif kind is exp.Into:
                    construct_exists("SELECT … INTO", node)
                elif not isinstance(node, exp.Query):
                    command_is_a_query(kind.__name__.upper(), node)
                if node.args.get("with_") is not None:
                    _put_with(steps, node)
                    continue
            put_children(steps, node)

    def _add_table(self, table: exp.Table, cached: Container[str], ctes: Counter[str]) -> None:
        from sqlglot import exp

        if isinstance(table.this, exp.Func):
            return
        if isinstance(table.this, exp.Placeholder):
            from cleanrooms_mock.analysis.parameters import parameter_is_bound

            parameter_is_bound(table.this.this, table.this)
        if not isinstance(table.this, exp.Identifier | exp.Dot):
            construct_exists("A function in FROM", table)
        if table.args.get("db") == "":
            text_is_sql("a name is missing between two points", table)
        name = ".".join(part.name for part in table.parts)
        if name.lower() in cached or (len(table.parts) == 1 and ctes[name.lower()]):
            return
        if len(table.parts) > 1 or not _is_table_name(name):
            self.misnamed = self.misnamed or name[:140]
            return
        self.tables.setdefault(name.lower(), name)


def _put_with(steps: list[Any], node: exp.Expr) -> None:
    """Add the steps below a query with CTEs. Each is in sight of what comes behind it, and a recursive one of itself."""
    with_ = node.args["with_"]
    early = bool(with_.args.get("recursive"))
    below: list[Any] = []
    for cte in with_.expressions:
        bind = _Bind(cte.alias.lower(), 1)
        below.extend((bind, cte) if early else (cte, bind))
    below.extend(child for child in node.iter_expressions() if child is not with_)
    below.extend(_Bind(cte.alias.lower(), -1) for cte in with_.expressions)
    steps.extend(reversed(below))


def _unnested(select: exp.Select) -> list[int]:
    """Return those relations in a FROM that are columns of an earlier one, as the second in `FROM orders o, o.lines l`."""
    from sqlglot import exp

    from_ = select.args.get("from_")
    earlier: set[str] = set()
    found = []
    for relation in [from_, *(select.args.get("joins") or [])] if from_ is not None else []:
        table = relation.this
        if isinstance(table, exp.Table) and len(table.parts) > 1 and table.parts[0].name.lower() in earlier:
            found.append(id(table))
        earlier.add(str(table.alias_or_name).lower())
    return found
