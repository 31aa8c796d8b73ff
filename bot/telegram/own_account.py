"""Learn the bot's user name, which links in messages need."""

from __future__ import annotations

from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.context import AppContext


async def learn_username(bot: Bot, ctx: AppContext) -> None:
    """Ask Telegram for the bot's user name unless known; without an answer digests are shown without links."""
    if not ctx.bot.username:
        with suppress(TelegramAPIError):
            ctx.bot.username = (await bot.me()).username or ""
