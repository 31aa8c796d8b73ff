"""Taps on the digest under a message: who is told what (docs/product.md §6)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from storage.db import append_only
from storage.people import people
from storage.values import Role, RoleGrant
from tests.bot.office import ADMIN, ANNA, GROUP, HEAD, HR, STRANGER

LINK = re.compile(r'<a href="https://t\.me/reglament_bot\?start=(d_[a-z2-7]{32})">([a-z2-7]{8})</a>')
UNKNOWN = "d_" + "a" * 32


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


@pytest.fixture
async def link(office) -> str:
    """The parameter of the link under Anna's evening message, and under the group's."""
    await office.join_anna()
    await office.evening()
    own = await office.api.message(ANNA, "Итог дня")
    board = await office.api.message(GROUP, "Журнал")
    (parameter, short), (of_group, _) = LINK.search(own.html).groups(), LINK.search(board.html).groups()
    assert parameter == of_group
    assert parameter[2:].startswith(short)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", parameter)
    return parameter


async def test_a_manager_sees_the_own_lines_of_the_day(office, link):
    office.api.user(ANNA).starts(link)
    told = await office.api.message(ANNA, "Сходится")
    assert "«Отдел продаж», 19 ноября 2026" in told.text
    assert told.text.count("Анна") == 1
    assert "Вера" not in told.text
    assert "Звонки:" in told.text


@pytest.mark.parametrize("reader", [HEAD, ADMIN])
async def test_heads_and_admins_see_the_lines_of_all(office, link, reader):
    office.api.user(reader).starts(link)
    told = await office.api.message(reader, "Сходится")
    assert all(name in told.text for name in ("Анна", "Вера"))


async def test_hr_learns_that_it_stands_and_the_date(office, link):
    office.api.user(HR).starts(link)
    told = await office.api.message(HR, "Сходится")
    assert told.text.endswith("«Отдел продаж», 19 ноября 2026. Записи этого дня те же, что в тот вечер.")


async def test_a_stranger_learns_nothing_and_a_member_of_the_group_the_date(office, link):
    stranger = office.api.user(STRANGER)
    stranger.starts(link)
    assert "по приглашениям" in (await office.api.message(STRANGER)).text
    stranger.starts(UNKNOWN)
    assert "по приглашениям" in (await office.api.message(STRANGER)).text
    office.api.chat(GROUP).members.add(STRANGER)
    stranger.starts(link)
    told = await office.api.message(STRANGER)
    assert "Сходится" in told.text
    assert "Анна" not in told.text
    stranger.starts(UNKNOWN)
    assert "Не сходится: дня с контрольной суммой aaaaaaaa нет" in (await office.api.message(STRANGER)).text


async def test_a_digest_that_no_day_has_does_not_stand(office, link):
    anna = office.api.user(ANNA)
    for parameter in (UNKNOWN, "d_0123456789ab"):
        anna.starts(parameter)
        await office.api.message(ANNA, "Изменили сообщение или журнал")


async def test_somebody_of_another_team_learns_nothing_of_the_day(two_teams):
    office = two_teams
    async with office.process.db.transaction() as session:
        person = await people.find_or_add(session, STRANGER, "Made-up", at=office.clock())
        await people.grant(session, person.id, RoleGrant(Role.HR, "b2b"), author="test", at=office.clock())
    await office.evening()
    run = await office.last_run()
    office.api.user(STRANGER).starts(f"d_{run.digest}")
    await office.api.message(STRANGER, "недоступно")


async def test_points_changed_since_do_not_stand(office, link):
    async with office.process.db.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(append_only.remove)
        await session.execute(text("UPDATE ledger_entries SET points = points + 1 WHERE seq = 2"))
        await connection.run_sync(append_only.install)
    office.api.user(ANNA).starts(link)
    await office.api.message(ANNA, "Не сходится")


async def test_a_digest_of_twelve_digits_under_an_old_message_is_found_and_weak(office, link):
    async with office.process.db.transaction() as session:
        await session.execute(
            text(
                "UPDATE runs SET digest = (SELECT substr(hash, 1, 12) FROM ledger_entries"
                " WHERE run_id = runs.id ORDER BY seq DESC LIMIT 1)"
            )
        )
    run = await office.last_run()
    office.api.user(ANNA).starts(f"d_{run.digest}")
    told = await office.api.message(ANNA, "Сходится")
    assert "доказывает слабее" in told.text
