"""Keep commands that change the database's ground apart from a running service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from reglament.config.settings import Settings
from reglament.errors import WorkFailed
from reglament.process import clock_now
from storage.days import heartbeats
from storage.db.database import Database
from storage.db.locks import SingleRun

SILENCE = timedelta(minutes=1)
"""Age of the last heartbeat from which a service counts as gone: four beats were missed."""


@asynccontextmanager
async def without_service(settings: Settings, db: Database) -> AsyncIterator[None]:
    """Hold the right to be the only process of an SQLite file; on PostgreSQL make sure that no service beats.

    Raises AlreadyRunning or WorkFailed.
    """
    with SingleRun(settings.database.url):
        if not db.is_sqlite:
            await _refuse_beating_service(db)
        yield


async def _refuse_beating_service(db: Database) -> None:
    async with db.reading() as session:
        beats = heartbeats.of_loops(await heartbeats.all_beats(session))
    last = max(beats.values(), default=None)
    if last is not None and last > clock_now() - SILENCE:
        raise WorkFailed(
            f"a service works on this database (last sign at {last:%H:%M:%S} UTC): stop every `reglament run`;"
            " after a kill wait a minute"
        )
