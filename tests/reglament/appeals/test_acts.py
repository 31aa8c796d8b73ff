"""Appeals on a made-up Thursday: what the CRM proves is granted, all else is decided once, whoever is quicker."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from crm_clients.errors import CrmUnavailable
from reglament.absence_acts import record_absence
from reglament.appeals.acts import AppealAct, decide_appeal, file_appeal, settle_recheck, why_not, withdraw_appeal
from reglament.appeals.overdue import settle_overdue
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from scoring.appeals.proofs import Proof, ProofReason, Verdict
from scoring.records import Company, RecordKind, Task
from storage.appeals import appeals
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.errors import AppealProblem, AppealRefused
from storage.messages import deliveries
from storage.people import invites, people
from storage.values import AbsenceKind, AppealCause, AppealState
from storage.verify.verification import verify
from tests.reglament.day.thursday import AT_SIX, COMPANY, HOUR, OVERDUE, THURSDAY, ready_process
from tests.reglament.scripted import HEAD, MOSCOW_6PM, PETR, ScriptedCrm, TestClock, facts, settings

SECOND = Task("t2", "Смета", PETR, deadline=MOSCOW_6PM - HOUR, created_at=MOSCOW_6PM - 30 * HOUR)
DONE = Proof("task:t1", Verdict.IN_ORDER, ProofReason.DONE, MOSCOW_6PM - HOUR, "done_at")
LATE = Company("c2", "Поздняя", PETR, MOSCOW_6PM - HOUR)
FRIDAY = DueCutoff("main", date(2026, 11, 20), MOSCOW_6PM + timedelta(days=1), ("sales",))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database: what differs between the two is tested in `tests/storage/appeals`."""
    return sqlite_url


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture
def crm(clock):
    return ScriptedCrm(clock, facts([COMPANY, OVERDUE, SECOND]))


@pytest.fixture
async def process(database, crm, clock):
    """Thursday is scored: Petr added no company, and two of his tasks are overdue."""
    ready = await ready_process(database, crm, clock)
    await run_cutoff(ready, AT_SIX)
    clock.pass_(minutes=5)
    return ready


async def _petr(process):
    async with process.db.reading() as session:
        return await people.member(session, "main", PETR)


async def _file(process, rule="overdue_tasks", text="", day=THURSDAY):
    who = await _petr(process)
    return await file_appeal(process, who, "sales", day, rule, AppealCause.DONE_BEFORE, text, who.name)


async def _decide(process, number, state, author="Ольга"):
    async with process.db.transaction() as session:
        return await decide_appeal(process, session, number, state, author=author, reason="потому")


async def _points(process) -> int:
    async with process.db.reading() as session:
        assert await verify(session, "sales") == []
        return sum(row.points for row in await queries.history(session, "sales", PETR, THURSDAY, THURSDAY))


async def _asked(process) -> list[str]:
    found = await deliveries.due(process.db, at=process.now(), limit=99)
    return [each.recipient for each in found if each.kind == "appeal"]


async def test_what_the_crm_proves_is_granted_at_once(process, crm):
    assert await _points(process) == -4
    crm.proofs = {
        "task:t1": DONE,
        "task:t2": Proof("task:t2", Verdict.IN_ORDER, ProofReason.DELETED, MOSCOW_6PM - HOUR),
    }
    act = await _file(process)
    assert (act.appeal.state, act.appeal.decided_by) == (AppealState.KEPT, "сверка с CRM")
    assert [(entry.kind, entry.points) for entry in act.entries] == [("reversal", 2), ("correction", 1)]
    assert act.appeal.recheck.proofs[0] == DONE
    assert await _points(process) == -1
    assert await _asked(process) == []


async def test_a_part_that_is_proved_leaves_the_rest_to_the_head(process, crm):
    crm.proofs = {"task:t1": DONE}
    act = await _file(process, text="обе были сделаны")
    assert (act.appeal.state, act.appeal.recheck.value) == (AppealState.FILED, 1)
    assert await _asked(process) == ["tg:222"]
    assert (await _file(process)).is_known
    granted = await _decide(process, act.appeal.id, AppealState.EXCUSED)
    assert [entry.points for entry in granted.entries] == [2]
    assert await _points(process) == -2


async def test_a_crm_that_is_down_sends_the_appeal_to_the_head(process, crm):
    crm.down = CrmUnavailable("down")
    act = await _file(process)
    assert (act.appeal.state, act.appeal.recheck.problem) == (AppealState.FILED, "down")
    assert await _asked(process) == ["tg:222"]
    await _decide(process, act.appeal.id, AppealState.REFUSED)
    assert await _points(process) == -4


async def test_a_window_counted_again_keeps_the_rule_and_gives_nothing_to_the_next_window(process, crm, clock):
    crm.records[RecordKind.COMPANIES].append(LATE)
    act = await _file(process, "companies_added")
    assert (act.appeal.state, act.appeal.recheck.additions) == (AppealState.KEPT, ("c2",))
    clock.at = FRIDAY.cutoff
    await run_cutoff(process, FRIDAY)
    assert await _counted_on_friday(process) == 0


async def test_what_the_next_window_counted_is_not_added(process, crm, clock):
    crm.records[RecordKind.COMPANIES].append(LATE)
    clock.at = FRIDAY.cutoff
    await run_cutoff(process, FRIDAY)
    assert await _counted_on_friday(process) == 1
    clock.pass_(minutes=5)
    act = await _file(process, "companies_added")
    assert (act.appeal.state, act.appeal.recheck.value, act.appeal.recheck.additions) == (AppealState.FILED, 0, ())


async def _counted_on_friday(process):
    async with process.db.reading() as session:
        run = await runs.find(session, "sales", FRIDAY.day)
        stored = await stored_snapshots(session, run.id)
    petr = next(each.snapshot for each in stored if each.snapshot.manager.crm_user == PETR)
    return petr.number("companies_added")


async def test_two_at_once_have_a_single_outcome(process, crm):
    filed = await asyncio.gather(_file(process), _file(process))
    assert len({act.appeal.id for act in filed}) == 1
    number = filed[0].appeal.id
    assert await _asked(process) == ["tg:222"]

    async def withdraw():
        async with process.db.transaction() as session:
            return await withdraw_appeal(process, session, number, author=filed[0].appeal.name)

    acts = (_decide(process, number, AppealState.KEPT), _decide(process, number, AppealState.REFUSED), withdraw())
    outcomes = await asyncio.gather(*acts, return_exceptions=True)
    done = [each for each in outcomes if isinstance(each, AppealAct)]
    assert len(done) == 1
    assert await _points(process) == (-1 if done[0].appeal.state is AppealState.KEPT else -4)
    assert (await settle_recheck(process, filed[0].appeal)).appeal.state is done[0].appeal.state


async def test_points_given_back_meanwhile_can_only_be_excused(process):
    act = await _file(process)
    async with process.db.transaction() as session:
        who = await people.member(session, "main", PETR)
        await record_absence(process, session, who, THURSDAY, THURSDAY, AbsenceKind.SICK, "Ольга")
    with pytest.raises(AppealRefused, match="excuse or refuse"):
        await _decide(process, act.appeal.id, AppealState.KEPT)
    assert (await _decide(process, act.appeal.id, AppealState.EXCUSED)).entries == ()
    assert await _points(process) == 0


async def test_a_rule_that_no_longer_exists_is_appealed_by_the_rulebook_of_its_day(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await run_cutoff(ready, AT_SIX)
    clock.pass_(minutes=5)
    crm.proofs = {"task:t1": DONE, "task:t2": DONE}
    later = await ready_process(database, crm, clock, settings(rules=[{"kpi": "companies_added", "at_least": 1}]))
    assert (await _file(later)).appeal.state is AppealState.KEPT


async def test_the_term_ends_with_the_third_working_day_without_days_of_absence(process, clock):
    who = await _petr(process)
    clock.at = MOSCOW_6PM + timedelta(days=5)  # Tuesday, the third working day
    assert await why_not(process, who, "sales", THURSDAY) is None
    clock.pass_(hours=6)
    refused = await why_not(process, who, "sales", THURSDAY)
    assert (refused.problem, refused.detail) == (AppealProblem.TOO_LATE, "2026-11-24")
    async with process.db.transaction() as session:
        friday = FRIDAY.day
        await record_absence(process, session, who, friday, friday, AbsenceKind.SICK, "Ольга")
    assert await why_not(process, who, "sales", THURSDAY) is None


async def test_a_re_check_waits_for_a_cutoff_and_is_taken_up_after(process, crm, clock):
    crm.proofs = {"task:t1": DONE, "task:t2": DONE}
    clock.at = FRIDAY.cutoff - timedelta(minutes=9)
    act = await _file(process)
    assert (act.appeal.state, act.appeal.recheck) == (AppealState.FILED, None)
    clock.at = FRIDAY.cutoff + timedelta(minutes=2)
    await settle_overdue(process)
    async with process.db.reading() as session:
        assert (await appeals.find(session, act.appeal.id)).state is AppealState.KEPT


async def test_nobody_decides_about_himself(process):
    """Petr heads the team: his own appeal goes to the owner."""
    async with process.db.transaction() as session:
        token = await invites.invite_manager(session, "main", PETR, author="test", at=process.now())
        await invites.accept(session, token, HEAD, at=process.now())
    act = await _file(process)
    assert await _asked(process) == ["tg:999"]
    for is_own in ({"author": "Кто-то", "person_id": act.appeal.person_id}, {"author": "Пётр Образцов"}):
        async with process.db.transaction() as session:
            with pytest.raises(AppealRefused, match="own appeal"):
                await decide_appeal(process, session, act.appeal.id, AppealState.KEPT, reason="", **is_own)
    with pytest.raises(AppealRefused) as refused:
        await _decide(process, act.appeal.id, AppealState.KEPT, author="пётр  ОБРАЗЦОВ")
    assert refused.value.problem is AppealProblem.OWN
    with pytest.raises(AppealRefused, match="who filed"):
        async with process.db.transaction() as session:
            await withdraw_appeal(process, session, act.appeal.id, author="Ольга")
