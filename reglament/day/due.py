"""Compute due work: cutoffs, missed cutoffs, reminders (pure; docs/product.md §5, §11).

Every answer is computed from the settings and the stored runs, so that a missed cutoff is caught up and a changed
setting needs no stored job.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scoring.workdays import WorkCalendar

SLACK = timedelta(minutes=5)
"""Lateness from which a reminder is no longer sent."""


@dataclass(frozen=True, slots=True)
class TeamClock:
    """Hold the settings of a team that decide when a cutoff or a reminder is due."""

    key: str
    connection: str
    calendar: WorkCalendar
    scored_from: date
    """Day on which the team was first loaded; no earlier day is scored."""
    reminder_minutes: int = 30


@dataclass(frozen=True, slots=True)
class DueCutoff:
    """Name the teams of a connection with the same cutoff, served by a single read."""

    connection: str
    day: date
    cutoff: datetime
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DueReminder:
    """Name a team with a due reminder before the cutoff."""

    team: str
    day: date
    cutoff: datetime


def missed(team: TeamClock, finished: frozenset[date], now: datetime, catch_up_days: int) -> list[date]:
    """List the working days with a passed cutoff and without a finished run, oldest first.

    Today's passed cutoff always counts; before today at most `catch_up_days` working days, back to `scored_from`.
    """
    calendar = team.calendar
    today = calendar.local_date(now)
    passed = [day for day in _latest_workdays(calendar, today, catch_up_days + 1) if calendar.cutoff_of(day) <= now]
    earlier = [day for day in passed if day != today][:catch_up_days]
    days = sorted({*earlier, *(day for day in passed if day == today)})
    return [day for day in days if day >= team.scored_from and day not in finished]


def awaited_since(teams: Iterable[TeamClock], now: datetime, catch_up_days: int) -> date | None:
    """Return the oldest day that any team may have missed; None if no cutoff that counts has passed."""
    return min((day for team in teams for day in missed(team, frozenset(), now, catch_up_days)[:1]), default=None)


def _latest_workdays(calendar: WorkCalendar, today: date, count: int) -> list[date]:
    """List the last `count` working days up to today, newest first."""
    days = [today] if calendar.is_workday(today) else []
    day = today
    while len(days) < count:
        try:
            day = calendar.previous_workday(day)
        except ValueError:
            break
        days.append(day)
    return days


def due_cutoffs(
    teams: Iterable[TeamClock],
    finished: Mapping[str, frozenset[date]],
    waiting: Mapping[str, datetime],
    now: datetime,
    catch_up_days: int,
) -> list[DueCutoff]:
    """List the cutoffs to run now, oldest first. A team's next day waits for the day before.

    `waiting` holds by team the retry time of a postponed run, before which the team is left alone.
    """
    groups: dict[tuple[datetime, str, date], list[str]] = {}
    for team in teams:
        days = missed(team, finished.get(team.key, frozenset()), now, catch_up_days)
        if days and waiting.get(team.key, now) <= now:
            groups.setdefault((team.calendar.cutoff_of(days[0]), team.connection, days[0]), []).append(team.key)
    return [
        DueCutoff(connection, day, cutoff, tuple(sorted(keys)))
        for (cutoff, connection, day), keys in sorted(groups.items())
    ]


def due_reminders(teams: Iterable[TeamClock], now: datetime) -> list[DueReminder]:
    """List the reminders between the reminder time and the cutoff of a team."""
    due = []
    for team in teams:
        day = team.calendar.local_date(now)
        if not team.reminder_minutes or day < team.scored_from or not team.calendar.is_workday(day):
            continue
        cutoff = team.calendar.cutoff_of(day)
        at = cutoff - timedelta(minutes=team.reminder_minutes)
        if at <= now < min(at + SLACK, cutoff):
            due.append(DueReminder(team.key, day, cutoff))
    return due


def next_cutoff(team: TeamClock, now: datetime) -> datetime:
    """Return the first cutoff after `now`."""
    return team.calendar.cutoff_of(team.calendar.business_day(now))


def next_wake(teams: Iterable[TeamClock], now: datetime) -> datetime | None:
    """Return the next instant of a cutoff or a reminder; None without teams."""
    instants = []
    for team in teams:
        cutoff = next_cutoff(team, now)
        instants.append(cutoff)
        if team.reminder_minutes:
            reminder = cutoff - timedelta(minutes=team.reminder_minutes)
            if reminder > now:
                instants.append(reminder)
    return min(instants, default=None)
