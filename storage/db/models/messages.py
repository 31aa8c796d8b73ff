"""Define the tables of deliveries and rate slots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, one_of
from storage.db.types import CanonicalJson, Id
from storage.values import DeliveryState


class DeliveryRecord(Base):
    """Store a message that must arrive; `reference` holds the notice as JSON (`storage/messages/notices.py`)."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event", "kind", "recipient"),
        Index(
            "ix_deliveries_open",
            "id",
            sqlite_where=text("state IN ('pending', 'sending')"),
            postgresql_where=text("state IN ('pending', 'sending')"),
        ),
        Index("ix_deliveries_recipient", "recipient", "state"),
        one_of("state", DeliveryState),
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
    """Number of processes that died while sending."""
    message_ids: Mapped[list[int]] = mapped_column(CanonicalJson, default=list)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    """Chat of the messages, for edits."""
    problem: Mapped[str] = mapped_column(Text, default="")
    carried_by: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    """Later message that repeats the line of an uncertain delivery."""
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class RateSlotRecord(Base):
    """Store the instant of the next send under a key."""

    __tablename__ = "rate_slots"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    next_at: Mapped[float]
