"""How SQLite is used: write-ahead log, flushed commits, writers one after another, no implicit transactions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

BUSY_SECONDS = 15.0
"""How long a writer waits for another process before it gives up with DatabaseLocked."""

IMMEDIATE = "reglament_immediate"
"""Execution option: this transaction will write, so take the write lock at its start rather than half-way."""

CONNECT_ARGS = {"isolation_level": None, "timeout": BUSY_SECONDS}
"""No transactions behind our back: the driver would commit before DDL and begin too late."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Without it INSERT OR REPLACE deletes rows and the DELETE trigger of the ledger never hears of it.
    "PRAGMA recursive_triggers = ON",
)


def probe(file: Path) -> None:
    """Open and close the file once. Raises what the driver says.

    A failure inside aiosqlite's own connecting would leave its thread to die noisily after the event loop.
    """
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS)
    try:
        connection.execute(_PRAGMAS[0])
    finally:
        connection.close()


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
