"""Keep one pinned message with the latest standings in a team's group (docs/product.md §8, `pin = true`)."""

from __future__ import annotations

from datetime import datetime

from bot.context import AppContext
from bot.delivery.reasons import NO_RIGHTS
from bot.delivery.responsible import load_responsible
from bot.delivery.targets import Target
from bot.messenger import ChatOff, ChatWriter, Rejected
from bot.screens.view import View
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, PinnedBoardNotice, PinRefusedNotice, Whose, to_telegram
from storage.values import Delivery

NOT_PINNED = "not pinned"
"""Problem stored with a message that stands in the group and could not be pinned: tried again on the next day."""


async def show_pinned(
    ctx: AppContext, chat: ChatWriter, delivery: Delivery, notice: PinnedBoardNotice, target: Target, view: View
) -> tuple[list[int], bool]:
    """Edit the pinned message, or send and pin a new one; return the message and whether it is pinned.

    Raises SendFailure.
    """
    async with ctx.db.reading() as session:
        before = await deliveries.last_sent(session, DeliveryKind.PINNED_BOARD, delivery.recipient)
    known = before if before is not None and _is_here(before, notice, target) else None
    arrived = target.arrived(delivery)
    message = next(iter(arrived or (known.message_ids if known else ())), None)
    pinned = known is not None and known.problem != NOT_PINNED and not arrived
    if message is None or not await chat.edit_text(str(message), view.text):
        message, pinned = int(await chat.send_text(view.text, silent=True)), False
        # From here on an attempt that breaks off is taken up at the pin.
        await deliveries.renew_lease(ctx.db, delivery, [message], chat_id=target.chat_id)
    return [message], pinned or await _is_pinned(chat, message)


def _is_here(before: Delivery, notice: PinnedBoardNotice, target: Target) -> bool:
    """Tell whether the earlier message stands in the same chat and topic."""
    thread = before.notice.thread if isinstance(before.notice, PinnedBoardNotice) else notice.thread
    return before.chat_id == target.chat_id and thread == notice.thread


async def _is_pinned(chat: ChatWriter, message: int) -> bool:
    try:
        await chat.pin(str(message))
    except Rejected:
        return False
    except ChatOff as failure:
        if str(failure) != NO_RIGHTS:
            raise
        return False
    return True


async def tell_pin_refused(ctx: AppContext, team: str, chat_id: int, *, at: datetime) -> None:
    """Tell once in the life of a group that the bot may not pin there: the heads, else the admins."""
    notice = PinRefusedNotice(team=team, chat=chat_id)
    async with ctx.db.transaction() as session:
        for telegram_id in await load_responsible(session, ctx, chat_id, Whose.GROUP, [team]):
            recipient = to_telegram(telegram_id)
            await deliveries.add(session, event=f"pin:{chat_id}", recipient=recipient, notice=notice, at=at)
