"""Say whom the rules judge otherwise, and since when: launch, probation, schedules, shares (docs/product.md §12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from babel.dates import get_day_names

from bot.texts import Texts, safe
from scoring.rules import Rule, Rulebook
from scoring.terms.employment import FULL, Employment
from scoring.terms.launch import CarriedOver


def rule_terms(t: Texts, rule: Rule, today: date) -> str:
    """Write the roles that a rule judges, and until when the rule is in observation."""
    found = []
    if rule.roles:
        found.append(t("rules-roles", roles=t.listed(map(safe, rule.roles))))
    if rule.observe_until is not None and today <= rule.observe_until:
        found.append(t("rules-until", day=t.day(rule.observe_until)))
    return "".join(f" · {text}" for text in found)


def terms(t: Texts, book: Rulebook, members: Mapping[str, str], today: date) -> Iterator[str]:
    """List the terms of the launch and of probation, what holds on part of a day and on a first day, and for whom."""
    launch = book.launch
    if launch.observe_until is not None and today <= launch.observe_until:
        yield t("rules-launch-observe", day=t.day(launch.observe_until))
    states = bool(book.state_kpis)
    if states and launch.ignore_before is not None:
        yield t("rules-launch-ignore", day=t.full_day(launch.ignore_before))
    if states and launch.carried_over is CarriedOver.ONCE:
        yield t("rules-launch-once")
    if book.probation_days:
        yield t("rules-probation", n=book.probation_days)
    yield t("rules-half-day")
    if states:
        yield t("rules-back")
    yield from _people(t, book, members)


def _people(t: Texts, book: Rulebook, members: Mapping[str, str]) -> Iterator[str]:
    """Write the terms of people, a line for all who share the terms."""
    by_terms: dict[Employment, list[str]] = defaultdict(list)
    for user, terms_of_person in book.people.items():
        if terms_of_person != Employment():
            by_terms[terms_of_person].append(safe(members.get(user, user)))
    for shared, names in by_terms.items():
        yield t("rules-people", people=t.listed(sorted(names)), terms=", ".join(_written(t, shared)))


def _written(t: Texts, person: Employment) -> Iterator[str]:
    cycle = person.cycle
    if cycle is not None:
        yield t("rules-cycle", on=cycle.on, off=cycle.off, day=t.full_day(cycle.start))
    if person.weekdays is not None:
        names = get_day_names("abbreviated", locale=t.language)
        yield t("rules-weekdays", days=t.listed(names[day] for day in person.weekdays))
    if person.share != FULL:
        yield t("rules-share", percent=t.percent((person.share * 100).quantize(Decimal("0.1"))))
    if person.since is not None:
        yield t("rules-since", day=t.full_day(person.since))
    if person.role:
        yield t("rules-role", role=safe(person.role))
