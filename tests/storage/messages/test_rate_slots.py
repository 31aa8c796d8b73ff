"""Slots: evenly spaced, over all who ask, by the database's clock."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select

from storage.db.database import Database
from storage.db.types import DatabaseNow
from storage.messages import rate_slots

ALMOST = 0.001
"""A clock's fraction of a second is a float."""


async def test_slots_are_evenly_spaced(database):
    slots = [await _common(database) for _ in range(4)]
    assert slots[0].at <= slots[0].now + ALMOST
    assert _gaps(slots) == pytest.approx([100.0] * 3, abs=ALMOST)


async def test_slots_are_evenly_spaced_also_for_many_at_once(database):
    slots = await asyncio.gather(*(_common(database) for _ in range(4)))
    assert _gaps(slots) == pytest.approx([100.0] * 3, abs=ALMOST)


async def test_several_slots_are_reserved_in_a_row(database):
    first, following = await _common(database, count=3), await _common(database)
    assert following.at - first.at == pytest.approx(300.0, abs=ALMOST)


async def test_a_common_slot_is_not_before_the_time_asked_for(database):
    first = await _common(database)
    later = await _common(database, earliest=first.now + 200.0)
    assert later.at == pytest.approx(first.now + 200.0, abs=ALMOST)


async def test_seconds_can_be_left_before_the_next_common_slots(database):
    first = await _common(database)
    await _common(database, count=0, later=20.0)
    later = await _common(database, later=30.0)
    assert later.at - first.at == pytest.approx(150.0, abs=ALMOST)
    assert (await _common(database)).at - later.at == pytest.approx(100.0, abs=ALMOST)


async def test_a_common_slot_too_far_away_is_not_reserved(database):
    first = await _common(database)
    assert await _common(database, ahead=0.5) is None
    assert await _common(database, ahead=0.5) is None
    assert (await _common(database)).at - first.at == pytest.approx(100.0, abs=ALMOST)


async def test_a_crowd_that_holds_all_connections_does_not_keep_a_common_slot_waiting(postgresql_url):
    async with await Database.open(postgresql_url) as db, AsyncExitStack() as crowd:
        for _ in range(15):
            await crowd.enter_async_context(db.reading())
        assert await _common(db) is not None


async def test_chats_do_not_wait_for_each_other(database):
    one, other = await _own(database, "one"), await _own(database, "other")
    assert other.at - one.at < 100.0


async def test_a_chats_slots_are_a_step_apart(database):
    slots = [await _own(database) for _ in range(3)]
    assert _gaps(slots) == pytest.approx([100.0] * 2, abs=ALMOST)


async def test_a_chats_next_slot_counts_from_when_its_message_goes_out(database):
    await rate_slots.push_back(database, "*", 300.0)
    first, second = await _own(database, pause=1000.0), await _own(database, pause=1000.0)
    assert first.at <= first.now + ALMOST
    assert 300.0 < second.at - first.at <= 400.0 + ALMOST


async def test_a_chat_waits_when_telegram_asked_all_to_wait(database):
    await rate_slots.push_back(database, "*", 500.0)
    slot = await _own(database)
    assert 400.0 < slot.at - slot.now <= 500.0 + ALMOST


async def test_a_chats_slot_too_far_away_is_not_reserved(database):
    first = await _own(database)
    assert await _own(database, ahead=0.5) is None
    assert (await _own(database)).at - first.at == pytest.approx(100.0, abs=ALMOST)


async def test_a_chat_waits_with_all_others_that_telegram_told_to_wait(database):
    await rate_slots.push_back(database, "*", 500.0)
    assert await _own(database, "new", ahead=0.5) is None
    assert await _own(database, "new", ahead=0.5) is None
    assert await rate_slots.wait_of(database, "new") < 500.0 + 100.0


async def test_retry_after_is_never_shortened(database):
    await rate_slots.push_back(database, "*", 500.0)
    await rate_slots.push_back(database, "*", 5.0)
    assert await rate_slots.wait_of(database, "*") > 400.0


async def test_both_databases_know_what_time_it_is(database):
    async with database.reading() as session:
        now = await session.scalar(select(DatabaseNow()))
    assert now == pytest.approx(time.time(), abs=60.0)
    assert now != int(now)


async def test_far_slots_of_a_clock_that_was_wrong_are_forgotten_and_near_slots_kept(database):
    await rate_slots.push_back(database, "near", 60.0)
    await rate_slots.push_back(database, "far", 3 * 3600.0)
    await rate_slots.forget(database, ahead=600.0)
    assert await rate_slots.wait_of(database, "near") > 0
    assert await rate_slots.wait_of(database, "far") == 0


async def _common(database, *, count=1, ahead=1000.0, **when):
    return await rate_slots.reserve(database, "*", 100.0, count, ahead=ahead, **when)


async def _own(database, chat="chat", *, pause=5.0, ahead=None):
    return await rate_slots.take(database, chat, 100.0, common="*", pause=pause, ahead=ahead)


def _gaps(slots):
    return [later - earlier for earlier, later in itertools.pairwise(sorted(slot.at for slot in slots))]
