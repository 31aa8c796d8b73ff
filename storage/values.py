"""Hold the results of storage besides the values of `scoring`: frozen, neutral, without sessions."""

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
    """Name the states of a run."""

    CLAIMED = "claimed"
    POSTPONED = "postponed"
    """An attempt was given up; the next attempt may start at `retry_at`."""
    FINISHED = "finished"


class DeliveryState(StrEnum):
    """Name the states of a delivery."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    """The request went out, no answer came; not repeated."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class PeriodState(StrEnum):
    """Name the states of a period."""

    OPEN = "open"
    APPROVED = "approved"
    LOCKED = "locked"


class AbsenceKind(StrEnum):
    """Name the kinds of absence."""

    VACATION = "vacation"
    SICK = "sick"
    TRIP = "trip"
    DAY_OFF = "day_off"


class AbsenceState(StrEnum):
    """Name the states of an absence."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"


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
    note: str = ""
    author: str = ""
    created_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Describe a run: one team's business day."""

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
    """Instant at which the last snapshots were stored."""
    finished_at: datetime | None = None
    manual_instant: bool = False
    requests: int = 0
    seconds: Decimal | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    """Reason by KPI that was not read."""
    problem: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class RunLease:
    """Hold a claim on a run. After a takeover the attempt is higher, and the old lease changes nothing any more."""

    run_id: int
    team: str
    owner: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """Hold a snapshot with everything else that scoring needs."""

    snapshot: Snapshot
    absent: bool = False
    last: EvidenceKeys = field(default_factory=dict)

    def score(self, rulebook: Rulebook) -> Scorecard:
        """Score the snapshot, with the same result every time."""
        return score(self.snapshot, rulebook, absent=self.absent, last=self.last)


@dataclass(frozen=True, slots=True)
class Day:
    """Describe a finished day of a team: run, scorecards, absences, ledger entries."""

    run: Run
    cards: tuple[Scorecard, ...]
    """Scorecards recomputed from stored snapshots, by name, titles included; corrections stand in `entries` only."""
    absent: frozenset[str]
    """CRM users excused on the day."""
    entries: tuple[Entry, ...]
    """All entries about the day, corrections included."""

    def card(self, crm_user: str) -> Scorecard | None:
        """Find the scorecard of a manager."""
        return next((card for card in self.cards if card.manager.crm_user == crm_user), None)


@dataclass(frozen=True, slots=True)
class Period:
    """Describe a period: a month of a team."""

    team: str
    month: Month
    state: PeriodState = PeriodState.OPEN
    approved_by: str | None = None
    approved_at: datetime | None = None
    changed_since: bool = False
    """Entries were booked into the period after the approval."""
    locked_by: str | None = None
    locked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Describe a message to be sent or sent."""

    id: int
    event: str
    kind: str
    recipient: str
    notice: Notice | None
    """None: retention blanked the content, or this version cannot read the content."""
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
    """Describe a chat and the bot's rights to write there."""

    chat_id: int
    kind: str
    active: bool = True
    reason: str = ""
    migrated_to: int | None = None
    lost_threads: frozenset[int] = frozenset()
    language: str = ""
    """Language of the person's Telegram client at the last message or tap."""


@dataclass(frozen=True, slots=True)
class WonFigures:
    """Hold won deals and amounts of one manager on one day."""

    crm_user: str
    day: date
    deals: int
    amounts: Mapping[str, Decimal]
    """Sums by currency."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Describe a finding of `verify`."""

    team: str
    text: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """Summarize the verification of a team's ledger."""

    team: str
    entries: int
    days: int
    """Number of days with entries."""
    manual_instants: tuple[date, ...]
    """Days scored with an instant set by hand."""
    problems: tuple[Problem, ...]
