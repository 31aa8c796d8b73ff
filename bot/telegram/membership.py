"""Ask Telegram whether a user is in a group."""

from __future__ import annotations

from aiogram import Bot
from aiogram.enums import ChatMemberStatus
from aiogram.exceptions import TelegramAPIError
from aiogram.types import ChatMemberRestricted

SECONDS = 5
"""Longest wait for the answer."""
_INSIDE = (ChatMemberStatus.CREATOR, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.MEMBER)


async def is_in_group(bot: Bot, chat_id: int, user_id: int) -> bool:
    """Tell whether a user is in a group; False also where Telegram does not tell the bot."""
    try:
        member = await bot.get_chat_member(chat_id, user_id, request_timeout=SECONDS)
    except TelegramAPIError:
        return False
    return member.status in _INSIDE or (isinstance(member, ChatMemberRestricted) and member.is_member)
