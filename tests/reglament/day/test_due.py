"""What falls due when: cutoffs, missed days, reminders."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from reglament.day.due import (
    DueCutoff,
    DueReminder,
    TeamClock,
    due_cutoffs,
    due_reminders,
    missed,
    next_cutoff,
    next_wake,
)
from scoring.workdays import WorkCalendar

MOSCOW = ZoneInfo("Europe/Moscow")
SALES = TeamClock("sales", "main", WorkCalendar(MOSCOW), scored_from=date(2026, 11, 2))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A Moscow instant of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=MOSCOW).astimezone(UTC)


def done(*days: int) -> dict[str, frozenset[date]]:
    return {"sales": frozenset(date(2026, 11, day) for day in days)}


def test_nothing_is_due_a_second_before_the_cutoff_and_the_day_is_due_on_the_second():
    known = done(16, 17, 18)
    before = at(19, 18) - timedelta(seconds=1)
    assert due_cutoffs([SALES], known, {}, before, 3) == []
    assert due_cutoffs([SALES], known, {}, at(19, 18), 3) == [
        DueCutoff("main", date(2026, 11, 19), at(19, 18), ("sales",))
    ]


def test_missed_days_come_oldest_first_and_one_at_a_time():
    [due] = due_cutoffs([SALES], done(16, 18), {}, at(19, 19), 3)
    assert due.day == date(2026, 11, 17)
    [due] = due_cutoffs([SALES], done(16, 17, 18), {}, at(19, 19), 3)
    assert due.day == date(2026, 11, 19)


@pytest.mark.parametrize(("limit", "days"), [(0, [19]), (1, [18, 19]), (3, [16, 17, 18, 19])])
def test_at_most_so_many_earlier_working_days_are_caught_up(limit, days):
    assert missed(SALES, frozenset(), at(19, 19), limit) == [date(2026, 11, day) for day in days]


def test_before_todays_cutoff_only_earlier_days_are_missed():
    assert missed(SALES, done(17)["sales"], at(19, 9), 2) == [date(2026, 11, 18)]


def test_nothing_before_the_first_day_is_caught_up():
    young = TeamClock("sales", "main", WorkCalendar(MOSCOW), scored_from=date(2026, 11, 18))
    assert missed(young, frozenset(), at(19, 19), 10) == [date(2026, 11, 18), date(2026, 11, 19)]


def test_a_weekend_is_never_due():
    assert missed(SALES, done(20)["sales"], at(22, 20), 1) == []
    assert missed(SALES, frozenset(), at(22, 20), 1) == [date(2026, 11, 20)]


def test_a_postponed_run_is_left_alone_until_its_time_and_later_days_wait_for_it():
    waiting = {"sales": at(19, 19)}
    assert due_cutoffs([SALES], done(18), waiting, at(19, 18, 59), 1) == []
    assert len(due_cutoffs([SALES], done(18), waiting, at(19, 19), 1)) == 1


def test_teams_of_one_connection_with_one_cutoff_are_due_together():
    second = TeamClock("service", "main", WorkCalendar(MOSCOW), SALES.scored_from)
    early = TeamClock("early", "main", WorkCalendar(MOSCOW, cutoff=time(17)), SALES.scored_from)
    other = TeamClock("other", "second", WorkCalendar(MOSCOW), SALES.scored_from)
    dues = due_cutoffs([SALES, second, early, other], {}, {}, at(19, 18), 0)
    assert [(due.connection, due.teams) for due in dues] == [
        ("main", ("early",)),
        ("main", ("sales", "service")),
        ("second", ("other",)),
    ]


def test_a_reminder_is_due_for_five_minutes_half_an_hour_before_the_cutoff():
    due = [DueReminder("sales", date(2026, 11, 19), at(19, 18))]
    assert due_reminders([SALES], at(19, 17, 29)) == []
    assert due_reminders([SALES], at(19, 17, 30)) == due
    assert due_reminders([SALES], at(19, 17, 34)) == due
    assert due_reminders([SALES], at(19, 17, 35)) == []
    assert due_reminders([SALES], at(22, 17, 30)) == []


def test_a_short_day_reminds_and_cuts_off_earlier():
    calendar = WorkCalendar(MOSCOW, short_days={date(2026, 11, 19): time(16)})
    team = TeamClock("sales", "main", calendar, SALES.scored_from)
    assert next_cutoff(team, at(19, 10)) == at(19, 16)
    assert due_reminders([team], at(19, 15, 30)) == [DueReminder("sales", date(2026, 11, 19), at(19, 16))]


def test_the_service_wakes_for_the_next_reminder_or_cutoff():
    assert next_wake([SALES], at(19, 10)) == at(19, 17, 30)
    assert next_wake([SALES], at(19, 17, 45)) == at(19, 18)
    assert next_wake([SALES], at(20, 19)) == at(23, 17, 30)
    assert next_wake([], at(19, 10)) is None
