"""Record and cancel absences with all that follows: opposite entries, corrections, messages (docs/product.md §12, §19).

Each act is a single transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.texts import texts
from reglament.day.notifications import Notification, enqueue
from reglament.evening_messages import find_evening
from reglament.process import Process
from scoring.entries import Entry
from scoring.names import fold
from scoring.terms.circumstances import Half
from storage.db.database import Session
from storage.errors import Refused
from storage.ledger import absent_days
from storage.messages.notices import CorrectionNotice, to_person
from storage.people import absences, people
from storage.values import Absence, AbsenceKind, AbsenceState, Member

FARTHEST = timedelta(days=731)
"""Distance from today of the days of an absence, about two years: farther days are typing mistakes."""
LONGEST_AUTHOR = 200


@dataclass(frozen=True, slots=True)
class AbsenceAct:
    """Hold an absence recorded or cancelled, with the ledger entries written for its days."""

    absence: Absence
    entries: tuple[Entry, ...] = ()
    is_known: bool = False
    """The same was recorded or cancelled before; nothing was written."""


async def record_absence(
    process: Process,
    session: Session,
    who: Member,
    first: date,
    last: date,
    kind: AbsenceKind,
    author: str,
    half: Half | None = None,
) -> AbsenceAct:
    """Record an absence of whole days, or of half a day.

    Scored days lose their entries by opposite entries; a half day, and the first day back, are judged anew.

    The same absence again changes nothing. Raises Refused.
    """
    author = _checked_author(author, who)
    await _check_days(process, session, who, first, last)
    await absent_days.lock_teams(session, who.connection)
    for known in await absences.in_force(session, who.connection, who.crm_user, first, last):
        told = known.first, known.last, known.kind, known.half, known.state
        if told == (first, last, kind, half, AbsenceState.APPROVED):
            return AbsenceAct(known, is_known=True)
    at = process.now()
    absence = await absences.record(
        session, who.connection, who.crm_user, first=first, last=last, kind=kind, half=half, author=author, at=at
    )
    reason = texts(process.settings.language)("absence-reason", id=str(absence.id))
    written = [] if half else await absent_days.excuse(session, absence, author=author, reason=reason, at=at)
    written += await absent_days.judge_again(session, absence, author=author, reason=reason, at=at)
    await _tell(process, session, who, absence, written)
    return AbsenceAct(absence, tuple(written))


async def cancel_absence(process: Process, session: Session, absence_id: int, author: str) -> AbsenceAct:
    """Cancel an absence; days that the absence excused are judged anew from their stored snapshots.

    A cancelled absence changes nothing. Raises NotFound, Refused.
    """
    absence = await absences.find(session, absence_id)
    await absent_days.lock_teams(session, absence.connection)
    absence = await absences.find(session, absence_id)  # another process may have cancelled the absence meanwhile
    if absence.state is AbsenceState.CANCELLED:
        return AbsenceAct(absence, is_known=True)
    if absence.state is AbsenceState.REFUSED:
        raise Refused(f"absence {absence_id} was refused: there is nothing to cancel")
    who = await people.member(session, absence.connection, absence.crm_user)
    author, at = _checked_author(author, who), process.now()
    before, written = absence, list[Entry]()
    absence = await absences.cancel(session, absence_id, author=author, at=at)
    if before.state is AbsenceState.APPROVED:
        reason = texts(process.settings.language)("absence-cancelled-reason", id=str(absence.id))
        written = await absent_days.judge_again(session, before, author=author, reason=reason, at=at)
    await _tell(process, session, who, absence, written)
    return AbsenceAct(absence, tuple(written))


def _checked_author(author: str, who: Member) -> str:
    """Return the author's name. Raises Refused for none, for a very long name, and for the absent person."""
    author = " ".join(author.split())
    if not author:
        raise Refused("an absence needs an author: who records it?")
    if len(author) > LONGEST_AUTHOR:
        raise Refused(f"the author's name has {len(author)} characters; {LONGEST_AUTHOR} are allowed")
    if fold(author) == fold(who.name):
        raise Refused(f"{who.name} cannot decide about the own absence: another person must be the author")
    return author


async def _check_days(process: Process, session: Session, who: Member, first: date, last: date) -> None:
    """Raise Refused for days that run backwards, lie far off, or come after the person left."""
    if last < first:
        raise Refused(f"an absence cannot end ({last}) before it begins ({first})")
    today = process.now().date()
    for day in (first, last):
        if abs(day - today) > FARTHEST:
            raise Refused(f"{day} is more than two years from today ({today}): is the year right?")
    left = await people.left_at(session, who.id)
    if left is not None and first > left.date():
        raise Refused(f"{who.name} left the CRM on {left.date()}: later days are not scored anyway")


async def _tell(process: Process, session: Session, who: Member, absence: Absence, written: Iterable[Entry]) -> None:
    """Edit the evening messages of changed days, and reply under the newest."""
    if who.person_id is None or not who.connected:
        return
    recipient = to_person(who.person_id)
    notices: dict[tuple[str, date], CorrectionNotice] = {}
    for team, day in sorted({(entry.team, entry.day) for entry in written}):
        found = await find_evening(session, team, day, recipient)
        shown = None if found is None else found[1]
        notice = CorrectionNotice(
            team=team,
            day=day if shown is None else shown.day,
            crm_user=who.crm_user,
            earlier=() if shown is None else shown.earlier,
            absence=absence.id,
            cancelled=absence.state is AbsenceState.CANCELLED,
            told=False,
        )
        notices[notice.team, notice.day] = notice
    ordered = sorted(notices.values(), key=lambda notice: notice.day)
    ordered[-1:] = [replace(notice, told=True) for notice in ordered[-1:]]
    events = [f"absence:{absence.id}:{absence.state.value}:{notice.team}:{notice.day}" for notice in ordered]
    news = [Notification(event, recipient, notice) for event, notice in zip(events, ordered, strict=True)]
    await enqueue(process, session, news)
