"""Hold teams, managers, people, roles, invites, absences and chats as stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from scoring.terms.circumstances import Half


@dataclass(frozen=True, slots=True)
class Team:
    """Describe a stored team; `id` never changes, `key` may be renamed."""

    id: int
    key: str
    title: str
    connection: str
    scored_from: date
    archived_at: datetime | None = None
    chat_id: int | None = None
    thread_id: int | None = None
    entries: int = 0
    """Number of entries of the team's ledger."""


@dataclass(frozen=True, slots=True)
class Member:
    """Describe a manager: an account in a CRM, and the person behind the account."""

    id: int
    connection: str
    crm_user: str
    name: str
    active: bool = True
    team: str | None = None
    person_id: int | None = None
    telegram_id: int | None = None
    language: str | None = None

    @property
    def connected(self) -> bool:
        """Tell whether the bot can write to the manager."""
        return self.telegram_id is not None


class Role(StrEnum):
    """Name the roles of a person besides manager."""

    ADMIN = "admin"
    HEAD = "head"
    HR = "hr"


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """Hold a role, in one team or (team None) in all teams."""

    role: Role
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Describe a human: chat, language, roles, accounts."""

    id: int
    name: str
    telegram_id: int | None = None
    language: str | None = None
    roles: frozenset[RoleGrant] = frozenset()
    """Roles of the database; the settings add more."""
    managers: tuple[Member, ...] = ()

    @property
    def active(self) -> tuple[Member, ...]:
        """List the accounts that still work."""
        return tuple(manager for manager in self.managers if manager.active)


@dataclass(frozen=True, slots=True)
class Invite:
    """Describe an acceptable invite, with the name to ask about."""

    name: str
    manager: Member | None
    grant: RoleGrant | None
    expires_at: datetime


class AbsenceKind(StrEnum):
    """Name the kinds of absence."""

    VACATION = "vacation"
    SICK = "sick"
    TRIP = "trip"
    DAY_OFF = "day_off"
    OTHER = "other"


class AbsenceState(StrEnum):
    """Name the states of an absence."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Absence:
    """Describe an absence as recorded."""

    id: int
    connection: str
    crm_user: str
    name: str
    team: str | None
    first: date
    last: date
    kind: AbsenceKind
    state: AbsenceState
    half: Half | None = None
    """Of an absence of half a day, with one day as first and last."""
    note: str = ""
    author: str = ""
    created_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Describe a chat and the bot's rights to write there."""

    chat_id: int
    kind: str
    active: bool = True
    reason: str = ""
    migrated_to: int | None = None
    lost_threads: frozenset[int] = frozenset()
    language: str = ""
    """Language of the person's Telegram client at the last message or tap."""
    changed_at: datetime | None = None
    """Instant of the last change, of a chat that is off since when."""
