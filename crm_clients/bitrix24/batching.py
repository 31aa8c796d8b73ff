"""Reads Bitrix24's lists in as few requests as possible: whoever needs few pages costs nothing of his own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from crm_clients.bitrix24.api import COMMANDS, IN_FLIGHT, Bitrix24Api, OperationLimit, Reply, refused
from crm_clients.bitrix24.lists import ATTEMPTS, KeysetQuery
from crm_clients.bitrix24.values import Row
from crm_clients.errors import CrmError, CrmNonsense, CrmUnavailable, DeadlineExceeded
from crm_clients.shared.http import Deadline

Take = Callable[[KeysetQuery, Sequence[Row]], Awaitable[None]]
"""Is given each page in its turn; may only note it, so that the next request can go out meanwhile."""
Allocation = Sequence[tuple[KeysetQuery, int]]
"""Listings that share a request, and how many pages of each it asks for."""
InFlight = dict[asyncio.Task[None], Allocation]
"""Requests that are on their way."""

FEW_ATTEMPTS = 3
"""A request for several kinds of record is given up sooner: each kind is then read by itself."""
PLENTY = 3 * COMMANDS
"""Pages that are left to fill requests up with, of which some may have a request of their own."""
LONG_TEXT = 40_000
"""Characters of commands that take a while to write: then others have their turn."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0


class BatchScheduler:
    """Reads listings to their ends, as many in a request as fit, and two requests at a time where both are full."""

    def __init__(self, api: Bitrix24Api, deadline: Deadline, take: Take) -> None:
        self._api, self._deadline, self._take = api, deadline, take
        self._half = deadline.remaining("lists") / 2
        self._beside: list[KeysetQuery] = []
        """Those that nothing waits for."""
        self._ahead: dict[KeysetQuery, list[Sequence[Row]]] = {}
        """Those that are read next, and the pages of them that have come."""
        self._flights: InFlight = {}
        self._blocked: dict[str, float] = {}
        """Methods whose computing time is used up, and until when."""

    def beside(self, listings: Iterable[KeysetQuery]) -> None:
        """Read these in whatever room the others leave in their requests, what is left of them in `finish`.

        Once half of the time is over they go first: with a slow portal they must not fall with what takes too long.
        """
        self._beside += sorted(listings, key=lambda listing: listing.want)
        for listing in self._beside:
            listing.is_filler = True

    def ahead(self, listings: Iterable[KeysetQuery]) -> None:
        """Ask for the first pages of these where a `read` of others waits for its last, which come first.

        Their rows are kept until they are themselves read, or with `ahead` of something else no longer wanted.
        """
        for listing in self._ahead:
            listing.over = True
        self._ahead = {listing: [] for listing in listings}

    async def read(self, listings: Iterable[KeysetQuery]) -> None:
        """Each ends `over` or with its `problem`; none takes another with it."""
        wanted = list(listings)
        for listing in wanted:
            for rows in self._ahead.pop(listing, ()):
                await self._take(listing, rows)
        try:
            await self._to_ends(iter(wanted), self._flights, self._beside, self._ahead)
        except BaseException:
            await self.stop()
            raise

    async def finish(self) -> None:
        """Read the lists that were beside the others."""
        beside, self._beside = self._beside, []
        await self.read(beside)

    async def stop(self) -> None:
        """Wait for nothing that is still on its way."""
        flights, self._flights = self._flights, {}
        await _cancel(flights)

    async def _to_ends(
        self,
        waiting: Iterator[KeysetQuery],
        flights: InFlight,
        beside: Collection[KeysetQuery] = (),
        ahead: Collection[KeysetQuery] = (),
    ) -> None:
        current: list[KeysetQuery] = []
        while True:
            current = [listing for listing in current if listing.open]
            self._fill(current, waiting)
            flying = dict(chain(*flights.values()))
            if not current and all(listing in beside or listing in ahead for listing in flying):
                return
            _halve(current, flying)
            if len(flights) < IN_FLIGHT and (shares := self._next(current, beside, ahead, flying)):
                flights[asyncio.create_task(self._fly(shares))] = shares
            elif flights:
                landed, _ = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
                for flight in landed:
                    del flights[flight]
                    flight.result()
            else:
                await self._until_unblocked(current)

    def _next(
        self,
        current: Collection[KeysetQuery],
        beside: Collection[KeysetQuery],
        ahead: Collection[KeysetQuery],
        flying: Mapping[KeysetQuery, int],
    ) -> Allocation:
        """What the next request holds; nothing if there is none, or it is better to wait for one that is on its way."""
        ready = self._ready(current, flying)
        if flying or any(listing not in ready and not listing.asked_last for listing in current):
            ready = [listing for listing in ready if not listing.asked_last]
        others = self._ready(beside, flying)
        if all(listing.left <= flying.get(listing, 0) for listing in current):
            early = [listing for listing in self._ready(ahead, flying) if not listing.in_parts]  # once: it is kept
            ready += early if _wanted([*early, *others]) >= COMMANDS else []
        if flying and not self._is_worth_it(ready, others, flying):
            return []
        return _shares(ready, others) if self._is_early() else _shares(others, ready)

    def _is_worth_it(
        self, ready: Sequence[KeysetQuery], others: Sequence[KeysetQuery], flying: Mapping[KeysetQuery, int]
    ) -> bool:
        """Whether another request may go out now and none more is needed for it in the end.

        It is full, or whatever it might be filled with is on its way to its end. What is beside the others is kept for
        filling up, unless there is plenty of it.
        """
        wanted = _wanted(ready)
        if wanted + _wanted(others) >= COMMANDS:
            return wanted >= COMMANDS // 2 or sum(listing.left for listing in others) >= PLENTY
        return wanted > 0 and all(listing.left <= pages for listing, pages in flying.items())

    async def _fly(self, shares: Allocation) -> None:
        if not await self._request(shares):
            await self._pause([listing for listing, _ in shares])

    def _is_early(self) -> bool:
        return self._deadline.allows(self._half)

    def _ready(self, listings: Iterable[KeysetQuery], flying: Container[KeysetQuery]) -> list[KeysetQuery]:
        return [
            listing
            for listing in listings
            if listing.open and listing not in flying and not self._is_blocked(listing.method)
        ]

    def _fill(self, current: list[KeysetQuery], waiting: Iterator[KeysetQuery]) -> None:
        room = IN_FLIGHT * COMMANDS - _wanted(current)
        while room > 0 and (following := next(waiting, None)) is not None:
            if following.open:
                current.append(following)
                room -= following.want

    async def _request(self, shares: Allocation) -> bool:
        """One batch for all; False if it brought nothing."""
        commands: dict[str, str] = {}
        names: dict[int, list[str]] = {}
        written = 0
        for place, (listing, pages) in enumerate(shares):
            mine = listing.commands(f"q{place}", pages)
            names[place] = list(mine)
            commands |= mine
            written += sum(map(len, mine.values()))
            if written > LONG_TEXT:
                written = 0
                await asyncio.sleep(0)
        groups = dict.fromkeys(listing.group for listing, _ in shares)
        what = ", ".join(dict.fromkeys(listing.what for listing, _ in shares))
        try:
            replies = await self._api.batch(
                commands, deadline=self._deadline, what=what, attempts=FEW_ATTEMPTS if len(groups) > 1 else ATTEMPTS
            )
        except CrmError as error:
            await self._batch_failed([listing for listing, _ in shares], list(groups), error)
            return True
        told = False
        for place, (listing, _) in enumerate(shares):
            told |= await self._accept(listing, {name: replies[name] for name in names[place]})
        return told

    async def _accept(self, listing: KeysetQuery, replies: Mapping[str, Reply]) -> bool:
        self._note_blocks(listing, replies.values())
        if not listing.open:  # its other half has a problem, or it is no longer wanted
            return True
        told = False
        try:
            for rows in listing.accept(replies):
                told = True
                if listing in self._ahead:
                    self._ahead[listing].append(rows)
                else:
                    await self._take(listing, rows)
        except CrmError as error:
            listing.problem = error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            listing.problem = CrmNonsense(f"{listing.what}: an answer of an unexpected form ({type(error).__name__})")
        return told or not listing.open

    def _note_blocks(self, listing: KeysetQuery, replies: Iterable[Reply]) -> None:
        for reply in replies:
            if isinstance(reply.error, OperationLimit):
                end = self._api.clock.monotonic() + (reply.error.after or 0)
                self._blocked[listing.method] = max(end, self._blocked.get(listing.method, end))

    async def _batch_failed(self, listings: Sequence[KeysetQuery], groups: Sequence[str], error: CrmError) -> None:
        """Where several kinds shared the request, each tries by itself: one of them may be what breaks it."""
        if len(groups) > 1 and not refused(error) and not isinstance(error, DeadlineExceeded):
            for group in groups:
                await self._apart([listing for listing in listings if listing.group == group])
            return
        for listing in listings:
            listing.problem = error

    async def _apart(self, listings: Sequence[KeysetQuery]) -> None:
        """Read these to their ends; what was asked ahead is asked again when it is read."""
        for listing in listings:
            listing.in_parts = True
        flights: InFlight = {}
        try:
            await self._to_ends(iter([listing for listing in listings if listing not in self._ahead]), flights)
        finally:
            await _cancel(flights)

    def _is_blocked(self, method: str) -> bool:
        return self._blocked.get(method, 0.0) > self._api.clock.monotonic()

    async def _until_unblocked(self, listings: Sequence[KeysetQuery]) -> None:
        """Wait for the first of the methods; what cannot be waited for has failed."""
        now = self._api.clock.monotonic()
        blocked = [listing for listing in listings if self._is_blocked(listing.method)]
        for listing in blocked:
            wait = self._blocked[listing.method] - now
            if not self._deadline.allows(wait):
                listing.problem = CrmUnavailable(
                    f"{listing.method}: its computing time is used up for another {wait:.0f} s, "
                    "which is longer than the read may take"
                )
        waits = [self._blocked[listing.method] - now for listing in blocked if listing.open]
        if waits:
            await self._sleep(min(waits))

    async def _pause(self, listings: Sequence[KeysetQuery]) -> None:
        """Nothing came: wait a little longer each time."""
        if any(self._is_blocked(listing.method) for listing in listings):
            return
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(listing.failures for listing in listings))
        wait = random.uniform(0, ceiling)  # noqa: S311  # spreads retries, guards nothing
        if self._deadline.allows(wait):
            await self._sleep(wait)
            return
        for listing in listings:
            listing.problem = self._deadline.exceeded(listing.what)

    async def _sleep(self, seconds: float) -> None:
        self._api.http.stats.waited_seconds += seconds
        await self._api.clock.sleep(seconds)


async def _cancel(flights: InFlight) -> None:
    for flight in flights:
        flight.cancel()
    await asyncio.gather(*flights, return_exceptions=True)


def _wanted(listings: Iterable[KeysetQuery]) -> int:
    return sum(listing.want for listing in listings)


def _shares(listings: Sequence[KeysetQuery], beside: Sequence[KeysetQuery]) -> Allocation:
    """How many pages each gets of one batch: what it wants, in their order; `beside` get what is left.

    What fits into another request is not cut for the room that they can fill: it would take two one after another.
    """
    shares: dict[KeysetQuery, int] = {}
    room, filling = COMMANDS, _wanted(beside)
    for listing in listings:
        if listing.want <= room or listing.want == COMMANDS or filling < room:
            shares[listing] = min(listing.want, room)
            room -= shares[listing]
    for listing in beside:
        shares[listing] = min(listing.want, room)
        room -= shares[listing]
    for listing in shares:
        pages = min(listing.margin, room)
        shares[listing] += pages
        room -= pages
    return [(listing, pages) for listing, pages in shares.items() if pages]


def _halve(current: list[KeysetQuery], flying: Container[KeysetQuery]) -> None:
    """Where too few lists are long enough to fill the requests on their way, one of them is read from two ends."""
    if sum(listing.want == COMMANDS for listing in current) >= IN_FLIGHT:
        return
    for listing in current:
        if listing not in flying and (second := listing.halve()) is not None:
            current.append(second)
            return
