"""Space messages by the memory of one process, while the database gives no slots."""

from __future__ import annotations

from cachetools import LRUCache

from bot.telegram.pacing.limits import REMEMBERED_CHATS
from bot.telegram.pacing.process_pacing import Monotonic, Sleep


class MemorySlots:
    """Hand out slots that other processes do not know of: enough for the answers to people while a database is down."""

    def __init__(self, monotonic: Monotonic, sleep: Sleep) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._free_at: LRUCache[str, float] = LRUCache(REMEMBERED_CHATS)

    async def wait(self, key: str, step: float) -> None:
        """Wait for the next slot under `key`, `step` seconds after the slot before."""
        now = self._monotonic()
        at = max(now, self._free_at.get(key, now))
        self._free_at[key] = at + step
        if at > now:
            await self._sleep(at - now)
