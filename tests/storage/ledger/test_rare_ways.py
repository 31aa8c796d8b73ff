"""Rare ways through the ledger: long chains, entries that are not there, months that nobody approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from scoring.entries import EntryKind, Month
from storage.days import retention
from storage.db import append_only
from storage.db.models import LedgerRecord, PeriodRecord
from storage.db.sql import team_named
from storage.errors import NotFound
from storage.ledger import periods, writer
from storage.ledger.entries import entry
from storage.values import PeriodState
from storage.verify import entries
from storage.verify import verification as verify
from tests.storage.company import ANNA, MONDAY, TEAM, cutoff, found, scored

LATER = cutoff(MONDAY) + timedelta(hours=1)
WHY: dict[str, Any] = {"author": "head", "reason": "a mistake", "at": LATER}
NOVEMBER = Month(2026, 11)


async def test_an_entry_that_is_not_there_is_named(sqlite_database):
    await found(sqlite_database)
    async with sqlite_database.reading() as session:
        with pytest.raises(NotFound, match="no entry 99"):
            await entry(session, TEAM, 99)


async def test_a_chain_of_many_chunks_is_followed_to_its_end(sqlite_database, monkeypatch):
    await found(sqlite_database)
    await scored(sqlite_database)
    async with sqlite_database.reading() as session:
        whole = await verify.verification(session, TEAM)
    for size in (1, 2, whole.entries):  # the last chunk is short, whole, or empty
        monkeypatch.setattr(entries, "_CHUNK", size)
        async with sqlite_database.reading() as session:
            assert await verify.verification(session, TEAM) == whole


async def test_an_adjustment_is_reversed_without_a_rulebook(sqlite_database):
    await found(sqlite_database)
    async with sqlite_database.transaction() as session:
        extra = await writer.adjust(session, TEAM, ANNA.crm_user, 5, day=MONDAY, **WHY)
        back = await writer.reverse(session, TEAM, extra.seq, **WHY)
        assert (back.kind, back.points, back.rulebook) == (EntryKind.REVERSAL, -5, "")
        assert await verify.verify(session, TEAM) == []


async def test_a_month_is_locked_once(sqlite_database):
    await found(sqlite_database)
    await scored(sqlite_database)
    async with sqlite_database.transaction() as session:
        await periods.approve(session, TEAM, NOVEMBER, author="head", at=LATER)
        first = await periods.lock(session, TEAM, NOVEMBER, workdays=[MONDAY], author="hr", at=LATER)
        again = await periods.lock(session, TEAM, NOVEMBER, workdays=[], author="another", at=LATER)
    assert again == first


async def test_a_month_that_nobody_approved_has_no_changes_since(sqlite_database):
    await found(sqlite_database)
    async with sqlite_database.transaction() as session:
        row = {"team_id": 1, "month": str(NOVEMBER), "state": PeriodState.OPEN.value}
        await session.execute(insert(PeriodRecord).values(row))
        period = await periods.state(session, TEAM, NOVEMBER)
    assert (period.state, period.changed_since) == (PeriodState.OPEN, False)


@pytest.mark.parametrize("payload", ["not JSON", "{}", "[]"])
async def test_a_blanked_reason_does_not_hide_a_forged_payload(sqlite_database, payload):
    await found(sqlite_database)
    async with sqlite_database.transaction() as session:
        extra = await writer.adjust(session, TEAM, ANNA.crm_user, 5, day=MONDAY, **WHY)
    async with sqlite_database.transaction() as session:
        await retention.blank(session, LATER + timedelta(seconds=1))
    async with sqlite_database.transaction() as session:
        assert await verify.verify(session, TEAM) == []
        connection = await session.connection()
        await connection.run_sync(append_only.remove)
        await session.execute(update(LedgerRecord).values(payload=payload))
        await connection.run_sync(append_only.install)
        problems = await verify.verify(session, TEAM)
    assert any(problem.seq == extra.seq and "columns" in problem.text for problem in problems)


async def test_an_entry_whose_reason_is_gone_is_found(sqlite_database, monkeypatch):
    await found(sqlite_database)
    async with sqlite_database.transaction() as session:
        await writer.adjust(session, TEAM, ANNA.crm_user, 5, day=MONDAY, **WHY)
    async with sqlite_database.reading() as session:
        book = entries.LedgerWalk(session, await team_named(session, TEAM), None, None)
        monkeypatch.setattr(entries._Around, "reason", lambda around, row: "?")
        await book.read()
        assert any("columns" in problem.text for problem in book.problems)
