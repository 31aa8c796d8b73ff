"""Make files of a period: the XLSX for HR and the CSV twin for payroll, as bytes."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time
from decimal import ROUND_HALF_UP, Decimal

from xlsxwriter import Workbook

from reports.currency import to_minor_unit
from reports.labels import Labels, labels
from reports.workbook import cover, ledger_sheets, sheets, totals
from reports.workbook.cells import safe_text
from reports.workbook.period import PeriodReport, manager_totals
from reports.workbook.table import Book


def workbook(report: PeriodReport, language: str) -> bytes:
    """Write the XLSX. Sums, discipline and payout are formulas that also carry values."""
    words = labels(language)
    buffer = io.BytesIO()
    made = Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    heading = safe_text(words("heading", team=report.title, period=cover.month_name(report.period, language)))
    # The clock is not asked: one report makes one sequence of bytes.
    made.set_properties({"title": heading, "created": datetime.combine(report.period.last, time()), "author": ""})
    book = Book(made, language, heading, words("page"))
    rows = manager_totals(report)
    front = cover.lines(report, rows, words)
    cover.write(book, front, words)
    totals.write(book, report, rows, cover.terms(front, words), words)
    sheets.by_day(book, report, rows, words)
    sheets.by_rule(book, report, words)
    if report.kpis:
        sheets.kpis(book, report, rows, words)
    ledger_sheets.ledger(book, report, words)
    ledger_sheets.corrections(book, report, words)
    ledger_sheets.rules(book, report, words)
    made.close()
    return buffer.getvalue()


def csv_twin(report: PeriodReport, language: str) -> bytes:
    """Write Totals as CSV for payroll: a line per manager, without a sum row, which an import would take for a person.

    UTF-8 with a byte order mark, lines end in CR LF. Russian: delimiter `;` and decimal comma; English: `,` and dot.
    So a double click opens the file correctly in an Excel of that language (a Russian Excel takes `1.50` for a date).
    """
    words = labels(language)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if language == "ru" else ",", lineterminator="\r\n")
    order, currency = totals.keys(report), report.money.currency if report.money else ""
    writer.writerow(safe_text(totals.title(report, key, words)) for key in order)
    for row in manager_totals(report):
        plain = totals.values(row)
        writer.writerow(_csv_cell(key, plain[key], currency, words) for key in order)
    return buffer.getvalue().encode("utf-8-sig")


def _csv_cell(key: str, value: str | int | Decimal | None, currency: str, words: Labels) -> str:
    match value:
        case None:
            return ""
        case str():
            return safe_text(value)
        case int():
            return str(value)
    percent = key == "discipline"
    exact = (100 * value).quantize(Decimal("0.1"), ROUND_HALF_UP) if percent else to_minor_unit(value, currency)
    number = f"{exact:f}"
    return number.replace(".", ",") if words.language == "ru" else number
