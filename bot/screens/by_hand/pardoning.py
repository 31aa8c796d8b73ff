"""Ask which day, what of the day and why to pardon (docs/product.md §13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.by_hand import reasons
from bot.screens.view import Button, View
from bot.telegram.buttons.by_hand import ListPardonable, PardonDay, PardonReason, PardonRule
from bot.telegram.callbacks import mark
from bot.texts import Texts, safe
from scoring.entries import Entry
from storage.days import runs
from storage.db.database import Session
from storage.ledger import by_hand

DAYS_BACK = timedelta(days=14)
MOST_DAYS = 7


@dataclass(frozen=True, slots=True)
class PardonableRule:
    """Hold a rule that was broken on a day, and by how many."""

    rule: str
    kpi: str
    people: int


async def load_days(session: Session, key: str, today: date) -> list[date]:
    """Load the last scored days, the newest first."""
    return sorted(await runs.finished_days(session, key, today - DAYS_BACK, today), reverse=True)[:MOST_DAYS]


async def load_broken(session: Session, key: str, day: date) -> list[PardonableRule]:
    """Load the rules that are broken on a day."""
    rows = await by_hand.broken(session, key, day)
    kpis: Mapping[str, str] = {row.rule: row.kpi for row in rows}
    return [PardonableRule(rule, kpis[rule], number) for rule, number in Counter(map(_rule, rows)).most_common()]


def _rule(row: Entry) -> str:
    return row.rule


def days_view(t: Texts, team: TeamContext, days: Sequence[date]) -> View:
    """Ask which day."""
    if not days:
        return View(t("pardon-no-days", title=safe(team.title)))
    buttons = tuple((Button(t.day(day), PardonDay(team=team.key, day=day).pack()),) for day in days)
    example = f"<code>/pardon {reasons.short_day(days[0])} {t('hand-reason-crm')}</code>"
    return View(t("pardon-day", title=safe(team.title), example=example), buttons)


def rules_view(t: Texts, team: TeamContext, day: date, found: Sequence[PardonableRule]) -> View:
    """Ask what of a day: all, or one rule."""
    back = (Button(t("back"), ListPardonable(team=team.key).pack()),)
    if not found:
        return View(t("points-refused-nothing_broken", detail=t.full_day(day)), (back,))
    whole = (Button(t("pardon-whole"), PardonRule(team=team.key, day=day).pack()),)
    each = tuple(
        (
            Button(
                f"{lines.kpi_name(t, one.kpi)} ×{one.people}",
                PardonRule(team=team.key, day=day, rule=one.rule).pack(),
            ),
        )
        for one in found
    )
    return View(t("pardon-what", day=t.day(day)), (whole, *each, back))


def why_view(t: Texts, team: TeamContext, day: date, rule: PardonableRule | None) -> View:
    """Ask why."""

    def to(why: str) -> str:
        return PardonReason(team=team.key, day=day, rule=rule.rule if rule else None, why=why).pack()

    text = t("pardon-why", day=t.day(day), what=lines.kpi_name(t, rule.kpi) if rule else t("pardon-whole"))
    back = (Button(t("back"), PardonDay(team=team.key, day=day).pack()),)
    return View(text, (*reasons.reason_rows(t, reasons.PARDON, to), back))


def find_marked(found: Sequence[PardonableRule], marked: str) -> PardonableRule | None:
    """Find the rule of a button's mark."""
    return next((each for each in found if mark(each.rule) == marked), None)
