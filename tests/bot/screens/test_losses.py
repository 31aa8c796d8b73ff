"""Lost deals in a line, with what the CRM says and does not say of the reasons (docs/product.md §8)."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from bot.screens.losses import losses
from bot.texts import texts
from scoring.records import Money
from scoring.snapshot import Evidence

TEAM: Any = SimpleNamespace(currency="RUB")


def _lost(*reasons: str | None) -> list[Evidence]:
    money = Money(Decimal(400_000), "RUB")
    return [Evidence("deal", str(n), "Поставка", "", money, loss_reason=reason) for n, reason in enumerate(reasons)]


def _line(*reasons: str | None, language: Any = "ru") -> str:
    [line] = losses(texts(language), TEAM, _lost(*reasons))
    return line.replace("\xa0", " ")


def test_reasons_are_counted_the_most_frequent_first_and_no_reason_is_one_of_them():
    assert _line("Дорого", "", "Дорого") == "Проиграно: 3 сделки, 1,2 млн ₽ – Дорого ×2, без причины ×1"
    assert _line("Price", "", language="en") == "Lost: 2 deals, RUB 800K – no reason given ×1, Price ×1"


def test_nobody_is_accused_where_the_crm_names_no_reasons_or_none_were_stored():
    assert _line("", "") == "Проиграно: 2 сделки, 800 тыс. ₽ – причин в CRM нет"
    assert _line(None, None) == "Проиграно: 2 сделки, 800 тыс. ₽"
    assert _line(None, "Дорого") == "Проиграно: 2 сделки, 800 тыс. ₽ – Дорого ×1"
    assert losses(texts("ru"), TEAM, []) == []


def test_many_and_long_reasons_stay_one_line():
    line = _line(*"абвгде", "д" * 300, "<b>")
    assert "другие причины ×4" in line
    assert len(line) < 200
    assert "<b>" not in line
