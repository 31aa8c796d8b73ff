"""Answer `/health`, for admins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from aiogram import F
from aiogram.types import Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.service.health import health_view, load_health, load_writing
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts

router = RouterTemplate("health")


@router.message(Asked("health"), F.chat.type == "private")
async def health(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Show the state of the service to an admin."""
    if not viewer.admin:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    writing = await load_writing(ctx, now())
    async with ctx.db.reading() as session:
        data = replace(await load_health(session, ctx, now()), writing=writing)
    await reply.send(message, health_view(t, data, now()))
