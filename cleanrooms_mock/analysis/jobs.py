"""PySpark jobs: a script of the user's own, run by Spark in a process of its own.

What the script is given and may do is in :mod:`cleanrooms_mock.analysis.job_script`, which is that process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cleanrooms_mock.analysis.extras import needs
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

if TYPE_CHECKING:
    import pyarrow as pa

    from cleanrooms_mock.analysis.engines import Limits
    from cleanrooms_mock.analysis.sources import Source

#: How long Spark may take to start, in seconds, before the script's own time begins.
STARTING = 120.0
#: How much of a trace a message holds at most.
_LONGEST_TRACE = 8000
#: Spark doesn't start with less.
_LEAST_MEMORY = 512_000_000
_PASSED_ON = ("PATH", "HOME", "JAVA_HOME", "SPARK_HOME", "HADOOP_HOME", "LANG", "LC_ALL", "SYSTEMROOT")

behaviour(
    "PJ-19",
    "The message of a failed script says what kind of error it was and no more. With the template's `errorMessageConfiguration` DETAILED it has the "
    "script's trace.",
    source="API reference ErrorMessageConfiguration; the form of the messages is inferred",
    status=DOCUMENTED,
)


@rule(
    "PJ-17",
    source="user guide: PySpark templates, creating a user script; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_SCRIPT",
)
def script_is_supported(complaint: str) -> NoReturn:
    """A script is called as a Python module can be and has a function `entrypoint(context)`, which returns `{"results": {name: DataFrame}}`. It uses its one
    Spark session, and neither RDDs nor streaming, table functions and data sources of its own, Hive functions, JAR files or ANALYZE TABLE, and it makes no
    network calls. Whether Lake Formation manages a table isn't known here.
    """
    raise Refusal("MALFORMED_SCRIPT", complaint)


@rule(
    "PJ-18",
    source="user guide: data formats, PySpark templates; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def format_is_for_jobs(table: str, *, is_iceberg: bool) -> None:
    """The tables of a job are in Parquet, OpenCSV or JSON; Iceberg is for queries only."""
    if is_iceberg:
        raise Refusal("INVALID_RESOURCE", f"Table {table} is an Iceberg table, which jobs can't read", table=table)


def spark_is_installed() -> None:
    """Refuse to run a job without the extra ``spark``; the message says how to install it.

    :raises Refusal: if it isn't there.
    """
    try:
        needs("spark")
    except ModuleNotFoundError as error:
        raise Refusal("INSUFFICIENT_COMPUTE", str(error)) from error


def run_job(
    entry_point: Path,
    additional: Sequence[Path],
    sources: Mapping[str, Source],
    parameters: Mapping[str, str],
    folder: Path,
    limits: Limits,
    *,
    is_detailed: bool = False,
) -> Mapping[str, pa.Table]:
    """Run a script.

    :param entry_point: the script.
    :param additional: archives of what it imports.
    :param sources: the data of its tables, by the names by which the script gets them.
    :param parameters: the template's parameters with their values.
    :param folder: the job's own; what the process keeps is there.
    :param limits: what it may use. The time that Spark takes to start doesn't count.
    :param is_detailed: whether messages may hold the script's trace.
    :returns: the script's outputs by name.
    :raises Refusal: MALFORMED_SCRIPT or INSUFFICIENT_COMPUTE.
    """
    work = folder / "job"
    work.mkdir()
    task = {
        "entry_point": str(entry_point),
        "additional": [str(path) for path in additional],
        "tables": {name: _described(source) for name, source in sources.items()},
        "parameters": dict(parameters),
        "seconds": limits.seconds,
        "memory": max(limits.memory, _LEAST_MEMORY),
        "disk": limits.disk,
        "output": limits.output,
    }
    (work / "task.json").write_text(json.dumps(task), encoding="utf-8")
    status = _carried_out(work, limits.seconds + STARTING)
    try:
        answer = json.loads((work / "answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        answer = {
            "failure": "ended",
            "message": f"The script's process ended by itself, with status {status}.",
            "trace": (work / "stderr.txt").read_text(encoding="utf-8", errors="replace"),
        }
    if "failure" in answer:
        _refuse(answer, limits, is_detailed=is_detailed)
    return {name: _read(work / output["file"], output["columns"]) for name, output in answer["outputs"].items()}


def _described(source: Source) -> dict[str, Any]:
    return {
        "columns": dict(source.columns),
        "files": [[str(file.path), dict(file.partition)] for file in source.files],
        "partition_keys": list(source.partition_keys),
    }


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    from pyarrow import parquet

    return parquet.read_table(path, partitioning=None).rename_columns(list(columns))


def _refuse(answer: Mapping[str, str], limits: Limits, *, is_detailed: bool) -> NoReturn:
    kind, message = answer["failure"], answer["message"]
    if kind == "time":
        raise Refusal(
            "INSUFFICIENT_COMPUTE", f"The job was interrupted at its limit of time: {limits.seconds:g} seconds"
        )
    if kind == "spark":
        raise Refusal("INSUFFICIENT_COMPUTE", message)
    if kind == "resources":
        raise Refusal("INSUFFICIENT_COMPUTE", f"The job was interrupted at its limit of {message}")
    if is_detailed and answer.get("trace"):
        message = f"{message}\n{answer['trace'][-_LONGEST_TRACE:]}"
    script_is_supported(message)


def _carried_out(work: Path, seconds: float) -> int | None:
    """Run the process in a session of its own, and leave nothing of that running; return its status, ``None`` if it had to be ended."""
    package = Path(__file__).parents[2]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        # What this process can import the script can, too.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(package), *filter(None, sys.path)])),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(work),
        "PYTHONIOENCODING": "utf-8",
    }
    with (work / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603  what is run is this interpreter with a module of this package
            [sys.executable, "-m", "cleanrooms_mock.analysis.job_script", str(work)],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        (work / "answer.json").write_text(json.dumps({"failure": "time", "message": ""}), encoding="utf-8")
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it has started, Spark's among them."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
