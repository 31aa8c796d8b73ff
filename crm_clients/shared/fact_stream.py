"""Facts on their way from a reading that runs ahead to whoever takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence

from scoring.records import Fact

Portion = Callable[[], Iterable[Fact]]
"""Folds its rows when their turn comes, and gives their facts, or what makes them when they are taken."""

AHEAD = 60
"""Portions (pages) that may wait: those of a request beside those of the next."""
FOLDED = 100
"""Portions that may be folded and not taken yet: while they are taken, the next request is on its way."""


class Stream:
    """A short queue of portions: while they are folded, the next request is already on its way.

    What to ask for next may hang on what was folded. While somebody waits for that, nothing is taken in between.
    """

    def __init__(self, ahead: int = AHEAD, folded: int = FOLDED) -> None:
        self._portions: asyncio.Queue[Portion | None] = asyncio.Queue(ahead)
        self._folded: deque[Iterable[Fact]] = deque()
        self._most = folded
        self._awaited = 0
        """How many wait for what was folded."""

    async def put(self, portion: Portion) -> None:
        """Hand a portion over; waits while too many do."""
        await self._portions.put(portion)

    async def give(self, facts: Sequence[Fact]) -> None:
        """Hand facts over that are made already."""
        await self._portions.put(lambda: facts)

    async def drained(self) -> None:
        """Wait until everything handed over has been folded."""
        self._awaited += 1
        try:
            await self._portions.join()
        finally:
            self._awaited -= 1

    async def taken(self) -> None:
        """Wait until everything handed over has been taken, so that whatever is wrong with it is known."""
        reached = asyncio.Event()

        def tell() -> Iterator[Fact]:
            reached.set()
            yield from ()

        await self._portions.put(tell)
        await reached.wait()

    async def run(self, reading: Callable[[], Awaitable[None]]) -> AsyncIterator[Fact]:
        """Start `reading` and yield its facts; ends with it, raises what it raises, and cancels it if left early."""
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
        """Read, then tell whoever takes the facts that there are no more; nobody waits for a cancelled one."""
        try:
            await reading()
        except asyncio.CancelledError:
            raise
        except BaseException:
            await self._portions.put(None)
            raise
        await self._portions.put(None)
