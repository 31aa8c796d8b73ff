"""Receive updates from Telegram by webhook; refuse calls without the secret."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from bot.telegram.listening import WebhookReceiver
from reglament.config.settings import TelegramSettings
from reglament.errors import WorkFailed
from reglament.service.http_server import CannotListen, read_body, serving

PATH = "/telegram"
"""Path of updates if `webhook_url` has no path; always served, for proxies that cut paths."""
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def address(webhook_url: str) -> str:
    """Return the address that Telegram is told to call."""
    return webhook_url if urlsplit(webhook_url).path.strip("/") else webhook_url.rstrip("/") + PATH


@dataclass(frozen=True, slots=True)
class _Door:
    """Let calls with the secret through to the receiver."""

    receiver: WebhookReceiver
    secret: str
    paths: frozenset[str]

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
        return web.Response(status=200 if self.receiver.take(await read_body(request)) else 400)


@asynccontextmanager
async def listening(settings: TelegramSettings, receiver: WebhookReceiver) -> AsyncIterator[int]:
    """Serve the webhook and tell Telegram the address; yield the port, chosen by the system if `listen` names port 0.

    Raises WorkFailed if the address cannot be listened on.
    """
    secret = settings.webhook_secret.get_secret_value()
    target = address(settings.webhook_url)
    door = _Door(receiver, secret, frozenset({PATH, urlsplit(target).path}))
    try:
        async with serving(door.receive, settings.listen) as port:
            await receiver.announce(target, secret)
            yield port
    except CannotListen as error:
        raise WorkFailed(f"telegram.listen = {settings.listen!r}: cannot listen there ({error})") from None
