"""Score stored days again, and compare with the points that the ledger has."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook
from storage.db.models import LedgerRecord, RulebookRecord, RunRecord
from storage.values import RunState, StoredSnapshot

UNREADABLE = (ArithmeticError, KeyError, TypeError, ValueError, AttributeError)
"""Errors of stored data that were altered beyond reading."""

_Line = tuple[str, str, str | None, int, Decimal | None, Decimal | None, tuple[str, ...]]


async def is_same_again(session: AsyncSession, run: RunRecord, snapshots: Sequence[StoredSnapshot]) -> bool:
    """Score a stored day again and compare with the ledger; a day not finished has no entries."""
    rulebook = await session.get(RulebookRecord, run.rulebook_id, populate_existing=True)
    is_finished = run.state == RunState.FINISHED.value
    counted = _counted(snapshots, rulebook.content if rulebook else {}) if is_finished else []
    return await _written(session, run.id) == counted


async def _written(session: AsyncSession, run_id: int) -> list[_Line]:
    rows = await session.scalars(
        select(LedgerRecord).where(LedgerRecord.run_id == run_id).execution_options(populate_existing=True)
    )
    lines = [
        (row.crm_user, row.rule, row.outcome, row.points, row.value, row.bound, tuple(row.evidence)) for row in rows
    ]
    return sorted(lines, key=lambda line: line[:2])


def _counted(snapshots: Sequence[StoredSnapshot], content: dict[str, Any]) -> list[_Line] | None:
    """Score a stored day again; None for stored data that cannot be read any more."""
    try:
        rulebook = Rulebook.from_json(content)
        cards = [item.score(rulebook) for item in snapshots]
    except UNREADABLE:
        return None
    lines: list[_Line] = [
        (
            card.manager.crm_user,
            line.rule.id,
            line.outcome.value,
            line.points,
            line.value,
            line.bound,
            tuple(item.key for item in line.items),
        )
        for card in cards
        for line in card.lines
    ]
    return sorted(lines, key=lambda line: line[:2])
