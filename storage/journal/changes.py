"""Note which covered rows a transaction changes, and write an event for each before the transaction is committed.

Nobody calls the journal when a role is given or a rulebook stored: `Database.transaction` does, so that no writer of
today or tomorrow can forget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import event, select
from sqlalchemy import orm as sync
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.changed_rows import note_keys, take
from storage.db.models import JournalRowRecord
from storage.db.sql import portions
from storage.journal import totals
from storage.journal.chain import COMPANY, append, find_head
from storage.journal.kinds import JournalKind
from storage.journal.states import BY_NAME, BY_RECORD, Covered


class JournaledSession(sync.Session):
    """Note the covered rows that a transaction adds, changes or deletes."""


@event.listens_for(JournaledSession, "after_flush")
def _note_flushed(session: sync.Session, _context: Any) -> None:
    dirty = [record for record in session.dirty if session.is_modified(record)]
    for record in (*session.new, *dirty, *session.deleted):
        covered = BY_RECORD.get(type(record))
        if covered is not None:
            note_keys(session.info, covered.name, [covered.row_of(record)])


@dataclass(slots=True)
class _Change:
    """Hold a changed row with the event to write."""

    chain: int
    kind: JournalKind
    content: dict[str, Any]


@dataclass(slots=True)
class _Changes:
    """Gather the changes of a transaction."""

    found: list[_Change] = field(default_factory=list)
    instants: list[datetime] = field(default_factory=list)
    _begun: dict[int, bool] = field(default_factory=dict)

    async def has_begun(self, session: AsyncSession, chain: int) -> bool:
        """Tell whether a chain has begun; asks once for each chain."""
        if chain not in self._begun:
            self._begun[chain] = await find_head(session, chain) is not None
        return self._begun[chain]


async def write_changes(session: AsyncSession) -> None:
    """Write an event for each noted row whose state is not the journaled one. Call before the commit.

    Events carry the newest instant of the changed rows; chains of teams are locked before the company's chain.
    """
    await session.flush()
    changes = _Changes()
    for name, rows in take(session).items():
        await _compare(session, BY_NAME[name], rows, changes)
    for change in sorted(changes.found, key=lambda change: (change.chain == COMPANY, change.chain)):
        at = max(changes.instants, default=None)
        await append(session, change.chain, change.kind, change.content, at)


async def _compare(session: AsyncSession, covered: Covered[Any], rows: Collection[str], changes: _Changes) -> None:
    """Compare noted rows with their journaled states."""
    records = await load_records(session, covered, rows)
    journaled = await load_journaled(session, covered.name, rows)
    for row in sorted(rows):
        record, before = records.get(row), journaled.get(row)
        if record is None and (before is None or before.state is None):
            continue
        chain = COMPANY if record is None else covered.chain(record)
        if not await changes.has_begun(session, chain):
            continue  # the first event of the chain will hold the row as found then
        change = await _change(session, covered, row, record, before)
        if change is not None:
            changes.found.append(_Change(chain, *change))
        if record is not None:
            changes.instants += [at for at in covered.plain(record).values() if isinstance(at, datetime)]


async def _change(
    session: AsyncSession, covered: Covered[Any], row: str, record: Any, before: JournalRowRecord | None
) -> tuple[JournalKind, dict[str, Any]] | None:
    """Keep the new state of a row, and return kind and content of the event; None for the state known."""
    if before is None:
        before = JournalRowRecord(name=covered.name, row=row, salt="", lasting_salt="", state=None)
        session.add(before)
    covered.give_salts(before)
    old, new = before.state, None if record is None else covered.state(record, before)
    if old == new:
        return None
    before.state = new
    content: dict[str, Any] = {"table": covered.name, "row": row, "state": new}
    if new is None:
        return JournalKind.ROW_REMOVED, content
    kind = covered.kind(old or {}, new)
    if kind in (JournalKind.PERIOD_APPROVED, JournalKind.PERIOD_LOCKED):
        content["totals"] = await totals.of_period(session, record.team_id, record.month)
    return kind, content


async def load_records(session: AsyncSession, covered: Covered[Any], rows: Collection[str]) -> dict[str, Any]:
    """Load rows of a covered table as stored now, by key."""
    columns = covered.keys
    if len(columns) > 1:
        keys = [(int(team), month) for team, _, month in (row.partition(":") for row in rows)]
        found = [await session.get(covered.record, key, populate_existing=True) for key in keys]
        return {covered.row_of(record): record for record in found if record is not None}
    ids: list[Any] = sorted(rows if covered.has_text_key else map(int, rows))
    records: dict[str, Any] = {}
    for portion in portions(ids):
        query = select(covered.record).where(columns[0].in_(portion))
        loaded = await session.scalars(query.execution_options(populate_existing=True))
        records |= {covered.row_of(record): record for record in loaded}
    return records


async def load_journaled(session: AsyncSession, name: str, rows: Iterable[str]) -> dict[str, JournalRowRecord]:
    """Load the journaled states of rows of a table, by key."""
    keys = sorted(rows)
    found: dict[str, JournalRowRecord] = {}
    for portion in portions(keys):
        query = select(JournalRowRecord).where(JournalRowRecord.name == name, JournalRowRecord.row.in_(portion))
        found |= {row.row: row for row in await session.scalars(query)}
    return found


def new_row(session: AsyncSession, covered: Covered[Any], record: Any) -> JournalRowRecord:
    """Keep the state of a row that no event told of."""
    row = JournalRowRecord(name=covered.name, row=covered.row_of(record), salt="", lasting_salt="", state=None)
    covered.give_salts(row)
    row.state = covered.state(record, row)
    session.add(row)
    return row


async def keep_all(session: AsyncSession, chain: int) -> list[list[Any]]:
    """Keep the states of all rows that a chain covers, as found, and return table, key and state of each."""
    kept: list[list[Any]] = []
    for covered in BY_NAME.values():
        if not covered.belongs_to(chain):
            continue
        query = select(covered.record)
        if covered.of_team:
            query = query.where(covered.record.__table__.c.team_id == chain)
        for record in await session.scalars(query):
            row = new_row(session, covered, record)
            kept.append([row.name, row.row, row.state])
    return sorted(kept, key=lambda each: each[:2])


def states_in(content: Mapping[str, Any]) -> Sequence[tuple[str, str, dict[str, Any] | None]]:
    """List the states of rows that the content of an event tells: table, key, state (None: removed)."""
    if "table" in content:
        return [(content["table"], content["row"], content["state"])]
    return [(name, row, state) for name, row, state in content.get("rows", ())]
