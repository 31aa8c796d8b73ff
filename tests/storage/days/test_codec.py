"""Readings as plain data and back: exact, also what earlier releases stored."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from scoring.records import Money
from scoring.snapshot import Cause, Evidence, NotAvailable, NotRead, Range, Reading, Spared, Value
from storage.days.codec import readings_from_json, readings_to_json, without_titles

AT = datetime(2026, 11, 19, 15, tzinfo=UTC)
DEAL = Evidence("deal", "1", "Поставка", "https://crm.example/1", Money(Decimal("5.10"), "RUB"), AT)
SPARED = Evidence("deal", "2", "Насосы", "", spared=Spared.INHERITED)
LATE = Evidence("call", "3", "Звонок", "", late=True, since=AT)


@pytest.mark.parametrize(
    "reading",
    [
        Value(1, (DEAL, SPARED)),
        Value(1, (LATE,)),
        Value(12, ids=frozenset({"3", "4"})),
        Value({"RUB": Decimal("5.10")}, (DEAL,)),
        NotAvailable(),
        NotRead(Cause.RIGHTS, "telephony"),
        NotRead(Cause.CHANGED, range=Range(Value(1, (DEAL,)), 3)),
        NotRead(Cause.CHANGED, range=Range(Value({"RUB": Decimal("5.10")}, (DEAL,)), None)),
        NotRead(Cause.CHANGED, range=Range(Value({}), {"RUB": Decimal(7)})),
    ],
)
def test_a_reading_comes_back_as_it_was(reading: Reading) -> None:
    assert readings_from_json(readings_to_json({"kpi": reading})) == {"kpi": reading}


def test_a_reading_of_the_first_release_is_read() -> None:
    stored = {"value": 1, "items": [{"kind": "deal", "id": "1", "title": "", "url": ""}]}
    assert readings_from_json({"kpi": stored, "other": {"not_read": "late", "detail": ""}}) == {
        "kpi": Value(1, (Evidence("deal", "1", "", ""),)),
        "other": NotRead(Cause.LATE),
    }


def test_titles_are_blanked_also_in_a_range() -> None:
    stored = readings_to_json({"kpi": NotRead(Cause.CHANGED, range=Range(Value(1, (DEAL,)), 3))})
    [item] = without_titles(stored)["kpi"]["range"]["low"]["items"]
    assert (item["title"], item["url"], item["id"]) == ("", "", "1")
