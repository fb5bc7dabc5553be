"""From Spark SQL to DuckDB's: names are resolved and every expression is given the type that Spark gives it, so that what DuckDB does otherwise can be said in its own words. What can't be translated is refused, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import STRING, Type, plain, width_of
from cleanrooms_mock.analysis.engines.spark_text import spark_text, with_laterals
from cleanrooms_mock.analysis.engines.translation.macros import definitions
from cleanrooms_mock.analysis.engines.translation.outputs import Output, Query
from cleanrooms_mock.analysis.engines.translation.parsing import parse
from cleanrooms_mock.analysis.engines.translation.python_functions import vectorised
from cleanrooms_mock.analysis.engines.translation.queries import Queries
from cleanrooms_mock.analysis.engines.translation.values import Context
from cleanrooms_mock.analysis.engines.views import view
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.types import UnsupportedType, parse_type

if TYPE_CHECKING:
    import duckdb

    from cleanrooms_mock.analysis.sources import Source

_is_reference = re.compile(r'\b(r[0-9]+)\."((?:[^"]|"")*)"')


@dataclass(frozen=True, slots=True)
class Translation:
    """A query as DuckDB reads it.

    :ivar columns: what it gives: a name and a type for each, in order.
    """

    sql: str
    columns: Sequence[tuple[str, Type]]


def for_spark(trees: Sequence[tuple[str | None, exp.Expr]], sources: Mapping[str, Source], time_zone: str) -> list[str]:
    """Return queries as Spark reads them, with what hangs on types said in its words: ``+`` between strings, and TRUNC of one argument.

    :param trees: the names and trees of CACHE TABLEs, and at last a query without a name.
    """
    translator = Translator(sources, time_zone)
    texts = []
    for name, tree in trees:
        bare = parse(spark_text(tree))
        # Spark may know what is unknown here, and says what is wrong in its own words.
        with suppress(Refusal):
            translator.read_tree(name, bare)
        texts.append(translator.mended(bare))
    return texts


class Translator:
    """Translates the queries of one analysis."""

    def __init__(self, sources: Mapping[str, Source], time_zone: str) -> None:
        from moto.core.utils import utcnow

        self._context = Context(time_zone, utcnow())
        self._sources = sources
        self._cached: dict[str, Query] = {}
        self._queries = Queries(self._context, self._table)
        self._texts: list[str] = []

    def cache(self, name: str, text: str) -> Translation:
        """Return the query of a CACHE TABLE, whose name later queries can read."""
        query = self._translated(text)
        self._cached[name.lower()] = query
        return _translation(query)

    def query(self, text: str) -> Translation:
        """Return a query.

        :raises Refusal: if it can't be translated, as MALFORMED_QUERY.
        """
        return _translation(self._translated(text))

    def _translated(self, text: str) -> Query:
        query = self._queries.query(parse(text))
        self._texts.append(query.sql)
        return query

    def read_tree(self, name: str | None, tree: exp.Expr) -> None:
        """Find out the types in a tree, which gets a name if it is a CACHE TABLE's."""
        query = self._queries.query(tree)
        if name is not None:
            self._cached[name.lower()] = query

    def mended(self, tree: exp.Expr) -> str:
        """Return a tree that has been read as a text of Spark's. The tree is changed."""
        for node in list(tree.find_all(exp.Add, exp.Anonymous, exp.EQ)):
            if id(node) in self._context.concatenations:
                node.replace(exp.DPipe(this=node.this, expression=node.expression, safe=True))
            elif (type_ := self._context.truncations.get(id(node))) is not None:
                to = "date" if type_.name in ("date", "timestamp", "timestamp_ntz") else "bigint"
                node.replace(exp.cast(node.expressions[0], to, dialect="spark"))
            elif isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
                node.replace(exp.In(this=node.this, query=node.expression.this))
            elif isinstance(node, exp.Anonymous):
                _mend_call(node)
        return spark_text(with_laterals(tree))

    def read(self) -> dict[str, list[str]]:
        """Return the columns that the queries read, by the name in lower case of each table that they do."""
        tables = self._queries.tables.read
        found: dict[str, dict[str, None]] = {name: {} for name in tables.values() if name not in self._cached}
        for text in self._texts:
            for alias, column in _is_reference.findall(text):
                table = tables.get(alias)
                if table in found:
                    found[table].setdefault(column.replace('""', '"'))
        return {name: list(columns) for name, columns in found.items()}

    def prepare(self, database: duckdb.DuckDBPyConnection) -> None:
        """Make what the translated queries call, and the views that they read."""
        views = [view(self._context, name, self._sources[name], read) for name, read in self.read().items()]
        for statement in (*definitions(self._context.macros), *views):
            database.execute(statement)
        for name, (function, types, result) in self._context.functions.items():
            # DuckDB itself knows best what Arrow calls its types.
            arrow = database.sql(f"SELECT CAST(NULL AS {result})").to_arrow_table().schema.field(0).type
            create: Any = database.create_function
            create(
                name,
                vectorised(function, len(types), arrow),
                [database.type(argument) for argument in types],
                database.type(result),
                type="arrow",
                null_handling="special",
            )

    def _table(self, name: str) -> Sequence[Output]:
        """Return the columns of a table, by its name in lower case."""
        if name in self._cached:
            return self._cached[name].columns
        source = self._sources.get(name)
        if source is None:
            raise Refusal("RESOURCE_NOT_FOUND", f"There is no table {name}", table=name)
        types = {column: _type_of(type_) for column, type_ in source.columns.items()}
        return [Output(column, column, plain(type_), width_of(type_)) for column, type_ in types.items()]


_WITH_UNIT = {"DATEADD", "DATEDIFF", "DATE_ADD", "DATE_DIFF", "TIMESTAMPADD", "TIMESTAMPDIFF"}


def _mend_call(node: exp.Anonymous) -> None:
    """Write a call as Spark has it: a unit of time is a word and no name, and a number isn't cut off by TRUNC."""
    name, arguments = node.name.upper(), node.expressions
    if name in _WITH_UNIT and len(arguments) == 3 and isinstance(arguments[0], exp.Column):
        arguments[0].replace(exp.var(arguments[0].name))
    elif name == "TRUNC" and len(arguments) == 2 and not arguments[1].is_string:
        node.replace(_truncated(*arguments))


def _truncated(number: exp.Expr, places: exp.Expr) -> exp.Expr:
    """Return a number cut off behind some places, for which Spark has no function."""
    number = exp.cast(number, "double", dialect="spark")
    unit = exp.Anonymous(this="POWER", expressions=[exp.Literal.number(10), places])
    scaled = exp.Anonymous(
        this="FLOOR", expressions=[exp.Mul(this=exp.Anonymous(this="ABS", expressions=[number]), expression=unit)]
    )
    signed = exp.Mul(this=exp.Anonymous(this="SIGN", expressions=[number.copy()]), expression=scaled)
    return exp.Paren(this=exp.Div(this=signed, expression=unit.copy()))


def _type_of(type_: str) -> Type:
    try:
        return parse_type(type_)
    except UnsupportedType:
        # What isn't read may be anything: what reads it is refused when its view is made.
        return STRING


def _translation(query: Query) -> Translation:
    columns = [(column.name or column.key, column.type) for column in query.columns]
    return Translation(query.sql, columns)
