"""Spark itself: a session in this process, or one elsewhere by its address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.engines import Limits, Sandbox, Work
from cleanrooms_mock.analysis.engines.data_types import plain, width_of
from cleanrooms_mock.analysis.engines.limits import Deadline, cut_off
from cleanrooms_mock.analysis.engines.spark_sessions import interrupted, is_remote, opened
from cleanrooms_mock.analysis.engines.spark_text import names_of, with_tables
from cleanrooms_mock.analysis.engines.translation import for_spark
from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.analysis.types import parse_type, quoted, spark_type

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

    from cleanrooms_mock.analysis.sources import Source

_OUT_OF_RESOURCES = re.compile(r"OutOfMemoryError|maxResultSize|Java heap space|No space left", re.IGNORECASE).search
_data_is_at_fault = re.compile(r"FAILED_READ_FILE|CANNOT_READ_FILE|is not a Parquet file|FileNotFoundException").search
#: Where Spark keeps that a string is a char.
_CHAR = "__CHAR_VARCHAR_TYPE_STRING"


class Spark:
    """Spark, in a session for each query.

    A local one runs in a Java process of this user's: unlike DuckDB it can't be locked into the query's folder. The text that it
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
        with opened(self._name, work.time_zone) as session:
            deadline = Deadline(self._limits.seconds)
            cached: list[Any] = []
            try:
                with _refusals(deadline), interrupted(session, deadline):
                    for name, source in work.sources.items():
                        frame_of(session, source).createOrReplaceTempView(quoted(name))
                    *texts, final = _texts(work)
                    for (name, _), text in zip(work.cached, texts, strict=True):
                        frame = session.sql(text)
                        cached.append(frame.cache())
                        frame.createOrReplaceTempView(quoted(_flat(name)))
                    return _fetch(session.sql(final), work, self._limits)
            finally:
                # The cache is that of all sessions, and goes with a server that is gone.
                with suppress(Exception):
                    for frame in reversed(cached):
                        frame.unpersist()


def _flat(name: str) -> str:
    """Return what a cached table is called in the session, whose temporary views have names of one part."""
    return name.replace(".", "__")


def _texts(work: Work) -> list[str]:
    """Return the queries of CACHE TABLEs and the final one as Spark reads them."""
    renamed = {name.lower(): _flat(name) for name, _ in work.cached if "." in name}
    trees = [*((_flat(name), query) for name, query in work.cached), (None, work.statement)]
    return for_spark([(name, with_tables(tree, renamed)) for name, tree in trees], work.sources, work.time_zone)


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
    """Return a table's rows. To a Spark Connect server they are sent, since it need not see this machine's files."""
    remote = is_remote(session)
    functions = import_module("pyspark.sql.connect.functions" if remote else "pyspark.sql.functions")
    kinds = {column: parse_type(type_) for column, type_ in source.columns.items()}
    types = {column: spark_type(plain(kind)) for column, kind in kinds.items()}
    kept = {column: type_ for column, type_ in source.columns.items() if column not in source.partition_keys}
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for file in source.files:
        groups.setdefault(tuple(file.partition.get(key) for key in source.partition_keys), []).append(str(file.path))
    frames = []
    for values, paths in groups.items():
        frame = (_sent if remote else _read)(session, paths, kept)
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
        return session.createDataFrame([], _ddl(source.columns))
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionAll(frame)
    # New columns over the union, since Spark 4.3 loses those of its first part where a subquery refers to them. Of a char they say so in the
    # way of Spark's own tables, so that it is compared like one.
    if len(frames) > 1 or any(map(width_of, kinds.values())):
        return whole.select(
            *(
                functions.col(quoted(column)).alias(column, metadata={_CHAR: str(kind)} if width_of(kind) else {})
                for column, kind in kinds.items()
            )
        )
    return whole


def _ddl(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quoted(column)} {spark_type(plain(parse_type(type_)))}" for column, type_ in columns.items())


def _read(session: Any, paths: Sequence[str], columns: Mapping[str, str]) -> Any:
    return session.read.schema(_ddl(columns)).parquet(*paths) if columns else session.read.parquet(*paths)


def _sent(session: Any, paths: Sequence[str], columns: Mapping[str, str]) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        tables = [_columns_of(parquet.ParquetFile(path), columns) for path in paths]
    except (pa.ArrowException, OSError) as error:
        raise Refusal("INVALID_RESOURCE", f"The data can't be read: {error}") from error
    return session.createDataFrame(pa.concat_tables(tables), _ddl(columns or _NOTHING))


#: What stands for rows of which no column is read.
_NOTHING = {"_": "boolean"}


def _columns_of(file: parquet.ParquetFile, columns: Mapping[str, str]) -> pa.Table:
    """Return a file's columns with their very types; names of files may differ from theirs in case."""
    import pyarrow as pa

    from cleanrooms_mock.analysis.types import arrow_type

    if not columns:
        return pa.table({"_": pa.nulls(file.metadata.num_rows, pa.bool_())})
    named = {name.lower(): name for name in file.schema_arrow.names}
    table = file.read([named[column] for column in columns])
    schema = pa.schema([(column, arrow_type(parse_type(type_))) for column, type_ in columns.items()])
    return table.select([named[column] for column in columns]).rename_columns(list(columns)).cast(schema)


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
