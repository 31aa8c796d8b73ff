"""Describe how a person works: days or shifts, share of a full day, first scored day, role (docs/product.md §12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

FULL = Decimal(1)


@dataclass(frozen=True, slots=True)
class Cycle:
    """Hold shifts: `on` days of work, then `off` days without work, counted from a date."""

    start: date
    on: int
    off: int

    def is_on(self, day: date) -> bool:
        """Tell whether a day is a day of work; days before the start are, as the team's calendar says."""
        return day < self.start or (day - self.start).days % (self.on + self.off) < self.on


@dataclass(frozen=True, slots=True)
class Employment:
    """Hold the terms on which the rules judge a person; the default is a full day on every day of the team."""

    weekdays: tuple[int, ...] | None = None
    """Days of work, 0 is Monday; None: those of the team."""
    cycle: Cycle | None = None
    share: Decimal = FULL
    """Part of a full day, above 0 and at most 1."""
    since: date | None = None
    """First scored day; None: the working day after the person was first seen."""
    role: str = ""
    """Role profile that rules may name."""

    @property
    def has_own_days(self) -> bool:
        """Tell whether the days of work are not simply the team's."""
        return self.weekdays is not None or self.cycle is not None

    def is_at_work(self, day: date) -> bool:
        """Tell whether the schedule has the person at work on a working day of the team."""
        if self.cycle is not None:
            return self.cycle.is_on(day)
        return self.weekdays is None or day.weekday() in self.weekdays

    def to_json(self) -> dict[str, Any]:
        """Write plain data that msgspec converts back."""
        cycle, since = self.cycle, self.since
        return {
            "weekdays": None if self.weekdays is None else sorted(self.weekdays),
            "cycle": cycle and {"start": cycle.start.isoformat(), "on": cycle.on, "off": cycle.off},
            "share": format(self.share.normalize(), "f"),
            "since": since and since.isoformat(),
            "role": self.role,
        }


Employments = Mapping[str, Employment]
"""Terms by CRM user, for the people whose terms are not the default."""
