"""Every view that a button opened leads back to what it replaced (docs/product.md §8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.screens import lines
from bot.telegram import middlewares
from reglament.day.clocks import load_clocks
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.service.work import ServiceWork
from storage.people import invites
from tests.bot.office import ADMIN, ANNA, CUTOFF, HEAD, HR

BACK = ("‹", "Назад", "Свернуть", "Последний срез", "Раньше", "Позже")
"""What buttons that lead back say."""


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    monkeypatch.setattr(middlewares, "BURST", 10_000)
    monkeypatch.setattr(middlewares, "DOUBLED_SECONDS", 0.0)


async def _opened(office, user, message):
    """Tap every button of a view, and go back each time; return what the view was replaced by, button by button."""
    start, found = message.text, {}
    leading_on = [each for row in message.rows for each in row if not _leads_back(each)]
    for button in leading_on:
        await office.tap(user, message, button)
        if message.text != start:
            found[button["text"]] = message.text
            assert await _is_back(office, user, message, start, button), f"no way back from {button['text']!r}"
    return found


def _leads_back(button):
    return any(word in button["text"] for word in BACK)


async def _is_back(office, user, message, start, button):
    """Whether a button that leads back shows the view again; other ways are left by the button that opened it."""
    for back in [each for row in message.rows for each in row if _leads_back(each)]:
        await office.tap(user, message, back)
        if message.text == start:
            return True
        await office.tap(user, message, button)
    return False


async def test_the_heads_digest_survives_its_own_buttons(office):
    await office.evening()
    head = office.api.user(HEAD)
    digest = await office.api.message(HEAD, "Дисциплина дня")
    found = await _opened(office, head, digest)
    assert set(found) == {"Люди", "Сделки"}
    whole = digest.text
    await office.tap(head, digest, digest.button("Люди"))
    await office.tap(head, digest, digest.button("Как сейчас"))
    await office.api.message(HEAD, "если до среза ничего не менять")
    await office.tap(head, digest, digest.button("К итогу дня"))
    assert digest.text == whole


async def test_an_old_digest_opens_people_and_deals_of_its_own_day(office):
    await office.evening()
    digest = await office.api.message(HEAD, "Дисциплина дня")
    await office.cutoff(days=1)
    head = office.api.user(HEAD)
    for button, shown in (("Люди", "срез 19 ноября"), ("Сделки", "срез 19 ноября")):
        await office.tap(head, digest, digest.button(button))
        assert shown in digest.text
        assert "20" not in digest.text.split("\n")[0]
        await office.tap(head, digest, digest.button("К итогу дня"))


async def test_weeks_months_people_and_a_persons_month_lead_back(office):
    await office.evening()
    await office.cutoff(days=1)
    head = office.api.user(HEAD)
    for command, shown in (("/week", "неделя 47"), ("/month", "ноябрь 2026"), ("/team", "срез 20 ноября")):
        head.says(command)
        await _opened(office, head, await office.api.message(HEAD, shown))
    head.says("/who Вера")
    found = await _opened(office, head, await office.api.message(HEAD, "Чистых дней подряд"))
    assert "По дням" in found


async def test_each_command_leads_back_to_the_question_which_team(two_teams):
    office = two_teams
    await office.evening()
    head, hr, admin = (office.api.user(each) for each in (HEAD, HR, ADMIN))
    for user, command in ((head, "/week"), (head, "/month"), (head, "/team"), (head, "/rules"), (head, "/leaderboard")):
        user.says(command)
        found = await _opened(office, user, await office.api.message(user.id, "Какая команда?"))
        assert set(found) == {"Отдел продаж", "B2B"}
    hr.says("/export")
    assert len(await _opened(office, hr, await office.api.message(HR, "Какая команда?"))) == 2
    admin.says("/invite")
    picker = await office.api.message(ADMIN, "Какая команда?")
    assert len(await _opened(office, admin, picker)) == 2
    await office.tap(admin, picker, picker.button("B2B"))
    assert set(await _opened(office, admin, picker)) >= {"Сделать ссылки (прежние перестанут работать)"}


async def test_the_reminder_comes_back_until_the_cutoff(office, monkeypatch):
    monkeypatch.setattr(lines, "SHOWN", 1)
    token = await office.invite("Вера")
    async with office.process.db.transaction() as session:
        await invites.accept(session, token, ANNA, at=office.clock())
    office.api.user(ANNA, started=True)
    office.clock.at = CUTOFF - timedelta(minutes=30)
    live = await LiveReadings.load(office.process)
    work = ServiceWork(office.process, await load_clocks(office.process), live, office.courier.deliver)
    _, [due] = await work.due()
    await work.reminder(due)
    await office.send()
    anna, reminder = office.api.user(ANNA), await office.api.message(ANNA, "До среза 30 минут")
    assert "Обновить" in await _opened(office, anna, reminder)
    await office.tap(anna, reminder, reminder.button("Обновить"))
    office.clock.at = CUTOFF + timedelta(minutes=1)
    assert "Срез уже прошёл" in (await office.tap(anna, reminder, reminder.button("К напоминанию"))).text


async def test_days_told_together_with_the_evening_are_still_told_after_folding(office):
    await office.join_anna()
    office.clock.at, yesterday = CUTOFF, CUTOFF - timedelta(days=1)
    await run_cutoff(office.process, DueCutoff("main", yesterday.date(), yesterday, ("sales",)))
    await office.cutoff()
    await office.send()
    anna = office.api.user(ANNA)
    own = await office.api.message(ANNA, "Итог дня")
    assert "Догнали пропущенные дни" in own.text
    assert "Показать всё" in await _opened(office, anna, own)
