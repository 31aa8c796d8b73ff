"""Keep the periods of a team: open, approved by a named person, locked for ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Month
from storage.db.models import LedgerRecord, PeriodRecord, RunRecord, TeamRecord
from storage.db.sql import lock_team, team_named
from storage.errors import Refused
from storage.journal.calendars import unread_days
from storage.people import audit_log
from storage.values import Period, PeriodState, RunState


async def state(session: AsyncSession, team: str, month: Month) -> Period:
    """Read the period of a month."""
    owner = await team_named(session, team)
    return await _period(session, owner, month)


async def approve(session: AsyncSession, team: str, month: Month, *, author: str, at: datetime) -> Period:
    """Approve a period in the name of a person; a second approval covers entries booked since.

    Raises Refused for a locked period.
    """
    owner = await lock_team(session, team)
    row = await _row(session, owner, month)
    if row.state == PeriodState.LOCKED:
        raise Refused(f"{month} of {team} is locked already")
    row.state = PeriodState.APPROVED.value
    row.approved_by, row.approved_at, row.approved_seq = author, at, owner.ledger_seq
    audit_log.write(session, at=at, author=author, action="period.approve", subject=f"{team} {month}")
    await session.flush()
    return await _period(session, owner, month)


async def lock(
    session: AsyncSession, team: str, month: Month, *, workdays: Iterable[date], author: str, at: datetime
) -> Period:
    """Lock a period: later entries are booked into the next open period.

    `workdays` are the working days of the month since the team is scored. Raises Refused for a working day neither
    finished nor settled as not read, for a period not approved, or for entries booked after the approval.
    """
    owner = await lock_team(session, team)
    period = await _period(session, owner, month)
    if period.state is PeriodState.LOCKED:
        return period
    settled = await _finished_days(session, owner, month) | await unread_days(session, owner.id)
    open_days = sorted(set(workdays) - settled)
    if open_days:
        raise Refused(f"{month} of {team} cannot be locked: {open_days[0]} has no finished run ({len(open_days)} days)")
    if period.state is not PeriodState.APPROVED:
        raise Refused(f"{month} of {team} must be approved before it is locked")
    if period.changed_since:
        raise Refused(f"something was booked into {month} of {team} after its approval: approve it again")
    row = await _row(session, owner, month)
    row.state, row.locked_by, row.locked_at = PeriodState.LOCKED.value, author, at
    audit_log.write(session, at=at, author=author, action="period.lock", subject=f"{team} {month}")
    await session.flush()
    return await _period(session, owner, month)


async def month_to_book(session: AsyncSession, owner: TeamRecord, day: date) -> Month:
    """Choose the period of a new entry: the month of the day, or the next month not locked. Needs a locked team row."""
    locked = set(
        await session.scalars(
            select(PeriodRecord.month).where(
                PeriodRecord.team_id == owner.id, PeriodRecord.state == PeriodState.LOCKED.value
            )
        )
    )
    month = Month.of(day)
    while str(month) in locked:
        month = month.next
    return month


async def _row(session: AsyncSession, owner: TeamRecord, month: Month) -> PeriodRecord:
    row = await session.get(PeriodRecord, (owner.id, str(month)))
    if row is None:
        row = PeriodRecord(team_id=owner.id, month=str(month), state=PeriodState.OPEN.value)
        session.add(row)
    return row


async def _period(session: AsyncSession, owner: TeamRecord, month: Month) -> Period:
    row = await session.get(PeriodRecord, (owner.id, str(month)), populate_existing=True)
    if row is None:
        return Period(owner.key, month)
    return Period(
        team=owner.key,
        month=month,
        state=PeriodState(row.state),
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        changed_since=await _changed_since(session, row),
        locked_by=row.locked_by,
        locked_at=row.locked_at,
    )


async def _changed_since(session: AsyncSession, row: PeriodRecord) -> bool:
    if row.approved_seq is None:
        return False
    newest = await session.scalar(
        select(func.max(LedgerRecord.seq)).where(
            LedgerRecord.team_id == row.team_id, LedgerRecord.booked_in == row.month
        )
    )
    return newest is not None and newest > row.approved_seq


async def _finished_days(session: AsyncSession, owner: TeamRecord, month: Month) -> set[date]:
    return set(
        await session.scalars(
            select(RunRecord.day).where(
                RunRecord.team_id == owner.id,
                RunRecord.day.between(month.first, month.last),
                RunRecord.state == RunState.FINISHED.value,
            )
        )
    )
