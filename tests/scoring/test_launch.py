"""The backlog of a launch, and the working time of one person: docs/product.md §12, §19."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from scoring.kpis import DEALS_WITHOUT_TASK, OVERDUE_TASKS, STALE_DEALS
from scoring.rules import Rulebook
from scoring.snapshot import Spared, Value
from scoring.terms.backlog import Backlog
from scoring.terms.circumstances import Half
from scoring.terms.employment import Employment
from scoring.terms.personal_calendar import PersonalCalendar, days_away, personal_calendars
from scoring.workdays import WorkCalendar
from scoring.worktime import WorkTime
from tests.scoring.builders import CUTOFF, DAY, MOSCOW, deal, task, value

CALENDAR = WorkCalendar(MOSCOW)
LAUNCHED = CUTOFF - timedelta(days=3)
ALL = dict.fromkeys((OVERDUE_TASKS, DEALS_WITHOUT_TASK, STALE_DEALS), frozenset({"7"}))
"""Nobody was read since the launch."""


def counted(kpi: str, *facts: Any, **more: Any) -> Value:
    found = value(kpi, *facts, calendar=CALENDAR, **more)
    assert isinstance(found, Value)
    return found


def ids(value: Value) -> list[str]:
    return [item.id for item in value.items if item.spared == Spared.IGNORED]


def test_what_was_overdue_before_the_launch_is_shown_without_being_counted() -> None:
    old, young = task("1", deadline=LAUNCHED - timedelta(hours=1)), task("2", deadline=LAUNCHED)
    found = counted(OVERDUE_TASKS, old, young, backlog=Backlog(LAUNCHED, unread=ALL))
    assert (found.number, ids(found), len(found.items)) == (1, ["1"], 2)


def test_deals_are_dated_by_creation_and_stale_deals_by_the_entry_into_the_stage() -> None:
    made, entered = LAUNCHED - timedelta(days=40), LAUNCHED + timedelta(hours=1)
    backlog = Backlog(LAUNCHED, unread=ALL)
    assert ids(counted(DEALS_WITHOUT_TASK, deal(created_at=made, stage_since=entered), backlog=backlog)) == ["1"]
    later = Backlog(CUTOFF - timedelta(days=60), unread=ALL)
    stuck = deal(created_at=CUTOFF - timedelta(days=90), stage_since=CUTOFF - timedelta(days=50))
    assert ids(counted(STALE_DEALS, stuck, backlog=later)) == []
    assert ids(counted(STALE_DEALS, stuck, backlog=backlog)) == ["1"]


def test_after_the_first_reading_only_what_was_ignored_before_is_ignored_with_whomever() -> None:
    known, other = task("1", deadline=LAUNCHED - timedelta(days=9)), task("2", deadline=LAUNCHED - timedelta(days=9))
    backlog = Backlog(LAUNCHED, ignored={OVERDUE_TASKS: frozenset({"1"})})
    found = counted(OVERDUE_TASKS, known, other, backlog=backlog)
    assert (found.number, ids(found)) == (1, ["1"])


# Working time of one person

FULL_TIME = Employment()


def of_person(employment: Employment = FULL_TIME, **away: Half | None) -> PersonalCalendar:
    days = {date.fromisoformat(day.replace("_", "-")[1:]): half for day, half in away.items()}
    [found] = personal_calendars(CALENDAR, Rulebook((), people={"7": employment}), {"7": days}).values()
    return found


def test_a_deal_grows_stale_only_on_days_on_which_its_manager_works() -> None:
    """14 working days of the team; of the manager, who was away for two weeks, four."""
    stuck = deal(created_at=CUTOFF - timedelta(days=40), stage_since=CUTOFF - timedelta(days=20, hours=1))
    assert counted(STALE_DEALS, stuck).number == 1
    away = days_away([("7", DAY - timedelta(days=15), DAY - timedelta(days=2), None)], DAY - timedelta(days=400))
    calendars = personal_calendars(CALENDAR, Rulebook(()), away)
    assert counted(STALE_DEALS, stuck, calendars=calendars).number == 0


def test_working_time_does_not_run_in_an_absent_half_nor_on_a_day_off_by_schedule() -> None:
    monday = datetime.combine(date(2025, 11, 17), time(18), MOSCOW)
    half = WorkTime(of_person(_2025_11_17=Half.PM))
    assert half.minutes_before(monday, 60) == monday.replace(hour=12, minute=30)
    assert monday.replace(hour=15) not in half
    off = WorkTime(of_person(Employment(weekdays=(4,)), _2025_01_01=None))
    assert off.minutes_before(monday, 60) == datetime.combine(date(2025, 11, 14), time(17), MOSCOW)


def test_two_halves_are_a_day() -> None:
    spans = [("7", DAY, DAY, Half.AM), ("7", DAY, DAY, Half.PM), ("12", DAY, DAY, Half.PM)]
    assert days_away(spans, DAY) == {"7": {DAY: None}, "12": {DAY: Half.PM}}
