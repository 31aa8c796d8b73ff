"""Which messages exist, about what, and for whom: shared by the process that orders them and the bot that writes them.

A delivery is unique by (event, kind, recipient). `event` names what it is about, `recipient` for whom; the chat is
looked up when it is sent, because it may have moved or been bound meanwhile.
"""

from __future__ import annotations

from enum import StrEnum


class DeliveryKind(StrEnum):
    """What a message is; its text is made when it is sent."""

    PERSONAL = "personal"
    """The evening message of one manager. reference: team, day, crm_user; `earlier`: caught-up days, a line each."""
    BOARD = "board"
    """The group's leaderboard after the cutoff; never edited. reference: team, day."""
    DIGEST = "digest"
    """The head's digest after the cutoff. reference: team, day."""
    REMINDER = "reminder"
    """Before the cutoff, to who would lose points. reference: team, day, crm_user, and its `readings` (`codec`)."""
    CORRECTION = "correction"
    """The short reply under an evening message that was edited. reference: team, day, crm_user, seq."""
    DELAYED = "delayed"
    """The CRM is down, the score comes later; to heads. reference: team, day, retry_until, problem."""
    NO_DATA = "no_data"
    """What could not be read until the deadline; to heads and admins. reference: team, day."""
    ALARM = "alarm"
    """The CRM refuses us until somebody acts; to admins. reference: team, day, connection, problem."""
    DEPARTED = "departed"
    """Somebody left the CRM; his open deals need a new owner; to heads. reference: team, day, crm_user, name, and if
    that day's reading told, what he left behind as `readings` (`codec`)."""
    CHANNEL_OFF = "channel_off"
    """A chat that cannot be reached any more; once, to heads, of a head to admins. reference: team, all its `teams`,
    `whose` it was, name (empty: only the chat's number is known), chat, reason."""


class Whose(StrEnum):
    """What a chat is to a team."""

    MANAGER = "manager"
    HEAD = "head"
    GROUP = "group"


def run_event(run_id: int) -> str:
    """The event of a team's business day; by the run's id, which outlives a renamed team."""
    return f"run:{run_id}"


def to_person(person_id: int) -> str:
    """A person, in the chat he is connected with when it is sent."""
    return f"person:{person_id}"


def to_telegram(telegram_id: int) -> str:
    """A Telegram user whom the settings name; he need not be known to the database."""
    return f"tg:{telegram_id}"


def to_group(team: str) -> str:
    """The group or topic that gets the team's leaderboard (settings, else /bind)."""
    return f"group:{team}"
