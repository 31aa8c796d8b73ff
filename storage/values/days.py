"""Hold runs, stored snapshots and finished days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from scoring.entries import Entry
from scoring.rules import Rulebook
from scoring.scorecard import EvidenceKeys, Scorecard, score
from scoring.snapshot import Snapshot
from scoring.workdays import Window


class RunState(StrEnum):
    """Name the states of a run."""

    CLAIMED = "claimed"
    POSTPONED = "postponed"
    """An attempt was given up; the next attempt may start at `retry_at`."""
    FINISHED = "finished"


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
class WonFigures:
    """Hold won deals and amounts of one manager on one day."""

    crm_user: str
    day: date
    deals: int
    amounts: Mapping[str, Decimal]
    """Sums by currency."""
