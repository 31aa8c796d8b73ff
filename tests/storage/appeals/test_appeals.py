"""Appeals: one open per rule and day, one outcome whoever decides at once, every step an event."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from scoring.appeals.proofs import Proof, ProofReason, Verdict
from storage.appeals import appeals
from storage.days import retention
from storage.days.earlier_runs import AskedRuns, load_earlier_runs
from storage.db.models import JournalEventRecord
from storage.errors import NotFound, Refused
from storage.journal.begin import begin
from storage.values import AppealCause, AppealState, Recheck
from storage.verify.verification import verify
from tests.storage.company import ANNA, BORIS, MONDAY, TEAM, TUESDAY, cutoff, found, scored

AT = cutoff(MONDAY) + timedelta(hours=1)
LATER = AT + timedelta(days=1)


async def _filed(session, rule="overdue_tasks", seq=5, **more):
    about = {"day": MONDAY, "rule": rule, "seq": seq, "cause": AppealCause.OTHER, "text": "", "author": "Boris"}
    return await appeals.file(session, TEAM, BORIS.crm_user, **(about | {"at": AT} | more))


async def _past(database):
    await found(database)
    await scored(database, MONDAY)


async def test_an_appeal_is_filed_once_and_decided_once(database):
    await _past(database)
    async with database.transaction() as session:
        filed = await _filed(session, text="done at noon")
        assert (filed.state, filed.kpi, filed.seq, filed.name) == (AppealState.FILED, "overdue_tasks", 5, BORIS.name)
        assert await _filed(session, text="again") == filed
        assert await appeals.open_appeals(session, [TEAM]) == [filed]
        proof = Proof("task:1", Verdict.IN_ORDER, ProofReason.DONE, AT, "CLOSED_DATE")
        checked = await appeals.keep_recheck(session, filed.id, Recheck(AT, (proof,), additions=("3",)))
        assert checked.recheck == Recheck(AT, (proof,), additions=("3",))
        kept = await appeals.decide(session, filed.id, AppealState.KEPT, author="Olga", reason="so", at=LATER)
        assert (kept.state, kept.decided_by, kept.decided_at, kept.decision) == ("kept", "Olga", LATER, "so")
        with pytest.raises(Refused, match="decided already: kept by Olga"):
            await appeals.decide(session, filed.id, AppealState.REFUSED, author="Petr", reason="", at=LATER)
        with pytest.raises(Refused, match="decided already"):
            await _filed(session)
        assert await appeals.open_appeals(session) == []
        with pytest.raises(NotFound):
            await appeals.find(session, 99)


async def test_a_withdrawn_appeal_may_be_filed_again(database):
    await _past(database)
    async with database.transaction() as session:
        first = await _filed(session)
        await appeals.decide(session, first.id, AppealState.WITHDRAWN, author="Boris", reason="", at=LATER)
        assert (await _filed(session)).id != first.id
        other = await _filed(session, "calls", 4)
        person, rule = await appeals.count_earlier(session, other)
        assert (person, rule) == ({"withdrawn": 1, "filed": 1}, {})


async def test_two_decisions_at_once_have_a_single_outcome(database):
    await _past(database)
    async with database.transaction() as session:
        appeal = await _filed(session)

    async def decide(state: AppealState) -> AppealState | str:
        try:
            async with database.transaction() as session:
                return (await appeals.decide(session, appeal.id, state, author=state, reason="", at=LATER)).state
        except Refused as refused:
            return str(refused)

    outcomes = await asyncio.gather(*(decide(state) for state in AppealState if state is not AppealState.FILED))
    async with database.reading() as session:
        state = (await appeals.find(session, appeal.id)).state
    assert [each for each in outcomes if each in set(AppealState)] == [state]


async def test_every_step_is_an_event_that_verify_knows(database):
    await _past(database)
    async with database.transaction() as session:
        await begin(session, TEAM, AT)
    async with database.transaction() as session:
        appeal = await _filed(session, text="done at noon")
    async with database.transaction() as session:
        await appeals.keep_recheck(session, appeal.id, Recheck(AT, problem="down"))
    async with database.transaction() as session:
        assert await appeals.note_reminded(session, appeal.id, 1)
        assert not await appeals.note_reminded(session, appeal.id, 1)
        await appeals.decide(session, appeal.id, AppealState.WITHDRAWN, author="Boris", reason="", at=LATER)
    async with database.transaction() as session:
        events = await session.scalars(select(JournalEventRecord.kind).where(JournalEventRecord.chain == 0))
        assert [kind for kind in events if kind.startswith("appeal")] == [
            "appeal_filed",
            "appeal_rechecked",
            "appeal_withdrawn",
        ]
        assert await verify(session, TEAM) == []
        await retention.blank(session, LATER + timedelta(days=1))
        assert (await appeals.find(session, appeal.id)).text == ""
        assert await verify(session, TEAM) == []


async def test_what_a_granted_re_check_added_counts_in_no_later_window(database):
    await _past(database)
    asked = {TEAM: AskedRuns(TUESDAY, cutoff(TUESDAY), frozenset({"calls_held"}))}
    async with database.transaction() as session:
        appeal = await _filed(session, "calls", 4)
        await appeals.keep_recheck(session, appeal.id, Recheck(AT, additions=("901",)))
        before = (await load_earlier_runs(session, asked))[TEAM]
        assert "901" not in before.counted.get("calls_held", ())
        await appeals.decide(session, appeal.id, AppealState.KEPT, author="Olga", reason="", at=LATER)
        after = (await load_earlier_runs(session, asked))[TEAM]
        assert "901" in after.counted["calls_held"]
        assert await appeals.of_manager(session, TEAM, ANNA.crm_user, MONDAY, TUESDAY) == []
