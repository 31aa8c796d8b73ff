"""Note in the audit log, and hence in the journal, that a file of anchors was begun or that gaps were accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord
from storage.errors import UNREADABLE
from storage.people import audit_log

BEGUN, ACCEPTED = "anchors.begun", "anchors.accepted"


async def is_begun(session: AsyncSession, file: str) -> bool:
    """Tell whether anchors were written to a file, and the loss of the file was not accepted since."""
    query = select(AuditRecord.action, cast(AuditRecord.details, Text)).where(
        AuditRecord.action.in_((BEGUN, ACCEPTED)), AuditRecord.subject == file
    )
    rows = (await session.execute(query.order_by(AuditRecord.id))).all()
    begun = False
    for action, details in rows:
        begun = action == BEGUN or (begun and not _read(details).get("lost"))
    return begun


async def accepted_digests(session: AsyncSession) -> frozenset[str]:
    """Collect the digests of anchored days whose loss an operator has accepted."""
    rows = await session.scalars(select(cast(AuditRecord.details, Text)).where(AuditRecord.action == ACCEPTED))
    accepted = [_read(details).get("digests") for details in rows]
    return frozenset(str(digest) for digests in accepted if isinstance(digests, list) for digest in digests)


def _read(details: str | None) -> Mapping[str, Any]:
    """Read the details of an action; empty where the row was altered beyond reading, which `verify` names."""
    try:
        found = json.loads(details or "")
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def note_begun(session: AsyncSession, file: str, *, author: str, at: datetime) -> None:
    """Record that anchors are written to a file."""
    audit_log.write(session, at=at, author=author, action=BEGUN, subject=file)


def accept(
    session: AsyncSession, file: str, digests: Sequence[str], *, is_lost: bool, author: str, at: datetime
) -> None:
    """Record that an operator goes on without the anchored days, or (`is_lost`) without the file of anchors."""
    audit_log.write(session, at=at, author=author, action=ACCEPTED, subject=file, digests=list(digests), lost=is_lost)
