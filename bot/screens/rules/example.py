"""Show by the team's last scored day what the rules mean: how many kept each, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bot.texts import Texts
from storage.days import runs
from storage.db.database import Session
from storage.ledger import totals

FEW = 4
"""People that a rule must have been scored for: of fewer, a count would tell a person's result to the others."""


@dataclass(frozen=True, slots=True)
class RulesExample:
    """Hold the results of a team's last finished day, corrections included."""

    day: date
    rules: Mapping[str, tuple[int, int]]
    """People for whom the rule was kept, and people for whom it was scored, by rule id."""
    kept: int
    broken: int
    points: int


async def load_example(session: Session, key: str) -> RulesExample | None:
    """Load the team's last finished day; None without a rule kept or broken on it."""
    run = await runs.last_finished(session, key)
    if run is None:
        return None
    kept, scored = Counter[str](), Counter[str]()
    for each in await totals.rules_of_days(session, key, run.day, run.day):
        kept[each.rule] += each.kept
        scored[each.rule] += each.kept + each.broken
    if not scored.total():
        return None
    team = await totals.totals_of_days(session, key, run.day, run.day)
    rules = {rule: (kept[rule], total) for rule, total in scored.items()}
    return RulesExample(run.day, rules, kept.total(), scored.total() - kept.total(), team.plus - team.minus)


def rule_example(t: Texts, example: RulesExample | None, rule: str) -> str:
    """Tell how many people kept a rule on the day; empty for a rule not scored or scored for few."""
    kept, total = example.rules.get(rule, (0, 0)) if example else (0, 0)
    if example is None or total < FEW:
        return ""
    return t("rules-example", day=t.day(example.day), kept=kept, total=total)


def day_example(t: Texts, example: RulesExample | None) -> list[str]:
    """Tell what the whole team's day came to; nothing without such a day."""
    if example is None:
        return []
    points = t.points(example.points, signed=True)
    return [t("rules-example-day", day=t.day(example.day), kept=example.kept, broken=example.broken, points=points)]
