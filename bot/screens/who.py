"""Show `/who`: one manager on one screen, for the head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.context import AppContext, TeamContext
from bot.screens import lines, percent_change
from bot.screens.evening import Evening, day_lines, load_evening
from bot.screens.periods import load_summary
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import OpenDay, OpenMonth, OpenPerson, OpenPicture
from bot.texts import Texts, safe
from reports.summary.summary import PersonLine, Summary
from scoring.entries import Month
from storage.days import runs
from storage.db.database import Session
from storage.people import people
from storage.values import Member

MOST_RULES = 3
MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """Hold the summaries of one manager as of the last finished run."""

    crm_user: str
    name: str
    week: Summary
    month: Summary
    evening: Evening | None
    """The manager's last day; None if the manager was not scored."""


class NoSummary(Exception):
    """Tell why there is no summary; `key` is the text to show."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


async def load_person(session: Session, ctx: AppContext, key: str, crm_user: str) -> PersonSummary:
    """Load a manager's week, month and last day. Raises NoSummary for a stranger, and before the first run."""
    member = next((member for member in await people.members(session, key) if member.crm_user == crm_user), None)
    last = await runs.last_finished(session, key)
    if member is None:
        raise NoSummary("who-nobody")
    if last is None:
        raise NoSummary("team-none")
    week, month = [await load_summary(session, ctx, key, last.day, monthly=monthly) for monthly in (False, True)]
    evening = await load_evening(session, ctx, key, last.day, crm_user)
    return PersonSummary(crm_user, member.name, week, month, evening)


async def load_named(session: Session, keys: Iterable[str], name: str) -> list[tuple[str, Member]]:
    """Find (team, member) of these teams by a part of the name; a whole name wins."""
    wanted = name.casefold()
    every = [(key, member) for key in sorted(keys) for member in await people.members(session, key)]
    exact = [pair for pair in every if pair[1].name.casefold() == wanted]
    return exact or [pair for pair in every if wanted in pair[1].name.casefold()]


def choice_view(t: Texts, ctx: AppContext, found: Sequence[tuple[str, Member]]) -> View:
    """Show a button for each manager found; with the team's title if the managers are of several teams."""
    several = len({key for key, _ in found}) > 1
    buttons = tuple(
        (
            Button(
                f"{member.name} · {ctx.teams[key].title}" if several else member.name,
                OpenPerson(team=key, user=member.crm_user).pack(),
            ),
        )
        for key, member in found[:MOST_NAMES]
    )
    more = len(found) - MOST_NAMES
    return View(t("who-too-many", n=more) if more > 0 else t("who-many"), buttons)


def person_view(t: Texts, team: TeamContext, data: PersonSummary) -> View:
    """Show week and month against the stretches before, the rules broken most, and the last day."""
    text = [f"<b>{safe(data.name)} · {safe(team.title)}</b>"]
    week, month = _of(data.week, data.crm_user), _of(data.month, data.crm_user)
    if week is not None:
        text.append(t("who-week", week=data.week.period.week[1], **_figures(t, week)))
    if month is not None:
        text.append(
            t("who-month", month=t.month_name(_month(data)), **_figures(t, month))
            + lines.place(t, data.evening.board if data.evening else None, data.crm_user)
        )
        text += _won(t, data, month)
    worst = _worst(t, data.month, data.crm_user)
    if worst:
        text.append(f"{lines.BROKEN} {t('who-broken', rules=', '.join(worst))}")
    if data.evening is not None:
        text += [t("me-streak", n=data.evening.streak), "", *day_lines(t, team, data.evening)]
    return View("\n".join(text), _buttons(t, team, data))


def _of(summary: Summary, crm_user: str) -> PersonLine | None:
    return next((line for line in summary.people if line.crm_user == crm_user and line.totals.scored_days), None)


def _month(data: PersonSummary) -> Month:
    return data.month.period.month or Month.of(data.month.first)


def _figures(t: Texts, line: PersonLine) -> dict[str, str]:
    return {
        "points": t.points(line.totals.points, signed=True),
        "percent": t.percent(line.totals.discipline),
        "change": percent_change.beside(t, line.change),
    }


def _won(t: Texts, data: PersonSummary, line: PersonLine) -> list[str]:
    if line.won is None:
        return []
    sums = f", {t.sums(line.won.amounts)}" if line.won.amounts else ""
    return [t("who-won", month=t.month_name(_month(data)), deals=t("deals", n=line.won.deals), sums=sums)]


def _worst(t: Texts, month: Summary, crm_user: str) -> Sequence[str]:
    """Write the rules broken most this month, with the number of times."""
    counts = [
        (times, lines.kpi_name(t, rule.kpi))
        for rule in month.rules
        for user, _, times in rule.breakers
        if user == crm_user
    ]
    return [f"{name} ×{times}" for times, name in sorted(counts, key=lambda pair: -pair[0])[:MOST_RULES]]


def _buttons(t: Texts, team: TeamContext, data: PersonSummary) -> tuple[tuple[Button, ...], ...]:
    history = Button(t("me-history"), OpenMonth(team=team.key, user=data.crm_user, month=_month(data)).pack())
    picture = Button(
        t("summary-picture"),
        OpenPicture(team=team.key, period="m", first=data.month.first, user=data.crm_user).pack(),
    )
    everything: tuple[Button, ...] = ()
    if data.evening is not None:
        day = data.evening.day
        everything = (Button(t("show-all"), OpenDay(team=team.key, day=day, user=data.crm_user, page=1).pack()),)
    return rows((*everything, history, picture))
