"""The XLSX read back: exact sums, real numbers and dates, nothing that a spreadsheet would execute."""

import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import openpyxl
import pytest
import time_machine
from openpyxl import Workbook

from reports.workbook.period import Dispute, KpiTotal, ReportState, UnscoredDay
from reports.workbook.workbook import workbook
from scoring.entries import EntryKind, Month, net
from scoring.payout import MoneyTerms, payout
from scoring.snapshot import Cause
from tests.reports.people import ANNA, BORIS, BROKEN, EXCUSED, KEPT, NO_DATA, NOVEMBER, RULES, Ledger, days_of, report
from tests.reports.workbook.formulas import formula_cells, value

DAYS = days_of(NOVEMBER)


def lived_month() -> Ledger:
    """Anna keeps most rules; Boris breaks most, is ill for three days, and a day has no data."""
    ledger = Ledger(NOVEMBER)
    for index, day in enumerate(DAYS):
        if index == 5:
            ledger.day(ANNA, day, [NO_DATA] * 4)
            ledger.day(BORIS, day, [NO_DATA] * 4)
            continue
        ledger.day(ANNA, day, [KEPT, KEPT, BROKEN if index % 7 == 0 else KEPT, KEPT])
        ledger.day(BORIS, day, [EXCUSED] * 4 if index in (10, 11, 12) else [BROKEN, KEPT, BROKEN, KEPT])
    return ledger


def read(content: bytes, *, values: bool = False) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


def rows(book: Workbook, sheet: str) -> list[dict[str, object]]:
    """A table sheet as dictionaries by header."""
    table = list(book[sheet].iter_rows(values_only=True))
    return [dict(zip(map(str, table[0]), row, strict=True)) for row in table[1:]]


def as_cell(text: str) -> datetime:
    """A date as openpyxl gives it: a spreadsheet knows no time zones."""
    return datetime.fromisoformat(text)


def cover(book: Workbook, name: str = "Cover") -> dict[object, object]:
    return {label: found for label, found in book[name].iter_rows(values_only=True) if label is not None}


def test_the_sheets_stand_in_the_order_of_the_product():
    made = report(lived_month().rows, kpis=(KpiTotal("7", "calls_held", 212, 20),))
    names = {language: read(workbook(made, language)).sheetnames for language in ("ru", "en")}
    assert names["en"] == ["Cover", "Totals", "By day", "By rule", "KPIs", "Ledger", "Corrections", "Rules"]
    assert names["ru"][:3] == ["Обложка", "Итоги", "По дням"]
    assert len(names["ru"]) == 8


def test_a_period_without_stored_kpis_has_no_sheet_for_them():
    assert "KPIs" not in read(workbook(report(lived_month().rows), "en")).sheetnames


def test_totals_hold_the_points_and_the_money_of_the_ledger_to_the_kopeck():
    entries = lived_month().rows
    made = report(entries)
    table = rows(read(workbook(made, "en"), values=True), "Totals")
    anna, boris, _ = table[:3]
    assert [anna["Manager"], boris["Manager"]] == [ANNA[1], BORIS[1]]
    for who, line in ((ANNA, anna), (BORIS, boris)):
        plus, minus = net(entry for entry in entries if entry.crm_user == who[0])
        assert made.money is not None
        due = payout(made.money, plus, minus)
        assert (line["Plus points"], line["Minus points"], line["Total points"]) == (plus, minus, plus - minus)
        assert Decimal(str(line["For plus points, RUB"])) == due.bonus
        assert Decimal(str(line["Bonus reduction, RUB"])) == due.penalty
        assert Decimal(str(line["Bonus to pay, RUB"])) == due.total
    assert anna["Bonus to pay, RUB"] == 2265.81  # 77 × 33.33 − 6 × 50.10
    assert boris["Bonus to pay, RUB"] == 0  # held at the floor


def test_days_add_up_to_the_working_days():
    anna, boris = rows(read(workbook(report(lived_month().rows), "en"), values=True), "Totals")[:2]
    assert [anna[key] for key in ("Working days", "Scored", "Excused", "Not scored")] == [21, 20, 0, 1]
    assert [boris[key] for key in ("Working days", "Scored", "Excused", "Not scored")] == [21, 17, 3, 1]


def test_every_formula_carries_the_value_that_recomputing_gives():
    ledger = lived_month()
    ledger.add(BORIS, DAYS[3], EntryKind.ADJUSTMENT, points=-7, author="Вера Главина", reason="Опоздание с отчётом")
    ledger.add(ANNA, date(2026, 10, 30), EntryKind.ADJUSTMENT, points=2, author="Вера Главина", reason="За октябрь")
    kpis = (KpiTotal("7", "won_amount", {"EUR": Decimal("0.10"), "RUB": Decimal("1234567.89")}, 20),)
    for money, language in product((report().money, MoneyTerms(base=Decimal("100.05")), None), ("ru", "en")):
        content = workbook(report(ledger.rows, money=money, kpis=kpis), language)
        formulas, cached = read(content), read(content, values=True)
        count = 0
        for sheet, at, _ in formula_cells(formulas):
            shown, computed = cached[sheet.title][at].value, value(formulas, sheet.title, at)
            if isinstance(shown, int | float):
                assert abs(Decimal(str(shown)) - computed) < Decimal("1e-15"), (sheet.title, at)
            else:
                assert shown == computed, (sheet.title, at)
            count += 1
        assert count > 40


@pytest.mark.parametrize(
    ("terms", "plus", "due"),
    [
        (MoneyTerms(per_point=Decimal("0.10"), cap=None), 3, "0.30"),
        (MoneyTerms(per_point=Decimal("33.33"), cap=Decimal("66.65")), 2, "66.65"),
        (MoneyTerms(base=Decimal(-500), per_point=Decimal(1)), 2, "0"),
        (MoneyTerms(base=Decimal("10.01"), floor=Decimal("12.34"), per_point=Decimal(1)), 2, "12.34"),
        (MoneyTerms(base=Decimal("99999999.99"), per_point=Decimal("0.01"), cap=None), 1, "100000000.00"),
        (MoneyTerms(floor=Decimal(-300), per_point=Decimal(0), base=Decimal(-1000)), 2, "-300"),
    ],
)
def test_payout_is_a_formula_held_between_floor_and_cap(terms, plus, due):
    ledger = Ledger(NOVEMBER)
    for day in DAYS[:plus]:
        ledger.score(ANNA, day, KEPT)
    content = workbook(report(ledger.rows, members=(ANNA,), money=terms), "en")
    line = rows(read(content, values=True), "Totals")[0]
    formula = str(rows(read(content), "Totals")[0]["Bonus to pay, RUB"])
    assert Decimal(str(line["Bonus to pay, RUB"])) == Decimal(due)
    assert "MAX(" in formula
    assert ("MIN(" in formula) == (terms.cap is not None)


def test_the_sum_row_sums_by_formula_and_pools_discipline():
    content = workbook(report(lived_month().rows), "en")
    formulas = rows(read(content), "Totals")[2]
    sums = rows(read(content, values=True), "Totals")[2]
    assert sums["Manager"] == "Total"
    assert formulas["Plus points"] == "=SUM(I2:I3)"
    kept, broken = sums["Rules kept"], sums["Rules broken"]
    assert sums["Discipline, %"] == pytest.approx(kept / (kept + broken))  # type: ignore[operator]


def test_nobody_scored_shows_a_dash_and_not_a_division_by_zero():
    ledger = Ledger(NOVEMBER)
    ledger.day(ANNA, DAYS[0], [EXCUSED] * 4)
    line, *_ = rows(read(workbook(report(ledger.rows, members=(ANNA,)), "ru"), values=True), "Итоги")
    assert line["Дисциплина, %"] == "–"
    assert line["Бонус к выплате, RUB"] == 0


def test_an_empty_team_and_an_empty_period_make_a_whole_workbook():
    empty = report(members=(), workdays=(), rulebooks=())
    book = read(workbook(empty, "en"), values=True)
    assert rows(book, "Totals")[1]["Plus points"] == 0
    assert cover(book)["Managers"] == 0
    assert cover(book)["Days not scored"] is None


def test_a_member_without_entries_is_listed_with_zeroes():
    ledger = Ledger(NOVEMBER)
    ledger.score(ANNA, DAYS[0], KEPT)
    _, boris = rows(read(workbook(report(ledger.rows), "en"), values=True), "Totals")[:2]
    assert (boris["Manager"], boris["Plus points"], boris["Bonus to pay, RUB"]) == (BORIS[1], 0, 0)


def test_who_left_the_team_stays_in_the_export():
    book = read(workbook(report(lived_month().rows, members=(ANNA,)), "en"), values=True)
    assert [line["Manager"] for line in rows(book, "Totals")[:2]] == [ANNA[1], BORIS[1]]


def test_a_team_without_a_course_shows_no_money_at_all():
    content = workbook(report(lived_month().rows, money=None), "ru")
    text = "\n".join(
        str(cell) for sheet in read(content).worksheets for row in sheet.iter_rows(values_only=True) for cell in row
    )
    assert "RUB" not in text
    assert "бонус" not in text.casefold()


def test_reversals_and_corrections_are_inside_plus_and_minus_and_named_beside():
    ledger = Ledger(NOVEMBER)
    broken = ledger.score(ANNA, DAYS[0], BROKEN)
    ledger.reverse(broken, reason="Звонки шли с мобильного")
    ledger.add(ANNA, DAYS[0], EntryKind.CORRECTION, rule="calls_held", outcome=KEPT, author="Вера Главина")
    book = read(workbook(report(ledger.rows), "en"), values=True)
    line = rows(book, "Totals")[0]
    assert [line[key] for key in ("Plus points", "Minus points", "Of them corrections")] == [1, 0, 3]
    assert (line["Rules kept"], line["Rules broken"]) == (1, 0)
    reversal, correction, total = rows(book, "Corrections")
    assert (reversal["Entry"], reversal["Points"], reversal["Reverses no."]) == ("reversal", 2, 1)
    assert (correction["Entry"], correction["Outcome"], correction["Points"]) == ("correction", "kept", 1)
    assert total["Points"] == 3


def test_a_correction_of_last_month_counts_here_but_is_no_day_of_this_month():
    ledger = Ledger(NOVEMBER)
    ledger.score(ANNA, DAYS[0], KEPT)
    ledger.add(ANNA, date(2026, 10, 30), EntryKind.CORRECTION, rule="calls_held", outcome=KEPT, author="Вера Главина")
    book = read(workbook(report(ledger.rows, members=(ANNA,), workdays=DAYS[:1]), "en"), values=True)
    line = rows(book, "Totals")[0]
    assert (line["Total points"], line["Scored"]) == (2, 1)
    assert rows(book, "By day")[0] == {"Manager": ANNA[1], "2026-11-02 00:00:00": 1, "Earlier months": 1, "Total": 2}


def test_by_day_has_a_column_for_every_working_day_and_agrees_with_totals():
    book = read(workbook(report(lived_month().rows), "ru"), values=True)
    head, anna, boris, sums = list(book["По дням"].iter_rows(values_only=True))[:4]
    days: Any = head[1:-1]
    assert [cell.date() for cell in days] == list(DAYS)
    assert anna[1:3] == (1, 4)
    assert anna[6] == boris[6] == "н/д"
    assert boris[11:14] == ("отс",) * 3
    assert [line["Итого баллов"] for line in rows(book, "Итоги")[:3]] == [anna[-1], boris[-1], sums[-1]]


def test_by_rule_counts_outcomes_and_names_who_broke_it_most():
    book = read(workbook(report(lived_month().rows), "en"), values=True)
    by_rule = {line["Rule"]: line for line in rows(book, "By rule")}
    assert list(by_rule) == [*(rule.id for rule in RULES), "Total"]
    overdue = by_rule["overdue_tasks"]
    assert (overdue["Kept"], overdue["Broken"], overdue["Excused"], overdue["No data"]) == (17, 20, 3, 2)
    assert overdue["Broken most by"] == "Борис Примеров (17), Анна Образцова (3)"
    assert by_rule["Total"]["Points"] == rows(book, "Totals")[2]["Total points"]


def test_the_ledger_sheet_has_every_row_with_numbers_as_numbers_and_dates_as_dates():
    ledger = Ledger(NOVEMBER)
    ledger.score(
        ANNA, DAYS[0], BROKEN, "overdue_tasks", value=Decimal(3), bound=Decimal(0), evidence=("task:9", "task:1")
    )
    ledger.score(ANNA, DAYS[0], KEPT, "won", kpi="won_amount", value=Decimal("1200.55"), bound=Decimal(1000))
    book = read(workbook(report(ledger.rows), "en"), values=True)
    first, second = rows(book, "Ledger")
    assert first["Day"] == as_cell("2026-11-02")
    assert first["Booked in"] == as_cell("2026-11-01")
    assert first["Recorded at"] == as_cell("2026-11-02 18:00:05")  # the team's zone
    assert (first["Value"], first["Bound"], first["Points"], first["Evidence"]) == (3, 0, -2, "task:9, task:1")
    assert (first["CRM ID"], first["KPI"], first["Outcome"]) == ("7", "Overdue tasks", "broken")
    assert second["Value"] == 1200.55
    assert book["Ledger"]["B2"].is_date


def test_a_thousand_evidence_keys_are_cut_and_counted():
    ledger = Ledger(NOVEMBER)
    ledger.score(ANNA, DAYS[0], BROKEN, evidence=tuple(f"task:{number}" for number in range(1000)))
    line, *_ = rows(read(workbook(report(ledger.rows), "en")), "Ledger")
    assert str(line["Evidence"]).endswith("task:199 … and 800 more")


def test_the_cover_says_whose_period_it_is_and_what_is_missing_in_it():
    made = report(
        lived_month().rows,
        state=ReportState.LOCKED,
        approved_by="Вера Главина",
        approved_at=datetime.fromisoformat("2026-12-01T06:00:00+00:00"),
        unscored=(UnscoredDay(DAYS[5], Cause.INCOMPLETE, "HTTP 503"), UnscoredDay(DAYS[6])),
        manual_instants=(DAYS[1],),
    )
    lines = cover(read(workbook(made, "ru"), values=True), "Обложка")
    assert lines["Компания"] == "ООО «Пример»"
    assert lines["Период"] == "ноябрь 2026"
    assert lines["Состояние"] == "закрыт"
    assert (lines["Утвердил"], lines["Выгрузил"]) == ("Вера Главина", "Галина Кадрова")
    assert lines["Выгружено"] == as_cell("2026-12-01 10:30")
    assert lines["Контрольная сумма последнего дня"] == "0123456789ab"
    assert lines["За балл в плюс"] == 33.33
    assert lines[as_cell("2026-11-09")] == "CRM ответила не полностью: HTTP 503"
    assert lines[as_cell("2026-11-10")] == "срез не состоялся"
    assert as_cell("2026-11-03") in lines
    assert made.rulebooks[0].rulebook.version in lines


def test_the_cover_shows_the_sums_of_totals():
    book = read(workbook(report(lived_month().rows), "en"), values=True)
    sums, lines = rows(book, "Totals")[2], cover(book)
    assert lines["Plus points"] == sums["Plus points"]
    assert lines["Bonuses to pay"] == sums["Bonus to pay, RUB"]
    assert lines["Of them scored"] == 20


def test_open_disputes_are_counted_and_listed():
    dispute = Dispute(*BORIS, DAYS[20], "calls_held", "Звонки шли с мобильного")
    book = read(workbook(report(lived_month().rows, disputes=(dispute,)), "en"), values=True)
    assert [line["Open disputes"] for line in rows(book, "Totals")[:3]] == [0, 1, 1]
    assert rows(book, "Corrections")[0]["Entry"] == "open dispute"


def test_kpis_stand_beside_with_a_column_for_each_currency():
    kpis = (
        KpiTotal("7", "calls_held", 212, 20),
        KpiTotal("7", "won_amount", {"EUR": Decimal("10.50"), "RUB": Decimal("0.10")}, 20),
        KpiTotal("12", "calls_held", 8, 19),
    )
    anna, boris, sums = rows(read(workbook(report(kpis=kpis), "en"), values=True), "KPIs")
    assert (anna["Calls"], anna["Amount won, EUR"], anna["Amount won, RUB"]) == (212, 10.5, 0.1)
    assert (boris["Days with data"], boris["Amount won, EUR"]) == (19, "n/a")
    assert sums["Calls"] == 220


def test_rules_list_every_version_with_its_days():
    lines = rows(read(workbook(report(), "en")), "Rules")
    assert [line["Rule"] for line in lines] == [rule.id for rule in RULES]
    assert (lines[1]["Condition"], lines[1]["Bound"], lines[1]["When broken"]) == ("at least", 10, -2)
    assert lines[3]["For every N deals"] == 50
    assert lines[0]["First day"] == as_cell("2026-11-01")


OWN_FORMULA = re.compile(r"=(SUM|IF|ROUND|MIN|MAX)\(|=[A-Z]+\d+-[A-Z]+\d+$|=Totals!\$[A-Z]+\$\d+$")
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+7 900 000-00-00",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "<r><t>x</t></r>",
    "</t></si><script>",
    "O'Neil & Co <b>",
    "Иван\x00\x07\x1b \ud800\ufffe",
    "https://example.com",
    "_x0041_",
    "Анна 🚀 محمد",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text_in_every_sheet(text):
    who = ("=7", text)
    ledger = Ledger(NOVEMBER)
    row = ledger.score(who, DAYS[0], BROKEN, rule=text, kpi=text, evidence=(f"{text}:1",))
    ledger.reverse(row, reason=text)
    made = report(
        ledger.rows, members=(who,), company=text, title=text, exported_by=text, approved_by=text, digest=text,
        unscored=(UnscoredDay(DAYS[1], None, text),), disputes=(Dispute(*who, DAYS[0], text, text),),
    )  # fmt: skip
    content = workbook(made, "en")
    book = read(content)
    for sheet in book.worksheets:
        assert not sheet._hyperlinks  # type: ignore[attr-defined]
        for line in sheet.iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.data_type != "f":
                    assert not cell.value.startswith(("=", "+", "-", "@", "\t", "\r", "＝")), (sheet.title, cell)
    assert all(OWN_FORMULA.match(formula) for _, _, formula in formula_cells(book))
    assert not any("externalLink" in name for name in zipfile.ZipFile(io.BytesIO(content)).namelist())


def test_a_cell_never_outgrows_what_excel_keeps():
    ledger = Ledger(NOVEMBER)
    ledger.add(ANNA, DAYS[0], EntryKind.ADJUSTMENT, points=1, author="Вера Главина", reason="я" * 40_000)
    reason = str(rows(read(workbook(report(ledger.rows), "en")), "Ledger")[0]["Reason"])
    assert len(reason) == 32_767
    assert reason.endswith("…")


def test_the_same_report_makes_the_same_bytes_whatever_the_clock_says():
    made = report(lived_month().rows)
    with time_machine.travel("2026-12-01T10:00:00Z", tick=False):
        first = workbook(made, "ru")
    with time_machine.travel("2031-07-05T23:59:59Z", tick=False):
        assert workbook(made, "ru") == first


def test_every_table_prints_on_landscape_a4_with_frozen_headers_and_a_filter():
    book = read(workbook(report(lived_month().rows), "ru"))
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert str(sheet.page_setup.paperSize) == "9"
    for sheet in book.worksheets[1:]:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToWidth in (None, 1)  # one page is the default
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.print_title_rows == "$1:$1"
    assert book["По дням"].freeze_panes == "B2"


def test_three_hundred_managers_over_a_month_make_one_whole_workbook():
    people = [(str(number), f"Менеджер {number:03}") for number in range(300)]
    ledger = Ledger(NOVEMBER)
    for day, who in product(DAYS, people):
        ledger.score(who, day, KEPT if (day.day + int(who[0])) % 3 else BROKEN)
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(report(ledger.rows, members=tuple(people)), "ru")), data_only=True, read_only=True
    )
    table = list(book["Итоги"].iter_rows(values_only=True))
    assert len(table) == 302
    assert table[-1][11] == sum(entry.points for entry in ledger.rows)
    book.close()


def test_a_period_is_named_by_its_own_month():
    october = report(period=Month(2025, 12), workdays=(), members=())
    assert cover(read(workbook(october, "en")))["Period"] == "December 2025"
