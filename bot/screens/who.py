"""Show `/who`: one manager on one screen, for the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.context import AppContext, TeamContext
from bot.screens import lines, percent_change
from bot.screens.evening import Evening, day_lines, load_evening
from bot.screens.members import FoundMember, load_members
from bot.screens.paging import TextPage
from bot.screens.periods import load_summary
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import ListPeople, OpenDay, OpenMonth, OpenPerson, OpenPicture
from bot.texts import Texts, safe
from reports.summary.summary import PersonLine, Summary
from scoring.entries import Month
from scoring.names import alphabetical
from storage.days import runs
from storage.db.database import Session

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
    member = next((member for member in await load_members(session, key) if member.crm_user == crm_user), None)
    last = await runs.last_finished(session, key)
    if member is None:
        raise NoSummary("who-nobody")
    if last is None:
        raise NoSummary("team-none")
    week, month = [await load_summary(session, ctx, key, last.day, monthly=monthly) for monthly in (False, True)]
    evening = await load_evening(session, ctx, key, last.day, crm_user)
    return PersonSummary(crm_user, member.name, week, month, evening)


def choice_view(t: Texts, found: Sequence[FoundMember]) -> View:
    """Show a button for each member found by a name."""
    more = len(found) - MOST_NAMES
    return View(t("who-too-many", n=more) if more > 0 else t("who-many"), _people(found[:MOST_NAMES]))


def everybody_view(t: Texts, found: Sequence[FoundMember], page: int = 1) -> View:
    """Show a button for each member, page by page."""
    if not found:
        return View(t("who-none"))
    shown = TextPage.of(found, page, MOST_NAMES)
    turning = shown.turning(lambda number: ListPeople(page=number).pack())
    return View(t("who-choose"), rows(*_people(shown.shown), turning))


def _people(found: Sequence[FoundMember]) -> Rows:
    return tuple((Button(each.label, OpenPerson(team=each.team, user=each.crm_user).pack()),) for each in found)


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
        text += _won(t, team, data, month)
    worst = _worst(t, data.month, data.crm_user)
    if worst:
        told = t("who-broken", month=t.month_name(_month(data)), rules=", ".join(worst))
        text.append(f"{lines.BROKEN} {told}")
    if data.evening is not None:
        text += [t("me-streak", n=data.evening.streak), "", *day_lines(t, team, data.evening)]
    return View("\n".join(text), _buttons(t, team, data), protected=True)


def _of(summary: Summary, crm_user: str) -> PersonLine | None:
    return next((line for line in summary.people if line.crm_user == crm_user and line.totals.scored_days), None)


def _month(data: PersonSummary) -> Month:
    return data.month.period.month or Month.of(data.month.first)


def _figures(t: Texts, line: PersonLine) -> dict[str, str]:
    return {
        "points": t.points(line.totals.points, signed=True),
        "percent": t.percent(line.totals.discipline),
        "change": percent_change.beside(t, line.change, line.days),
    }


def _won(t: Texts, team: TeamContext, data: PersonSummary, line: PersonLine) -> list[str]:
    if line.won is None:
        return []
    sums = f", {t.sums(line.won.amounts, team.currency)}" if line.won.amounts else ""
    return [t("who-won", month=t.month_name(_month(data)), deals=t("deals", n=line.won.deals), sums=sums)]


def _worst(t: Texts, month: Summary, crm_user: str) -> Sequence[str]:
    """Write the rules broken most in the month, with the number of times."""
    counts = [
        (-times, lines.kpi_name(t, rule.kpi).lower())
        for rule in month.rules
        for user, _, times in rule.breakers
        if user == crm_user
    ]
    counts.sort(key=lambda pair: (pair[0], alphabetical(pair[1])))
    return [f"{name} ×{-times}" for times, name in counts[:MOST_RULES]]


def _buttons(t: Texts, team: TeamContext, data: PersonSummary) -> tuple[tuple[Button, ...], ...]:
    history = Button(
        t("me-history"), OpenMonth(team=team.key, user=data.crm_user, month=_month(data), person=True).pack()
    )
    picture = Button(
        t("summary-picture"),
        OpenPicture(team=team.key, period="m", first=data.month.first, user=data.crm_user).pack(),
    )
    everything: tuple[Button, ...] = ()
    if data.evening is not None:
        day = data.evening.day
        everything = (Button(t("show-all"), OpenDay(team=team.key, day=day, user=data.crm_user, page=1).pack()),)
    return rows((*everything, history, picture))
