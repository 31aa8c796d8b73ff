"""Hold who books points by hand, and what the acts read and wrote."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.entries import Entry
from scoring.scorecard import Outcome


@dataclass(frozen=True, slots=True)
class PointsAuthor:
    """Describe who pardons, adjusts or corrects."""

    name: str
    """As ledger, audit log and export name the author."""
    is_owner: bool = False
    """Owners go beyond `adjust_limit`, correct to broken and confirm pardons."""
    person_id: int | None = None
    """The person, where known; else the name tells an own act."""


@dataclass(frozen=True, slots=True)
class RuleOfDay:
    """Describe how a rule of a manager's day is judged now."""

    rule: str
    kpi: str
    outcome: Outcome
    """Outcome in force; `excused` where all entries were reversed."""
    seq: int
    """Last entry about the rule: another entry since means another judgement."""
    first: int
    """Entry in force, else the score of the day: what a correction names."""
    holds: bool
    """Whether `first` is in force."""

    @property
    def is_judged(self) -> bool:
        """Tell whether the rule was kept or broken on the day, before corrections too."""
        return self.outcome in (Outcome.KEPT, Outcome.BROKEN) or not self.holds


@dataclass(frozen=True, slots=True)
class PointsAct:
    """Hold the entries that an act wrote."""

    entries: tuple[Entry, ...] = ()
    is_known: bool = False
    """The same was done before; nothing was written."""
    own_left: int = 0
    """Broken rules of the author that wait for the owner's word."""

    @property
    def points(self) -> int:
        """Add up the points of the entries."""
        return sum(entry.points for entry in self.entries)
