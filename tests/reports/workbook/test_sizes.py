"""A month of any company fits into the workbook: the limits of the libraries lie outside it."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.workbook.workbook import csv_twin, workbook
from tests.reports.people import ANNA, BROKEN, NOVEMBER, Ledger, report

LARGEST_TEAM = 300
MOST_ITEMS = 5_000
DAY = date(2026, 11, 19)


def month(people: int, items: int, name: str):
    ledger = Ledger(NOVEMBER)
    members = [(str(100 + number), f"{name} {number}") for number in range(people)]
    for member in members:
        ledger.score(member, DAY, BROKEN, "overdue_tasks", evidence=tuple(f"task:{1000 + at}" for at in range(items)))
        items = min(items, 10)  # the first person has them all
    return report(ledger.rows, members=tuple(members), title=name)


def test_five_thousand_broken_items_of_one_person_are_cut_with_how_many_more():
    book = openpyxl.load_workbook(io.BytesIO(workbook(month(1, MOST_ITEMS, "Анна"), "en")))
    evidence = next(str(row[15].value) for row in book["Ledger"].iter_rows(min_row=2))
    assert evidence.startswith("task:1000, task:1001")
    assert evidence.endswith("and 4,800 more")


@settings(max_examples=6, deadline=None)
@given(
    people=st.sampled_from((1, 2, 50, LARGEST_TEAM)),
    items=st.integers(0, MOST_ITEMS),
    name=st.text(st.sampled_from("Яя&<>=\"' |#ﷺ"), min_size=1, max_size=120),
    language=st.sampled_from(("ru", "en")),
)
def test_a_workbook_is_made_up_to_the_largest_company(people: int, items: int, name: str, language: str):
    made = month(people, items, name)
    assert workbook(made, language)[:2] == b"PK"
    assert len(csv_twin(made, language).splitlines()) == people + 1


def test_a_heading_full_of_ampersands_stays_in_the_page_header():
    made = report(Ledger(NOVEMBER).rows, members=(ANNA,), title="&" * 120)
    book = openpyxl.load_workbook(io.BytesIO(workbook(made, "en")))
    assert "&" in book["Ledger"].oddHeader.left.text
