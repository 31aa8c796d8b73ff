"""Find the evening message that told a manager of a day."""

from __future__ import annotations

from datetime import date, timedelta

from storage.days import runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, EveningNotice, run_event
from storage.values import Delivery, RunState

CAUGHT_UP_DAYS = 30
"""Days after a day in which its line may stand in the message of a newer day."""


async def find_evening(session: Session, team: str, day: date, recipient: str) -> tuple[Delivery, EveningNotice] | None:
    """Find the message that shows a day: the day's own, or that of a newer day which was caught up with."""
    for run in await runs.between(session, team, day, day + timedelta(days=CAUGHT_UP_DAYS)):
        if run.state is RunState.FINISHED:
            sent = await deliveries.find(session, run_event(run.id), DeliveryKind.PERSONAL, recipient)
            notice = sent.notice if sent is not None else None
            if sent is not None and isinstance(notice, EveningNotice) and day in (notice.day, *notice.earlier):
                return sent, notice
    return None
