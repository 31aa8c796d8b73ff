"""Whatever a client throws, the day ends, and head and admin hear of the end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from crm_clients.errors import ClientFault, CrmError, CrmUnavailable
from reglament.config.settings import build
from reglament.crm_users import read_users
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.guard import guarded_client
from reglament.day.members import synchronise_members
from scoring.records import Company
from scoring.scorecard import Outcome
from scoring.tally import Tally
from storage.days import queries, runs
from storage.messages.notices import DeliveryKind, run_event
from storage.values import RunState
from storage.verify import verification as verify
from tests.reglament.day.thursday import AT_SIX, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, HEAD, MOSCOW_6PM, PETR, tables
from tests.storage.told import told

THROWN = [
    KeyError("responsible"),
    AttributeError("x"),
    TypeError("x"),
    ValueError("x"),
    AssertionError(),
    RecursionError(),
    MemoryError(),
    StopIteration(),
    StopAsyncIteration(),
    TimeoutError(),
    OSError(),
    UnicodeDecodeError("utf-8", b"", 0, 1, "x"),
    ExceptionGroup("x", [KeyError("y")]),
    asyncio.CancelledError(),
]


def _kind(error):
    return type(error).__name__


def _raises(error):
    async def users():
        raise error

    return users


async def _outcomes(database, team="sales"):
    async with database.reading() as session:
        day = await queries.day(session, team, THURSDAY)
        assert await verify.verify(session, team) == []
    return {line.outcome for card in day.cards for line in card.lines}


async def _heard(database, team="sales"):
    async with database.reading() as session:
        run = await runs.find(session, team, THURSDAY)
        return {(item.kind, item.recipient) for item in await told(session, run_event(run.id))}


@pytest.mark.parametrize("error", THROWN, ids=_kind)
async def test_any_exception_of_a_client_becomes_an_error_of_the_crm_with_kind_and_place(error):
    with pytest.raises(ClientFault, match=r"in tests|see the log") as caught, guarded_client("records"):
        raise error
    inner = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
    assert type(inner).__name__ in str(caught.value)
    assert "responsible" not in str(caught.value)


async def test_a_cancellation_that_was_asked_for_stays_one():
    async def work():
        with guarded_client("records"):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_crm_inside_a_group_stays_what_it_is():
    with pytest.raises(CrmUnavailable), guarded_client("records"):
        raise ExceptionGroup("x", [CrmUnavailable("down")])


@pytest.mark.parametrize("where", ["users", "read"])
@pytest.mark.parametrize("error", THROWN, ids=_kind)
async def test_whatever_a_client_throws_the_day_is_settled_at_its_deadline(database, crm, clock, error, where):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    if where == "users":
        crm.users = _raises(error)
    else:
        crm.down = error
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    assert MOSCOW_6PM < result.retry_at <= MOSCOW_6PM + timedelta(minutes=1)
    clock.pass_(hours=2)
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run.state is RunState.FINISHED
    assert await _outcomes(database) == {Outcome.NO_DATA}
    heard = await _heard(database)
    assert {(DeliveryKind.DIGEST, f"tg:{HEAD}"), (DeliveryKind.NO_DATA, "tg:999")} <= heard
    assert (DeliveryKind.NO_DATA, f"tg:{HEAD}") not in heard  # the digest says so


async def test_a_day_of_a_team_nobody_knows_is_settled_and_told_too(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    crm.users = _raises(KeyError("id"))
    await run_cutoff(ready, AT_SIX)
    clock.pass_(hours=2)
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run.state is RunState.FINISHED
    assert set(result.run.missing) == set(result.run.rulebook.counted)
    assert {(DeliveryKind.DIGEST, f"tg:{HEAD}"), (DeliveryKind.UNREAD_DAY, "tg:999")} <= await _heard(database)


async def test_a_list_of_users_that_never_comes_ends_at_the_time_limit(database, crm, clock, monkeypatch):
    ready = await ready_process(database, crm, clock)
    monkeypatch.setattr("reglament.day.time_limit.GRACE_SECONDS", 0.0)
    monkeypatch.setattr(ready.connections, "timeout", lambda _connection: 0.01, raising=False)
    crm.users = asyncio.Event().wait
    with pytest.raises(CrmError, match="did not answer"):
        await read_users(ready, "main")


@pytest.mark.parametrize("step", ["writer.append", "missing", "_load_caught_up"])
async def test_a_mistake_while_settling_is_settled_without_points_at_the_deadline(
    database, crm, clock, monkeypatch, step
):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)

    def broken(*_args, **_kwargs):
        raise LookupError(step)

    monkeypatch.setattr(f"reglament.day.settle.{step}", broken)
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    assert result.retry_at is not None
    clock.pass_(hours=2)
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run.state is RunState.FINISHED
    assert "LookupError" in result.problem
    assert {(DeliveryKind.UNREAD_DAY, f"tg:{HEAD}"), (DeliveryKind.UNREAD_DAY, "tg:999")} <= await _heard(database)
    async with database.reading() as session:
        assert await verify.verify(session, "sales") == []


def _two_teams():
    data = tables(members={"users": [ANNA]})
    data["teams"]["other"] = dict(data["teams"]["sales"], members={"users": [PETR]})
    return build(data)


async def test_a_record_that_breaks_the_counting_of_a_team_leaves_other_teams_alone(database, crm, clock, monkeypatch):
    ready = await ready_process(database, crm, clock, _two_teams())
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    real = Tally.add

    def add(self, fact):
        if PETR in self._sheet.members and isinstance(fact, Company):
            raise TypeError("naive and aware")
        real(self, fact)

    monkeypatch.setattr(Tally, "add", add)
    due = DueCutoff("main", THURSDAY, MOSCOW_6PM, ("other", "sales"))
    results = {result.team: result for result in await run_cutoff(ready, due)}
    assert results["sales"].run.state is RunState.FINISHED
    assert results["other"].run is None
    clock.pass_(hours=2)
    await run_cutoff(ready, due)
    assert await _outcomes(database, "other") == {Outcome.NO_DATA}
    assert Outcome.NO_DATA not in await _outcomes(database, "sales")


@pytest.mark.parametrize("step", ["settle_surely.settle", "tally_sheet.build", "cutoff.claim_days"])
async def test_a_mistake_in_the_day_of_a_team_leaves_other_teams_alone(database, crm, clock, monkeypatch, step):
    ready = await ready_process(database, crm, clock, _two_teams())
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    module, _, name = step.partition(".")
    real = getattr(__import__(f"reglament.day.{module}", fromlist=[name]), name)

    def broken_for_other(*args, **options):
        named = (*args, *(args[1] if step == "cutoff.claim_days" else ()))
        if "other" in named or args[0] is ready.settings.teams["other"] or getattr(args[1], "key", "") == "other":
            raise LookupError(step)
        return real(*args, **options)

    monkeypatch.setattr(f"reglament.day.{step}", broken_for_other)
    due = DueCutoff("main", THURSDAY, MOSCOW_6PM, ("other", "sales"))
    results = {result.team: result for result in await run_cutoff(ready, due)}
    assert results["sales"].run.state is RunState.FINISHED
    assert results["other"].run is None
    assert Outcome.NO_DATA not in await _outcomes(database, "sales")
