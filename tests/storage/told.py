"""What tests see of the messages that were noted."""

from __future__ import annotations

from sqlalchemy import select

from storage.db.database import Session
from storage.db.models import DeliveryRecord
from storage.messages import deliveries
from storage.values import Delivery


async def told(session: Session, event: str) -> list[Delivery]:
    """All messages of an event, in the order in which they were noted."""
    noted = select(DeliveryRecord.kind, DeliveryRecord.recipient)
    rows = await session.execute(noted.where(DeliveryRecord.event == event).order_by(DeliveryRecord.id))
    found = [await deliveries.find(session, event, kind, recipient) for kind, recipient in rows.all()]
    return [delivery for delivery in found if delivery is not None]
