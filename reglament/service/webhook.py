"""Telegram calls us: the updates of a webhook, and no call without the secret."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiogram import Bot, Dispatcher
from aiogram.types import Update
from aiohttp import web
from pydantic import ValidationError

from reglament.config.settings import TelegramSettings
from reglament.errors import WorkFailed

log = structlog.get_logger()

PATH = "/telegram"
"""Where updates come to, if `webhook_url` has no path of its own; always served, for proxies that cut paths."""
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def address(webhook_url: str) -> str:
    """What Telegram is told."""
    return webhook_url if urlsplit(webhook_url).path.strip("/") else webhook_url.rstrip("/") + PATH


@dataclass(slots=True)
class _Entrance:
    """Takes updates, receipts them at once and works on them."""

    dispatcher: Dispatcher
    bot: Bot
    secret: str
    _working: set[asyncio.Task[Any]] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        """One call. What is no update is accepted, too: Telegram would bring it again and again."""
        if not secrets.compare_digest(request.headers.get(HEADER, "").encode(), self.secret.encode()):
            return web.Response(status=401)
        try:
            update = Update.model_validate_json(await request.read(), context={"bot": self.bot})
        except ValidationError as error:
            log.warning("no_update", problem=error.errors()[0]["type"], bytes=request.content_length)
            return web.Response()
        task = asyncio.create_task(self.dispatcher.feed_update(self.bot, update))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return web.Response()


@asynccontextmanager
async def listening(settings: TelegramSettings, dispatcher: Dispatcher, bot: Bot) -> AsyncIterator[int]:
    """Serve, then tell Telegram where; yields the port, which `listen` may leave to the system (0).

    Raises WorkFailed if nothing can listen there.
    """
    secret = settings.webhook_secret.get_secret_value()
    target = address(settings.webhook_url)
    application = web.Application()
    entrance = _Entrance(dispatcher, bot, secret)
    for path in {PATH, urlsplit(target).path}:
        application.router.add_post(path, entrance.take)
    runner = web.AppRunner(application)
    await runner.setup()
    host, _, port = settings.listen.rpartition(":")
    try:
        try:
            await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
        except (OSError, ValueError) as error:
            raise WorkFailed(f"telegram.listen = {settings.listen!r}: cannot listen there ({error})") from None
        await bot.set_webhook(target, secret_token=secret, allowed_updates=dispatcher.resolve_used_update_types())
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
