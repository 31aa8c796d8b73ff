"""Updates come by Telegram's call with the secret, and by no other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiogram import Bot, Dispatcher, Router
from aiogram.types import Message
from structlog.testing import capture_logs

from bot.dispatcher import finish
from bot.telegram.listening import WebhookReceiver
from bot.telegram.middlewares import TrackInFlight
from bot.telegram.session import make_bot
from reglament.config.settings import TelegramSettings
from reglament.errors import WorkFailed
from reglament.service import webhook
from tests.bot.botapi import TOKEN, BotApi

SECRET = "s3cret_-OF-the-webhook-of-the-bot"
HOME = "https://bot.example"


def settings(url: str = HOME, port: int = 0) -> TelegramSettings:
    return TelegramSettings.model_validate(
        {"token": TOKEN, "mode": "webhook", "webhook_url": url, "webhook_secret": SECRET, "listen": f"127.0.0.1:{port}"}
    )


@asynccontextmanager
async def calling(dispatcher: Dispatcher, bot: Bot, url: str = HOME) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever calls the webhook; on leaving, it no longer listens."""
    async with (
        webhook.listening(settings(url), WebhookReceiver(dispatcher, bot)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as caller,
    ):
        yield caller


def update(text: str) -> dict[str, Any]:
    person = {"id": 7, "is_bot": False, "first_name": "Анна"}
    chat = {"id": 7, "type": "private", "first_name": "Анна"}
    return {"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": chat, "from": person, "text": text}}


@pytest.mark.parametrize(
    ("url", "told", "path"),
    [
        ("https://bot.example", "https://bot.example/telegram", "/telegram"),
        ("https://bot.example/hooks/one", "https://bot.example/hooks/one", "/hooks/one"),
        ("https://bot.example/hooks/one", "https://bot.example/hooks/one", "/telegram"),
    ],
)
async def test_only_calls_with_the_secret_are_answered(url: str, told: str, path: str) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    router = Router()

    @router.message()
    async def note(message: Message) -> None:
        heard.put_nowait(message.text)

    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    async with BotApi() as api:
        bot = make_bot(TOKEN, api.url)
        async with calling(dispatcher, bot, url) as caller:
            assert api.webhook == told
            for headers in ({}, {webhook.HEADER: "guessed"}):
                refused = await caller.post(path, json=update("чужое"), headers=headers)
                assert refused.status_code == 401
            answer = await caller.post(path, json=update("своё"), headers={webhook.HEADER: SECRET})
            assert answer.status_code == 200
            elsewhere = await caller.post("/elsewhere", json=update("мимо"))
            assert elsewhere.status_code == 404
            async with asyncio.timeout(60):
                assert await heard.get() == "своё"
        await bot.session.close()
    assert heard.empty()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"\xff\xfe", 400),
        (b"[]", 200),
        (b"{}", 200),
        (b'{"update_id": "x"}', 200),
        (b'{"update_id": 1, "message": 5}', 200),
    ],
)
async def test_what_is_no_update_is_noted_in_a_line_and_refused_if_no_json(body: bytes, status: int) -> None:
    async with BotApi() as api:
        bot = make_bot(TOKEN, api.url)
        with capture_logs() as lines:
            async with calling(Dispatcher(), bot) as caller:
                headers = {webhook.HEADER: SECRET, "Content-Type": "application/json"}
                answer = await caller.post("/telegram", content=body, headers=headers)
        await bot.session.close()
    assert answer.status_code == status
    assert [line["event"] for line in lines] == ["no_update"]
    assert "exc_info" not in lines[0]


async def test_an_update_that_was_receipted_is_answered_before_the_end() -> None:
    taken, go_on = asyncio.Event(), asyncio.Event()
    answered: list[str | None] = []
    router = Router()

    @router.message()
    async def slow(message: Message) -> None:
        taken.set()
        await go_on.wait()
        answered.append(message.text)

    in_hand = TrackInFlight()
    dispatcher = Dispatcher(in_hand=in_hand)
    dispatcher.update.outer_middleware(in_hand)
    dispatcher.include_router(router)
    async with BotApi() as api:
        bot = make_bot(TOKEN, api.url)
        async with calling(dispatcher, bot) as caller:
            await caller.post("/telegram", json=update("в работе"), headers={webhook.HEADER: SECRET})
            await taken.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        await finish(dispatcher)
        assert answered == ["в работе"]
        await bot.session.close()


async def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        async with BotApi() as api:
            bot = make_bot(TOKEN, api.url)
            with pytest.raises(WorkFailed, match="cannot listen there"):
                async with webhook.listening(settings(port=port), WebhookReceiver(Dispatcher(), bot)):
                    raise AssertionError("nothing can listen there")
            await bot.session.close()
