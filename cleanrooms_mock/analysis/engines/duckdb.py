"""DuckDB in this process, in a database that sees the query's own folder and nothing else."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.engines import Limits, Sandbox, Work
from cleanrooms_mock.analysis.engines.data_types import Type, in_result, name_of
from cleanrooms_mock.analysis.engines.databases import Database, database
from cleanrooms_mock.analysis.engines.limits import Deadline, cut_off
from cleanrooms_mock.analysis.engines.spark_text import spark_text
from cleanrooms_mock.analysis.engines.translation import Translation, Translator
from cleanrooms_mock.analysis.refusals import Refusal, malformed

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

_ROWS = 65_536
_data_is_at_fault = re.compile(r"parquet|csv|json|file|snappy|gzip|zstd", re.IGNORECASE).search


class DuckDB:
    """The default engine."""

    name = "duckdb"

    @contextmanager
    def sandbox(self, limits: Limits) -> Iterator[Sandbox]:
        with database(limits.memory, limits.disk) as found:
            yield _Sandbox(found, limits)


class _Sandbox:
    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    @property
    def folder(self) -> Path:
        return self._database.folder

    def run(self, work: Work) -> pa.Table:
        translator = Translator(work.sources, work.time_zone)
        cached = [(name, translator.cache(name, spark_text(query))) for name, query in work.cached]
        final = translator.query(spark_text(work.statement))
        _shown(final)
        with (
            self._database.transaction() as connection,
            _interrupted(connection, self._limits) as deadline,
            _refusals(deadline),
        ):
            with _invalid_resources():
                translator.prepare(connection)
            for name, translation in cached:
                connection.execute(f"CREATE TEMP TABLE {name_of(name)} AS {translation.sql}")
            return _fetch(connection, final, self._limits, deadline)


@contextmanager
def _interrupted(connection: duckdb.DuckDBPyConnection, limits: Limits) -> Iterator[Deadline]:
    """Interrupt what runs when the time is up."""
    deadline = Deadline(limits.seconds)
    timer = threading.Timer(limits.seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _refusals(deadline: Deadline) -> Iterator[None]:
    """Say what DuckDB raises in the service's words."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        deadline.refuse()
    except duckdb.OutOfMemoryException:
        cut_off("memory or temporary files")
    except duckdb.Error as error:
        complaint = _first_line(error)
        if isinstance(error, duckdb.IOException | duckdb.SerializationException | duckdb.HTTPException) or (
            isinstance(error, duckdb.InvalidInputException) and _data_is_at_fault(complaint)
        ):
            raise Refusal("INVALID_RESOURCE", f"The data can't be read: {complaint}") from error
        raise malformed(f"The query can't be carried out: {complaint}") from error


@contextmanager
def _invalid_resources() -> Iterator[None]:
    """Say what is wrong with files whose views can't be made."""
    import duckdb

    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        raise Refusal("INVALID_RESOURCE", f"The data can't be read: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0]


def _shown(final: Translation) -> None:
    """Refuse a result that has a column of what can't be shown."""
    for name, type_ in final.columns:
        if type_.name == "sketch":
            raise malformed(
                f"The query can't be carried out: the engine gives no sketch, as column {name} is, only its estimate"
            )


def _fetch(connection: duckdb.DuckDBPyConnection, final: Translation, limits: Limits, deadline: Deadline) -> pa.Table:
    import pyarrow as pa

    reader = connection.sql(final.sql).arrow(_ROWS)
    schema = pa.schema([(name, in_result(type_)) for name, type_ in final.columns])
    batches: list[Any] = []
    size = 0
    for batch in reader:
        deadline.check()
        size += batch.nbytes
        if size > limits.output:
            cut_off(f"output: its result is larger than {limits.output} bytes")
        batches.append(batch)
    table = pa.Table.from_batches(batches, schema=reader.schema)
    columns = [_as(column, type_) for column, (_, type_) in zip(table.columns, final.columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


def _as(column: Any, type_: Type) -> Any:
    """Return a column with the type that it has in a result. What DuckDB holds is the same in another wrapping."""
    return column.cast(in_result(type_))
