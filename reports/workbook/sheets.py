"""Write the sheets of sums beside Totals: By day, By rule, KPIs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from xlsxwriter.utility import xl_col_to_name

from reports.labels import Labels
from reports.workbook.period import DayMark, DayMatrix, KpiTotal, ManagerTotals, PeriodReport, day_matrix
from reports.workbook.table import Book, Cell, Column, Formula, Style, money_style, name_width, sum_row, total
from reports.workbook.totals import share
from scoring.entries import in_force
from scoring.kpis import CATALOGUE, KpiKind, Unit
from scoring.names import alphabetical
from scoring.scorecard import Outcome


def by_day(book: Book, report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> None:
    """Write points by manager and day; the last column is the manager's total."""
    matrix = day_matrix(report)
    earlier = [words("days-earlier")] if any(matrix.earlier.values()) else []
    heads: list[Cell] = [words("totals-name"), *matrix.days, *earlier, words("days-total")]
    columns = [Column(words("totals-name"), Style.TEXT, name_width((row.name for row in rows), most=30))]
    columns += [Column("", Style.DAY, 6.5) for _ in matrix.days]
    columns += [Column("", Style.SIGNED, 11) for _ in (*earlier, "total")]
    found = [_days(matrix, row.crm_user, with_earlier=bool(earlier)) for row in rows]
    points = [[cell if isinstance(cell, int) else 0 for cell in cells] for cells in found]
    marks = {mark: words(f"day-mark-{mark}") for mark in DayMark}
    last = xl_col_to_name(len(columns) - 2)
    lines: list[list[Cell]] = []
    for at, (row, cells, numbers) in enumerate(zip(rows, found, points, strict=True), start=2):
        shown: list[Cell] = [marks[cell] if isinstance(cell, DayMark) else cell for cell in cells]
        lines.append([row.name, *shown, Formula(f"=SUM(B{at}:{last}{at})", sum(numbers))])
        numbers.append(sum(numbers))
    sums: list[Cell] = [words("sum")]
    sums += [total(column, len(rows), [row[column - 1] for row in points]) for column in range(1, len(columns))]
    sheet = book.table(words("sheet-days"), columns, lines, sums=sums, frozen=1, heads=heads)
    book.put(sheet, (sum_row(len(rows)) + 1, 0), words("days-legend"), Style.TEXT, kind="note")


def _days(matrix: DayMatrix, crm_user: str, *, with_earlier: bool) -> list[int | DayMark | None]:
    cells = [matrix.cells.get((crm_user, day)) for day in matrix.days]
    return [*cells, matrix.earlier.get(crm_user, 0)] if with_earlier else cells


@dataclass(slots=True)
class _RuleSums:
    """Count outcomes and points of one rule over the period."""

    kpi: str
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    breakers: Counter[str] = field(default_factory=Counter)
    points: int = 0


def by_rule(book: Book, report: PeriodReport, words: Labels) -> None:
    """Write outcomes and points by rule; adjustments have a separate line."""
    rules = _rule_sums(report)
    counted = (Outcome.KEPT, Outcome.BROKEN, Outcome.EXCUSED, Outcome.NOT_APPLICABLE, Outcome.NO_DATA)
    columns = [
        Column(words("rule"), Style.TEXT, name_width(rules, words("rule"))),
        Column(words("rule-kpi"), Style.TEXT, 28),
        *(Column(words(f"rule-{outcome.replace('_', '-')}"), Style.INTEGER, 13) for outcome in counted),
        Column(words("rule-points"), Style.SIGNED, 11),
        Column(words("rule-discipline"), Style.PERCENT, 14),
        Column(words("rule-most-broken"), Style.WRAP, 70),
    ]
    lines: list[list[Cell]] = [
        [
            rule or words("rule-adjustments"),
            words(CATALOGUE[sums.kpi].locale_key) if sums.kpi in CATALOGUE else sums.kpi,
            *(sums.outcomes[outcome] for outcome in counted),
            sums.points,
            _discipline(index, sums.outcomes[Outcome.KEPT], sums.outcomes[Outcome.BROKEN], words),
            ", ".join(f"{name} ({times})" for name, times in _most(sums.breakers)),
        ]
        for index, (rule, sums) in enumerate(rules.items(), start=2)
    ]
    bottom: list[Cell] = [words("sum"), None]
    for column, outcome in enumerate(counted, start=2):
        bottom.append(total(column, len(lines), [sums.outcomes[outcome] for sums in rules.values()]))
    bottom.append(total(len(counted) + 2, len(lines), [sums.points for sums in rules.values()]))
    kept, broken = (sum(sums.outcomes[outcome] for sums in rules.values()) for outcome in counted[:2])
    bottom += [_discipline(sum_row(len(lines)), kept, broken, words), None]
    book.table(words("sheet-rules-sums"), columns, lines, sums=bottom, frozen=1)


def _rule_sums(report: PeriodReport) -> dict[str, _RuleSums]:
    """Sum up each rule in the order of the rulebooks, adjustments last."""
    names = dict(report.members)
    found = {rule.id: _RuleSums(rule.kpi) for used in report.rulebooks for rule in used.rulebook.rules}
    for entry in sorted(report.entries, key=lambda entry: (not entry.rule, entry.rule)):
        found.setdefault(entry.rule, _RuleSums(entry.kpi)).points += entry.points
    for entry in in_force(report.entries):
        if entry.outcome is not None:
            found[entry.rule].outcomes[entry.outcome] += 1
            if entry.outcome is Outcome.BROKEN:
                found[entry.rule].breakers[names.get(entry.crm_user, entry.name)] += 1
    return found


def _discipline(row: int, kept: int, broken: int, words: Labels) -> Formula:
    value = share(kept, broken)
    none = words("no-value")
    return Formula(f'=IF(C{row}+D{row}=0,"{none}",C{row}/(C{row}+D{row}))', none if value is None else value)


def _most(breakers: Counter[str], shown: int = 3) -> list[tuple[str, int]]:
    return sorted(breakers.items(), key=lambda item: (-item[1], alphabetical(item[0])))[:shown]


def kpis(book: Book, report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> None:
    """Write KPIs by manager: events added up, states as of the last reading, money in a column per currency."""
    found = {(kpi.crm_user, kpi.kpi): kpi for kpi in report.kpis}
    days: dict[str, int] = defaultdict(int)
    for kpi in report.kpis:
        days[kpi.crm_user] = max(days[kpi.crm_user], kpi.days)
    wanted = _kpi_columns(report)
    columns = [
        Column(words("totals-name"), Style.TEXT, name_width(row.name for row in rows)),
        Column(words("kpis-days"), Style.INTEGER, 11),
        *(_kpi_column(key, currency, words) for key, currency in wanted),
    ]
    none = words("kpis-not-available")
    lines: list[list[Cell]] = [
        [
            row.name,
            days[row.crm_user],
            *(_kpi_cell(found.get((row.crm_user, key)), currency, none) for key, currency in wanted),
        ]
        for row in rows
    ]
    bottom: list[Cell] = [words("sum"), None]
    for column in range(2, len(columns)):
        numbers = [cell for line in lines if isinstance(cell := line[column], int | Decimal)]
        bottom.append(total(column, len(rows), numbers))
    book.table(words("sheet-kpis"), columns, lines, sums=bottom, frozen=1, tall=64)


def _kpi_column(key: str, currency: str, words: Labels) -> Column:
    text = words(CATALOGUE[key].locale_key)
    if CATALOGUE[key].kind is KpiKind.STATE:
        text = words("kpis-state", kpi=text)
    return Column(f"{text}, {currency}", money_style(currency), 15) if currency else Column(text, Style.INTEGER, 15)


def _kpi_cell(kpi: KpiTotal | None, currency: str, none: str) -> Cell:
    if kpi is None:
        return none
    return kpi.number if isinstance(kpi.number, int) else kpi.number.get(currency, Decimal(0))


def _kpi_columns(report: PeriodReport) -> list[tuple[str, str]]:
    """List KPI and currency of each column, in the order of the catalogue."""
    currencies: dict[str, set[str]] = defaultdict(set)
    for kpi in report.kpis:
        currencies[kpi.kpi].update(() if isinstance(kpi.number, int) else kpi.number)
    return [
        (key, currency)
        for key in CATALOGUE
        if key in currencies and (CATALOGUE[key].unit is not Unit.MONEY or currencies[key])
        for currency in (sorted(currencies[key]) or [""])
    ]
