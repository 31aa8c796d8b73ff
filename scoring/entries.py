"""Describe entries of the ledger as all packages but storage see them (docs/product.md §6)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from scoring.scorecard import Outcome


class EntryKind(StrEnum):
    """Name the reason why an entry was written."""

    SCORE = "score"
    """A rule on a day, written by the run."""
    REVERSAL = "reversal"
    """The opposite of the named entry."""
    CORRECTION = "correction"
    """The right entry in place of a reversed entry."""
    ADJUSTMENT = "adjustment"
    """By hand, with author and reason."""


class Side(StrEnum):
    """Name the sum that an entry belongs to. A reversal stays on the side of the reversed entry."""

    PLUS = "plus"
    MINUS = "minus"

    @classmethod
    def of(cls, points: int) -> Side:
        """Return the side of an entry that is no reversal."""
        return cls.MINUS if points < 0 else cls.PLUS


@dataclass(frozen=True, slots=True)
class Month:
    """Hold a period: a calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month of a day."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-11`. Raises ValueError for another form."""
        year, _, month = text.partition("-")
        written_right = len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit()
        if not written_right or not (1 <= int(month) <= 12 and int(year) >= 1):
            raise ValueError(f"a period is written like 2026-11, not {text!r}")
        return cls(int(year), int(month))

    @property
    def first(self) -> date:
        """Return the first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Return the last day."""
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    @property
    def next(self) -> Month:
        """Return the next month."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> Month:
        """Return the previous month."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold an entry of a team's ledger. Points carry their sign; totals are sums of points."""

    seq: int
    team: str
    kind: EntryKind
    crm_user: str
    name: str
    """The manager's name today."""
    day: date
    """The day that the entry is about."""
    booked_in: Month
    """Period that the entry counts in, fixed at writing."""
    rule: str
    """Rule id; empty for an adjustment."""
    kpi: str
    outcome: Outcome | None
    points: int
    side: Side
    value: Decimal | None = None
    bound: Decimal | None = None
    evidence: tuple[str, ...] = ()
    """Evidence keys, `kind:id`."""
    rulebook: str = ""
    reverses: int | None = None
    """`seq` of the reversed entry."""
    author: str = ""
    reason: str = ""
    created_at: datetime | None = None
    hash: str = ""


def in_force(entries: Iterable[Entry]) -> list[Entry]:
    """Select the entries in force: neither reversed nor reversals.

    A reversal that was reversed brings the first entry back.
    """
    rows = list(entries)
    reversed_by = {(row.team, row.reverses): row for row in rows if row.reverses is not None}

    def holds(row: Entry) -> bool:
        held, reversal = True, reversed_by.get((row.team, row.seq))
        while reversal is not None:
            held, reversal = not held, reversed_by.get((reversal.team, reversal.seq))
        return held

    return [row for row in rows if row.kind is not EntryKind.REVERSAL and holds(row)]


def net(entries: Iterable[Entry]) -> tuple[int, int]:
    """Add up plus and minus points, net of reversals; minus counts the points taken away as a positive number.

    Either may be negative where a row of an earlier period was reversed in this one.
    """
    plus = minus = 0
    for row in entries:
        if row.side is Side.PLUS:
            plus += row.points
        else:
            minus -= row.points
    return plus, minus
