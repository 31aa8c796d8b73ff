"""Hold the state that all parts of a read share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from crm_clients.amocrm.account import Account
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.api import EVENTS_PAGE, AmocrmApi, ListQuery
from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.amocrm.lists import ListReader
from crm_clients.amocrm.wire import WireEvent, is_one_of, plain_type
from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.rows import AHEAD, malformed, typed_row
from scoring.records import Fact

T = TypeVar("T")
EventSink = Callable[[list[WireEvent]], Awaitable[None]]
PAST = ("created_at", "updated_at")
"""Instants that cannot lie in the future."""
AHEAD_SECONDS = int(AHEAD.total_seconds())
SETTLING_SECONDS = 30
"""How long after a change control questions expect all lists to show it."""
PORTION = 50
"""Facts handed over at once: making and folding takes a few milliseconds of the event loop."""


@dataclass(slots=True)
class ReadSession:
    """Hold the request, account and deadline of a read, and pass facts on."""

    api: AmocrmApi
    config: AmocrmConfig
    memory: ClientMemory
    request: ReadRequest
    account: Account
    deadline: Deadline
    put: Callable[[Sequence[Fact]], Awaitable[None]]
    """Hands facts over; waits while too many are not yet taken."""
    lists: ListReader = field(init=False)
    known: set[str] = field(default_factory=set)
    """Lists that other rows have shown to be not empty."""
    start: int = field(init=False)
    """First second of which events are read: of the window, or of the window before if events may arrive late."""
    settled: int = field(init=False)
    """Rows and events before this second must stand in every list: lists and events may lag a little behind rows."""
    cutoff: int = field(init=False)
    """Bounds of the window in whole seconds: second s lies before an instant t if s < ceil(t)."""

    def __post_init__(self) -> None:
        """Convert the window to the CRM's whole seconds."""
        self.lists = ListReader(self.api)
        self.start = math.ceil(self.request.since.timestamp())
        self.cutoff = math.ceil(self.request.window.cutoff.timestamp())
        self.settled = self.now - SETTLING_SECONDS

    @property
    def now(self) -> int:
        """Return the CRM's present second."""
        http = self.api.http
        return int((http.clock.now() + (http.skew or timedelta())).timestamp())

    @property
    def is_past_cutoff(self) -> bool:
        """Tell whether changes since the cutoff are possible, by either clock."""
        return self.now >= self.cutoff or self.api.http.clock.now() >= self.request.window.cutoff

    def decode(self, row: Row, row_type: type[T], what: str) -> T:
        """Decode a row of a list. Raises MalformedRow if the row does not fit, or happened in the future."""
        decoded = typed_row(row, row_type, what)
        latest = self.now + AHEAD_SECONDS
        for name in PAST:
            if getattr(decoded, name, 0) > latest:
                raise malformed(row, what, f"{name} lies in the future")
        return decoded

    def covers(self, second: int) -> bool:
        """Tell whether an event of a second is asked for."""
        return self.start <= second < self.cutoff

    def wants(self, *kpis: str) -> bool:
        """Tell whether the request names any of the KPIs."""
        return not self.request.kpis.isdisjoint(kpis)

    async def emit(self, facts: Iterable[Fact]) -> None:
        """Hand facts over in portions, each made in turn."""
        waiting = iter(facts)
        while portion := list(islice(waiting, PORTION)):
            await self.put(portion)
            await asyncio.sleep(0)

    def query(self, path: str, filters: str, what: str) -> ListQuery:
        """Describe a list of this read."""
        return ListQuery(path, filters, self.deadline, what)

    async def read_events(
        self,
        types: Sequence[str],
        since: int,
        until: int | None,
        what: str,
        sink: EventSink,
        *,
        filters: str = "",
        deadline: Deadline | None = None,
    ) -> None:
        """Read events of some types in `[since, until)`, without an end if `until` is None. Raises CrmError."""

        async def take(rows: list[Row]) -> None:
            chosen = (row for row in rows if is_one_of(plain_type(row.get("type")), types))
            await sink([self.decode(row, WireEvent, what) for row in chosen])

        query = self.events_query(types, since, until, what).narrowed(filters)
        await self.lists.steady(replace(query, deadline=deadline or self.deadline), take, limit=EVENTS_PAGE)

    def events_query(self, types: Sequence[str], since: int, until: int | None, what: str) -> ListQuery:
        """Describe the events of some types in `[since, until)`, without an end if `until` is None."""
        # Types are named one by one: an account that does not know this form gives more events, never fewer.
        names = "&".join(f"filter[type][]={name}" for name in types)
        span = f"filter[created_at][from]={since}"
        if until is not None:
            span += f"&filter[created_at][to]={until - 1}"
        return self.query("events", f"{names}&{span}", what)


def of_entities(kind: str, ids: Iterable[int]) -> str:
    """Write the filter for the events of a few entities of a kind (singular)."""
    return "&".join([f"filter[entity]={kind}", *(f"filter[entity_id][]={key}" for key in ids)])
