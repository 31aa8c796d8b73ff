"""Take updates from Telegram to the handlers: by polling, or from calls to the webhook."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.types import Update
from pydantic import ValidationError

log = structlog.get_logger()


async def poll(bot: Bot, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    """Take updates by polling until `stop`. Raises TelegramAPIError."""
    await bot.delete_webhook()
    polling = asyncio.ensure_future(
        dispatcher.start_polling(
            bot,
            handle_signals=False,
            close_bot_session=False,
            allowed_updates=dispatcher.resolve_used_update_types(),
        )
    )
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not polling.done():
        await dispatcher.stop_polling()
    stopping.cancel()
    await polling


@dataclass(slots=True)
class WebhookReceiver:
    """Take the updates of Telegram's calls, and handle each beside the call."""

    dispatcher: Dispatcher
    bot: Bot
    _working: set[asyncio.Task[Any]] = field(default_factory=set)

    async def announce(self, address: str, secret: str) -> None:
        """Tell Telegram where to call. Raises TelegramAPIError."""
        used = self.dispatcher.resolve_used_update_types()
        await self.bot.set_webhook(address, secret_token=secret, allowed_updates=used)

    def take(self, body: bytes) -> bool:
        """Handle an update beside; False for a body that is no JSON at all. What is no update is logged and skipped."""
        try:
            update = Update.model_validate_json(body, context={"bot": self.bot})
        except ValidationError as error:
            problem = error.errors()[0]["type"]
            log.warning("no_update", problem=problem, bytes=len(body))
            return problem != "json_invalid"
        task = asyncio.create_task(self.dispatcher.feed_update(self.bot, update))
        self._working.add(task)
        task.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Forget a handled update, and log an error that passed every handler."""
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("update_failed", exc_info=error)
