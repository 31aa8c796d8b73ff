"""Record who changed people, roles and periods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord


def write(session: AsyncSession, *, at: datetime, author: str, action: str, subject: str, **details: Any) -> None:
    """Record an action in the transaction of the action."""
    session.add(AuditRecord(at=at, author=author, action=action, subject=subject, details=details))
