"""Ask the database whether the service lives and works, where the state file of the service cannot tell."""

from __future__ import annotations

from reglament.config.settings import Settings
from reglament.process import clock_now
from reglament.service.health import Health, judge
from storage.db.database import Database


async def health(settings: Settings) -> Health:
    """Judge the service by the database. Raises StorageError if the database cannot be read."""
    async with await Database.open(settings.database.url) as database, database.reading() as session:
        return await judge(session, settings, clock_now())
