"""Find the handler of a tap, and of a text that answers a question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiogram.filters import Filter
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, Message
from magic_filter import MagicFilter

from bot.context import AppContext
from bot.telegram.asked import command_in
from bot.telegram.callbacks import BindTeam, RevealAdmin, Stay, mark, read_tap
from storage.messages import dialogs
from storage.people import people

IN_GROUPS: tuple[type[CallbackData], ...] = (BindTeam, RevealAdmin, Stay)
"""Buttons of messages in groups; all other buttons are answered in private chats only."""


class Tapped(Filter):
    """Accept taps on buttons of these kinds, and hand `tapped` to the handler; `only` is asked about the tap."""

    def __init__(self, *kinds: type[CallbackData], only: MagicFilter | None = None) -> None:
        self._kinds = kinds
        self._only = only

    async def __call__(self, query: CallbackQuery, ctx: AppContext) -> bool | dict[str, Any]:
        """Return the tapped button, or False for other buttons, other chats and unknown CRM users."""
        tapped = read_tap(query.data, self._kinds)
        if tapped is None or (self._only is not None and not self._only.resolve(tapped)):
            return False
        if not isinstance(tapped, IN_GROUPS) and not _private(query):
            return False
        whole = await _with_user(ctx, tapped)
        return {"tapped": whole} if whole else False


async def _with_user(ctx: AppContext, tapped: CallbackData) -> CallbackData | None:
    """Replace the mark of a CRM user by the id; None if there is no such user (any more)."""
    marked = getattr(tapped, "user", None)
    if marked is None:
        return tapped
    async with ctx.db.reading() as session:
        known = await people.crm_users(session, getattr(tapped, "team", ""))
    user = next((user for user in known if mark(user) == marked), None)
    return None if user is None else tapped.model_copy(update={"user": user})


def _private(query: CallbackQuery) -> bool:
    return query.message is not None and query.message.chat.type == "private"


class Answering(Filter):
    """Accept a text that answers the bot's last question of these kinds; commands leave the question open."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    async def __call__(self, message: Message, ctx: AppContext, now: Callable[[], datetime]) -> bool | dict[str, Any]:
        """Return the question, or False without such a question."""
        if message.chat.type != "private" or not message.text or command_in(message.text) is not None:
            return False
        async with ctx.db.reading() as session:
            question = await dialogs.find(session, message.chat.id, at=now())
        return {"question": question} if question and question["kind"] in self._kinds else False
