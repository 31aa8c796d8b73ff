"""Absences: recorded, asked for, decided, cancelled."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from storage.errors import NotFound, Refused
from storage.people import absences
from storage.values import AbsenceKind, AbsenceState
from tests.storage.company import ANNA, BORIS, CRM, MONDAY, START, TEAM, TUESDAY, found

AT = START


async def _record(session, manager=ANNA, first=MONDAY, last=TUESDAY, **more):
    return await absences.record(
        session, CRM, manager.crm_user, first=first, last=last, kind=AbsenceKind.SICK, author="head", at=AT, **more
    )


async def test_a_recorded_absence_excuses_its_days(database):
    await found(database)
    async with database.transaction() as session:
        absence = await _record(session, note="flu")
        assert (absence.state, absence.name, absence.team, absence.note) == ("approved", ANNA.name, TEAM, "flu")
        excused = [await absences.absent_on(session, CRM, MONDAY + timedelta(days=n)) for n in (-1, 0, 1, 2)]
        assert excused == [frozenset(), {ANNA.crm_user}, {ANNA.crm_user}, frozenset()]
        assert await absences.absent_on(session, "second", MONDAY) == frozenset()


async def test_a_request_waits_for_the_head(database):
    await found(database)
    async with database.transaction() as session:
        asked = await _record(session, approved=False)
        other = await _record(session, BORIS, approved=False)
        assert await absences.absent_on(session, CRM, MONDAY) == frozenset()
        assert [item.id for item in await absences.requested(session, TEAM)] == [asked.id, other.id]
        granted = await absences.decide(session, asked.id, approved=True, author="head", at=AT)
        assert (granted.state, granted.decided_by, granted.decided_at) == (AbsenceState.APPROVED, "head", AT)
        assert await absences.decide(session, asked.id, approved=True, author="another", at=AT) == granted
        with pytest.raises(Refused, match="approved already"):
            await absences.decide(session, asked.id, approved=False, author="another", at=AT)
        await absences.decide(session, other.id, approved=False, author="head", at=AT)
        assert await absences.absent_on(session, CRM, MONDAY) == {ANNA.crm_user}
        assert await absences.requested(session, TEAM) == []


async def test_a_cancelled_absence_excuses_nobody(database):
    await found(database)
    async with database.transaction() as session:
        absence = await _record(session)
        cancelled = await absences.cancel(session, absence.id, author="head", at=AT)
        assert await absences.cancel(session, absence.id, author="head", at=AT) == cancelled
        assert await absences.absent_on(session, CRM, MONDAY) == frozenset()
        listed = await absences.between(session, CRM, TUESDAY, date(2026, 12, 31))
        assert [item.state for item in listed] == [AbsenceState.CANCELLED]
        assert await absences.between(session, CRM, date(2026, 12, 1), date(2026, 12, 31)) == []


async def test_nonsense_is_refused(database):
    await found(database)
    async with database.transaction() as session:
        with pytest.raises(Refused, match="cannot end"):
            await _record(session, first=TUESDAY, last=MONDAY)
        with pytest.raises(NotFound):
            await absences.find(session, 99)
        with pytest.raises(NotFound):
            await absences.cancel(session, 99, author="head", at=AT)
