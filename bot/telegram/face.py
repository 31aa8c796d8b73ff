"""Show the bot's own face: name, descriptions and menus, each sent only where Telegram has another."""

from __future__ import annotations

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from bot.telegram import menus
from bot.telegram.menus import CODES
from bot.texts import Language, texts

log = structlog.get_logger()

_OUT_OF_REACH = (TelegramNetworkError, TelegramServerError, TelegramUnauthorizedError, TelegramNotFound)
"""Errors without which people could not be answered either."""


async def show_face(bot: Bot, name: str, language: Language) -> None:
    """Set the default menus, then descriptions and name; without `name` the name given to @BotFather stays.

    `language` is that of clients in other languages than those of the texts. A refusal, as of a call too many, is
    logged, because people are answered without. Raises TelegramAPIError where Telegram is out of reach for the menus.
    """
    try:
        await menus.set_defaults(bot, language)
    except _OUT_OF_REACH:
        raise
    except TelegramAPIError as error:
        log.warning("menus_not_shown", problem=error.message)
    try:
        for code in CODES:
            await _show_descriptions(bot, code, language)
            if name:
                await _show_name(bot, name, code)
    except TelegramAPIError as error:
        log.warning("face_not_shown", problem=error.message)


async def _show_descriptions(bot: Bot, code: Language | None, language: Language) -> None:
    t = texts(code or language)
    long, short = t("bot-description"), t("bot-short-description")
    if (await bot.get_my_description(language_code=code)).description != long:
        await bot.set_my_description(long, language_code=code)
    if (await bot.get_my_short_description(language_code=code)).short_description != short:
        await bot.set_my_short_description(short, language_code=code)


async def _show_name(bot: Bot, name: str, code: Language | None) -> None:
    """Set the name; Telegram tells the default name where a language has none of its own."""
    if (await bot.get_my_name(language_code=code)).name != name:
        await bot.set_my_name(name, language_code=code)
