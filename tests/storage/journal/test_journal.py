"""All that moves money or blame becomes an event of the journal: docs/product.md §6."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from scoring.entries import Month
from scoring.payout import MoneyTerms
from storage.days import retention, rulebooks, runs
from storage.db import append_only
from storage.db.models import JournalEventRecord, JournalRowRecord, TeamRecord
from storage.errors import Refused
from storage.journal.begin import begin, teams_to_begin
from storage.journal.chain import COMPANY, digest_of
from storage.journal.digests import find_days
from storage.journal.kinds import JournalKind
from storage.ledger import periods, writer
from storage.ledger.chain import chained
from storage.people import absences, people
from storage.values import AbsenceKind, Role, RoleGrant
from tests.storage.company import ANNA, BORIS, CRM, MONDAY, RULEBOOK, TEAM, TUESDAY, cutoff, found, scored

LATER = cutoff(MONDAY) + timedelta(hours=2)


async def events(db, chain=None):
    async with db.reading() as session:
        if chain is None:
            chain = await session.scalar(select(TeamRecord.id).where(TeamRecord.key == TEAM))
        query = select(JournalEventRecord).where(JournalEventRecord.chain == chain)
        return list(await session.scalars(query.order_by(JournalEventRecord.seq)))


def content(event):
    return json.loads(event.payload)["content"]


async def test_the_first_day_begins_the_journal_and_its_event_is_the_digest(database):
    await found(database)
    await scored(database)
    begun, day = await events(database)
    assert (begun.kind, day.kind) == (JournalKind.BEGUN, JournalKind.DAY_FINISHED)
    assert day.hash == chained(begun.hash, day.payload)
    assert {name for name, _, _ in content(begun)["rows"]} == {"rulebooks", "money_versions"}
    async with database.reading() as session:
        run = await runs.find(session, TEAM, MONDAY)
        team = await session.scalar(select(TeamRecord))
        assert run.digest == digest_of(day.hash)
        assert content(day)["ledger"] == [6, team.ledger_hash]
        for shown in (run.digest, run.digest[:8], f"https://t.me/made_up_bot?start=d_{run.digest}", f"d_{run.digest}"):
            [hit] = await find_days(session, shown)
            assert (hit.team, hit.day, hit.is_weak) == (TEAM, MONDAY, False)
        with pytest.raises(Refused, match="a digest is"):
            await find_days(session, "%%%%")
    assert [user for user, _, _ in content(day)["managers"]] == sorted([ANNA.crm_user, BORIS.crm_user])
    assert content(day)["company"][0] == 1


async def test_rules_and_courses_stored_later_are_events_of_the_team(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        changed = replace(RULEBOOK, rules=RULEBOOK.rules[:1])
        assert await rulebooks.keep_rulebook(session, TEAM, changed, LATER)
        assert await rulebooks.keep_money(session, TEAM, MoneyTerms(per_point=Decimal(1000)), LATER)
    stored = (await events(database))[2:]
    assert [event.kind for event in stored] == [JournalKind.RULEBOOK_STORED, JournalKind.COURSE_STORED]
    assert all(event.at == LATER for event in stored)


async def test_periods_carry_their_totals(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        await periods.approve(session, TEAM, Month.of(MONDAY), author="Olga Made-up", at=LATER)
    async with database.transaction() as session:
        await periods.lock(session, TEAM, Month.of(MONDAY), workdays=[MONDAY], author="Olga Made-up", at=LATER)
    approved, locked = (await events(database))[2:]
    assert (approved.kind, locked.kind) == (JournalKind.PERIOD_APPROVED, JournalKind.PERIOD_LOCKED)
    totals = {(user, side): points for user, side, points in content(locked)["totals"]}
    assert totals[BORIS.crm_user, "minus"] == -4
    assert "Olga" not in locked.payload


async def test_entries_by_hand_move_the_journal_too(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        await writer.adjust(
            session, TEAM, ANNA.crm_user, 3, author="Olga Made-up", reason="Made up", day=MONDAY, at=LATER
        )
    last = (await events(database))[-1]
    assert last.kind == JournalKind.ENTRIES_WRITTEN
    assert content(last)["ledger"][0] == 7


async def test_people_are_events_of_the_company_and_names_stand_as_salted_hashes(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        person = await people.find_or_add(session, 7_000_001, "Olga Made-up", at=LATER)
        await people.grant(session, person.id, RoleGrant(Role.HEAD, TEAM), author="cli", at=LATER)
    async with database.transaction() as session:
        await people.revoke(session, person.id, RoleGrant(Role.HEAD, TEAM), author="cli", at=LATER)
        await people.unlink(session, person.id, author="cli", at=LATER)
    async with database.transaction() as session:
        absence = await absences.record(
            session, CRM, ANNA.crm_user, first=TUESDAY, last=TUESDAY, kind=AbsenceKind.SICK, author="cli", at=LATER
        )
    async with database.transaction() as session:
        await absences.cancel(session, absence.id, author="cli", at=LATER)
    told = (await events(database, COMPANY))[1:]
    kinds = [event.kind for event in told if event.kind != JournalKind.ACTION]
    assert kinds == [
        JournalKind.PERSON_ADDED,
        JournalKind.ROLE_TAKEN,
        JournalKind.ABSENCE_RECORDED,
        JournalKind.ABSENCE_CANCELLED,
    ]
    assert sum(event.kind == JournalKind.ACTION for event in told) == 5
    assert not any("Olga" in event.payload or "7000001" in event.payload for event in told)


async def test_the_same_state_again_is_no_event(database):
    await found(database)
    await scored(database)
    before = len(await events(database, COMPANY))
    async with database.transaction() as session:
        users = [(ANNA.crm_user, ANNA.name, True), (BORIS.crm_user, BORIS.name, True)]
        await people.sync_users(session, CRM, users, at=LATER)
    assert len(await events(database, COMPANY)) == before
    async with database.transaction() as session:
        users = [(ANNA.crm_user, "Anna Renamed", True)]
        await people.sync_users(session, CRM, users, at=LATER)
    kinds = sorted(event.kind for event in (await events(database, COMPANY))[before:])
    assert kinds == [JournalKind.ACCOUNT_CHANGED, JournalKind.ACCOUNT_LEFT]


async def test_times_never_run_backwards_along_a_chain(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        await rulebooks.keep_rulebook(
            session, TEAM, replace(RULEBOOK, rules=RULEBOOK.rules[:1]), cutoff(MONDAY) - timedelta(days=9)
        )
    at = [event.at for event in await events(database)]
    assert at == sorted(at)


async def test_an_event_is_refused_change_and_removal_by_the_database(database):
    await found(database)
    await scored(database)
    for statement in ("UPDATE journal_events SET kind = 'action'", "DELETE FROM journal_events"):
        with pytest.raises(IntegrityError):
            async with database.transaction() as session:
                await session.execute(text(statement))


async def test_retention_forgets_the_salts_of_blanked_texts(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        await absences.record(
            session, CRM, ANNA.crm_user, first=TUESDAY, last=TUESDAY, kind=AbsenceKind.SICK, author="cli", at=LATER,
            note="Made-up illness",
        )  # fmt: skip
    async with database.transaction() as session:
        await retention.blank(session, LATER + timedelta(days=1))
    async with database.reading() as session:
        query = select(JournalRowRecord).where(JournalRowRecord.name.in_(("absences", "runs")))
        rows = (await session.scalars(query)).all()
        assert [row.salt for row in rows] == ["", ""]
        assert all(len(row.lasting_salt) == 32 for row in rows)


async def test_a_ledger_of_an_earlier_release_gets_its_first_event_once(database):
    await found(database)
    await scored(database)
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(append_only.remove, append_only.JOURNAL)
        for table in ("journal_events", "journal_heads", "journal_rows"):
            await session.execute(text(f"DELETE FROM {table}"))
        await connection.run_sync(append_only.install, append_only.JOURNAL)
    async with database.transaction() as session:
        assert await teams_to_begin(session) == [TEAM]
        assert await begin(session, TEAM, LATER)
        assert not await begin(session, TEAM, LATER)
        assert await teams_to_begin(session) == []
    [begun] = await events(database)
    assert content(begun)["counts"] == {"entries": 6, "days": 1, "snapshots": 2}
    assert {name for name, _, _ in content((await events(database, COMPANY))[0])["rows"]} == {"managers", "teams"}
