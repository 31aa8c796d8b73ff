"""Decide how long an answer to a person is tried again."""

from __future__ import annotations

from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter

from bot.telegram.pacing.limits import ANSWER_SECONDS, FIRST_PAUSE, LONGEST_PAUSE
from bot.telegram.pacing.rate_limiter import RateLimiter


class Retry:
    """Count the waits of one request, and raise its error when the waits would exceed ANSWER_SECONDS.

    Without a limiter, as in a short question of a command, nothing is tried again.
    """

    def __init__(self, limiter: RateLimiter | None) -> None:
        self._limiter = limiter
        self._began = 0.0 if limiter is None else limiter.monotonic()
        self._waited = 0.0
        self._pause = FIRST_PAUSE

    async def after_told_to_wait(self, error: TelegramRetryAfter, chat_id: int | None) -> None:
        """Wait as Telegram asked; a message to a chat waits for the slot of the chat instead."""
        if self._limiter is not None and chat_id is not None:
            await self._limiter.retry_after(chat_id, error.retry_after)
        limiter = self._spend(error, error.retry_after)
        if chat_id is None:
            await limiter.sleep(error.retry_after)

    async def after_pause(self, error: TelegramAPIError) -> None:
        """Wait for a while, each time for longer."""
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        await self._spend(error, pause).sleep(pause)

    def _spend(self, error: TelegramAPIError, seconds: float) -> RateLimiter:
        """Raise the error if the wait is too long, by the clock or by the waits so far."""
        if self._limiter is None:
            raise error
        spent = max(self._waited, self._limiter.monotonic() - self._began)
        if spent + seconds > ANSWER_SECONDS:
            raise error
        self._waited = spent + seconds
        return self._limiter
