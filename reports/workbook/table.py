"""Write a sheet as one table: heads, cell formats, widths, sum row, freezing, filter, print set-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from math import ceil
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from reports.currency import decimals_of
from reports.workbook.cells import safe_text
from scoring.entries import Month


class Style(StrEnum):
    """List the looks of a column's cells."""

    TEXT = "text"
    WRAP = "wrap"
    INTEGER = "integer"
    SIGNED = "signed"
    DAY = "day"
    NUMBER = "number"
    MONEY = "money"
    MONEY_WHOLE = "money without decimals"
    MONEY_THREE = "money with three decimals"
    PERCENT = "percent"
    DATE = "date"
    MONTH = "month"
    DATETIME = "datetime"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Formula:
    """Hold a formula and the value shown by programs that do not calculate."""

    text: str
    value: Decimal | int | str


Cell = str | int | Decimal | datetime | date | Month | Formula | None


@dataclass(frozen=True, slots=True)
class Column:
    """Describe a column: title, style, width."""

    title: str
    style: Style
    width: float


_INK, _HEAD, _LINE, _SOFT = "#1B2733", "#24425C", "#D5DCE3", "#EEF3F7"
_NUMBERS = {
    Style.INTEGER: "#,##0",
    Style.SIGNED: "+#,##0;[Red]-#,##0;0",
    Style.DAY: "+#,##0;[Red]-#,##0;0",
    Style.NUMBER: "General",
    Style.MONEY: "#,##0.00",
    Style.MONEY_WHOLE: "#,##0",
    Style.MONEY_THREE: "#,##0.000",
    Style.PERCENT: "0.0%",
    Style.TEXT: "@",
    Style.WRAP: "@",
}
_DATES = {
    "ru": {Style.DATE: "dd.mm.yyyy", Style.MONTH: "mm.yyyy", Style.DATETIME: "dd.mm.yyyy hh:mm"},
    "en": {Style.DATE: "yyyy-mm-dd", Style.MONTH: "yyyy-mm", Style.DATETIME: "yyyy-mm-dd hh:mm"},
}
_DAY_HEADS = {"ru": "dd.mm", "en": "mm/dd"}
_MONEY = {0: Style.MONEY_WHOLE, 3: Style.MONEY_THREE}
_LEFT = (Style.TEXT, Style.WRAP)
_CENTRED = (Style.MARK, Style.DAY, Style.DATE, Style.MONTH, Style.DATETIME)


def money_style(currency: str) -> Style:
    """Return the style with as many decimals as the currency has."""
    return _MONEY.get(decimals_of(currency), Style.MONEY)


class Book:
    """Hold a workbook under construction and the cell formats made so far."""

    def __init__(self, workbook: Workbook, language: str, heading: str, page: str) -> None:
        self.workbook = workbook
        self._language = language
        self._heading = heading
        self._page = page
        self._formats: dict[tuple[str, ...], Any] = {}

    def format(self, style: Style, kind: str = "body") -> Any:
        """Return the cell format of a style in the head, the body or the sum row."""
        key = (style, kind)
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(self._properties(style, kind))
        return self._formats[key]

    def _properties(self, style: Style, kind: str) -> dict[str, Any]:
        align = "left" if style in _LEFT else "center" if style in _CENTRED else "right"
        common: dict[str, Any] = {"font_name": "Calibri", "font_size": 11, "valign": "vcenter", "font_color": _INK}
        if kind == "head":
            text = {
                "bold": True,
                "font_color": "white",
                "bg_color": _HEAD,
                "text_wrap": True,
                "align": "center",
                "valign": "top",
            }
            return common | text | ({"num_format": _DAY_HEADS[self._language]} if style is Style.DATE else {})
        if kind == "note":
            return common | {"italic": True}
        common |= {"align": align, "bottom": 1, "bottom_color": _LINE, "text_wrap": style is Style.WRAP}
        if align == "left" and kind != "cover":
            common["indent"] = 1
        if kind == "cover":
            common["align"] = "left"
        number = _NUMBERS.get(style) or _DATES[self._language].get(style)
        if number:
            common["num_format"] = number
        if kind == "sum":
            common |= {"bold": True, "bg_color": _SOFT, "top": 2, "top_color": _HEAD}
        return common

    def sheet(self, name: str) -> Worksheet:
        """Add a sheet: landscape A4, as wide as the page, team and period on each printed page."""
        sheet = self.workbook.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.75, bottom=0.6)
        sheet.set_header(f"&L{_in_header(self._heading)}&R&A")
        sheet.set_footer(f"&C{self._page} &P / &N")
        sheet.hide_gridlines(2)
        return sheet

    def put(self, sheet: Worksheet, at: tuple[int, int], cell: Cell, style: Style, *, kind: str = "body") -> None:
        """Write one cell by type; text never becomes a formula."""
        if isinstance(cell, str) and style not in _LEFT and kind == "body":
            style = Style.MARK
        row, column = at
        look = self.format(style, kind)
        match cell:
            case None:
                sheet.write_blank(row, column, None, look)
            case str():
                sheet.write_string(row, column, safe_text(cell), look)
            case Formula():
                value = cell.value if isinstance(cell.value, int | str) else float(cell.value)
                sheet.write_formula(row, column, cell.text, look, value)
            case datetime():
                sheet.write_datetime(row, column, cell.replace(tzinfo=None), look)
            case date():
                sheet.write_datetime(row, column, datetime.combine(cell, time()), look)
            case Month():
                sheet.write_datetime(row, column, datetime.combine(cell.first, time()), look)
            case int() | Decimal():
                sheet.write_number(row, column, float(cell), look)

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell]],
        *,
        sums: Sequence[Cell] | None = None,
        frozen: int = 0,
        tall: int = 34,
        heads: Sequence[Cell] = (),
    ) -> Worksheet:
        """Add a sheet with one table: heads in the first row, sums after the last."""
        sheet = self.sheet(name)
        sheet.set_row(0, tall)
        for index, column in enumerate(columns):
            sheet.set_column(index, index, column.width)
            head = heads[index] if index < len(heads) else column.title
            self.put(sheet, (0, index), head, Style.DATE if isinstance(head, date) else Style.TEXT, kind="head")
        last = 0
        for last, row in enumerate(rows, start=1):
            if (height := _height(columns, row)) > 1:
                sheet.set_row(last, 15 * height)
            for index, (column, cell) in enumerate(zip(columns, row, strict=True)):
                self.put(sheet, (last, index), cell, column.style)
        if sums is not None:
            for index, (column, cell) in enumerate(zip(columns, sums, strict=True)):
                self.put(sheet, (sum_row(last) - 1, index), cell, column.style, kind="sum")
        self._finish(sheet, len(columns), last, frozen)
        return sheet

    def _finish(self, sheet: Worksheet, width: int, last: int, frozen: int) -> None:
        sheet.freeze_panes(1, frozen)
        sheet.autofilter(0, 0, max(last, 1), width - 1)
        sheet.repeat_rows(0)
        if frozen:
            sheet.repeat_columns(0, frozen - 1)
        # Ids that look like numbers stay text, without a green corner.
        sheet.ignore_errors({"number_stored_as_text": f"A1:{xl_col_to_name(width - 1)}{max(last, 1) + 2}"})


def _in_header(text: str) -> str:
    """Double every ampersand, which would start a code, and cut to the 255 characters that Excel keeps of a header."""
    while len(text) + text.count("&") > 240:
        text = text[:-1]
    return text.replace("&", "&&")


def _height(columns: Sequence[Column], row: Sequence[Cell]) -> int:
    """Count lines in the tallest wrapped cell, for programs that do not fit row heights."""
    wrapped = (
        (len(cell), column.width)
        for column, cell in zip(columns, row, strict=True)
        if isinstance(cell, str) and column.style is Style.WRAP
    )
    return max((ceil(1.1 * length / width) for length, width in wrapped), default=1)


def sum_row(rows: int) -> int:
    """Return the row (as Excel counts) of the sums below `rows` rows; an empty table keeps one empty row above."""
    return max(rows, 1) + 2


def total(column: int, rows: int, values: Iterable[Decimal | int]) -> Formula:
    """Sum up a column, as a formula and as a value."""
    name = xl_col_to_name(column)
    return Formula(f"=SUM({name}2:{name}{sum_row(rows) - 1})", sum(values, start=Decimal(0)))


def name_width(names: Iterable[str], title: str = "", *, most: int = 38) -> float:
    """Return the column width for the longest of `names`."""
    return max(12, min(most, max(map(len, (*names, title)), default=0) + 2))
