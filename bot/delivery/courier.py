"""Send deliveries: find the chat, wait for the limits, render, send, note the outcome (docs/product.md §8, §11).

A request that certainly failed is repeated. A request without an answer leaves its delivery `uncertain`: the message
is never repeated blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from bot.context import AppContext
from bot.delivery.lost_chats import channel_lost
from bot.delivery.render import render
from bot.delivery.sender import Sender
from bot.delivery.targets import NO_RIGHTS, Target, Unreachable, load_target
from bot.screens.view import View
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.session import refused, session_of, trouble
from bot.texts import texts
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.deliveries import LEASE_SECONDS
from storage.messages.notices import EveningNotice
from storage.people import channels
from storage.values import Delivery

log = structlog.get_logger()

IN_FLIGHT = 3
"""Deliveries of one process between request and answer: a crash repeats at most so many messages."""
CHAT_PATIENCE = 2.0
"""Seconds a delivery waits for its chat; with a longer wait the delivery is postponed, so that others go on."""
GIVE_UP = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=10)
NEVER = datetime.min.replace(tzinfo=UTC)
LONG = timedelta(seconds=LEASE_SECONDS / 4)
"""After such a wait the courier asks again whether the delivery is still leased to this process."""
_SILENCED = ("not enough rights", "no rights", "write_forbidden", "chat_restricted", "topic_closed", "_forbidden")


@dataclass(slots=True)
class Courier:
    """Send deliveries of this process, at most IN_FLIGHT at once.

    All messages of the courier's bot, answers to users too, keep Telegram's limits from then on.
    """

    bot: Bot
    ctx: AppContext
    owner: str
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _limiter: RateLimiter = field(init=False)
    _in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    _quiet_until: datetime = NEVER
    """No delivery begins before: Telegram asked all chats to wait."""

    def __post_init__(self) -> None:
        """Limit the bot: a worker without handlers, or a single command, sends through a courier too."""
        self._limiter = session_of(self.bot).limiter = RateLimiter(self.ctx.db, self.sleep)

    async def deliver(self, delivery_id: int) -> None:
        """Send a delivery that is still to be sent, and note the outcome."""
        started = self.now()
        if started < self._quiet_until:
            return
        delivery = await deliveries.start(self.ctx.db, delivery_id, self.owner, at=started)
        if delivery is None:
            return
        try:
            async with self.ctx.db.reading() as session:
                target = await load_target(session, self.ctx, delivery)
                owed = await self._owed(session, delivery)
                view = await render(session, self.ctx, texts(target.language), delivery, now=self.now(), owed=owed)
        except Unreachable as error:
            await deliveries.mark_failed(self.ctx.db, delivery, str(error), at=self.now())
            return
        if view is None:
            await deliveries.mark_failed(self.ctx.db, delivery, "nothing to say any more", at=self.now())
            return
        await self._send_when_free(delivery, target, view, owed, started)

    async def _owed(self, session: Session, delivery: Delivery) -> list[Delivery]:
        """Read earlier messages to the same person that may not have arrived; this delivery carries their lines."""
        if not isinstance(delivery.notice, EveningNotice):
            return []
        return [item for item in await deliveries.find_uncertain(session, delivery.recipient) if item.id != delivery.id]

    async def _send_when_free(
        self, delivery: Delivery, target: Target, view: View, owed: list[Delivery], started: datetime
    ) -> None:
        async with self._in_flight:
            permit = await self._limiter.acquire_within(target.chat_id, CHAT_PATIENCE)
            if permit is None:
                await self._postpone_busy(delivery)
                return
            try:
                # Slow answers to earlier messages may have taken as long as the lease.
                if self.now() - started > LONG and not await deliveries.renew_lease(self.ctx.db, delivery):
                    return
                sender = Sender(self.bot, self.ctx.db, self._limiter, delivery, target, permit)
                sent = await sender.send(view)
            except TelegramAPIError as error:
                await self._failed(delivery, target, error)
                return
            finally:
                await permit.answered()
            # Noted before the next delivery may go out: a crash repeats at most IN_FLIGHT messages.
            await deliveries.mark_sent(self.ctx.db, delivery, sent, at=self.now(), chat_id=target.chat_id)
        if owed or target.silenced:
            async with self.ctx.db.transaction() as session:
                await deliveries.mark_carried(session, [item.id for item in owed], delivery.id)
                if target.silenced:
                    await channels.turn_on(session, target.chat_id, at=self.now())

    async def _postpone_busy(self, delivery: Delivery) -> None:
        """Postpone a delivery whose chat is busy, or all deliveries if Telegram asked all chats to wait."""
        wait = await self._limiter.common_wait()
        if wait > CHAT_PATIENCE:
            self._quiet_until = self.now() + timedelta(seconds=wait)
        await deliveries.postpone(self.ctx.db, delivery, self.now() + timedelta(seconds=max(1.0, wait)), "busy")

    # The outcome of a failed request

    async def _failed(self, delivery: Delivery, target: Target, error: TelegramAPIError) -> None:
        db, now = self.ctx.db, self.now()
        match error:
            case TelegramRetryAfter():
                await self._limiter.retry_after(target.chat_id, error.retry_after)
                self._quiet_until = now + timedelta(seconds=await self._limiter.common_wait())
                await deliveries.postpone(db, delivery, now + timedelta(seconds=error.retry_after), "Telegram: wait")
            case TelegramMigrateToChat():
                async with db.transaction() as session:
                    await channels.move(session, target.chat_id, error.migrate_to_chat_id, at=now)
                await deliveries.postpone(db, delivery, now, "the group moved")
            case TelegramForbiddenError():
                await self._channel_off(delivery, target, _why_forbidden(target.chat_id, error.message))
            case TelegramNetworkError() if not refused(error):
                await deliveries.mark_uncertain(db, delivery, "no answer from Telegram", at=now)
            case TelegramNetworkError() | TelegramServerError() | TelegramUnauthorizedError():
                await self._again(delivery, trouble(error))
            case TelegramBadRequest():
                await self._bad_request(delivery, target, error)
            case _:
                await self._again(delivery, trouble(error))

    async def _bad_request(self, delivery: Delivery, target: Target, error: TelegramBadRequest) -> None:
        text = error.message.lower()
        if "chat not found" in text or "peer_id_invalid" in text:
            await self._channel_off(delivery, target, "not_found")
        elif target.thread_id is not None and ("thread not found" in text or "topic" in text):
            async with self.ctx.db.transaction() as session:
                await channels.lose_thread(session, target.chat_id, target.thread_id, at=self.now())
            await deliveries.postpone(self.ctx.db, delivery, self.now(), "the topic is gone")
        elif any(words in text for words in _SILENCED):
            await self._channel_off(delivery, target, NO_RIGHTS)
        else:
            log.error("message_refused", kind=delivery.kind, delivery=delivery.id, problem=error.message)
            await deliveries.mark_failed(self.ctx.db, delivery, error.message, at=self.now())

    async def _again(self, delivery: Delivery, problem: str) -> None:
        """Postpone a message that certainly did not arrive, each time for longer; give up after a day."""
        now = self.now()
        if delivery.created_at is not None and now - delivery.created_at > GIVE_UP:
            await deliveries.mark_failed(self.ctx.db, delivery, problem, at=now)
            return
        wait = min(timedelta(seconds=2 ** min(delivery.attempts, 10)), LONGEST_WAIT)
        log.warning("delivery_postponed", delivery=delivery.id, problem=problem, seconds=wait.total_seconds())
        await deliveries.postpone(self.ctx.db, delivery, now + wait, problem)

    async def _channel_off(self, delivery: Delivery, target: Target, reason: str) -> None:
        """Stop writing to the chat, and tell its head once."""
        await deliveries.mark_failed(self.ctx.db, delivery, reason, at=self.now())
        async with self.ctx.db.transaction() as session:
            await channel_lost(session, self.ctx, target.chat_id, reason, at=self.now())


def _why_forbidden(chat_id: int, message: str) -> str:
    """Return the stored reason for a chat that Telegram forbids."""
    text = message.lower()
    if "chat was deleted" in text:
        return "not_found"
    if chat_id < 0:
        return "kicked"
    if "deactivated" in text:
        return "deactivated"
    if "initiate" in text:
        return "never_started"
    return "blocked"
