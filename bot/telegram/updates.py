"""Tell when updates stop coming in, and read the rest of an answer with an unreadable update."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramConflictError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetUpdates, TelegramMethod
from aiogram.types import Update
from pydantic import ValidationError

from storage.days.heartbeats import RIVAL, TOKEN_REFUSED

log = structlog.get_logger()

RECENT = timedelta(minutes=5)
"""Age up to which Telegram's last error at the webhook counts."""


class UpdatesHeard(BaseRequestMiddleware):
    """Remember when updates could last be received: by an answered request, or by a webhook in order."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.at = now()
        self.problems: dict[str, datetime] = {}
        """Instants at which Telegram last refused the token or named a rival, by name of the heartbeat."""

    def listen_to(self, bot: Bot) -> None:
        """Note from now on what a bot receives."""
        bot.session.middleware(self)

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        """Send the request and note an answer with updates, also with none, and a refused token or a rival."""
        try:
            answer = await make_request(bot, method)
        except (TelegramUnauthorizedError, TelegramNotFound):
            self.problems[TOKEN_REFUSED] = self._now()
            raise
        except TelegramConflictError:
            self.problems[RIVAL] = self._now()
            raise
        if isinstance(method, GetUpdates):
            self.at = self._now()
            self.problems.clear()
        return answer

    async def ask_webhook(self, bot: Bot, address: str) -> None:
        """Ask Telegram whether updates reach the webhook. Raises TelegramAPIError."""
        info = await bot.get_webhook_info()
        now = self._now()
        failing = info.last_error_date is not None and now - info.last_error_date < RECENT
        if info.url == address and not (info.pending_update_count and failing):
            self.at = now


def readable_updates(content: str, bot: Bot) -> list[Update] | None:
    """Read the updates of an answer one by one; None if the answer holds no list of updates.

    In place of an unreadable update stands an empty update with the same id: the id is confirmed, so that Telegram
    does not send the update again and again. A row without an id is left out beside others.
    """
    try:
        found = [_readable(row, bot) for row in json.loads(content)["result"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    updates = [update for update in found if update is not None]
    return updates if updates or not found else None


def _readable(row: Any, bot: Bot) -> Update | None:
    try:
        return Update.model_validate(row, context={"bot": bot})
    except ValidationError as error:
        number = row.get("update_id") if isinstance(row, dict) else None
        log.warning("no_update", update=number, problem=error.errors(include_input=False)[0]["type"])
        return Update(update_id=int(number)) if isinstance(number, int | float) else None
