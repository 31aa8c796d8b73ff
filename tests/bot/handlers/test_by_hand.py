"""Heads pardon, adjust and correct in the chat, and managers read why (docs/product.md §13)."""

from __future__ import annotations

from datetime import date

import pytest

from bot.screens.by_hand.adjusting import parse_adjustment
from bot.screens.by_hand.reasons import parse_day
from bot.texts import texts
from scoring.scorecard import Outcome
from storage.ledger import by_hand
from storage.people import people
from storage.values import PointsAuthor, Role, RoleGrant
from tests.bot.office import ADMIN, ANNA, HEAD

TODAY = date(2026, 11, 19)


async def _tap(office, user, message, *texts):
    """Tap the buttons of a message one after the other, each in what the one before left."""
    for text in texts:
        button = next(each for line in message.rows for each in line if each["text"].startswith(text))
        await office.tap(user, message, button)


async def _broken(office):
    async with office.process.db.reading() as session:
        return await by_hand.broken(session, "sales", TODAY)


async def test_a_head_pardons_a_day_by_buttons_and_everybody_reads_it_once(office):
    await office.join_anna()
    await office.evening()
    head = office.api.user(HEAD)
    head.says("/pardon")
    message = await office.api.message(HEAD, "за какой день")
    await _tap(office, head, message, "19 ноября", "Все нарушения дня", "CRM не работала")
    assert message.text.startswith("Готово:")
    assert await _broken(office) == []
    await office.later()
    last = office.api.chat(ANNA).messages[-1]
    assert last.text == (
        "19 ноября: нарушения этого дня не считаются ни у кого. Причина: CRM не работала (руководитель)."
    )
    head.says("/pardon 19.11 ещё раз")
    await office.api.message(HEAD, "прощать нечего")


async def test_a_head_corrects_a_rule_from_who_and_a_stale_button_changes_nothing(office):
    await office.join_anna()
    await office.evening()
    head, row = office.api.user(HEAD), (await _broken(office))[0]
    head.says(f"/who #{row.crm_user}")
    await _tap(office, head, await office.api.message(HEAD, "Неделя 47"), "Показать всё")
    day = office.api.chat(HEAD).messages[-1]
    await _tap(office, head, day, "Исправить оценку", texts("ru")(f"kpi-{row.kpi}"), "Соблюдено")
    stale = next(each for line in day.rows for each in line if each["text"] == "сделано до среза")
    await _tap(office, head, day, "Своя причина")
    head.says("x" * 3000)
    await office.api.message(HEAD, "слишком длинная")
    head.says("звонил с мобильного")
    await office.api.message(HEAD, "соблюдено: +3 балла")
    await office.tap(head, day, stale)
    assert "уже изменили" in day.text


async def test_an_owner_confirms_that_a_pardon_takes_in_its_author(office):
    person = await office.join_anna()
    async with office.process.db.transaction() as session:
        await people.grant(session, person, RoleGrant(Role.HEAD, "sales"), author="test", at=office.clock())
    await office.evening()
    async with office.process.db.reading() as session:
        rule = (await by_hand.rules_of_day(session, "sales", "11", TODAY))[0]
    boss = PointsAuthor("Борис", is_owner=True)
    await office.ctx.points.correct("sales", rule.seq, Outcome.BROKEN, "записано чужое", boss)
    await office.later()
    assert (await office.api.message(ANNA, "исправлено на «нарушено»")).text.endswith(
        "Причина: записано чужое (Борис)."
    )
    assert "Не согласен" in str(office.api.chat(ANNA).messages[0].buttons)
    own = [row for row in await _broken(office) if row.crm_user == "11"]
    office.api.user(ANNA).says("/pardon 19.11 телефония лежала")
    answer = await office.api.message(ANNA, "Готово:")
    assert "о них спросил владельца" in answer.text
    assert await _broken(office) == own != []
    await office.later()
    question = await office.api.message(ADMIN, "О них решает владелец")
    await _tap(office, office.api.user(ADMIN), question, "Простить и их")
    assert await _broken(office) == []
    assert question.text.startswith("Готово:\n   • Анна Примерова")


async def test_points_are_adjusted_by_buttons_or_in_one_line_once(office):
    await office.join_anna()
    await office.evening()
    head, admin, anna = office.api.user(HEAD), office.api.user(ADMIN), office.api.user(ANNA)
    head.says("/adjust")
    message = await office.api.message(HEAD, "Кому изменить баллы")
    await _tap(office, head, message, "Анна", "+3", "помощь коллегам")
    assert "+3 балла" in message.text
    head.says("/adjust Анна -8 потеряла ключи")
    await office.api.message(HEAD, "не больше 10 баллов")
    admin.says("/adjust Анна -8 потеряла ключи")
    await office.api.message(ADMIN, "−8 баллов")
    anna.says("/adjust Анна +8 просто так")
    await office.api.message(ANNA, "Это вам недоступно")
    await office.later()
    told = [each.text for each in office.api.chat(ANNA).messages if "Баллы вручную" in each.text]
    assert told == [
        "✍️ Баллы вручную за 19 ноября: +3 балла. Причина: помощь коллегам (руководитель).",
        "✍️ Баллы вручную за 19 ноября: −8 баллов. Причина: потеряла ключи (руководитель).",
    ]


def test_days_are_read_as_people_write_them():
    assert parse_day("19.11", TODAY) == parse_day("2026-11-19", TODAY) == TODAY
    assert parse_day("20.11", TODAY) == date(2025, 11, 20)
    assert parse_day("01.12.2026", TODAY) == date(2026, 12, 1)
    assert parse_day("31.02", TODAY) is parse_day("вчера", TODAY) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Анна Петрова +3 помогла", (None, "Анна Петрова", 3, "помогла")),
        ("Анна #12 −2 ушла раньше 3 раза", (None, "Анна #12", -2, "ушла раньше 3 раза")),
        ("19.11 все 1 день не прочитан", (TODAY, "", 1, "день не прочитан")),
        ("#12 5 причина", (None, "#12", 5, "причина")),
    ],
)
def test_an_adjustment_is_read_from_one_line(text, read):
    found = parse_adjustment(text, TODAY)
    assert found is not None
    assert (found.day, found.name, found.points, found.reason) == read


@pytest.mark.parametrize("text", ["Анна", "Анна +3", "+3 причина", "Анна много причина"])
def test_a_line_without_name_points_or_reason_is_no_adjustment(text):
    assert parse_adjustment(text, TODAY) is None
