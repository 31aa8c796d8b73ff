"""Show a manager's finished day: the evening message and each day of the history (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.evidence import not_scored
from bot.screens.evidence.day_text import evidence_page, fold_buttons, short_lines
from bot.screens.finished_days import load_day
from bot.screens.leaderboard import load_standings
from bot.screens.marks import next_mark_line
from bot.screens.view import Button, View
from bot.screens.witness.digest_link import DigestLink, digest_line
from bot.telegram.buttons.by_hand import CorrectDay
from bot.telegram.callbacks import DisputeDay, ShowRules, UnfoldEvening
from bot.texts import Texts, capitalized, safe
from scoring.entries import Entry, EntryKind, Month, in_force
from scoring.marks import NextMark, next_mark
from scoring.scorecard import Outcome, Scorecard
from scoring.standings import Leaderboard, streak, totals
from storage.days import queries
from storage.db.database import Session
from storage.values import Run

STREAK_DAYS = 60
"""Days back that a streak of days without a broken rule is looked for."""


@dataclass(frozen=True, slots=True)
class Evening:
    """Hold the finished day of one manager."""

    day: date
    cutoff: datetime
    card: Scorecard
    entries: tuple[Entry, ...]
    """Ledger entries of the manager about this day, with corrections."""
    board: Leaderboard
    """The month to date."""
    streak: int
    """Scored days in a row without a broken rule."""
    mark: NextMark | None = None
    earlier: tuple[tuple[date, int | None], ...] = field(default=())
    """Caught-up days with their points; None: not scored."""
    begins: tuple[date, tuple[str, ...]] | None = None
    """First day with points after an observation that ends with this day, and the KPIs of the rules."""
    digest: DigestLink = field(default=DigestLink())

    @property
    def is_minus(self) -> bool:
        """Tell whether a broken rule is in force, after corrections."""
        return any(entry.outcome is Outcome.BROKEN for entry in in_force(self.entries))

    @property
    def points(self) -> int:
        """Return the day's sum after corrections."""
        return sum(entry.points for entry in self.entries if entry.kind is not EntryKind.ADJUSTMENT)


async def load_evening(
    session: Session, ctx: AppContext, key: str, day: date, crm_user: str, earlier: Sequence[date] = ()
) -> Evening | None:
    """Load a manager's day; None if the manager was not scored. `earlier`: days caught up together with `day`."""
    finished = await load_day(session, ctx, key, day)
    card = finished.card(crm_user) if finished else None
    if finished is None or card is None:
        return None
    since = day - timedelta(days=STREAK_DAYS)
    recent = await queries.history(session, key, crm_user, since, day, evidence=False)
    board = await load_standings(session, ctx, key, day)
    own = board.of(crm_user)
    return Evening(
        day=day,
        cutoff=finished.run.window.cutoff,
        card=card,
        entries=tuple(entry for entry in finished.entries if entry.crm_user == crm_user),
        board=board,
        streak=streak(recent),
        mark=next_mark(recent, day, own.totals.points if own else 0),
        earlier=tuple((each, points_of(recent, each)) for each in earlier),
        begins=_begins(ctx, key, finished.run, crm_user),
        digest=DigestLink(finished.run.digest, ctx.bot.username),
    )


def _begins(ctx: AppContext, key: str, run: Run, crm_user: str) -> tuple[date, tuple[str, ...]] | None:
    """Find the rules of a manager whose observation ends with the day of a run."""
    book, following = run.rulebook, ctx.teams[key].calendar.next_workday(run.day)
    kpis = [
        rule.kpi
        for rule in book.rules_for(crm_user)
        if book.is_observed(rule, run.day) and not book.is_observed(rule, following)
    ]
    return (following, tuple(dict.fromkeys(kpis))) if kpis else None


def points_of(entries: Iterable[Entry], day: date) -> int | None:
    """Add up a manager's points of a day; None if no rule is kept or broken, also after an absence was recorded."""
    own = next(iter(totals(entry for entry in entries if entry.day == day).values()), None)
    return own.points if own and own.scored_days else None


def evening_view(
    t: Texts, team: TeamContext, data: Evening, *, page: int = 0, named: bool = False, corrects: bool = False
) -> View:
    """Show the evening message; page 0 is shortened, from page 1 on the whole evidence.

    `named` puts the manager's name on top, for another reader; `corrects` adds the button of corrections by hand.
    """
    text = [f"<b>{safe(data.card.manager.name)} · {safe(team.title)}</b>"] if named else []
    mark = next_mark_line(t, data.mark, Month.of(data.day))
    text += [_head(t, team, data), _sum(t, data), *lines.notes(t, data.card), mark, _month(t, data)]
    whole = evidence_page(t, data.card, team, data.cutoff, page)
    if whole is None:
        text += short_lines(t, team, data.card, data.cutoff, _corrections(t, data.entries))
    else:
        text += [*whole.shown, *_corrections(t, data.entries), *not_scored.unscored(t, data.card, exact=True)]
    if data.begins is not None:
        begins, kpis = data.begins
        text.append(f"📣 {t('points-begin', day=t.day(begins), rules=lines.kpi_names(t, kpis))}")
    text += [*_earlier(t, data.earlier), digest_line(t, data.digest)]

    def to(number: int) -> str:
        return UnfoldEvening(team=team.key, day=data.day, user=data.card.manager.crm_user, page=number).pack()

    rules = Button(t("rules-button"), ShowRules(team=team.key).pack())
    dispute = Button(t("dispute-button"), DisputeDay(team=team.key, day=data.day).pack())
    others = (dispute, rules) if not named and data.is_minus else (rules,)
    buttons = fold_buttons(t, data.card, whole, to, *others)
    if corrects:
        correct = CorrectDay(team=team.key, day=data.day, user=data.card.manager.crm_user)
        buttons = (*buttons, (Button(t("correct-button"), correct.pack()),))
    return View("\n".join(line for line in text if line), buttons, protected=True)


def day_lines(t: Texts, team: TeamContext, data: Evening) -> list[str]:
    """Write the day without the month, as a part of another message."""
    corrections = _corrections(t, data.entries)
    mark = next_mark_line(t, data.mark, Month.of(data.day))
    text = [_head(t, team, data), _sum(t, data), *lines.notes(t, data.card), mark]
    text += short_lines(t, team, data.card, data.cutoff, corrections)
    return [line for line in text if line]


def _head(t: Texts, team: TeamContext, data: Evening) -> str:
    clock = t.clock(data.cutoff, team.calendar.zone)
    return f"<b>{capitalized(t('day-head', weekday=t.weekday(data.day), clock=clock))}</b>"


def _sum(t: Texts, data: Evening) -> str:
    kept, broken = data.card.count(Outcome.KEPT), data.card.count(Outcome.BROKEN)
    if not kept + broken:
        return not_scored.without_points(t, data.card)
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
    """Write the changes since the evening, rule by rule."""
    changed: dict[str, int] = {}
    for entry in entries:
        if entry.kind in (EntryKind.REVERSAL, EntryKind.CORRECTION):
            changed[entry.kpi] = changed.get(entry.kpi, 0) + entry.points
    return [
        f"↩️ {t('corrected-line', kpi=lines.kpi_name(t, kpi), points=t.points(points, signed=True))}"
        for kpi, points in changed.items()
        if points
    ]


def _earlier(t: Texts, earlier: Sequence[tuple[date, int | None]]) -> list[str]:
    if not earlier:
        return []
    return ["", f"{t('earlier-head')}:", *(f"   • {earlier_points(t, day, points)}" for day, points in earlier)]


def earlier_points(t: Texts, day: date, points: int | None) -> str:
    """Write the points of a day told later; None: not scored."""
    if points is None:
        return t("earlier-unscored", day=t.day(day))
    return t("earlier-line", day=t.day(day), points=t.points(points, signed=True))
