"""What a button says when it is tapped: short, versioned, at most 64 bytes; never a right by itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

VERSION = "3"


class Action(StrEnum):
    """What a tap asks for."""

    EVENING = "ev"
    """team, day, CRM user, page: the evening message with all its evidence (page 0: shortened)."""
    TODAY = "td"
    """team, page: as if the cutoff were now (page 0: shortened, read again if the reading is old)"""
    RULES = "ru"
    """team"""
    ACCEPT = "ok"
    """token: yes, that is me"""
    DECLINE = "no"
    LANGUAGE = "la"
    """language"""
    ME = "me"
    """team, CRM user, month: history by day, in place"""
    DAY = "dy"
    """team, day, CRM user, page: somebody's day as a message of its own"""
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
    LIVE = "lv"
    """team, page: everybody as if the cutoff were now"""
    EXPORT = "ex"
    """team, month, format"""
    PICTURE = "pi"
    """team, `w` or `m`, first day, and of one person his CRM user: the trend of that week or month"""
    BIND = "bi"
    """team"""
    LEFT = "lf"
    """team, number of the notice, page: what somebody left behind (page 0: shortened)"""
    HERE = "he"
    """Whoever wrote `/bind` in the group's name shows himself."""
    INVITE = "in"
    """team: make new links"""
    STAY = "st"
    """A button that only shows where one is."""


class Part(StrEnum):
    """Which side of the week or month is shown."""

    ALL = "a"
    PEOPLE = "p"
    RULES = "r"
    DEALS = "d"


@dataclass(frozen=True, slots=True)
class Callback:
    """A tapped button."""

    action: Action
    values: tuple[str, ...] = ()

    def day(self, index: int) -> date:
        """A value as a date. Raises ValueError for anything else."""
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
    Action.STAY: "",
}
"""Values in their order; one with a question mark may be missing. The longest of each fits into 64 bytes."""


def kinds(action: Action) -> list[str]:
    """What its values are, without the question marks."""
    return [kind.rstrip("?") for kind in SHAPES[action].split()]


def mark(crm_user: str) -> str:
    """A CRM user in a button: CRMs' own ids may be of any length and hold anything."""
    return base64.urlsafe_b64encode(hashlib.blake2b(crm_user.encode(), digest_size=9).digest()).decode()


def pack(action: Action, *values: object) -> str:
    """The data of a button."""
    told = [str(value) for value in values]
    told = [mark(value) if kind == "user" else value for kind, value in zip(kinds(action), told, strict=False)]
    return ":".join([VERSION, action.value, *told])


def unpack(data: str | None) -> Callback | None:
    """What was tapped; None for a button of another version."""
    version, _, rest = (data or "").partition(":")
    action, *values = rest.split(":")
    if version != VERSION or action not in set(Action):
        return None
    return Callback(Action(action), tuple(values))
