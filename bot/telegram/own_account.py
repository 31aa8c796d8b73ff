"""Learn the bot's user name, which links in messages need."""

from __future__ import annotations

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.context import AppContext


async def username_of(bot: Bot) -> str:
    """Ask Telegram once for the bot's user name; empty without an answer."""
    try:
        return (await bot.me()).username or ""
    except TelegramAPIError:
        return ""


async def learn_username(bot: Bot, ctx: AppContext) -> None:
    """Ask Telegram for the bot's user name unless known; without an answer digests are shown without links."""
    if not ctx.bot.username:
        ctx.bot.username = await username_of(bot)
