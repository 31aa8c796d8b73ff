"""Chats: blocked, moved, without their topic."""

from __future__ import annotations

from storage.people import channels, teams
from tests.storage.company import START, TEAM, found

AT = START


async def test_a_chat_never_heard_of_is_usable(database):
    async with database.reading() as session:
        assert (await channels.find(session, 111)).active
        assert (await channels.find(session, -5)).kind == "group"


async def test_a_blocked_chat_is_told_of_once_and_greeted_on_return(database):
    async with database.transaction() as session:
        assert await channels.turn_off(session, 111, "blocked", at=AT)
        assert not await channels.turn_off(session, 111, "blocked", at=AT)
        channel = await channels.find(session, 111)
        assert (channel.active, channel.reason, channel.kind) == (False, "blocked", "private")
        assert await channels.turn_on(session, 111, at=AT)
        assert not await channels.turn_on(session, 111, at=AT)
        assert (await channels.find(session, 111)).active


async def test_a_group_that_moved_is_followed_also_twice(database):
    await found(database)
    async with database.transaction() as session:
        await teams.bind_chat(session, TEAM, -1, None, author="admin", at=AT)
        await channels.move(session, -1, -1001, at=AT)
        await channels.move(session, -1001, -1002, at=AT)
        assert (await channels.find(session, -1)).chat_id == -1002
        assert (await teams.find(session, TEAM)).chat_id == -1002


async def test_chats_that_move_in_a_circle_are_given_up(database):
    async with database.transaction() as session:
        await channels.move(session, -1, -2, at=AT)
        await channels.move(session, -2, -1, at=AT)
        assert not (await channels.find(session, -1)).active


async def test_a_deleted_topic_is_remembered(database):
    async with database.transaction() as session:
        assert await channels.lose_thread(session, -1, 7, at=AT)
        assert not await channels.lose_thread(session, -1, 7, at=AT)
        assert await channels.lose_thread(session, -1, 3, at=AT)
        assert (await channels.find(session, -1)).lost_threads == {3, 7}
