"""Read text that is no UTF-8: only somebody else's program stores such text, and `verify` must get past it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.sql import driver_connection, is_sqlite


@asynccontextmanager
async def lenient_text(session: AsyncSession) -> AsyncIterator[None]:
    """Replace what does not decode instead of failing; PostgreSQL lets no such text in."""
    if not is_sqlite(session):
        yield
        return
    driver = await driver_connection(session)
    driver.text_factory = _decoded
    try:
        yield
    finally:
        driver.text_factory = str


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
