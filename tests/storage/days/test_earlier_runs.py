"""What earlier runs decide of the next count: docs/product.md §11, §19."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from scoring.earlier_runs import EarlierRuns
from scoring.kpis import CATALOGUE
from scoring.records import DealState
from scoring.snapshot import Cause, Evidence, NotRead, Range, Reading, Snapshot, Spared, Value
from storage.days import runs
from storage.days.earlier_runs import AskedRuns, load_earlier_runs, note_spared
from tests.storage.company import ANNA, BORIS, CRM, MONDAY, TEAM, TUESDAY, cutoff, deal, found, kept, readings, scored
from tests.storage.company import task as overdue

WEDNESDAY = TUESDAY + timedelta(days=1)


async def history(db, day=TUESDAY, kpis=tuple(CATALOGUE)) -> EarlierRuns:
    async with db.reading() as session:
        return (await load_earlier_runs(session, {TEAM: AskedRuns(day, cutoff(day), frozenset(kpis))}))[TEAM]


async def test_a_team_without_a_run_has_no_history(database):
    await found(database)
    assert await history(database) == EarlierRuns(closed={DealState.WON: {}, DealState.LOST: {}})


async def test_the_run_before_tells_who_was_read_and_what_was_counted(database):
    await found(database)
    calls = Value(2, (Evidence("call", "5", "Звонок", ""), Evidence("call", "6", "Звонок", "")))
    talked = Value(12, ids=frozenset({"5", "6"}))
    anna: dict[str, Reading] = {"calls_held": calls, "talk_minutes": talked}
    boris: dict[str, Reading] = {"calls_held": NotRead(Cause.INCOMPLETE), "talk_minutes": Value(0)}
    await scored(database, MONDAY, [kept(ANNA, anna), kept(BORIS, boris)])
    before = await history(database)
    assert before.read["calls_held"] == {ANNA.crm_user}
    assert before.read["talk_minutes"] == {ANNA.crm_user, BORIS.crm_user}
    assert before.counted["calls_held"] == before.counted["talk_minutes"] == {"5", "6"}
    at = cutoff(MONDAY) - timedelta(hours=1)
    assert before.is_late_arrival("calls_held", ANNA.crm_user, at)
    assert not before.is_late_arrival("calls_held", ANNA.crm_user, cutoff(MONDAY))
    assert not before.is_late_arrival("calls_held", BORIS.crm_user, at)


async def test_minutes_of_an_earlier_release_without_ids_count_as_not_read(database):
    await found(database)
    await scored(database, MONDAY, [kept(ANNA, {"talk_minutes": Value(12)}), kept(BORIS, {"talk_minutes": Value(0)})])
    assert (await history(database)).read["talk_minutes"] == {BORIS.crm_user}


async def test_what_counted_for_certain_in_a_doubtful_value_counts_in_no_second_window(database):
    await found(database)
    doubtful = NotRead(Cause.CHANGED, range=Range(Value(1, (Evidence("call", "5", "Звонок", ""),)), 2))
    await scored(database, MONDAY, [kept(ANNA, {"calls_held": doubtful})])
    before = await history(database)
    assert before.counted["calls_held"] == {"5"}
    assert "calls_held" not in before.read


async def test_the_instants_of_counted_wins_are_known_those_of_doubtful_days_too(database):
    await found(database)
    win = msgspec.structs.replace(deal(1, "100"), since=cutoff(MONDAY) - timedelta(hours=1))
    doubtful = NotRead(Cause.CHANGED, range=Range(Value(1, (msgspec.structs.replace(win, id="2"),)), 2))
    await scored(database, MONDAY, [kept(ANNA, {"deals_won": Value(1, (win,))}), kept(BORIS, {"deals_won": doubtful})])
    assert (await history(database)).closed[DealState.WON] == {"1": win.since, "2": win.since}
    assert (await history(database, MONDAY + timedelta(days=40))).closed[DealState.WON] == {}
    assert DealState.WON not in (await history(database, kpis=("calls_held",))).closed


async def test_after_a_day_without_data_a_record_is_inherited_from_the_last_day_that_was_read(database):
    await found(database)
    await scored(database, MONDAY, [kept(ANNA, readings()), kept(BORIS, readings(overdue=[overdue(1)]))])
    unread = readings() | {"overdue_tasks": NotRead(Cause.INCOMPLETE)}
    await scored(database, TUESDAY, [kept(ANNA, unread), kept(BORIS, unread)])
    before = await history(database, WEDNESDAY)
    assert before.is_inherited("overdue_tasks", ANNA.crm_user, "1", {})
    assert not before.read["calls_held"] - {ANNA.crm_user, BORIS.crm_user}


async def test_a_record_is_inherited_from_a_colleague_who_alone_was_not_read_the_day_before(database):
    await found(database)
    await scored(database, MONDAY, [kept(ANNA, readings()), kept(BORIS, readings(overdue=[overdue(1), overdue(2)]))])
    unread = readings() | {"overdue_tasks": NotRead(Cause.MALFORMED)}
    await scored(database, TUESDAY, [kept(ANNA, readings(overdue=[overdue(2)])), kept(BORIS, unread)])
    before = await history(database, WEDNESDAY)
    assert before.is_inherited("overdue_tasks", ANNA.crm_user, "1", {})
    assert before.holders["overdue_tasks"]["2"] == ANNA.crm_user, "the newest reading tells who holds a record"


async def test_a_record_broken_with_a_colleague_is_inherited_once_per_person(database):
    await found(database)
    boris = kept(BORIS, readings(overdue=[overdue(1)]))
    await scored(database, MONDAY, [kept(ANNA, readings()), boris])
    before = await history(database)
    assert before.is_inherited("overdue_tasks", ANNA.crm_user, "1", {})
    assert not before.is_inherited("overdue_tasks", BORIS.crm_user, "1", {})

    given = msgspec.structs.replace(overdue(1), spared=Spared.INHERITED)
    spared = Value(0, (given,))
    await scored(database, TUESDAY, [kept(ANNA, readings() | {"overdue_tasks": spared}), kept(BORIS, readings())])
    async with database.transaction() as session:
        run = await runs.find(session, TEAM, TUESDAY)
        for _ in range(2):  # a second attempt of the run notes the same
            await note_spared(session, run.id, CRM, [Snapshot(ANNA, {"overdue_tasks": spared})])
    again = await history(database, WEDNESDAY)
    assert again.spared == {("overdue_tasks", ANNA.crm_user, "1")}
    assert "1" not in again.holders["overdue_tasks"]
    assert (await history(database, TUESDAY)).spared == frozenset()  # a repeated attempt of that day spares it again
