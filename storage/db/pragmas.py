"""Set SQLite up: write-ahead log, flushed commits, writers in turn, no implicit transactions."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from storage.private_files import create_private, make_private

BUSY_SECONDS = 15.0
"""Seconds a writer waits for another process before DatabaseLocked."""

IMMEDIATE = "reglament_immediate"
"""Execution option of writing transactions: take the write lock at the start, not at the first write."""

CONNECT_ARGS = {"isolation_level": None, "timeout": BUSY_SECONDS}
"""Driver arguments that turn implicit transactions off: the driver would commit before DDL and begin too late."""

BESIDE = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database; new files of these take the mode of the database."""

_AGAIN_SECONDS = 0.02

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Without it INSERT OR REPLACE deletes rows and the DELETE trigger of the ledger never hears of it.
    "PRAGMA recursive_triggers = ON",
)


def prepare(file: Path) -> None:
    """Turn the write-ahead log of the file on for good, and prove that the file opens. Blocks; raises driver errors.

    A new file gets mode 0600; an existing file of this user, with the files beside, is taken from other users.
    While another process switches the same new file to the log, SQLite answers "locked" at once, despite the time-out;
    so the switch is repeated. A failure inside the connecting of aiosqlite would leave a thread to die noisily.
    """
    create_private(file)
    for ending in ("", *BESIDE):
        make_private(file.with_name(file.name + ending))
    until = time.monotonic() + BUSY_SECONDS
    while True:
        connection = sqlite3.connect(file, timeout=BUSY_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        else:
            return
        finally:
            connection.close()
        time.sleep(_AGAIN_SECONDS)


def install(engine: Engine, *, writes: bool = True) -> None:
    """Set up new connections of an engine and begin transactions explicitly. `writes` False: read-only connections."""
    pragmas = _PRAGMAS if writes else (*_PRAGMAS, "PRAGMA query_only = ON")

    def set_up(connection: Any, _record: object) -> None:  # the driver's own, sync or adapted
        cursor = connection.cursor()
        try:
            for pragma in pragmas:
                cursor.execute(pragma)
        finally:
            cursor.close()

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", _begin)


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
