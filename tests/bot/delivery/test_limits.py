"""No second holds more than thirty messages, however late each is sent (docs/product.md §8)."""

from __future__ import annotations

from aiogram.methods import SendMessage

from bot.telegram.limited_bot import LimitedBot
from bot.telegram.pacing.process_pacing import ChatTurns, RetryAfterTimes, TravelTimes
from bot.telegram.pacing.rate_limiter import RateLimiter
from bot.telegram.session import make_bot, session_of
from tests.bot.botapi import TOKEN, BotApi
from tests.bot.clocks import Stopwatch


async def test_all_that_a_limited_bot_sends_waits_for_the_limits(sqlite_database, monkeypatch):
    """Also that of a worker without the bot, and of a command that sends what waits."""
    acquired = []
    acquire = RateLimiter.acquire

    async def noted(limiter, chat_id):
        acquired.append(chat_id)
        return await acquire(limiter, chat_id)

    monkeypatch.setattr(RateLimiter, "acquire", noted)
    async with BotApi(limits=False) as api:
        api.user(7, started=True)
        bot = make_bot(TOKEN, api.url)
        LimitedBot(bot, sqlite_database)
        await bot.send_message(7, "text")
        await bot.me()
        await bot.session.close()
    assert acquired == [7]


def test_two_messages_to_a_chat_are_a_second_apart():
    clock = Stopwatch()
    turns = ChatTurns(clock, clock.sleep)

    async def send():
        turns.leave(1, await turns.enter(1))
        first = clock.now
        turns.leave(2, await turns.enter(2))
        assert clock.now == first
        turns.leave(1, await turns.enter(1))
        assert clock.now - first > 1.0

    _run(send())


def test_a_chats_second_begins_when_its_message_has_arrived():
    clock = Stopwatch()
    turns = ChatTurns(clock, clock.sleep)

    async def send():
        turn = await turns.enter(1)
        clock.now += 0.4  # the process had much else to do before it sent
        turns.leave(1, turn)
        arrived = clock.now
        turns.leave(1, await turns.enter(1))
        assert clock.now - arrived > 1.0

    _run(send())


def test_a_message_may_have_been_long_on_its_way_there():
    travel = TravelTimes()
    assert travel.latest_arrival(written=0.0, answered=0.02) == 0.0
    assert travel.latest_arrival(written=1.0, answered=1.22) == 1.2


def test_a_way_that_is_always_long_costs_nothing():
    travel = TravelTimes()
    assert [travel.latest_arrival(written=at, answered=at + 0.3) for at in (1.0, 2.0)] == [1.0, 2.0]


def test_a_group_told_to_wait_keeps_others_only_a_moment():
    clock = Stopwatch()
    told = RetryAfterTimes(clock)
    told.add(-1, 40.0)
    assert told.left(1)
    clock.now += 6
    assert not told.left(1)
    assert told.left(-1)


class _Permit:
    """Notes how many messages had arrived when it was asked."""

    def __init__(self, api):
        self._api = api
        self.ready_after = []
        self.sent_after = []
        self.answers = 0

    async def ready(self):
        self.ready_after.append(len(self._api.chat(7).messages))

    def sent(self):
        self.sent_after.append(len(self.ready_after))

    async def answered(self):
        self.answers += 1


async def test_a_message_asks_when_its_connection_is_there_and_before_it_is_written():
    async with BotApi(limits=False) as api:
        api.user(7, started=True)
        bot = make_bot(TOKEN, api.url)
        session, permit = session_of(bot), _Permit(api)
        await session.send(bot, SendMessage(chat_id=7, text="nobody watches"), None)
        for text in ("over a connection that is there", "and again"):
            await session.send(bot, SendMessage(chat_id=7, text=text), permit)  # type: ignore[arg-type]
        await session.close()
        await session.send(bot, SendMessage(chat_id=7, text="over a new one"), permit)  # type: ignore[arg-type]
        await session.close()
    assert permit.ready_after == [1, 2, 3]
    assert sorted(set(permit.sent_after)) == [1, 2, 3]
    assert permit.answers == 3


def _run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something but its clock")
