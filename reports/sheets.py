"""The sheets beside Totals: by day, by rule, KPIs, the ledger, its corrections and the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from xlsxwriter.utility import xl_col_to_name

from reports.labels import Labels
from reports.period import DayMark, ManagerTotals, PeriodReport, UsedRulebook, day_matrix
from reports.table import Book, Cell, Column, Formula, Style, name_width, sum_row, total
from reports.totals import share
from scoring.entries import Entry, EntryKind, in_force
from scoring.kpis import CATALOGUE, KpiKind, Unit
from scoring.rules import Bound, Rule
from scoring.scorecard import Outcome

EVIDENCE_SHOWN = 200
"""Evidence keys in one cell of the ledger: far below what a cell holds, more than anybody reads."""


def by_day(book: Book, report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> None:
    """Points by manager and day; the last column is the manager's total."""
    matrix = day_matrix(report)
    marks = {mark: words(f"day-mark-{mark}") for mark in DayMark}
    names = [row.name for row in rows]
    columns = [Column(words("totals-name"), Style.TEXT, name_width(names, most=30))]
    columns += [Column("", Style.DAY, 6.5) for _ in matrix.days]
    heads: list[Cell] = [columns[0].title, *matrix.days]
    keys: list[str] = []
    if any(matrix.earlier.values()):
        keys.append(words("days-earlier"))
    for text in (*keys, words("days-total")):
        columns.append(Column(text, Style.SIGNED, 11))
        heads.append(text)
    last = xl_col_to_name(len(columns) - 2)
    lines: list[list[Cell]] = []
    numbers: list[list[int]] = []
    for index, row in enumerate(rows, start=2):
        found = [matrix.cells.get((row.crm_user, day)) for day in matrix.days]
        found += [matrix.earlier.get(row.crm_user, 0)] if keys else []
        plain = [cell if isinstance(cell, int) else 0 for cell in found]
        shown: list[Cell] = [marks[cell] if isinstance(cell, DayMark) else cell for cell in found]
        lines.append([row.name, *shown, Formula(f"=SUM(B{index}:{last}{index})", sum(plain))])
        numbers.append([*plain, sum(plain)])
    sums: list[Cell] = [words("sum")]
    sums += [total(column, len(rows), [row[column - 1] for row in numbers]) for column in range(1, len(columns))]
    sheet = book.table(words("sheet-days"), columns, lines, sums=sums, frozen=1, heads=heads)
    book.put(sheet, (sum_row(len(rows)) + 1, 0), words("days-legend"), Style.TEXT, kind="note")


@dataclass(slots=True)
class _RuleSums:
    """What became of one rule over the period."""

    kpi: str
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    breakers: Counter[str] = field(default_factory=Counter)
    points: int = 0


def by_rule(book: Book, report: PeriodReport, words: Labels) -> None:
    """Outcomes and points by rule; what was booked by hand has a line of its own."""
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
            words(f"kpi-{sums.kpi}") if sums.kpi in CATALOGUE else sums.kpi,
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
    """By rule: those in the rulebooks first, in their order, adjustments last."""
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
    return sorted(breakers.items(), key=lambda item: (-item[1], item[0].casefold()))[:shown]


def kpis(book: Book, report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> None:
    """KPIs by manager: events added up, states as at the last reading; money in a column for each currency."""
    found = {(kpi.crm_user, kpi.kpi): kpi for kpi in report.kpis}
    days: dict[str, int] = defaultdict(int)
    for kpi in report.kpis:
        days[kpi.crm_user] = max(days[kpi.crm_user], kpi.days)
    wanted = _kpi_columns(report)
    columns = [
        Column(words("totals-name"), Style.TEXT, name_width(row.name for row in rows)),
        Column(words("kpis-days"), Style.INTEGER, 11),
    ]
    for key, currency in wanted:
        text = words(f"kpi-{key}")
        if CATALOGUE[key].kind is KpiKind.STATE:
            text = words("kpis-state", kpi=text)
        columns.append(
            Column(f"{text}, {currency}" if currency else text, Style.MONEY if currency else Style.INTEGER, 15)
        )
    lines: list[list[Cell]] = []
    for row in rows:
        line: list[Cell] = [row.name, days[row.crm_user]]
        for key, currency in wanted:
            read = found.get((row.crm_user, key))
            if read is None:
                line.append(words("kpis-not-available"))
            else:
                line.append(read.number if isinstance(read.number, int) else read.number.get(currency, Decimal(0)))
        lines.append(line)
    bottom: list[Cell] = [words("sum"), None]
    for column in range(2, len(columns)):
        numbers = [cell for line in lines if isinstance(cell := line[column], int | Decimal)]
        bottom.append(total(column, len(rows), numbers))
    book.table(words("sheet-kpis"), columns, lines, sums=bottom, frozen=1, tall=64)


def _kpi_columns(report: PeriodReport) -> list[tuple[str, str]]:
    """KPI and currency of each column, in catalogue order."""
    currencies: dict[str, set[str]] = defaultdict(set)
    for kpi in report.kpis:
        currencies[kpi.kpi].update(() if isinstance(kpi.number, int) else kpi.number)
    return [
        (key, currency)
        for key in CATALOGUE
        if key in currencies and (CATALOGUE[key].unit is not Unit.MONEY or currencies[key])
        for currency in (sorted(currencies[key]) or [""])
    ]


def ledger(book: Book, report: PeriodReport, words: Labels) -> None:
    """Every row that counts in the period, as the ledger holds it."""
    names = dict(report.members)
    columns = [
        Column(words("ledger-seq"), Style.INTEGER, 8),
        Column(words("ledger-day"), Style.DATE, 12),
        Column(words("ledger-booked"), Style.MONTH, 10),
        Column(words("totals-name"), Style.TEXT, name_width((entry.name for entry in report.entries), most=30)),
        Column(words("totals-crm-user"), Style.TEXT, 12),
        Column(words("ledger-kind"), Style.TEXT, 13),
        Column(words("rule"), Style.TEXT, name_width((entry.rule for entry in report.entries), most=26)),
        Column(words("rule-kpi"), Style.TEXT, 24),
        Column(words("ledger-outcome"), Style.TEXT, 15),
        Column(words("ledger-value"), Style.NUMBER, 13),
        Column(words("ledger-bound"), Style.NUMBER, 13),
        Column(words("ledger-points"), Style.SIGNED, 9),
        Column(words("ledger-reverses"), Style.INTEGER, 11),
        Column(words("ledger-author"), Style.TEXT, 18),
        Column(words("ledger-reason"), Style.TEXT, 26),
        Column(words("ledger-evidence"), Style.TEXT, 30),
        Column(words("ledger-rulebook"), Style.TEXT, 15),
        Column(words("ledger-created"), Style.DATETIME, 17),
        Column(words("ledger-hash"), Style.TEXT, 15),
    ]
    lines = (_ledger_line(report, entry, names.get(entry.crm_user, entry.name), words) for entry in report.entries)
    book.table(words("sheet-ledger"), columns, lines, frozen=4)


def _ledger_line(report: PeriodReport, entry: Entry, name: str, words: Labels) -> list[Cell]:
    return [
        entry.seq,
        entry.day,
        entry.booked_in,
        name,
        entry.crm_user,
        words(f"kind-{entry.kind}"),
        entry.rule,
        words(f"kpi-{entry.kpi}") if entry.kpi in CATALOGUE else entry.kpi,
        words(f"outcome-{entry.outcome}") if entry.outcome else None,
        entry.value,
        entry.bound,
        entry.points,
        entry.reverses,
        entry.author,
        entry.reason,
        _evidence(entry.evidence, words),
        entry.rulebook,
        entry.created_at.astimezone(report.zone) if entry.created_at else None,
        entry.hash[:12],
    ]


def _evidence(keys: Sequence[str], words: Labels) -> str:
    text = ", ".join(keys[:EVIDENCE_SHOWN])
    more = len(keys) - EVIDENCE_SHOWN
    return words("ledger-evidence-more", items=text, count=more) if more > 0 else text


def corrections(book: Book, report: PeriodReport, words: Labels) -> None:
    """Everything not written by a run, with author and reason, and the disputes nobody has answered."""
    names = dict(report.members)
    found = [entry for entry in report.entries if entry.kind is not EntryKind.SCORE]
    people = [names.get(entry.crm_user, entry.name) for entry in found] + [row.name for row in report.disputes]
    columns = [
        Column(words("ledger-seq"), Style.INTEGER, 8),
        Column(words("ledger-day"), Style.DATE, 12),
        Column(words("totals-name"), Style.TEXT, name_width(people)),
        Column(words("ledger-kind"), Style.TEXT, 16),
        Column(words("rule"), Style.TEXT, 26),
        Column(words("ledger-outcome"), Style.TEXT, 15),
        Column(words("ledger-points"), Style.SIGNED, 9),
        Column(words("ledger-reverses"), Style.INTEGER, 11),
        Column(words("ledger-author"), Style.TEXT, 22),
        Column(words("ledger-reason"), Style.WRAP, 48),
        Column(words("ledger-created"), Style.DATETIME, 17),
    ]
    lines: list[list[Cell]] = [
        [
            entry.seq,
            entry.day,
            name,
            words(f"kind-{entry.kind}"),
            entry.rule,
            words(f"outcome-{entry.outcome}") if entry.outcome else None,
            entry.points,
            entry.reverses,
            entry.author,
            entry.reason,
            entry.created_at.astimezone(report.zone) if entry.created_at else None,
        ]
        for entry, name in zip(found, people, strict=False)
    ]
    for row in report.disputes:
        opened = row.opened_at.astimezone(report.zone) if row.opened_at else None
        kind = words("kind-dispute")
        lines.append([None, row.day, row.name, kind, row.rule, None, None, None, row.name, row.reason, opened])
    bottom: list[Cell] = [None, None, words("sum"), None, None, None]
    bottom += [total(6, len(lines), [entry.points for entry in found]), None, None, None, None]
    book.table(words("sheet-corrections"), columns, lines, sums=bottom)


def rules(book: Book, report: PeriodReport, words: Labels) -> None:
    """The rules of every version that judged a day of the period."""
    columns = [
        Column(words("rules-version"), Style.TEXT, 16),
        Column(words("rules-first"), Style.DATE, 13),
        Column(words("rules-last"), Style.DATE, 13),
        Column(words("rule"), Style.TEXT, 26),
        Column(words("rule-kpi"), Style.TEXT, 30),
        Column(words("rules-bound"), Style.TEXT, 13),
        Column(words("rules-limit"), Style.NUMBER, 12),
        Column(words("rules-per-deals"), Style.INTEGER, 14),
        Column(words("rules-currency"), Style.TEXT, 9),
        Column(words("rules-reward"), Style.SIGNED, 14),
        Column(words("rules-penalty"), Style.SIGNED, 14),
        Column(words("rules-observed"), Style.TEXT, 14),
    ]
    book.table(words("sheet-rules"), columns, _rule_lines(report.rulebooks, words))


def _rule_lines(used: Iterable[UsedRulebook], words: Labels) -> Iterable[list[Cell]]:
    for version in used:
        for rule in version.rulebook.rules:
            yield [version.rulebook.version, version.first, version.last, *_rule_cells(rule, words)]


def _rule_cells(rule: Rule, words: Labels) -> list[Cell]:
    return [
        rule.id,
        words(f"kpi-{rule.kpi}"),
        words(f"bound-{Bound(rule.bound)}"),
        rule.limit,
        rule.per_deals,
        rule.currency or "",
        rule.reward,
        -rule.penalty,
        words("yes" if rule.observed_only else "no"),
    ]
