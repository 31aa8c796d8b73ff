"""Telegram inside the process: takes messages, loses answers, asks to wait, gives updates, and keeps what arrived."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError, TelegramNetworkError, TelegramRetryAfter
from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageText,
    GetMe,
    GetUpdates,
    SendDocument,
    SendMessage,
    SendPhoto,
    TelegramMethod,
)
from aiogram.types import Chat, Message, User
from aiohttp import ConnectionTimeoutError

from bot.telegram.pacing.rate_limiter import Permit
from bot.telegram.session import Session
from tests.bot.telegram_world import BOT
from tests.simulation.clock import TrueClock
from tests.simulation.story import Story

Arriving = SendMessage | SendPhoto | SendDocument


@dataclass
class Arrived:
    """A message of the bot in a chat."""

    id: int
    at: datetime
    text: str
    buttons: list[str]
    """Data of the buttons."""
    answers: bool
    """Whether it answers an update, rather than brings news."""


@dataclass
class Telegram:
    """Hold what Telegram knows, whichever process asks."""

    story: Story
    clock: TrueClock
    chats: dict[int, list[Arrived]] = field(default_factory=lambda: defaultdict(list))
    queue: list[str] = field(default_factory=list)
    """Updates nobody has confirmed, as JSON."""
    answered: set[str] = field(default_factory=set)
    """Ids of the taps that were answered."""
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    answering: bool = False
    """Whether updates are being handled."""

    def blocked(self, chat: int) -> bool:
        """Whether a person takes no messages now."""
        trouble = self.story.troubles.at("chat_blocked", self.clock())
        members = len(self.story.users)
        return trouble is not None and chat == 5000 + int(self.story.users[trouble.start.day % members])


class SimulatedTelegram(Session):
    """Answer the Bot API's methods of one process as of the virtual present."""

    def __init__(self, telegram: Telegram, seam: Callable[[], None], stall: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.telegram, self.seam, self.stall = telegram, seam, stall

    async def close(self) -> None:
        """Close nothing."""

    async def _post(self, bot: Bot, method: Any, permit: Permit | None, seconds: float) -> Any:
        """Take a request, or fail as the story says."""
        self.seam()
        self._refuse(method)
        answer = self._answer(bot, method)
        self.seam()  # the request had its effect, the answer may never be read
        if isinstance(method, Arriving):
            await self.stall()
        if isinstance(method, Arriving | AnswerCallbackQuery) and self._strikes("telegram_slow", 0.1):
            self.telegram.story.troubles.felt["answer_lost"] += 1
            raise TelegramNetworkError(method=method, message="the answer was lost")  # type: ignore[misc]
        return answer

    def _strikes(self, what: str, chance: float = 1.0) -> bool:
        story = self.telegram.story
        return story.dice.random() < chance and story.troubles.strikes(what, self.telegram.clock())

    def _refuse(self, method: Any) -> None:
        if self._strikes("telegram_down"):
            raise TelegramNetworkError(method=method, message="no connection") from ConnectionTimeoutError()
        if self._strikes("telegram_slow", 0.2):
            self.telegram.story.troubles.felt["asked_to_wait"] += 1
            raise TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=7)
        if isinstance(method, Arriving) and self.telegram.blocked(int(method.chat_id)):
            self._strikes("chat_blocked")
            raise TelegramForbiddenError(method=method, message="Forbidden: bot was blocked by the user")

    def _answer(self, bot: Bot, method: TelegramMethod[Any]) -> Any:
        match method:
            case SendMessage() | SendPhoto() | SendDocument():
                return self._arrive(method).as_(bot)
            case AnswerCallbackQuery():
                self.telegram.answered.add(method.callback_query_id)
            case EditMessageText():
                self._edit(method)
            case GetMe():
                return User.model_validate(BOT)
            case GetUpdates():
                rows, self.telegram.queue[:] = ", ".join(self.telegram.queue), []
                content = f'{{"ok": true, "result": [{rows}]}}'
                return self.check_response(bot, method, HTTPStatus.OK, content).result
        return True

    def _arrive(self, method: SendMessage | SendPhoto | SendDocument) -> Message:
        telegram, chat = self.telegram, int(method.chat_id)
        text = method.text if isinstance(method, SendMessage) else method.caption or type(method).__name__
        number = next(telegram.ids)
        telegram.chats[chat].append(Arrived(number, telegram.clock(), text, _buttons(method), telegram.answering))
        kind = "private" if chat > 0 else "group"
        return Message(message_id=number, date=telegram.clock(), chat=Chat(id=chat, type=kind))

    def _edit(self, method: EditMessageText) -> None:
        for message in self.telegram.chats[int(method.chat_id or 0)]:
            if message.id == method.message_id:
                message.text, message.buttons = method.text, _buttons(method)


def _buttons(method: Any) -> list[str]:
    markup = getattr(method, "reply_markup", None)
    rows = markup.inline_keyboard if markup is not None else []
    return [button.callback_data for row in rows for button in row if button.callback_data]


def as_json(update: dict[str, Any]) -> str:
    """Write an update as Telegram sends it."""
    return json.dumps(update, ensure_ascii=False)
