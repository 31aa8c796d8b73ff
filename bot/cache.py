"""Share values between the many messages of one evening, such as a team's day and standings.

The key of a value holds the length of the team's ledger: after a correction, which adds an entry, no earlier value is
found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Generic, TypeVar

from cachetools import LRUCache

Kept = TypeVar("Kept")
Key = tuple[str | date | int | None, ...]
MOST = 16
"""Values remembered; the least recently used value goes first."""


class Shared(Generic[Kept]):
    """Remember the newest values by team, stretch and length of the ledger; a value is made once for all who ask."""

    def __init__(self) -> None:
        self._kept: LRUCache[Key, Kept] = LRUCache(MOST)
        self._made: dict[Key, asyncio.Event] = {}
        """Ends of the makings under way."""

    async def get(self, key: Key, make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the value under `key`; make the value if there is none, or wait for whoever makes the value.

        After a failed making, which raises for its caller alone, the next caller tries.
        """
        while key not in self._kept:
            if key in self._made:
                await self._made[key].wait()
                continue
            made = self._made[key] = asyncio.Event()
            try:
                value = self._kept[key] = await make()
                return value
            finally:
                del self._made[key]
                made.set()
        return self._kept[key]
