"""Show by the team's last scored day what the rules mean: how many kept each, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bot.texts import Texts
from scoring.entries import in_force
from scoring.scorecard import Outcome
from scoring.standings import totals
from storage.days import queries, runs
from storage.db.database import Session

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
    entries = await queries.entries(session, key, run.day, run.day, evidence=False)
    kept, scored = Counter[str](), Counter[str]()
    for entry in in_force(entries):
        if entry.outcome is not None and entry.outcome.scored:
            scored[entry.rule] += 1
            kept[entry.rule] += entry.outcome is Outcome.KEPT
    if not scored:
        return None
    of_people = totals(entries).values()
    return RulesExample(
        run.day,
        {rule: (kept[rule], total) for rule, total in scored.items()},
        sum(of_person.kept for of_person in of_people),
        sum(of_person.broken for of_person in of_people),
        sum(of_person.points for of_person in of_people),
    )


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
