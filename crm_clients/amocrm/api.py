"""Reading lists from amoCRM so that nothing is missed, at the speed of its limit.

Pages shift when rows leave a list while it is read. Where a list can be filtered by a time it is sorted by, the next
page begins at the last row's second (amocrm_created.py), and nothing can slip through. Elsewhere the pages overlap by
a row: if the row is not there again, the list has moved, and the page before is read once more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache

from crm_clients.amocrm.answers import Row, judge
from crm_clients.amocrm.creation import Creation
from crm_clients.amocrm.lists import PAGE, Page, Requests, Sink, give_up
from crm_clients.amocrm.pacing import BACKLOG
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.http import Deadline, Judge

FULL = 200
"""Rows of a full page, at least: pages that overlap are a little shorter."""
IDS = 200
"""Ids in one filter: 250 would pass, but addresses near 8 kB are cut off by proxies."""
PATIENCE = 5
"""How often a page is read again because the list moves."""


@lru_cache(maxsize=4096)
def overlapping(covered: int) -> tuple[int, int]:
    """Limit and page of the request that begins before row `covered` (counted from 0) and reaches furthest."""
    if covered == 0:
        return PAGE, 1
    best = max(range(FULL, PAGE + 1), key=lambda limit: ((covered - 1) // limit + 1) * limit)
    return best, (covered - 1) // best + 1


class AmocrmApi(Requests):
    """Requests to one account, and the ways to read a list whole."""

    # Lists that do not change while they are read

    async def still(self, path: str, query: str, deadline: Deadline, what: str, sink: Sink, *, limit: int) -> None:
        """Page after page; for what has happened and stays so (events up to a past instant)."""

        async def fetch(index: int) -> Page:
            return await self.page(path, query, deadline, what, limit=limit, number=index + 1)

        await self._in_order(fetch, lambda _before, _index, page: self._drain(page, sink))

    async def _drain(self, page: Page, sink: Sink) -> Page:
        if page.rows and await sink(page.rows) is False:
            return Page([], last=True)
        return page

    # Lists that shift

    async def shifting(
        self,
        path: str,
        query: str,
        deadline: Deadline,
        what: str,
        sink: Sink,
        *,
        key: str = "id",
        judge: Judge = judge,
    ) -> None:
        """Pages that overlap by a row, sorted by `key`; a row may come twice, none that keeps its place is missed."""
        places = [overlapping(0)]
        capped = False

        def place(index: int) -> tuple[int, int]:
            if capped:
                return PAGE, index + 1
            while len(places) <= index:
                limit, number = places[-1]
                places.append(overlapping(limit * number))
            return places[index]

        async def fetch(index: int) -> Page:
            limit, number = place(index)
            return await self.page(path, query, deadline, what, limit=limit, number=number, judge=judge)

        async def take(before: Page | None, index: int, page: Page) -> Page:
            nonlocal capped
            if before is None:
                # A server that gives less than asked for: its pages cannot be made to overlap.
                capped = not page.last and len(page.rows) < PAGE
            elif not capped:
                page = await self._close_gap(fetch, index, before, page, key, what, sink)
            return await self._drain(page, sink)

        await self._in_order(fetch, take)

    async def _close_gap(
        self,
        fetch: Callable[[int], Awaitable[Page]],
        index: int,
        before: Page,
        page: Page,
        key: str,
        what: str,
        sink: Sink,
    ) -> Page:
        """Read both sides again until they touch; rows that slid over the border are then in the first."""
        for _ in range(PATIENCE):
            if before.touches(page, key):
                return page
            before = await fetch(index - 1)
            await sink(before.rows)
            if before.last:
                return Page([], last=True)
            if not before.touches(page, key):
                page = await fetch(index)
        raise CrmUnavailable(f"{what}: the list changes faster than it can be read")

    async def _in_order(
        self,
        fetch: Callable[[int], Awaitable[Page]],
        take: Callable[[Page | None, int, Page], Awaitable[Page]],
    ) -> None:
        """Take page after page; further ones are asked for ahead while the limit would otherwise idle."""
        ahead: deque[asyncio.Task[Page]] = deque()
        index = asked = 0
        before: Page | None = None
        try:
            while before is None or not before.last:
                while asked < index + self._depth(index):
                    ahead.append(asyncio.ensure_future(fetch(asked)))
                    asked += 1
                before = await take(before, index, await ahead.popleft())
                index += 1
        finally:
            await give_up(ahead)

    def _depth(self, done: int) -> int:
        """Requests in flight for one list: what is asked beyond its end is wasted, so only long lists look ahead."""
        return 1 + min(BACKLOG - 1, done // 8) if self.pace.has_room else 1

    # Lists that are sorted and filtered by creation

    async def created(
        self, path: str, query: str, until: int, deadline: Deadline, what: str, sink: Sink, *, since: int = 0
    ) -> None:
        """Rows by second of creation, up to `until` (included).

        Raises UnsortedList if the account does not heed the filter or the order.
        """
        await Creation(self, path, query, deadline, what, sink).read(since, until)

    # Rows by id

    async def by_id(
        self, path: str, query: str, name: str, ids: Iterable[int], deadline: Deadline, what: str, sink: Sink
    ) -> None:
        """Rows whose `name` is among `ids`; several lists, some at once, if they are many.

        If the account ignores the filter, one list is all there is: it is read once, and other rows come too.
        """
        ignored = False

        async def read(part: list[int]) -> None:
            async def take(rows: list[Row]) -> bool | None:
                nonlocal ignored
                ignored = ignored or any(row.get(name) not in chosen for row in rows)
                return await sink(rows)

            if ignored:
                return
            chosen = set(part)
            names = "&".join(f"filter[{name}][]={number}" for number in part)
            asked = "&".join(filter(None, (query, names, "order[id]=asc")))
            await self.shifting(path, asked, deadline, what, take)

        await self.in_parts(ids, IDS, read)

    async def in_parts(self, ids: Iterable[int], size: int, read: Callable[[list[int]], Awaitable[None]]) -> None:
        """Call `read` with some ids after the others, several calls at once."""
        wanted = sorted(set(ids))
        gate = asyncio.Semaphore(BACKLOG // 2)

        async def take_turn(part: list[int]) -> None:
            async with gate:
                await read(part)

        parts = [asyncio.create_task(take_turn(wanted[at : at + size])) for at in range(0, len(wanted), size)]
        try:
            await asyncio.gather(*parts)
        finally:
            await give_up(parts)
