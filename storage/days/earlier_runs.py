"""Load what a team's earlier runs counted, and note the records spared for a new owner (docs/product.md §11, §19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from storage.days.snapshots import readings_of_runs, stored_readings
from storage.db.models import ManagerRecord, RunRecord, SparedRecord, TeamRecord
from storage.db.sql import manager_ids, portions

StoredReadings = Sequence[tuple[str, Mapping[str, Reading]]]
"""CRM users of a run with their readings."""
TOGETHER = 50
"""Teams whose earlier runs are loaded together."""
LOOK_BACK_RUNS = 10
"""Runs searched for the last reading of a state."""


@dataclass(frozen=True, slots=True)
class AskedRuns:
    """Ask for the runs before the day of a team that decide the count of KPIs."""

    day: date
    cutoff: datetime
    kpis: frozenset[str]


async def load_earlier_runs(session: AsyncSession, asked: Mapping[str, AskedRuns]) -> dict[str, EarlierRuns]:
    """Load by team what decides the count of the KPIs of a day: the run before, and 14 days of wins and losses."""
    found: dict[str, EarlierRuns] = {}
    for portion in portions(sorted(asked), TOGETHER):  # the evidence of the runs before is large
        found |= await _load(session, {team: asked[team] for team in portion})
    return found


async def _load(session: AsyncSession, asked: Mapping[str, AskedRuns]) -> dict[str, EarlierRuns]:
    is_closing = frozenset[str]().union(*CLOSED_BY.values())
    closed = await load_closed(
        session, {team: (each.day, each.cutoff) for team, each in asked.items() if each.kpis & is_closing}
    )
    before = await runs.finished_before(session, {team: each.day for team, each in asked.items()})
    stored = await readings_of_runs(session, [run.id for run in before.values()])
    spared = await _spared(session, {team: asked[team].day for team in before})
    added = await added_ids(session, {team: run.day for team, run in before.items()})
    found = {team: EarlierRuns(closed=closed.get(team, {})) for team in asked}
    for team, run in before.items():
        of_run, wanted = stored[run.id], asked[team].kpis
        read = _of_run(of_run, wanted)
        more = {key: read.counted.get(key, frozenset()) | ids for key, ids in added[team].items() if key in wanted}
        found[team] = replace(
            read,
            counted={**read.counted, **more},
            settings=run.rulebook.kpis,
            window=run.window,
            closed=closed.get(team, {}),
            holders=await _holders(session, team, run.day, of_run, wanted),
            spared=frozenset(spared[team]),
        )
    return found


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


async def _spared(session: AsyncSession, days: Mapping[str, date]) -> dict[str, set[tuple[str, str, str]]]:
    """Load by team the records that were spared in runs of days before the days named."""
    rows = await session.execute(
        select(TeamRecord.key, RunRecord.day, SparedRecord.kpi, ManagerRecord.crm_user, SparedRecord.record)
        .join(ManagerRecord, ManagerRecord.id == SparedRecord.manager_id)
        .join(RunRecord, RunRecord.id == SparedRecord.run_id)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key.in_(list(days)))
    )
    found: dict[str, set[tuple[str, str, str]]] = {team: set() for team in days}
    for team, day, *record in rows:
        if day < days[team]:
            kpi, user, name = record
            found[team].add((kpi, user, name))
    return found


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
