"""Hold periods, and the findings of `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from scoring.entries import Month


class PeriodState(StrEnum):
    """Name the states of a period."""

    OPEN = "open"
    APPROVED = "approved"
    LOCKED = "locked"


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
class Problem:
    """Describe a finding of `verify`."""

    team: str
    text: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Hold the last events that the digest of a day covers, and so the messages of that day."""

    seq: int
    """Number of the event of the last finished day."""
    at: datetime
    later: int
    """Number of later events of the team."""
    company_seq: int
    """Number of the company's event that the day covers."""
    company_later: int
    """Number of later events of the company."""


@dataclass(frozen=True, slots=True)
class ToldTeam:
    """Hold the place of the company's event that first tells of a team."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """Summarize the verification of a team's ledger and journal."""

    team: str
    entries: int
    days: int
    """Number of days with entries."""
    manual_instants: tuple[date, ...]
    """Days scored with an instant set by hand."""
    problems: tuple[Problem, ...]
    covers_from: date | None = None
    """First day that the journal covers; None: the journal has not begun."""
    last_day: date | None = None
    """Last finished day."""
    digest: str = ""
    """Digest of the last finished day."""
    awaited: tuple[date, ...] = ()
    """Due working days after the last finished day: not scored yet, or cut off."""
    witnessed: Witnessed | None = None
    """Up to which events messages witness the journal; None: no finished day of the journal."""


@dataclass(frozen=True, slots=True)
class CompanyVerification:
    """Summarize the verification of what belongs to no single team."""

    problems: tuple[Problem, ...]
    blanked_before: datetime | None
    """Retention blanked texts older than this instant."""
    teams_told: Mapping[int, ToldTeam] = field(default_factory=dict)
    """First event that tells of each team, by id."""
    last_event: int = 0
    """Number of the last event of the company's journal."""
    begun: datetime | None = None
    """Instant of the first event of the company's journal; None: no journal."""
