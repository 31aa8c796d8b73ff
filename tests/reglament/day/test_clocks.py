"""Time is sane: a wrong clock scores nothing, and one foreign clock that is off stops nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglament.day import foreign_clocks
from reglament.day.clocks import load_clocks
from reglament.day.cutoff import run_cutoff
from reglament.day.foreign_clocks import ForeignClocks, ask_clocks
from reglament.day.troubles import TroubleKind
from reglament.process import clock_now
from reglament.service.work import ServiceWork
from storage.days import instants
from storage.messages import deliveries
from tests.reglament.day.thursday import AT_SIX, ready_process

MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("skews", "off", "wrong"),
    [
        ({}, 0, False),
        ({"a": 0}, 0, False),
        ({"a": 2, "b": -2}, 0, False),
        ({"a": 3}, 1, True),
        ({"a": -3, "b": -3}, 2, True),
        ({"a": 3, "b": 0}, 1, False),
        ({"a": 3, "b": 3, "c": 0}, 2, True),
        ({"a": 600, "b": 0, "c": 0}, 1, False),
    ],
)
def test_our_clock_is_wrong_when_more_clocks_differ_than_agree(skews, off, wrong):
    clocks = ForeignClocks({name: minutes * MINUTES for name, minutes in skews.items()})
    assert len(clocks.off) == off
    assert clocks.is_ours_wrong is wrong


def test_a_clock_that_is_off_is_named_with_its_distance():
    assert ForeignClocks({"Telegram": -5 * MINUTES}).text == "Telegram's clock is 300 s behind"


async def _work(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    work = ServiceWork(ready, await load_clocks(ready), live=None, send=None)
    return ready, work


async def test_a_clock_before_the_last_stored_instant_scores_nothing_until_it_is_right(database, crm, clock):
    ready, work = await _work(database, crm, clock)
    await run_cutoff(ready, AT_SIX)
    clock.pass_(days=1)
    assert (await work.due())[0]
    clock.pass_(days=-1, hours=-3)
    assert await work.due() == ([], [])
    assert work.clock_trouble.kind is TroubleKind.CLOCK
    clock.pass_(days=1, hours=3)
    assert (await work.due())[0]
    assert work.clock_trouble is None


async def test_an_accepted_clock_goes_on_and_the_audit_log_knows(database, crm, clock):
    ready, work = await _work(database, crm, clock)
    await run_cutoff(ready, AT_SIX)
    clock.pass_(hours=-3)
    async with database.transaction() as session:
        assert await instants.accept_clock(session, author="test", at=clock()) is not None
    async with database.reading() as session:
        assert await instants.future_instant(session, clock()) is None
    await work.due()
    assert work.clock_trouble is None


async def test_a_clock_that_the_others_contradict_scores_nothing(database, crm, clock, monkeypatch):
    _, work = await _work(database, crm, clock)
    told = {"crm.main": 10 * MINUTES, "Telegram": 10 * MINUTES}

    async def ask(_process):
        return ForeignClocks(told)

    monkeypatch.setattr("reglament.service.work.ask_clocks", ask)
    await work.look_at_clocks()
    assert await work.due() == ([], [])
    told["Telegram"] = timedelta(0)
    await work.look_at_clocks()
    assert (await work.due())[0]


async def test_a_clock_that_was_set_is_compared_before_anything_is_due(database, crm, clock, monkeypatch):
    _, work = await _work(database, crm, clock)
    told = {"crm.main": timedelta(0), "Telegram": timedelta(0)}

    async def ask(_process):
        return ForeignClocks(told)

    monkeypatch.setattr("reglament.service.work.ask_clocks", ask)
    clock.pass_(hours=-4)
    await work.look_at_clocks()
    told.update(dict.fromkeys(told, timedelta(hours=-4)))
    clock.pass_(hours=4)
    assert await work.due() == ([], [])


async def test_hosts_tell_their_time_and_silent_hosts_say_nothing(database, crm, clock, monkeypatch):
    ready = await ready_process(database, crm, clock)

    async def ask(_client, origin):
        return None if "telegram" in origin else timedelta(0)

    monkeypatch.setattr(foreign_clocks, "_ask", ask)
    clocks = await ask_clocks(ready)
    assert "Telegram" not in clocks.skews
    assert clocks.off == {}


async def test_the_database_tells_its_time(database):
    async with database.reading() as session:
        assert abs(await instants.database_time(session) - clock_now()) < MINUTES


async def test_a_clock_set_back_holds_back_no_message_that_was_postponed(database, crm, clock, monkeypatch):
    async def nobody_says(_process):
        return ForeignClocks({})

    monkeypatch.setattr("reglament.service.work.ask_clocks", nobody_says)
    ready, work = await _work(database, crm, clock)
    work.monotonic = lambda: 0.0
    await run_cutoff(ready, AT_SIX)
    await work.look_at_clocks()
    [first, *_] = await deliveries.due(database, at=clock(), limit=10)
    started = await deliveries.start(database, first.id, "test", at=clock())
    await deliveries.postpone(database, started, clock() + timedelta(seconds=30), "asked to wait")
    clock.pass_(minutes=-10)
    assert first.id not in [each.id for each in await deliveries.due(database, at=clock(), limit=10)]
    await work.look_at_clocks()
    assert first.id in [each.id for each in await deliveries.due(database, at=clock(), limit=10)]
