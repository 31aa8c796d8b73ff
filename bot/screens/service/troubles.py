"""Show short notices to heads and admins: a late or incomplete day, a refusing CRM, a closed chat."""

from __future__ import annotations

from collections.abc import Mapping, Set

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.evidence.not_scored import by_causes
from bot.screens.service.problems import for_operator, loop_name, why
from bot.screens.view import Button, View
from bot.telegram.callbacks import AnswerZero, ConfirmList
from bot.texts import Texts, safe
from scoring.snapshot import Cause, NotRead
from storage.days import runs
from storage.days.snapshots import stored_snapshots
from storage.db.database import Session
from storage.messages.notices import (
    AlarmNotice,
    ChannelOffNotice,
    DelayedNotice,
    NoDataNotice,
    RightsMissingNotice,
    ShrunkenListNotice,
    TroubleNotice,
    UnreadDayNotice,
    ZeroQuestionNotice,
)


async def load_unread(session: Session, notice: NoDataNotice) -> dict[Cause, set[str]]:
    """Load the keys of the KPIs that could not be read on the notice's day, by cause."""
    run = await runs.find(session, notice.team, notice.day)
    by_cause: dict[Cause, set[str]] = {}
    for item in await stored_snapshots(session, run.id, evidence=False) if run else ():
        for key, reading in item.snapshot.readings.items():
            if isinstance(reading, NotRead):
                by_cause.setdefault(reading.cause, set()).add(key)
    return by_cause


def no_data_view(t: Texts, team: TeamContext, notice: NoDataNotice, unread: Mapping[Cause, Set[str]]) -> View:
    """Show which KPIs of a day could not be read, and why."""
    what = by_causes(t, unread)
    return View(t("no-data", title=safe(team.title), day=t.day(notice.day), what=what))


def unread_day_view(t: Texts, team: TeamContext, notice: UnreadDayNotice) -> View:
    """Show that nothing of a day was scored, and why."""
    text = [t("unread-day", title=safe(team.title), day=t.day(notice.day)), why(t, notice.cause)]
    return View("\n".join([*text, *for_operator(t, notice.problem)]))


def delayed_view(t: Texts, team: TeamContext, notice: DelayedNotice) -> View:
    """Show until when the CRM is asked again."""
    until = t.clock(notice.retry_until, team.calendar.zone)
    return View(t("delayed", title=safe(team.title), day=t.day(notice.day), until=until))


def shrunken_list_view(t: Texts, team: TeamContext, notice: ShrunkenListNotice) -> View:
    """Ask whether a list that shrank too much at once is right, with a button for yes."""
    names = ", ".join(safe(name) for name in notice.names) + (" …" if notice.lost > len(notice.names) else "")
    text = t(
        f"shrunken-{notice.what}",
        connection=safe(notice.connection),
        title=safe(team.title),
        known=notice.known,
        lost=notice.lost,
        names=names,
    )
    button = Button(t("shrunken-take"), ConfirmList(connection=notice.connection, question=notice.question).pack())
    return View(f"{text}\n{t('shrunken-note')}", ((button,),))


def alarm_view(t: Texts, team: TeamContext, notice: AlarmNotice) -> View:
    """Show the problem of a CRM that refuses requests until a person acts."""
    text = t("alarm", title=safe(team.title), day=t.day(notice.day), connection=safe(notice.connection))
    return View("\n".join([text, *for_operator(t, notice.problem)]))


def trouble_view(t: Texts, team: TeamContext, notice: TroubleNotice) -> View:
    """Show a trouble of the service: since when, and what to look at."""
    is_silent = notice.trouble == "loop_silent"
    text = t(
        f"trouble-{notice.trouble.replace('_', '-')}",
        title=safe(team.title),
        day=t.day(notice.day) if notice.day else "",
        since=t.moment(notice.since, team.calendar.zone),
        detail=loop_name(t, notice.detail) if is_silent else safe(notice.detail),
    )
    return View("\n".join([text, *for_operator(t, notice.problem)]))


def rights_missing_view(t: Texts, team: TeamContext, notice: RightsMissingNotice) -> View:
    """Show which KPIs need a right that the key lacks."""
    text = t(
        "rights-missing",
        title=safe(team.title),
        connection=safe(notice.connection),
        kpis=lines.kpi_names(t, notice.kpis),
    )
    return View("\n".join([text, *for_operator(t, notice.problem)]))


def zero_question_view(t: Texts, team: TeamContext, notice: ZeroQuestionNotice) -> View:
    """Ask whether a KPI that is zero for everybody is kept in the CRM."""
    kpi = t("quoted", text=lines.kpi_name(t, notice.kpi))
    buttons = tuple(
        (Button(t(f"zero-{word}"), AnswerZero(team=team.key, kpi=notice.kpi, word=word).pack()),)
        for word in ("kept", "absent")
    )
    return View(t("zero-question", title=safe(team.title), kpi=kpi, connection=safe(notice.connection)), buttons)


TeamTrouble = (
    ZeroQuestionNotice
    | DelayedNotice
    | RightsMissingNotice
    | UnreadDayNotice
    | ShrunkenListNotice
    | AlarmNotice
    | TroubleNotice
)


def view_of(t: Texts, team: TeamContext, notice: TeamTrouble) -> View:  # noqa: PLR0911  # a message a kind
    """Show a notice that needs nothing from the database."""
    match notice:
        case DelayedNotice():
            return delayed_view(t, team, notice)
        case UnreadDayNotice():
            return unread_day_view(t, team, notice)
        case ZeroQuestionNotice():
            return zero_question_view(t, team, notice)
        case RightsMissingNotice():
            return rights_missing_view(t, team, notice)
        case ShrunkenListNotice():
            return shrunken_list_view(t, team, notice)
        case AlarmNotice():
            return alarm_view(t, team, notice)
        case TroubleNotice():
            return trouble_view(t, team, notice)


def channel_off_view(t: Texts, ctx: AppContext, notice: ChannelOffNotice) -> View:
    """Show whose chat takes no messages any more, and why."""
    titles = ", ".join(safe(ctx.teams[key].title) for key in notice.teams if key in ctx.teams)
    name = safe(notice.name) if notice.name else t("channel-nameless", chat=str(notice.chat))
    told = {"title": titles, "name": name, "reason": t(f"channel-{notice.reason}"), "why": notice.reason}
    return View(t(f"channel-off-{notice.whose}", **told))
