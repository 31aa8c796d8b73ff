"""Format texts by language: Fluent messages, plural forms, dates, numbers, money."""

from __future__ import annotations

import html
import importlib.resources
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal
from fluent.runtime import FluentBundle, FluentResource

from reports.currency import decimals_of, to_minor_unit
from reports.fluent import format_message
from reports.labels import kpi_texts
from scoring.entries import Month

Language = Literal["ru", "en"]
MOST_THOUSANDS = 4
"""Powers of a thousand that have a word: up to trillions."""
LANGUAGES: tuple[Language, ...] = ("ru", "en")
LONGEST_TITLE = 70
"""Characters of a title or of a problem in a line."""
MINUS = "−"
"""The minus sign: a hyphen is easily overlooked beside a number."""
_CODE_BEFORE_NUMBER = re.compile(r"(?<=[A-Za-z])(?=[-\d])")
"""The place between a currency code and a number, where CLDR wants a space."""
_ISOLATE, _POP, _JOINER = "\u2068", "\u2069", "\u200d"
_RIGHT_TO_LEFT = (("\u0590", "\u08ff"), ("\u200e", "\u200f"), ("\u202a", "\u202e"), ("\ufb1d", "\ufefc"))
"""Ranges of characters that run from right to left; such names are isolated, or the line would turn around."""


def language_of(code: str | None, otherwise: Language) -> Language:
    """Return the language for a client's language code."""
    short = (code or "").split("-")[0].lower()
    return next((language for language in LANGUAGES if language == short), otherwise)


class Texts:
    """Format the texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._bundle = FluentBundle([language], use_isolating=False)
        folder = importlib.resources.files("bot") / "locales" / language
        for file in sorted(folder.iterdir(), key=lambda item: item.name):
            if file.name.endswith(".ftl"):
                self._bundle.add_resource(FluentResource(file.read_text(encoding="utf-8")))
        self._bundle.add_resource(FluentResource(kpi_texts(language)))

    def __call__(self, key: str, **values: Any) -> str:
        """Format the message `key`. Raises KeyError for an unknown key, ValueError for a missing argument."""
        if not self._bundle.has_message(key):
            raise KeyError(f"{self.language}: no text {key!r}")
        pattern = self._bundle.get_message(key).value
        assert pattern is not None  # noqa: S101  # none of ours has attributes alone
        text, errors = format_message(self._bundle, pattern, values)
        if errors:
            raise ValueError(f"{self.language}: {key}: {errors[0]}")
        return text

    def has(self, key: str) -> bool:
        """Return whether there is a message `key`."""
        return self._bundle.has_message(key)

    # Numbers

    def number(self, value: int | Decimal) -> str:
        """Write `1 234,5`, with a real minus sign."""
        return format_decimal(value, locale=self.language).replace("-", MINUS)

    def signed(self, value: int | Decimal) -> str:
        """Write with the sign: `+2`, `−2`, `0`."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def points(self, value: int, *, signed: bool = False) -> str:
        """Write `2 балла`, `−1 балл`, `+21 балл`."""
        return self("points", n=abs(value), shown=self.signed(value) if signed else self.number(value))

    def percent(self, value: Decimal | None) -> str:
        """Write `85,7 %`; a dash for None."""
        return "–" if value is None else self("percent", shown=self.number(value.normalize() + 0))

    def money(self, amount: Decimal, currency: str) -> str:
        """Write `1 200,50 ₽`, without empty kopecks, with as many decimals as the currency has: `1,250 KWD`."""
        exact = to_minor_unit(amount, currency)
        digits = 0 if exact == exact.to_integral_value() else decimals_of(currency)
        return self._priced(exact, currency, f"0.{'0' * digits}" if digits else "0")

    def rounded(self, amount: Decimal, currency: str) -> str:
        """Write a sum to three significant digits, with a word: `49,5 млн ₽`, `RUB 815K`, `850 ₽`."""
        short = _three_digits(amount)
        power = min(max(short.adjusted(), 0) // 3, MOST_THOUSANDS)
        word = f"'{self(f'thousands-{power}')}'" if power else ""
        return self._priced(short.scaleb(-3 * power), currency, f"0.##{word}")

    def _priced(self, amount: Decimal, currency: str, decimals: str) -> str:
        """Write an amount with the currency, `decimals` in place of the locale's `0.00`."""
        pattern = Locale.parse(self.language).currency_formats["standard"].pattern.replace("0.00", decimals)
        text = format_currency(amount, currency, pattern, locale=self.language, currency_digits=False)
        return _CODE_BEFORE_NUMBER.sub("\u00a0", text).replace("-", MINUS)

    def sums(self, amounts: Mapping[str, Decimal], first: str) -> str:
        """Write the sum of the currency `first`, rounded, and count the other currencies: nothing is converted."""
        told = {currency: amount for currency, amount in amounts.items() if amount} or amounts
        if not told:
            return ""
        shown = min(told, key=lambda currency: (currency != first, currency))
        text = self.rounded(told[shown], shown)
        return f"{text} {self('other-currencies', n=len(told) - 1)}" if len(told) > 1 else text

    def whole_sums(self, amounts: Mapping[str, Decimal], first: str) -> str:
        """Write the exact sum of every currency, `first` before the others: `585 000 ₽ + 22 200 $`."""
        told = {currency: amount for currency, amount in amounts.items() if amount} or {first: Decimal(0)}
        ordered = sorted(told, key=lambda currency: (currency != first, currency))
        return " + ".join(self.money(told[currency], currency) for currency in ordered)

    # Dates

    def weekday(self, day: date) -> str:
        """Write `среда, 19 ноября`, `Wednesday, November 19`."""
        return format_date(day, "EEEE, d MMMM" if self.language == "ru" else "EEEE, MMMM d", locale=self.language)

    def day(self, day: date) -> str:
        """Write `19 ноября`."""
        return format_date(day, "d MMMM" if self.language == "ru" else "MMMM d", locale=self.language)

    def full_day(self, day: date) -> str:
        """Write `19 ноября 2026`."""
        return format_date(day, "d MMMM y" if self.language == "ru" else "MMMM d, y", locale=self.language)

    def short_day(self, day: date) -> str:
        """Write `чт 19.11`, `Thu, Nov 19`."""
        return format_date(day, "EEE d.MM" if self.language == "ru" else "EEE, MMM d", locale=self.language)

    def month(self, month: Month) -> str:
        """Write `ноябрь 2026`."""
        return format_date(month.first, "LLLL y", locale=self.language)

    def month_name(self, month: Month) -> str:
        """Write `ноябрь`."""
        return format_date(month.first, "LLLL", locale=self.language)

    def clock(self, instant: datetime, zone: ZoneInfo) -> str:
        """Write `18:00` in the team's zone."""
        return f"{instant.astimezone(zone):%H:%M}"

    def moment(self, instant: datetime, zone: ZoneInfo) -> str:
        """Write `19.11, 16:30` in the team's zone; `19.11` for midnight sharp, a date without a time."""
        local = instant.astimezone(zone)
        day = format_date(local, "d.MM" if self.language == "ru" else "MMM d", locale=self.language)
        return f"{day}, {local:%H:%M}" if (local.hour, local.minute) != (0, 0) else day

    def span(self, first: date, last: date) -> str:
        """Write `16 – 19 ноября`, `November 16 – 19`."""
        if first == last:
            return self.day(first)
        if first.month == last.month:
            return f"{first.day} – {self.day(last)}" if self.language == "ru" else f"{self.day(first)} – {last.day}"
        return f"{self.day(first)} – {self.day(last)}"

    # Lists

    def listed(self, items: Iterable[str]) -> str:
        """Write `Анна, Пётр и Вера`."""
        return format_list(list(items), locale=self.language)

    def first_of(self, items: Sequence[str], most: int, *, rest: str = "and-others") -> str:
        """Write the first items, and count the rest by the message `rest`: `Анна, Пётр и ещё 3`."""
        text, more = ", ".join(items[:most]), len(items) - most
        return f"{text} {self(rest, n=more)}" if more > 0 else text


def _three_digits(amount: Decimal) -> Decimal:
    """Round to three significant digits, half up."""
    if not amount:
        return Decimal(0)
    return amount.quantize(Decimal(1).scaleb(amount.adjusted() - 2), ROUND_HALF_UP)


@cache
def texts(language: Language) -> Texts:
    """Return the texts of a language, read once."""
    return Texts(language)


def safe(text: str) -> str:
    """Prepare foreign text for HTML: escaped, one line, isolated in the writing direction."""
    printable = "".join(char if char.isprintable() or char == _JOINER else " " for char in text)
    escaped = html.escape(" ".join(printable.split()), quote=False)
    return f"{_ISOLATE}{escaped}{_POP}" if _turns(escaped) else escaped


def shortened(text: str, longest: int = LONGEST_TITLE) -> str:
    """Cut a text with … at the cut, so that a page of such texts stays one message."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def shortened_name(text: str, longest: int) -> str:
    """Cut a text as `shortened` does, before the CRM id at its end that tells namesakes apart."""
    words, sign, number = text.rpartition(" #")
    if not words or 2 * len(number) > longest:
        return shortened(text, longest)
    return f"{shortened(words, longest - len(sign + number))}{sign}{number}"


def capitalized(text: str) -> str:
    """Return the text with a capital letter at the start, the rest as written."""
    return f"{text[:1].upper()}{text[1:]}"


def _turns(text: str) -> bool:
    """Return whether the text holds characters that run from right to left."""
    return any(first <= char <= last for char in text for first, last in _RIGHT_TO_LEFT)
