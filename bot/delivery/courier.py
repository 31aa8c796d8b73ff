"""Sends one delivery: finds the chat, waits for its slots, renders, sends, notes the outcome (docs/product.md §8, §11).

Certain failures are repeated; a request that went out without an answer is `uncertain` and never repeated blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
from aiogram.types import BufferedInputFile, ReplyParameters

from bot.context import AppContext
from bot.delivery.lost_chats import channel_lost
from bot.delivery.render import render
from bot.screens.view import View
from bot.telegram import rate_limiter
from bot.telegram import session as telegram_session
from bot.telegram.splitting import split
from bot.texts import Language, language_of, texts
from storage.days import runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.deliveries import LEASE_SECONDS
from storage.messages.notices import CorrectionNotice, DeliveryKind, EveningNotice, run_event
from storage.people import channels, people, teams
from storage.values import Delivery, DeliveryState

log = structlog.get_logger()

IN_FLIGHT = 3
AHEAD = 2.0
"""A chat that is busy for longer is left for later, so that it keeps no other waiting."""
GIVE_UP = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=10)
NEVER = datetime.min.replace(tzinfo=UTC)
LONG = timedelta(seconds=LEASE_SECONDS / 4)
"""After such a wait for its turn a delivery is asked again whether it is still ours."""
GENERAL = 1
"""The topic that Telegram's own links call by this number takes messages without one."""
NO_RIGHTS = "no_rights"
"""A group that lets the bot say nothing is asked again every time: Telegram does not tell when it may."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes."""

    chat_id: int
    language: Language
    thread_id: int | None = None
    silenced: bool = False
    """Its last message was refused for want of rights."""


_SILENCED = ("not enough rights", "no rights", "write_forbidden", "chat_restricted", "topic_closed", "_forbidden")


class Unreachable(Exception):
    """The recipient has no chat we may write to; the text is a key of `channel-…` or a reason for the log."""


@dataclass(slots=True)
class Courier:
    """Sends deliveries of this process, at most IN_FLIGHT between request and answer.

    Whatever its bot sends from now on, answers too, waits for Telegram's limits.
    """

    bot: Bot
    ctx: AppContext
    owner: str
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    _quiet_until: datetime = NEVER
    """Telegram asked everybody to wait: until then nothing is begun."""

    def __post_init__(self) -> None:
        """Whoever has a courier sends: a worker without the bot and a single command, too."""
        self.bot.session.middleware(rate_limiter.Pacing(self.ctx.db, self.sleep))

    async def deliver(self, delivery_id: int) -> None:
        """Send it if it is still to be sent, and note the outcome."""
        started = self.now()
        if started < self._quiet_until:
            return
        delivery = await deliveries.start(self.ctx.db, delivery_id, self.owner, at=started)
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
        await self._send_when_free(delivery, target, view, owed, started)

    async def _owed(self, session: Session, delivery: Delivery) -> list[Delivery]:
        """Earlier messages to the same person that may not have arrived; this one carries their lines."""
        if not isinstance(delivery.notice, EveningNotice):
            return []
        return [item for item in await deliveries.uncertain(session, delivery.recipient) if item.id != delivery.id]

    # Where to

    async def _target(self, session: Session, delivery: Delivery) -> Target:
        kind, _, name = delivery.recipient.partition(":")
        if kind == "group":
            return await self._group(session, name)
        which = {"person_id": int(name)} if kind == "person" else {"telegram_id": int(name)}
        telegram_id, chosen = await people.address(session, **which)
        if telegram_id is None:
            raise Unreachable("not connected")
        channel = await channels.find(session, telegram_id)
        if not channel.active:
            raise Unreachable(channel.reason or "off")
        return Target(telegram_id, language_of(chosen or channel.language, self.ctx.language))

    async def _group(self, session: Session, key: str) -> Target:
        """The group of the settings, else of /bind; a supergroup it became, without a topic that was deleted."""
        team = self.ctx.teams.get(key)
        stored = await teams.find(session, key)
        chat_id = team.chat_id if team and team.chat_id else stored.chat_id
        thread_id = team.thread_id if team and team.chat_id else stored.thread_id
        if team is None or chat_id is None:
            raise Unreachable("no group")
        channel = await channels.find(session, chat_id)
        silenced = channel.reason == NO_RIGHTS
        if not channel.active and not silenced:
            raise Unreachable(channel.reason or "off")
        whole = thread_id == GENERAL or thread_id in channel.lost_threads
        return Target(channel.chat_id, self.ctx.language, None if whole else thread_id, silenced)

    # Sending

    async def _send_when_free(
        self, delivery: Delivery, target: Target, view: View, owed: list[Delivery], started: datetime
    ) -> None:
        async with self._slots:
            if not await rate_limiter.turn(self.ctx.db, target.chat_id, self.sleep, ahead=AHEAD):
                await self._when_less_busy(delivery)
                return
            # Slow answers to the messages before may have kept it waiting for as long as its lease.
            if self.now() - started > LONG and not await deliveries.hold(self.ctx.db, delivery):
                return
            paced = rate_limiter.taken.set(True)
            try:
                sent = await self._send(delivery, target, view)
            except TelegramAPIError as error:
                await self._failed(delivery, target, error)
                return
            finally:
                rate_limiter.taken.reset(paced)
            # Noted before the next one may go out: a crash repeats no more than IN_FLIGHT.
            await deliveries.mark_sent(self.ctx.db, delivery, sent, at=self.now(), chat_id=target.chat_id)
        if owed or target.silenced:
            async with self.ctx.db.transaction() as session:
                await deliveries.mark_carried(session, [item.id for item in owed], delivery.id)
                if target.silenced:
                    await channels.turn_on(session, target.chat_id, at=self.now())

    async def _when_less_busy(self, delivery: Delivery) -> None:
        """The chat has its slot taken, or Telegram asked everybody to wait."""
        wait = await rate_limiter.busy(self.ctx.db)
        if wait > AHEAD:
            self._quiet_until = self.now() + timedelta(seconds=wait)
        await deliveries.later(self.ctx.db, delivery, self.now() + timedelta(seconds=max(1.0, wait)), "busy")

    async def _send(self, delivery: Delivery, target: Target, view: View) -> list[int]:
        """The message and its picture; a correction edits what was sent and replies to it."""
        if isinstance(delivery.notice, CorrectionNotice):
            return await self._correct(delivery, delivery.notice, target, view)
        sent = await self._send_parts(delivery, target, view)
        if view.photo is not None:
            sent += await self._picture(target, view)
        return sent

    async def _send_parts(self, delivery: Delivery, target: Target, view: View) -> list[int]:
        """Every part of the text that an earlier attempt did not bring."""
        parts = split(view.text)
        sent = list(delivery.message_ids) if delivery.chat_id == target.chat_id else []
        for index in range(len(sent), len(parts)):
            last = index == len(parts) - 1
            if index:
                await self._next_slot(target.chat_id)
            message = await self.bot.send_message(
                target.chat_id,
                parts[index],
                message_thread_id=target.thread_id,
                reply_markup=telegram_session.keyboard(view.rows) if last else None,
                disable_notification=view.silent,
            )
            sent.append(message.message_id)
            if not last:
                await deliveries.hold(self.ctx.db, delivery, sent, chat_id=target.chat_id)
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
            if isinstance(error, TelegramRetryAfter):
                await rate_limiter.push_back(self.ctx.db, target.chat_id, error.retry_after)
            log.warning("picture_not_sent", problem=telegram_session.trouble(error))
            return []
        return [message.message_id]

    async def _next_slot(self, chat_id: int) -> None:
        await rate_limiter.turn(self.ctx.db, chat_id, self.sleep)

    # Corrections

    async def _correct(self, delivery: Delivery, notice: CorrectionNotice, target: Target, view: View) -> list[int]:
        """Edit the evening message and add one short reply; where it is gone, the new text alone."""
        async with self.ctx.db.reading() as session:
            original = await self._evening_of(session, notice, delivery.recipient)
        if original is None or original.chat_id != target.chat_id:
            return await self._send_parts(delivery, target, view)
        if not await self._edited(target, original.message_ids, view):
            sent = await self._send_parts(delivery, target, view)
            async with self.ctx.db.transaction() as session:
                await deliveries.set_messages(session, original.id, sent, chat_id=target.chat_id)
            return sent
        await self._next_slot(target.chat_id)
        t = texts(target.language)
        note = t("correction-note", day=t.day(notice.day))
        where = ReplyParameters(message_id=original.message_ids[-1], allow_sending_without_reply=True)
        reply = await self.bot.send_message(target.chat_id, note, reply_parameters=where)
        return [reply.message_id]

    async def _evening_of(self, session: Session, notice: CorrectionNotice, recipient: str) -> Delivery | None:
        """The message that a correction is about, if it arrived."""
        run = await runs.find(session, notice.team, notice.day)
        if run is None:
            return None
        sent = await deliveries.find(session, run_event(run.id), DeliveryKind.PERSONAL, recipient)
        return sent if sent is not None and sent.state is DeliveryState.SENT and sent.message_ids else None

    async def _edited(self, target: Target, ids: Sequence[int], view: View) -> bool:
        """Whether all parts say the new text now."""
        parts = split(view.text)
        if len(parts) != len(ids):
            return False
        for index, (message_id, part) in enumerate(zip(ids, parts, strict=True)):
            if index:
                await self._next_slot(target.chat_id)
            markup = telegram_session.keyboard(view.rows) if index == len(parts) - 1 else None
            try:
                await self.bot.edit_message_text(
                    part, chat_id=target.chat_id, message_id=message_id, reply_markup=markup
                )
            except TelegramBadRequest as error:
                if "not modified" not in error.message:
                    return False
        return True

    # What became of it

    async def _failed(self, delivery: Delivery, target: Target, error: TelegramAPIError) -> None:
        db, now = self.ctx.db, self.now()
        match error:
            case TelegramRetryAfter():
                await rate_limiter.push_back(db, target.chat_id, error.retry_after)
                self._quiet_until = now + timedelta(seconds=await rate_limiter.busy(db))
                await deliveries.later(db, delivery, now + timedelta(seconds=error.retry_after), "Telegram: wait")
            case TelegramMigrateToChat():
                async with db.transaction() as session:
                    await channels.move(session, target.chat_id, error.migrate_to_chat_id, at=now)
                await deliveries.later(db, delivery, now, "the group moved")
            case TelegramForbiddenError():
                await self._channel_off(delivery, target, _why_forbidden(target.chat_id, error.message))
            case TelegramNetworkError() if not telegram_session.refused(error):
                await deliveries.mark_uncertain(db, delivery, "no answer from Telegram", at=now)
            case TelegramNetworkError() | TelegramServerError() | TelegramUnauthorizedError():
                await self._again(delivery, telegram_session.trouble(error))
            case TelegramBadRequest():
                await self._bad_request(delivery, target, error)
            case _:
                await self._again(delivery, telegram_session.trouble(error))

    async def _bad_request(self, delivery: Delivery, target: Target, error: TelegramBadRequest) -> None:
        text = error.message.lower()
        if "chat not found" in text or "peer_id_invalid" in text:
            await self._channel_off(delivery, target, "not_found")
        elif target.thread_id is not None and ("thread not found" in text or "topic" in text):
            async with self.ctx.db.transaction() as session:
                await channels.lose_thread(session, target.chat_id, target.thread_id, at=self.now())
            await deliveries.later(self.ctx.db, delivery, self.now(), "the topic is gone")
        elif any(words in text for words in _SILENCED):
            await self._channel_off(delivery, target, NO_RIGHTS)
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


def _why_forbidden(chat_id: int, message: str) -> str:
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
