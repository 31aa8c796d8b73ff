"""Compile each statement once in a run of the tests, although nearly every test opens databases of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

_COMPILED: dict[Any, Any] = {}
"""Compiled statements by dialect and statement, as SQLAlchemy keeps them for an engine."""


def share_compiled_statements() -> None:
    """Let all engines of a dialect use one cache: compiling costs more than most statements of the tests."""
    for dialect in (SQLiteDialect_aiosqlite, PGDialectAsync_psycopg):
        dialect.__eq__ = _are_alike  # type: ignore[method-assign]
        dialect.__hash__ = _hash_of_class  # type: ignore[method-assign, assignment]
    event.listen(Engine, "engine_connect", _use_shared_cache)


def _are_alike(this: Any, other: object) -> bool:
    return type(this) is type(other) and this.server_version_info == other.server_version_info  # type: ignore[attr-defined]


def _hash_of_class(dialect: object) -> int:
    return hash(type(dialect))


def _use_shared_cache(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)
