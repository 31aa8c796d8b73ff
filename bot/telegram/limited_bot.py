"""Write to chats for the courier: one request a call, within Telegram's limits, without aiogram's classes."""

from __future__ import annotations

import asyncio
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramNetworkError, TelegramServerError
from aiogram.methods import EditMessageText, GetMe, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import BufferedInputFile, ReplyParameters

from bot.screens.view import Rows
from bot.telegram.failures import SendFailure, failure_of
from bot.telegram.keyboards import keyboard
from bot.telegram.process_pacing import Sleep
from bot.telegram.rate_limiter import Permit, RateLimiter
from bot.telegram.session import session_of
from storage.db.database import Database

QUESTION_SECONDS = 5
"""Seconds after which Telegram counts as not answering a question."""


class LimitedBot:
    """Send messages of one bot within Telegram's limits.

    All messages of the bot keep the limits from then on: answers of handlers too.
    """

    def __init__(self, bot: Bot, db: Database, sleep: Sleep = asyncio.sleep) -> None:
        self.bot = bot
        self.session = session_of(bot)
        self.limiter = self.session.limiter = RateLimiter(db, sleep)

    async def open_chat(self, chat_id: int, thread_id: int | None, *, within: float) -> ChatWriter | None:
        """Wait until a message may go to the chat; return None if the chat is busy for longer than `within` seconds."""
        permit = await self.limiter.acquire_within(chat_id, within)
        return None if permit is None else ChatWriter(self, chat_id, thread_id, permit)

    async def answers(self) -> bool:
        """Ask Telegram who the bot is, which changes nothing; tell whether Telegram answered, be it with a refusal."""
        try:
            await self.session.send(self.bot, GetMe(), None, seconds=QUESTION_SECONDS)
        except (TelegramNetworkError, TelegramServerError):
            return False
        except TelegramAPIError:
            return True
        return True


class ChatWriter:
    """Write to one chat. The first request uses the permit given, each further request acquires a permit.

    Every method raises SendFailure.
    """

    def __init__(self, bot: LimitedBot, chat_id: int, thread_id: int | None, permit: Permit) -> None:
        self._bot = bot
        self._chat_id = chat_id
        self._thread_id = thread_id
        self._permit: Permit | None = permit

    async def send_text(self, text: str, rows: Rows = (), *, silent: bool = False, reply_to: int | None = None) -> int:
        """Send a text and return the message id; the reply goes without `reply_to` if that message is gone."""
        reply = None if reply_to is None else ReplyParameters(message_id=reply_to, allow_sending_without_reply=True)
        message = await self._request(
            SendMessage(
                chat_id=self._chat_id,
                text=text,
                message_thread_id=None if reply else self._thread_id,
                reply_markup=keyboard(rows),
                reply_parameters=reply,
                disable_notification=silent,
            )
        )
        return int(message.message_id)

    async def send_photo(self, content: bytes, name: str, *, silent: bool = False) -> int:
        """Send a picture and return the message id."""
        message = await self._request(
            SendPhoto(
                chat_id=self._chat_id,
                photo=BufferedInputFile(content, name),
                message_thread_id=self._thread_id,
                disable_notification=silent,
            )
        )
        return int(message.message_id)

    async def edit_text(self, message_id: int, text: str, rows: Rows = ()) -> bool:
        """Edit a message; False if Telegram refuses the edit. Telegram's "not modified" is success."""
        try:
            await self._request(
                EditMessageText(text=text, chat_id=self._chat_id, message_id=message_id, reply_markup=keyboard(rows))
            )
        except SendFailure as failure:
            if isinstance(failure.__cause__, TelegramBadRequest):
                return "not modified" in failure.__cause__.message
            raise
        return True

    async def close(self) -> None:
        """Give back a permit that no request used."""
        if self._permit is not None:
            await self._permit.answered()

    async def _request(self, method: TelegramMethod[Any]) -> Any:
        permit, self._permit = self._permit, None
        permit = permit or await self._bot.limiter.acquire(self._chat_id)
        try:
            return await self._bot.session.send(self._bot.bot, method, permit)
        except TelegramAPIError as error:
            raise failure_of(error, self._chat_id, self._thread_id) from error
