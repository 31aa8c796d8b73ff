"""Teams: loaded from the settings, archived, renamed, bound to a chat."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from scoring.entries import Month
from storage.days import rulebooks, runs
from storage.errors import NotFound, Refused
from storage.ledger import periods
from storage.messages import deliveries
from storage.messages.notices import BoardNotice, to_group
from storage.people import people, teams
from storage.people.teams import ConfiguredTeam, TeamChanges
from storage.values import Role, RoleGrant
from storage.verify.verification import verify
from tests.storage.company import ANNA, CRM, MONDAY, RULEBOOK, START, TEAM, found, scored

AT = START + timedelta(days=20)
TODAY = date(2026, 11, 21)


def _setting(key=TEAM, connection=CRM, title="Sales"):
    return ConfiguredTeam(key, title, connection, TODAY)


async def _sync(db, *settings):
    async with db.transaction() as session:
        return await teams.sync(session, settings, at=AT)


async def test_a_team_is_scored_from_the_day_it_was_first_loaded(database):
    assert await _sync(database, _setting()) == TeamChanges(added=(TEAM,))
    async with database.transaction() as session:
        changes = await teams.sync(session, [ConfiguredTeam(TEAM, "Renamed", CRM, TODAY + timedelta(days=9))], at=AT)
        team = await teams.find(session, TEAM)
        assert await teams.by_id(session, team.id) == team
    assert changes == TeamChanges()
    assert (team.title, team.scored_from) == ("Renamed", TODAY)


async def test_replicas_that_start_together_add_a_team_once(database):
    every = [_setting(), _setting("other", title="Other")]
    changes = await asyncio.gather(*(_sync(database, *every) for _ in range(4)))
    assert sorted(key for each in changes for key in each.added) == sorted([TEAM, "other"])


async def test_a_team_missing_from_the_settings_is_archived_and_can_return(database):
    await found(database)
    await scored(database)
    assert await _sync(database) == TeamChanges(archived=(TEAM,))
    assert await _sync(database) == TeamChanges()
    async with database.reading() as session:
        assert await teams.all_teams(session) == []
        assert [(item.key, item.archived_at) for item in await teams.all_teams(session, archived=True)] == [(TEAM, AT)]
        assert await people.members(session, TEAM) == []
        assert await verify(session, TEAM) == []
    assert await _sync(database, _setting()) == TeamChanges(returned=(TEAM,))


async def test_a_team_with_history_keeps_its_crm(database):
    await _sync(database, _setting())
    assert await _sync(database, _setting(connection="second")) == TeamChanges()
    await _sync(database, _setting())
    await found(database)
    await scored(database)
    with pytest.raises(Refused, match="new key"):
        await _sync(database, _setting(connection="second"))


async def test_a_rename_moves_the_history_to_a_team_that_is_already_loaded(database):
    await found(database)
    await scored(database)
    await _sync(database, _setting("retail", title="Retail"))
    async with database.transaction() as session:
        await rulebooks.keep_rulebook(session, "retail", RULEBOOK, AT)
        await people.set_members(session, {"retail": {ANNA.crm_user: ANNA.name}})
        person = await people.find_or_add(session, 333, "Head", at=AT)
        await people.grant(session, person.id, RoleGrant(Role.HEAD, TEAM), author="admin", at=AT)
        before = await teams.find(session, TEAM)
        await teams.rename(session, TEAM, "retail", author="admin", at=AT)
        after = await teams.find(session, "retail")
        assert (after.id, after.title, after.archived_at) == (before.id, "Retail", None)
        assert after.scored_from == before.scored_from
        assert [item.crm_user for item in await people.members(session, "retail")] == [ANNA.crm_user]
        assert (await people.by_id(session, person.id)).roles == {RoleGrant(Role.HEAD, "retail")}
        assert (await runs.find(session, "retail", MONDAY)).digest
        with pytest.raises(NotFound):
            await teams.find(session, TEAM)
    async with database.reading() as session:
        assert await verify(session, "retail") == []


async def test_messages_follow_a_renamed_team(database):
    await found(database)
    async with database.transaction() as session:
        for team in (TEAM, "other"):
            await deliveries.add(
                session, event="run:1", recipient=to_group(team), notice=BoardNotice(team=team, day=MONDAY), at=AT
            )
        await teams.rename(session, TEAM, "retail", author="admin", at=AT)
        moved = await deliveries.find(session, "run:1", "board", to_group("retail"))
        assert moved.notice.team == "retail"
        assert (await deliveries.find(session, "run:1", "board", to_group("other"))).notice.team == "other"


async def test_two_histories_do_not_become_one(database):
    await found(database)
    await scored(database)
    await found(database, "retail")
    await scored(database, team="retail")
    async with database.transaction() as session:
        with pytest.raises(Refused, match="history of its own"):
            await teams.rename(session, TEAM, "retail", author="admin", at=AT)
        with pytest.raises(NotFound):
            await teams.rename(session, "none", "some", author="admin", at=AT)


async def test_a_history_does_not_move_to_another_crm(database):
    await found(database)
    await scored(database)
    await _sync(database, _setting(), _setting("retail", connection="second"))
    async with database.transaction() as session:
        with pytest.raises(Refused, match="scored from connection 'main'"):
            await teams.rename(session, TEAM, "retail", author="admin", at=AT)


async def test_a_group_is_bound_and_unbound(database):
    await found(database)
    async with database.transaction() as session:
        await teams.bind_chat(session, TEAM, -1001, 5, author="admin", at=AT)
        assert ((await teams.find(session, TEAM)).chat_id, (await teams.find(session, TEAM)).thread_id) == (-1001, 5)
        await teams.bind_chat(session, TEAM, None, None, author="admin", at=AT)
        assert (await teams.find(session, TEAM)).chat_id is None


async def test_a_month_is_open_until_somebody_closes_it(database):
    await found(database)
    async with database.reading() as session:
        period = await periods.state(session, TEAM, Month(2026, 11))
    assert (period.state, period.approved_by, period.changed_since) == ("open", None, False)
