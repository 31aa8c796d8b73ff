"""Collect handlers at import, and make routers of the same handlers for every dispatcher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aiogram import Router

Handler = TypeVar("Handler", bound=Callable[..., Any])


class RouterTemplate:
    """Collect handlers like an aiogram router, which belongs to a single dispatcher once included.

    Handlers are asked in the order in which they were added; `filters` hold for all messages.
    """

    def __init__(self, name: str, *filters: Any) -> None:
        self.name = name
        self._filters = filters
        self._handlers: list[tuple[str, tuple[Any, ...], Callable[..., Any]]] = []

    def message(self, *filters: Any) -> Callable[[Handler], Handler]:
        """Add the decorated function as a handler of messages."""
        return self._adding("message", filters)

    def callback_query(self, *filters: Any) -> Callable[[Handler], Handler]:
        """Add the decorated function as a handler of taps."""
        return self._adding("callback_query", filters)

    def my_chat_member(self, *filters: Any) -> Callable[[Handler], Handler]:
        """Add the decorated function as a handler of changes of the bot's membership."""
        return self._adding("my_chat_member", filters)

    def router(self) -> Router:
        """Make a new router with all handlers."""
        router = Router(name=self.name)
        if self._filters:
            router.message.filter(*self._filters)
        for kind, filters, handler in self._handlers:
            router.observers[kind].register(handler, *filters)
        return router

    def _adding(self, kind: str, filters: tuple[Any, ...]) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self._handlers.append((kind, filters, handler))
            return handler

        return add
