"""Find the key that encrypts the memory of CRM clients, refuse a weak key, and renew the key."""

from __future__ import annotations

from pathlib import Path

from reglament.config.secret_strength import secret_key_problem
from reglament.config.settings import Settings
from reglament.errors import SettingsError
from storage import client_memory
from storage.client_memory import secret_key_in
from storage.db.database import Database

ROTATE = "put a new one into secret_key and run `reglament secret rotate`"


def load_secret_key(settings: Settings) -> str:
    """Return the key of the settings, else the key of the key file, which is made if missing. Raises StorageError."""
    key = settings.secret_key.get_secret_value()
    return key or secret_key_in(key_file(settings))


def key_file(settings: Settings) -> Path:
    """Return the path of the key file: beside the SQLite database, with PostgreSQL in the working directory."""
    url = settings.database.url
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else Path("reglament")
    return file.with_name(f"{file.name}.key")


async def weak_key_problem(settings: Settings, db: Database) -> str:
    """Describe a weak key under which state is stored already: a warning; empty for any other key.

    Raises SettingsError for a weak key under which nothing is stored yet.
    """
    key = settings.secret_key.get_secret_value()
    problem = secret_key_problem(key) if key else ""
    if not problem:
        return ""
    async with db.reading() as session:
        if await client_memory.is_empty(session):
            raise SettingsError(f"secret_key {problem}")
    return f"secret_key {problem}; until then tokens are stored under the present key: {ROTATE}"


async def rotate(settings: Settings, db: Database, old_key: str) -> int:
    """Encrypt the stored state with the key of the settings instead of `old_key`; return the number of values.

    All or nothing. Raises SettingsError for a weak or unchanged key, StorageError for a wrong old key.
    """
    key = settings.secret_key.get_secret_value()
    if key and (problem := secret_key_problem(key)):
        raise SettingsError(f"secret_key {problem}")
    new_key = load_secret_key(settings)
    if new_key == old_key:
        raise SettingsError("the settings still hold the old key: put the new one into secret_key first")
    async with db.transaction() as session:
        return await client_memory.rotate(session, old_key, new_key)
