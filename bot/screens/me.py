"""`/me` and `/rules`: how I did, and by what I am judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import Action, pack
from bot.texts import Texts, safe
from scoring.entries import Entry, EntryKind, Month
from scoring.kpis import CATALOGUE, Unit
from scoring.rules import Bound, Rule, Rulebook
from scoring.standings import Leaderboard, Totals, streak, totals

DAYS_A_ROW = 7


@dataclass(frozen=True, slots=True)
class OwnMonth:
    """All that `/me` is made of."""

    crm_user: str
    name: str
    month: Month
    entries: tuple[Entry, ...]
    """His of the month and of the last weeks."""
    today: date
    since: date | None
    """The team's first scored day."""
    board: Leaderboard | None
    """Of the month, if it is the running one."""


def me(t: Texts, team: TeamContext, data: OwnMonth) -> View:
    """Week, month and the month's days of one manager in one team; a button a day opens it."""
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
        text.append(line + lines.place(t, data.board, data.crm_user))
        if running:
            text.append(t("me-streak", n=streak(data.entries)))
        text += ["", f"{t('me-history')}:", *_days(t, entries)]
    return View("\n".join(text), _me_buttons(t, team, data, sorted({entry.day for entry in entries}, reverse=True)))


def _me_buttons(t: Texts, team: TeamContext, data: OwnMonth, days: Sequence[date]) -> Rows:
    def to(month: Month) -> str:
        return pack(Action.ME, team.key, data.crm_user, month)

    opening = [Button(str(day.day), pack(Action.DAY, team.key, day, data.crm_user, 0)) for day in days]
    picture = (Button(t("summary-picture"), pack(Action.PICTURE, team.key, "m", data.month.first, data.crm_user)),)
    turning = []
    if data.since is None or data.month.first > data.since:
        turning.append(Button(t("summary-prev"), to(data.month.previous)))
    if data.month.last < data.today:
        turning.append(Button(t("summary-next"), to(data.month.next)))
    in_rows = [tuple(opening[start : start + DAYS_A_ROW]) for start in range(0, len(opening), DAYS_A_ROW)]
    return rows(*in_rows, picture if days else (), tuple(turning))


def _totals(entries: object) -> Totals | None:
    found = totals(entries)  # type: ignore[arg-type]
    return next(iter(found.values()), None)


def _days(t: Texts, entries: Sequence[Entry]) -> list[str]:
    """A line a day, newest first."""
    own = _totals(entries)
    if own is None:
        return []
    points: dict[date, int] = {}
    for entry in entries:
        if entry.kind is not EntryKind.ADJUSTMENT:
            points[entry.day] = points.get(entry.day, 0) + entry.points
    text = []
    for day in sorted(points, reverse=True):
        shown = t.short_day(day)
        if day in own.excused_days:
            text.append(f"⚪ {t('me-day-excused', day=shown)}")
        elif day in own.scored_days:
            sign = "🟢" if points[day] > 0 else "🔴" if points[day] < 0 else "⚪"
            text.append(f"{sign} {t('me-day', day=shown, points=t.points(points[day], signed=True))}")
        else:
            text.append(f"⚪ {t('me-day-unscored', day=shown)}")
    return text


def rules(t: Texts, team: TeamContext, now: datetime, coming: tuple[Rulebook, date] | None = None) -> View:
    """Every rule with its price, the break-even in plain words, and what a point is worth."""
    book = team.rulebook
    text = [f"<b>{t('rules-head', title=safe(team.title))}</b>"]
    text += [f"• {_rule(t, rule)}" for rule in book.rules]
    cutoff = team.calendar.cutoff_of(team.calendar.business_day(now))
    text += ["", t("rules-cutoff", clock=t.clock(cutoff, team.calendar.zone)), _break_even(t, book.rules)]
    if team.money is not None:
        money, currency = team.money, team.money.currency
        plus, minus = (t.money(amount, currency) for amount in (money.per_point, money.per_penalty_point))
        text.append(t("rules-money", plus=plus, minus=minus))
        cap = "" if money.cap is None else t("rules-money-cap", cap=t.money(money.cap, currency))
        text.append(t("rules-money-bounds", floor=t.money(money.floor, currency), cap=cap))
    if coming is not None:
        text.append(t("rules-next", day=t.day(coming[1])))
    text.append(f"<code>{t('rules-version', version=book.version)}</code>")
    return View("\n".join(line for line in text))


def _rule(t: Texts, rule: Rule) -> str:
    kpi = lines.kpi_name(t, rule.kpi)
    if rule.observed_only:
        return t("rules-observed", kpi=kpi)
    reward, penalty = t.points(rule.reward, signed=True), t.points(-rule.penalty)
    if rule.bound is Bound.AT_MOST and rule.limit == 0:
        return t("rules-at-most-none", kpi=kpi, reward=reward, penalty=penalty)
    limit = _limit(t, rule)
    if rule.per_deals:
        limit += f" {t('rules-per-deals', n=rule.per_deals)}"
    key = "rules-at-least" if rule.bound is Bound.AT_LEAST else "rules-at-most"
    return t(key, kpi=kpi, bound=limit, reward=reward, penalty=penalty)


def _limit(t: Texts, rule: Rule) -> str:
    if CATALOGUE[rule.kpi].unit is Unit.MONEY:
        return t.money(rule.limit, rule.currency or "")
    return t.number(rule.limit)


def _break_even(t: Texts, book: Sequence[Rule]) -> str:
    """How many rules keep the day out of the minus, whichever are broken, and what share that is on the whole."""
    scored = [rule for rule in book if not rule.observed_only]
    lost, swing = sum(rule.penalty for rule in scored), sum(rule.penalty + rule.reward for rule in scored)
    if not lost:
        return t("rules-break-even-any")
    kept, short = 0, lost
    for rule in sorted(scored, key=lambda rule: rule.reward + rule.penalty):
        if short <= 0:
            break
        short -= rule.reward + rule.penalty
        kept += 1
    share = (Decimal(100 * lost) / swing).quantize(Decimal(1))
    return t("rules-break-even", kept=kept, rules=t("of-rules", kept=kept, total=len(scored)), percent=t.percent(share))
