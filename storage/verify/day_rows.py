"""Load the stored rows of several days at once: a statement a table costs a thousand times more than a row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.days.snapshots import snapshots_of_runs
from storage.db.models import ClosedDealRecord, JournalRowRecord, LedgerRecord, RunRecord
from storage.errors import UNREADABLE
from storage.journal.days import RUNS, spared_hashes
from storage.journal.messages import DayMessages
from storage.values import StoredSnapshot

Line = tuple[str, str, str | None, int, Decimal | None, Decimal | None]
"""User, rule, outcome, points, value and bound of an entry."""


@dataclass(frozen=True, slots=True)
class DayRows:
    """Hold the rows of days by id of the run."""

    runs: dict[int, RunRecord]
    snapshots: dict[int, list[StoredSnapshot]]
    """Without the days whose snapshots cannot be read."""
    salts: dict[int, JournalRowRecord]
    written: dict[int, list[tuple[Line, Any]]]
    """Lines of the ledger, with the evidence as the ledger has it."""
    closed: dict[int, dict[tuple[str, str], datetime]]
    """Instants of the deals that count as closed, by state and deal."""
    spared: dict[int, str]
    messages: dict[int, DayMessages]

    @classmethod
    async def load(cls, session: AsyncSession, run_ids: Collection[int]) -> DayRows:
        """Load the rows of some runs. Raises an error of UNREADABLE for rows that were altered beyond reading."""
        ids = list(run_ids)
        runs = await session.scalars(
            select(RunRecord).where(RunRecord.id.in_(ids)).execution_options(populate_existing=True)
        )
        salt = JournalRowRecord
        salts = await session.scalars(
            select(salt).where(salt.name == RUNS, salt.row.in_(map(str, ids))).execution_options(populate_existing=True)
        )
        return cls(
            {run.id: run for run in runs},
            await _snapshots(session, ids),
            {int(row.row): row for row in salts},
            await _written(session, ids),
            await _closed(session, ids),
            await spared_hashes(session, ids),
            await DayMessages.load_of(session, ids),
        )

    def salts_of(self, run_id: int) -> JournalRowRecord:
        """Return the salts of a day: for titles, and for what retention leaves; empty for none."""
        found = self.salts.get(run_id)
        return found or JournalRowRecord(name=RUNS, row=str(run_id), salt="", lasting_salt="", state=None)


async def _snapshots(session: AsyncSession, ids: Collection[int]) -> dict[int, list[StoredSnapshot]]:
    """Load the snapshots of all days; one by one where a snapshot cannot be read."""
    try:
        return await snapshots_of_runs(session, ids)
    except UNREADABLE:
        readable: dict[int, list[StoredSnapshot]] = {}
        for run_id in ids if len(ids) > 1 else ():
            readable |= await _snapshots(session, [run_id])
        return readable


async def _written(session: AsyncSession, ids: Collection[int]) -> dict[int, list[tuple[Line, Any]]]:
    row = LedgerRecord
    columns = row.run_id, row.crm_user, row.rule, row.outcome, row.points, row.value, row.bound, row.evidence
    found: dict[int, list[tuple[Line, Any]]] = defaultdict(list)
    for run_id, *line, evidence in await session.execute(select(*columns).where(row.run_id.in_(ids))):
        found[run_id].append((tuple(line), evidence))
    return found


async def _closed(session: AsyncSession, ids: Collection[int]) -> dict[int, dict[tuple[str, str], datetime]]:
    row = ClosedDealRecord
    found: dict[int, dict[tuple[str, str], datetime]] = defaultdict(dict)
    query = select(row.run_id, row.state, row.deal, row.at).where(row.run_id.in_(ids))
    for run_id, state, deal, at in await session.execute(query):
        found[run_id][state, deal] = at
    return found
