"""What storage gives out besides the values of `scoring`: frozen, neutral, without sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from scoring.entries import Entry, Month
from scoring.rules import Rulebook
from scoring.scorecard import EvidenceKeys, Scorecard, score
from scoring.snapshot import Snapshot
from scoring.workdays import Window
from storage.messages.notices import Notice


class RunState(StrEnum):
    """How far a team's day has come."""

    CLAIMED = "claimed"
    POSTPONED = "postponed"
    """An attempt was given up; the next one may start at `retry_at`."""
    FINISHED = "finished"


class DeliveryState(StrEnum):
    """How far a message has come."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    """The request went out, no answer came; not repeated."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class PeriodState(StrEnum):
    """How final a month is."""

    OPEN = "open"
    APPROVED = "approved"
    LOCKED = "locked"


class AbsenceKind(StrEnum):
    """Why a manager is excused."""

    VACATION = "vacation"
    SICK = "sick"
    TRIP = "trip"
    DAY_OFF = "day_off"


class AbsenceState(StrEnum):
    """Whether the head agreed."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """What a person may do besides being scored."""

    ADMIN = "admin"
    HEAD = "head"
    HR = "hr"


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role, in one team or (team None) in all."""

    role: Role
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """A team as stored; `id` never changes, `key` may be renamed."""

    id: int
    key: str
    title: str
    connection: str
    scored_from: date
    archived_at: datetime | None = None
    chat_id: int | None = None
    thread_id: int | None = None
    entries: int = 0
    """The length of its ledger."""


@dataclass(frozen=True, slots=True)
class Member:
    """A manager record: an account in a CRM, and the person behind it."""

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
        """Whether the bot can write to him."""
        return self.telegram_id is not None


@dataclass(frozen=True, slots=True)
class Person:
    """A human with chat, language, roles and his accounts."""

    id: int
    name: str
    telegram_id: int | None = None
    language: str | None = None
    roles: frozenset[RoleGrant] = frozenset()
    """Those of the database; the settings add theirs."""
    managers: tuple[Member, ...] = ()

    @property
    def active(self) -> tuple[Member, ...]:
        """His accounts that still work."""
        return tuple(manager for manager in self.managers if manager.active)


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite that can be accepted, and the name to ask about."""

    name: str
    manager: Member | None
    grant: RoleGrant | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """Days of absence as recorded."""

    id: int
    connection: str
    crm_user: str
    name: str
    team: str | None
    first: date
    last: date
    kind: AbsenceKind
    state: AbsenceState
    note: str = ""
    author: str = ""
    created_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One team's business day as stored."""

    id: int
    team: str
    day: date
    connection: str
    window: Window
    rulebook: Rulebook
    state: RunState
    attempts: int
    first_attempt_at: datetime
    retry_at: datetime | None = None
    kept_at: datetime | None = None
    """When the last snapshots were kept."""
    finished_at: datetime | None = None
    rehearsed: bool = False
    requests: int = 0
    seconds: Decimal | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    """KPI → why it was not read."""
    problem: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class RunLease:
    """A claim on a run. Whoever took it over has a higher attempt; the old hold then does nothing more."""

    run_id: int
    team: str
    owner: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot with all else that judging it needs."""

    snapshot: Snapshot
    absent: bool = False
    last: EvidenceKeys = field(default_factory=dict)

    def score(self, rulebook: Rulebook) -> Scorecard:
        """The scorecard, the same every time."""
        return score(self.snapshot, rulebook, absent=self.absent, last=self.last)


@dataclass(frozen=True, slots=True)
class Day:
    """A team's day: its run, what was read, how it was judged, what stands in the ledger."""

    run: Run
    cards: tuple[Scorecard, ...]
    """Recomputed from what was kept, in order of names; titles included. Corrections are in `entries` only."""
    absent: frozenset[str]
    """CRM users who were excused."""
    entries: tuple[Entry, ...]
    """Every row about this day, corrections too."""

    def card(self, crm_user: str) -> Scorecard | None:
        """One manager's scorecard."""
        return next((card for card in self.cards if card.manager.crm_user == crm_user), None)


@dataclass(frozen=True, slots=True)
class Period:
    """A month of a team."""

    team: str
    month: Month
    state: PeriodState = PeriodState.OPEN
    approved_by: str | None = None
    approved_at: datetime | None = None
    changed_since: bool = False
    """Something was booked into it after it was approved."""
    locked_by: str | None = None
    locked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way or arrived."""

    id: int
    event: str
    kind: str
    recipient: str
    notice: Notice | None
    """None: retention blanked the content, or this version cannot read it."""
    state: DeliveryState
    attempts: int = 0
    interrupted: int = 0
    not_before: datetime | None = None
    chat_id: int | None = None
    message_ids: tuple[int, ...] = ()
    problem: str = ""
    carried_by: int | None = None
    created_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A chat as Telegram lets us use it."""

    chat_id: int
    kind: str
    active: bool = True
    reason: str = ""
    migrated_to: int | None = None
    lost_threads: frozenset[int] = frozenset()
    language: str = ""
    """Of the person's client, when he last wrote or tapped."""


@dataclass(frozen=True, slots=True)
class WonFigures:
    """What one manager won on one day."""

    crm_user: str
    day: date
    deals: int
    amounts: Mapping[str, Decimal]
    """By currency."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that `verify` found."""

    team: str
    text: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` looked at and found in one team's ledger."""

    team: str
    entries: int
    days: int
    """Days with entries."""
    rehearsed: tuple[date, ...]
    """Days scored with an instant given by hand."""
    problems: tuple[Problem, ...]
