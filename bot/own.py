"""`/me` and `/rules`: how I did, and by what I am judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from bot import lines
from bot.callbacks import Action, pack
from bot.context import TeamContext
from bot.texts import Texts, safe
from bot.views import Button, View, rows
from scoring.entries import Entry, EntryKind, Month
from scoring.kpis import CATALOGUE, Unit
from scoring.rules import Bound, Rule, Rulebook
from scoring.standings import Totals, streak, totals


def me(t: Texts, team: TeamContext, name: str, month: Month, entries: Sequence[Entry], today: date) -> View:
    """Week, month and the month's days of one manager in one team. `entries` are his of the month and of this week."""
    monday = today - timedelta(days=today.weekday())
    week = _totals(entry for entry in entries if monday <= entry.day <= today)
    days = [entry for entry in entries if Month.of(entry.day) == month]
    whole = _totals(days)
    text = [f"<b>{t('me-head', title=safe(team.title), name=safe(name))}</b>"]
    if month == Month.of(today) and week is not None:
        text.append(t("me-week", points=t.points(week.points, signed=True), percent=t.percent(week.discipline)))
    if whole is None:
        text.append(t("me-none"))
    else:
        shown = t.month(month)
        points = t.points(whole.points, signed=True)
        text.append(
            t("me-month", month=shown[0].upper() + shown[1:], points=points, percent=t.percent(whole.discipline))
        )
        if month == Month.of(today):
            text.append(t("me-streak", n=streak(entries)))
        text += ["", f"{t('me-history')}:", *_days(t, days)]
    turning = (
        Button(t("summary-prev"), pack(Action.ME, team.key, month.previous)),
        Button(t("summary-next"), pack(Action.ME, team.key, month.next)),
    )
    picture = (Button(t("summary-picture"), pack(Action.PICTURE, team.key, "t", month.first)),)
    return View("\n".join(text), rows(picture, turning))


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
    """How many rules must be kept so that the day is not a minus, if the hardest ones are broken."""
    scored = [rule for rule in book if not rule.observed_only]
    if not any(rule.penalty for rule in scored):
        return t("rules-break-even-any")
    swing = sum(rule.penalty for rule in scored)
    kept = 0
    for rule in sorted(scored, key=lambda rule: rule.reward + rule.penalty):
        if swing <= 0:
            break
        swing -= rule.reward + rule.penalty
        kept += 1
    return t("rules-break-even", kept=kept, total=len(scored))
