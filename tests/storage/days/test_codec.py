"""Readings as plain data and back: exact, also what earlier releases stored."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from scoring.records import Money
from scoring.snapshot import Cause, Evidence, Manager, NotAvailable, NotRead, Range, Reading, Snapshot, Spared, Value
from storage.days.codec import readings_from_json, readings_to_json, without_titles
from storage.journal.days import facts_hash, titles_hash
from storage.values import StoredSnapshot

AT = datetime(2026, 11, 19, 15, tzinfo=UTC)
DEAL = Evidence("deal", "1", "Поставка", "https://crm.example/1", Money(Decimal("5.10"), "RUB"), AT)
SPARED = Evidence("deal", "2", "Насосы", "", spared=Spared.INHERITED)
UNFILLED = Evidence("deal", "4", "Щиты", "", missing_fields=("Бюджет", "Город <доставки>"))
EARLIER_TITLES = "1b785e2de71fad915d6f2026647fcd24f364c94fe47e3f11c193d0d569e77008"
"""Titles of a deal without empty fields, as hashed before evidence had any."""
LATE = Evidence("call", "3", "Звонок", "", late=True, since=AT)


@pytest.mark.parametrize(
    "reading",
    [
        Value(1, (DEAL, SPARED)),
        Value(1, (LATE,)),
        Value(1, (UNFILLED,)),
        Value(3, spared=1),
        NotRead(Cause.CHANGED, range=Range(Value(3, spared=1), 4)),
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


def test_names_of_empty_fields_are_blanked_with_the_title() -> None:
    stored = without_titles(readings_to_json({"kpi": Value(1, (UNFILLED,))}))
    assert readings_from_json(stored) == {"kpi": Value(1, (Evidence("deal", "4", "", ""),))}


def test_the_journal_covers_names_of_empty_fields_with_the_titles_and_nothing_more_without_any() -> None:
    def hashes(*items: Evidence) -> tuple[str, str]:
        snapshot = Snapshot(Manager("7", "Анна"), {"deals_missing_fields": Value(len(items), items)})
        stored = StoredSnapshot(snapshot, absent=False, last={})
        return facts_hash(stored), titles_hash(stored, "salt")

    renamed = msgspec.structs.replace(UNFILLED, missing_fields=("Бюджет",))
    (facts, titles), (facts_renamed, titles_renamed) = hashes(UNFILLED), hashes(renamed)
    assert (facts == facts_renamed, titles == titles_renamed) == (True, False)
    assert hashes(DEAL)[1] == EARLIER_TITLES


def test_titles_are_blanked_also_in_a_range() -> None:
    stored = readings_to_json({"kpi": NotRead(Cause.CHANGED, range=Range(Value(1, (DEAL,)), 3))})
    [item] = without_titles(stored)["kpi"]["range"]["low"]["items"]
    assert (item["title"], item["url"], item["id"]) == ("", "", "1")
