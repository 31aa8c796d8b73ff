"""What the program itself does to the past is no finding: `verify` that cries wolf proves nothing."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, select

from scoring.entries import Month
from scoring.scorecard import Outcome
from storage.days import retention
from storage.db.models import JournalEventRecord
from storage.journal.calendars import settle_unread, store_calendar
from storage.ledger import periods, writer
from storage.people import absences, invites, people, teams
from storage.people.teams import ConfiguredTeam
from storage.values import AbsenceKind, PeriodState, Role, RoleGrant
from storage.verify.verification import verify
from tests.storage.company import ANNA, BORIS, CRM, MONDAY, START, TEAM, TUESDAY, claimed, cutoff, scored
from tests.storage.verify.history import CALENDAR, LATER, WEDNESDAY, WHY

NEXT_MONTH = LATER + timedelta(days=30)
NOVEMBER = Month.of(MONDAY)


async def told(db, team: str = TEAM) -> list[str]:
    async with db.reading() as session:
        return [problem.text for problem in await verify(session, team)]


async def test_a_renamed_team_and_a_team_that_was_archived_and_came_back(past):
    async with past.transaction() as session:
        await teams.rename(session, TEAM, "sellers", author="cli", at=LATER)
    assert await told(past, "sellers") == []
    async with past.transaction() as session:
        await teams.sync(session, [ConfiguredTeam("others", "Others", CRM, TUESDAY)], at=LATER)
    assert await told(past, "sellers") == []
    async with past.transaction() as session:
        await teams.sync(session, [ConfiguredTeam("sellers", "Sellers", CRM, START.date())], at=LATER)
    assert await told(past, "sellers") == []


async def test_texts_that_retention_blanked(past):
    async with past.transaction() as session:
        assert await retention.blank(session, cutoff(WEDNESDAY) + timedelta(minutes=1)) > 0
    assert await told(past) == []
    async with past.transaction() as session:
        await retention.blank(session, NEXT_MONTH)
    assert await told(past) == []
    await scored(past, WEDNESDAY + timedelta(days=1))
    assert await told(past) == []


async def test_everything_that_people_may_do_to_people(past):
    async with past.transaction() as session:
        olga = await people.by_telegram(session, 7_000_001)
        await people.grant(session, olga.id, RoleGrant(Role.ADMIN), author="cli", at=LATER)
        await people.revoke(session, olga.id, RoleGrant(Role.HEAD, TEAM), author="cli", at=LATER)
        await people.unlink(session, olga.id, author="cli", at=LATER)
        await people.set_language(session, olga.id, "en")
    async with past.transaction() as session:
        await people.join(session, (CRM, ANNA.crm_user), (CRM, BORIS.crm_user), author="cli", at=LATER)
    async with past.transaction() as session:
        await people.sync_users(session, CRM, [(ANNA.crm_user, "Anna Renamed", True)], at=LATER)
    async with past.transaction() as session:
        await people.sync_users(session, CRM, [(user.crm_user, user.name, True) for user in (ANNA, BORIS)], at=LATER)
    assert await told(past) == []


async def test_invites_made_voided_and_used_members_moved_and_a_chat_bound(past):
    async with past.transaction() as session:
        olga = await people.by_telegram(session, 7_000_001)
        await people.unlink(session, olga.id, author="cli", at=LATER)
        await invites.invite_manager(session, CRM, ANNA.crm_user, author="cli", at=LATER)
    async with past.transaction() as session:
        token = await invites.invite_manager(session, CRM, ANNA.crm_user, author="cli", at=LATER)
    async with past.transaction() as session:
        await invites.accept(session, token, 7_000_009, at=LATER)
        await teams.bind_chat(session, TEAM, None, None, author="cli", at=LATER)
    async with past.transaction() as session:
        await people.set_members(session, {TEAM: {BORIS.crm_user: BORIS.name, "99": "New Made-up"}})
    assert await told(past) == []
    async with past.reading() as session:
        kinds = (await session.scalars(select(JournalEventRecord.kind).where(JournalEventRecord.at >= LATER))).all()
        latest = await session.scalar(select(func.max(JournalEventRecord.at)))
    assert {"invite_made", "invite_used", "row_removed", "account_changed", "account_added"} <= set(kinds)
    assert latest == LATER  # an invite that ends later moves no clock


async def test_an_empty_team_with_members_and_an_invite_that_is_absorbed(past):
    async with past.transaction() as session:
        both = [ConfiguredTeam(key, "Sales", CRM, TUESDAY) for key in (TEAM, "others")]
        await teams.sync(session, both, at=LATER)
        await people.set_members(session, {"others": {ANNA.crm_user: ANNA.name}})
        await invites.invite_role(session, RoleGrant(Role.HEAD, "others"), "Vera Made-up", author="cli", at=LATER)
    assert await told(past) == []
    async with past.transaction() as session:
        await teams.rename(session, TEAM, "others", author="cli", at=LATER)
    assert await told(past, "others") == []


async def test_absences_corrections_and_a_second_approval(past):
    async with past.transaction() as session:
        asked = await absences.record(
            session, CRM, ANNA.crm_user, first=MONDAY, last=TUESDAY, kind=AbsenceKind.VACATION, author="Anna",
            at=LATER, approved=False,
        )  # fmt: skip
        await absences.decide(session, asked.id, approved=True, author="Olga", at=LATER)
        await writer.excuse(session, TEAM, ANNA.crm_user, MONDAY, TUESDAY, **WHY)
    async with past.transaction() as session:
        await absences.cancel(session, asked.id, author="Olga", at=LATER)
        await writer.correct(session, TEAM, 13, Outcome.EXCUSED, **WHY)
        await periods.approve(session, TEAM, NOVEMBER, author="Olga", at=LATER)
    assert await told(past) == []


async def test_a_month_with_days_that_were_never_read_can_be_locked(past):
    last = date(2026, 11, 30)
    now = cutoff(last) + timedelta(days=20)
    async with past.transaction() as session:
        await store_calendar(session, TEAM, CALENDAR, LATER)
        unread = await settle_unread(session, TEAM, (), CALENDAR, now)
    assert unread[0] == WEDNESDAY + timedelta(days=1)
    async with past.transaction() as session:
        await periods.approve(session, TEAM, NOVEMBER, author="Olga", at=now)
    workdays = list(CALENDAR.workdays(MONDAY, last))
    async with past.transaction() as session:
        locked = await periods.lock(session, TEAM, NOVEMBER, workdays=workdays, author="Olga", at=now)
    assert locked.state is PeriodState.LOCKED
    assert await told(past) == []


async def test_a_day_that_waits_for_its_next_attempt_while_a_later_day_is_finished(past):
    thursday = WEDNESDAY + timedelta(days=1)
    await claimed(past, thursday)
    await scored(past, thursday + timedelta(days=1))
    assert await told(past) == []
