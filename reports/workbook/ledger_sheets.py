"""Write the sheets of single rows: Ledger, Corrections, Rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.labels import Labels
from reports.workbook.period import PeriodReport, UsedRulebook
from reports.workbook.table import Book, Cell, Column, Style, name_width, total
from scoring.entries import Entry, EntryKind
from scoring.kpis import CATALOGUE
from scoring.rules import Bound, Rule

EVIDENCE_SHOWN = 200
"""Evidence keys in a cell of the ledger: far below the capacity of a cell, more than a reader needs."""


def ledger(book: Book, report: PeriodReport, words: Labels) -> None:
    """Write each entry that counts in the period, as stored in the ledger."""
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
        words(CATALOGUE[entry.kpi].locale_key) if entry.kpi in CATALOGUE else entry.kpi,
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
    """Write entries made by people, with author and reason, and the unanswered disputes."""
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
    """Write the rules of each version that judged a day of the period."""
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
        words(CATALOGUE[rule.kpi].locale_key),
        words(f"bound-{Bound(rule.bound)}"),
        rule.limit,
        rule.per_deals,
        rule.currency or "",
        rule.reward,
        -rule.penalty,
        words("yes" if rule.observed_only else "no"),
    ]
