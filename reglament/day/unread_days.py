"""Settle the working days that are too long ago to be read: the journal says so, and a period can be closed."""

from __future__ import annotations

from datetime import timedelta

import structlog

from reglament.day.clocks import load_clocks
from reglament.day.due import missed
from reglament.process import Process
from storage.days import runs
from storage.journal.calendars import settle_unread

log = structlog.get_logger()


async def settle_unread_days(process: Process) -> None:
    """Settle, at the start of the service, each due day beyond `catch_up_days` as not read."""
    now, limit = process.now(), process.settings.catch_up_days
    span = timedelta(days=3 * limit + 31)
    for key, clock in (await load_clocks(process)).items():
        today = clock.calendar.local_date(now)
        async with process.db.transaction() as session:
            finished = frozenset(await runs.finished_days(session, key, today - span, today))
            awaited = missed(clock, finished, now, limit)
            days = await settle_unread(session, key, awaited, clock.calendar, now)
        if days:
            log.warning("days_not_read", team=key, days=[str(day) for day in days])
