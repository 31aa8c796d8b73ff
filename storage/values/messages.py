"""Hold deliveries as stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.messages.notices import Notice


class DeliveryState(StrEnum):
    """Name the states of a delivery."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Describe a message to be sent or sent."""

    id: int
    event: str
    kind: str
    recipient: str
    notice: Notice | None
    """None: retention blanked the content, or this version cannot read the content."""
    state: DeliveryState
    attempts: int = 0
    interrupted: int = 0
    not_before: datetime | None = None
    chat_id: int | None = None
    message_ids: tuple[int, ...] = ()
    problem: str = ""
    created_at: datetime | None = None
    done_at: datetime | None = None
