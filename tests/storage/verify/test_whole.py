"""Foreign triggers, missing guards, missing days, a team that is gone: what no single row shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

from rich.console import Console
from sqlalchemy import text

from reglament.commands.verify import verify as command
from reglament.config.settings import build
from storage.db import append_only
from storage.db.sql import is_sqlite
from storage.journal.calendars import settle_unread, unread_days
from storage.verify.side_by_side import verify_teams
from storage.verify.verification import verification, verify, verify_company
from tests.storage.company import MONDAY, TEAM, TUESDAY, cutoff, scored
from tests.storage.verify.history import CALENDAR, LATER, WEDNESDAY, findings

FRIDAY = WEDNESDAY + timedelta(days=2)
EMPTIED = (
    "appeals", "ledger_entries", "snapshots", "closed_deals", "runs", "periods", "rulebooks", "money_versions",
    "adjustments",
)  # fmt: skip


async def test_the_first_covered_and_the_last_day_are_told(past):
    async with past.reading() as session:
        found = await verification(session, TEAM)
    assert (found.covers_from, found.last_day, len(found.digest)) == (MONDAY, WEDNESDAY, 32)


async def test_a_whole_team_that_was_removed_is_named(past):
    statements = [
        "UPDATE managers SET team_id = NULL",
        *(f"DELETE FROM {table}" for table in EMPTIED),
        "DELETE FROM journal_events WHERE chain = 1",
        "DELETE FROM journal_heads WHERE chain = 1",
        "UPDATE teams SET ledger_seq = 0, scored_from = '2026-11-19'",
    ]
    told = await findings(past, statements)
    assert any("team 1: changed without an event: scored_from" in each for each in told), told


async def test_a_trigger_of_somebody_else_is_named(past):
    async with past.transaction() as session:
        if is_sqlite(session):
            await session.execute(
                text("CREATE TRIGGER better AFTER INSERT ON snapshots BEGIN UPDATE runs SET requests = 1; END")
            )
        else:
            await session.execute(
                text("CREATE RULE better AS ON INSERT TO snapshots DO ALSO UPDATE runs SET requests = 1")
            )
    async with past.reading() as session:
        told = [problem.text for problem in await verify(session, TEAM)]
    assert [each.endswith(" better on snapshots is not of this program") for each in told] == [True]


async def test_with_a_guard_missing_the_rest_is_verified(past):
    async with past.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(append_only.remove, append_only.JOURNAL)
        await session.execute(text("UPDATE absences SET note = 'another'"))
    async with past.reading() as session:
        told = [problem.text for problem in await verify(session, TEAM)]
    assert sum("guard" in each for each in told) == 3
    assert any("without an event: note" in each for each in told)


async def test_a_working_day_between_must_be_finished_or_settled(past):
    await scored(past, FRIDAY)
    async with past.reading() as session:
        [problem] = await verify(session, TEAM)
    thursday = WEDNESDAY + timedelta(days=1)
    assert problem.text == f"the working day {thursday} is neither finished nor settled as not read"
    async with past.transaction() as session:
        assert await settle_unread(session, TEAM, [], CALENDAR, cutoff(FRIDAY)) == [thursday]
    async with past.reading() as session:
        assert await unread_days(session, 1) == {thursday}
        assert await verify(session, TEAM) == []


async def test_a_day_that_is_still_awaited_is_not_settled(past):
    async with past.transaction() as session:
        await_days = [WEDNESDAY + timedelta(days=1), FRIDAY]
        assert await settle_unread(session, TEAM, await_days, CALENDAR, cutoff(FRIDAY) + timedelta(days=2)) == []
        assert TUESDAY not in await unread_days(session, 1)


async def test_due_days_after_the_last_finished_day_are_listed_without_being_a_finding(past):
    async with past.reading() as session:
        before = await verification(session, TEAM, now=cutoff(WEDNESDAY) + timedelta(hours=1))
        after = await verification(session, TEAM, now=cutoff(FRIDAY) + timedelta(hours=1))
    assert (before.awaited, before.problems) == ((), ())
    assert (after.awaited, after.problems) == ((WEDNESDAY + timedelta(days=1), FRIDAY), ())


FORGOTTEN = [
    "DELETE FROM journal_events",
    "DELETE FROM journal_heads",
    "DELETE FROM journal_rows",
    "UPDATE runs SET digest = '0123456789ab'",
]


async def test_a_journal_removed_from_one_team_is_named_by_that_of_the_company(past):
    of_team = [f"{statement} WHERE chain = 1" for statement in FORGOTTEN[:2]]
    told = await findings(past, [*of_team, FORGOTTEN[3]])
    assert "3 days were finished after the company's journal had begun, but the team has no journal" in told


async def test_a_journal_removed_everywhere_leaves_a_plain_warning(past, past_url):
    async with past.transaction() as session:
        connection = await session.connection()
        for table in append_only.GUARDED:
            await connection.run_sync(append_only.remove, table)
        for statement in FORGOTTEN:
            await session.execute(text(statement))
        for table in append_only.GUARDED:
            await connection.run_sync(append_only.install, table)
    said = StringIO()
    await command(build({"database": {"url": past_url}}), TEAM, None, Console(file=said, width=500))
    assert f"{TEAM}: WARNING: the finished days have no journal" in said.getvalue()
    assert "else a journal was removed" in said.getvalue()


async def test_teams_side_by_side_are_verified_alike_in_their_order(past, past_url):
    async with past.reading() as session:
        company = await verify_company(session)
    keys = [TEAM, TEAM]
    with ThreadPoolExecutor(2) as pool:
        beside = [found async for found in verify_teams(past, past_url, keys, company, LATER, pool=pool)]
    alone = [found async for found in verify_teams(past, past_url, keys, company, LATER)]
    assert beside == alone
    assert [key for key, _ in beside] == keys
    assert not any(isinstance(found, str) or found.problems for _, found in beside)
