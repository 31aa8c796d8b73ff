"""Settle a team's day whatever happens: what cannot be scored ends without data at the deadline."""

from __future__ import annotations

from dataclasses import replace

import structlog

from crm_clients.errors import CrmError
from reglament.day import notifications
from reglament.day.audience import load_audience
from reglament.day.claims import TeamDay, TeamResult
from reglament.day.guard import DATABASE_TROUBLE, crm_error
from reglament.day.members import ConnectionRosters, rosters_without_users
from reglament.day.notifications import enqueue
from reglament.day.read import ConnectionReading
from reglament.day.retry import retry_deadline
from reglament.day.settle import Settlement, settle
from reglament.process import Process
from storage.days import runs
from storage.journal.days import close_day

log = structlog.get_logger()


async def settle_surely(
    process: Process,
    day: TeamDay,
    rosters: ConnectionRosters,
    reading: ConnectionReading,
    *,
    last_attempt: bool = False,
) -> TeamResult:
    """Settle the team's day whatever happens: an exception postpones the day, at the deadline as a day without data."""
    try:
        return await settle(process, day, rosters, reading, last_attempt=last_attempt)
    except DATABASE_TROUBLE:
        raise
    except Exception as caught:
        fault = crm_error(caught, f"settlement of {day.key}")
    if not last_attempt and process.now() < retry_deadline(process, day):
        return await Settlement(process, day, day.stored, reading, fault).postpone()
    try:
        return await _settle_unread(process, day, fault)
    except DATABASE_TROUBLE:
        raise
    except Exception as caught:
        fault = crm_error(caught, f"settlement of {day.key} without data")
    return await _finish_bare(process, day, fault)


async def _settle_unread(process: Process, day: TeamDay, fault: CrmError) -> TeamResult:
    """Drop snapshots that cannot be scored, and score the day without data for the members known last."""
    async with process.db.transaction() as session:
        await runs.drop_snapshots(session, day.lease)
    day = replace(day, stored=())
    rosters = await rosters_without_users(process, [day], fault)
    return await settle(process, day, rosters, ConnectionReading(), last_attempt=True)


async def _finish_bare(process: Process, day: TeamDay, fault: CrmError) -> TeamResult:
    """Finish the day without snapshots and points, and tell heads and admins."""
    async with process.db.transaction() as session:
        await runs.drop_snapshots(session, day.lease)
        unread = dict.fromkeys(day.run.rulebook.counted, str(fault))
        at = process.now()
        audience = await load_audience(process, session, day.key)
        news = notifications.unread_day(day.run, audience.heads | audience.admins, fault)
        await enqueue(process, session, [*news, *notifications.day_unscored(day.run, audience)])
        digest = await close_day(session, day.lease, (), at=at, missing=unread)
        await runs.finish(session, day.lease, at=at, digest=digest, missing=unread)
        run = await runs.find(session, day.key, day.run.day)
    log.error("day_finished_bare", team=day.key, problem=str(fault))
    return TeamResult(day.key, day.run.day, run, problem=str(fault))
