"""Show views in a chat: as new messages, or edited in place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, CallbackQuery, InaccessibleMessage, Message

from bot.screens.view import View
from bot.telegram.keyboards import keyboard
from bot.telegram.session import session_of
from bot.telegram.splitting import fits_caption, split

log = structlog.get_logger()


async def send(message: Message, view: View) -> Message:
    """Send a view: buttons under the last part; the picture with the text below if the text is short, else apart.

    A picture that cannot be drawn, or that Telegram refuses, leaves the text.
    """
    protect, buttons = _is_protected(message, view) or None, keyboard(view.rows)
    picture = await view.drawn()
    if picture is not None and fits_caption(view.text):
        sent = await _send_photo(message, picture, caption=view.text, reply_markup=buttons, protect_content=protect)
        if sent is not None:
            return sent
        picture = None
    parts = split(view.text)
    for part in parts[:-1]:
        await message.answer(part, protect_content=protect)
    last = await message.answer(parts[-1], reply_markup=buttons, protect_content=protect)
    if picture is not None:
        await _send_photo(message, picture, protect_content=protect)
    return last


async def _send_photo(message: Message, picture: bytes, **options: Any) -> Message | None:
    """Send a picture; None if Telegram refuses the picture."""
    try:
        return await message.answer_photo(BufferedInputFile(picture, "reglament.png"), **options)
    except TelegramBadRequest as error:
        log.warning("picture_not_sent", problem=error.message)
        return None


async def edit(message: Message, view: View) -> None:
    """Show a view in place of a message; Telegram's "not modified" is success.

    A view that must be protected does not replace a message that is not, because an edit protects nothing.
    """
    parts = split(view.text)
    if len(parts) > 1 or (_is_protected(message, view) and not message.has_protected_content):
        await send(message, view)
        return
    try:
        await message.edit_text(view.text, reply_markup=keyboard(view.rows))
    except TelegramBadRequest as error:
        if "not modified" not in error.message:
            await send(message, view)


def _is_protected(message: Message, view: View) -> bool:
    return view.protected and message.bot is not None and session_of(message.bot).protects_lists


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
