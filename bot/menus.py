"""The menu of commands, per role and language, by command scopes."""

from __future__ import annotations

from datetime import datetime

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)

from bot.access import Viewer, viewer_of
from bot.commands import COMMANDS, Command, commands_for
from bot.context import AppContext
from bot.texts import LANGUAGES, Language, texts
from storage import channels, people

CODES: tuple[Language | None, ...] = (None, *LANGUAGES)
"""For clients of any language, and for those whose language we speak."""


async def set_defaults(bot: Bot, language: Language) -> None:
    """Strangers see `/help` alone; groups what works there."""
    in_groups = tuple(command for command in COMMANDS if command.in_groups and command.name != "bind")
    first = tuple(command for command in COMMANDS if command.name == "help")
    for code in CODES:
        words = code or language
        await bot.set_my_commands(_menu(first, words), BotCommandScopeDefault(), language_code=code)
        await bot.set_my_commands(_menu(first, words), BotCommandScopeAllPrivateChats(), language_code=code)
        await bot.set_my_commands(_menu(in_groups, words), BotCommandScopeAllGroupChats(), language_code=code)


async def show(bot: Bot, ctx: AppContext, viewer: Viewer, *, at: datetime) -> None:
    """Everything this person may ask, in his language; nothing of his own once he has no role."""
    chat_id, wanted = viewer.telegram_id, _signature(viewer)
    async with ctx.db.reading() as session:
        shown = (await channels.menus(session)).get(chat_id, "")
    if wanted == shown:
        return
    try:
        await _set(bot, ctx, viewer)
    except (TelegramBadRequest, TelegramForbiddenError):
        pass  # a chat that is closed to us shows no menu
    except TelegramAPIError:
        return  # tried again with the next `refresh`; until then /help lists the same
    async with ctx.db.transaction() as session:
        await channels.set_menu(session, chat_id, wanted, at=at)


async def refresh(bot: Bot, ctx: AppContext, *, at: datetime) -> None:
    """Change the menus of everybody whose rights were changed meanwhile: in the settings, the database or the CRM."""
    async with ctx.db.reading() as session:
        shown = await channels.menus(session)
        known = {person.telegram_id: person for person in await people.people(session) if person.telegram_id}
    for chat_id in sorted({*shown, *known}):
        who = viewer_of(ctx, chat_id, known.get(chat_id))
        if _signature(who) != shown.get(chat_id, ""):
            await show(bot, ctx, who, at=at)


def _signature(viewer: Viewer) -> str:
    """What the menu depends on; empty for strangers, who have none of their own."""
    if not viewer.known:
        return ""
    return f"{_chosen(viewer) or ''}:{' '.join(command.name for command in commands_for(viewer.roles))}"


def _chosen(viewer: Viewer) -> str | None:
    return viewer.person.language if viewer.person else None


async def _set(bot: Bot, ctx: AppContext, viewer: Viewer) -> None:
    scope = BotCommandScopeChat(chat_id=viewer.telegram_id)
    for code in CODES:
        if viewer.known:
            words = viewer.language if _chosen(viewer) else code or ctx.language
            await bot.set_my_commands(_menu(commands_for(viewer.roles), words), scope, language_code=code)
        else:
            await bot.delete_my_commands(scope, language_code=code)


def _menu(commands: tuple[Command, ...], language: Language) -> list[BotCommand]:
    t = texts(language)
    return [BotCommand(command=command.name, description=t(command.text)) for command in commands]
