"""The database of a simulated world: virtual time, deaths at every statement and commit, and every way to fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from storage.db.database import Database
from tests.simulation.kill import Seam
from tests.simulation.story import Story

Clock = Callable[[], datetime]
WRITES = ("INSERT", "UPDATE", "DELETE", "BEGIN IMMEDIATE")
JULIAN_EPOCH = 2440587.5
SQLITE = {
    "database_locked": "database is locked",
    "database_full": "database or disk is full",
    "database_restarted": "disk I/O error",
}
POSTGRESQL = {
    "database_locked": psycopg.errors.LockNotAvailable,
    "database_full": psycopg.errors.DiskFull,
    "database_restarted": psycopg.errors.AdminShutdown,
}


class FaultyDatabase:
    """Stand between a process and its database."""

    def __init__(self, db: Database, story: Story, seam: Seam, true: Clock, machine: Clock) -> None:
        self.db, self.story, self.seam, self.true = db, story, seam, true
        self.clock = machine if db.is_sqlite else true  # a file has the clock of its machine
        self._opened: list[Any] = []
        """Connections of the driver."""
        for engine in db._engines:
            event.listen(engine.sync_engine, "connect", self._note)
            event.listen(engine.sync_engine, "before_cursor_execute", self._statement, retval=True)
            event.listen(engine.sync_engine, "commit", self._commit)
            _step_after_commit(engine.sync_engine, seam)

    async def close(self) -> None:
        """End all connections, as the death of a process does; the next life opens new ones."""
        await self.db.close()
        opened, self._opened = self._opened, []
        for connection in opened:
            with suppress(Exception):
                await connection.close()

    def _note(self, connection: Any, _record: object) -> None:
        self._opened.append(connection.driver_connection)

    def _statement(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        self.seam()
        writes = statement.lstrip().upper().startswith(WRITES)
        now = self.true()
        if writes and self.story.troubles.strikes("database_locked", now):
            raise self._error("database_locked", statement)
        if writes and self.story.dice.random() < 0.3 and self.story.troubles.strikes("database_full", now):
            raise self._error("database_full", statement)
        if self.story.dice.random() < 0.1 and self.story.troubles.strikes("database_restarted", now):
            self._restart()
            raise self._error("database_restarted", statement)
        return self._in_virtual_time(statement), parameters

    def _commit(self, _connection: Any) -> None:
        self.seam()
        if self.story.dice.random() < 0.3 and self.story.troubles.strikes("database_full", self.true()):
            raise self._error("database_full", "COMMIT")

    def _error(self, what: str, statement: str) -> OperationalError:
        if self.db.is_sqlite:
            return OperationalError(statement, None, sqlite3.OperationalError(SQLITE[what]))
        return OperationalError(statement, None, POSTGRESQL[what](what))

    def _restart(self) -> None:
        """End every connection of a server, as a restart does."""
        if self.db.is_sqlite:
            return
        address = self.db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _in_virtual_time(self, statement: str) -> str:
        seconds = self.clock().timestamp()
        if self.db.is_sqlite:
            return statement.replace("julianday('now')", f"{seconds / 86400 + JULIAN_EPOCH:.9f}")
        return statement.replace("clock_timestamp()", f"to_timestamp({seconds:.6f})")


def _step_after_commit(engine: Engine, seam: Seam) -> None:
    """Make the moment after a commit a step: the work is stored, and the process may not hear of it."""
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        commit(connection)
        seam()

    engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]
