"""The columns that a query gives, and which columns of which tables each of them derives from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    from cleanrooms_mock.analysis.statements import ParsedQuery

_is_column_name = re.compile(r"(?=.{1,127}\Z)[a-z0-9_](?:(?:[a-z0-9_ ]+-)*[a-z0-9_ ]+)?").fullmatch
_UNKNOWN = "string"


class NoColumns(Exception):
    """A query of which nobody can say what columns it gives; the message says why."""


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column that a query gives.

    :ivar origins: the columns that it derives from, each a table, by its name in lower case, and a column of that.
    """

    type: str
    origins: frozenset[tuple[str, str]]


Table = Mapping[str, OutputColumn]


def base_table(name: str, columns: list[dict[str, str]]) -> Table:
    """Return a table that isn't made by the query itself, from its columns as ``{"name", "type"}``."""
    return {
        column["name"].lower(): OutputColumn(column["type"], frozenset({(name.lower(), column["name"])}))
        for column in columns
    }


def output_columns(query: ParsedQuery, tables: Mapping[str, Table]) -> dict[str, OutputColumn]:
    """Return the columns that a query gives, by name in its order.

    :param tables: the tables that it names, by their names in lower case.
    :raises NoColumns: if that can't be told.
    """
    known = dict(tables)
    try:
        for name, cached in query.cached.items():
            known[name] = _columns_of(cached, known)
        return _columns_of(query.statement, known)
    except NoColumns:
        raise
    except Exception as error:
        # Whatever the optimiser makes of a query that it can't resolve: it has exceptions of its own for few things.
        raise NoColumns(f"The columns of the query can't be resolved: {str(error) or type(error).__name__}") from error


def _columns_of(query: exp.Expr, known: Mapping[str, Table]) -> dict[str, OutputColumn]:
    from sqlglot import exp
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope
    from sqlglot.schema import MappingSchema

    query = query.copy()
    while isinstance(query, exp.Subquery):
        query = query.this
    for table in list(query.find_all(exp.Table)):
        if len(table.parts) > 1 and (name := ".".join(part.name for part in table.parts).lower()) in known:
            # The schema has tables of one level only.
            table.replace(exp.Table(this=exp.to_identifier(_flat(name)), alias=table.args.get("alias")))
    mapping: dict[str, object] = {
        _flat(name): {at: _plain(one.type) for at, one in table.items()} for name, table in known.items()
    }
    schema = MappingSchema(mapping, dialect="spark", normalize=False)
    qualified = annotate_types(
        qualify(query, schema=schema, dialect="spark", quote_identifiers=False),
        schema=schema,
        dialect="spark",
    )
    scope: Any = build_scope(qualified)
    found: dict[str, OutputColumn] = {}
    lineage = _Lineage({_flat(name): table for name, table in known.items()})
    for number, item in enumerate(qualified.selects):  # type: ignore[attr-defined]
        if isinstance(item, exp.Star):
            raise NoColumns("The query selects all columns of a table that has none yet.")
        name = item.alias_or_name.lower()
        name = name if _is_column_name(name) else f"_col_{number}"
        if name in found:
            raise NoColumns(f"The query gives two columns named {name}.")
        found[name] = lineage.output(scope, number, item)
    if not found:
        raise NoColumns("The query gives its columns no names.")
    return found


def _flat(name: str) -> str:
    return name.replace(".", "__")


def _plain(type_: str) -> str:
    """Return a type that the optimiser knows, since other catalogs than Glue have others."""
    from sqlglot import exp

    try:
        return exp.DataType.build(type_, dialect="spark").sql("spark")
    except Exception:
        return _UNKNOWN


class _Lineage:
    """What the columns of one query are made of, each looked up once."""

    def __init__(self, known: Mapping[str, Table]) -> None:
        self._known = known
        self._found: dict[tuple[int, int], tuple[OutputColumn, ...]] = {}

    def output(self, scope: Scope, number: int, item: exp.Expr) -> OutputColumn:
        """Return the column at ``number`` of what ``scope`` gives, which ``item`` is."""
        from sqlglot import exp

        origins = self._origins(scope, number)
        bare = item.unalias()
        if isinstance(bare, exp.Column) and isinstance(scope.sources.get(bare.table), exp.Table) and len(origins) == 1:
            return origins[0]
        type_ = "" if item.type is None else item.type.sql("spark").replace(" ", "").lower()
        return OutputColumn(
            _UNKNOWN if type_ in ("", "unknown", "null") else type_,
            frozenset().union(*(one.origins for one in origins)),
        )

    def _origins(self, scope: Scope, number: int) -> tuple[OutputColumn, ...]:
        key = id(scope), number
        if key not in self._found:
            self._found[key] = ()
            self._found[key] = tuple(dict.fromkeys(self._made_of(scope, number)))
        return self._found[key]

    def _made_of(self, scope: Scope, number: int) -> Iterator[OutputColumn]:
        from sqlglot import exp

        for branch in scope.set_operation_scopes:
            yield from self._origins(branch, number)
        if scope.set_operation_scopes:
            return
        inner = {id(subquery.expression): subquery for subquery in scope.subquery_scopes}
        steps = scope.expression.selects[number : number + 1]  # type: ignore[attr-defined]
        while steps:
            node = steps.pop()
            if id(node) in inner:
                yield from self._origins(inner[id(node)], 0)
            elif isinstance(node, exp.Column):
                yield from self._column(node, scope)
            else:
                steps.extend(node.iter_expressions())
                if isinstance(node, exp.Window) and node.args.get("alias") is not None:
                    # It is only named here, and described at the end of the SELECT.
                    for window in scope.expression.args.get("windows") or ():
                        steps.extend(window.args.get("partition_by") or ())
                        steps.extend(filter(None, [window.args.get("order")]))

    def _column(self, column: exp.Column, scope: Scope) -> Iterator[OutputColumn]:
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        source, name = scope.sources.get(column.table), column.name.lower()
        if isinstance(source, exp.Table) and name in (table := self._known.get(source.name.lower(), {})):
            yield table[name]
        elif isinstance(source, Scope) and not _is_lateral(source) and name in (names := _names(source)):
            yield from self._origins(source, names.index(name))
        else:
            # What the SELECT makes itself of its tables, by LATERAL or PIVOT or out of an array, may be made of all they have.
            for other in scope.sources.values():
                if isinstance(other, exp.Table):
                    yield from self._known.get(other.name.lower(), {}).values()
                elif isinstance(other, Scope) and not _is_lateral(other):
                    for number in range(len(_names(other))):
                        yield from self._origins(other, number)


def _is_lateral(scope: Scope) -> bool:
    from sqlglot import exp

    return isinstance(scope.expression, exp.Lateral | exp.Unnest)


def _names(scope: Scope) -> list[str]:
    return [name.lower() for name in scope.expression.named_selects]  # type: ignore[attr-defined]
