"""Hold deliveries back while Telegram does not answer (docs/product.md §11, Messages)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

LONGEST_PAUSE = 15.0
"""Seconds between two questions in a long outage."""


@dataclass(slots=True)
class Outage:
    """Tell whether Telegram answers: from the first lost answer on, a harmless question must be answered first.

    So an outage of any length costs at most the messages that were in flight: nothing else goes out meanwhile. Waits by
    the monotonic clock, because the machine's clock may be set in between.
    """

    ask: Callable[[], Awaitable[bool]]
    """Ask Telegram a question that changes nothing; return whether Telegram answered."""
    monotonic: Callable[[], float] = time.monotonic
    _since: float | None = None
    _pause: float = 1.0
    _has_asked: bool = False
    """Whether a question was answered after the last message that arrived."""
    _next_question: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def begin(self) -> None:
        """Note a request without an answer.

        Where Telegram answers questions and takes no messages, each outage waits longer than the outage before.
        """
        if self._since is None:
            self._since = self._next_question = self.monotonic()
            if self._has_asked:
                self._wait()
            log.warning("telegram_does_not_answer")

    def message_arrived(self) -> None:
        """Note a message that Telegram took: the pauses of the next outage begin anew."""
        self._has_asked, self._pause = False, 1.0

    async def is_over(self) -> bool:
        """Tell whether messages may go out; ask Telegram if the time for a question has come."""
        if self._since is None:
            return True
        if self._asking.locked() or self.monotonic() < self._next_question:
            return False
        async with self._asking:
            if await self.ask():
                log.info("telegram_answers_again", seconds=round(self.monotonic() - self._since))
                self._since, self._has_asked = None, True
                return True
            self._wait()
            return False

    def _wait(self) -> None:
        self._next_question = self.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
