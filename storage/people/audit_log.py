"""Who did what to people, roles, periods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord


def write(session: AsyncSession, *, at: datetime, author: str, action: str, subject: str, **details: Any) -> None:
    """Note it in the transaction of the deed."""
    session.add(AuditRecord(at=at, author=author, action=action, subject=subject, details=details))
