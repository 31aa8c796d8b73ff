"""Find the entry that an appeal is about, and until when the appeal may be filed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from reglament.evening_messages import find_evening
from reglament.process import Process
from scoring.appeals.terms import last_filing_day
from scoring.entries import Entry, EntryKind, in_force
from scoring.scorecard import Outcome
from storage.days import queries, runs
from storage.db.database import Session
from storage.errors import AppealProblem, AppealRefused
from storage.messages.notices import to_person
from storage.people import absences
from storage.values import AbsenceState, Member, RunState

_LONGEST_TERM = timedelta(days=400)


async def broken_entries(session: Session, team: str, crm_user: str, day: date) -> list[Entry]:
    """List the entries in force that broke a rule of a day; a rule that was corrected since is left out."""
    rows = await queries.history(session, team, crm_user, day, day, evidence=False)
    return [row for row in in_force(rows) if row.outcome is Outcome.BROKEN]


async def find_disputed(session: Session, who: Member, team: str, day: date, rule: str) -> Entry:
    """Find the entry that broke a rule; the rule may be gone from the settings since. Raises AppealRefused."""
    run = await runs.find(session, team, day)
    if run is None or run.state is not RunState.FINISHED:
        raise AppealRefused(AppealProblem.NO_DAY)
    broken = await broken_entries(session, team, who.crm_user, day)
    for entry in broken:
        if entry.rule == rule:
            return entry
    raise AppealRefused(AppealProblem.NOT_BROKEN)


async def load_last_day(process: Process, session: Session, who: Member, entry: Entry) -> date:
    """Find the last day of the term: the third working day after the message that told the minus."""
    told = await _told_at(session, who, entry)
    calendar = process.settings.teams[entry.team].calendar()
    today = calendar.local_date(told)
    away = await absences.between(session, who.connection, today, today + _LONGEST_TERM)
    own = [each for each in away if each.crm_user == who.crm_user and each.state is AbsenceState.APPROVED]
    terms = process.settings.teams[entry.team].rulebook().employment(who.crm_user)

    def is_away(day: date) -> bool:
        return not terms.is_at_work(day) or any(each.first <= day <= each.last for each in own)

    return last_filing_day(calendar, told, is_away)


async def _told_at(session: Session, who: Member, entry: Entry) -> datetime:
    """Tell when the manager learnt of the minus: by the evening message, or by the correction that made it."""
    assert entry.created_at is not None  # noqa: S101  # every stored entry has its instant
    if entry.kind is EntryKind.CORRECTION or who.person_id is None:
        return entry.created_at
    found = await find_evening(session, entry.team, entry.day, to_person(who.person_id))
    sent_at = found[0].done_at if found is not None else None
    return max(entry.created_at, sent_at or entry.created_at)
