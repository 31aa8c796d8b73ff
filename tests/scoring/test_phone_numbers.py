"""Of a client's phone number only the last four digits are kept and shown (docs/product.md §3)."""

from __future__ import annotations

import pytest

from scoring.phone_numbers import hide_numbers, last_digits


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("+7 912 345-67-89", "…6789"),
        ("Входящий +7(912)3456789 от Анны", "Входящий …6789 от Анны"),
        ("8 (912) 345-67-89", "…6789"),
        ("79123456789 - Входящий звонок", "…6789 - Входящий звонок"),
        ("Перезвонить: +49 30 1234567, +44 20 7946 0958", "Перезвонить: …4567, …0958"),
        ("8-800-555-35-35", "…3535"),
    ],
)
def test_a_number_in_a_title_is_shortened(text: str, kept: str) -> None:
    assert hide_numbers(text) == kept
    assert hide_numbers(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Поставка 120 насосов",
        "ИНН 7712345678",
        "Сумма 8 500 000 000 руб",
        "+7 1 000",
        "2026-11-19 18:00",
        "№ 12345678901",
    ],
)
def test_a_number_that_is_no_phone_stays(text: str) -> None:
    assert hide_numbers(text) == text


@pytest.mark.parametrize(("phone", "kept"), [("+7 912 345-67-89", "…6789"), ("112", "…112"), ("аноним", ""), ("", "")])
def test_a_call_is_named_by_the_last_four_digits(phone: str, kept: str) -> None:
    assert last_digits(phone) == kept
