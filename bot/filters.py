"""Which handler a tap belongs to."""

from __future__ import annotations

from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery

from bot.callbacks import Action, unpack


class Tapped(Filter):
    """A button of one of these actions; hands `tapped` to the handler."""

    def __init__(self, *actions: Action) -> None:
        self._actions = actions

    async def __call__(self, query: CallbackQuery) -> bool | dict[str, Any]:
        """Whether it is one of them."""
        tapped = unpack(query.data)
        return {"tapped": tapped} if tapped is not None and tapped.action in self._actions else False
