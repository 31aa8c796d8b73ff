"""Blank titles and links of stored snapshots; what a younger snapshot still names keeps its title."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.days.codec import readings_from_json, readings_to_json, without_titles
from storage.days.snapshots import LOOK_BACK_RUNS
from storage.db.models import RunRecord, SnapshotRecord
from storage.evidence import lists, pack
from storage.evidence.encode import encode_evidence
from storage.evidence.stored import ItemBook, LastKeys

_CHUNK = 500
_QUIET = {"synchronize_session": False}


async def blank_snapshots(session: AsyncSession, before: datetime) -> int:
    """Blank the snapshots of cutoffs before `before`, oldest first, and return their number."""
    count = 0
    while True:
        rows = await session.execute(
            select(SnapshotRecord, RunRecord.team_id)
            .join(RunRecord, RunRecord.id == SnapshotRecord.run_id)
            .where(RunRecord.cutoff < before, ~SnapshotRecord.blanked)
            .order_by(RunRecord.day, SnapshotRecord.run_id, SnapshotRecord.manager_id)
            .limit(_CHUNK)
        )
        found = rows.all()
        named: dict[tuple[int, int], set[int]] = defaultdict(set)
        for row, team_id in found:
            row.blanked = True
            if row.evidence_lists is None:
                _pack_blank(row)
            else:
                named[team_id, row.manager_id].update(run_id for run_id, _ in lists.decode(row.evidence_lists).sources)
        await session.flush()
        session.expunge_all()
        for (team_id, manager_id), run_ids in named.items():
            await _blank_packs(session, manager_id, run_ids, await _still_named(session, team_id, manager_id, before))
        count += len(found)
        if len(found) < _CHUNK:
            return count


def _pack_blank(row: SnapshotRecord) -> None:
    """Move the items of an earlier release from the readings into a pack, without titles: a tenth of the bytes."""
    readings = readings_from_json(without_titles(row.readings))
    evidence = encode_evidence(row.run_id, readings, LastKeys({}))
    row.readings = readings_to_json(readings, items=False)
    row.evidence_lists, row.evidence_pack = evidence.lists, evidence.pack


async def _still_named(
    session: AsyncSession, team_id: int, manager_id: int, before: datetime
) -> Mapping[int, Collection[int]]:
    """Find the items that the snapshots kept in full name, by run of the pack.

    A snapshot names items of at most LOOK_BACK_RUNS runs before, so the oldest of the kept snapshots name every older
    item that any of them names.
    """
    kept = await session.scalars(
        select(SnapshotRecord.evidence_lists)
        .join(RunRecord, RunRecord.id == SnapshotRecord.run_id)
        .where(
            RunRecord.team_id == team_id,
            RunRecord.cutoff >= before,
            SnapshotRecord.manager_id == manager_id,
            SnapshotRecord.evidence_lists.is_not(None),
        )
        .order_by(RunRecord.day)
        .limit(LOOK_BACK_RUNS)
    )
    named: dict[int, set[int]] = defaultdict(set)
    for found in map(lists.decode, filter(None, kept)):
        for addresses in found.addresses.values():
            for run_id, place in ItemBook(found.sources, ()).places(addresses):
                named[run_id].add(place)
    return named


async def _blank_packs(
    session: AsyncSession, manager_id: int, run_ids: Collection[int], keep: Mapping[int, Collection[int]]
) -> None:
    row = SnapshotRecord
    packs = await session.execute(
        select(row.run_id, row.evidence_pack).where(row.manager_id == manager_id, row.run_id.in_(sorted(run_ids)))
    )
    for run_id, stored in packs.all():
        blank = pack.without_titles(stored or b"", frozenset(keep.get(run_id, ())))
        if blank != stored:
            statement = update(row).where(row.run_id == run_id, row.manager_id == manager_id)
            await session.execute(statement.values(evidence_pack=blank), execution_options=_QUIET)
