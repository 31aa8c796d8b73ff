"""Convert the buttons of a view for Telegram."""

from __future__ import annotations

from aiogram.types import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.screens.view import LABEL, Button, Rows
from bot.texts import shortened_name


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Convert rows of buttons to Telegram's keyboard."""
    if not rows:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button(button) for button in row] for row in rows])


def _button(button: Button) -> InlineKeyboardButton:
    text = shortened_name(button.text, LABEL)
    if button.copy:
        return InlineKeyboardButton(text=text, copy_text=CopyTextButton(text=button.copy))
    if button.url:
        return InlineKeyboardButton(text=text, url=button.url)
    return InlineKeyboardButton(text=text, callback_data=button.data)
