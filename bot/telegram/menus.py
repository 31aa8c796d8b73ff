"""Set the menus of commands by role and language, with Telegram's command scopes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256

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
from bot.context import AppContext
from bot.telegram.commands import COMMANDS, Command, commands_for
from bot.texts import LANGUAGES, Language, texts
from storage.people import channels, people

CODES: tuple[Language | None, ...] = (None, *LANGUAGES)
"""Language codes of menus: the default menu, and a menu for each language of the texts."""


async def set_defaults(bot: Bot, language: Language) -> None:
    """Set the menus of strangers, `/help` alone, and of groups, where Telegram has others."""
    in_groups = tuple(command for command in COMMANDS if command.in_groups and command.name != "bind")
    first = tuple(command for command in COMMANDS if command.name == "help")
    for scope, commands in (
        (BotCommandScopeDefault(), first),
        (BotCommandScopeAllPrivateChats(), first),
        (BotCommandScopeAllGroupChats(), in_groups),
    ):
        for code, menu in _menus(commands, None, language).items():
            shown = await bot.get_my_commands(scope, language_code=code)
            if [item.model_dump() for item in shown] != [item.model_dump() for item in menu]:
                await bot.set_my_commands(menu, scope, language_code=code)


async def show(bot: Bot, ctx: AppContext, viewer: Viewer, *, at: datetime) -> None:
    """Set a user's menu if changed; a user without a role loses the own menu."""
    chat_id, wanted = viewer.telegram_id, _signature(ctx, viewer)
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
    """Set all menus that changed: by new rights in settings, database or CRM, or by a new version of the texts."""
    async with ctx.db.reading() as session:
        shown = await channels.menus(session)
        known = {person.telegram_id: person for person in await people.people(session) if person.telegram_id}
    for chat_id in sorted({*shown, *known}):
        who = viewer_of(ctx, chat_id, known.get(chat_id))
        if _signature(ctx, who) != shown.get(chat_id, ""):
            await show(bot, ctx, who, at=at)


def _signature(ctx: AppContext, viewer: Viewer) -> str:
    """Return a short hash of a user's menu; empty for strangers, who have no own menu."""
    if not viewer.known:
        return ""
    return _mark(commands_for(viewer.roles), _chosen(viewer), ctx.language)


def _chosen(viewer: Viewer) -> Language | None:
    return viewer.language if viewer.person and viewer.person.language else None


async def _set(bot: Bot, ctx: AppContext, viewer: Viewer) -> None:
    scope = BotCommandScopeChat(chat_id=viewer.telegram_id)
    if not viewer.known:
        for code in CODES:
            await bot.delete_my_commands(scope, language_code=code)
        return
    for code, menu in _menus(commands_for(viewer.roles), _chosen(viewer), ctx.language).items():
        await bot.set_my_commands(menu, scope, language_code=code)


@cache
def _menus(
    commands: tuple[Command, ...], chosen: Language | None, language: Language
) -> Mapping[Language | None, list[BotCommand]]:
    """Build the menu for each code: in the chosen language, else in the client's, else in the service's."""
    return {
        code: [
            BotCommand(command=command.name, description=texts(chosen or code or language)(command.text))
            for command in commands
        ]
        for code in CODES
    }


@cache
def _mark(commands: tuple[Command, ...], chosen: Language | None, language: Language) -> str:
    said = [
        f"{code} {item.command} {item.description}"
        for code, menu in _menus(commands, chosen, language).items()
        for item in menu
    ]
    return sha256("\n".join(said).encode()).hexdigest()[:16]
