"""Note in the audit log, and hence in the journal, that a file of anchors was begun or that gaps were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord
from storage.people import audit_log

BEGUN, ACCEPTED = "anchors.begun", "anchors.accepted"


async def is_begun(session: AsyncSession, file: str) -> bool:
    """Tell whether anchors were written to a file, and the loss of the file was not accepted since."""
    query = select(AuditRecord.action, AuditRecord.details).where(
        AuditRecord.action.in_((BEGUN, ACCEPTED)), AuditRecord.subject == file
    )
    rows = (await session.execute(query.order_by(AuditRecord.id))).all()
    begun = False
    for action, details in rows:
        begun = action == BEGUN or (begun and not details["lost"])
    return begun


async def accepted_digests(session: AsyncSession) -> frozenset[str]:
    """Collect the digests of anchored days whose loss an operator has accepted."""
    rows = await session.scalars(select(AuditRecord.details).where(AuditRecord.action == ACCEPTED))
    return frozenset(digest for details in rows for digest in details["digests"])


def note_begun(session: AsyncSession, file: str, *, author: str, at: datetime) -> None:
    """Record that anchors are written to a file."""
    audit_log.write(session, at=at, author=author, action=BEGUN, subject=file)


def accept(
    session: AsyncSession, file: str, digests: Sequence[str], *, is_lost: bool, author: str, at: datetime
) -> None:
    """Record that an operator goes on without the anchored days, or (`is_lost`) without the file of anchors."""
    audit_log.write(session, at=at, author=author, action=ACCEPTED, subject=file, digests=list(digests), lost=is_lost)
