"""What carries a query out: DuckDB in this process, or Spark. Spark's semantics are the reference for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cleanrooms_mock.analysis.extras import extra_of, needs
from cleanrooms_mock.rules import INFERRED, behaviour

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from cleanrooms_mock.analysis.sources import Source

#: Whether what doesn't fit its type is an error, as in ANSI SQL; otherwise it is NULL. Both engines ask here alone.
ANSI = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one query may use before it ends FAILED as INSUFFICIENT_COMPUTE.

    :ivar seconds: of wall clock.
    :ivar memory: in bytes.
    :ivar disk: bytes of temporary files.
    :ivar output: bytes of the result, as Arrow keeps it.
    """

    seconds: float = 20.0
    memory: int = 2_000_000_000
    disk: int = 1_000_000_000
    output: int = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """What an engine does.

    :ivar statement: the query, a tree of the service's dialect.
    :ivar sources: the data of the tables, by their names in lower case. Their files are in the sandbox's folder.
    :ivar cached: the names and queries of its CACHE TABLE statements, in their order; a name's parts are joined by dots.
    :ivar time_zone: of the session, such as ``Europe/Rome``.
    """

    statement: exp.Expr
    sources: Mapping[str, Source]
    cached: Sequence[tuple[str, exp.Expr]] = ()
    time_zone: str = "UTC"


class Sandbox(Protocol):
    """Where the queries of one analysis are carried out, one after the other."""

    @property
    def folder(self) -> Path:
        """The only place that is read or written. It is empty at first, belongs to this analysis alone, and is gone after it."""

    def run(self, work: Work) -> pa.Table:
        """Return the rows of ``work.statement``, its columns in the statement's order with the types that Spark gives them.

        A column without a name of its own is called ``_c`` and its index. Intervals are months as ``int32``, or microseconds.

        :raises Refusal: INSUFFICIENT_COMPUTE at a limit, INVALID_RESOURCE if the data can't be read, MALFORMED_QUERY for
            what can't be carried out.
        """


class Engine(Protocol):
    """Carries analyses out, one or several at a time."""

    @property
    def name(self) -> str:
        """What chose it, as :func:`engine` takes it."""

    def sandbox(self, limits: Limits) -> AbstractContextManager[Sandbox]:
        """Return a context in which an analysis can be carried out.

        :param limits: what each of its queries may use.
        """


def engine(name: str) -> Engine:
    """Return an engine.

    :param name: ``duckdb``, ``spark`` for a Spark session on this machine, or the address of one: a master such as
        ``local[2]`` or ``spark://host:7077``, or a Spark Connect server as ``sc://host``.
    :raises ModuleNotFoundError: if what it needs isn't installed; the message names the extra.
    :raises ValueError: if there is no such engine.
    """
    if name == "duckdb":
        needs(extra_of(name))
        from cleanrooms_mock.analysis.engines.duckdb import DuckDB

        return DuckDB()
    if name == "spark" or name.startswith(("local", "spark://", "sc://")):
        needs(extra_of(name))
        from cleanrooms_mock.analysis.engines.spark import Spark

        return Spark(name)
    raise ValueError(
        f"there is no engine {name!r}: take duckdb, spark, a Spark master or the URL of a Spark Connect server"
    )


behaviour(
    "ENG-17",
    "What doesn't fit its type is NULL and no failure: a division by zero, a CAST that overflows or can't be, an index out of an array's range. The session's time zone is UTC unless `spark.sql.session.timeZone` is set. One switch in the engines decides it.",
    source="User guide, Use the SQL editor (time zone); inferred from Spark without ANSI mode, against the SQL reference's pages on numeric types and CAST",
    status=INFERRED,
)
behaviour(
    "ENG-16",
    "COUNT gives a bigint; SUM a bigint of integers, a decimal(p+10,s) of a decimal(p,s), a double of other numbers; AVG a double, of a decimal a decimal(p+4,s+4); `/` between integers a double.",
    source="inferred from Spark's rules, against the SQL reference's pages on numeric types",
    status=INFERRED,
)
