"""Find who is back from an absence on a day, and which records appeared meanwhile (docs/product.md §12, §19)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import in_force
from scoring.snapshot import evidence_of
from scoring.terms.circumstances import EvidenceKeys
from storage.days import runs
from storage.days.snapshots import last_keys
from storage.db.models import LedgerRecord, TeamRecord
from storage.ledger.entries import select_entries
from storage.people import absences
from storage.values import Absence, JudgedDay, StoredSnapshot

_ONE = timedelta(days=1)
LOOK_BACK = timedelta(days=400)
"""How far back an absence may have begun."""


async def load_appeared(
    session: AsyncSession, judged: JudgedDay, items: Iterable[StoredSnapshot]
) -> dict[str, EvidenceKeys]:
    """Load by CRM user the evidence keys of states that are not in the last evidence before the absence.

    Only managers on their first scored day after an absence of a whole working day have any.
    """
    kpis = judged.rulebook.state_kpis
    by_user = {item.snapshot.manager.crm_user: item for item in items}
    away = await _load_absences(session, judged, by_user) if kpis else []
    if not away:
        return {}
    days = sorted(
        await runs.finished_days(session, judged.team, judged.day - LOOK_BACK, judged.day - _ONE), reverse=True
    )
    found: dict[str, EvidenceKeys] = {}
    for user, began in (await _find_back(session, judged, away, days)).items():
        before = (await last_keys(session, judged.team, began, [user], kpis))[user]
        readings = by_user[user].snapshot.readings
        now = {kpi: {item.key for item in evidence_of(readings[kpi])} for kpi in kpis if kpi in readings}
        found[user] = {kpi: frozenset(keys - before.get(kpi, frozenset())) for kpi, keys in now.items()}
    return found


async def _load_absences(session: AsyncSession, judged: JudgedDay, users: Collection[str]) -> list[Absence]:
    found = await absences.approved(session, judged.connection, judged.day - LOOK_BACK, judged.day - _ONE)
    return [absence for absence in found if absence.crm_user in users]


async def _find_back(
    session: AsyncSession, judged: JudgedDay, away: Sequence[Absence], days: Sequence[date]
) -> dict[str, date]:
    """Find who was absent on the last day that is not scored for him; the day that the absence began on, by user.

    `days` are the team's finished days, newest first.
    """
    calendars = {user: _Away(judged, away, user) for user in {absence.crm_user for absence in away}}
    open_users, back = set(calendars), dict[str, date]()
    for place, day in enumerate(days):
        for user in [user for user in open_users if calendars[user].is_absent(day)]:
            open_users.discard(user)
            back[user] = calendars[user].began(days[place:])
        if not open_users:
            break
        open_users -= await _scored_on(session, judged.team, day)
    return back


async def _scored_on(session: AsyncSession, team: str, day: date) -> set[str]:
    """List the CRM users with a rule kept or broken on a day, after corrections."""
    entries = await select_entries(session, TeamRecord.key == team, LedgerRecord.day == day, evidence=False)
    return {row.crm_user for row in in_force(entries) if row.outcome is not None and row.outcome.scored}


@dataclass(frozen=True, slots=True)
class _Away:
    """Tell on which days one manager was absent."""

    judged: JudgedDay
    absences: Sequence[Absence]
    user: str

    def is_absent(self, day: date) -> bool:
        """Tell whether the manager missed a whole day of work."""
        own = [each for each in self.absences if each.crm_user == self.user and each.first <= day <= each.last]
        is_whole = any(each.half is None for each in own) or len({each.half for each in own}) > 1
        return is_whole and self.judged.rulebook.employment(self.user).is_at_work(day)

    def began(self, days: Sequence[date]) -> date:
        """Return the first day of an absence that reaches back from the first of `days`; days off are passed over."""
        began = days[0]
        for day in days:
            if self.is_absent(day):
                began = day
            elif self.judged.rulebook.employment(self.user).is_at_work(day):
                break
        return began
