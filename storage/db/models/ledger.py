"""Define the tables of ledger entries, reasons and periods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from scoring.entries import EntryKind, Side
from scoring.scorecard import Outcome
from storage.db.models.base import Base, one_of
from storage.db.types import CanonicalJson, Id
from storage.values import PeriodState

_REVERSALS = text("reverses_id IS NOT NULL")
_OF_REVERSALS: Mapping[str, Any] = {"sqlite_where": _REVERSALS, "postgresql_where": _REVERSALS}
"""Condition of the indexes that find the few reversals of a span, to know which entries are in force."""


class LedgerRecord(Base):
    """Store an entry of the ledger. Triggers refuse changes and removal (`storage/db/append_only.py`)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("team_id", "seq"),
        UniqueConstraint("run_id", "manager_id", "rule"),
        UniqueConstraint("reverses_id"),
        Index("ix_ledger_entries_team_day", "team_id", "day"),
        Index("ix_ledger_entries_team_booked_in", "team_id", "booked_in"),
        Index("ix_ledger_entries_manager_day", "manager_id", "day"),
        Index("ix_ledger_entries_reversals_day", "team_id", "day", **_OF_REVERSALS),
        Index("ix_ledger_entries_reversals_booked_in", "team_id", "booked_in", **_OF_REVERSALS),
        one_of("kind", EntryKind),
        one_of("side", Side),
        one_of("outcome", Outcome),
        CheckConstraint("seq >= 1", name="seq"),
        CheckConstraint("(kind IN ('score', 'correction')) = (outcome IS NOT NULL)", name="judged"),
        CheckConstraint("(kind = 'score') = (run_id IS NOT NULL)", name="scored_by_run"),
        CheckConstraint("(kind = 'score') = (reason_id IS NULL)", name="reasoned"),
        CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversing"),
        CheckConstraint("kind = 'reversal' OR (side = 'minus') = (points < 0)", name="side_of_points"),
        CheckConstraint("kind <> 'adjustment' OR points <> 0", name="adjustment"),
        CheckConstraint(
            "outcome IS NULL OR (outcome = 'kept' AND points >= 0) OR (outcome = 'broken' AND points <= 0)"
            " OR (outcome NOT IN ('kept', 'broken') AND points = 0)",
            name="sign",
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"))
    crm_user: Mapped[str] = mapped_column(Text)
    day: Mapped[date]
    booked_in: Mapped[str] = mapped_column(String(7))
    rule: Mapped[str] = mapped_column(Text)
    kpi: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(String(16))
    points: Mapped[int]
    side: Mapped[str] = mapped_column(String(8))
    value: Mapped[Decimal | None]
    bound: Mapped[Decimal | None]
    evidence: Mapped[list[str] | dict[str, Any]] = mapped_column(CanonicalJson)
    """Commitment to the evidence keys (`storage/ledger/chain.py`), or in earlier releases the keys themselves."""
    rulebook_id: Mapped[int | None] = mapped_column(ForeignKey("rulebooks.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entries.id"))
    reason_id: Mapped[int | None] = mapped_column(ForeignKey("adjustments.id"))
    created_at: Mapped[datetime]
    payload: Mapped[str] = mapped_column(Text)
    """What the hash covers; empty where the columns say all of that."""
    hash: Mapped[str] = mapped_column(String(64))


class ReasonRecord(Base):
    """Store author and reason of an entry written by hand.

    The ledger holds a salted hash of both, so that retention may blank the texts.
    """

    __tablename__ = "adjustments"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    author: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class PeriodRecord(Base):
    """Store the period of a month; no row: open."""

    __tablename__ = "periods"
    __table_args__ = (one_of("state", PeriodState),)

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    approved_by: Mapped[str | None] = mapped_column(Text)
    approved_at: Mapped[datetime | None]
    approved_seq: Mapped[int | None]
    """Head of the chain at the approval; later entries are not covered."""
    locked_by: Mapped[str | None] = mapped_column(Text)
    locked_at: Mapped[datetime | None]
