"""Put the dispatcher together: routers, middlewares, and the data of handlers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from aiogram import Dispatcher
from aiogram.types import ErrorEvent

from bot.context import AppContext
from bot.handlers import (
    admin,
    appeals,
    errors,
    group,
    head,
    health,
    hr,
    manager,
    questions,
    start,
    today,
    ways_back,
    witness,
)
from bot.handlers.by_hand import adjusting, correcting, own_reason, pardoning
from bot.telegram.chat_action import ShowWork
from bot.telegram.middlewares import (
    Access,
    AnswerGroupsOnce,
    DeduplicateTaps,
    DeduplicateUpdates,
    Throttle,
    TrackInFlight,
)

LAST_SECONDS = 20.0
"""Seconds that updates in work may take at the end."""
TEMPLATES = (
    witness.router,
    start.router,
    today.router,
    manager.router,
    head.router,
    appeals.router,
    adjusting.router,
    pardoning.router,
    correcting.router,
    own_reason.router,
    ways_back.router,
    hr.router,
    admin.router,
    health.router,
    questions.router,
    group.router,
    errors.last,
)


def build(
    ctx: AppContext,
    now: Callable[[], datetime],
    monotonic: Callable[[], float] = time.monotonic,
    *,
    shows_work: bool = True,
) -> Dispatcher:
    """Build a dispatcher that answers every user by the user's rights, and shows long work as "typing"."""
    in_hand = TrackInFlight()
    dispatcher = Dispatcher(ctx=ctx, now=now, in_hand=in_hand)
    dispatcher.update.outer_middleware(in_hand)
    dispatcher.update.outer_middleware(DeduplicateUpdates())
    dispatcher.callback_query.middleware(DeduplicateTaps(monotonic))
    dispatcher.message.middleware(AnswerGroupsOnce(monotonic))
    for observer in (dispatcher.message, dispatcher.callback_query):
        observer.outer_middleware(Access(ctx))
        observer.middleware(Throttle(monotonic))
        if shows_work:
            observer.middleware(ShowWork())
    for template in TEMPLATES:
        dispatcher.include_router(template.router())

    @dispatcher.errors()
    async def on_error(event: ErrorEvent) -> bool:
        return await errors.failed(event, ctx.language)

    return dispatcher


async def finish(dispatcher: Dispatcher) -> None:
    """Wait for the updates in work, after the last update was taken."""
    in_hand: TrackInFlight = dispatcher["in_hand"]
    await in_hand.finish(LAST_SECONDS)
