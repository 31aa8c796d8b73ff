"""Half days, first days back, records that break a rule once, the backlog of a launch: docs/product.md §12, §19."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import update

from scoring.entries import EntryKind, in_force, net
from scoring.rules import Rulebook
from scoring.scorecard import Outcome
from scoring.snapshot import Cause, NotRead, Spared, Value
from scoring.terms.backlog import Backlog
from scoring.terms.circumstances import Half
from scoring.terms.employment import Employment
from scoring.terms.launch import CarriedOver, Launch
from storage.days import queries, runs
from storage.days.backlog import count_backlog, load_backlog
from storage.db.database import Database
from storage.db.models import AbsenceRecord, SnapshotRecord
from storage.errors import Refused
from storage.ledger import writer
from storage.values import Absence, StoredSnapshot
from storage.verify.verification import verify
from tests.storage.company import (
    ANNA,
    BORIS,
    MONDAY,
    RULEBOOK,
    TEAM,
    TUESDAY,
    cutoff,
    found,
    kept,
    readings,
    task,
)
from tests.storage.days.evenings import WEEK, WHY, absent, boris, cancelled, evening, overdue_of, points


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: the statements that differ are in `test_newcomers`."""
    return sqlite_url


# Half days


async def test_a_half_day_known_before_the_cutoff_halves_what_adds_up(database):
    await found(database)
    await absent(database, MONDAY, half=Half.AM)
    cards = await evening(database, MONDAY, boris(1, calls=5), kept(ANNA, readings(calls=5)))
    assert [line.outcome for line in cards[BORIS.crm_user].lines] == [Outcome.KEPT, Outcome.BROKEN, Outcome.KEPT]
    assert [line.outcome for line in cards[ANNA.crm_user].lines] == [Outcome.BROKEN, Outcome.KEPT, Outcome.KEPT]
    assert await points(database, MONDAY) == (2, 2)


@pytest.mark.parametrize(("half", "after"), [(Half.AM, (2, 2)), (Half.PM, (2, 0))])
async def test_a_half_day_recorded_afterwards_is_judged_anew_and_back_again(database, half, after):
    await found(database)
    await evening(database, MONDAY, boris(1, calls=5))
    assert await points(database, MONDAY) == (1, 4)
    absence = await absent(database, MONDAY, half=half)
    assert await points(database, MONDAY) == after
    await cancelled(database, absence)
    assert await points(database, MONDAY) == (1, 4)


async def test_two_halves_are_a_day_and_one_of_them_cancelled_leaves_a_half(database):
    await found(database)
    await evening(database, MONDAY, boris(1, calls=5))
    await absent(database, MONDAY, half=Half.AM)
    second = await absent(database, MONDAY, half=Half.PM)
    assert await points(database, MONDAY) == (0, 0)
    await cancelled(database, second)
    assert await points(database, MONDAY) == (2, 2)


async def test_half_a_day_is_one_day_and_each_half_is_absent_once(database):
    await found(database)
    await absent(database, MONDAY, half=Half.AM)
    for wanted, words in [((MONDAY, TUESDAY, Half.AM), "is one day"), ((MONDAY, None, Half.AM), "has absence 1")]:
        with pytest.raises(Refused, match=words):
            await absent(database, *wanted)
    with pytest.raises(Refused, match="has absence 1"):
        await absent(database, MONDAY)


async def test_a_rule_that_was_not_read_is_not_judged_by_a_half_day(database):
    await found(database)
    unread = readings(calls=5) | {"calls_held": NotRead(Cause.INCOMPLETE)}
    await evening(database, MONDAY, kept(BORIS, unread))
    await absent(database, MONDAY, half=Half.AM)
    async with database.reading() as session:
        rows = await queries.history(session, TEAM, BORIS.crm_user, MONDAY, MONDAY)
    assert {row.kind for row in rows} == {EntryKind.SCORE}


@pytest.mark.parametrize("column", [SnapshotRecord.circumstances, AbsenceRecord.half])
async def test_a_half_day_that_is_altered_behind_the_back_is_found(database, column):
    await found(database)
    await absent(database, MONDAY, half=Half.AM, at=cutoff(MONDAY))
    await evening(database, MONDAY, boris(1, calls=5))
    assert await points(database, MONDAY) == (2, 2)
    async with database.transaction() as session:
        await session.execute(update(column.class_).values({column.key: None}))
    async with database.reading() as session:
        assert await verify(session, TEAM) != []


# The first day back


async def back_on_wednesday(db: Database, *, told_before: bool) -> None:
    """Task 1 was overdue before the absence of Tuesday, task 2 became so meanwhile."""
    await found(db)
    if told_before:
        await absent(db, TUESDAY, at=cutoff(MONDAY))
    await evening(db, MONDAY, boris(1))
    await evening(db, TUESDAY, boris(1, 2))


async def test_what_appeared_during_an_absence_counts_from_the_second_day_on(database):
    await back_on_wednesday(database, told_before=True)
    first = await evening(database, WEEK[2], boris(2))
    assert overdue_of(first[BORIS.crm_user]) == (Outcome.KEPT, 1)
    [line] = [line for line in first[BORIS.crm_user].lines if line.rule.id == "overdue_tasks"]
    assert (line.value, line.appeared) == (0, {"task:2"})
    second = await evening(database, WEEK[3], boris(2))
    assert overdue_of(second[BORIS.crm_user]) == (Outcome.BROKEN, -2)
    assert await points(database, WEEK[2]) == (3, 0)


async def test_what_was_there_before_the_absence_counts_on_the_first_day_back(database):
    await back_on_wednesday(database, told_before=True)
    first = await evening(database, WEEK[2], boris(1, 2))
    assert overdue_of(first[BORIS.crm_user]) == (Outcome.BROKEN, -2)
    assert first[BORIS.crm_user].lines[1].value == 1


async def test_a_first_day_back_without_data_leaves_the_grace_to_the_next_scored_day(database):
    await back_on_wednesday(database, told_before=True)
    nothing = dict.fromkeys(readings(), NotRead(Cause.INCOMPLETE))
    await evening(database, WEEK[2], kept(BORIS, nothing))
    next_day = await evening(database, WEEK[3], boris(2))
    assert overdue_of(next_day[BORIS.crm_user]) == (Outcome.KEPT, 1)


async def test_an_absence_recorded_afterwards_judges_the_first_day_back_anew_and_its_end_too(database):
    await back_on_wednesday(database, told_before=False)
    await evening(database, WEEK[2], boris(2))
    assert await points(database, WEEK[2]) == (2, 2)
    absence = await absent(database, TUESDAY)
    assert await points(database, TUESDAY) == (0, 0)
    assert await points(database, WEEK[2]) == (3, 0)
    async with database.reading() as session:
        day = await queries.day(session, TEAM, WEEK[2])
    assert overdue_of(day.card(BORIS.crm_user)) == (Outcome.KEPT, 1)
    await cancelled(database, absence)
    assert await points(database, TUESDAY) == await points(database, WEEK[2]) == (2, 2)


async def test_a_pardon_on_the_first_day_back_stays(database):
    await back_on_wednesday(database, told_before=False)
    await evening(database, WEEK[2], boris(2))
    async with database.transaction() as session:
        rows = await queries.history(session, TEAM, BORIS.crm_user, WEEK[2], WEEK[2])
        [broken] = [row for row in rows if row.outcome is Outcome.BROKEN]
        await writer.correct(session, TEAM, broken.seq, Outcome.EXCUSED, at=cutoff(WEEK[3]), **WHY)
    await absent(database, TUESDAY)
    assert await points(database, WEEK[2]) == (2, 0)


async def test_days_off_by_schedule_are_no_absence(database):
    off_on_tuesday = {BORIS.crm_user: Employment(weekdays=(0, 2, 3, 4))}
    await found(database, rulebook=replace(RULEBOOK, people=off_on_tuesday))
    await evening(database, MONDAY, boris(1))
    tuesday = await evening(database, TUESDAY, boris(1, 2))
    assert [line.outcome for line in tuesday[BORIS.crm_user].lines] == [Outcome.EXCUSED] * 3
    back = await evening(database, WEEK[2], boris(2))
    assert overdue_of(back[BORIS.crm_user]) == (Outcome.BROKEN, -2)


# Records that break a rule once


async def test_a_stuck_record_breaks_the_rule_once_and_again_after_ten_days_in_order(database):
    once = replace(RULEBOOK, launch=Launch(carried_over=CarriedOver.ONCE))
    await found(database, rulebook=once)
    days = [MONDAY + timedelta(days=number) for number in range(16)]
    shown = [(1,), (1,), (1, 2), (1, 2), (), *[()] * 9, (1,), (1,)]
    got = [
        overdue_of((await evening(database, day, boris(*ids)))[BORIS.crm_user])
        for day, ids in zip(days, shown, strict=False)
    ]
    broken, old, fine = (Outcome.BROKEN, -2), (Outcome.EXCUSED, 0), (Outcome.KEPT, 1)
    assert got == [broken, old, broken, old, *[fine] * 10, broken, old]
    async with database.reading() as session:
        assert await verify(session, TEAM) == []


async def test_a_forgiven_day_does_not_use_a_record_up(database):
    await found(database, rulebook=replace(RULEBOOK, launch=Launch(carried_over=CarriedOver.ONCE)))
    await evening(database, MONDAY, boris(1))
    async with database.transaction() as session:
        rows = await queries.history(session, TEAM, BORIS.crm_user, MONDAY, MONDAY)
        [broken] = [row for row in in_force(rows) if row.outcome is Outcome.BROKEN]
        await writer.correct(session, TEAM, broken.seq, Outcome.EXCUSED, at=cutoff(MONDAY), **WHY)
    again = await evening(database, TUESDAY, boris(1))
    assert overdue_of(again[BORIS.crm_user]) == (Outcome.BROKEN, -2)


async def test_days_in_observation_do_not_use_a_record_up(database):
    launch = Launch(observe_until=MONDAY, carried_over=CarriedOver.ONCE)
    await found(database, rulebook=replace(RULEBOOK, launch=launch))
    got = [overdue_of((await evening(database, day, boris(1)))[BORIS.crm_user]) for day in WEEK[:3]]
    assert got == [(Outcome.NOT_APPLICABLE, 0), (Outcome.BROKEN, -2), (Outcome.EXCUSED, 0)]


# The backlog of a launch


def ignored(*numbers: int) -> StoredSnapshot:
    items = tuple(msgspec.structs.replace(task(number), spared=Spared.IGNORED.value) for number in numbers)
    return kept(BORIS, readings() | {"overdue_tasks": Value(0, items)})


async def backlog_on(db: Database, day: date, rulebook: Rulebook) -> Backlog:
    async with db.reading() as session:
        return await load_backlog(session, TEAM, day, rulebook, ZoneInfo("Europe/Moscow"), ["7", "12"])


async def test_a_record_is_ignored_until_it_was_in_order_once(database):
    book = replace(RULEBOOK, launch=Launch(ignore_before=MONDAY))
    await found(database, rulebook=book)
    first = await backlog_on(database, MONDAY, book)
    assert first.unread == {"overdue_tasks": {"7", "12"}}
    await evening(database, MONDAY, ignored(1, 2))
    second = await backlog_on(database, TUESDAY, book)
    assert (second.ignored, second.unread) == ({"overdue_tasks": {"1", "2"}}, {"overdue_tasks": frozenset()})
    await evening(database, TUESDAY, ignored(2))
    assert (await backlog_on(database, WEEK[2], book)).ignored == {"overdue_tasks": {"2"}}
    async with database.reading() as session:
        run = await runs.find(session, TEAM, TUESDAY)
        assert await count_backlog(session, run) == {"overdue_tasks": (2, 1)}


async def test_a_reading_without_data_leaves_the_backlog_as_it_was(database):
    book = replace(RULEBOOK, launch=Launch(ignore_before=MONDAY))
    await found(database, rulebook=book)
    unread = kept(BORIS, readings() | {"overdue_tasks": NotRead(Cause.INCOMPLETE)})
    await evening(database, MONDAY, unread)
    assert (await backlog_on(database, TUESDAY, book)).unread == {"overdue_tasks": {"12"}}
    await evening(database, TUESDAY, ignored(1))
    await evening(database, WEEK[2], unread)
    last = await backlog_on(database, WEEK[3], book)
    assert (last.ignored, last.unread) == ({"overdue_tasks": {"1"}}, {"overdue_tasks": frozenset()})


async def test_another_ignore_before_begins_anew(database):
    book = replace(RULEBOOK, launch=Launch(ignore_before=MONDAY))
    await found(database, rulebook=book)
    await evening(database, MONDAY, ignored(1))
    later = await backlog_on(database, TUESDAY, replace(RULEBOOK, launch=Launch(ignore_before=TUESDAY)))
    assert (later.ignored, later.unread) == ({"overdue_tasks": frozenset()}, {"overdue_tasks": {"7", "12"}})


async def test_whatever_absences_come_and_go_the_points_are_those_of_the_days_as_judged_now(database):
    chance = Random(18)
    await found(database)
    overdue: set[int] = set()
    for number, day in enumerate(WEEK):
        overdue = {task for task in overdue if chance.random() < 0.7} | {number} - {chance.randrange(3)}
        await evening(database, day, boris(*overdue, calls=chance.choice([4, 6, 12])))
    recorded: list[Absence] = []
    for turn in range(5):
        at = cutoff(WEEK[-1]) + timedelta(hours=turn + 1)
        if recorded and chance.random() < 0.4:
            await cancelled(database, recorded.pop(chance.randrange(len(recorded))), at=at)
        else:
            first, half = chance.choice(WEEK), chance.choice([None, *Half])
            last = first if half else min(first + timedelta(days=chance.randrange(3)), WEEK[-1])
            with suppress(Refused):
                recorded.append(await absent(database, first, last, half, at=at))
        async with database.reading() as session:
            for day in WEEK:
                plus, minus = net(await queries.history(session, TEAM, BORIS.crm_user, day, day, evidence=False))
                card = (await queries.day(session, TEAM, day)).card(BORIS.crm_user)
                assert plus - minus == card.points, (turn, day, recorded)
    async with database.reading() as session:
        assert await verify(session, TEAM) == []
