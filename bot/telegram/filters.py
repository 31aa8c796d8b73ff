"""Find the handler of a tap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery

from bot.context import AppContext
from bot.telegram.callback_schema import fits
from bot.telegram.callbacks import Action, Callback, kinds, mark, unpack
from storage.people import people

IN_GROUPS = frozenset({Action.BIND, Action.HERE, Action.STAY})
"""Actions of buttons in groups; all other actions are answered in private chats only."""


class Tapped(Filter):
    """Accept taps with these actions, and hand `tapped` to the handler; `first` lists the allowed first values."""

    def __init__(self, *actions: Action, first: tuple[str, ...] = ()) -> None:
        self._actions = actions
        self._first = first

    async def __call__(self, query: CallbackQuery, ctx: AppContext) -> bool | dict[str, Any]:
        """Return the tapped button, or False for other actions, other chats and unknown CRM users."""
        tapped = unpack(query.data)
        if tapped is None or tapped.action not in self._actions or not fits(tapped):
            return False
        if self._first and tapped.values[0] not in self._first:
            return False
        if tapped.action not in IN_GROUPS and not _private(query):
            return False
        whole = await _with_user(ctx, tapped)
        return {"tapped": whole} if whole else False


async def _with_user(ctx: AppContext, tapped: Callback) -> Callback | None:
    """Replace the mark of a CRM user by the id; None if there is no such user (any more)."""
    place = next((place for place, kind in enumerate(kinds(tapped.action)) if kind == "user"), None)
    if place is None or place >= len(tapped.values):
        return tapped
    async with ctx.db.reading() as session:
        known = await people.crm_users(session, tapped.values[0])
    user = next((user for user in known if mark(user) == tapped.values[place]), None)
    if user is None:
        return None
    return replace(tapped, values=(*tapped.values[:place], user, *tapped.values[place + 1 :]))


def _private(query: CallbackQuery) -> bool:
    return query.message is not None and query.message.chat.type == "private"
