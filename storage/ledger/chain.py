"""Compute the hash chain: the payload of an entry, and a hash over payload and previous hash. Pure."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from typing import Any

from sqlalchemy import Row

from storage.db.models import NO_HASH, LedgerRecord
from storage.db.types import canonical_json, decimal_text, instant_text

__all__ = [
    "DIGEST_LENGTH",
    "NO_HASH",
    "chained",
    "evidence_column",
    "new_salt",
    "new_token",
    "payload_of",
    "reason_hash",
    "repeatable_secrets",
    "states_evidence",
]

DIGEST_LENGTH = 12
"""Hex digits of a hash shown under a group message."""


def payload_of(
    row: LedgerRecord | Row[Any], *, reverses_seq: int | None = None, rulebook: str = "", reason: str | None = None
) -> str:
    """Write all an entry states as canonical JSON: sorted keys, UTC microseconds, no titles, no free text.

    The team stands by id, so that a team can be renamed; the reversed entry by `seq`, the rulebook by version. Author
    and reason stand as a salted hash, so that retention may blank the texts.
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
        "evidence": row.evidence,
        "rulebook": rulebook,
        "reverses": reverses_seq,
        "reason": reason,
        "at": instant_text(row.created_at),
    }
    return canonical_json(content)


def evidence_column(keys: Sequence[str]) -> list[str] | dict[str, Any]:
    """Write evidence keys as number and hash: the keys stand in the snapshot of the run. No keys stay an empty list.

    Rows of earlier releases hold the keys themselves.
    """
    if not keys:
        return []
    return {"count": len(keys), "sha256": hashlib.sha256(canonical_json(list(keys)).encode()).hexdigest()}


def states_evidence(stored: list[str] | dict[str, Any], keys: Sequence[str]) -> bool:
    """Tell whether the evidence of a row, written out or committed to, is these keys."""
    return stored == (list(keys) if isinstance(stored, list) else evidence_column(keys))


def chained(previous: str, payload: str) -> str:
    """Hash the payload of an entry that follows the hash `previous`."""
    return hashlib.sha256(f"{previous}{payload}".encode()).hexdigest()


_random_bytes: ContextVar[Callable[[int], bytes]] = ContextVar("random_bytes", default=secrets.token_bytes)


def new_salt() -> str:
    """Make a random salt, so that a short reason cannot be guessed from the hash."""
    return _random_bytes.get()(16).hex()


def new_token() -> str:
    """Make a random token of 192 bits that fits a link."""
    return urlsafe_b64encode(_random_bytes.get()(24)).decode()


@contextmanager
def repeatable_secrets(seed: int) -> Iterator[None]:
    """Make the same salts and tokens again and again: for the made-up company only, where nothing is secret."""
    made_up = Random(seed)  # noqa: S311  # protects nobody
    token = _random_bytes.set(made_up.randbytes)
    try:
        yield
    finally:
        _random_bytes.reset(token)


def reason_hash(salt: str, author: str, reason: str) -> str:
    """Hash author and reason with a salt."""
    return hashlib.sha256("\0".join((salt, author, reason)).encode()).hexdigest()
