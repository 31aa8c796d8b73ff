"""Telegram inside the process: takes messages, loses answers, asks to wait, and counts what arrived."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError, TelegramNetworkError, TelegramRetryAfter
from aiogram.methods import SendMessage, SendPhoto, TelegramMethod
from aiogram.types import Chat, Message
from aiohttp import ConnectionTimeoutError

from bot.telegram.rate_limiter import Permit
from bot.telegram.session import Session
from tests.simulation.story import Story


class SimulatedTelegram(Session):
    """Answer the Bot API's methods as of the virtual present."""

    def __init__(self, story: Story, now: Callable[[], datetime], seam: Callable[[], None]) -> None:
        super().__init__()
        self.story, self.now, self.seam = story, now, seam
        self.arrived: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
        """By chat: when which text came."""
        self.lost_answers = 0
        self.blocked: set[int] = set()
        self._ids = itertools.count(1)

    async def close(self) -> None:
        """Close nothing."""

    async def _post(self, bot: Bot, method: TelegramMethod[Any], permit: Permit | None, seconds: float) -> Any:
        """Take a message, or fail as the story says."""
        self.seam()
        self._refuse(method)
        if isinstance(method, SendMessage | SendPhoto):
            answer = self._arrive(method)
            self.seam()  # the message is there, the answer may never be read
            if self.story.in_trouble("telegram_slow", self.now()) and self.story.dice.random() < 0.1:
                self.lost_answers += 1
                raise TelegramNetworkError(method=method, message="the answer was lost")
            return answer
        return True

    def _refuse(self, method: TelegramMethod[Any]) -> None:
        if self.story.in_trouble("telegram_down", self.now()):
            raise TelegramNetworkError(method=method, message="no connection") from ConnectionTimeoutError()
        if self.story.in_trouble("telegram_slow", self.now()) and self.story.dice.random() < 0.2:
            raise TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=7)
        if getattr(method, "chat_id", None) in self.blocked:
            raise TelegramForbiddenError(method=method, message="Forbidden: bot was blocked by the user")

    def _arrive(self, method: SendMessage | SendPhoto) -> Message:
        chat = int(method.chat_id)
        text = method.text if isinstance(method, SendMessage) else "picture"
        self.arrived[chat].append((self.now(), text))
        kind = "private" if chat > 0 else "group"
        return Message(message_id=next(self._ids), date=self.now(), chat=Chat(id=chat, type=kind))
