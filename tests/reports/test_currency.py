"""Money has as many decimals as its currency, in messages and on paper."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.texts import texts
from reports.currency import decimals_of, to_minor_unit
from reports.workbook.table import Style, money_style


@pytest.mark.parametrize(
    ("amount", "currency", "ru", "en"),
    [
        ("1200", "RUB", "1 200 ₽", "RUB 1,200"),
        ("1200.5", "RUB", "1 200,50 ₽", "RUB 1,200.50"),
        ("0.005", "RUB", "0,01 ₽", "RUB 0.01"),
        ("1200", "JPY", "1 200 ¥", "¥1,200"),
        ("1200.5", "JPY", "1 201 ¥", "¥1,201"),
        ("1.25", "KWD", "1,250 KWD", "KWD 1.250"),
        ("-1.2505", "KWD", "−1,251 KWD", "−KWD 1.251"),
        ("10.5", "руб", "10,50 руб", "руб10.50"),
    ],
)
def test_money_is_written_with_the_decimals_of_the_currency(amount: str, currency: str, ru: str, en: str) -> None:
    assert texts("ru").money(Decimal(amount), currency).replace("\u00a0", " ") == ru
    assert texts("en").money(Decimal(amount), currency).replace("\u00a0", " ") == en


@pytest.mark.parametrize(
    ("currency", "decimals", "style"),
    [
        ("RUB", 2, Style.MONEY),
        ("JPY", 0, Style.MONEY_WHOLE),
        ("KWD", 3, Style.MONEY_THREE),
        ("", 2, Style.MONEY),
        ("руб", 2, Style.MONEY),
    ],
)
def test_the_workbook_has_the_decimals_of_the_currency(currency: str, decimals: int, style: Style) -> None:
    assert (decimals_of(currency), money_style(currency)) == (decimals, style)
    assert to_minor_unit(Decimal("2.5555"), currency) == {0: 3, 2: Decimal("2.56"), 3: Decimal("2.556")}[decimals]
