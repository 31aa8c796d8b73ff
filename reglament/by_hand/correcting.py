"""Correct a judged rule of a manager's day by hand (docs/product.md §13, §19)."""

from __future__ import annotations

from datetime import date

from reglament.by_hand import checks
from reglament.by_hand.telling import tell_corrected
from reglament.process import Process
from scoring.scorecard import Outcome
from storage.db.database import Session
from storage.ledger import by_hand, writer
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.people import absences
from storage.values import Member, PointsAct, PointsAuthor, RuleOfDay


async def correct(
    process: Process,
    session: Session,
    team: str,
    who: Member,
    day: date,
    rule: str,
    outcome: Outcome,
    *,
    reason: str,
    author: PointsAuthor,
    shown: int | None = None,
) -> PointsAct:
    """Correct a rule to kept or excused, or as an owner to broken; the rule may be gone from the settings since.

    `shown` is the last entry about the rule that the author saw: after another entry the act is refused. A rule judged
    so already is left as judged. Raises PointsRefused.
    """
    author, reason = checks.checked_author(author), checks.checked_reason(reason)
    if outcome is Outcome.BROKEN and not author.is_owner:
        raise PointsRefused(PointsProblem.OWNER_ONLY)
    await checks.check_scored(process, session, team, day)
    reason = await checks.reason_about(process, session, team, author, who, reason)
    await by_hand.lock(session, team)
    now = await _find(session, team, who, day, rule)
    if shown is not None and now.seq != shown:
        raise PointsRefused(PointsProblem.CHANGED)
    if now.outcome is outcome:
        return PointsAct(is_known=True)
    at = process.now()
    written = await writer.correct(
        session, team, now.first, outcome, author=author.name, reason=reason, at=at, is_reversed=not now.holds
    )
    await checks.check_limit(process, session, team, author, who, sum(row.points for row in written))
    await by_hand.note_act(session, by_hand.CORRECTED, written, who.id, author=author.name, at=at)
    await tell_corrected(process, session, who, written[-1])
    return PointsAct(tuple(written))


async def _find(session: Session, team: str, who: Member, day: date, rule: str) -> RuleOfDay:
    found = {each.rule: each for each in await by_hand.rules_of_day(session, team, who.crm_user, day)}
    if rule not in found:
        raise PointsRefused(PointsProblem.NO_RULE, str(day))
    if who.crm_user in await absences.absent_on(session, who.connection, day):
        raise PointsRefused(PointsProblem.ABSENT, str(day))
    if not found[rule].is_judged:
        raise PointsRefused(PointsProblem.NOT_JUDGED, str(day))
    return found[rule]
