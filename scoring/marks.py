"""Find the next mark that a manager can reach: a clean day, the break-even, the own best (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from scoring.entries import Entry, in_force
from scoring.scorecard import Outcome
from scoring.standings import streaks


class MarkKind(StrEnum):
    """Name the marks, nearest first."""

    CLEAN_DAY = "clean_day"
    """A day without a broken rule."""
    BREAK_EVEN = "break_even"
    """A month with as many plus points as minus points."""
    OWN_BEST = "own_best"
    """The manager's longest streak of clean days."""


@dataclass(frozen=True, slots=True)
class NextMark:
    """Hold the next mark and what separates the manager from it."""

    kind: MarkKind
    gap: int
    """Rules of the day, points of the month, or clean days in a row."""


def next_mark(entries: Sequence[Entry], day: date, points: int) -> NextMark | None:
    """Choose the nearest mark not reached on `day`; None for a manager who has reached all.

    `entries` are the manager's entries of the days in which the own best is looked for, `points` those of the month.
    """
    until = [entry for entry in entries if entry.day <= day]
    broken = sum(entry.day == day and entry.outcome is Outcome.BROKEN for entry in in_force(until))
    if broken:
        return NextMark(MarkKind.CLEAN_DAY, broken)
    if points < 0:
        return NextMark(MarkKind.BREAK_EVEN, -points)
    lengths = streaks(until)
    gap = max(lengths) - lengths[-1]
    return NextMark(MarkKind.OWN_BEST, gap) if gap else None
