"""Compare a CRM's clock with ours."""

from __future__ import annotations

from datetime import timedelta

from crm_clients.base import Finding, Severity

TOLERANCE = timedelta(minutes=1)
"""A smaller difference moves no record to another day."""


def clock_findings(skew: timedelta | None, crm: str) -> list[Finding]:
    """Warn if the CRM's clock is more than TOLERANCE ahead of ours or behind; `skew`: how far ahead, None if untold."""
    if skew is None or abs(skew) <= TOLERANCE:
        return []
    word = "ahead of" if skew > timedelta(0) else "behind"
    text = f"{crm}'s clock is {abs(skew).total_seconds():.0f} s {word} ours: set both by NTP"
    return [Finding(Severity.WARNING, "clock", text)]
