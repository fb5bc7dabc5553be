"""PySpark jobs: scripts, what they are given, and what they can't do."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cleanrooms_mock.analysis import extras, job_script, jobs
from cleanrooms_mock.analysis.engines import Limits
from cleanrooms_mock.analysis.job_script import Failure, NotSupported
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import DataFile, Source, table_source
from tests.analysis.cast import rule_of

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

#: Long enough for a machine that has much else to do.
LIMITS = Limits(seconds=300)
HAS_SPARK = find_spec("pyspark") is not None and shutil.which("java") is not None
with_spark = pytest.mark.skipif(not HAS_SPARK, reason="needs pyspark and Java")
RETURNS = 'return {"results": {"all": context["referencedTables"]["visits"]}}'


def script(folder: Path, body: str, name: str = "my_analysis.py") -> Path:
    """A script whose entrypoint has this body; a text that defines something is the script itself."""
    text = dedent(body)
    if "def " not in text:
        text = "def entrypoint(context):\n" + "".join(f"    {line}\n" for line in text.splitlines())
    path = folder / "artifacts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def visits(folder: Path) -> Source:
    return table_source(
        pa.table({"city": ["Rome", "Oslo", None], "n": pa.array([3, 5, 4], pa.int32())}), folder, "visits"
    )


def run(folder: Path, body: str, limits: Limits = LIMITS, **more: Any) -> Mapping[str, Any]:
    return jobs.run_job(script(folder, body), [], {"visits": visits(folder)}, {}, folder, limits, **more)


def fails(folder: Path, body: str, limits: Limits = LIMITS, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run(folder, body, limits, **more)
    return caught.value


# With Spark


EVERYTHING = """
    import socket
    import urllib.request

    import helpers
    from pyspark import SparkContext
    from pyspark.sql import functions


    def entrypoint(context):
        spark, tables = context["sparkSession"], context["referencedTables"]
        visits, days = tables["Visits"], tables["days"]
        tried = []

        def attempt(what, call):
            try:
                call()
                tried.append((what, "works"))
            except Exception as error:
                tried.append((what, f"{type(error).__name__}: {error}"))

        attempt("rdd", lambda: visits.rdd)
        attempt("sparkContext", lambda: spark.sparkContext)
        attempt("SparkContext", SparkContext.getOrCreate)
        attempt("readStream", lambda: spark.readStream)
        attempt("writeStream", lambda: visits.writeStream)
        attempt("newSession", spark.newSession)
        attempt("analyze", lambda: spark.sql("analyze  table visits compute statistics"))
        attempt("udtf", lambda: functions.udtf(returnType="a INT"))
        attempt("udtf registry", lambda: spark.udtf)
        attempt("dataSource", lambda: spark.dataSource)
        attempt("http", lambda: urllib.request.urlopen("http://example.com"))
        attempt("socket", lambda: socket.create_connection(("192.0.2.1", 80), 1))
        attempt("sql", lambda: spark.sql("SELECT 1").collect())
        attempt("udf", lambda: visits.select(functions.udf(helpers.double, "INT")("n")).collect())
        return {
            "results": {
                "tried": spark.createDataFrame(tried, "what STRING, outcome STRING"),
                "by day": visits.join(days, "n").select("city", "day", functions.col("n").alias("city")).orderBy("n"),
                "context": spark.createDataFrame([(sorted(context), str(context["analysisParameters"]))], "a ARRAY<STRING>, b STRING"),
                "none": visits.where("n > 100"),
            }
        }
"""


@with_spark
@pytest.mark.rule("PJ-17")
def test_a_script(tmp_path: Path) -> None:
    """A script gets a session, tables, parameters and its libraries, gives any number of DataFrames, and isn't given what the service has not."""
    pq.write_table(pa.table({"n": pa.array([3, 5], pa.int32())}), tmp_path / "one.parquet")
    days = Source(
        columns={"n": "int", "day": "date"},
        files=[DataFile(path=tmp_path / "one.parquet", partition={"day": "2026-05-01"})],
        partition_keys=["day"],
    )
    helpers = tmp_path / "artifacts" / "pyspark_venv.tar.gz"
    main = script(tmp_path, EVERYTHING)
    archive(helpers, {"lib/python3.11/site-packages/helpers.py": "def double(n):\n    return 2 * n\n"})
    outputs = jobs.run_job(
        main, [helpers], {"Visits": visits(tmp_path), "days": days}, {"least": "3"}, tmp_path, LIMITS
    )
    assert list(outputs) == ["tried", "by day", "context", "none"]
    unsupported = "NotSupported: {} supported".format
    rdds, streams, tables = "RDDs aren't", "Streaming isn't", "User-defined table functions aren't"
    assert {row["what"]: row["outcome"] for row in outputs["tried"].to_pylist()} == {
        **dict.fromkeys(("rdd", "sparkContext", "SparkContext"), unsupported(rdds)),
        **dict.fromkeys(("readStream", "writeStream"), unsupported(streams)),
        "newSession": unsupported("A second Spark session isn't"),
        "analyze": unsupported("ANALYZE TABLE isn't"),
        **dict.fromkeys(("udtf", "udtf registry"), unsupported(tables)),
        "dataSource": unsupported("Data sources of one's own aren't"),
        **dict.fromkeys(("http", "socket"), unsupported("Network calls aren't")),
        **dict.fromkeys(("sql", "udf"), "works"),
    }
    assert outputs["by day"].column_names == ["city", "day", "city"]
    assert [str(value) for value in outputs["by day"].column(1).to_pylist()] == ["2026-05-01", "2026-05-01"]
    (context,) = outputs["context"].to_pylist()
    assert context == {"a": ["analysisParameters", "referencedTables", "sparkSession"], "b": "{'least': '3'}"}
    assert outputs["none"].num_rows == 0
    assert outputs["none"].schema.names == ["city", "n"]


@with_spark
@pytest.mark.rule("PJ-17", "PJ-19")
def test_a_script_that_fails(tmp_path: Path) -> None:
    """What a script raises ends the job, and a detailed message shows where."""
    refusal = fails(tmp_path, "1 / 0", is_detailed=True)
    assert (rule_of(refusal), refusal.code) == ("PJ-17", "MALFORMED_SCRIPT")
    assert refusal.message.startswith("The script failed with ZeroDivisionError.\nTraceback")
    assert 'File "my_analysis.py", line 2, in entrypoint' in refusal.message
    assert "job_script" not in refusal.message
    assert str(tmp_path) not in refusal.message


@with_spark
@pytest.mark.rule("PJ-14")
def test_a_script_that_never_ends(tmp_path: Path) -> None:
    """A script is interrupted at its limit of time."""
    refusal = fails(tmp_path, "while True: pass", Limits(seconds=0.2))
    assert (refusal.code, refusal.message) == (
        "INSUFFICIENT_COMPUTE",
        "The job was interrupted at its limit of time: 0.2 seconds",
    )


@with_spark
def test_a_script_that_ends_its_process(tmp_path: Path) -> None:
    """That is a failure of the script, with its status."""
    refusal = fails(tmp_path, "import os\nos._exit(7)")
    assert (refusal.code, refusal.message) == (
        "MALFORMED_SCRIPT",
        "The script's process ended by itself, with status 7.",
    )


@with_spark
def test_too_much_output(tmp_path: Path) -> None:
    """An output beyond the limit isn't kept."""
    refusal = fails(tmp_path, RETURNS, Limits(seconds=300, output=10))
    assert (refusal.code, "output" in refusal.message) == ("INSUFFICIENT_COMPUTE", True)


# Without


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the process: it gives this answer, or ends without one if it is empty."""
    given: dict[str, Any] = {}

    def carried_out(work: Path, seconds: float) -> int:
        task = json.loads((work / "task.json").read_text(encoding="utf-8"))
        given["task"] = task
        assert seconds > task["seconds"]
        (work / "stderr.txt").write_text("it broke", encoding="utf-8")
        if "answer" in given:
            (work / "answer.json").write_text(json.dumps(given["answer"]), encoding="utf-8")
        return 3

    monkeypatch.setattr(jobs, "_carried_out", carried_out)
    return given


@pytest.mark.parametrize(
    ("answer", "code", "basic", "detailed"),
    [
        (
            {"failure": "script", "message": "The script failed with E.", "trace": "Trace: secret"},
            "MALFORMED_SCRIPT",
            "The script failed with E.",
            "The script failed with E.\nTrace: secret",
        ),
        ({"failure": "script", "message": "No.", "trace": ""}, "MALFORMED_SCRIPT", "No.", "No."),
        (
            {"failure": "script", "message": "No.", "trace": "x" * 9000},
            "MALFORMED_SCRIPT",
            "No.",
            "No.\n" + "x" * 8000,
        ),
        (None, "MALFORMED_SCRIPT", "The script's process ended by itself, with status 3.", None),
        (
            {"failure": "time", "message": ""},
            "INSUFFICIENT_COMPUTE",
            "The job was interrupted at its limit of time: 300 seconds",
            None,
        ),
        (
            {"failure": "resources", "message": "memory or temporary files", "trace": "x"},
            "INSUFFICIENT_COMPUTE",
            "The job was interrupted at its limit of memory or temporary files",
            "The job was interrupted at its limit of memory or temporary files",
        ),
        (
            {"failure": "spark", "message": "Spark can't be started, which needs Java: x", "trace": ""},
            "INSUFFICIENT_COMPUTE",
            "Spark can't be started, which needs Java: x",
            None,
        ),
    ],
)
@pytest.mark.rule("PJ-17", "PJ-19", "PJ-15")
def test_messages(
    tmp_path: Path, answered: dict[str, Any], answer: dict[str, str] | None, code: str, basic: str, detailed: str | None
) -> None:
    """A message is short, unless the template has detailed ones; limits are told the same either way."""
    if answer is not None:
        answered["answer"] = answer
    for folder, is_detailed, message in (("basic", False, basic), ("detailed", True, detailed)):
        (tmp_path / folder).mkdir()
        refusal = fails(tmp_path / folder, RETURNS, is_detailed=is_detailed)
        assert refusal.code == code
        assert (rule_of(refusal) == "PJ-17") == (code == "MALFORMED_SCRIPT")
        assert message in (None, refusal.message)
    assert answer is not None or "it broke" in refusal.message


def test_what_the_process_is_told(tmp_path: Path, answered: dict[str, Any]) -> None:
    """It is told where everything is, and Spark gets the least memory that it starts with."""
    answered["answer"] = {"failure": "script", "message": "", "trace": ""}
    with pytest.raises(Refusal):
        jobs.run_job(
            tmp_path / "main.py",
            [tmp_path / "libs.zip"],
            {
                "Visits": Source(
                    columns={"day": "date"},
                    files=[DataFile(path=tmp_path / "f", partition={"day": None})],
                    partition_keys=["day"],
                )
            },
            {"least": "3"},
            tmp_path,
            Limits(seconds=3, memory=1000, disk=5, output=7),
        )
    assert answered["task"] == {
        "entry_point": str(tmp_path / "main.py"),
        "additional": [str(tmp_path / "libs.zip")],
        "tables": {
            "Visits": {
                "columns": {"day": "date"},
                "files": [[str(tmp_path / "f"), {"day": None}]],
                "partition_keys": ["day"],
            }
        },
        "parameters": {"least": "3"},
        "seconds": 3,
        "memory": 512_000_000,
        "disk": 5,
        "output": 7,
    }


def test_without_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra a job fails with how to install it."""
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    extras.needs.cache_clear()
    with pytest.raises(Refusal, match=r"pip install 'cleanrooms-mock\[spark\]'") as caught:
        jobs.spark_is_installed()
    assert caught.value.code == "INSUFFICIENT_COMPUTE"


@pytest.mark.rule("PJ-18")
def test_formats() -> None:
    """Iceberg is for queries only."""
    jobs.format_is_for_jobs("visits", is_iceberg=False)
    with pytest.raises(Refusal) as caught:
        jobs.format_is_for_jobs("visits", is_iceberg=True)
    assert (rule_of(caught.value), caught.value.code, caught.value.table) == ("PJ-18", "INVALID_RESOURCE", "visits")


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a script and its libraries change of how modules are found is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setenv("PYTHONPATH", "before")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("my analysis.py", "def entrypoint(context): ...", "my analysis.py is no name of a Python script."),
        ("9lives.py", "def entrypoint(context): ...", "9lives.py is no name"),
        ("main", "def entrypoint(context): ...", "main is no name"),
        ("main.txt", "def entrypoint(context): ...", "main.txt is no name"),
        ("main.py", "def main(context): ...", "has no function entrypoint"),
        ("main.py", "entrypoint = 5  # no def of it", "has no function entrypoint"),
        ("main.py", "def entrypoint(): ...", "must take one argument"),
        ("main.py", "def entrypoint(one, two): ...", "must take one argument"),
    ],
)
@pytest.mark.usefixtures("imports")
@pytest.mark.rule("PJ-17")
def test_entry_points(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    """A script that can't be called as the service calls it isn't run."""
    with pytest.raises(Failure) as caught:
        job_script._entry_point(script(tmp_path, text, name))
    assert caught.value.kind == "script"
    assert complaint in caught.value.message


@pytest.mark.usefixtures("imports")
def test_a_good_entry_point(tmp_path: Path) -> None:
    """A script may import what lies beside it, and its entrypoint may have more parameters with defaults."""
    script(tmp_path, "def five(): return 5", "beside.py")
    path = script(tmp_path, "import beside\ndef entrypoint(context, more=1): return context, beside.five()", "main.py")
    assert job_script._entry_point(path)(2) == (2, 5)


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (ValueError("the data: 5"), "script", "The script failed with ValueError."),
        (SystemExit(3), "script", "The script failed with SystemExit."),
        (NotSupported("RDDs aren't supported"), "script", "RDDs aren't supported in PySpark jobs."),
        (MemoryError(), "resources", "memory or temporary files"),
        (RuntimeError("java.lang.OutOfMemoryError: Java heap space"), "resources", "memory or temporary files"),
        (Failure("time", "late"), "time", "late"),
    ],
)
@pytest.mark.rule("PJ-19")
def test_what_goes_wrong(tmp_path: Path, raised: BaseException, kind: str, message: str) -> None:
    """A short message says what kind of error it was and none of what it says."""

    def call() -> None:
        raise raised

    with pytest.raises(Failure) as caught:
        job_script._guarded(tmp_path / "main.py", call)
    assert (caught.value.kind, caught.value.message) == (kind, message)


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs pyspark")
@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        (None, "must return"),
        ([], "must return"),
        ({}, "must return"),
        ({"results": []}, "must return"),
        ({"results": {}}, "must return"),
        ({"output": {"a": 1}}, "must return"),
        ({"results": {"a": 1}}, "Output a must be a DataFrame, not int"),
        ({"results": {"a": [{"x": 1}]}}, "Output a must be a DataFrame, not list"),
        *(({"results": {name: None}}, "name of an output") for name in ("", "a/b", "..", ".", "a\n", "/", "é", 5)),
    ],
)
@pytest.mark.rule("PJ-17")
def test_only_frames_are_results(returned: Any, complaint: str) -> None:
    """What an entrypoint returns is a dictionary of results, each a DataFrame under the name of a folder."""
    with pytest.raises(Failure) as caught:
        list(job_script._frames(returned))
    assert complaint in caught.value.message


def archive(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """An archive of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("folder/", b"")
            for name, content in contents.items():
                zipped.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("bin/python")
        link.type, link.linkname = tarfile.SYMTYPE, "/usr/bin/python3"
        tar.addfile(link)
    return path


@pytest.mark.parametrize("name", ["venv.tar.gz", "venv.zip"])
@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("", ""),
        ("lib/python3.11/site-packages/", "lib/python3.11/site-packages"),
        ("lib64/python3.9/site-packages/", "lib64/python3.9/site-packages"),
    ],
)
@pytest.mark.usefixtures("imports")
def test_libraries(tmp_path: Path, name: str, prefix: str, found: str) -> None:
    """The packages of a packed environment can be imported, here and by Spark's workers; links and what leads out of it aren't unpacked."""
    given = archive(
        tmp_path / name, {f"{prefix}lib_of_job/__init__.py": "VALUE = 5", "../out.py": "", "/tmp/abs_of_job.py": ""}
    )
    job_script._unpack([str(given)], tmp_path / "libraries", 1000)
    where = str(tmp_path / "libraries" / "0" / found).rstrip("/")
    assert sys.path[0] == where
    assert os.environ["PYTHONPATH"] == f"{where}{os.pathsep}before"
    # Before the import, which may leave bytecode there.
    unpacked = [path for path in (tmp_path / "libraries").rglob("*") if path.is_file()]
    assert unpacked == [Path(where, "lib_of_job", "__init__.py")]
    import lib_of_job  # type: ignore[import-not-found]  # made here

    assert lib_of_job.VALUE == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "libraries"])
    assert not Path("/tmp/abs_of_job.py").exists()


@pytest.mark.usefixtures("imports")
def test_modules(tmp_path: Path) -> None:
    """A module is a library as it is; anything else is none."""
    path = script(tmp_path, "def one(): return 1", "module_of_job.py")
    job_script._unpack([str(path)], tmp_path / "libraries", 0)
    assert sys.path[0] == str(path.parent)
    with pytest.raises(Failure, match=r"notes\.txt is neither"):
        job_script._unpack([str(script(tmp_path, "def", "notes.txt"))], tmp_path / "more", 0)


@pytest.mark.parametrize("name", ["bomb.tar.gz", "bomb.zip"])
@pytest.mark.usefixtures("imports")
def test_libraries_are_no_bombs(tmp_path: Path, name: str) -> None:
    """What is unpacked counts, of all archives together."""
    given = str(archive(tmp_path / name, {"zeros": b"\0" * 3_000_000}))
    job_script._unpack([given], tmp_path / "one", 3_000_000)
    with pytest.raises(Failure) as caught:
        job_script._unpack([given, given], tmp_path / "two", 5_999_999)
    assert caught.value.kind == "resources"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ANALYZE TABLE a COMPUTE STATISTICS", "ANALYZE TABLE isn't supported"),
        ("  analyze\n table a", "ANALYZE TABLE isn't supported"),
        ("CREATE TEMPORARY FUNCTION f AS 'x.Y'", "CREATE TEMPORARY FUNCTION isn't supported"),
        ("create or replace function f", "CREATE OR REPLACE FUNCTION isn't supported"),
        ("ADD JAR s3://x/y.jar", "ADD JAR isn't supported"),
        ("SELECT 'ANALYZE TABLE a'", None),
        ("SELECT 1", None),
        ("ANALYZED", None),
    ],
)
@pytest.mark.rule("PJ-17")
def test_commands(text: str, what: str | None) -> None:
    """Some commands of Spark's aren't for jobs."""
    sql = job_script._checking(lambda self, text: "ran")
    if what is None:
        assert sql(None, text) == "ran"
    else:
        with pytest.raises(NotSupported, match=what):
            sql(None, text)


@pytest.mark.rule("PJ-17")
def test_what_only_pyspark_may_ask_for() -> None:
    """PySpark itself goes on using what a script can't."""
    refusing = job_script._refusing(lambda: "given", "RDDs aren't supported")
    with pytest.raises(NotSupported, match="RDDs"):
        refusing()
    assert eval("refusing()", {"__name__": "pyspark.sql.session", "refusing": refusing}) == "given"


@pytest.mark.parametrize(
    ("event", "arguments", "is_allowed"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80)), True),
        ("socket.connect", (None, ("::1", 80, 0, 0)), True),
        ("socket.connect", (None, "/tmp/a.sock"), True),
        ("socket.connect", (None, ("192.0.2.1", 80)), False),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0), True),
        ("socket.getaddrinfo", (b"localhost", 80, 0, 0, 0), True),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), True),
        ("socket.getaddrinfo", ("s3.amazonaws.com", 443, 0, 0, socket.SOCK_STREAM), False),
        ("open", ("s3.amazonaws.com",), True),
    ],
)
@pytest.mark.rule("PJ-17")
def test_network(event: str, arguments: tuple[Any, ...], is_allowed: bool) -> None:
    """A script reaches its own machine, where Spark is, and nothing else."""
    if is_allowed:
        job_script._no_network(event, arguments)
    else:
        with pytest.raises(NotSupported, match="Network"):
            job_script._no_network(event, arguments)
