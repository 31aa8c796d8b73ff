"""A made-up past with rows of every kind, and a dishonest administrator who opens the guards to change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select, text, update

from scoring.appeals.proofs import Proof, Verdict
from scoring.entries import Month
from scoring.payout import MoneyTerms
from scoring.scorecard import Outcome
from scoring.snapshot import Value
from scoring.workdays import WorkCalendar
from storage.appeals import appeals
from storage.days import rulebooks
from storage.db import append_only
from storage.db.database import Database, Session
from storage.db.models import DeliveryRecord, ManagerRecord
from storage.journal.calendars import store_calendar
from storage.ledger import periods, writer
from storage.messages.notices import (
    BoardNotice,
    EveningNotice,
    Notice,
    UnreadDayNotice,
    to_group,
    to_person,
    to_telegram,
)
from storage.people import absences, invites, people, teams
from storage.values import AbsenceKind, AppealCause, AppealState, DeliveryState, Recheck, Role, RoleGrant
from storage.verify.verification import verify
from tests.storage.company import (
    ANNA,
    BORIS,
    CRM,
    MONDAY,
    RULEBOOK,
    TEAM,
    TUESDAY,
    cutoff,
    deal,
    found,
    kept,
    readings,
    scored,
    task,
)

WEDNESDAY = TUESDAY + timedelta(days=1)
LATER = cutoff(WEDNESDAY) + timedelta(hours=1)
WHY: dict[str, Any] = {"author": "Olga Made-up", "reason": "because", "at": LATER}
CALENDAR = WorkCalendar(zone=ZoneInfo("Europe/Moscow"))
T = TypeVar("T")
Attack = Callable[[Session], Awaitable[None]]


async def live_through(db: Database) -> None:
    """Three days, people with roles and chats, an absence, corrections, a second rulebook and course, an approval."""
    await found(db)
    win = msgspec.structs.replace(deal(1, "100.50"), since=cutoff(MONDAY) - timedelta(hours=1))
    won = readings() | {"deals_won": Value(1, (win,))}
    await scored(db, MONDAY, [kept(ANNA, won), kept(BORIS, readings(calls=3, overdue=[task(1), task(2)]))])
    async with db.transaction() as session:
        await store_calendar(session, TEAM, CALENDAR, cutoff(MONDAY) + timedelta(minutes=2))
        olga = await people.find_or_add(session, 7_000_001, "Olga Made-up", at=cutoff(MONDAY))
        await people.grant(session, olga.id, RoleGrant(Role.HEAD, TEAM), author="cli", at=cutoff(MONDAY))
        petr = await people.find_or_add(session, 7_000_002, "Petr Made-up", at=cutoff(MONDAY))
        await people.grant(session, petr.id, RoleGrant(Role.HR, TEAM), author="cli", at=cutoff(MONDAY))
        accounts = await session.scalars(select(ManagerRecord).order_by(ManagerRecord.id))
        for account, person in zip(accounts, (olga, petr), strict=True):
            account.person_id = person.id
        await teams.bind_chat(session, TEAM, -1007, 4, author="cli", at=cutoff(MONDAY))
        used = await invites.invite_role(
            session, RoleGrant(Role.ADMIN), "Ivan Made-up", author="cli", at=cutoff(MONDAY)
        )
        await invites.accept(session, used, 7_000_003, at=cutoff(MONDAY))
    async with db.transaction() as session:
        await invites.invite_role(session, RoleGrant(Role.HEAD, TEAM), "Vera Made-up", author="cli", at=cutoff(MONDAY))
    async with db.transaction() as session:
        await absences.record(
            session, CRM, BORIS.crm_user, first=TUESDAY, last=TUESDAY, kind=AbsenceKind.SICK, note="flu",
            author="Olga Made-up", at=cutoff(MONDAY),
        )  # fmt: skip
    read = [kept(ANNA, readings(overdue=[task(3)])), kept(BORIS, readings(calls=2), absent=True)]
    told: dict[str, Notice] = {
        to_person(olga.id): EveningNotice(team=TEAM, day=TUESDAY, crm_user=ANNA.crm_user),
        to_group(TEAM): BoardNotice(team=TEAM, day=TUESDAY),
        to_telegram(7_000_001): UnreadDayNotice(team=TEAM, day=TUESDAY, problem="made up"),
    }
    await scored(db, TUESDAY, read, told=told)
    async with db.transaction() as session:
        await session.execute(update(DeliveryRecord).values(state=DeliveryState.SENT.value))
        await rulebooks.keep_rulebook(session, TEAM, replace(RULEBOOK, rules=RULEBOOK.rules[:2]), cutoff(TUESDAY))
        await rulebooks.keep_money(session, TEAM, MoneyTerms(per_point=Decimal(250)), cutoff(TUESDAY))
    await scored(db, WEDNESDAY)
    async with db.transaction() as session:
        await writer.correct(session, TEAM, 4, Outcome.KEPT, **WHY)
        await writer.adjust(session, TEAM, ANNA.crm_user, 2, day=TUESDAY, **WHY)
        await writer.adjust(session, TEAM, BORIS.crm_user, 1, day=TUESDAY, **(WHY | {"reason": "another"}))
        await periods.approve(session, TEAM, Month.of(MONDAY), author="Olga Made-up", at=LATER)
        appeal = await appeals.file(
            session, TEAM, BORIS.crm_user, day=MONDAY, rule="overdue_tasks", seq=5, cause=AppealCause.DONE_BEFORE,
            text="done at noon", author="Boris", at=LATER,
        )  # fmt: skip
        proof = Proof("task:1", Verdict.NOT_TOLD)
        await appeals.keep_recheck(session, appeal.id, Recheck(LATER, (proof,), problem=""))
        refused = AppealState.REFUSED
        await appeals.decide(session, appeal.id, refused, author="Olga Made-up", reason="no trace", at=LATER)
    async with db.reading() as session:
        assert await verify(session, TEAM) == []


class _Enough(Exception):
    pass


async def findings(db: Database, attack: Sequence[str] | Attack) -> list[str]:
    """Open the guards, attack, close them again; return what `verify` says. Nothing of it stays."""
    return [problem.text for problem in await after(db, attack, lambda session: verify(session, TEAM))]


async def after(db: Database, attack: Sequence[str] | Attack, look: Callable[[Session], Awaitable[T]]) -> T:
    """Open the guards, attack, close them again; return what `look` sees. Nothing of it stays."""
    seen: list[T] = []
    try:
        async with db.transaction() as session:
            connection = await session.connection()
            for table in append_only.GUARDED:
                await connection.run_sync(append_only.remove, table)
            if callable(attack):
                await attack(session)
            else:
                for statement in attack:
                    await session.execute(text(statement.replace(":", "\\:")))
            for table in append_only.GUARDED:
                await connection.run_sync(append_only.install, table)
            session.expunge_all()
            seen.append(await look(session))
            raise _Enough
    except _Enough:
        return seen[0]
