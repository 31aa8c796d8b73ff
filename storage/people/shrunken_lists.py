"""Keep the lists of a CRM that shrank too much at once, until an admin confirms the loss (docs/product.md §11).

The audit log is the store: a list is *noted* when read, *confirmed* by an admin, and *taken* when read once more after
the confirmation. The newest of the three entries of a list tells the state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord
from storage.errors import Refused
from storage.people import audit_log

NOTED, CONFIRMED, TAKEN = "list.noted", "list.confirmed", "list.taken"


@dataclass(frozen=True, slots=True)
class ShrunkenList:
    """Describe a list that lost entries: `users:CONNECTION`, `deals:CONNECTION:TEAM` or `tasks:CONNECTION:TEAM`."""

    id: int
    subject: str
    lost: frozenset[str]
    """Ids of the lost entries; of deals and tasks the number read last."""
    confirmed: bool = False


async def newest(session: AsyncSession, subject: str) -> ShrunkenList | None:
    """Find the list that is noted or confirmed and not taken; None without such a list."""
    row = await session.scalar(
        select(AuditRecord)
        .where(AuditRecord.subject == subject, AuditRecord.action.in_((NOTED, CONFIRMED, TAKEN)))
        .order_by(AuditRecord.id.desc())
        .limit(1)
    )
    return None if row is None or row.action == TAKEN else _list(row)


async def note(session: AsyncSession, subject: str, lost: Collection[str], *, at: datetime) -> ShrunkenList:
    """Note a list, unless the newest entry is about the same loss; return the noted list."""
    known = await newest(session, subject)
    if known is not None and known.lost == frozenset(lost):
        return known
    audit_log.write(session, at=at, author="crm", action=NOTED, subject=subject, lost=sorted(lost))
    await session.flush()
    noted = await newest(session, subject)
    assert noted is not None  # noqa: S101  # written above
    return noted


async def take(session: AsyncSession, subject: str, *, at: datetime) -> None:
    """End the question: the list was read whole again, or after the confirmation."""
    if await newest(session, subject) is not None:
        audit_log.write(session, at=at, author="crm", action=TAKEN, subject=subject)


async def pending(session: AsyncSession, connection: str) -> list[ShrunkenList]:
    """List the lists of a connection that wait for a confirmation."""
    subjects = await session.scalars(
        select(AuditRecord.subject).where(AuditRecord.action == NOTED).distinct().order_by(AuditRecord.subject)
    )
    found = [await newest(session, subject) for subject in subjects if subject.split(":")[1] == connection]
    return [item for item in found if item is not None and not item.confirmed]


async def confirm(
    session: AsyncSession, connection: str, *, author: str, at: datetime, only: int | None = None
) -> list[ShrunkenList]:
    """Confirm the lists of a connection that wait (`only`: this list). Raises Refused if none waits."""
    waiting = [item for item in await pending(session, connection) if only in (None, item.id)]
    if not waiting:
        raise Refused(f"no list of connection {connection!r} waits for a confirmation")
    for item in waiting:
        audit_log.write(session, at=at, author=author, action=CONFIRMED, subject=item.subject, lost=sorted(item.lost))
    await session.flush()
    return waiting


def subject_of(what: str, connection: str, *team: str) -> str:
    """Name a list."""
    return ":".join((what, connection, *team))


def _list(row: AuditRecord) -> ShrunkenList:
    lost: Iterable[str] = row.details.get("lost", ())
    return ShrunkenList(row.id, row.subject, frozenset(lost), row.action == CONFIRMED)
