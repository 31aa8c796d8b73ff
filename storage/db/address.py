"""Read `database.url`: `sqlite:///path` or `postgresql://user:password@host/name`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import StorageError

SERVER_ARGS = {"connect_timeout": 10, "prepare_threshold": None}
"""Driver arguments for PostgreSQL. Nothing is prepared by name: behind a pooler the next transaction may reach another
connection of the server, where the name is unknown."""


def parse(url: str) -> URL:
    """Parse the address. Raises StorageError without the address in the text: an address may hold a password."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError(f"database.url is not an address; {_ALLOWED}") from None
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(f"database.url names {address.drivername!r}; {_ALLOWED}")
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise StorageError(f"database.url names no file; {_ALLOWED}")
    if address.get_backend_name() == "postgresql" and importlib.util.find_spec("psycopg") is None:
        raise StorageError("database.url names PostgreSQL, whose driver is missing: pip install 'reglament[postgres]'")
    return address


_ALLOWED = "allowed are sqlite:///file.db and postgresql://user:password@host/name"


def is_sqlite(address: URL) -> bool:
    """Tell whether the database is an SQLite file."""
    return address.get_backend_name() == "sqlite"


def file_of(address: URL) -> Path:
    """Return the path of the SQLite file."""
    assert address.database is not None  # noqa: S101  # `parse` refuses the others
    return Path(address.database)


def for_asyncio(address: URL) -> URL:
    """Add the driver of the service to an address."""
    return address.set(drivername="sqlite+aiosqlite" if is_sqlite(address) else "postgresql+psycopg")


def for_migrations(address: URL) -> URL:
    """Add the driver of Alembic to an address."""
    return address.set(drivername="sqlite+pysqlite" if is_sqlite(address) else "postgresql+psycopg")
