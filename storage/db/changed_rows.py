"""Note which rows a transaction changes, for the journal that is written before the commit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import Base

_NOTED = "changed_rows"


def note(session: AsyncSession, record: type[Base], keys: Iterable[int | str]) -> None:
    """Note rows changed by a statement of their own, which the session does not see."""
    note_keys(session.info, record.__tablename__, map(str, keys))


def note_keys(info: dict[Any, Any], table: str, keys: Iterable[str]) -> None:
    """Note rows of a table by key in the `info` of a session."""
    info.setdefault(_NOTED, {}).setdefault(table, set()).update(keys)


def take(session: AsyncSession) -> dict[str, set[str]]:
    """Return the noted keys by table, and forget them."""
    found: dict[str, set[str]] = session.info.pop(_NOTED, {})
    return found
