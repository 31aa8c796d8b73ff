"""The bot hears on: one unreadable update is skipped, and the last answer to a request for updates is remembered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from aiogram.types import Update

from bot.telegram.middlewares import DeduplicateUpdates
from bot.telegram.session import make_bot
from bot.telegram.updates import UpdatesHeard, readable_updates
from tests.bot.botapi import TOKEN, BotApi

NOW = datetime(2026, 11, 19, 15, tzinfo=UTC)


@pytest.fixture
async def api():
    async with BotApi(limits=False) as server:
        server.user(7, started=True)
        yield server


async def test_an_unreadable_update_is_skipped_and_confirmed_and_the_others_are_read(api):
    api.user(7).says("before")
    api.updates.append({"update_id": 500, "message": {"message_id": "no number", "text": ["x"]}})
    api.updates.append({"update_id": 501, "message": api.updates[0]["message"]})
    async with make_bot(TOKEN, api.url) as bot:
        updates = await bot.get_updates()
    assert [update.update_id for update in updates][-2:] == [500, 501]
    assert [update.message and update.message.text for update in updates] == ["before", None, "before"]


async def test_an_update_of_an_unknown_kind_is_dropped_before_aiogram_writes_its_content_to_the_log():
    handled: list[object] = []

    async def handler(event: object, _data: dict) -> None:
        handled.append(event)

    unknown = Update.model_validate({"update_id": 1, "brand_new_kind": {"text": "private"}})
    await DeduplicateUpdates()(handler, unknown, {})
    assert handled == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"result": 5}', '{"result": [5]}', '{"result": [{}]}', "[" * 5000]
)
async def test_an_answer_without_updates_is_none(content: str):
    assert readable_updates(content, make_bot(TOKEN, "https://telegram.example")) is None


def test_a_row_without_an_id_does_not_hide_the_updates_beside():
    rows = json.dumps({"ok": True, "result": [None, {"message": {}}, {"update_id": "x"}, {"update_id": 9}]})
    assert [each.update_id for each in readable_updates(rows, make_bot(TOKEN, "https://telegram.example"))] == [9]


async def test_only_an_answered_request_for_updates_counts_as_heard(api):
    now = [NOW]
    async with make_bot(TOKEN, api.url) as bot:
        heard = UpdatesHeard(lambda: now[0])
        bot.session.middleware(heard)
        now[0] += timedelta(minutes=1)
        await bot.me()
        assert heard.at == NOW
        await bot.get_updates()
        assert heard.at == now[0]


async def test_a_webhook_counts_as_heard_while_telegram_has_its_address_and_no_errors(api):
    now = [NOW]
    heard = UpdatesHeard(lambda: now[0])
    async with make_bot(TOKEN, api.url) as bot:
        await bot.set_webhook("https://bot.example/telegram", secret_token="s")
        now[0] += timedelta(minutes=1)
        await heard.ask_webhook(bot, "https://elsewhere.example/telegram")
        assert heard.at == NOW
        await heard.ask_webhook(bot, "https://bot.example/telegram")
        assert heard.at == now[0]


def test_the_answer_is_read_as_json_only_where_aiogram_could_not():
    good = {"update_id": 1}
    [update] = readable_updates(json.dumps({"ok": True, "result": [good]}), make_bot(TOKEN, "https://t.example"))
    assert update.update_id == 1
