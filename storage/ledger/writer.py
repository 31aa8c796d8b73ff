"""Write points: the only writer of the ledger. Rows are added, never changed; each row's hash covers the row before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, EntryKind, Side, in_force
from scoring.rules import Rulebook
from scoring.scorecard import Outcome, Scorecard, ScoreLine
from storage.days import runs
from storage.days.newcomers import is_on_probation
from storage.db.models import LedgerRecord, ReasonRecord, RulebookRecord, RunRecord, TeamRecord
from storage.db.sql import lock_team, manager_ids, manager_of
from storage.errors import NotFound, Refused
from storage.evidence.stored import keys_of
from storage.journal.begin import begin_for
from storage.journal.chain import append as append_event
from storage.journal.kinds import JournalKind
from storage.ledger import periods
from storage.ledger.chain import chained, evidence_column, new_salt, payload_of, reason_hash
from storage.ledger.entries import entry, select_entries
from storage.values import RunLease

_TABLE = cast(Table, LedgerRecord.__table__)
_WRITTEN = [column.name for column in _TABLE.c if column.name != "id"]
"""Columns of an entry; the database numbers the rows."""


async def append(session: AsyncSession, lease: RunLease, cards: Sequence[Scorecard], *, at: datetime) -> None:
    """Write the points of a day, a row per manager and rule.

    Call in the transaction that finishes the run, before `storage.journal.days.close_day`. Raises LeaseLost.
    """
    owner = await lock_team(session, lease.team)
    await runs.assert_held(session, lease)
    await begin_for(session, owner, at)  # before the entries, which then stand between two events
    run = await session.get_one(RunRecord, lease.run_id)
    rulebook = await session.get_one(RulebookRecord, run.rulebook_id)
    booked_in = await periods.month_to_book(session, owner, run.day)
    names = {card.manager.crm_user: card.manager.name for card in cards}
    ids = await manager_ids(session, run.connection, names)
    rows = []
    for card in sorted(cards, key=lambda card: card.manager.crm_user):
        user = card.manager.crm_user
        for line in card.lines:
            row = _score_row(run, line, manager_id=ids[user], crm_user=user, booked_in=str(booked_in), created_at=at)
            _chain(owner, row, rulebook=rulebook.version)
            rows.append({column: getattr(row, column) for column in _WRITTEN})
    if rows:
        await session.execute(insert(_TABLE), rows)
    await session.flush()


def _score_row(run: RunRecord, line: ScoreLine, **common: object) -> LedgerRecord:
    return LedgerRecord(
        **common,
        kind=EntryKind.SCORE.value,
        run_id=run.id,
        day=run.day,
        rule=line.rule.id,
        kpi=line.rule.kpi,
        outcome=line.outcome.value,
        points=line.points,
        side=Side.of(line.points).value,
        value=line.value,
        bound=line.bound,
        evidence=evidence_column(keys_of(line.items)),
        rulebook_id=run.rulebook_id,
    )


def _chain(
    owner: TeamRecord,
    row: LedgerRecord,
    *,
    rulebook: str = "",
    reverses_seq: int | None = None,
    reason: str | None = None,
) -> None:
    """Make a row the last of the team's chain. Needs the locked team row; the caller adds the row."""
    row.team_id = owner.id
    row.seq = owner.ledger_seq + 1
    payload = payload_of(row, reverses_seq=reverses_seq, rulebook=rulebook, reason=reason)
    row.hash = chained(owner.ledger_hash, payload)
    # Only a reason may vanish from beside the ledger: without one the columns say all that the hash covers.
    row.payload = "" if reason is None else payload
    owner.ledger_seq, owner.ledger_hash = row.seq, row.hash


@dataclass(frozen=True, slots=True)
class _Note:
    """Hold author, reason and instant of an entry written by hand."""

    author: str
    reason: str
    at: datetime


async def reverse(session: AsyncSession, team: str, seq: int, *, author: str, reason: str, at: datetime) -> Entry:
    """Reverse an entry by an opposite entry. Reversing a reversal restores the entry. Raises Refused, NotFound."""
    owner = await lock_team(session, team)
    row = await _undo(session, owner, await _row(session, owner, seq), _Note(author, reason, at))
    await _journal(session, owner, at)
    return await entry(session, team, row.seq)


async def correct(
    session: AsyncSession,
    team: str,
    seq: int,
    outcome: Outcome,
    *,
    author: str,
    reason: str,
    at: datetime,
    is_reversed: bool = False,
) -> list[Entry]:
    """Reverse a judged entry and write the right outcome, priced by the rulebook of the entry.

    Outcome `excused` writes the reversal alone: no points, and the rule leaves the discipline %. `is_reversed`: the
    entry was reversed before, so that the right outcome alone is written. Raises Refused, NotFound.
    """
    owner, note = await lock_team(session, team), _Note(author, reason, at)
    old = await _row(session, owner, seq)
    if old.outcome is None:
        raise Refused(f"entry {seq} of {team} judges no rule: reverse it instead")
    if outcome not in (Outcome.KEPT, Outcome.BROKEN, Outcome.EXCUSED):
        raise Refused(f"a rule is corrected to kept, broken or excused, not to {outcome.value}")
    written = [] if is_reversed else [await _undo(session, owner, old, note)]
    if outcome is not Outcome.EXCUSED:
        points = await _price(session, old, outcome)
        side = Side.of(points).value
        judged = {"kind": EntryKind.CORRECTION.value, "outcome": outcome.value, "points": points, "side": side}
        written.append(await _write_about(session, owner, old, note, judged))
    await _journal(session, owner, at)
    return [await entry(session, team, row.seq) for row in written]


async def judge_again(
    session: AsyncSession, team: str, judged: Sequence[tuple[int, ScoreLine]], *, author: str, reason: str, at: datetime
) -> list[Entry]:
    """Write corrections with the outcomes of score entries (`seq`) judged anew; an entry in force is reversed first.

    Raises NotFound.
    """
    owner, note = await lock_team(session, team), _Note(author, reason, at)
    written = []
    for seq, line in judged:
        old = await _row(session, owner, seq)
        if (await _last_word(session, old))[1]:
            written.append(await _undo(session, owner, old, note))
        new: dict[str, object] = {"kind": EntryKind.CORRECTION.value, "outcome": line.outcome.value}
        new |= {"points": line.points, "side": Side.of(line.points).value, "value": line.value, "bound": line.bound}
        written.append(await _write_about(session, owner, old, note, new))
    if written:
        await _journal(session, owner, at)
    return [await entry(session, team, row.seq) for row in written]


async def _undo(session: AsyncSession, owner: TeamRecord, row: LedgerRecord, note: _Note) -> LedgerRecord:
    """Reverse an entry in force. A restored entry is reversed by reversing the restoration. Raises Refused."""
    last, holds = await _last_word(session, row)
    if not holds:
        raise Refused(f"entry {row.seq} of {owner.key} was reversed already, by entry {last.seq}")
    opposite = {
        "kind": EntryKind.REVERSAL.value,
        "outcome": None,
        "points": -last.points,
        "side": last.side,
        "reverses_id": last.id,
    }
    return await _write_about(session, owner, last, note, opposite)


async def _last_word(session: AsyncSession, row: LedgerRecord) -> tuple[LedgerRecord, bool]:
    """Follow the reversals of an entry to the last; tell whether the entry is in force."""
    last, holds = row, True
    while (newer := await session.scalar(select(LedgerRecord).where(LedgerRecord.reverses_id == last.id))) is not None:
        last, holds = newer, not holds
    return last, holds


async def _write_about(
    session: AsyncSession, owner: TeamRecord, old: LedgerRecord, note: _Note, judged: Mapping[str, object]
) -> LedgerRecord:
    """Write an entry by hand about rule, day and manager of an older entry."""
    why = await _reason(session, note)
    about = {
        "manager_id": old.manager_id,
        "crm_user": old.crm_user,
        "day": old.day,
        "booked_in": str(await periods.month_to_book(session, owner, old.day)),
        "rule": old.rule,
        "kpi": old.kpi,
        "value": old.value,
        "bound": old.bound,
        "evidence": old.evidence,
        "rulebook_id": old.rulebook_id,
        "reason_id": why.id,
        "created_at": note.at,
    }
    row = LedgerRecord(**{**about, **judged})
    reverses_seq = None if row.reverses_id is None else old.seq
    reason = reason_hash(why.salt, note.author, note.reason)
    _chain(owner, row, rulebook=await _version(session, old), reverses_seq=reverses_seq, reason=reason)
    session.add(row)
    await session.flush()
    return row


async def _price(session: AsyncSession, old: LedgerRecord, outcome: Outcome) -> int:
    record = await session.get_one(RulebookRecord, old.rulebook_id)
    rule = next(rule for rule in Rulebook.from_json(record.content).rules if rule.id == old.rule)
    if outcome is Outcome.KEPT:
        return rule.reward
    return 0 if await is_on_probation(session, old) else -rule.penalty


async def excuse(
    session: AsyncSession,
    team: str,
    crm_user: str,
    first: date,
    last: date,
    *,
    author: str,
    reason: str,
    at: datetime,
) -> list[Entry]:
    """Reverse all judged entries in force of a manager on days of an absence recorded later."""
    owner, note = await lock_team(session, team), _Note(author, reason, at)
    manager = await manager_of(session, owner.connection, crm_user)
    rows = await select_entries(
        session,
        LedgerRecord.team_id == owner.id,
        LedgerRecord.manager_id == manager.id,
        LedgerRecord.day.between(first, last),
        evidence=False,
    )
    counting = [row for row in in_force(rows) if row.outcome is not None and row.outcome.scored]
    return await _undo_all(session, owner, counting, note)


async def pardon(
    session: AsyncSession, team: str, rows: Sequence[Entry], *, author: str, reason: str, at: datetime
) -> list[Entry]:
    """Reverse entries in force of a team. Raises Refused."""
    return await _undo_all(session, await lock_team(session, team), rows, _Note(author, reason, at))


async def _undo_all(session: AsyncSession, owner: TeamRecord, rows: Sequence[Entry], note: _Note) -> list[Entry]:
    written = [await _undo(session, owner, await _row(session, owner, row.seq), note) for row in rows]
    if written:
        await _journal(session, owner, note.at)
    return [await entry(session, owner.key, row.seq) for row in written]


async def adjust(
    session: AsyncSession,
    team: str,
    crm_user: str,
    points: int,
    *,
    author: str,
    reason: str,
    day: date,
    at: datetime,
) -> Entry:
    """Write an adjustment: points by hand. Raises Refused without points or without a reason."""
    if points == 0:
        raise Refused("an adjustment of 0 points changes nothing")
    if not reason.strip():
        raise Refused("an adjustment needs a reason")
    owner = await lock_team(session, team)
    manager = await manager_of(session, owner.connection, crm_user)
    why = await _reason(session, _Note(author, reason, at))
    row = LedgerRecord(
        kind=EntryKind.ADJUSTMENT.value,
        manager_id=manager.id,
        crm_user=crm_user,
        day=day,
        booked_in=str(await periods.month_to_book(session, owner, day)),
        rule="",
        kpi="",
        outcome=None,
        points=points,
        side=Side.of(points).value,
        evidence=[],
        reason_id=why.id,
        created_at=at,
    )
    _chain(owner, row, reason=reason_hash(why.salt, author, reason))
    session.add(row)
    await session.flush()
    await _journal(session, owner, at)
    return await entry(session, team, row.seq)


async def _journal(session: AsyncSession, owner: TeamRecord, at: datetime) -> None:
    """Write the new head of the ledger into the journal."""
    await begin_for(session, owner, at)
    content = {"ledger": [owner.ledger_seq, owner.ledger_hash]}
    await append_event(session, owner.id, JournalKind.ENTRIES_WRITTEN, content, at)


async def _reason(session: AsyncSession, note: _Note) -> ReasonRecord:
    """Store author and reason beside the ledger; the ledger holds a hash only."""
    row = ReasonRecord(salt=new_salt(), author=note.author, reason=note.reason, created_at=note.at)
    session.add(row)
    await session.flush()
    return row


async def _row(session: AsyncSession, owner: TeamRecord, seq: int) -> LedgerRecord:
    row = await session.scalar(select(LedgerRecord).where(LedgerRecord.team_id == owner.id, LedgerRecord.seq == seq))
    if row is None:
        raise NotFound(f"the ledger of {owner.key} has no entry {seq}")
    return row


async def _version(session: AsyncSession, row: LedgerRecord) -> str:
    if row.rulebook_id is None:
        return ""
    return (await session.get_one(RulebookRecord, row.rulebook_id)).version
