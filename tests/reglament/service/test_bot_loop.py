"""People are answered again after an error that nobody foresaw; a setting that cannot work stops the service."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from reglament.errors import WorkFailed
from reglament.service import bot_loop


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch):
    """The loop with a bot that fails as told, then polls until the stop."""
    errors: list[Exception] = []
    stop = asyncio.Event()
    polled: list[int] = []

    async def poll(*_args: object) -> None:
        polled.append(len(polled))
        if errors:
            raise errors.pop(0)
        stop.set()

    async def nothing(*_args: object) -> None:
        return None

    monkeypatch.setattr(bot_loop, "FIRST_WAIT", 0)
    monkeypatch.setattr("bot.telegram.listening.poll", poll)
    monkeypatch.setattr(bot_loop, "show_face", nothing)
    monkeypatch.setattr("bot.dispatcher.build", lambda *_args: None)
    monkeypatch.setattr("bot.dispatcher.finish", nothing)
    settings = SimpleNamespace(language="ru", telegram=SimpleNamespace(mode="polling", name=""))
    process: Any = SimpleNamespace(settings=settings, now=None)
    bot: Any = SimpleNamespace(bot=None)
    return errors, polled, lambda: bot_loop.answer_people(process, bot, None, stop)


async def test_an_unforeseen_error_is_logged_and_people_are_answered_again(loop):
    errors, polled, answer = loop
    errors += [KeyError("planted"), RecursionError("planted")]
    async with asyncio.timeout(30):
        await answer()
    assert len(polled) == 3


async def test_a_setting_that_cannot_work_stops_the_service(loop):
    errors, _, answer = loop
    errors.append(WorkFailed("cannot listen there"))
    with pytest.raises(WorkFailed):
        await answer()
