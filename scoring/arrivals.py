"""Tell which window an event belongs to (docs/product.md §11, Late arrivals; §19, Winning twice)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

from scoring.kpi import Kpi, KpiKind, Scope
from scoring.records import Deal, Owned
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window


class Arrival(Enum):
    """Name the window that an event belongs to, as a run sees the event (docs/product.md §11, Late arrivals)."""

    IN_TIME = "in time"
    """This window."""
    LATE = "late"
    """The window before, whose run did not see the event."""
    ELSEWHERE = "elsewhere"
    """Another window, or counted before."""


class Arrivals:
    """Compare events with the window of a sheet, and with what earlier runs counted."""

    def __init__(self, sheet: TallySheet, scope: Scope) -> None:
        self._sheet = sheet
        self._scope = scope

    @cached_property
    def _scope_before(self) -> Scope:
        """Return the scope of the window before: an event arrives late only if it would have counted there."""
        window = self._sheet.window
        end = window.earlier_end or window.start
        before = Window(window.earlier or end, end)
        return Scope(before, self._sheet.zone, self._sheet.earlier_runs.settings, self._sheet.calendar)

    def is_near(self, at: datetime | None) -> bool:
        """Tell whether an event lies in the window or in the window before."""
        return at is not None and (at in self._sheet.window or self._sheet.window.is_earlier(at))

    def of(self, kpi: Kpi[Any], user: str, record: Owned) -> Arrival:
        """Tell to which window an event belongs for a KPI and a user; a state belongs to this cutoff."""
        if kpi.kind is KpiKind.STATE:
            return Arrival.IN_TIME
        earlier, at = self._sheet.earlier_runs, kpi.since(record, self._scope)
        if at is None or earlier.has_counted(kpi.key, record, at):
            return Arrival.ELSEWHERE
        if at in self._sheet.window:
            return Arrival.IN_TIME
        is_late = self._sheet.window.is_earlier(at) and earlier.is_late_arrival(kpi.key, user, at)
        was_excluded = isinstance(record, Deal) and record.pipeline in earlier.settings.excluded_pipelines
        if not is_late or was_excluded or kpi.is_counted(record, self._scope_before) is False:
            return Arrival.ELSEWHERE
        return Arrival.LATE
