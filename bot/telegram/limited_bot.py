"""Write to chats for the courier: one request a call, within Telegram's limits, without aiogram's classes."""

from __future__ import annotations

import asyncio
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramNetworkError, TelegramServerError
from aiogram.methods import EditMessageText, GetMe, PinChatMessage, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import BufferedInputFile, ReplyParameters

from bot.messenger import SendFailure
from bot.screens.view import Rows
from bot.telegram.failures import failure_of
from bot.telegram.keyboards import keyboard
from bot.telegram.own_account import username_of
from bot.telegram.pacing.process_pacing import Sleep
from bot.telegram.pacing.rate_limiter import Permit, RateLimiter
from bot.telegram.session import session_of
from bot.telegram.splitting import fits_caption, split
from storage.db.database import Database

QUESTION_SECONDS = 5
"""Seconds after which Telegram counts as not answering a question."""


class LimitedBot:
    """Send messages of one bot within Telegram's limits, as a `bot.messenger.Messenger`.

    All messages of the bot keep the limits from then on: answers of handlers too.
    """

    def __init__(self, bot: Bot, db: Database, sleep: Sleep = asyncio.sleep) -> None:
        self.bot = bot
        self.session = session_of(bot)
        self.limiter = self.session.limiter = RateLimiter(db, sleep)

    async def open_chat(self, chat: str, thread: str | None, *, within: float) -> TelegramChat | None:
        """Wait until a message may go to the chat; None if the chat is busy for longer than `within` seconds."""
        permit = await self.limiter.acquire_within(int(chat), within)
        return (
            None if permit is None else TelegramChat(self, int(chat), None if thread is None else int(thread), permit)
        )

    async def common_wait(self) -> float:
        """Return the seconds until any chat may be written to."""
        return await self.limiter.common_wait()

    async def hold_back(self, chat: str, seconds: float) -> None:
        """Leave a chat, and for a while all chats, alone, as Telegram asked by retry_after."""
        await self.limiter.retry_after(int(chat), seconds)

    async def username(self) -> str:
        """Return the bot's user name; empty if Telegram does not answer."""
        return await username_of(self.bot)

    async def close(self) -> None:
        """Close the connections."""
        await self.bot.session.close()

    async def answers(self) -> bool:
        """Ask Telegram who the bot is, which changes nothing; tell whether Telegram answered, be it with a refusal."""
        try:
            await self.session.send(self.bot, GetMe(), None, seconds=QUESTION_SECONDS)
        except (TelegramNetworkError, TelegramServerError):
            return False
        except TelegramAPIError:
            return True
        return True


class TelegramChat:
    """Write to one chat as a `bot.messenger.ChatWriter`.

    The first request uses the permit given, each further request acquires a permit. Every method raises SendFailure.
    """

    def __init__(self, bot: LimitedBot, chat_id: int, thread_id: int | None, permit: Permit) -> None:
        self._bot = bot
        self._chat_id = chat_id
        self._thread_id = thread_id
        self._permit: Permit | None = permit

    def split(self, text: str) -> list[str]:
        """Split a text into parts that fit into a message each."""
        return split(text)

    def fits_caption(self, text: str) -> bool:
        """Tell whether a text may stand under a picture."""
        return fits_caption(text)

    async def send_text(
        self,
        text: str,
        rows: Rows = (),
        *,
        silent: bool = False,
        protected: bool = False,
        reply_to: str | None = None,
    ) -> str:
        """Send a text and return the message; the reply goes without `reply_to` if that message is gone."""
        reply = None
        if reply_to is not None:
            reply = ReplyParameters(message_id=int(reply_to), allow_sending_without_reply=True)
        message = await self._request(
            SendMessage(
                chat_id=self._chat_id,
                text=text,
                message_thread_id=None if reply else self._thread_id,
                reply_markup=keyboard(rows),
                reply_parameters=reply,
                disable_notification=silent,
                protect_content=protected and self._bot.session.protects_lists,
            )
        )
        return str(message.message_id)

    async def send_photo(
        self, content: bytes, name: str, caption: str = "", rows: Rows = (), *, silent: bool = False
    ) -> str:
        """Send a picture, perhaps with the text under the picture, and return the message."""
        message = await self._request(
            SendPhoto(
                chat_id=self._chat_id,
                photo=BufferedInputFile(content, name),
                caption=caption or None,
                reply_markup=keyboard(rows),
                message_thread_id=self._thread_id,
                disable_notification=silent,
            )
        )
        return str(message.message_id)

    async def edit_text(self, message: str, text: str, rows: Rows = ()) -> bool:
        """Edit a message; False if Telegram refuses the edit. Telegram's "not modified" is success."""
        try:
            await self._request(
                EditMessageText(text=text, chat_id=self._chat_id, message_id=int(message), reply_markup=keyboard(rows))
            )
        except SendFailure as failure:
            if isinstance(failure.__cause__, TelegramBadRequest):
                return "not modified" in failure.__cause__.message
            raise
        return True

    async def pin(self, message: str) -> None:
        """Keep a message pinned in the chat, without a sound."""
        await self._request(PinChatMessage(chat_id=self._chat_id, message_id=int(message), disable_notification=True))

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
