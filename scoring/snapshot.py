"""Describe a manager's KPIs at the cutoff, with the evidence behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from scoring.causes import Cause
from scoring.records import Money

__all__ = [
    "Cause",
    "Evidence",
    "Manager",
    "NotAvailable",
    "NotRead",
    "Number",
    "Range",
    "Reading",
    "Snapshot",
    "Spared",
    "Value",
]

Number = int | Mapping[str, Decimal]
"""Value of a KPI: a count, minutes, or money by currency."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Name a scored person as the CRM does."""

    crm_user: str
    name: str


class Spared(StrEnum):
    """Name the reasons why a record is shown without being counted (docs/product.md §19, Grace)."""

    YOUNG = "young"
    """The deal is younger than `grace_minutes` of working time."""
    INHERITED = "inherited"
    """The record was broken with another member in the team's last snapshot: the new owner has a day."""
    IGNORED = "ignored"
    """The record belongs to the backlog from before the launch."""
    APPEARED = "appeared"
    """The record appeared during an absence; said of the first day back, never stored."""
    USED = "used"
    """The record broke the rule before and costs points once; never stored."""


class Evidence(msgspec.Struct, frozen=True):
    """Describe a counted record, so that every point can be explained with a link."""

    kind: str
    """deal, task, company, meeting or call."""
    id: str
    title: str
    url: str
    amount: Money | None = None
    """Sum of the deal; of an overdue task the sum of `deal`."""
    since: datetime | None = None
    """Instant of the event, or start of the state (a task's deadline, a deal's stage)."""
    again: bool = False
    """A deal closed again after a real reopening."""
    deal: str = ""
    """Of an overdue task: id of the open deal that the task is bound to, with the sum `amount`."""
    late: bool = False
    """An event of the window before, which only this reading saw (docs/product.md §11)."""
    spared: str = ""
    """Why the record is shown without being counted (`Spared`); empty for a counted record."""
    missing_fields: tuple[str, ...] = ()
    """Names of the empty required fields of a deal, where a KPI counts them."""
    loss_reason: str | None = None
    """Why a deal was lost, as the CRM says, where a KPI counts lost deals; empty: the CRM gives no reason."""

    @property
    def key(self) -> str:
        """Return `kind:id`, unique within a connection; the ledger keeps no more."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Value:
    """Hold the value of a counted KPI."""

    number: Number
    items: Sequence[Evidence] = ()
    """Oldest first; spared records included, which the number leaves out."""
    ids: frozenset[str] = frozenset()
    """Ids of events that the evidence lacks and the next run must know, so that none counts in a second window."""
    spared: int = 0
    """Records in a number without full evidence that an `at_most` rule leaves out (docs/product.md §19, Grace)."""


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """State that the CRM cannot state the KPI at all."""


@dataclass(frozen=True, slots=True)
class Range:
    """Hold the two ends between which a value with doubtful records lies (docs/product.md §19, Doubt)."""

    low: Value
    """Without the doubtful records."""
    high: Number | None
    """With all of them; None: no upper end is known."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """State that the CRM gave the KPI not at all, not in full, or not for the cutoff."""

    cause: Cause
    detail: str = ""
    """For the head and the admin; without secrets."""
    range: Range | None = None
    """What is known all the same: a rule that comes out alike at both ends is scored."""


Reading = Value | NotAvailable | NotRead


def evidence_of(reading: Reading) -> Sequence[Evidence]:
    """Return the evidence of a reading; of a range what counts for certain."""
    if isinstance(reading, NotRead) and reading.range is not None:
        return reading.range.low.items
    return reading.items if isinstance(reading, Value) else ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold the counted KPIs of a manager; KPIs that were not asked for are not in `readings`."""

    manager: Manager
    readings: Mapping[str, Reading]

    def number(self, kpi: str) -> Number | None:
        """Return the number of a KPI; None if there is no certain value."""
        reading = self.readings.get(kpi)
        return reading.number if isinstance(reading, Value) else None
