"""Zero for everybody for 20 working days is a question, and no minus before the answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from scoring.records import Company
from scoring.scorecard import Outcome
from storage.days import queries
from storage.db.models import DeliveryRecord
from storage.errors import Refused
from storage.messages.notices import DeliveryKind
from storage.people import zero_questions
from storage.people.zero_questions import ZeroState
from tests.reglament.day.thursday import AT_SIX, OVERDUE, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, MOSCOW_6PM, facts

FRIDAY = DueCutoff("main", THURSDAY + timedelta(days=1), MOSCOW_6PM + timedelta(days=1), ("sales",))
KPI = "companies_added"


async def _outcomes(database, day=THURSDAY):
    async with database.reading() as session:
        found = await queries.day(session, "sales", day)
    return {line.outcome for card in found.cards for line in card.lines if line.rule.kpi == KPI}


async def _questions(database):
    async with database.reading() as session:
        rows = await session.execute(
            select(DeliveryRecord.recipient).where(DeliveryRecord.kind == DeliveryKind.ZERO_QUESTION.value)
        )
        return list(rows.scalars())


async def _answer(database, clock, *, is_kept):
    async with database.transaction() as session:
        await zero_questions.answer(session, "sales", KPI, is_kept=is_kept, author="test", at=clock())


async def test_the_first_run_looks_back_and_asks_before_the_first_minus(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    crm.records = facts([OVERDUE])
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
    assert await _outcomes(database) == {Outcome.NO_DATA}
    assert await _questions(database) == ["tg:999"]
    assert len(crm.requests) == 2
    assert crm.requests[1].window.start < MOSCOW_6PM - timedelta(days=25)


async def test_a_value_within_20_working_days_is_no_question(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    crm.records = facts([OVERDUE, Company("c0", "Лютик", ANNA, MOSCOW_6PM - timedelta(days=20))])
    await run_cutoff(ready, AT_SIX)
    assert await _outcomes(database) == {Outcome.BROKEN}
    assert await _questions(database) == []


@pytest.mark.parametrize(("is_kept", "outcome"), [(True, Outcome.BROKEN), (False, Outcome.NO_DATA)])
async def test_the_answer_decides_whether_zero_is_scored(database, crm, clock, is_kept, outcome):
    ready = await ready_process(database, crm, clock)
    crm.records = facts([OVERDUE])
    await run_cutoff(ready, AT_SIX)
    await _answer(database, clock, is_kept=is_kept)
    clock.pass_(days=1)
    await run_cutoff(ready, FRIDAY)
    assert await _outcomes(database, FRIDAY.day) == {outcome}
    assert len(await _questions(database)) == 1


async def test_a_value_ends_the_question(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    crm.records = facts([OVERDUE])
    await run_cutoff(ready, AT_SIX)
    clock.pass_(days=1)
    crm.records = facts([OVERDUE, Company("c0", "Лютик", ANNA, clock() - timedelta(hours=1))])
    await run_cutoff(ready, FRIDAY)
    assert await _outcomes(database, FRIDAY.day) == {Outcome.KEPT, Outcome.BROKEN}
    async with database.reading() as session:
        assert await zero_questions.state(session, "sales", KPI) is ZeroState.OVER
    with pytest.raises(Refused):
        await _answer(database, clock, is_kept=True)
