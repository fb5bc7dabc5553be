"""A tree of the service's dialect as a text that Spark takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import ErrorLevel, exp

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect


def spark_text(tree: exp.Expr) -> str:
    """Return a query as Spark SQL, with every name in backticks; the index of an unnested array is its second alias."""
    if any(
        node.args.get("ordinality") or isinstance(node, exp.AtIndex) for node in tree.find_all(exp.Table, exp.AtIndex)
    ):
        tree = tree.copy()
        for table in list(tree.find_all(exp.Table)):
            index, alias = table.args.get("ordinality"), table.args.get("alias")
            if isinstance(index, exp.Identifier):
                name = exp.to_identifier(table.parts[-1].name) if alias is None else alias.this
                _name_the_index(table, name, index)
        for unnested in list(tree.find_all(exp.AtIndex)):
            # With AS before its alias, an array that is unnested is read as a column and not as a table.
            array = unnested.this
            column = array.unalias()
            table = exp.Table(
                **{
                    name: part.copy()
                    for name, part in zip(("this", "db", "catalog"), reversed(column.parts), strict=False)
                }
            )
            name = array.args["alias"] if isinstance(array, exp.Alias) else exp.to_identifier(column.name)
            unnested.replace(_name_the_index(table, name, unnested.expression))
    return str(_dialect().generate(tree, identify=True, unsupported_level=ErrorLevel.IGNORE, comments=False))


def _name_the_index(table: exp.Table, name: exp.Expr, index: exp.Expr) -> exp.Table:
    table.set("alias", exp.TableAlias(this=name.copy(), columns=[name.copy(), index.copy()]))
    table.set("ordinality", None)
    return table


def with_tables(tree: exp.Expr, renamed: Mapping[str, str]) -> exp.Expr:
    """Return a query whose tables have other names.

    :param renamed: the new names by the dotted ones in lower case.
    """
    tree = tree.copy()
    for table in list(tree.find_all(exp.Table)):
        name = renamed.get(".".join(part.name for part in table.parts).lower())
        if name is not None:
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.parts[-1].name))
            table.replace(exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias))
    return tree


def with_laterals(tree: exp.Expr) -> exp.Expr:
    """Return a query in which arrays are unnested in the words of Spark's: ``FROM o, o.lines l`` is a join with a generator."""
    tree = tree.copy()
    for select in tree.find_all(exp.Select):
        from_ = select.args.get("from_")
        relations = [] if from_ is None else [from_.this, *(join.this for join in select.args.get("joins") or ())]
        # Whether what has a name is the elements of an array.
        named: dict[str, bool] = {}
        for relation in relations:
            first = relation.parts[0].name.lower() if isinstance(relation, exp.Table) else ""
            unnests = first in named and (len(relation.parts) > 1 or named[first])
            named[relation.alias_or_name.lower()] = unnests
            if unnests:
                relation.replace(_lateral(relation))
    return tree


def _lateral(table: exp.Table) -> exp.Expr:
    array = exp.Dot.build([part.copy() for part in table.parts]) if len(table.parts) > 1 else table.parts[0].copy()
    alias = table.args.get("alias")
    name, index = (alias.this, alias.columns[1:]) if alias is not None else (table.parts[-1], [])
    position = index[0].copy() if index else exp.to_identifier(f"{name.name} index")
    call = exp.Anonymous(this="LATERAL POSEXPLODE", expressions=[array])
    return exp.Table(this=call, alias=exp.TableAlias(this=name.copy(), columns=[position, name.copy()]))


def names_of(tree: exp.Expr) -> list[str | None] | None:
    """Return the names of what a query selects, ``None`` for each that has none, or at all if a star stands for some."""
    while not isinstance(tree, exp.Select):
        if not isinstance(tree, exp.Subquery | exp.SetOperation):
            return None
        tree = tree.this
    found: list[str | None] = []
    for item in tree.expressions:
        bare = item.unalias()
        if item.is_star:
            return None
        if isinstance(bare, exp.Dot):
            found.append(item.alias or bare.expression.name)
        else:
            found.append(item.alias or (bare.name if isinstance(bare, exp.Column) else None))
    return found


def _called(name: str, *members: str) -> Any:
    """Return what writes a node as a call of a function, where sqlglot would write another."""
    return lambda self, node: self.func(name, *(node.args.get(member) for member in members))


def _size(generator: Any, node: exp.Expr) -> str:
    """SIZE of NULL is -1, ARRAY_SIZE of it NULL; both are one node."""
    return str(generator.func("ARRAY_SIZE" if node.meta.get("function") == "ARRAY_SIZE" else "SIZE", node.this))


@cache
def _dialect() -> Dialect:
    from sqlglot.dialects.spark import Spark

    class Plain(Spark):
        class Generator(Spark.Generator):  # type: ignore[misc, valid-type]
            TRANSFORMS: Any = {  # noqa: RUF012  as sqlglot has it
                **Spark.Generator.TRANSFORMS,
                exp.ArraySize: _size,
                exp.PercentileCont: _called("PERCENTILE_CONT", "this"),
                exp.PercentileDisc: _called("PERCENTILE_DISC", "this"),
                exp.ToChar: _called("TO_CHAR", "this", "format"),
                exp.Trunc: _called("TRUNC", "this", "decimals"),
                exp.UnixDate: _called("UNIX_DATE", "this"),
                exp.WithinGroup: lambda self, node: (
                    f"{self.sql(node, 'this')} WITHIN GROUP ({self.sql(node, 'expression').strip()})"
                ),
            }

    return Plain()
