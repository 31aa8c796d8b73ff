"""The ledger: what is written, how it is corrected, where it is booked, what `verify` proves."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from scoring.entries import EntryKind, Month, Side, in_force, net
from scoring.scorecard import Outcome
from scoring.snapshot import Cause, NotRead
from storage.days import queries, runs
from storage.errors import LeaseLost, NotFound, Refused
from storage.ledger import periods, writer
from storage.ledger.entries import find_digest
from storage.people import teams
from storage.verify.verification import verify
from tests.storage.company import (
    ANNA,
    BORIS,
    MONDAY,
    START,
    TEAM,
    TUESDAY,
    claimed,
    cutoff,
    found,
    kept,
    readings,
    scored,
    task,
)

LATER = cutoff(TUESDAY) + timedelta(hours=1)


async def _entries(db, team=TEAM):
    async with db.reading() as session:
        return await queries.entries(session, team, date(2026, 1, 1), date(2027, 12, 31))


async def _verify(db, team=TEAM):
    async with db.reading() as session:
        return await verify(session, team)


async def test_a_day_becomes_one_row_per_manager_and_rule(database):
    await found(database)
    await scored(database)
    rows = await _entries(database)

    assert [(row.seq, row.crm_user, row.rule, row.outcome, row.points) for row in rows] == [
        (1, "12", "calls", Outcome.BROKEN, -2),
        (2, "12", "overdue_tasks", Outcome.BROKEN, -2),
        (3, "12", "revenue", Outcome.KEPT, 1),
        (4, "7", "calls", Outcome.KEPT, 1),
        (5, "7", "overdue_tasks", Outcome.KEPT, 1),
        (6, "7", "revenue", Outcome.KEPT, 1),
    ]
    broken = rows[1]
    assert broken.name == BORIS.name
    assert broken.evidence == ("task:1", "task:2")
    assert (broken.value, broken.bound, broken.side) == (Decimal(2), Decimal(0), Side.MINUS)
    assert rows[2].value == Decimal("100.50")
    assert broken.booked_in == Month(2026, 11)
    assert broken.created_at == cutoff(MONDAY) + timedelta(minutes=1)
    assert await _verify(database) == []


async def test_the_digits_of_a_hash_find_the_entry(database):
    await found(database)
    await scored(database)
    last = (await _entries(database))[-1]
    async with database.reading() as session:
        assert [row.seq for row in await find_digest(session, last.hash[:12])] == [6]
        assert [row.seq for row in await find_digest(session, last.hash[:8].upper())] == [6]
        assert await find_digest(session, "0" * 12) == []
        with pytest.raises(Refused, match="digest"):
            await find_digest(session, "%%%%")


async def test_a_correction_reverses_the_row_and_pays_what_the_rule_pays(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        reversal, correction = await writer.correct(
            session, TEAM, 1, Outcome.KEPT, author="head", reason="the telephony was down", at=LATER
        )
    assert (reversal.kind, reversal.points, reversal.side, reversal.reverses) == (EntryKind.REVERSAL, 2, Side.MINUS, 1)
    assert (correction.kind, correction.points, correction.side) == (EntryKind.CORRECTION, 1, Side.PLUS)
    assert (correction.author, correction.reason) == ("head", "the telephony was down")

    rows = [row for row in await _entries(database) if row.crm_user == BORIS.crm_user]
    assert net(rows) == (2, 2)
    assert {row.seq for row in in_force(rows)} == {2, 3, correction.seq}
    assert await _verify(database) == []


async def test_excused_on_appeal_is_the_reversal_alone(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        written = await writer.correct(session, TEAM, 1, Outcome.EXCUSED, author="head", reason="fair", at=LATER)
    assert [row.kind for row in written] == [EntryKind.REVERSAL]


async def test_a_row_is_reversed_once_and_a_reversal_can_be_reversed(database):
    await found(database)
    await scored(database)
    why: dict[str, Any] = {"author": "head", "reason": "a mistake", "at": LATER}
    async with database.transaction() as session:
        first = await writer.reverse(session, TEAM, 1, **why)
        with pytest.raises(Refused, match="already"):
            await writer.reverse(session, TEAM, 1, **why)
        with pytest.raises(Refused, match="already"):
            await writer.correct(session, TEAM, 1, Outcome.KEPT, **why)
        back = await writer.reverse(session, TEAM, first.seq, **why)
        again = await writer.reverse(session, TEAM, 1, **why)
    assert (back.points, back.side, back.reverses) == (-2, Side.MINUS, first.seq)
    assert (again.points, again.side, again.reverses) == (2, Side.MINUS, back.seq)
    rows = [row for row in await _entries(database) if row.rule == "calls" and row.crm_user == BORIS.crm_user]
    assert net(rows) == (0, 0)
    assert in_force(rows) == []
    assert await _verify(database) == []


async def test_what_judges_no_rule_is_not_corrected(database):
    await found(database)
    await scored(database)
    why: dict[str, Any] = {"author": "head", "reason": "thanks", "at": LATER}
    async with database.transaction() as session:
        extra = await writer.adjust(session, TEAM, ANNA.crm_user, 5, day=TUESDAY, **why)
        with pytest.raises(Refused, match="judges no rule"):
            await writer.correct(session, TEAM, extra.seq, Outcome.KEPT, **why)
        with pytest.raises(Refused, match="not to no_data"):
            await writer.correct(session, TEAM, 1, Outcome.NO_DATA, **why)
        with pytest.raises(NotFound, match="no entry 99"):
            await writer.reverse(session, TEAM, 99, **why)


async def test_an_adjustment_has_points_a_side_and_a_reason(database):
    await found(database)
    why: dict[str, Any] = {"author": "head", "at": LATER, "day": MONDAY}
    async with database.transaction() as session:
        plus = await writer.adjust(session, TEAM, ANNA.crm_user, 3, reason="helped a colleague", **why)
        minus = await writer.adjust(session, TEAM, ANNA.crm_user, -4, reason="lost the keys", **why)
        assert (plus.side, minus.side) == (Side.PLUS, Side.MINUS)
        assert (plus.outcome, plus.rule, plus.reason) == (None, "", "helped a colleague")
        with pytest.raises(Refused, match="reason"):
            await writer.adjust(session, TEAM, ANNA.crm_user, 3, reason=" ", **why)
        with pytest.raises(Refused, match="0 points"):
            await writer.adjust(session, TEAM, ANNA.crm_user, 0, reason="why not", **why)
        with pytest.raises(NotFound, match="no manager"):
            await writer.adjust(session, TEAM, "404", 1, reason="who", **why)
    assert await _verify(database) == []


async def test_sick_leave_learnt_later_takes_the_points_of_its_days_back(database):
    await found(database)
    await scored(database, MONDAY)
    await scored(database, TUESDAY)
    why: dict[str, Any] = {"author": "head", "reason": "sick leave", "at": LATER}
    async with database.transaction() as session:
        written = await writer.excuse(session, TEAM, BORIS.crm_user, MONDAY, MONDAY, **why)
        assert [row.reverses for row in written] == [1, 2, 3]
        assert await writer.excuse(session, TEAM, BORIS.crm_user, MONDAY, MONDAY, **why) == []
    rows = [row for row in await _entries(database) if row.crm_user == BORIS.crm_user]
    assert net(row for row in rows if row.day == MONDAY) == (0, 0)
    assert net(row for row in rows if row.day == TUESDAY) == (1, 4)
    assert await _verify(database) == []


async def test_a_locked_month_books_corrections_into_the_next_open_one(database):
    await found(database)
    await scored(database)
    november, at = Month(2026, 11), LATER
    async with database.transaction() as session:
        with pytest.raises(Refused, match="2026-11-17 has no finished run"):
            await periods.lock(session, TEAM, november, workdays=[MONDAY, TUESDAY], author="hr", at=at)
        with pytest.raises(Refused, match="approved before"):
            await periods.lock(session, TEAM, november, workdays=[MONDAY], author="hr", at=at)
        await periods.approve(session, TEAM, november, author="head", at=at)
        await writer.adjust(session, TEAM, ANNA.crm_user, 1, author="head", reason="late", day=MONDAY, at=at)
        assert (await periods.state(session, TEAM, november)).changed_since
        with pytest.raises(Refused, match="approve it again"):
            await periods.lock(session, TEAM, november, workdays=[MONDAY], author="hr", at=at)
        await periods.approve(session, TEAM, november, author="head", at=at)
        locked = await periods.lock(session, TEAM, november, workdays=[MONDAY], author="hr", at=at)
        assert (locked.state, locked.approved_by, locked.locked_by) == ("locked", "head", "hr")
        with pytest.raises(Refused, match="locked already"):
            await periods.approve(session, TEAM, november, author="head", at=at)

        late = await writer.reverse(session, TEAM, 1, author="head", reason="appeal", at=at)
        assert (late.day, late.booked_in) == (MONDAY, Month(2026, 12))
        rows = await queries.entries_of_month(session, TEAM, november)
        assert late.seq not in {row.seq for row in rows}
        assert [row.seq for row in await queries.entries_of_month(session, TEAM, Month(2026, 12))] == [late.seq]
    assert await _verify(database) == []


async def test_a_renamed_team_keeps_its_history_and_its_proof(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        await teams.rename(session, TEAM, "retail", author="admin", at=LATER)
    assert await _verify(database, "retail") == []
    assert {row.team for row in await _entries(database, "retail")} == {"retail"}
    with pytest.raises(NotFound, match="no team 'sales'"):
        await _entries(database)


async def test_points_are_written_only_by_whoever_holds_the_run(database):
    await found(database)
    old = await claimed(database, lease_seconds=0)
    await claimed(database, owner="two")
    cards = [kept(ANNA, readings()).score(old.run.rulebook, old.run.day)]
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await writer.append(session, old.lease, cards, at=LATER)
    assert await _entries(database) == []


async def test_a_day_of_nobody_has_a_digest_too(database):
    await found(database)
    await scored(database, snapshots=[])
    async with database.reading() as session:
        assert len((await runs.find(session, TEAM, MONDAY)).digest) == 32
    assert await _verify(database) == []


async def test_no_data_is_a_row_without_points(database):
    await found(database)
    unread = readings() | {"calls_held": NotRead(Cause.INCOMPLETE, "the CRM broke off")}
    await scored(database, snapshots=[kept(ANNA, unread), kept(BORIS, readings(), absent=True)])
    rows = await _entries(database)
    assert {(row.crm_user, row.outcome, row.points) for row in rows} == {
        ("7", Outcome.NO_DATA, 0),
        ("7", Outcome.KEPT, 1),
        ("12", Outcome.EXCUSED, 0),
    }
    assert await _verify(database) == []


async def test_the_chain_holds_when_many_write_at_once(database):
    await found(database)
    await found(database, "other")

    async def write(number: int) -> None:
        async with database.transaction() as session:
            team = TEAM if number % 4 else "other"
            await writer.adjust(session, team, ANNA.crm_user, number + 1, author="x", reason="r", day=MONDAY, at=LATER)

    await asyncio.gather(*(write(number) for number in range(24)))
    rows = await _entries(database)
    assert [row.seq for row in rows] == list(range(1, 19))
    assert len(await _entries(database, "other")) == 6
    assert await _verify(database) == []
    assert await _verify(database, "other") == []


async def test_the_ledger_keeps_no_words(database):
    await found(database)
    await scored(database, snapshots=[kept(ANNA, readings(overdue=[task(1, "Call the secret client")]))])
    async with database.transaction() as session:
        await writer.adjust(
            session, TEAM, ANNA.crm_user, 1, author="Head Person", reason="a private matter", day=MONDAY, at=LATER
        )
        payloads = " ".join(await session.scalars(text("SELECT payload FROM ledger_entries")))
    for words in ("secret client", "Head Person", "private matter", ANNA.name):
        assert words not in payloads


async def test_what_was_written_is_gone_when_the_transaction_breaks(database):
    await found(database)
    await scored(database)

    async def break_off() -> None:
        async with database.transaction() as session:
            await writer.adjust(session, TEAM, ANNA.crm_user, 1, author="x", reason="r", day=MONDAY, at=LATER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    assert len(await _entries(database)) == 6
    async with database.transaction() as session:
        again = await writer.adjust(session, TEAM, ANNA.crm_user, 1, author="x", reason="r", day=MONDAY, at=START)
    assert again.seq == 7
    assert await _verify(database) == []


async def test_nothing_slips_into_a_month_while_it_is_being_locked(database):
    await found(database)
    await scored(database)
    november = Month(2026, 11)
    async with database.transaction() as session:
        await periods.approve(session, TEAM, november, author="head", at=LATER)

    async def lock() -> None:
        async with database.transaction() as session:
            await periods.lock(session, TEAM, november, workdays=[MONDAY], author="hr", at=LATER)

    async def adjust() -> None:
        async with database.transaction() as session:
            await writer.adjust(session, TEAM, ANNA.crm_user, 1, author="x", reason="r", day=MONDAY, at=LATER)

    results = await asyncio.gather(adjust(), adjust(), lock(), adjust(), lock(), return_exceptions=True)
    async with database.reading() as session:
        period = await periods.state(session, TEAM, november)
        booked = [
            row for row in await queries.entries_of_month(session, TEAM, november) if row.kind is EntryKind.ADJUSTMENT
        ]
    refused = [result for result in results if isinstance(result, Refused)]
    assert (period.state == "locked") == (booked == [])
    assert period.state == "locked" or len(refused) == 2


async def test_a_transaction_inside_a_transaction_is_a_mistake_that_does_not_hang(database):
    async with database.transaction():
        with pytest.raises(RuntimeError, match="open already"):
            async with database.transaction():
                pass
    async with database.transaction() as session:
        assert session is not None
