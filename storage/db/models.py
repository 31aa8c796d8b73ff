"""The tables. Nothing outside storage sees these classes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scoring.entries import EntryKind, Side
from scoring.scorecard import Outcome
from storage.db.types import CanonicalJson, ExactDecimal, Id, UtcDateTime
from storage.values import AbsenceKind, AbsenceState, DeliveryState, PeriodState, RunState

NO_HASH = "0" * 64
"""What the first entry of a team's chain stands on."""


class Base(DeclarativeBase):
    """Every constraint has a name, so that migrations can speak of it on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, Decimal: ExactDecimal, float: Double}


def _one_of(column: str, values: type[Any]) -> CheckConstraint:
    names = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=column)


class TeamRecord(Base):
    """A team. `id` is for ever, `key` may be renamed: the ledger's hashes cover the id."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(24), unique=True)
    title: Mapped[str] = mapped_column(Text)
    connection: Mapped[str] = mapped_column(String(24))
    scored_from: Mapped[date]
    archived_at: Mapped[datetime | None]
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    """Given by /bind; the settings win."""
    thread_id: Mapped[int | None] = mapped_column(BigInteger)
    ledger_seq: Mapped[int] = mapped_column(default=0)
    """The chain's head: `seq` and hash of the last entry, so that a cut-off tail is noticed."""
    ledger_hash: Mapped[str] = mapped_column(String(64), default=NO_HASH)


class PersonRecord(Base):
    """A human: chat, language, roles."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    telegram_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    language: Mapped[str | None] = mapped_column(String(8))
    roles: Mapped[list[list[Any]]] = mapped_column(CanonicalJson, default=list)
    """Pairs of role and team id, or null for every team."""
    created_at: Mapped[datetime]
    connected_at: Mapped[datetime | None]
    disconnected_at: Mapped[datetime | None]


class ManagerRecord(Base):
    """An account in a CRM that is or was scored."""

    __tablename__ = "managers"
    __table_args__ = (UniqueConstraint("connection", "crm_user"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection: Mapped[str] = mapped_column(String(24))
    crm_user: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    left_at: Mapped[datetime | None]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    """The team that lists him now."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)


class ConnectionStateRecord(Base):
    """What a CRM client remembers, encrypted."""

    __tablename__ = "connection_state"

    connection: Mapped[str] = mapped_column(String(24), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]


class InviteRecord(Base):
    """A door for one person; only the hash of its token is known."""

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
    """Whom a role invite is for, as its author called him."""
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class AbsenceRecord(Base):
    """Days on which a manager is excused."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("first <= last", name="order"),
        _one_of("kind", AbsenceKind),
        _one_of("state", AbsenceState),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), index=True)
    first: Mapped[date]
    last: Mapped[date]
    kind: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]


class ReasonRecord(Base):
    """Who wrote a ledger entry by hand, and why. The ledger keeps a salted hash, so that this may be blanked."""

    __tablename__ = "adjustments"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    author: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class RulebookRecord(Base):
    """A version of a team's rules, and since when it was known."""

    __tablename__ = "rulebooks"
    __table_args__ = (Index("ix_rulebooks_team_valid", "team_id", "valid_from"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    version: Mapped[str] = mapped_column(String(12))
    content: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    valid_from: Mapped[datetime]


class MoneyVersionRecord(Base):
    """A version of a team's course of a point."""

    __tablename__ = "money_versions"
    __table_args__ = (Index("ix_money_versions_team_valid", "team_id", "valid_from"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    version: Mapped[str] = mapped_column(String(12))
    content: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    valid_from: Mapped[datetime]


class RunRecord(Base):
    """One team's business day, from claimed to finished."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("team_id", "day"),
        CheckConstraint("window_start <= cutoff", name="window"),
        CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="finished"),
        _one_of("state", RunState),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    day: Mapped[date]
    connection: Mapped[str] = mapped_column(String(24))
    window_earlier: Mapped[datetime | None]
    window_earlier_end: Mapped[datetime | None]
    window_start: Mapped[datetime]
    cutoff: Mapped[datetime]
    rulebook_id: Mapped[int] = mapped_column(ForeignKey("rulebooks.id"))
    state: Mapped[str] = mapped_column(String(16))
    owner: Mapped[str] = mapped_column(Text)
    lease_until: Mapped[float]
    """By the database's clock; 0: nobody holds it."""
    attempts: Mapped[int] = mapped_column(default=1)
    first_attempt_at: Mapped[datetime]
    retry_at: Mapped[datetime | None]
    kept_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    rehearsed: Mapped[bool] = mapped_column(default=False)
    requests: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[Decimal | None]
    missing: Mapped[dict[str, str]] = mapped_column(CanonicalJson, default=dict)
    problem: Mapped[str] = mapped_column(Text, default="")
    """Why the last attempt was given up."""
    digest: Mapped[str] = mapped_column(String(12), default="")


class SnapshotRecord(Base):
    """One manager's readings at a cutoff, with all else that `score` needs."""

    __tablename__ = "snapshots"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), primary_key=True, index=True)
    name: Mapped[str] = mapped_column(Text)
    readings: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    absent: Mapped[bool] = mapped_column(default=False)
    last_keys: Mapped[dict[str, list[str]]] = mapped_column(CanonicalJson, default=dict)
    blanked: Mapped[bool] = mapped_column(default=False)
    """Titles and links were removed by retention; the keys stay."""


class LedgerRecord(Base):
    """A row of the ledger. Triggers refuse to change or remove it (`append_only.py`)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("team_id", "seq"),
        UniqueConstraint("run_id", "manager_id", "rule"),
        UniqueConstraint("reverses_id"),
        Index("ix_ledger_entries_team_day", "team_id", "day"),
        Index("ix_ledger_entries_team_booked_in", "team_id", "booked_in"),
        _one_of("kind", EntryKind),
        _one_of("side", Side),
        _one_of("outcome", Outcome),
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
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), index=True)
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
    evidence: Mapped[list[str]] = mapped_column(CanonicalJson)
    rulebook_id: Mapped[int | None] = mapped_column(ForeignKey("rulebooks.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entries.id"))
    reason_id: Mapped[int | None] = mapped_column(ForeignKey("adjustments.id"))
    created_at: Mapped[datetime]
    payload: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64), index=True)


class PeriodRecord(Base):
    """A month of a team. No row: open."""

    __tablename__ = "periods"
    __table_args__ = (_one_of("state", PeriodState),)

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    approved_by: Mapped[str | None] = mapped_column(Text)
    approved_at: Mapped[datetime | None]
    approved_seq: Mapped[int | None]
    """The chain's head when it was approved: what was booked since is not covered."""
    locked_by: Mapped[str | None] = mapped_column(Text)
    locked_at: Mapped[datetime | None]


class DeliveryRecord(Base):
    """A message that must arrive; holds a reference, is rendered when sent."""

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
        _one_of("state", DeliveryState),
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
    """How often a process died with it in flight."""
    message_ids: Mapped[list[int]] = mapped_column(CanonicalJson, default=list)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    """Where the messages are, for edits."""
    problem: Mapped[str] = mapped_column(Text, default="")
    carried_by: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    """The later message that repeats the line of an uncertain one."""
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class ChannelRecord(Base):
    """A chat as Telegram lets us use it."""

    __tablename__ = "chat_channels"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime]
    migrated_to: Mapped[int | None] = mapped_column(BigInteger)
    lost_threads: Mapped[list[int]] = mapped_column(CanonicalJson, default=list)
    menu: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Which commands the chat shows, as the bot words it; empty: none of its own."""
    language: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """Of the client that last wrote or tapped; empty if nobody did."""


class RateSlotRecord(Base):
    """When the next send under a key may go out."""

    __tablename__ = "rate_slots"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    next_at: Mapped[float]


class AuditRecord(Base):
    """Who did what to people, roles, periods."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    author: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(CanonicalJson, default=dict)


class HeartbeatRecord(Base):
    """When a loop last went round."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]
