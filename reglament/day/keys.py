"""Renew the keys of CRM connections hours before a cutoff, never at a cutoff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog

from crm_clients.base import RenewsKeys
from crm_clients.errors import CrmError, CrmUnavailable
from reglament.day import notifications
from reglament.day.audience import load_audience
from reglament.day.due import TeamClock, next_cutoff
from reglament.day.time_limit import ended_in_time
from reglament.process import Process

log = structlog.get_logger()

EARLIEST, LATEST = timedelta(hours=12), timedelta(hours=1)
"""Distances from the next cutoff between which keys are renewed."""
AFTER_RETRIES = timedelta(hours=1)
"""Time for which keys must hold after the last attempt of a day."""


async def renew_keys(process: Process, teams: Mapping[str, TeamClock]) -> None:
    """Renew the keys of every connection whose next cutoff is between EARLIEST and LATEST away.

    A failure is logged; the admins hear of a refusal, with time to connect again before the cutoff.
    """
    for connection in sorted({team.connection for team in teams.values()}):
        await _renew(process, connection, [team for team in teams.values() if team.connection == connection])


def _longest_retries(process: Process, teams: Iterable[TeamClock]) -> timedelta:
    """Return how long after its cutoff a day of any of the teams may be read again."""
    return timedelta(minutes=max(process.settings.teams[team.key].retry_minutes for team in teams))


async def _renew(process: Process, connection: str, teams: Sequence[TeamClock]) -> None:
    now = process.now()
    cutoff, team = min((next_cutoff(team, now), team.key) for team in teams)
    if not now + LATEST <= cutoff <= now + EARLIEST:
        return
    client = process.connections.client(connection)
    if not isinstance(client, RenewsKeys):
        return
    try:
        until = cutoff + _longest_retries(process, teams) + AFTER_RETRIES
        await ended_in_time(
            partial(client.renew_keys, until), process.connections.timeout(connection), f"keys of {connection}"
        )
    except CrmError as error:
        log.warning("keys_not_renewed", connection=connection, problem=str(error))
        if not isinstance(error, CrmUnavailable):
            await _alarm(process, connection, team, str(error))


async def _alarm(process: Process, connection: str, team: str, problem: str) -> None:
    """Tell the admins of a team, once a day, that the keys of its connection cannot be renewed."""
    day = process.settings.teams[team].calendar().local_date(process.now())
    async with process.db.transaction() as session:
        audience = await load_audience(process, session, team)
        await notifications.enqueue(
            process, session, notifications.alarm(team, day, connection, audience.admins, problem)
        )
