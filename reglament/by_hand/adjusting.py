"""Adjust points by hand: of one person, or of all who were there on a day (docs/product.md §13, §19)."""

from __future__ import annotations

from datetime import date

from reglament.by_hand import checks
from reglament.by_hand.telling import tell_adjusted
from reglament.process import Process
from scoring.entries import Entry
from storage.days import queries
from storage.db.database import Session
from storage.ledger import by_hand, writer
from storage.ledger.entries import entry
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.people import absences, people
from storage.values import Member, PointsAct, PointsAuthor


async def adjust(
    process: Process,
    session: Session,
    team: str,
    who: Member,
    points: int,
    *,
    reason: str,
    author: PointsAuthor,
    day: date | None = None,
    key: str = "",
) -> PointsAct:
    """Adjust a person's points, and tell the person at once; without a day about today.

    The same `key` again changes nothing. Raises PointsRefused.
    """
    author, reason = checks.checked_author(author), checks.checked_reason(reason)
    _check_points(points)
    day = day or checks.today_of(process, team)
    await checks.check_adjustable(process, session, team, day)
    await by_hand.lock(session, team)
    if known := await _known(process, session, team, key):
        return known
    if who.team != team and team not in await queries.teams_of(session, [who.id]):
        raise PointsRefused(PointsProblem.NOT_THERE, team)
    return PointsAct((await _adjust(process, session, team, who, points, reason, author, day, key),))


async def adjust_all(
    process: Process,
    session: Session,
    team: str,
    points: int,
    *,
    reason: str,
    author: PointsAuthor,
    day: date | None = None,
    key: str = "",
) -> PointsAct:
    """Adjust the points of all members who were not absent on a day, but for the author.

    The same `key` again changes nothing. Raises PointsRefused.
    """
    author, reason = checks.checked_author(author), checks.checked_reason(reason)
    _check_points(points)
    day = day or checks.today_of(process, team)
    await checks.check_adjustable(process, session, team, day)
    await by_hand.lock(session, team)
    if known := await _known(process, session, team, key):
        return known
    away = await absences.absent_on(session, process.settings.teams[team].crm, day)
    there = [each for each in await people.members(session, team) if each.active and each.crm_user not in away]
    meant = [each for each in there if not checks.is_self(author, each)]
    if not meant:
        raise PointsRefused(PointsProblem.NOBODY, str(day))
    written = [await _adjust(process, session, team, each, points, reason, author, day, key) for each in meant]
    return PointsAct(tuple(written), own_left=len(there) - len(meant))


def _check_points(points: int) -> None:
    if not 0 < abs(points) <= checks.MOST_POINTS:
        raise PointsRefused(PointsProblem.NO_POINTS, str(checks.MOST_POINTS))


async def _known(process: Process, session: Session, team: str, key: str) -> PointsAct | None:
    """Return the act of a key that was done before."""
    seqs = await by_hand.find_adjusted(session, team, key, checks.month_start(process, team)) if key else []
    return PointsAct(tuple([await entry(session, team, seq) for seq in seqs]), is_known=True) if seqs else None


async def _adjust(
    process: Process,
    session: Session,
    team: str,
    who: Member,
    points: int,
    reason: str,
    author: PointsAuthor,
    day: date,
    key: str,
) -> Entry:
    why = await checks.reason_about(process, session, team, author, who, reason)
    await checks.check_limit(process, session, team, author, who, points)
    at = process.now()
    row = await writer.adjust(session, team, who.crm_user, points, author=author.name, reason=why, day=day, at=at)
    await by_hand.note_act(session, by_hand.ADJUSTED, [row], who.id, author=author.name, at=at, key=key)
    await tell_adjusted(process, session, who, row)
    return row
