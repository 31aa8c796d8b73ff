"""Prepare every update for the handlers: duplicates, rights, language, throttling."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from aiogram import BaseMiddleware
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Chat, Message, TelegramObject, Update, User
from aiogram.types.update import UpdateTypeLookupError
from cachetools import TTLCache

from bot.access import Viewer, viewer
from bot.context import AppContext
from bot.screens.joining.missed_days import load_welcome_back
from bot.telegram.own_account import learn_username
from bot.texts import language_of, texts
from storage.errors import StorageError
from storage.people import channels

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

BURST, REFILL_SECONDS = 8, 2.0
"""Requests of a user at once, and seconds until the next request is allowed."""
REMEMBERED = 10_000
"""Updates, taps or users that a middleware remembers."""
ACTS = frozenset({"bind", "unbind"})
"""Commands in groups that change something: whoever may not gets no answer, and so takes none from others."""
GROUP_SECONDS = 60.0
"""Seconds within which a question repeated in a group is answered already."""
DOUBLED_SECONDS = 1.0
"""Seconds within which a second tap on the same button counts as the first."""


class DeduplicateUpdates(BaseMiddleware):
    """Answer an update once that Telegram sends again because the receipt was lost.

    An update of a kind unknown to aiogram is dropped: aiogram would write its whole content to the log.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[int, None] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Handle the update the first time."""
        assert isinstance(event, Update)  # noqa: S101  # registered for updates
        if event.update_id in self._seen or not _is_known(event):
            return None
        self._seen[event.update_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return await handler(event, data)


def _is_known(update: Update) -> bool:
    try:
        return bool(update.event_type)
    except UpdateTypeLookupError:
        return False


class TrackInFlight(BaseMiddleware):
    """Know the updates in work: Telegram has the receipt and does not send such updates again."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Handle the update."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # each update has a task of its own
        self._tasks.add(task)
        try:
            return await handler(event, data)
        finally:
            self._tasks.discard(task)

    async def finish(self, seconds: float) -> None:
        """Wait for the updates in work, at most so many seconds."""
        await asyncio.sleep(0)  # an update taken a moment ago begins first
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


class Access(BaseMiddleware):
    """Put `viewer` (rights as of now) and `t` (texts in the user's language, in groups the group's) into the data.

    A user who writes in private takes messages again; `returned` tells that the chat was off. The language of the
    client is stored for deliveries.
    """

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Look the user up, then handle the event; an event without a user is dropped."""
        user: User | None = data.get("event_from_user")
        if user is None:
            return None
        private = isinstance(event, Message) and event.chat.type == "private"
        async with self._ctx.db.reading() as session:
            who = await viewer(session, self._ctx, user.id, user.language_code)
            channel = await channels.find(session, user.id)
        off = private and not channel.active
        data["viewer"], data["returned"] = who, off
        data["t"] = texts(self._ctx.language) if _in_group(data) else who.t
        language = language_of(user.language_code, self._ctx.language)
        if who.known and language != channel.language:
            with suppress(StorageError):  # a full disk takes no notes, and answers all the same
                async with self._ctx.db.transaction() as session:
                    await channels.set_language(session, user.id, language, at=data["now"]())
        await learn_username(data["bot"], self._ctx)
        if isinstance(event, Message) and off:
            await self._welcome_back(event, who, data, channel.changed_at)
        return await handler(event, data)

    async def _welcome_back(self, message: Message, who: Viewer, data: dict[str, Any], since: datetime | None) -> None:
        async with self._ctx.db.transaction() as session:
            await channels.turn_on(session, who.telegram_id, at=data["now"]())
        if who.known and who.person is not None:
            async with self._ctx.db.reading() as session:
                view = await load_welcome_back(session, self._ctx, who.t, who, who.person.name, since)
            await message.answer(view.text)


def _in_group(data: Mapping[str, Any]) -> bool:
    chat: Chat | None = data.get("event_chat")
    return chat is not None and chat.type != "private"


class DeduplicateTaps(BaseMiddleware):
    """Accept a doubled tap, on one device or on two, without repeating the work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._working: set[tuple[Any, str | None]] = set()
        self._last: OrderedDict[Any, tuple[str | None, float]] = OrderedDict()
        """The last tap of a user on a message, and the moment when the work was done."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Handle the tap, unless the same tap is in work or was handled a moment ago."""
        assert isinstance(event, CallbackQuery)  # noqa: S101  # registered for taps
        place = (event.from_user.id, event.message and (event.message.chat.id, event.message.message_id))
        tap = (place, event.data)
        tapped, ended = self._last.get(place, (None, -math.inf))
        if tap in self._working or (tapped == event.data and self._clock() - ended < DOUBLED_SECONDS):
            return await event.answer()
        self._working.add(tap)
        try:
            return await handler(event, data)
        finally:
            self._working.discard(tap)
            self._last[place] = (event.data, self._clock())
            self._last.move_to_end(place)
            if len(self._last) > REMEMBERED:
                self._last.popitem(last=False)


class AnswerGroupsOnce(BaseMiddleware):
    """Answer a question in a group once in GROUP_SECONDS, whoever repeats the question."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._taken: TTLCache[tuple[int, str], None] = TTLCache(REMEMBERED, GROUP_SECONDS, clock)

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Handle the message, unless the same question was answered or taken a moment ago."""
        command: CommandObject | None = data.get("command")
        if not _in_group(data) or command is None or command.command in ACTS:
            return await handler(event, data)
        question = (data["event_chat"].id, command.command)  # no answer in a group depends on the words after
        if question in self._taken:
            return None
        self._taken[question] = None
        try:
            return await handler(event, data)
        except BaseException:
            self._taken.pop(question, None)  # nobody was answered
            raise


class Throttle(BaseMiddleware):
    """Keep a bucket for each user: a user who asks too often is told to wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[int, float] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Handle the event, or ask the user to wait."""
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
