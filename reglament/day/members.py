"""Keep the stored members of every team equal to the CRM's complete list of users (docs/product.md §11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

import structlog

from crm_clients.base import CrmUser
from crm_clients.errors import CrmError
from reglament.config.team import TeamSettings
from reglament.crm_users import read_users
from reglament.day import notifications
from reglament.day.audience import load_heads
from reglament.day.claims import TeamDay
from reglament.day.due import DueCutoff
from reglament.day.missing import unread_snapshot
from reglament.day.notifications import Notification, enqueue
from reglament.day.roster import Roster, rosters
from reglament.day.shrunken import check_users
from reglament.errors import WorkFailed
from reglament.process import Process
from scoring.snapshot import Cause, Manager, NotRead, Snapshot
from storage.people import people

log = structlog.get_logger()

COUNTING_TIME = timedelta(minutes=1)
"""Time for counting and storing after a read has ended."""


@dataclass(frozen=True, slots=True)
class ConnectionRosters:
    """Hold the rosters of a connection's teams, or the reason why the list of users could not be read."""

    teams: Mapping[str, Roster] = field(default_factory=dict)
    unreadable: Mapping[str, Mapping[Manager, NotRead]] = field(default_factory=dict)
    """By team: managers without data, with the reason."""
    error: CrmError | None = None

    def users(self, team: str) -> frozenset[str] | None:
        """Return the CRM users of a team, listed users unknown to the CRM included; None without a complete list."""
        if team not in self.teams:
            return None
        return frozenset((*self.teams[team].members, *self.teams[team].unknown))

    def unread_snapshots(self, day: TeamDay) -> tuple[Snapshot, ...]:
        """Return the snapshots of the team's managers without data."""
        managers = self.unreadable.get(day.key, {})
        return tuple(unread_snapshot(manager, day.unread_kpis, reason) for manager, reason in managers.items())


async def load_rosters(process: Process, due: DueCutoff, days: Sequence[TeamDay]) -> ConnectionRosters:
    """Read the CRM's users and store the members of all teams; without `days` to read skip the request.

    If the list of users cannot be read, the members known last are without data.
    """
    if not days:
        return ConnectionRosters()
    try:
        users = await read_users(process, due.connection)
        await check_users(process, due.connection, users, due.day)
    except CrmError as error:
        log.warning("users_not_read", problem=str(error))
        return await rosters_without_users(process, days, error)
    reads_for = timedelta(seconds=process.connections.timeout(due.connection)) + COUNTING_TIME
    judged = {day.key: day.team for day in days}
    teams = await synchronise_members(process, due.connection, users, due.day, judged=judged, reads_for=reads_for)
    return ConnectionRosters(teams, {day.key: await _unknown(process, day.key, teams[day.key]) for day in days})


async def rosters_without_users(process: Process, days: Sequence[TeamDay], error: CrmError) -> ConnectionRosters:
    """Return the members known last, all without data because of `error`."""
    reason = NotRead(error.cause, str(error))
    result = {}
    async with process.db.reading() as session:
        for day in days:
            stored = {member.crm_user: member.name for member in await people.members(session, day.key)}
            names = {user: user for user in day.team.members.users} | stored
            result[day.key] = {Manager(user, name): reason for user, name in names.items()}
    return ConnectionRosters(unreadable=result, error=error)


async def _unknown(process: Process, key: str, roster: Roster) -> dict[Manager, NotRead]:
    """Return the listed users that the CRM does not know, under the last known names."""
    if not roster.unknown:
        return {}
    async with process.db.reading() as session:
        names = {member.crm_user: member.name for member in await people.members(session, key)}
    return {Manager(user, names.get(user, user)): NotRead(Cause.UNKNOWN_USER) for user in roster.unknown}


async def synchronise_members(
    process: Process,
    connection: str,
    users: Sequence[CrmUser],
    day: date,
    *,
    judged: Mapping[str, TeamSettings] = MappingProxyType({}),
    reads_for: timedelta | None = None,
) -> dict[str, Roster]:
    """Store managers and memberships of a complete list of users and tell the heads who left; return the rosters.

    `judged` holds the settings of teams whose day is judged by an earlier rulebook. `reads_for` is how long a reading
    that follows may take: the news of a departure waits so long for the deals left behind.
    """
    found = rosters({**process.settings.teams_of(connection), **judged}, users)
    async with process.db.transaction() as session:
        gone = await people.sync_users(
            session, connection, [(user.id, user.name, user.active and user.human) for user in users], at=process.now()
        )
        await people.set_members(session, {key: _names(roster) for key, roster in found.items()})
        news: list[Notification] = []
        for member in gone:
            if member.team is not None:
                heads = await load_heads(process, session, member.team)
                until = process.now() + reads_for if reads_for else None
                news += notifications.departed(day, member, heads, until)
        await enqueue(process, session, news)
    return found


def _names(roster: Roster) -> dict[str, str]:
    """Name the CRM users of a roster, listed users unknown to the CRM included."""
    known = {user: manager.name for user, manager in roster.members.items()}
    return known | {user: user for user in roster.unknown}


async def learn_members(process: Process, team: str) -> None:
    """Store the members of the team's connection before the first evening, so that managers can be invited.

    Raises WorkFailed if the CRM does not give the list of users.
    """
    settings = process.settings.teams[team]
    try:
        users = await read_users(process, settings.crm)
        day = settings.calendar().local_date(process.now())
        await check_users(process, settings.crm, users, day)
    except CrmError as error:
        raise WorkFailed(f"crm.{settings.crm}: {error}") from None
    await synchronise_members(process, settings.crm, users, day)
