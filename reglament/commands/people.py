"""List people, rename teams and join accounts for `reglament people`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from reglament.commands.output import Json
from reglament.config.settings import Settings
from reglament.errors import SettingsError
from reglament.process import open_database, open_process, store_teams
from reglament.witnesses.anchoring import anchor_once
from storage.people import people as people_store
from storage.people import shrunken_lists, teams
from storage.values import Member, Person

AUTHOR = "reglament people"


async def people(settings: Settings) -> list[Json]:
    """List managers with team and chat, then people who only have roles (`people --json`)."""
    async with open_database(settings) as database, database.reading() as session:
        managers = await people_store.all_members(session)
        humans = await people_store.people(session)
    rows = [_manager_row(member) for member in managers]
    by_account = {(row["connection"], row["crm_user"]): row for row in rows}
    for person in humans:
        roles = sorted(f"{grant.role.value}:{grant.team or '*'}" for grant in person.roles)
        own = [by_account[manager.connection, manager.crm_user] for manager in person.managers]
        if own:
            own[0]["roles"] = roles
        elif roles:
            rows.append(_person_row(person, roles))
    return rows


def _manager_row(member: Member) -> Json:
    return {
        "name": member.name,
        "connection": member.connection,
        "crm_user": member.crm_user,
        "team": member.team,
        "active": member.active,
        "connected": member.connected,
        "roles": [],
    }


def _person_row(person: Person, roles: list[str]) -> Json:
    return {
        "name": person.name,
        "connection": None,
        "crm_user": None,
        "team": None,
        "active": True,
        "connected": person.telegram_id is not None,
        "roles": roles,
    }


def print_people(console: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Print the rows of `people` as a table."""
    table = Table()
    for title in ("Name", "CRM user", "Team", "Active", "Connected", "Roles"):
        table.add_column(title)
    for row in rows:
        account = f"{row['connection']}:{row['crm_user']}" if row["connection"] else ""
        marks = ["yes" if row[key] else "no" for key in ("active", "connected")]
        table.add_row(row["name"], account, row["team"] or "", *marks, ", ".join(row["roles"]))
    console.print(table)


async def rename_team(settings: Settings, old: str, new: str) -> None:
    """Move the history of team `old` to the key `new`. Raises SettingsError if the settings have no team `new`."""
    if new not in settings.teams:
        raise SettingsError(f"{new}: no such team in the settings; rename it there first")
    async with open_process(settings) as process:
        await store_teams(process)
        async with process.db.transaction() as session:
            await teams.rename(session, old, new, author=AUTHOR, at=process.now())
        await anchor_once(process)


async def join(settings: Settings, first: str, second: str) -> None:
    """Join two accounts, written CONNECTION:USER, into a single person."""
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            await people_store.join(session, _account(first), _account(second), author=AUTHOR, at=process.now())
        await anchor_once(process)


async def confirm(settings: Settings, connection: str | None) -> list[str]:
    """Confirm the lists of a connection that shrank too much at once; return their names.

    Raises SettingsError without a connection where there are several.
    """
    if connection is None and len(settings.crm) == 1:
        connection = next(iter(settings.crm))
    if connection is None or connection not in settings.crm:
        raise SettingsError(f"--connection: write one of {', '.join(settings.crm) or 'none'}")
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            taken = await shrunken_lists.confirm(session, connection, author=AUTHOR, at=process.now())
        await anchor_once(process)
    return [item.subject for item in taken]


def _account(text: str) -> tuple[str, str]:
    connection, colon, user = text.partition(":")
    if not (connection and colon and user):
        raise SettingsError(f"{text!r}: write an account as CONNECTION:USER, like main:12")
    return connection, user
