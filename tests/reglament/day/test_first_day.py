"""What `reglament run` says before the first cutoff: docs/product.md §12."""

from __future__ import annotations

from datetime import timedelta

from reglament.day.cutoff import run_cutoff
from reglament.service.first_day import first_days
from tests.reglament.day.thursday import AT_SIX, ready_process
from tests.reglament.scripted import MOSCOW_6PM, settings


async def test_a_first_start_before_a_cutoff_says_that_points_are_taken_at_once(database, crm, clock):
    clock.at = MOSCOW_6PM - timedelta(minutes=25)
    process = await ready_process(database, crm, clock)
    [(team, cutoff, hint)] = await first_days(process)
    assert (team, cutoff) == ("sales", MOSCOW_6PM)
    assert "in 0 h 25 min" in hint
    assert '[teams.sales.launch] observe_until = "2026-12-03"' in hint
    clock.at = MOSCOW_6PM
    await run_cutoff(process, AT_SIX)
    assert await first_days(process) == []


async def test_a_start_with_a_launch_or_long_before_the_cutoff_says_nothing(database, crm, clock):
    clock.at = MOSCOW_6PM - timedelta(hours=13)
    assert await first_days(await ready_process(database, crm, clock)) == []
    clock.at = MOSCOW_6PM - timedelta(hours=1)
    launched = settings(launch={"observe_until": "2026-12-03"})
    assert await first_days(await ready_process(database, crm, clock, launched)) == []
