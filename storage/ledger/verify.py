"""Verify the ledger: the hash chain, the columns beside the payload, and the scores of every stored day."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook, version_of
from storage.days.snapshots import stored_snapshots
from storage.db import append_only
from storage.db.models import LedgerRecord, ManagerRecord, ReasonRecord, RulebookRecord, RunRecord, TeamRecord
from storage.db.sql import team_named
from storage.ledger.chain import DIGEST_LENGTH, NO_HASH, chained, payload_of, reason_hash
from storage.values import Problem, RunState, Verification

_CHUNK = 2000


async def verify(session: AsyncSession, team: str) -> list[Problem]:
    """List the problems of a team's ledger; empty for an intact ledger."""
    return list((await verification(session, team)).problems)


async def verification(session: AsyncSession, team: str) -> Verification:
    """Verify a team's ledger and count the entries and days looked at. Use a reading session, for one moment's view."""
    owner = await team_named(session, team)
    connection = await session.connection()
    lost = await connection.run_sync(append_only.missing)
    problems = [Problem(team, f"the ledger's guard {name} is missing or changed") for name in lost]
    problems += await _rulebooks(session, owner)
    book = await _Book.open(session, owner)
    async for row in _entries(session, owner):
        problems += book.check(row)
    problems += book.check_head()
    manual_instants = await session.scalars(
        select(RunRecord.day).where(RunRecord.team_id == owner.id, RunRecord.rehearsed).order_by(RunRecord.day)
    )
    days = tuple(manual_instants)
    problems += await _days(session, owner, book)
    return Verification(team, book.seq, len(book.last_hash), days, tuple(problems))


async def _entries(session: AsyncSession, owner: TeamRecord) -> AsyncIterator[LedgerRecord]:
    """Iterate over the rows in the order of the chain, read in chunks."""
    after = None
    while True:
        query = select(LedgerRecord).where(LedgerRecord.team_id == owner.id).order_by(LedgerRecord.seq)
        if after is not None:
            query = query.where(LedgerRecord.seq > after)
        rows = (await session.scalars(query.limit(_CHUNK).execution_options(populate_existing=True))).all()
        for row in rows:
            yield row
        if len(rows) < _CHUNK:
            return
        after = rows[-1].seq


@dataclass(slots=True)
class _Book:
    """Follow the chain of a team, row by row."""

    team: str
    head: tuple[int, str]
    versions: dict[int, str]
    users: dict[int, str]
    reasons: dict[int, ReasonRecord]
    seq: int = 0
    hash: str = NO_HASH
    seq_of: dict[int, int] = field(default_factory=dict)
    points_of: dict[int, int] = field(default_factory=dict)
    last_hash: dict[int, str] = field(default_factory=dict)
    """Hash of the last entry, by run id."""

    @classmethod
    async def open(cls, session: AsyncSession, owner: TeamRecord) -> _Book:
        versions = await session.execute(select(RulebookRecord.id, RulebookRecord.version))
        users = await session.execute(select(ManagerRecord.id, ManagerRecord.crm_user))
        reasons = await session.scalars(select(ReasonRecord))
        return cls(
            team=owner.key,
            head=(owner.ledger_seq, owner.ledger_hash),
            versions=dict(versions.all()),
            users=dict(users.all()),
            reasons={row.id: row for row in reasons},
        )

    def check(self, row: LedgerRecord) -> list[Problem]:
        """Check the next row of the chain."""
        problems = [self._problem(row, text) for text in self._texts(row)]
        self.seq, self.hash = row.seq, row.hash
        self.seq_of[row.id], self.points_of[row.id] = row.seq, row.points
        if row.run_id is not None:
            self.last_hash[row.run_id] = row.hash
        return problems

    def _texts(self, row: LedgerRecord) -> list[str]:
        texts = []
        if row.seq != self.seq + 1:
            texts.append(f"entry {self.seq + 1} is missing before it")
        if row.hash != chained(self.hash, row.payload):
            texts.append("its hash does not follow from the entry before it")
        if row.payload != self._payload(row):
            texts.append("its columns do not say what its hash covers")
        if row.reverses_id is not None and self.points_of.get(row.reverses_id) != -row.points:
            texts.append("it is not the opposite of the entry it reverses")
        if self.users.get(row.manager_id) != row.crm_user:
            texts.append("its manager is another CRM user now")
        return texts

    def _payload(self, row: LedgerRecord) -> str:
        return payload_of(
            row,
            reverses_seq=None if row.reverses_id is None else self.seq_of.get(row.reverses_id, 0),
            rulebook="" if row.rulebook_id is None else self.versions.get(row.rulebook_id, "?"),
            reason=None if row.reason_id is None else self._reason(row),
        )

    def _reason(self, row: LedgerRecord) -> str:
        """Hash the stored reason; for a reason blanked by retention take the hash of the payload."""
        why = self.reasons.get(row.reason_id or 0)
        if why is None:
            return "?"
        if why.author is None or why.reason is None:
            return _reason_in(row.payload)
        return reason_hash(why.salt, why.author, why.reason)

    def check_head(self) -> list[Problem]:
        """Compare the end of the chain with the head stored at the team."""
        if self.head == (self.seq, self.hash):
            return []
        return [Problem(self.team, f"the chain ends at entry {self.seq}, but {self.head[0]} were written")]

    def _problem(self, row: LedgerRecord, text: str) -> Problem:
        return Problem(self.team, f"entry {row.seq} ({row.day}, {row.crm_user}): {text}", row.seq)


def _reason_in(payload: str) -> str:
    try:
        return str(json.loads(payload)["reason"])
    except (ValueError, KeyError, TypeError):
        return "?"


async def _rulebooks(session: AsyncSession, owner: TeamRecord) -> list[Problem]:
    rows = await session.execute(
        select(RulebookRecord.version, RulebookRecord.content).where(RulebookRecord.team_id == owner.id)
    )
    return [
        Problem(owner.key, f"rulebook {version} does not say what it said when it was stored")
        for version, content in rows
        if version_of(content) != version
    ]


_Line = tuple[str, str, str | None, int, Decimal | None, Decimal | None, tuple[str, ...]]


async def _days(session: AsyncSession, owner: TeamRecord, book: _Book) -> list[Problem]:
    """Score every stored day again and compare with the ledger."""
    query = select(RunRecord.id, RunRecord.day, RunRecord.state, RunRecord.digest, RulebookRecord.content)
    stored = await session.execute(
        query.join(RulebookRecord, RulebookRecord.id == RunRecord.rulebook_id)
        .where(RunRecord.team_id == owner.id)
        .order_by(RunRecord.day)
    )
    problems: list[Problem] = []
    for run_id, day, state, digest, content in stored.all():
        finished = state == RunState.FINISHED.value
        is_weak = len(digest) <= DIGEST_LENGTH  # of a day before the journal
        if finished and is_weak and digest != book.last_hash.get(run_id, "")[:DIGEST_LENGTH]:
            problems.append(Problem(owner.key, f"the day {day} has another digest than its last entry"))
        written = await _written(session, run_id)
        counted = await _counted(session, run_id, content) if finished else []
        if written != counted:
            problems.append(Problem(owner.key, f"the day {day} counted again gives other points than the ledger has"))
        session.expunge_all()
    return problems


async def _written(session: AsyncSession, run_id: int) -> list[_Line]:
    rows = await session.scalars(
        select(LedgerRecord).where(LedgerRecord.run_id == run_id).execution_options(populate_existing=True)
    )
    lines = [
        (row.crm_user, row.rule, row.outcome, row.points, row.value, row.bound, tuple(row.evidence)) for row in rows
    ]
    return sorted(lines, key=lambda line: line[:2])


async def _counted(session: AsyncSession, run_id: int, content: dict[str, Any]) -> list[_Line] | None:
    """Score a stored day again; None for stored data that cannot be read any more."""
    try:
        rulebook = Rulebook.from_json(content)
        cards = [item.score(rulebook) for item in await stored_snapshots(session, run_id)]
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None
    lines: list[_Line] = [
        (
            card.manager.crm_user,
            line.rule.id,
            line.outcome.value,
            line.points,
            line.value,
            line.bound,
            tuple(item.key for item in line.items),
        )
        for card in cards
        for line in card.lines
    ]
    return sorted(lines, key=lambda line: line[:2])
