"""Define the parts of a KPI: which records are counted, under which condition, as which number.

The KPIs stand in `scoring.kpis`, an object each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from scoring.records import Change, Comment, DealState, Record, RecordKind, Task
from scoring.workdays import Window, WorkCalendar, local_instant
from scoring.worktime import WorkTime

R = TypeVar("R", bound=Record)


class KpiKind(StrEnum):
    """Tell whether a KPI counts events of the window or states at the cutoff."""

    EVENT = "event"
    STATE = "state"


class Unit(StrEnum):
    """Name the unit of a KPI's value."""

    COUNT = "count"
    MINUTES = "minutes"
    MONEY = "money"


class Listed(Enum):
    """Tell which counted records stay as evidence."""

    ALL = "all"
    NAMED = "named"
    """Only where the tally sheet asks for evidence; else the number alone is enough."""
    NONE = "none"


class Subject(Enum):
    """Name the records that a KPI counts: record kind, state of a deal at the cutoff, event or state."""

    COMPANIES = (RecordKind.COMPANIES, None, KpiKind.EVENT)
    """Companies created in the window."""
    MEETINGS = (RecordKind.MEETINGS, None, KpiKind.EVENT)
    """Meetings that were held, in the window or before."""
    CALLS = (RecordKind.CALLS, None, KpiKind.EVENT)
    """Calls that ended in the window."""
    WON_DEALS = (RecordKind.DEALS, DealState.WON, KpiKind.EVENT)
    """Deals won in the window and still won at the cutoff."""
    LOST_DEALS = (RecordKind.DEALS, DealState.LOST, KpiKind.EVENT)
    """Deals lost in the window and still lost at the cutoff."""
    OPEN_DEALS = (RecordKind.DEALS, DealState.OPEN, KpiKind.STATE)
    """Deals open at the cutoff."""
    TASKS = (RecordKind.TASKS, None, KpiKind.STATE)
    """Tasks not done at the cutoff."""

    def __init__(self, record: RecordKind, state: DealState | None, kind: KpiKind) -> None:
        self.record = record
        self.state = state
        self.kind = kind


@dataclass(frozen=True, slots=True)
class KpiSettings:
    """Hold the settings that decide how the KPIs of a team are counted; part of the rulebook."""

    min_call_seconds: int = 30
    observe: tuple[str, ...] = (
        "companies_added",
        "meetings_held",
        "calls_held",
        "deals_won",
        "won_amount",
        "deals_lost",
        "deals_open",
        "overdue_tasks",
        "deals_without_task",
    )
    """KPIs that are shown also without a rule."""
    excluded_pipelines: frozenset[str] = frozenset()
    stale_days: int = 14
    """Working days."""
    comment_grace_hours: int = 24
    """Hours of working days."""
    grace_minutes: int = 60
    """Minutes of working time for which a new deal is shown without being counted."""
    work_hours: str = "09:00-18:00"
    """Hours of the team's working days in which missed calls count in rules; `"00:00-24:00"`: at any hour."""

    @property
    def work_start(self) -> time:
        """Return the time at which a working day begins."""
        return time.fromisoformat(self.work_hours.partition("-")[0].strip())

    @property
    def work_end(self) -> time:
        """Return the time at which a working day ends; midnight for 24:00."""
        return time.fromisoformat(self.work_hours.partition("-")[2].strip().replace("24:00", "00:00"))


@dataclass(frozen=True)
class Scope:
    """Hold all that decides, besides the record, whether a record counts."""

    window: Window
    zone: ZoneInfo
    settings: KpiSettings = field(default_factory=KpiSettings)
    calendar: WorkCalendar | None = None
    """Working days of the team; None: every day is a working day of 24 hours."""

    @cached_property
    def _work(self) -> WorkTime | None:
        if self.calendar is None:
            return None
        return WorkTime(self.calendar, self.settings.work_start, self.settings.work_end)

    @cached_property
    def stale_before(self) -> datetime:
        """Return the instant before which a deal must have entered the stage to be stale."""
        cutoff, days = self.window.cutoff, self.settings.stale_days
        return self._work.days_before(cutoff, days) if self._work else cutoff - timedelta(days=days)

    @property
    def stale_calendar_days(self) -> int:
        """Return how many calendar days back a change of stage matters to `stale_deals`, which counts working days."""
        return -((self.stale_before - self.window.cutoff) // timedelta(days=1))

    @cached_property
    def comment_before(self) -> datetime:
        """Return the instant before which a deal must have been created to need a comment."""
        cutoff, hours = self.window.cutoff, self.settings.comment_grace_hours
        return self._work.hours_before(cutoff, hours) if self._work else cutoff - timedelta(hours=hours)

    @cached_property
    def young_after(self) -> datetime:
        """Return the instant after which a deal must have been created to be young."""
        cutoff, minutes = self.window.cutoff, self.settings.grace_minutes
        return self._work.minutes_before(cutoff, minutes) if self._work else cutoff - timedelta(minutes=minutes)

    def is_working(self, instant: datetime) -> bool:
        """Tell whether an instant lies within working hours."""
        return self._work is None or instant in self._work

    @cached_property
    def cutoff_day(self) -> date:
        """Return the team's date at the cutoff."""
        return self.window.cutoff.astimezone(self.zone).date()

    def is_past(self, deadline: datetime | date | None) -> bool:
        """Tell whether a deadline lies strictly before the cutoff; a date without a time ends with the day."""
        if isinstance(deadline, datetime):
            return deadline < self.window.cutoff
        return deadline is not None and deadline < self.cutoff_day

    def instant(self, deadline: datetime | date | None) -> datetime | None:
        """Return a deadline as an instant; of a date without a time the beginning of the day in the team's zone."""
        if deadline is None or isinstance(deadline, datetime):
            return deadline
        return local_instant(deadline, time(0), self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Exemption(Generic[R]):
    """Describe the records that exempt a deal from a KPI of missing work, in any order of arrival."""

    by: type[Task] | type[Comment]
    needs: RecordKind
    deals: Callable[[R, Scope], Iterable[str]]
    """Give the ids of the deals that the record exempts."""
    doubted_by: frozenset[Change] = frozenset()
    """Changes of the record that make the value of the deals' managers uncertain."""


def _one(_record: Record) -> int:
    return 1


def _no_fields(_record: Record) -> tuple[str, ...]:
    return ()


def _no_reason(_record: Record) -> str | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Kpi(Generic[R]):
    """Describe a KPI: the only place that knows the meaning (docs/product.md §3).

    Raises TypeError if a part that decides the number is missing.
    """

    key: str
    """Name in settings, ledger and JSON."""
    counts: Subject
    is_counted: Callable[[R, Scope], bool | None]
    """Tell whether a record of the subject counts; None: the CRM does not say."""
    since: Callable[[R, Scope], datetime | None]
    """Give the instant at which the record happened, or since which the state holds."""
    doubted_by: frozenset[Change]
    """Changes of a record after the cutoff that make the value at the cutoff uncertain."""
    unit: Unit = Unit.COUNT
    listed: Listed = Listed.ALL
    measure: Callable[[R], int] = _one
    """Give the part of a counted record in a number without full evidence: 1, or seconds of talk."""
    missing_fields: Callable[[R], tuple[str, ...]] = _no_fields
    """Give the names of the fields to fill in, for the evidence."""
    loss_reason: Callable[[R], str | None] = _no_reason
    """Give the reason for which a deal was lost, for the evidence."""
    exempted_by: Exemption[Any] | None = None
    is_dated_by_state: bool = False
    """Whether the start of the state dates a record (a deadline, a stage entry), and not the creation."""
    has_deal_sum: bool = False
    """Whether the evidence shows the sum of the open deal that a task is bound to."""

    def __post_init__(self) -> None:
        """Refuse parts that contradict each other: with full evidence the number is that of the listed records."""
        if self.unit is Unit.MONEY and self.listed is not Listed.ALL:
            raise TypeError(f"{self.key}: a sum of money needs all deals as evidence")
        if (self.unit is Unit.MINUTES) != (self.measure is not _one):
            raise TypeError(f"{self.key}: minutes need the seconds of a record as measure, and no other unit does")
        if self.unit is Unit.MINUTES and self.listed is Listed.ALL:
            raise TypeError(f"{self.key}: minutes are added up: give listed=Listed.NONE")

    @property
    def kind(self) -> KpiKind:
        """Tell whether events or states are counted."""
        return self.counts.kind

    @property
    def spares_young(self) -> bool:
        """Tell whether an `at_most` rule leaves out a deal younger than `grace_minutes`."""
        return self.counts is Subject.OPEN_DEALS

    @property
    def needs(self) -> frozenset[RecordKind]:
        """Return the kinds of record that must be read."""
        kinds = {self.counts.record}
        return frozenset(kinds | {self.exempted_by.needs} if self.exempted_by else kinds)

    @property
    def locale_key(self) -> str:
        """Return the key of the title in the catalogue of names (`reports/locales`)."""
        return f"kpi-{self.key}"

    def is_doubted(self, change: Change, kind: RecordKind, state: DealState | None) -> bool:
        """Tell whether a change of such a record matters; None: the state of the deal is not known."""
        is_subject = self.counts.record is kind and (state in (None, self.counts.state) or change is Change.STAGE)
        return is_subject and change in self.doubted_by
