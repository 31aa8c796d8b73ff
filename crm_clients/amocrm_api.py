"""Reading lists from amoCRM so that nothing is missed, at the speed of its limit.

Pages shift when rows leave a list while it is read. Where a list can be filtered by a time it is sorted by, the next
page begins at the last row's second, and nothing can slip through. Elsewhere the pages overlap by a row: if the row
is not there again, the list has moved, and the page before is read once more.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from crm_clients.amocrm_oauth import Keys, MovedAway
from crm_clients.base import ReadStats
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable, RightsMissing
from crm_clients.http import Answer, Clock, Deadline, EvenPace, Http, Judge, TryAgain, one_line

PAGE, EVENTS_PAGE = 250, 100
FULL = 200
"""Rows of a full page, at least: pages that overlap are a little shorter."""
IDS = 200
"""Ids in one filter: 250 would pass, but addresses near 8 kB are cut off by proxies."""
BACKLOG = 8
"""Requests in flight at most, when the answers come slower than the limit lets us ask."""
SECOND, LONGEST_SECOND = 1.05, 1.4
"""A second of the limit, as it may look from the other end of the line: longer if requests bunch up on their way."""
STRETCH, RECOVERY = 1.1, 0.003
"""What a refusal makes of that second, and how much of it every further request takes back."""
PATIENCE = 5
"""How often a page is read again because the list moves."""

Row = dict[str, Any]
Sink = Callable[[list[Row]], Awaitable[bool | None]]
"""Takes the rows of a page; False: enough."""


class IgnoredFilter(CrmNonsense):
    """The rows do not fit the filter: the account ignores filters."""


class UnsortedList(CrmNonsense):
    """The rows are not in the order or the span of creation that was asked for."""


class _Unauthorized(CrmRefused):
    """HTTP 401: the access token is not valid now."""


class BadRequest(CrmRefused):
    """HTTP 400 and its like: this request is refused, others may be answered."""


class MeasuredPace(EvenPace):
    """Knows whether requests queue for the limit, or the limit waits for requests; and keeps the limit on the wire.

    amoCRM counts within sliding seconds, and refuses for good whoever goes over the limit too often. A request that
    goes out late (the machine was busy, or the connection had to be made) must not crowd those that follow.
    """

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        super().__init__(per_second, clock)
        self.refusal: CrmError | None = None
        """Set when the account refuses us: whoever waits for a turn gets none."""
        self._idle = 0.0
        self._second = SECOND
        self._sent: deque[float] = deque(maxlen=math.ceil(per_second))

    async def turn(self, deadline: Deadline, what: str) -> float:
        """Wait for the next turn."""
        waited = await super().turn(deadline, what)
        self.ensure_welcome()
        self._idle += ((waited < self._interval / 10) - self._idle) / 5
        return waited

    def push_back(self, seconds: float) -> None:
        """No turn for this long; and fewer afterwards, for refusals that go on end in a block."""
        super().push_back(seconds)
        self._second = min(LONGEST_SECOND, self._second * STRETCH)

    async def before_wire(self) -> None:
        """Wait until a further request keeps the limit within any second."""
        while (crowded := self._crowded()) > 0:
            self._idle = 0.0
            await self._clock.sleep(crowded)
        self.ensure_welcome()
        self._second = max(SECOND, self._second - RECOVERY)
        self._sent.append(self._clock.monotonic())

    def _crowded(self) -> float:
        full = len(self._sent) == self._sent.maxlen
        return self._sent[0] + self._second - self._clock.monotonic() if full else 0.0

    def ensure_welcome(self) -> None:
        """Raise the refusal again, if there was one."""
        if self.refusal is not None:
            raise type(self.refusal)(str(self.refusal))

    @property
    def has_room(self) -> bool:
        """Whether more requests in flight would be answered sooner."""
        return self._idle > 0.5


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer; whether it was the last."""

    rows: list[Row]
    last: bool

    def touches(self, following: Page, key: str) -> bool:
        """Whether the other begins with a row of this one that has kept its place: then none between them was missed.

        Any other row in both proves nothing where rows move: it may have been moved behind those that were missed.
        """
        first = following.rows[0] if following.rows else {"id": None}
        return any(row["id"] == first["id"] and row.get(key) == first.get(key) for row in self.rows)


def judge(answer: Answer) -> None:
    """What amoCRM's statuses mean."""
    status = answer.status
    if status < 300:
        if status != 204 and answer.is_json and not answer.data:
            raise TryAgain("amoCRM answered nothing, which it says with HTTP 204")
        return
    said = answer.data if isinstance(answer.data, dict) else {}
    if status == 429:
        raise TryAgain("amoCRM asks to slow down (HTTP 429)", _seconds(said.get("retry_after"), answer.retry_after))
    if status in (408, 425) or status >= 500:
        raise TryAgain(f"amoCRM answered HTTP {status}", answer.retry_after)
    if status == 401:
        raise _Unauthorized("amoCRM does not accept the token (HTTP 401)")
    if status == 402:
        raise CrmRefused("the amoCRM account is not paid for (HTTP 402): pay for it, then reading goes on")
    if status == 403:
        raise CrmRefused(
            "amoCRM refuses all requests (HTTP 403): the account or our address is blocked for too many requests, or "
            "the integration was switched off; nothing more is asked. Look at the integration in amoCRM and ask its "
            "support to lift the block"
        )
    if status == 404:
        raise MovedAway(
            "there is no such amoCRM account or method (HTTP 404): put the account's present address into base_url"
        )
    detail = one_line(said.get("detail") or said.get("title") or "", 120)
    raise BadRequest(f"amoCRM refused the request (HTTP {status}{': ' + detail if detail else ''})")


def judge_users(answer: Answer) -> None:
    """The list of users is for administrators: 403 means that the token's owner is none."""
    if answer.status == 403:
        raise RightsMissing(
            "amoCRM refuses the list of users (HTTP 403): only administrators may see it, so make the token as one; "
            "if it was, the account is blocked for too many requests"
        )
    judge(answer)


def of_form(fits: Callable[[Any], bool], form: str, judge: Judge = judge) -> Judge:
    """A judge that has whatever is of another form asked for again."""

    def judge_form(answer: Answer) -> None:
        judge(answer)
        if (answer.is_json or answer.status == 204) and not fits(answer.data):
            raise TryAgain(f"amoCRM answered something that is no {form}")

    return judge_form


def rows_of(data: Any, name: str) -> list[Row] | None:
    """The rows of a list; None if it is none."""
    try:
        rows = data["_embedded"][name]
        return rows if isinstance(rows, list) and all(isinstance(row, dict) and row["id"] for row in rows) else None
    except (TypeError, KeyError):
        return None


def _seconds(said: object, header: float | None) -> float:
    with suppress(TypeError, ValueError):
        return max(0.0, float(said))  # type: ignore[arg-type]  # whatever is no number is caught
    return header if header is not None else 1.0


@lru_cache(maxsize=4096)
def overlapping(covered: int) -> tuple[int, int]:
    """Limit and page of the request that begins before row `covered` (counted from 0) and reaches furthest."""
    if covered == 0:
        return PAGE, 1
    best = max(range(FULL, PAGE + 1), key=lambda limit: ((covered - 1) // limit + 1) * limit)
    return best, (covered - 1) // best + 1


@dataclass(slots=True)
class Span:
    """Seconds of creation still to be read by one chain of requests."""

    low: int
    high: int
    edge: set[int] = field(default_factory=set)
    """Ids of the rows already seen in second `low`."""


class AmocrmApi:
    """Authorised requests to one account, and the ways to read a list whole."""

    def __init__(self, http: Http, keys: Keys, pace: MeasuredPace) -> None:
        self._http, self.keys, self._pace = http, keys, pace

    @property
    def http(self) -> Http:
        """The wire."""
        return self._http

    @property
    def stats(self) -> ReadStats:
        """What reading has cost so far."""
        return self._http.stats

    async def get(self, path: str, query: str, deadline: Deadline, what: str, judge: Judge = judge) -> Any:
        """One answer; None for 204."""
        self._pace.ensure_welcome()
        try:
            return await self._authorised(path, query, deadline, what, judge)
        except (RightsMissing, BadRequest):
            raise
        except CrmRefused as refusal:
            self._pace.refusal = refusal
            raise

    def forget_refusal(self) -> None:
        """Ask again: another read begins, or one method is refused and not the account."""
        self._pace.refusal = None

    async def _authorised(self, path: str, query: str, deadline: Deadline, what: str, judge: Judge) -> Any:
        token = await self.keys.access()
        renewed = moved = False
        while True:
            try:
                return await self._ask(token, path, query, deadline, what, judge)
            except _Unauthorized:
                if renewed:
                    text = "amoCRM does not accept a token that it has just renewed (HTTP 401): connect again"
                    raise CrmRefused(text) from None
                token, renewed = await self.keys.renew(token), True
            except MovedAway:
                if moved or not await self.keys.find_home():
                    raise
                moved = True

    async def _ask(self, token: str, path: str, query: str, deadline: Deadline, what: str, judge: Judge) -> Any:
        # The query goes as it stands: encoded brackets would make long filters half as long again.
        url = f"{self.keys.home}/api/v4/{path}{'?' + query if query else ''}"
        headers = {"Authorization": f"Bearer {token}"}
        return await self._http.call("GET", url, deadline=deadline, what=what, headers=headers, judge=judge)

    async def page(
        self,
        path: str,
        query: str,
        deadline: Deadline,
        what: str,
        *,
        limit: int = PAGE,
        number: int = 1,
        judge: Judge = judge,
    ) -> Page:
        """One page of a list. Whatever is not a list of rows is asked for again."""
        asked = "&".join(filter(None, (query, f"limit={limit}", f"page={number}")))
        name = path.rsplit("/", 1)[-1]

        fits = of_form(lambda data: data is None or rows_of(data, name) is not None, f"list of {name}", judge)
        data = await self.get(path, asked, deadline, what, fits)
        rows = rows_of(data, name) or []
        links = data.get("_links") if rows else None
        last = not links.get("next") if isinstance(links, dict) and links else len(rows) < limit
        return Page(rows, last or not rows)

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
            await _give_up(ahead)

    def _depth(self, done: int) -> int:
        """Requests in flight for one list: what is asked beyond its end is wasted, so only long lists look ahead."""
        return 1 + min(BACKLOG - 1, done // 8) if self._pace.has_room else 1

    # Lists that are sorted and filtered by creation

    async def created(
        self, path: str, query: str, until: int, deadline: Deadline, what: str, sink: Sink, *, since: int = 0
    ) -> None:
        """Rows by second of creation, up to `until` (included): the next page begins where the last one ended.

        Raises UnsortedList if the account does not heed the filter or the order.
        """
        chains: set[asyncio.Task[None]] = set()
        busy: list[Span] = []

        def begin(span: Span) -> None:
            busy.append(span)
            chains.add(asyncio.create_task(chain(span)))

        async def chain(span: Span) -> None:
            while span.low <= span.high:
                asked = f"{query}&filter[created_at][from]={span.low}&filter[created_at][to]={span.high}"
                page = await self.page(path, f"{asked}&order[created_at]=asc", deadline, what)
                await self._advance(span, page, path, query, deadline, what, sink)
                if page.last:
                    break
                if self._pace.has_room and len(busy) < BACKLOG and (half := _split(span, page)) is not None:
                    begin(half)
            busy.remove(span)

        begin(Span(since, until))
        try:
            while chains:
                done, _ = await asyncio.wait(chains, return_when=asyncio.FIRST_COMPLETED)
                chains -= done
                for task in done:
                    task.result()
        finally:
            await _give_up(chains)

    async def _advance(
        self, span: Span, page: Page, path: str, query: str, deadline: Deadline, what: str, sink: Sink
    ) -> None:
        """Give the new rows and move the span behind them."""
        times: list[Any] = [row.get("created_at") for row in page.rows]
        if not all(isinstance(at, int) and span.low <= at <= span.high for at in times) or times != sorted(times):
            raise UnsortedList(f"{what}: amoCRM ignores the filter or the order by creation")
        fresh = [row for row in page.rows if row["id"] not in span.edge]
        if fresh:
            await sink(fresh)
        if page.last or not times:
            return
        if times[-1] == span.low:
            # A bulk import: more rows in this second than one page holds.
            one = f"{query}&filter[created_at][from]={span.low}&filter[created_at][to]={span.low}&order[id]=asc"
            await self.shifting(path, one, deadline, what, sink)
            span.low, span.edge = span.low + 1, set()
            return
        span.low = times[-1]
        span.edge = {row["id"] for row in page.rows if row["created_at"] == span.low}

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
            await _give_up(parts)


def _split(span: Span, page: Page) -> Span | None:
    """The later half of what a chain has left, if that seems worth a chain of its own."""
    first, last = page.rows[0]["created_at"], page.rows[-1]["created_at"]
    left = span.high - last
    if left < 8 * (last - first + 1):  # pages, if rows went on as densely
        return None
    middle = last + left // 2
    half = Span(middle + 1, span.high)
    span.high = middle
    return half


async def _give_up(tasks: Iterable[asyncio.Task[Any]]) -> None:
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
