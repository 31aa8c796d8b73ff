"""Tell how many decimals a currency has: two for most, none for the yen, three for the dinar of Kuwait (ISO 4217)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision


def decimals_of(currency: str) -> int:
    """Return the decimals of a currency; two for a name that is no ISO code."""
    return get_currency_precision(currency)


def to_minor_unit(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the minor unit of the currency, with all of its decimals."""
    return amount.quantize(Decimal(1).scaleb(-decimals_of(currency)), ROUND_HALF_UP)
