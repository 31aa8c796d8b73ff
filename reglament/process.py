"""Open database, clients and teams in order for every command alike, and close all in reverse."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from getpass import getuser
from typing import Any

import structlog

from reglament.config.settings import Settings
from reglament.connections import Connections
from reglament.secret_key import load_secret_key, weak_key_problem
from storage.client_memory import StoredMemory
from storage.days import rulebooks
from storage.db import schema
from storage.db.database import Database, Session
from storage.db.pooler import hands_connections_on
from storage.journal.begin import begin, teams_to_begin
from storage.journal.calendars import store_calendar
from storage.journal.retold import tell_again
from storage.people import full_boards, teams
from storage.people.teams import ConfiguredTeam, TeamChanges

log = structlog.get_logger()

Enqueue = Callable[[Session, Sequence[int]], Awaitable[None]]
"""Tell the engine of new deliveries, in the transaction that wrote them."""


async def _without_engine(_session: Session, _ids: Sequence[int]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Process:
    """Hold the open database, clients and settings that a run works with."""

    db: Database
    settings: Settings
    connections: Connections
    owner: str
    """Name of this process in leases."""
    started_at: datetime | None
    """Start of the service; None for a single command: the retry time then counts from the first attempt."""
    now: Callable[[], datetime]
    enqueue: Enqueue = _without_engine


def clock_now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(UTC)


class ProcessClock:
    """Tell the instant taken for now: the clock, or time counting on from `--at`."""

    def __init__(self, at: datetime | None = None) -> None:
        self._shift = timedelta(0) if at is None else at.astimezone(UTC) - clock_now()

    @property
    def shift(self) -> timedelta:
        """Return the distance of the instant taken for now from the clock."""
        return self._shift

    def __call__(self) -> datetime:
        """Return the instant taken for now."""
        return clock_now() + self._shift


@asynccontextmanager
async def open_database(settings: Settings, *, guarded: bool = True) -> AsyncIterator[Database]:
    """Open the database and create the tables of an empty database.

    Unless `guarded`, missing guards are passed over, for the proof that names them. Raises SchemaMismatch if the tables
    belong to another version.
    """
    url = settings.database.url
    if await asyncio.to_thread(schema.current_revision, url) is None:
        await asyncio.to_thread(schema.upgrade, url)
    async with await Database.open(url) as database:
        await database.check_schema(guarded=guarded)
        yield database


async def pooler_problem(settings: Settings) -> str:
    """Describe a pooler that keeps the engine of `run` from working; empty if there is none. Raises StorageError.

    The engine waits for news of the server on a connection of its own, which a pooler by transaction takes away.
    """
    if settings.database.url.startswith("sqlite:"):
        return ""
    async with await Database.open(settings.database.engine_url) as database:
        if not await hands_connections_on(database):
            return ""
    if settings.database.direct_url:
        return "database.direct_url leads to a pooler in transaction mode: name the PostgreSQL server itself there"
    return (
        "database.url leads to a pooler in transaction mode, where `reglament run` cannot work: "
        "set database.direct_url to the address of the PostgreSQL server itself"
    )


@asynccontextmanager
async def open_process(
    settings: Settings,
    *,
    clock: ProcessClock | None = None,
    service: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> AsyncIterator[Process]:
    """Open everything that a run needs. `options` are extra arguments for clients by kind.

    The made-up CRM goes by the clock of the process: what is to come stays unknown there too.
    """
    now = clock or ProcessClock()
    options = options or {"demo": {"now": now}}
    async with open_database(settings) as database:
        if (problem := await weak_key_problem(settings, database)) and service:
            log.warning("weak_secret_key", problem=problem)
        key = load_secret_key(settings)
        connections = Connections(settings.crm, lambda name: StoredMemory(database, name, key), options, now.shift)
        process = Process(
            db=database,
            settings=settings,
            connections=connections,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            started_at=now() if service else None,
            now=now,
        )
        try:
            async with database.reading() as session:
                await _learn_schedules(process, session)
            yield process
        finally:
            await connections.aclose()


async def store_teams(process: Process) -> TeamChanges:
    """Store teams, rulebooks, courses and calendars of the settings; archive stored teams missing in the settings.

    Teams scored by a release without a journal get the first event of theirs.
    """
    now = process.now()
    async with process.db.transaction() as session:
        changes = await teams.sync(
            session,
            [
                ConfiguredTeam(key, team.title or key, team.crm, team.calendar().local_date(now))
                for key, team in process.settings.teams.items()
            ],
            at=now,
        )
        for key, team in process.settings.teams.items():
            await rulebooks.keep_rulebook(session, key, process.settings.rulebook(key), now)
            await rulebooks.keep_money(session, key, team.money.terms() if team.money else None, now)
            await full_boards.note(session, key, is_full=team.board == "full", author=_author_of_settings(), at=now)
        for key in await teams_to_begin(session):
            await begin(session, key, now)
        for key, team in process.settings.teams.items():
            await store_calendar(session, key, team.calendar(), now)
        await _learn_schedules(process, session)
    async with process.db.transaction() as session:
        await tell_again(session, now)
    return changes


def _author_of_settings() -> str:
    """Name the user of the system who loads the settings."""
    try:
        return f"settings, loaded by {getuser()}"
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"settings, loaded by user {os.getuid()}"


async def _learn_schedules(process: Process, session: Session) -> None:
    """Tell the teams which cutoff, zone and weekdays were loaded before: a running window keeps its own."""
    for key, team in process.settings.teams.items():
        team.learn_schedules(await rulebooks.loaded_schedules(session, key), process.now())
