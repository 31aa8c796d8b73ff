"""Send the messages of one delivery: parts of a long text, a picture, the edits of a correction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramRetryAfter
from aiogram.methods import EditMessageText, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import BufferedInputFile, ReplyParameters

from bot.delivery.targets import Target
from bot.screens.view import View
from bot.telegram.rate_limiter import Permit, RateLimiter
from bot.telegram.session import keyboard, session_of, trouble
from bot.telegram.splitting import split
from bot.texts import texts
from storage.days import runs
from storage.db.database import Database, Session
from storage.messages import deliveries
from storage.messages.notices import CorrectionNotice, DeliveryKind, run_event
from storage.values import Delivery, DeliveryState

log = structlog.get_logger()


class Sender:
    """Send one delivery to its chat. The first request uses `permit`, each further request acquires a permit."""

    def __init__(
        self, bot: Bot, db: Database, limiter: RateLimiter, delivery: Delivery, target: Target, permit: Permit
    ) -> None:
        self._bot = bot
        self._session = session_of(bot)
        self._db = db
        self._limiter = limiter
        self._delivery = delivery
        self._target = target
        self._permit: Permit | None = permit

    async def send(self, view: View) -> list[int]:
        """Send the view and return the message ids: a correction edits the evening message, all others are new.

        Raises TelegramAPIError.
        """
        if isinstance(self._delivery.notice, CorrectionNotice):
            return await self._correct(self._delivery.notice, view)
        sent = await self._send_parts(view)
        if view.photo is not None:
            sent += await self._send_picture(view)
        return sent

    async def _request(self, method: TelegramMethod[Any]) -> Any:
        permit, self._permit = self._permit, None
        permit = permit or await self._limiter.acquire(self._target.chat_id)
        return await self._session.send(self._bot, method, permit)

    async def _send_parts(self, view: View) -> list[int]:
        """Send every part of the text that an earlier attempt did not bring."""
        parts, target = split(view.text), self._target
        sent = list(self._delivery.message_ids) if self._delivery.chat_id == target.chat_id else []
        for index in range(len(sent), len(parts)):
            last = index == len(parts) - 1
            message = await self._request(
                SendMessage(
                    chat_id=target.chat_id,
                    text=parts[index],
                    message_thread_id=target.thread_id,
                    reply_markup=keyboard(view.rows) if last else None,
                    disable_notification=view.silent,
                )
            )
            sent.append(message.message_id)
            if not last:
                await deliveries.renew_lease(self._db, self._delivery, sent, chat_id=target.chat_id)
        return sent

    async def _send_picture(self, view: View) -> list[int]:
        """Send the picture. A failure is logged only: the text has arrived, and must not be sent twice."""
        assert view.photo is not None  # noqa: S101
        target = self._target
        try:
            photo = BufferedInputFile(await asyncio.to_thread(view.photo), "board.png")
            message = await self._request(
                SendPhoto(
                    chat_id=target.chat_id,
                    photo=photo,
                    message_thread_id=target.thread_id,
                    disable_notification=view.silent,
                )
            )
        except TelegramAPIError as error:
            if isinstance(error, TelegramRetryAfter):
                await self._limiter.retry_after(target.chat_id, error.retry_after)
            log.warning("picture_not_sent", problem=trouble(error))
            return []
        return [message.message_id]

    async def _correct(self, notice: CorrectionNotice, view: View) -> list[int]:
        """Edit the evening message and add a short reply; send the new text alone if the message is gone."""
        target = self._target
        async with self._db.reading() as session:
            original = await _evening_of(session, notice, self._delivery.recipient)
        if original is None or original.chat_id != target.chat_id:
            return await self._send_parts(view)
        if not await self._edited(original.message_ids, view):
            sent = await self._send_parts(view)
            async with self._db.transaction() as session:
                await deliveries.set_messages(session, original.id, sent, chat_id=target.chat_id)
            return sent
        t = texts(target.language)
        note = t("correction-note", day=t.day(notice.day))
        where = ReplyParameters(message_id=original.message_ids[-1], allow_sending_without_reply=True)
        reply = await self._request(SendMessage(chat_id=target.chat_id, text=note, reply_parameters=where))
        return [reply.message_id]

    async def _edited(self, ids: Sequence[int], view: View) -> bool:
        """Edit all parts; False if they are not as many as before, or Telegram refuses an edit."""
        parts = split(view.text)
        if len(parts) != len(ids):
            return False
        for index, (message_id, part) in enumerate(zip(ids, parts, strict=True)):
            markup = keyboard(view.rows) if index == len(parts) - 1 else None
            try:
                await self._request(
                    EditMessageText(text=part, chat_id=self._target.chat_id, message_id=message_id, reply_markup=markup)
                )
            except TelegramBadRequest as error:
                if "not modified" not in error.message:
                    return False
        return True


async def _evening_of(session: Session, notice: CorrectionNotice, recipient: str) -> Delivery | None:
    """Read the evening message that a correction is about, if it arrived."""
    run = await runs.find(session, notice.team, notice.day)
    if run is None:
        return None
    sent = await deliveries.find(session, run_event(run.id), DeliveryKind.PERSONAL, recipient)
    return sent if sent is not None and sent.state is DeliveryState.SENT and sent.message_ids else None
