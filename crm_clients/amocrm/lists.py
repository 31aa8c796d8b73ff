"""Read a list of amoCRM whole, although rows leave the list meanwhile.

Pages of amoCRM are numbered. When rows leave a list, later rows move to earlier pages, and a row may slip through
between two requests. `OverlappingPages` notices this, `CreationSpan` avoids this
(`docs/decisions/0011-lists-that-shift.md`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from crm_clients.amocrm.answers import Row, UnsortedList, judge
from crm_clients.amocrm.api import PAGE, AmocrmApi, ListQuery, RowPage, Sink
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.answers import Judge
from crm_clients.shared.concurrency import in_parts, together

IDS = 200
"""Ids in a filter: 250 would pass, but proxies cut off addresses near 8 kB."""
FULL = 200
"""Rows of a full page, at least: pages that overlap are a little shorter than `PAGE`."""
PATIENCE = 5
"""How often a page is read again because the list shifts."""
PartSink = Callable[[list[int]], Awaitable[None]]
Border = dict[Any, Any]
"""Rows of a page: the values that the list is sorted by, by id."""
Order = Literal["asc", "desc"]
ORDERS: tuple[Order, ...] = ("asc", "desc")
ALONE = 12
"""Pages read by one reader before four share the rest: the last requests of several readers are often in vain."""


class ListReader:
    """Read lists of an account whole; a list that cannot be read whole raises CrmError."""

    def __init__(self, api: AmocrmApi) -> None:
        self.api = api

    async def steady(self, query: ListQuery, sink: Sink, *, limit: int) -> None:
        """Read page after page of a list of fixed rows, such as events up to a past instant."""
        number, is_over, is_promised = 1, False, False
        while not is_over:
            page = await self.api.page(query, number, limit=limit)
            if is_promised and not page.rows:  # the page before linked to this page: ask once more
                page = await self.api.page(query, number, limit=limit)
            is_promised = page.linked
            is_over = (bool(page.rows) and await sink(page.rows) is False) or page.last
            del page  # a page of rows takes a megabyte while the next one is on its way
            number += 1

    async def shifting(self, query: ListQuery, sink: Sink, *, key: str = "id", judge: Judge = judge) -> None:
        """Read a list sorted by `key` in overlapping pages; a row may come twice, no row that stays is missed."""
        await OverlappingPages(self.api, query, sink, key, judge).read()

    async def by_creation(self, query: ListQuery, until: int, sink: Sink) -> None:
        """Read rows created up to second `until` (included), in no order.

        Raises UnsortedList if the account does not heed the filter or the order.
        """
        span = CreationSpan(self.api, query, 0, until, sink)
        for _ in range(ALONE):
            if span.is_left:
                await span.read_page("asc")
        if span.is_left:
            older, newer = span.halves()
            await together(*(half.read_from(order) for half in (older, newer) for order in ORDERS))

    async def by_ids(
        self, query: ListQuery, name: str, ids: Iterable[int], sink: Sink, silent: PartSink | None = None
    ) -> None:
        """Read rows with a `name` among `ids`, in several lists if there are many ids.

        An account that ignores the filter gives the same list for every part, read once and with other rows too.
        `silent` takes the ids of a part of which the account shows no row.
        """
        is_ignored = False

        async def read(part: list[int]) -> None:
            is_shown = False

            async def take(rows: list[Row]) -> bool | None:
                nonlocal is_ignored, is_shown
                is_shown = True
                numbers = [number for row in rows if isinstance(number := row.get(name), int)]
                is_ignored = is_ignored or not chosen.issuperset(numbers)
                return await sink(rows)

            if is_ignored:
                return
            chosen = set(part)
            names = "&".join(f"filter[{name}][]={number}" for number in part)
            await self.shifting(query.narrowed(names, "order[id]=asc"), take)
            if silent is not None and not is_shown:
                await silent(part)

        await in_parts(ids, IDS, read)


class Place(NamedTuple):
    """Name a page: rows per page, and number from 1."""

    limit: int
    number: int


@lru_cache(maxsize=4096)
def overlapping(covered: int) -> Place:
    """Choose the page that begins before row `covered` (counted from 0) and reaches furthest."""
    if covered == 0:
        return Place(PAGE, 1)
    best = max(range(FULL, PAGE + 1), key=lambda limit: ((covered - 1) // limit + 1) * limit)
    return Place(best, (covered - 1) // best + 1)


class OverlappingPages:
    """Read a list, sorted by `key`, page after page."""

    def __init__(self, api: AmocrmApi, query: ListQuery, sink: Sink, key: str = "id", judge: Judge = judge) -> None:
        self._api, self._query, self._sink = api, query, sink
        self._key, self._judge = key, judge

    async def read(self) -> None:
        """Read all pages. Raises CrmUnavailable if the list shifts faster than pages can be read."""
        place = overlapping(0)
        page = await self._fetch(place)
        # A server that gives fewer rows than asked for: its pages cannot be made to overlap.
        is_capped = not page.last and len(page.rows) < PAGE
        while not await self._ends_with(page):
            border = self._border(page)
            del page  # a page of rows takes a megabyte while the next one is on its way
            if is_capped:
                place = Place(PAGE, place.number + 1)
                page = await self._fetch(place)
            else:
                before, place = place, overlapping(place.limit * place.number)
                page = await self._fetch_touching(border, before, place)

    async def _ends_with(self, page: RowPage) -> bool:
        """Hand the rows of a page over; True if no further page is wanted."""
        return (bool(page.rows) and await self._sink(page.rows) is False) or page.last

    async def _fetch_touching(self, border: Border, before: Place, place: Place) -> RowPage:
        """Fetch a page; read both sides of the border again until the pages touch."""
        page = await self._fetch(place)
        for _ in range(PATIENCE):
            if self._touches(border, page):
                return page
            earlier = await self._fetch(before)
            await self._sink(earlier.rows)  # rows that slid over the border are here now
            if earlier.last:
                return RowPage([], last=True)
            border = self._border(earlier)
            if not self._touches(border, page):
                page = await self._fetch(place)
        raise CrmUnavailable(f"{self._query.what}: the list changes faster than it can be read")

    def _border(self, page: RowPage) -> Border:
        return {row["id"]: row.get(self._key) for row in page.rows}

    def _touches(self, border: Border, page: RowPage) -> bool:
        """Tell whether a page begins with a row of the page before that has kept the place.

        Any other row on both pages proves nothing: amoCRM may have moved that row behind the missed rows.
        """
        first = page.rows[0] if page.rows else {"id": None}
        return first["id"] in border and border[first["id"]] == first.get(self._key)

    async def _fetch(self, place: Place) -> RowPage:
        return await self._api.page(self._query, place.number, limit=place.limit, judge=self._judge)


class CreationSpan:
    """Read rows created within a span of seconds, which shrinks from both ends until nothing is left."""

    def __init__(self, api: AmocrmApi, query: ListQuery, low: int, high: int, sink: Sink) -> None:
        self._api, self._query, self._sink = api, query, sink
        self._low, self._high = low, high
        """First and last second still to be read, both included."""
        self._seen: dict[Order, set[int]] = {"asc": set(), "desc": set()}
        """Ids already read of second `_low` and of second `_high`."""
        self._is_read = False

    @property
    def is_left(self) -> bool:
        """Tell whether a part of the span is still to be read."""
        return not self._is_read and self._low <= self._high

    async def read_from(self, order: Order) -> None:
        """Read from one end (`asc`: the oldest row) until nothing is left; a second reader may do so from the other."""
        while self.is_left:
            await self.read_page(order)

    async def read_page(self, order: Order) -> None:
        """Read a page from one end. Raises UnsortedList if the account does not heed the filter or the order."""
        low, high = self._low, self._high
        page = await self._api.page(self._within(low, high, f"order[created_at]={order}"))
        times = self._times(page, low, high, order)
        fresh = [row for row in page.rows if row["id"] not in self._seen[order]]
        if fresh:
            await self._sink(fresh)
        if page.last:
            self._is_read = True  # the other reader has read what lies outside of this span
        elif times[0] == times[-1]:
            await self._read_second(times[0])
            self._move(order, times[0] + (1 if order == "asc" else -1), set())
        else:
            self._move(order, times[-1], {row["id"] for row in page.rows if row["created_at"] == times[-1]})

    def halves(self) -> tuple[CreationSpan, CreationSpan]:
        """Cut the seconds still to be read in the middle."""
        middle = (self._low + self._high) // 2
        older = CreationSpan(self._api, self._query, self._low, middle, self._sink)
        newer = CreationSpan(self._api, self._query, middle + 1, self._high, self._sink)
        older._seen["asc"], newer._seen["desc"] = self._seen["asc"], self._seen["desc"]
        return older, newer

    def _move(self, order: Order, border: int, seen: set[int]) -> None:
        self._seen[order] = seen
        if order == "asc":
            self._low = border
        else:
            self._high = border

    def _times(self, page: RowPage, low: int, high: int, order: Order) -> list[int]:
        times: list[Any] = [row.get("created_at") for row in page.rows]
        is_within = all(isinstance(at, int) and low <= at <= high for at in times)
        if not is_within or times != sorted(times, reverse=order == "desc"):
            raise UnsortedList(f"{self._query.what}: amoCRM ignores the filter or the order by creation")
        return times

    async def _read_second(self, second: int) -> None:
        """Read a second that holds more rows than a page, such as a bulk import, by id."""
        await OverlappingPages(self._api, self._within(second, second, "order[id]=asc"), self._sink).read()

    def _within(self, low: int, high: int, order: str) -> ListQuery:
        return self._query.narrowed(f"filter[created_at][from]={low}", f"filter[created_at][to]={high}", order)
