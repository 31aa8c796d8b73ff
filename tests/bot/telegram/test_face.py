"""The bot's own face, and the signs that it is at work (docs/product.md §8)."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.exceptions import TelegramServerError

from bot.telegram import chat_action
from bot.telegram.face import show_face
from bot.telegram.session import make_bot
from bot.texts import texts
from reglament.config import settings
from reglament.errors import SettingsError
from tests.bot.botapi import TOKEN, BotApi, Fault
from tests.bot.office import ANNA, GROUP, HR

SETTERS = ("setMyName", "setMyDescription", "setMyShortDescription", "setMyCommands")


def sent(api):
    return {name: len(api.sent(name)) for name in SETTERS}


async def test_the_face_is_shown_in_both_languages_and_sent_once():
    async with BotApi() as api, make_bot(TOKEN, api.url) as bot:
        await show_face(bot, "", "ru")
        first = sent(api)
        assert api.face["description", "en"] == texts("en")("bot-description")
        assert api.face["description", ""] == texts("ru")("bot-description")
        assert api.face["short_description", ""] == texts("ru")("bot-short-description")
        assert {command["command"] for command in api.commands["all_group_chats", "en"]} >= {"leaderboard", "rules"}
        await show_face(bot, "", "ru")
        assert sent(api) == first
        assert first["setMyName"] == 0  # the name given to @BotFather stays


async def test_a_name_of_the_settings_is_set_once_and_follows_a_change():
    async with BotApi() as api, make_bot(TOKEN, api.url) as bot:
        for name, times in (("Отчёт", 1), ("Отчёт", 1), ("Разбор", 2)):
            await show_face(bot, name, "ru")
            assert api.face["name", ""] == name
            assert len(api.sent("setMyName")) == times


async def test_only_what_differs_is_sent():
    async with BotApi() as api, make_bot(TOKEN, api.url) as bot:
        await show_face(bot, "", "ru")
        before = sent(api)
        api.face["short_description", "en"] = "of an earlier version"
        api.commands["default", "ru"] = []
        await show_face(bot, "", "ru")
        changed = {name: count - before[name] for name, count in sent(api).items()}
    assert changed == {"setMyName": 0, "setMyDescription": 0, "setMyShortDescription": 1, "setMyCommands": 1}


async def test_a_face_that_telegram_refuses_keeps_nobody_from_an_answer():
    async with BotApi() as api, make_bot(TOKEN, api.url) as bot:
        api.fault("setMyDescription", Fault.TOO_MANY, retry_after=80_000)
        await show_face(bot, "", "ru")
        assert api.commands


async def test_menus_that_telegram_refuses_keep_nobody_from_an_answer():
    async with BotApi() as api, make_bot(TOKEN, api.url) as bot:
        api.fault("setMyCommands", Fault.TOO_MANY, retry_after=80_000)
        await show_face(bot, "", "ru")
        assert api.face["description", "en"]
        api.fault("getMyCommands", Fault.SERVER_ERROR)
        with pytest.raises(TelegramServerError):
            await show_face(bot, "", "ru")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_descriptions_fit_and_tell_nothing_of_the_company(language):
    t = texts(language)
    assert len(t("bot-description")) <= 512
    assert len(t("bot-short-description")) <= 120


def test_a_name_too_long_is_refused():
    with pytest.raises(SettingsError, match=r"telegram\.name"):
        settings.build({"telegram": {"name": "x" * 65}})


# Signs of work


async def _signs(office, count):
    for _ in range(6000):
        if len(office.api.sent("sendChatAction")) >= count:
            break
        await asyncio.sleep(0.01)
    return [(sign["chat_id"], sign["action"]) for sign in office.api.sent("sendChatAction")]


async def test_a_long_answer_shows_typing_until_it_is_there(office, monkeypatch):
    await office.join_anna()
    await office.evening()
    monkeypatch.setattr(chat_action, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(chat_action, "AGAIN_SECONDS", 0.01)
    released = asyncio.Event()
    reads = _waits_for(released)
    monkeypatch.setattr("bot.handlers.manager.load_rules", reads)
    office.api.user(ANNA).says("/rules")
    signs = await _signs(office, 3)
    assert set(signs) == {(str(ANNA), "typing")}
    released.set()
    await office.api.message(ANNA, "Правила")
    await asyncio.sleep(0.05)
    before = len(office.api.sent("sendChatAction"))
    await asyncio.sleep(0.05)
    assert len(office.api.sent("sendChatAction")) == before  # the answer ends the signs


async def test_a_workbook_shows_uploading(office, monkeypatch):
    await office.evening()
    hr, released = office.api.user(HR), asyncio.Event()
    hr.says("/export")
    await office.api.message(HR)
    monkeypatch.setattr(chat_action, "FIRST_SECONDS", 0.0)

    async def export(*_args, **_options):
        await released.wait()
        return "x.xlsx", b"PK"

    monkeypatch.setattr(type(office.ctx.exporter), "export", export)
    hr.taps("XLSX")
    assert (str(HR), "upload_document") in await _signs(office, 1)
    released.set()
    assert (await office.api.message(HR)).file_name == "x.xlsx"


async def test_a_sign_that_telegram_refuses_disturbs_no_answer(office, monkeypatch):
    await office.join_anna()
    monkeypatch.setattr(chat_action, "FIRST_SECONDS", 0.0)
    office.api.fault("sendChatAction", Fault.SERVER_ERROR, times=5)
    office.api.user(ANNA).says("/rules")
    await office.api.message(ANNA, "Правила")


async def test_a_quick_answer_shows_no_sign(office, monkeypatch):
    monkeypatch.setattr(chat_action, "FIRST_SECONDS", 60.0)
    office.api.group(GROUP).says(office.api.user(ANNA), "/rules")
    await office.api.message(GROUP, "Правила")
    assert office.api.sent("sendChatAction") == []


def _waits_for(released):
    from bot.screens.rules.rulebook import load_rules

    async def reads(*args):
        await released.wait()
        return await load_rules(*args)

    return reads
