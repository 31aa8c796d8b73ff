"""What the values of each button look like: data that nobody made is a stale button, never an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum

from bot.callbacks import Action, Callback, Part
from scoring.entries import Month


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _of(words: type[StrEnum]) -> Callable[[str], bool]:
    return lambda text: text in set(words)


def _of_this_century(make: Callable[[str], object]) -> Callable[[str], bool]:
    """Pages before and after it must exist, too."""

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
    "token": _like(r"[\w-]{1,64}"),
    "part": _of(Part),
    "period": _like(r"[wm]"),
    "word": _like(r"[a-z]{1,16}"),
    "user": bool,
}

SHAPES: Mapping[Action, str] = {
    Action.EVENING: "team day user page",
    Action.TODAY: "team page",
    Action.RULES: "team",
    Action.ACCEPT: "token",
    Action.DECLINE: "",
    Action.LANGUAGE: "word",
    Action.ME: "team user month",
    Action.DAY: "team day user page",
    Action.WEEK: "team day part page",
    Action.MONTH: "team day part page",
    Action.WHO: "team user",
    Action.TEAM: "word team",
    Action.STAFF: "team page",
    Action.LIVE: "team page",
    Action.EXPORT: "team month word",
    Action.PICTURE: "team period day user?",
    Action.BIND: "team",
    Action.HERE: "",
    Action.INVITE: "team",
    Action.STAY: "",
}
"""Values in their order; one with a question mark may be missing."""


def fits(tapped: Callback) -> bool:
    """Whether the values are what this button carries."""
    kinds = SHAPES[tapped.action].split()
    needed = sum(not kind.endswith("?") for kind in kinds)
    if not needed <= len(tapped.values) <= len(kinds):
        return False
    return all(_KINDS[kind.rstrip("?")](value) for kind, value in zip(kinds, tapped.values, strict=False))
