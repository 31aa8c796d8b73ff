"""Store the readings of each manager at a cutoff before scoring."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Text, cast, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.snapshot import Manager, NotRead, Number, Reading, Snapshot
from scoring.terms.circumstances import Circumstances
from storage.days.codec import (
    number_from_json,
    read_kpis,
    readings_from_json,
    readings_to_json,
)
from storage.db.models import ManagerRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.db.sql import json_at, manager_ids, portions
from storage.evidence.encode import encode_evidence
from storage.evidence.load import last_keys_to_json, load_last_keys, load_lists, load_rows
from storage.evidence.stored import LastKeys
from storage.values import RunState, StoredSnapshot

TOGETHER = 20
"""Snapshots written by one statement."""
LOOK_BACK_RUNS = 60
"""Number of earlier runs searched for evidence to compare with."""


async def merge(session: AsyncSession, run_id: int, snapshots: Sequence[StoredSnapshot]) -> list[StoredSnapshot]:
    """Add the snapshots of an attempt to the stored snapshots of a run; called by `runs.store_snapshots`.

    A few snapshots are written at a time, so that a team's evidence is never in memory twice.
    """
    run = await session.get_one(RunRecord, run_id)
    names = {item.snapshot.manager.crm_user: item.snapshot.manager.name for item in snapshots}
    ids = await manager_ids(session, run.connection, names)
    merged = {item.snapshot.manager.crm_user: item for item in await stored_snapshots(session, run_id)}
    for few in portions(snapshots, TOGETHER):
        new = []
        for item in few:
            user = item.snapshot.manager.crm_user
            before = merged.get(user)
            merged[user] = item if before is None else _joined(before, item)
            content = _content(run_id, merged[user])
            this = {"run_id": run_id, "manager_id": ids[user]}
            if before is None:
                new.append(this | content | {"blanked": False})
            else:
                await _overwrite(session, this, content)
        if new:
            await session.execute(insert(SnapshotRecord), new)
    return _by_name(merged.values())


def _joined(before: StoredSnapshot, fresh: StoredSnapshot) -> StoredSnapshot:
    """Join an earlier attempt with a new attempt: what was read in full stays as first stored."""
    old = before.snapshot.readings
    may = {kpi: reading for kpi, reading in fresh.snapshot.readings.items() if _may_replace(old.get(kpi))}
    readings = dict(sorted({**old, **may}.items()))
    last = LastKeys.of(before.last).joined(LastKeys.of(fresh.last).only(may))
    return StoredSnapshot(Snapshot(fresh.snapshot.manager, readings), fresh.absent, last, fresh.circumstances)


def _content(run_id: int, item: StoredSnapshot) -> dict[str, object]:
    """Return the columns of a snapshot, with the evidence encoded."""
    readings, last = item.snapshot.readings, LastKeys.of(item.last)
    evidence = encode_evidence(run_id, readings, last)
    return {
        "name": item.snapshot.manager.name,
        "readings": readings_to_json(readings, items=False),
        "absent": item.absent,
        "circumstances": item.circumstances.to_json(),
        "last_keys": last_keys_to_json(last, readings),
        "evidence_lists": evidence.lists,
        "evidence_pack": evidence.pack,
    }


async def _overwrite(session: AsyncSession, this: dict[str, int], content: dict[str, object]) -> None:
    of_manager = (SnapshotRecord.run_id == this["run_id"], SnapshotRecord.manager_id == this["manager_id"])
    await session.execute(
        update(SnapshotRecord).where(*of_manager).values(content), execution_options={"synchronize_session": False}
    )


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


async def stored_snapshots(session: AsyncSession, run_id: int, *, evidence: bool = True) -> list[StoredSnapshot]:
    """Load the snapshots of a run, ordered by name; evidence is decoded when looked at.

    Without `evidence` lists and earlier keys stay empty, and no pack is loaded.
    """
    return (await snapshots_of_runs(session, [run_id], evidence=evidence))[run_id]


async def snapshots_of_runs(
    session: AsyncSession, run_ids: Collection[int], *, evidence: bool = True
) -> dict[int, list[StoredSnapshot]]:
    """Load the snapshots of each run as `stored_snapshots` does."""
    rows = await load_rows(session, SnapshotRecord.run_id.in_(run_ids))
    found = await load_lists(session, rows, None if evidence else ())
    last = await load_last_keys(session, rows) if evidence else {}
    of_runs: dict[int, list[StoredSnapshot]] = {run_id: [] for run_id in run_ids}
    for row in rows:
        of_runs[row.run_id].append(
            StoredSnapshot(
                Snapshot(Manager(row.crm_user, row.name), readings_from_json(row.readings, found[row.key])),
                row.absent,
                last.get(row.key, {}),
                Circumstances.from_json(row.circumstances),
            )
        )
    return {run_id: _by_name(items) for run_id, items in of_runs.items()}


def _by_name(items: Iterable[StoredSnapshot]) -> list[StoredSnapshot]:
    return sorted(items, key=lambda item: (item.snapshot.manager.name.casefold(), item.snapshot.manager.crm_user))


async def last_keys(
    session: AsyncSession, team: str, before_day: date, users: Iterable[str], kpis: Iterable[str]
) -> dict[str, LastKeys]:
    """Load the evidence keys of each KPI from the last snapshot with a reading of that KPI, by CRM user.

    Searches finished runs of the team until every wanted pair is found, at most LOOK_BACK_RUNS.
    """
    open_pairs = {(user, kpi) for user in users for kpi in kpis}
    found = {user: LastKeys({}) for user, _ in open_pairs}
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
        rows = await load_rows(session, SnapshotRecord.run_id == run_id)
        read = {row.key: {kpi for kpi in read_kpis(row.readings) if (row.crm_user, kpi) in open_pairs} for row in rows}
        rows = [row for row in rows if read[row.key]]
        evidence = await load_lists(session, rows)
        for row in rows:
            kpis_read, named = read[row.key], evidence[row.key]
            items = {kpi: named.get(kpi, ()) for kpi in kpis_read}
            whole = {run_id: frozenset(read_kpis(row.readings))}
            keys = LastKeys(items, dict.fromkeys(kpis_read, run_id), whole)
            found[row.crm_user] = found[row.crm_user].joined(keys)
            open_pairs -= {(row.crm_user, kpi) for kpi in kpis_read}
    return found


async def numbers(
    session: AsyncSession, run_ids: Iterable[int], *kpis: str, zeros: bool = True
) -> list[tuple[int, str, tuple[Number | None, ...]]]:
    """Load values without evidence: run id, CRM user, one value a KPI (None: not read).

    Without `zeros` the managers for whom every value is 0, or not read, are left out by the database.
    """
    values = [json_at(session, SnapshotRecord.readings, kpi, "value") for kpi in kpis]
    query = (
        select(SnapshotRecord.run_id, ManagerRecord.crm_user, *values)
        .join(ManagerRecord, ManagerRecord.id == SnapshotRecord.manager_id)
        .where(SnapshotRecord.run_id.in_(list(run_ids)))
    )
    if not zeros:
        query = query.where(or_(*(cast(value, Text).not_in(("0", "{}")) for value in values)))
    rows = await session.execute(query)
    return [(run_id, crm_user, tuple(map(_number, found))) for run_id, crm_user, *found in rows]


def _number(text: str | int | None) -> Number | None:
    return None if text is None else number_from_json(json.loads(str(text)))


async def stored_readings(
    session: AsyncSession, run_id: int, kpis: Collection[str] | None = None
) -> list[tuple[str, Mapping[str, Reading]]]:
    """Load the readings of a single run as `readings_of_runs` does."""
    return (await readings_of_runs(session, [run_id], kpis))[run_id]


async def readings_of_runs(
    session: AsyncSession, run_ids: Collection[int], kpis: Collection[str] | None = None
) -> dict[int, list[tuple[str, Mapping[str, Reading]]]]:
    """Load by run the readings of each CRM user, with the evidence of `kpis` (None: of all), decoded when looked at."""
    rows = await load_rows(session, SnapshotRecord.run_id.in_(list(run_ids))) if run_ids else []
    evidence = await load_lists(session, rows, kpis)
    found: dict[int, list[tuple[str, Mapping[str, Reading]]]] = {run_id: [] for run_id in run_ids}
    for row in rows:
        found[row.run_id].append((row.crm_user, readings_from_json(row.readings, evidence[row.key])))
    return found
