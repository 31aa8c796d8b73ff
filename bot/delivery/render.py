"""Render a delivery as a message; the text is made when the delivery is sent and states what holds then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from bot.context import AppContext
from bot.screens import answers, evening, lines
from bot.screens.pictures import board_of
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.scorecard import score
from scoring.snapshot import Cause, Manager, NotRead, Snapshot
from storage.days import rulebooks, runs
from storage.db.database import Session
from storage.messages.notices import (
    AlarmNotice,
    BoardNotice,
    ChannelOffNotice,
    CorrectionNotice,
    DelayedNotice,
    DepartedNotice,
    DigestNotice,
    EveningNotice,
    NoDataNotice,
    ReminderNotice,
)
from storage.people import people
from storage.values import Delivery


async def render(  # noqa: PLR0911  # a message a kind
    session: Session, ctx: AppContext, t: Texts, delivery: Delivery, *, now: datetime, owed: Sequence[Delivery] = ()
) -> View | None:
    """Render the message of a delivery; None if there is nothing (any more) to say.

    `owed` are earlier deliveries that may not have arrived.
    """
    if delivery.notice is None or delivery.notice.team not in ctx.teams:
        return None
    match delivery.notice:
        case EveningNotice() | CorrectionNotice() as notice:
            earlier = sorted({*notice.earlier, *_days_of(owed)} - {notice.day})
            return await answers.evening(session, ctx, t, notice.team, notice.day, notice.crm_user, earlier=earlier)
        case BoardNotice() as notice:
            return await _board(session, ctx, t, notice)
        case DigestNotice() as notice:
            return await answers.digest(session, ctx, t, notice.team, notice.day, notice.earlier)
        case ReminderNotice() as notice:
            return await _reminder(session, ctx, t, notice, now)
        case NoDataNotice() as notice:
            return await _no_data(session, ctx, t, notice)
        case DepartedNotice() as notice:
            return await answers.departed(session, ctx, t, delivery.id, notice)
        case DelayedNotice() as notice:
            return _delayed(ctx, t, notice)
        case AlarmNotice() as notice:
            return _alarm(ctx, t, notice)
        case ChannelOffNotice() as notice:
            return _channel_off(ctx, t, notice)
    raise TypeError(f"no message for {type(delivery.notice).__name__}")


def _days_of(owed: Sequence[Delivery]) -> list[date]:
    return [item.notice.day for item in owed if isinstance(item.notice, EveningNotice)]


async def _board(session: Session, ctx: AppContext, t: Texts, notice: BoardNotice) -> View:
    view = await answers.evening_board(session, ctx, t, notice.team, notice.day)
    standings = await answers.standings(session, ctx, notice.team, notice.day)
    return View(view.text, view.rows, board_of(t, ctx.teams[notice.team], standings, notice.day))


async def _reminder(session: Session, ctx: AppContext, t: Texts, notice: ReminderNotice, now: datetime) -> View | None:
    """Show the rules broken as of the reminder; None after the cutoff."""
    team, user = ctx.teams[notice.team], notice.crm_user
    cutoff = team.calendar.cutoff_of(notice.day)
    if now >= cutoff:
        return None
    names = {member.crm_user: member.name for member in await people.members(session, team.key)}
    snapshot = Snapshot(Manager(user, names.get(user, user)), notice.readings)
    minutes = max(1, round((cutoff - now) / timedelta(minutes=1)))
    started = await runs.last_window_end(session, team.key, notice.day)
    rulebook = await rulebooks.rulebook_at(session, team.key, started or now)
    return evening.reminder(t, team, score(snapshot, rulebook), minutes)


async def _no_data(session: Session, ctx: AppContext, t: Texts, notice: NoDataNotice) -> View:
    run = await runs.find(session, notice.team, notice.day)
    by_cause: dict[Cause, set[str]] = {}
    for item in await runs.stored_snapshots(session, run.id) if run else ():
        for key, reading in item.snapshot.readings.items():
            if isinstance(reading, NotRead):
                by_cause.setdefault(reading.cause, set()).add(key)
    what = "; ".join(
        t("no-data-missing", kpis=lines.kpi_names(t, sorted(keys)), reason=t(f"no-data-{cause.value}"))
        for cause, keys in sorted(by_cause.items())
    )
    return View(t("no-data", title=safe(ctx.teams[notice.team].title), day=t.day(notice.day), what=what))


def _delayed(ctx: AppContext, t: Texts, notice: DelayedNotice) -> View:
    team = ctx.teams[notice.team]
    until = t.clock(notice.retry_until, team.calendar.zone)
    return View(t("delayed", title=safe(team.title), day=t.day(notice.day), until=until))


def _alarm(ctx: AppContext, t: Texts, notice: AlarmNotice) -> View:
    title = safe(ctx.teams[notice.team].title)
    text = t("alarm", title=title, day=t.day(notice.day), connection=safe(notice.connection))
    return View(f"{text}\n<code>{safe(notice.problem)}</code>")


def _channel_off(ctx: AppContext, t: Texts, notice: ChannelOffNotice) -> View:
    titles = ", ".join(safe(ctx.teams[key].title) for key in notice.teams if key in ctx.teams)
    name = safe(notice.name) if notice.name else t("channel-nameless", chat=str(notice.chat))
    return View(t(f"channel-off-{notice.whose}", title=titles, name=name, reason=t(f"channel-{notice.reason}")))
