"""People are found as their names are written, and nobody opens a namesake's data by a guess (docs/product.md §8)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from crm_clients.demo import department
from storage.db.models import ManagerRecord
from tests.bot.office import ADMIN, ANNA, HEAD


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


async def _rename(office, **names):
    async with office.process.db.transaction() as session:
        for user, name in names.items():
            row = update(ManagerRecord).where(ManagerRecord.crm_user == user.lstrip("u")).values(name=name)
            await session.execute(row)


async def test_who_without_a_name_shows_everybody_by_the_alphabet_and_a_name_finds_as_it_is_written(office):
    await office.evening()
    await _rename(office, u12="Фёдор Ёлкин", u13="Зоя  Жук")
    head = office.api.user(HEAD)
    head.says("/who")
    asked = await office.api.message(HEAD, "Кого показать?")
    assert asked.buttons.index("Фёдор Ёлкин") > asked.buttons.index("Зоя  Жук")
    await office.api.answered(head.taps("Фёдор Ёлкин"))
    await office.api.message(HEAD, "Фёдор Ёлкин · Отдел продаж")
    for written in ("елкин", "ЁЛКИН  фед", "жук зоя"):
        head.says(f"/who {written}")
        found = await office.api.message(HEAD, "Чистых дней подряд")
        assert found.text.startswith("Зоя Жук" if "жук" in written else "Фёдор Ёлкин")
    head.says("/who лкин")
    await office.api.message(HEAD, "Никого с таким именем")


async def test_namesakes_are_told_apart_wherever_they_are_named(office, monkeypatch):
    named = department.name_of
    monkeypatch.setattr(department, "name_of", lambda n: "Вера  Тестова" if n == 1 else named(n))
    head = office.api.user(HEAD)
    await office.evening()
    head.says("/who вера тестова")
    asked = await office.api.message(HEAD, "Кого показать?")
    assert sorted(asked.buttons) == ["Вера  Тестова #12", "Вера Тестова #13"]
    head.says("/who вера тестова 12")
    assert (await office.api.message(HEAD, "Чистых дней подряд")).text.startswith("Вера Тестова #12")
    for command, shown in (("/team", "срез 19 ноября"), ("/leaderboard", "Дисциплина отдела")):
        head.says(command)
        text = (await office.api.message(HEAD, shown)).text
        assert not re.search(r"Вера Тестова(?! #1[23])", text)
    digest = next(text for text in office.api.chat(HEAD).texts if "Ещё не в боте" in text)
    assert "Вера Тестова #12, Вера Тестова #13" in digest


async def test_a_link_for_a_namesake_says_for_whom_it_is(office):
    await _rename(office, u11="Анна Примерова", u12="Анна Примерова", u13="Борис")
    admin, anna = office.api.user(ADMIN), office.api.user(ANNA)
    admin.says("/invite")
    await office.api.message(ADMIN, "Анна Примерова #12")
    await office.api.answered(admin.taps("Сделать ссылки"))
    links = (await office.api.message(ADMIN, "t.me/")).text
    token = re.search(r"Анна Примерова #12.*?start=([\w-]+)", links, re.DOTALL)
    assert token is not None
    anna.starts(token[1])
    assert "Анна Примерова #12" in (await office.api.message(ANNA, "Это вы?")).text
