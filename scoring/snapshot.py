"""One manager's KPIs at the cutoff, with the evidence behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

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
    "Reading",
    "Snapshot",
    "Value",
]

Number = int | Mapping[str, Decimal]
"""A KPI's value: a count, minutes, or money by currency."""


@dataclass(frozen=True, slots=True)
class Manager:
    """A scored person as the CRM knows him."""

    crm_user: str
    name: str


class Evidence(msgspec.Struct, frozen=True):
    """One counted thing, so that every point can be explained with a link."""

    kind: str
    """deal, task, company, meeting or call."""
    id: str
    title: str
    url: str
    amount: Money | None = None
    """The deal's sum; of an overdue task that of `deal`."""
    since: datetime | None = None
    """When it happened, or since when it is so (a task's deadline, a deal's stage)."""
    again: bool = False
    """A deal closed again after a real reopening."""
    deal: str = ""
    """Of an overdue task: the manager's or a colleague's open deal it is bound to, whose sum is `amount`."""

    @property
    def key(self) -> str:
        """`kind:id`, unique within a connection; all that the ledger keeps of it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Value:
    """A KPI that was counted."""

    number: Number
    items: Sequence[Evidence] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """This CRM cannot state the KPI at all."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """The CRM could state the KPI but did not, not in full, or not for the cutoff."""

    cause: Cause
    detail: str = ""
    """For the head and the admin; without secrets."""


Reading = Value | NotAvailable | NotRead


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was counted for one manager; KPIs that nobody asked for are not in `readings`."""

    manager: Manager
    readings: Mapping[str, Reading]
