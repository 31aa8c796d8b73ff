"""Pardon a day, or a rule on a day, for a whole team (docs/product.md §13, §19)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from reglament.by_hand import checks
from reglament.by_hand.telling import ask_owners, tell_pardoned
from reglament.process import Process
from scoring.entries import Entry
from storage.db.database import Session
from storage.ledger import by_hand, writer
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.people import audit_log, people
from storage.values import Member, PointsAct, PointsAuthor


async def pardon(
    process: Process, session: Session, team: str, day: date, rule: str | None, *, reason: str, author: PointsAuthor
) -> PointsAct:
    """Excuse all that is broken on a day, or one rule, and tell everybody in one line.

    The author's own broken rules wait for the word of an owner. Raises PointsRefused.
    """
    author, reason = checks.checked_author(author), checks.checked_reason(reason)
    await checks.check_scored(process, session, team, day)
    await by_hand.lock(session, team)
    everybody = await _accounts(process, session, team)
    found = await by_hand.broken(session, team, day, rule)
    own = [row for row in found if row.crm_user in everybody and checks.is_self(author, everybody[row.crm_user])]
    others = [row for row in found if row not in own]
    if not found:
        raise PointsRefused(PointsProblem.NOTHING_BROKEN, str(day))
    written = await _excuse(process, session, others, reason, author)
    await tell_pardoned(process, session, team, day, rule, written, everybody)
    if not own:
        return PointsAct(tuple(written))
    who = everybody[own[0].crm_user]
    if not await _is_only_owner(process, session, team, author, who):
        await ask_owners(process, session, own, rule, reason, author)
        return PointsAct(tuple(written), own_left=len(own))
    marked = await checks.reason_about(process, session, team, author, who, reason)
    own_written = await _excuse(process, session, own, marked, author)
    await tell_pardoned(process, session, team, day, rule, own_written, {who.crm_user: who})
    return PointsAct((*written, *own_written))


async def pardon_author(
    process: Process, session: Session, team: str, crm_user: str, day: date, rule: str | None, *, reason: str,
    author: PointsAuthor,
) -> PointsAct:  # fmt: skip
    """Take the author of a pardon in, as an owner confirms; nothing broken any more changes nothing.

    Raises PointsRefused for the own points of an owner while there is another owner.
    """
    author, reason = checks.checked_author(author), checks.checked_reason(reason)
    if not author.is_owner:
        raise PointsRefused(PointsProblem.OWN)
    await by_hand.lock(session, team)
    who = (await _accounts(process, session, team))[crm_user]
    reason = await checks.reason_about(process, session, team, author, who, reason)
    found = [row for row in await by_hand.broken(session, team, day, rule) if row.crm_user == crm_user]
    written = await _excuse(process, session, found, reason, author)
    await tell_pardoned(process, session, team, day, rule, written, {crm_user: who})
    return PointsAct(tuple(written), is_known=not found)


async def _accounts(process: Process, session: Session, team: str) -> dict[str, Member]:
    """Load all accounts of the team's CRM: of who left since, too."""
    every = await people.all_members(session, connection=process.settings.teams[team].crm)
    return {each.crm_user: each for each in every}


async def _is_only_owner(process: Process, session: Session, team: str, author: PointsAuthor, who: Member) -> bool:
    try:
        await checks.reason_about(process, session, team, author, who, "")
    except PointsRefused:
        return False
    return True


async def _excuse(
    process: Process, session: Session, rows: Sequence[Entry], reason: str, author: PointsAuthor
) -> list[Entry]:
    if not rows:
        return []
    at, first = process.now(), rows[0]
    written = await writer.pardon(session, first.team, rows, author=author.name, reason=reason, at=at)
    people_ = len({row.crm_user for row in rows})
    audit_log.write(
        session, at=at, author=author.name, action="pardon", subject=f"{first.team} {first.day}",
        rules=sorted({row.rule for row in rows}), people=people_, entries=len(rows),
    )  # fmt: skip
    return written
