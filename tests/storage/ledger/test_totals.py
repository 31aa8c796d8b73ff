"""Totals that the database adds up are those of the rows, one by one (docs/product.md §6, §19)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from scoring.entries import Entry, EntryKind, Month
from scoring.scorecard import Outcome
from scoring.standings import discipline
from storage.db.database import Session
from storage.db.models import LedgerRecord, ManagerRecord, ReasonRecord, RulebookRecord, RunRecord, TeamRecord
from storage.ledger import totals
from tests.scoring.ledger import NAMES, POINTS, Book
from tests.scoring.sums import day_points, rule_totals, team_totals
from tests.storage.company import CRM, START, cutoff

DAYS = [date(2026, 10, 29) + timedelta(days=number) for number in range(6)]
OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
RULES = ["calls_held", "overdue_tasks", "revenue"]
USERS = list(NAMES)[:3]
_numbers, _ids = count(), count(1)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A ledger over the turn of a month, with corrections, adjustments, and reversals of anything, also later."""
    book = Book(f"team{next(_numbers)}")
    cells = st.tuples(st.sampled_from(USERS), st.sampled_from(DAYS), st.sampled_from(RULES))
    judged = draw(st.dictionaries(cells, st.sampled_from(Outcome), max_size=30))
    for (user, day, rule), outcome in judged.items():
        book.add(EntryKind.SCORE, user, day, POINTS.get(outcome, 0), outcome=outcome, rule=rule, kpi=rule)
    for what in draw(st.lists(st.sampled_from(["adjust", "correct", "reverse", "reverse", "reverse"]), max_size=12)):
        user, day, rule = draw(cells)
        booked_in = draw(st.sampled_from([Month.of(day), NOVEMBER]))
        free = [row for row in book.rows if row.seq not in {other.reverses for other in book.rows}]
        if what == "adjust":
            book.add(EntryKind.ADJUSTMENT, user, day, draw(st.sampled_from([5, -3])), rule="", kpi="")
        elif what == "correct":
            outcome = draw(st.sampled_from([Outcome.KEPT, Outcome.BROKEN, Outcome.EXCUSED]))
            more = {"outcome": outcome, "rule": rule, "kpi": rule, "booked_in": booked_in}
            book.add(EntryKind.CORRECTION, user, day, POINTS.get(outcome, 0), **more)
        elif free:
            old = draw(st.sampled_from(free))
            later = draw(st.sampled_from([old.booked_in, NOVEMBER]))
            book.reverse(old, outcome=None, booked_in=later)
    return book


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(book=books(), data=st.data())
async def test_sums_of_the_database_are_those_of_the_rows(database, book, data):
    first, last = sorted(data.draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
    rows = [replace(row, name=NAMES[row.crm_user]) for row in book.rows]
    of_days = [row for row in rows if first <= row.day <= last]
    async with database.transaction() as session:
        await write(session, book)
        team = book.team
        assert await totals.totals_of_days(session, team, first, last) == team_totals(of_days)
        found = await totals.rules_of_days(session, team, first, last)
        assert sorted(found, key=str) == sorted(rule_totals(of_days), key=str)
        outcomes = await totals.outcomes_of_days(session, team, first, last)
        for day in DAYS:
            expected = team_totals(row for row in of_days if row.day == day).discipline
            assert discipline(*outcomes.get(day, (0, 0))) == expected
        assert await totals.points_of_day(session, team, last) == day_points(rows, last)
        for month in (OCTOBER, NOVEMBER):
            booked = [row for row in rows if row.booked_in == month and row.day <= last]
            assert await totals.totals_of_month(session, team, month, last) == team_totals(booked, month.first)
            assert await totals.points_of_day(session, team, last, month) == day_points(booked, last)


async def write(session: Session, book: Book) -> None:
    """The rows of a book, as rows of the database; the chain is of no interest here."""
    key = await session.execute(
        insert(TeamRecord).values(key=book.team, title="", connection=CRM, scored_from=DAYS[0]).returning(TeamRecord.id)
    )
    team = key.scalar_one()
    made = insert(RulebookRecord).values(team_id=team, version="1", content={}, valid_from=START)
    rulebook = (await session.execute(made.returning(RulebookRecord.id))).scalar_one()
    managers = await rows_of(
        session, ManagerRecord, [{"connection": book.team, "crm_user": user, "name": NAMES[user]} for user in USERS]
    )
    runs = await rows_of(session, RunRecord, [_run(team, rulebook, day) for day in DAYS])
    [why] = await rows_of(session, ReasonRecord, [{"salt": "", "created_at": START}])
    ids = {row.seq: next(_ids) for row in book.rows}
    written = []
    for row in book.rows:
        about = {"team_id": team, "manager_id": managers[USERS.index(row.crm_user)], "rulebook_id": rulebook}
        is_score = row.kind is EntryKind.SCORE
        of_kind = {"run_id": runs[DAYS.index(row.day)] if is_score else None, "reason_id": None if is_score else why}
        written.append(about | of_kind | _columns(row, ids))
    if written:
        await session.execute(insert(LedgerRecord), written)


async def rows_of(session: Session, table: type, rows: Sequence[dict[str, object]]) -> list[int]:
    """Insert rows and return their ids in the same order."""
    found = await session.scalars(insert(table).returning(table.id, sort_by_parameter_order=True), rows)  # type: ignore[attr-defined]
    return list(found)


def _columns(row: Entry, ids: dict[int, int]) -> dict[str, object]:
    return {
        "id": ids[row.seq],
        "seq": row.seq,
        "kind": row.kind.value,
        "crm_user": row.crm_user,
        "day": row.day,
        "booked_in": str(row.booked_in),
        "rule": row.rule,
        "kpi": row.kpi,
        "outcome": row.outcome.value if row.outcome else None,
        "points": row.points,
        "side": row.side.value,
        "evidence": [],
        "reverses_id": ids.get(row.reverses or 0),
        "created_at": START,
        "payload": "",
        "hash": "",
    }


def _run(team: int, rulebook: int, day: date) -> dict[str, object]:
    at = cutoff(day)
    return {
        "team_id": team,
        "day": day,
        "connection": CRM,
        "window_start": at,
        "cutoff": at,
        "rulebook_id": rulebook,
        "state": "finished",
        "owner": "",
        "lease_until": 0.0,
        "first_attempt_at": at,
        "finished_at": at,
    }


@pytest.mark.parametrize("first", [DAYS[0], DAYS[-1]])
async def test_a_team_without_entries_has_no_totals(sqlite_database, first):
    async with sqlite_database.transaction() as session:
        await write(session, Book())
        assert await totals.totals_of_days(session, "sales", first, DAYS[0]) == team_totals([])
