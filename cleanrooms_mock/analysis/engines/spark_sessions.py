"""Spark's sessions: each query has its own, of a Spark that was started once in this process or of a Spark Connect server."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import warnings
from atexit import register
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from cleanrooms_mock.analysis.engines import ANSI
from cleanrooms_mock.analysis.engines.limits import Deadline
from cleanrooms_mock.analysis.refusals import Refusal

#: What a query means doesn't depend on how a user's Spark is set up.
_SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": str(ANSI).lower(),
    "spark.sql.caseSensitive": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A table function or a path can't stand where a table's name does.
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}
_AGAIN = 0.2
_starting = threading.Lock()


@contextmanager
def opened(name: str, time_zone: str) -> Iterator[Any]:
    """Give a session, whose views and settings go with it; what it has cached stays.

    :param name: ``spark``, a master, or the URL of a Spark Connect server.
    :raises Refusal: INSUFFICIENT_COMPUTE if there is no such Spark.
    """
    with _unavailable(name):
        session = _connected(name) if name.startswith("sc://") else _started(name).newSession()
    try:
        with _unavailable(name):
            for key, value in {**_SETTINGS, "spark.sql.session.timeZone": time_zone}.items():
                session.conf.set(key, value)
        yield session
    finally:
        if is_remote(session):
            # Not `stop()`, which also ends a server that the user's own session runs in this process.
            with suppress(Exception):
                session.client.release_session()
            session.client.close()


def is_remote(session: Any) -> bool:
    """Whether a session speaks to a Spark Connect server."""
    return type(session).__module__.startswith("pyspark.sql.connect")


@contextmanager
def interrupted(session: Any, deadline: Deadline) -> Iterator[None]:
    """Cancel what runs in a session when the time is up, and whatever it begins after that."""
    done = threading.Event()

    def watch() -> None:
        left = deadline.seconds
        while not done.wait(left):
            left = _AGAIN
            with suppress(Exception):
                session.interruptAll()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    deadline.check()


@contextmanager
def _unavailable(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        complaint = str(error).strip().partition("\n")[0]
        # What comes behind the address may be a token.
        message = f"No Spark session could be had of {name.partition('/;')[0]}: {complaint}"
        raise Refusal("INSUFFICIENT_COMPUTE", message) from error


def _connected(url: str) -> Any:
    with _alone():
        from pyspark.sql.connect.session import SparkSession
    # A session of the user's own would be closed with the query.
    session = SparkSession(connection=re.sub(r"(?<=;)session_id=[^;]*;?", "", url))
    # By default it takes ten minutes to say that there is no server.
    session.client.set_retry_policies([])
    return session


@contextmanager
def _alone() -> Iterator[None]:
    """Start one Spark at a time, and keep PySpark 4.3 from warning of a newer pandas, which isn't used here.

    Where warnings are errors it would take pandas for missing from then on, and end a process for that.
    """
    with _starting, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _started(name: str) -> Any:
    with _alone():
        return _kept(name)


@cache
def _kept(name: str) -> Any:
    from pyspark.sql import SparkSession

    folder = tempfile.mkdtemp(prefix="cleanrooms-mock-spark-")
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
    return builder.appName("cleanrooms-mock").getOrCreate()
