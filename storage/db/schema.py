"""Migrate the tables up and down, and compare the schema of a database with this version."""

from __future__ import annotations

import importlib.resources
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from storage.db import address, append_only, pragmas
from storage.db.driver_errors import MIGRATE, in_our_words
from storage.errors import SchemaMismatch, StorageError

_ADVISORY_KEY = 7_243_115_001
"""Key of the PostgreSQL lock that makes two migrating processes take turns."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files("migrations")).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.set_main_option("timezone", "UTC")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    """Open a connection in one transaction that excludes other migrations; committed at the end."""
    sqlite = address.is_sqlite(url)
    if sqlite:
        pragmas.prepare(address.file_of(url))
    engine = create_engine(
        address.for_migrations(url),
        poolclass=NullPool,
        connect_args=pragmas.CONNECT_ARGS if sqlite else address.SERVER_ARGS,
        hide_parameters=True,
        execution_options={pragmas.IMMEDIATE: True},
    )
    if sqlite:
        pragmas.install(engine)
    try:
        with engine.begin() as connection:
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
            yield connection
    finally:
        engine.dispose()


def upgrade(url: str, revision: str = "head") -> None:
    """Create or update the tables, all or nothing. Blocks: from asyncio, call in a thread."""
    where = address.parse(url)
    if address.is_sqlite(where):
        make_folder(address.file_of(where))
    with in_our_words(), _connected(where) as connection:
        _refuse_newer(connection)
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the tables back to `revision` (`base`: drop all)."""
    where = address.parse(url)
    with in_our_words(), _connected(where) as connection:
        command.downgrade(_config(connection), revision)


def current_revision(url: str) -> str | None:
    """Read the revision of a database; None for a database without tables of ours."""
    where = address.parse(url)
    if address.is_sqlite(where) and not address.file_of(where).exists():
        return None
    with in_our_words(), _connected(where) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """Return the revision that this version needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101  # the versions are part of the package
    return head


def problem_with(connection: Connection, guarded: bool = True) -> SchemaMismatch | None:
    """Find the schema problem that keeps this version from using an open connection; None if there is none."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return SchemaMismatch(f"the database has no tables yet: {MIGRATE}")
    if current != head_revision():
        if _knows(current):
            return SchemaMismatch(f"the database is of an older version ({current}): {MIGRATE}")
        return SchemaMismatch(f"the database is of a newer version ({current}): update the program")
    lost = append_only.missing(connection) if guarded else []
    if lost:
        return SchemaMismatch(
            f"the ledger's guard {lost[0]} is missing or changed: somebody opened the ledger for rewriting;"
            " run `reglament verify`, then restore the database from a backup"
        )
    return None


def _knows(revision: str) -> bool:
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _refuse_newer(connection: Connection) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and not _knows(current):
        raise SchemaMismatch(f"the database is of a newer version ({current}): update the program")


def make_folder(file: Path) -> None:
    """Make the folder of an SQLite file. Raises StorageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder of the database cannot be made: {file.parent} ({error.strerror})") from error


def new_revision(message: str) -> None:
    """Write the next migration from the difference between models and a fresh database (for developers)."""
    import tempfile  # noqa: PLC0415  # a developer's command only

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fresh.db"
        upgrade(url)
        with _connected(address.parse(url)) as connection:
            command.revision(_config(connection), message, autogenerate=True)


if __name__ == "__main__":
    new_revision(" ".join(sys.argv[1:]))
