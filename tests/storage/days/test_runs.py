"""Claiming a team's day, keeping what was read, handing over to another process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from scoring.rules import Rulebook
from scoring.snapshot import Cause, Manager, NotAvailable, NotRead, Range, Value
from scoring.workdays import Window
from storage.days import claims, runs
from storage.days.claims import Busy, Claimed, Finished
from storage.days.snapshots import last_keys, stored_snapshots
from storage.errors import LeaseLost, NotFound
from storage.people import teams
from storage.values import RunState
from tests.storage.company import (
    ANNA,
    BORIS,
    CRM,
    MONDAY,
    RULEBOOK,
    TEAM,
    TUESDAY,
    claimed,
    cutoff,
    deal,
    found,
    kept,
    readings,
    scored,
    task,
    window,
)

AT = cutoff(MONDAY)


async def _claim(db, owner="two", day=MONDAY, at=AT, **more):
    return await claims.claim(db, TEAM, day, owner, window=window(day), at=at, **more)


async def test_one_of_many_gets_the_day(database):
    await found(database)
    results = await asyncio.gather(*(_claim(database, f"process {number}") for number in range(8)))
    assert sum(isinstance(result, Claimed) for result in results) == 1
    assert sum(isinstance(result, Busy) for result in results) == 7


async def test_a_claim_brings_window_and_rulebook(database):
    await found(database)
    run = (await claimed(database)).run
    assert run.window == window(MONDAY)
    assert run.rulebook.version == RULEBOOK.version
    assert (run.team, run.day, run.connection, run.state) == (TEAM, MONDAY, CRM, RunState.CLAIMED)
    assert (run.attempts, run.first_attempt_at, run.kept_at) == (1, AT, None)


async def test_a_finished_day_is_not_done_again(database):
    await found(database)
    await scored(database)
    result = await _claim(database, ignore_retry_time=True)
    assert isinstance(result, Finished)
    assert result.run.requests == 4
    assert result.run.seconds == Decimal("1.25")
    assert result.run.finished_at == AT + timedelta(minutes=1)


async def test_a_day_is_taken_over_when_its_lease_has_ended(database):
    await found(database)
    dead = await claimed(database, lease_seconds=0)
    taken = await _claim(database)
    assert isinstance(taken, Claimed)
    assert taken.run.attempts == 2
    assert taken.run.first_attempt_at == dead.run.first_attempt_at
    assert isinstance(await _claim(database, "three"), Busy)


async def test_a_renewed_lease_keeps_the_day(database):
    await found(database)
    held = (await claimed(database, lease_seconds=0)).lease
    assert await runs.renew(database, held)
    assert isinstance(await _claim(database), Busy)


async def test_who_lost_the_day_can_do_nothing_with_it(database):
    await found(database)
    lost = (await claimed(database, lease_seconds=0)).lease
    # The same name again, as after a restart: the attempt tells them apart.
    taken = await _claim(database, "one")
    assert isinstance(taken, Claimed)

    assert not await runs.renew(database, lost)
    async with database.transaction() as session:
        assert not await runs.postpone(session, lost, retry_at=AT, problem="")
        with pytest.raises(LeaseLost):
            await runs.store_snapshots(session, lost, [kept(ANNA, readings())], at=AT)
        with pytest.raises(LeaseLost):
            await runs.finish(session, lost, at=AT)
        await runs.finish(session, taken.lease, at=AT)
        with pytest.raises(LeaseLost):
            await runs.finish(session, taken.lease, at=AT)


async def test_a_postponed_day_waits_for_its_next_attempt(database):
    await found(database)
    held = (await claimed(database)).lease
    soon = AT + timedelta(minutes=5)
    async with database.transaction() as session:
        assert await runs.postpone(session, held, retry_at=soon, problem="the CRM is down")
        assert [run.problem for run in await runs.unfinished(session)] == ["the CRM is down"]

    assert await _claim(database) == Busy(soon)
    assert isinstance(await _claim(database, at=soon), Claimed)


async def test_a_command_may_ignore_the_retry_time(database):
    await found(database)
    held = (await claimed(database)).lease
    async with database.transaction() as session:
        await runs.postpone(session, held, retry_at=AT + timedelta(hours=1), problem="")
    assert isinstance(await _claim(database, ignore_retry_time=True), Claimed)


async def test_leases_of_an_owner_known_to_be_dead_end_at_once(database):
    await found(database)
    await claimed(database, owner="service")
    await runs.end_leases(database, "somebody else")
    assert isinstance(await _claim(database), Busy)
    await runs.end_leases(database, "service")
    assert isinstance(await _claim(database), Claimed)


async def test_a_kpi_stays_as_the_first_attempt_read_it(database):
    await found(database)
    unread = readings(calls=12) | {"overdue_tasks": NotRead(Cause.INCOMPLETE, "broke off")}
    first = await claimed(database, lease_seconds=0)
    async with database.transaction() as session:
        await runs.store_snapshots(
            session, first.lease, [kept(ANNA, unread, last={"calls_held": frozenset({"call:1"})})], at=AT
        )

    second = await _claim(database)
    assert second.run.kept_at == AT
    later = readings(calls=99, overdue=[task(1)]) | {"missed_calls": Value(5), "deals_lost": NotAvailable()}
    last = {"calls_held": frozenset({"call:2"}), "overdue_tasks": frozenset({"task:9"})}
    async with database.transaction() as session:
        (stored,) = await runs.store_snapshots(session, second.lease, [kept(ANNA, later, last=last)], at=AT)
    assert stored.snapshot.readings["calls_held"] == Value(12, ())
    assert stored.snapshot.readings["missed_calls"] == NotAvailable()
    assert stored.snapshot.readings["overdue_tasks"] == Value(1, (task(1),))
    assert stored.snapshot.readings["deals_lost"] == NotAvailable()
    assert stored.last == {"calls_held": frozenset({"call:1"}), "overdue_tasks": frozenset({"task:9"})}


async def test_a_value_read_in_full_with_doubtful_records_stays_as_the_first_attempt_read_it(database):
    await found(database)
    first = await claimed(database)
    doubtful = readings() | {"calls_held": NotRead(Cause.CHANGED, range=Range(Value(1), 2))}
    async with database.transaction() as session:
        await runs.store_snapshots(session, first.lease, [kept(ANNA, doubtful)], at=AT)
        worse = readings() | {"calls_held": NotRead(Cause.INCOMPLETE, "broke off")}
        (stored,) = await runs.store_snapshots(session, first.lease, [kept(ANNA, worse)], at=AT)
    assert stored.snapshot.readings["calls_held"] == doubtful["calls_held"]


async def test_what_was_kept_comes_back_exactly(database):
    await found(database)
    data = readings(overdue=[task(1, "<b>= Ж"), msgspec.structs.replace(task(2), since=None)], won="12345678901234.05")
    data["won_amount"] = Value(
        {"RUB": Decimal("1200.00"), "USD": Decimal("0.10")}, (deal(1, "1200.00"), deal(2, "0.10", "USD"))
    )
    item = kept(ANNA, data, absent=True, last={"overdue_tasks": frozenset({"task:1"})})
    held = (await claimed(database)).lease
    async with database.transaction() as session:
        assert await runs.store_snapshots(session, held, [item], at=AT) == [item]
    async with database.reading() as session:
        (stored,) = await stored_snapshots(session, held.run_id)
        run = await runs.by_id(session, held.run_id)
    assert stored == item
    amount: Any = stored.snapshot.readings["won_amount"]
    assert amount.number["RUB"].as_tuple() == Decimal("1200.00").as_tuple()
    assert stored.score(run.rulebook, run.day) == item.score(RULEBOOK, run.day)


async def test_a_user_whom_the_crm_does_not_know_can_be_kept(database):
    await found(database)
    stranger = Manager("404", "404")
    held = (await claimed(database)).lease
    async with database.transaction() as session:
        unknown = {"calls_held": NotRead(Cause.UNKNOWN_USER)}
        stored = await runs.store_snapshots(session, held, [kept(stranger, unknown), kept(ANNA, readings())], at=AT)
    assert [item.snapshot.manager for item in stored] == [stranger, ANNA]


async def test_a_window_starts_where_the_last_stored_one_ended(database):
    await found(database)
    async with database.reading() as session:
        team = (await teams.find(session, TEAM)).id
        assert await runs.last_window_ends(session, [team], MONDAY) == {}
    await claimed(database)
    async with database.reading() as session:
        assert await runs.last_window_ends(session, [team], MONDAY) == {}
        assert await runs.last_window_ends(session, [team], TUESDAY) == {team: cutoff(MONDAY)}


async def test_the_last_keys_of_a_kpi_come_from_when_it_was_last_read(database):
    await found(database)
    await scored(database, MONDAY, [kept(ANNA, readings(overdue=[task(1), task(2)]))])
    broken = readings() | {"overdue_tasks": NotRead(Cause.INCOMPLETE)}
    await scored(database, TUESDAY, [kept(ANNA, broken), kept(BORIS, readings())])
    wednesday = TUESDAY + timedelta(days=1)
    async with database.reading() as session:
        users, kpis = [ANNA.crm_user, BORIS.crm_user, "new"], ["overdue_tasks", "won_amount", "stale_deals"]
        keys = await last_keys(session, TEAM, wednesday, users, kpis)
        assert keys == {
            ANNA.crm_user: {"overdue_tasks": frozenset({"task:1", "task:2"}), "won_amount": frozenset({"deal:1"})},
            BORIS.crm_user: {"overdue_tasks": frozenset(), "won_amount": frozenset({"deal:1"})},
            "new": {},
        }
        assert await last_keys(session, TEAM, MONDAY, users, kpis) == {user: {} for user in users}


async def test_a_run_with_an_instant_set_by_hand_stays_marked(database):
    await found(database)
    await claimed(database, lease_seconds=0, manual_instant=True)
    taken = await _claim(database)
    assert taken.run.manual_instant


async def test_unfinished_and_finished_days_are_listed(database):
    await found(database)
    await scored(database, MONDAY)
    await claimed(database, TUESDAY)
    async with database.transaction() as session:
        assert await runs.finished_days(session, TEAM, MONDAY, TUESDAY) == {MONDAY}
        assert [run.day for run in await runs.unfinished(session)] == [TUESDAY]
        assert [run.day for run in await runs.between(session, TEAM, MONDAY, TUESDAY)] == [MONDAY, TUESDAY]
        assert (await runs.last_finished(session, TEAM)).day == MONDAY
        assert await runs.last_finished(session, TEAM, until=MONDAY - timedelta(days=1)) is None
        await teams.sync(session, [], at=AT)
        assert await runs.unfinished(session) == []


async def test_a_day_without_rulebook_or_team_cannot_be_claimed(database):
    with pytest.raises(NotFound, match="no team"):
        await _claim(database)
    async with database.transaction() as session:
        await teams.sync(session, [teams.ConfiguredTeam(TEAM, "Sales", CRM, MONDAY)], at=AT)
    with pytest.raises(NotFound, match="no rulebook"):
        await _claim(database)


async def test_the_rulebook_of_a_run_is_the_one_valid_at_its_windows_start(database):
    from storage.days import rulebooks

    await found(database)
    changed = Rulebook(RULEBOOK.rules[:1])
    async with database.transaction() as session:
        await rulebooks.keep_rulebook(session, TEAM, changed, cutoff(MONDAY) - timedelta(hours=1))
    assert (await claimed(database, MONDAY)).run.rulebook.version == RULEBOOK.version
    assert (await claimed(database, TUESDAY)).run.rulebook.version == changed.version
    early = Window(cutoff(MONDAY) - timedelta(days=400), cutoff(MONDAY) - timedelta(days=399))
    catch_up = await claims.claim(database, TEAM, MONDAY - timedelta(days=399), "x", window=early, at=AT)
    assert isinstance(catch_up, Claimed)
    assert catch_up.run.rulebook.version == RULEBOOK.version
