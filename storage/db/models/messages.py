"""Define the tables of deliveries and rate slots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base
from storage.db.types import CanonicalJson, Id

NOT_SENT = text("state IN ('pending', 'sending', 'failed')")
"""Condition of the index of messages that wait or failed; a query that names the same condition uses the index."""


class DeliveryRecord(Base):
    """Store a message that must arrive; `reference` holds the notice as JSON (`storage/messages/notices.py`)."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event", "kind", "recipient"),
        Index("ix_deliveries_not_sent", "state", "done_at", sqlite_where=NOT_SENT, postgresql_where=NOT_SENT),
        Index("ix_deliveries_recipient", "recipient", "state"),
        # "uncertain" is a state of 0.1.0, which no row has any more.
        CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'uncertain', 'failed', 'cancelled')",
            name="state",
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(80))
    reference: Mapped[dict[str, Any]] = mapped_column(CanonicalJson, default=dict)
    state: Mapped[str] = mapped_column(String(16))
    not_before: Mapped[datetime | None]
    owner: Mapped[str] = mapped_column(Text, default="")
    lease_until: Mapped[float] = mapped_column(default=0.0)
    attempts: Mapped[int] = mapped_column(default=0)
    interrupted: Mapped[int] = mapped_column(default=0)
    """Number of attempts that ended without an answer: the process died, or the answer was lost."""
    message_ids: Mapped[list[int]] = mapped_column(CanonicalJson, default=list)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    """Chat of the messages, for edits."""
    problem: Mapped[str] = mapped_column(Text, default="")
    carried_by: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    """Of 0.1.0, which repeated the line of a lost message in a later one; read by nobody."""
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class RateSlotRecord(Base):
    """Store the instant of the next send under a key."""

    __tablename__ = "rate_slots"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    next_at: Mapped[float]


class DialogRecord(Base):
    """Store the question that a chat's next message answers, so that a dialog outlives a restart."""

    __tablename__ = "dialogs"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    asked_at: Mapped[datetime]
