"""Do the work of `reglament pardon|adjust|correct`: each command is a single transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from reglament.by_hand import adjusting, correcting, pardoning
from reglament.commands.absence.person import find_person
from reglament.config.settings import Settings
from reglament.errors import SettingsError
from reglament.process import Process, open_process
from reglament.witnesses.anchoring import anchor_once
from scoring.scorecard import Outcome
from storage.days import queries
from storage.db.database import Session
from storage.people import people
from storage.values import Member, PointsAct, PointsAuthor

Act = Callable[[Process, Session], Awaitable[PointsAct]]


async def pardon(
    settings: Settings, team: str, day: date, rule: str | None, reason: str, author: PointsAuthor
) -> PointsAct:
    """Pardon a day, or a rule on a day. Raises PointsRefused."""

    async def act(process: Process, session: Session) -> PointsAct:
        return await pardoning.pardon(process, session, team, day, rule, reason=reason, author=author)

    return await _once(settings, act)


async def adjust(
    settings: Settings,
    team: str | None,
    person: str,
    points: int,
    reason: str,
    day: date | None,
    author: PointsAuthor,
) -> PointsAct:
    """Adjust a person's points. Raises SettingsError for an unknown person, PointsRefused."""

    async def act(process: Process, session: Session) -> PointsAct:
        who = find_person(await people.all_members(session), person)
        key = await _team_of(process, session, who, team)
        return await adjusting.adjust(process, session, key, who, points, reason=reason, author=author, day=day)

    return await _once(settings, act)


async def adjust_all(
    settings: Settings, team: str, points: int, reason: str, day: date | None, author: PointsAuthor
) -> PointsAct:
    """Adjust the points of all who were there on a day. Raises PointsRefused."""

    async def act(process: Process, session: Session) -> PointsAct:
        return await adjusting.adjust_all(process, session, team, points, reason=reason, author=author, day=day)

    return await _once(settings, act)


async def correct(
    settings: Settings,
    team: str | None,
    person: str,
    day: date,
    rule: str,
    outcome: Outcome,
    reason: str,
    author: PointsAuthor,
) -> PointsAct:
    """Correct a rule of a person's day. Raises SettingsError for an unknown person, PointsRefused."""

    async def act(process: Process, session: Session) -> PointsAct:
        who = find_person(await people.all_members(session), person)
        key = await _team_of(process, session, who, team)
        return await correcting.correct(process, session, key, who, day, rule, outcome, reason=reason, author=author)

    return await _once(settings, act)


async def _once(settings: Settings, act: Act) -> PointsAct:
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            done = await act(process, session)
        await anchor_once(process)
    return done


async def _team_of(process: Process, session: Session, who: Member, team: str | None) -> str:
    """Return the team that was named, else the person's: of who left, the only team with entries."""
    known = {who.team} if who.team else set(await queries.teams_of(session, [who.id]))
    found = [key for key in ([team] if team else sorted(filter(None, known))) if key in process.settings.teams]
    if len(found) != 1:
        raise SettingsError(f"{who.name} belongs to no team of the settings, or left several: write --team")
    return found[0]
