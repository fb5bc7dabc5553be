"""Reading the text of a query: the one SELECT that it is, the tables that it names, and its parameters.

Whatever the text, reading it ends: the parser is only given what it can get through, and what it chokes on is an invalid query.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis.refusals import Refusal, malformed

if TYPE_CHECKING:
    from sqlglot import Token, TokenType, exp
    from sqlglot.dialects.dialect import Dialect

#: A table is named as its association is; the model's own pattern for that.
_is_table_name = re.compile(r"(?=.{1,128}\Z)[a-zA-Z0-9_](?:(?:[a-zA-Z0-9_ ]+-)*[a-zA-Z0-9_ ]+)?").fullmatch
_DEPTH = 100
_EFFORT = 100_000
_EFFORT_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a text says.

    :ivar statement: its SELECT.
    :ivar cached: the queries of its CACHE TABLE statements, by the names in lower case that they make.
    :ivar tables: the tables that it names, as it spells them, each once; what a CACHE TABLE or WITH makes is none.
    :ivar parameters: the names of its ``:name`` parameters, each once.
    """

    statement: exp.Expr
    cached: dict[str, exp.Expr]
    tables: list[str]
    parameters: list[str]


def _invalid(complaint: str) -> Refusal:
    return malformed(f"The query is invalid: {complaint}")


def parse_query(text: str, taken: Container[str] = ()) -> ParsedQuery:
    """Read ``text``: any number of CACHE TABLE statements, then one SELECT.

    :param taken: names in lower case that a CACHE TABLE can't make, since tables of the collaboration have them.
    :raises Refusal: for any other text, as MALFORMED_QUERY.
    """
    *caching, last = [_parse(tokens, text) for tokens in _statements(_tokens(text))]
    names = _Names()
    cached: dict[str, exp.Expr] = {}
    for statement in caching:
        name, query = _cached_table(statement)
        if name in taken:
            raise _invalid(f"CACHE TABLE can't take the name {name}, which a table of the collaboration has")
        names.read(query, cached)
        cached[name] = query
    if not _is_query(last):
        raise _invalid("its last statement must be a SELECT")
    names.read(last, cached)
    return ParsedQuery(last, cached, list(names.tables.values()), list(names.parameters))


def _tokens(text: str) -> list[Token]:
    from sqlglot.errors import SqlglotError

    try:
        return _dialect().tokenize(text)
    except SqlglotError as error:
        raise _invalid("it has a string, name or comment that doesn't end") from error


@cache
def _dialect() -> Dialect:
    """Return Spark's dialect with the service's quotes: single ones make a string, double ones a name."""
    from sqlglot.dialects.spark import Spark

    class CleanRooms(Spark):
        class Tokenizer(Spark.Tokenizer):
            QUOTES = ["'"]  # noqa: RUF012  as sqlglot has it
            IDENTIFIERS = ['"', "`"]  # noqa: RUF012
            STRING_ESCAPES = ["\\", "'"]  # noqa: RUF012

    return CleanRooms()


def _statements(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut at the semicolons, of which one may end the whole."""
    from sqlglot import TokenType

    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    if len(statements) > 1 and not statements[-1]:
        statements.pop()
    if not all(statements):
        raise _invalid("it has an empty statement" if len(statements) > 1 else "it has no statement")
    return statements


def _parse(tokens: list[Token], text: str) -> exp.Expr:
    from sqlglot import TokenType
    from sqlglot.errors import ParseError

    commands = {TokenType.SELECT, TokenType.WITH, TokenType.VALUES, TokenType.L_PAREN, TokenType.CACHE}
    if tokens[0].token_type not in commands:
        raise _invalid(f"only SELECT and CACHE TABLE are commands here, not {tokens[0].text[:40]}")
    _within_reason(tokens)
    _let_parameters_have_any_name(tokens)
    try:
        (tree,) = _dialect().parser().parse(tokens, text)
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        raise _invalid(
            f"{found.get('description', 'it has a syntax error')} (line {found.get('line')}, column {found.get('col')})"
        ) from error
    except RecursionError as error:
        raise _invalid("it is nested too deeply") from error
    except Exception as error:
        # The parser isn't made for broken texts only: on some it fails with whatever Python raises, as on `map(1)`.
        raise _invalid("it can't be read") from error
    if tree is None:
        raise _invalid("it has an empty statement")
    return tree


def _within_reason(tokens: Sequence[Token]) -> None:
    """Refuse what the parser wouldn't survive, or not in our time.

    It tries some texts two ways, the second after it has read the first to its end: `date(…)` is a type or a function, and a JOIN without a
    condition waits for one behind the joins that follow. Nested, each doubles what is inside.
    """
    from sqlglot import TokenType as T

    tries_twice = {*_dialect().parser_class.TYPE_TOKENS, T.LIMIT, T.OFFSET, T.INTERVAL}
    ends_joins = {T.SELECT, T.WHERE, T.GROUP_BY, T.HAVING, T.ORDER_BY, T.LIMIT, T.UNION, T.EXCEPT, T.INTERSECT}
    openers = {T.L_PAREN, T.L_BRACKET, T.L_BRACE}
    closers = {T.R_PAREN, T.R_BRACKET, T.R_BRACE}
    effort, allowed = 0, _EFFORT + _EFFORT_PER_TOKEN * len(tokens)
    # For each bracket that is open: what opened it, how often its inside is read at least, and at present.
    levels: list[tuple[TokenType | None, int, int]] = [(None, 1, 1)]
    before = None
    for token in tokens:
        kind = token.token_type
        opener, least, times = levels[-1]
        if kind in openers or (kind == T.LT and before in _dialect().parser_class.NESTED_TYPE_TOKENS):
            inside = times * 2 if before in tries_twice else times
            levels.append((kind, inside, inside))
        elif kind in closers or (kind == T.GT and opener == T.LT):
            while len(levels) > 1 and kind != T.GT and levels[-1][0] == T.LT:
                levels.pop()
            if len(levels) > 1:
                levels.pop()
        elif kind == T.JOIN and before != T.CROSS:
            levels[-1] = opener, least, times * 2
        elif kind in (T.ON, T.USING):
            levels[-1] = opener, least, max(least, times // 2)
        elif kind in ends_joins:
            levels[-1] = opener, least, least
        effort += levels[-1][2]
        if effort > allowed or len(levels) > _DEPTH:
            raise _invalid("it is nested too deeply, or has too many joins without a condition")
        before = kind


def _let_parameters_have_any_name(tokens: list[Token]) -> None:
    """Make a word of what stands right behind a colon, such as a number or `from`, which the parser wouldn't take for a parameter's name."""
    from sqlglot import Token, TokenType

    taken = _dialect().parser_class.COLON_PLACEHOLDER_TOKENS
    for index, (colon, name) in enumerate(pairwise(tokens), 1):
        if (
            colon.token_type == TokenType.COLON
            and name.start == colon.end + 1
            and name.token_type not in taken
            and re.fullmatch(r"\w+", name.text)
            and name.end - name.start + 1 == len(name.text)
        ):
            tokens[index] = Token(
                TokenType.VAR, name.text, name.line, name.col, name.start, name.end, comments=name.comments
            )


def _is_query(tree: exp.Expr) -> bool:
    from sqlglot import exp

    while isinstance(tree, exp.Subquery):
        tree = tree.this
    return isinstance(tree, exp.Select | exp.SetOperation | exp.Values)


def _cached_table(statement: exp.Expr) -> tuple[str, exp.Expr]:
    """Return the name that a CACHE TABLE makes, in lower case, and its query."""
    from sqlglot import exp

    if not isinstance(statement, exp.Cache):
        raise _invalid("it has more than one SELECT")
    query = statement.expression
    if query is None or not _is_query(query) or statement.args.get("lazy") or statement.args.get("options"):
        raise _invalid("CACHE TABLE takes a name and a query")
    return ".".join(part.name for part in statement.this.parts).lower(), query


class _Bind(NamedTuple):
    """A step of a walk at which the name of a CTE comes into sight, or goes out of it."""

    name: str
    by: int


class _Names:
    """What the queries of one text name.

    :ivar tables: as they are spelt first, by their names in lower case.
    """

    def __init__(self) -> None:
        self.tables: dict[str, str] = {}
        self.parameters: dict[str, None] = {}

    def read(self, query: exp.Expr, cached: Container[str]) -> None:
        """Add what ``query`` names but for ``cached`` and its own CTEs, or refuse it."""
        from sqlglot import exp

        not_allowed = (exp.DML, exp.DDL, exp.Command, exp.Cache, exp.Into)
        unnested: set[int] = set()
        for node, ctes in _walk(query):
            if isinstance(node, not_allowed):
                raise _invalid(f"{node.key.upper()} isn't allowed in it")
            if isinstance(node, exp.Select):
                if not node.expressions:
                    raise _invalid("it has a SELECT that selects nothing")
                unnested.update(_unnested(node))
            elif isinstance(node, exp.Placeholder):
                self._add_parameter(node)
            elif isinstance(node, exp.Table) and id(node) not in unnested:
                self._add_table(node, cached, ctes)

    def _add_parameter(self, placeholder: exp.Placeholder) -> None:
        name = placeholder.this
        if not isinstance(name, str):
            raise _invalid("a parameter is written as a colon and its name")
        self.parameters[name] = None

    def _add_table(self, table: exp.Table, cached: Container[str], ctes: Counter[str]) -> None:
        from sqlglot import exp

        if isinstance(table.this, exp.Func):
            return
        if isinstance(table.this, exp.Placeholder):
            raise _invalid("a parameter can't stand for a table")
        name = ".".join(part.name for part in table.parts)
        if name.lower() in cached or (len(table.parts) == 1 and ctes[name.lower()]):
            return
        if len(table.parts) > 1 or not _is_table_name(name):
            raise _invalid(f"{name[:140]} is no table's name: a table is called as it is in the collaboration")
        self.tables.setdefault(name.lower(), name)


def _walk(query: exp.Expr) -> Iterator[tuple[exp.Expr, Counter[str]]]:
    """Yield each node of a query in the order of the text, with the CTEs that are in sight of it; recursion would go as deep as the query."""
    ctes: Counter[str] = Counter()
    steps: list[Any] = [query]
    while steps:
        step = steps.pop()
        if isinstance(step, _Bind):
            ctes[step.name] += step.by
        else:
            yield step, ctes
            steps.extend(reversed(list(_steps(step))))


def _steps(node: exp.Expr) -> Iterator[exp.Expr | _Bind]:
    """Yield what to walk through below ``node``. A CTE is in sight of what comes behind it, and a recursive one of itself."""
    from sqlglot import exp

    if isinstance(node, exp.Hint):
        # Relations are named in a hint, not read.
        yield from node.find_all(exp.Placeholder)
        return
    with_ = node.args.get("with_")
    expressions = [] if with_ is None else with_.expressions
    early = with_ is not None and bool(with_.args.get("recursive"))
    for cte in expressions:
        bind = _Bind(cte.alias.lower(), 1)
        yield from (bind, cte) if early else (cte, bind)
    yield from (child for child in node.iter_expressions() if child is not with_)
    for cte in expressions:
        yield _Bind(cte.alias.lower(), -1)


def _unnested(select: exp.Select) -> Iterator[int]:
    """Yield those relations in a FROM that are columns of an earlier one, as the second in `FROM orders o, o.lines l`."""
    from sqlglot import exp

    from_ = select.args.get("from_")
    earlier: set[str] = set()
    for relation in [from_, *(select.args.get("joins") or [])] if from_ is not None else []:
        table = relation.this
        if isinstance(table, exp.Table) and len(table.parts) > 1 and table.parts[0].name.lower() in earlier:
            yield id(table)
        earlier.add(str(table.alias_or_name).lower())
