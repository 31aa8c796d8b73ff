"""Compute the working days of one person: those of team and schedule, without absences (docs/product.md §19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from scoring.rules import Rulebook
from scoring.terms.circumstances import Half
from scoring.terms.employment import Employment
from scoring.workdays import WorkCalendar

DaysAway = Mapping[date, Half | None]
"""Days of absence, each with the half of a half day; None: the whole day."""


@dataclass(frozen=True, slots=True)
class PersonalCalendar(WorkCalendar):
    """Answer for one person: working time runs only on days, and in halves of days, on which the person works."""

    team: WorkCalendar = field(kw_only=True)
    employment: Employment = field(kw_only=True)
    away: DaysAway = field(kw_only=True, default_factory=dict)

    def is_workday(self, day: date) -> bool:
        """Tell whether the person works on a day, if only for half of the day."""
        is_away = day in self.away and self.away[day] is None
        return not is_away and self.employment.is_at_work(day) and self.team.is_workday(day)

    def cutoff_of(self, day: date) -> datetime:
        """Return the UTC instant of the team's cutoff."""
        return self.team.cutoff_of(day)

    def absent_half(self, day: date) -> Half | None:
        """Return the half of a day in which the person is absent."""
        return self.away.get(day)


def personal_calendars(
    calendar: WorkCalendar, rulebook: Rulebook, away: Mapping[str, DaysAway]
) -> dict[str, PersonalCalendar]:
    """Build the calendars of the people who work otherwise than the team; `away` is by CRM user."""
    return {
        user: PersonalCalendar(
            zone=calendar.zone,
            cutoff=calendar.cutoff,
            weekdays=calendar.weekdays,
            short_days=calendar.short_days,
            team=calendar,
            employment=rulebook.employment(user),
            away=away.get(user, {}),
        )
        for user in {*away, *(user for user, terms in rulebook.people.items() if terms.has_own_days)}
    }


def days_away(
    absences: Iterable[tuple[str, date, date, Half | None]], first: date
) -> dict[str, dict[date, Half | None]]:
    """Sort absences (CRM user, first and last day, half) into days from `first` on; two halves are a day."""
    found: dict[str, dict[date, Half | None]] = defaultdict(dict)
    for user, begin, end, half in absences:
        day = max(begin, first)
        while day <= end:
            other = found[user].get(day, half)
            found[user][day] = half if other == half else None
            day += timedelta(days=1)
    return dict(found)
