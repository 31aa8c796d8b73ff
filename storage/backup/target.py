"""Hold the place of a database while a backup is loaded beside: refuse users, load, exchange, clean up (blocking)."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL

from storage.backup import postgresql, sqlite_file
from storage.db import address
from storage.errors import Refused, StorageError


class RestoreTarget(Protocol):
    """Describe the place of a database: a file of SQLite, or a database of a PostgreSQL server."""

    @property
    def fresh_url(self) -> str:
        """Return the address of the database beside."""
        ...

    def refuse_users(self) -> None:
        """Raise Refused while anything else works on the database."""
        ...

    def load(self, backup: Path) -> None:
        """Load a backup into a new database beside. Raises StorageError."""
        ...

    def exchange(self, at: datetime) -> str:
        """Put the new database in the place of the old; return where the old is kept, empty if there was none."""
        ...

    def discard(self) -> None:
        """Remove the database beside, if it still is there."""
        ...


def restore_target(url: str, backup: Path) -> RestoreTarget:
    """Return the place of the database at `url` for a backup of its kind. Raises Refused."""
    where = address.parse(url)
    try:
        with backup.open("rb") as file:
            begin = file.read(max(len(sqlite_file.MAGIC), len(postgresql.MAGIC)))
    except OSError as error:
        raise Refused(f"the backup {backup} cannot be read: {error.strerror}") from None
    kind = _kind_of(begin)
    if not kind:
        raise Refused(f"{backup} is no backup: neither a file of SQLite nor a dump of pg_dump --format=custom")
    if (kind == "SQLite") != address.is_sqlite(where):
        raise Refused(f"{backup} is a backup of {kind}, but database.url names the other kind of database")
    return SqliteTarget(address.file_of(where)) if address.is_sqlite(where) else PostgresTarget(where)


def _kind_of(begin: bytes) -> str:
    if begin.startswith(sqlite_file.MAGIC):
        return "SQLite"
    return "PostgreSQL" if begin.startswith(postgresql.MAGIC) else ""


class SqliteTarget:
    """Exchange the file of an SQLite database."""

    def __init__(self, file: Path) -> None:
        self._file = file.absolute()
        self._fresh = self._file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")

    @property
    def fresh_url(self) -> str:
        """Return the address of the file beside."""
        return f"sqlite:///{self._fresh}"

    def refuse_users(self) -> None:
        """Raise Refused beside a write-ahead log with content, and while another command works on the file."""
        sqlite_file.refuse_log(
            self._file,
            "the database was not closed cleanly; `reglament verify` takes the log in,"
            " or move both files away together if the database is damaged",
        )
        sqlite_file.refuse_users(self._file)

    def load(self, backup: Path) -> None:
        """Copy the backup into a file beside, and prove the copy."""
        sqlite_file.copy_backup(backup, self._fresh)
        sqlite_file.prove(self._fresh)

    def exchange(self, at: datetime) -> str:
        """Rename the file beside into place; the replaced file stays under a name with the instant."""
        sqlite_file.close_log(self._fresh)
        kept = sqlite_file.exchange(self._file, self._fresh, at)
        return "" if kept is None else str(kept)

    def discard(self) -> None:
        """Remove the file beside."""
        sqlite_file.remove(self._fresh)


class PostgresTarget:
    """Exchange a database of a PostgreSQL server by its name."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._fresh = url.set(database=f"{str(url.database)[:40]}_restoring_{secrets.token_hex(4)}")

    @property
    def fresh_url(self) -> str:
        """Return the address of the database beside."""
        return self._fresh.render_as_string(hide_password=False)

    def refuse_users(self) -> None:
        """Raise Refused while another program is connected."""
        postgresql.refuse_users(self._url)

    def load(self, backup: Path) -> None:
        """Prove the dump and load it into a new database."""
        postgresql.prove(backup)
        postgresql.create_beside(self._url, str(self._fresh.database))
        postgresql.load(backup, self._fresh)

    def exchange(self, at: datetime) -> str:
        """Exchange the names of both databases; the replaced one gets a name with the instant."""
        kept = f"{str(self._url.database)[:40]}_replaced_{at:%Y%m%d_%H%M%S}"
        postgresql.exchange(self._url, str(self._fresh.database), kept)
        return kept

    def discard(self) -> None:
        """Drop the database beside; after the exchange there is none."""
        try:
            postgresql.drop(self._fresh)
        except StorageError:
            return
