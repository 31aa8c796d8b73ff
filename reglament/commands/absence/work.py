"""Do the work of `reglament absence`: each command is a single transaction, an import all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reglament.absence_acts import AbsenceAct, cancel_absence, record_absence
from reglament.commands.absence.file import AbsenceLine, read_lines
from reglament.commands.absence.person import find_person
from reglament.config.settings import Settings
from reglament.errors import SettingsError
from reglament.process import Process, open_database, open_process
from reglament.witnesses.anchoring import anchor_once
from scoring.terms.circumstances import Half
from storage.db.database import Session
from storage.errors import NotFound, Refused
from storage.people import absences, people
from storage.values import Absence, AbsenceKind, Member


async def add(
    settings: Settings, person: str, span: tuple[date, date], kind: AbsenceKind, author: str, half: Half | None = None
) -> AbsenceAct:
    """Record an absence. Raises SettingsError for an unknown person, Refused for days that cannot be recorded."""
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            who = find_person(await people.all_members(session), person)
            act = await record_absence(process, session, who, *span, kind, author, half)
        await anchor_once(process)
    return act


async def cancel(settings: Settings, absence_id: int, author: str) -> AbsenceAct:
    """Cancel an absence. Raises NotFound, Refused."""
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            act = await cancel_absence(process, session, absence_id, author)
        await anchor_once(process)
    return act


async def list_absences(
    settings: Settings, team: str | None, person: str | None, span: tuple[date, date] | None
) -> list[Absence]:
    """List absences of all connections, in every state, oldest first. Raises SettingsError for an unknown person."""
    first, last = span or (date.min, date.max)
    async with open_database(settings) as database, database.reading() as session:
        who = None if person is None else find_person(await people.all_members(session), person)
        found = [
            absence
            for connection in settings.crm
            for absence in await absences.between(session, connection, first, last)
            if team in (None, absence.team)
        ]
    if who is not None:
        found = [each for each in found if (each.connection, each.crm_user) == (who.connection, who.crm_user)]
    return sorted(found, key=lambda absence: (absence.first, absence.id))


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """Hold the outcome of a line of a file: the act, or the problem."""

    line: AbsenceLine
    act: AbsenceAct | None = None
    problem: str = ""


class _NotKept(Exception):
    """Roll the transaction of an import back."""


async def import_file(settings: Settings, file: Path, author: str, *, dry_run: bool) -> list[ImportedLine]:
    """Record all lines of a file, or none: a problem in a line, or a dry run, leaves all as it was.

    A dry run does the work and rolls back, so that the outcome of each line is exact. Raises SettingsError.
    """
    lines = read_lines(file)
    outcomes: list[ImportedLine] = []
    async with open_process(settings) as process:
        try:
            async with process.db.transaction() as session:
                members = await people.all_members(session)
                for line in lines:
                    outcomes.append(await _record_line(process, session, members, line, author, outcomes))
                if dry_run or any(outcome.problem for outcome in outcomes):
                    raise _NotKept
        except _NotKept:
            return outcomes
        await anchor_once(process)
    return outcomes


async def _record_line(
    process: Process,
    session: Session,
    members: Sequence[Member],
    line: AbsenceLine,
    author: str,
    before: Sequence[ImportedLine],
) -> ImportedLine:
    """Record the absence of a line, after those of the lines `before`."""
    try:
        person, first, last, kind, half = line.parse()
        who = find_person(members, person)
        for other in before:
            known = other.act and other.act.absence
            if known and _touches(known, who, first, last) and not (half and known.half not in (None, half)):
                raise SettingsError(f"{who.name} is absent on these days by line {other.line.number} already")
        return ImportedLine(line, await record_absence(process, session, who, first, last, kind, author, half))
    except (SettingsError, Refused, NotFound) as problem:
        return ImportedLine(line, problem=str(problem))


def _touches(absence: Absence, who: Member, first: date, last: date) -> bool:
    is_own = (absence.connection, absence.crm_user) == (who.connection, who.crm_user)
    return is_own and absence.first <= last and first <= absence.last
