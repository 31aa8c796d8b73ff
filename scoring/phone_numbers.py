"""Shorten phone numbers of clients: the last four digits are all that is kept and shown (docs/product.md §3)."""

from __future__ import annotations

import re

KEPT_DIGITS = 4
_NUMBER = re.compile(r"(?<![\w+])(?:\+\d|(?:8|7)(?=[\s(-]*9?\d{2}))[\d\s()-]{8,18}\d(?!\w)")
"""A number with a country code (`+49 …`), or as people write numbers in Russia (`8 (912) …`, `7912…`)."""
_SHORTEST, _LONGEST = 10, 15
"""Digits of a whole number, by ITU-T E.164."""
_RUSSIAN = 11


def last_digits(phone: str) -> str:
    """Shorten a number to `…4567`; empty without a digit."""
    digits = _digits_of(phone)
    return f"…{digits[-KEPT_DIGITS:]}" if digits else ""


def hide_numbers(text: str) -> str:
    """Shorten the phone numbers that stand in a text, such as a deal named after an incoming call."""
    return _NUMBER.sub(lambda found: _shortened(found[0]), text)


def _shortened(number: str) -> str:
    count = len(_digits_of(number))
    is_phone = _SHORTEST <= count <= _LONGEST if number.startswith("+") else count == _RUSSIAN
    return last_digits(number) if is_phone else number


def _digits_of(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())
