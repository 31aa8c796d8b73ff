"""Write the whole database into one file for `reglament backup`, also while the service works."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reglament.config.settings import Settings
from reglament.errors import SettingsError, WorkFailed
from storage.backup import postgresql, sqlite_file
from storage.db import address, schema
from storage.db.pragmas import BESIDE
from storage.whole_files import writing_whole


async def backup(settings: Settings, file: Path) -> None:
    """Write a backup (mode 0600) and prove the file before it takes its name. Raises WorkFailed or StorageError."""
    url = settings.database.url
    _refuse_own_files(url, file)
    if await asyncio.to_thread(schema.current_revision, url) is None:  # of any version: a backup precedes an upgrade
        raise WorkFailed("there is no database yet, or a database without tables of ours: nothing to back up")
    try:
        await asyncio.to_thread(_write, settings, file)
    except OSError as error:
        raise WorkFailed(f"the backup {file} cannot be written: {error.strerror}") from None


def _write(settings: Settings, file: Path) -> None:
    where = address.parse(settings.database.url)
    with writing_whole(file) as beside:
        if address.is_sqlite(where):
            sqlite_file.copy_database(address.file_of(where), beside)
            sqlite_file.prove(beside)
        else:
            postgresql.dump(address.parse(settings.database.engine_url), beside)
            postgresql.prove(beside)


def _refuse_own_files(url: str, file: Path) -> None:
    """Raise SettingsError for a backup that would take the place of the database itself."""
    where = address.parse(url)
    if file.is_dir():
        raise SettingsError(f"{file} is a folder: name a file")
    if address.is_sqlite(where):
        own = address.file_of(where)
        if file.resolve() in {own.with_name(own.name + ending).resolve() for ending in ("", *BESIDE, ".key", ".lock")}:
            raise SettingsError(f"{file} belongs to the database itself: name another file")
