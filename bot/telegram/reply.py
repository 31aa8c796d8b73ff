"""Show views in a chat: as new messages, or edited in place."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, CallbackQuery, InaccessibleMessage, Message

from bot.screens.view import View
from bot.telegram.keyboards import keyboard
from bot.telegram.splitting import split


async def send(message: Message, view: View) -> Message:
    """Send a view: buttons under the last part, the picture after the text."""
    parts = split(view.text)
    for part in parts[:-1]:
        await message.answer(part)
    last = await message.answer(parts[-1], reply_markup=keyboard(view.rows))
    if view.photo is not None:
        drawn = await asyncio.to_thread(view.photo)
        await message.answer_photo(BufferedInputFile(drawn, "reglament.png"))
    return last


async def edit(message: Message, view: View) -> None:
    """Show a view in place of a message; Telegram's "not modified" is success."""
    parts = split(view.text)
    if len(parts) > 1:
        await send(message, view)
        return
    try:
        await message.edit_text(view.text, reply_markup=keyboard(view.rows))
    except TelegramBadRequest as error:
        if "not modified" not in error.message:
            await send(message, view)


async def replace(query: CallbackQuery, view: View) -> None:
    """Accept a tap, and show a view in place of the tapped message."""
    await query.answer()
    message = message_of(query)
    if message is not None:
        await edit(message, view)


def message_of(query: CallbackQuery) -> Message | None:
    """Return the message of a tapped button; for an old message Telegram tells chat and number only."""
    known = query.message
    if isinstance(known, InaccessibleMessage):
        return Message(message_id=known.message_id, date=datetime.fromtimestamp(known.date, UTC), chat=known.chat).as_(
            query.bot
        )
    return known
