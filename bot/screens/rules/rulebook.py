"""Show `/rules`: each rule with price and reason, all that decides a point in plain words, the worth of a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.rules.example import RulesExample, day_example, load_example, rule_example
from bot.screens.rules.meanings import meanings
from bot.screens.rules.special_days import special_days
from bot.screens.rules.terms import rule_terms, terms
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.crm_names import CrmNames
from scoring.entries import Month
from scoring.kpis import CATALOGUE, Unit
from scoring.payout import MoneyTerms
from scoring.rules import Bound, Rule, Rulebook
from scoring.workdays import WindowKind
from storage.days import rulebooks
from storage.days.windows import load_period_start, load_window
from storage.db.database import Session
from storage.errors import NotFound
from storage.people import people


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """Hold the rulebook of the running window and the course of the running month."""

    day: date
    """Business day of the running window."""
    rulebook: Rulebook
    cutoff: datetime
    """Cutoff of the running window."""
    changes_on: date | None = None
    """First day of another rulebook that is known already."""
    money: MoneyTerms | None = None
    money_next: MoneyTerms | None = None
    """Course of the next month, as loaded last."""
    example: RulesExample | None = None
    names: CrmNames = field(default=CrmNames())
    members: Mapping[str, str] = field(default_factory=dict)
    """Names of members, by CRM user."""


async def load_rules(
    session: Session, ctx: AppContext, key: str, now: datetime, names: CrmNames | None = None
) -> RulesInForce:
    """Load the rules that judge the running window; before the first run those of the settings."""
    team = ctx.teams[key]
    day = team.calendar.business_day(now)
    cutoff = team.calendar.cutoff_of(day)
    names = names or CrmNames()
    try:
        window = await load_window(session, key, team.calendar, day)
        book = await rulebooks.rulebook_at(session, key, window.start)
        coming = await rulebooks.next_rulebook(session, key, window.start)
        began = await load_period_start(session, key, team.calendar, Month.of(day))
        money = await rulebooks.money_at(session, key, began)
        money_next = await rulebooks.next_money(session, key)
    except NotFound:
        return RulesInForce(day, team.rulebook, cutoff, money=team.money, money_next=team.money, names=names)
    changes_on = team.calendar.next_workday(day) if coming else None
    example = await load_example(session, key)
    listed = await people.members(session, key) if book.aliases or book.people else []
    members = {member.crm_user: member.name for member in listed}
    return RulesInForce(day, book, cutoff, changes_on, money, money_next, example, names, members)


def rules_view(t: Texts, team: TeamContext, data: RulesInForce) -> View:
    """Show the rules, the window, how the rules count, the break-even and the worth of a point."""
    book = data.rulebook
    clock = t.clock(data.cutoff, team.calendar.zone)
    window = "rules-window-day" if book.window is WindowKind.CALENDAR_DAY else "rules-window-cutoff"
    text = [f"<b>{t('rules-head', title=safe(team.title))}</b>"]
    for rule in book.rules:
        text += [f"• {_rule(t, rule)}{rule_terms(t, rule, data.day)}", f"   {_why(t, team, data.example, rule)}"]
    text += day_example(t, data.example)
    text += ["", t("rules-cutoff", clock=clock, zone=team.calendar.zone.key), t(window, clock=clock), t("rules-late")]
    text += special_days(t, team.calendar, data.day)
    text += [
        "",
        f"<b>{t('rules-meanings')}</b>",
        *(f"• {line}" for line in meanings(t, book, data.names, data.members)),
        *(f"• {line}" for line in terms(t, book, data.members, data.day)),
    ]
    scored = [rule for rule in book.rules if not book.is_observed(rule, data.day)]
    text += ["", _break_even(t, scored), *_money(t, data)]
    if data.changes_on is not None:
        text.append(t("rules-next", day=t.day(data.changes_on)))
    text.append(f"<code>{t('rules-version', version=book.version)}</code>")
    return View("\n".join(text))


def _money(t: Texts, data: RulesInForce) -> list[str]:
    """Show what a point is worth in the running month, and the course of the next month if it differs."""
    money = data.money
    text = [] if money is None else [t("rules-money", **_prices(t, money)), _bounds(t, money)]
    if data.money_next != money:
        first = t.day(Month.of(data.day).next.first)
        if data.money_next is None:
            return [*text, t("rules-money-ends", day=first)]
        text += [t("rules-money-next", day=first, **_prices(t, data.money_next)), _bounds(t, data.money_next)]
    return text


def _prices(t: Texts, money: MoneyTerms) -> dict[str, str]:
    return {
        "plus": t.money(money.per_point, money.currency),
        "minus": t.money(money.per_penalty_point, money.currency),
    }


def _bounds(t: Texts, money: MoneyTerms) -> str:
    base = "" if not money.base else t("rules-money-base", base=t.money(money.base, money.currency))
    cap = t("rules-money-no-cap") if money.cap is None else t("rules-money-cap", cap=t.money(money.cap, money.currency))
    return t("rules-money-bounds", base=base, floor=t.money(money.floor, money.currency), cap=cap)


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


def _why(t: Texts, team: TeamContext, example: RulesExample | None, rule: Rule) -> str:
    """Write the reason for a rule, the team's own or the shipped one, and how the rule went last."""
    why = f"<i>{safe(team.whys.get(rule.id) or t(f'why-{rule.kpi}'))}</i>"
    return " · ".join(filter(None, [why, rule_example(t, example, rule.id)]))


def _limit(t: Texts, rule: Rule) -> str:
    if CATALOGUE[rule.kpi].unit is Unit.MONEY:
        return t.money(rule.limit, rule.currency or "")
    return t.number(rule.limit)


def _break_even(t: Texts, scored: Sequence[Rule]) -> str:
    """Write how many kept rules always suffice for a day without loss, and the discipline % to break even."""
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
