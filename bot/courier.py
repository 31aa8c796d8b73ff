"""Sends one delivery: finds the chat, waits for its slots, renders, sends, notes the outcome (product.md §8, §11).

Certain failures are repeated; a request that went out without an answer is `uncertain` and never repeated blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
from aiogram.types import BufferedInputFile

from bot import pacing, wire
from bot.context import AppContext
from bot.lost import channel_lost
from bot.render import render
from bot.splitting import split
from bot.texts import Language, language_of, texts
from bot.views import View
from storage import channels, deliveries, people, teams
from storage.database import Session
from storage.kinds import DeliveryKind
from storage.rows import Delivery, DeliveryState

log = structlog.get_logger()

IN_FLIGHT = 3
AHEAD = 2.0
"""A chat that is busy for longer is left for later, so that it keeps no other waiting."""
GIVE_UP = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes."""

    chat_id: int
    language: Language
    thread_id: int | None = None


class Unreachable(Exception):
    """The recipient has no chat we may write to; the text is a key of `channel-…` or a reason for the log."""


@dataclass(slots=True)
class Courier:
    """Sends deliveries of this process, at most IN_FLIGHT between request and answer."""

    bot: Bot
    ctx: AppContext
    owner: str
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    async def deliver(self, delivery_id: int) -> None:
        """Send it if it is still to be sent, and note the outcome."""
        delivery = await deliveries.start(self.ctx.db, delivery_id, self.owner, at=self.now())
        if delivery is None:
            return
        try:
            async with self.ctx.db.reading() as session:
                target = await self._target(session, delivery)
                owed = await self._owed(session, delivery)
                view = await render(session, self.ctx, texts(target.language), delivery, now=self.now(), owed=owed)
        except Unreachable as error:
            await deliveries.mark_failed(self.ctx.db, delivery, str(error), at=self.now())
            return
        if view is None:
            await deliveries.mark_failed(self.ctx.db, delivery, "nothing to say any more", at=self.now())
            return
        await self._send_when_free(delivery, target, view, owed)

    async def _owed(self, session: Session, delivery: Delivery) -> list[Delivery]:
        """Earlier messages to the same person that may not have arrived; this one carries their lines."""
        if delivery.kind != DeliveryKind.PERSONAL:
            return []
        return [item for item in await deliveries.uncertain(session, delivery.recipient) if item.id != delivery.id]

    # Where to

    async def _target(self, session: Session, delivery: Delivery) -> Target:
        kind, _, name = delivery.recipient.partition(":")
        if kind == "group":
            return await self._group(session, name)
        person = await people.by_id(session, int(name)) if kind == "person" else None
        telegram_id = person.telegram_id if person else int(name)
        if telegram_id is None:
            raise Unreachable("not connected")
        if person is None:
            person = await people.by_telegram(session, telegram_id)
        channel = await channels.find(session, telegram_id)
        if not channel.active:
            raise Unreachable(channel.reason or "off")
        return Target(telegram_id, language_of(person.language if person else None, self.ctx.language))

    async def _group(self, session: Session, key: str) -> Target:
        """The group of the settings, else of /bind; a supergroup it became, without a topic that was deleted."""
        team = self.ctx.teams.get(key)
        stored = await teams.find(session, key)
        chat_id = team.chat_id if team and team.chat_id else stored.chat_id
        thread_id = team.thread_id if team and team.chat_id else stored.thread_id
        if team is None or chat_id is None:
            raise Unreachable("no group")
        channel = await channels.find(session, chat_id)
        if not channel.active:
            raise Unreachable(channel.reason or "off")
        lost = thread_id in channel.lost_threads
        return Target(channel.chat_id, self.ctx.language, None if lost else thread_id)

    # Sending

    async def _send_when_free(self, delivery: Delivery, target: Target, view: View, owed: list[Delivery]) -> None:
        async with self._slots:
            if not await pacing.turn(self.ctx.db, target.chat_id, self.sleep, ahead=AHEAD):
                await deliveries.later(self.ctx.db, delivery, self.now() + timedelta(seconds=1), "the chat is busy")
                return
            paced = pacing.taken.set(True)
            try:
                sent = await self._send(delivery, target, view)
            except TelegramAPIError as error:
                await self._failed(delivery, target, error)
                return
            finally:
                pacing.taken.reset(paced)
            # Noted before the next one may go out: a crash repeats no more than IN_FLIGHT.
            await deliveries.mark_sent(self.ctx.db, delivery, sent, at=self.now(), chat_id=target.chat_id)
        if owed:
            async with self.ctx.db.transaction() as session:
                await deliveries.mark_carried(session, [item.id for item in owed], delivery.id)

    async def _send(self, delivery: Delivery, target: Target, view: View) -> list[int]:
        """All parts of the message, then its picture; the first part may be an edit of an earlier message."""
        if delivery.kind == DeliveryKind.CORRECTION:
            return await self._edit(delivery, target, view)
        parts = split(view.text)
        sent = []
        for index, part in enumerate(parts):
            markup = wire.keyboard(view.rows) if index == len(parts) - 1 else None
            if index:
                await self._next_slot(target.chat_id)
            message = await self.bot.send_message(
                target.chat_id,
                part,
                message_thread_id=target.thread_id,
                reply_markup=markup,
                disable_notification=view.silent,
            )
            sent.append(message.message_id)
        if view.photo is not None:
            sent += await self._picture(target, view)
        return sent

    async def _picture(self, target: Target, view: View) -> list[int]:
        """The text has arrived; a picture that fails is not worth sending it twice."""
        assert view.photo is not None  # noqa: S101
        try:
            photo = BufferedInputFile(await asyncio.to_thread(view.photo), "board.png")
            await self._next_slot(target.chat_id)
            message = await self.bot.send_photo(
                target.chat_id, photo, message_thread_id=target.thread_id, disable_notification=True
            )
        except TelegramAPIError as error:
            log.warning("picture_not_sent", problem=wire.trouble(error))
            return []
        return [message.message_id]

    async def _next_slot(self, chat_id: int) -> None:
        await pacing.turn(self.ctx.db, chat_id, self.sleep)

    async def _edit(self, delivery: Delivery, target: Target, view: View) -> list[int]:
        """Edit the evening message and add one short reply; where it is gone, the new text alone."""
        async with self.ctx.db.reading() as session:
            event = str(delivery.reference["event"])
            original = await deliveries.find(session, event, DeliveryKind.PERSONAL, delivery.recipient)
        ids = original.message_ids if original and original.state is DeliveryState.SENT else ()
        if not ids or len(split(view.text)) > 1:
            message = await self.bot.send_message(target.chat_id, split(view.text)[0])
            return [message.message_id]
        try:
            await self.bot.edit_message_text(
                view.text, chat_id=target.chat_id, message_id=ids[0], reply_markup=wire.keyboard(view.rows)
            )
        except TelegramBadRequest as error:
            if "not modified" not in error.message:
                message = await self.bot.send_message(target.chat_id, view.text)
                return [message.message_id]
        return [ids[0]]

    # What became of it

    async def _failed(self, delivery: Delivery, target: Target, error: TelegramAPIError) -> None:
        db, now = self.ctx.db, self.now()
        match error:
            case TelegramRetryAfter():
                await pacing.push_back(db, target.chat_id, error.retry_after)
                await deliveries.later(db, delivery, now + timedelta(seconds=error.retry_after), "Telegram: wait")
            case TelegramMigrateToChat():
                async with db.transaction() as session:
                    await channels.move(session, target.chat_id, error.migrate_to_chat_id, at=now)
                await deliveries.later(db, delivery, now, "the group moved")
            case TelegramForbiddenError():
                await self._channel_off(delivery, target, _why_forbidden(error.message))
            case TelegramNetworkError() if not wire.refused(error):
                await deliveries.mark_uncertain(db, delivery, "no answer from Telegram", at=now)
            case TelegramNetworkError() | TelegramServerError() | TelegramUnauthorizedError():
                await self._again(delivery, wire.trouble(error))
            case TelegramBadRequest():
                await self._bad_request(delivery, target, error)
            case _:
                await self._again(delivery, wire.trouble(error))

    async def _bad_request(self, delivery: Delivery, target: Target, error: TelegramBadRequest) -> None:
        text = error.message.lower()
        if "chat not found" in text or "peer_id_invalid" in text:
            await self._channel_off(delivery, target, "not_found")
        elif target.thread_id is not None and ("thread not found" in text or "topic" in text):
            async with self.ctx.db.transaction() as session:
                await channels.lose_thread(session, target.chat_id, target.thread_id, at=self.now())
            await deliveries.later(self.ctx.db, delivery, self.now(), "the topic is gone")
        else:
            log.error("message_refused", kind=delivery.kind, delivery=delivery.id, problem=error.message)
            await deliveries.mark_failed(self.ctx.db, delivery, error.message, at=self.now())

    async def _again(self, delivery: Delivery, problem: str) -> None:
        """It certainly did not arrive: try again, ever more slowly, for a day."""
        now = self.now()
        if delivery.created_at is not None and now - delivery.created_at > GIVE_UP:
            await deliveries.mark_failed(self.ctx.db, delivery, problem, at=now)
            return
        wait = min(timedelta(seconds=2 ** min(delivery.attempts, 10)), LONGEST_WAIT)
        log.warning("delivery_postponed", delivery=delivery.id, problem=problem, seconds=wait.total_seconds())
        await deliveries.later(self.ctx.db, delivery, now + wait, problem)

    async def _channel_off(self, delivery: Delivery, target: Target, reason: str) -> None:
        """Stop writing there; the head hears it once."""
        await deliveries.mark_failed(self.ctx.db, delivery, reason, at=self.now())
        async with self.ctx.db.transaction() as session:
            await channel_lost(session, self.ctx, target.chat_id, reason, at=self.now())


def _why_forbidden(message: str) -> str:
    text = message.lower()
    if "deactivated" in text:
        return "deactivated"
    if "initiate" in text:
        return "never_started"
    if "kicked" in text or "not a member" in text:
        return "kicked"
    return "blocked"
