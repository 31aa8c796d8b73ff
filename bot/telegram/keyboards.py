"""Convert the buttons of a view for Telegram."""

from __future__ import annotations

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.screens.view import Rows


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Convert rows of buttons to Telegram's keyboard."""
    if not rows:
        return None
    lines = [
        [
            InlineKeyboardButton(text=button.text, url=button.url)
            if button.url
            else InlineKeyboardButton(text=button.text, callback_data=button.data)
            for button in row
        ]
        for row in rows
    ]
    return InlineKeyboardMarkup(inline_keyboard=lines)
