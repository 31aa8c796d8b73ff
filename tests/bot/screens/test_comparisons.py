"""Weeks are compared honestly, in words: both sides' scored days, no arrow without a base (docs/product.md §11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.context import TeamContext
from bot.screens import percent_change
from bot.screens.periods import Shown, TeamPeriod, period_view, worst_rules
from bot.telegram.callbacks import Part
from bot.texts import texts
from reports.summary.evidence import WonDay
from reports.summary.stretches import compare_weeks
from reports.summary.summary import RuleLine, summarize
from scoring.rules import Rulebook
from scoring.scorecard import Outcome
from scoring.workdays import WorkCalendar
from tests.reports.people import Ledger, sums_of

CALENDAR = WorkCalendar(ZoneInfo("Europe/Moscow"))
TEAM = TeamContext("sales", "Продажи", "main", CALENDAR, Rulebook(()))
ANNA, BORIS = ("7", "Анна"), ("12", "Борис")
LAST_WEEK = [date(2026, 11, day) for day in range(9, 14)]
WEEK = [date(2026, 11, day) for day in range(16, 21)]


def shown(language: str, days_before: int, days_now: int, *, outcome: Outcome, part: Part = Part.ALL) -> list[str]:
    """The lines of a week in which both did alike, after a week without a broken rule; Boris wins a deal each day."""
    ledger = Ledger()
    for who in (ANNA, BORIS):
        for day in LAST_WEEK[:days_before]:
            ledger.score(who, day, Outcome.KEPT, "calls_held")
        for day in WEEK[:days_now]:
            ledger.score(who, day, outcome, "calls_held")
    days = (*LAST_WEEK[:days_before], *WEEK[:days_now])
    won = [WonDay("12", day, 1, {"RUB": Decimal(300_000)}) for day in days]
    period = compare_weeks(CALENDAR, WEEK[0], WEEK[-1])
    summary = summarize(period, sums_of(period, ledger.rows), [ANNA, BORIS], won=won)
    t = texts("ru" if language == "ru" else "en")
    text = period_view(t, TEAM, TeamPeriod(summary, None), Shown(part)).text
    return text.replace("\xa0", " ").split("\n")


def test_both_sides_say_how_many_days_were_scored_and_points_go_by_day() -> None:
    ru = shown("ru", 4, 5, outcome=Outcome.KEPT)
    assert ru[1:5] == [
        "5 рабочих дней, оценено 5. Для сравнения: 9 – 13 ноября, оценено 4",
        "Дисциплина: 100 % (без изменений)",
        "Баллы: +10 (+10 и 0), +2 за оценённый день, было +2",
        "Выиграно: 5 сделок, 1,5 млн ₽; за оценённый день 1 (300 тыс. ₽), было 1 (300 тыс. ₽)",
    ]
    en = shown("en", 4, 5, outcome=Outcome.KEPT)
    assert en[1:5] == [
        "5 working days, 5 scored. Compared with November 9 – 13, 4 scored",
        "Discipline: 100% (no change)",
        "Points: +10 (+10 and 0), +2 per scored day, before: +2",
        "Won: 5 deals, RUB 1.5M; 1 (RUB 300K) per scored day, before: 1 (RUB 300K)",
    ]


@pytest.mark.parametrize(("before", "now", "won"), [(5, 3, "3 сделки, 900 тыс. ₽"), (3, 5, "5 сделок, 1,5 млн ₽")])
def test_too_few_days_on_a_side_compare_nothing(before: int, now: int, won: str) -> None:
    ru = shown("ru", before, now, outcome=Outcome.BROKEN)
    assert ru[1:5] == [
        f"5 рабочих дней, оценено {now}. Сравнивать с 9 – 13 ноября нельзя: там оценено {before}",
        "Дисциплина: 0 %",
        f"Баллы: −{4 * now} (0 и −{4 * now}), −4 за оценённый день",
        f"Выиграно: {won}",
    ]
    people = shown("en", before, now, outcome=Outcome.BROKEN, part=Part.PEOPLE)
    assert people[1] == f"• Анна: 0% (days: {now}, before {before}), −{2 * now} points"


def test_without_a_week_before_nothing_is_compared() -> None:
    ru = shown("ru", 0, 5, outcome=Outcome.KEPT)
    assert ru[1:4] == [
        "5 рабочих дней, оценено 5. Сравнить пока не с чем",
        "Дисциплина: 100 %",
        "Баллы: +10 (+10 и 0), +2 за оценённый день",
    ]
    assert shown("ru", 0, 5, outcome=Outcome.KEPT, part=Part.PEOPLE)[1] == "• Анна: 100 %, +5 баллов"


@pytest.mark.parametrize(
    ("times", "ru", "en"),
    [(1, "2 раза (все)", "2 times (everybody)"), (3, "6 раз (все, по 3 раза)", "6 times (everybody, 3 times each)")],
)
def test_where_all_broke_a_rule_alike_nobody_is_the_worst(times: int, ru: str, en: str) -> None:
    assert f"✖️ Чаще всего нарушали правило «Звонки»: {ru}" in shown("ru", 0, times, outcome=Outcome.BROKEN)
    assert f"✖️ Broken most: “Calls”, {en}" in shown("en", 0, times, outcome=Outcome.BROKEN)


def test_a_change_is_an_arrow_only_with_a_base() -> None:
    t = texts("ru")
    assert percent_change.beside(t, Decimal("-2.5"), (4, 4)) == " (▼ 2,5 п. п.; дней: 4, было 4)"
    assert percent_change.beside(t, Decimal(5)) == " (▲ 5 п. п.)"
    assert percent_change.beside(t, None, (4, 0)) == ""
    assert percent_change.beside(t, None) == ""


def test_several_rules_broken_equally_often_share_the_line_and_once_is_no_habit() -> None:
    t = texts("ru")
    calls, tasks = [RuleLine(key, key, 1, 3, (("7", "Анна", 3),)) for key in ("calls_held", "overdue_tasks")]
    once = replace(calls, broken=1, breakers=(("7", "Анна", 1),))
    assert worst_rules(t, ()) == []
    assert worst_rules(t, (calls,)) == ["✖️ Чаще всего нарушали правило «Звонки»: 3 раза (Анна ×3)"]
    assert worst_rules(t, (tasks, calls)) == [
        "✖️ Чаще всего нарушали правила «Звонки», «Просроченные задачи»: по 3 раза"
    ]
    assert worst_rules(t, (once,)) == ["✖️ Нарушено один раз: правило «Звонки» (Анна)"]
    assert worst_rules(t, (once, replace(once, kpi="overdue_tasks"))) == [
        "✖️ По одному разу нарушены правила «Звонки», «Просроченные задачи»"
    ]
