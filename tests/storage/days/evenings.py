"""Days of Boris as a cutoff settles them, and absences that come and go."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from scoring.entries import net
from scoring.scorecard import Outcome, Scorecard
from scoring.terms.circumstances import Half
from storage.days import queries, runs
from storage.db.database import Database
from storage.journal.days import close_day
from storage.ledger import absent_days, writer
from storage.people import absences
from storage.values import Absence, AbsenceKind, StoredSnapshot
from storage.verify.verification import verify
from tests.storage.company import (
    BORIS,
    CRM,
    MONDAY,
    TEAM,
    claimed,
    cutoff,
    kept,
    readings,
    task,
)

WHY: dict[str, Any] = {"author": "hr", "reason": "why"}
WEEK = [MONDAY + timedelta(days=number) for number in range(5)]
LATER = cutoff(WEEK[-1]) + timedelta(hours=2)


async def evening(db: Database, day: date, *snapshots: StoredSnapshot) -> dict[str, Scorecard]:
    """A whole day as the cutoff settles it."""
    claim = await claimed(db, day)
    at = cutoff(day) + timedelta(minutes=1)
    async with db.transaction() as session:
        stored = await runs.store_snapshots(session, claim.lease, snapshots, at=at)
    async with db.transaction() as session:
        stored = await absent_days.take_terms(session, claim.run, stored)
        cards = [item.score(claim.run.rulebook, day) for item in stored]
        await writer.append(session, claim.lease, cards, at=at)
        digest = await close_day(session, claim.lease, stored, at=at)
        await runs.finish(session, claim.lease, at=at, digest=digest)
    return {card.manager.crm_user: card for card in cards}


def boris(*overdue: int, calls: int = 12) -> StoredSnapshot:
    return kept(BORIS, readings(calls=calls, overdue=[task(number) for number in overdue]))


def overdue_of(card: Scorecard) -> tuple[Outcome, int]:
    line = next(line for line in card.lines if line.rule.id == "overdue_tasks")
    return line.outcome, line.points


async def absent(db: Database, first: date, last: date | None = None, half: Half | None = None, **more: Any) -> Absence:
    at = more.get("at", cutoff(WEEK[-1]) + timedelta(hours=1))
    async with db.transaction() as session:
        absence = await absences.record(
            session, CRM, BORIS.crm_user, first=first, last=last or first, half=half,
            kind=AbsenceKind.SICK, author="hr", at=at,
        )  # fmt: skip
        if half is None:
            await absent_days.excuse(session, absence, at=at, **WHY)
        await absent_days.judge_again(session, absence, at=at, **WHY)
    return absence


async def cancelled(db: Database, absence: Absence, at: datetime = LATER) -> None:
    async with db.transaction() as session:
        await absences.cancel(session, absence.id, author="hr", at=at)
        await absent_days.judge_again(session, absence, at=at, **WHY)


async def points(db: Database, day: date) -> tuple[int, int]:
    async with db.reading() as session:
        assert await verify(session, TEAM) == []
        return net(await queries.history(session, TEAM, BORIS.crm_user, day, day))
