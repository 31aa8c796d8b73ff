"""A row of another form than documented is named, and fails whom it may touch."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crm_clients.errors import CrmNonsense, MalformedRow
from crm_clients.shared.rows import is_amount, sifted_rows, typed_row, typed_rows
from scoring.records import RecordKind, Unreadable


class Row(msgspec.Struct, frozen=True):
    id: int
    owner: int
    title: str


GOOD: dict[str, Any] = {"id": 1, "owner": 7, "title": "Договор"}


def _convert(row: Any) -> Row:
    return typed_row(row, Row, "deals")


def _owner(row: Any) -> str:
    return str(row["owner"]) if isinstance(row.get("owner"), int) else ""


@pytest.mark.parametrize("rows", [None, False, {}, "", 0, {"id": 1}])
def test_what_is_no_list_is_no_empty_list(rows: Any) -> None:
    with pytest.raises(CrmNonsense, match="not a list"):
        typed_rows(rows, Row, "deals")


@pytest.mark.parametrize("bad", [{"title": None}, {"title": 5}, {"owner": "7"}, {"id": None}])
def test_a_row_that_does_not_fit_is_named(bad: dict[str, Any]) -> None:
    with pytest.raises(MalformedRow, match=r"deals: (row 1|a row without an id): "):
        typed_rows([GOOD, {**GOOD, **bad}], Row, "deals")


def test_a_bad_row_of_a_known_owner_fails_that_owner_alone() -> None:
    sifted = sifted_rows([GOOD, {**GOOD, "id": 2, "title": None}], _convert, "deals", RecordKind.DEALS, _owner)
    assert [row.id for row in sifted.rows] == [1]
    (bad,) = sifted.unreadable
    assert bad == Unreadable(RecordKind.DEALS, frozenset({"7"}), bad.reason)
    assert bad.reason.startswith("deals: row 2: ")


@pytest.mark.parametrize("row", [{"id": 2, "title": "Чья?"}, "no row", None, []])
def test_a_bad_row_of_an_unknown_owner_fails_the_kind(row: Any) -> None:
    with pytest.raises(MalformedRow):
        sifted_rows([GOOD, row], _convert, "deals", RecordKind.DEALS, _owner)


@pytest.mark.parametrize(("number", "fits"), [("1e40", False), ("NaN", False), ("-100.07", True), ("0", True)])
def test_a_sum_that_nobody_can_owe_is_none(number: str, fits: bool) -> None:
    assert is_amount(Decimal(number)) is fits
