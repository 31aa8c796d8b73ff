"""Managers and the people behind them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from storage.db.models import AuditRecord
from storage.errors import NotFound, Refused
from storage.people import invites, people
from storage.values import Role, RoleGrant
from tests.storage.company import ANNA, BORIS, CRM, START, TEAM, found

AT = START + timedelta(days=1)
HEAD = RoleGrant(Role.HEAD, TEAM)


async def _connect(db, manager, telegram_id):
    async with db.transaction() as session:
        token = await invites.invite_manager(session, CRM, manager.crm_user, author="admin", at=AT)
        return await invites.accept(session, token, telegram_id, at=AT)


async def test_members_are_those_the_team_lists(database):
    await found(database)
    await found(database, "other")
    async with database.transaction() as session:
        assert [item.crm_user for item in await people.members(session, TEAM)] == []
        assert [item.name for item in await people.members(session, "other")] == [ANNA.name, BORIS.name]
        await people.set_members(session, {TEAM: {ANNA.crm_user: ANNA.name, "404": ""}})
        members = await people.members(session, TEAM)
        assert [(item.crm_user, item.team) for item in members] == [("404", TEAM), (ANNA.crm_user, TEAM)]
        assert [item.crm_user for item in await people.members(session, "other")] == [BORIS.crm_user]


async def test_names_follow_the_crm(database):
    await found(database)
    async with database.transaction() as session:
        left = await people.sync_users(session, CRM, [("7", "Anna Newname", True), ("12", "", True)], at=AT)
        assert left == []
        assert [item.name for item in await people.members(session, TEAM)] == ["Anna Newname", BORIS.name]


@pytest.mark.parametrize("users", [[("7", ANNA.name, True)], [("7", ANNA.name, True), ("12", BORIS.name, False)]])
async def test_who_left_the_crm_loses_team_and_roles(database, users):
    await found(database)
    person = await _connect(database, BORIS, 222)
    async with database.transaction() as session:
        await people.grant(session, person.id, HEAD, author="admin", at=AT)
        (gone,) = await people.sync_users(session, CRM, users, at=AT)
        assert (gone.crm_user, gone.team, gone.telegram_id) == (BORIS.crm_user, TEAM, 222)
        assert await people.sync_users(session, CRM, users, at=AT) == []
        left = await people.by_telegram(session, 222)
        assert left.roles == frozenset()
        assert left.active == ()
        assert [item.crm_user for item in await people.members(session, TEAM)] == [ANNA.crm_user]


async def test_who_comes_back_is_known_again(database):
    await found(database)
    await _connect(database, BORIS, 222)
    async with database.transaction() as session:
        await people.sync_users(session, CRM, [("7", ANNA.name, True)], at=AT)
        await people.sync_users(session, CRM, [("7", ANNA.name, True), ("12", BORIS.name, True)], at=AT)
        back = await people.by_telegram(session, 222)
        assert [item.crm_user for item in back.active] == [BORIS.crm_user]


async def test_another_connection_is_another_company(database):
    await found(database)
    async with database.transaction() as session:
        await people.sync_users(session, "second", [("7", "Somebody Else", True)], at=AT)
        assert (await people.member(session, CRM, "7")).name == ANNA.name
        assert (await people.member(session, "second", "7")).name == "Somebody Else"
        assert [item.connection for item in await people.all_members(session, connection="second")] == ["second"]
        with pytest.raises(NotFound, match="no manager '99'"):
            await people.member(session, CRM, "99")


async def test_two_accounts_of_one_human_share_his_chat(database):
    await found(database)
    person = await _connect(database, ANNA, 111)
    async with database.transaction() as session:
        await people.sync_users(session, "second", [("a", "Anna M.", True)], at=AT)
        await people.join(session, (CRM, ANNA.crm_user), ("second", "a"), author="admin", at=AT)
        assert {item.connection for item in (await people.by_id(session, person.id)).managers} == {CRM, "second"}
        # One account less is not a departure.
        await people.grant(session, person.id, HEAD, author="admin", at=AT)
        await people.sync_users(session, "second", [], at=AT)
        assert (await people.by_id(session, person.id)).roles == {HEAD}


async def test_the_chat_of_the_second_account_is_kept_when_the_first_has_none(database):
    await found(database)
    person = await _connect(database, BORIS, 222)
    async with database.transaction() as session:
        await people.grant(session, person.id, HEAD, author="admin", at=AT)
        await people.set_language(session, person.id, "en")
        await people.join(session, (CRM, ANNA.crm_user), (CRM, BORIS.crm_user), author="admin", at=AT)
        joined = await people.by_telegram(session, 222)
        assert {item.crm_user for item in joined.managers} == {ANNA.crm_user, BORIS.crm_user}
        assert (joined.language, joined.roles) == ("en", {HEAD})


async def test_two_chats_are_not_joined(database):
    await found(database)
    await _connect(database, ANNA, 111)
    await _connect(database, BORIS, 222)
    async with database.transaction() as session:
        with pytest.raises(Refused, match="unlink"):
            await people.join(session, (CRM, ANNA.crm_user), (CRM, BORIS.crm_user), author="admin", at=AT)


async def test_roles_come_and_go(database):
    await found(database)
    person = await _connect(database, ANNA, 111)
    hr = RoleGrant(Role.HR)
    async with database.transaction() as session:
        await people.grant(session, person.id, HEAD, author="admin", at=AT)
        await people.grant(session, person.id, HEAD, author="admin", at=AT)
        await people.grant(session, person.id, hr, author="admin", at=AT)
        assert (await people.by_id(session, person.id)).roles == {HEAD, hr}
        assert await people.chats_with(session, [HEAD]) == ({111},)
        assert await people.chats_with(session, [RoleGrant(Role.HEAD), RoleGrant(Role.HR)]) == ({111},)
        assert await people.chats_with(session, [RoleGrant(Role.HEAD)]) == (frozenset(),)
        await people.revoke(session, person.id, HEAD, author="admin", at=AT)
        assert (await people.by_id(session, person.id)).roles == {hr}
        assert await people.chats_with(session, [HEAD]) == (frozenset(),)
        with pytest.raises(NotFound):
            await people.grant(session, person.id, RoleGrant(Role.HEAD, "none"), author="admin", at=AT)
        with pytest.raises(NotFound):
            await people.revoke(session, 99, HEAD, author="admin", at=AT)
        actions = list(await session.scalars(select(AuditRecord.action).order_by(AuditRecord.id)))
    assert actions == ["invite.manager", "invite.accept", "role.grant", "role.grant", "role.revoke"]


async def test_a_head_whom_the_settings_name_is_known_from_his_first_word(database):
    await found(database)
    async with database.transaction() as session:
        assert await people.by_telegram(session, 333) is None
        met = await people.find_or_add(session, 333, "Head Person", at=AT)
        assert await people.find_or_add(session, 333, "Other Name", at=AT) == met
        await people.set_language(session, met.id, "en")
        assert (await people.by_telegram(session, 333)).language == "en"
        assert [item.name for item in await people.people(session)] == ["Head Person"]


async def test_an_unlinked_person_can_be_invited_again(database):
    await found(database)
    person = await _connect(database, ANNA, 111)
    async with database.transaction() as session:
        assert [item.crm_user for item in await people.unconnected(session, TEAM)] == [BORIS.crm_user]
        with pytest.raises(Refused, match="connected already"):
            await invites.invite_manager(session, CRM, ANNA.crm_user, author="admin", at=AT)
        await people.unlink(session, person.id, author="admin", at=AT)
        assert await people.by_telegram(session, 111) is None
        assert len(await people.unconnected(session, TEAM)) == 2
    again = await _connect(database, ANNA, 444)
    assert again.id == person.id


async def test_a_user_only_the_settings_know_never_departs(database):
    await found(database)
    async with database.transaction() as session:
        await people.set_members(session, {TEAM: {ANNA.crm_user: ANNA.name, "404": "404"}})
        users = [(item.crm_user, item.name, True) for item in (ANNA, BORIS)]
        assert await people.sync_users(session, CRM, users, at=AT) == []
        unknown = await people.member(session, CRM, "404")
        assert (unknown.active, unknown.team) == (False, TEAM)
        assert await people.sync_users(session, CRM, [*users, ("404", "Now Known", True)], at=AT) == []
        assert (await people.member(session, CRM, "404")).active


async def test_two_processes_may_learn_the_same_people_at_once(database):
    await found(database)
    users = [(str(number), f"Person {number}", True) for number in range(600)]

    async def learn(number: int) -> int:
        async with database.transaction() as session:
            await people.find_or_add(session, 333, f"Head {number}", at=AT)
            return len(await people.sync_users(session, CRM, users, at=AT))

    assert await asyncio.gather(*(learn(number) for number in range(3))) == [0, 0, 0]
    async with database.reading() as session:
        assert len(await people.all_members(session)) == 600
