"""Say of each item of evidence what to mend: the empty fields, the days in the stage, how long a task is overdue."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from bot.context import TeamContext
from bot.texts import Texts, safe, shortened
from scoring.kpis import CATALOGUE, MISSED_CALLS, OVERDUE_TASKS, STALE_DEALS, KpiKind
from scoring.phone_numbers import KEPT_DIGITS, hide_numbers, last_digits
from scoring.snapshot import Evidence

FIELDS = 6
"""Names of empty fields in a line; the line counts the rest."""
FIELD = 40
"""Longest name of a field, in characters."""


class Mending:
    """Write what to mend in items of a team's day, as at the cutoff `at`."""

    def __init__(self, t: Texts, team: TeamContext, at: datetime) -> None:
        self._t, self._team, self._at = t, team, at
        self._on_stage: dict[date, int] = {}
        """Working days since a date, counted once."""

    def note(self, kpi: str, item: Evidence) -> str:
        """Write what follows title and link: what to mend, or when the event was; empty without either."""
        if item.missing_fields:
            return self._t("mark-fields", names=self._fields(item))
        if item.since is None:
            return ""
        moment = self._t.moment(item.since, self._team.calendar.zone)
        if kpi == OVERDUE_TASKS:
            return self._t("mark-overdue", length=self._overdue(item.since), moment=moment)
        if kpi == STALE_DEALS:
            return self._t("mark-stage", days=self._t("workdays", n=self._days_since(item.since)))
        return moment if CATALOGUE[kpi].kind is KpiKind.EVENT else ""

    def _fields(self, item: Evidence) -> str:
        return self._t.first_of([safe(shortened(self._field(name), FIELD)) for name in item.missing_fields], FIELDS)

    def _field(self, name: str) -> str:
        """Name a field in the reader's language if the CRM has no title for the field, as amoCRM for the sum."""
        return self._t(f"field-{name}") if self._t.has(f"field-{name}") else name

    def _overdue(self, deadline: datetime) -> str:
        """Write the time since a deadline: days, else hours, else minutes. A date without a time ends with its day."""
        passed = self._at - deadline
        local = deadline.astimezone(self._team.calendar.zone)
        if local.time() == time(0) and passed >= timedelta(days=1):
            return self._t("days", n=(self._team.calendar.local_date(self._at) - local.date()).days)
        if passed >= timedelta(days=1):
            return self._t("days", n=passed // timedelta(days=1))
        if passed >= timedelta(hours=1):
            return self._t("hours", n=passed // timedelta(hours=1))
        return self._t("minutes", n=max(1, passed // timedelta(minutes=1)))

    def _days_since(self, since: datetime) -> int:
        """Count the working days after the day on which a deal entered the stage, up to the day of the cutoff."""
        calendar = self._team.calendar
        entered = calendar.local_date(since)
        if entered not in self._on_stage:
            days = calendar.workdays(entered + timedelta(days=1), calendar.local_date(self._at))
            self._on_stage[entered] = sum(1 for _ in days)
        return self._on_stage[entered]


def title_of(t: Texts, kpi: str, item: Evidence) -> str:
    """Write the title of an item; of a missed call whom the call came from, by the last four digits."""
    title = hide_numbers(item.title)
    if item.kind == "call" and sum(map(str.isdecimal, title)) > KEPT_DIGITS and not any(map(str.isalpha, title)):
        title = title if title.startswith("#") else last_digits(title)  # a number as earlier releases kept it
    if kpi == MISSED_CALLS and title.startswith("…"):
        return t("call-from", digits=safe(title))
    if kpi == MISSED_CALLS and title.startswith("#"):
        return t("call-hidden")
    return safe(shortened(title)) or item.key
