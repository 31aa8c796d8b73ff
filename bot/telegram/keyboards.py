"""Convert the buttons of a view for Telegram."""

from __future__ import annotations

from aiogram.types import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.screens.view import Button, Rows


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Convert rows of buttons to Telegram's keyboard."""
    if not rows:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button(button) for button in row] for row in rows])


def _button(button: Button) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(text=button.text, copy_text=CopyTextButton(text=button.copy))
    if button.url:
        return InlineKeyboardButton(text=button.text, url=button.url)
    return InlineKeyboardButton(text=button.text, callback_data=button.data)
