"""Telegram's limits over all processes: evenly spaced slots by the database's clock."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Double, SQLColumnExpression, bindparam, case, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.models import RateSlotRecord
from storage.sql import dialect_insert, is_sqlite, upsert
from storage.types import DatabaseNow


async def take(db: Database, key: str, step: float, ahead: float | None = None) -> float | None:
    """Reserve the next slot under `key`, `step` seconds after the one before; tell the seconds to wait for it.

    None, and nothing reserved, if that slot is more than `ahead` seconds away.
    """
    async with db.transaction() as session:
        return await _take(session, key, step, ahead)


async def take_both(
    db: Database, common: tuple[str, float], own: tuple[str, float], ahead: float | None = None
) -> float | None:
    """Reserve a common slot and one of a chat (key, step each); neither if one of them is too far away.

    The common one first: the chat's counts from when the message really goes out, and locks are taken in one order.
    """
    try:
        async with db.transaction() as session:
            wait = await _take_or_leave(session, *common, ahead)
            return await _take_or_leave(session, *own, ahead, after=wait)
    except _TooFar:
        return None


class _TooFar(Exception):
    """Rolls back what was reserved."""


async def _take_or_leave(
    session: AsyncSession, key: str, step: float, ahead: float | None, *, after: float = 0.0
) -> float:
    wait = await _take(session, key, step, ahead, after=after)
    if wait is None:
        raise _TooFar
    return wait


async def wait_of(db: Database, key: str) -> float:
    """Seconds until a slot under `key` is free; reserves nothing."""
    async with db.reading() as session:
        wait = await session.scalar(select(RateSlotRecord.next_at - DatabaseNow()).where(RateSlotRecord.key == key))
    return max(0.0, wait or 0.0)


async def _take(
    session: AsyncSession, key: str, step: float, ahead: float | None, *, after: float = 0.0
) -> float | None:
    given = {"slot": key, "seconds": step, "after": after} | ({} if ahead is None else {"patience": ahead})
    wait: float | None = await session.scalar(_taking(is_sqlite(session), limited=ahead is not None), given)
    return None if wait is None else max(0.0, wait)


@cache
def _taking(sqlite: bool, *, limited: bool) -> Any:  # two classes with one interface
    """Made once: it is asked twice for every message."""
    row = RateSlotRecord
    step: BindParameter[float] = bindparam("seconds", type_=Double())
    first = DatabaseNow() + bindparam("after", type_=Double())
    insert = dialect_insert(sqlite)(row.__table__).values(key=bindparam("slot"), next_at=first + step)
    return insert.on_conflict_do_update(
        index_elements=["key"],
        set_={"next_at": _later_of(row.next_at, first) + step},
        where=row.next_at <= DatabaseNow() + bindparam("patience", type_=Double()) if limited else None,
    ).returning(row.next_at - step - DatabaseNow())


async def push_back(db: Database, key: str, seconds: float) -> None:
    """Nobody sends under `key` for so long: Telegram said retry_after."""
    until = DatabaseNow() + seconds
    async with db.transaction() as session:
        insert = upsert(session, RateSlotRecord).values(key=key, next_at=until)
        await session.execute(
            insert.on_conflict_do_update(
                index_elements=["key"], set_={"next_at": _later_of(RateSlotRecord.next_at, until)}
            )
        )


def _later_of(first: SQLColumnExpression[float], second: ColumnElement[float]) -> ColumnElement[float]:
    """The greater of two, in words that both databases know."""
    return cast(case((first > second, first), else_=second), Double)
