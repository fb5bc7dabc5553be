"""A tree of the service's dialect as a text that Spark takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect


def spark_text(tree: exp.Expr, renamed: Mapping[str, str] | None = None) -> str:
    """Return a query as Spark SQL, with every name in backticks.

    :param renamed: what tables are called there, by their dotted names in lower case.
    """
    if renamed:
        tree = tree.copy()
        for table in list(tree.find_all(exp.Table)):
            name = renamed.get(".".join(part.name for part in table.parts).lower())
            if name is not None:
                alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.parts[-1].name))
                table.replace(exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias))
    return str(_dialect().generate(tree, identify=True, unsupported_level=None, comments=False))


def quoted(name: str) -> str:
    """Return a name as Spark reads it."""
    return "`" + name.replace("`", "``") + "`"


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


@cache
def _dialect() -> Dialect:
    from sqlglot.dialects.spark import Spark

    class Plain(Spark):
        class Generator(Spark.Generator):
            TRANSFORMS: Any = {  # noqa: RUF012  as sqlglot has it
                **Spark.Generator.TRANSFORMS,
                exp.PercentileCont: lambda self, node: self.func("PERCENTILE_CONT", node.this),
                exp.PercentileDisc: lambda self, node: self.func("PERCENTILE_DISC", node.this),
                exp.WithinGroup: lambda self, node: (
                    f"{self.sql(node, 'this')} WITHIN GROUP ({self.sql(node, 'expression').strip()})"
                ),
            }

    return Plain()
