"""Answer unknown messages and stale buttons, and report errors to the user in plain words."""

from __future__ import annotations

import structlog
from aiogram import F
from aiogram.enums import ContentType
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, ErrorEvent, Message

from bot.access import Viewer
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.asked import command_in
from bot.telegram.callbacks import Stay
from bot.telegram.commands import nearest
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.telegram.session import take_slots_from_memory
from bot.texts import Language, Texts, language_of, texts
from storage.errors import DatabaseLocked, DatabaseReadOnly, DatabaseUnreachable, DiskFull

log = structlog.get_logger()
last = RouterTemplate("last")
"""The router that is asked last."""
TROUBLES = (DatabaseUnreachable, DatabaseLocked, DatabaseReadOnly, DiskFull)
"""Errors of a database in trouble, which gives no slots for an apology either."""
SAID = frozenset(
    {
        ContentType.TEXT,
        ContentType.PHOTO,
        ContentType.VIDEO,
        ContentType.VIDEO_NOTE,
        ContentType.VOICE,
        ContentType.AUDIO,
        ContentType.ANIMATION,
        ContentType.DOCUMENT,
        ContentType.STICKER,
        ContentType.CONTACT,
        ContentType.LOCATION,
        ContentType.VENUE,
        ContentType.POLL,
        ContentType.DICE,
        ContentType.STORY,
    }
)
"""Kinds of messages that a person sends; service messages, as of a pinned message, want no answer."""


@last.callback_query(Tapped(Stay))
async def stay(query: CallbackQuery) -> None:
    """Accept the tap on a button that only shows the position."""
    await query.answer()


@last.callback_query()
async def stale(query: CallbackQuery, t: Texts) -> None:
    """Refuse a button of another version, or without a meaning by now."""
    await query.answer(t("stale-button"), show_alert=True)


@last.message(F.chat.type == "private", F.content_type.in_(SAID))
async def unknown(message: Message, viewer: Viewer, t: Texts) -> None:
    """Answer an unknown message with one helpful line; groups get no answer."""
    if not viewer.known:
        await message.answer(t("stranger"))
        return
    typed = command_in(message.text or "")
    if typed is None:
        await message.answer(t("only-commands"))
    elif meant := nearest(typed, viewer.roles):
        await message.answer(t("unknown-command-nearest", name=meant))
    else:
        await message.answer(t("unknown-command"))


def _apology(t: Texts, error: Exception, number: int) -> str:
    if isinstance(error, DatabaseLocked):
        return t("database-busy")
    return t("database-trouble" if isinstance(error, TROUBLES) else "failed", number=str(number))


async def failed(event: ErrorEvent, language: Language) -> bool:
    """Log the error without secrets, and tell the user that the score is not affected."""
    error = event.exception
    update = event.update
    if isinstance(error, TelegramAPIError):
        log.warning("telegram_refused", update=update.update_id, problem=type(error).__name__, text=error.message)
    elif isinstance(error, TROUBLES):
        log.error("database_trouble", update=update.update_id, problem=str(error))
    else:
        log.error("handler_failed", update=update.update_id, exc_info=error)
    query, message = update.callback_query, update.message
    user = query.from_user if query else message.from_user if message else None
    t = texts(language_of(user.language_code if user else None, language))
    text = _apology(t, error, update.update_id)
    if isinstance(error, TROUBLES) and update.bot is not None:
        take_slots_from_memory(update.bot)
    try:
        if query is not None and await query.answer(text[:200], show_alert=True):
            return True
        told = reply.message_of(query) if query is not None else message  # a tap is answered once only
        if told is not None and told.chat.type == "private":
            await reply.send(told, View(text))
    except TelegramAPIError as second:
        log.warning("could_not_tell", problem=type(second).__name__)
    except Exception:
        log.exception("could_not_tell", update=update.update_id)
    return True
