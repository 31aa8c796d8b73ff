"""File, decide and withdraw appeals with all that follows: re-check, ledger, messages (docs/product.md §13, §19).

The bot and the command line act through these functions alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.texts import Texts, texts
from reglament.appeals.disputed import broken_entries, find_disputed, load_last_day
from reglament.appeals.rechecking import grants, load_stored, recheck_appeal
from reglament.appeals.telling import ask_to_decide, tell_outcome
from reglament.process import Process
from scoring.entries import Entry
from scoring.names import fold
from scoring.scorecard import Outcome
from storage.appeals import appeals
from storage.db.database import Session
from storage.errors import AppealProblem, AppealRefused
from storage.ledger import writer
from storage.values import Appeal, AppealCause, AppealState, Member

LONGEST_TEXT = 1000
"""Characters of a manager's text, and of a reason of a decision."""
QUIET_BEFORE_CUTOFF = timedelta(minutes=10)
"""Time before a cutoff in which no re-check begins."""
_OUTCOMES = {AppealState.KEPT: Outcome.KEPT, AppealState.EXCUSED: Outcome.EXCUSED}


@dataclass(frozen=True, slots=True)
class AppealAct:
    """Hold an appeal after an act, with the ledger entries that the act wrote."""

    appeal: Appeal
    entries: tuple[Entry, ...] = ()
    is_known: bool = False
    """The same appeal was open before; nothing was filed."""


async def file_appeal(
    process: Process, who: Member, team: str, day: date, rule: str, cause: AppealCause, text: str, author: str
) -> AppealAct:
    """File an appeal and recheck it at once: what the CRM proves is granted, all else goes to the head.

    Of a process that dies in between the appeal stays filed; `settle_overdue` takes the re-check up. Raises
    AppealRefused.
    """
    text = _checked_text(text)
    async with process.db.transaction() as session:
        entry = await find_disputed(session, who, team, day, rule)
        await _check_term(process, session, who, entry)
        before = await appeals.of_manager(session, team, who.crm_user, day, day)
        is_known = any(each.rule == rule and each.state is AppealState.FILED for each in before)
        appeal = await appeals.file(
            session, team, who.crm_user,
            day=day, rule=rule, seq=entry.seq, cause=cause, text=text, author=author, at=process.now(),
        )  # fmt: skip
    if is_known:
        return AppealAct(appeal, is_known=True)
    return await settle_recheck(process, appeal)


async def why_not(process: Process, who: Member, team: str, day: date) -> AppealRefused | None:
    """Tell why nothing of a manager's day can be appealed any more; None while the term of a rule runs."""
    refused = None
    async with process.db.reading() as session:
        for entry in await broken_entries(session, team, who.crm_user, day):
            try:
                await _check_term(process, session, who, entry)
            except AppealRefused as error:
                refused = error
            else:
                return None
    return refused or AppealRefused(AppealProblem.NOT_BROKEN)


async def settle_recheck(process: Process, appeal: Appeal) -> AppealAct:
    """Recheck an open appeal: grant what the CRM proves, send all else to those who decide.

    Shortly before a cutoff the CRM is left to the cutoff; `settle_overdue` takes the re-check up afterwards.
    """
    if _is_near_cutoff(process, appeal):
        return AppealAct(appeal)
    recheck = await recheck_appeal(process, appeal)
    stored = await load_stored(process, appeal)
    async with process.db.transaction() as session:
        appeal = await appeals.keep_recheck(session, appeal.id, recheck)
        if appeal.state is not AppealState.FILED:
            return AppealAct(appeal)
        is_proved = stored is not None and grants(stored, recheck)
        if is_proved and await _is_in_force(session, appeal):
            t = texts(process.settings.language)
            author, reason = t("appeal-recheck-author"), t("appeal-recheck-reason")
            return await _settle(process, session, appeal, AppealState.KEPT, author, reason)
        await ask_to_decide(process, session, appeal)
        return AppealAct(appeal)


def _is_near_cutoff(process: Process, appeal: Appeal) -> bool:
    """Tell whether a team of the connection is about to be read."""
    now = process.now()
    calendars = [team.calendar() for team in process.settings.teams_of(appeal.connection).values()]
    return any(each.cutoff_of(each.business_day(now)) - now <= QUIET_BEFORE_CUTOFF for each in calendars)


async def decide_appeal(
    process: Process,
    session: Session,
    appeal_id: int,
    state: AppealState,
    *,
    author: str,
    reason: str,
    person_id: int | None = None,
) -> AppealAct:
    """Decide an appeal as kept, excused or refused; `person_id` is the deciding person, where known.

    Raises AppealRefused, NotFound.
    """
    appeal = await appeals.find(session, appeal_id)
    is_own = person_id is not None and person_id == appeal.person_id
    if is_own or fold(author) == fold(appeal.name):
        raise AppealRefused(AppealProblem.OWN)
    return await _settle(process, session, appeal, state, author, _checked_text(reason))


async def grant_by_term(process: Process, session: Session, appeal: Appeal) -> AppealAct:
    """Excuse an appeal that nobody decided in time."""
    t = texts(process.settings.language)
    author, reason = t("appeal-term-author"), t("appeal-term-reason")
    return await _settle(process, session, appeal, AppealState.EXCUSED, author, reason)


async def withdraw_appeal(
    process: Process, session: Session, appeal_id: int, *, author: str, person_id: int | None = None
) -> AppealAct:
    """Withdraw an own appeal. Raises AppealRefused, NotFound."""
    appeal = await appeals.find(session, appeal_id)
    names = {fold(appeal.name), fold(appeal.author)}
    is_own = fold(author) in names if person_id is None else person_id == appeal.person_id
    if not is_own:
        raise AppealRefused(AppealProblem.NOT_YOURS)
    withdrawn = AppealState.WITHDRAWN
    return AppealAct(await appeals.decide(session, appeal_id, withdrawn, author=author, reason="", at=process.now()))


async def _settle(
    process: Process, session: Session, appeal: Appeal, state: AppealState, author: str, reason: str
) -> AppealAct:
    """Store a decision, write the ledger, tell the manager."""
    at = process.now()
    appeal = await appeals.decide(session, appeal.id, state, author=author, reason=reason, at=at)
    entries = await _correct(process, session, appeal, at) if state.is_granted else []
    await tell_outcome(process, session, appeal)
    return AppealAct(appeal, tuple(entries))


async def _correct(process: Process, session: Session, appeal: Appeal, at: datetime) -> list[Entry]:
    """Reverse the minus of a granted appeal; of a rule kept a correction gives the reward."""
    if not await _is_in_force(session, appeal):
        if appeal.state is AppealState.KEPT:
            raise AppealRefused(AppealProblem.CHANGED)
        return []  # an absence or a correction gave the points back meanwhile
    reason = _ledger_reason(texts(process.settings.language), appeal)
    author = appeal.decided_by or appeal.author
    outcome = _OUTCOMES[appeal.state]
    return await writer.correct(session, appeal.team, appeal.seq, outcome, author=author, reason=reason, at=at)


async def _is_in_force(session: Session, appeal: Appeal) -> bool:
    broken = await broken_entries(session, appeal.team, appeal.crm_user, appeal.day)
    return any(entry.seq == appeal.seq for entry in broken)


def _ledger_reason(t: Texts, appeal: Appeal) -> str:
    reason = t("appeal-ledger-reason", id=str(appeal.id))
    return f"{reason}: {appeal.decision}" if appeal.decision else reason


async def _check_term(process: Process, session: Session, who: Member, entry: Entry) -> None:
    """Raise AppealRefused after the last day of the term."""
    last = await load_last_day(process, session, who, entry)
    today = process.settings.teams[entry.team].calendar().local_date(process.now())
    if today > last:
        raise AppealRefused(AppealProblem.TOO_LATE, last.isoformat())


def _checked_text(text: str) -> str:
    """Return a text without blanks around. Raises AppealRefused for a very long text."""
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise AppealRefused(AppealProblem.TOO_LONG, str(LONGEST_TEXT))
    return text
