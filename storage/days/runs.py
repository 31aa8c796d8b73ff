"""Keep the run of a team's business day: one process claims the run; the run of a dead process is taken over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from scoring.rules import Rulebook
from scoring.workdays import Window
from storage.days import snapshots
from storage.days.closed_deals import note_closed
from storage.db.database import Database
from storage.db.models import RulebookRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.db.sql import portions
from storage.db.types import DatabaseNow
from storage.errors import LeaseLost, NotFound
from storage.values import Run, RunDates, RunLease, RunState, StoredSnapshot

LAST_WINDOWS = 10
"""Windows of which the latest end counts: after a change of cutoff or zone the newest need not end last."""
LEASE_SECONDS = 60.0
"""Seconds after which the run of a dead process may be taken over; a living process renews every 15 s."""


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


async def find_all(session: AsyncSession, team_ids: Collection[int], day: date) -> dict[str, Run]:
    """Find the runs of a day of several teams, by team."""
    found: dict[str, Run] = {}
    for portion in portions(sorted(team_ids)):
        rows = await session.execute(_runs().where(RunRecord.team_id.in_(portion), RunRecord.day == day))
        found |= {key: _to_run(row, key, content) for row, key, content in rows}
    return found


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


async def finished_before(session: AsyncSession, days: Mapping[str, date]) -> dict[str, Run]:
    """Find by team the newest finished run of a day before the day named; teams without any are left out."""
    found: dict[str, Run] = {}
    for day in sorted(set(days.values())):
        run = aliased(RunRecord)
        newest = (
            select(run.id)
            .where(run.team_id == TeamRecord.id, run.state == RunState.FINISHED.value, run.day < day)
            .order_by(run.day.desc())
            .limit(1)
            .correlate(TeamRecord)
            .scalar_subquery()
        )
        keys = [team for team, of_team in days.items() if of_team == day]
        rows = await session.execute(_runs().where(TeamRecord.key.in_(keys), RunRecord.id == newest))
        found |= {team: _to_run(row, team, content) for row, team, content in rows}
    return found


async def between(session: AsyncSession, team: str, first: date, last: date) -> list[Run]:
    """List the runs of a team's days, oldest first."""
    query = _runs().where(TeamRecord.key == team, RunRecord.day.between(first, last)).order_by(RunRecord.day)
    return [_to_run(*row) for row in await session.execute(query)]


async def dates_between(session: AsyncSession, team: str, first: date, last: date) -> list[RunDates]:
    """List days and instants of the runs of a team's days, oldest first; no rulebook is read."""
    rows = await session.execute(
        select(RunRecord.id, RunRecord.day, RunRecord.cutoff, RunRecord.finished_at)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == team, RunRecord.day.between(first, last))
        .order_by(RunRecord.day)
    )
    return [RunDates(*values) for values in rows]


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


async def finished_by_team(session: AsyncSession, first: date, last: date) -> dict[str, frozenset[date]]:
    """Load the days with a finished run of all teams, by team; teams without any are left out."""
    rows = await session.execute(
        select(TeamRecord.key, RunRecord.day)
        .join(RunRecord, RunRecord.team_id == TeamRecord.id)
        .where(RunRecord.day.between(first, last), RunRecord.state == RunState.FINISHED.value)
    )
    found: dict[str, set[date]] = {}
    for team, day in rows:
        found.setdefault(team, set()).add(day)
    return {team: frozenset(days) for team, days in found.items()}


async def last_cutoffs(session: AsyncSession) -> dict[str, datetime]:
    """Load the cutoff of the newest finished run of each team; teams without any are left out."""
    newest = (
        select(RunRecord.cutoff)
        .where(RunRecord.team_id == TeamRecord.id, RunRecord.state == RunState.FINISHED.value)
        .order_by(RunRecord.day.desc())
        .limit(1)
        .scalar_subquery()
    )
    return {team: cutoff for team, cutoff in await session.execute(select(TeamRecord.key, newest)) if cutoff}


async def retry_times(session: AsyncSession) -> dict[str, datetime]:
    """Load by team the latest retry time of the postponed runs of teams in use."""
    rows = await session.execute(
        select(TeamRecord.key, func.max(RunRecord.retry_at))
        .join(RunRecord, RunRecord.team_id == TeamRecord.id)
        .where(RunRecord.state == RunState.POSTPONED.value, TeamRecord.archived_at.is_(None))
        .group_by(TeamRecord.key)
    )
    return {team: at for team, at in rows if at is not None}


async def last_window_ends(session: AsyncSession, team_ids: Collection[int], before_day: date) -> dict[int, datetime]:
    """Find the latest end of the teams' last stored windows before a day, where the next windows start, by team id."""
    of_team = RunRecord.team_id == TeamRecord.id
    newest = select(RunRecord.cutoff).where(of_team, RunRecord.day < before_day).correlate(TeamRecord)
    last = newest.order_by(RunRecord.day.desc()).limit(LAST_WINDOWS).subquery()
    end = select(func.max(last.c.cutoff)).scalar_subquery()
    found: dict[int, datetime] = {}
    for portion in portions(sorted(team_ids)):
        rows = await session.execute(select(TeamRecord.id, end).where(TeamRecord.id.in_(portion)))
        found |= {team_id: at for team_id, at in rows if at is not None}
    return found
