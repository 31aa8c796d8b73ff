"""A right that the key lacks is no outage: the rest is scored at once, and the admins are told once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from crm_clients.errors import RightsMissing
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import synchronise_members
from scoring.records import RecordKind
from scoring.scorecard import Outcome
from storage.days import queries
from storage.db.models import DeliveryRecord
from storage.messages.notices import DeliveryKind
from tests.reglament.day.thursday import AT_SIX, THURSDAY, ready_process
from tests.reglament.scripted import MOSCOW_6PM, settings

FRIDAY = DueCutoff("main", THURSDAY + timedelta(days=1), MOSCOW_6PM + timedelta(days=1), ("sales",))
RULES = settings(rules=[{"kpi": "calls_held", "at_least": 1}, {"kpi": "overdue_tasks", "at_most": 0}])


async def _told(database):
    async with database.reading() as session:
        rows = await session.execute(select(DeliveryRecord.kind, DeliveryRecord.recipient).order_by(DeliveryRecord.id))
        return [tuple(row) for row in rows]


async def test_what_needs_the_right_is_no_data_at_once_and_the_rest_is_scored(database, crm, clock):
    ready = await ready_process(database, crm, clock, RULES)
    crm.forbidden_kinds = {RecordKind.CALLS}
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
    async with database.reading() as session:
        day = await queries.day(session, "sales", THURSDAY)
    outcomes = {(line.rule.kpi, line.outcome) for card in day.cards for line in card.lines}
    assert {outcome for kpi, outcome in outcomes if kpi == "calls_held"} == {Outcome.NO_DATA}
    assert {outcome for kpi, outcome in outcomes if kpi == "overdue_tasks"} == {Outcome.KEPT, Outcome.BROKEN}
    assert "telephony" in result.run.missing["calls_held"]


async def test_the_admins_are_told_once_and_again_when_another_right_is_missing(database, crm, clock):
    ready = await ready_process(database, crm, clock, RULES)
    crm.forbidden_kinds = {RecordKind.CALLS}
    await run_cutoff(ready, AT_SIX)
    assert (DeliveryKind.RIGHTS_MISSING, "tg:999") in await _told(database)
    clock.pass_(days=1)
    crm.forbidden_kinds = {RecordKind.CALLS, RecordKind.TASKS}
    await run_cutoff(ready, FRIDAY)
    kinds = [kind for kind, _ in await _told(database)]
    assert kinds.count(DeliveryKind.RIGHTS_MISSING) == 2
    assert DeliveryKind.NO_DATA not in kinds


async def test_a_key_that_may_read_no_users_delays_nothing(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.down = RightsMissing("the key may not read users")
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
