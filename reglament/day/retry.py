"""Decide whether a day waits for a further reading of the CRM, and until when (docs/product.md §5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crm_clients.errors import CrmError
from reglament.day.claims import TeamDay
from reglament.day.missing import still_missing
from reglament.day.read import is_refusal
from reglament.process import Process
from scoring.kpis import Capability
from scoring.snapshot import Cause
from storage.values import StoredSnapshot

FIRST_RETRY = timedelta(seconds=30)
"""Pause after the first attempt; each later pause is twice as long."""
LAST_RETRY = timedelta(minutes=5)
"""Longest pause between two attempts."""


def retry_deadline(process: Process, day: TeamDay) -> datetime:
    """Return the instant after which the day is settled with the KPIs read so far."""
    first = day.run.first_attempt_at
    if process.started_at is not None:
        first = max(first, process.started_at)
    return first + timedelta(minutes=day.team.retry_minutes)


def next_attempt(process: Process, day: TeamDay) -> datetime:
    """Return the instant of the next attempt: pauses double up to five minutes and end at the deadline."""
    pause: timedelta = min(FIRST_RETRY * 2 ** min(day.lease.attempt - 1, 10), LAST_RETRY)
    return min(process.now() + pause, retry_deadline(process, day))


def is_worth_waiting(process: Process, day: TeamDay, stored: Sequence[StoredSnapshot], error: CrmError | None) -> bool:
    """Tell whether a further attempt before the deadline may still read a KPI that can be scored."""
    lacking = still_missing(item.snapshot for item in stored)
    if not stored and error and error.cause is not Cause.RIGHTS:
        lacking = day.run.rulebook.counted  # no member is known yet whose day could be unread
    if is_refusal(error) or not lacking or process.now() >= retry_deadline(process, day):
        return False
    tolerance = timedelta(minutes=day.team.late_tolerance_minutes)
    if process.now() <= day.run.window.cutoff + tolerance:
        return True
    capabilities = process.connections.client(day.team.crm).capabilities
    return any(capabilities.get(key) is Capability.REBUILDABLE for key in lacking)
