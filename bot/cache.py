"""Share values between the many messages of one evening, such as a team's day and standings.

The key of a value holds the length of the team's ledger: after a correction, which adds an entry, no earlier value is
found.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Generic, TypeVar

Kept = TypeVar("Kept")
Key = tuple[str | date | int | None, ...]
MOST = 16
"""Values remembered; the least recently used value goes first."""


class Shared(Generic[Kept]):
    """Remember the newest values by team, stretch and length of the ledger."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    async def get(self, key: Key, make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the value under `key`; make the value if there is none."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = await make()
        self._kept[key] = value
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return value
