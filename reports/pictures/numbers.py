"""Write the numbers of the pictures by the language, with a real minus."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal

from reports.labels import Labels


def number(value: float | Decimal, words: Labels) -> str:
    """Write a number with at most two decimals and a real minus: `3`, `−2,35`."""
    return format_decimal(value, "0.##", locale=words.language).replace("-", "−")


def signed(value: float | Decimal, words: Labels) -> str:
    """Write a number with its sign: `+3`, `0`, `−2,35`."""
    return f"+{number(value, words)}" if value > 0 else number(value, words)


def percent(value: Decimal | None, words: Labels) -> str:
    """Write a percentage: `68,4 %`, or a dash."""
    if value is None:
        return words("no-value")
    return words("chart-discipline", value=format_decimal(value, "0.#", locale=words.language))
