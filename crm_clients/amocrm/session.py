"""What the parts of one amoCRM read share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from crm_clients.amocrm.account import Account
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.lists import EVENTS_PAGE, Sink
from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.shared.http import Deadline
from scoring.records import Fact

if TYPE_CHECKING:
    from crm_clients.amocrm.client import AmocrmConfig

PORTION = 50
"""Records handed over at once: to make and to fold them takes a few milliseconds of the event loop."""
OVERLAP_SECONDS = 120
"""How far a further look at the changes reaches back behind the last one: clocks differ, events may come late."""

_ENTITIES = ("leads", "contacts", "companies")


def pack(entity: object, number: int) -> int:
    """Kind and id of an entity in one number; 0 for none."""
    return number * 4 + _ENTITIES.index(str(entity)) + 1 if entity in _ENTITIES and number else 0


def path(packed: int) -> str:
    """The page of a packed entity; empty for none."""
    return f"{_ENTITIES[packed % 4 - 1]}/detail/{packed // 4}" if packed else ""


@dataclass(slots=True)
class Job:
    """One read: what is asked, of which account, until when, and where the facts go."""

    api: AmocrmApi
    config: AmocrmConfig
    memory: ClientMemory
    request: ReadRequest
    account: Account
    deadline: Deadline
    put: Callable[[Sequence[Fact]], Awaitable[None]]
    start: int = 0
    cutoff: int = 0
    """Seconds: something of second s lies before an instant t if s < ceil(t)."""

    def __post_init__(self) -> None:
        """Work the window out in the CRM's whole seconds."""
        self.start = math.ceil(self.request.window.start.timestamp())
        self.cutoff = math.ceil(self.request.window.cutoff.timestamp())

    @property
    def now(self) -> int:
        """The CRM's present second."""
        http = self.api.http
        return int((http.clock.now() + (http.skew or timedelta())).timestamp())

    @property
    def is_over(self) -> bool:
        """Whether anything can have happened since the cutoff."""
        return self.now >= self.cutoff or self.api.http.clock.now() >= self.request.window.cutoff

    def covers(self, second: int) -> bool:
        """Whether it lies in the window."""
        return self.start <= second < self.cutoff

    def wants(self, *kpis: str) -> bool:
        """Whether any of them is asked for."""
        return not self.request.kpis.isdisjoint(kpis)

    async def emit(self, facts: Iterable[Fact]) -> None:
        """Hand facts over, in portions that are made one by one."""
        waiting = iter(facts)
        while portion := list(islice(waiting, PORTION)):
            await self.put(portion)
            await asyncio.sleep(0)

    async def events(
        self,
        types: Sequence[str],
        since: int,
        until: int | None,
        what: str,
        sink: Sink,
        *,
        extra: str = "",
        deadline: Deadline | None = None,
    ) -> None:
        """Events of some types in `[since, until)`; types are named one by one, a form that is at worst ignored."""
        names = "&".join(f"filter[type][]={name}" for name in types)
        span = f"filter[created_at][from]={since}"
        if until is not None:
            span += f"&filter[created_at][to]={until - 1}"
        query = "&".join(filter(None, (names, span, extra)))
        await self.api.still("events", query, deadline or self.deadline, what, sink, limit=EVENTS_PAGE)


@dataclass(slots=True)
class Checkpoint:
    """Remembers how far the changes since the cutoff have been looked at."""

    since: int

    def span(self, now: int) -> int:
        """Where the next look begins."""
        begin = self.since
        self.since = max(self.since, now - OVERLAP_SECONDS)
        return begin
