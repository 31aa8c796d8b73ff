"""Keep messages that must arrive: written with the ledger in one transaction, sent afterwards.

pending ─► sending ─► sent | failed, or back to pending (`postpone`). A delivery whose process died while sending is
started again after the lease; after the death of five processes the delivery has failed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Double,
    Table,
    Update,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from storage.db.database import Database
from storage.db.models import DeliveryRecord
from storage.db.models.messages import NOT_SENT
from storage.db.sql import portions, upsert
from storage.db.types import DatabaseNow, UtcDateTime
from storage.messages import notice_codec
from storage.messages.notices import Notice, to_group
from storage.values import Delivery, DeliveryState

LEASE_SECONDS = 60.0
"""Seconds of a lease, longer than any send: the time-out of a send must be shorter."""

_PENDING, _SENDING = DeliveryState.PENDING.value, DeliveryState.SENDING.value
MOST_DEATHS = 5
"""Processes that may die while sending a delivery."""
_TABLE = cast(Table, DeliveryRecord.__table__)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Describe a delivery to be written."""

    event: str
    """Key of what the message tells; must outlive a renamed team."""
    recipient: str
    notice: Notice
    not_before: datetime | None = None


async def add(
    session: AsyncSession,
    *,
    event: str,
    recipient: str,
    notice: Notice,
    at: datetime,
    not_before: datetime | None = None,
) -> int | None:
    """Write a delivery and return the id; None if written before. `event` must outlive a renamed team."""
    added = await add_all(session, [NewDelivery(event, recipient, notice, not_before)], at=at)
    return added[0] if added else None


async def add_all(session: AsyncSession, new: Sequence[NewDelivery], *, at: datetime) -> list[int]:
    """Write deliveries and return the ids of those that were not written before."""
    added: list[int] = []
    for portion in portions(new):
        rows = [
            {
                "event": each.event,
                "kind": each.notice.kind.value,
                "recipient": each.recipient,
                "reference": notice_codec.encode(each.notice),
                "state": _PENDING,
                "not_before": each.not_before,
                "created_at": at,
            }
            for each in portion
        ]
        statement = upsert(session, DeliveryRecord).values(rows)
        statement = statement.on_conflict_do_nothing(index_elements=["event", "kind", "recipient"])
        added += await session.scalars(statement.returning(DeliveryRecord.id))
    return sorted(added)


async def due(db: Database, *, at: datetime, limit: int = 50) -> list[Delivery]:
    """List the deliveries that can start now, oldest first; deliveries with five dead processes fail."""
    async with db.reading() as session:
        query = select(DeliveryRecord).where(_startable(at)).order_by(DeliveryRecord.id).limit(limit)
        found = [_to_delivery(row) for row in await session.scalars(query)]
        hopeless = await session.scalar(select(DeliveryRecord.id).where(_hopeless()).limit(1))
    if hopeless is not None:
        async with db.transaction() as session:
            await session.execute(_give_up(at))
    return found


def _startable(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    waits = and_(
        DeliveryRecord.state == _PENDING, or_(DeliveryRecord.not_before.is_(None), DeliveryRecord.not_before <= at)
    )
    return and_(NOT_SENT, or_(waits, and_(_orphaned(), DeliveryRecord.interrupted < MOST_DEATHS - 1)))


def _orphaned() -> ColumnElement[bool]:
    return and_(NOT_SENT, DeliveryRecord.state == _SENDING, DeliveryRecord.lease_until <= DatabaseNow())


def _hopeless() -> ColumnElement[bool]:
    return and_(_orphaned(), DeliveryRecord.interrupted >= MOST_DEATHS - 1)


def _give_up(at: datetime) -> Update:
    return (
        update(DeliveryRecord)
        .where(_hopeless())
        .values(state=DeliveryState.FAILED.value, done_at=at, problem=f"{MOST_DEATHS} processes died while sending it")
        .execution_options(synchronize_session=False)
    )


async def start(
    db: Database, delivery_id: int, owner: str, *, at: datetime, lease_seconds: float = LEASE_SECONDS
) -> Delivery | None:
    """Start a delivery just before sending; None if another process sends, the time has not come, or all is done."""
    given = {"delivery": delivery_id, "holder": owner, "now": at, "seconds": lease_seconds}
    async with db.transaction() as session:
        row = (await session.execute(_start(), given)).one_or_none()
        return None if row is None else _to_delivery(row)


@cache
def _start() -> ReturningUpdate[Any]:
    """Build the statement once, because every message runs the statement."""
    row = DeliveryRecord
    return (
        update(_TABLE)
        .where(row.id == bindparam("delivery"), _startable(bindparam("now", type_=UtcDateTime())))
        .values(
            state=_SENDING,
            owner=bindparam("holder"),
            lease_until=DatabaseNow() + bindparam("seconds", type_=Double()),
            attempts=row.attempts + 1,
            interrupted=row.interrupted + case((row.state == _SENDING, 1), else_=0),
        )
        .returning(*_TABLE.c)
    )


async def renew_lease(
    db: Database,
    delivery: Delivery,
    message_ids: Sequence[int] | None = None,
    *,
    chat_id: int | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> bool:
    """Renew the lease of a long send and record the parts that arrived; False if another process took over."""
    parts = {} if message_ids is None else {"message_ids": list(message_ids), "chat_id": chat_id}
    async with db.transaction() as session:
        held = await session.scalar(_attempt(delivery).values(lease_until=DatabaseNow() + lease_seconds, **parts))
        return held is not None


async def mark_sent(
    db: Database,
    delivery: Delivery,
    message_ids: Sequence[int],
    *,
    at: datetime,
    chat_id: int | None = None,
    problem: str = "",
) -> bool:
    """Record that Telegram accepted the message; the ids serve later edits. False if the delivery was taken over.

    `problem` tells what is still missing, as with a message that could not be pinned.
    """
    return await _settle(
        db, delivery, DeliveryState.SENT, done_at=at, message_ids=list(message_ids), chat_id=chat_id, problem=problem
    )


async def mark_failed(db: Database, delivery: Delivery, problem: str, *, at: datetime) -> bool:
    """Record a message that will never arrive: blocked, deactivated, no such chat."""
    return await _settle(db, delivery, DeliveryState.FAILED, done_at=at, problem=problem)


async def postpone(db: Database, delivery: Delivery, until: datetime, problem: str = "") -> bool:
    """Postpone a message until `until`."""
    return await _settle(db, delivery, DeliveryState.PENDING, not_before=until, problem=problem)


async def _settle(db: Database, delivery: Delivery, state: DeliveryState, **values: Any) -> bool:
    """End an attempt, if the lease of the attempt holds."""
    async with db.transaction() as session:
        settled = await session.scalar(_attempt(delivery).values(state=state.value, lease_until=0.0, **values))
        return settled is not None


def _attempt(delivery: Delivery) -> ReturningUpdate[int]:
    """Update the row of an attempt: a delivery that was taken over has a higher attempt and matches no row."""
    return (
        update(DeliveryRecord)
        .where(
            DeliveryRecord.id == delivery.id,
            DeliveryRecord.state == _SENDING,
            DeliveryRecord.attempts == delivery.attempts,
        )
        .returning(DeliveryRecord.id)
        .execution_options(synchronize_session=False)
    )


async def cancel(session: AsyncSession, *, event: str, kind: str | None = None, at: datetime) -> int:
    """Cancel the pending deliveries of an event and return the number cancelled."""
    statement = update(DeliveryRecord).where(DeliveryRecord.event == event, DeliveryRecord.state == _PENDING)
    if kind is not None:
        statement = statement.where(DeliveryRecord.kind == kind)
    done = statement.values(state=DeliveryState.CANCELLED.value, done_at=at).returning(DeliveryRecord.id)
    return len((await session.scalars(done.execution_options(synchronize_session=False))).all())


async def waiting(session: AsyncSession, kind: str, *, at: datetime) -> list[Delivery]:
    """List the deliveries of a kind that wait for more content until `not_before`."""
    row = DeliveryRecord
    waits = and_(NOT_SENT, row.state == _PENDING, row.not_before > at, row.attempts == 0)
    rows = await session.scalars(select(DeliveryRecord).where(DeliveryRecord.kind == kind, waits))
    return [_to_delivery(row) for row in rows]


async def complete(session: AsyncSession, delivery_id: int, notice: Notice) -> None:
    """Store the completed notice of a delivery that is held back; a delivery already sent stays unchanged."""
    await session.execute(
        update(DeliveryRecord)
        .where(DeliveryRecord.id == delivery_id, DeliveryRecord.state == _PENDING)
        .values(reference=notice_codec.encode(notice))
        .execution_options(synchronize_session=False)
    )


async def get(session: AsyncSession, delivery_id: int) -> Delivery | None:
    """Find a delivery by id."""
    row = await session.get(DeliveryRecord, delivery_id)
    return None if row is None else _to_delivery(row)


async def end_leases(db: Database, owner: str) -> None:
    """End the leases of a dead process (SQLite: the lock file was free)."""
    async with db.transaction() as session:
        await session.execute(
            update(DeliveryRecord)
            .where(NOT_SENT, DeliveryRecord.owner == owner, DeliveryRecord.state == _SENDING)
            .values(lease_until=0.0)
            .execution_options(synchronize_session=False)
        )


async def retry_now(db: Database, *, at: datetime) -> None:
    """Let postponed deliveries start now: after the clock was set, their time may lie far ahead."""
    row = DeliveryRecord
    async with db.transaction() as session:
        await session.execute(
            update(row)
            .where(NOT_SENT, row.state == _PENDING, row.attempts > 0, row.not_before > at)
            .values(not_before=at)
            .execution_options(synchronize_session=False)
        )


async def find(session: AsyncSession, event: str, kind: str, recipient: str) -> Delivery | None:
    """Find the delivery of an event and kind to a recipient."""
    row = await session.scalar(
        select(DeliveryRecord)
        .where(DeliveryRecord.event == event, DeliveryRecord.kind == kind, DeliveryRecord.recipient == recipient)
        .execution_options(populate_existing=True)
    )
    return None if row is None else _to_delivery(row)


async def last_sent(session: AsyncSession, kind: str, recipient: str) -> Delivery | None:
    """Find the newest delivery of a kind that arrived at a recipient."""
    row = await session.scalar(
        select(DeliveryRecord)
        .where(
            DeliveryRecord.recipient == recipient,
            DeliveryRecord.state == DeliveryState.SENT.value,
            DeliveryRecord.kind == kind,
        )
        .order_by(DeliveryRecord.id.desc())
        .limit(1)
    )
    return None if row is None else _to_delivery(row)


async def set_messages(
    session: AsyncSession, delivery_id: int, message_ids: Sequence[int], *, chat_id: int | None = None
) -> None:
    """Record the message ids after an edit that needed more or other messages."""
    values: dict[str, Any] = {"message_ids": list(message_ids)}
    if chat_id is not None:
        values["chat_id"] = chat_id
    await session.execute(
        update(DeliveryRecord)
        .where(DeliveryRecord.id == delivery_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def rename_team(session: AsyncSession, old: str, new: str) -> None:
    """Rename a team in all notices and recipients, so that pending and sent messages find the team."""
    for row in await session.scalars(select(DeliveryRecord).with_for_update()):
        row.reference = notice_codec.with_team(row.reference, old, new)
        if row.recipient == to_group(old):
            row.recipient = to_group(new)
    await session.flush()


async def count_by_state(session: AsyncSession) -> dict[DeliveryState, int]:
    """Count the deliveries that wait, are being sent, or failed: sent messages of years would take long to count."""
    query = select(DeliveryRecord.state, func.count()).where(NOT_SENT).group_by(DeliveryRecord.state)
    return {DeliveryState(state): count for state, count in await session.execute(query)}


async def oldest_pending(session: AsyncSession, *, at: datetime) -> datetime | None:
    """Find the instant since which the oldest startable delivery waits."""
    oldest: datetime | None = await session.scalar(select(func.min(DeliveryRecord.created_at)).where(_startable(at)))
    return oldest


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Summarize the deliveries that were given up."""

    count: int
    first: datetime
    problem: str
    """The reason of the last."""


async def undelivered(
    session: AsyncSession, recipients: Collection[str], reasons: Collection[str], *, since: datetime
) -> list[Delivery]:
    """List the deliveries to recipients that failed since an instant for one of these reasons, oldest first."""
    row = DeliveryRecord
    failed = row.state == DeliveryState.FAILED.value, row.problem.in_(list(reasons)), row.done_at >= since
    query = select(row).where(row.recipient.in_(list(recipients)), *failed).order_by(row.id)
    return [_to_delivery(found) for found in await session.scalars(query)]


async def given_up(session: AsyncSession, *, since: datetime, without: Collection[str]) -> GivenUp | None:
    """Find the deliveries given up since an instant, but for the reasons `without`; None if there are none."""
    row = DeliveryRecord
    failed = NOT_SENT, row.state == DeliveryState.FAILED.value, row.done_at >= since, row.problem.not_in(list(without))
    count, first = (await session.execute(select(func.count(), func.min(row.done_at)).where(*failed))).one()
    if first is None:
        return None
    problem = await session.scalar(select(row.problem).where(*failed).order_by(row.done_at.desc()).limit(1))
    return GivenUp(count, first, problem or "")


def _to_delivery(row: DeliveryRecord) -> Delivery:
    return Delivery(
        id=row.id,
        event=row.event,
        kind=row.kind,
        recipient=row.recipient,
        notice=notice_codec.decode(row.kind, row.reference),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        interrupted=row.interrupted,
        not_before=row.not_before,
        chat_id=row.chat_id,
        message_ids=tuple(row.message_ids),
        problem=row.problem,
        created_at=row.created_at,
        done_at=row.done_at,
    )
