"""Write the sheet Cover: team, period, rules, price of a point, totals, and days without a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from babel.dates import format_date
from xlsxwriter.utility import quote_sheetname

from reports.labels import Labels
from reports.workbook import totals
from reports.workbook.period import ManagerTotals, PeriodReport
from reports.workbook.table import Book, Cell, Formula, Style, money_style
from scoring.entries import Month


@dataclass(frozen=True, slots=True)
class CoverLine:
    """Hold a label and a value; without a value a heading, without a label a gap."""

    label: Cell = None
    value: Cell = None
    style: Style = Style.TEXT
    key: str = ""
    kind: str = "line"


def month_name(period: Month, language: str) -> str:
    """Name a month: `ноябрь 2026`."""
    return format_date(period.first, "LLLL y", locale=language)


def lines(report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> list[CoverLine]:
    """List the lines of the Cover from top to bottom."""
    return [
        CoverLine(words("cover-title"), kind="title"),
        *_identity(report, words),
        *_sums(report, rows, words),
        *_course(report, words),
        *_rulebooks(report, words),
        *_gaps(report, words),
    ]


def terms(cover: Sequence[CoverLine], words: Labels) -> dict[str, str]:
    """Locate the cells of the point's price, for the formulas of Totals."""
    name = quote_sheetname(words("sheet-cover"))
    return {line.key: f"{name}!$B${row}" for row, line in enumerate(cover, start=1) if line.key}


def write(book: Book, cover: Sequence[CoverLine], words: Labels) -> None:
    """Write the sheet Cover."""
    sheet = book.sheet(words("sheet-cover"))
    sheet.set_column(0, 0, 40)
    sheet.set_column(1, 1, 62)
    look = {
        "title": book.workbook.add_format({"bold": True, "font_size": 18, "font_color": "#24425C"}),
        "section": book.workbook.add_format({"bold": True, "font_size": 13, "font_color": "#24425C", "bottom": 2}),
    }
    for row, line in enumerate(cover):
        if line.kind in look:
            sheet.set_row(row, 28 if line.kind == "title" else 24)
            sheet.write_string(row, 0, str(line.label), look[line.kind])
            sheet.write_blank(row, 1, None, look[line.kind])
        elif line.kind == "note":
            sheet.set_row(row, 34)
            sheet.merge_range(row, 0, row, 1, "", book.format(Style.WRAP))
            book.put(sheet, (row, 0), line.label, Style.WRAP)
        elif line.kind == "line":
            label_style = Style.TEXT if isinstance(line.label, str) else Style.DATE
            book.put(sheet, (row, 0), line.label, label_style, kind="cover")
            book.put(sheet, (row, 1), line.value, line.style, kind="cover")
    sheet.freeze_panes(1, 0)


def _section(text: str) -> list[CoverLine]:
    return [CoverLine(kind="gap"), CoverLine(text, kind="section")]


def _identity(report: PeriodReport, words: Labels) -> list[CoverLine]:
    def local(instant: datetime) -> datetime:
        return instant.astimezone(report.zone)

    found = [CoverLine(words("cover-company"), report.company)] if report.company else []
    found += [
        CoverLine(words("cover-team"), report.title),
        CoverLine(words("cover-team-key"), report.team),
        CoverLine(words("cover-period"), month_name(report.period, words.language)),
        CoverLine(words("cover-state"), words(f"state-{report.state}")),
    ]
    if report.approved_by:
        found.append(CoverLine(words("cover-approved"), report.approved_by))
    if report.approved_at:
        found.append(CoverLine(words("cover-approved-at"), local(report.approved_at), Style.DATETIME))
    return [
        *found,
        CoverLine(words("cover-digest"), report.digest),
        CoverLine(words("cover-timezone"), report.zone.key),
        CoverLine(words("cover-exported"), report.exported_by),
        CoverLine(words("cover-exported-at"), local(report.exported_at), Style.DATETIME),
    ]


def _sums(report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> list[CoverLine]:
    def linked(key: str, value: Cell, style: Style = Style.INTEGER) -> CoverLine:
        assert isinstance(value, Formula)  # noqa: S101
        return CoverLine(
            words(f"cover-{key}"), Formula(totals.reference(report, key, len(rows), words), value.value), style
        )

    sums = dict(zip(totals.keys(report), totals.sums(report, rows, words), strict=True))
    scored = {entry.day for entry in report.entries if entry.outcome is not None and entry.outcome.scored}
    found = [
        *_section(words("cover-section-sums")),
        CoverLine(words("cover-managers"), len(rows), Style.INTEGER),
        CoverLine(words("cover-workdays"), len(report.workdays), Style.INTEGER),
        CoverLine(words("cover-scored-days"), len(scored & set(report.workdays)), Style.INTEGER),
        linked("plus", sums["plus"]),
        linked("minus", sums["minus"]),
        linked("total", sums["total"], Style.SIGNED),
        linked("discipline", sums["discipline"], Style.PERCENT),
    ]
    if report.money:
        found.append(linked("payout", sums["payout"], money_style(report.money.currency)))
    return [*found, linked("disputes", sums["disputes"])]


def _course(report: PeriodReport, words: Labels) -> list[CoverLine]:
    course = report.money
    if course is None:
        return []
    style = money_style(course.currency)
    cap = (
        CoverLine(words("cover-cap"), words("cover-no-cap"))
        if course.cap is None
        else CoverLine(words("cover-cap"), course.cap, style, "cap")
    )
    return [
        *_section(words("cover-section-money")),
        CoverLine(words("cover-currency"), course.currency),
        CoverLine(words("cover-base"), course.base, style, "base"),
        CoverLine(words("cover-per-point"), course.per_point, style, "per_point"),
        CoverLine(words("cover-per-penalty-point"), course.per_penalty_point, style, "per_penalty_point"),
        CoverLine(words("cover-floor"), course.floor, style, "floor"),
        cap,
        CoverLine(words("cover-money-note"), kind="note"),
    ]


def _rulebooks(report: PeriodReport, words: Labels) -> list[CoverLine]:
    def day(value: date) -> str:
        return format_date(value, "dd.MM.y" if words.language == "ru" else "y-MM-dd", locale=words.language)

    return [
        *_section(words("cover-section-rulebooks")),
        *(
            CoverLine(used.rulebook.version, words("cover-rulebook-days", first=day(used.first), last=day(used.last)))
            for used in report.rulebooks
        ),
    ]


def _gaps(report: PeriodReport, words: Labels) -> list[CoverLine]:
    """List days without a score, and days whose instant was set by hand."""
    found = _section(words("cover-section-unscored"))
    for gap in report.unscored:
        cause = words(f"cause-{gap.cause or 'no-run'}")
        found.append(CoverLine(gap.day, f"{cause}: {gap.detail}" if gap.detail else cause, Style.WRAP))
    if not report.unscored:
        found.append(CoverLine(words("cover-unscored-none")))
    if report.manual_instants:
        found += _section(words("cover-section-rehearsed"))
        found += [CoverLine(day) for day in report.manual_instants]
    return found
