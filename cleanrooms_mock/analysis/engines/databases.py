"""Databases of DuckDB's, each of which sees a folder of its own and nothing else.

To open one takes longer than a small query does, so that one which a query has left as it was is kept for the next. What makes it so is
that all of a query happens in one transaction, which is rolled back, over a connection, which is closed: tables and the like are the
transaction's, variables and prepared statements the connection's, and settings can't be changed. A database that is kept has no files, not
even a folder.
"""

from __future__ import annotations

import os
import shutil
import threading
from atexit import register
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import text_of

if TYPE_CHECKING:
    import duckdb

#: How many databases are kept. More are there only while as many queries run at a time.
MOST_KEPT = 2

#: What a transaction is told by, and what it can't take back.
_TRACES = "SELECT txid_current(), (SELECT count(*) FROM duckdb_secrets()), current_setting('enable_logging')"


class Database:
    """A database in memory, which one query has at a time.

    :ivar limits: the bytes of memory and of temporary files that it may use.
    :ivar folder: what it reads and writes; it is there for as long as a query has the database.
    """

    def __init__(self, memory: float, disk: float) -> None:
        self.limits = memory, disk
        self.folder = Path(mkdtemp(prefix="cleanrooms-mock-"))
        # No table has a name with a dot, so that their files never meet what DuckDB puts there.
        self._temporary = self.folder / ".duckdb"
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._is_in_doubt = False

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection, of which nothing is left behind. It can't be told by SQL to reach beyond the folder."""
        import duckdb

        if self._connection is None:
            self._connection = self._opened()
        was_in_doubt, self._is_in_doubt = self._is_in_doubt, True
        with closing(self._connection.cursor()) as cursor:
            before = cursor.execute(f"BEGIN; {_TRACES}").fetchone()
            yield cursor
            try:
                after = cursor.execute(_TRACES).fetchone()
                cursor.execute("ROLLBACK")
            except duckdb.Error:
                return
        self._is_in_doubt = was_in_doubt or before != after or self._temporary.exists()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        memory, disk = self.limits
        connection = duckdb.connect(
            ":memory:",
            config={
                "allow_community_extensions": "false",
                "allow_persistent_secrets": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "custom_user_agent": "",
                "enable_external_file_cache": "false",
                # No directory can be made there, so that INSTALL ends before it asks the network.
                "extension_directory": f"{os.devnull}/extensions",
                "max_temp_directory_size": f"{disk}B",
                "memory_limit": f"{memory}B",
                "preserve_insertion_order": "true",
                "python_enable_replacements": "false",
                "python_scan_all_frames": "false",
                "secret_directory": str(self._temporary / "secrets"),
                "temp_directory": str(self._temporary),
            },
        )
        connection.execute(f"SET allowed_directories = [{text_of(str(self.folder))}]; SET GLOBAL TimeZone = 'UTC'")
        # These end the configuration, and so come last.
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection

    def begin(self) -> bool:
        """Make the folder anew, and say whether that could be done."""
        try:
            self.folder.mkdir(mode=0o700)
        except OSError:
            return False
        return True

    def end(self) -> bool:
        """Remove the folder, and say whether the database is as a new one; otherwise it is closed."""
        is_as_new = self._connection is not None and not self._is_in_doubt
        if not is_as_new:
            self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return is_as_new and not self.folder.exists()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


_kept: list[Database] = []
# Changes when all that are kept are closed, so that none comes back from before that.
_era = 0
_lock = threading.Lock()


@contextmanager
def database(memory: float, disk: float) -> Iterator[Database]:
    """Yield a database that nobody else has, as new.

    :param memory: how many bytes of memory it may use.
    :param disk: how many bytes of temporary files.
    """
    era = _era
    found = _taken((memory, disk)) or Database(memory, disk)
    try:
        yield found
    finally:
        if not (found.end() and _keep(found, era)):
            found.close()


def _taken(limits: tuple[float, float]) -> Database | None:
    """Take one of those that are kept, if there is one with these limits."""
    with _lock:
        found = next((one for one in reversed(_kept) if one.limits == limits), None)
        if found is None:
            return None
        _kept.remove(found)
    if found.begin():
        return found
    found.close()
    return None


def _keep(given: Database, era: int) -> bool:
    """Keep a database and say so, unless all were to be closed since it was taken; the one that has waited longest makes room."""
    with _lock:
        if era != _era:
            return False
        _kept.append(given)
        surplus = _kept[:-MOST_KEPT]
        del _kept[:-MOST_KEPT]
    for one in surplus:
        one.close()
    return True


def close_all() -> None:
    """Close the databases that are kept, and have those that queries have now closed after them."""
    with _lock:
        _close_kept()


def _close_kept() -> None:
    global _era
    _era += 1
    while _kept:
        _kept.pop().close()


def _before_fork() -> None:
    # A child would have the databases without their threads. The lock keeps others from coming until it is there.
    _lock.acquire()
    _close_kept()


register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_lock.release, after_in_child=_lock.release)
