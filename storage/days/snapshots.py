"""Store the readings of each manager at a cutoff before scoring."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.scorecard import EvidenceKeys
from scoring.snapshot import Manager, NotRead, Number, Reading, Snapshot
from storage.days.codec import evidence_keys, number_from_json, readings_from_json, readings_to_json
from storage.db.models import ManagerRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.db.sql import json_at, manager_ids
from storage.values import RunState, StoredSnapshot

LOOK_BACK_RUNS = 60
"""Number of earlier runs searched for evidence to compare with."""


async def merge(session: AsyncSession, run_id: int, snapshots: Sequence[StoredSnapshot]) -> list[StoredSnapshot]:
    """Add the snapshots of an attempt to the stored snapshots of a run; called by `runs.store_snapshots`."""
    run = await session.get_one(RunRecord, run_id)
    names = {item.snapshot.manager.crm_user: item.snapshot.manager.name for item in snapshots}
    ids = await manager_ids(session, run.connection, names)
    before = await session.scalars(select(SnapshotRecord).where(SnapshotRecord.run_id == run_id))
    rows = {row.manager_id: row for row in before}
    for item in snapshots:
        manager_id = ids[item.snapshot.manager.crm_user]
        _merge(session, run_id, manager_id, rows.get(manager_id), item)
    await session.flush()
    return await stored_snapshots(session, run_id)


def _merge(
    session: AsyncSession, run_id: int, manager_id: int, row: SnapshotRecord | None, item: StoredSnapshot
) -> None:
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


async def drop_unread(session: AsyncSession, run_id: int, keep: Collection[str]) -> None:
    """Delete the snapshots without any reading of CRM users outside of `keep`: users who left since an attempt."""
    rows = await session.execute(
        select(SnapshotRecord, ManagerRecord.crm_user)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id == run_id)
    )
    for row, crm_user in rows.all():
        if crm_user not in keep and all(map(_may_replace, readings_from_json(row.readings).values())):
            await session.delete(row)
    await session.flush()


def _may_replace(reading: Reading | None) -> bool:
    """Tell whether a later attempt may give another reading; a range was read in full, and stays."""
    return reading is None or (isinstance(reading, NotRead) and reading.range is None)


async def stored_snapshots(session: AsyncSession, run_id: int) -> list[StoredSnapshot]:
    """Load the snapshots of a run, ordered by name."""
    rows = await session.execute(
        select(SnapshotRecord, ManagerRecord.crm_user)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id == run_id)
        .execution_options(populate_existing=True)
    )
    found = [_to_stored(row, crm_user) for row, crm_user in rows]
    return sorted(found, key=lambda item: (item.snapshot.manager.name.casefold(), item.snapshot.manager.crm_user))


def _to_stored(row: SnapshotRecord, crm_user: str) -> StoredSnapshot:
    return StoredSnapshot(
        Snapshot(Manager(crm_user, row.name), readings_from_json(row.readings)),
        row.absent,
        {kpi: frozenset(keys) for kpi, keys in row.last_keys.items()},
    )


async def last_keys(
    session: AsyncSession, team: str, before_day: date, users: Iterable[str], kpis: Iterable[str]
) -> dict[str, EvidenceKeys]:
    """Load the evidence keys of each KPI from the last snapshot with a reading of that KPI, by CRM user.

    Searches finished runs of the team until every wanted pair is found, at most LOOK_BACK_RUNS.
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


async def numbers(
    session: AsyncSession, run_ids: Iterable[int], *kpis: str
) -> list[tuple[int, str, tuple[Number | None, ...]]]:
    """Load values without evidence: run id, CRM user, one value a KPI (None: not read)."""
    values = [json_at(session, SnapshotRecord.readings, kpi, "value") for kpi in kpis]
    rows = await session.execute(
        select(SnapshotRecord.run_id, ManagerRecord.crm_user, *values)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id.in_(list(run_ids)))
    )
    return [(run_id, crm_user, tuple(map(_number, found))) for run_id, crm_user, *found in rows]


def _number(text: str | int | None) -> Number | None:
    return None if text is None else number_from_json(json.loads(str(text)))


async def stored_readings(session: AsyncSession, run_id: int) -> list[tuple[str, dict[str, Any]]]:
    """Load the readings of a run as plain data, by CRM user."""
    rows = await session.execute(
        select(ManagerRecord.crm_user, SnapshotRecord.readings)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id == run_id)
    )
    return [(crm_user, readings) for crm_user, readings in rows]
