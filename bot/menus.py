"""The menu of commands, per role and language, by command scopes."""

from __future__ import annotations

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)

from bot.access import Viewer
from bot.commands import COMMANDS, Command, commands_for
from bot.texts import LANGUAGES, Language, texts


async def set_defaults(bot: Bot, language: Language) -> None:
    """Strangers see `/help` alone; groups what works there."""
    in_groups = tuple(command for command in COMMANDS if command.in_groups and command.name != "bind")
    first = tuple(command for command in COMMANDS if command.name == "help")
    for code in (None, *LANGUAGES):
        words = code or language
        await bot.set_my_commands(_menu(first, words), BotCommandScopeDefault(), language_code=code)
        await bot.set_my_commands(_menu(first, words), BotCommandScopeAllPrivateChats(), language_code=code)
        await bot.set_my_commands(_menu(in_groups, words), BotCommandScopeAllGroupChats(), language_code=code)


async def set_for(bot: Bot, viewer: Viewer) -> None:
    """Everything this person may ask, in his language; nothing of his own once he has no role."""
    scope = BotCommandScopeChat(chat_id=viewer.telegram_id)
    try:
        if viewer.known:
            await bot.set_my_commands(_menu(commands_for(viewer.roles), viewer.language), scope)
        else:
            await bot.delete_my_commands(scope)
    except TelegramAPIError:
        return  # a menu is a convenience; /help lists the same


def _menu(commands: tuple[Command, ...], language: Language) -> list[BotCommand]:
    t = texts(language)
    return [BotCommand(command=command.name, description=t(command.text)) for command in commands]
