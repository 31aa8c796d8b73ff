"""Reserve the common slots of one process in `rate_slots`, and make up for messages that went out late."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from bot.telegram.pacing.limits import (
    AHEAD,
    AT_WIRE,
    COMMON_STEP,
    MAX_LEAD,
    MAX_MISSED_SLOTS,
    PATIENCE,
    SLACK,
    STREAM_PAUSE,
    TOO_LATE,
)
from bot.telegram.pacing.process_pacing import DatabaseClock
from storage.db.database import Database
from storage.errors import StorageError
from storage.messages import rate_slots

ALL = "*"
"""The key of the common slots, which messages to all chats share."""


class CommonSlots:
    """Hand out evenly spaced slots, in the order in which messages ask for them.

    Slots are moments of the database's clock. One statement reserves a slot for each message that waits, and in a
    stream of messages AHEAD slots more, so that the stream does not stand still during a reservation. A message that
    goes out more than SLACK after its slot comes close to the slots behind; the excess (`debt`) is added
    between the slots reserved so far and the next, before the thirtieth slot after it is reserved by any process.
    """

    def __init__(self, db: Database, clock: DatabaseClock) -> None:
        self._db = db
        self._clock = clock
        self._reserved: deque[float] = deque()
        self._waiting = 0
        self._reserving = asyncio.Lock()
        self._round_trip = 0.0
        """Seconds of the last reservation, at most MAX_LEAD: slots begin so much later, or all would be missed."""
        self._debt = 0.0
        """Seconds to leave free before the next slots."""
        self._left_free: deque[tuple[float, float]] = deque(maxlen=AT_WIRE * 10)
        """First slot of each reservation, and the seconds left free before it."""
        self._last = float("-inf")
        """The slot given out last."""

    async def wait(self) -> float | None:
        """Wait for a slot and return it; None if Telegram asked all chats to wait for more than PATIENCE."""
        for _ in range(MAX_MISSED_SLOTS):
            slot = await self._next()
            if slot is None:
                return None
            await self._clock.sleep_until(slot)
            if self._lateness(slot) <= TOO_LATE:
                break
        return slot

    def went_out(self, slot: float, at: float) -> None:
        """Account for a message of this slot that went out at a monotonic moment of this process."""
        left_free = sum(seconds for first, seconds in self._left_free if first > slot)
        self._debt = max(self._debt, min(self._lateness(slot, at), TOO_LATE) - SLACK - left_free)

    async def settle(self) -> None:
        """Put the debt before the next slots, unless a waiting message does; without a database, a later one does."""
        if self._debt and not self._waiting:
            with suppress(StorageError):
                async with self._reserving:
                    await self._reserve(0)

    def _lateness(self, slot: float, at: float | None = None) -> float:
        return self._clock.now(at) - slot

    async def _next(self) -> float | None:
        """Return the first reserved slot that is not missed yet, or reserve slots for all waiting messages."""
        self._waiting += 1
        try:
            async with self._reserving:
                while self._reserved:
                    slot = self._reserved.popleft()
                    if self._lateness(slot) <= TOO_LATE:
                        self._last = slot
                        return slot
                streaming = bool(self._left_free) and self._lateness(self._last) < STREAM_PAUSE
                await self._reserve(self._waiting + (AHEAD if streaming else 0))
                if not self._reserved:
                    return None
                self._last = self._reserved.popleft()
                return self._last
        finally:
            self._waiting -= 1

    async def _reserve(self, count: int) -> None:
        asked, debt = self._clock.now(), self._debt
        earliest = asked + self._round_trip if count else 0.0
        first = await rate_slots.reserve(
            self._db, ALL, COMMON_STEP, count, earliest=earliest, later=debt, ahead=PATIENCE
        )
        if first is None:
            return
        self._clock.learn(first.now)
        self._round_trip = min(self._clock.now() - asked, MAX_LEAD)
        self._debt = max(0.0, self._debt - debt)
        self._left_free.append((first.at, debt))
        self._reserved.extend(first.at + number * COMMON_STEP for number in range(count))
