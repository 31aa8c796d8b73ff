"""Keep appeals: filed, re-checked, decided or withdrawn; a decided appeal never changes.

Whoever writes locks the team first, then the appeal: two heads at once, two replicas, or a decision beside a withdrawal
have a single outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.appeals.codec import recheck_from_json, recheck_to_json
from storage.db.models import AppealRecord, LedgerRecord, ManagerRecord, TeamRecord
from storage.db.sql import lock_team, manager_of
from storage.errors import AppealProblem, AppealRefused, NotFound
from storage.people import audit_log
from storage.values import Appeal, AppealCause, AppealState, Recheck

_FILED = AppealState.FILED.value


async def file(
    session: AsyncSession,
    team: str,
    crm_user: str,
    *,
    day: date,
    rule: str,
    seq: int,
    cause: AppealCause,
    text: str,
    author: str,
    at: datetime,
) -> Appeal:
    """File an appeal against a ledger entry; the same appeal again gives the open one. Raises AppealRefused, NotFound.

    A decided appeal is not opened again, but a minus that a correction made since is another minus.
    """
    owner = await lock_team(session, team)
    manager = await manager_of(session, owner.connection, crm_user)
    about = (AppealRecord.manager_id == manager.id, AppealRecord.day == day, AppealRecord.rule == rule)
    for known in await _select(session, AppealRecord.team_id == owner.id, *about):
        if known.state is AppealState.FILED:
            return known
        if known.state is not AppealState.WITHDRAWN and known.seq == seq:
            raise AppealRefused(AppealProblem.DECIDED, f"appeal {known.id}, {known.state}")
    entry = await session.scalar(select(LedgerRecord).where(LedgerRecord.team_id == owner.id, LedgerRecord.seq == seq))
    if entry is None:
        raise NotFound(f"the ledger of {team} has no entry {seq}")
    row = AppealRecord(
        team_id=owner.id,
        manager_id=manager.id,
        day=day,
        rule=rule,
        kpi=entry.kpi,
        entry_id=entry.id,
        cause=cause.value,
        text=text,
        state=_FILED,
        author=author,
        filed_at=at,
        decision="",
        reminded=0,
    )
    session.add(row)
    await session.flush()
    _note(session, row, author, at)
    return await find(session, row.id)


async def keep_recheck(session: AsyncSession, appeal_id: int, recheck: Recheck) -> Appeal:
    """Keep what a re-check told of an open appeal; of a decided appeal nothing changes. Raises NotFound."""
    row = await _locked(session, appeal_id)
    if row.state == _FILED:
        row.recheck = recheck_to_json(recheck)
        await session.flush()
    return await find(session, appeal_id)


async def decide(
    session: AsyncSession, appeal_id: int, state: AppealState, *, author: str, reason: str, at: datetime
) -> Appeal:
    """Decide or withdraw an open appeal; the caller writes the ledger. Raises AppealRefused, NotFound."""
    row = await _locked(session, appeal_id)
    if row.state != _FILED:
        raise AppealRefused(AppealProblem.DECIDED, f"{row.state} by {row.decided_by}")
    row.state, row.decided_by, row.decided_at, row.decision = state.value, author, at, reason
    _note(session, row, author, at)
    await session.flush()
    return await find(session, appeal_id)


async def note_reminded(session: AsyncSession, appeal_id: int, stage: int) -> bool:
    """Note that a head (1) or the owner (2) was reminded; False if noted before, or decided. Raises NotFound."""
    row = await _locked(session, appeal_id)
    if row.state != _FILED or row.reminded >= stage:
        return False
    row.reminded = stage
    await session.flush()
    return True


def _note(session: AsyncSession, row: AppealRecord, author: str, at: datetime) -> None:
    audit_log.write(session, at=at, author=author, action=f"appeal.{row.state}", subject=str(row.id))


async def _locked(session: AsyncSession, appeal_id: int) -> AppealRecord:
    """Lock the team of an appeal, then the appeal. Raises NotFound."""
    team = select(TeamRecord.key).join(AppealRecord, AppealRecord.team_id == TeamRecord.id)
    key = await session.scalar(team.where(AppealRecord.id == appeal_id))
    if key is None:
        raise NotFound(f"there is no appeal {appeal_id}")
    await lock_team(session, key)
    query = select(AppealRecord).where(AppealRecord.id == appeal_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def find(session: AsyncSession, appeal_id: int) -> Appeal:
    """Find an appeal. Raises NotFound."""
    found = await _select(session, AppealRecord.id == appeal_id)
    if not found:
        raise NotFound(f"there is no appeal {appeal_id}")
    return found[0]


async def open_appeals(session: AsyncSession, teams: Collection[str] | None = None) -> list[Appeal]:
    """List the open appeals of teams (None: of all teams), oldest first."""
    of_teams = () if teams is None else (TeamRecord.key.in_(list(teams)),)
    return await _select(session, AppealRecord.state == _FILED, *of_teams)


async def listed(
    session: AsyncSession, teams: Collection[str] | None = None, first: date = date.min, last: date = date.max
) -> list[Appeal]:
    """List the appeals about the days of a span, in every state, oldest first."""
    of_teams = () if teams is None else (TeamRecord.key.in_(list(teams)),)
    return await _select(session, AppealRecord.day.between(first, last), *of_teams)


async def of_manager(session: AsyncSession, team: str, crm_user: str, first: date, last: date) -> list[Appeal]:
    """List the appeals of a manager about the days of a span."""
    of_person = (TeamRecord.key == team, ManagerRecord.crm_user == crm_user)
    return await _select(session, *of_person, AppealRecord.day.between(first, last))


async def count_earlier(session: AsyncSession, appeal: Appeal) -> tuple[Counter[AppealState], Counter[AppealState]]:
    """Count the other appeals of the same person, and those on the same rule of the team, by state."""
    row, user = AppealRecord, ManagerRecord.crm_user
    query = (
        select(row.state, user, row.rule, func.count())
        .join(ManagerRecord, ManagerRecord.id == row.manager_id)
        .join(TeamRecord, TeamRecord.id == row.team_id)
        .where(
            TeamRecord.key == appeal.team, row.id != appeal.id, or_(user == appeal.crm_user, row.rule == appeal.rule)
        )
        .group_by(row.state, user, row.rule)
    )
    person, rule = Counter[AppealState](), Counter[AppealState]()
    for state, crm_user, on_rule, number in await session.execute(query):
        if crm_user == appeal.crm_user:
            person[AppealState(state)] += number
        if on_rule == appeal.rule:
            rule[AppealState(state)] += number
    return person, rule


async def count_by_rule(
    session: AsyncSession, teams: Collection[str] | None, first: date, last: date
) -> dict[tuple[str, str], Counter[AppealState]]:
    """Count the appeals about the days of a span by team, rule and state; the rule appealed most comes first."""
    row = AppealRecord
    query = (
        select(TeamRecord.key, row.rule, row.state, func.count())
        .join(TeamRecord, TeamRecord.id == row.team_id)
        .where(row.day.between(first, last))
        .group_by(TeamRecord.key, row.rule, row.state)
    )
    found: dict[tuple[str, str], Counter[AppealState]] = {}
    for team, rule, state, number in await session.execute(query):
        if teams is None or team in teams:
            found.setdefault((team, rule), Counter())[AppealState(state)] += number
    return dict(sorted(found.items(), key=lambda each: (-each[1].total(), each[0])))


async def added_ids(session: AsyncSession, days: Mapping[str, date]) -> dict[str, dict[str, set[str]]]:
    """Load the ids of events that granted re-checks added to a day of each team, by team and KPI.

    No other window counts those.
    """
    found: dict[str, dict[str, set[str]]] = {team: {} for team in days}
    query = _appeals().where(TeamRecord.key.in_(list(days)), AppealRecord.day.in_(set(days.values())))
    for each in await session.execute(query):
        appeal = _to_appeal(*each)
        is_granted = appeal.state is AppealState.KEPT and days[appeal.team] == appeal.day
        if is_granted and appeal.recheck is not None and appeal.recheck.additions:
            found[appeal.team].setdefault(appeal.kpi, set()).update(appeal.recheck.additions)
    return found


async def _select(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[Appeal]:
    return [_to_appeal(*row) for row in await session.execute(_appeals().where(*conditions))]


def _appeals() -> Select[AppealRecord, ManagerRecord, str, int]:
    return (
        select(AppealRecord, ManagerRecord, TeamRecord.key, LedgerRecord.seq)
        .join(ManagerRecord, ManagerRecord.id == AppealRecord.manager_id)
        .join(TeamRecord, TeamRecord.id == AppealRecord.team_id)
        .join(LedgerRecord, LedgerRecord.id == AppealRecord.entry_id)
        .order_by(AppealRecord.filed_at, AppealRecord.id)
        .execution_options(populate_existing=True)
    )


def _to_appeal(row: AppealRecord, manager: ManagerRecord, team: str, seq: int) -> Appeal:
    return Appeal(
        id=row.id,
        team=team,
        connection=manager.connection,
        crm_user=manager.crm_user,
        name=manager.name,
        person_id=manager.person_id,
        day=row.day,
        rule=row.rule,
        kpi=row.kpi,
        seq=seq,
        cause=AppealCause(row.cause),
        text=row.text,
        state=AppealState(row.state),
        author=row.author,
        filed_at=row.filed_at,
        recheck=recheck_from_json(row.recheck),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision=row.decision,
        reminded=row.reminded,
    )
