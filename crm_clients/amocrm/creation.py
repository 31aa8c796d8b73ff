"""Lists of amoCRM that are filtered and sorted by creation: read by chains, each of which owns a span of seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_clients.amocrm.answers import UnsortedList
from crm_clients.amocrm.lists import Page, Sink, give_up
from crm_clients.amocrm.pacing import BACKLOG
from crm_clients.shared.http import Deadline

if TYPE_CHECKING:
    from crm_clients.amocrm.api import AmocrmApi


@dataclass(slots=True)
class Span:
    """Seconds of creation still to be read by one chain of requests."""

    low: int
    high: int
    edge: set[int] = field(default_factory=set)
    """Ids of the rows already seen in second `low`."""

    def split(self, times: Sequence[int]) -> Span | None:
        """The later half of what is left behind a page, if that seems worth a chain of its own."""
        left = self.high - times[-1]
        if left < 8 * (times[-1] - times[0] + 1):  # pages, if rows went on as densely
            return None
        middle = times[-1] + left // 2
        half = Span(middle + 1, self.high)
        self.high = middle
        return half


class Creation:
    """Reads one list whole: the next page of a chain begins where its last one ended."""

    def __init__(self, api: AmocrmApi, path: str, query: str, deadline: Deadline, what: str, sink: Sink) -> None:
        self._api, self._path, self._query = api, path, query
        self._deadline, self._what, self._sink = deadline, what, sink
        self._chains: set[asyncio.Task[None]] = set()
        self._busy = 0

    async def read(self, since: int, until: int) -> None:
        """Rows created from `since` to `until`, both included.

        Raises UnsortedList if the account does not heed the filter or the order.
        """
        self._begin(Span(since, until))
        try:
            while self._chains:
                done, _ = await asyncio.wait(self._chains, return_when=asyncio.FIRST_COMPLETED)
                self._chains -= done
                for task in done:
                    task.result()
        finally:
            await give_up(self._chains)

    def _begin(self, span: Span) -> None:
        self._busy += 1
        self._chains.add(asyncio.create_task(self._chain(span)))

    async def _chain(self, span: Span) -> None:
        while span.low <= span.high and await self._go_on(span):
            pass  # no page is kept while the next one is on its way
        self._busy -= 1

    async def _go_on(self, span: Span) -> bool:
        """Take a page and move the span behind it; False if it was the last."""
        page = await self._page(f"{self._within(span.low, span.high)}&order[created_at]=asc")
        times = self._times(page, span)
        fresh = [row for row in page.rows if row["id"] not in span.edge]
        if fresh:
            await self._sink(fresh)
        if page.last:
            return False
        if times[0] == times[-1]:
            await self._read_second(times[0])
            span.low, span.edge = times[0] + 1, set()
        else:
            span.low = times[-1]
            span.edge = {row["id"] for row in page.rows if row["created_at"] == span.low}
        if self._api.pace.has_room and self._busy < BACKLOG and (half := span.split(times)) is not None:
            self._begin(half)
        return True

    def _times(self, page: Page, span: Span) -> list[int]:
        times: list[Any] = [row.get("created_at") for row in page.rows]
        if not all(isinstance(at, int) and span.low <= at <= span.high for at in times) or times != sorted(times):
            raise UnsortedList(f"{self._what}: amoCRM ignores the filter or the order by creation")
        return times

    async def _read_second(self, second: int) -> None:
        """A bulk import: more rows in one second than a page holds."""
        query = f"{self._within(second, second)}&order[id]=asc"
        await self._api.shifting(self._path, query, self._deadline, self._what, self._sink)

    def _within(self, low: int, high: int) -> str:
        return f"{self._query}&filter[created_at][from]={low}&filter[created_at][to]={high}"

    async def _page(self, query: str) -> Page:
        return await self._api.page(self._path, query, self._deadline, self._what)
