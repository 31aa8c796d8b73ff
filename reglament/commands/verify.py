"""Prove the ledger and find digests for `reglament verify`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from reglament.commands.witnesses import find_digests
from reglament.config.settings import Settings
from reglament.process import clock_now, open_database
from storage.days import instants
from storage.db.database import Database
from storage.errors import UNREADABLE
from storage.people import teams
from storage.values import Problem, Verification, Witnessed
from storage.verify.side_by_side import verify_teams
from storage.verify.soundness import verify_soundness
from storage.verify.verification import verify_company

_NO_JOURNAL = (
    "the finished days have no journal and 12-digit digests prove little: the next start begins a journal over all as"
    " found. Only an upgrade from a release without journal leaves this; else a journal was removed, as a digest of 32"
    " characters in a message, a workbook or an anchor shows"
)
_WITNESS = (
    "Whether later days were cut off, or all was written anew, or an older copy of the database was put in place, "
    "only a witness outside tells: an anchor file, the message of an evening, or an export of the group"
)


async def verify(settings: Settings, team: str | None, digest: str | None, console: Console) -> bool:
    """Verify `team` or all teams, archived teams too, and print every problem; return whether there is none."""
    async with open_database(settings, guarded=False) as database:
        if digest is not None:
            return await find_digests(database, digest, console)
        fine = await _print_future(database, console)
        async with database.reading() as session:
            unsound = await verify_soundness(session)
            stored = await teams.all_keys(session)
            company = await verify_company(session)
        lacking = sorted(set(settings.teams) - set(stored))
        _print_company(console, [*unsound, *company.problems], lacking)
        fine = fine and not unsound and not company.problems and not (stored and lacking)
        keys = [team] if team else stored
        async for key, found in verify_teams(database, settings.database.url, keys, company, clock_now()):
            fine = _print_team(console, key, found) and fine
        return fine


def _print_team(console: Console, key: str, found: Verification | str) -> bool:
    """Print what was found of a team; return whether nothing is wrong."""
    if isinstance(found, str):
        text = f"{key}: cannot be verified: stored data were altered beyond reading ({found})"
        console.print(text, highlight=False, markup=False)
        return False
    _print(console, key, found)
    return not found.problems


async def _print_future(database: Database, console: Console) -> bool:
    """Print an instant of the future that a wrong clock stored; return whether there is none."""
    try:
        async with database.reading() as session:
            future = await instants.future_instant(session, clock_now())
    except UNREADABLE:
        console.print("the instants of days and rules cannot be read: stored data were altered", highlight=False)
        return False
    if future is None:
        return True
    text = f"an instant of the future is stored, {future:%Y-%m-%d %H:%M:%S} UTC: a clock was wrong"
    console.print(f"{text}; `reglament run --accept-clock` passes it", highlight=False)
    return False


def _print_company(console: Console, problems: Sequence[Problem], lacking: Sequence[str]) -> None:
    """Print the problems of what belongs to no single team, and the teams that only the settings have."""
    for problem in problems:
        console.print(f"{problem.team}: {problem.text}", highlight=False, markup=False)
    for key in lacking:
        text = "the settings have this team, the database does not: never started with it, or removed"
        console.print(f"{key}: {text}", highlight=False, markup=False)


def _unwitnessed(last: Witnessed) -> str:
    """Write from which events on no message witnesses the journal."""
    what = f"nothing after event {last.seq} of {last.at:%Y-%m-%d %H:%M:%S} UTC is witnessed by a message"
    company = f"event {last.company_seq} of the company ({last.company_later} later)"
    return f"{what} ({last.later} later events), nor after {company}"


def _print(console: Console, key: str, found: Verification) -> None:
    verdict = f"{len(found.problems)} problems" if found.problems else "as they were written"
    console.print(f"{key}: {found.entries} entries, {found.days} days counted again: {verdict}", highlight=False)
    if found.covers_from is None and found.last_day is not None:
        console.print(f"{key}: WARNING: {_NO_JOURNAL}", highlight=False, soft_wrap=True)
    elif found.covers_from is None:
        console.print(f"{key}: no journal yet; it begins with the first finished day", highlight=False)
    else:
        console.print(f"{key}: the journal covers all from {found.covers_from} on", highlight=False)
    if found.last_day is not None:
        end = f"the last finished day is {found.last_day}, digest {found.digest or 'none'}"
        console.print(f"{key}: {end}. {_WITNESS}", highlight=False, soft_wrap=True)
    if found.witnessed is not None:
        console.print(f"{key}: {_unwitnessed(found.witnessed)}", highlight=False, soft_wrap=True)
    if found.awaited:
        days = ", ".join(map(str, found.awaited))
        console.print(
            f"{key}: not finished up to now: {days}: not scored yet, or cut off", highlight=False, soft_wrap=True
        )
    if found.manual_instants:
        days = ", ".join(str(day) for day in found.manual_instants)
        console.print(f"{key}: rehearsed (scored with --at): {days}", highlight=False)
    for problem in found.problems:
        where = f"entry {problem.seq}: " if problem.seq else ""
        console.print(f"{key}: {where}{problem.text}", highlight=False, markup=False)
