"""What many messages of one evening share: a team's day and its standings, read once.

Kept under the length of the team's ledger: a correction lengthens it, and what was kept before is not found any more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Generic, TypeVar

Kept = TypeVar("Kept")
Key = tuple[str | date | int | None, ...]
MOST = 16


class Shared(Generic[Kept]):
    """The newest values; a key names the team, the stretch and the length of the ledger."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    async def get(self, key: Key, make: Callable[[], Awaitable[Kept]]) -> Kept:
        """The value kept under `key`, made if there is none."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = await make()
        self._kept[key] = value
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return value
