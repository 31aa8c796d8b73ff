"""Whoever taps on a digest learns whether what is shown of the day is what was written: docs/product.md §6."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, text

from scoring.scorecard import Outcome
from storage.days import retention
from storage.db import append_only
from storage.db.models import RunRecord
from storage.journal.begin import begin
from storage.journal.digests import DigestedDay
from storage.journal.proof import stands
from storage.ledger import writer
from storage.people import people
from tests.storage.company import ANNA, BORIS, CRM, MONDAY, START, TEAM, TUESDAY, found, scored
from tests.storage.verify.history import LATER, WEDNESDAY, WHY, after

OF_DAY = "run_id = (SELECT id FROM runs WHERE day = '2026-11-17')"
FIRST = f"(SELECT min(seq) FROM ledger_entries WHERE {OF_DAY})"
LAST = f"(SELECT max(seq) FROM ledger_entries WHERE {OF_DAY})"
REASON = "(SELECT min(id) FROM adjustments)"
COLUMNS = (
    "team_id, manager_id, crm_user, day, booked_in, rule, kpi, outcome, side, value, bound, evidence, rulebook_id,"
    " created_at, payload"
)
FORGED = (
    f"INSERT INTO ledger_entries ({COLUMNS}, seq, kind, points, reason_id, hash)"
    f" SELECT {COLUMNS}, (SELECT max(seq) + 1 FROM ledger_entries), 'adjustment', 9, reason_id, '00'"
    " FROM ledger_entries WHERE kind = 'adjustment' ORDER BY seq LIMIT 1"
)
TO_HAND = "SET kind = 'adjustment', run_id = NULL, outcome = NULL, points = -1, side = 'minus', reason_id = " + REASON
ATTACKS: dict[str, tuple[str, ...]] = {
    "the entries of the day are deleted": (f"DELETE FROM ledger_entries WHERE {OF_DAY}",),
    "the first entry is deleted": (f"DELETE FROM ledger_entries WHERE seq = {FIRST}",),
    "the first entry is of another run": (f"UPDATE ledger_entries SET run_id = 1, rule = 'x' WHERE seq = {FIRST}",),
    "the first entry is of another run and day": (
        f"UPDATE ledger_entries SET run_id = 1, rule = 'x', day = '2026-11-16' WHERE seq = {FIRST}",
    ),
    "the first entry is of another day": (f"UPDATE ledger_entries SET day = '2026-11-16' WHERE seq = {FIRST}",),
    "all entries but the last are adjustments": (f"UPDATE ledger_entries {TO_HAND} WHERE {OF_DAY} AND seq < {LAST}",),
    "points are another": (
        f"UPDATE ledger_entries SET points = points - 7, side = 'minus', outcome = 'broken' WHERE seq = {FIRST}",
    ),
    "a value cannot be read": (f"UPDATE ledger_entries SET value = 'garbage' WHERE seq = {FIRST}",),
    "an adjustment is forged": (FORGED,),
    "an adjustment is forged and the head of the ledger put right": (
        FORGED,
        "UPDATE teams SET ledger_seq = ledger_seq + 1, ledger_hash = '00'",
    ),
    "an adjustment is another": ("UPDATE ledger_entries SET points = 9 WHERE kind = 'adjustment'",),
    "an adjustment is of another manager": (
        "UPDATE ledger_entries SET manager_id = 1 WHERE kind = 'adjustment'",
        "UPDATE ledger_entries SET manager_id = 2 WHERE kind = 'adjustment'",
    ),
    "an adjustment is moved here": ("UPDATE ledger_entries SET day = '2026-11-17' WHERE kind = 'correction'",),
    "an adjustment is deleted": ("DELETE FROM ledger_entries WHERE kind = 'adjustment' AND points = 1",),
    "an adjustment is moved away": ("UPDATE ledger_entries SET day = '2026-11-16' WHERE kind = 'adjustment'",),
    "the last adjustment is deleted and the heads put right": (
        "DELETE FROM ledger_entries WHERE seq = (SELECT max(seq) FROM ledger_entries)",
        "UPDATE teams SET ledger_seq = ledger_seq - 1",
    ),
    "an event of entries by hand is rewritten": (
        "UPDATE journal_events SET payload = replace(payload, '\"ledger\":[', '\"ledger\":[1')"
        " WHERE kind = 'entries_written'",
    ),
    "an event of entries by hand is called an action, and the entry deleted": (
        "UPDATE journal_events SET kind = 'action' WHERE kind = 'entries_written'",
        "DELETE FROM ledger_entries WHERE kind = 'adjustment'",
    ),
    "the events of entries by hand are deleted": ("DELETE FROM journal_events WHERE kind = 'entries_written'",),
    "the event of the day before is rewritten": (
        "UPDATE journal_events SET payload = replace(payload, '\"ledger\":[6', '\"ledger\":[7')"
        " WHERE chain = 1 AND seq = 2",
    ),
    "the event of the day is deleted": ("DELETE FROM journal_events WHERE kind = 'day_finished' AND seq > 3",),
    "the day is no longer finished": ("UPDATE runs SET state = 'claimed', finished_at = NULL",),
    "accounts exchange their users": (
        "UPDATE managers SET crm_user = 'x' WHERE crm_user = '7'",
        "UPDATE managers SET crm_user = '7' WHERE crm_user = '12'",
        "UPDATE managers SET crm_user = '12' WHERE crm_user = 'x'",
    ),
    "a manager is renamed": ("UPDATE managers SET name = 'Another' WHERE crm_user = '7'",),
    "a manager is renamed with another salt": (
        "UPDATE managers SET name = 'Another' WHERE crm_user = '7'",
        "UPDATE journal_rows SET salt = '' WHERE name = 'managers'",
    ),
    "a manager is deleted": (
        "UPDATE managers SET crm_user = '77' WHERE crm_user = '7'",
        "UPDATE ledger_entries SET crm_user = '77' WHERE crm_user = '7'",
    ),
    "the event that names the managers is rewritten": (
        'UPDATE journal_events SET payload = replace(payload, \'"crm_user":"7"\', \'"crm_user":"8"\') WHERE chain = 0',
    ),
}
"""Statements by name."""


async def verdicts(session):
    query = select(RunRecord.day, RunRecord.digest).order_by(RunRecord.day)
    days = (await session.execute(query)).all()
    return {day: await stands(session, DigestedDay(TEAM, day, digest)) for day, digest in days}


async def read(db):
    async with db.reading() as session:
        return await verdicts(session)


async def test_what_was_changed_of_a_day_does_not_stand(past):
    standing = []
    for name, statements in ATTACKS.items():
        if (await after(past, statements, verdicts))[TUESDAY]:
            standing.append(name)
    assert standing == []


async def test_days_whose_rows_were_not_touched_stand(past):
    told = await after(past, [FORGED], verdicts)
    assert told == {MONDAY: True, TUESDAY: False, WEDNESDAY: True}
    told = await after(past, [f"DELETE FROM ledger_entries WHERE {OF_DAY}"], verdicts)
    assert told == {MONDAY: True, TUESDAY: False, WEDNESDAY: True}


async def test_an_adjustment_written_before_the_evening_of_the_day_cannot_be_removed(past):
    thursday = WEDNESDAY + timedelta(days=1)
    async with past.transaction() as session:
        await writer.adjust(session, TEAM, ANNA.crm_user, 2, day=thursday, **WHY)
    await scored(past, thursday)
    await scored(past, thursday + timedelta(days=1))
    assert (await read(past))[thursday]
    gone = "DELETE FROM ledger_entries WHERE kind = 'adjustment' AND day = '2026-11-19'"
    assert not (await after(past, [gone], verdicts))[thursday]
    moved = "UPDATE ledger_entries SET day = '2026-11-18' WHERE kind = 'adjustment' AND day = '2026-11-19'"
    assert not (await after(past, [moved], verdicts))[thursday]


async def test_lawful_days_stand(past):
    assert set((await read(past)).values()) == {True}
    async with past.transaction() as session:
        await writer.adjust(session, TEAM, ANNA.crm_user, 2, day=WEDNESDAY + timedelta(days=1), **WHY)
        await writer.excuse(session, TEAM, BORIS.crm_user, MONDAY, WEDNESDAY, **WHY)
        await writer.correct(session, TEAM, 15, Outcome.BROKEN, **WHY)
        await people.sync_users(session, CRM, [(ANNA.crm_user, "Anna Renamed", True)], at=LATER)
    await scored(past, WEDNESDAY + timedelta(days=1))
    async with past.transaction() as session:
        await retention.blank(session, LATER + timedelta(days=30))
    assert list((await read(past)).values()) == [True] * 4


async def test_days_of_earlier_releases_stand_by_their_entries(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        await writer.correct(session, TEAM, 1, Outcome.BROKEN, **WHY)
    await scored(database, TUESDAY)
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(append_only.remove, append_only.JOURNAL)
        for table in ("journal_events", "journal_heads", "journal_rows"):
            await session.execute(text(f"DELETE FROM {table}"))
        await session.execute(
            text(
                "UPDATE runs SET digest = (SELECT substr(e.hash, 1, 12) FROM ledger_entries e"
                " WHERE e.run_id = runs.id ORDER BY e.seq DESC LIMIT 1)"
            )
        )
        await connection.run_sync(append_only.install, append_only.JOURNAL)
    assert await read(database) == {MONDAY: True, TUESDAY: True}
    async with database.transaction() as session:
        await begin(session, TEAM, LATER)
        await writer.adjust(session, TEAM, ANNA.crm_user, 2, day=MONDAY, **WHY)
    assert await read(database) == {MONDAY: True, TUESDAY: True}
    assert await after(database, ["UPDATE ledger_entries SET points = -8 WHERE seq = 1"], by_day) == [False, True]
    moved = "UPDATE ledger_entries SET run_id = 1, rule = 'x', day = '2026-11-16' WHERE seq = " + FIRST
    assert await after(database, [moved], by_day) == [False, False]
    assert await after(database, ["DELETE FROM ledger_entries WHERE kind = 'correction'"], by_day) == [False, False]


async def by_day(session):
    return list((await verdicts(session)).values())


async def test_a_first_day_of_the_journal_without_entries_stands(database):
    await found(database)
    async with database.transaction() as session:
        await begin(session, TEAM, START)
    await scored(database, MONDAY, [])
    await scored(database, TUESDAY)
    assert await read(database) == {MONDAY: True, TUESDAY: True}
