"""Answers to people reach them although Telegram, or the database, is in trouble for a while (docs/product.md §8)."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter, TelegramServerError

from bot.telegram.pacing.memory_slots import MemorySlots
from bot.telegram.pacing.rate_limiter import RateLimiter
from bot.telegram.session import make_bot, session_of
from storage.db.database import Database
from storage.errors import DatabaseLocked, DatabaseUnreachable, DiskFull
from storage.messages import rate_slots
from tests.bot.botapi import TOKEN, BotApi, Fault
from tests.bot.clocks import Stopwatch
from tests.bot.office import ADMIN, ANNA, HEAD


class Watched(Stopwatch):
    """A watch that others can wait for."""

    def __init__(self):
        super().__init__()
        self._moved = asyncio.Event()

    async def sleep(self, seconds):
        await super().sleep(seconds)
        self._moved.set()
        await asyncio.sleep(0)

    async def passes(self, moment):
        """Wait until others have slept for so long."""
        while self.now < moment:
            self._moved.clear()
            await self._moved.wait()


@contextlib.asynccontextmanager
async def answering(api, database, *, in_memory=True):
    """A bot with limits, whose time passes when it sleeps; slots come from memory, which has no clock of its own."""
    clock = Watched()
    bot = make_bot(TOKEN, api.url)
    session_of(bot).limiter = limiter = RateLimiter(database, clock.sleep, clock)
    if in_memory:
        limiter._memory_until = float("inf")
    try:
        yield bot, clock
    finally:
        await bot.session.close()


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.GATEWAY, Fault.TOO_MANY])
async def test_an_answer_is_repeated_after_a_certain_failure(sqlite_database, fault):
    async with BotApi(limits=False) as api, answering(api, sqlite_database) as (bot, _):
        api.user(1, started=True)
        api.fault("sendMessage", fault, times=4)
        await bot.send_message(1, "text")
        assert api.chat(1).texts == ["text"]


async def test_an_answer_waits_for_telegram_to_take_connections_again(sqlite_database):
    api = BotApi(limits=False)
    async with api:
        port = api.port
    api = BotApi(limits=False, port=port)
    api.user(1, started=True)
    async with answering(api, sqlite_database) as (bot, clock):
        asked = asyncio.create_task(bot.send_message(1, "text"))
        await clock.passes(103)  # refused at once, and after a second
        async with api:
            await asked
    assert api.chat(1).texts == ["text"]


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.SERVER_ERROR, TelegramServerError), (Fault.TOO_MANY, TelegramRetryAfter)]
)
async def test_an_answer_is_given_up_after_a_minute(sqlite_database, fault, error):
    async with BotApi(limits=False) as api, answering(api, sqlite_database) as (bot, clock):
        api.user(1, started=True)
        api.fault("sendMessage", fault, times=1000)
        with pytest.raises(error):
            await bot.send_message(1, "text")
        assert 40 < clock.now - 100 <= 60 or fault is Fault.TOO_MANY
        assert len(api.sent("sendMessage")) <= 61


async def test_a_wait_of_hours_is_not_waited_for(sqlite_database):
    async with BotApi(limits=False) as api, answering(api, sqlite_database) as (bot, _):
        api.user(1, started=True)
        api.fault("sendMessage", Fault.TOO_MANY, retry_after=3600)
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(1, "text")
        assert len(api.sent("sendMessage")) == 1


async def test_what_may_have_arrived_is_not_sent_twice_but_an_edit_is(sqlite_database):
    async with BotApi(limits=False) as api, answering(api, sqlite_database) as (bot, _):
        api.user(1, started=True)
        api.fault("sendMessage", Fault.DROP_AFTER)
        with pytest.raises(TelegramNetworkError):
            await bot.send_message(1, "text")
        assert api.chat(1).texts == ["text"]
        api.fault("editMessageText", Fault.DROP_BEFORE)
        await bot.edit_message_text("other", chat_id=1, message_id=api.chat(1).messages[0].id)
        assert api.chat(1).texts == ["other"]


async def test_a_question_of_a_command_is_asked_once():
    async with BotApi(limits=False) as api, make_bot(TOKEN, api.url) as bot:
        api.fault("getMe", Fault.SERVER_ERROR, times=9)
        with pytest.raises(TelegramServerError):
            await bot.get_me()
        assert len(api.sent("getMe")) == 1


# The database


@pytest.fixture
def broken(monkeypatch):
    """Break what an office does with its database, in one way or another."""

    def breaking(error, *, also_reading=True):
        @contextlib.asynccontextmanager
        async def refuse(_database):
            raise error
            yield

        for name in ("transaction", "express", "reading") if also_reading else ("transaction", "express"):
            monkeypatch.setattr(Database, name, refuse)

    return breaking


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DatabaseUnreachable("gone"), "База данных сейчас недоступна"),
        (DatabaseLocked("held"), "База данных сейчас занята"),
    ],
)
async def test_people_hear_that_the_database_is_gone(office, broken, error, words):
    broken(error)
    office.api.user(HEAD).says("/rules")
    told = await office.api.message(HEAD)
    assert told.text.startswith(words)
    assert "gone" not in told.text


async def test_a_tap_hears_that_the_database_is_gone(office, broken):
    await office.join_anna()
    await office.evening()
    broken(DatabaseUnreachable("gone"))
    tap = office.api.user(ANNA).taps("Правила")
    await office.api.answered(tap)
    assert tap.alert
    assert tap.text.startswith("База данных сейчас недоступна")


async def test_with_a_full_disk_people_are_answered_as_always(office, broken):
    await office.evening()
    broken(DiskFull("full"), also_reading=False)
    office.api.user(HEAD).says("/rules")
    await office.api.message(HEAD, "Правила")


async def test_health_names_a_full_disk(office, broken):
    await office.evening()
    broken(DiskFull("full"), also_reading=False)
    office.api.user(ADMIN).says("/health")
    told = await office.api.message(ADMIN, "Состояние")
    assert "Диск, на котором лежит база данных, полон" in told.text
    assert "Служба работает" not in told.text


async def test_slots_come_from_the_database_again_when_it_is_back(sqlite_database, broken, monkeypatch):
    async with BotApi(limits=False) as api, answering(api, sqlite_database, in_memory=False) as (bot, clock):
        api.user(1, started=True)
        with monkeypatch.context():
            broken(DatabaseUnreachable("gone"))
            for _ in range(3):
                await bot.send_message(1, "text")
            assert clock.now > 102  # a second apart all the same
        monkeypatch.undo()
        clock.now += 60
        await bot.send_message(1, "text")
        assert len(api.chat(1).texts) == 4
        assert await rate_slots.wait_of(sqlite_database, "chat:1") > 0


async def test_slots_of_memory_are_evenly_spaced_by_key():
    clock = Stopwatch()
    slots, at = MemorySlots(clock, clock.sleep), []
    for key in ("1", "1", "2", "1"):
        await slots.wait(key, 1.0)
        at.append(clock.now - 100)
    assert at == [0, 1, 1, 2]


def test_nothing_listens_on_a_port_that_was_closed():
    """The loopback of this machine refuses, as the tests above need."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    with socket.socket() as knock:
        assert knock.connect_ex(address) != 0
