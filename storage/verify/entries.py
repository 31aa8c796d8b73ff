"""Verify the entries of a ledger: the hash chain, the columns beside the payload, and the rows pointed to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import LedgerRecord, ManagerRecord, ReasonRecord, RulebookRecord, RunRecord, TeamRecord
from storage.ledger.chain import NO_HASH, chained, payload_of, reason_hash
from storage.values import Problem
from storage.verify.ledger_heads import CoveredEntry

_CHUNK = 2000
_COLUMNS = tuple(LedgerRecord.__table__.columns)


@dataclass(slots=True)
class LedgerWalk:
    """Follow the chain of a team, row by row."""

    session: AsyncSession
    owner: TeamRecord
    covered_from: datetime | None
    """Begin of the journal; earlier reasons may be blank."""
    blanked_before: datetime | None
    wanted: frozenset[int] = frozenset()
    """Numbers of the entries that the journal saw as head."""
    marks: dict[int, CoveredEntry] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)
    days: dict[int, date] = field(default_factory=dict)
    """Day by id of the run."""
    problems: list[Problem] = field(default_factory=list)
    seq: int = 0
    hash: str = NO_HASH
    last_hash: dict[int, str] = field(default_factory=dict)
    """Hash of the last entry, by run id."""
    _rows: int = 0
    _newest: datetime | None = None
    """Newest instant after the last mark."""

    async def read(self) -> None:
        """Walk the chain, and compare the end with the head stored at the team."""
        session, owner = self.session, self.owner
        versions = select(RulebookRecord.id, RulebookRecord.version).where(RulebookRecord.team_id == owner.id)
        self.versions = dict((await session.execute(versions)).all())
        self.users = dict((await session.execute(select(ManagerRecord.id, ManagerRecord.crm_user))).all())
        runs = select(RunRecord.id, RunRecord.day).where(RunRecord.team_id == owner.id)
        self.days = dict((await session.execute(runs)).all())
        async for rows in self._chunks():
            around = await _Around.load(session, owner, rows)
            for row in rows:
                self._check(row, around)
            self._rows += len(rows)
        stored = await session.scalar(select(func.count()).where(LedgerRecord.team_id == owner.id))
        if stored != self._rows:
            self.problems.append(Problem(owner.key, f"{stored} entries are stored, {self._rows} are in the chain"))
        if (owner.ledger_seq, owner.ledger_hash) != (self.seq, self.hash):
            text = f"the chain ends at entry {self.seq}, but {owner.ledger_seq} were written"
            self.problems.append(Problem(owner.key, text))

    async def _chunks(self) -> AsyncIterator[Sequence[Row[Any]]]:
        """Iterate over the rows in the order of the chain, in chunks; plain rows are much faster than objects."""
        row, after = LedgerRecord, None
        while True:
            query = select(*_COLUMNS).where(row.team_id == self.owner.id).order_by(row.seq, row.id)
            if after is not None:
                query = query.where(tuple_(row.seq, row.id) > after)
            rows = (await self.session.execute(query.limit(_CHUNK))).all()
            after = tuple_(rows[-1].seq, rows[-1].id) if rows else None
            yield rows
            if len(rows) < _CHUNK:
                return

    def _check(self, row: Row[Any], around: _Around) -> None:
        """Check the next row of the chain."""
        where = f"entry {row.seq} ({row.day}, {row.crm_user})"
        texts = [*self._chain_texts(row, around), *self._row_texts(row, around)]
        self.problems += [Problem(self.owner.key, f"{where}: {text}", row.seq) for text in texts]
        self.seq, self.hash = row.seq, row.hash
        if row.run_id is not None:
            self.last_hash[row.run_id] = row.hash
        self._newest = row.created_at if self._newest is None else max(self._newest, row.created_at)
        if row.seq in self.wanted:
            self.marks[row.seq] = CoveredEntry(row.hash, self._newest)
            self._newest = None

    def _chain_texts(self, row: Row[Any], around: _Around) -> list[str]:
        texts = []
        if row.seq != self.seq + 1:
            texts.append(f"entry {self.seq + 1} is missing before it")
        payload = self._payload(row, around)
        if row.hash != chained(self.hash, row.payload or payload):
            texts.append("its hash does not follow from the entry before it")
        if row.payload and row.payload != payload:
            texts.append("its columns do not say what its hash covers")
        return texts

    def _row_texts(self, row: Row[Any], around: _Around) -> list[str]:
        """Say what is wrong with the rows that an entry points to."""
        texts = []
        reversed_ = around.reversed.get(row.reverses_id or 0)
        if row.reverses_id is not None and (reversed_ is None or reversed_[1] != -row.points):
            texts.append("it is not the opposite of the entry it reverses")
        if self.users.get(row.manager_id) != row.crm_user:
            texts.append("its manager is another CRM user now")
        if row.run_id is not None and self.days.get(row.run_id) != row.day:
            texts.append("the run of its day is gone" if row.run_id not in self.days else "its run is of another day")
        why = around.reasons.get(row.reason_id or 0)
        if why is not None and not self._is_reason_whole(why, row):
            texts.append("author and reason were removed or moved, though no retention had come to them")
        return texts

    def _is_reason_whole(self, why: ReasonRecord, row: Row[Any]) -> bool:
        """Tell whether a reason is of the entry's instant, and blank only where retention may have been."""
        if why.created_at != row.created_at:
            return False
        is_uncovered = self.covered_from is None or why.created_at < self.covered_from
        is_old = self.blanked_before is not None and why.created_at < self.blanked_before
        return (why.author is not None and why.reason is not None) or is_uncovered or is_old

    def _payload(self, row: Row[Any], around: _Around) -> str:
        reversed_ = around.reversed.get(row.reverses_id or 0)
        return payload_of(
            row,
            reverses_seq=None if row.reverses_id is None else reversed_[0] if reversed_ else 0,
            rulebook="" if row.rulebook_id is None else self.versions.get(row.rulebook_id, "?"),
            reason=None if row.reason_id is None else around.reason(row),
        )


@dataclass(frozen=True, slots=True)
class _Around:
    """Hold the rows that a chunk of entries points to."""

    reversed: dict[int, tuple[int, int]]
    """Number and points of the entries reversed, by id."""
    reasons: dict[int, ReasonRecord]

    @classmethod
    async def load(cls, session: AsyncSession, owner: TeamRecord, rows: Sequence[Row[Any]]) -> _Around:
        """Load what the rows point to."""
        undone = {row.reverses_id for row in rows} - {None}
        reasons = {row.reason_id for row in rows} - {None}
        older: dict[int, tuple[int, int]] = {}
        if undone:
            columns = select(LedgerRecord.id, LedgerRecord.seq, LedgerRecord.points)
            query = columns.where(LedgerRecord.team_id == owner.id, LedgerRecord.id.in_(undone))
            older = {id_: (seq, points) for id_, seq, points in await session.execute(query)}
        whys: dict[int, ReasonRecord] = {}
        if reasons:
            known = select(ReasonRecord).where(ReasonRecord.id.in_(reasons))
            found = await session.scalars(known.execution_options(populate_existing=True))
            whys = {why.id: why for why in found}
        return cls(older, whys)

    def reason(self, row: Row[Any]) -> str:
        """Hash the stored reason; for a reason blanked by retention take the hash of the payload."""
        why = self.reasons.get(row.reason_id or 0)
        if why is None:
            return "?"
        if why.author is None or why.reason is None:
            return _reason_in(row.payload)
        return reason_hash(why.salt, why.author, why.reason)


def _reason_in(payload: str) -> str:
    try:
        return str(json.loads(payload)["reason"])
    except (ValueError, KeyError, TypeError):
        return "?"
