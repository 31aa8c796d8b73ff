"""Telegram's limits, held over all processes by `rate_slots` (docs/product.md §8).

Every request that puts a message into a chat passes here: it waits for its chat's slot, then with few others at the
wire, in the order they came, for a common one. These are spaced evenly and reserved only for those at the wire, so that
what answers a tap waits for few.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
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

from bot.telegram.process_pacing import Gone, Sleep, Watch
from storage.db.database import Database
from storage.errors import StorageError
from storage.messages import rate_slots

ALL = "*"
ALL_STEP = 1 / 28.7
"""Even, and so much below 30/s that no second holds 31 though one of them comes 45 ms late."""
CHAT_STEP = 1.05
GROUP_STEP = 3.05
LATE = 0.035
"""Seconds that a message may go out after its slot; the rest of the 45 ms is the network's."""
TOO_LATE = 0.35
"""So late it may go out too, if those who take slots from now on leave the difference; later the slot is given up."""
AT_WIRE = 4
"""So many messages of one process have their connection, or make it, and wait for a common slot."""
LEAD = 0.2
"""Seconds that slots are reserved ahead at most, for a database that answers slowly."""
TRIES = 8
"""How many slots a message may miss, on a machine that always stands still, before it goes out all the same."""
PATIENCE = 5.0
"""Seconds that a message waits at the wire: a common slot further away means that Telegram asked all to wait."""
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

taken: ContextVar[bool] = ContextVar("slots_taken", default=False)
"""Set where the caller has waited for his turn himself."""
before_wire: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("before_wire", default=None)
"""Set while a message is sent: to be awaited by whoever is about to write it to the wire."""
on_wire: ContextVar[Callable[[], None] | None] = ContextVar("on_wire", default=None)
"""Set from then on: to be called by whoever writes it, as often as he does."""


class _Passage:
    """A message at the wire, which tells when it went out."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._gone: Gone | None = None
        self._written: float | None = None

    def open(self, gone: Gone) -> None:
        """It may go out."""
        self._gone, self._written = gone, None

    def written(self) -> None:
        """Its bytes, or some of them, go out now."""
        self._written = self._watch.now()
        self._tell(self._written)

    def answered(self) -> None:
        """It is known what became of it, or that nobody knows."""
        if self._written is not None:
            self._tell(self._watch.arrived(self._written))

    def _tell(self, at: float) -> None:
        if self._gone is not None:
            self._gone(at)


def chat_key(chat_id: int) -> str:
    """The slot of a chat."""
    return f"chat:{chat_id}"


def chat_step(chat_id: int) -> float:
    """Seconds between two messages: private chats 1/s, groups 20/min."""
    return CHAT_STEP if chat_id > 0 else GROUP_STEP


async def turn(db: Database, chat_id: int, sleep: Sleep, *, ahead: float | None = None) -> bool:
    """Wait for the chat's slot; False (at once) if it is further away than `ahead`.

    One that Telegram's word to wait overtakes while it is waited for is given up for another.
    """
    watch = _outlet(db).watch
    for _ in range(AGAIN):
        key, step = chat_key(chat_id), chat_step(chat_id)
        slot = await rate_slots.take(db, key, step, common=ALL, pause=PATIENCE, ahead=ahead)
        if slot is None:
            return False
        watch.told(slot.now)
        await watch.until(slot.at, sleep)
        if not watch.quiet(chat_id):
            break
    return True


async def busy(db: Database) -> float:
    """Seconds until anybody may send: more than a moment after Telegram asked to wait."""
    return await rate_slots.wait_of(db, ALL)


async def push_back(db: Database, chat_id: int, seconds: float) -> None:
    """Telegram asked to wait: that chat and, unless it is a group with limits of its own, everybody."""
    everybody = seconds if chat_id > 0 else min(seconds, GROUP_PAUSE)
    _outlet(db).watch.hush(chat_id, seconds, everybody)
    await rate_slots.push_back(db, chat_key(chat_id), seconds)
    await rate_slots.push_back(db, ALL, everybody)


class Outlet:
    """The way out of one process: few wait there at once, and go one by one.

    On SQLite nobody but this process sends, and its own watch tells when. Replicas know of each other by their slots
    alone. Thirty slots span 45 ms more than a second: whoever goes out later than that after his slot puts what is
    over between those that are taken and the next ones, before the thirtieth after it is taken. A slot that was
    overslept for longer is given up.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.room = asyncio.Semaphore(AT_WIRE)
        self._slots: deque[float] = deque()
        self._asking = 0
        self._reserving = asyncio.Lock()
        self._takes = 0.0
        """Seconds that the database took last: so far ahead slots are reserved, so as not to be missed at once."""
        self._owed = 0.0
        self._paid: deque[tuple[float, float]] = deque(maxlen=AT_WIRE * 10)
        """Seconds to be put, and lately put, before the next slots."""

    async def pass_(self, db: Database, sleep: Sleep) -> Gone | None:
        """Wait until one more may go out; to be told when it does. None if Telegram asked all to wait for long."""
        if db.is_sqlite:
            return await self.watch.space(ALL_STEP, sleep)
        tries = 0
        while True:
            tries += 1
            slot = await self._next(db)
            if slot is None:
                return None
            await self.watch.until(slot, sleep)
            if self._late(slot) <= TOO_LATE or tries == TRIES:
                return partial(self._owe, slot)

    async def settle(self, db: Database) -> None:
        """Pay what is owed, unless those who ask for slots do; if the database is away, they will."""
        if self._owed and not self._asking:
            with suppress(StorageError):
                async with self._reserving:
                    await self._reserve(db, 0)

    def _late(self, slot: float, at: float | None = None) -> float:
        return self.watch.shows(at) - slot

    def _owe(self, slot: float, at: float) -> None:
        paid = sum(seconds for before, seconds in self._paid if before > slot)
        self._owed = max(self._owed, min(self._late(slot, at), TOO_LATE) - LATE - paid)

    async def _next(self, db: Database) -> float | None:
        """The first reserved slot that is not missed yet, else the first of some for all who ask."""
        self._asking += 1
        try:
            async with self._reserving:
                while self._slots:
                    slot = self._slots.popleft()
                    if self._late(slot) <= TOO_LATE:
                        return slot
                await self._reserve(db, self._asking)
                return self._slots.popleft() if self._slots else None
        finally:
            self._asking -= 1

    async def _reserve(self, db: Database, count: int) -> None:
        asked, owed = self.watch.shows(), self._owed
        earliest = asked + self._takes if count else 0.0
        first = await rate_slots.reserve(db, ALL, ALL_STEP, count, earliest=earliest, later=owed, ahead=PATIENCE)
        if first is None:
            return
        self.watch.told(first.now)
        self._takes = min(self.watch.shows() - asked, LEAD)
        self._owed = max(0.0, self._owed - owed)
        self._paid.append((first.at, owed))
        self._slots.extend(first.at + number * ALL_STEP for number in range(count))


_outlets: WeakKeyDictionary[Database, Outlet] = WeakKeyDictionary()


def _outlet(db: Database) -> Outlet:
    if db not in _outlets:
        _outlets[db] = Outlet(Watch())
    return _outlets[db]


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
        outlet = _outlet(self._db)
        async with outlet.watch.alone(chat_id, self._sleep), AsyncExitStack() as room:
            await room.enter_async_context(outlet.room)
            passage = _Passage(outlet.watch)

            async def ask() -> None:
                gone = await self._pass(outlet, chat_id)
                if gone is None:
                    wait = max(await busy(self._db), outlet.watch.quiet(chat_id))
                    raise TelegramRetryAfter(method=method, message="asked before", retry_after=math.ceil(wait))
                passage.open(gone)
                on_wire.set(passage.written)
                await room.aclose()

            sending, going = before_wire.set(ask), on_wire.set(None)
            try:
                return await make_request(bot, method)
            finally:
                passage.answered()
                before_wire.reset(sending)
                on_wire.reset(going)
                await outlet.settle(self._db)

    async def _pass(self, outlet: Outlet, chat_id: int) -> Gone | None:
        """The same as the outlet's, and Telegram's word to this process, which may have come meanwhile, is kept."""
        gone = await outlet.pass_(self._db, self._sleep)
        quiet = outlet.watch.quiet(chat_id)
        if quiet > PATIENCE:
            return None
        if quiet:
            await self._sleep(quiet)
            return await outlet.pass_(self._db, self._sleep)
        return gone
