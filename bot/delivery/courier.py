"""Send deliveries: find the chat, wait for the limits, render, send, note the outcome (docs/product.md §8, §11).

A request that certainly failed is repeated. After a request without an answer nothing goes out until Telegram answers a
harmless question; then the messages that were in flight, which may have arrived, are sent once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from cachetools import LRUCache

from bot.context import AppContext
from bot.delivery.lost_chats import channel_lost
from bot.delivery.outage import Outage
from bot.delivery.pinned import NOT_PINNED, show_pinned, tell_pin_refused
from bot.delivery.reasons import NOTHING_TO_SAY
from bot.delivery.render import render
from bot.delivery.sender import Sender
from bot.delivery.targets import Target, Unreachable, load_target
from bot.messenger import (
    AskedToWait,
    ChatOff,
    ChatWriter,
    GroupMoved,
    Messenger,
    NoAnswer,
    Rejected,
    SendFailure,
    TopicGone,
)
from bot.screens.view import View
from bot.texts import texts
from storage.messages import deliveries
from storage.messages.deliveries import LEASE_SECONDS
from storage.messages.notices import PinnedBoardNotice
from storage.people import channels
from storage.values import Delivery

log = structlog.get_logger()

IN_FLIGHT = 3
"""Deliveries of one process between request and answer: a crash repeats at most so many messages."""
CHAT_PATIENCE = 2.0
"""Seconds a delivery waits for its chat; with a longer wait the delivery is postponed, so that others go on."""
GIVE_UP = timedelta(days=7)
"""Age after which a message is not worth sending any more; reminders end by themselves at the cutoff."""
LOST_ANSWERS = 5
"""Answers that a message may lose in a row before it waits for longer each time, and goes without its picture."""
REMEMBERED = 1000
"""Deliveries whose lost answers are counted."""
LONGEST_WAIT = timedelta(minutes=10)
LONG = timedelta(seconds=LEASE_SECONDS / 4)
"""After such a wait the courier asks again whether the delivery is still leased to this process."""


@dataclass(slots=True)
class Courier:
    """Send deliveries of this process, at most IN_FLIGHT at once."""

    bot: Messenger
    ctx: AppContext
    owner: str
    now: Callable[[], datetime]
    _in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    monotonic: Callable[[], float] = time.monotonic
    """Seconds for waits of this process: the clock may be set meanwhile."""
    _quiet_until: float = 0.0
    """No delivery begins before, by `monotonic`: Telegram asked all chats to wait."""
    outage: Outage = field(init=False)
    _lost: LRUCache[int, int] = field(default_factory=lambda: LRUCache(REMEMBERED))
    """Answers that a delivery lost in this process."""

    def __post_init__(self) -> None:
        """Ask through the bot whether Telegram answers."""
        self.outage = Outage(self.bot.answers, self.monotonic)

    async def deliver(self, delivery_id: int) -> None:
        """Send a delivery that is still to be sent, and note the outcome."""
        started = self.now()
        if self.monotonic() < self._quiet_until or not await self.outage.is_over():
            return
        delivery = await deliveries.start(self.ctx.db, delivery_id, self.owner, at=started)
        if delivery is None:
            return
        if not self.ctx.bot.username:
            self.ctx.bot.username = await self.bot.username()
        try:
            async with self.ctx.db.reading() as session:
                target = await load_target(session, self.ctx, delivery)
                view = await render(session, self.ctx, texts(target.language), delivery, now=self.now())
        except Unreachable as error:
            await deliveries.mark_failed(self.ctx.db, delivery, str(error), at=self.now())
            return
        if view is None:
            await deliveries.mark_failed(self.ctx.db, delivery, NOTHING_TO_SAY, at=self.now())
            return
        await self._send_when_free(delivery, target, view, started)

    async def _send_when_free(self, delivery: Delivery, target: Target, view: View, started: datetime) -> None:
        async with self._in_flight:
            if not await self.outage.is_over():  # an answer was lost while this delivery waited for its turn
                await deliveries.postpone(self.ctx.db, delivery, self.now(), "Telegram does not answer")
                return
            # An upload may get lost where a text arrives.
            picture = await view.drawn() if self._lost.get(delivery.id, 0) < LOST_ANSWERS else None
            chat = await self.bot.open_chat(target.chat, target.thread, within=CHAT_PATIENCE)
            if chat is None:
                await self._postpone_busy(delivery)
                return
            try:
                # Slow answers to earlier messages may have taken as long as the lease.
                if self.now() - started > LONG and not await deliveries.renew_lease(self.ctx.db, delivery):
                    return
                sent, problem = await self._brought(chat, delivery, target, view, picture)
            except SendFailure as failure:
                await self._failed(delivery, target, failure)
                return
            finally:
                await chat.close()
            self.outage.message_arrived()
            # Noted before the next delivery may go out: a crash repeats at most IN_FLIGHT messages.
            await deliveries.mark_sent(
                self.ctx.db, delivery, sent, at=self.now(), chat_id=target.chat_id, problem=problem
            )
        if problem == NOT_PINNED and delivery.notice is not None:
            await tell_pin_refused(self.ctx, delivery.notice.team, target.chat_id, at=self.now())
        if target.silenced:
            async with self.ctx.db.transaction() as session:
                await channels.turn_on(session, target.chat_id, at=self.now())

    async def _brought(
        self, chat: ChatWriter, delivery: Delivery, target: Target, view: View, picture: bytes | None
    ) -> tuple[list[int], str]:
        """Send the messages of a delivery, and return what is still missing. Raises SendFailure."""
        if isinstance(delivery.notice, PinnedBoardNotice):
            sent, pinned = await show_pinned(self.ctx, chat, delivery, delivery.notice, target, view)
            return sent, "" if pinned else NOT_PINNED
        return await Sender(chat, self.ctx.db, delivery, target).send(view, picture), ""

    async def _postpone_busy(self, delivery: Delivery) -> None:
        """Postpone a delivery whose chat is busy, or all deliveries if Telegram asked all chats to wait."""
        wait = await self.bot.common_wait()
        if wait > CHAT_PATIENCE:
            self._quiet_until = self.monotonic() + wait
        await deliveries.postpone(self.ctx.db, delivery, self.now() + timedelta(seconds=max(1.0, wait)), "busy")

    # The outcome of a failed request

    async def _failed(self, delivery: Delivery, target: Target, failure: SendFailure) -> None:
        db, now, problem = self.ctx.db, self.now(), str(failure)
        match failure:
            case AskedToWait():
                await self.bot.hold_back(target.chat, failure.seconds)
                self._quiet_until = self.monotonic() + await self.bot.common_wait()
                await deliveries.postpone(db, delivery, now + timedelta(seconds=failure.seconds), problem)
            case GroupMoved():
                async with db.transaction() as session:
                    await channels.move(session, target.chat_id, int(failure.chat), at=now)
                await deliveries.postpone(db, delivery, now, problem)
            case TopicGone():
                await self._topic_gone(delivery, target, problem)
            case ChatOff():
                await self._channel_off(delivery, target, problem)
            case NoAnswer():
                await self._unanswered(delivery, problem)
            case Rejected():
                log.error("message_refused", kind=delivery.kind, delivery=delivery.id, problem=problem)
                await deliveries.mark_failed(db, delivery, problem, at=now)
            case _:
                self.outage.begin()
                await self._again(delivery, problem)

    async def _unanswered(self, delivery: Delivery, problem: str) -> None:
        """Hold all deliveries back until Telegram answers, then repeat this message, which may have arrived.

        A message that loses answer after answer waits twice as long each time, so that others go first.
        """
        self.outage.begin()
        lost = self._lost[delivery.id] = self._lost.get(delivery.id, 0) + 1
        await self._later(delivery, problem, 2.0**lost if lost >= LOST_ANSWERS else 0.0)

    async def _topic_gone(self, delivery: Delivery, target: Target, problem: str) -> None:
        """Send to the group without the topic from now on."""
        assert target.thread_id is not None  # noqa: S101  # only a message to a topic can miss the topic
        async with self.ctx.db.transaction() as session:
            await channels.lose_thread(session, target.chat_id, target.thread_id, at=self.now())
        await deliveries.postpone(self.ctx.db, delivery, self.now(), problem)

    async def _again(self, delivery: Delivery, problem: str) -> None:
        """Postpone a message that certainly did not arrive, each time for longer."""
        await self._later(delivery, problem, min(2.0 ** min(delivery.attempts, 10), LONGEST_WAIT.total_seconds()))

    async def _later(self, delivery: Delivery, problem: str, seconds: float) -> None:
        """Postpone a message, or give it up after a week."""
        now = self.now()
        if delivery.created_at is not None and now - delivery.created_at > GIVE_UP:
            log.error("message_given_up", kind=delivery.kind, delivery=delivery.id, problem=problem)
            await deliveries.mark_failed(self.ctx.db, delivery, problem, at=now)
            return
        log.warning("delivery_postponed", delivery=delivery.id, problem=problem, seconds=seconds)
        await deliveries.postpone(self.ctx.db, delivery, now + timedelta(seconds=seconds), problem)

    async def _channel_off(self, delivery: Delivery, target: Target, reason: str) -> None:
        """Stop writing to the chat, and tell its head once."""
        await deliveries.mark_failed(self.ctx.db, delivery, reason, at=self.now())
        async with self.ctx.db.transaction() as session:
            await channel_lost(session, self.ctx, target.chat_id, reason, at=self.now())
