"""`/rules`: nothing that decides a point is secret, in plain words made from the settings."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.context import TeamContext
from bot.screens.rules.example import RulesExample
from bot.screens.rules.rulebook import RulesInForce, rules_view
from bot.telegram.splitting import size, split
from bot.texts import texts
from reglament.config.rules import DEFAULT_RULES
from scoring.crm_names import CrmNames
from scoring.kpis import CATALOGUE, KpiKind, KpiSettings, Unit
from scoring.payout import MoneyTerms
from scoring.rules import Bound, CrmCounting, Rule, Rulebook
from scoring.terms.employment import Cycle, Employment
from scoring.terms.launch import CarriedOver, Launch
from scoring.workdays import WindowKind, WorkCalendar

RU, EN = texts("ru"), texts("en")
MOSCOW = ZoneInfo("Europe/Moscow")
FRIDAY = date(2026, 11, 20)
CALENDAR = WorkCalendar(
    MOSCOW,
    days_off=frozenset({date(2026, 11, 24)}),
    extra_workdays=frozenset({date(2026, 11, 28)}),
    short_days={date(2026, 12, 30): time(15)},
)
REQUIRED = {"*": ("Бюджет",), "3": ("Источник", "Сайт"), "3/9": ("ИНН",)}
CRM = CrmCounting("owner", "mover", ("Показ", "Встреча"), REQUIRED, "UF_WHY")


def rule(kpi: str) -> Rule:
    """A rule on a KPI as an owner would write it."""
    states = CATALOGUE[kpi].kind is KpiKind.STATE or kpi in ("missed_calls", "deals_lost", "lost_without_reason")
    currency = "RUB" if CATALOGUE[kpi].unit is Unit.MONEY else None
    return Rule(kpi, kpi, Bound.AT_MOST if states else Bound.AT_LEAST, Decimal(1), currency=currency)


EVERY = Rulebook(tuple(rule(kpi) for kpi in CATALOGUE), KpiSettings(excluded_pipelines=frozenset({"7", "11"})), crm=CRM)
EXAMPLE = RulesExample(date(2026, 11, 19), {"calls_held": (5, 7), "meetings_held": (1, 3)}, 6, 4, -2)


def shown(book: Rulebook = EVERY, *, t=RU, whys=None, **data) -> str:
    team = TeamContext("sales", "Отдел продаж", "main", CALENDAR, book, whys=whys or {})
    cutoff = CALENDAR.cutoff_of(FRIDAY)
    return rules_view(t, team, RulesInForce(FRIDAY, book, cutoff, **data)).text


@pytest.mark.parametrize(
    "words",
    [
        "(Europe/Moscow)",
        "что внесено после 18:00 или в выходной, идёт в следующий рабочий день",
        "нерабочие дни кроме обычных: 24 ноября",
        "Рабочие дни в выходные: 28 ноября",
        "Короткие дни (срез раньше): 30 декабря (15:00)",
        "Новая компания считается у того, кто за неё отвечает",
        "считается у того, кто перевёл её на этот этап",
        "не меньше 30 с",
        "Пропущенные звонки считаются в рабочие дни, часы 09:00–18:00",
        "Причина проигрыша – поле UF_WHY",
        "Встречи – это дела таких типов: Показ и Встреча",
        "снова в течение 14 дней, второй раз не считается",
        "Сделки этих воронок не считаются: 11 и 7",
        "дольше 14 рабочих дней",
        "больше 24 ч",
        "Обязательные поля: Бюджет",
        "Обязательные поля в воронке 3: Источник и Сайт",
        "Обязательные поля в воронке 3 с этапа 9: ИНН",
        "Новой сделке даётся 60 мин рабочего времени",
        "у нового ответственного в первый день не считается",
        "со спорной записью и без неё",
        "День, который не удалось прочитать",
    ],
)
def test_all_that_decides_a_point_is_told(words):
    assert words in shown()


def test_only_what_the_rules_need_is_told():
    text = shown(Rulebook((rule("companies_added"),)))
    for words in ("Звонок считается", "Пропущенные", "Обязательные", "застряла", "14 дней", "мин рабочего времени"):
        assert words not in text
    assert "Новая компания считается у того, кто её создал" in text


def test_with_a_calendar_day_it_is_said_that_the_evening_counts_nowhere():
    book = replace(EVERY, window=WindowKind.CALENDAR_DAY)
    assert "что внесено между 18:00 и полуночью, не считается нигде" in shown(book)
    assert "between 18:00 and midnight counts nowhere" in shown(book, t=EN)


def test_a_new_course_is_announced_from_the_first_of_the_next_month():
    terms = MoneyTerms(per_point=Decimal(100), base=Decimal(5000), cap=Decimal(9000))
    text = shown(money=terms, money_next=replace(terms, per_point=Decimal(150), cap=None)).replace("\xa0", " ")
    assert "Цена балла: плюс 100 ₽" in text
    assert "основа 5 000 ₽ и баллы, не меньше 0 ₽, не больше 9 000 ₽" in text
    assert "С 1 декабря цена балла другая: плюс 150 ₽" in text
    assert "верхней границы нет" in text
    assert "С 1 декабря баллы не оплачиваются" in shown(money=terms)
    assert "С 1 декабря цена балла другая" in shown(money_next=terms)
    assert "С 1 декабря" not in shown(money=terms, money_next=terms)


@pytest.mark.parametrize("t", [RU, EN])
def test_the_shipped_rules_fit_a_message_and_rules_on_every_kpi_two(t):
    terms = MoneyTerms(base=Decimal("12345678.90"), cap=Decimal("99999999.99"))
    data = {"t": t, "money": terms, "money_next": MoneyTerms(), "changes_on": FRIDAY, "example": EXAMPLE}
    shipped = Rulebook(tuple(rule.rule("RUB") for rule in DEFAULT_RULES))
    assert size(shown(shipped, **data)) <= 4096
    assert len(split(shown(**data))) <= 2


@pytest.mark.parametrize("t", [RU, EN])
def test_every_rule_has_a_reason_and_the_settings_give_another(t):
    text = shown(t=t)
    for kpi in CATALOGUE:
        assert f"<i>{t(f'why-{kpi}')}</i>" in text
    own = shown(t=t, whys={"calls_held": "Кто <звонит>, тот продаёт"})
    assert "<i>Кто &lt;звонит&gt;, тот продаёт</i>" in own
    assert t("why-calls_held") not in own


def test_the_last_day_is_an_example_of_what_the_rules_mean():
    text = shown(example=EXAMPLE)
    assert f"<i>{RU('why-calls_held')}</i> · 19 ноября выполнено у 5 из 7" in text
    assert "Пример: 19 ноября в отделе выполнено правил: 6, нарушено: 4, вместе −2 балла" in text


def test_an_example_tells_nothing_about_a_person():
    """Of three scored people two know the third's result; the whole department's figure stands in the group anyway."""
    text = shown(example=EXAMPLE)
    assert "из 3" not in text
    assert "Пример" not in shown()


NAMES = CrmNames(
    {"3": "Тёплые & новые", "7": "Архив"},
    {"3/9": "Договор"},
    {"ИНН": "ИНН клиента", "UF_WHY": "Почему"},
    {"Показ": "Показ дома"},
)


def test_what_the_settings_name_by_id_is_told_by_the_names_of_the_crm():
    text = shown(names=NAMES)
    assert "Сделки этих воронок не считаются: 11 и «Архив»" in text
    assert "Обязательные поля в воронке «Тёплые &amp; новые» с этапа «Договор»: «ИНН клиента»" in text
    assert "Встречи – это дела таких типов: «Показ дома» и Встреча" in text
    assert "Причина проигрыша – поле «Почему»" in text
    assert "fields in funnel “Тёплые &amp; новые” from stage “Договор” on" in shown(names=NAMES, t=EN)


def test_accounts_that_count_for_another_are_told():
    book = replace(EVERY, aliases={"45": "12", "46": "13"})
    text = shown(book, members={"12": "Анна К."})
    assert "Что в CRM записано на пользователя 45, считается у: Анна К." in text
    assert "Что в CRM записано на пользователя 46, считается у: 13" in text
    assert "считается у: " not in shown()


def test_a_stage_of_all_pipelines_is_told_as_the_settings_spell_it():
    """No pipeline is called so: `check` names the mistake, and `/rules` does not make it a rule of every stage."""
    text = shown(replace(EVERY, crm=replace(CRM, required_fields={"*/9": ("ИНН",)})))
    assert "Обязательные поля в воронке * с этапа 9: ИНН" in text


def test_names_from_outside_are_escaped():
    book = replace(EVERY, crm=replace(CRM, required_fields={"<b>": ("a<i>",)}))
    assert "в воронке &lt;b&gt;: a&lt;i&gt;" in shown(book)


def test_terms_of_people_and_of_a_launch_are_no_secret():
    """Every field of these parts of the rulebook changes the text."""
    person = Employment((0, 2), Cycle(FRIDAY, 2, 1), Decimal("0.5"), FRIDAY, "closer")
    plain = replace(EVERY, people={"7": Employment()})
    text = shown(replace(EVERY, people={"7": person}), members={"7": "Анна"})
    assert "Анна: смены 2 через 1 с 20 ноября" in text
    for words in ("рабочие дни пн и ср", "50 % дня", "оценка с 20 ноября 2026", "роль closer"):
        assert words in text.replace("\xa0", " "), words
    for part in fields(Launch):
        value: Any = {part.name: CarriedOver.ONCE if part.name == "carried_over" else FRIDAY}
        assert shown(replace(plain, launch=Launch(**value))) != shown(plain), part.name
    for changed in ({"roles": ("closer",)}, {"observe_until": FRIDAY}):
        judged = replace(rule("calls_held"), **changed)
        assert shown(Rulebook((judged,))) != shown(Rulebook((rule("calls_held"),)))
    assert shown(replace(plain, probation_days=5)) != shown(plain)
