"""How SQLite is used: write-ahead log, flushed commits, writers one after another, no implicit transactions."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

BUSY_SECONDS = 15.0
"""How long a writer waits for another process before it gives up with DatabaseLocked."""

IMMEDIATE = "reglament_immediate"
"""Execution option: this transaction will write, so take the write lock at its start rather than half-way."""

CONNECT_ARGS = {"isolation_level": None, "timeout": BUSY_SECONDS}
"""No transactions behind our back: the driver would commit before DDL and begin too late."""

_AGAIN_SECONDS = 0.02

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Without it INSERT OR REPLACE deletes rows and the DELETE trigger of the ledger never hears of it.
    "PRAGMA recursive_triggers = ON",
)


def prepare(file: Path) -> None:
    """Turn the file's write-ahead log on (it stays on) and prove that it can be opened. Blocks.

    Raises what the driver says.
    The switch of a new file to the log answers "locked" at once, whatever the timeout, while somebody else makes the
    same switch; so it is repeated. A failure inside aiosqlite's own connecting would leave its thread to die noisily.
    """
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
    """Set every new connection up, and begin transactions ourselves. Without `writes` none of them can write."""
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
