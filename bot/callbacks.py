"""What a button says when it is tapped: short, versioned, at most 64 bytes; never a right by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

VERSION = "1"
LIMIT = 64


class Action(StrEnum):
    """What a tap asks for."""

    EVENING = "ev"
    """team, day, CRM user, page: the evening message with all its evidence (page 0: shortened)."""
    RULES = "ru"
    """team"""
    ACCEPT = "ok"
    """token: yes, that is me"""
    DECLINE = "no"
    LANGUAGE = "la"
    """language"""
    ME = "me"
    """team, month: history by day"""
    WEEK = "wk"
    """team, day, part, page"""
    MONTH = "mo"
    """team, day, part, page"""
    WHO = "wh"
    """team, CRM user"""
    TEAM = "tm"
    """command, team: the answer to "which team?" """
    STAFF = "sf"
    """team, page: everybody as of the last run"""
    EXPORT = "ex"
    """team, month, format"""
    PICTURE = "pi"
    """team, what"""
    BIND = "bi"
    """team"""
    INVITE = "in"
    """team: make new links"""
    STAY = "st"
    """A button that only shows where one is."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A tapped button."""

    action: Action
    values: tuple[str, ...] = ()

    def day(self, index: int) -> date:
        """A value as a date. Raises ValueError for anything else."""
        return date.fromisoformat(self.values[index])


def pack(action: Action, *values: object) -> str:
    """The data of a button. Raises ValueError if it would not fit."""
    data = ":".join([VERSION, action.value, *(str(value) for value in values)])
    if len(data.encode()) > LIMIT:
        raise ValueError(f"callback data is too long: {action}")
    return data


def unpack(data: str | None) -> Callback | None:
    """What was tapped; None for a button of another version."""
    version, _, rest = (data or "").partition(":")
    action, *values = rest.split(":")
    if version != VERSION or action not in set(Action):
        return None
    return Callback(Action(action), tuple(values))
