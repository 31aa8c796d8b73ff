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
from reglament.service.http_server import CannotListen, read_body, serving

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
    paths: frozenset[str]
    _working: set[asyncio.Task[Any]] = field(default_factory=set)

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Acknowledge a call with the secret; one that is no update too, because Telegram repeats a refused call.

        A body that is no JSON at all is refused (400): that call is not Telegram's.
        """
        if request.path not in self.paths:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405)
        if not secrets.compare_digest(request.headers.get(HEADER, "").encode(), self.secret.encode()):
            return web.Response(status=401)
        try:
            update = Update.model_validate_json(await read_body(request), context={"bot": self.bot})
        except ValidationError as error:
            problem = error.errors()[0]["type"]
            log.warning("no_update", problem=problem, bytes=request.content_length)
            return web.Response(status=400 if problem == "json_invalid" else 200)
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
    receiver = _Receiver(dispatcher, bot, secret, frozenset({PATH, urlsplit(target).path}))
    try:
        async with serving(receiver.receive, settings.listen) as port:
            await bot.set_webhook(target, secret_token=secret, allowed_updates=dispatcher.resolve_used_update_types())
            yield port
    except CannotListen as error:
        raise WorkFailed(f"telegram.listen = {settings.listen!r}: cannot listen there ({error})") from None
