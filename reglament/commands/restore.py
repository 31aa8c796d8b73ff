"""Put a backup in the place of the database for `reglament restore` (docs/operations.md).

Everything is done and proved on a copy beside; the last step exchanges the names, and the replaced database is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from rich.console import Console

from reglament.commands.restored_days import MissingDays, find_missing_days, told_days
from reglament.config.settings import Settings
from reglament.errors import WorkFailed
from reglament.process import clock_now
from reglament.witnesses.differences import Differences
from reglament.witnesses.restored import anchored_after_backup
from storage.backup import marks
from storage.backup.replaced import keep_newer_state, read_replaced
from storage.backup.target import RestoreTarget, restore_target
from storage.db import address, schema
from storage.db.database import Database
from storage.db.locks import SingleRun
from storage.errors import UNREADABLE
from storage.people import teams
from storage.values import Verification
from storage.verify import verification as verify
from storage.verify.soundness import verify_soundness


@dataclass(frozen=True, slots=True)
class Prepared:
    """Report the database that was loaded beside: what was proved, which days are missing."""

    verified: tuple[Verification, ...]
    missing: tuple[MissingDays, ...]
    anchored: Differences
    """Days and events of the anchors that the backup lacks."""
    told: Mapping[str, date]
    """Last day by team of which people are told nothing again."""
    cancelled: int
    """Messages that the backup still held and that are not sent again."""


@dataclass(frozen=True, slots=True)
class Restored:
    """Report a restore, with the name under which the replaced database is kept (empty: there was none)."""

    prepared: Prepared
    kept: str


async def restore(settings: Settings, file: Path, *, tell: bool = False, at: datetime | None = None) -> Restored:
    """Load, migrate and prove a backup beside the database, then exchange both.

    `tell` tells people again of days that are caught up; `at` is taken for now. Raises AlreadyRunning, Refused,
    WorkFailed or StorageError: the database is then as before.
    """
    now = at or clock_now()
    url = settings.database.engine_url
    target = restore_target(url, file)
    with _only_process(url):
        await asyncio.to_thread(target.refuse_users)
        try:
            await asyncio.to_thread(target.load, file)
            prepared = await _prepare(settings, target, file, now, tell=tell)
            kept = await asyncio.to_thread(target.exchange, now)
        except OSError as error:
            raise WorkFailed(f"the backup cannot be loaded beside the database: {error.strerror}") from None
        finally:
            await asyncio.to_thread(target.discard)
    return Restored(prepared, kept)


@contextmanager
def _only_process(url: str) -> Iterator[None]:
    """Hold the right to run on an SQLite file, whose folder may not exist yet on a new machine."""
    where = address.parse(url)
    if address.is_sqlite(where):
        schema.make_folder(address.file_of(where))
    with SingleRun(url):
        yield


async def _prepare(settings: Settings, target: RestoreTarget, file: Path, now: datetime, *, tell: bool) -> Prepared:
    """Migrate, prove and mark the database beside."""
    if await asyncio.to_thread(schema.current_revision, target.fresh_url) is None:
        raise WorkFailed(f"{file} is no backup of Reglament: it has no tables of ours")
    await asyncio.to_thread(schema.upgrade, target.fresh_url)
    replaced = await asyncio.to_thread(read_replaced, settings.database.engine_url)
    async with await Database.open(target.fresh_url) as database:
        await database.check_schema()
        verified = await _verify(database, file)
        async with database.transaction() as session:
            last = await marks.last_finished_days(session)
            told = {} if tell else told_days(settings, last, replaced.last_days, now)
            await marks.mark_restored(session, at=now, file=file.name, told=told)
            cancelled = 0 if tell else await marks.cancel_messages(session, at=now)
            await keep_newer_state(session, replaced.client_state)
            missing = tuple(await find_missing_days(settings, session, now))
            anchored = await anchored_after_backup(settings, session)
    return Prepared(verified, missing, anchored, {last[team][0]: day for team, day in told.items()}, cancelled)


async def _verify(database: Database, file: Path) -> tuple[Verification, ...]:
    """Verify tables, ledgers and journals of the company and of all teams. Raises WorkFailed for a change."""
    try:
        async with database.reading() as session:
            unsound = await verify_soundness(session)
            company = await verify.verify_company(session)
            verified = [await verify.verification(session, key, company) for key in await teams.all_keys(session)]
    except UNREADABLE:
        raise WorkFailed(f"what is stored in {file} was altered beyond reading; nothing was replaced") from None
    every = [*unsound, *company.problems, *(problem for found in verified for problem in found.problems)]
    problems = [f"{problem.team}: {problem.text}" for problem in every]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise WorkFailed(f"the ledger in {file} is not as it was written: {problems[0]}{more}; nothing was replaced")
    return tuple(verified)


def print_restored(console: Console, restored: Restored) -> None:
    """Print what a restore did and what the next start will do."""
    prepared = restored.prepared
    lines = [f"the replaced database is kept: {restored.kept}"] if restored.kept else []
    lines += [
        f"{found.team}: {found.entries} entries, {found.days} days: as they were written" for found in prepared.verified
    ]
    for days in prepared.missing:
        if days.too_old:
            lines.append(f"{days.team}: missing and too old to be caught up (catch_up_days): {_days(days.too_old)}")
        if days.caught_up:
            lines.append(f"{days.team}: missing, caught up by the next start: {_days(days.caught_up)}")
    if prepared.anchored:
        events = sum(len(each.lost) for each in prepared.anchored.lost)
        lines.append(
            f"the anchors know {len(prepared.anchored.gaps)} days and {events} later events that the backup lacks:"
            " start once with `reglament run --accept-anchors`"
        )
        lines += [each.text for each in prepared.anchored.lost]
    lines += [
        f"{team}: people are told nothing again of days up to {day} (--tell would)"
        for team, day in prepared.told.items()
    ]
    if prepared.cancelled:
        lines.append(f"{prepared.cancelled} messages that the backup still held are not sent again")
    for line in lines or ["restored"]:
        console.print(line, highlight=False, markup=False)


def _days(days: tuple[date, ...]) -> str:
    return ", ".join(day.isoformat() for day in days)
