"""A team's business day, done once by whoever claims it first; a dead process's day is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook
from scoring.scorecard import EvidenceKeys
from scoring.snapshot import Manager, NotRead, Reading, Snapshot
from scoring.workdays import Window
from storage.codec import evidence_keys, reading_from_json, readings_from_json, readings_to_json
from storage.database import Database
from storage.errors import LeaseLost, NotFound
from storage.models import ManagerRecord, RulebookRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.rows import Hold, Kept, Run, RunState
from storage.rulebooks import rulebook_record_at
from storage.sql import manager_ids, team_named, upsert
from storage.types import DatabaseNow

LEASE_SECONDS = 60.0
"""How long a dead process keeps others waiting; renewed every 15 s while it lives."""

LOOK_BACK_RUNS = 60
"""How many earlier runs are searched for what a person's day is compared with."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The day is ours. A run with `kept_at` was taken over or retried: score what was kept, read what is missing."""

    run: Run
    hold: Hold


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else has it, or its next attempt is not due yet."""

    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """It was done before."""

    run: Run


async def claim(
    db: Database,
    team: str,
    day: date,
    owner: str,
    *,
    window: Window,
    at: datetime,
    rehearsed: bool = False,
    hurry: bool = False,
    lease: float = LEASE_SECONDS,
) -> Claimed | Busy | Finished:
    """Make the day ours if it is free: new, postponed and due (`hurry`: or not), or its holder's lease has ended.

    The window and the rulebook are fixed by the first claim and come back with later ones.
    """
    async with db.transaction() as session:
        row = await team_named(session, team)
        first = {
            "team_id": row.id,
            "day": day,
            "connection": row.connection,
            "window_earlier": window.earlier,
            "window_start": window.start,
            "cutoff": window.cutoff,
            "rulebook_id": (await rulebook_record_at(session, team, window.start)).id,
            "first_attempt_at": at,
        }
        claimed = {
            "state": RunState.CLAIMED.value,
            "owner": owner,
            "lease_until": DatabaseNow() + lease,
            "rehearsed": rehearsed,
        }
        due = literal(hurry) | RunRecord.retry_at.is_(None) | (RunRecord.retry_at <= at)
        taken = await _take(session, first, claimed, due)
        run = await find(session, team, day)
    assert run is not None  # noqa: S101  # inserted, or in the way
    if taken is not None:
        return Claimed(run, Hold(taken.id, team, owner, taken.attempts))
    if run.state is RunState.FINISHED:
        return Finished(run)
    return Busy(run.retry_at if run.state is RunState.POSTPONED else None)


async def _take(
    session: AsyncSession, first: dict[str, Any], claimed: dict[str, Any], due: ColumnElement[bool]
) -> Row[int, int] | None:
    """One conditional write decides who has it; asked by RETURNING, for psycopg gives no row count."""
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


async def renew(db: Database, hold: Hold, *, lease: float = LEASE_SECONDS) -> bool:
    """Keep the run for another while; False if somebody took it over."""
    async with db.transaction() as session:
        return await _change(session, hold, lease_until=DatabaseNow() + lease)


async def _change(session: AsyncSession, hold: Hold, **values: object) -> bool:
    """Change the run only as its holder: an owner and attempt that were taken over match no row."""
    statement = (
        update(RunRecord)
        .where(
            RunRecord.id == hold.run_id,
            RunRecord.owner == hold.owner,
            RunRecord.attempts == hold.attempt,
            RunRecord.state == RunState.CLAIMED.value,
        )
        .values(**values)
        .returning(RunRecord.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).first() is not None


async def assert_held(session: AsyncSession, hold: Hold) -> None:
    """Raise LeaseLost unless the run is still ours; nobody can take it before this transaction ends."""
    if not await _change(session, hold, attempts=hold.attempt):
        raise LeaseLost(f"another process took over the day of team {hold.team}")


async def keep(session: AsyncSession, hold: Hold, snapshots: Sequence[Kept], *, at: datetime) -> list[Kept]:
    """Store what was read, before it is judged; give back what now stands.

    A KPI stays as the first attempt stored it that had all its records; only one that was not read is replaced.
    """
    if not await _change(session, hold, kept_at=at):
        raise LeaseLost(f"another process took over the day of team {hold.team}")
    connection = await session.scalar(select(RunRecord.connection).where(RunRecord.id == hold.run_id))
    assert connection is not None  # noqa: S101  # changed just now
    names = {item.snapshot.manager.crm_user: item.snapshot.manager.name for item in snapshots}
    ids = await manager_ids(session, connection, names)
    before = {row.manager_id: row for row in await _snapshot_rows(session, hold.run_id)}
    for item in snapshots:
        manager_id = ids[item.snapshot.manager.crm_user]
        _merge(session, hold.run_id, manager_id, before.get(manager_id), item)
    await session.flush()
    return await kept(session, hold.run_id)


def _merge(session: AsyncSession, run_id: int, manager_id: int, row: SnapshotRecord | None, item: Kept) -> None:
    if row is None:
        row = SnapshotRecord(run_id=run_id, manager_id=manager_id, readings={}, last_keys={}, blanked=False)
        session.add(row)
    old = readings_from_json(row.readings)
    fresh = {kpi: reading for kpi, reading in item.snapshot.readings.items() if _may_replace(old.get(kpi))}
    row.readings = row.readings | readings_to_json(fresh)
    last = {kpi: sorted(item.last[kpi]) for kpi in fresh if kpi in item.last}
    row.last_keys = row.last_keys | last
    row.name = item.snapshot.manager.name
    row.absent = item.absent


def _may_replace(reading: Reading | None) -> bool:
    return reading is None or isinstance(reading, NotRead)


async def kept(session: AsyncSession, run_id: int) -> list[Kept]:
    """The stored snapshots of a run, by name."""
    rows = await session.execute(
        select(SnapshotRecord, ManagerRecord.crm_user)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id == run_id)
        .execution_options(populate_existing=True)
    )
    found = [_kept(row, crm_user) for row, crm_user in rows]
    return sorted(found, key=lambda item: (item.snapshot.manager.name.casefold(), item.snapshot.manager.crm_user))


def _kept(row: SnapshotRecord, crm_user: str) -> Kept:
    return Kept(
        Snapshot(Manager(crm_user, row.name), readings_from_json(row.readings)),
        row.absent,
        {kpi: frozenset(keys) for kpi, keys in row.last_keys.items()},
    )


async def _snapshot_rows(session: AsyncSession, run_id: int) -> Sequence[SnapshotRecord]:
    return (await session.scalars(select(SnapshotRecord).where(SnapshotRecord.run_id == run_id))).all()


async def finish(
    session: AsyncSession,
    hold: Hold,
    *,
    at: datetime,
    digest: str = "",
    requests: int = 0,
    seconds: Decimal | None = None,
    missing: Mapping[str, str] | None = None,
) -> None:
    """The day is done, in the transaction that wrote its points. Raises LeaseLost if it is not ours any more."""
    done = await _change(
        session,
        hold,
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
        raise LeaseLost(f"another process took over the day of team {hold.team}")


async def postpone(session: AsyncSession, hold: Hold, *, retry_at: datetime, problem: str) -> bool:
    """Give this attempt up; another may start at `retry_at`. False if the run is not ours any more."""
    return await _change(
        session, hold, state=RunState.POSTPONED.value, lease_until=0.0, retry_at=retry_at, problem=problem
    )


async def free(db: Database, owner: str) -> None:
    """End the leases of `owner`, known to be dead (SQLite: its lock file was free)."""
    async with db.transaction() as session:
        await session.execute(
            update(RunRecord)
            .where(RunRecord.owner == owner, RunRecord.state == RunState.CLAIMED.value)
            .values(lease_until=0.0)
            .execution_options(synchronize_session=False)
        )


async def find(session: AsyncSession, team: str, day: date) -> Run | None:
    """The run of a team's day, if it was ever claimed."""
    row = (await session.execute(_runs().where(TeamRecord.key == team, RunRecord.day == day))).first()
    return None if row is None else _to_run(*row)


async def by_id(session: AsyncSession, run_id: int) -> Run:
    """The run with this id. Raises NotFound."""
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
        window=Window(row.window_start, row.cutoff, row.window_earlier),
        rulebook=Rulebook.from_json(rulebook),
        state=RunState(row.state),
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        retry_at=row.retry_at,
        kept_at=row.kept_at,
        finished_at=row.finished_at,
        rehearsed=row.rehearsed,
        requests=row.requests,
        seconds=row.seconds,
        missing=row.missing,
        problem=row.problem,
        digest=row.digest,
    )


async def last_finished(session: AsyncSession, team: str, *, until: date | None = None) -> Run | None:
    """The team's newest finished run, of a day up to `until`."""
    query = _runs().where(TeamRecord.key == team, RunRecord.state == RunState.FINISHED.value)
    if until is not None:
        query = query.where(RunRecord.day <= until)
    row = (await session.execute(query.order_by(RunRecord.day.desc()).limit(1))).first()
    return None if row is None else _to_run(*row)


async def between(session: AsyncSession, team: str, first: date, last: date) -> list[Run]:
    """All runs of a team's days, oldest first."""
    query = _runs().where(TeamRecord.key == team, RunRecord.day.between(first, last)).order_by(RunRecord.day)
    return [_to_run(*row) for row in await session.execute(query)]


async def unfinished(session: AsyncSession) -> list[Run]:
    """Runs that were begun and are not done, of all teams in use, oldest first."""
    query = _runs().where(RunRecord.state != RunState.FINISHED.value, TeamRecord.archived_at.is_(None))
    return [_to_run(*row) for row in await session.execute(query.order_by(RunRecord.day, RunRecord.id))]


async def finished_days(session: AsyncSession, team: str, first: date, last: date) -> set[date]:
    """Days with a finished run."""
    return {run.day for run in await between(session, team, first, last) if run.state is RunState.FINISHED}


async def last_window_end(session: AsyncSession, team: str, before_day: date) -> datetime | None:
    """Where the team's last stored window before a day ended: the next one starts there."""
    end: datetime | None = await session.scalar(
        select(RunRecord.cutoff)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == team, RunRecord.day < before_day)
        .order_by(RunRecord.day.desc())
        .limit(1)
    )
    return end


async def last_keys(
    session: AsyncSession, team: str, before_day: date, users: Iterable[str], kpis: Iterable[str]
) -> dict[str, EvidenceKeys]:
    """By CRM user: what each KPI's evidence was in his last snapshot in this team in which it was read.

    Looks back through finished runs until every wanted KPI of everybody is found, or LOOK_BACK_RUNS runs are seen.
    """
    open_pairs = {(user, kpi) for user in users for kpi in kpis}
    found: dict[str, dict[str, frozenset[str]]] = {user: {} for user, _ in open_pairs}
    run_ids = await session.scalars(
        select(RunRecord.id)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == team, RunRecord.day < before_day, RunRecord.state == RunState.FINISHED.value)
        .order_by(RunRecord.day.desc())
        .limit(LOOK_BACK_RUNS)
    )
    for run_id in run_ids.all():
        if not open_pairs:
            break
        for crm_user, readings in await stored_readings(session, run_id):
            for kpi, reading in readings.items():
                keys = evidence_keys(reading) if (crm_user, kpi) in open_pairs else None
                if keys is not None:
                    found[crm_user][kpi] = keys
                    open_pairs.discard((crm_user, kpi))
    return dict(found)


async def readings_of(session: AsyncSession, run_id: int, *kpis: str) -> list[tuple[Reading | None, ...]]:
    """Some KPIs of everybody in a run, without reading the rest."""
    return [
        tuple(reading_from_json(stored[kpi]) if kpi in stored else None for kpi in kpis)
        for _crm_user, stored in await stored_readings(session, run_id)
    ]


async def stored_readings(session: AsyncSession, run_id: int) -> list[tuple[str, dict[str, Any]]]:
    """Everybody's readings in a run, as stored: CRM user, plain data."""
    rows = await session.execute(
        select(ManagerRecord.crm_user, SnapshotRecord.readings)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id == run_id)
    )
    return [(crm_user, readings) for crm_user, readings in rows]
