"""Before every handler: who asks, with which rights; after it: no silence when something breaks."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Message, TelegramObject, User

from bot.access import viewer
from bot.context import AppContext

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

BURST, REFILL_SECONDS = 8, 2.0
"""A user may ask so many things at once, then one every so many seconds."""
REMEMBERED = 10_000


class Access(BaseMiddleware):
    """Puts `viewer` (rights now, not when the button was made) and `t` (his language) into the handler's data."""

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Look the user up and go on."""
        user: User | None = data.get("event_from_user")
        if user is None:
            return await handler(event, data)
        async with self._ctx.db.reading() as session:
            who = await viewer(session, self._ctx, user.id, user.language_code)
        data["viewer"], data["t"] = who, who.t
        return await handler(event, data)


class Throttle(BaseMiddleware):
    """A bucket per user: whoever asks too often is told to wait, and the CRM and the database are left in peace."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[int, float] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Answer or ask to wait."""
        user: User | None = data.get("event_from_user")
        if user is None:
            return await handler(event, data)
        now = self._clock()
        full_at = max(self._full_at.pop(user.id, now), now) + REFILL_SECONDS
        wait = full_at - now - BURST * REFILL_SECONDS
        self._full_at[user.id] = full_at if wait <= 0 else full_at - REFILL_SECONDS
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
        if wait <= 0:
            return await handler(event, data)
        text = data["t"]("too-often", seconds=max(1, round(wait)))
        if isinstance(event, CallbackQuery):
            return await event.answer(text)
        if isinstance(event, Message) and event.chat.type == "private" and wait <= REFILL_SECONDS:
            return await event.answer(text)
        return None
