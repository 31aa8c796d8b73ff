"""A small independent evaluator of the formulas an exported workbook holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

_REFERENCE = re.compile(r"('(?:[^']|'')+'!|\w+!)?(\$?[A-Z]{1,3}\$?\d+)(?::(\$?[A-Z]{1,3}\$?\d+))?")


def evaluate(book: Workbook, sheet: str, formula: str) -> Any:
    """The value of `formula` as if it stood on `sheet`, recomputed from the plain cells alone."""

    def cell(match: re.Match[str]) -> str:
        where, first, last = match.groups()
        name = where[:-1].strip("'").replace("''", "'") if where else sheet
        return f"_cells({name!r},{first.replace('$', '')!r},{(last or '').replace('$', '')!r})"

    text = _REFERENCE.sub(cell, formula.removeprefix("="))

    def _cells(name: str, first: str, last: str) -> Any:
        if last:
            return [value(book, name, each.coordinate) for row in book[name][first:last] for each in row]
        return value(book, name, first)

    scope = {
        "_cells": _cells,
        "SUM": lambda values: sum((v for v in values if isinstance(v, Decimal)), Decimal(0)),
        "ROUND": lambda number, digits: number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP),
        "MIN": min,
        "MAX": max,
    }
    return eval(text, scope)


def value(book: Workbook, sheet: str, coordinate: str) -> Any:
    """A cell's value; numbers as decimals, formulas recomputed."""
    found = book[sheet][coordinate].value
    if isinstance(found, str) and book[sheet][coordinate].data_type == "f":
        return _discipline(book, sheet, found) if found.startswith("=IF(") else evaluate(book, sheet, found)
    return Decimal(str(found)) if isinstance(found, int | float) else found


def _discipline(book: Workbook, sheet: str, formula: str) -> Any:
    kept, broken, none = re.fullmatch(r'=IF\((\w+)\+(\w+)=0,"(.)",\1/\(\1\+\2\)\)', formula).groups()
    a, b = value(book, sheet, kept), value(book, sheet, broken)
    return a / (a + b) if a + b else none


def formula_cells(book: Workbook) -> Iterator[tuple[Worksheet, str, str]]:
    """Sheet, coordinate and formula of every formula cell."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    yield sheet, cell.coordinate, str(cell.value)
