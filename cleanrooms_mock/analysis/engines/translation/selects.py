"""One SELECT: its list, WHERE, GROUP BY and HAVING."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import name_of
from cleanrooms_mock.analysis.engines.translation.expressions import Expressions
from cleanrooms_mock.analysis.engines.translation.ordering import ordinal, tail
from cleanrooms_mock.analysis.engines.translation.outputs import Query, keyed
from cleanrooms_mock.analysis.engines.translation.scopes import Column
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import Refusal, malformed

#: What a SELECT gives: a name, if it has one, and a value for each.
Items = Sequence[tuple[str | None, Value]]
_MISSING = ("laterals", "pivots", "match", "qualify", "cluster", "distribute", "sort", "into", "sample")


def clauses_exist(node: exp.Select) -> None:
    """Refuse a SELECT with a clause that can't be carried out."""
    for clause in _MISSING:
        if node.args.get(clause):
            raise malformed(f"The query can't be carried out: the engine has no {clause.upper()}", node)


def select(node: exp.Select, expressions: Expressions, from_: str) -> Query:
    """Translate a SELECT.

    :param expressions: which see the relations of its FROM.
    :param from_: what its FROM has become.
    """
    scope = expressions.scope
    where = node.args.get("where")
    parts = [] if where is None else [f"WHERE {expressions.whole_condition(where.this)}"]
    expressions.windows = {window.name.lower(): window for window in node.args.get("windows") or ()}
    group = node.args.get("group")
    expressions.keys = set() if group is None else set(_keys(group, expressions))
    items = _items(node, expressions)
    outputs = keyed(items)
    if group is not None:
        parts.append(_group(group, expressions, items))
    having = node.args.get("having")
    if having is not None:
        parts.append(f"HAVING {expressions.whole_condition(having.this)}")
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        raise malformed("The query can't be carried out: the engine has no DISTINCT ON", node)
    scope.aliases_first = True
    selected = {value.sql: number for number, (_, value) in reversed(list(enumerate(items, 1)))}
    parts.append(tail(node, expressions, len(items), selected))
    listed = ", ".join(
        f"{value.sql} AS {name_of(output.key)}" for (_, value), output in zip(items, outputs, strict=True)
    )
    sql = f"SELECT {'DISTINCT ' if distinct is not None else ''}{listed}{from_} {' '.join(filter(None, parts))}"
    return Query(sql.rstrip(), outputs)


def _items(node: exp.Select, expressions: Expressions) -> Items:
    found: list[tuple[str | None, Value]] = []
    scope = expressions.scope
    for item in node.expressions:
        bare = item.unalias()
        if isinstance(bare, exp.Star):
            found += _starred(bare, scope.star)
        elif isinstance(bare, exp.Column) and isinstance(bare.this, exp.Star):
            columns = scope.columns_of(bare.table)
            if columns is None:
                raise malformed(f"The query is invalid: there is no table {bare.table}", item)
            found += _starred(bare.this, columns)
        else:
            value = expressions.whole(bare)
            found.append((item.alias or _own_name(bare), value))
            if item.alias:
                scope.aliases.setdefault(item.alias.lower(), value)
    if not found:
        raise malformed("The query is invalid: it selects nothing", node)
    return found


def _starred(star: exp.Star, columns: Sequence[Column]) -> Iterator[tuple[str, Value]]:
    excepted = {node.name.lower() for node in star.args.get("except_") or star.args.get("except") or ()}
    return ((column.name, column.value) for column in columns if column.name.lower() not in excepted)


def _own_name(node: exp.Expr) -> str | None:
    """Return the name of a column or field."""
    if isinstance(node, exp.Column):
        return node.name
    return node.expression.name if isinstance(node, exp.Dot) else None


def _keys(group: exp.Group, expressions: Expressions) -> Iterator[str]:
    """Yield the texts of what is grouped by, those aside that only an alias or a number tells."""
    for node in group.expressions:
        if not isinstance(node, exp.Literal | exp.Rollup | exp.Cube | exp.GroupingSets):
            with suppress(Refusal):
                yield expressions(node).sql


def _group(group: exp.Group, expressions: Expressions, items: Items) -> str:
    def grouped(node: exp.Expr) -> str:
        inner = node.unnest()
        if isinstance(inner, exp.Rollup | exp.Cube):
            return f"{inner.key.upper()} ({', '.join(map(grouped, inner.expressions))})"
        if isinstance(inner, exp.GroupingSets):
            return f"GROUPING SETS ({', '.join(_grouping_set(one, grouped) for one in inner.expressions)})"
        place = ordinal(inner, len(items))
        if place is not None:
            return items[place - 1][1].sql
        if isinstance(inner, exp.Tuple):
            return f"({', '.join(map(grouped, inner.expressions))})"
        return expressions.whole(node).sql

    if group.args.get("all"):
        return "GROUP BY ALL"
    texts = [grouped(node) for node in group.expressions]
    for word in ("rollup", "cube"):
        if group.args.get(word):
            # GROUP BY a, b WITH ROLLUP
            texts = [f"{word.upper()} ({', '.join(texts)})"]
    return f"GROUP BY {', '.join(texts)}"


def _grouping_set(node: exp.Expr, grouped: Callable[[exp.Expr], str]) -> str:
    if isinstance(node, exp.Rollup | exp.Cube):
        return f"{node.key.upper()} ({', '.join(map(grouped, node.expressions))})"
    if isinstance(node, exp.Tuple):
        return f"({', '.join(map(grouped, node.expressions))})"
    return f"({grouped(node.unnest())})"
