"""Tell people at once of points that were changed by hand (docs/product.md §13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from reglament.day.audience import load_admins
from reglament.day.notifications import Notification, enqueue
from reglament.evening_messages import find_evening
from reglament.process import Process
from scoring.entries import Entry
from storage.db.database import Session
from storage.messages.notices import (
    AdjustedNotice,
    CorrectionNotice,
    Notice,
    PardonedNotice,
    PardonQuestionNotice,
    to_person,
    to_telegram,
)
from storage.people import people
from storage.values import Member, PointsAuthor


async def tell_adjusted(process: Process, session: Session, who: Member, row: Entry) -> None:
    """Tell a person of an adjustment."""
    notice = AdjustedNotice(team=row.team, day=row.day, crm_user=row.crm_user, seq=row.seq)
    await enqueue(process, session, _to(who, row, notice))


async def tell_corrected(process: Process, session: Session, who: Member, row: Entry) -> None:
    """Edit the evening message of a corrected day, and tell the change in one line."""
    await enqueue(process, session, _to(who, row, await _correction(session, who, row)))


async def tell_pardoned(
    process: Process,
    session: Session,
    team: str,
    day: date,
    rule: str | None,
    written: Sequence[Entry],
    everybody: Mapping[str, Member],
) -> None:
    """Tell everybody of a pardon in one line: under the edited evening message to whom points were given back."""
    if not written:
        return
    first = {row.crm_user: row for row in reversed(written)}
    pardoned = written[0].kpi if rule else ""
    news: list[Notification] = []
    for crm_user, row in sorted(first.items()):
        if who := everybody.get(crm_user):
            news += _to(who, row, await _correction(session, who, row, pardoned))
    if len(everybody) > 1:
        others = [each for each in await people.members(session, team) if each.crm_user not in first]
        told = PardonedNotice(team=team, day=day, kpi=pardoned, seq=written[0].seq)
        news += [each for who in others for each in _to(who, written[0], told)]
    await enqueue(process, session, news)


async def ask_owners(
    process: Process, session: Session, own: Sequence[Entry], rule: str | None, reason: str, author: PointsAuthor
) -> None:
    """Ask the other owners whether a pardon takes its author in."""
    row = own[0]
    who = await people.member(session, process.settings.teams[row.team].crm, row.crm_user)
    notice = PardonQuestionNotice(
        team=row.team,
        day=row.day,
        crm_user=row.crm_user,
        rule=rule or "",
        rules=len(own),
        author=author.name,
        reason=reason,
    )
    owners = await load_admins(process, session, row.team) - {who.telegram_id}
    event = f"pardon-question:{row.team}:{row.day}:{rule or ''}:{row.seq}"
    await enqueue(process, session, [Notification(event, to_telegram(each), notice) for each in sorted(owners)])


def _to(who: Member, row: Entry, notice: Notice) -> list[Notification]:
    """Address a notice to a person with a chat; the number of the entry makes the event unique."""
    if who.person_id is None or not who.connected:
        return []
    return [Notification(f"by-hand:{row.team}:{row.seq}", to_person(who.person_id), notice)]


async def _correction(session: Session, who: Member, row: Entry, pardoned: str | None = None) -> CorrectionNotice:
    found = None
    if who.person_id is not None:
        found = await find_evening(session, row.team, row.day, to_person(who.person_id))
    shown = None if found is None else found[1]
    return CorrectionNotice(
        team=row.team,
        day=row.day if shown is None else shown.day,
        crm_user=row.crm_user,
        seq=row.seq,
        earlier=() if shown is None else shown.earlier,
        pardoned=pardoned,
    )
