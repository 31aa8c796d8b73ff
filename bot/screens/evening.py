"""What one manager reads: the evening, the reminder, `/today` (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.context import LiveReading, TeamContext
from bot.screens import lines
from bot.screens.paging import Page
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import Action, pack
from bot.texts import Texts, safe
from scoring.entries import Entry, EntryKind, Month
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Value
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


def evening(t: Texts, team: TeamContext, data: Evening, *, page: int = 0, named: bool = False) -> View:
    """The evening message; page 0 is shortened, from 1 on all evidence page by page.

    `named`: it is shown to somebody else, who must know whose it is.
    """
    text = [f"<b>{t('day-head', weekday=t.weekday(data.day), clock=t.clock(data.cutoff, team.calendar.zone))}</b>"]
    if named:
        text.insert(0, f"<b>{safe(data.card.manager.name)} · {safe(team.title)}</b>")
    text += [_sum(t, data), _month(t, data)]
    whole = Page.of(lines.evidence(t, data.card, team), page, PAGE) if page else None
    if whole is None:
        text += _short(t, team, data.card, _corrections(t, data.entries))
    else:
        text += [*whole.shown, *_corrections(t, data.entries), *lines.unscored(t, data.card)]
    text += _earlier(t, data.earlier)

    def to(number: int) -> str:
        return pack(Action.EVENING, team.key, data.day, data.card.manager.crm_user, number)

    rules = Button(t("rules-button"), pack(Action.RULES, team.key))
    return View("\n".join(line for line in text if line), _buttons(t, data.card, whole, to, rules))


def _short(t: Texts, team: TeamContext, card: Scorecard, corrections: Sequence[str] = ()) -> list[str]:
    """What is broken with the first of its evidence, what is fine in a line, what was not judged."""
    text = [row for line in card.lines if line.outcome is Outcome.BROKEN for row in lines.broken(t, line, team)]
    return [
        *text, *corrections, lines.fine(t, card.lines), *lines.unscored(t, card), lines.observed(t, card)
    ]  # fmt: skip


def _buttons(
    t: Texts, card: Scorecard, whole: Page[str] | None, to: Callable[[int], str], *others: Button
) -> tuple[tuple[Button, ...], ...]:
    """Unfold and fold the evidence, beside what else there is to tap."""
    if whole is not None:
        return rows(whole.turning(to), (Button(t("show-less"), to(0)), *others))
    return rows((Button(t("show-all"), to(1)), *others) if _has_more(card) else others)


def _has_more(card: Scorecard) -> bool:
    """Whether anything was counted that the short message does not show."""
    shown = sum(lines.shown_of(line) for line in card.lines if line.outcome is Outcome.BROKEN)
    every = {line.rule.kpi: len(line.items) for line in card.lines}
    every |= {key: len(value.items) for key, value in card.snapshot.readings.items() if isinstance(value, Value)}
    return sum(every.values()) > shown


def day(t: Texts, team: TeamContext, data: Evening) -> list[str]:
    """The day without its month: a part of what a head sees of somebody."""
    head = t("day-head", weekday=t.weekday(data.day), clock=t.clock(data.cutoff, team.calendar.zone))
    text = [f"<b>{head}</b>", _sum(t, data), *_short(t, team, data.card, _corrections(t, data.entries))]
    return [line for line in text if line]


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
    text += lines.place(t, data.board, data.card.manager.crm_user)
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


def reminder(t: Texts, team: TeamContext, card: Scorecard, minutes: int) -> View:
    """Before the cutoff: what would be lost now and what is at stake, with links."""
    broken = [line for line in card.lines if line.outcome is Outcome.BROKEN]
    at_best = card.points + sum(line.rule.reward - line.points for line in broken)
    points, best = t.points(card.points, signed=True), t.signed(at_best)
    text = [f"<b>{t('reminder-head', minutes=minutes, points=points, best=best)}</b>"]
    text += [row for line in broken for row in lines.broken(t, line, team)]
    hidden = sum(len(line.items) - lines.shown_of(line) for line in broken)
    show_all = (Button(t("show-all"), pack(Action.TODAY, team.key, 1)),) if hidden else ()
    return View("\n".join(text), rows((*show_all, Button(t("today-refresh"), pack(Action.TODAY, team.key, 0)))))


def today(t: Texts, team: TeamContext, card: Scorecard, reading: LiveReading, now: datetime, *, page: int = 0) -> View:
    """As if the cutoff were now, with the age of the data; from page 1 on with all evidence."""
    zone = team.calendar.zone
    text = [f"<b>{t('today-head', weekday=t.weekday(reading.day))}</b>"]
    minutes = max(0, int((now - reading.read_at) / timedelta(minutes=1)))
    text.append(t("today-age", clock=t.clock(reading.read_at, zone), n=minutes))
    text.append(_would_be(t, card))
    whole = Page.of(lines.evidence(t, card, team), page, PAGE) if page else None
    text += _short(t, team, card) if whole is None else [*whole.shown, *lines.unscored(t, card)]

    def to(number: int) -> str:
        return pack(Action.TODAY, team.key, number)

    refresh = Button(t("today-refresh"), to(0))
    buttons = _buttons(
        t, card, whole, to, *(() if whole else (refresh,)), Button(t("rules-button"), pack(Action.RULES, team.key))
    )
    return View("\n".join(line for line in text if line), buttons)


def _would_be(t: Texts, card: Scorecard) -> str:
    kept, broken = card.count(Outcome.KEPT), card.count(Outcome.BROKEN)
    if card.count(Outcome.EXCUSED):
        return t("day-sum-excused")
    if not kept + broken:
        return t("day-sum-unscored")
    rules = t("of-rules", kept=kept, total=kept + broken)
    return f"<b>{t('today-sum', points=t.points(card.points, signed=True), rules=rules)}</b>"
