"""Sum up a team's week or month against the like stretch before (docs/product.md §8, §11).

Pure: takes entries, won deals by day and the evidence of the last run; returns a `Summary`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from reports.summary.evidence import Now, PricedDeals, WonDay, won_in
from reports.summary.stretches import Comparison
from scoring.entries import Entry, in_force
from scoring.names import alphabetical, told_apart
from scoring.scorecard import Outcome
from scoring.standings import Totals, discipline, hundredths, pooled, totals

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
        return len(self.totals.scored_days), len(self.before.scored_days)

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
    def worst_rule(self) -> RuleLine | None:
        """Return the rule broken most; None if all were kept."""
        return self.rules[0] if self.rules and self.rules[0].broken else None


def summarize(
    period: Comparison,
    entries: Sequence[Entry],
    members: Iterable[tuple[str, str]],
    *,
    won: Sequence[WonDay] | None = None,
    now: Now | None = None,
    waiting: Waiting | None = None,
) -> Summary:
    """Sum up a period. `entries` and `won` cover `period.span`; members are CRM users with names.

    Entries count by `day`, not by `booked_in`.
    """
    current, before, earlier = (
        [entry for entry in entries if entry.day in part] for part in (period.now, period.before, period.earlier)
    )
    sums, sums_before, sums_earlier = totals(current), totals(before), totals(earlier)
    names = told_apart({user: row.name for user, row in sums.items()} | dict(members))
    won_by: dict[str, list[WonDay]] = defaultdict(list)
    for day in won or ():
        won_by[day.crm_user].append(day)
    people = [
        PersonLine(
            replace(sums.get(user, Totals(user, name)), name=name),
            sums_before.get(user, Totals(user, name)),
            sums_earlier.get(user, Totals(user, name)),
            won_in(won_by.get(user, ()) if won is not None else None, period.now),
        )
        for user, name in names.items()
    ]
    people.sort(key=_needs_help_first)
    return Summary(
        period=period,
        scored_days=_scored_days(sums.values()),
        scored_days_before=_scored_days(sums_before.values()),
        discipline=pooled(sums.values()),
        discipline_before=pooled(sums_before.values()),
        plus=sum(row.plus for row in sums.values()),
        minus=sum(row.minus for row in sums.values()),
        points_before=sum(row.points for row in sums_before.values()),
        won=won_in(won, period.now),
        won_before=won_in(won, period.before),
        improved=_improved(people),
        slides=tuple(person for person in people if _slides(person)),
        people=tuple(people),
        rules=_rules(current, names),
        now=now,
        waiting=waiting or Waiting(),
    )


def _scored_days(rows: Iterable[Totals]) -> int:
    """Count the days on which at least one person was scored."""
    return len(frozenset[date]().union(*(row.scored_days for row in rows)))


def are_comparable(days: int, days_before: int) -> bool:
    """Tell whether neither side has fewer than three quarters of the other's scored days (docs/product.md §11)."""
    return min(days, days_before) > 0 and 4 * min(days, days_before) >= 3 * max(days, days_before)


def _rise(now: Totals, before: Totals) -> Decimal | None:
    if not are_comparable(len(now.scored_days), len(before.scored_days)):
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
        if min(len(person.totals.scored_days), len(person.before.scored_days)) >= ENOUGH_DAYS
        and person.change is not None
        and person.change > 0
    ]
    best = max((rise for rise, _ in rises), default=None)
    return tuple(person for rise, person in rises if rise == best)


def _slides(person: PersonLine) -> bool:
    """Tell whether discipline fell by SLIDE or more in both of the last two comparisons."""
    falls = (person.change, person.change_before)
    return all(fall is not None and fall <= -SLIDE for fall in falls)


def _rules(entries: Iterable[Entry], names: Mapping[str, str]) -> tuple[RuleLine, ...]:
    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    breakers: dict[str, Counter[str]] = defaultdict(Counter)
    judged: dict[str, set[str]] = defaultdict(set)
    kpis: dict[str, str] = {}
    for entry in in_force(entries):
        if entry.outcome is None or not entry.rule:
            continue
        kpis[entry.rule] = entry.kpi
        counts[entry.rule][entry.outcome] += 1
        if entry.outcome.scored:
            judged[entry.rule].add(entry.crm_user)
        breakers[entry.rule][entry.crm_user] += entry.outcome is Outcome.BROKEN
    lines = [
        RuleLine(
            rule,
            kpi,
            counts[rule][Outcome.KEPT],
            counts[rule][Outcome.BROKEN],
            tuple(
                (user, names[user], times)
                for user, times in sorted(
                    breakers[rule].items(), key=lambda item: (-item[1], alphabetical(names[item[0]]), item[0])
                )
                if times
            ),
            len(judged[rule]),
        )
        for rule, kpi in kpis.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.broken, line.rule)))
