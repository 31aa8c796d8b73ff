"""Groups see the leaderboard and the rules; what is a person's own stays with him (docs/product.md §2, §8)."""

from __future__ import annotations

import pytest

from bot.telegram import menus, middlewares
from bot.telegram.callbacks import OpenPerson, ShowRules
from storage.people import channels, people, teams
from storage.values import Role, RoleGrant
from tests.bot.office import ADMIN, ANNA, GROUP, HEAD, STRANGER

TOPIC = 77


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


async def test_a_head_sees_nothing_of_his_own_by_a_button_in_the_group(office):
    await office.evening()
    head, group = office.api.user(HEAD), office.api.chat(GROUP)
    head.says("/week")
    week = await office.api.message(HEAD, "неделя 47")
    board = await office.api.message(GROUP, "Дисциплина отдела")
    before = [*group.texts]
    for row in week.rows:
        for button in row:
            await office.api.answered(head.taps_data(board, button["callback_data"]))
    assert group.texts == before


async def test_only_an_admin_binds_a_topic_and_a_deleted_one_can_be_bound_again(two_teams):
    office = two_teams
    office.api.chat(GROUP).topics.add(TOPIC)
    admin, head, group = office.api.user(ADMIN), office.api.user(HEAD), office.api.chat(GROUP)
    head.says("/bind", group, TOPIC)
    admin.says("/bind", group, TOPIC)
    question = await office.api.message(GROUP, "какой команды")
    assert question.thread_id == TOPIC
    data = question.button("Отдел продаж")["callback_data"]
    refused = await office.api.answered(_in_topic(office, head, question, data))
    assert "недоступно" in refused.text
    async with office.process.db.transaction() as session:
        await channels.lose_thread(session, GROUP, TOPIC, at=office.clock())
    _in_topic(office, admin, question, data)
    await office.api.message(GROUP, "будут приходить сюда")
    async with office.process.db.reading() as session:
        bound = await teams.find(session, "sales")
        assert not (await channels.find(session, GROUP)).lost_threads
    assert (bound.chat_id, bound.thread_id) == (GROUP, TOPIC)


async def test_who_binds_in_the_groups_name_shows_himself_by_a_tap(two_teams):
    office = two_teams
    group = office.api.chat(GROUP)
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    body = {"message_id": office.api.next_id(), "date": office.api.now(), "chat": group.json(), "text": "/bind"}
    body |= {"entities": [{"type": "bot_command", "offset": 0, "length": 5}]}
    office.api.push("message", body | {"from": anonymous, "sender_chat": group.json()})
    question = await office.api.message(GROUP, "от имени группы")
    assert question.buttons == ["Это я"]
    refused = await office.api.answered(office.api.user(HEAD).taps("Это я", group))
    assert "недоступно" in refused.text
    assert not question.history
    await office.api.answered(office.api.user(ADMIN).taps("Это я", group))
    assert (await office.api.message(GROUP, "какой команды")).id == question.id
    office.api.user(ADMIN).taps("B2B", group)
    await office.api.message(GROUP, "будут приходить сюда")


def _in_topic(office, user, message, data):
    tap = office.api.tapped(data)
    shown = {"message_id": message.id, "date": message.date, "chat": office.api.chat(GROUP).json(), "text": "x"}
    shown |= {"message_thread_id": TOPIC, "is_topic_message": True}
    query = {"id": tap.id, "from": user.json(), "chat_instance": "1", "data": data, "message": shown}
    office.api.push("callback_query", query)
    return tap


async def test_the_answer_to_which_team_is_the_team(two_teams):
    await two_teams.evening()
    head = two_teams.api.user(HEAD)
    for command, title in (("/week", "неделя 47"), ("/month", "ноябрь 2026"), ("/team", "срез 19 ноября")):
        head.says(command)
        await two_teams.api.message(HEAD, "Какая команда?")
        head.taps("B2B")
        await two_teams.api.message(HEAD, title)


async def test_data_that_no_button_carries_is_a_stale_button(office):
    stranger = office.api.user(STRANGER)
    stranger.says("/start")
    said = await office.api.message(STRANGER)
    team, huge = "sales", "9" * 40
    for data in (
        f"ev:{team}:yesterday:AAAAAAAAAAAA:1",
        f"ev:{team}",
        f"3:ev:{team}:2026-11-19:AAAAAAAAAAAA:{huge[:9]}",
        f"3:wk:{team}:2026-11-19:x:1",
        f"me:{team}:AAAAAAAAAAAA:2026-13:0",
        f"pi:{team}:z:2026-11-19:",
        "3:" + huge,
        "4:ru:sales",
    ):
        tap = await office.api.answered(stranger.taps_data(said, data))
        assert tap.alert
        assert "устарело" in tap.text or "Слишком много запросов" in tap.text
    assert len(office.api.chat(STRANGER).texts) == 1


async def test_a_button_of_somebody_whom_the_crm_never_named_is_a_stale_button(office):
    head = office.api.user(HEAD)
    head.says("/help")
    said = await office.api.message(HEAD)
    for data in (
        OpenPerson(team="sales", user="nobody").pack(),
        OpenPerson(team="nowhere", user="11").pack(),
        "3:wh:sales:11",
    ):
        tap = await office.api.answered(head.taps_data(said, data))
        assert "устарело" in tap.text


async def test_a_doubled_tap_repeats_nothing_and_a_late_one_still_shows(office, monkeypatch):
    monkeypatch.setattr(middlewares, "DOUBLED_SECONDS", 3600.0)  # however slow the machine is
    await office.join_anna()
    await office.evening()
    anna = office.api.user(ANNA)
    evening = await office.api.message(ANNA, "Итог дня")
    rules = evening.button("Правила")["callback_data"]
    for tap in [anna.taps_data(evening, rules), anna.taps_data(evening, rules)]:
        await office.api.answered(tap)
    await office.api.message(ANNA, "Правила")
    other = ShowRules(team="sales").pack()
    anna.taps_data(office.api.chat(ANNA).messages[-1], other, late=True)
    await office.api.message(ANNA, "Правила")
    anna.taps_data(office.api.chat(ANNA).messages[-1], other, inaccessible=True)
    await office.api.message(ANNA, "Правила")
    assert len(office.api.chat(ANNA).texts) == 4


async def test_an_update_that_telegram_brings_again_is_answered_once(office):
    head = office.api.user(HEAD)
    head.says("/rules")
    office.api.updates.append(dict(office.api.updates[-1]))
    await office.api.message(HEAD, "Правила")
    head.says("/nonsense")
    await office.api.message(HEAD, "Такой команды нет")
    assert len(office.api.chat(HEAD).texts) == 2


def _sends(office, user, **what):
    """He sends something else than text."""
    body = {"message_id": office.api.next_id(), "date": office.api.now(), "chat": user.chat.json()}
    office.api.push("message", body | {"from": user.json()} | what)


async def test_a_picture_or_a_voice_message_is_no_wrong_command(office):
    head = office.api.user(HEAD)
    file = {"file_id": "1", "file_unique_id": "1"}
    _sends(office, head, photo=[{**file, "width": 1, "height": 1}], caption="отчёт")
    _sends(office, head, voice={**file, "duration": 1})
    for _ in range(2):
        await office.api.message(HEAD, "Я понимаю только команды")


async def test_a_pinned_message_wants_no_answer(office):
    head = office.api.user(HEAD)
    _sends(office, head, pinned_message={"message_id": 1, "date": 0, "chat": head.chat.json()})
    head.says("/nonsense")
    await office.api.message(HEAD, "Такой команды нет")
    assert len(office.api.chat(HEAD).texts) == 1


async def test_a_link_opened_again_says_that_one_is_connected(office):
    token = await office.invite()
    anna = office.api.user(ANNA)
    anna.starts(token)
    question = await office.api.message(ANNA, "Это вы?")
    yes = question.button("Да")["callback_data"]
    for _ in range(2):
        anna.taps_data(question, yes)
    await office.api.message(ANNA, "Вы менеджер")
    anna.starts(token)
    await office.api.message(ANNA, "Вы уже подключены")


async def test_a_role_that_is_taken_away_takes_its_menu_along(office):
    person = await office.join_anna()
    head = RoleGrant(Role.HEAD, "sales")
    async with office.process.db.transaction() as session:
        await people.grant(session, person, head, author="test", at=office.clock())
    await menus.refresh(office.courier.bot.bot, office.ctx, at=office.clock())
    assert "week" in _menu(office)
    async with office.process.db.transaction() as session:
        await people.revoke(session, person, head, author="test", at=office.clock())
    await menus.refresh(office.courier.bot.bot, office.ctx, at=office.clock())
    assert "week" not in _menu(office)
    assert "today" in _menu(office)
    asked = len(office.api.sent("setMyCommands"))
    await menus.refresh(office.courier.bot.bot, office.ctx, at=office.clock())
    assert len(office.api.sent("setMyCommands")) == asked
    async with office.process.db.transaction() as session:
        await people.unlink(session, person, author="test", at=office.clock())
    await menus.refresh(office.courier.bot.bot, office.ctx, at=office.clock())
    assert not _menu(office)


async def test_a_menu_that_an_earlier_version_worded_is_set_again_once(office):
    await office.join_anna()
    async with office.process.db.transaction() as session:
        await channels.set_menu(session, ANNA, "as it was called then", at=office.clock())
    asked = len(office.api.sent("setMyCommands"))
    for _ in range(2):
        await menus.refresh(office.courier.bot.bot, office.ctx, at=office.clock())
    assert len(office.api.sent("setMyCommands")) == asked + len(menus.CODES)


def _menu(office, language=""):
    return {item["command"] for item in office.api.commands.get((f"chat:{ANNA}", language), [])}
