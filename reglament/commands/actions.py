"""What each command does, from opened settings to a value or a printed line."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from crm_clients.errors import CrmError
from reglament import telegram
from reglament.commands import output
from reglament.commands.export import PeriodExporter
from reglament.config.settings import Settings
from reglament.config.team import TeamSettings
from reglament.day.cutoff import Process, TeamResult, run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import RunningDay, read_teams, running_day
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Clock, load_teams, opened, opened_database
from scoring.entries import Month
from scoring.standings import leaderboard
from storage.days import queries, runs
from storage.days.runs import LEASE_SECONDS
from storage.db import schema
from storage.ledger import verify as verify_store
from storage.ledger import writer
from storage.people import invites as invite_store
from storage.people import people as people_store
from storage.people import teams
from storage.values import Day, Role, RoleGrant

LOOK_AGAIN, PATIENCE = 0.5, 30.0
"""Seconds between two looks at a day that another process has, and how long beyond a lease it is waited for."""


def _clock(team: TeamSettings, at: datetime | None) -> Clock:
    """The clock; an `--at` without an offset is meant in the team's zone."""
    return Clock(at.replace(tzinfo=team.zone) if at is not None and at.tzinfo is None else at)


# Reading and scoring


async def snapshot(settings: Settings, key: str, day: date | None, at: datetime | None) -> output.Json:
    """Read the CRM as it stands; nothing is stored but what its client must remember."""
    team = settings.teams[key]
    clock = _clock(team, at)
    async with opened(settings, clock=clock) as process:
        running = await _running(process, key, team, clock, day)
        try:
            reading, _ = await read_teams(process.connections, process.db, team.crm, settings.teams, {key: running})
        except CrmError as error:
            raise WorkFailed(f"crm.{team.crm}: {error}") from None
    return output.snapshot_json(
        key, running.day, running.window, reading.snapshots[key], requests=reading.requests, seconds=reading.seconds
    )


async def _running(process: Process, key: str, team: TeamSettings, clock: Clock, day: date | None) -> RunningDay:
    now, calendar = clock(), team.calendar()
    if day is None and calendar.is_workday(calendar.local_date(now)):
        day = calendar.local_date(now)
    if day is not None and not calendar.is_workday(day):
        day = calendar.next_workday(day)
    return await running_day(process.db, key, team, now, day=day)


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """A scored day, or a day on which nothing is scored."""

    team: str
    on: date
    day: Day | None

    def to_json(self) -> output.Json:
        """`reglament score --json`."""
        if self.day is None:
            return {"team": self.team, "day": self.on.isoformat(), "scored": False}
        return output.score_json(self.day)


async def score(settings: Settings, key: str, day: date | None, at: datetime | None, *, send: bool) -> ScoreResult:
    """Run the day as the scheduler would. Raises SettingsError before the cutoff, WorkFailed if it must wait."""
    team = settings.teams[key]
    clock = _clock(team, at)
    calendar = team.calendar()
    on = day or calendar.local_date(clock())
    if not calendar.is_workday(on):
        return ScoreResult(key, on, None)
    cutoff = calendar.cutoff_of(on)
    if clock() < cutoff:
        local = cutoff.astimezone(team.zone)
        raise SettingsError(f"{on}: the cutoff is at {local:%H:%M}; `snapshot` shows how it stands")
    async with opened(settings, clock=clock) as process:
        await load_teams(process)
        due = DueCutoff(team.crm, on, cutoff, (key,))
        result = await _finished(process, due, rehearsed=at is not None)
        if result.run is None:
            raise WorkFailed(_unfinished(result.retry_at, result.problem, team))
        if send and telegram.is_set(settings):
            await telegram.send_pending(process)
        async with process.db.reading() as session:
            return ScoreResult(key, on, await queries.day(session, key, on))


async def _finished(process: Process, due: DueCutoff, *, rehearsed: bool) -> TeamResult:
    """Run it; where another process has it, wait for that one to finish, or for a dead one's lease to end."""
    deadline = time.monotonic() + LEASE_SECONDS + PATIENCE
    while True:
        [result] = await run_cutoff(process, due, rehearsed=rehearsed, hurry=True)
        if result.run is not None or result.retry_at is not None or time.monotonic() >= deadline:
            return result
        await asyncio.sleep(LOOK_AGAIN)


def _unfinished(retry_at: datetime | None, problem: str, team: TeamSettings) -> str:
    if retry_at is None:
        return f"not scored now: {problem}; nothing is lost"
    local = retry_at.astimezone(team.zone)
    return f"not scored yet: {problem}; what was read is kept, the next attempt is due at {local:%H:%M:%S}"


async def board(settings: Settings, key: str, period: Literal["day", "week", "month"], day: date | None) -> output.Json:
    """The standings of the day, ISO week or month that `day` (else the newest finished one) belongs to, up to it."""
    async with opened(settings) as process:
        await load_teams(process)
        async with process.db.reading() as session:
            run = await runs.last_finished(session, key, until=day)
            until = day or (run.day if run else settings.teams[key].calendar().local_date(process.now()))
            monday = until - timedelta(days=until.weekday())
            first = {"day": until, "week": monday, "month": until.replace(day=1)}[period]
            entries = await queries.entries(session, key, first, until)
            members = [(member.crm_user, member.name) for member in await people_store.members(session, key)]
    return output.board_json(key, period, first, until, leaderboard(entries, members, today=until))


async def export(settings: Settings, key: str, period: str, fmt: Literal["xlsx", "csv"], out: Path) -> None:
    """Write the workbook or its twin for payroll."""
    try:
        month = Month.parse(period)
    except ValueError as error:
        raise SettingsError(f"--period: {error}") from None
    async with opened(settings) as process:
        await load_teams(process)
        _, content = await PeriodExporter(process).export(key, month, by="reglament export", fmt=fmt)
    try:
        await asyncio.to_thread(out.write_bytes, content)
    except OSError as error:
        raise WorkFailed(f"{out}: cannot be written: {error.strerror}") from None


# People


async def invite(settings: Settings, key: str, user: str | None, role: str | None, name: str) -> list[tuple[str, str]]:
    """Links by name, for one user, for all who have not joined, or for a role."""
    bot_name = await telegram.bot_name(settings)
    async with opened(settings) as process:
        await load_teams(process)
        await telegram.learn_members(process, key)
        async with process.db.transaction() as session:
            if role is not None:
                return [await _role_invite(session, key, role, name, process.now(), bot_name)]
            waiting = await people_store.unconnected(session, key)
            chosen = [member for member in waiting if user in (None, member.crm_user)]
            if user is not None and not chosen:
                raise SettingsError(f"--user {user}: not a member of {key} who still has to join")
            return [
                (
                    member.name,
                    telegram.invite_link(
                        bot_name,
                        await invite_store.invite_manager(
                            session, member.connection, member.crm_user, author="reglament invite", at=process.now()
                        ),
                    ),
                )
                for member in chosen
            ]


async def _role_invite(session: Any, key: str, role: str, name: str, now: datetime, bot_name: str) -> tuple[str, str]:
    if role not in set(Role):
        raise SettingsError(f"--role {role!r}: allowed are {', '.join(Role)}")
    if not name:
        raise SettingsError("--role needs --name: whom the invite is for")
    grant = RoleGrant(Role(role), None if role == Role.ADMIN else key)
    token = await invite_store.invite_role(session, grant, name, author="reglament invite", at=now)
    return name, telegram.invite_link(bot_name, token)


async def people(settings: Settings) -> list[output.Json]:
    """Managers with team and chat, then people with roles of the database."""
    async with opened_database(settings) as database, database.reading() as session:
        managers = await people_store.all_members(session)
        humans = await people_store.people(session)
    rows: list[output.Json] = [
        {
            "name": member.name,
            "connection": member.connection,
            "crm_user": member.crm_user,
            "team": member.team,
            "active": member.active,
            "connected": member.connected,
            "roles": [],
        }
        for member in managers
    ]
    by_account = {(row["connection"], row["crm_user"]): row for row in rows}
    for person in humans:
        roles = sorted(f"{grant.role.value}:{grant.team or '*'}" for grant in person.roles)
        own = [by_account[manager.connection, manager.crm_user] for manager in person.managers]
        if own:
            own[0]["roles"] = roles
        elif roles:
            rows.append(
                {
                    "name": person.name,
                    "connection": None,
                    "crm_user": None,
                    "team": None,
                    "active": True,
                    "connected": person.telegram_id is not None,
                    "roles": roles,
                }
            )
    return rows


def print_people(console: Console, rows: list[output.Json]) -> None:
    """The same as a table."""
    table = Table()
    for title in ("Name", "CRM user", "Team", "Active", "Connected", "Roles"):
        table.add_column(title)
    for row in rows:
        account = f"{row['connection']}:{row['crm_user']}" if row["connection"] else ""
        marks = ["yes" if row[key] else "no" for key in ("active", "connected")]
        table.add_row(row["name"], account, row["team"] or "", *marks, ", ".join(row["roles"]))
    console.print(table)


async def rename_team(settings: Settings, old: str, new: str) -> None:
    """Move history to a new key."""
    if new not in settings.teams:
        raise SettingsError(f"{new}: no such team in the settings; rename it there first")
    async with opened(settings) as process:
        await load_teams(process)
        async with process.db.transaction() as session:
            await teams.rename(session, old, new, author="reglament people", at=process.now())


async def join(settings: Settings, first: str, second: str) -> None:
    """Two accounts are one human."""
    async with opened(settings) as process, process.db.transaction() as session:
        await people_store.join(session, _account(first), _account(second), author="reglament people", at=process.now())


def _account(text: str) -> tuple[str, str]:
    connection, colon, user = text.partition(":")
    if not (connection and colon and user):
        raise SettingsError(f"{text!r}: write an account as CONNECTION:USER, like main:12")
    return connection, user


# The database


async def verify(settings: Settings, team: str | None, digest: str | None, console: Console) -> bool:
    """Print what was looked at and every problem; whether all is well."""
    async with opened_database(settings) as database:
        if digest is not None:
            return await _find_digest(database, digest, console)
        async with database.reading() as session:
            keys = [team] if team else [row.key for row in await teams.all_teams(session, archived=True)]
        fine = True
        for key in keys:
            async with database.reading() as session:
                found = await verify_store.verification(session, key)
            fine = fine and not found.problems
            _print_verification(console, key, found)
        return fine


def _print_verification(console: Console, key: str, found: Any) -> None:
    verdict = f"{len(found.problems)} problems" if found.problems else "as they were written"
    console.print(f"{key}: {found.entries} entries, {found.days} days counted again: {verdict}", highlight=False)
    if found.rehearsed:
        days = ", ".join(str(day) for day in found.rehearsed)
        console.print(f"{key}: rehearsed (scored with --at): {days}", highlight=False)
    for problem in found.problems:
        where = f"entry {problem.seq}: " if problem.seq else ""
        console.print(f"{key}: {where}{problem.text}", highlight=False, markup=False)


async def _find_digest(database: Any, digest: str, console: Console) -> bool:
    async with database.reading() as session:
        entries = await writer.find_digest(session, digest)
    for entry in entries:
        console.print(f"{digest}: {entry.team}, {entry.day}, entry {entry.seq}", highlight=False)
    if not entries:
        console.print(f"{digest}: no entry has this digest: the message or the ledger was changed", highlight=False)
    return bool(entries)


def migrate(settings: Settings) -> str:
    """Bring the tables up to date."""
    url = settings.database.url
    before = schema.current_revision(url)
    schema.upgrade(url)
    after = schema.current_revision(url)
    return f"already up to date: {after}" if before == after else f"{before or 'empty'} → {after}"
