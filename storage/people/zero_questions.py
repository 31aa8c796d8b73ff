"""Keep the questions about KPIs that are zero for everybody, with answers, in the audit log (docs/product.md §11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord
from storage.errors import Refused
from storage.people import audit_log


class ZeroState(StrEnum):
    """Name the states of a question, as actions of the audit log."""

    ASKED = "zero.asked"
    """The rules on the KPI make no points until the answer."""
    KEPT = "zero.kept"
    """The KPI is kept in this CRM: zero is a fact, the rules make points."""
    NOT_KEPT = "zero.not_kept"
    """The KPI is not kept in this CRM: the rules make no points until a value is read."""
    OVER = "zero.over"
    """A value other than zero was read."""


async def state(session: AsyncSession, team: str, kpi: str) -> ZeroState | None:
    """Find the state of the question about a KPI of a team; None if it was never asked."""
    return (await states(session, team, [kpi])).get(kpi)


async def states(session: AsyncSession, team: str, kpis: Iterable[str]) -> dict[str, ZeroState]:
    """Find the states of the questions about KPIs of a team; KPIs that were never asked about are left out."""
    subjects = {_subject(team, kpi): kpi for kpi in kpis}
    if not subjects:
        return {}
    rows = await session.execute(
        select(AuditRecord.subject, AuditRecord.action)
        .where(AuditRecord.subject.in_(sorted(subjects)), AuditRecord.action.in_([each.value for each in ZeroState]))
        .order_by(AuditRecord.id)
    )
    return {subjects[subject]: ZeroState(action) for subject, action in rows}


async def note(session: AsyncSession, team: str, kpi: str, new: ZeroState, *, author: str, at: datetime) -> None:
    """Note a state."""
    audit_log.write(session, at=at, author=author, action=new.value, subject=_subject(team, kpi))
    await session.flush()


async def answer(session: AsyncSession, team: str, kpi: str, *, is_kept: bool, author: str, at: datetime) -> None:
    """Note the answer of an admin, which may be changed. Raises Refused if nothing was asked."""
    if await state(session, team, kpi) in (None, ZeroState.OVER):
        raise Refused(f"nothing was asked about {kpi} of team {team!r}")
    new = ZeroState.KEPT if is_kept else ZeroState.NOT_KEPT
    await note(session, team, kpi, new, author=author, at=at)


def _subject(team: str, kpi: str) -> str:
    return f"zero:{team}:{kpi}"
