"""No second holds more than thirty messages, however late each is sent (docs/product.md §8)."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.delivery.courier import NEVER, Courier
from bot.telegram import rate_limiter
from bot.telegram.process_pacing import Watch
from bot.telegram.rate_limiter import ALL_STEP, before_wire, on_wire
from bot.telegram.session import make_bot
from tests.bot.botapi import TOKEN, BotApi
from tests.bot.clocks import Stopwatch


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.005, 0.0346, 0.2]), min_size=40, max_size=120))
def test_slots_that_were_overslept_do_not_fall_upon_each_other(pauses):
    clock, sent = Stopwatch(), []
    watch = Watch(clock)

    async def send():
        for pause in pauses:
            clock.now += pause
            await watch.space(ALL_STEP, clock.sleep)
            sent.append(clock.now)

    _run(send())
    assert all(later - earlier > 1.0 for earlier, later in zip(sent, sent[30:], strict=False))


async def test_whatever_the_bot_of_a_courier_sends_waits_for_the_limits(sqlite_database, monkeypatch):
    """Also that of a worker without the bot, and of a command that sends what waits."""
    turns, passed = [], []
    take_turn, space = rate_limiter.turn, Watch.space

    async def turn(db, chat_id, sleep, **options):
        turns.append(chat_id)
        return await take_turn(db, chat_id, sleep, **options)

    async def pass_(watch, step, sleep):
        passed.append(step)
        return await space(watch, step, sleep)

    monkeypatch.setattr(rate_limiter, "turn", turn)
    monkeypatch.setattr(Watch, "space", pass_)
    async with BotApi(limits=False) as api:
        api.user(7, started=True)
        bot = make_bot(TOKEN, api.url)
        Courier(bot, SimpleNamespace(db=sqlite_database), "test", lambda: NEVER)
        await bot.send_message(7, "text")
        await bot.session.close()
    assert (turns, passed) == ([7], [ALL_STEP])


def test_messages_are_spaced_evenly_though_each_comes_a_little_late():
    clock, sent = Stopwatch(), []
    watch = Watch(clock)

    async def late(seconds):
        clock.now += seconds + 0.005

    async def send():
        for _ in range(60):
            await watch.space(ALL_STEP, late)
            sent.append(clock.now)

    _run(send())
    assert sent[-1] - sent[0] < 60 * ALL_STEP + 0.1


def test_a_message_counts_from_when_it_is_written():
    clock, sent = Stopwatch(), []
    watch = Watch(clock)

    async def send():
        for _ in range(40):
            gone = await watch.space(0.0, clock.sleep)
            if not sent:
                clock.now += 0.3  # the process had much else to do before it wrote
            gone(clock.now)
            sent.append(clock.now)

    _run(send())
    assert all(later - earlier > 1.0 for earlier, later in zip(sent, sent[30:], strict=False))


def test_a_message_counts_from_when_it_may_have_arrived():
    """It was long on its way: whether there or back, nobody tells."""
    clock, arrived = Stopwatch(), []
    watch = Watch(clock)

    async def send():
        for number in range(70):
            gone = await watch.space(0.0, clock.sleep)
            gone(written := clock.now)
            way = 0.2 if number == 30 else 0.01
            arrived.append(written + way)
            clock.now += way + 0.01
            gone(watch.arrived(written))

    _run(send())
    assert all(later - earlier > 1.0 for earlier, later in zip(arrived, arrived[30:], strict=False))


def test_a_way_that_is_always_long_costs_nothing():
    clock = Stopwatch()
    watch = Watch(clock)

    async def send():
        for _ in range(60):
            gone = await watch.space(ALL_STEP, clock.sleep)
            gone(clock.now)
            gone(watch.arrived(clock.now - 0.3))
        return clock.now

    began = clock.now
    _run(send())
    assert clock.now - began < 60 * ALL_STEP


def test_what_a_busy_process_missed_is_made_up_for():
    clock, sent = Stopwatch(), []
    watch = Watch(clock)

    async def send():
        for number in range(60):
            if number % 10 == 0:
                clock.now += 0.1
            await watch.space(ALL_STEP, clock.sleep)
            sent.append(clock.now)

    _run(send())
    assert sent[-1] - sent[0] < 60 * ALL_STEP + 0.1
    assert all(later - earlier > 1.0 for earlier, later in zip(sent, sent[30:], strict=False))


def test_two_messages_to_a_chat_are_a_second_apart():
    clock = Stopwatch()
    watch = Watch(clock)

    async def send():
        async with watch.alone(1, clock.sleep):
            first = clock.now
        async with watch.alone(2, clock.sleep):
            assert clock.now == first
        async with watch.alone(1, clock.sleep):
            assert clock.now - first > 1.0

    _run(send())


def test_a_chats_second_begins_when_its_message_has_arrived():
    clock = Stopwatch()
    watch = Watch(clock)

    async def send():
        async with watch.alone(1, clock.sleep):
            clock.now += 0.4  # the process had much else to do before it sent
        arrived = clock.now
        async with watch.alone(1, clock.sleep):
            assert clock.now - arrived > 1.0

    _run(send())


def test_a_group_told_to_wait_keeps_others_only_a_moment():
    clock = Stopwatch()
    watch = Watch(clock)
    watch.hush(-1, 40.0, 5.0)
    assert watch.quiet(1)
    clock.now += 6
    assert not watch.quiet(1)
    assert watch.quiet(-1)


async def test_a_message_asks_when_its_connection_is_there_and_before_it_is_written():
    async with BotApi(limits=False) as api:
        api.user(7, started=True)
        bot = make_bot(TOKEN, api.url)
        arrived_before = []

        async def ask():
            arrived_before.append(len(api.chat(7).messages))

        await bot.send_message(7, "nobody watches")
        written = []
        sending, going = before_wire.set(ask), on_wire.set(lambda: written.append(len(arrived_before)))
        for text in ("over a connection that is there", "and again"):
            await bot.send_message(7, text)
        await bot.session.close()
        await bot.send_message(7, "over a new one")
        before_wire.reset(sending)
        on_wire.reset(going)
        await bot.session.close()
        assert arrived_before == [1, 2, 3]
        assert len(api.chat(7).messages) == 4
        assert sorted(set(written)) == [1, 2, 3]


def _run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something but its clock")
