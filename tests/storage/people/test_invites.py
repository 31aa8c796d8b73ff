"""Invites: one person, one chat, once, for three days."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from storage.db.models import InviteRecord
from storage.errors import InviteProblem, InviteRefused, Refused
from storage.people import invites, people
from storage.values import Role, RoleGrant
from tests.storage.company import ANNA, BORIS, CRM, START, TEAM, found

AT = START


async def _invite(db, manager=ANNA):
    async with db.transaction() as session:
        return await invites.invite_manager(session, CRM, manager.crm_user, author="admin", at=AT)


async def _accept(db, token, telegram_id=111, at=AT):
    async with db.transaction() as session:
        return await invites.accept(session, token, telegram_id, at=at)


async def _refusal(db, token, telegram_id=111, at=AT):
    with pytest.raises(InviteRefused) as refused:
        await _accept(db, token, telegram_id, at)
    return refused.value.problem


async def test_an_invite_names_its_person_and_connects_him(database):
    await found(database)
    token = await _invite(database)
    async with database.transaction() as session:
        shown = await invites.look_up(session, token, 111, at=AT)
    assert (shown.name, shown.manager.crm_user, shown.grant) == (ANNA.name, ANNA.crm_user, None)
    assert shown.expires_at == AT + timedelta(hours=72)
    person = await _accept(database, token)
    assert (person.telegram_id, person.name) == (111, ANNA.name)
    assert [item.crm_user for item in person.managers] == [ANNA.crm_user]


async def test_only_the_hash_of_a_token_is_stored(database):
    await found(database)
    token = await _invite(database)
    assert len(token) >= 32
    async with database.reading() as session:
        row = await session.scalar(select(InviteRecord))
    assert token not in repr(vars(row))


async def test_a_token_works_once_and_for_three_days(database):
    await found(database)
    token = await _invite(database)
    assert await _refusal(database, "made-up") is InviteProblem.UNKNOWN
    assert await _refusal(database, token, at=AT + timedelta(hours=72)) is InviteProblem.EXPIRED
    await _accept(database, token, at=AT + timedelta(hours=71))
    assert await _refusal(database, token, 222) is InviteProblem.USED
    assert await _refusal(database, token, 111) is InviteProblem.YOURS


async def test_a_new_invite_ends_the_old_one(database):
    await found(database)
    old = await _invite(database)
    await _invite(database)
    assert await _refusal(database, old) is InviteProblem.UNKNOWN


async def test_two_devices_that_tap_at_once_connect_once(database):
    await found(database)
    token = await _invite(database)
    results = await asyncio.gather(*(_accept(database, token, chat) for chat in (111, 222)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["InviteRefused", "Person"]


async def test_a_second_chat_of_a_person_is_refused(database):
    await found(database)
    token = await _invite(database)
    async with database.transaction() as session:
        await people.sync_users(session, "second", [("a", "Anna M.", True)], at=AT)
        await people.join(session, (CRM, ANNA.crm_user), ("second", "a"), author="admin", at=AT)
        other = await invites.invite_manager(session, "second", "a", author="admin", at=AT)
    await _accept(database, token, 111)
    assert await _refusal(database, other, 222) is InviteProblem.OTHER_CHAT


async def test_a_chat_of_somebody_else_is_refused(database):
    await found(database)
    await _accept(database, await _invite(database, ANNA), 111)
    assert await _refusal(database, await _invite(database, BORIS), 111) is InviteProblem.OTHER_PERSON


async def test_a_head_who_is_scored_too_stays_one_person(database):
    await found(database)
    async with database.transaction() as session:
        head = await people.find_or_add(session, 111, "Anna the Head", at=AT)
        await people.grant(session, head.id, RoleGrant(Role.HEAD, TEAM), author="admin", at=AT)
    person = await _accept(database, await _invite(database, ANNA), 111)
    assert person.id == head.id
    assert person.roles == {RoleGrant(Role.HEAD, TEAM)}
    assert [item.crm_user for item in person.managers] == [ANNA.crm_user]


async def test_an_invite_can_give_a_role(database):
    await found(database)
    async with database.transaction() as session:
        token = await invites.invite_role(session, RoleGrant(Role.HR, TEAM), "Hanna Hr", author="admin", at=AT)
        shown = await invites.look_up(session, token, 333, at=AT)
    assert (shown.name, shown.manager, shown.grant) == ("Hanna Hr", None, RoleGrant(Role.HR, TEAM))
    person = await _accept(database, token, 333)
    assert (person.name, person.roles, person.managers) == ("Hanna Hr", {RoleGrant(Role.HR, TEAM)}, ())
    async with database.transaction() as session:
        token = await invites.invite_role(session, RoleGrant(Role.ADMIN), "", author="admin", at=AT)
    assert (await _accept(database, token, 333)).roles == {RoleGrant(Role.HR, TEAM), RoleGrant(Role.ADMIN)}


async def test_who_left_is_not_invited(database):
    await found(database)
    token = await _invite(database, BORIS)
    async with database.transaction() as session:
        await people.sync_users(session, CRM, [("7", ANNA.name, True)], at=AT)
        with pytest.raises(Refused, match="no longer works"):
            await invites.invite_manager(session, CRM, BORIS.crm_user, author="admin", at=AT)
    assert await _refusal(database, token) is InviteProblem.UNKNOWN
