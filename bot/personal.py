"""What one manager reads: the evening, the reminder, `/today` (product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot import lines
from bot.callbacks import Action, pack
from bot.context import TeamContext
from bot.paging import Page
from bot.texts import Texts
from bot.views import Button, View, rows
from scoring.entries import Entry, EntryKind, Month
from scoring.kpis import CATALOGUE, KpiKind
from scoring.scorecard import Outcome, Scorecard
from scoring.standings import Leaderboard

PAGE = 25
"""Items on a page of the whole evidence."""


@dataclass(frozen=True, slots=True)
class Evening:
    """All that the evening message of one manager is made of."""

    day: date
    cutoff: datetime
    card: Scorecard
    entries: tuple[Entry, ...]
    """His rows about this day, corrections too."""
    absent: bool
    board: Leaderboard
    """The month to date."""
    streak: int
    earlier: tuple[tuple[date, int | None], ...] = field(default=())
    """Caught-up days with their points; None: not scored."""

    @property
    def points(self) -> int:
        """The day's sum, after corrections."""
        return sum(entry.points for entry in self.entries if entry.kind is not EntryKind.ADJUSTMENT)


def evening(t: Texts, team: TeamContext, data: Evening, *, page: int = 0) -> View:
    """The evening message; page 0 is shortened, from 1 on all evidence page by page."""
    text = [f"<b>{t('day-head', weekday=t.weekday(data.day), clock=t.clock(data.cutoff, team.calendar.zone))}</b>"]
    text += [_sum(t, data), _month(t, data)]
    broken = [line for line in data.card.lines if line.outcome is Outcome.BROKEN]
    everything = [row for line in broken for row in lines.broken(t, line, team.crm_host, shown=None)]
    whole = Page.of(everything, page, PAGE) if page else None
    if whole is not None:
        text += whole.shown
    else:
        text += [row for line in broken for row in lines.broken(t, line, team.crm_host)]
    text += _corrections(t, data.entries)
    text += [lines.fine(t, data.card.lines), *lines.unscored(t, data.card.lines), lines.observed(t, data.card)]
    text += _earlier(t, data.earlier)
    shortened = any(_is_cut(line.items, line.rule.kpi) for line in broken)
    return View("\n".join(line for line in text if line), _buttons(t, team, data, whole, shortened))


def _is_cut(evidence: Sequence[object], kpi: str) -> bool:
    return CATALOGUE[kpi].kind is KpiKind.STATE and len(evidence) > lines.SHOWN


def _sum(t: Texts, data: Evening) -> str:
    kept, broken = data.card.count(Outcome.KEPT), data.card.count(Outcome.BROKEN)
    if data.absent:
        return t("day-sum-excused")
    if not kept + broken:
        return t("day-sum-unscored")
    points = t.points(data.points, signed=True)
    return f"<b>{t('day-sum', points=points, rules=t('of-rules', kept=kept, total=kept + broken))}</b>"


def _month(t: Texts, data: Evening) -> str:
    own = data.board.of(data.card.manager.crm_user)
    if own is None:
        return ""
    text = t("day-month", month=t.month_name(Month.of(data.day)), points=t.points(own.totals.points))
    if own.place is not None:
        text += t("day-place", place=own.place, total=len(data.board.rows))
    else:
        text += t("day-apart")
    return f"{text}. {t('day-streak', n=data.streak)}" if data.streak > 1 else text


def _corrections(t: Texts, entries: Sequence[Entry]) -> list[str]:
    """What was changed since the evening, rule by rule."""
    changed: dict[str, int] = {}
    for entry in entries:
        if entry.kind in (EntryKind.REVERSAL, EntryKind.CORRECTION):
            changed[entry.kpi] = changed.get(entry.kpi, 0) + entry.points
    return [
        f"↩️ {t('corrected-line', kpi=lines.kpi_name(t, kpi), points=t.points(points, signed=True))}"
        for kpi, points in changed.items()
    ]


def _earlier(t: Texts, earlier: Sequence[tuple[date, int | None]]) -> list[str]:
    if not earlier:
        return []
    told = [
        t("earlier-unscored", day=t.day(day))
        if points is None
        else t("earlier-line", day=t.day(day), points=t.points(points, signed=True))
        for day, points in earlier
    ]
    return ["", f"{t('earlier-head')}:", *(f"   • {line}" for line in told)]


def _buttons(
    t: Texts, team: TeamContext, data: Evening, whole: Page[str] | None, shortened: bool
) -> tuple[tuple[Button, ...], ...]:
    user = data.card.manager.crm_user

    def to(number: int) -> str:
        return pack(Action.EVENING, team.key, data.day, user, number)

    rules = Button(t("rules-button"), pack(Action.RULES, team.key))
    if whole is None:
        return rows((Button(t("show-all"), to(1)), rules) if shortened else (rules,))
    return rows(whole.turning(to), (Button(t("show-less"), to(0)), rules))


def reminder(t: Texts, team: TeamContext, card: Scorecard, minutes: int) -> View:
    """Before the cutoff: what would be lost now, with links."""
    broken = [line for line in card.lines if line.outcome is Outcome.BROKEN]
    text = [f"<b>{t('reminder-head', minutes=minutes, points=t.points(card.points, signed=True))}</b>"]
    text += [row for line in broken for row in lines.broken(t, line, team.crm_host)]
    return View("\n".join(text))


def today(t: Texts, team: TeamContext, card: Scorecard, day: date, read_at: datetime, zone: ZoneInfo) -> View:
    """As if the cutoff were now."""
    text = [f"<b>{t('today-head', weekday=t.weekday(day), clock=t.clock(read_at, zone))}</b>"]
    kept, broken = card.count(Outcome.KEPT), card.count(Outcome.BROKEN)
    points = t.points(card.points, signed=True)
    text.append(t("today-sum", points=points, rules=t("of-rules", kept=kept, total=kept + broken)))
    for line in card.lines:
        if line.outcome is Outcome.BROKEN:
            text += lines.broken(t, line, team.crm_host)
    text += [lines.fine(t, card.lines), *lines.unscored(t, card.lines), lines.observed(t, card)]
    return View(
        "\n".join(line for line in text if line), rows((Button(t("rules-button"), pack(Action.RULES, team.key)),))
    )
