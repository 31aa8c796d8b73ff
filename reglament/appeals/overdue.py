"""Take up appeals that wait: remind the head, tell the owner, grant after ten working days (docs/product.md §13)."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from reglament.appeals.acts import grant_by_term, settle_recheck
from reglament.appeals.telling import ask_to_decide
from reglament.process import Process
from scoring.appeals.terms import GRANTED_DAYS, OWNER_DAYS, REMINDER_DAYS, workday_after
from scoring.workdays import WorkCalendar
from storage.appeals import appeals
from storage.errors import AppealRefused
from storage.values import Appeal

log = structlog.get_logger()

RECHECK_AFTER = timedelta(minutes=10)
"""Age of an appeal without a re-check whose process must have died."""
_STAGES = ((2, OWNER_DAYS, "owner"), (1, REMINDER_DAYS, "reminder"))
"""Number, working days after the filing, and stage of the notice; the latest first."""


async def settle_overdue(process: Process) -> None:
    """Take up every open appeal of the settings' teams that is due for a step; a failing one stops no other."""
    async with process.db.reading() as session:
        waiting = await appeals.open_appeals(session, list(process.settings.teams))
    for appeal in waiting:
        try:
            await _settle(process, appeal, process.settings.teams[appeal.team].calendar(), process.now())
        except AppealRefused:
            continue  # another replica, or a head, was quicker
        except Exception:
            log.exception("appeal_not_taken_up", appeal=appeal.id)


async def _settle(process: Process, appeal: Appeal, calendar: WorkCalendar, now: datetime) -> None:
    if now >= workday_after(calendar, appeal.filed_at, GRANTED_DAYS):
        async with process.db.transaction() as session:
            await grant_by_term(process, session, appeal)
        return
    if appeal.recheck is None and now - appeal.filed_at > RECHECK_AFTER:
        await settle_recheck(process, appeal)
        return
    for number, days, stage in _STAGES:
        if appeal.reminded < number and now >= workday_after(calendar, appeal.filed_at, days):
            async with process.db.transaction() as session:
                if await appeals.note_reminded(session, appeal.id, number):
                    await ask_to_decide(process, session, appeal, stage)
            return
