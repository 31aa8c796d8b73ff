"""Check who books points by hand, about whom, why and for which day (docs/product.md §13, §19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

from bot.texts import texts
from reglament.day.audience import load_admins
from reglament.process import Process
from scoring.names import fold
from storage.days import runs
from storage.db.database import Session
from storage.ledger import by_hand
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.people import teams
from storage.values import Member, PointsAuthor, RunState

LONGEST_REASON = 1000
LONGEST_NAME = 200
MOST_POINTS = 1000
"""Most points of an adjustment: more is a slip of the hand."""


def checked_author(author: PointsAuthor) -> PointsAuthor:
    """Return the author with a tidy name. Raises PointsRefused for none and for a very long name."""
    name = " ".join(author.name.split())
    if not name or len(name) > LONGEST_NAME:
        raise PointsRefused(PointsProblem.NO_AUTHOR, str(LONGEST_NAME))
    return replace(author, name=name)


def checked_reason(reason: str) -> str:
    """Return a reason without blanks around. Raises PointsRefused for none and for a very long reason."""
    reason = reason.strip()
    if not reason:
        raise PointsRefused(PointsProblem.NO_REASON)
    if len(reason) > LONGEST_REASON:
        raise PointsRefused(PointsProblem.TOO_LONG, str(LONGEST_REASON))
    return reason


def is_self(author: PointsAuthor, who: Member) -> bool:
    """Tell whether an author is the person: by the person where known, else by the name."""
    if author.person_id is not None:
        return author.person_id == who.person_id
    return fold(author.name) == fold(who.name)


async def reason_about(
    process: Process, session: Session, team: str, author: PointsAuthor, who: Member, reason: str
) -> str:
    """Return the reason of an act about a person; an only owner's own act is marked there, so that the export shows it.

    Raises PointsRefused for the own points of anybody else.
    """
    if not is_self(author, who):
        return reason
    if not author.is_owner:
        raise PointsRefused(PointsProblem.OWN)
    if len(await load_admins(process, session, team)) > 1:
        raise PointsRefused(PointsProblem.OTHER_OWNER)
    return f"{reason} ({texts(process.settings.language)('points-own-mark')})"


async def check_scored(process: Process, session: Session, team: str, day: date) -> None:
    """Raise PointsRefused for a day without a finished run."""
    check_past(process, team, day)
    run = await runs.find(session, team, day)
    if run is None or run.state is not RunState.FINISHED:
        raise PointsRefused(PointsProblem.NOT_SCORED, str(day))


async def check_adjustable(process: Process, session: Session, team: str, day: date) -> None:
    """Raise PointsRefused for a day to come, and for a day before the team was scored."""
    check_past(process, team, day)
    since = (await teams.find(session, team)).scored_from
    if day < since:
        raise PointsRefused(PointsProblem.TOO_EARLY, str(since))


def check_past(process: Process, team: str, day: date) -> None:
    """Raise PointsRefused for a day to come."""
    if day > today_of(process, team):
        raise PointsRefused(PointsProblem.FUTURE, str(day))


def today_of(process: Process, team: str) -> date:
    """Return the calendar day of a team now."""
    return process.settings.teams[team].calendar().local_date(process.now())


async def check_limit(
    process: Process, session: Session, team: str, author: PointsAuthor, who: Member, points: int
) -> None:
    """Raise PointsRefused for more points than `adjust_limit` leaves in the calendar month; owners have no limit."""
    settings = process.settings.teams[team]
    accounts = await by_hand.accounts_of(session, who.id, who.person_id)
    moved = await by_hand.moved_points(session, team, accounts, month_start(process, team))
    if not author.is_owner and moved + abs(points) > settings.adjust_limit:
        raise PointsRefused(PointsProblem.OVER_LIMIT, str(settings.adjust_limit))


def month_start(process: Process, team: str) -> datetime:
    """Return the instant at which the running calendar month of a team began."""
    first = today_of(process, team).replace(day=1)
    return datetime.combine(first, time(0), process.settings.teams[team].zone)
