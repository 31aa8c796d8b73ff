"""Translate driver errors to errors of storage: one line each, without addresses, which may hold passwords."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.errors import (
    DatabaseLocked,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DiskFull,
    SchemaMismatch,
    StorageError,
)

MIGRATE = "run `reglament migrate`"

_SQLITE = (
    ("database is locked", DatabaseLocked, "the database is locked by another process; try again in a moment"),
    ("table is locked", DatabaseLocked, "the database is locked by another process; try again in a moment"),
    ("readonly database", DatabaseReadOnly, "the database cannot be written: check the rights of its file and folder"),
    ("database or disk is full", DiskFull, "the disk is full: nothing was saved; make room and try again"),
    ("disk i/o error", DatabaseUnreachable, "the disk failed while the database was used: check it and the free space"),
    ("unable to open", DatabaseUnreachable, "the database file cannot be opened: check its folder and rights"),
    ("not a database", DatabaseUnreachable, "the file of database.url is not an SQLite database"),
    ("malformed", DatabaseUnreachable, "the database file is damaged: restore it from a backup"),
    ("no such table", SchemaMismatch, f"the database has not the tables of this version: {MIGRATE}"),
    ("no such column", SchemaMismatch, f"the database has not the tables of this version: {MIGRATE}"),
    ("has no column", SchemaMismatch, f"the database has not the tables of this version: {MIGRATE}"),
)

_POSTGRESQL = {
    "53100": (DiskFull, "the database server's disk is full: nothing was saved; make room and try again"),
    "25006": (DatabaseReadOnly, "the database server takes no writes now: a standby, or read-only by its settings"),
    "42501": (DatabaseReadOnly, "the database user may not do this: check its rights"),
    "55P03": (DatabaseLocked, "the database is locked by another process; try again in a moment"),
    "57014": (DatabaseLocked, "the database took too long and stopped the request; try again in a moment"),
    "40001": (DatabaseLocked, "another process changed the same rows; try again"),
    "40P01": (DatabaseLocked, "another process changed the same rows; try again"),
    "42P01": (SchemaMismatch, f"the database has not the tables of this version: {MIGRATE}"),
    "42703": (SchemaMismatch, f"the database has not the tables of this version: {MIGRATE}"),
    "53300": (DatabaseUnreachable, "the database server has no free connection: raise max_connections"),
    "57P01": (DatabaseUnreachable, "the database server shut down the connection; it may be restarting"),
    "57P03": (DatabaseUnreachable, "the database server is starting up; try again in a moment"),
}

_POSTGRESQL_LOGIN = (
    ("password authentication failed", "the database server refused user or password: check database.url"),
    ("no password supplied", "the database server wants a password: check database.url"),
    ("does not exist", "the database server knows no such database or user: check database.url"),
    ("no pg_hba.conf entry", "the database server does not let this host in: see its pg_hba.conf"),
)


def translated(error: DBAPIError | PoolTimeout | sqlite3.Error) -> StorageError | None:
    """Translate a driver error; None for a mistake of the program, which is raised unchanged."""
    if isinstance(error, PoolTimeout):
        return DatabaseLocked("all database connections are busy; try again in a moment")
    if isinstance(error, sqlite3.Error):
        return _sqlite(error)
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite(error.orig)
    return _postgresql(error)


def _sqlite(error: sqlite3.Error) -> StorageError | None:
    words = str(error).lower()
    for part, kind, text in _SQLITE:
        if part in words:
            return kind(text)
    return None


def _postgresql(error: DBAPIError) -> StorageError | None:
    known = _POSTGRESQL.get(getattr(error.orig, "sqlstate", None) or "")
    if known is not None:
        return known[0](known[1])
    if not isinstance(error, OperationalError | InterfaceError) and not error.connection_invalidated:
        return None
    words = str(error.orig).lower()
    for part, text in _POSTGRESQL_LOGIN:
        if part in words:
            return DatabaseUnreachable(text)
    return DatabaseUnreachable("the database does not answer: check database.url and whether the server runs")


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise errors of storage for driver errors of the block; the driver's text is left out."""
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
        ours = translated(error)
        if ours is None:
            raise
        raise ours from error
