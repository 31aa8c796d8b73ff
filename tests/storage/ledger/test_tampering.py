"""Whoever opens the guards and rewrites the past is found by `verify`, whatever he changes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Executable, select, text, update
from sqlalchemy.exc import IntegrityError

from scoring.scorecard import Outcome
from storage.days import retention
from storage.db import append_only
from storage.db.database import Database
from storage.db.models import LedgerRecord, ReasonRecord, SnapshotRecord
from storage.evidence import pack
from storage.ledger import writer
from storage.verify.verification import verify
from tests.storage.company import (
    ANNA,
    BORIS,
    MONDAY,
    TEAM,
    TUESDAY,
    cutoff,
    found,
    kept,
    readings,
    scored,
    task,
)

TABLE: Any = LedgerRecord.__table__

WORDS = st.sampled_from(["", "x", "7", "12", "calls", "overdue_tasks", "2026-12", "0.5", "1", "[]", '["task:9"]', "{}"])
NUMBERS = st.integers(min_value=-3, max_value=40)
WHATEVER: dict[str, st.SearchStrategy[object]] = {
    "seq": NUMBERS,
    "kind": st.sampled_from(["score", "reversal", "correction", "adjustment"]),
    "run_id": st.sampled_from([None, 1, 2]),
    "manager_id": st.sampled_from([1, 2]),
    "crm_user": WORDS,
    "day": st.dates(MONDAY, TUESDAY),
    "booked_in": st.sampled_from(["2026-10", "2026-11", "2026-12"]),
    "rule": WORDS,
    "kpi": WORDS,
    "outcome": st.sampled_from([None, *(outcome.value for outcome in Outcome)]),
    "points": NUMBERS,
    "side": st.sampled_from(["plus", "minus"]),
    "value": st.sampled_from([None, Decimal(0), Decimal(1), Decimal(2), Decimal("100.49")]),
    "bound": st.sampled_from([None, Decimal(0), Decimal(1), Decimal(10), Decimal("0.5")]),
    "evidence": st.sampled_from([[], ["task:1"], ["task:9"]]),
    "rulebook_id": st.sampled_from([None, 1, 2]),
    "reverses_id": st.one_of(st.none(), NUMBERS),
    "reason_id": st.one_of(st.none(), NUMBERS),
    "created_at": st.sampled_from([cutoff(MONDAY), cutoff(TUESDAY)]),
    "payload": WORDS,
    "hash": st.sampled_from(["0" * 64, "f" * 64]),
}


async def _history(db) -> None:
    """A ledger with every kind of row."""
    await found(db)
    await scored(db, MONDAY)
    await scored(db, TUESDAY, [kept(ANNA, readings(overdue=[task(3)])), kept(BORIS, readings(), absent=True)])
    why: dict[str, Any] = {"author": "head", "reason": "because", "at": cutoff(TUESDAY) + timedelta(hours=1)}
    async with db.transaction() as session:
        await writer.correct(session, TEAM, 1, Outcome.KEPT, **why)
        await writer.adjust(session, TEAM, ANNA.crm_user, 2, day=TUESDAY, **why)
        reversal = await writer.reverse(session, TEAM, 2, **why)
        await writer.reverse(session, TEAM, reversal.seq, **why)
    async with db.reading() as session:
        assert await verify(session, TEAM) == []


@pytest.fixture
async def past(copy_of):
    async with await Database.open(copy_of(_history)) as db:
        yield db


class _Enough(Exception):
    pass


async def _found_after(db, *statements: str | Executable, **values: Any) -> bool:
    """Open the guards, change the past, close them again; what does `verify` say? Nothing of it stays."""
    try:
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.run_sync(append_only.remove)
            for statement in statements:
                await session.execute(text(statement) if isinstance(statement, str) else statement, values)
            await connection.run_sync(append_only.install)
            problems = await verify(session, TEAM)
            raise _Enough
    except _Enough:
        return problems != []
    except IntegrityError:
        return True  # the database itself refused: that is found, too


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
async def test_any_changed_column_of_any_row_is_found(past, data):
    seq = data.draw(st.integers(min_value=1, max_value=17), label="seq")
    column = data.draw(st.sampled_from(sorted(WHATEVER)), label="column")
    value = data.draw(WHATEVER[column], label="value")
    async with past.reading() as session:
        now = await session.scalar(select(TABLE.c[column]).where(TABLE.c.seq == seq))
    assume(now != value)
    assert await _found_after(past, update(TABLE).where(TABLE.c.seq == seq).values({column: value}))


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seq=st.integers(min_value=1, max_value=17))
async def test_a_row_that_was_taken_out_is_found_also_at_the_end(past, seq):
    assert await _found_after(past, "DELETE FROM ledger_entries WHERE seq = :seq", seq=seq)


async def test_a_cut_off_tail_is_found(past):
    assert await _found_after(past, "DELETE FROM ledger_entries WHERE seq > 12")


async def test_a_tail_cut_off_together_with_the_head_is_found_if_it_was_a_day(past):
    assert await _found_after(
        past,
        "DELETE FROM ledger_entries WHERE seq > 6",
        "UPDATE teams SET ledger_seq = 6, ledger_hash = (SELECT hash FROM ledger_entries WHERE seq = 6)",
    )


async def test_rows_that_changed_places_are_found(past):
    assert await _found_after(
        past,
        "UPDATE ledger_entries SET seq = 1000 WHERE seq = 4",
        "UPDATE ledger_entries SET seq = 4 WHERE seq = 5",
        "UPDATE ledger_entries SET seq = 5 WHERE seq = 1000",
    )


AROUND = [
    "UPDATE rulebooks SET content = replace(content, '\"penalty\":2', '\"penalty\":1')",
    "UPDATE rulebooks SET content = '{}'",
    "UPDATE rulebooks SET version = 'forged'",
    "UPDATE snapshots SET readings = replace(readings, '\"value\":3', '\"value\":30')",
    "UPDATE snapshots SET evidence_pack = NULL",
    "UPDATE snapshots SET evidence_lists = NULL",
    "UPDATE snapshots SET evidence_pack = (SELECT max(evidence_pack) FROM snapshots)",
    "UPDATE snapshots SET evidence_lists = (SELECT max(evidence_lists) FROM snapshots)",
    "UPDATE snapshots SET readings = '{\"calls_held\":7}'",
    "UPDATE snapshots SET absent = NOT absent",
    "DELETE FROM snapshots WHERE run_id = (SELECT min(run_id) FROM snapshots)",
    "UPDATE adjustments SET reason = 'another'",
    "UPDATE adjustments SET author = 'another'",
    "DELETE FROM adjustments",
    "UPDATE runs SET digest = 'ffffffffffff'",
    "UPDATE runs SET state = 'claimed', finished_at = NULL",
    "UPDATE managers SET crm_user = '70' WHERE crm_user = '7'",
    "UPDATE teams SET ledger_seq = 3",
]


@pytest.mark.parametrize("statement", AROUND)
async def test_what_the_ledger_stands_on_cannot_be_changed_unnoticed(past, statement):
    assert await _found_after(past, statement.replace(":", "\\:"))


async def test_another_record_in_the_stored_evidence_is_found(past):
    async with past.reading() as session:
        packs = await session.scalars(select(SnapshotRecord.evidence_pack).order_by(SnapshotRecord.run_id))
        stored = next(pack_ for pack_ in packs if pack_ and "2" in pack.decode(pack_).ids)
    forged = pack.encode((item[0], "22" if item[1] == "2" else item[1], *item[2:]) for item in pack.decode(stored))
    statement = update(SnapshotRecord).where(SnapshotRecord.evidence_pack == stored).values(evidence_pack=forged)
    assert await _found_after(past, statement)


async def test_an_untouched_past_is_not_accused(past):
    assert not await _found_after(past)
    async with past.transaction() as session:
        await retention.blank(session, cutoff(TUESDAY) + timedelta(days=1))
    async with past.reading() as session:
        assert (await session.scalars(select(ReasonRecord.reason).distinct())).all() == [None]
        assert await verify(session, TEAM) == []
