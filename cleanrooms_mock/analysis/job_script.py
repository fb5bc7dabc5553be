"""The process of a PySpark job: ``python -m cleanrooms_mock.analysis.job_script FOLDER``.

It reads ``task.json`` in the folder, and leaves ``answer.json`` and the outputs there. The user's script runs in here, so that whatever it does
to its interpreter, it does to this one. It gets what the service gives it, and what the service has not is taken away: that makes a test honest,
and isn't a wall.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import sys
import tarfile
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from threading import Timer
from typing import Any, BinaryIO

ENTRY_POINT = "entrypoint"
_OUT_OF_RESOURCES = re.compile(r"OutOfMemoryError|maxResultSize|Java heap space|No space left", re.IGNORECASE).search
_is_output_name = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*").fullmatch
_COMMANDS = re.compile(
    r"\s*(?:(ANALYZE\s+TABLE)|(CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?FUNCTION)|(ADD\s+(?:JARS?|FILES?|ARCHIVES?)))\b",
    re.IGNORECASE,
)
_LOCAL = ("localhost", "127.0.0.1", "::1", "", None)
_CHUNK = 1 << 20


class NotSupported(Exception):
    """What the service's PySpark hasn't."""


class Failure(Exception):
    """What ends the job.

    :param kind: ``script``; ``resources`` or ``time`` for a limit; ``spark`` if that can't be started.
    """

    def __init__(self, kind: str, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = trace


def main(folder: Path) -> None:
    """Carry the job out."""
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))

    def answer(given: Mapping[str, Any]) -> None:
        written = folder / "answer.part"
        written.write_text(json.dumps(given), encoding="utf-8")
        written.replace(folder / "answer.json")

    def out_of_time() -> None:
        answer({"failure": "time", "message": ""})
        os._exit(1)

    try:
        _unpack(task["additional"], folder / "libraries", task["disk"])
        session = _started(folder, task["memory"])
        clock = Timer(task["seconds"], out_of_time)
        clock.daemon = True
        clock.start()
        try:
            outputs = _run(session, task, folder)
        finally:
            clock.cancel()
    except Failure as failure:
        answer({"failure": failure.kind, "message": failure.message, "trace": failure.trace})
    else:
        answer({"outputs": outputs})
    # What the script has started isn't waited for.
    os._exit(0)


def _run(session: Any, task: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    path = Path(task["entry_point"])
    tables = {name: _frame(session, table) for name, table in task["tables"].items()}
    context: dict[str, Any] = {"sparkSession": session, "referencedTables": tables}
    if task["parameters"]:
        context["analysisParameters"] = dict(task["parameters"])
    _take_away()
    returned = _guarded(path, lambda: _entry_point(path)(context))
    frames = dict(_frames(returned))
    outputs: dict[str, Any] = {}
    left = task["output"]
    for number, (name, frame) in enumerate(frames.items()):
        # Names may stand twice in a result, but not on the way out.
        columns = list(frame.columns)
        plain = frame.toDF(*(f"c{column}" for column in range(len(columns))))
        table = _guarded(path, plain.toArrow)
        left -= table.nbytes
        if left < 0:
            raise Failure("resources", f"output: its results are larger than {task['output']} bytes")
        from pyarrow import parquet

        file = f"output-{number}.parquet"
        parquet.write_table(table, folder / file)
        outputs[name] = {"file": file, "columns": columns}
    return outputs


def _guarded(path: Path, call: Callable[[], Any]) -> Any:
    """Call what is the script's, and say in our words what goes wrong."""
    try:
        return call()
    except Failure:
        raise
    except BaseException as error:
        if isinstance(error, MemoryError) or _OUT_OF_RESOURCES(str(error)):
            raise Failure("resources", "memory or temporary files") from error
        if isinstance(error, NotSupported):
            raise Failure("script", f"{error} in PySpark jobs.", _trace(error, path)) from error
        raise Failure("script", f"The script failed with {type(error).__name__}.", _trace(error, path)) from error


def _trace(error: BaseException, path: Path) -> str:
    """Return the trace of an error from the script on."""
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code.co_filename != str(path):
        step = step.tb_next
    return "".join(traceback.format_exception(type(error), error, step)).replace(str(path.parent) + os.sep, "")


def _entry_point(path: Path) -> Callable[[Any], Any]:
    """Return the function of the script that does the work."""
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise Failure("script", f"{path.name} is no name of a Python script.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # So that what it defines can be sent to Spark's workers by its name.
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    function = getattr(module, ENTRY_POINT, None)
    if not callable(function):
        raise Failure("script", f"The script has no function {ENTRY_POINT}.")
    try:
        inspect.signature(function).bind({})
    except TypeError as error:
        raise Failure("script", f"The script's function {ENTRY_POINT} must take one argument, the context.") from error
    return function  # type: ignore[no-any-return]


def _frames(returned: Any) -> Iterator[tuple[str, Any]]:
    from pyspark.sql import DataFrame

    results = returned.get("results") if isinstance(returned, Mapping) else None
    if not isinstance(results, Mapping) or not results:
        raise Failure("script", f'{ENTRY_POINT} must return {{"results": {{name: DataFrame}}}}.')
    for name, frame in results.items():
        if not isinstance(name, str) or not _is_output_name(name):
            raise Failure("script", "The name of an output must be one of a folder.")
        if not isinstance(frame, DataFrame):
            raise Failure("script", f"Output {name} must be a DataFrame, not {type(frame).__name__}.")
        yield name, frame


# Spark


def _started(folder: Path, memory: int) -> Any:
    try:
        return _session(folder, memory)
    except Exception as error:
        complaint = str(error).strip().partition("\n")[0]
        raise Failure("spark", f"Spark can't be started, which needs Java: {complaint}") from error


def _session(folder: Path, memory: int) -> Any:
    from pyspark.sql import SparkSession

    temporary = folder / "spark"
    temporary.mkdir()
    return (
        SparkSession.builder.master("local[*]")
        .appName("cleanrooms-mock")
        .config(
            map={
                "spark.ui.enabled": "false",
                "spark.driver.memory": f"{memory // 1_000_000}m",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.extraJavaOptions": f"-Dderby.system.home={temporary} -Djava.io.tmpdir={temporary}",
                "spark.local.dir": str(temporary),
                "spark.log.level": "OFF",
                "spark.sql.ansi.enabled": "false",
                "spark.sql.catalogImplementation": "in-memory",
                "spark.sql.execution.arrow.pyspark.enabled": "true",
                "spark.sql.session.timeZone": "UTC",
                "spark.sql.shuffle.partitions": "4",
                "spark.sql.warehouse.dir": str(temporary / "warehouse"),
                "spark.ui.showConsoleProgress": "false",
            }
        )
        .getOrCreate()
    )


def _frame(session: Any, table: Mapping[str, Any]) -> Any:
    from cleanrooms_mock.analysis.engines.spark import frame_of
    from cleanrooms_mock.analysis.sources import DataFile, Source

    files = [DataFile(path=Path(path), partition=partition) for path, partition in table["files"]]
    return frame_of(session, Source(columns=table["columns"], files=files, partition_keys=table["partition_keys"]))


def _take_away() -> None:
    """Take from PySpark what the service's hasn't, when it is the script that asks for it."""
    from pyspark import SparkContext
    from pyspark.sql import DataFrame, SparkSession, functions

    for owner, name, what in (
        (DataFrame, "rdd", "RDDs aren't supported"),
        (SparkSession, "sparkContext", "RDDs aren't supported"),
        (SparkSession, "readStream", "Streaming isn't supported"),
        (DataFrame, "writeStream", "Streaming isn't supported"),
        (SparkSession, "udtf", "User-defined table functions aren't supported"),
        (SparkSession, "dataSource", "Data sources of one's own aren't supported"),
    ):
        for class_ in (owner, *owner.__subclasses__()):
            if name in vars(class_):
                setattr(class_, name, property(_refusing(_getter(vars(class_)[name]), what)))
    session: Any = SparkSession
    session.newSession = _refusing(session.newSession, "A second Spark session isn't supported")
    session.sql = _checking(session.sql)
    spark: Any = SparkContext
    spark.getOrCreate = _refusing(spark.getOrCreate, "RDDs aren't supported")
    library: Any = functions
    library.udtf = _refusing(library.udtf, "User-defined table functions aren't supported")
    # What is written stays out of reach of S3, Glue and everything else but Spark itself.
    sys.addaudithook(_no_network)


def _getter(attribute: Any) -> Callable[..., Any]:
    """Return the function behind a property, whose value may be cached."""
    found: Callable[..., Any] = getattr(attribute, "fget", None) or attribute.func
    return found


def _refusing(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    def refuse(*args: Any, **options: Any) -> Any:
        asking = sys._getframe(1).f_globals.get("__name__", "")
        if asking.split(".")[0] not in ("pyspark", "py4j"):
            raise NotSupported(what)
        return function(*args, **options)

    return refuse


def _checking(sql: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: Any, text: str, *args: Any, **options: Any) -> Any:
        found = _COMMANDS.match(text) if isinstance(text, str) else None
        if found is not None:
            raise NotSupported(f"{' '.join(found[0].split()).upper()} isn't supported")
        return sql(self, text, *args, **options)

    return checked


def _no_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host not in _LOCAL:
        raise NotSupported("Network calls aren't supported")


# What the script imports


def _unpack(archives: list[str], folder: Path, most_bytes: int) -> None:
    """Make the archives' Python packages importable: those of a packed virtual environment, or of an archive as it is."""
    room = most_bytes
    for number, name in enumerate(archives):
        path, target = Path(name), folder / str(number)
        target.mkdir(parents=True)
        if tarfile.is_tarfile(path):
            with tarfile.open(path) as tar:
                members = ((member.name, tar.extractfile(member)) for member in tar if member.isreg())
                room = _extract(members, target, room)
        elif path.suffix != ".py" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as zipped:
                members = ((info.filename, zipped.open(info)) for info in zipped.infolist() if not info.is_dir())
                room = _extract(members, target, room)
        elif path.suffix == ".py":
            target = path.parent
        else:
            raise Failure("script", f"{path.name} is neither an archive of Python packages nor a Python module.")
        packages = sorted(target.glob("lib*/python3*/site-packages")) or [target]
        sys.path[:0] = [str(one) for one in packages]
        # Spark's workers find there what functions of the script need.
        os.environ["PYTHONPATH"] = os.pathsep.join([*map(str, packages), os.environ.get("PYTHONPATH", "")])


def _extract(members: Iterator[tuple[str, Any]], target: Path, room: int) -> int:
    """Write the files of an archive, each below the target, and return how many bytes there is still room for."""
    for name, opened in members:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or opened is None:
            continue
        path = target.joinpath(*pure.parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with opened as source, path.open("wb") as file:
            room = _copied(source, file, room)
    return room


def _copied(source: BinaryIO, file: BinaryIO, room: int) -> int:
    while part := source.read(_CHUNK):
        room -= len(part)
        if room < 0:
            raise Failure("resources", "temporary files: its libraries are too large")
        file.write(part)
    return room


if __name__ == "__main__":
    main(Path(sys.argv[1]))
