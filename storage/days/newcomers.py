"""Find whose scoring has not begun on a day, and who is on probation (docs/product.md §12, §19)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import in_force
from scoring.terms.circumstances import Circumstances
from storage.db.models import LedgerRecord, ManagerRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.ledger.entries import select_entries
from storage.values import JudgedDay


async def load_beginnings(
    session: AsyncSession, judged: JudgedDay, users: Collection[str]
) -> dict[str, tuple[bool, bool]]:
    """Load by CRM user whether the scoring has begun, and whether the manager is on probation.

    Who is in the team's first reading begins at once and is no newcomer, unless the settings say a later `since`.
    """
    has_snapshots = select(SnapshotRecord.run_id).where(SnapshotRecord.run_id == RunRecord.id).exists()
    of_team = select(RunRecord.day).where(*_of(judged), has_snapshots).order_by(RunRecord.day)
    first = await session.scalar(of_team.limit(1))
    if first is None or first >= judged.day:
        return {user: (True, _begins_later(judged, user, judged.day)) for user in users}
    before = await _load_last(session, judged, users)
    missing = [user for user in users if user not in before]
    found = {user: (True, known.newcomer) for user, known in before.items()}
    found |= dict.fromkeys(missing, (False, judged.rulebook.probation_days > 0))
    return {user: (begun, new and await _is_new(session, judged, user)) for user, (begun, new) in found.items()}


def _begins_later(judged: JudgedDay, user: str, first: date) -> bool:
    """Tell whether the settings have a person of the first reading begin later, as a newcomer."""
    since = judged.rulebook.employment(user).since
    return judged.rulebook.probation_days > 0 and since is not None and since > first


def _of(judged: JudgedDay) -> list[ColumnElement[bool]]:
    team = select(TeamRecord.id).where(TeamRecord.key == judged.team).scalar_subquery()
    return [RunRecord.team_id == team]


async def _load_last(session: AsyncSession, judged: JudgedDay, users: Collection[str]) -> dict[str, Circumstances]:
    """Load the circumstances of each user's last snapshot in the team before the day."""
    found: dict[str, Circumstances] = {}
    query = (
        select(ManagerRecord.crm_user, SnapshotRecord.circumstances)
        .join(SnapshotRecord, SnapshotRecord.manager_id == ManagerRecord.id)
        .join(RunRecord, RunRecord.id == SnapshotRecord.run_id)
        .where(*_of(judged))
    )
    yesterday = await session.scalar(select(func.max(RunRecord.day)).where(*_of(judged), RunRecord.day < judged.day))
    for user, circumstances in await session.execute(query.where(RunRecord.day == yesterday)):
        found[user] = Circumstances.from_json(circumstances)
    for user in [user for user in users if user not in found]:
        own = query.where(ManagerRecord.crm_user == user, RunRecord.day < judged.day)
        row = (await session.execute(own.order_by(RunRecord.day.desc()).limit(1))).first()
        if row is not None:
            found[user] = Circumstances.from_json(row[1])
    return {user: known for user, known in found.items() if user in users}


async def _is_new(session: AsyncSession, judged: JudgedDay, user: str) -> bool:
    """Tell whether a newcomer has scored days of probation left; days in other teams count."""
    since = judged.rulebook.employment(user).since
    rows = await select_entries(
        session,
        ManagerRecord.connection == judged.connection,
        LedgerRecord.crm_user == user,
        LedgerRecord.day.between(since or judged.day - timedelta(days=1000), judged.day - timedelta(days=1)),
        evidence=False,
    )
    scored = {row.day for row in in_force(rows) if row.outcome is not None and row.outcome.scored}
    return len(scored) < judged.rulebook.probation_days


async def is_on_probation(session: AsyncSession, entry: LedgerRecord) -> bool:
    """Tell whether the manager of an entry was on probation on the day that the entry is about."""
    found = await session.scalar(
        select(SnapshotRecord.circumstances)
        .join(RunRecord, RunRecord.id == SnapshotRecord.run_id)
        .where(
            RunRecord.team_id == entry.team_id,
            RunRecord.day == entry.day,
            SnapshotRecord.manager_id == entry.manager_id,
        )
    )
    return Circumstances.from_json(found).newcomer


async def load_probation(session: AsyncSession, team: str, first: date, last: date) -> frozenset[tuple[str, date]]:
    """Load CRM users and days on probation of a team's span: in no board, and not in the team's discipline %."""
    rows = await session.execute(
        select(ManagerRecord.crm_user, RunRecord.day, SnapshotRecord.circumstances)
        .join(SnapshotRecord, SnapshotRecord.manager_id == ManagerRecord.id)
        .join(RunRecord, RunRecord.id == SnapshotRecord.run_id)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == team, RunRecord.day.between(first, last), SnapshotRecord.circumstances.is_not(None))
    )
    return frozenset((user, day) for user, day, data in rows if Circumstances.from_json(data).newcomer)
