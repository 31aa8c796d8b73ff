"""Define the interface of CRM clients: `CrmClient`, and the types that a client takes and returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from scoring.appeals.proofs import Disputed, Proof
from scoring.crm_names import CrmNames
from scoring.kpi import Scope
from scoring.kpis import Capability, record_kinds
from scoring.records import Fact, Record, RecordKind
from scoring.rules import CrmCounting
from scoring.workdays import Window


@dataclass(frozen=True, slots=True)
class CrmUser:
    """Describe an account in the CRM."""

    id: str
    name: str
    active: bool = True
    """False: dismissed, archived or blocked."""
    departments: frozenset[str] = frozenset()
    human: bool = True
    """False: robots, integrations, portal guests; never members of a team."""


COUNTING = tuple(each.name for each in fields(CrmCounting))
"""Names of the settings of a connection that are part of the rulebook."""


class CrmConfig(BaseModel):
    """Check the settings that every connection has; the config model of each kind adds more."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: str
    companies_credit: Literal["creator", "owner"] = "creator"
    deals_credit: Literal["responsible", "mover"] = "responsible"
    """Who is credited with wins and losses: the responsible user at the cutoff, or the member who moved the deal."""
    meeting_types: list[str] = []
    """Which task or activity types are meetings; empty: the CRM's own."""
    required_fields: dict[str, list[str]] = {}
    """Field names by pipeline id, or by `PIPELINE/STAGE` (from that stage on, in the funnel's order); `*`: all."""
    read_timeout_seconds: float = Field(default=300, gt=0, le=86_400)

    @property
    def counting(self) -> CrmCounting:
        """Return the settings that decide what the client counts for whom: part of the rulebook."""
        return CrmCounting.from_json({name: getattr(self, name) for name in COUNTING if hasattr(self, name)})

    def counting_as(self, counting: CrmCounting) -> Self:
        """Copy the settings with those of a day's rulebook; address and keys stay those of now."""
        stored = counting.to_json()
        return self.model_copy(update={name: stored[name] for name in COUNTING if hasattr(self, name)})


class Severity(StrEnum):
    """Grade a finding."""

    OK = "ok"
    WARNING = "warning"
    """Works, but a person should know."""
    ERROR = "error"
    """`reglament check` fails; at a cutoff the day would not be scored."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold a line of `reglament check`: the subject, the grade, and advice."""

    severity: Severity
    subject: str
    """login, rights, visibility, clock, a KPI key, ..."""
    text: str
    """The finding and the remedy, for people; no secrets."""


@dataclass(slots=True)
class ReadStats:
    """Count the cost of reading so far."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    """Spent on the CRM's limits and on back-off."""


class ClientMemory(Protocol):
    """Keep a client's values between runs, encrypted: token pairs, caches.

    The process hands in a memory backed by the database; tests hand in a dictionary.
    """

    async def get(self, key: str) -> str | None:
        """Get the value last put, also by another process; None if never put."""

    async def put(self, key: str, value: str) -> None:
        """Put a value; the value is durable on return."""

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """Lock a key for a single holder across processes; the lock ends with the holder's process."""


@dataclass(slots=True)
class DictMemory:
    """Keep values in a dictionary, as long as the object lives."""

    values: dict[str, str] = field(default_factory=dict)
    locks: dict[str, AbstractAsyncContextManager[None]] = field(default_factory=dict)

    async def get(self, key: str) -> str | None:
        """Get the value last put."""
        return self.values.get(key)

    async def put(self, key: str, value: str) -> None:
        """Put a value into the dictionary."""
        self.values[key] = value

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """Make an asyncio lock per key."""
        return self.locks.setdefault(key, asyncio.Lock())


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Describe what is to be counted, so that a client need not read further records."""

    window: Window
    kpis: frozenset[str]
    members: frozenset[str] = frozenset()
    """The CRM users to be counted: a hint, never a promise; rows of further users may come and are not counted."""
    stale_days: int = 14
    """The largest of the teams that share the read: how far back stage changes matter."""

    @property
    def since(self) -> datetime:
        """Return the start of the window before: what came late there counts in this window (docs/product.md §11)."""
        return min(self.window.start, self.window.earlier or self.window.start)

    @property
    def kinds(self) -> frozenset[RecordKind]:
        """List the kinds of record to read."""
        return record_kinds(self.kpis)


@runtime_checkable
class RenewsKeys(Protocol):
    """Renew keys that end: offered by clients whose keys live shorter than the settings."""

    async def renew_keys(self, until: datetime) -> None:
        """Renew keys that end before `until`; the present keys stay in use if that fails.

        Called hours before a cutoff, never at a cutoff: a lost answer is noticed while there is time to connect again.
        Raises CrmError.
        """


@runtime_checkable
class TellsNames(Protocol):
    """Tell names of funnels, stages, fields and types: offered by clients of CRMs whose settings hold ids."""

    async def names(self) -> CrmNames:
        """Read the names as people see them in the CRM. Raises CrmError."""


class CrmClient(Protocol):
    """State the facts of a CRM connection, for all managers at once."""

    capabilities: Mapping[str, Capability]
    """For every KPI, written out: stated also of a past instant, of the present alone, or not at all."""
    stats: ReadStats

    async def users(self) -> list[CrmUser]:
        """Read all accounts, inactive accounts included. Raises CrmError rather than give an incomplete list."""

    def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds`, and a single `Completed` or `Failed` for each kind.

        Events: all since `request.since`. Open deals and tasks: all that are open now, and all that were open
        at `window.cutoff` (closed or done since). Order is free; less memory is used when tasks and comments come
        before the deals that both belong to. Rows may repeat (a page shifted): the first row of an id counts. A kind is
        never partial: without `Completed` a kind counts as not read. Raises CrmError only if no kind at all could be
        read (login refused, host down).
        """

    async def recheck(self, items: Sequence[Disputed], scope: Scope) -> list[Proof]:
        """Tell how disputed records stood at the cutoff of `scope.window`, by the CRM's own times; a proof for each.

        Asked for after the day, for appeals (docs/product.md §13). A state for which the CRM keeps no time is not told.
        Raises CrmError.
        """

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Check login, rights, scopes, visibility of every member (CRM user → name), clock skew."""

    def link(self, record: Record) -> str:
        """Make the address of the record's page, on the configured host; empty without a page."""

    async def aclose(self) -> None:
        """Close connections."""
