"""Find the KPIs that a snapshot lacks and say why (pure; docs/product.md §4)."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.kpis import DEALS_MISSING_FIELDS, LOST_WITHOUT_REASON
from scoring.snapshot import Cause, Manager, NotAvailable, NotRead, Reading, Snapshot

CAUSES = {
    Cause.INCOMPLETE: "the CRM did not give all of it in time",
    Cause.LATE: "read too late after the cutoff, and this CRM does not tell how it was then",
    Cause.CHANGED: "changed after the cutoff in a field without history",
    Cause.UNKNOWN_USER: "the CRM does not know this user",
    Cause.RIGHTS: "the key may not see it",
    Cause.MALFORMED: "a record has an unexpected form",
    Cause.UNANSWERED: "zero for everybody for 20 working days; `reglament answer` tells whether it is kept here",
    Cause.NOT_ASKED: "was not read",
}

UNSET = {
    DEALS_MISSING_FIELDS: "nobody has said which fields are required (required_fields)",
    LOST_WITHOUT_REASON: "nobody has said which field holds the loss reason (loss_reason_field)",
}
"""Causes of KPIs that only a setting of the connection is missing for."""


def unread_snapshot(manager: Manager, kpis: Iterable[str], reason: NotRead) -> Snapshot:
    """Make the snapshot of a manager without data, with the same reason for every KPI."""
    return Snapshot(manager, dict.fromkeys(kpis, reason))


def still_missing(snapshots: Iterable[Snapshot]) -> tuple[str, ...]:
    """List the KPIs that a further attempt could still read: not read in full for at least a single manager."""
    return tuple(
        sorted(
            {
                key
                for snapshot in snapshots
                for key, reading in snapshot.readings.items()
                if isinstance(reading, NotRead) and reading.cause is Cause.INCOMPLETE
            }
        )
    )


def lacking_rights(snapshots: Iterable[Snapshot]) -> dict[str, str]:
    """Tell by KPI which right the key lacks."""
    return {
        key: reading.detail
        for snapshot in snapshots
        for key, reading in snapshot.readings.items()
        if isinstance(reading, NotRead) and reading.cause is Cause.RIGHTS
    }


def missing(snapshots: Iterable[Snapshot]) -> dict[str, str]:
    """Explain by KPI why readings are absent, naming managers unless all lack the KPI (`missing` in docs/json.md)."""
    every = list(snapshots)
    reasons: dict[str, dict[str, list[str]]] = {}
    for snapshot in every:
        for key, reading in snapshot.readings.items():
            text = _reason(key, reading)
            if text:
                reasons.setdefault(key, {}).setdefault(text, []).append(snapshot.manager.crm_user)
    return {
        key: "; ".join(
            text if len(users) == len(every) else f"{text} ({', '.join(users)})" for text, users in by.items()
        )
        for key, by in reasons.items()
    }


def _reason(kpi: str, reading: Reading) -> str:
    if isinstance(reading, NotAvailable):
        return UNSET.get(kpi, "not available in this CRM")
    if isinstance(reading, NotRead):
        return f"{CAUSES[reading.cause]}: {reading.detail}" if reading.detail else CAUSES[reading.cause]
    return ""
