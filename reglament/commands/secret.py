"""Renew the key that encrypts the memory of CRM clients, for `reglament secret rotate`."""

from __future__ import annotations

from pathlib import Path

from reglament.config.section import LONGEST_SECRET
from reglament.config.settings import Settings
from reglament.errors import SettingsError
from reglament.process import open_database
from reglament.secret_key import rotate
from reglament.solitude import without_service


def read_old_key(given: str | None, file: Path | None) -> str:
    """Return the old key, given as text or in a file. Raises SettingsError unless there is exactly one."""
    if (given is None) == (file is None):
        raise SettingsError("give the old key once: by --old-key-file or by REGLAMENT_OLD_SECRET_KEY")
    if file is None:
        key = given or ""
    else:
        try:
            with file.open(encoding="utf-8") as stream:
                key = stream.read(LONGEST_SECRET)
        except (OSError, ValueError):
            raise SettingsError(f"--old-key-file {file}: the file cannot be read") from None
    if not key.strip():
        raise SettingsError("the old key is empty")
    return key.strip()


async def rotate_key(settings: Settings, old_key: str) -> int:
    """Encrypt the stored state with the key of the settings while no service works; return the number of values."""
    async with open_database(settings) as database, without_service(settings, database):
        return await rotate(settings, database, old_key)
