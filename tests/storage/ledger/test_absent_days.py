"""Absences recorded or cancelled after the cutoff: what becomes of the entries of their days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from scoring.entries import EntryKind, Month, net
from scoring.scorecard import Outcome
from scoring.snapshot import Cause, NotRead
from scoring.standings import marked_days
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.ledger import absent_days, periods, writer
from storage.people import absences
from storage.values import Absence, AbsenceKind
from storage.verify.verification import verify
from tests.storage.company import (
    ANNA,
    BORIS,
    CRM,
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
WHY: dict[str, Any] = {"author": "hr", "reason": "sick leave"}
LAZY: dict[str, Any] = {"calls": 3, "overdue": [task(1)]}
"""Boris breaks two rules and keeps the third: −3 points."""


async def _days_of_boris(db):
    await found(db)
    for day in (MONDAY, TUESDAY):
        await scored(db, day, [kept(ANNA, readings()), kept(BORIS, readings(**LAZY))])


async def _record(db, last=MONDAY, at=LATER) -> Absence:
    async with db.transaction() as session:
        absence = await absences.record(
            session, CRM, BORIS.crm_user, first=MONDAY, last=last, kind=AbsenceKind.SICK, author="hr", at=at
        )
        await absent_days.excuse(session, absence, at=at, **WHY)
    return absence


async def _cancel(db, absence: Absence, at):
    async with db.transaction() as session:
        await absences.cancel(session, absence.id, author="hr", at=at)
        return await absent_days.judge_again(session, absence, at=at, **WHY)


async def _of_boris(db, day=MONDAY):
    async with db.reading() as session:
        return await queries.history(session, TEAM, BORIS.crm_user, day, day)


async def _points(db, day=MONDAY):
    return net(await _of_boris(db, day))


async def _problems(db):
    async with db.reading() as session:
        return await verify(session, TEAM)


async def test_a_cancelled_absence_gives_the_days_their_points_back_as_often_as_it_happens(database):
    await _days_of_boris(database)
    assert await _points(database) == (1, 4)
    for turn in range(2):
        absence = await _record(database, at=LATER + timedelta(hours=turn))
        assert await _points(database) == (0, 0)
        assert marked_days(await _of_boris(database))[BORIS.crm_user].excused == {MONDAY}
        written = await _cancel(database, absence, LATER + timedelta(hours=turn, minutes=30))
        assert [(row.kind, row.rule, row.outcome, row.points) for row in written] == [
            (EntryKind.CORRECTION, "calls", Outcome.BROKEN, -2),
            (EntryKind.CORRECTION, "overdue_tasks", Outcome.BROKEN, -2),
            (EntryKind.CORRECTION, "revenue", Outcome.KEPT, 1),
        ]
        assert await _points(database) == (1, 4)
        assert marked_days(await _of_boris(database))[BORIS.crm_user].scored == {MONDAY}
    assert await _points(database, TUESDAY) == (1, 4)
    assert await _problems(database) == []


async def test_a_day_excused_at_its_cutoff_is_judged_where_it_was_read(database):
    await found(database)
    async with database.transaction() as session:
        absence = await absences.record(
            session, CRM, BORIS.crm_user, first=MONDAY, last=MONDAY, kind=AbsenceKind.TRIP, author="hr", at=START
        )
    half_read = readings(**LAZY) | {"won_amount": NotRead(Cause.INCOMPLETE)}
    await scored(database, MONDAY, [kept(ANNA, readings()), kept(BORIS, half_read, absent=True)])
    assert await _points(database) == (0, 0)
    written = await _cancel(database, absence, LATER)
    assert [(row.kind, row.rule, row.points) for row in written] == [
        (EntryKind.REVERSAL, "calls", 0),
        (EntryKind.CORRECTION, "calls", -2),
        (EntryKind.REVERSAL, "overdue_tasks", 0),
        (EntryKind.CORRECTION, "overdue_tasks", -2),
    ]
    async with database.reading() as session:
        day = await queries.day(session, TEAM, MONDAY)
    assert day.absent == frozenset()
    assert [line.outcome for line in day.card(BORIS.crm_user).lines] == [
        Outcome.BROKEN,
        Outcome.BROKEN,
        Outcome.NO_DATA,
    ]
    assert await _problems(database) == []


async def test_what_another_act_excused_or_corrected_is_not_judged_again(database):
    await _days_of_boris(database)
    async with database.transaction() as session:
        [pardoned, held, _] = await queries.history(session, TEAM, BORIS.crm_user, MONDAY, MONDAY)
        pardon = await writer.correct(
            session, TEAM, pardoned.seq, Outcome.EXCUSED, at=LATER - timedelta(minutes=9), **WHY
        )
        await writer.adjust(session, TEAM, BORIS.crm_user, 3, day=MONDAY, at=LATER, **WHY)
    absence = await _record(database, at=LATER + timedelta(minutes=1))
    assert await _points(database) == (3, 0)
    async with database.transaction() as session:
        again = await queries.history(session, TEAM, BORIS.crm_user, MONDAY, MONDAY)
        restored = next(row for row in again if row.reverses == held.seq)
        await writer.reverse(session, TEAM, restored.seq, at=LATER + timedelta(minutes=2), **WHY)
    written = await _cancel(database, absence, LATER + timedelta(minutes=3))
    assert [(row.kind, row.rule) for row in written] == [(EntryKind.CORRECTION, "revenue")]
    assert pardon[0].points == 2
    assert await _points(database) == (4, 2)
    assert await _problems(database) == []


async def test_days_of_a_locked_month_are_booked_in_the_next(database):
    await _days_of_boris(database)
    november, december = Month(2026, 11), Month(2026, 12)
    async with database.transaction() as session:
        await periods.approve(session, TEAM, november, author="hr", at=LATER)
        await periods.lock(session, TEAM, november, workdays=[MONDAY, TUESDAY], author="hr", at=LATER)
    absence = await _record(database, TUESDAY)
    written = await _cancel(database, absence, LATER + timedelta(minutes=1))
    assert {row.booked_in for row in written} == {december}
    async with database.reading() as session:
        assert net(await queries.entries_of_month(session, TEAM, december)) == (0, 0)
    assert await _points(database) == (1, 4)
    assert await _problems(database) == []


async def test_a_cutoff_takes_absences_over_that_came_while_it_ran(database):
    await found(database)
    claim = await claimed(database)
    snapshots = [kept(ANNA, readings(), absent=True), kept(BORIS, readings(**LAZY))]
    async with database.transaction() as session:
        stored = await runs.store_snapshots(session, claim.lease, snapshots, at=cutoff(MONDAY))
    await _record(database, at=cutoff(MONDAY))
    async with database.transaction() as session:
        taken = await absent_days.take_terms(session, claim.run, stored)
    async with database.reading() as session:
        kept_now = await stored_snapshots(session, claim.run.id)
    for items in (taken, kept_now):
        assert {item.snapshot.manager.crm_user: item.absent for item in items} == {"7": False, "12": True}


async def test_days_without_entries_of_a_finished_run_stay_as_they_are(database):
    await _days_of_boris(database)
    async with database.transaction() as session:
        await writer.adjust(session, TEAM, BORIS.crm_user, 3, day=date(2026, 11, 18), at=LATER, **WHY)
        absence = await absences.record(
            session, CRM, BORIS.crm_user, first=date(2026, 11, 18), last=date(2026, 11, 20),
            kind=AbsenceKind.OTHER, author="hr", at=LATER,
        )  # fmt: skip
        assert await absent_days.excuse(session, absence, at=LATER, **WHY) == []
        assert await absent_days.judge_again(session, absence, at=LATER, **WHY) == []
