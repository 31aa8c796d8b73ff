"""The way of a business day: read, kept, judged, written, announced; once, whatever happens."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from crm_clients.errors import CrmRefused, CrmUnavailable
from reglament.day import settle
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import synchronise_members
from scoring.kpis import CATALOGUE, Capability
from scoring.records import RecordKind
from scoring.scorecard import Outcome
from storage.days import queries, runs
from storage.messages.notices import DeliveryKind, EveningNotice, run_event
from storage.people import absences, invites
from storage.values import AbsenceKind, DeliveryState
from tests.reglament.day.thursday import AT_SIX, COMPANY, OVERDUE, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, HEAD, MOSCOW_6PM, PETR, facts, settings
from tests.storage.told import told


async def _points(database):
    async with database.reading() as session:
        entries = await queries.entries(session, "sales", THURSDAY, THURSDAY)
    return {(entry.crm_user, entry.rule): entry.points for entry in entries}


async def _messages(database):
    async with database.reading() as session:
        run = await runs.find(session, "sales", THURSDAY)
        return sorted((item.kind, item.recipient) for item in await told(session, run_event(run.id)))


SCORED = {
    (ANNA, "companies_added"): 1,
    (ANNA, "overdue_tasks"): 1,
    (PETR, "companies_added"): -2,
    (PETR, "overdue_tasks"): -2,
}


async def test_a_day_is_read_judged_and_written_once(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    [first] = await run_cutoff(ready, AT_SIX)
    [again] = await run_cutoff(ready, AT_SIX)
    assert not first.already
    assert again.already
    assert again.run.digest == first.run.digest != ""
    assert await _points(database) == SCORED
    assert len(crm.requests) == 1
    assert crm.user_lists == 1


async def test_several_replicas_at_once_write_one_set_of_entries(database, crm, clock):
    replicas = [await ready_process(database, crm, clock, owner=name) for name in "abcd"]
    await asyncio.gather(*(run_cutoff(replica, AT_SIX) for replica in replicas))
    assert await _points(database) == SCORED


async def test_messages_are_written_with_the_points(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    async with database.transaction() as session:
        token = await invites.invite_manager(session, "main", ANNA, author="test", at=clock())
        anna = await invites.accept(session, token, 11, at=clock())
    await run_cutoff(ready, AT_SIX)
    assert await _messages(database) == [
        (DeliveryKind.DIGEST, f"tg:{HEAD}"),
        (DeliveryKind.PERSONAL, f"person:{anna.id}"),
    ]


async def test_a_crm_that_is_down_postpones_and_is_asked_again_until_the_deadline(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    crm.down = CrmUnavailable("the CRM does not answer")
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    assert MOSCOW_6PM < result.retry_at <= MOSCOW_6PM + timedelta(minutes=1)
    assert await _points(database) == {}
    assert await _messages(database) == [(DeliveryKind.DELAYED, f"tg:{HEAD}")]
    clock.at = result.retry_at
    crm.down = None
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
    assert await _points(database) == SCORED


async def test_after_the_deadline_the_day_is_no_data_and_never_a_minus(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.down = CrmUnavailable("the CRM does not answer")
    await run_cutoff(ready, AT_SIX)
    clock.pass_(hours=2, seconds=1)
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
    assert set((await _points(database)).values()) == {0}
    async with database.reading() as session:
        day = await queries.day(session, "sales", THURSDAY)
    assert {line.outcome for card in day.cards for line in card.lines} == {Outcome.NO_DATA}
    assert (DeliveryKind.NO_DATA, "tg:999") in await _messages(database)


async def test_retries_read_only_what_is_missing_and_keep_the_first_full_reading(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    crm.broken_kinds = {RecordKind.TASKS}
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    crm.broken_kinds = set()
    crm.records = facts([OVERDUE])  # the company is gone by now: it was counted in the first attempt
    clock.at = result.retry_at
    await run_cutoff(ready, AT_SIX)
    assert await _points(database) == SCORED
    assert crm.requests[0].kinds > crm.requests[1].kinds
    assert RecordKind.COMPANIES not in crm.requests[1].kinds


async def test_what_cannot_be_rebuilt_is_no_data_when_it_is_read_too_late(database, crm, clock):
    crm.capabilities = dict.fromkeys(CATALOGUE, Capability.REBUILDABLE) | {"overdue_tasks": Capability.PRESENT}
    clock.pass_(minutes=16)
    await run_cutoff(await ready_process(database, crm, clock), AT_SIX)
    assert await _points(database) == {
        (ANNA, "companies_added"): 1,
        (ANNA, "overdue_tasks"): 0,
        (PETR, "companies_added"): -2,
        (PETR, "overdue_tasks"): 0,
    }


async def test_a_refusal_is_not_repeated_and_alarms_the_admins(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.down = CrmRefused("the account is blocked")
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
    async with database.reading() as session:
        alarms = await told(session, f"alarm:main:{THURSDAY}")
    assert [(alarm.kind, alarm.recipient) for alarm in alarms] == [(DeliveryKind.ALARM, "tg:999")]


async def test_a_killed_process_leaves_its_snapshots_to_whoever_takes_over(database, crm, clock, monkeypatch):
    dying = await ready_process(database, crm, clock, owner="dying")

    async def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(settle.writer, "append", killed)  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            await run_cutoff(dying, AT_SIX)
    await runs.end_leases(database, "dying")
    crm.records = {}
    survivor = await ready_process(database, crm, clock, owner="survivor")
    await run_cutoff(survivor, AT_SIX)
    assert await _points(database) == SCORED
    assert len(crm.requests) == 1


async def test_an_absent_manager_is_excused_from_every_rule(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    async with database.transaction() as session:
        await absences.record(
            session, "main", PETR, first=THURSDAY, last=THURSDAY, kind=AbsenceKind.SICK, author="test", at=clock()
        )
    await run_cutoff(ready, AT_SIX)
    points = await _points(database)
    assert points[PETR, "companies_added"] == points[PETR, "overdue_tasks"] == 0


async def test_a_listed_user_whom_the_crm_does_not_know_is_no_data(database, crm, clock):
    wanted = settings(members={"users": [ANNA, "404"]})
    await run_cutoff(await ready_process(database, crm, clock, wanted), AT_SIX)
    points = await _points(database)
    assert points["404", "companies_added"] == 0
    assert points[ANNA, "companies_added"] == 1
    assert not any(user == PETR for user, _ in points)


async def test_missed_days_get_a_line_in_the_newest_days_message(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    async with database.transaction() as session:
        token = await invites.invite_manager(session, "main", ANNA, author="test", at=clock())
        await invites.accept(session, token, 11, at=clock())
    wednesday = THURSDAY - timedelta(days=1)
    await run_cutoff(ready, DueCutoff("main", wednesday, MOSCOW_6PM - timedelta(days=1), ("sales",)))
    await run_cutoff(ready, AT_SIX)
    async with database.reading() as session:
        missed = await runs.find(session, "sales", wednesday)
        newest = await runs.find(session, "sales", THURSDAY)
        assert await told(session, run_event(missed.id)) == []
        sent = await told(session, run_event(newest.id))
    personal = next(item for item in sent if item.kind == DeliveryKind.PERSONAL)
    assert isinstance(personal.notice, EveningNotice)
    assert personal.notice.earlier == (wednesday,)
    assert personal.state is DeliveryState.PENDING


async def test_windows_of_following_days_touch(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await run_cutoff(ready, AT_SIX)
    clock.pass_(days=1)
    friday = THURSDAY + timedelta(days=1)
    [result] = await run_cutoff(ready, DueCutoff("main", friday, MOSCOW_6PM + timedelta(days=1), ("sales",)))
    assert result.run.window.start == MOSCOW_6PM
    assert result.run.window.cutoff == MOSCOW_6PM + timedelta(days=1)


async def test_two_teams_with_one_cutoff_share_one_read(database, crm, clock):
    wanted = settings(members={"users": [ANNA]})
    wanted.teams["service"] = wanted.teams["sales"].model_copy(
        update={"members": type(wanted.teams["sales"].members)(users=[PETR])}
    )
    ready = await ready_process(database, crm, clock, wanted)
    crm.records = facts([COMPANY, replace(COMPANY, id="c2", manager=PETR), OVERDUE])
    results = await run_cutoff(ready, DueCutoff("main", THURSDAY, MOSCOW_6PM, ("sales", "service")))
    assert [result.run.team for result in results] == ["sales", "service"]
    assert len(crm.requests) == 1
    async with database.reading() as session:
        entries = await queries.entries(session, "service", THURSDAY, THURSDAY)
    assert {entry.crm_user for entry in entries} == {PETR}
