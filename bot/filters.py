"""Which handler a tap belongs to."""

from __future__ import annotations

from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery

from bot.callbacks import Action, unpack
from bot.shapes import fits

IN_GROUPS = frozenset({Action.BIND, Action.HERE, Action.STAY})
"""What a button in a group may ask for; everything else is a person's own, whoever taps it there."""


class Tapped(Filter):
    """A button of one of these actions; hands `tapped` to the handler. `first` narrows what its first value may be."""

    def __init__(self, *actions: Action, first: tuple[str, ...] = ()) -> None:
        self._actions = actions
        self._first = first

    async def __call__(self, query: CallbackQuery) -> bool | dict[str, Any]:
        """Whether it is one of them, in a chat where it may be asked."""
        tapped = unpack(query.data)
        if tapped is None or tapped.action not in self._actions or not fits(tapped):
            return False
        if self._first and tapped.values[0] not in self._first:
            return False
        return {"tapped": tapped} if tapped.action in IN_GROUPS or _private(query) else False


def _private(query: CallbackQuery) -> bool:
    return query.message is not None and query.message.chat.type == "private"
