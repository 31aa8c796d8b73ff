"""Describe what a team's earlier runs counted, as far as the next count depends on that (docs/product.md §11, §19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scoring.kpi import KpiSettings
from scoring.records import Deal, DealState, Owned
from scoring.workdays import Window

CLOSED_AGAIN_DAYS = 14
"""Days after a counted win or loss within which the same deal does not count again."""


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """Hold the evidence of the run before, wins and losses of 14 days, and records spared once. Users are CRM ids."""

    settings: KpiSettings = field(default_factory=KpiSettings)
    """Settings of the run before: an event that did not count then does not arrive late now."""
    read: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Users whose value was read in the run before, by KPI."""
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of the events that the run before counted for any member, by KPI."""
    window: Window | None = None
    """Window of the run before."""
    closed: Mapping[DealState, Mapping[str, datetime]] = field(default_factory=dict)
    """Instant of the last counted win or loss, by state and id of the deal."""
    holders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """User by id of the record that broke the KPI in the run before, by KPI of a state."""
    spared: frozenset[tuple[str, str, str]] = frozenset()
    """KPI, user and id of the record for each grace that was given to a new owner in an earlier run."""

    def has_counted(self, kpi: str, record: Owned, at: datetime | None) -> bool:
        """Tell whether an event counted before: the same record, or a win or loss of the deal within 14 days."""
        if isinstance(record, Deal) and at is not None:
            closed = self.closed.get(record.state, {}).get(record.id)
            if closed is not None and at - closed < timedelta(days=CLOSED_AGAIN_DAYS):
                return True
        return record.id in self.counted.get(kpi, ())

    def is_late_arrival(self, kpi: str, user: str, at: datetime) -> bool:
        """Tell whether an event of the window before, not counted there, counts now: the KPI was read for the user."""
        return user in self.read.get(kpi, ()) and (self.window is None or at in self.window)

    def is_inherited(self, kpi: str, user: str, record: str, aliases: Mapping[str, str]) -> bool:
        """Tell whether a record broke the KPI for another member before, and `user` was not spared for it yet."""
        holder = self.holders.get(kpi, {}).get(record)
        holder = None if holder is None else aliases.get(holder, holder)
        return holder is not None and holder != user and (kpi, user, record) not in self.spared
