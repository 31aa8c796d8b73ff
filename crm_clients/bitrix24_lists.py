"""Bitrix24's lists, read by chained pages that are packed into as few batches as possible.

A page is 50 rows, a batch 50 commands, and a command may take the last id of the page before it: so one request walks
2,500 rows. Several lists share a request: whoever needs few pages costs nothing of his own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from crm_clients.bitrix24_api import COMMANDS, PAGE, Bitrix24Api, OperationLimit, Reply, command, refused
from crm_clients.bitrix24_values import Row, number, rows_of
from crm_clients.errors import CrmError, CrmNonsense, CrmUnavailable, DeadlineExceeded
from crm_clients.http import Deadline, TryAgain

Take = Callable[["Listing", Sequence[Row]], Awaitable[None]]
"""Is given each page in its turn; may only note it, so that the next request can go out meanwhile."""

GROWTH = 4
"""How many times as many pages are expected of a list that was longer than expected."""
LONG = 10
"""Pages asked for at once of a list of which it is worth a command to learn where it ends."""
MORE = 1.05
"""How many times as many pages are asked for as the ids that are left seem to fill: they may lie closer there, though
not more than an id each."""
ATTEMPTS, FEW_ATTEMPTS = 6, 3
"""A request for several kinds of record is given up sooner: each kind is then read by itself."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0


class Listing:
    """One list, read to its first short page by ascending ids: counting nothing, and safe from rows that shift.

    A row may come twice in a page: activities do that are bound to several of the objects asked for.
    """

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any],
        fold: Callable[[Sequence[Row]], Any],
        *,
        what: str,
        group: str = "",
        key: str = "ID",
        by: str = "",
        at: str = "",
        pages: int = 1,
    ) -> None:
        """`fold` makes facts of rows; `pages` is how many are expected; `at` is where the rows lie in a result.

        `key` is the id's name in a row, `by` its name in a filter where that is another.
        """
        self.method, self.params, self.fold, self.what = method, params, fold, what
        self.group = group or what
        self.want = max(1, min(COMMANDS, pages))
        self.failures = 0
        self.in_parts = False
        """Whether it took more than one request."""
        self.over = False
        self.problem: CrmError | None = None
        """Why it could not be read in full."""
        self._key, self._by, self._at = key, by or key, at
        self._after = 0
        self._pages, self._expected = 0, pages
        """Read, and expected in all."""
        self._end = 0
        """The last id, as far as it was asked for and told."""

    @property
    def open(self) -> bool:
        """Whether there is more to ask for."""
        return not self.over and self.problem is None

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """The next pages, each beginning after the last row of the one before; of a long list first its end too."""
        is_long = pages >= LONG and self._pages + pages < self._expected
        behind, after = self._behind(), str(self._after)
        asks_end = is_long and not self._end
        end = {f"{name}end": self._behind("DESC", select=[self._by]) + after} if asks_end else {}
        commands = {}
        for page in range(pages - len(end)):
            commands[f"{name}p{page}"] = behind + after
            after = self._last_of(f"{name}p{page}")
        return commands | end

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """The pages that were really read. What came after a short or failed page is asked for again, or not at all."""
        begun, pages = self._after, 0
        for name, reply in replies.items():
            if name.endswith("end"):
                self._note_end(reply)
                continue
            if reply.error is not None or not reply.known:
                self._failed(reply)
                return
            rows = rows_of(reply.value, self._at)
            ids = [number(row[self._key]) for row in rows]
            if ids and (ids[0] <= self._after or any(a > b for a, b in pairwise(ids))):
                if pages:
                    break
                raise CrmNonsense(f"{self.method} does not go on behind the last id: the list cannot be read")
            self.failures = 0
            if ids:
                begun = begun if begun else ids[0]
                self._after = ids[-1]
                yield rows
            pages += 1
            if len(rows) < PAGE:
                self.over = True
                return
        self._expect(pages, self._after - begun)

    def _note_end(self, reply: Reply) -> None:
        """A hint: what was not told was not asked well, and is asked no more."""
        rows = rows_of(reply.value, self._at) if reply.error is None and reply.known else []
        self._end = max((number(row[self._key]) for row in rows), default=-1)

    def _expect(self, pages: int, ids: int) -> None:
        """How many more pages to ask for, after so many full ones that hold so many ids."""
        self._pages += pages
        self.in_parts = True
        if (ahead := self._end - self._after) > 0 and ids > 0:
            left = min(int(ahead * pages * MORE / ids), ahead // PAGE) + 1
        else:
            if self._pages >= self._expected:
                self._expected = self._pages * GROWTH
            left = self._expected - self._pages
        self.want = max(1, min(COMMANDS, left))

    def _failed(self, reply: Reply) -> None:
        self.failures += 1
        self.in_parts = True
        error = reply.error or TryAgain(f"{self.method}: the portal said nothing of a part of the request")
        if not isinstance(error, TryAgain):
            self.problem = error
        elif not isinstance(error, OperationLimit) and self.failures >= ATTEMPTS:
            self.problem = CrmUnavailable(str(error))

    def _behind(self, order: str = "ASC", **other: Any) -> str:
        """The command for a page up to the id that it begins behind; `other` parameters stand for those of its own."""
        params = {**self._asked(), **{key: value for key, value in other.items() if key in self.params}}
        if self.method == "voximplant.statistic.get":
            return command(self.method, {**params, "SORT": self._by, "ORDER": order, f"FILTER[>{self._by}]": ""})
        return command(self.method, {**params, "order": {self._by: order}, "start": -1, f"filter[>{self._by}]": ""})

    def _asked(self) -> Mapping[str, Any]:
        """All parameters but those of paging."""
        return self.params

    def _last_of(self, name: str) -> str:
        inside = f"[{self._at}]" if self._at else ""
        return f"$result[{name}]{inside}[{PAGE - 1}][{self._key}]"


class Numbered(Listing):
    """A list that is only read by page numbers; rows may come twice where it changes meanwhile."""

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any],
        fold: Callable[[Sequence[Row]], Any],
        start: str = "start",
        **rest: Any,
    ) -> None:
        """`start` is what the method calls the first row of a page, where its documentation differs from all others."""
        super().__init__(method, params, fold, **rest)
        self._starts = [0]
        self._spellings = {"start", start}
        self._known: set[int] = set()

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """The next pages."""
        return {
            f"{name}p{start}": command(self.method, {**self.params, **dict.fromkeys(self._spellings, start)})
            for start in self._starts[:pages]
        }

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """The pages that were read."""
        for reply in replies.values():
            if reply.error is not None or not reply.known:
                self._failed(reply)
                return
            self.failures = 0
            start = self._starts.pop(0)
            rows = rows_of(reply.value, self._at)
            self._turned(start, rows)
            if start == 0:
                following, total = reply.next or len(rows), max(reply.total or 0, (reply.next or -1) + 1)
                self._starts = list(range(following, total, PAGE)) if rows else []
            elif not self._starts and (reply.next or 0) > start:
                self._starts = [reply.next or 0]  # it has grown meanwhile
            yield rows
        self.over = not self._starts
        self.want = max(1, min(COMMANDS, len(self._starts)))

    def _turned(self, start: int, rows: Sequence[Row]) -> None:
        """Raises CrmNonsense where a further page is an earlier one again."""
        ids = {number(row[self._key]) for row in rows}
        if start and ids and ids <= self._known:
            raise CrmNonsense(f"{self.method} does not turn the page: the list cannot be read")
        self._known |= ids


class Lists:
    """Reads listings to their ends, as many in a request as fit."""

    def __init__(self, api: Bitrix24Api, deadline: Deadline, take: Take) -> None:
        self._api, self._deadline, self._take = api, deadline, take
        self._half = deadline.remaining("lists") / 2
        self._beside: list[Listing] = []
        """Those that nothing waits for."""
        self._blocked: dict[str, float] = {}
        """Methods whose computing time is used up, and until when."""

    def beside(self, listings: Iterable[Listing]) -> None:
        """Read these in whatever room the others leave in their requests, what is left of them in `finish`.

        Once half of the time is over they go first: with a slow portal they must not fall with what takes too long.
        """
        self._beside += sorted(listings, key=lambda listing: listing.want)

    async def read(self, listings: Iterable[Listing]) -> None:
        """Each ends `over` or with its `problem`; none takes another with it."""
        await self._to_ends(iter(listings), self._beside)

    async def finish(self) -> None:
        """Read the lists that were beside the others."""
        await self._to_ends(iter(self._beside), ())

    async def _to_ends(self, waiting: Iterator[Listing], beside: Sequence[Listing]) -> None:
        current: list[Listing] = []
        pauses = 0
        while True:
            current = [listing for listing in current if listing.open]
            self._fill(current, waiting)
            if not current:
                return
            ready, others = self._ready(current), self._ready(beside)
            if not ready and not others:
                await self._until_unblocked(current)
                continue
            told = await self._request(_shares(ready, others) if self._is_early() else _shares(others, ready))
            pauses = 0 if told else pauses + 1
            if not told:
                await self._pause(ready or others, pauses)

    def _is_early(self) -> bool:
        return self._deadline.allows(self._half)

    def _ready(self, listings: Sequence[Listing]) -> list[Listing]:
        return [listing for listing in listings if listing.open and not self._is_blocked(listing.method)]

    def _fill(self, current: list[Listing], waiting: Iterator[Listing]) -> None:
        room = COMMANDS - sum(listing.want for listing in current)
        while room > 0 and (following := next(waiting, None)) is not None:
            if following.open:
                current.append(following)
                room -= following.want

    async def _request(self, shares: Sequence[tuple[Listing, int]]) -> bool:
        """One batch for all; False if it brought nothing."""
        commands: dict[str, str] = {}
        names: dict[int, list[str]] = {}
        for place, (listing, pages) in enumerate(shares):
            mine = listing.commands(f"q{place}", pages)
            names[place] = list(mine)
            commands |= mine
            await asyncio.sleep(0)  # many long commands take a while to write
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

    async def _accept(self, listing: Listing, replies: Mapping[str, Reply]) -> bool:
        self._note_blocks(listing, replies.values())
        told = False
        try:
            for rows in listing.accept(replies):
                told = True
                await self._take(listing, rows)
        except CrmError as error:
            listing.problem = error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            listing.problem = CrmNonsense(f"{listing.what}: an answer of an unexpected form ({type(error).__name__})")
        return told or not listing.open

    def _note_blocks(self, listing: Listing, replies: Iterable[Reply]) -> None:
        for reply in replies:
            if isinstance(reply.error, OperationLimit):
                end = self._api.clock.monotonic() + (reply.error.after or 0)
                self._blocked[listing.method] = max(end, self._blocked.get(listing.method, end))

    async def _batch_failed(self, listings: Sequence[Listing], groups: Sequence[str], error: CrmError) -> None:
        """Where several kinds shared the request, each tries by itself: one of them may be what breaks it."""
        if len(groups) > 1 and not refused(error) and not isinstance(error, DeadlineExceeded):
            for group in groups:
                await self._to_ends(iter([listing for listing in listings if listing.group == group]), ())
            return
        for listing in listings:
            listing.problem = error

    def _is_blocked(self, method: str) -> bool:
        return self._blocked.get(method, 0.0) > self._api.clock.monotonic()

    async def _until_unblocked(self, listings: Sequence[Listing]) -> None:
        """Wait for the first of the methods; what cannot be waited for has failed."""
        now = self._api.clock.monotonic()
        for listing in listings:
            wait = self._blocked[listing.method] - now
            if not self._deadline.allows(wait):
                listing.problem = CrmUnavailable(
                    f"{listing.method}: its computing time is used up for another {wait:.0f} s, "
                    "which is longer than the read may take"
                )
        waits = [self._blocked[listing.method] - now for listing in listings if listing.open]
        if waits:
            await self._sleep(min(waits))

    async def _pause(self, listings: Sequence[Listing], times: int) -> None:
        """Nothing came: wait a little longer each time."""
        if any(self._is_blocked(listing.method) for listing in listings):
            return
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2**times)
        wait = random.uniform(0, ceiling)  # noqa: S311  # spreads retries, guards nothing
        if self._deadline.allows(wait):
            await self._sleep(wait)
            return
        for listing in listings:
            listing.problem = self._deadline.exceeded(listing.what)

    async def _sleep(self, seconds: float) -> None:
        self._api.http.stats.waited_seconds += seconds
        await self._api.clock.sleep(seconds)


def _shares(listings: Sequence[Listing], beside: Sequence[Listing]) -> list[tuple[Listing, int]]:
    """How many pages each gets of one batch: what it wants, less where all want much; `beside` get what is left."""
    wanted = sum(listing.want for listing in listings)
    shares = []
    room = COMMANDS
    for listing in listings[:COMMANDS]:
        pages = max(1, min(listing.want, listing.want * COMMANDS // max(wanted, COMMANDS)))
        pages = min(pages, room)
        if pages:
            shares.append((listing, pages))
            room -= pages
    for listing in beside:
        if pages := min(listing.want, room):
            shares.append((listing, pages))
            room -= pages
    return shares
