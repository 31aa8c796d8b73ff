"""The same people and days in every test of the reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from reports.summary.stretches import Comparison
from reports.summary.summary import PeriodTotals
from reports.workbook.period import PeriodReport, ReportState, UsedRulebook
from scoring.entries import Entry, EntryKind, Month, Side
from scoring.kpis import KpiSettings
from scoring.payout import MoneyTerms
from scoring.rules import Bound, Rule, Rulebook
from scoring.scorecard import Outcome
from scoring.workdays import WorkCalendar
from tests.scoring.sums import rule_totals, team_totals

MOSCOW = ZoneInfo("Europe/Moscow")
ANNA, BORIS = ("7", "Анна Образцова"), ("12", "Борис Примеров")
NOVEMBER = Month(2026, 11)
RULES = (
    Rule("companies_added", "companies_added", Bound.AT_LEAST, Decimal(1)),
    Rule("calls_held", "calls_held", Bound.AT_LEAST, Decimal(10)),
    Rule("overdue_tasks", "overdue_tasks", Bound.AT_MOST, Decimal(0)),
    Rule("deals_without_task", "deals_without_task", Bound.AT_MOST, Decimal(1), per_deals=50),
)
RULEBOOK = Rulebook(RULES, KpiSettings())
CALENDAR = WorkCalendar(MOSCOW)
KEPT, BROKEN, EXCUSED, NO_DATA = Outcome.KEPT, Outcome.BROKEN, Outcome.EXCUSED, Outcome.NO_DATA
POINTS = {KEPT: 1, BROKEN: -2}


class Ledger:
    """Writes rows the way the ledger does, numbered in order."""

    def __init__(self, booked_in: Month | None = None) -> None:
        self.rows: list[Entry] = []
        self._booked_in = booked_in

    def add(self, who: tuple[str, str], day: date, kind: EntryKind = EntryKind.SCORE, **fields: Any) -> Entry:
        points = fields.pop("points", POINTS.get(fields.get("outcome"), 0))
        rule = fields.pop("rule", "")
        row = Entry(
            seq=len(self.rows) + 1,
            team="sales",
            kind=kind,
            crm_user=who[0],
            name=who[1],
            day=day,
            booked_in=fields.pop("booked_in", self._booked_in or Month.of(day)),
            rule=rule,
            kpi=fields.pop("kpi", rule),
            outcome=fields.pop("outcome", None),
            points=points,
            side=fields.pop("side", Side.of(points)),
            created_at=datetime.combine(day, time(15, 0, 5), UTC),
            rulebook=RULEBOOK.version,
            hash=f"{len(self.rows):064x}",
            **fields,
        )
        self.rows.append(row)
        return row

    def score(self, who: tuple[str, str], day: date, outcome: Outcome, rule: str = "calls_held", **f: Any) -> Entry:
        return self.add(who, day, rule=rule, outcome=outcome, **f)

    def day(self, who: tuple[str, str], day: date, outcomes: Sequence[Outcome]) -> None:
        """One outcome for each of the first rules."""
        for rule, outcome in zip(RULES, outcomes, strict=False):
            self.score(who, day, outcome, rule.id)

    def reverse(self, row: Entry, **fields: Any) -> Entry:
        return self.add(
            (row.crm_user, row.name), row.day, EntryKind.REVERSAL, rule=row.rule, points=-row.points, side=row.side,
            outcome=row.outcome, reverses=row.seq, author="Вера Главина", **fields,
        )  # fmt: skip


def sums_of(period: Comparison, rows: Sequence[Entry]) -> PeriodTotals:
    """The totals of a period and of the stretches before, by these rows."""
    now, before, earlier = (
        [row for row in rows if row.day in part] for part in (period.now, period.before, period.earlier)
    )
    return PeriodTotals(team_totals(now), team_totals(before), team_totals(earlier), rule_totals(now))


def days_of(month: Month, until: date | None = None) -> tuple[date, ...]:
    return tuple(CALENDAR.workdays(month.first, until or month.last))


def report(entries: Iterable[Entry] = (), **changes: Any) -> PeriodReport:
    fields: dict[str, Any] = {
        "company": "ООО «Пример»",
        "team": "sales",
        "title": "Отдел продаж",
        "period": NOVEMBER,
        "state": ReportState.OPEN,
        "zone": MOSCOW,
        "entries": tuple(entries),
        "members": (ANNA, BORIS),
        "workdays": days_of(NOVEMBER),
        "unscored": (),
        "rulebooks": (UsedRulebook(RULEBOOK, NOVEMBER.first, NOVEMBER.last),),
        "money": MoneyTerms(per_point=Decimal("33.33"), per_penalty_point=Decimal("50.10"), cap=Decimal(3000)),
        "digest": "0123456789ab",
        "exported_at": datetime(2026, 12, 1, 7, 30, tzinfo=UTC),
        "exported_by": "Галина Кадрова",
    }
    return PeriodReport(**(fields | changes))


def weekdays(first: date, count: int) -> list[date]:
    """`count` working days from `first`."""
    return list(CALENDAR.workdays(first, first + timedelta(days=2 * count + 7)))[:count]
