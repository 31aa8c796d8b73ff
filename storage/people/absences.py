"""Keep absences: recorded by a head, or requested by a manager and decided by a head."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.terms.circumstances import Half
from storage.db.models import AbsenceRecord, ManagerRecord, TeamRecord
from storage.db.sql import manager_of
from storage.errors import NotFound, Refused
from storage.people import audit_log
from storage.values import Absence, AbsenceKind, AbsenceState


async def record(
    session: AsyncSession,
    connection: str,
    crm_user: str,
    *,
    first: date,
    last: date,
    kind: AbsenceKind,
    half: Half | None = None,
    author: str,
    at: datetime,
    note: str = "",
    approved: bool = True,
) -> Absence:
    """Record an absence; `approved` False: a request for the head.

    Raises Refused for days that run backwards, for half of several days, and for days of another absence of the
    manager; the two halves of a day may be two absences.
    """
    if last < first:
        raise Refused(f"an absence cannot end ({last}) before it begins ({first})")
    if half is not None and first != last:
        raise Refused(f"half a day is one day, not {first} to {last}: record whole days and half days apart")
    manager = await manager_of(session, connection, crm_user)
    for other in await in_force(session, connection, crm_user, first, last):
        if half is not None and other.half not in (None, half):
            continue
        raise Refused(
            f"{other.name} has absence {other.id} from {other.first} to {other.last} ({other.kind}, {other.state})"
            " already: cancel that absence, or choose other days"
        )
    row = AbsenceRecord(
        manager_id=manager.id,
        first=first,
        last=last,
        kind=kind.value,
        half=half,
        note=note,
        state=(AbsenceState.APPROVED if approved else AbsenceState.REQUESTED).value,
        author=author,
        created_at=at,
        decided_by=author if approved else None,
        decided_at=at if approved else None,
    )
    session.add(row)
    await session.flush()
    _note(session, row, author, at)
    return await find(session, row.id)


async def decide(session: AsyncSession, absence_id: int, *, approved: bool, author: str, at: datetime) -> Absence:
    """Approve or refuse a requested absence; the same decision again changes nothing. Raises Refused, NotFound."""
    row = await _row(session, absence_id)
    state = AbsenceState.APPROVED if approved else AbsenceState.REFUSED
    if row.state == state:
        return await find(session, absence_id)
    if row.state != AbsenceState.REQUESTED:
        raise Refused(f"the absence was {row.state} already")
    return await _set(session, row, state, author, at)


async def cancel(session: AsyncSession, absence_id: int, *, author: str, at: datetime) -> Absence:
    """Cancel an absence. Scored days stay unchanged: reverse entries where needed. Raises NotFound."""
    row = await _row(session, absence_id)
    if row.state == AbsenceState.CANCELLED:
        return await find(session, absence_id)
    return await _set(session, row, AbsenceState.CANCELLED, author, at)


async def _set(session: AsyncSession, row: AbsenceRecord, state: AbsenceState, author: str, at: datetime) -> Absence:
    row.state, row.decided_by, row.decided_at = state.value, author, at
    _note(session, row, author, at)
    await session.flush()
    return await find(session, row.id)


def _note(session: AsyncSession, row: AbsenceRecord, author: str, at: datetime) -> None:
    audit_log.write(session, at=at, author=author, action=f"absence.{row.state}", subject=str(row.id))


async def _row(session: AsyncSession, absence_id: int) -> AbsenceRecord:
    query = select(AbsenceRecord).where(AbsenceRecord.id == absence_id).with_for_update()
    row = await session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound(f"there is no absence {absence_id}")
    return row


def _absences() -> Select[AbsenceRecord, ManagerRecord, str | None]:
    return (
        select(AbsenceRecord, ManagerRecord, TeamRecord.key)
        .join(ManagerRecord, ManagerRecord.id == AbsenceRecord.manager_id)
        .outerjoin(TeamRecord, TeamRecord.id == ManagerRecord.team_id)
        .order_by(AbsenceRecord.first, AbsenceRecord.id)
        .execution_options(populate_existing=True)
    )


def _to_absence(row: AbsenceRecord, manager: ManagerRecord, team: str | None) -> Absence:
    return Absence(
        id=row.id,
        connection=manager.connection,
        crm_user=manager.crm_user,
        name=manager.name,
        team=team,
        first=row.first,
        last=row.last,
        kind=AbsenceKind(row.kind),
        half=Half(row.half) if row.half else None,
        state=AbsenceState(row.state),
        note=row.note,
        author=row.author,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


async def find(session: AsyncSession, absence_id: int) -> Absence:
    """Find an absence by id. Raises NotFound."""
    row = (await session.execute(_absences().where(AbsenceRecord.id == absence_id))).first()
    if row is None:
        raise NotFound(f"there is no absence {absence_id}")
    return _to_absence(*row)


async def away_on(session: AsyncSession, connection: str, day: date) -> dict[str, Half | None]:
    """Load the CRM users of a connection with an approved absence on a day, and the half of a half day.

    Two halves are a day.
    """
    query = _absences().where(
        ManagerRecord.connection == connection,
        AbsenceRecord.state == AbsenceState.APPROVED.value,
        AbsenceRecord.first <= day,
        AbsenceRecord.last >= day,
    )
    found: dict[str, Half | None] = {}
    for row, manager, _team in await session.execute(query):
        whole = row.half is None or found.get(manager.crm_user, row.half) != row.half
        found[manager.crm_user] = None if whole or row.half is None else Half(row.half)
    return found


async def absent_on(session: AsyncSession, connection: str, day: date) -> frozenset[str]:
    """List the CRM users of a connection who are absent for a whole day."""
    return frozenset(user for user, half in (await away_on(session, connection, day)).items() if half is None)


async def approved(session: AsyncSession, connection: str, first: date, last: date) -> list[Absence]:
    """List the approved absences that touch a span."""
    found = await between(session, connection, first, last)
    return [absence for absence in found if absence.state is AbsenceState.APPROVED]


async def between(session: AsyncSession, connection: str, first: date, last: date) -> list[Absence]:
    """List the absences that touch a span, in every state."""
    query = _absences().where(
        ManagerRecord.connection == connection, AbsenceRecord.first <= last, AbsenceRecord.last >= first
    )
    return [_to_absence(*row) for row in await session.execute(query)]


async def of_manager(session: AsyncSession, connection: str, crm_user: str) -> list[Absence]:
    """List all absences of a manager, in every state."""
    query = _absences().where(ManagerRecord.connection == connection, ManagerRecord.crm_user == crm_user)
    return [_to_absence(*row) for row in await session.execute(query)]


async def in_force(session: AsyncSession, connection: str, crm_user: str, first: date, last: date) -> list[Absence]:
    """List the absences of a manager that touch a span: approved ones, and requests."""
    open_states = (AbsenceState.APPROVED, AbsenceState.REQUESTED)
    found = await between(session, connection, first, last)
    return [absence for absence in found if absence.crm_user == crm_user and absence.state in open_states]


async def requested(session: AsyncSession, team: str) -> list[Absence]:
    """List the requested absences of a team, for the head to decide."""
    query = _absences().where(TeamRecord.key == team, AbsenceRecord.state == AbsenceState.REQUESTED.value)
    return [_to_absence(*row) for row in await session.execute(query)]
