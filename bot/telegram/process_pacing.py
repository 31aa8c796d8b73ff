"""What one process knows by its own watch: what it sent, when Telegram wants quiet, what the database's clock shows."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

Sleep = Callable[[float], Awaitable[None]]
Gone = Callable[[float], None]
"""Is told when a message is in Telegram's hands at the latest, by the watch; more than once, as more is known."""


class Watch:
    """One process's view; what it does not see of others is in `rate_slots`."""

    WINDOW, IN_WINDOW, IN_CHAT = 1.02, 30, 1.02
    """So many seconds hold no more than so many messages, and so many lie between two of a chat."""
    BEHIND = 0.25
    """So many seconds of even spacing may be made up for: a busy process is not always ready when one may go."""
    CHATS = 10_000
    ANSWERS, FRESH = 100, 10.0
    """So many answers of the database tell its time, none older than so many seconds: clocks drift."""
    WAYS = 100
    """So many messages tell how long the way to Telegram and back is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self._sent: deque[list[float]] = deque(maxlen=self.IN_WINDOW)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._in_chat: OrderedDict[int, float] = OrderedDict()
        self._told: deque[tuple[float, float]] = deque(maxlen=self.ANSWERS)
        self._ways: deque[float] = deque(maxlen=self.WAYS)
        self._quiet = 0.0
        self._quiet_chats: dict[int, float] = {}

    # A chat

    @asynccontextmanager
    async def alone(self, chat_id: int, sleep: Sleep) -> AsyncIterator[None]:
        """Nobody else of this process sends to the chat, and what it sent there before has arrived a second ago.

        A busy process may keep a message for long; the chat's second begins when Telegram answers.
        """
        async with self._turns.setdefault(chat_id, asyncio.Lock()):
            await self._until(self._in_chat.get(chat_id, -self.IN_CHAT) + self.IN_CHAT, sleep)
            try:
                yield
            finally:
                self._in_chat[chat_id] = self._clock()
                self._in_chat.move_to_end(chat_id)
                if len(self._in_chat) > self.CHATS:
                    self._in_chat.popitem(last=False)

    # All chats

    async def space(self, step: float, sleep: Sleep) -> Gone:
        """Wait until one more leaves room to all before it: evenly spaced, and a window to thirty.

        One that arrives late, because the process, its machine or the network stood still, would fall upon the ones
        after it: what is returned is to be told when it did.
        """
        planned = max(self._clock() - self.BEHIND, self._next)
        self._next = planned + step
        if len(self._sent) == self.IN_WINDOW:
            planned = max(planned, self._sent[0][0] + self.WINDOW)
        moment = [max(planned, self._clock())]
        self._sent.append(moment)
        await self._until(planned, sleep)

        def gone(at: float) -> None:
            moment[0] = max(planned, at)

        gone(self._clock())
        return gone

    def now(self) -> float:
        """The moment by this watch."""
        return self._clock()

    def arrived(self, written: float) -> float:
        """When a message that was written then and is answered now has arrived at the latest.

        Of its way there and back no more than the quickest one is taken for granted: whatever it took longer, it may
        have taken on its way there.
        """
        now = self._clock()
        self._ways.append(now - written)
        return now - min(self._ways)

    async def _until(self, at: float, sleep: Sleep) -> None:
        if (wait := at - self._clock()) > 0:
            await sleep(wait)

    # Telegram's word

    def hush(self, chat_id: int, seconds: float, everybody: float) -> None:
        """Telegram asked to wait."""
        now = self._clock()
        self._quiet = max(self._quiet, now + everybody)
        self._quiet_chats = {key: until for key, until in self._quiet_chats.items() if until > now}
        self._quiet_chats[chat_id] = now + seconds

    def quiet(self, chat_id: int) -> float:
        """Seconds that are left of it."""
        return max(0.0, max(self._quiet, self._quiet_chats.get(chat_id, 0.0)) - self._clock())

    # The database's clock

    def told(self, now: float) -> None:
        """The database has just answered what its clock showed."""
        at = self._clock()
        while self._told and self._told[0][0] < at - self.FRESH:
            self._told.popleft()
        self._told.append((at, at - now))

    def shows(self, at: float | None = None) -> float:
        """What the database's clock shows now, or at a moment of the watch, rather too little.

        Every answer was some time on its way, the quickest the least: no moment is thought to come before it does.
        """
        return (self._clock() if at is None else at) - min(behind for _, behind in self._told)

    async def until(self, moment: float, sleep: Sleep) -> None:
        """Wait for a moment of the database's clock."""
        if (wait := moment - self.shows()) > 0:
            await sleep(wait)
