"""Find accounts that two teams scored for the same days (docs/product.md §19, Whose)."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import EntryKind
from storage.db.models import LedgerRecord, RunRecord


async def doubly_scored(session: AsyncSession) -> list[str]:
    """Name the accounts that two teams scored on two scored days in a row.

    A single day is that of a change of team; days scored with an instant set by hand are told apart.
    """
    entry, run = LedgerRecord, RunRecord
    scored = (
        select(entry.manager_id, entry.crm_user, entry.day, func.count(entry.team_id.distinct()))
        .join(run, run.id == entry.run_id)
        .where(entry.kind == EntryKind.SCORE.value, ~run.rehearsed)
        .group_by(entry.manager_id, entry.crm_user, entry.day)
    )
    doubled = scored.having(func.count(entry.team_id.distinct()) > 1).subquery()
    query = scored.where(entry.manager_id.in_(select(doubled.c.manager_id))).order_by(entry.manager_id, entry.day)
    accounts: dict[tuple[int, str], list[tuple[date, bool]]] = {}
    for manager, user, day, teams in await session.execute(query):
        accounts.setdefault((manager, user), []).append((day, teams > 1))
    return [text for (_, user), days in accounts.items() if (text := _in_a_row(user, days))]


def _in_a_row(user: str, days: list[tuple[date, bool]]) -> str:
    """Write the doubled days of an account; empty where no two follow each other."""
    if not any(one and another for (_, one), (_, another) in pairwise(days)):
        return ""
    twice = [day for day, is_doubled in days if is_doubled]
    return f"account {user} was scored by two teams on {len(twice)} days ({twice[0]} to {twice[-1]})"
