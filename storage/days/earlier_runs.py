"""Load what a team's earlier runs counted, and note the records spared for a new owner (docs/product.md §11, §19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.earlier_runs import EarlierRuns
from scoring.kpi import Listed
from scoring.kpis import CATALOGUE, KpiKind
from scoring.snapshot import NotRead, Reading, Snapshot, Spared, Value, evidence_of
from storage.appeals.appeals import added_ids
from storage.days import runs
from storage.days.closed_deals import CLOSED_BY, load_closed
from storage.days.holders import RecordHolders
from storage.days.snapshots import stored_readings
from storage.db.models import ManagerRecord, RunRecord, SparedRecord, TeamRecord
from storage.db.sql import manager_ids

StoredReadings = Sequence[tuple[str, Mapping[str, Reading]]]
"""CRM users of a run with their readings."""
LOOK_BACK_RUNS = 10
"""Runs searched for the last reading of a state."""


async def load_earlier_runs(
    session: AsyncSession, team: str, day: date, kpis: Iterable[str], cutoff: datetime
) -> EarlierRuns:
    """Load what decides the count of `kpis` on a day of a team: the run before, and 14 days of wins and losses."""
    wanted = frozenset(kpis)
    is_closing = any(wanted.intersection(keys) for keys in CLOSED_BY.values())
    closed = await load_closed(session, team, day, cutoff) if is_closing else {}
    before = await runs.last_finished(session, team, until=day - timedelta(days=1))
    if before is None:
        return EarlierRuns(closed=closed)
    stored = await stored_readings(session, before.id)
    found = _of_run(stored, wanted)
    added = await added_ids(session, team, before.day, wanted)
    return replace(
        found,
        counted={**found.counted, **{key: found.counted.get(key, frozenset()) | ids for key, ids in added.items()}},
        settings=before.rulebook.kpis,
        window=before.window,
        closed=closed,
        holders=await _holders(session, team, before.day, stored, wanted),
        spared=await _spared(session, team, day),
    )


async def load_counted(session: AsyncSession, run_id: int, kpi: str) -> frozenset[str]:
    """Load the ids of the events that a run counted for any member."""
    return _of_run(await stored_readings(session, run_id), frozenset({kpi})).counted.get(kpi, frozenset())


async def _holders(
    session: AsyncSession, team: str, day: date, stored: StoredReadings, kpis: frozenset[str]
) -> dict[str, RecordHolders]:
    """Find who held which records of states: for each user of the run of `day` in the last run that read the KPI."""
    held: dict[str, list[tuple[str, Value]]] = {key: [] for key in kpis if CATALOGUE[key].kind is KpiKind.STATE}
    unread = {(key, user) for key in held for user, _ in stored}
    for _ in range(LOOK_BACK_RUNS):
        for user, readings in stored:
            for key, found in held.items():
                if (key, user) in unread and (known := _known(readings.get(key))) is not None:
                    found.append((user, known))
                    unread.discard((key, user))
        older = await runs.last_finished(session, team, until=day - timedelta(days=1)) if unread else None
        if older is None:
            break
        day, stored = older.day, await stored_readings(session, older.id)
    return {key: RecordHolders((user, _broken_by(value)) for user, value in found) for key, found in held.items()}


def _broken_by(value: Value) -> Iterator[str]:
    """Iterate over the ids of the records that counted."""
    return (item.id for item in value.items if not item.spared)


def _of_run(stored: StoredReadings, kpis: frozenset[str]) -> EarlierRuns:
    """Sort the stored readings of the run before by who was read, and which events were counted."""
    read: dict[str, set[str]] = defaultdict(set)
    counted: dict[str, set[str]] = defaultdict(set)
    for user, readings in stored:
        for key in kpis & readings.keys() & CATALOGUE.keys():
            reading = readings[key]
            if isinstance(reading, Value) and not _lacks_ids(key, reading):
                read[key].add(user)
            if CATALOGUE[key].kind is KpiKind.EVENT and (known := _known(reading)) is not None:
                counted[key].update(item.id for item in known.items)
                counted[key].update(known.ids)
    return EarlierRuns(read=_frozen(read), counted=_frozen(counted))


def _lacks_ids(kpi: str, value: Value) -> bool:
    """Tell whether an earlier release counted events without keeping ids: none of them may count a second time."""
    return CATALOGUE[kpi].listed is Listed.NONE and value.number != 0 and not value.ids


def _known(reading: Reading | None) -> Value | None:
    """Return the stored value; of a range what counted for certain; None if nothing was read."""
    if isinstance(reading, NotRead) and reading.range is not None:
        return reading.range.low
    return reading if isinstance(reading, Value) else None


def _frozen(sets: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(ids) for key, ids in sets.items()}


async def _spared(session: AsyncSession, team: str, day: date) -> frozenset[tuple[str, str, str]]:
    """Load the records that were spared in runs of earlier days of the team."""
    rows = await session.execute(
        select(SparedRecord.kpi, ManagerRecord.crm_user, SparedRecord.record)
        .join(ManagerRecord, ManagerRecord.id == SparedRecord.manager_id)
        .join(RunRecord, RunRecord.id == SparedRecord.run_id)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == team, RunRecord.day < day)
    )
    return frozenset((kpi, user, record) for kpi, user, record in rows)


async def note_spared(session: AsyncSession, run_id: int, connection: str, snapshots: Iterable[Snapshot]) -> None:
    """Note the records that a run spares for a new owner, so that none is spared a second time."""
    spared = {
        (snapshot.manager, kpi, item.id)
        for snapshot in snapshots
        for kpi, reading in snapshot.readings.items()
        for item in (evidence_of(reading) if CATALOGUE[kpi].kind is KpiKind.STATE else ())
        if item.spared == Spared.INHERITED
    }
    if not spared:
        return
    ids = await manager_ids(session, connection, {manager.crm_user: manager.name for manager, _, _ in spared})
    for manager, kpi, record in sorted(spared, key=lambda each: (each[0].crm_user, *each[1:])):
        key = {"manager_id": ids[manager.crm_user], "kpi": kpi, "record": record, "run_id": run_id}
        if await session.get(SparedRecord, key) is None:
            session.add(SparedRecord(**key))
    await session.flush()
