"""Telegram calls us: the updates of a webhook, and no call without the secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiogram import Bot, Dispatcher
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from reglament.errors import WorkFailed
from reglament.settings import TelegramSettings

PATH = "/telegram"
"""Where updates come to, if `webhook_url` has no path of its own; always served, for proxies that cut paths."""


def address(webhook_url: str) -> str:
    """What Telegram is told."""
    return webhook_url if urlsplit(webhook_url).path.strip("/") else webhook_url.rstrip("/") + PATH


@asynccontextmanager
async def listening(settings: TelegramSettings, dispatcher: Dispatcher, bot: Bot) -> AsyncIterator[None]:
    """Serve, then tell Telegram where. Raises WorkFailed if nothing can listen there."""
    secret = settings.webhook_secret.get_secret_value()
    target = address(settings.webhook_url)
    application = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, secret_token=secret)
    for path in {PATH, urlsplit(target).path}:
        application.router.add_post(path, handler.handle)  # not `register`: that would close the bot's session
    setup_application(application, dispatcher, bot=bot)
    runner = web.AppRunner(application)
    await runner.setup()
    host, _, port = settings.listen.rpartition(":")
    try:
        try:
            await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
        except (OSError, ValueError) as error:
            raise WorkFailed(f"telegram.listen = {settings.listen!r}: cannot listen there ({error})") from None
        await bot.set_webhook(target, secret_token=secret, allowed_updates=dispatcher.resolve_used_update_types())
        yield
    finally:
        await runner.cleanup()
