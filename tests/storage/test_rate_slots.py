"""Slots: evenly spaced, over all who ask, by the database's clock."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from sqlalchemy import select

from storage import rate_slots
from storage.types import DatabaseNow


async def test_slots_are_evenly_spaced(database):
    waits = [await rate_slots.take(database, "*", 10.0) for _ in range(4)]
    assert waits[0] == 0.0
    # The clock runs on between the calls; never may a slot come earlier than its place in the queue allows.
    for place, wait in enumerate(waits):
        assert place * 10.0 - 5.0 < wait <= place * 10.0 + 0.001


async def test_slots_are_evenly_spaced_also_for_many_at_once(database):
    waits = sorted(await asyncio.gather(*(rate_slots.take(database, "*", 10.0) for _ in range(6))))
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert all(5.0 < gap < 15.0 for gap in gaps)


async def test_a_slot_too_far_away_is_not_reserved(database):
    assert await rate_slots.take(database, "chat", 100.0) == 0.0
    assert await rate_slots.take(database, "chat", 100.0, ahead=0.5) is None
    assert await rate_slots.take(database, "chat", 100.0, ahead=0.5) is None
    assert await rate_slots.take(database, "chat", 100.0, ahead=1000.0) == pytest.approx(100.0, abs=50.0)
    assert await rate_slots.take(database, "other chat", 100.0, ahead=0.5) == 0.0


async def test_a_chats_slots_count_from_when_its_messages_go_out(database):
    chat = ("chat", 100.0)
    await rate_slots.push_back(database, "*", 1000.0)
    first = await rate_slots.take_both(database, ("*", 1.0), chat)
    assert first == pytest.approx(1000.0, abs=50.0)
    second = await rate_slots.take_both(database, ("*", 1.0), chat)
    assert second == pytest.approx(1100.0, abs=50.0)
    assert second - first > 50.0


async def test_of_a_common_slot_and_a_chats_both_are_reserved_or_neither(database):
    await rate_slots.push_back(database, "chat", 500.0)
    for _ in range(3):
        assert await rate_slots.take_both(database, ("*", 100.0), ("chat", 1.0), ahead=2.0) is None
    assert await rate_slots.take(database, "*", 1.0) == 0.0


async def test_retry_after_pushes_everybody_back(database):
    await rate_slots.push_back(database, "*", 500.0)
    assert await rate_slots.take(database, "*", 1.0, ahead=100.0) is None
    await rate_slots.push_back(database, "*", 5.0)
    assert await rate_slots.take(database, "*", 1.0, ahead=100.0) is None


async def test_both_databases_know_what_time_it_is(database):
    import time

    async with database.reading() as session:
        now = await session.scalar(select(DatabaseNow()))
    assert now == pytest.approx(time.time(), abs=60.0)
    assert now != int(now)
