"""Readings before the cutoff: the day as it will be if nothing changes."""

from __future__ import annotations

from datetime import timedelta

from reglament.day.live import LiveReadings
from scoring.records import Task
from scoring.scorecard import Outcome, score
from tests.reglament.day.thursday import COMPANY, HOUR, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, MOSCOW_6PM, PETR, facts, settings

MINUTE = timedelta(minutes=1)
DUE_LATER = Task("t1", "Позвонить", PETR, deadline=MOSCOW_6PM - MINUTE, created_at=MOSCOW_6PM - 30 * HOUR)


async def outcomes(process, clock, user):
    """By rule: how the live reading judges a user's day."""
    live = await LiveReadings.load(process)
    reading = await live.read("sales", clock())
    assert (reading.day, reading.read_at) == (THURSDAY, clock())
    [card] = [score(item, reading.rulebook, reading.day) for item in reading.snapshots if item.manager.crm_user == user]
    return {line.rule.id: line.outcome for line in card.lines}


async def test_what_falls_due_before_the_cutoff_is_overdue_in_a_reading_before_it(database, crm, clock):
    crm.records = facts([COMPANY, DUE_LATER])
    clock.at = MOSCOW_6PM - HOUR / 2
    process = await ready_process(database, crm, clock)
    assert (await outcomes(process, clock, PETR))["overdue_tasks"] is Outcome.BROKEN


async def test_what_falls_due_at_the_cutoff_is_not(database, crm, clock):
    crm.records = facts([Task("t1", "Позвонить", PETR, deadline=MOSCOW_6PM, created_at=MOSCOW_6PM - HOUR)])
    clock.at = MOSCOW_6PM - HOUR / 2
    process = await ready_process(database, crm, clock)
    assert (await outcomes(process, clock, PETR))["overdue_tasks"] is Outcome.KEPT


async def test_what_was_done_so_far_counts_in_a_reading_before_the_cutoff(database, crm, clock):
    crm.records = facts([COMPANY])
    clock.at = MOSCOW_6PM - HOUR / 2
    process = await ready_process(database, crm, clock)
    assert (await outcomes(process, clock, ANNA))["companies_added"] is Outcome.KEPT


async def test_teams_with_other_cutoffs_are_read_each_as_at_its_own(database, crm, clock):
    crm.records = facts([DUE_LATER])
    wanted = settings(members={"users": [ANNA]})
    earlier = {"members": type(wanted.teams["sales"].members)(users=[PETR]), "cutoff": (MOSCOW_6PM + 2 * HOUR).time()}
    wanted.teams["early"] = wanted.teams["sales"].model_copy(update=earlier)
    clock.at = MOSCOW_6PM - 4 * HOUR
    process = await ready_process(database, crm, clock, wanted)
    live = await LiveReadings.load(process)
    await live.read("sales", clock())
    assert sorted(request.window.cutoff for request in crm.requests) == [MOSCOW_6PM - HOUR, MOSCOW_6PM]
    reading = await live.last("early")
    [card] = [score(item, reading.rulebook, reading.day) for item in reading.snapshots]
    assert {line.rule.id: line.outcome for line in card.lines}["overdue_tasks"] is Outcome.KEPT
