"""Absences from the command line: what they do to days, to messages, and to each other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from reglament.absence_acts import cancel_absence, record_absence
from reglament.day import settle
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import synchronise_members
from scoring.scorecard import Outcome
from scoring.standings import totals
from storage.days import queries, runs
from storage.errors import Refused
from storage.messages.notices import CorrectionNotice, DeliveryKind
from storage.people import absences, invites, people
from storage.values import AbsenceKind, AbsenceState
from storage.verify.verification import verify
from tests.reglament.day.thursday import AT_SIX, THURSDAY, ready_process
from tests.reglament.scripted import MOSCOW_6PM, PETR
from tests.storage.told import told

WEDNESDAY = THURSDAY - timedelta(days=1)


@pytest.fixture
async def ready(database, crm, clock):
    """A department on Thursday evening, with Petr's chat connected."""
    process = await ready_process(database, crm, clock)
    await synchronise_members(process, "main", crm.people, THURSDAY)
    async with database.transaction() as session:
        token = await invites.invite_manager(session, "main", PETR, author="test", at=clock())
        await invites.accept(session, token, 12, at=clock())
    return process


async def _record(process, first=THURSDAY, last=THURSDAY, kind=AbsenceKind.SICK, author="Olga"):
    async with process.db.transaction() as session:
        who = await people.member(session, "main", PETR)
        return await record_absence(process, session, who, first, last, kind, author)


async def _cancel(process, number, author="Olga"):
    async with process.db.transaction() as session:
        return await cancel_absence(process, session, number, author)


async def _petr(process, day=THURSDAY):
    async with process.db.reading() as session:
        assert await verify(session, "sales") == []
        return totals(await queries.history(session, "sales", PETR, day, day))[PETR]


async def _corrections(process, act, *days):
    async with process.db.reading() as session:
        state = act.absence.state.value
        found = [await told(session, f"absence:{act.absence.id}:{state}:sales:{day}") for day in days]
    return [item.notice for [item] in found if item.kind == DeliveryKind.CORRECTION]


async def test_an_absence_after_the_cutoff_and_its_cancellation_are_told_once(ready):
    await run_cutoff(ready, AT_SIX)
    assert (await _petr(ready)).points == -4
    first, again = await _record(ready), await _record(ready, author="Ivan")
    assert (first.is_known, len(first.entries)) == (False, 2)
    assert (again.is_known, again.entries, again.absence) == (True, (), first.absence)
    assert (await _petr(ready)).scored_days == 0
    [notice] = await _corrections(ready, first, THURSDAY)
    assert notice == CorrectionNotice(team="sales", day=THURSDAY, crm_user=PETR, absence=first.absence.id)

    gone, gone_again = await _cancel(ready, first.absence.id), await _cancel(ready, first.absence.id)
    assert [entry.points for entry in gone.entries] == [-2, -2]
    assert (gone_again.is_known, gone_again.entries) == (True, ())
    assert (await _petr(ready)).points == -4
    [notice] = await _corrections(ready, gone, THURSDAY)
    assert notice.cancelled


async def test_of_several_days_the_newest_message_alone_gets_the_reply(ready):
    wednesday = DueCutoff("main", WEDNESDAY, MOSCOW_6PM - timedelta(days=1), ("sales",))
    ready.now.at = wednesday.cutoff
    await run_cutoff(ready, wednesday)
    ready.now.at = AT_SIX.cutoff
    await run_cutoff(ready, AT_SIX)
    act = await _record(ready, WEDNESDAY)
    notices = await _corrections(ready, act, WEDNESDAY, THURSDAY)
    assert [(notice.day, notice.told) for notice in notices] == [(WEDNESDAY, False), (THURSDAY, True)]


async def test_a_day_that_was_caught_up_is_edited_in_the_message_of_the_newer_day(ready):
    await run_cutoff(ready, DueCutoff("main", WEDNESDAY, MOSCOW_6PM - timedelta(days=1), ("sales",)))
    await run_cutoff(ready, AT_SIX)
    act = await _record(ready, WEDNESDAY, WEDNESDAY)
    [notice] = await _corrections(ready, act, THURSDAY)
    assert (notice.day, notice.earlier, notice.told) == (THURSDAY, (WEDNESDAY,), True)


async def test_an_absence_that_comes_while_the_cutoff_is_written_counts(ready, monkeypatch):
    finish = settle.Settlement.finish

    async def finish_late(self):
        await _record(ready)
        return await finish(self)

    monkeypatch.setattr(settle.Settlement, "finish", finish_late)
    await run_cutoff(ready, AT_SIX)
    async with ready.db.reading() as session:
        run = await runs.find(session, "sales", THURSDAY)
        rows = await queries.history(session, "sales", PETR, THURSDAY, THURSDAY)
    assert run.finished_at is not None
    assert {row.outcome for row in rows} == {Outcome.EXCUSED}
    assert (await _petr(ready)).scored_days == 0


async def test_two_at_once_record_one_absence_and_reverse_once(ready):
    await run_cutoff(ready, AT_SIX)
    acts = await asyncio.gather(*(_record(ready) for _ in range(4)))
    assert sorted(len(act.entries) for act in acts) == [0, 0, 0, 2]
    assert len({act.absence.id for act in acts}) == 1
    cancelled = await asyncio.gather(*(_cancel(ready, acts[0].absence.id) for _ in range(4)))
    assert sorted(len(act.entries) for act in cancelled) == [0, 0, 0, 2]
    assert (await _petr(ready)).points == -4


async def test_what_cannot_be_is_refused_in_words(ready):
    act = await _record(ready)
    attempts: list[tuple[dict[str, Any], str]] = [
        ({"first": WEDNESDAY}, "Пётр .* has absence 1 from 2026-11-19 to 2026-11-19 .sick, approved. already"),
        ({"kind": AbsenceKind.TRIP}, "has absence 1"),
        ({"first": THURSDAY, "last": WEDNESDAY}, "cannot end"),
        ({"last": THURSDAY.replace(year=2029)}, "more than two years"),
        ({"author": "  "}, "needs an author"),
        ({"author": "A" * 201}, "201 characters"),
        ({"author": act.absence.name.upper()}, "another person"),
    ]
    for wanted, text in attempts:
        with pytest.raises(Refused, match=text):
            await _record(ready, **wanted)
    async with ready.db.transaction() as session:
        asked = await absences.record(
            session, "main", PETR, first=WEDNESDAY, last=WEDNESDAY, kind=AbsenceKind.OTHER, author="Petr",
            at=ready.now(), approved=False,
        )  # fmt: skip
        refused = await absences.decide(session, asked.id, approved=False, author="Olga", at=ready.now())
    with pytest.raises(Refused, match="was refused"):
        await _cancel(ready, refused.id)


async def test_a_request_is_cancelled_without_touching_days(ready):
    await run_cutoff(ready, AT_SIX)
    async with ready.db.transaction() as session:
        asked = await absences.record(
            session, "main", PETR, first=THURSDAY, last=THURSDAY, kind=AbsenceKind.OTHER, author="Petr",
            at=ready.now(), approved=False,
        )  # fmt: skip
    act = await _cancel(ready, asked.id)
    assert (act.absence.state, act.entries) == (AbsenceState.CANCELLED, ())
    assert (await _petr(ready)).points == -4


async def test_who_left_has_no_later_absence(ready, crm):
    await run_cutoff(ready, AT_SIX)
    async with ready.db.transaction() as session:
        there = [(user.id, user.name, user.id != PETR) for user in crm.people]
        await people.sync_users(session, "main", there, at=ready.now())
    with pytest.raises(Refused, match="left the CRM on 2026-11-19"):
        await _record(ready, THURSDAY + timedelta(days=1), THURSDAY + timedelta(days=2))
    act = await _record(ready)
    assert len(act.entries) == 2
