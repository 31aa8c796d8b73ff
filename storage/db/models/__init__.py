"""Define the tables, by subject; importing the package completes `Base.metadata`. The classes stay inside storage."""

from __future__ import annotations

from storage.db.models.appeals import AppealRecord
from storage.db.models.base import NO_HASH, Base
from storage.db.models.days import (
    ClosedDealRecord,
    ConnectionStateRecord,
    HeartbeatRecord,
    MoneyVersionRecord,
    RulebookRecord,
    RunRecord,
    SnapshotRecord,
    SparedRecord,
)
from storage.db.models.journal import JournalEventRecord, JournalHeadRecord, JournalRowRecord
from storage.db.models.ledger import LedgerRecord, PeriodRecord, ReasonRecord
from storage.db.models.messages import DeliveryRecord, DialogRecord, RateSlotRecord
from storage.db.models.people import (
    AbsenceRecord,
    AuditRecord,
    ChannelRecord,
    InviteRecord,
    ManagerRecord,
    PersonRecord,
    TeamRecord,
)

__all__ = [
    "NO_HASH",
    "AbsenceRecord",
    "AppealRecord",
    "AuditRecord",
    "Base",
    "ChannelRecord",
    "ClosedDealRecord",
    "ConnectionStateRecord",
    "DeliveryRecord",
    "DialogRecord",
    "HeartbeatRecord",
    "InviteRecord",
    "JournalEventRecord",
    "JournalHeadRecord",
    "JournalRowRecord",
    "LedgerRecord",
    "ManagerRecord",
    "MoneyVersionRecord",
    "PeriodRecord",
    "PersonRecord",
    "RateSlotRecord",
    "ReasonRecord",
    "RulebookRecord",
    "RunRecord",
    "SnapshotRecord",
    "SparedRecord",
    "TeamRecord",
]
