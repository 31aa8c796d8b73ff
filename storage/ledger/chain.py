"""The hash chain: what an entry says, and the hash that covers it and all before it. Pure."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

from storage.db.models import NO_HASH, LedgerRecord
from storage.db.types import canonical_json, decimal_text

__all__ = ["DIGEST_LENGTH", "NO_HASH", "chained", "new_salt", "payload_of", "reason_hash"]

DIGEST_LENGTH = 12
"""Hex digits of a hash that stand under a group message."""


def payload_of(
    row: LedgerRecord, *, reverses_seq: int | None = None, rulebook: str = "", reason: str | None = None
) -> str:
    """Canonical JSON of all an entry says: sorted keys, UTC microseconds, ids only, no free text.

    It names the team by its id, so that a team can be renamed; what it reverses by `seq`, its rulebook by version, its
    author and reason by a salted hash, so that they may be blanked.
    """
    content: dict[str, Any] = {
        "team": row.team_id,
        "seq": row.seq,
        "kind": row.kind,
        "run": row.run_id,
        "manager": row.manager_id,
        "crm_user": row.crm_user,
        "day": row.day.isoformat(),
        "booked_in": row.booked_in,
        "rule": row.rule,
        "kpi": row.kpi,
        "outcome": row.outcome,
        "points": row.points,
        "side": row.side,
        "value": None if row.value is None else decimal_text(row.value),
        "bound": None if row.bound is None else decimal_text(row.bound),
        "evidence": list(row.evidence),
        "rulebook": rulebook,
        "reverses": reverses_seq,
        "reason": reason,
        "at": _instant(row.created_at),
    }
    return canonical_json(content)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def chained(previous: str, payload: str) -> str:
    """The hash of an entry that follows one with the hash `previous`."""
    return hashlib.sha256(f"{previous}{payload}".encode()).hexdigest()


def new_salt() -> str:
    """Random, so that a short reason cannot be guessed from its hash."""
    return secrets.token_hex(16)


def reason_hash(salt: str, author: str, reason: str) -> str:
    """What the ledger keeps of who and why."""
    return hashlib.sha256("\0".join((salt, author, reason)).encode()).hexdigest()
