"""Describe what is to be counted for a team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from scoring.earlier_runs import EarlierRuns
from scoring.kpi import KpiSettings
from scoring.snapshot import Manager
from scoring.terms.backlog import Backlog
from scoring.workdays import Window, WorkCalendar


@dataclass(frozen=True, slots=True)
class TallySheet:
    """Order the counting for a team: members, window, KPIs and settings."""

    members: Mapping[str, Manager]
    """Managers by CRM user."""
    window: Window
    zone: ZoneInfo
    kpis: tuple[str, ...]
    settings: KpiSettings = field(default_factory=KpiSettings)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Facts of the first CRM user are credited to the second."""
    late_tolerance: timedelta = timedelta(minutes=15)
    calendar: WorkCalendar | None = None
    """Working days of the team; None: every day is a working day of 24 hours."""
    earlier_runs: EarlierRuns = field(default_factory=EarlierRuns)
    """What earlier runs counted."""
    calendars: Mapping[str, WorkCalendar] = field(default_factory=dict)
    """Working days of the users who work otherwise than the team."""
    backlog: Backlog = field(default_factory=Backlog)
    """Records that a launch ignores."""
    named: frozenset[str] = frozenset()
    """Departed members: a new owner must be found for each open deal, so the deals are listed, not only counted."""
    listed: frozenset[str] = frozenset()
    """KPIs with an `at_most` rule: what breaks the rule is listed for every member."""
