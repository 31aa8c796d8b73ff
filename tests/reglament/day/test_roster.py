"""Who belongs to which team, by the settings and the CRM's users."""

from __future__ import annotations

from crm_clients.base import CrmUser
from reglament.config.team import TeamSettings
from reglament.day.roster import rosters

ANNA = CrmUser("11", "Анна Примерова", departments=frozenset({"5"}))
PETR = CrmUser("12", "Пётр Образцов", departments=frozenset({"5", "6"}))
ROBOT = CrmUser("13", "Интеграция", human=False)
GONE = CrmUser("14", "Бывший Сотрудник", active=False)
USERS = [PETR, ANNA, ROBOT, GONE]


def teams(**members):
    return {
        key: TeamSettings.model_validate({"crm": "main", "members": chosen, **rest})
        for key, (chosen, rest) in members.items()
    }


def members_of(found):
    return {key: list(roster.members) for key, roster in found.items()}


def test_everyone_is_every_active_human_by_name():
    assert members_of(rosters(teams(sales=({"everyone": True}, {})), USERS)) == {"sales": ["11", "12"]}


def test_a_listed_user_belongs_to_the_team_that_lists_him_wherever_it_stands():
    found = rosters(teams(all=({"everyone": True}, {}), vip=({"users": ["12"]}, {})), USERS)
    assert members_of(found) == {"all": ["11"], "vip": ["12"]}


def test_of_two_departments_the_first_team_in_the_settings_has_the_user():
    found = rosters(teams(five=({"department": "5"}, {}), six=({"department": "6"}, {})), USERS)
    assert members_of(found) == {"five": ["11", "12"], "six": []}


def test_an_account_that_is_credited_to_another_is_no_member():
    found = rosters(teams(sales=({"everyone": True}, {"aliases": {"12": "11"}})), USERS)
    assert members_of(found) == {"sales": ["11"]}


def test_a_listed_user_may_be_unknown_and_one_who_left_is_neither_member_nor_unknown():
    [roster] = rosters(teams(sales=({"users": ["11", "14", "404"]}, {})), USERS).values()
    assert list(roster.members) == ["11"]
    assert roster.unknown == ("404",)
