"""Keep Telegram's limits for all messages of all processes (docs/product.md §8).

A message passes four points (the timing diagram is in docs/decisions/0008-slots-at-the-wire.md):

    acquire(chat)        wait for the chat's slot, the chat's turn in this process, and room at the wire
    permit.ready()       the connection is there: wait for a common slot
    permit.sent()        bytes are written
    permit.answered()    Telegram answered, or the request failed

While the database is in trouble, answers to people are spaced by the memory of the process.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from bot.telegram.pacing.common_slots import ALL, CommonSlots
from bot.telegram.pacing.limits import (
    AT_WIRE,
    CHAT_STEP,
    COMMON_STEP,
    DATABASE_REST,
    GROUP_STEP,
    MAX_ATTEMPTS,
    PATIENCE,
)
from bot.telegram.pacing.memory_slots import MemorySlots
from bot.telegram.pacing.process_pacing import (
    ChatTurns,
    DatabaseClock,
    Monotonic,
    RetryAfterTimes,
    Sleep,
    TravelTimes,
    common_pause,
)
from storage.db.database import Database
from storage.errors import StorageError
from storage.messages import rate_slots


class MustWait(Exception):
    """Tell that Telegram asked to wait for `seconds`, so that the message was not sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Telegram asked to wait {seconds:.0f} s")
        self.seconds = seconds


class RateLimiter:
    """Give out the permits of one process; `rate_slots` keeps the limits across processes.

    Few messages wait at the wire at once, in the order in which they came, so that an answer to a tap waits for few.
    """

    def __init__(self, db: Database, sleep: Sleep = asyncio.sleep, monotonic: Monotonic = time.monotonic) -> None:
        self.sleep = sleep
        self._db = db
        self.monotonic = monotonic
        self.clock = DatabaseClock(monotonic, sleep)
        self.chats = ChatTurns(monotonic, sleep)
        self.common = CommonSlots(db, self.clock)
        self.travel = TravelTimes()
        self.told = RetryAfterTimes(monotonic)
        self.at_wire = asyncio.Semaphore(AT_WIRE)
        self.memory = MemorySlots(monotonic, sleep)
        self._memory_until = 0.0

    @property
    def is_database_resting(self) -> bool:
        """Return whether slots come from memory for now, because the database gave none a moment ago."""
        return self.monotonic() < self._memory_until

    def rest_database(self) -> None:
        """Take slots from memory for DATABASE_REST seconds: an apology must not wait for the database, too."""
        self._memory_until = self.monotonic() + DATABASE_REST

    async def acquire(self, chat_id: int) -> Permit:
        """Wait until a message to the chat may go to the wire, by the memory of the process if need be."""
        try:
            is_free = not self.is_database_resting and await self._wait_for_chat_slot(chat_id, None)
        except StorageError:
            self.rest_database()
            is_free = False
        if not is_free:
            await self._wait_in_memory(chat_id)
        return await self._go_to_wire(chat_id, is_answer=True)

    async def acquire_within(self, chat_id: int, seconds: float) -> Permit | None:
        """Do as `acquire` if the chat's slot is at most so many seconds away; else return None at once.

        Raises StorageError: a delivery that nobody can note is not sent.
        """
        if not await self._wait_for_chat_slot(chat_id, seconds):
            return None
        return await self._go_to_wire(chat_id, is_answer=False)

    async def common_wait(self) -> float:
        """Return the seconds until any chat may be sent to: many after Telegram asked to wait."""
        return await rate_slots.wait_of(self._db, ALL)

    async def retry_after(self, chat_id: int, seconds: float) -> None:
        """Hold back the chat, and all chats for `common_pause`, because Telegram said retry_after."""
        self.told.add(chat_id, seconds)
        with suppress(StorageError):  # this process remembers
            await rate_slots.push_back(self._db, _key(chat_id), seconds)
            await rate_slots.push_back(self._db, ALL, common_pause(chat_id, seconds))

    async def _wait_for_chat_slot(self, chat_id: int, within: float | None) -> bool:
        """Wait for the chat's slot; a retry_after that arrives meanwhile makes the slot void."""
        step = CHAT_STEP if chat_id > 0 else GROUP_STEP
        for _ in range(MAX_ATTEMPTS):
            slot = await rate_slots.take(self._db, _key(chat_id), step, common=ALL, pause=PATIENCE, ahead=within)
            if slot is None:
                return False
            self.clock.learn(slot.now)
            await self.clock.sleep_until(slot.at)
            if not self.told.left(chat_id):
                break
        return True

    async def _wait_in_memory(self, chat_id: int) -> None:
        await self.memory.wait(_key(chat_id), CHAT_STEP if chat_id > 0 else GROUP_STEP)
        if wait := self.told.left(chat_id):
            await self.sleep(wait)

    async def _go_to_wire(self, chat_id: int, *, is_answer: bool) -> Permit:
        turn = await self.chats.enter(chat_id)
        try:
            await self.at_wire.acquire()
        except BaseException:
            self.chats.leave(chat_id, turn)
            raise
        return Permit(self, chat_id, turn, is_answer=is_answer)


class Permit:
    """Hold the right to send one message to a chat, from `acquire` to `answered`."""

    def __init__(self, limiter: RateLimiter, chat_id: int, turn: asyncio.Lock, *, is_answer: bool) -> None:
        self._is_answer = is_answer
        self._limiter = limiter
        self._chat_id = chat_id
        self._turn: asyncio.Lock | None = turn
        self._at_wire = True
        self._slot: float | None = None
        self._written: float | None = None

    async def ready(self) -> None:
        """Wait for a common slot, now that the connection is there. Raises MustWait, for a delivery StorageError."""
        try:
            if not (self._is_answer and self._limiter.is_database_resting):
                await self._wait_for_common_slot()
                return
        except StorageError:
            if not self._is_answer:
                raise
            self._limiter.rest_database()
        self._slot = self._written = None
        await self._limiter.memory.wait(ALL, COMMON_STEP)
        self._leave_wire()

    async def _wait_for_common_slot(self) -> None:
        common, told = self._limiter.common, self._limiter.told
        slot, told_to_wait = await common.wait(), told.left(self._chat_id)
        if slot is not None and 0 < told_to_wait <= PATIENCE:
            await self._limiter.sleep(told_to_wait)
            slot = await common.wait()
        if slot is None or told_to_wait > PATIENCE:
            raise MustWait(max(await self._limiter.common_wait(), told.left(self._chat_id)))
        self._slot, self._written = slot, None
        self._leave_wire()

    def sent(self) -> None:
        """Note that bytes of the message are written now."""
        self._written = self._limiter.monotonic()
        self._went_out(self._written)

    async def answered(self) -> None:
        """Let the next message into the chat: Telegram answered, or the request failed. A second call does nothing."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if self._written is not None:
            self._went_out(self._limiter.travel.latest_arrival(self._written, self._limiter.monotonic()))
        self._leave_wire()
        self._limiter.chats.leave(self._chat_id, turn)
        await self._limiter.common.settle()

    def _went_out(self, at: float) -> None:
        if self._slot is not None:
            self._limiter.common.went_out(self._slot, at)

    def _leave_wire(self) -> None:
        if self._at_wire:
            self._at_wire = False
            self._limiter.at_wire.release()


def _key(chat_id: int) -> str:
    """Return the key of a chat's slots."""
    return f"chat:{chat_id}"
