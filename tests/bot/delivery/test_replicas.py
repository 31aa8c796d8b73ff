"""No second holds more than thirty messages of all replicas together, whichever is held up (docs/product.md §8)."""

from __future__ import annotations

import asyncio
import itertools
import selectors

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.telegram.pacing import common_slots, rate_limiter
from bot.telegram.pacing.limits import COMMON_STEP
from bot.telegram.pacing.rate_limiter import MustWait, RateLimiter
from storage.messages import rate_slots
from tests.bot.clocks import Stopwatch

DATABASE_AHEAD = 5000.0
"""Its clock is another than that of the replicas' watches."""


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(1.0, 2.0), st.sampled_from([0.05, 0.1, 0.3, 0.34, 0.4, 0.9])), min_size=3, max_size=8),
    st.integers(2, 4),
)
def test_a_replica_that_was_held_up_does_not_send_beside_the_others(pauses, replicas):
    world = _World(replicas)
    at = 1.0
    for replica, (pause, length) in zip(itertools.cycle(world.replicas), pauses, strict=False):
        replica.held_up.append((at, at + length))
        at += pause
    sent = world.send(seconds=at + 2.0)
    assert all(later - earlier > 1.0 for earlier, later in zip(sent, sent[30:], strict=False))
    assert len(sent) > 20 * at


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(1.0, 2.0), st.sampled_from([0.03, 0.06, 0.1, 0.2])), min_size=3, max_size=8),
    st.integers(1, 3),
)
def test_messages_that_were_long_on_their_way_do_not_arrive_beside_the_next(pauses, replicas):
    world = _World(replicas)
    at = 1.0
    for pause, length in pauses:
        world.stood_still.append((at, at + length))
        at += pause
    sent = world.send(seconds=at + 2.0)
    assert all(later - earlier > 1.0 for earlier, later in zip(sent, sent[30:], strict=False))
    assert len(sent) > 20 * at


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_replicas_that_are_in_time_send_as_much_as_may_be(replicas):
    assert len(_World(replicas).send(seconds=5.0)) > 5 * 28


def test_a_connection_that_takes_long_costs_no_slot():
    assert len(_World(2).send(seconds=5.1, connecting=0.1)) > 5 * 28


def test_replicas_that_are_always_somewhat_late_send_nearly_as_much_and_not_too_much():
    world = _World(2)
    for replica, start in zip(world.replicas, (0.0, 0.07), strict=True):
        replica.held_up += [(start + n * 0.2, start + n * 0.2 + 0.15) for n in range(100)]
    sent = world.send(seconds=20.0, writing=0.005)
    assert all(later - earlier > 1.0 for earlier, later in zip(sent, sent[30:], strict=False))
    assert len(sent) > 20 * 18


def test_a_replica_that_is_always_late_sends_all_the_same():
    world = _World(1)
    world.replicas[0].held_up += [(n / 10, n / 10 + 0.09) for n in range(200)]
    assert len(world.send(seconds=20.0)) > 10


def test_in_a_crowd_the_first_to_come_is_the_first_to_go():
    world = _World(1)
    order = world.crowd(200)
    assert order == sorted(order)


async def test_a_missed_slot_is_given_up_for_a_later_one(database):
    clock = Stopwatch()
    nights = iter([50.0])

    async def overslept(seconds):
        await clock.sleep(seconds + next(nights, 0.0))

    limiter = RateLimiter(database, overslept, clock)
    permit = await limiter.acquire(7)
    await rate_slots.push_back(database, common_slots.ALL, 3.0)
    await permit.ready()
    await permit.answered()
    assert await limiter.common_wait() > 40.0


async def test_two_processes_never_get_the_same_common_slot(database):
    """The service and a command beside it, on one SQLite file or on PostgreSQL."""
    clocks = [Stopwatch(), Stopwatch()]
    limiters = [RateLimiter(database, clock.sleep, clock) for clock in clocks]
    slots = []
    for chat_id in range(1, 11):
        for number, limiter in enumerate(limiters):
            permit = await limiter.acquire(2 * chat_id + number)
            slots.append(await limiter.common.wait())
            await permit.answered()
    assert all(later - earlier > 0.99 * COMMON_STEP for earlier, later in itertools.pairwise(sorted(slots)))


async def test_a_message_does_not_go_out_when_others_were_told_to_wait_meanwhile(database):
    clock = Stopwatch()
    limiter = RateLimiter(database, clock.sleep, clock)
    permit = await limiter.acquire(7)
    await rate_slots.push_back(database, common_slots.ALL, 500.0)
    with pytest.raises(MustWait) as told:
        await permit.ready()
    await permit.answered()
    assert 400 < told.value.seconds <= 500


async def test_a_message_does_not_go_out_when_its_process_was_told_to_wait_meanwhile(database):
    clock = Stopwatch()
    limiter = RateLimiter(database, clock.sleep, clock)
    permit = await limiter.acquire(7)
    began = clock.now
    await limiter.retry_after(-8, 4.0)
    await permit.ready()
    assert clock.now - began >= 4.0
    await permit.answered()


async def test_a_message_waits_for_its_chat_or_is_left_for_later(database):
    clock = Stopwatch()
    limiter = RateLimiter(database, clock.sleep, clock)
    first = await limiter.acquire_within(7, 0.5)
    await first.answered()
    assert await limiter.acquire_within(7, 0.5) is None
    began = clock.now
    await (await limiter.acquire(7)).answered()
    assert clock.now - began > 0.9


async def test_a_request_that_never_got_its_connection_lets_others_go(database):
    clock = Stopwatch()
    limiter = RateLimiter(database, clock.sleep, clock)
    for chat_id in range(1, 20):
        permit = await limiter.acquire(chat_id)
        await permit.answered()
        await permit.answered()
    assert await limiter.common_wait() == 0.0


class _Loop(asyncio.SelectorEventLoop):
    """Its time passes only when all wait for it."""

    def __init__(self):
        self.now = 0.0
        super().__init__(_Selector(self))

    def time(self):
        return self.now


class _Selector(selectors.SelectSelector):
    def __init__(self, loop):
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        assert timeout is not None, "all wait, and not for time to pass"
        self._loop.now += max(0.0, timeout)
        return super().select(0)


class _Replica:
    """A process; whatever falls due while it is held up happens when that is over."""

    def __init__(self, loop):
        self.held_up = []
        self._loop = loop
        self.limiter = RateLimiter(self, self.sleep, loop.time)  # type: ignore[arg-type]

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)
        now = self._loop.now
        for start, end in self.held_up:
            if start <= now < end:
                await asyncio.sleep(end - now)


class _World:
    """Replicas that share a database."""

    def __init__(self, replicas):
        self.loop = _Loop()
        self.replicas = [_Replica(self.loop) for _ in range(replicas)]
        self.sent = []
        self.stood_still = []
        """When messages arrived that came to Telegram meanwhile: at the end of it."""
        self._next = {}
        self._chats = itertools.count(1)

    def send(self, *, seconds, **taking):
        """When messages went out in so many seconds: all replicas send as many as they may."""

        async def sender(replica):
            while True:
                await self._send(replica, next(self._chats), **taking)

        async def for_a_while():
            tasks = [asyncio.ensure_future(sender(replica)) for replica in self.replicas for _ in range(5)]
            await asyncio.wait(tasks, timeout=seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._run(for_a_while())
        return [at for at, _ in self.sent]

    def crowd(self, many):
        """The chats of so many messages nearly at once, in the order they went out."""

        async def comes(chat_id):
            await asyncio.sleep(chat_id / 1000)
            await self._send(self.replicas[0], chat_id)

        async def all_of_them():
            await asyncio.gather(*map(comes, range(many)))

        self._run(all_of_them())
        return [chat for _, chat in self.sent]

    def _run(self, coroutine):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rate_limiter, "rate_slots", self)
            patch.setattr(common_slots, "rate_slots", self)
            try:
                self.loop.run_until_complete(coroutine)
            finally:
                self.loop.close()

    async def _send(self, replica, chat_id, connecting=0.0, writing=0.0):
        permit = await replica.limiter.acquire(chat_id)
        try:
            await replica.sleep(connecting)
            await permit.ready()
            await replica.sleep(writing)
            permit.sent()
            await self._telegram_notices()
            self.sent.append((self.loop.now, chat_id))
            await replica.sleep(0.02)
        finally:
            await permit.answered()

    async def _telegram_notices(self):
        await asyncio.sleep(0.01)
        for start, end in self.stood_still:
            if start <= self.loop.now < end:
                await asyncio.sleep(end - self.loop.now)

    # The slots, as storage.rate_slots keeps them

    async def take(self, db, key, step, *, common, pause, ahead=None):
        await db.sleep(0.003)
        slot = self._reserve(key, step)
        await db.sleep(0.003)
        return slot

    async def reserve(self, db, key, step, count, *, earliest, later, ahead):
        await db.sleep(0.003)
        slot = self._reserve(key, later + step * count, earliest)
        await db.sleep(0.003)
        return rate_slots.Slot(slot.at + later, slot.now)

    def _reserve(self, key, step, earliest=0.0):
        now = self.loop.now + DATABASE_AHEAD
        at = max(self._next.get(key, 0.0), now, earliest)
        self._next[key] = at + step
        return rate_slots.Slot(at, now)
