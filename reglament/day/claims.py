"""Claim a team's business day for this process and renew the lease while the day is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from reglament.config.team import TeamSettings
from reglament.day.missing import still_missing
from reglament.process import Process
from storage.days import claims, runs
from storage.days.snapshots import stored_snapshots
from storage.days.windows import load_windows
from storage.db.database import Database
from storage.errors import StorageError
from storage.values import Run, RunLease, StoredSnapshot

log = structlog.get_logger()

RENEW_SECONDS = 15.0
"""Pause between two renewals of a lease; a lease lasts `runs.LEASE_SECONDS`."""


@dataclass(frozen=True, slots=True)
class TeamResult:
    """Describe how a team's day ended in this attempt."""

    team: str
    day: date
    run: Run | None = None
    """The finished run; None if the day was postponed or belongs to another process."""
    already: bool = False
    """Whether the day had been finished before this attempt."""
    retry_at: datetime | None = None
    problem: str = ""
    failed: bool = False
    """Whether an unforeseen exception ended the attempt before the day could be claimed."""


@dataclass(frozen=True, slots=True)
class TeamDay:
    """Hold a claimed team on the way through the day."""

    key: str
    team: TeamSettings
    """The settings, with the aliases of the run's rulebook."""
    run: Run
    lease: RunLease
    stored: tuple[StoredSnapshot, ...]
    """Snapshots of earlier attempts."""

    @property
    def unread_kpis(self) -> tuple[str, ...]:
        """List the KPIs to read: all of the rulebook, or the KPIs that earlier attempts could not read in full."""
        if not self.stored:
            return self.run.rulebook.counted
        lacking = frozenset(still_missing(item.snapshot for item in self.stored))
        return tuple(key for key in self.run.rulebook.counted if key in lacking)


async def claim_days(
    process: Process, keys: Sequence[str], day: date, *, manual_instant: bool, ignore_retry_time: bool
) -> list[TeamDay | TeamResult]:
    """Claim the day of teams together; a team whose day is finished, or claimed by another process, gets a result."""
    calendars = {key: process.settings.teams[key].calendar() for key in keys}
    async with process.db.reading() as session:
        windows = await load_windows(session, calendars, day)
    found = await claims.claim_all(
        process.db,
        windows,
        day,
        process.owner,
        at=process.now(),
        manual_instant=manual_instant,
        ignore_retry_time=ignore_retry_time,
    )
    return [await _begin(process, key, day, found[key]) for key in keys]


async def _begin(process: Process, key: str, day: date, claim: claims.Claim) -> TeamDay | TeamResult:
    """Take up a claimed day, with the snapshots of earlier attempts, or say why the day is not this process's."""
    match claim:
        case claims.Finished(run):
            return TeamResult(key, day, run, already=True)
        case claims.Busy(retry_at):
            return TeamResult(key, day, retry_at=retry_at, problem="another process works on it")
        case claims.Claimed(run, lease):
            stored: list[StoredSnapshot] = []
            if run.kept_at:
                async with process.db.reading() as session:
                    stored = await stored_snapshots(session, run.id)
            return TeamDay(key, process.settings.teams[key].judged_by(run.rulebook), run, lease, tuple(stored))


@asynccontextmanager
async def renewed_leases(db: Database, days: Sequence[TeamDay]) -> AsyncIterator[None]:
    """Renew the leases of `days` while the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            for day in days:
                try:
                    await runs.renew(db, day.lease)
                except StorageError as error:
                    log.warning("lease_not_renewed", team=day.key, problem=str(error))

    renewing = asyncio.get_running_loop().create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
