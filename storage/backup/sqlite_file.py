"""Copy SQLite databases by the online backup API, prove a copy, and exchange the file of a database (blocking)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from storage.db.driver_errors import in_our_words
from storage.db.pragmas import BESIDE, BUSY_SECONDS
from storage.errors import Refused, StorageError
from storage.private_files import create_private, make_private
from storage.whole_files import flush_folder

MAGIC = b"SQLite format 3\x00"
"""First bytes of a file of SQLite."""


def copy_database(source: Path, target: Path) -> None:
    """Copy a database, also while others write there, into `target`: one moment's state in one file."""
    with in_our_words(), closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as database:
        _copy(database, target)


def copy_backup(backup: Path, target: Path) -> None:
    """Copy a backup without touching the backup. Raises Refused beside a write-ahead log, StorageError."""
    refuse_log(backup, "the backup is a raw copy of a database at work: make one by `reglament backup`")
    with in_our_words(), closing(sqlite3.connect(f"file:{quote(str(backup))}?immutable=1", uri=True)) as database:
        _copy(database, target)


def _copy(database: sqlite3.Connection, target: Path) -> None:
    create_private(target)
    with closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def prove(file: Path) -> None:
    """Check every page, index and reference of a database. Raises StorageError."""
    with in_our_words(), closing(sqlite3.connect(file)) as database:
        found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found == "ok" and database.execute("PRAGMA foreign_key_check").fetchone() is not None:
            found = "a row refers to a row that is missing"
    if found != "ok":
        raise StorageError(f"{file.name} is damaged: {found}")


def refuse_log(file: Path, remedy: str) -> None:
    """Raise Refused if a write-ahead log with content lies beside a file: SQLite would mix both."""
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise Refused(f"{log} lies beside {file.name}: {remedy}")


def refuse_users(file: Path) -> None:
    """Raise Refused while another process has the database open. A damaged or missing file has no users."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=1)) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # only the last connection may leave the log
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise Refused(f"another command works on {file}: wait for its end, or stop it") from None
    except sqlite3.DatabaseError:
        return


def close_log(file: Path) -> None:
    """Take the write-ahead log into the file, so that the file alone is the database."""
    with in_our_words(), closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = DELETE")


def exchange(file: Path, fresh: Path, at: datetime) -> Path | None:
    """Put `fresh` in the place of a database in one step; return where the replaced file is kept, if there was one."""
    kept = None
    if file.exists():
        kept = _free_name(file.with_name(f"{file.name}.replaced-{at:%Y%m%d-%H%M%S}"))
        try:
            os.link(file, kept)
        except OSError:  # a file system without links
            file.rename(kept)
        make_private(kept)
    fresh.replace(file)
    for ending in BESIDE:
        file.with_name(file.name + ending).unlink(missing_ok=True)  # empty: content was refused before
    flush_folder(file.parent)
    return kept


def _free_name(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def remove(file: Path) -> None:
    """Remove a file of SQLite with everything beside."""
    for ending in ("", *BESIDE):
        file.with_name(file.name + ending).unlink(missing_ok=True)
