"""Claim the runs of a day for a process, of all teams of a cutoff at once; the run of a dead process is taken over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, literal, or_
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.workdays import Window
from storage.days import rulebooks, runs
from storage.db.database import Database
from storage.db.models import RunRecord
from storage.db.sql import portions, teams_named, upsert
from storage.db.types import DatabaseNow
from storage.values import Run, RunLease, RunState

TOGETHER = 100
"""Runs claimed by one statement."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Report a run claimed by this process.

    A run with `kept_at` was taken over or retried: stored readings are scored, missing KPIs are read.
    """

    run: Run
    lease: RunLease


@dataclass(frozen=True, slots=True)
class Busy:
    """Report a run claimed by another process, or with a later `retry_at`."""

    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Report a run finished before."""

    run: Run


Claim = Claimed | Busy | Finished


async def claim(db: Database, team: str, day: date, owner: str, *, window: Window, at: datetime, **more: Any) -> Claim:
    """Claim the run of a single team as `claim_all` does."""
    return (await claim_all(db, {team: window}, day, owner, at=at, **more))[team]


async def claim_all(
    db: Database,
    windows: Mapping[str, Window],
    day: date,
    owner: str,
    *,
    at: datetime,
    manual_instant: bool = False,
    ignore_retry_time: bool = False,
    lease_seconds: float = runs.LEASE_SECONDS,
) -> dict[str, Claim]:
    """Claim runs of a day: new, postponed and due (`ignore_retry_time`: also not yet due), or with an ended lease.

    The first claim fixes window (`windows`, by team) and rulebook; later claims return the same.
    """
    claimed = {
        "state": RunState.CLAIMED.value,
        "owner": owner,
        "lease_until": DatabaseNow() + lease_seconds,
        "rehearsed": manual_instant,
    }
    due = literal(ignore_retry_time) | RunRecord.retry_at.is_(None) | (RunRecord.retry_at <= at)
    async with db.transaction() as session:
        teams = await teams_named(session, windows)
        books = await rulebooks.records_at(session, {team.id: windows[key].start for key, team in teams.items()})
        first = [
            {
                "team_id": team.id,
                "day": day,
                "connection": team.connection,
                "window_earlier": windows[key].earlier,
                "window_earlier_end": windows[key].earlier_end,
                "window_start": windows[key].start,
                "cutoff": windows[key].cutoff,
                "rulebook_id": books[team.id].id,
                "first_attempt_at": at,
            }
            for key, team in teams.items()
        ]
        taken = await _take(session, first, claimed, due)
        found = await runs.find_all(session, [team.id for team in teams.values()], day)
    return {key: _outcome(found[key], owner, taken.get(found[key].id)) for key in windows}


def _outcome(run: Run, owner: str, attempt: int | None) -> Claim:
    """Tell what became of a claim; `attempt` is the number of the attempt if this process has the run."""
    if attempt is not None:
        return Claimed(run, RunLease(run.id, run.team, owner, attempt))
    if run.state is RunState.FINISHED:
        return Finished(run)
    return Busy(run.retry_at if run.state is RunState.POSTPONED else None)


async def _take(
    session: AsyncSession, first: list[dict[str, Any]], claimed: dict[str, Any], due: ColumnElement[bool]
) -> dict[int, int]:
    """Decide claims by a conditional write; return the attempts of the runs taken, by run.

    RETURNING tells the outcome, because psycopg gives no row count.
    """
    again = claimed | {
        "attempts": RunRecord.attempts + 1,
        "retry_at": None,
        "rehearsed": or_(RunRecord.rehearsed, literal(claimed["rehearsed"])),
    }
    taken: dict[int, int] = {}
    for portion in portions(first, TOGETHER):
        statement = (
            upsert(session, RunRecord)
            .values([each | claimed for each in portion])
            .on_conflict_do_update(
                index_elements=["team_id", "day"],
                set_=again,
                where=(RunRecord.state != RunState.FINISHED.value) & (RunRecord.lease_until <= DatabaseNow()) & due,
            )
            .returning(RunRecord.id, RunRecord.attempts)
        )
        taken |= dict((await session.execute(statement)).all())
    return taken
