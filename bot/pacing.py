"""Telegram's limits, held over all processes by `rate_slots` (product.md §8).

Every request that puts a message into a chat passes here. The chat's slot is taken first, then the common one. Sends
are spaced evenly; what answers a tap waits only for the few slots that are reserved already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
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
ALL_STEP = 1 / 28.9
"""Even, and so much below 30/s that no second holds 31 though answers are 38 ms late."""
LATE = 0.03
"""Seconds that a slot may be overslept."""
CHAT_STEP = 1.05
GROUP_STEP = 3.05
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


def chat_key(chat_id: int) -> str:
    """The slot of a chat."""
    return f"chat:{chat_id}"


def chat_step(chat_id: int) -> float:
    """Seconds between two messages: private chats 1/s, groups 20/min."""
    return CHAT_STEP if chat_id > 0 else GROUP_STEP


async def take(db: Database, chat_id: int, *, ahead: float | None = None) -> float | None:
    """Reserve both slots; seconds to wait, or None (nothing reserved) if the chat is busy for longer than `ahead`."""
    return await rate_slots.take_both(db, (chat_key(chat_id), chat_step(chat_id)), (ALL, ALL_STEP), ahead)


async def turn(db: Database, chat_id: int, sleep: Sleep, *, ahead: float | None = None) -> bool:
    """Wait for both slots; False (at once) if the chat is busy for longer than `ahead`.

    A slot that was overslept, because this process or machine stood still, is given up for another: all that were
    overslept together would go out together.
    """
    clock = asyncio.get_running_loop().time
    while True:
        wait = await take(db, chat_id, ahead=ahead)
        if wait is None:
            return False
        slot = clock() + wait
        await sleep(wait)
        if clock() - slot <= LATE:
            return True
        ahead = None  # it has waited its time


async def push_back(db: Database, chat_id: int, seconds: float) -> None:
    """Telegram asked to wait: that chat, and everybody for as long as the whole bot seems meant."""
    await rate_slots.push_back(db, chat_key(chat_id), seconds)
    await rate_slots.push_back(db, ALL, min(seconds, 5.0))


class Pacing(BaseRequestMiddleware):
    """Lets every answer of the handlers wait for its slots."""

    def __init__(self, db: Database, sleep: Sleep = asyncio.sleep) -> None:
        self._db = db
        self._sleep = sleep

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        """Send when the slots have come."""
        chat_id = getattr(method, "chat_id", None)
        if isinstance(method, PACED) and isinstance(chat_id, int) and not taken.get():
            await turn(self._db, chat_id, self._sleep)
        return await make_request(bot, method)
