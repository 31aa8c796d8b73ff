"""Show `/rules`: each rule with its price, the break-even in plain words, and the worth of a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.kpis import CATALOGUE, Unit
from scoring.payout import MoneyTerms
from scoring.rules import Bound, Rule, Rulebook
from storage.days import rulebooks, runs
from storage.db.database import Session
from storage.errors import NotFound


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """Hold the rulebook of the running window."""

    rulebook: Rulebook
    cutoff: datetime
    """Cutoff of the running window."""
    changes_on: date | None = None
    """First day of another rulebook that is known already."""


async def load_rules(session: Session, ctx: AppContext, key: str, now: datetime) -> RulesInForce:
    """Load the rules that judge the running window; before the first run those of the settings."""
    team = ctx.teams[key]
    day = team.calendar.business_day(now)
    cutoff = team.calendar.cutoff_of(day)
    start = await runs.last_window_end(session, key, day) or now
    try:
        book = await rulebooks.rulebook_at(session, key, start)
        coming = await rulebooks.next_rulebook(session, key, start)
    except NotFound:
        return RulesInForce(team.rulebook, cutoff)
    return RulesInForce(book, cutoff, team.calendar.next_workday(day) if coming else None)


def rules_view(t: Texts, team: TeamContext, data: RulesInForce) -> View:
    """Show the rules, the break-even, and the worth of a point where the team has money terms."""
    book = data.rulebook
    text = [f"<b>{t('rules-head', title=safe(team.title))}</b>"]
    text += [f"• {_rule(t, rule)}" for rule in book.rules]
    cutoff = t.clock(data.cutoff, team.calendar.zone)
    text += ["", t("rules-cutoff", clock=cutoff), _break_even(t, book.rules)]
    if team.money is not None:
        text += _money(t, team.money)
    if data.changes_on is not None:
        text.append(t("rules-next", day=t.day(data.changes_on)))
    text.append(f"<code>{t('rules-version', version=book.version)}</code>")
    return View("\n".join(text))


def _money(t: Texts, money: MoneyTerms) -> list[str]:
    plus, minus = (t.money(amount, money.currency) for amount in (money.per_point, money.per_penalty_point))
    cap = "" if money.cap is None else t("rules-money-cap", cap=t.money(money.cap, money.currency))
    return [
        t("rules-money", plus=plus, minus=minus),
        t("rules-money-bounds", floor=t.money(money.floor, money.currency), cap=cap),
    ]


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
    """Write how many kept rules always suffice for a day without loss, and the discipline % to break even."""
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
