"""Who joins learns what the bot is for him, who comes back what he missed, and the admin who joined."""

from __future__ import annotations

import pytest

from storage.people import channels, invites, people
from storage.values import Role, RoleGrant
from tests.bot.office import ADMIN, ANNA, HEAD, HR, STRANGER


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


async def test_after_start_owner_head_and_hr_read_who_they_are_what_comes_and_what_to_do(office):
    expected = {
        ADMIN: (
            "Вы владелец",
            "Приходят тревоги",
            "Возражения",
            "Ещё не в боте 7 человек: сделайте ссылки – /invite",
            "/health",
        ),
        HEAD: (
            "Вы руководитель: «Отдел продаж» (срез в 18:00)",
            "одно сообщение",
            "не согласен со снятыми баллами: решаете вы",
            "попросите у администратора",
            "/week",
        ),
        HR: ("Вы отвечаете за расчёты", "Само ничего не приходит", "/export"),
    }
    for user, texts in expected.items():
        office.api.user(user).starts()
        told = (await office.api.message(user, "Здравствуйте")).text
        assert all(text in told for text in texts), told
        assert ("Вы владелец" in told) == (user == ADMIN)
        assert ("Вы менеджер" in told) is False


async def test_a_head_who_reads_english_is_told_in_english(two_teams):
    head = two_teams.api.user(HEAD, language="en")
    head.starts()
    told = (await two_teams.api.message(HEAD, "Hello")).text
    assert "You are a head: “Отдел продаж” (cutoff at 18:00) and “B2B” (cutoff at 18:00)." in told


async def test_a_manager_is_told_what_comes_and_the_admin_who_joined_and_may_part_them(office):
    token = await office.invite()
    anna, admin = office.api.user(ANNA, "Anya <3"), office.api.user(ADMIN)
    anna.username = "anya_sells"
    anna.starts(token)
    await office.api.message(ANNA, "Это вы?")
    await office.api.answered(anna.taps("Да, это я"))
    welcome = (await office.api.message(ANNA, "Вы менеджер")).text
    assert "за 30 мин до среза приходит напоминание" in welcome
    assert "кнопка «Не согласен»" in welcome
    await office.send()
    told = await office.api.message(ADMIN, "теперь в боте")
    assert told.text == "Анна Примерова – теперь в боте. Аккаунт в Telegram: Anya <3 (@anya_sells)"
    refused = await office.tap(office.api.user(HEAD), told, told.button("Отключить"))
    assert "недоступно" in refused.text
    await office.tap(admin, told, told.button("Отключить"))
    assert "чат отключён" in told.text
    anna.says("/me")
    await office.api.message(ANNA, "по приглашениям")
    async with office.process.db.reading() as session:
        assert await people.by_telegram(session, ANNA) is None


async def test_a_button_about_a_chat_that_was_parted_before_touches_nobody(office):
    await office.join_anna()
    admin = office.api.user(ADMIN)
    admin.says("/health")
    shown = await office.api.message(ADMIN, "Состояние")
    async with office.process.db.reading() as session:
        person = await people.by_telegram(session, ANNA)
    for data in (f"dc:{person.id}:{STRANGER}", f"dc:{person.id + 1}:{ANNA}"):
        tap = await office.api.answered(admin.taps_data(shown, data))
        assert "уже отключён" in tap.text
    async with office.process.db.reading() as session:
        assert await people.by_telegram(session, ANNA) == person


async def test_an_invited_head_is_told_what_a_head_gets(office):
    async with office.process.db.transaction() as session:
        grant = RoleGrant(Role.HEAD, "sales")
        token = await invites.invite_role(session, grant, "Пётр", author="test", at=office.clock())
    peter = office.api.user(STRANGER, "Пётр")
    peter.starts(token)
    await office.api.message(STRANGER, "Это вы?")
    await office.api.answered(peter.taps("Да, это я"))
    assert "Вы менеджер" not in (await office.api.message(STRANGER, "Вы руководитель")).text


async def test_who_comes_back_reads_the_days_that_were_missed_a_line_each(office):
    await office.join_anna()
    anna, head = office.api.user(ANNA), office.api.user(HEAD)
    await office.evening()
    await office.api.message(ANNA, "Итог дня")
    for user in (anna, head):
        user.blocks()
        await office.is_off(user.id)
    for days in (1, 4):
        await office.cutoff(days=days)
        await office.rest()
        await office.send()
    for user in (anna, head):
        user.unblocks()
    back = (await office.api.message(ANNA, "С возвращением")).text
    lines = back.split("Пока вас не было:\n")[1].splitlines()
    assert [line.split(":")[0].strip() for line in lines] == ["• 20 ноября", "• 23 ноября"]
    assert all("балл" in line for line in lines)
    assert "23 ноября: дисциплина" in (await office.api.message(HEAD, "С возвращением")).text
    async with office.process.db.reading() as session:
        assert (await channels.find(session, ANNA)).active


async def test_who_writes_first_after_blocking_reads_them_too_and_only_once(office):
    await office.join_anna()
    anna = office.api.user(ANNA)
    office.api.block(anna)
    await office.is_off(ANNA)
    await office.evening()
    anna.chat.state = type(anna.chat.state).OPEN
    anna.says("/start")
    assert "19 ноября: " in (await office.api.message(ANNA, "С возвращением")).text
    anna.says("/me")
    await office.api.message(ANNA, "По дням")
    assert sum("Пока вас не было" in text for text in office.api.chat(ANNA).texts) == 1
