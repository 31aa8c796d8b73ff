"""Show that an answer is on its way: "typing" or "uploading" after a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Chat, Message, TelegramObject

from bot.telegram.callbacks import MakeExport, OpenPicture

FIRST_SECONDS = 1.0
"""Seconds that an answer may take without a sign."""
AGAIN_SECONDS = 4.5
"""Seconds between two signs; Telegram shows each for five."""
UPLOADS: Mapping[Any, ChatAction] = {OpenPicture: ChatAction.UPLOAD_PHOTO, MakeExport: ChatAction.UPLOAD_DOCUMENT}
"""Buttons that are answered by a file."""


class ShowWork(BaseMiddleware):
    """Show in the chat that the bot is at work, from FIRST_SECONDS on until the handler is done."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Handle the event, with signs meanwhile."""
        chat: Chat | None = data.get("event_chat")
        if chat is None:
            return await handler(event, data)
        action = UPLOADS.get(type(data.get("tapped")), ChatAction.TYPING)
        showing = asyncio.create_task(_show(data["bot"], chat.id, _thread(event), action))
        try:
            return await handler(event, data)
        finally:
            showing.cancel()
            await asyncio.wait({showing})


async def _show(bot: Bot, chat_id: int, thread_id: int | None, action: str) -> None:
    """Send signs until cancelled; a sign that does not arrive is not missed."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        with suppress(TelegramAPIError):
            await bot.send_chat_action(chat_id, action, message_thread_id=thread_id)
        await asyncio.sleep(AGAIN_SECONDS)


def _thread(event: TelegramObject) -> int | None:
    message = event.message if isinstance(event, CallbackQuery) else event
    return message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
