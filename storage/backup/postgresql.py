"""Write dumps of PostgreSQL with `pg_dump`, load dumps with `pg_restore`, and exchange databases by name (blocking)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from storage.db import address
from storage.db.driver_errors import in_our_words
from storage.errors import Refused, StorageError

MAGIC = b"PGDMP"
"""First bytes of a dump in the custom format."""
_MAINTENANCE = ("postgres", "template1")
"""Databases of every server, from which another database is created or renamed."""
_NO_RIGHT, _IN_USE = "42501", "55006"


def dump(url: URL, target: Path) -> None:
    """Write a dump of the database into a file that exists: one moment's state, also while others write there."""
    options = ["--format=custom", "--no-owner", "--no-privileges", "--no-password", f"--file={target}"]
    _run("pg_dump", [*options, _plain(url)], url)


def prove(file: Path) -> None:
    """Read a dump from end to end. Raises StorageError for a damaged or shortened dump, and a dump of other tables."""
    _run("pg_restore", [f"--file={os.devnull}", str(file)])
    listed = _run("pg_restore", ["--list", str(file)])
    if "TABLE DATA" not in listed or " ledger_entries " not in listed:
        raise StorageError(f"{file.name} is no backup of Reglament: the dump has no ledger")


def load(file: Path, url: URL) -> None:
    """Load a dump into an empty database, all or nothing."""
    options = ["--no-owner", "--no-privileges", "--no-password", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", [*options, f"--dbname={_plain(url)}", str(file)], url)


def refuse_users(url: URL) -> None:
    """Raise Refused while another program is connected to the database."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()")
    with _server(url) as server:
        others = server.execute(query, {"name": url.database}).scalar_one()
    if others:
        raise Refused(_in_use(others))


def create_beside(url: URL, name: str) -> URL:
    """Create an empty database with the encoding and the order of letters of another; return the address."""
    query = text("SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = :name")
    with _server(url) as server:
        encoding, collate, ctype = server.execute(query, {"name": url.database}).one()
        server.exec_driver_sql(
            f"CREATE DATABASE {_quoted(name)} TEMPLATE template0 ENCODING '{encoding}'"
            f" LC_COLLATE '{collate}' LC_CTYPE '{ctype}'"
        )
    return url.set(database=name)


def exchange(url: URL, fresh: str, kept: str) -> None:
    """Give the database's name to `fresh` and the name `kept` to the database, in one step."""
    with _server(url) as server:
        server.exec_driver_sql("BEGIN")
        server.exec_driver_sql(f"ALTER DATABASE {_quoted(str(url.database))} RENAME TO {_quoted(kept)}")
        server.exec_driver_sql(f"ALTER DATABASE {_quoted(fresh)} RENAME TO {_quoted(str(url.database))}")
        server.exec_driver_sql("COMMIT")


def drop(url: URL) -> None:
    """Drop a database that was created beside."""
    with _server(url) as server:
        server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(str(url.database))}")


@contextmanager
def _server(url: URL) -> Iterator[Connection]:
    """Connect to another database of the same server, without a transaction."""
    with in_our_words(), _clear_words(), _connected(url) as connection:
        yield connection


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    for name in _MAINTENANCE:
        engine = create_engine(
            address.for_migrations(url.set(database=name)),
            poolclass=NullPool,
            connect_args=address.SERVER_ARGS,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
        )
        try:
            connection = engine.connect()
        except DBAPIError:
            if name == _MAINTENANCE[-1]:
                raise
            continue
        with connection:
            yield connection
        return


@contextmanager
def _clear_words() -> Iterator[None]:
    """Say what a missing right or a busy database means for a restore."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == _NO_RIGHT:
            raise Refused(
                "the database user may not create and rename databases: give the right for the restore"
                " (ALTER ROLE … CREATEDB, as owner of the database)"
            ) from None
        if state == _IN_USE:
            raise Refused(_in_use()) from None
        raise


def _in_use(others: int | None = None) -> str:
    who = f"{others} other connections use" if others else "other programs use"
    return f"{who} the database: stop every `reglament run`, and whatever else is connected"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(url: URL) -> str:
    """Write the address for the command line, which every user of the machine may see: without the password."""
    return url._replace(drivername="postgresql", password=None).render_as_string()  # `set` keeps what is None


def _run(name: str, options: Sequence[str], url: URL | None = None) -> str:
    """Run a program of PostgreSQL and return what the program printed. Raises StorageError with the program's words."""
    environment = dict(os.environ)
    if url is not None and url.password:
        environment["PGPASSWORD"] = str(url.password)
    done = subprocess.run(  # noqa: S603  # a program of PostgreSQL, no shell
        [_program(name), *options], env=environment, capture_output=True, check=False
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        problem = "; ".join(line.partition(": ")[2].strip() for line in lines if "error:" in line or "detail:" in line)
        raise StorageError(f"{name} failed: {problem or lines[0]}"[:500])
    return done.stdout.decode(errors="replace")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StorageError(
            f"{name} is not on PATH: install the PostgreSQL client of the server's version here,"
            f" or run the command where {name} is"
        )
    return found
