"""Translate re-checks to stored JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from scoring.appeals.proofs import Proof, ProofReason, Verdict
from storage.db.types import decimal_text
from storage.values import Recheck


def recheck_to_json(recheck: Recheck) -> dict[str, Any]:
    """Translate a re-check to plain data: ids, verdicts and instants, no titles."""
    return {
        "at": recheck.at.isoformat(),
        "proofs": [_proof_to_json(proof) for proof in recheck.proofs],
        "value": None if recheck.value is None else decimal_text(recheck.value),
        "additions": list(recheck.additions),
        "problem": recheck.problem,
    }


def _proof_to_json(proof: Proof) -> dict[str, Any]:
    return {
        "key": proof.key,
        "verdict": proof.verdict.value,
        "reason": None if proof.reason is None else proof.reason.value,
        "at": None if proof.at is None else proof.at.isoformat(),
        "field": proof.field,
    }


def recheck_from_json(data: Mapping[str, Any] | None) -> Recheck | None:
    """Read a stored re-check; None for an appeal that was not re-checked."""
    if data is None:
        return None
    return Recheck(
        at=datetime.fromisoformat(data["at"]),
        proofs=tuple(map(_proof_from_json, data["proofs"])),
        value=None if data["value"] is None else Decimal(data["value"]),
        additions=tuple(data["additions"]),
        problem=data["problem"],
    )


def _proof_from_json(data: Mapping[str, Any]) -> Proof:
    return Proof(
        key=data["key"],
        verdict=Verdict(data["verdict"]),
        reason=None if data["reason"] is None else ProofReason(data["reason"]),
        at=None if data["at"] is None else datetime.fromisoformat(data["at"]),
        field=data["field"],
    )
