"""Write the sheet Totals: a line per manager, sums and money as formulas over cells of the Cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from xlsxwriter.utility import quote_sheetname, xl_col_to_name

from reports.labels import Labels
from reports.workbook.period import ManagerTotals, PeriodReport
from reports.workbook.table import Book, Cell, Column, Formula, Style, money_style, name_width, sum_row, total

_COUNTS = ("workdays", "scored", "excused", "unscored", "kept", "broken", "plus", "minus", "corrections")
_MONEY = ("bonus", "penalty", "payout")


def keys(report: PeriodReport) -> tuple[str, ...]:
    """List the columns in order; a team without a price of a point has no money columns."""
    money = _MONEY if report.money else ()
    return ("name", "crm_user", *_COUNTS, "total", "discipline", *money, "disputes")


def values(row: ManagerTotals) -> dict[str, str | int | Decimal | None]:
    """Return each column of a line as a plain value; discipline between 0 and 1, None at 0/0."""
    plain: dict[str, str | int | Decimal | None] = {"name": row.name, "crm_user": row.crm_user}
    plain |= {key: getattr(row, key) for key in _COUNTS}
    plain |= {"total": row.plus - row.minus, "discipline": share(row.kept, row.broken), "disputes": row.disputes}
    if row.payout:
        plain |= {"bonus": row.payout.bonus, "penalty": row.payout.penalty, "payout": row.payout.total}
    return plain


def share(kept: int, broken: int) -> Decimal | None:
    """Divide kept by kept + broken; None at 0/0."""
    return Decimal(kept) / (kept + broken) if kept + broken else None


def title(report: PeriodReport, key: str, words: Labels) -> str:
    """Return the head of a column."""
    name = f"totals-{key.replace('_', '-')}"
    return words(name, currency=report.money.currency) if report.money and key in _MONEY else words(name)


def reference(report: PeriodReport, key: str, rows: int, words: Labels) -> str:
    """Return the address of a column's sum, for the Cover."""
    column = xl_col_to_name(keys(report).index(key))
    return f"={quote_sheetname(words('sheet-totals'))}!${column}${sum_row(rows)}"


def write(
    book: Book, report: PeriodReport, rows: Sequence[ManagerTotals], terms: Mapping[str, str], words: Labels
) -> None:
    """Write the sheet Totals; `terms` are the addresses of the point's price on the Cover."""
    order = keys(report)
    columns = [_column(report, key, rows, words) for key in order]
    letters = {key: xl_col_to_name(index) for index, key in enumerate(order)}
    lines: list[list[Cell]] = []
    for index, row in enumerate(rows, start=2):
        formulas = _formulas({key: f"{letter}{index}" for key, letter in letters.items()}, terms, words)
        lines.append(_line(order, values(row), formulas, words))
    book.table(words("sheet-totals"), columns, lines, sums=sums(report, rows, words), frozen=1, tall=48)


def _column(report: PeriodReport, key: str, rows: Sequence[ManagerTotals], words: Labels) -> Column:
    text = title(report, key, words)
    if key in ("name", "crm_user"):
        return Column(text, Style.TEXT, name_width((getattr(row, key) for row in rows), text))
    if key in _MONEY and report.money:
        return Column(text, money_style(report.money.currency), 13)
    if key == "discipline":
        return Column(text, Style.PERCENT, 12)
    return Column(text, Style.SIGNED if key in ("corrections", "total") else Style.INTEGER, 11)


def _line(
    order: Sequence[str], plain: Mapping[str, str | int | Decimal | None], formulas: Mapping[str, str], words: Labels
) -> list[Cell]:
    cells: list[Cell] = []
    for key in order:
        value = plain[key]
        shown = words("no-value") if value is None else value
        cells.append(Formula(formulas[key], shown) if key in formulas else shown)
    return cells


def _formulas(cell: Mapping[str, str], terms: Mapping[str, str], words: Labels) -> dict[str, str]:
    formulas = _derived(cell, words)
    if terms:
        formulas["bonus"] = f"=ROUND({terms['per_point']}*{cell['plus']},2)"
        formulas["penalty"] = f"=ROUND({terms['per_penalty_point']}*{cell['minus']},2)"
        earned = f"MAX({terms['floor']},ROUND({terms['base']}+{cell['bonus']}-{cell['penalty']},2))"
        formulas["payout"] = f"=MIN({terms['cap']},{earned})" if "cap" in terms else f"={earned}"
    return formulas


def _derived(cell: Mapping[str, str], words: Labels) -> dict[str, str]:
    kept, broken = cell["kept"], cell["broken"]
    return {
        "total": f"={cell['plus']}-{cell['minus']}",
        "discipline": f'=IF({kept}+{broken}=0,"{words("no-value")}",{kept}/({kept}+{broken}))',
    }


def sums(report: PeriodReport, rows: Sequence[ManagerTotals], words: Labels) -> list[Cell]:
    """Build the sum row, a cell per column."""
    order = keys(report)
    derived = _derived({key: f"{xl_col_to_name(i)}{sum_row(len(rows))}" for i, key in enumerate(order)}, words)
    plain = [values(row) for row in rows]
    cells: list[Cell] = []
    for index, key in enumerate(order):
        if key == "name":
            cells.append(words("sum"))
        elif key == "crm_user":
            cells.append(None)
        elif key == "discipline":
            pooled = share(sum(row.kept for row in rows), sum(row.broken for row in rows))
            cells.append(Formula(derived[key], words("no-value") if pooled is None else pooled))
        else:
            column = [value for row in plain if isinstance(value := row[key], int | Decimal)]
            cells.append(total(index, len(rows), column))
    return cells
