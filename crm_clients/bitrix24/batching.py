"""Read Bitrix24's lists in few requests: pages of many lists share a batch of 50 commands."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

from crm_clients.bitrix24.api import COMMANDS, IN_FLIGHT, Bitrix24Api, OperationLimit, Reply, refused
from crm_clients.bitrix24.lists import ATTEMPTS, QueryProgress
from crm_clients.bitrix24.rows import portal_row
from crm_clients.bitrix24.values import Row
from crm_clients.errors import CrmError, CrmNonsense, CrmUnavailable, DeadlineExceeded
from crm_clients.shared.pacing import Clock, Deadline

Take = Callable[[QueryProgress, Sequence[Row]], Awaitable[None]]
"""Receives each page in turn; may only note the page, so that the next request can go out meanwhile."""
Allocation = dict[QueryProgress, int]
"""Pages of each list in a batch."""

FEW_ATTEMPTS = 3
"""Attempts of a request for several kinds of record; after that each kind is read apart."""
LONG_TEXT = 40_000
"""Characters of commands that take a while to write: after so many, other tasks have a turn."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
"""Seconds to wait after a request without any answer; the pause doubles each time."""


class BlockedMethods:
    """Hold until when each method may not be called, because the computing time is used up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        """By method, monotonic seconds."""

    def note(self, method: str, replies: Iterable[Reply]) -> None:
        """Learn from the replies to a method's commands."""
        for reply in replies:
            if isinstance(reply.error, OperationLimit):
                end = self._clock.monotonic() + (reply.error.after or 0)
                self._until[method] = max(end, self._until.get(method, end))

    def wait(self, method: str) -> float:
        """Give the seconds until a method may be called; 0 for now."""
        return max(0.0, self._until.get(method, 0.0) - self._clock.monotonic())


class BatchScheduler:
    """Read lists to the end in full requests, filled by three priorities.

    Required: the lists that `read` was asked for; reading ends with the last of them. Prefetch: lists that will be
    required next; the first pages of each are kept until then. Filler: lists that no other step waits for.

    A second request goes out beside the first only where required lists alone fill it, so the requests are no more in
    all (docs/decisions/0009-two-requests-at-once.md).
    """

    def __init__(self, api: Bitrix24Api, deadline: Deadline, take: Take) -> None:
        self._api, self._deadline, self._take = api, deadline, take
        self._half = deadline.remaining("lists") / 2
        self._prefetched: dict[QueryProgress, list[Sequence[Row]] | None] = {}
        """Lists required next, with the pages that came; None: not yet asked for."""
        self._filler: list[QueryProgress] = []
        self._blocked = BlockedMethods(api.clock)

    def prefetch(self, lists: Iterable[QueryProgress]) -> None:
        """Ask once for the first pages of these lists, where a `read` of others leaves room; a `read` must follow."""
        self._prefetched |= dict.fromkeys(lists)

    def add_filler(self, lists: Iterable[QueryProgress]) -> None:
        """Read these lists in the room that all others leave, and the rest in `finish`.

        Once half of the time is over filler goes first: on a slow portal filler must not fail with the long lists.
        """
        self._filler += sorted(lists, key=_want)

    async def read(self, lists: Iterable[QueryProgress]) -> None:
        """Read the required lists: each ends `is_over` or with a `problem`, independent of all others."""
        required = list(lists)
        for progress in required:
            for rows in self._prefetched.pop(progress, None) or ():
                await self._take(progress, rows)
        await self._to_ends(required, shared=True)

    async def finish(self) -> None:
        """Read the filler to the end."""
        filler, self._filler = self._filler, []
        await self.read(filler)

    async def _to_ends(self, required: Iterable[QueryProgress], *, shared: bool) -> None:
        """Read `required`; only where `shared` do prefetched lists and filler share the requests."""
        waiting = iter(required)
        current: list[QueryProgress] = []
        flights: dict[asyncio.Task[None], Allocation] = {}
        try:
            while True:
                current = [progress for progress in current if progress.open]
                _refill(current, waiting)
                if batch := self._next_batch(current, flights.values(), shared=shared):
                    flights[asyncio.create_task(self._request(batch))] = batch
                elif flights:
                    landed, _ = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
                    for flight in landed:
                        del flights[flight]
                        flight.result()
                elif current:
                    await self._until_unblocked(current)
                else:
                    return
        finally:
            await _cancel(flights)

    def _next_batch(
        self, current: list[QueryProgress], flights: Collection[Allocation], *, shared: bool
    ) -> Allocation | None:
        """Allot the pages of the next request; None where no request may go out now."""
        if not current or len(flights) >= IN_FLIGHT:
            return None
        if flights:
            return self._second_batch(current, {progress for batch in flights for progress in batch})
        _split_longest(current)
        required = sorted(self._ready(current), key=_want)
        batch = _allocate([progress for progress in required if not progress.query.ask_last])
        others = [progress for progress in current if not progress.query.ask_last]
        if all(batch.get(progress, 0) >= max(1, progress.pages_left) for progress in others):
            _allocate([progress for progress in required if progress.query.ask_last], batch)
        if not shared:
            return batch
        filler = self._ready(self._filler)
        if not self._deadline.allows(self._half):
            return _allocate([*filler, *batch])
        if batch:
            _allocate(self._ready(progress for progress, pages in self._prefetched.items() if pages is None), batch)
        return _allocate(filler, batch)

    def _second_batch(self, current: list[QueryProgress], in_flight: Container[QueryProgress]) -> Allocation | None:
        """Allot a request beside another, if required lists alone fill the request."""
        free = [progress for progress in self._ready(current) if progress not in in_flight]
        batch = _allocate(progress for progress in free if not progress.query.ask_last)
        return batch if sum(batch.values()) == COMMANDS else None

    def _ready(self, lists: Iterable[QueryProgress]) -> list[QueryProgress]:
        return [progress for progress in lists if progress.open and not self._is_blocked(progress)]

    async def _request(self, batch: Allocation) -> None:
        """Send a batch, and hand over the pages that came."""
        names = await _write(batch)
        groups = dict.fromkeys(progress.group for progress in batch)
        try:
            replies = await self._api.batch(
                {name: text for mine in names.values() for name, text in mine.items()},
                deadline=self._deadline,
                what=", ".join(dict.fromkeys(progress.query.what for progress in batch)),
                attempts=FEW_ATTEMPTS if len(groups) > 1 else ATTEMPTS,
            )
        except CrmError as error:
            await self._batch_failed(list(batch), list(groups), error)
            return
        came = False
        for progress, mine in names.items():
            came |= await self._accept(progress, {name: replies[name] for name in mine})
        if not came:
            await self._pause(list(batch))

    async def _accept(self, progress: QueryProgress, replies: Mapping[str, Reply]) -> bool:
        """Hand over a list's pages; tell whether a page came, or the list has ended."""
        self._blocked.note(progress.query.method, replies.values())
        came = False
        if progress in self._prefetched:
            self._prefetched[progress] = []
        try:
            for rows in progress.accept(replies):
                came = True
                if (kept := self._prefetched.get(progress)) is not None:
                    kept.append(rows)
                else:
                    await self._take(progress, rows)
        except CrmError as error:
            progress.problem = error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            progress.problem = CrmNonsense(
                f"{progress.query.what}: an answer of an unexpected form ({type(error).__name__})"
            )
        return came or not progress.open

    async def _batch_failed(self, lists: Sequence[QueryProgress], groups: Sequence[str], error: CrmError) -> None:
        """Read each kind of record apart where several shared the request: a single kind may break the batch."""
        if len(groups) == 1 or refused(error) or isinstance(error, DeadlineExceeded):
            for progress in lists:
                progress.problem = error
            return
        for progress in lists:
            progress.in_parts = True
            if progress in self._prefetched:
                self._prefetched[progress] = []  # asked for once; the rest when it is required
        for group in groups:
            alone = [progress for progress in lists if progress.group == group and progress not in self._prefetched]
            await self._to_ends(alone, shared=False)

    # Waiting

    def _is_blocked(self, progress: QueryProgress) -> bool:
        return self._blocked.wait(progress.query.method) > 0

    async def _until_unblocked(self, lists: Sequence[QueryProgress]) -> None:
        """Wait for the first of the blocked methods; a list fails where the wait would outlast the read."""
        waits: list[float] = []
        for progress in filter(self._is_blocked, lists):
            wait = self._blocked.wait(progress.query.method)
            if self._deadline.allows(wait):
                waits.append(wait)
            else:
                progress.problem = CrmUnavailable(
                    f"{progress.query.method}: its computing time is used up for another {wait:.0f} s, "
                    "which is longer than the read may take"
                )
        if waits:
            await self._sleep(min(waits))

    async def _pause(self, lists: Sequence[QueryProgress]) -> None:
        """Wait a little longer after each request without any answer."""
        if any(self._is_blocked(progress) for progress in lists):
            return
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(progress.failures for progress in lists))
        wait = random.uniform(0, ceiling)  # noqa: S311  # spreads retries, guards nothing
        if self._deadline.allows(wait):
            await self._sleep(wait)
            return
        for progress in lists:
            progress.problem = self._deadline.exceeded(progress.query.what)

    async def _sleep(self, seconds: float) -> None:
        self._api.http.stats.waited_seconds += seconds
        await self._api.clock.sleep(seconds)


async def _cancel(flights: Collection[asyncio.Task[None]]) -> None:
    """Cancel the requests that are still on the way."""
    for flight in flights:
        flight.cancel()
    await asyncio.gather(*flights, return_exceptions=True)


def _split_longest(current: list[QueryProgress]) -> None:
    """Read a list from two places where too few required lists are long enough to fill two requests."""
    if sum(progress.want == COMMANDS for progress in current) < IN_FLIGHT:
        halves = (progress.split_range() for progress in current)
        current += [half for half in halves if half is not None][:1]


def _want(progress: QueryProgress) -> int:
    return progress.want


def _refill(current: list[QueryProgress], waiting: Iterator[QueryProgress]) -> None:
    """Take as many of the waiting lists as fill a batch."""
    room = COMMANDS - sum(progress.want for progress in current)
    while room > 0 and (following := next(waiting, None)) is not None:
        if following.open:
            current.append(following)
            room -= following.want


def _allocate(lists: Iterable[QueryProgress], batch: Allocation | None = None) -> Allocation:
    """Give each list, in the order given, as many pages as the list wants and the batch has room for."""
    batch = {} if batch is None else batch
    room = COMMANDS - sum(batch.values())
    for progress in lists:
        if pages := min(progress.want, room):
            batch[progress] = pages
            room -= pages
    return batch


async def _write(batch: Allocation) -> dict[QueryProgress, dict[str, str]]:
    """Write the commands of each list, by name."""
    names: dict[QueryProgress, dict[str, str]] = {}
    written = 0
    for place, (progress, pages) in enumerate(batch.items()):
        names[progress] = progress.commands(f"q{place}", pages)
        written += sum(map(len, names[progress].values()))
        if written > LONG_TEXT:
            written = 0
            await asyncio.sleep(0)
    return names


async def read_decoded(api: Bitrix24Api, deadline: Deadline, lists: Iterable[QueryProgress]) -> None:
    """Read small lists to the end, with every row decoded and folded at once; a bad row is a `problem` of its list."""

    async def take(progress: QueryProgress, rows: Sequence[Row]) -> None:
        query, now = progress.query, api.clock.now()
        if query.row is not None:
            query.fold([portal_row(row, query.row, query.what, now) for row in rows])

    await BatchScheduler(api, deadline, take).read(lists)
