"""Ask Telegram about the bot: the name, and whether groups can be written to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError

from bot.telegram.connection import new_bot
from bot.telegram.trouble import in_plain_words


@asynccontextmanager
async def asking(token: str, api_url: str, proxy: str = "") -> AsyncIterator[Bot]:
    """Open a bot for a few requests. Raises TelegramTrouble."""
    bot = new_bot(token, api_url, proxy)
    try:
        with in_plain_words():
            yield bot
    finally:
        await bot.session.close()


async def bot_name(token: str, api_url: str, proxy: str = "") -> str:
    """Return the bot's user name. Raises TelegramTrouble."""
    async with asking(token, api_url, proxy) as bot:
        return (await bot.me()).username or ""


async def group_problems(token: str, api_url: str, groups: Mapping[str, int], proxy: str = "") -> dict[str, str]:
    """Return by team why the bot cannot write to the group; an empty text if the bot can."""
    result = {}
    async with asking(token, api_url, proxy) as bot:
        for team, chat_id in groups.items():
            try:
                me = await bot.get_chat_member(chat_id, bot.id)
            except TelegramNetworkError:
                raise
            except TelegramAPIError as error:
                result[team] = f"the group {chat_id} cannot be reached ({error.message}): add the bot there"
                continue
            gone = me.status in ("left", "kicked")
            result[team] = f"the bot is not in the group {chat_id}: add it there" if gone else ""
    return result
