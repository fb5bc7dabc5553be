"""A Spark Connect server in a process of its own: ``python -m tests.analysis.engines.connect_server FOLDER``.

It prints its port and then, for each line that it reads, what it keeps. It ends when its standard input does, and Java with it, so that nothing stays
behind even if the tests are killed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class Server:
    """A server that runs.

    :ivar url: its address.
    """

    url: str
    asks: IO[str]
    answers: IO[str]

    @property
    def kept(self) -> str:
        """What it keeps for all its clients."""
        self.asks.write("\n")
        self.asks.flush()
        return self.answers.readline().strip()


@contextmanager
def connect_server(folder: Path) -> Iterator[Server]:
    """Run a server.

    :param folder: where it writes.
    """
    with (folder / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        try:
            port = process.stdout.readline().strip()
            assert port.isdecimal(), (folder / "stderr.txt").read_text("utf-8")
            yield Server(f"sc://127.0.0.1:{port}", process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait()


def serve(folder: str) -> None:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config(
            map={
                "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
                "spark.connect.grpc.binding.address": "127.0.0.1",
                "spark.connect.grpc.binding.port": "0",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -Djava.io.tmpdir={folder}",
                "spark.local.dir": folder,
                "spark.log.level": "OFF",
                "spark.sql.warehouse.dir": f"{folder}/warehouse",
                "spark.ui.enabled": "false",
                # A server is set up as its users like it.
                "spark.sql.ansi.enabled": "true",
                "spark.sql.caseSensitive": "true",
                "spark.sql.session.timeZone": "Asia/Tokyo",
                "spark.sql.timestampType": "TIMESTAMP_NTZ",
            }
        )
        .getOrCreate()
    )
    context: Any = session.sparkContext
    services = context._jvm.org.apache.spark.sql.connect.service
    service = getattr(getattr(services, "SparkConnectService$"), "MODULE$")
    print(service.localPort(), flush=True)  # noqa: T201  the tests read it
    for _ in sys.stdin:
        cached, sessions = context._jsc.getPersistentRDDs().size(), service.sessionManager().listActiveSessions().size()
        print(f"{cached} cached, {sessions} sessions", flush=True)  # noqa: T201
    session.stop()


if __name__ == "__main__":
    serve(sys.argv[1])
