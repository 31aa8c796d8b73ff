"""How far back a length of working time reaches: docs/product.md §19, Grace."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from scoring.workdays import WorkCalendar
from scoring.worktime import WorkTime

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
WEEK = WorkTime(WorkCalendar(MOSCOW))
"""Monday to Friday, 9:00 to 18:00."""
NEVER = WorkTime(WorkCalendar(MOSCOW, weekdays=frozenset()))


def at(day: int, hour: int, minute: int = 0, zone: ZoneInfo = MOSCOW) -> datetime:
    """An instant of November 2026; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("instant", "working"),
    [
        (at(23, 8, 59), False),
        (at(23, 9), True),
        (at(23, 17, 59), True),
        (at(23, 18), False),
        (at(22, 12), False),
    ],
)
def test_working_time_is_within_the_hours_of_a_working_day(instant: datetime, working: bool) -> None:
    assert (instant in WEEK) is working


@pytest.mark.parametrize(
    ("instant", "found"),
    [
        (at(23, 18), at(23, 17)),
        (at(23, 20), at(23, 17)),
        (at(23, 9, 30), at(20, 17, 30)),
        (at(22, 12), at(20, 17)),
        (at(23, 8), at(20, 17)),
    ],
)
def test_an_hour_of_working_time_reaches_over_evenings_and_days_off(instant: datetime, found: datetime) -> None:
    assert WEEK.minutes_before(instant, 60) == found


def test_working_time_of_a_short_day_ends_at_its_cutoff() -> None:
    short = WorkTime(WorkCalendar(MOSCOW, short_days={date(2026, 11, 23): time(16)}))
    assert short.minutes_before(at(23, 16), 60) == at(23, 15)
    assert short.minutes_before(at(23, 18), 60) == at(23, 15)
    assert at(23, 16) not in short


def test_hours_may_end_at_midnight() -> None:
    whole = WorkTime(WorkCalendar(MOSCOW), time(0), time(0))
    assert at(23, 23, 59) in whole
    assert whole.minutes_before(at(23, 18), 60) == at(23, 17)


def test_working_days_keep_the_time_of_day_also_where_the_clock_is_changed() -> None:
    days = WorkTime(WorkCalendar(BERLIN))
    monday = datetime(2026, 10, 26, 18, tzinfo=BERLIN)  # summer time ended on the 25th
    assert days.days_before(monday, 1) == datetime(2026, 10, 23, 18, tzinfo=BERLIN)
    assert days.hours_before(monday, 24) == datetime(2026, 10, 23, 18, tzinfo=BERLIN)


def test_a_calendar_without_working_days_reaches_ten_years_back() -> None:
    assert NEVER.minutes_before(at(23, 18), 60).year == NEVER.days_before(at(23, 18), 1).year == 2016
