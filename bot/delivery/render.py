"""Render a delivery as a message; the text is made when the delivery is sent and states what holds then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.context import AppContext, TeamContext
from bot.screens.appeals.card import card_view, load_card
from bot.screens.by_hand.told import adjusted_view, pardon_question_view, pardoned_view
from bot.screens.departed import departed_view, load_departed
from bot.screens.digest import shared_digest_view
from bot.screens.evening import evening_view, load_evening
from bot.screens.group.pin_refused import pin_refused_view
from bot.screens.group.unscored import load_is_unread, load_unscored, unscored_line, unscored_view
from bot.screens.joining.joined import joined_view
from bot.screens.leaderboard import board_view, load_board, load_last_board
from bot.screens.pictures import board_picture
from bot.screens.reminder import load_reminder, reminder_view
from bot.screens.service import troubles
from bot.screens.view import View
from bot.texts import Texts
from storage.db.database import Session
from storage.ledger.entries import entry
from storage.messages.notices import (
    AdjustedNotice,
    AppealNotice,
    BoardNotice,
    ChannelOffNotice,
    CorrectionNotice,
    DayUnscoredNotice,
    DepartedNotice,
    DigestNotice,
    EveningNotice,
    JoinedNotice,
    NoDataNotice,
    PardonedNotice,
    PardonQuestionNotice,
    PinnedBoardNotice,
    PinRefusedNotice,
    ReminderNotice,
)
from storage.values import AppealState, Delivery


async def render(  # noqa: PLR0911, PLR0912  # a message a kind
    session: Session, ctx: AppContext, t: Texts, delivery: Delivery, *, now: datetime
) -> View | None:
    """Render the message of a delivery; None if there is nothing (any more) to say."""
    if delivery.notice is None or delivery.notice.team not in ctx.teams:
        return None
    team = ctx.teams[delivery.notice.team]
    match delivery.notice:
        case EveningNotice() | CorrectionNotice() as notice:
            days = sorted({*notice.earlier} - {notice.day})
            evening = await load_evening(session, ctx, notice.team, notice.day, notice.crm_user, days)
            return None if evening is None else evening_view(t, team, evening)
        case BoardNotice() | DayUnscoredNotice() | PinnedBoardNotice() as notice:
            return await _of_a_group(session, ctx, t, team, notice)
        case AdjustedNotice() | PardonedNotice() | PardonQuestionNotice() as notice:
            return await _by_hand(session, t, team, notice, delivery.id)
        case DigestNotice() as notice:
            return await shared_digest_view(session, ctx, t, notice)
        case ReminderNotice() as notice:
            reminder = await load_reminder(session, ctx, notice, now)
            return None if reminder is None else reminder_view(t, team, reminder)
        case AppealNotice() as notice:
            card = await load_card(session, ctx, notice.appeal, notice.stage)
            return card_view(t, team, card) if card.appeal.state is AppealState.FILED else None
        case NoDataNotice() as notice:
            return troubles.no_data_view(t, team, notice, await troubles.load_unread(session, notice))
        case DepartedNotice() as notice:
            return departed_view(t, team, await load_departed(session, ctx, delivery.id, notice))
        case PinRefusedNotice():
            return pin_refused_view(t, team)
        case JoinedNotice() as notice:
            return joined_view(t, notice)
        case ChannelOffNotice() as notice:
            return troubles.channel_off_view(t, ctx, notice)
        case notice if isinstance(notice, troubles.TeamTrouble):
            return troubles.view_of(t, team, notice)
    raise TypeError(f"no message for {type(delivery.notice).__name__}")


async def _of_a_group(
    session: Session,
    ctx: AppContext,
    t: Texts,
    team: TeamContext,
    notice: BoardNotice | DayUnscoredNotice | PinnedBoardNotice,
) -> View:
    if isinstance(notice, PinnedBoardNotice):
        return board_view(t, team, await load_last_board(session, ctx, notice.team))
    if isinstance(notice, DayUnscoredNotice):
        is_unread = await load_is_unread(session, ctx, notice.team, notice.day)
        view = unscored_view(t, team, notice.day, is_unread=is_unread)
    else:
        board = await load_board(session, ctx, notice.team, notice.day)
        view = replace(board_view(t, team, board), photo=board_picture(t, team, board))
    unscored = unscored_line(t, await load_unscored(session, notice.team, notice.earlier))
    return replace(view, text=f"{view.text}\n{unscored}") if unscored else view


async def _by_hand(
    session: Session,
    t: Texts,
    team: TeamContext,
    notice: AdjustedNotice | PardonedNotice | PardonQuestionNotice,
    number: int,
) -> View:
    if isinstance(notice, PardonQuestionNotice):
        return pardon_question_view(t, team, notice, number)
    row = await entry(session, notice.team, notice.seq)
    return adjusted_view(t, row) if isinstance(notice, AdjustedNotice) else pardoned_view(t, notice, row)
