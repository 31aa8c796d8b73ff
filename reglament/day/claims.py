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
from storage.days import runs
from storage.days.snapshots import stored_snapshots
from storage.days.windows import load_window
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


async def claim_day(
    process: Process, key: str, day: date, *, manual_instant: bool, ignore_retry_time: bool
) -> TeamDay | TeamResult:
    """Claim the day of team `key`; return a result at once if the day is finished or another process has the lease."""
    team = process.settings.teams[key]
    async with process.db.reading() as session:
        window = await load_window(session, key, team.calendar(), day)
    claim = await runs.claim(
        process.db,
        key,
        day,
        process.owner,
        window=window,
        at=process.now(),
        manual_instant=manual_instant,
        ignore_retry_time=ignore_retry_time,
    )
    match claim:
        case runs.Finished(run):
            return TeamResult(key, day, run, already=True)
        case runs.Busy(retry_at):
            return TeamResult(key, day, retry_at=retry_at, problem="another process works on it")
        case runs.Claimed(run, lease):
            async with process.db.reading() as session:
                stored = await stored_snapshots(session, run.id) if run.kept_at else []
            return TeamDay(key, team.judged_by(run.rulebook), run, lease, tuple(stored))


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
