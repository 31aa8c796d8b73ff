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

_WRITES = "reglament_writes"
"""What the connection was last set to; a pool hands it to readers and writers alike."""

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


def install(engine: Engine) -> None:
    """Set every new connection up, and begin transactions ourselves."""
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)


def _set_up(connection: Any, _record: object) -> None:  # the driver's own, sync or adapted
    cursor = connection.cursor()
    try:
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(IMMEDIATE, False)
    if connection.info.get(_WRITES) is not immediate:
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if immediate else 'ON'}")
        connection.info[_WRITES] = immediate
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
