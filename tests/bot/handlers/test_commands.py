"""Commands as people write them, and how often a group is answered (docs/product.md §8)."""

from __future__ import annotations

import pytest
import structlog
from aiogram.filters import CommandObject
from aiogram.types import Chat, TelegramObject

from bot.telegram.asked import command_in
from bot.telegram.commands import nearest
from bot.telegram.middlewares import AnswerGroupsOnce
from tests.bot.clocks import Stopwatch
from tests.bot.office import ADMIN, ANNA, GROUP, HEAD


@pytest.mark.parametrize(
    "written", ["/Week", "/WEEK@reglament_bot", " /week", "／week", "/week\n", "\n/week@Reglament_Bot ", "／ｗｅｅｋ"]
)
async def test_a_command_is_understood_as_people_write_it(office, written):
    await office.evening()
    office.api.user(HEAD).says(written)
    await office.api.message(HEAD, "неделя 47")


async def test_what_follows_a_command_stays_as_written(office):
    await office.evening()
    office.api.user(HEAD).says("／Who@reglament_bot  Вера")
    await office.api.message(HEAD, "Вера Тестова · Отдел продаж")


async def test_a_command_for_another_bot_is_not_ours(office):
    await office.evening()
    head, group = office.api.user(HEAD), office.api.group(GROUP)
    before = len(group.chat.messages)
    group.says(head, "/leaderboard@other_bot")
    head.says("/week")
    await office.api.message(HEAD, "неделя 47")
    assert len(group.chat.messages) == before


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("/wek", "Такой команды нет. Может быть, /week?"),
        ("／Leaderbord@reglament_bot", "Такой команды нет. Может быть, /leaderboard?"),
        ("/xyzzy", "Такой команды нет. Что я умею: /help"),
        ("/", "Такой команды нет. Что я умею: /help"),
        ("неделя", "Я понимаю только команды"),
        ("/<b>", "Такой команды нет. Что я умею: /help"),
    ],
)
async def test_an_unknown_command_names_the_nearest_that_one_has(office, written, answer):
    office.api.user(HEAD).says(written)
    assert (await office.api.message(HEAD)).text.startswith(answer)


def test_nobody_is_pointed_to_a_command_of_another_role():
    assert nearest("wek", {"head"}) == "week"
    assert nearest("wek", {"manager"}) == ""
    assert nearest("exprt", {"hr"}) == "export"


@pytest.mark.parametrize(
    ("text", "command"), [("/Week now", "week"), ("／week@bot", "week"), ("week", None), (" ", None)]
)
def test_the_command_in_a_text(text, command):
    assert command_in(text) == command


# In groups


async def test_thirty_questions_in_a_group_within_a_minute_are_one_answer(office):
    await office.evening()
    group = office.api.group(GROUP)
    await office.api.message(GROUP, "Дисциплина отдела")
    askers = [office.api.user(7000 + number, f"Коллега {number}", language="en") for number in range(30)]
    for asker in askers:
        group.says(asker, "/leaderboard" if asker.id % 2 else "/Leaderboard@reglament_bot")
    group.says(askers[0], "/rules")
    await office.api.message(GROUP, "Правила")
    boards = [text for text in group.chat.texts if "Дисциплина отдела" in text]
    assert len(boards) == 2  # the evening's, and one answer, in the language of the group


async def test_an_answer_that_failed_is_no_answer(office, monkeypatch):
    await office.evening()
    await office.api.message(GROUP, "Дисциплина отдела")
    group, head = office.api.group(GROUP), office.api.user(HEAD)

    async def broken(*_args: object) -> None:
        raise KeyError("planted")

    with monkeypatch.context() as patched:
        patched.setattr("bot.handlers.manager.load_last_board", broken)
        with structlog.testing.capture_logs():
            group.says(head, "/leaderboard")
            head.says("/help")
            await office.api.message(HEAD, "/week")
    group.says(head, "/leaderboard")
    await office.api.message(GROUP, "Дисциплина отдела")


async def test_the_brake_of_a_group_holds_back_no_admin(two_teams):
    group, admin = two_teams.api.group(GROUP), two_teams.api.user(ADMIN)
    group.says(two_teams.api.user(HEAD), "/bind")
    group.says(admin, "/bind")
    await two_teams.api.message(GROUP, "какой команды")
    group.says(admin, "/bind")
    await two_teams.api.message(GROUP, "какой команды")


async def test_the_brake_of_a_group_is_not_one_of_private_chats(office):
    await office.join_anna()
    await office.evening()
    anna = office.api.user(ANNA)
    for _ in range(2):
        anna.says("/rules")
        await office.api.message(ANNA, "Правила")


async def test_a_minute_later_a_group_is_answered_again():
    clock, answers = Stopwatch(), []
    brake = AnswerGroupsOnce(clock)

    async def answer(_event, _data):
        answers.append(clock.now)

    async def ask(command, chat_id=GROUP):
        await brake(answer, TelegramObject(), {"command": command, "event_chat": Chat(id=chat_id, type="supergroup")})

    board = CommandObject(command="leaderboard")
    for seconds in (0, 30, 29, 1, 59):
        clock.now += seconds
        await ask(board)
    assert [at - 100 for at in answers] == [0, 60]
    await ask(CommandObject(command="leaderboard", args="now"))
    assert len(answers) == 2
    await ask(board, GROUP - 1)
    assert len(answers) == 3
