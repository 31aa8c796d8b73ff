"""What people read while a team begins with the rules, and of half a day: docs/product.md §12."""

from __future__ import annotations

import pytest

from reglament.absence_acts import record_absence
from scoring.terms.circumstances import Half
from storage.people import people
from storage.values import AbsenceKind
from storage.verify.verification import verify
from tests.bot.office import ANNA, GROUP, HEAD, SALES, opened_office
from tests.reglament.day.thursday import THURSDAY

LAUNCH = {"observe_until": "2026-11-20", "ignore_before": "2026-11-19"}


@pytest.fixture
async def office(office_url):
    """A team in observation until Friday."""
    async with opened_office(office_url, {"sales": SALES | {"launch": LAUNCH}}) as opened:
        yield opened


async def test_in_observation_results_are_shown_and_the_evening_before_points_begin_is_told(office):
    await office.join_anna()
    await office.evening()
    [thursday] = office.api.chat(ANNA).messages
    assert "День не оценён: все правила пока в наблюдении" in thursday.text
    assert "дают и снимают баллы" not in thursday.text
    assert office.api.chat(GROUP).messages == []
    [digest] = office.api.chat(HEAD).messages
    assert (
        "Старые записи, пока не считаются: сделки без задач 2 (было 2), просроченные задачи 2 (было 2)" in digest.text
    )
    for days, told in ((1, True), (4, False)):
        await office.cutoff(days)
        await office.later()
        message = office.api.chat(ANNA).messages[-1]
        assert ("С 23 ноября эти правила дают и снимают баллы: встречи" in message.text) == told
    assert "Итог дня" in message.text
    assert office.api.chat(GROUP).messages
    async with office.process.db.reading() as session:
        assert await verify(session, "sales") == []


async def test_half_a_day_recorded_afterwards_is_told_in_the_message(office):
    await office.join_anna()
    await office.cutoff(4)
    await office.later()
    day = THURSDAY.replace(day=23)
    async with office.process.db.transaction() as session:
        [who] = [each for each in await people.members(session, "sales") if each.telegram_id == ANNA]
        await record_absence(office.process, session, who, day, day, AbsenceKind.TRIP, "Ольга Главная", Half.AM)
    await office.later()
    [message, reply] = office.api.chat(ANNA).messages
    assert "Первой половины дня не было: нормы вдвое ниже" in message.text
    assert "Звонки: исправлено (+3 балла)" in message.text
    assert "новые компании (на неполный день норма меньше единицы)" in message.text
    assert reply.text == "Записано отсутствие на полдня (командировка): 23 ноября. День оценён заново"
