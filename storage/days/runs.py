"""Keep the run of a team's business day: one process claims the run; the run of a dead process is taken over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook
from scoring.workdays import Window
from storage.days import snapshots
from storage.days.closed_deals import note_closed
from storage.days.rulebooks import rulebook_record_at
from storage.db.database import Database
from storage.db.models import RulebookRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.db.sql import team_named, upsert
from storage.db.types import DatabaseNow
from storage.errors import LeaseLost, NotFound
from storage.values import Run, RunLease, RunState, StoredSnapshot

LEASE_SECONDS = 60.0
"""Seconds after which the run of a dead process may be taken over; a living process renews every 15 s."""


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


async def claim(
    db: Database,
    team: str,
    day: date,
    owner: str,
    *,
    window: Window,
    at: datetime,
    manual_instant: bool = False,
    ignore_retry_time: bool = False,
    lease_seconds: float = LEASE_SECONDS,
) -> Claimed | Busy | Finished:
    """Claim the run of a day: new, postponed and due (`ignore_retry_time`: also not yet due), or with an ended lease.

    The first claim fixes window and rulebook; later claims return the same.
    """
    async with db.transaction() as session:
        row = await team_named(session, team)
        first = {
            "team_id": row.id,
            "day": day,
            "connection": row.connection,
            "window_earlier": window.earlier,
            "window_earlier_end": window.earlier_end,
            "window_start": window.start,
            "cutoff": window.cutoff,
            "rulebook_id": (await rulebook_record_at(session, team, window.start)).id,
            "first_attempt_at": at,
        }
        claimed = {
            "state": RunState.CLAIMED.value,
            "owner": owner,
            "lease_until": DatabaseNow() + lease_seconds,
            "rehearsed": manual_instant,
        }
        due = literal(ignore_retry_time) | RunRecord.retry_at.is_(None) | (RunRecord.retry_at <= at)
        taken = await _take(session, first, claimed, due)
        run = await find(session, team, day)
    assert run is not None  # noqa: S101  # inserted, or in the way
    if taken is not None:
        return Claimed(run, RunLease(taken.id, team, owner, taken.attempts))
    if run.state is RunState.FINISHED:
        return Finished(run)
    return Busy(run.retry_at if run.state is RunState.POSTPONED else None)


async def _take(
    session: AsyncSession, first: dict[str, Any], claimed: dict[str, Any], due: ColumnElement[bool]
) -> Row[int, int] | None:
    """Decide the claim in one conditional write; RETURNING tells the outcome, because psycopg gives no row count."""
    again = claimed | {
        "attempts": RunRecord.attempts + 1,
        "retry_at": None,
        "rehearsed": or_(RunRecord.rehearsed, literal(claimed["rehearsed"])),
    }
    statement = (
        upsert(session, RunRecord)
        .values(**first, **claimed)
        .on_conflict_do_update(
            index_elements=["team_id", "day"],
            set_=again,
            where=(RunRecord.state != RunState.FINISHED.value) & (RunRecord.lease_until <= DatabaseNow()) & due,
        )
        .returning(RunRecord.id, RunRecord.attempts)
    )
    row: Row[int, int] | None = (await session.execute(statement)).first()
    return row


async def renew(db: Database, lease: RunLease, *, lease_seconds: float = LEASE_SECONDS) -> bool:
    """Renew the lease of a run; False if another process took the run over."""
    async with db.transaction() as session:
        return await _change(session, lease, lease_until=DatabaseNow() + lease_seconds)


async def _change(session: AsyncSession, lease: RunLease, **values: object) -> bool:
    """Change the run if the lease holds: owner and attempt of a run that was taken over match no row."""
    statement = (
        update(RunRecord)
        .where(
            RunRecord.id == lease.run_id,
            RunRecord.owner == lease.owner,
            RunRecord.attempts == lease.attempt,
            RunRecord.state == RunState.CLAIMED.value,
        )
        .values(**values)
        .returning(RunRecord.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).first() is not None


async def assert_held(session: AsyncSession, lease: RunLease) -> None:
    """Raise LeaseLost unless the lease holds; the row stays locked until the transaction ends."""
    if not await _change(session, lease, attempts=lease.attempt):
        raise LeaseLost(f"another process took over the day of team {lease.team}")


async def store_snapshots(
    session: AsyncSession,
    lease: RunLease,
    read: Sequence[StoredSnapshot],
    *,
    at: datetime,
    members: Collection[str] | None = None,
) -> list[StoredSnapshot]:
    """Store the snapshots of an attempt before scoring, and return all stored snapshots of the run. Raises LeaseLost.

    `members` are the CRM users of a complete list: snapshots without any reading of other users are deleted.
    A KPI read completely stays as first stored; only a KPI that was not read is replaced.
    """
    if not await _change(session, lease, kept_at=at):
        raise LeaseLost(f"another process took over the day of team {lease.team}")
    if members is not None:
        await snapshots.drop_unread(session, lease.run_id, members)
    stored = await snapshots.merge(session, lease.run_id, read)
    await note_closed(session, lease.run_id, stored)
    return stored


async def drop_snapshots(session: AsyncSession, lease: RunLease) -> None:
    """Delete the snapshots of an unfinished run that cannot be scored. Raises LeaseLost."""
    await assert_held(session, lease)
    await session.execute(delete(SnapshotRecord).where(SnapshotRecord.run_id == lease.run_id))
    await note_closed(session, lease.run_id, ())


async def finish(
    session: AsyncSession,
    lease: RunLease,
    *,
    at: datetime,
    digest: str = "",
    requests: int = 0,
    seconds: Decimal | None = None,
    missing: Mapping[str, str] | None = None,
) -> None:
    """Finish the run, in the transaction that wrote the points. Raises LeaseLost."""
    done = await _change(
        session,
        lease,
        state=RunState.FINISHED.value,
        finished_at=at,
        lease_until=0.0,
        retry_at=None,
        digest=digest,
        requests=requests,
        seconds=seconds,
        missing=dict(missing or {}),
        problem="",
    )
    if not done:
        raise LeaseLost(f"another process took over the day of team {lease.team}")


async def postpone(session: AsyncSession, lease: RunLease, *, retry_at: datetime, problem: str) -> bool:
    """Postpone the run to `retry_at`; False if another process took the run over."""
    return await _change(
        session, lease, state=RunState.POSTPONED.value, lease_until=0.0, retry_at=retry_at, problem=problem
    )


async def end_leases(db: Database, owner: str) -> None:
    """End the leases of a dead process (SQLite: the lock file was free)."""
    async with db.transaction() as session:
        await session.execute(
            update(RunRecord)
            .where(RunRecord.owner == owner, RunRecord.state == RunState.CLAIMED.value)
            .values(lease_until=0.0)
            .execution_options(synchronize_session=False)
        )


async def retry_now(db: Database, *, at: datetime) -> None:
    """Let postponed runs start now: after the clock was set, their retry time may lie far ahead."""
    async with db.transaction() as session:
        await session.execute(
            update(RunRecord)
            .where(RunRecord.state == RunState.POSTPONED.value, RunRecord.retry_at > at)
            .values(retry_at=at)
            .execution_options(synchronize_session=False)
        )


async def find(session: AsyncSession, team: str, day: date) -> Run | None:
    """Find the run of a team's day; None if the day was never claimed."""
    row = (await session.execute(_runs().where(TeamRecord.key == team, RunRecord.day == day))).first()
    return None if row is None else _to_run(*row)


async def by_id(session: AsyncSession, run_id: int) -> Run:
    """Find a run by id. Raises NotFound."""
    row = (await session.execute(_runs().where(RunRecord.id == run_id))).first()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return _to_run(*row)


def _runs() -> Select[RunRecord, str, dict[str, Any]]:
    return (
        select(RunRecord, TeamRecord.key, RulebookRecord.content)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .join(RulebookRecord, RulebookRecord.id == RunRecord.rulebook_id)
        .execution_options(populate_existing=True)
    )


def _to_run(row: RunRecord, team: str, rulebook: dict[str, Any]) -> Run:
    return Run(
        id=row.id,
        team=team,
        day=row.day,
        connection=row.connection,
        window=Window(row.window_start, row.cutoff, row.window_earlier, row.window_earlier_end),
        rulebook=Rulebook.from_json(rulebook),
        state=RunState(row.state),
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        retry_at=row.retry_at,
        kept_at=row.kept_at,
        finished_at=row.finished_at,
        manual_instant=row.rehearsed,
        requests=row.requests,
        seconds=row.seconds,
        missing=row.missing,
        problem=row.problem,
        digest=row.digest,
    )


async def last_finished(session: AsyncSession, team: str, *, until: date | None = None) -> Run | None:
    """Find the newest finished run of a team, of a day up to `until`."""
    query = _runs().where(TeamRecord.key == team, RunRecord.state == RunState.FINISHED.value)
    if until is not None:
        query = query.where(RunRecord.day <= until)
    row = (await session.execute(query.order_by(RunRecord.day.desc()).limit(1))).first()
    return None if row is None else _to_run(*row)


async def between(session: AsyncSession, team: str, first: date, last: date) -> list[Run]:
    """List the runs of a team's days, oldest first."""
    query = _runs().where(TeamRecord.key == team, RunRecord.day.between(first, last)).order_by(RunRecord.day)
    return [_to_run(*row) for row in await session.execute(query)]


async def unfinished(session: AsyncSession) -> list[Run]:
    """List the claimed and postponed runs of all teams in use, oldest first."""
    query = _runs().where(RunRecord.state != RunState.FINISHED.value, TeamRecord.archived_at.is_(None))
    return [_to_run(*row) for row in await session.execute(query.order_by(RunRecord.day, RunRecord.id))]


async def finished_days(session: AsyncSession, team: str, first: date, last: date) -> set[date]:
    """List the days with a finished run."""
    query = select(RunRecord.day).join(TeamRecord, TeamRecord.id == RunRecord.team_id)
    is_finished = RunRecord.state == RunState.FINISHED.value
    return set(
        await session.scalars(query.where(TeamRecord.key == team, RunRecord.day.between(first, last), is_finished))
    )


async def last_window_end(session: AsyncSession, team: str, before_day: date) -> datetime | None:
    """Find the end of the team's last stored window before a day, where the next window starts."""
    end: datetime | None = await session.scalar(
        select(func.max(RunRecord.cutoff))
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == team, RunRecord.day < before_day)
    )
    return end
