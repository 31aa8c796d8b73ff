"""Database, clients and teams, opened in order and closed in reverse, for every command alike."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reglament.config.settings import Settings
from reglament.connections import Connections
from reglament.day.cutoff import Process
from scoring.payout import MoneyTerms
from storage.client_memory import StoredMemory, secret_key_in
from storage.days import rulebooks
from storage.db import schema
from storage.db.database import Database
from storage.people import teams
from storage.people.teams import TeamChanges, TeamSetting


def clock_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class Clock:
    """Tells now: the clock, or counting on from an instant that is taken for now (`--at`)."""

    def __init__(self, at: datetime | None = None) -> None:
        self.shift = timedelta(0) if at is None else at.astimezone(UTC) - clock_now()

    def __call__(self) -> datetime:
        """The instant taken for now."""
        return clock_now() + self.shift


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, its tables made if it has none. Raises SchemaMismatch if they are of another version."""
    url = settings.database.url
    if await asyncio.to_thread(schema.current_revision, url) is None:
        await asyncio.to_thread(schema.upgrade, url)
    async with await Database.open(url) as database:
        await database.check_schema()
        yield database


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    clock: Clock | None = None,
    service: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> AsyncIterator[Process]:
    """Everything that the day's run needs. `options` are extra arguments for clients by kind."""
    now = clock or Clock()
    async with opened_database(settings) as database:
        key = _secret_key(settings)
        connections = Connections(settings.crm, lambda name: StoredMemory(database, name, key), options, now.shift)
        try:
            yield Process(
                db=database,
                settings=settings,
                connections=connections,
                owner=f"{socket.gethostname()}:{os.getpid()}",
                started_at=now() if service else None,
                now=now,
            )
        finally:
            await connections.aclose()


def _secret_key(settings: Settings) -> str:
    key = settings.secret_key.get_secret_value()
    if key:
        return key
    url = settings.database.url
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else Path("reglament")
    return secret_key_in(file.with_name(f"{file.name}.key"))


async def load_teams(process: Process) -> TeamChanges:
    """Store the teams, rulebooks and courses that the settings have now; what is missing there is archived."""
    now = process.now()
    async with process.db.transaction() as session:
        changes = await teams.sync(
            session,
            [
                TeamSetting(key, team.title or key, team.crm, team.calendar().local_date(now))
                for key, team in process.settings.teams.items()
            ],
            at=now,
        )
        for key, team in process.settings.teams.items():
            await rulebooks.keep_rulebook(session, key, team.rulebook(), now)
            await rulebooks.keep_money(session, key, team.money.terms() if team.money else MoneyTerms(), now)
    return changes
