"""Messages: noted once, sent, repeated at most once, never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from scoring.snapshot import Value
from storage.messages import deliveries
from storage.messages.notices import BoardNotice, DepartedNotice, EveningNotice
from storage.values import DeliveryState
from tests.storage.company import MONDAY, START, TEAM, TUESDAY
from tests.storage.told import told

AT = START


EVENING = EveningNotice(team=TEAM, day=MONDAY, crm_user="7")
BOARD = BoardNotice(team=TEAM, day=MONDAY)


async def _add(db, recipient="person:1", event="run:1", notice=EVENING, **more):
    async with db.transaction() as session:
        return await deliveries.add(session, event=event, recipient=recipient, notice=notice, at=AT, **more)


async def _find(db, recipient="person:1", event="run:1", kind="personal"):
    async with db.reading() as session:
        return await deliveries.find(session, event, kind, recipient)


async def test_a_message_is_noted_once(database):
    first = await _add(database)
    assert first is not None
    assert await _add(database, notice=EveningNotice(team=TEAM, day=TUESDAY, crm_user="7")) is None
    assert await _add(database, notice=BOARD) is not None
    assert (await _find(database)).notice == EVENING


async def test_a_message_goes_out_once_although_many_want_to_send_it(database):
    number = await _add(database)
    started = await asyncio.gather(*(deliveries.start(database, number, f"p{i}", at=AT) for i in range(6)))
    (ours,) = [item for item in started if item is not None]
    assert (ours.state, ours.attempts, ours.interrupted) == (DeliveryState.SENDING, 1, 0)
    assert await deliveries.due(database, at=AT) == []
    assert await deliveries.mark_sent(database, ours, [11, 12], chat_id=-100, at=AT)
    sent = await _find(database)
    assert (sent.state, sent.message_ids, sent.chat_id, sent.done_at) == (DeliveryState.SENT, (11, 12), -100, AT)
    assert await deliveries.start(database, number, "late", at=AT) is None


async def test_due_messages_come_oldest_first_and_not_before_their_time(database):
    later = AT + timedelta(minutes=1)
    await _add(database, "person:1")
    await _add(database, "person:2", not_before=later)
    await _add(database, "person:3")
    assert [item.recipient for item in await deliveries.due(database, at=AT)] == ["person:1", "person:3"]
    assert len(await deliveries.due(database, at=later)) == 3
    assert len(await deliveries.due(database, at=later, limit=2)) == 2


async def test_a_message_that_is_held_back_is_completed_while_it_waits(database):
    later = AT + timedelta(minutes=1)
    notice = DepartedNotice(team=TEAM, day=MONDAY, crm_user="7", name="A")
    known = replace(notice, readings={"deals_open": Value(0, ())})
    number = await _add(database, notice=notice, not_before=later)
    await _add(database, "person:2")
    async with database.transaction() as session:
        [held] = await deliveries.waiting(session, "departed", at=AT)
        assert (held.id, await deliveries.waiting(session, "departed", at=later)) == (number, [])
        await deliveries.complete(session, number, known)
    assert await deliveries.start(database, number, "p", at=AT) is None
    started = await deliveries.start(database, number, "p", at=later)
    assert started.notice == known
    async with database.transaction() as session:
        await deliveries.complete(session, number, notice)
    assert (await _find(database, kind="departed")).notice == known


async def test_what_certainly_did_not_go_out_is_tried_again_later(database):
    number = await _add(database)
    ours = await deliveries.start(database, number, "p", at=AT)
    until = AT + timedelta(seconds=30)
    assert await deliveries.postpone(database, ours, until, "too many requests")
    assert await deliveries.start(database, number, "p", at=AT) is None
    again = await deliveries.start(database, number, "p", at=until)
    assert (again.attempts, again.interrupted) == (2, 0)


async def test_a_send_whose_process_died_is_repeated_until_five_have_died(database):
    number = await _add(database)
    for died in range(deliveries.MOST_DEATHS):
        assert [item.id for item in await deliveries.due(database, at=AT)] == [number]
        attempt = await deliveries.start(database, number, f"process {died}", at=AT, lease_seconds=0)
        assert (attempt.attempts, attempt.interrupted) == (died + 1, died)

    assert await deliveries.start(database, number, "one more", at=AT) is None
    assert await deliveries.due(database, at=AT) == []
    failed = await _find(database)
    assert failed.state is DeliveryState.FAILED
    assert "processes died" in failed.problem


async def test_a_send_in_flight_of_an_owner_known_to_be_dead_is_due_at_once(database):
    number = await _add(database)
    await deliveries.start(database, number, "service", at=AT)
    assert await deliveries.due(database, at=AT) == []
    await deliveries.end_leases(database, "service")
    assert [item.id for item in await deliveries.due(database, at=AT)] == [number]


async def test_who_lost_a_send_cannot_settle_it(database):
    number = await _add(database)
    slow = await deliveries.start(database, number, "slow", at=AT, lease_seconds=0)
    quick = await deliveries.start(database, number, "quick", at=AT)
    assert not await deliveries.mark_failed(database, slow, "timeout", at=AT)
    assert await deliveries.mark_sent(database, quick, [5], at=AT)
    assert not await deliveries.postpone(database, slow, AT, "timeout")
    assert (await _find(database)).state is DeliveryState.SENT


async def test_a_postponed_send_is_tried_again_and_counts_no_dead_process(database):
    number = await _add(database)
    ours = await deliveries.start(database, number, "p", at=AT)
    assert await deliveries.postpone(database, ours, AT, "no answer")
    again = await deliveries.start(database, number, "p", at=AT)
    assert (again.attempts, again.interrupted) == (2, 0)


async def test_a_failed_message_is_not_tried_again(database):
    ours = await deliveries.start(database, await _add(database), "p", at=AT)
    await deliveries.mark_failed(database, ours, "blocked by the user", at=AT)
    assert await deliveries.due(database, at=AT) == []
    assert (await _find(database)).problem == "blocked by the user"


async def test_pending_messages_of_an_event_can_be_cancelled(database):
    sent = await deliveries.start(database, await _add(database, "person:1"), "p", at=AT)
    await deliveries.mark_sent(database, sent, [1], at=AT)
    await _add(database, "person:2")
    await _add(database, "person:3", event="run:2")
    async with database.transaction() as session:
        assert await deliveries.cancel(session, event="run:1", kind="board", at=AT) == 0
        assert await deliveries.cancel(session, event="run:1", at=AT) == 1
        assert [item.state for item in await told(session, "run:1")] == ["sent", "cancelled"]
        assert await deliveries.count_by_state(session) == {DeliveryState.PENDING: 1}
        assert await deliveries.oldest_pending(session, at=AT) == AT


async def test_an_edit_may_move_a_message(database):
    ours = await deliveries.start(database, await _add(database), "p", at=AT)
    await deliveries.mark_sent(database, ours, [1], chat_id=7, at=AT)
    async with database.transaction() as session:
        await deliveries.set_messages(session, ours.id, [2, 3])
    moved = await _find(database)
    assert (moved.message_ids, moved.chat_id) == ((2, 3), 7)


async def test_messages_vanish_with_the_points_they_announce(database):
    class Broken(Exception):
        pass

    async def write() -> None:
        async with database.transaction() as session:
            await deliveries.add(session, event="run:1", recipient="person:1", notice=EVENING, at=AT)
            raise Broken

    try:
        await write()
    except Broken:
        assert await _find(database) is None
    else:
        raise AssertionError("the transaction must break")
