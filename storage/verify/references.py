"""Find rows that point to rows which are not there: constraints can be switched off, also for a moment."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import (
    Base,
    JournalEventRecord,
    JournalHeadRecord,
    JournalRowRecord,
    RunRecord,
    TeamRecord,
)
from storage.journal.chain import COMPANY
from storage.journal.days import RUNS
from storage.values import Problem


async def dangling(session: AsyncSession, name: str) -> list[Problem]:
    """List the references without a row, by table and column."""
    problems: list[Problem] = []
    for table in Base.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            count = await _count(session, table, key)
            if count:
                text = (
                    f"{count} rows of {table.name} point to missing rows of {key.column.table.name} ({key.parent.name})"
                )
                problems.append(Problem(name, text))
    return problems + [Problem(name, text) for text in await _without_team(session)]


async def _count(session: AsyncSession, table: Table, key: ForeignKey) -> int:
    target = key.column.table.alias()
    column, wanted = key.parent, target.c[key.column.name]
    query = select(func.count()).select_from(table.outerjoin(target, wanted == column))
    return int(await session.scalar(query.where(column.is_not(None), wanted.is_(None))) or 0)


async def _without_team(session: AsyncSession) -> list[str]:
    """Name chains of the journal without a team, and salts of missing days."""
    teams = set(await session.scalars(select(TeamRecord.id)))
    events = set(await session.scalars(select(JournalEventRecord.chain).distinct()))
    heads = set(await session.scalars(select(JournalHeadRecord.chain)))
    texts = [f"team {chain} has a journal and is gone" for chain in sorted((events | heads) - teams - {COMPANY})]
    runs = set(map(str, await session.scalars(select(RunRecord.id))))
    salts = set(await session.scalars(select(JournalRowRecord.row).where(JournalRowRecord.name == RUNS)))
    return texts + [f"a salt is kept for day {run}, which is gone" for run in sorted(salts - runs)]
