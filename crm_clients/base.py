"""What every CRM client offers, and what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from scoring.kpis import Capability, record_kinds
from scoring.records import Fact, Record, RecordKind
from scoring.workdays import Window


@dataclass(frozen=True, slots=True)
class CrmUser:
    """A person's account in the CRM."""

    id: str
    name: str
    active: bool = True
    """False: dismissed, archived or blocked."""
    departments: frozenset[str] = frozenset()
    human: bool = True
    """False: robots, integrations, portal guests; never members of a team."""


class CrmConfig(BaseModel):
    """The settings every connection has; each client adds its own."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: str
    companies_credit: Literal["creator", "owner"] = "creator"
    meeting_types: list[str] = []
    """Which task or activity types are meetings; empty: the CRM's own."""
    required_fields: dict[str, list[str]] = {}
    """Field names by pipeline id; `*` holds for all."""
    read_timeout_seconds: float = Field(default=300, gt=0)


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Works, somebody should know."""
    ERROR = "error"
    """`reglament check` fails; at a cutoff the day would not be scored."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `reglament check`: what was looked at, how it is, what to do."""

    severity: Severity
    subject: str
    """login, rights, visibility, clock, a KPI key, ..."""
    text: str
    """For people; says what to do; no secrets."""


@dataclass(slots=True)
class ReadStats:
    """What reading has cost so far."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    """Spent on the CRM's limits and on back-off."""


class ClientMemory(Protocol):
    """What a client must remember between runs: token pairs, caches. Values are kept encrypted.

    The process hands in one that is backed by the database; tests hand in a dictionary.
    """

    async def get(self, key: str) -> str | None:
        """The value last put, also by another process; None if never."""

    async def put(self, key: str, value: str) -> None:
        """Durable when it returns."""

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """One holder at a time, across processes; ends with the holder's process."""


@dataclass(slots=True)
class DictMemory:
    """A memory that lasts as long as its object."""

    values: dict[str, str] = field(default_factory=dict)
    locks: dict[str, AbstractAsyncContextManager[None]] = field(default_factory=dict)

    async def get(self, key: str) -> str | None:
        """The value last put."""
        return self.values.get(key)

    async def put(self, key: str, value: str) -> None:
        """Keep it in the dictionary."""
        self.values[key] = value

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """An asyncio lock per key."""
        return self.locks.setdefault(key, asyncio.Lock())


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What somebody wants to count, so that a client need not read what nobody asks for."""

    window: Window
    kpis: frozenset[str]
    members: frozenset[str] = frozenset()
    """The CRM users anybody asks about: a hint, never a promise; rows of others may come and are not counted."""
    stale_days: int = 14
    """The largest of the teams that share the read: how far back stage changes matter."""

    @property
    def kinds(self) -> frozenset[RecordKind]:
        """The kinds of record to read."""
        return record_kinds(self.kpis)


class CrmClient(Protocol):
    """States the facts of one CRM connection, for all managers at once."""

    capabilities: Mapping[str, Capability]
    """For every KPI of the catalogue: whether it can be stated, and whether also for a past instant."""
    stats: ReadStats

    async def users(self) -> list[CrmUser]:
        """All accounts, also inactive ones. Raises CrmError rather than give an incomplete list."""

    def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds`, and one `Completed` or `Failed` for each kind.

        Events: all that may fall into the window. Open deals and tasks: all that are open now, and those that were
        open at `window.cutoff` (closed or done since). Order is free; less memory is used when tasks and comments
        come before the deals they belong to. Rows may repeat (a page shifted): the first of an id counts. Nothing is
        ever partial: a kind without `Completed` counts as not read. Raises CrmError only if nothing at all could be
        read (login refused, host down).
        """

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Login, rights, scopes, visibility of every member (CRM user → name), clock skew."""

    def link(self, record: Record) -> str:
        """The record's page in the CRM, on the configured host; empty if it has none."""

    async def aclose(self) -> None:
        """Close connections."""
