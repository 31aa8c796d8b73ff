"""`/who`: one manager on one screen, for his head: the week, the month, what he breaks most, and his last day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.context import TeamContext
from bot.screens import evening as evening_screen
from bot.screens import lines, percent_change
from bot.screens.evening import Evening
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import Action, pack
from bot.texts import Texts, safe
from reports.summary.summary import PersonLine, Summary
from scoring.entries import Month

MOST_RULES = 3


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """All that the view of one manager is made of."""

    crm_user: str
    name: str
    week: Summary
    month: Summary
    evening: Evening | None
    """His day of the last finished run; None if he was not counted on it."""


def person(t: Texts, team: TeamContext, data: PersonSummary) -> View:
    """Where he stands against the like stretches before; his last day below."""
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
        text.append(f"🔻 {t('who-broken', rules=', '.join(worst))}")
    if data.evening is not None:
        text += [t("me-streak", n=data.evening.streak), "", *evening_screen.day(t, team, data.evening)]
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
    """The rules that he broke most this month, with how often."""
    counts = [
        (times, lines.kpi_name(t, rule.kpi))
        for rule in month.rules
        for user, _, times in rule.breakers
        if user == crm_user
    ]
    return [f"{name} ×{times}" for times, name in sorted(counts, key=lambda pair: -pair[0])[:MOST_RULES]]


def _buttons(t: Texts, team: TeamContext, data: PersonSummary) -> tuple[tuple[Button, ...], ...]:
    history = Button(t("me-history"), pack(Action.ME, team.key, data.crm_user, _month(data)))
    picture = Button(t("summary-picture"), pack(Action.PICTURE, team.key, "m", data.month.first, data.crm_user))
    everything: tuple[Button, ...] = ()
    if data.evening is not None:
        day = data.evening.day
        everything = (Button(t("show-all"), pack(Action.DAY, team.key, day, data.crm_user, 1)),)
    return rows((*everything, history, picture))
