"""What an engine's work does to tables and metrics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.process import store_teams
from reglament.service.work import ServiceWork
from scoring.records import Company
from tests.reglament.scripted import ANNA, MOSCOW_6PM, ScriptedCrm, TestClock, facts, process

COMPANY = Company("c1", "Ромашка-Пример", ANNA, MOSCOW_6PM - timedelta(hours=1))
"""Somebody did something: zero for everybody would be a question."""


@pytest.fixture
async def work(database):
    """The service's work at the cutoff, with messages that need no Telegram."""
    clock = TestClock()
    ready = process(database, ScriptedCrm(clock, facts([COMPANY])), clock)
    await store_teams(ready)

    async def send(_delivery_id: int) -> None:
        return None

    return ServiceWork(ready, await load_clocks(ready), await LiveReadings.load(ready), send)


def total(counter) -> float:
    [metric] = counter.collect()
    return metric.samples[0].value


async def test_finished_days_and_handled_messages_are_counted(work):
    cutoffs, _ = await work.due()
    assert [due.cutoff for due in cutoffs] == [MOSCOW_6PM]
    assert await work.cutoff(cutoffs[0])
    assert not await work.cutoff(cutoffs[0])
    for delivery_id in await work.unsent(limit=10):
        await work.deliver(delivery_id)
    assert total(work.metrics.days) == 1
    assert total(work.metrics.sent) == 1
