"""Sum up a team's week or month against the like stretch before (docs/product.md §8, §11).

Pure: takes totals of the ledger, won deals by day and the evidence of the last run; returns a `Summary`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from reports.summary.evidence import Now, PricedDeals, WonDay, won_in
from reports.summary.stretches import Comparison
from scoring.names import alphabetical, told_apart
from scoring.standings import RuleTotals, TeamTotals, Totals, discipline, hundredths

ENOUGH_DAYS = 3
"""Scored days required on both sides before a rise in discipline counts."""
SLIDE = Decimal(5)
"""Fall of discipline in percentage points, twice in a row, that makes a slide."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Count requests that wait for the head."""

    appeals: int = 0
    absences: int = 0


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Hold one manager's totals of a stretch and of the two like stretches before."""

    totals: Totals
    before: Totals
    earlier: Totals
    won: PricedDeals | None

    @property
    def crm_user(self) -> str:
        """Return the manager's id in the CRM."""
        return self.totals.crm_user

    @property
    def name(self) -> str:
        """Return the manager's name."""
        return self.totals.name

    @property
    def change(self) -> Decimal | None:
        """Compute the rise of discipline since the like stretch, in percentage points; None without a like stretch."""
        return _rise(self.totals, self.before)

    @property
    def days(self) -> tuple[int, int]:
        """Count the scored days of the stretch and of the like stretch."""
        return self.totals.scored_days, self.before.scored_days

    @property
    def change_before(self) -> Decimal | None:
        """Compute the rise of discipline one period earlier."""
        return _rise(self.before, self.earlier)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """Hold one rule's outcomes over the stretch."""

    rule: str
    kpi: str
    kept: int
    broken: int
    breakers: tuple[tuple[str, str, int], ...]
    """CRM user, name and times broken, most first."""
    judged: int = 0
    """People for whom the rule was kept or broken."""

    @property
    def by_all_alike(self) -> bool:
        """Tell whether all broke the rule equally often: then the rule tells nobody from the others."""
        times = {broken for _, _, broken in self.breakers}
        return len(self.breakers) == self.judged > 1 and len(times) == 1

    @property
    def discipline(self) -> Decimal | None:
        """Compute the share of rules kept, in percent."""
        return discipline(self.kept, self.broken)


@dataclass(frozen=True, slots=True)
class Summary:
    """Hold a team's week or month for one phone screen and the views behind the buttons."""

    period: Comparison
    scored_days: int
    """Working days of the stretch with at least one rule kept or broken."""
    scored_days_before: int
    """The same of the like stretch."""
    discipline: Decimal | None
    discipline_before: Decimal | None
    plus: int
    minus: int
    points_before: int
    won: PricedDeals | None
    """Won deals; None where the CRM does not state any."""
    won_before: PricedDeals | None
    improved: tuple[PersonLine, ...]
    """Managers with the largest rise; several when equal, none without a rise."""
    slides: tuple[PersonLine, ...]
    people: tuple[PersonLine, ...]
    """Managers by discipline, lowest first, as candidates for help; without discipline at the end."""
    rules: tuple[RuleLine, ...]
    """Rules by times broken, most first."""
    now: Now | None
    waiting: Waiting

    @property
    def first(self) -> date:
        """Return the first day of the period."""
        return self.period.first

    @property
    def last(self) -> date:
        """Return the last day of the period, past or future."""
        return self.period.last

    @property
    def workdays(self) -> int:
        """Count working days so far."""
        return len(self.period.now.workdays)

    @property
    def points(self) -> int:
        """Compute plus less minus."""
        return self.plus - self.minus

    @property
    def change(self) -> Decimal | None:
        """Compute the rise of team discipline since the like stretch in percentage points, or None."""
        return difference(self.discipline, self.discipline_before) if self.is_comparable else None

    @property
    def is_comparable(self) -> bool:
        """Tell whether both sides have about as many scored days."""
        return are_comparable(self.scored_days, self.scored_days_before)

    @property
    def per_day(self) -> Decimal:
        """Compute the points per scored day."""
        return hundredths(Fraction(self.points, max(self.scored_days, 1)))

    @property
    def per_day_before(self) -> Decimal:
        """Compute the points per scored day of the like stretch."""
        return hundredths(Fraction(self.points_before, max(self.scored_days_before, 1)))

    @property
    def worst_rules(self) -> tuple[RuleLine, ...]:
        """Return the rules broken most: several when equal, none if all were kept."""
        most = max((rule.broken for rule in self.rules), default=0)
        return tuple(rule for rule in self.rules if most and rule.broken == most)


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """Hold the totals of a period and of the two like stretches before, all counted by `day`, not by `booked_in`."""

    now: TeamTotals
    before: TeamTotals
    earlier: TeamTotals
    rules: Sequence[RuleTotals] = ()
    """Outcomes of the period by manager and rule."""


def summarize(
    period: Comparison,
    sums: PeriodTotals,
    members: Iterable[tuple[str, str]],
    *,
    won: Sequence[WonDay] | None = None,
    now: Now | None = None,
    waiting: Waiting | None = None,
) -> Summary:
    """Sum up a period. `sums` belong to the stretches of `period`; members are CRM users with names."""
    current, before, earlier = sums.now.people, sums.before.people, sums.earlier.people
    names = told_apart({user: row.name for user, row in current.items()} | dict(members))
    won_by: dict[str, list[WonDay]] = defaultdict(list)
    for day in won or ():
        won_by[day.crm_user].append(day)
    people = [
        PersonLine(
            replace(current.get(user, Totals(user, name)), name=name),
            before.get(user, Totals(user, name)),
            earlier.get(user, Totals(user, name)),
            won_in(won_by.get(user, ()) if won is not None else None, period.now),
        )
        for user, name in names.items()
    ]
    people.sort(key=_needs_help_first)
    return Summary(
        period=period,
        scored_days=sums.now.scored_days,
        scored_days_before=sums.before.scored_days,
        discipline=sums.now.discipline,
        discipline_before=sums.before.discipline,
        plus=sums.now.plus,
        minus=sums.now.minus,
        points_before=sums.before.plus - sums.before.minus,
        won=won_in(won, period.now),
        won_before=won_in(won, period.before),
        improved=_improved(people),
        slides=tuple(person for person in people if _slides(person)),
        people=tuple(people),
        rules=_rules(sums.rules, names),
        now=now,
        waiting=waiting or Waiting(),
    )


def are_comparable(days: int, days_before: int) -> bool:
    """Tell whether neither side has fewer than three quarters of the other's scored days (docs/product.md §11)."""
    return min(days, days_before) > 0 and 4 * min(days, days_before) >= 3 * max(days, days_before)


def _rise(now: Totals, before: Totals) -> Decimal | None:
    if not are_comparable(now.scored_days, before.scored_days):
        return None
    return difference(now.discipline, before.discipline)


def difference(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Subtract `before` from `now`; None where either is unknown."""
    return None if now is None or before is None else now - before


def _needs_help_first(person: PersonLine) -> tuple[bool, Decimal, tuple[str, str], str]:
    own = person.totals.discipline
    return (own is None, own or Decimal(0), alphabetical(person.name), person.crm_user)


def _improved(people: Iterable[PersonLine]) -> tuple[PersonLine, ...]:
    """Find managers with the largest rise among all with enough scored days on both sides."""
    rises = [
        (person.change, person)
        for person in people
        if min(person.totals.scored_days, person.before.scored_days) >= ENOUGH_DAYS
        and person.change is not None
        and person.change > 0
    ]
    best = max((rise for rise, _ in rises), default=None)
    return tuple(person for rise, person in rises if rise == best)


def _slides(person: PersonLine) -> bool:
    """Tell whether discipline fell by SLIDE or more in both of the last two comparisons."""
    falls = (person.change, person.change_before)
    return all(fall is not None and fall <= -SLIDE for fall in falls)


def _rules(rules: Iterable[RuleTotals], names: Mapping[str, str]) -> tuple[RuleLine, ...]:
    by_rule: dict[str, list[RuleTotals]] = defaultdict(list)
    for each in rules:
        by_rule[each.rule].append(each)
    lines = [_rule_line(rule, of_people, names) for rule, of_people in by_rule.items()]
    return tuple(sorted(lines, key=lambda line: (-line.broken, line.rule)))


def _rule_line(rule: str, of_people: Sequence[RuleTotals], names: Mapping[str, str]) -> RuleLine:
    """Sum up a rule; people who broke the rule most come first."""
    breakers = [(each.crm_user, names[each.crm_user], each.broken) for each in of_people if each.broken]
    breakers.sort(key=lambda breaker: (-breaker[2], alphabetical(breaker[1]), breaker[0]))
    return RuleLine(
        rule,
        of_people[-1].kpi,
        sum(each.kept for each in of_people),
        sum(each.broken for each in of_people),
        tuple(breakers),
        sum(each.kept + each.broken > 0 for each in of_people),
    )
