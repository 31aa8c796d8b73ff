"""Pack and unpack the data of buttons: short, versioned, at most 64 bytes; never a right."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

VERSION = "3"


class Action(StrEnum):
    """Name the actions of buttons; each docstring lists the values."""

    EVENING = "ev"
    """team, day, CRM user, page: the evening message with all evidence (page 0: shortened)."""
    TODAY = "td"
    """team, page: as at the cutoff if nothing changes (page 0: shortened, read again if the reading is old)."""
    RULES = "ru"
    """team"""
    ACCEPT = "ok"
    """token: accept the invite."""
    DECLINE = "no"
    LANGUAGE = "la"
    """language"""
    ME = "me"
    """team, CRM user, month: history by day, in place."""
    DAY = "dy"
    """team, day, CRM user, page: a manager's day as a new message."""
    WEEK = "wk"
    """team, day, part, page"""
    MONTH = "mo"
    """team, day, part, page"""
    WHO = "wh"
    """team, CRM user"""
    TEAM = "tm"
    """command, team: the team picked for a command."""
    STAFF = "sf"
    """team, page: all managers as of the last run."""
    LIVE = "lv"
    """team, page: all managers as at the cutoff if nothing changes."""
    EXPORT = "ex"
    """team, month, format"""
    PICTURE = "pi"
    """team, `w` or `m`, first day, optional CRM user: the trend of a week or month."""
    BIND = "bi"
    """team"""
    LEFT = "lf"
    """team, delivery id, page: deals and tasks of a departed manager (page 0: shortened)."""
    HERE = "he"
    """The anonymous administrator who wrote `/bind` tells the user id by a tap."""
    INVITE = "in"
    """team: make new links."""
    LIST = "li"
    """connection, number of the question: confirm a list that shrank."""
    ZERO = "ze"
    """team, KPI, `kept` or `absent`: whether a KPI that is zero for everybody is kept in the CRM."""
    STAY = "st"
    """A button that only shows the position."""


class Part(StrEnum):
    """Name the parts of a week or month."""

    ALL = "a"
    PEOPLE = "p"
    RULES = "r"
    DEALS = "d"


@dataclass(frozen=True, slots=True)
class Callback:
    """Hold the action and the values of a tapped button."""

    action: Action
    values: tuple[str, ...] = ()

    def day(self, index: int) -> date:
        """Return a value as a date. Raises ValueError for any other value."""
        return date.fromisoformat(self.values[index])


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
    Action.LEFT: "team number page",
    Action.HERE: "",
    Action.INVITE: "team",
    Action.LIST: "team number",
    Action.ZERO: "team kpi word",
    Action.STAY: "",
}
"""Values of each action in order; a value with a question mark may be missing. The longest data has 64 bytes."""


def kinds(action: Action) -> list[str]:
    """Return the kinds of an action's values, without question marks."""
    return [kind.rstrip("?") for kind in SHAPES[action].split()]


MARKED = frozenset({"user", "kpi"})
"""Kinds of value that a button carries as a mark: CRM ids may hold any character, keys of KPIs may be long."""


def mark(value: str) -> str:
    """Return the mark of a CRM user or a KPI in a button, always 12 characters."""
    return base64.urlsafe_b64encode(hashlib.blake2b(value.encode(), digest_size=9).digest()).decode()


def pack(action: Action, *values: object) -> str:
    """Return the data of a button."""
    told = [str(value) for value in values]
    told = [mark(value) if kind in MARKED else value for kind, value in zip(kinds(action), told, strict=False)]
    return ":".join([VERSION, action.value, *told])


def unpack(data: str | None) -> Callback | None:
    """Return the tapped button; None for a button of another version."""
    version, _, rest = (data or "").partition(":")
    action, *values = rest.split(":")
    if version != VERSION or action not in set(Action):
        return None
    return Callback(Action(action), tuple(values))
