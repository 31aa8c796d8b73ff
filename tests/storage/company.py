"""The made-up department that storage tests are about: two managers, one team, one rulebook, days of November 2026."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from scoring.payout import MoneyTerms
from scoring.records import Money
from scoring.rules import Bound, Rule, Rulebook
from scoring.scorecard import Scorecard
from scoring.snapshot import Evidence, Manager, NotAvailable, Reading, Snapshot, Value
from scoring.workdays import Window
from storage.days import claims, rulebooks, runs
from storage.days.claims import Claimed
from storage.db.database import Database
from storage.journal.days import close_day
from storage.ledger import writer
from storage.messages import deliveries
from storage.messages.notices import Notice, run_event
from storage.people import people, teams
from storage.people.teams import ConfiguredTeam
from storage.values import StoredSnapshot

TEAM = "sales"
CRM = "main"
MONDAY = date(2026, 11, 16)
TUESDAY = date(2026, 11, 17)
START = datetime(2026, 11, 1, 9, tzinfo=UTC)
ANNA, BORIS = Manager("7", "Anna Made-up"), Manager("12", "Boris Invented")

RULEBOOK = Rulebook(
    rules=(
        Rule("calls", "calls_held", Bound.AT_LEAST, Decimal(10)),
        Rule("overdue_tasks", "overdue_tasks", Bound.AT_MOST, Decimal(0)),
        Rule("revenue", "won_amount", Bound.AT_LEAST, Decimal("100.50"), currency="RUB"),
    )
)


def cutoff(day: date) -> datetime:
    """18:00 in Moscow."""
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


def window(day: date) -> Window:
    return Window(cutoff(day) - timedelta(days=1), cutoff(day), cutoff(day) - timedelta(days=2))


def task(number: int, title: str = "") -> Evidence:
    return Evidence("task", str(number), title or f"Task {number}", f"https://crm.example/task/{number}", since=START)


def deal(number: int, amount: str, currency: str = "RUB") -> Evidence:
    money = Money(Decimal(amount), currency)
    return Evidence("deal", str(number), f"Deal {number}", f"https://crm.example/deal/{number}", money, again=True)


def readings(*, calls: int = 12, overdue: Sequence[Evidence] = (), won: str = "100.50") -> dict[str, Reading]:
    return {
        "calls_held": Value(calls, ()),
        "overdue_tasks": Value(len(overdue), tuple(overdue)),
        "won_amount": Value({"RUB": Decimal(won)}, (deal(1, won),)),
        "deals_won": Value(1, (deal(1, won),)),
        "missed_calls": NotAvailable(),
    }


def kept(manager: Manager, data: Mapping[str, Reading], **more: Any) -> StoredSnapshot:
    return StoredSnapshot(Snapshot(manager, dict(data)), **more)


async def found(db: Database, team: str = TEAM, rulebook: Rulebook = RULEBOOK) -> None:
    """The company as it is after its first start."""
    async with db.transaction() as session:
        keys = {item.key for item in await teams.all_teams(session)} | {team}
        await teams.sync(session, [ConfiguredTeam(key, "Sales", CRM, START.date()) for key in sorted(keys)], at=START)
        await rulebooks.keep_rulebook(session, team, rulebook, START)
        await rulebooks.keep_money(session, team, MoneyTerms(), START)
        await people.sync_users(session, CRM, [(m.crm_user, m.name, True) for m in (ANNA, BORIS)], at=START)
        await people.set_members(session, {team: {m.crm_user: m.name for m in (ANNA, BORIS)}})


async def claimed(db: Database, day: date = MONDAY, team: str = TEAM, owner: str = "one", **more: Any) -> Claimed:
    result = await claims.claim(db, team, day, owner, window=window(day), at=cutoff(day), **more)
    assert isinstance(result, Claimed)
    return result


async def scored(
    db: Database,
    day: date = MONDAY,
    snapshots: Sequence[StoredSnapshot] | None = None,
    team: str = TEAM,
    told: Mapping[str, Notice] | None = None,
) -> list[Scorecard]:
    """A whole day: claimed, kept, judged, written, told (notices by recipient), finished."""
    if snapshots is None:
        snapshots = [kept(ANNA, readings()), kept(BORIS, readings(calls=3, overdue=[task(1), task(2)]))]
    claim = await claimed(db, day, team)
    at = cutoff(day) + timedelta(minutes=1)
    async with db.transaction() as session:
        stored = await runs.store_snapshots(session, claim.lease, snapshots, at=at)
    cards = [item.score(claim.run.rulebook, day) for item in stored]
    async with db.transaction() as session:
        await writer.append(session, claim.lease, cards, at=at)
        for recipient, notice in (told or {}).items():
            event = run_event(claim.run.id)
            await deliveries.add(session, event=event, recipient=recipient, notice=notice, at=at)
        digest = await close_day(session, claim.lease, stored, at=at)
        await runs.finish(session, claim.lease, at=at, digest=digest, requests=4, seconds=Decimal("1.25"))
    return cards
