"""Hold runs, stored snapshots and finished days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import overload

from scoring.entries import Entry
from scoring.names import alphabetical, told_apart
from scoring.rules import Rulebook
from scoring.scorecard import Scorecard, score
from scoring.snapshot import Evidence, Manager, Snapshot
from scoring.terms.circumstances import NONE, Circumstances, EvidenceKeys
from scoring.workdays import Window


class RunState(StrEnum):
    """Name the states of a run."""

    CLAIMED = "claimed"
    POSTPONED = "postponed"
    """An attempt was given up; the next attempt may start at `retry_at`."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """Name a team's business day and the rulebook that judges the day."""

    team: str
    connection: str
    day: date
    rulebook: Rulebook


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

    @property
    def judged_day(self) -> JudgedDay:
        """Return the business day of the run."""
        return JudgedDay(self.team, self.connection, self.day, self.rulebook)


@dataclass(frozen=True, slots=True)
class RunDates:
    """Name a run with its day and instants."""

    id: int
    day: date
    cutoff: datetime
    finished_at: datetime | None
    """None: not finished."""


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
    circumstances: Circumstances = NONE

    def score(self, rulebook: Rulebook, day: date) -> Scorecard:
        """Score the snapshot of a day, with the same result every time."""
        return score(self.snapshot, rulebook, day, self.circumstances, absent=self.absent, last=self.last)


class Scorecards(Sequence[Scorecard]):
    """Hold the scorecards of a day; each is scored from the stored snapshot at the first look, and kept.

    The first message of an evening needs one manager's evidence, not the whole team's.
    """

    __slots__ = ("_cards", "_day", "_places", "_rulebook", "_stored")

    def __init__(self, stored: Sequence[StoredSnapshot], rulebook: Rulebook, day: date) -> None:
        """Keep the snapshots of a day and the rulebook that judges them."""
        self._stored, self._rulebook, self._day = stored, rulebook, day
        self._places = {item.snapshot.manager.crm_user: place for place, item in enumerate(stored)}
        self._cards: dict[int, Scorecard] = {}

    def find(self, crm_user: str) -> Scorecard | None:
        """Return the scorecard of a manager; no other manager is scored."""
        place = self._places.get(crm_user)
        return None if place is None else self[place]

    def told_apart(self) -> Scorecards:
        """Return the scorecards by the alphabet, names that look alike told apart."""
        names = told_apart({item.snapshot.manager.crm_user: item.snapshot.manager.name for item in self._stored})
        named = [
            replace(item, snapshot=Snapshot(Manager(user, names[user]), item.snapshot.readings))
            for item in self._stored
            for user in [item.snapshot.manager.crm_user]
        ]
        named.sort(key=lambda item: (alphabetical(item.snapshot.manager.name), item.snapshot.manager.crm_user))
        return Scorecards(named, self._rulebook, self._day)

    @overload
    def __getitem__(self, place: int) -> Scorecard: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Scorecard, ...]: ...
    def __getitem__(self, place: int | slice) -> Scorecard | tuple[Scorecard, ...]:
        """Score a snapshot, or a slice."""
        if isinstance(place, slice):
            return tuple(map(self._card, range(len(self))[place]))
        return self._card(range(len(self))[place])

    def _card(self, place: int) -> Scorecard:
        if place not in self._cards:
            self._cards[place] = self._stored[place].score(self._rulebook, self._day)
        return self._cards[place]

    def __len__(self) -> int:
        """Count the managers."""
        return len(self._stored)


@dataclass(frozen=True, slots=True)
class Day:
    """Describe a finished day of a team: run, scorecards, absences, ledger entries."""

    run: Run
    cards: Scorecards
    """Scorecards recomputed from stored snapshots, by name, titles included, with the absences in force today.

    Other corrections stand in `entries` only.
    """
    absent: frozenset[str]
    """CRM users excused on the day."""
    entries: tuple[Entry, ...]
    """All entries about the day, corrections included, without evidence: `cards` have that."""

    def card(self, crm_user: str) -> Scorecard | None:
        """Find the scorecard of a manager."""
        return self.cards.find(crm_user)


@dataclass(frozen=True, slots=True)
class LostDeal:
    """Hold a deal that one manager lost, on the day that counted the loss."""

    crm_user: str
    day: date
    item: Evidence


@dataclass(frozen=True, slots=True)
class WonFigures:
    """Hold won deals and amounts of one manager on one day."""

    crm_user: str
    day: date
    deals: int
    amounts: Mapping[str, Decimal]
    """Sums by currency."""
