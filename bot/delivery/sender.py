"""Send the messages of one delivery: parts of a long text, a picture, the edits of a correction."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.delivery.targets import Target
from bot.messenger import ChatOff, ChatWriter, Rejected
from bot.screens.appeals.dispute import outcome_line
from bot.screens.by_hand.told import correction_line
from bot.screens.view import View
from bot.texts import texts
from storage.appeals import appeals
from storage.days import runs
from storage.db.database import Database, Session
from storage.ledger.entries import entry
from storage.messages import deliveries
from storage.messages.notices import CorrectionNotice, DeliveryKind, run_event
from storage.people import absences
from storage.values import Delivery, DeliveryState

log = structlog.get_logger()


class Sender:
    """Send one delivery with a chat writer."""

    def __init__(self, chat: ChatWriter, db: Database, delivery: Delivery, target: Target) -> None:
        self._chat = chat
        self._db = db
        self._delivery = delivery
        self._target = target

    async def send(self, view: View, picture: bytes | None = None) -> list[int]:
        """Send the view and return the message ids as stored: a correction edits the evening message.

        A picture goes with the text below, or after a long text. Raises SendFailure.
        """
        if isinstance(self._delivery.notice, CorrectionNotice):
            return await self._correct(self._delivery.notice, view)
        if picture is not None and not self._target.arrived(self._delivery) and self._chat.fits_caption(view.text):
            return await self._send_picture(picture, view) or await self._send_parts(view)
        sent = await self._send_parts(view)
        if picture is not None:
            # From here on an attempt that breaks off is taken up at the picture.
            await deliveries.renew_lease(self._db, self._delivery, sent, chat_id=self._target.chat_id)
            sent += await self._send_picture(picture, View("", silent=view.silent))
        return sent

    async def _send_parts(self, view: View) -> list[int]:
        """Send every part of the text that an earlier attempt did not bring."""
        parts, sent = self._chat.split(view.text), list(self._target.arrived(self._delivery))
        for index in range(len(sent), len(parts)):
            rows = view.rows if index == len(parts) - 1 else ()
            message = await self._chat.send_text(parts[index], rows, silent=view.silent, protected=view.protected)
            sent.append(int(message))
            if index < len(parts) - 1:
                await deliveries.renew_lease(self._db, self._delivery, sent, chat_id=self._target.chat_id)
        return sent

    async def _send_picture(self, picture: bytes, view: View) -> list[int]:
        """Send the picture over the text. A picture that the messenger refuses is logged only: the text arrives apart.

        Raises SendFailure if the picture may be sent later.
        """
        try:
            message = await self._chat.send_photo(picture, "board.png", view.text, view.rows, silent=view.silent)
        except (Rejected, ChatOff) as failure:
            log.warning("picture_not_sent", problem=str(failure))
            return []
        return [int(message)]

    async def _correct(self, notice: CorrectionNotice, view: View) -> list[int]:
        """Edit the evening message and add a short reply; send the new text alone if the message is gone."""
        target = self._target
        async with self._db.reading() as session:
            original = await _evening_of(session, notice, self._delivery.recipient)
        if notice.absence is not None:
            return await self._tell_absence(notice, notice.absence, original, view)
        if notice.appeal is not None:
            return await self._tell_appeal(notice.appeal, original, view)
        if notice.seq is not None:
            return await self._tell_by_hand(notice, notice.seq, original, view)
        if original is None or original.chat_id != target.chat_id:
            return await self._send_parts(view)
        if not await self._edited(original.message_ids, view):
            sent = await self._send_parts(view)
            async with self._db.transaction() as session:
                await deliveries.set_messages(session, original.id, sent, chat_id=target.chat_id)
            return sent
        t = texts(target.language)
        note = t("correction-note", day=t.day(notice.day))
        return [int(await self._chat.send_text(note, reply_to=str(original.message_ids[-1])))]

    async def _tell_by_hand(
        self, notice: CorrectionNotice, seq: int, original: Delivery | None, view: View
    ) -> list[int]:
        """Edit the evening message of a pardoned or corrected day, and answer it with the act and its reason."""
        reply_to = await self._edited_message(original, view)
        async with self._db.reading() as session:
            note = correction_line(texts(self._target.language), notice, await entry(session, notice.team, seq))
        return [int(await self._chat.send_text(note, reply_to=reply_to))]

    async def _tell_absence(
        self, notice: CorrectionNotice, absence_id: int, original: Delivery | None, view: View
    ) -> list[int]:
        """Edit the evening message of a day of an absence, and reply for all days of the absence where told to.

        A message that is gone stays gone: days without points need no message of their own.
        """
        reply_to = await self._edited_message(original, view)
        if not notice.told:
            return []
        async with self._db.reading() as session:
            absence = await absences.find(session, absence_id)
        t = texts(self._target.language)
        recorded = "absence-note" if absence.half is None else "absence-half-note"
        key = "absence-cancelled-note" if notice.cancelled else recorded
        days = t.span(absence.first, absence.last)
        note = t(key, kind=t(f"absence-kind-{absence.kind.value}"), days=days)
        return [int(await self._chat.send_text(note, reply_to=reply_to))]

    async def _tell_appeal(self, appeal_id: int, original: Delivery | None, view: View) -> list[int]:
        """Edit the evening message of the disputed day, and answer it with the decision."""
        reply_to = await self._edited_message(original, view)
        async with self._db.reading() as session:
            appeal = await appeals.find(session, appeal_id)
        note = outcome_line(texts(self._target.language), appeal)
        return [int(await self._chat.send_text(note, reply_to=reply_to))]

    async def _edited_message(self, original: Delivery | None, view: View) -> str | None:
        """Edit the evening message, and return the id to answer; None for a message that is gone."""
        if original is None or original.chat_id != self._target.chat_id:
            return None
        return str(original.message_ids[-1]) if await self._edited(original.message_ids, view) else None

    async def _edited(self, ids: Sequence[int], view: View) -> bool:
        """Edit all parts; False if the number of parts changed, or Telegram refuses an edit."""
        parts = self._chat.split(view.text)
        if len(parts) != len(ids):
            return False
        for index, (message_id, part) in enumerate(zip(ids, parts, strict=True)):
            if not await self._chat.edit_text(str(message_id), part, view.rows if index == len(parts) - 1 else ()):
                return False
        return True


async def _evening_of(session: Session, notice: CorrectionNotice, recipient: str) -> Delivery | None:
    """Read the evening message that a correction is about, if the message arrived."""
    run = await runs.find(session, notice.team, notice.day)
    if run is None:
        return None
    sent = await deliveries.find(session, run_event(run.id), DeliveryKind.PERSONAL, recipient)
    return sent if sent is not None and sent.state is DeliveryState.SENT and sent.message_ids else None
