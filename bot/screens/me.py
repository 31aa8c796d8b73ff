"""Show `/me`: a manager's week, month and days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.evening import STREAK_DAYS
from bot.screens.leaderboard import load_standings
from bot.screens.marks import next_mark_line
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import OpenDay, OpenMonth, OpenPerson, OpenPicture
from bot.texts import Texts, safe
from scoring.entries import Entry, EntryKind, Month, in_force
from scoring.marks import next_mark
from scoring.scorecard import Outcome
from scoring.standings import Leaderboard, MarkedDays, Totals, marked_days, streak, totals
from storage.days import queries, runs
from storage.db.database import Session
from storage.people import teams

DAYS_A_ROW = 7


@dataclass(frozen=True, slots=True)
class OwnMonth:
    """Hold a manager's ledger entries of a month and of the last weeks."""

    crm_user: str
    name: str
    month: Month
    entries: tuple[Entry, ...]
    today: date
    since: date | None
    """The team's first scored day."""
    board: Leaderboard | None
    """Standings of the running month; None for any other month."""


async def load_own_month(
    session: Session, ctx: AppContext, key: str, crm_user: str, name: str, month: Month, now: datetime
) -> OwnMonth:
    """Load a manager's month in one team."""
    today = ctx.teams[key].calendar.local_date(now)
    first = min(month.first, today - timedelta(days=STREAK_DAYS))
    entries = await queries.history(session, key, crm_user, first, max(month.last, today), evidence=False)
    last = await runs.last_finished(session, key)
    board = None
    if last is not None and Month.of(last.day) == month:
        board = await load_standings(session, ctx, key, last.day)
    since = (await teams.find(session, key)).scored_from
    return OwnMonth(crm_user, name, month, tuple(entries), today, since, board)


def me_view(t: Texts, team: TeamContext, data: OwnMonth, *, person: bool = False) -> View:
    """Show the week, the month and each day of the month, with a button that opens the day.

    `person`: the view replaced the summary of `/who`, and leads back there.
    """
    monday = data.today - timedelta(days=data.today.weekday())
    running = data.month == Month.of(data.today)
    week = _totals(entry for entry in data.entries if monday <= entry.day <= data.today)
    entries = [entry for entry in data.entries if Month.of(entry.day) == data.month]
    whole = _totals(entries)
    text = [f"<b>{t('me-head', title=safe(team.title), name=safe(data.name))}</b>"]
    if running and week is not None:
        text.append(t("me-week", points=t.points(week.points, signed=True), percent=t.percent(week.discipline)))
    if whole is None:
        text.append(t("me-none"))
    else:
        shown = t.month(data.month)
        points = t.points(whole.points, signed=True)
        line = t("me-month", month=shown[0].upper() + shown[1:], points=points, percent=t.percent(whole.discipline))
        text += [*_next_mark(t, data), line + lines.place(t, data.board, data.crm_user)]
        if running:
            text.append(t("me-streak", n=streak(data.entries)))
        text += ["", f"{t('me-history')}:", *_days(t, entries)]
    days = sorted({entry.day for entry in entries}, reverse=True)
    return View("\n".join(text), _buttons(t, team, data, days, person=person))


def _next_mark(t: Texts, data: OwnMonth) -> list[str]:
    """Write the next mark as of the last finished day; nothing for any month but the running month."""
    own = data.board.of(data.crm_user) if data.board else None
    last = max((entry.day for entry in data.entries), default=None)
    if own is None or last is None:
        return []
    line = next_mark_line(t, next_mark(data.entries, last, own.totals.points), data.month, last)
    return [line] if line else []


def _buttons(t: Texts, team: TeamContext, data: OwnMonth, days: Sequence[date], *, person: bool) -> Rows:
    def to(month: Month) -> str:
        return OpenMonth(team=team.key, user=data.crm_user, month=month, person=person).pack()

    opening = [Button(str(day.day), OpenDay(team=team.key, day=day, user=data.crm_user, page=0).pack()) for day in days]
    picture = (
        Button(
            t("summary-picture"),
            OpenPicture(team=team.key, period="m", first=data.month.first, user=data.crm_user).pack(),
        ),
    )
    turning = []
    if data.since is None or data.month.first > data.since:
        turning.append(Button(t("summary-prev"), to(data.month.previous)))
    if data.month.last < data.today:
        turning.append(Button(t("summary-next"), to(data.month.next)))
    to_person = OpenPerson(team=team.key, user=data.crm_user, back=True).pack()
    back = (Button(t("summary-back"), to_person),) if person else ()
    in_rows = [tuple(opening[start : start + DAYS_A_ROW]) for start in range(0, len(opening), DAYS_A_ROW)]
    return rows(*in_rows, picture if days else (), tuple(turning), back)


def _totals(entries: Iterable[Entry]) -> Totals | None:
    return next(iter(totals(entries).values()), None)


def _days(t: Texts, entries: Sequence[Entry]) -> list[str]:
    """Write a line a day, newest first: ✅ for a clean day, ✖️ below 0 points, • for all other scored days."""
    marked = next(iter(marked_days(entries).values()), MarkedDays())
    broken = {entry.day for entry in in_force(entries) if entry.outcome is Outcome.BROKEN}
    points: dict[date, int] = {}
    for entry in entries:
        if entry.kind is not EntryKind.ADJUSTMENT:
            points[entry.day] = points.get(entry.day, 0) + entry.points
    text = []
    for day in sorted(points, reverse=True):
        shown = t.short_day(day)
        if day in marked.excused:
            text.append(f"{lines.ABSENT} {t('me-day-excused', day=shown)}")
        elif day in marked.scored:
            sign = lines.BROKEN if points[day] < 0 else "•" if day in broken else "✅"
            text.append(f"{sign} {t('me-day', day=shown, points=t.points(points[day], signed=True))}")
        else:
            text.append(f"⚪ {t('me-day-unscored', day=shown)}")
    return text
