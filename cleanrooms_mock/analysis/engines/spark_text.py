"""A tree of the service's dialect as a text that Spark takes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect


def spark_text(tree: exp.Expr) -> str:
    """Return a query as Spark SQL, with every name in backticks."""
    return _dialect().generate(tree, identify=True, unsupported_level=None, comments=False)


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
