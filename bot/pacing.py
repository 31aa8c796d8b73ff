"""Telegram's limits, held over all processes by `rate_slots` (product.md §8).

Every request that puts a message into a chat passes here. The common slot is taken first, then the chat's, not before
it. Sends are spaced evenly; what answers a tap waits only for the few slots that are reserved already.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import (
    EditMessageCaption,
    EditMessageText,
    SendDocument,
    SendMessage,
    SendPhoto,
    TelegramMethod,
)

from storage import rate_slots
from storage.database import Database

ALL = "*"
ALL_STEP = 1 / 28.7
"""Even, and so much below 30/s that no second holds 31 though one of them comes 45 ms late."""
CHAT_STEP = 1.05
GROUP_STEP = 3.05
GROUP_PAUSE = 5.0
"""Seconds that all others pause when a group is told to wait: its own limit is long; a common one tells others too."""
AGAIN = 3
"""How often something that Telegram told to wait is tried."""
LONGEST = 60.0
"""Seconds that somebody who asked is kept waiting for Telegram's sake."""
PACED: tuple[type[TelegramMethod[Any]], ...] = (
    SendMessage,
    SendPhoto,
    SendDocument,
    EditMessageText,
    EditMessageCaption,
)
Sleep = Callable[[float], Awaitable[None]]

taken: ContextVar[bool] = ContextVar("slots_taken", default=False)
"""Set where the caller has taken the slots himself."""
before_wire: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("before_wire", default=None)
"""Set while a message is sent: to be awaited by whoever is about to write it to the wire."""


def chat_key(chat_id: int) -> str:
    """The slot of a chat."""
    return f"chat:{chat_id}"


def chat_step(chat_id: int) -> float:
    """Seconds between two messages: private chats 1/s, groups 20/min."""
    return CHAT_STEP if chat_id > 0 else GROUP_STEP


async def take(db: Database, chat_id: int, *, ahead: float | None = None) -> float | None:
    """Reserve both slots; seconds to wait, or None (nothing reserved) if one of them is further than `ahead`."""
    return await rate_slots.take_both(db, (ALL, ALL_STEP), (chat_key(chat_id), chat_step(chat_id)), ahead)


async def turn(db: Database, chat_id: int, sleep: Sleep, *, ahead: float | None = None) -> bool:
    """Wait for both slots; False (at once) if one of them is further away than `ahead`.

    Slots that Telegram's word to wait overtakes while they are waited for are given up for others.
    """
    watch = _watch(db)
    for _ in range(AGAIN):
        wait = await take(db, chat_id, ahead=ahead)
        if wait is None:
            return False
        await sleep(wait)
        await watch.space(chat_id, sleep)
        if not watch.quiet(chat_id):
            break
    return True


async def busy(db: Database) -> float:
    """Seconds until anybody may send: more than a moment after Telegram asked to wait."""
    return await rate_slots.wait_of(db, ALL)


async def push_back(db: Database, chat_id: int, seconds: float) -> None:
    """Telegram asked to wait: that chat and, unless it is a group with limits of its own, everybody."""
    everybody = seconds if chat_id > 0 else min(seconds, GROUP_PAUSE)
    _watch(db).hush(chat_id, seconds, everybody)
    await rate_slots.push_back(db, chat_key(chat_id), seconds)
    await rate_slots.push_back(db, ALL, everybody)


class Watch:
    """What this process has sent lately, by its own watch.

    A slot that was overslept, because the process or its machine stood still, would fall upon the ones after it.
    """

    WINDOW, IN_WINDOW, IN_CHAT = 1.04, 30, 1.02
    """So many seconds hold no more than so many messages, and so many lie between two of a chat."""
    CHATS = 10_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: deque[list[float]] = deque(maxlen=self.IN_WINDOW)
        self._in_chat: OrderedDict[int, list[float]] = OrderedDict()
        self._quiet = 0.0
        self._quiet_chats: dict[int, float] = {}

    async def space(self, chat_id: int, sleep: Sleep) -> None:
        """Wait until this one leaves room to the one before it in its chat."""
        at = self._clock()
        if chat_id in self._in_chat:
            at = max(at, self._in_chat[chat_id][0] + self.IN_CHAT)
        self._in_chat[chat_id] = moment = [at]
        self._in_chat.move_to_end(chat_id)
        if len(self._in_chat) > self.CHATS:
            self._in_chat.popitem(last=False)
        await self._until(moment, sleep)

    async def go(self, sleep: Sleep) -> None:
        """Wait until this one leaves room to all before it: its connection is made, its first byte about to go out."""
        at = self._clock()
        if len(self._sent) == self.IN_WINDOW:
            at = max(at, self._sent[0][0] + self.WINDOW)
        moment = [at]
        self._sent.append(moment)
        await self._until(moment, sleep)

    async def _until(self, moment: list[float], sleep: Sleep) -> None:
        """Wait for a moment that was taken, and note when it really was."""
        if (wait := moment[0] - self._clock()) > 0:
            await sleep(wait)
            moment[0] = self._clock()

    def arrived(self, chat_id: int) -> None:
        """Telegram answered: a busy process may have kept the message for long, and its chat's second begins here."""
        if chat_id in self._in_chat:
            last = self._in_chat[chat_id]
            last[0] = max(last[0], self._clock())

    def hush(self, chat_id: int, seconds: float, everybody: float) -> None:
        """Telegram asked to wait."""
        now = self._clock()
        self._quiet = max(self._quiet, now + everybody)
        self._quiet_chats = {key: until for key, until in self._quiet_chats.items() if until > now}
        self._quiet_chats[chat_id] = now + seconds

    def quiet(self, chat_id: int) -> bool:
        """Whether it asked so, and the time is not over."""
        return self._clock() < max(self._quiet, self._quiet_chats.get(chat_id, 0.0))


_watches: WeakKeyDictionary[Database, Watch] = WeakKeyDictionary()


def _watch(db: Database) -> Watch:
    return _watches.setdefault(db, Watch())


class Pacing(BaseRequestMiddleware):
    """Lets every answer of the handlers wait for its slots, and again for as long as Telegram asks."""

    def __init__(self, db: Database, sleep: Sleep = asyncio.sleep) -> None:
        self._db = db
        self._sleep = sleep

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        """Send when the slots have come."""
        chat_id = getattr(method, "chat_id", None) if isinstance(method, PACED) else None
        if not isinstance(chat_id, int):
            chat_id = None
        if taken.get():
            return await self._send(make_request, bot, method, chat_id)
        tries = 0
        while True:
            tries += 1
            if chat_id is not None:
                await turn(self._db, chat_id, self._sleep)
            try:
                return await self._send(make_request, bot, method, chat_id)
            except TelegramRetryAfter as error:
                if chat_id is not None:
                    await push_back(self._db, chat_id, error.retry_after)
                if tries == AGAIN or error.retry_after > LONGEST:
                    raise
                if chat_id is None:
                    await self._sleep(error.retry_after)

    async def _send(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any], chat_id: int | None
    ) -> Any:
        if chat_id is None:
            return await make_request(bot, method)
        watch = _watch(self._db)
        sending = before_wire.set(partial(watch.go, self._sleep))
        try:
            return await make_request(bot, method)
        finally:
            before_wire.reset(sending)
            watch.arrived(chat_id)
