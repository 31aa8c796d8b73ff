"""Define the tables of the journal: events, heads of the chains, and the journaled states of rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base
from storage.db.types import CanonicalJson, Id


class JournalEventRecord(Base):
    """Store an event of the journal. Triggers refuse changes and removal (`storage/db/append_only.py`)."""

    __tablename__ = "journal_events"
    __table_args__ = (UniqueConstraint("chain", "seq"), Index("ix_journal_events_chain_kind", "chain", "kind", "seq"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    chain: Mapped[int]
    """Id of the team; 0: people, accounts, roles, absences, teams and actions of the whole installation."""
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    payload: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64), index=True)


class JournalHeadRecord(Base):
    """Store the head of a chain: `seq`, hash and instant of the last event; reveals a cut tail."""

    __tablename__ = "journal_heads"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class JournalRowRecord(Base):
    """Store the last journaled state of a row of another table, and the salt for the hashes of the row's texts."""

    __tablename__ = "journal_rows"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Name of the table."""
    row: Mapped[str] = mapped_column(String(80), primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    """Empty after retention blanked the texts: the hashes can no longer be compared."""
    lasting_salt: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Salt for the names that retention leaves; empty for rows without such names."""
    state: Mapped[dict[str, Any] | None] = mapped_column(CanonicalJson)
    """None: the row was removed."""
