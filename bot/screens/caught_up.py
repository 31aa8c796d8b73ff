"""Load the days that were told together with a newer day, a line each."""

from __future__ import annotations

from datetime import date

from storage.days import runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, DigestNotice, EveningNotice, run_event


async def load_caught_up(session: Session, key: str, day: date, kind: DeliveryKind, recipient: str) -> tuple[date, ...]:
    """Load the days that a recipient's message about a day told too; none without such a message."""
    run = await runs.find(session, key, day)
    sent = await deliveries.find(session, run_event(run.id), kind, recipient) if run else None
    notice = sent.notice if sent else None
    return notice.earlier if isinstance(notice, EveningNotice | DigestNotice) else ()
