"""Check the values of tapped buttons: forged or outdated data is a stale button, never an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum

from bot.telegram.callbacks import SHAPES, Callback, Part, kinds
from scoring.entries import Month


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _of(words: type[StrEnum]) -> Callable[[str], bool]:
    return lambda text: text in set(words)


def _of_this_century(make: Callable[[str], object]) -> Callable[[str], bool]:
    """Check dates of this century only: the pages before and after must exist too."""

    def fits(text: str) -> bool:
        try:
            make(text)
        except ValueError:
            return False
        return text.startswith("20")

    return fits


_KINDS: Mapping[str, Callable[[str], bool]] = {
    "team": _like(r"[a-z][a-z0-9_]{0,23}"),
    "day": _of_this_century(date.fromisoformat),
    "month": _of_this_century(Month.parse),
    "page": _like(r"\d{1,4}"),
    "number": _like(r"\d{1,18}"),
    "token": _like(r"[\w-]{1,64}"),
    "part": _of(Part),
    "period": _like(r"[wm]"),
    "word": _like(r"[a-z]{1,16}"),
    "user": _like(r"[\w-]{12}"),
    "kpi": _like(r"[\w-]{12}"),
}


def fits(tapped: Callback) -> bool:
    """Return whether the values fit the schema of the button."""
    shape = SHAPES[tapped.action].split()
    needed = sum(not kind.endswith("?") for kind in shape)
    if not needed <= len(tapped.values) <= len(shape):
        return False
    return all(_KINDS[kind](value) for kind, value in zip(kinds(tapped.action), tapped.values, strict=False))
