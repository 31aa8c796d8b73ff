"""Weeks, months and what they are compared with."""

from dataclasses import replace
from datetime import date

import pytest

from reports.summary.stretches import compare_months, compare_weeks, like_stretch, stretch, week_of
from scoring.entries import Month
from tests.reports.people import CALENDAR


@pytest.mark.parametrize(
    ("day", "monday", "sunday"),
    [
        (date(2026, 11, 19), date(2026, 11, 16), date(2026, 11, 22)),
        (date(2026, 11, 16), date(2026, 11, 16), date(2026, 11, 22)),
        (date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 22)),
        (date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),  # ISO week 53 of 2026
        (date(2024, 2, 29), date(2024, 2, 26), date(2024, 3, 3)),
    ],
)
def test_a_week_runs_from_monday_to_sunday_also_over_the_year_end(day: date, monday: date, sunday: date):
    assert week_of(day) == (monday, sunday)


def test_weeks_are_numbered_as_iso_does():
    assert compare_weeks(CALENDAR, date(2027, 1, 1), date(2027, 1, 1)).week == (2026, 53)
    assert compare_weeks(CALENDAR, date(2027, 1, 4), date(2027, 1, 4)).week == (2027, 1)


def test_a_stretch_ends_with_the_day_it_has_come_to():
    found = stretch(CALENDAR, date(2026, 11, 1), date(2026, 11, 30), date(2026, 11, 4))
    assert found.workdays == (date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4))
    assert (found.first, found.last) == (date(2026, 11, 1), date(2026, 11, 4))


def test_a_past_period_is_whole():
    assert len(stretch(CALENDAR, date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 4)).workdays) == 22


def test_a_period_that_has_not_begun_is_empty_and_holds_no_day():
    found = stretch(CALENDAR, date(2026, 11, 1), date(2026, 11, 30), date(2026, 10, 30))
    assert found.workdays == ()
    assert date(2026, 11, 1) not in found


def test_three_days_of_this_week_meet_the_first_three_of_the_last_two():
    found = compare_weeks(CALENDAR, date(2026, 11, 18), date(2026, 11, 18))
    assert [part.first for part in (found.now, found.before, found.earlier)] == [
        date(2026, 11, 16),
        date(2026, 11, 9),
        date(2026, 11, 2),
    ]
    assert [part.last for part in (found.before, found.earlier)] == [date(2026, 11, 11), date(2026, 11, 4)]
    assert found.span == (date(2026, 11, 2), date(2026, 11, 18))


def test_a_month_starting_at_a_weekend_is_compared_by_working_days_and_not_by_dates():
    found = compare_months(CALENDAR, Month(2026, 11), date(2026, 11, 3))  # 1 November 2026 is a Sunday
    assert len(found.now.workdays) == 2
    assert found.before.workdays == (date(2026, 10, 1), date(2026, 10, 2))
    assert found.earlier.workdays == (date(2026, 9, 1), date(2026, 9, 2))


def test_january_is_compared_with_the_december_and_november_before_it():
    found = compare_months(CALENDAR, Month(2027, 1), date(2027, 1, 8))
    assert (found.before.first, found.earlier.first) == (date(2026, 12, 1), date(2026, 11, 1))
    assert len(found.before.workdays) == len(found.now.workdays) == 6


def test_a_shorter_period_before_is_taken_whole():
    holidays = replace(CALENDAR, days_off=frozenset({date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 12)}))
    found = compare_weeks(holidays, date(2026, 11, 18), date(2026, 11, 20))
    assert len(found.now.workdays) == 5
    assert found.before.workdays == (date(2026, 11, 9), date(2026, 11, 13))
    assert found.before.last == date(2026, 11, 15)


def test_nothing_so_far_is_like_nothing_before():
    assert like_stretch(CALENDAR, date(2026, 10, 1), date(2026, 10, 31), 0).workdays == ()
    assert date(2026, 10, 1) not in like_stretch(CALENDAR, date(2026, 10, 1), date(2026, 10, 31), 0)


def test_a_working_saturday_counts():
    moved = replace(CALENDAR, extra_workdays=frozenset({date(2026, 11, 21)}))
    assert len(compare_weeks(moved, date(2026, 11, 18), date(2026, 11, 22)).now.workdays) == 6
