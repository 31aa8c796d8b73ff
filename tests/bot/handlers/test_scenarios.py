"""The bot as people meet it: a demo company, a strict Bot API on loopback, real handlers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.service.work import ServiceWork
from scoring.scorecard import Outcome, score
from storage.messages.notices import to_person
from storage.people import channels, invites, people
from storage.values import DeliveryState
from tests.bot.botapi import Fault
from tests.bot.office import ADMIN, ANNA, CUTOFF, GROUP, HEAD, HR, STRANGER


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


async def test_a_stranger_learns_nothing(office):
    stranger = office.api.user(STRANGER)
    for text in ("/start", "/week", "/export", "привет"):
        stranger.says(text)
        await office.api.message(STRANGER)
    assert {message.text for message in office.api.chat(STRANGER).messages} == {
        "Здравствуйте! Этот бот работает по приглашениям. Попросите ссылку у своего руководителя."
    }


async def test_an_invite_asks_connects_once_and_refuses_a_second_chat(office):
    async with office.process.db.transaction() as session:
        member = (await people.unconnected(session, "sales"))[0]
        token = await invites.invite_manager(session, "main", member.crm_user, author="test", at=office.clock())
    anna, other = office.api.user(ANNA), office.api.user(STRANGER)
    anna.starts(token)
    question = await office.api.message(ANNA, "Это вы?")
    assert member.name in question.text
    anna.taps("Да, это я")
    await office.api.message(ANNA, "Вы менеджер")
    other.starts(token)
    await office.api.message(STRANGER, "уже подключились")


async def test_the_evening_reaches_manager_head_and_group(office):
    await office.join_anna()
    await office.evening()
    own = await office.api.message(ANNA, "Итог дня")
    assert "срез на 18:00" in own.text
    board = await office.api.message(GROUP, "Дисциплина отдела")
    assert "Журнал:" in board.text
    assert "открыть" not in board.text
    digest = await office.api.message(HEAD, "Дисциплина дня")
    assert "Ещё не в боте" in digest.text


async def test_everybody_is_answered_by_his_rights(office):
    await office.join_anna()
    await office.evening()
    anna, head, hr = office.api.user(ANNA), office.api.user(HEAD), office.api.user(HR)
    for text, answer in (
        ("/me", "По дням"),
        ("/rules", "не ушёл в минус"),
        ("/leaderboard", "Имена – с 3-го оценённого дня"),
        ("/week", "Это вам недоступно"),
        ("/export", "Это вам недоступно"),
        ("/nonsense", "Такой команды нет"),
        ("сколько у меня баллов?", "Я понимаю только команды"),
    ):
        anna.says(text)
        await office.api.message(ANNA, answer)
    for text, answer in (("/week", "неделя 47"), ("/month", "ноябрь 2026"), ("/team", "срез 19 ноября")):
        head.says(text)
        await office.api.message(HEAD, answer)
    hr.says("/export")
    await office.api.message(HR, "За какой месяц?")
    hr.taps("Ноябрь 2026 · XLSX")
    file = await office.api.message(HR, "каждая строка журнала")
    assert file.document is not None
    assert file.document[:2] == b"PK"


async def test_an_old_button_of_somebody_without_the_right_is_refused(office):
    await office.join_anna()
    await office.evening()
    head, anna = office.api.user(HEAD), office.api.user(ANNA)
    head.says("/week")
    week = await office.api.message(HEAD, "неделя 47")
    button = week.button("Люди")
    own = await office.api.message(ANNA, "Итог дня")
    tap = anna.taps_data(own, button["callback_data"])
    await office.api.answered(tap)
    assert len(office.api.chat(ANNA).messages) == 1
    assert "неделя" not in office.api.chat(ANNA).messages[0].text


async def test_a_group_is_told_the_board_and_the_rules_and_nothing_else(office):
    await office.evening()
    group, stranger = office.api.group(GROUP), office.api.user(STRANGER, language="en")
    before = len(office.api.chat(GROUP).messages)
    for text in ("/week", "/today", "/me", "/nonsense"):
        group.says(stranger, text)
    group.says(stranger, "/rules")
    await office.api.message(GROUP, "не ушёл в минус")
    answers = office.api.chat(GROUP).messages[before:-1]
    assert {message.text for message in answers} == {"Это личное: отвечу в личном чате."}
    assert len(answers) == 3
    assert answers[0].button("Открыть личный чат")["url"] == "https://t.me/reglament_bot"


async def test_who_blocked_the_bot_gets_nothing_more_and_his_head_is_told_once(office):
    await office.join_anna()
    office.api.block(office.api.user(ANNA))
    await office.evening()
    await office.is_off(ANNA)
    await office.send()
    told = await office.api.message(HEAD, "больше не получает сообщений")
    assert "бот заблокирован" in told.text
    async with office.process.db.reading() as session:
        assert not (await channels.find(session, ANNA)).active


async def test_a_head_who_blocks_the_bot_is_told_to_the_admin_once_with_all_his_teams(two_teams):
    office = two_teams
    office.api.user(HEAD).blocks()
    await office.is_off(HEAD)
    await office.evening()
    await office.later()
    told = [text for text in office.api.chat(ADMIN).texts if "больше не получает" in text]
    assert len(told) == 1
    assert "Отдел продаж" in told[0]
    assert "B2B" in told[0]
    assert office.api.user(HEAD).name in told[0]
    assert "бот заблокирован" in told[0]


async def test_a_manager_is_told_to_the_admin_where_no_head_can_be_reached(office):
    await office.join_anna()
    office.api.user(HEAD).blocks()
    await office.is_off(HEAD)
    office.api.user(ANNA).blocks()
    await office.is_off(ANNA)
    await office.send()
    await office.api.message(ADMIN, "Анна Примерова больше не получает сообщений")


async def test_a_group_that_became_a_supergroup_is_followed(office):
    office.api.migrate(office.api.group(GROUP), -100200)
    await office.evening()
    office.clock.pass_(seconds=5)
    await office.send()
    await office.api.message(-100200, "Дисциплина отдела")


@pytest.mark.parametrize(("fault", "copies"), [(Fault.DROP_AFTER, 2), (Fault.SERVER_ERROR, 1)])
async def test_a_message_is_sent_again_after_a_refusal_and_after_a_lost_answer(office, fault, copies):
    person = await office.join_anna()
    await office.cutoff()
    mine = await office.delivery(to_person(person))
    office.api.fault("sendMessage", fault)
    await office.courier.deliver(mine.id)
    assert await office.state(to_person(person)) is DeliveryState.PENDING
    office.clock.pass_(minutes=1)
    await office.send()
    arrived = [message for message in office.api.chat(ANNA).messages if "Итог дня" in message.text]
    assert len(arrived) == copies


async def test_the_reminder_goes_only_to_who_would_lose_points_and_says_what_is_broken(office):
    person = await office.join_anna()
    office.clock.at = CUTOFF - timedelta(minutes=30)
    live = await LiveReadings.load(office.process)
    work = ServiceWork(office.process, await load_clocks(office.process), live, office.courier.deliver)
    _, [due] = await work.due()
    await work.reminder(due)
    reading = await live.last("sales")
    anna = next(item for item in reading.snapshots if item.manager.name.startswith("Анна"))
    card = score(anna, office.ctx.teams["sales"].rulebook, reading.day)
    await office.send()
    messages = office.api.chat(ANNA).messages
    assert bool(messages) == bool(card.count(Outcome.BROKEN))
    assert all("До среза 30 минут. Если ничего не менять, будет" in message.text for message in messages)
    assert person
    _, again = await work.due()
    assert again == []
