"""A changed cutoff, zone or weekday holds from the next window."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reglament.config.changing_calendar import schedule_of, with_earlier
from scoring.workdays import WindowKind, WorkCalendar

MOSCOW, VLADIVOSTOK = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Vladivostok")
THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
SATURDAY, MONDAY = date(2026, 11, 21), date(2026, 11, 23)
SIX = WorkCalendar(MOSCOW)
"""Cutoff at 18:00 from Monday to Friday."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), MOSCOW).astimezone(UTC)


def changed(new: WorkCalendar, *loaded: tuple[datetime, WorkCalendar]) -> WorkCalendar:
    """The calendar of a team that began with 18:00 from Monday to Friday, and loaded others since."""
    return with_earlier(new, [(LONG_AGO, schedule_of(SIX)), *((when, schedule_of(each)) for when, each in loaded)])


def test_an_earlier_cutoff_leaves_the_running_window_its_own():
    noon = WorkCalendar(MOSCOW, time(12))
    calendar = changed(noon, (at(THURSDAY, 14), noon))
    assert calendar.cutoff_of(THURSDAY) == at(THURSDAY, 18)
    assert calendar.business_day(at(THURSDAY, 15)) == THURSDAY
    assert calendar.business_day(at(THURSDAY, 18)) == FRIDAY
    assert calendar.cutoff_of(FRIDAY) == at(FRIDAY, 12)
    window = calendar.window(FRIDAY, WindowKind.CUTOFF_TO_CUTOFF)
    assert (window.start, window.cutoff) == (at(THURSDAY, 18), at(FRIDAY, 12))


def test_a_later_cutoff_gives_a_finished_day_no_second_one():
    eight = WorkCalendar(MOSCOW, time(20))
    calendar = changed(eight, (at(THURSDAY, 19), eight))
    assert calendar.business_day(at(THURSDAY, 19, 30)) == FRIDAY
    assert (calendar.cutoff_of(THURSDAY), calendar.cutoff_of(FRIDAY)) == (at(THURSDAY, 18), at(FRIDAY, 18))
    assert calendar.cutoff_of(MONDAY) == at(MONDAY, 20)


def test_a_new_working_day_within_a_window_is_none_yet():
    six_days = WorkCalendar(MOSCOW, weekdays=frozenset(range(6)))
    calendar = changed(six_days, (at(FRIDAY, 19), six_days))
    assert not calendar.is_workday(SATURDAY)
    assert calendar.business_day(at(FRIDAY, 20)) == MONDAY
    assert calendar.is_workday(SATURDAY + timedelta(days=7))


def test_a_new_zone_leaves_the_running_window_its_own():
    far = WorkCalendar(VLADIVOSTOK)
    calendar = changed(far, (at(THURSDAY, 15), far))
    assert calendar.business_day(at(THURSDAY, 17, 30)) == THURSDAY  # past midnight in Vladivostok
    assert calendar.cutoff_of(THURSDAY) == at(THURSDAY, 18)
    assert calendar.cutoff_of(FRIDAY) == at(FRIDAY, 11)


def test_of_two_changes_in_one_window_the_last_holds():
    noon, three = WorkCalendar(MOSCOW, time(12)), WorkCalendar(MOSCOW, time(15))
    calendar = changed(three, (at(THURSDAY, 14), noon), (at(THURSDAY, 16), three))
    assert (calendar.cutoff_of(THURSDAY), calendar.cutoff_of(FRIDAY)) == (at(THURSDAY, 18), at(FRIDAY, 15))


def test_a_change_taken_back_within_the_window_was_none():
    calendar = changed(SIX, (at(THURSDAY, 14), WorkCalendar(MOSCOW, time(12))), (at(THURSDAY, 16), SIX))
    assert [calendar.cutoff_of(day) for day in (THURSDAY, FRIDAY)] == [at(THURSDAY, 18), at(FRIDAY, 18)]


def test_days_off_hold_at_once():
    off = WorkCalendar(MOSCOW, time(12), days_off=frozenset({THURSDAY}))
    calendar = changed(off, (at(THURSDAY, 14), off))
    assert not calendar.is_workday(THURSDAY)
