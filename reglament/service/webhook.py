"""Receive updates from Telegram by webhook; refuse calls without the secret."""

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
"""Path of updates if `webhook_url` has no path; always served, for proxies that cut paths."""
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def address(webhook_url: str) -> str:
    """Return the address that Telegram is told to call."""
    return webhook_url if urlsplit(webhook_url).path.strip("/") else webhook_url.rstrip("/") + PATH


@dataclass(slots=True)
class _Receiver:
    """Receive updates, acknowledge each at once and handle updates beside."""

    dispatcher: Dispatcher
    bot: Bot
    secret: str
    _working: set[asyncio.Task[Any]] = field(default_factory=set)

    async def receive(self, request: web.Request) -> web.Response:
        """Acknowledge a call; a body that is no update too, because Telegram repeats a refused call without end."""
        if not secrets.compare_digest(request.headers.get(HEADER, "").encode(), self.secret.encode()):
            return web.Response(status=401)
        try:
            update = Update.model_validate_json(await request.read(), context={"bot": self.bot})
        except ValidationError as error:
            log.warning("no_update", problem=error.errors()[0]["type"], bytes=request.content_length)
            return web.Response()
        task = asyncio.create_task(self.dispatcher.feed_update(self.bot, update))
        self._working.add(task)
        task.add_done_callback(self._done)
        return web.Response()

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Forget a handled update, and log an error that passed every handler."""
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("update_failed", exc_info=error)


@asynccontextmanager
async def listening(settings: TelegramSettings, dispatcher: Dispatcher, bot: Bot) -> AsyncIterator[int]:
    """Serve the webhook and tell Telegram the address; yield the port, chosen by the system if `listen` names port 0.

    Raises WorkFailed if the address cannot be listened on.
    """
    secret = settings.webhook_secret.get_secret_value()
    target = address(settings.webhook_url)
    application = web.Application()
    receiver = _Receiver(dispatcher, bot, secret)
    for path in {PATH, urlsplit(target).path}:
        application.router.add_post(path, receiver.receive)
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
