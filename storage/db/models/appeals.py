"""Define the table of appeals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, one_of
from storage.db.types import CanonicalJson, Id
from storage.values import AppealCause, AppealState

OPEN = "state = 'filed'"


class AppealRecord(Base):
    """Store an appeal; the database allows a single open appeal per manager, day and rule."""

    __tablename__ = "appeals"
    __table_args__ = (
        Index(
            "uq_appeals_open", "team_id", "manager_id", "day", "rule",
            unique=True, sqlite_where=OPEN, postgresql_where=OPEN,
        ),
        Index("ix_appeals_team_state", "team_id", "state"),
        one_of("cause", AppealCause),
        one_of("state", AppealState),
        CheckConstraint("(state = 'filed') = (decided_at IS NULL)", name="decided"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), index=True)
    day: Mapped[date]
    rule: Mapped[str] = mapped_column(Text)
    kpi: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entries.id"))
    cause: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(Text)
    filed_at: Mapped[datetime]
    recheck: Mapped[dict[str, Any] | None] = mapped_column(CanonicalJson)
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(Text, default="")
    reminded: Mapped[int] = mapped_column(default=0)
