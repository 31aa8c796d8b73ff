"""The loopback Bot API is as strict as the real one: tests against it mean something."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BotCommand, BotCommandScopeChat, BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from tests.bot.botapi import TOKEN, BotApi, Fault
from tests.bot.telegram_html import BadHtml, plain

ANNA = 1
GROUP = -100


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(limits=False) as server:
        server.user(ANNA, started=True)
        server.group(GROUP)
        yield server


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(api.url))) as client:
        yield client


def keyboard(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Да", callback_data=data)]])


async def test_a_message_arrives_as_its_reader_sees_it(api: BotApi, bot: Bot) -> None:
    await bot.send_message(ANNA, "<b>O'Neil &amp; Co</b>", parse_mode="HTML")
    message = await api.message(ANNA, containing="O'Neil")
    assert message.text == "O'Neil & Co"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("a < b", "Unclosed start tag"),
        ("a > b", "Unescaped character '>'"),
        ("a & b", "Unescaped character '&'"),
        ("<b>a", "Can't find end tag"),
        ("<b><i>a</b></i>", "Unmatched end tag"),
        ("<h1>a</h1>", "Unsupported start tag"),
        ("a</b>", "Unexpected end tag"),
        ("<a>x</a>", "href"),
    ],
)
def test_broken_html_is_refused(source: str, why: str) -> None:
    with pytest.raises(BadHtml, match=why):
        plain(source)


async def test_the_limits_of_one_message_hold(api: BotApi, bot: Bot) -> None:
    await bot.send_message(ANNA, "ы" * 4096)
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await bot.send_message(ANNA, "ы" * 4097)
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(ANNA, BufferedInputFile(b"\x89PNG", "a.png"), caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
        await bot.send_message(ANNA, "a", reply_markup=keyboard("ы" * 33))
    with pytest.raises(TelegramBadRequest, match="can't parse entities"):
        await bot.send_message(ANNA, "<b", parse_mode="HTML")
    assert len(api.chat(ANNA).messages) == 1


async def test_an_edit_keeps_the_history_and_refuses_no_change(api: BotApi, bot: Bot) -> None:
    message = await bot.send_message(ANNA, "one")
    await bot.edit_message_text("two", chat_id=ANNA, message_id=message.message_id)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("two", chat_id=ANNA, message_id=message.message_id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("two", chat_id=ANNA, message_id=99)
    assert api.chat(ANNA).messages[0].history == ["one"]


async def test_files_arrive_whole(api: BotApi, bot: Bot) -> None:
    await bot.send_document(ANNA, BufferedInputFile(b"x" * 100_000, "book.xlsx"), caption="книга")
    message = await api.message(ANNA)
    assert (message.file_name, len(message.document or b"")) == ("book.xlsx", 100_000)


async def test_closed_doors_answer_as_telegram_does(api: BotApi, bot: Bot) -> None:
    anna, group = api.user(ANNA), api.group(GROUP)
    api.block(anna)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(ANNA, "a")
    api.deactivate(anna)
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.send_message(ANNA, "a")
    api.user(2)
    with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
        await bot.send_message(2, "a")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(3, "a")
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(GROUP, "a", message_thread_id=7)
    api.migrate(group, -1000)
    with pytest.raises(TelegramMigrateToChat) as moved:
        await bot.send_message(GROUP, "a")
    assert moved.value.migrate_to_chat_id == -1000
    api.group(-1000).kicks(anna)
    with pytest.raises(TelegramForbiddenError, match="bot was kicked"):
        await bot.send_message(-1000, "a")


async def test_a_wrong_token_is_unauthorized(api: BotApi) -> None:
    async with Bot("43:wrong", session=AiohttpSession(api=TelegramAPIServer.from_base(api.url))) as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()


async def test_one_message_a_second_in_a_private_chat_and_twenty_a_minute_in_a_group() -> None:
    now = 0.0
    async with BotApi(clock=lambda: now) as api:
        api.user(ANNA, started=True)
        api.group(GROUP)
        async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(api.url))) as bot:
            await bot.send_message(ANNA, "a")
            with pytest.raises(TelegramRetryAfter):
                await bot.send_message(ANNA, "b")
            now = 1.0
            await bot.send_message(ANNA, "b")
            for _ in range(20):
                await bot.send_message(GROUP, "a")
                now += 0.1
            with pytest.raises(TelegramRetryAfter) as refused:
                await bot.send_message(GROUP, "b")
            assert 50 < refused.value.retry_after <= 60


async def test_the_thirty_first_message_of_a_second_is_refused() -> None:
    async with (
        BotApi(clock=lambda: 0.0) as api,
        Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(api.url))) as bot,
    ):
        for person in range(31):
            api.user(person + 1, started=True)
        for person in range(30):
            await bot.send_message(person + 1, "a")
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(31, "a")


async def test_trouble_on_demand(api: BotApi, bot: Bot) -> None:
    api.fault("sendMessage", Fault.DROP_AFTER)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(ANNA, "accepted, and nobody knows")
    assert api.chat(ANNA).texts == ["accepted, and nobody knows"]
    api.fault("sendMessage", Fault.DROP_BEFORE)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(ANNA, "lost")
    api.fault("sendMessage", Fault.SERVER_ERROR)
    with pytest.raises(TelegramServerError):
        await bot.send_message(ANNA, "lost")
    api.fault("sendMessage", Fault.HANG)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(ANNA, "lost", request_timeout=0.05)  # type: ignore[arg-type]
    assert len(api.chat(ANNA).messages) == 1


async def test_updates_stay_until_they_are_confirmed(api: BotApi, bot: Bot) -> None:
    anna = api.user(ANNA)
    anna.says("/week")
    first = await bot.get_updates(timeout=0)
    assert [update.message.text for update in first if update.message] == ["/week"]
    assert await bot.get_updates(timeout=0) == first
    assert await bot.get_updates(offset=first[-1].update_id + 1, timeout=0) == []


async def test_a_tap_comes_back_with_its_data_and_is_answered_once(api: BotApi, bot: Bot) -> None:
    await bot.send_message(ANNA, "?", reply_markup=keyboard("1|ok"))
    tap = api.user(ANNA).taps("Да")
    (update,) = await bot.get_updates(timeout=0)
    assert update.callback_query is not None
    assert update.callback_query.data == "1|ok"
    await bot.answer_callback_query(tap.id, text="Хорошо")
    assert (await api.answered(tap)).text == "Хорошо"
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(tap.id)


async def test_commands_are_kept_by_scope_and_language(api: BotApi, bot: Bot) -> None:
    scope = BotCommandScopeChat(chat_id=ANNA)
    await bot.set_my_commands([BotCommand(command="today", description="сейчас")], scope=scope, language_code="ru")
    assert api.commands[f"chat:{ANNA}", "ru"][0]["command"] == "today"
    assert await bot.get_my_commands(scope=scope, language_code="en") == []
    await bot.delete_my_commands(scope=scope, language_code="ru")
    assert not api.commands
