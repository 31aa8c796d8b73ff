"""Load stored snapshots with the packs that their lists name; nothing is decoded before somebody looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, column, select, values
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.snapshot import Evidence
from storage.days.codec import items_from_json, read_kpis
from storage.db.models import ManagerRecord, SnapshotRecord
from storage.db.sql import portions
from storage.evidence import lists
from storage.evidence.lists import Lists
from storage.evidence.stored import ItemBook, LastKeys, StoredEvidence

RowKey = tuple[int, int]
"""Run and manager of a snapshot."""
EvidenceLists = Mapping[str, Sequence[Evidence]]
"""Evidence by KPI."""

NEWEST = "*"
"""Key of `last_keys` for the KPIs that the run of the value read, unless a KPI has a key of its own."""
_CHUNK = 1000
"""Snapshots asked for at a time."""


class SnapshotRow(NamedTuple):
    """Hold a stored snapshot as it stands in the table, without the pack."""

    run_id: int
    manager_id: int
    crm_user: str
    name: str
    readings: dict[str, Any]
    lists: bytes | None
    """None: written by an earlier release, with the items in `readings`."""
    absent: bool
    last_keys: dict[str, Any]
    blanked: bool
    circumstances: dict[str, Any] | None = None

    @property
    def key(self) -> RowKey:
        """Return run and manager."""
        return self.run_id, self.manager_id


async def load_rows(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[SnapshotRow]:
    """Load snapshots without packs."""
    return await _load(session, _rows().where(*conditions))


def _rows() -> Select[Any]:
    row = SnapshotRecord
    return select(
        row.run_id, row.manager_id, ManagerRecord.crm_user, row.name, row.readings, row.evidence_lists,
        row.absent, row.last_keys, row.blanked, row.circumstances,
    ).join(ManagerRecord, ManagerRecord.id == row.manager_id)  # fmt: skip


async def _load(session: AsyncSession, query: Select[Any]) -> list[SnapshotRow]:
    return [SnapshotRow(*values) for values in await session.execute(query)]


async def load_lists(
    session: AsyncSession, rows: Collection[SnapshotRow], kpis: Collection[str] | None = None
) -> dict[RowKey, EvidenceLists]:
    """Load the evidence of snapshots by run and manager, of `kpis` alone or (None) of all KPIs.

    What this release wrote comes as sequences that decode at a look.
    """
    found = {row.key: _chosen(lists.decode(row.lists), kpis) for row in rows if row.lists is not None}
    needed = {(run_id, key[1]) for key, named in found.items() for run_id, _ in named.sources}
    packs = await _load_packs(session, needed)
    return {row.key: _of_row(row, found.get(row.key), packs) for row in rows}


def lists_of_row(row: SnapshotRow, packs: Mapping[RowKey, bytes]) -> EvidenceLists:
    """Show the evidence of a snapshot, given the packs that the lists name."""
    return _of_row(row, None if row.lists is None else lists.decode(row.lists), packs)


def _of_row(row: SnapshotRow, named: Lists | None, packs: Mapping[RowKey, bytes]) -> EvidenceLists:
    if named is None:
        return items_from_json(row.readings)
    of_manager = [packs.get((run_id, row.manager_id), b"") for run_id, _ in named.sources]
    book = ItemBook(named.sources, of_manager, titled=not row.blanked)
    return {kpi: StoredEvidence(book, addresses) for kpi, addresses in named.addresses.items()}


def _chosen(named: Lists, kpis: Collection[str] | None) -> Lists:
    """Select the lists of some KPIs; no pack is needed where none of them names an item."""
    if kpis is None:
        return named
    addresses = {kpi: named.addresses[kpi] for kpi in kpis if kpi in named.addresses}
    return Lists(named.sources if addresses else (), addresses)


async def _load_packs(session: AsyncSession, keys: Iterable[RowKey]) -> dict[RowKey, bytes]:
    """Load packs by run and manager."""
    row, found = SnapshotRecord, dict[RowKey, bytes]()
    for portion in portions(sorted(keys), _CHUNK):
        query = _only(select(row.run_id, row.manager_id, row.evidence_pack), portion)
        found |= {(run_id, manager_id): pack or b"" for run_id, manager_id, pack in await session.execute(query)}
    return found


def _only(query: Any, keys: Sequence[RowKey]) -> Any:
    """Select the snapshots with these pairs of run and manager.

    Pairs that do not fill runs times managers are joined: SQLite walks the whole table for `IN` of pairs.
    """
    row = SnapshotRecord
    runs, managers = {run_id for run_id, _ in keys}, {manager_id for _, manager_id in keys}
    if len(runs) * len(managers) == len(keys):
        return query.where(row.run_id.in_(runs), row.manager_id.in_(managers))
    pairs = values(column("run_id", Integer), column("manager_id", Integer)).data(keys).cte("wanted")
    return query.join(pairs, (pairs.c.run_id == row.run_id) & (pairs.c.manager_id == row.manager_id))


async def load_last_keys(session: AsyncSession, rows: Collection[SnapshotRow]) -> dict[RowKey, LastKeys]:
    """Load the keys that snapshots are compared with, from the runs that `last_keys` names."""
    named = {(run_id, row.manager_id) for row in rows for run_id in row.last_keys.values() if isinstance(run_id, int)}
    earlier: list[SnapshotRow] = []
    for portion in portions(sorted(named), _CHUNK):
        earlier += await _load(session, _only(_rows(), portion))
    evidence = await load_lists(session, earlier)
    read = {row.key: frozenset(read_kpis(row.readings)) for row in earlier}
    return {row.key: last_keys_of(row, read, evidence) for row in rows}


def last_keys_of(
    row: SnapshotRow, read: Mapping[RowKey, frozenset[str]], evidence: Mapping[RowKey, EvidenceLists]
) -> LastKeys:
    """Resolve the runs that `last_keys` of a snapshot names, given what these runs read and their evidence."""
    stored = dict(row.last_keys)
    newest = stored.pop(NEWEST, None)
    shared = read.get((newest, row.manager_id), frozenset()) & row.readings.keys() if newest is not None else ()
    named: dict[str, Any] = dict.fromkeys(shared, newest) | stored
    runs = {kpi: run_id for kpi, run_id in named.items() if isinstance(run_id, int)}
    keys = {kpi: frozenset(found) for kpi, found in named.items() if isinstance(found, list)}
    items = dict[str, Sequence[Evidence] | frozenset[str]](keys)
    items |= {kpi: evidence.get((run_id, row.manager_id), {}).get(kpi, ()) for kpi, run_id in runs.items()}
    of_runs = {run_id: read.get((run_id, row.manager_id), frozenset()) for run_id in set(runs.values())}
    return LastKeys(items, runs, of_runs)


def last_keys_to_json(last: LastKeys, kpis: Collection[str]) -> dict[str, Any]:
    """Write what a snapshot of `kpis` is compared with: the run that most KPIs share once, other runs by KPI."""
    plain: dict[str, Any] = {kpi: last.runs.get(kpi) or sorted(last[kpi]) for kpi in last}
    counts: dict[int, int] = defaultdict(int)
    for run_id in last.runs.values():
        counts[run_id] += 1
    if not counts:
        return plain
    newest = max(counts, key=lambda run_id: (counts[run_id], run_id))
    shared = last.read.get(newest, frozenset()) & set(kpis)
    own = {kpi: found for kpi, found in plain.items() if not (kpi in shared and found == newest)}
    return {NEWEST: newest} | own | dict.fromkeys(shared - plain.keys())
