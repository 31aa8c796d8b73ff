"""Keep Telegram's limits across processes: evenly spaced slots by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Double,
    SQLColumnExpression,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
)

from storage.db.database import Database
from storage.db.models import RateSlotRecord
from storage.db.sql import dialect_insert, upsert
from storage.db.types import DatabaseNow

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold a reserved moment and the database's clock at the reservation, both in seconds since 1970."""

    at: float
    now: float


async def take(
    db: Database, key: str, step: float, *, common: str, pause: float, ahead: float | None = None
) -> Slot | None:
    """Reserve the next slot of a chat, `step` seconds after the message before, which waited for a `common` slot too.

    If the next common slot is more than `pause` seconds away, Telegram asked all senders to wait, and the slot of the
    chat is not before. None if the slot is more than `ahead` seconds away.
    """
    given = {"slot": key, "seconds": step, "common": common, "pause": pause, "ahead": NEVER if ahead is None else ahead}
    async with db.express() as connection:
        row = (await connection.execute(_taking_own(db.is_sqlite), given)).one_or_none()
    # A slot too far away stays reserved: Telegram asked all senders to wait, and the chat has none nearer.
    return None if row is None or row[0] - row[1] > given["ahead"] else Slot(*row)


async def reserve(
    db: Database, key: str, step: float, count: int, *, earliest: float = 0.0, later: float = 0.0, ahead: float
) -> Slot | None:
    """Reserve `count` common slots in a row and return the first; waits for no other transaction.

    The slot is not before `earliest`, and `later` seconds later than free. None, and nothing reserved, if the next free
    slot is more than `ahead` seconds away.
    """
    given = {"slot": key, "seconds": step * count, "earliest": earliest, "more": later, "ahead": ahead}
    async with db.express() as connection:
        row = (await connection.execute(_taking_common(db.is_sqlite), given)).one_or_none()
    return None if row is None else Slot(row[0] + later, row[1])


async def wait_of(db: Database, key: str) -> float:
    """Read the seconds until a slot under `key` is free, without a reservation."""
    async with db.reading() as session:
        wait = await session.scalar(select(RateSlotRecord.next_at - DatabaseNow()).where(RateSlotRecord.key == key))
    return max(0.0, wait or 0.0)


@cache
def _taking_own(sqlite: bool) -> Any:  # two classes with one interface
    pause: BindParameter[float] = bindparam("pause", type_=Double())
    behind = select(RateSlotRecord.next_at - DatabaseNow()).where(RateSlotRecord.key == bindparam("common"))
    queue = func.coalesce(behind.scalar_subquery(), 0.0)
    earliest = case((queue > pause, DatabaseNow() + queue), else_=0.0)
    return _taking(sqlite, earliest, later=case((queue.between(0.0, pause), queue), else_=0.0))


@cache
def _taking_common(sqlite: bool) -> Any:
    return _taking(sqlite, bindparam("earliest", type_=Double()), later=bindparam("more", type_=Double()))


def _taking(sqlite: bool, earliest: ColumnElement[float], *, later: ColumnElement[float]) -> Any:
    """Build the statement once, because every message runs the statement. The next slot counts from `later`."""
    row = RateSlotRecord
    seconds: BindParameter[float] = bindparam("seconds", type_=Double())
    step = seconds + later
    first = _later_of(DatabaseNow(), earliest)
    insert = dialect_insert(sqlite)(row.__table__).values(key=bindparam("slot"), next_at=first + step)
    return insert.on_conflict_do_update(
        index_elements=["key"],
        set_={"next_at": _later_of(row.next_at, first) + step},
        where=row.next_at <= DatabaseNow() + bindparam("ahead", type_=Double()),
    ).returning(row.next_at - step, DatabaseNow())


async def push_back(db: Database, key: str, seconds: float) -> None:
    """Block the slots under `key` for `seconds`, as Telegram's retry_after asks."""
    until = DatabaseNow() + seconds
    async with db.transaction() as session:
        insert = upsert(session, RateSlotRecord).values(key=key, next_at=until)
        await session.execute(
            insert.on_conflict_do_update(
                index_elements=["key"], set_={"next_at": _later_of(RateSlotRecord.next_at, until)}
            )
        )


async def forget(db: Database, ahead: float = 0.0) -> None:
    """Delete the slots more than `ahead` seconds away, which a wrong clock may have reserved."""
    async with db.transaction() as session:
        await session.execute(delete(RateSlotRecord).where(RateSlotRecord.next_at > DatabaseNow() + ahead))


def _later_of(first: SQLColumnExpression[float], second: ColumnElement[float]) -> ColumnElement[float]:
    """Select the greater value, in SQL that both databases know."""
    return cast(case((first > second, first), else_=second), Double)
