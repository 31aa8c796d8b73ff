"""`[teams.T.people."ID"]`, roles and launch: docs/product.md §12."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reglament.commands.check import find_unjudged
from reglament.config.settings import build
from reglament.config.team import TeamSettings
from reglament.day.roster import Roster
from reglament.errors import SettingsError
from scoring.rules import Rulebook
from scoring.snapshot import Manager
from scoring.terms.employment import Cycle, Employment
from scoring.terms.launch import Launch

CLOSERS = {"kpi": "deals_won", "at_least": 1, "roles": ["closer"]}


def team(**tables: Any) -> TeamSettings:
    plain = {"crm": "main", "members": {"users": ["7", "12"]}}
    return build({"crm": {"main": {"kind": "demo"}}, "teams": {"sales": plain | tables}}).teams["sales"]


def test_how_people_work_is_part_of_the_rulebook_without_names_and_numbers():
    anna = {"share": 0.5, "since": "2026-12-01", "role_profile": "closer", "weekdays": ["wed", "mon"]}
    shifts = {"from": "2026-11-02", "on": 2, "off": 2}
    book = team(people={"7": anna, "12": {"cycle": shifts}}).rulebook()
    assert book.employment("7") == Employment((0, 2), None, Decimal("0.5"), date(2026, 12, 1), "closer")
    assert book.employment("12").cycle == Cycle(date(2026, 11, 2), 2, 2)
    assert book.employment("99") == Employment()
    named = {"7": anna | {"full_name": "Анна", "personnel_number": "1"}, "12": {"cycle": shifts}}
    assert team(people=named).rulebook().version == book.version
    assert Rulebook.from_json(book.to_json()).people == book.people


def test_a_person_without_own_terms_changes_no_rulebook():
    assert team(people={"7": {"full_name": "Анна"}}).rulebook().version == team().rulebook().version


def test_a_launch_and_the_observation_of_a_rule_are_part_of_the_rulebook():
    rules = [CLOSERS | {"observe_until": "2026-12-31"}]
    book = team(rules=rules, launch={"observe_until": "2026-12-12", "ignore_before": "2026-11-28"}).rulebook()
    assert book.launch == Launch(date(2026, 12, 12), date(2026, 11, 28))
    assert (book.rules[0].observe_until, book.rules[0].roles) == (date(2026, 12, 31), ("closer",))
    stored = Rulebook.from_json(book.to_json())
    assert (stored.launch, stored.rules) == (book.launch, book.rules)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"share": 0}, "people.7.share"),
        ({"share": "1.5"}, "people.7.share"),
        ({"weekdays": []}, "at least one of mon"),
        ({"weekdays": ["mon"], "cycle": {"from": "2026-11-02", "on": 2, "off": 2}}, "write only one of both"),
        ({"cycle": {"from": "2026-11-02", "on": 0, "off": 2}}, "people.7.cycle.on"),
        ({"cycle": {"on": 1, "off": 2}}, "people.7.cycle.from"),
        ({"role_profile": "best man"}, "at most 40 of A-Z"),
        ({"since": "soon"}, "must be a date"),
        ({"days": []}, "people.7.days"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused_by_name(person, words):
    with pytest.raises(SettingsError, match=words):
        team(people={"7": person})


def test_an_account_that_is_credited_to_another_has_no_terms_of_its_own():
    with pytest.raises(SettingsError, match=r"people: 45 is credited to 7 \(aliases\)"):
        team(people={"45": {"share": 0.5}}, aliases={"45": "7"})


def test_check_names_whom_no_rule_judges_and_who_is_not_there():
    roster = Roster({"7": Manager("7", "Анна"), "12": Manager("12", "Борис")})
    settings = team(
        rules=[CLOSERS, CLOSERS | {"id": "x", "roles": ["hunter"]}], people={"7": {"role_profile": "closer"}}
    )
    found = [line.finding.text for line in find_unjudged("crm.main", "teams.sales", settings, roster)]
    assert found == ["no rule judges Борис (12)", "rules name roles that no member has: hunter"]
    [stranger] = find_unjudged("crm.main", "teams.sales", team(people={"99": {"share": 0.5}}), roster)
    assert stranger.finding.text == "people that are no members of the team: 99"
