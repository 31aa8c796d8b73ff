"""One manager's KPIs at the cutoff, with the evidence behind each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from scoring.records import Money

Number = int | Mapping[str, Decimal]
"""A KPI's value: a count, minutes, or money by currency."""


@dataclass(frozen=True, slots=True)
class Manager:
    """A scored person as the CRM knows him."""

    crm_user: str
    name: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One counted thing, so that every point can be explained with a link."""

    kind: str
    """deal, task, company, meeting or call."""
    id: str
    title: str
    url: str
    amount: Money | None = None
    since: datetime | None = None
    """When it happened, or since when it is so (a task's deadline, a deal's stage)."""
    again: bool = False
    """A deal closed again after a real reopening."""

    @property
    def key(self) -> str:
        """`kind:id`, unique within a connection; all that the ledger keeps of it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Value:
    """A KPI that was counted."""

    number: Number
    items: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """This CRM cannot state the KPI at all."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotRead:
    """The CRM could state the KPI but did not, not in full, or not for the cutoff."""

    reason: str


Reading = Value | NotAvailable | NotRead


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was counted for one manager; KPIs that nobody asked for are not in `readings`."""

    manager: Manager
    readings: Mapping[str, Reading]
