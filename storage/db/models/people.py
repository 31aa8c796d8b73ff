"""Define the tables of teams, people, managers, invites, absences, chats, and the audit log."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import NO_HASH, Base, one_of
from storage.db.types import CanonicalJson, Id
from storage.values import AbsenceKind, AbsenceState


class TeamRecord(Base):
    """Store a team. `id` never changes, `key` may be renamed: the hashes of the ledger cover the id."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(24), unique=True)
    title: Mapped[str] = mapped_column(Text)
    connection: Mapped[str] = mapped_column(String(24))
    scored_from: Mapped[date]
    archived_at: Mapped[datetime | None]
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    """Chat given by /bind; a chat of the settings wins."""
    thread_id: Mapped[int | None] = mapped_column(BigInteger)
    ledger_seq: Mapped[int] = mapped_column(default=0)
    """Head of the chain: `seq` and hash of the last entry; reveals a cut tail."""
    ledger_hash: Mapped[str] = mapped_column(String(64), default=NO_HASH)


class PersonRecord(Base):
    """Store a human: chat, language, roles."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    telegram_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    language: Mapped[str | None] = mapped_column(String(8))
    roles: Mapped[list[list[Any]]] = mapped_column(CanonicalJson, default=list)
    """Pairs of role and team id; null for every team."""
    created_at: Mapped[datetime]
    connected_at: Mapped[datetime | None]
    disconnected_at: Mapped[datetime | None]


class ManagerRecord(Base):
    """Store an account in a CRM that is or was scored."""

    __tablename__ = "managers"
    __table_args__ = (UniqueConstraint("connection", "crm_user"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection: Mapped[str] = mapped_column(String(24))
    crm_user: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    left_at: Mapped[datetime | None]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    """Team that lists the manager now."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)


class InviteRecord(Base):
    """Store an invite for one person; only the hash of the token is stored."""

    __tablename__ = "invites"
    __table_args__ = (
        CheckConstraint("(manager_id IS NULL) <> (role IS NULL)", name="for_manager_or_role"),
        CheckConstraint("(used_at IS NULL) = (used_by IS NULL)", name="used"),
    )

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("managers.id"), index=True)
    role: Mapped[str | None] = mapped_column(String(16))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    name: Mapped[str] = mapped_column(Text, default="")
    """Name of the person invited to a role, as given by the author."""
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class AbsenceRecord(Base):
    """Store the absence of a manager."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("first <= last", name="order"),
        one_of("kind", AbsenceKind),
        one_of("state", AbsenceState),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), index=True)
    first: Mapped[date]
    last: Mapped[date]
    half: Mapped[str | None] = mapped_column(String(2))
    """`am` or `pm`, of an absence of half a day."""
    kind: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]


class ChannelRecord(Base):
    """Store a chat and the bot's rights to write there."""

    __tablename__ = "chat_channels"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime]
    migrated_to: Mapped[int | None] = mapped_column(BigInteger)
    lost_threads: Mapped[list[int]] = mapped_column(CanonicalJson, default=list)
    menu: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Commands that the chat shows, as worded by the bot; empty: no menu of the chat's own."""
    language: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """Language of the client that last wrote or tapped; empty: unknown."""


class AuditRecord(Base):
    """Store an action on people, roles or periods, with the author."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_action_subject", "action", "subject"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    author: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(CanonicalJson, default=dict)
