"""Open the connection of the service to Telegram, and say who the bot is there."""

from __future__ import annotations

from aiogram import Bot

from bot.telegram.limited_bot import LimitedBot
from bot.telegram.session import make_bot
from bot.telegram.trouble import TokenRefused, in_plain_words
from storage.db.database import Database


def connect(token: str, api_url: str, proxy: str, db: Database, *, protects_lists: bool = True) -> LimitedBot:
    """Make the bot of the service. Raises TokenRefused for a malformed token."""
    bot = LimitedBot(new_bot(token, api_url, proxy), db)
    bot.session.protects_lists = protects_lists
    return bot


def new_bot(token: str, api_url: str, proxy: str) -> Bot:
    """Make a bot. Raises TokenRefused for a malformed token."""
    try:
        return make_bot(token, api_url, proxy)
    except ValueError as error:
        raise TokenRefused(str(error)) from None


async def own_username(bot: LimitedBot) -> str:
    """Ask Telegram for the bot's user name. Raises TelegramTrouble."""
    with in_plain_words():
        return (await bot.bot.me()).username or ""
