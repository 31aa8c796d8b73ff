"""List the ready reasons of points by hand, and read days and words as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from bot.screens.view import Button, Rows, View
from bot.texts import Texts

PARDON = ("crm", "calls", "data", "failure")
ADJUST = ("help", "newcomer", "extra", "unread", "conduct")
CORRECT = ("data", "done", "client", "failure", "mistake")
"""Keys of ready reasons, ends of text keys `hand-reason-…`."""
OWN = "own"
"""Key of the button for an own reason."""
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{4}))?")


def reason_rows(t: Texts, keys: tuple[str, ...], to: Callable[[str], str]) -> Rows:
    """Make a row for each ready reason and for an own; `to` packs the button of a key."""
    return tuple((Button(reason_of(t, key), to(key)),) for key in (*keys, OWN))


def reason_of(t: Texts, key: str) -> str:
    """Write a ready reason."""
    return t(f"hand-reason-{key}")


def write_view(t: Texts, back: str) -> View:
    """Ask for an own reason as the next message; `back` leads to the ready reasons."""
    return View(t("hand-reason-write"), ((Button(t("back"), back),),))


def parse_day(text: str, today: date) -> date | None:
    """Parse `19.11`, `19.11.2026` or `2026-11-19`; without a year the last such day. None for other texts."""
    try:
        found = _DAY.fullmatch(text)
        if found is None:
            return date.fromisoformat(text) if len(text) == len("2026-11-19") else None
        day, month, year = found.groups()
        if year:
            return date(int(year), int(month), int(day))
        this = date(today.year, int(month), int(day))
        return this if this <= today else this.replace(year=today.year - 1)
    except ValueError:
        return None


def short_day(day: date) -> str:
    """Write a day as `parse_day` reads: `19.11.2026`."""
    return f"{day:%d.%m.%Y}"
