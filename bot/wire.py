"""The bot object: where the token goes and what never reaches a log."""

from __future__ import annotations

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from aiogram.utils.token import TokenValidationError

from bot.views import Rows

SECONDS = 30
"""A request to Telegram that takes longer has no answer."""


def make_bot(token: str, api_url: str) -> Bot:
    """A bot that speaks HTML and shows no link previews. Raises ValueError for a token that cannot be one."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url), timeout=SECONDS)
    defaults = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview=LinkPreviewOptions(is_disabled=True))
    try:
        return Bot(token, session=session, default=defaults)
    except TokenValidationError:
        raise ValueError("telegram.token does not look like a token from @BotFather (123456:ABC…)") from None


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Buttons as Telegram wants them."""
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


def trouble(error: TelegramAPIError) -> str:
    """What is wrong with Telegram, for an operator; never the token."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return "Telegram does not accept telegram.token: put the one from @BotFather there"
    if isinstance(error, TelegramConflictError):
        return "another process polls with this token: stop it, or use the webhook"
    if isinstance(error, TelegramNetworkError):
        return "Telegram (telegram.api_url) does not answer: check the network"
    return f"Telegram answered: {error.message}"


def refused(error: TelegramNetworkError) -> bool:
    """Whether the request certainly did not reach Telegram: the connection could not be made."""
    cause = error.__cause__
    return type(cause).__name__ in {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ClientConnectorCertificateError",
        "ClientConnectorSSLError",
        "ClientProxyConnectionError",
        "ConnectionTimeoutError",
    }
