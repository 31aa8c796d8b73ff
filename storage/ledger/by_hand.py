"""Read what points by hand depend on, under the lock of the team: heads take turns (docs/product.md §13)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, EntryKind, in_force
from scoring.scorecard import Outcome
from storage.db.models import AuditRecord, LedgerRecord, ManagerRecord
from storage.db.sql import lock_team, team_named
from storage.ledger.entries import entry, select_entries
from storage.people import audit_log
from storage.values import RuleOfDay

ADJUSTED, CORRECTED = "adjust", "correct"
"""Actions of the audit log that `adjust_limit` counts."""


async def lock(session: AsyncSession, team: str) -> None:
    """Lock the ledger of a team until the transaction ends. Raises NotFound."""
    await lock_team(session, team)


async def broken(session: AsyncSession, team: str, day: date, rule: str | None = None) -> list[Entry]:
    """List the entries in force that broke a rule (None: any rule) on a day."""
    rows = await _about(session, team, LedgerRecord.day == day)
    return [row for row in in_force(rows) if row.outcome is Outcome.BROKEN and rule in (None, row.rule)]


async def rules_of_day(session: AsyncSession, team: str, crm_user: str, day: date) -> list[RuleOfDay]:
    """List how each rule of a manager's day is judged now, in the order of the day's entries."""
    by_rule: dict[str, list[Entry]] = defaultdict(list)
    for row in await _about(session, team, LedgerRecord.day == day, LedgerRecord.crm_user == crm_user):
        if row.kind is not EntryKind.ADJUSTMENT:
            by_rule[row.rule].append(row)
    return [_judged(rows) for rows in by_rule.values()]


def _judged(rows: list[Entry]) -> RuleOfDay:
    holding = [row for row in in_force(rows) if row.outcome is not None]
    shown = holding[-1] if holding else rows[0]
    outcome = shown.outcome if holding and shown.outcome is not None else Outcome.EXCUSED
    return RuleOfDay(shown.rule, shown.kpi, outcome, rows[-1].seq, shown.seq, bool(holding))


async def find_rule(session: AsyncSession, team: str, seq: int) -> tuple[Entry, RuleOfDay | None]:
    """Find the entry of a number, and how the rule of the entry is judged now. Raises NotFound."""
    row = await entry(session, team, seq)
    found = await rules_of_day(session, team, row.crm_user, row.day)
    return row, next((each for each in found if each.rule == row.rule), None)


async def moved_points(session: AsyncSession, team: str, managers: Collection[int], since: datetime) -> int:
    """Add up the absolute points of adjustments and hand corrections of a person's accounts in a team."""
    return sum(abs(details["points"]) for _, details in await _acts(session, team, managers, since))


async def find_adjusted(session: AsyncSession, team: str, key: str, since: datetime) -> list[int]:
    """List the numbers of the entries that an adjustment with a key wrote; empty for a new key."""
    acts = await _acts(session, team, None, since)
    return [details["entry"] for action, details in acts if action == ADJUSTED and details.get("key") == key]


async def _acts(
    session: AsyncSession, team: str, managers: Collection[int] | None, since: datetime
) -> list[tuple[str, dict[str, Any]]]:
    owner = await team_named(session, team)
    query = select(AuditRecord.action, AuditRecord.details).where(
        AuditRecord.action.in_((ADJUSTED, CORRECTED)), AuditRecord.at >= since
    )
    return [
        (action, details)
        for action, details in await session.execute(query.order_by(AuditRecord.id))
        if details.get("team_id") == owner.id and (managers is None or details.get("manager") in managers)
    ]


async def note_act(
    session: AsyncSession,
    action: str,
    written: Collection[Entry],
    manager: int,
    *,
    author: str,
    at: datetime,
    key: str = "",
) -> None:
    """Record an adjustment or a hand correction of a manager in the audit log; a key tells the same act again."""
    first = next(iter(written))
    owner = await team_named(session, first.team)
    audit_log.write(
        session,
        at=at,
        author=author,
        action=action,
        subject=f"{first.team} {first.crm_user}",
        points=sum(row.points for row in written),
        team_id=owner.id,
        manager=manager,
        day=str(first.day),
        entry=first.seq,
        **({"key": key} if key else {}),
    )


async def _about(session: AsyncSession, team: str, *conditions: ColumnElement[bool]) -> list[Entry]:
    owner = await team_named(session, team)
    return await select_entries(session, LedgerRecord.team_id == owner.id, *conditions, evidence=False)


async def accounts_of(session: AsyncSession, manager_id: int, person_id: int | None) -> list[int]:
    """List the ids of all accounts of the person behind an account."""
    if person_id is None:
        return [manager_id]
    return list(await session.scalars(select(ManagerRecord.id).where(ManagerRecord.person_id == person_id)))
