"""Define the tables of rulebooks, money terms, runs, snapshots, heartbeats, and the state of CRM clients."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, one_of
from storage.db.types import CanonicalJson, Id
from storage.values import RunState


class RulebookRecord(Base):
    """Store a version of a team's rulebook, with the instant of loading."""

    __tablename__ = "rulebooks"
    __table_args__ = (Index("ix_rulebooks_team_valid", "team_id", "valid_from"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    version: Mapped[str] = mapped_column(String(12))
    content: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    valid_from: Mapped[datetime]


class MoneyVersionRecord(Base):
    """Store a version of a team's money terms, with the instant of loading."""

    __tablename__ = "money_versions"
    __table_args__ = (Index("ix_money_versions_team_valid", "team_id", "valid_from"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    version: Mapped[str] = mapped_column(String(12))
    content: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    valid_from: Mapped[datetime]


class RunRecord(Base):
    """Store a run: one team's business day, from claimed to finished."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("team_id", "day"),
        CheckConstraint("window_start <= cutoff", name="window"),
        CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="finished"),
        one_of("state", RunState),
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
    """End of the lease by the database's clock; 0: no lease."""
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
    """Reason for giving up the last attempt."""
    digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    """Head of the team's journal after the day; of days before the journal 12 hex digits of the last entry's hash."""


class SnapshotRecord(Base):
    """Store the readings of a manager at a cutoff, with everything else that `score` needs."""

    __tablename__ = "snapshots"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), primary_key=True, index=True)
    name: Mapped[str] = mapped_column(Text)
    readings: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    absent: Mapped[bool] = mapped_column(default=False)
    circumstances: Mapped[dict[str, Any] | None] = mapped_column(CanonicalJson)
    """What else decides the day (`scoring/terms/circumstances.py`); NULL: an ordinary day."""
    last_keys: Mapped[dict[str, Any]] = mapped_column(CanonicalJson, default=dict)
    """Run that read the KPI last, by KPI (`storage/evidence/load.py`); of earlier releases the evidence keys."""
    blanked: Mapped[bool] = mapped_column(default=False)
    """Titles and links were removed by retention; the keys stay."""
    evidence_lists: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Items that each KPI names (`storage/evidence/lists.py`); NULL: the items stand in `readings`."""
    evidence_pack: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Items that no earlier snapshot of the manager holds (`storage/evidence/pack.py`)."""


class SparedRecord(Base):
    """Store a record of the CRM that was not counted on the first day of a new owner: once per record and manager."""

    __tablename__ = "spared_records"

    manager_id: Mapped[int] = mapped_column(ForeignKey("managers.id"), primary_key=True)
    kpi: Mapped[str] = mapped_column(String(40), primary_key=True)
    record: Mapped[str] = mapped_column(Text, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True, index=True)


class ClosedDealRecord(Base):
    """Store when a run counted a deal as won or lost: the same deal counts once in 14 days."""

    __tablename__ = "closed_deals"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(8), primary_key=True)
    deal: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]


class HeartbeatRecord(Base):
    """Store the last beat of a loop."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]


class ConnectionStateRecord(Base):
    """Store the encrypted state of a CRM client."""

    __tablename__ = "connection_state"

    connection: Mapped[str] = mapped_column(String(24), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]
