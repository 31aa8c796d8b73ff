"""Verify that a team has no past from before the company told of the team: a chain may be forged beside the honest."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalEventRecord, RunRecord, TeamRecord
from storage.db.types import instant_text
from storage.journal.chain import COMPANY
from storage.journal.kinds import JournalKind
from storage.values import CompanyVerification, Problem, RunState, ToldTeam
from storage.verify.chain_walk import Event


async def check_beginning(
    session: AsyncSession, owner: TeamRecord, company: CompanyVerification, begun: Event | None
) -> list[Problem]:
    """Check that the journal and the days of a team are not older than the company's first event about the team.

    A team that no event tells of is named by the comparison of the rows. Without a journal the team has no days since
    the company's began: each finished day begins the team's journal.
    """
    told = company.teams_told.get(owner.id)
    if begun is None and company.begun is not None:
        days = await _days_since(session, owner, company.begun)
        text = f"{days} days were finished after the company's journal had begun, but the team has no journal"
        return [Problem(owner.key, text)] if days else []
    if told is None:
        return []
    texts = []
    if begun is not None and begun.at < told.at:
        when = f"{instant_text(begun.at)}, before the company knew of the team ({instant_text(told.at)})"
        texts.append(f"the journal begins at {when}")
    if told.seq > 1:  # the company's first event tells of teams that were there before, with all their days
        texts += await _early_days(session, owner, await _known_since(session, owner, told))
    return [Problem(owner.key, text) for text in texts]


async def _days_since(session: AsyncSession, owner: TeamRecord, since: datetime) -> int:
    """Count the days that a team finished since an instant."""
    run = RunRecord
    query = select(func.count()).where(
        run.team_id == owner.id, run.state == RunState.FINISHED.value, run.finished_at >= since
    )
    return int(await session.scalar(query) or 0)


async def _known_since(session: AsyncSession, owner: TeamRecord, told: ToldTeam) -> datetime:
    """Find the instant since which the company has known of a team.

    An event about a team may carry an older instant than that of its writing; but a finished day of another team
    covers the company's last event of that moment.
    """
    event = JournalEventRecord
    query = (
        select(event.at, event.payload)
        .where(event.kind == JournalKind.DAY_FINISHED.value, event.chain.not_in((COMPANY, owner.id)))
        .where(event.at > told.at)
        .order_by(event.at.desc())
    )
    async for at, payload in await session.stream(query):
        content = json.loads(payload)["content"]
        if not content["rehearsed"] and content["company"] is not None and content["company"][0] < told.seq:
            return max(at, told.at)
    return told.at


async def _early_days(session: AsyncSession, owner: TeamRecord, since: datetime) -> list[str]:
    """Name the days that a team finished before an instant; days scored with an instant set by hand are told apart."""
    run = RunRecord
    query = select(run.day).where(
        run.team_id == owner.id, run.state == RunState.FINISHED.value, ~run.rehearsed,
        run.finished_at < since, run.day < since.date(),
    )  # fmt: skip
    days = (await session.scalars(query.order_by(run.day))).all()
    if not days:
        return []
    what = f"{len(days)} days ({days[0]} to {days[-1]}) were finished before the company knew of the team"
    return [f"{what} ({instant_text(since)})"]
