"""Lock across processes, on files (SQLite) and in the server (PostgreSQL); a lock ends with the process."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import text

from storage.db import address
from storage.db.database import Database
from storage.errors import AlreadyRunning, DatabaseReadOnly

_POLL_SECONDS = 0.05


class _FileLock:
    """Hold a lock on an open file; the system releases the lock when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Try once to take the lock; return success. Raises DatabaseReadOnly."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseReadOnly(f"the lock file {self._path} cannot be made ({error.strerror})") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Release the lock. The file stays: removing the file would let two holders in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class SingleRun:
    """Hold the right to be the only `reglament run` of an SQLite file; other commands may work at the same time.

    On PostgreSQL any number of processes may run, and the class does nothing. Raises AlreadyRunning.
    """

    def __init__(self, url: str) -> None:
        where = address.parse(url)
        self._file = address.file_of(where) if address.is_sqlite(where) else None
        self._lock = None if self._file is None else _FileLock(self._file.with_name(f"{self._file.name}.lock"))

    def __enter__(self) -> Self:
        if self._lock is not None and not self._lock.take():
            raise AlreadyRunning(
                f"another `reglament run` works on {self._file}: stop it first, or use PostgreSQL for several"
            )
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._lock is not None:
            self._lock.release()


@asynccontextmanager
async def shared_lock(db: Database, name: str) -> AsyncIterator[None]:
    """Hold the lock `name` in the block: one holder at a time, across processes (on PostgreSQL across machines)."""
    hold = _file_lock(db, name) if db.is_sqlite else _server_lock(db, name)
    async with hold:
        yield


@asynccontextmanager
async def _file_lock(db: Database, name: str) -> AsyncIterator[None]:
    file = address.file_of(db.url)
    lock = _FileLock(file.with_name(f"{file.name}.{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"))
    while not lock.take():  # noqa: ASYNC110  # the holder may be another process: there is no event to wait for
        await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def _server_lock(db: Database, name: str) -> AsyncIterator[None]:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    async with db.own_connection() as connection:
        try:
            # A lock of the transaction, not of the session: behind a pooler a session has no end.
            await connection.execute(text("BEGIN"))
            # Whoever holds it may talk to a slow CRM meanwhile: wait as long as it takes.
            await connection.execute(text("SET LOCAL lock_timeout = 0"))
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield
        finally:
            # The lock and the settings end with the connection, also where it broke or was cancelled half-way.
            await connection.invalidate()
