"""Pass facts from a reading that runs ahead to the consumer of the facts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence

from scoring.records import Fact

Portion = Callable[[], Iterable[Fact]]
"""Folds the rows of a page when the page's turn comes, and returns the facts, ready or made when taken."""

AHEAD = 60
"""Portions (pages) that may wait: the pages of a request beside the pages of the next."""
FOLDED = 100
"""Portions that may be folded and not taken yet: while facts are taken, the next request is on the way."""


class Stream:
    """Queue portions: while portions are folded, the next request is already on the way.

    The next request may depend on folded rows. While the reading waits for the folding, no fact is taken in between.
    """

    def __init__(self, ahead: int = AHEAD, folded: int = FOLDED) -> None:
        self._portions: asyncio.Queue[Portion | None] = asyncio.Queue(ahead)
        self._folded: deque[Iterable[Fact]] = deque()
        self._most = folded
        self._awaited = 0
        """Number of waits for the folding."""

    async def put(self, portion: Portion) -> None:
        """Hand a portion over; wait while the queue is full."""
        await self._portions.put(portion)

    async def give(self, facts: Sequence[Fact]) -> None:
        """Hand ready facts over."""
        await self._portions.put(lambda: facts)

    async def drained(self) -> None:
        """Wait until all portions handed over are folded."""
        self._awaited += 1
        try:
            await self._portions.join()
        finally:
            self._awaited -= 1

    async def taken(self) -> None:
        """Wait until all facts handed over are taken, so that every fault in the rows is known."""
        reached = asyncio.Event()

        def tell() -> Iterator[Fact]:
            reached.set()
            yield from ()

        await self._portions.put(tell)
        await reached.wait()

    async def run(self, reading: Callable[[], Awaitable[None]]) -> AsyncIterator[Fact]:
        """Start `reading` and yield the facts to the end; raise the reading's errors; cancel a reading left early."""
        task = asyncio.create_task(self._to_end(reading))
        try:
            is_over = False
            while self._folded or not is_over:
                if self._folded and (is_over or not self._is_folding()):
                    for fact in self._folded.popleft():
                        yield fact
                elif (portion := await self._portions.get()) is not None:
                    self._folded.append(portion())
                    self._portions.task_done()
                else:
                    is_over = True
                await asyncio.sleep(0)
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _is_folding(self) -> bool:
        return self._awaited > 0 and not self._portions.empty() and len(self._folded) < self._most

    async def _to_end(self, reading: Callable[[], Awaitable[None]]) -> None:
        """Read, then mark the end of the facts; a cancelled reading needs no mark."""
        try:
            await reading()
        except asyncio.CancelledError:
            raise
        except BaseException:
            await self._portions.put(None)
            raise
        await self._portions.put(None)
