"""Describe a team's period for HR: the input, and the sums behind all sheets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from scoring.entries import Entry, EntryKind, Month
from scoring.kpis import CATALOGUE, KpiKind
from scoring.names import alphabetical, told_apart
from scoring.payout import MoneyTerms, Payout, payout
from scoring.rules import Rulebook
from scoring.snapshot import Cause, Number, Snapshot, Value
from scoring.standings import MarkedDays, Totals, marked_days, totals


class ReportState(StrEnum):
    """List the states of a period."""

    OPEN = "open"
    APPROVED = "approved"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class UnscoredDay:
    """Hold a working day without a score, and the cause."""

    day: date
    cause: Cause | None = None
    """None: no run took place."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UsedRulebook:
    """Hold a rulebook that judged days of the period."""

    rulebook: Rulebook
    first: date
    """First day of the period judged by this rulebook; `last` is the last."""
    last: date


@dataclass(frozen=True, slots=True)
class Dispute:
    """Hold an appeal without an answer."""

    crm_user: str
    name: str
    day: date
    rule: str
    reason: str = ""
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KpiTotal:
    """Hold a manager's KPI over a period: events added up, states as of the last reading."""

    crm_user: str
    kpi: str
    number: Number
    days: int
    """Days on which the KPI was read."""


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """Hold all input of an export. The same report gives the same bytes."""

    company: str
    team: str
    """Key of the team."""
    title: str
    period: Month
    state: ReportState
    zone: ZoneInfo
    entries: tuple[Entry, ...]
    """Entries booked in the period, in the order of the ledger."""
    members: tuple[tuple[str, str], ...]
    """CRM users and names of the team; managers who left are added from their entries."""
    workdays: tuple[date, ...]
    """Working days of the month so far."""
    unscored: tuple[UnscoredDay, ...]
    rulebooks: tuple[UsedRulebook, ...]
    money: MoneyTerms | None
    digest: str
    exported_at: datetime
    exported_by: str
    manual_instants: tuple[date, ...] = ()
    kpis: tuple[KpiTotal, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    approved_by: str = ""
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ManagerTotals:
    """Hold one manager's line of the sheet Totals."""

    crm_user: str
    name: str
    scored: int = 0
    excused: int = 0
    unscored: int = 0
    kept: int = 0
    broken: int = 0
    plus: int = 0
    minus: int = 0
    corrections: int = 0
    """Points of reversals, corrections and adjustments, contained in plus and minus."""
    disputes: int = 0
    payout: Payout | None = None

    @property
    def workdays(self) -> int:
        """Count working days in the team."""
        return self.scored + self.excused + self.unscored


def manager_totals(report: PeriodReport) -> tuple[ManagerTotals, ...]:
    """Sum up each member and each manager with entries, sorted by name."""
    sums, marked = totals(report.entries), marked_days(report.entries)
    names = told_apart({user: row.name for user, row in sums.items()} | dict(report.members))
    missing = _missing_days(report)
    corrections: dict[str, int] = defaultdict(int)
    for entry in report.entries:
        corrections[entry.crm_user] += entry.points if entry.kind is not EntryKind.SCORE else 0
    rows = []
    for user, name in sorted(names.items(), key=lambda item: (alphabetical(item[1]), item[0])):
        own, days = sums.get(user, Totals(user, name)), marked.get(user, MarkedDays())
        rows.append(
            ManagerTotals(
                user,
                name,
                scored=_within(report.period, days.scored),
                excused=_within(report.period, days.excused),
                unscored=_within(report.period, days.unscored | missing.get(user, frozenset())),
                kept=own.kept,
                broken=own.broken,
                plus=own.plus,
                minus=own.minus,
                corrections=corrections[user],
                disputes=sum(dispute.crm_user == user for dispute in report.disputes),
                payout=payout(report.money, own.plus, own.minus) if report.money else None,
            )
        )
    return tuple(rows)


def _within(period: Month, days: Iterable[date]) -> int:
    """Drop days of earlier months, which reach this period through corrections."""
    return sum(Month.of(day) == period for day in days)


def _missing_days(report: PeriodReport) -> dict[str, frozenset[date]]:
    """Find by manager the working days in the team without an entry.

    A manager with entries from the team's first day on was there before; a member is there to the end.
    """
    own: dict[str, set[date]] = defaultdict(set)
    for entry in report.entries:
        if entry.outcome is not None and Month.of(entry.day) == report.period:
            own[entry.crm_user].add(entry.day)
    seen = set[date]().union(*own.values())
    empty = [day for day in report.workdays if day not in seen]
    members = {user for user, _ in report.members}
    if not seen:
        return {user: frozenset(empty) for user in members}
    return {
        user: frozenset(
            day for day in empty if (day > min(days) or min(days) == min(seen)) and (day < max(days) or user in members)
        )
        for user, days in own.items()
    }


class DayMark(StrEnum):
    """List the marks of days without points."""

    EXCUSED = "excused"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class DayMatrix:
    """Hold points by manager and day; `earlier` holds corrections of previous months."""

    days: tuple[date, ...]
    cells: Mapping[tuple[str, date], int | DayMark]
    earlier: Mapping[str, int] = field(default_factory=dict)


def day_matrix(report: PeriodReport) -> DayMatrix:
    """Compute net points of each manager's day, or a mark for a day without a rule kept or broken."""
    points: dict[tuple[str, date], int] = defaultdict(int)
    earlier: dict[str, int] = defaultdict(int)
    for entry in report.entries:
        if Month.of(entry.day) == report.period:
            points[entry.crm_user, entry.day] += entry.points
        else:
            earlier[entry.crm_user] += entry.points
    cells: dict[tuple[str, date], int | DayMark] = dict(points)
    for user, row in marked_days(report.entries).items():
        for marked, mark in ((row.excused, DayMark.EXCUSED), (row.unscored, DayMark.UNSCORED)):
            cells.update({(user, day): mark for day in marked if points.get((user, day)) == 0})
    days = sorted({day for _, day in points} | set(report.workdays))
    return DayMatrix(tuple(days), cells, dict(earlier))


def kpi_totals(days: Iterable[tuple[date, Snapshot]]) -> tuple[KpiTotal, ...]:
    """Fold the period's snapshots in the order of days, without storing a snapshot."""
    result: dict[tuple[str, str], KpiTotal] = {}
    for _, snapshot in days:
        user = snapshot.manager.crm_user
        for key, reading in snapshot.readings.items():
            if isinstance(reading, Value):
                before = result.get((user, key))
                number = reading.number
                if before is not None and CATALOGUE[key].kind is KpiKind.EVENT:
                    number = _added(before.number, number)
                result[user, key] = KpiTotal(user, key, number, 1 + (before.days if before else 0))
    return tuple(result[key] for key in sorted(result))


def _added(first: Number, second: Number) -> Number:
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for number in (first, second):
        if not isinstance(number, int):
            for currency, amount in number.items():
                sums[currency] += amount
    return dict(sorted(sums.items()))
