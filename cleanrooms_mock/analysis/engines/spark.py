"""Spark itself: a session in this process, or one elsewhere by its address."""

from __future__ import annotations

import os
import re
import shutil
import threading
from atexit import register
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.engines import ANSI, Limits, Sandbox, Work
from cleanrooms_mock.analysis.engines.limits import Deadline, cut_off
from cleanrooms_mock.analysis.engines.spark_text import names_of, with_tables
from cleanrooms_mock.analysis.engines.translation import for_spark
from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.analysis.types import parse_type, quoted, spark_type

if TYPE_CHECKING:
    import pyarrow as pa

    from cleanrooms_mock.analysis.sources import Source

_OUT_OF_RESOURCES = re.compile(r"OutOfMemoryError|maxResultSize|Java heap space|No space left", re.IGNORECASE).search
_data_is_at_fault = re.compile(r"FAILED_READ_FILE|CANNOT_READ_FILE|is not a Parquet file|FileNotFoundException").search
# One session is shared, and a query's views and settings are the session's.
_lock = threading.RLock()


class Spark:
    """A Spark session, made at the first query and kept.

    A local session runs in a Java process of this user's: unlike DuckDB it can't be locked into the query's folder. The text that it
    gets is made from a checked tree, in which tables have the names of views alone.
    """

    def __init__(self, name: str) -> None:
        """:param name: ``spark``, a master, or the URL of a Spark Connect server."""
        self.name = name

    @contextmanager
    def sandbox(self, limits: Limits) -> Iterator[Sandbox]:
        with TemporaryDirectory(prefix="cleanrooms-mock-") as folder:
            yield _Sandbox(self.name, Path(folder), limits)


class _Sandbox:
    def __init__(self, name: str, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self._name = name
        self._limits = limits

    def run(self, work: Work) -> pa.Table:
        deadline = Deadline(self._limits.seconds)
        with _lock:
            session = _session(self._name)
            deadline = Deadline(self._limits.seconds)
            session.conf.set("spark.sql.session.timeZone", work.time_zone)
            names: list[str] = []
            try:
                with _refusals(deadline), _interrupted(session, deadline):
                    for name, source in work.sources.items():
                        names.append(name)
                        frame_of(session, source).createOrReplaceTempView(quoted(name))
                    *texts, final = _texts(work)
                    for (name, _), text in zip(work.cached, texts, strict=True):
                        names.append(_flat(name))
                        session.sql(text).cache().createOrReplaceTempView(quoted(_flat(name)))
                    return _fetch(session.sql(final), work, self._limits)
            finally:
                session.catalog.clearCache()
                for name in names:
                    session.catalog.dropTempView(name)
                session.conf.set("spark.sql.session.timeZone", "UTC")


def _flat(name: str) -> str:
    """Return what a cached table is called in the session, whose temporary views have names of one part."""
    return name.replace(".", "__")


def _texts(work: Work) -> list[str]:
    """Return the queries of CACHE TABLEs and the final one as Spark reads them."""
    renamed = {name.lower(): _flat(name) for name, _ in work.cached if "." in name}
    trees = [*((_flat(name), query) for name, query in work.cached), (None, work.statement)]
    return for_spark([(name, with_tables(tree, renamed)) for name, tree in trees], work.sources, work.time_zone)


@cache
def _session(name: str) -> Any:
    from pyspark.sql import SparkSession

    if name.startswith("sc://"):
        builder = SparkSession.builder.remote(name)
    else:
        folder = mkdtemp(prefix="cleanrooms-mock-spark-")
        register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = SparkSession.builder.master("local[*]" if name == "spark" else name).config(
            map={
                "spark.ui.enabled": "false",
                "spark.sql.warehouse.dir": f"{folder}/warehouse",
                "spark.local.dir": folder,
                "spark.sql.catalogImplementation": "in-memory",
                "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -Djava.io.tmpdir={folder}",
                "spark.log.level": "OFF",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.ui.showConsoleProgress": "false",
            }
        )
    session = builder.appName("cleanrooms-mock").getOrCreate()
    for key, value in {
        "spark.sql.ansi.enabled": str(ANSI).lower(),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": "4",
        # A table function or a path can't stand where a table's name does.
        "spark.sql.runSQLOnFiles": "false",
    }.items():
        session.conf.set(key, value)
    return session


@contextmanager
def _interrupted(session: Any, deadline: Deadline) -> Iterator[None]:
    """Cancel what runs when the time is up, which is all that runs in the session."""
    cancel = session.interruptAll if _is_remote(session) else session.sparkContext.cancelAllJobs
    timer = threading.Timer(deadline.seconds, cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
    deadline.check()


def _is_remote(session: Any) -> bool:
    """Whether a session speaks to a Spark Connect server."""
    return type(session).__module__.startswith("pyspark.sql.connect")


@contextmanager
def _refusals(deadline: Deadline) -> Iterator[None]:
    """Say what Spark raises in the service's words."""
    from pyspark.errors import PySparkException

    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        if not isinstance(error, PySparkException) and type(error).__module__.split(".")[0] not in ("py4j", "grpc"):
            raise
        if deadline.is_over:
            deadline.refuse()
        text = str(error)
        if _OUT_OF_RESOURCES(text):
            cut_off("memory or temporary files")
        complaint = text.split("\n", 1)[0]
        if _data_is_at_fault(text):
            raise Refusal("INVALID_RESOURCE", f"The data can't be read: {complaint}") from error
        raise malformed(f"The query can't be carried out: {complaint}") from error


def frame_of(session: Any, source: Source) -> Any:
    """Return a table's rows."""
    from pyspark.sql import functions

    types = {column: spark_type(parse_type(type_)) for column, type_ in source.columns.items()}
    kept = [column for column in types if column not in source.partition_keys]
    schema = ", ".join(f"{quoted(column)} {types[column]}" for column in kept)
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for file in source.files:
        groups.setdefault(tuple(file.partition.get(key) for key in source.partition_keys), []).append(str(file.path))
    frames = []
    for values, paths in groups.items():
        frame = session.read.schema(schema).parquet(*paths) if kept else session.read.parquet(*paths)
        partition = dict(zip(source.partition_keys, values, strict=True))
        frames.append(
            frame.select(
                *(
                    functions.lit(partition[column]).cast(type_).alias(column)
                    if column in partition
                    else functions.col(quoted(column))
                    for column, type_ in types.items()
                )
            )
        )
    if not frames:
        every = ", ".join(f"{quoted(column)} {type_}" for column, type_ in types.items())
        return session.createDataFrame([], every)
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionAll(frame)
    if len(frames) > 1:
        # New columns over the union, since Spark 4.3 loses those of its first part where a subquery refers to them.
        return whole.select(*(functions.col(quoted(column)).alias(column) for column in types))
    return whole


def _fetch(frame: Any, work: Work, limits: Limits) -> pa.Table:
    import pyarrow as pa

    from cleanrooms_mock.analysis.types import arrow_type

    fields = list(frame.schema.fields)
    # Names may stand twice in a result, but not on the way here.
    table = frame.toDF(*(f"c{number}" for number in range(len(fields)))).toArrow()
    if table.nbytes > limits.output:
        cut_off(f"output: its result is larger than {limits.output} bytes")
    names = _names(work, [field.name for field in fields])
    columns, schema = [], []
    for name, field, column in zip(names, fields, table.columns, strict=True):
        text = field.dataType.simpleString()
        if text == "void":
            type_ = pa.null()
        elif text.startswith("interval"):
            type_ = pa.int32() if "year" in text or "month" in text else pa.duration("us")
        else:
            type_ = arrow_type(parse_type(text))
        schema.append((name, type_))
        columns.append(column.cast(type_))
    return pa.Table.from_arrays(columns, schema=pa.schema(schema))


def _names(work: Work, given: list[str]) -> list[str]:
    """Return the result's names: those of its columns and aliases, and `_c` with its number for what has none."""
    own = names_of(work.statement)
    if own is None or len(own) != len(given):
        return given
    return [name or f"_c{number}" for number, name in enumerate(own)]
