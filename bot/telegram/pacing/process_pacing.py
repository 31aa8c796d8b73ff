"""Keep the records of one process for the rate limiter: chats, clocks, round trips and Telegram's retry_after."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from bot.telegram.pacing.limits import (
    ANSWER_GAP,
    CLOCK_SAMPLE_AGE,
    CLOCK_SAMPLES,
    GROUP_PAUSE,
    REMEMBERED_CHATS,
    TRAVEL_SAMPLES,
)

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]


class ChatTurns:
    """Let messages of this process into a chat singly, each ANSWER_GAP seconds after the answer to the last.

    A busy process may hold a message back for long, so the chat's second begins with Telegram's answer.
    """

    def __init__(self, monotonic: Monotonic, sleep: Sleep) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._answered: OrderedDict[int, float] = OrderedDict()

    async def enter(self, chat_id: int) -> asyncio.Lock:
        """Wait for the chat; the lock goes back to `leave`."""
        lock = self._locks.setdefault(chat_id, asyncio.Lock())
        await lock.acquire()
        try:
            wait = self._answered.get(chat_id, float("-inf")) + ANSWER_GAP - self._monotonic()
            if wait > 0:
                await self._sleep(wait)
        except BaseException:
            lock.release()
            raise
        return lock

    def leave(self, chat_id: int, lock: asyncio.Lock) -> None:
        """Give the chat free, and start its second now."""
        self._answered[chat_id] = self._monotonic()
        self._answered.move_to_end(chat_id)
        if len(self._answered) > REMEMBERED_CHATS:
            self._answered.popitem(last=False)
        lock.release()


class DatabaseClock:
    """Tell the time of the database from its quickest recent answer.

    Every answer takes a while to arrive, so the clock is never estimated to be ahead of the database.
    """

    def __init__(self, monotonic: Monotonic, sleep: Sleep) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._samples: deque[tuple[float, float]] = deque(maxlen=CLOCK_SAMPLES)
        """Moment of each answer, and seconds the database's clock was behind the process's."""

    def learn(self, database_now: float) -> None:
        """Note the time that the database has just answered, in seconds."""
        at = self._monotonic()
        while self._samples and self._samples[0][0] < at - CLOCK_SAMPLE_AGE:
            self._samples.popleft()
        self._samples.append((at, at - database_now))

    def now(self, at: float | None = None) -> float:
        """Estimate the database's time now, or at a monotonic moment of this process."""
        moment = self._monotonic() if at is None else at
        return moment - min((behind for _, behind in self._samples), default=0.0)

    async def sleep_until(self, moment: float) -> None:
        """Wait for a moment of the database's clock."""
        if (wait := moment - self.now()) > 0:
            await self._sleep(wait)


class TravelTimes:
    """Measure round trips to Telegram, and tell when a message had arrived at the latest."""

    def __init__(self) -> None:
        self._round_trips: deque[float] = deque(maxlen=TRAVEL_SAMPLES)

    def latest_arrival(self, written: float, answered: float) -> float:
        """Return the latest moment at which a message written and answered at these moments may have arrived.

        Only the quickest recent round trip is subtracted from the answer: any excess may be the way to Telegram.
        """
        self._round_trips.append(answered - written)
        return answered - min(self._round_trips)


class RetryAfterTimes:
    """Remember how long Telegram asked this process to wait."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._all_until = 0.0
        self._chats_until: dict[int, float] = {}

    def add(self, chat_id: int, seconds: float) -> None:
        """Note a retry_after: for the chat, and for all chats for as long as `common_pause` says."""
        now = self._monotonic()
        self._all_until = max(self._all_until, now + common_pause(chat_id, seconds))
        self._chats_until = {chat: until for chat, until in self._chats_until.items() if until > now}
        self._chats_until[chat_id] = now + seconds

    def left(self, chat_id: int) -> float:
        """Return the seconds left for a chat."""
        until = max(self._all_until, self._chats_until.get(chat_id, 0.0))
        return max(0.0, until - self._monotonic())


def common_pause(chat_id: int, retry_after: float) -> float:
    """Return the seconds all chats pause for one chat's retry_after: a group has a limit of its own."""
    return retry_after if chat_id > 0 else min(retry_after, GROUP_PAUSE)
