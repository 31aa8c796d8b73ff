"""The payroll twin of Totals, as Excel of each language opens it."""

import csv
import io
from decimal import Decimal

from reports.workbook.period import manager_totals
from reports.workbook.workbook import csv_twin
from scoring.payout import MoneyTerms
from tests.reports.people import ANNA, BORIS, BROKEN, KEPT, NOVEMBER, Ledger, days_of, report

DAYS = days_of(NOVEMBER)


def parsed(content: bytes, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def month() -> Ledger:
    ledger = Ledger(NOVEMBER)
    for day in DAYS[:8]:
        ledger.score(ANNA, day, KEPT)
        ledger.score(BORIS, day, BROKEN)
    ledger.score(ANNA, DAYS[8], BROKEN)
    return ledger


def test_russian_payroll_gets_semicolons_and_decimal_commas():
    content = csv_twin(report(month().rows), "ru")
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    anna, boris = parsed(content, ";")
    assert anna["За баллы в плюс, RUB"] == "266,64"
    assert anna["Снижение бонуса, RUB"] == "100,20"
    assert anna["Бонус к выплате, RUB"] == "166,44"
    assert anna["Дисциплина, %"] == "88,9"
    assert (boris["Итого баллов"], boris["Бонус к выплате, RUB"]) == ("-16", "0,00")


def test_english_payroll_gets_commas_and_decimal_points():
    anna, _ = parsed(csv_twin(report(month().rows), "en"), ",")
    assert (anna["Manager"], anna["CRM ID"], anna["Bonus to pay, RUB"]) == (ANNA[1], "7", "166.44")


def test_there_is_no_sum_row_that_an_import_would_take_for_a_person():
    made = report(month().rows)
    assert len(parsed(csv_twin(made, "en"), ",")) == len(manager_totals(made)) == 2


def test_money_is_exact_where_floats_are_not():
    ledger = Ledger(NOVEMBER)
    for day in DAYS[:3]:
        ledger.score(ANNA, day, KEPT)
    terms = MoneyTerms(base=Decimal("90071992547409.93"), per_point=Decimal("0.10"), cap=None)
    line, *_ = parsed(csv_twin(report(ledger.rows, money=terms), "en"), ",")
    assert line["Bonus to pay, RUB"] == "90071992547410.23"


def test_names_that_look_like_formulas_or_break_lines_are_neutralised():
    people = (("1", "=HYPERLINK(1)"), ("2", 'О"Нил; и, Ко\r\nзлой'), ("3", "@x"), ("-4", "Егор"))
    for language, delimiter in (("ru", ";"), ("en", ",")):
        lines = parsed(csv_twin(report(members=people, money=None), language), delimiter)
        names = {next(iter(line.values())) for line in lines}
        assert names == {"'=HYPERLINK(1)", 'О"Нил; и, Ко злой', "'@x", "Егор"}
        assert "'-4" in {list(line.values())[1] for line in lines}


def test_a_team_without_a_course_has_no_money_columns_and_unscored_discipline_is_empty():
    line, *_ = parsed(csv_twin(report(money=None), "ru"), ";")
    assert not any("RUB" in title for title in line)
    assert line["Дисциплина, %"] == ""


def test_the_same_report_makes_the_same_bytes():
    made = report(month().rows)
    assert csv_twin(made, "ru") == csv_twin(made, "ru")
