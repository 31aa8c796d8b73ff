"""Evidence says what to mend, in both languages (docs/product.md §3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.evidence import not_scored
from bot.screens.evidence.folding import Folding
from bot.texts import Texts, texts
from scoring.rules import Rulebook
from scoring.scorecard import Scorecard, score
from scoring.snapshot import Evidence, Manager, NotAvailable, Reading, Snapshot, Value
from scoring.workdays import WorkCalendar
from tests.scoring.builders import at_least, at_most

MOSCOW = ZoneInfo("Europe/Moscow")
AT = datetime(2026, 11, 19, 18, tzinfo=MOSCOW).astimezone(UTC)
"""Thursday's cutoff."""
TEAM = TeamContext("sales", "Продажи", "main", WorkCalendar(MOSCOW), Rulebook(()), crm_host="crm.example")


def ago(**length: float) -> datetime:
    return AT - timedelta(**length)


def item(kind: str = "deal", title: str = "Фильтры", **more: object) -> Evidence:
    return Evidence(kind, "7", title, "https://crm.example/7", **more)  # type: ignore[arg-type]


def card(rulebook: Rulebook, **readings: Reading) -> Scorecard:
    return score(Snapshot(Manager("7", "Анна"), readings), rulebook, AT.date())


def told(t: Texts, kpi: str, *items: Evidence) -> list[str]:
    """The lines under a broken rule, without link and bullet."""
    [line] = card(Rulebook((at_most(kpi),)), **{kpi: Value(len(items), items)}).lines
    shown = lines.broken(t, line, TEAM, AT)[1:]
    return [each.strip(" •").replace('<a href="https://crm.example/7">', "").replace("</a>", "") for each in shown]


@pytest.mark.parametrize(
    ("deadline", "ru", "en"),
    [
        (ago(seconds=20), "просрочено на 1 мин (срок 19.11, 17:59)", "1 min overdue (due Nov 19, 17:59)"),
        (ago(minutes=59), "просрочено на 59 мин (срок 19.11, 17:01)", "59 min overdue (due Nov 19, 17:01)"),
        (ago(hours=2.5), "просрочено на 2 ч (срок 19.11, 15:30)", "2 h overdue (due Nov 19, 15:30)"),
        (ago(hours=31), "просрочено на 1 день (срок 18.11, 11:00)", "1 day overdue (due Nov 18, 11:00)"),
        (ago(days=2, hours=18), "просрочено на 2 дня (срок 17.11)", "2 days overdue (due Nov 17)"),
        (ago(days=21), "просрочено на 21 день (срок 29.10, 18:00)", "21 days overdue (due Oct 29, 18:00)"),
    ],
)
def test_a_task_says_by_how_much_it_is_overdue(deadline: datetime, ru: str, en: str) -> None:
    late = item("task", "Позвонить", since=deadline)
    assert told(texts("ru"), "overdue_tasks", late) == [f"Позвонить – открыть · {ru}"]
    assert told(texts("en"), "overdue_tasks", late) == [f"Позвонить – open · {en}"]


def test_a_date_without_a_time_is_overdue_by_whole_days_also_where_the_clock_was_changed() -> None:
    berlin = WorkCalendar(ZoneInfo("Europe/Berlin"))
    team = TeamContext("sales", "Продажи", "main", berlin, Rulebook(()))
    at = datetime(2026, 3, 30, 18, tzinfo=berlin.zone)
    since = datetime(2026, 3, 28, tzinfo=berlin.zone).astimezone(UTC)  # the night between has 23 hours
    [line] = card(Rulebook((at_most("overdue_tasks"),)), overdue_tasks=Value(1, (item("task", since=since),))).lines
    assert "просрочено на 2 дня" in lines.broken(texts("ru"), line, team, at)[1]


def test_a_stale_deal_says_how_many_working_days_it_stands_in_the_stage() -> None:
    monday = ago(days=17)  # 2 November; the 4th is no holiday in this calendar
    assert told(texts("ru"), "stale_deals", item(since=monday)) == ["Фильтры – открыть · на этапе 13 рабочих дней"]
    assert told(texts("en"), "stale_deals", item(since=ago(days=1))) == ["Фильтры – open · 1 working day in the stage"]


def test_a_deal_names_its_empty_fields_and_counts_those_beyond_six() -> None:
    few = item(missing_fields=("Город <доставки>", "price"))
    assert told(texts("ru"), "deals_missing_fields", few) == [
        "Фильтры – открыть · не заполнено: Город &lt;доставки&gt;, Бюджет"
    ]
    assert told(texts("en"), "deals_missing_fields", few) == [
        "Фильтры – open · not filled in: Город &lt;доставки&gt;, Sale value"
    ]
    many = item(missing_fields=tuple(f"Поле {n}" for n in range(1, 10)))
    [line] = told(texts("ru"), "deals_missing_fields", many)
    assert line.endswith("Поле 5, Поле 6 и ещё 3")


@pytest.mark.parametrize(
    ("title", "ru", "en"),
    [
        ("…4567", "с номера …4567", "from …4567"),
        ("+7 912 345-45-67", "с номера …4567", "from …4567"),  # as earlier releases stored Bitrix24's calls
        ("4951234567", "с номера …4567", "from …4567"),
        ("#4711", "номер не передан", "number withheld"),
        ("Входящий: Тест-Снаб, …2923", "Входящий: Тест-Снаб, …2923", "Входящий: Тест-Снаб, …2923"),
    ],
)
def test_a_missed_call_says_whom_it_came_from_by_four_digits(title: str, ru: str, en: str) -> None:
    call = item("call", title, since=ago(hours=1))
    assert told(texts("ru"), "missed_calls", call) == [f"{ru} – открыть · 19.11, 17:00"]
    assert told(texts("en"), "missed_calls", call) == [f"{en} – open · Nov 19, 17:00"]


@pytest.mark.parametrize("kpi", ["missed_calls", "deals_lost", "lost_without_reason"])
def test_a_broken_rule_on_events_that_must_not_be_lists_five_folds_twenty_and_counts_the_rest(kpi: str) -> None:
    items = [item(title=f"Сделка {n}", since=ago(hours=n)) for n in range(1, 29)]
    shown = told(texts("ru"), kpi, *items)
    assert [line.partition(" –")[0] for line in shown[:5]] == [f"Сделка {n}" for n in range(1, 6)]
    assert shown[5].startswith("<blockquote expandable>• Сделка 6 –")
    assert shown[24].endswith("</blockquote>")
    assert shown[25:] == ["…и ещё 3"]


def test_quotations_of_a_message_share_its_room() -> None:
    folding = Folding(room=20)
    assert folding.fold(["   • <b>ten</b> &amp; ten", "   • another that is too long"]) == [
        "<blockquote expandable>• <b>ten</b> &amp; ten</blockquote>"
    ]
    assert folding.fold(["   • ten and ten"]) == []
    assert Folding().fold([]) == []


@pytest.mark.parametrize(
    ("kpi", "more", "ru", "en"),
    [
        ("calls_held", {}, "✖️ Звонки: 8 из 10, не хватает 2 (−2 балла)", "✖️ Calls: 8 of 10, 2 more needed (−2 points)"),
        ("talk_minutes", {}, "✖️ Минуты разговора: 8 из 10, не хватает 2 (−2 балла)",
         "✖️ Talk minutes: 8 of 10, 2 more needed (−2 points)"),
    ],
)  # fmt: skip
def test_a_rule_broken_by_what_is_missing_says_how_many_more(kpi: str, more: dict[str, str], ru: str, en: str) -> None:
    items = (item("call", since=ago(hours=1)),)
    [line] = card(Rulebook((at_least(kpi, "10", **more),)), **{kpi: Value(8, items)}).lines
    assert lines.broken(texts("ru"), line, TEAM, AT) == [ru]
    assert lines.broken(texts("en"), line, TEAM, AT) == [en]


def test_fields_that_nobody_named_are_not_blamed_on_the_crm() -> None:
    book = Rulebook((at_most("deals_missing_fields"), at_most("lost_without_reason"), at_most("missed_calls")))
    found = card(book, **{rule.kpi: NotAvailable() for rule in book.rules})
    assert not_scored.unscored(texts("ru"), found) == [
        "⚪ Не оценивается: сделки с пустыми полями. "
        "Никто ещё не сказал, какие поля обязательны (настройка required_fields)",
        "⚪ Не оценивается: проиграно без причины. "
        "Никто ещё не сказал, в каком поле стоит причина проигрыша (настройка loss_reason_field)",
        "⚪ Этой CRM недоступно: пропущенные звонки",
    ]
    assert not_scored.unscored(texts("en"), found)[0] == (
        "⚪ Not scored: deals with empty fields. "
        "Nobody has said yet which fields are required (setting required_fields)"
    )
