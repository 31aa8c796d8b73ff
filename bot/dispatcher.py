"""Routers, middlewares and what handlers are given, put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import Dispatcher, Router
from aiogram.types import ErrorEvent

from bot.context import AppContext
from bot.handlers import admin, errors, group, head, health, hr, manager, start, today
from bot.telegram.middlewares import Access, DeduplicateTaps, DeduplicateUpdates, Throttle, TrackInFlight

LAST_SECONDS = 20.0
"""So long the updates in hand may take at the end."""
ROUTERS = (
    start.router,
    today.router,
    manager.router,
    head.router,
    hr.router,
    admin.router,
    health.router,
    group.router,
    errors.last,
)


def build(ctx: AppContext, now: Callable[[], datetime]) -> Dispatcher:
    """A dispatcher that answers everybody by his rights."""
    in_hand = TrackInFlight()
    dispatcher = Dispatcher(ctx=ctx, now=now, in_hand=in_hand)
    dispatcher.update.outer_middleware(in_hand)
    dispatcher.update.outer_middleware(DeduplicateUpdates())
    dispatcher.callback_query.middleware(DeduplicateTaps())
    for observer in (dispatcher.message, dispatcher.callback_query):
        observer.outer_middleware(Access(ctx))
        observer.middleware(Throttle())
    for router in ROUTERS:
        _detach(router)
        dispatcher.include_router(router)

    @dispatcher.errors()
    async def on_error(event: ErrorEvent) -> bool:
        return await errors.failed(event, ctx.language)

    return dispatcher


async def finish(dispatcher: Dispatcher) -> None:
    """Let the updates in hand be answered once no more are taken."""
    in_hand: TrackInFlight = dispatcher["in_hand"]
    await in_hand.finish(LAST_SECONDS)


def _detach(router: Router) -> None:
    """Routers are made once with their modules; a second dispatcher (tests) takes them over."""
    if router.parent_router is not None:
        router.parent_router.sub_routers.remove(router)
        router._parent_router = None
