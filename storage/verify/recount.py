"""Score stored days again, and compare with the points that the ledger has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook
from scoring.scorecard import Scorecard, ScoreLine
from storage.db.models import LedgerRecord, RulebookRecord, RunRecord
from storage.errors import UNREADABLE
from storage.evidence.stored import keys_of
from storage.ledger.chain import states_evidence
from storage.values import RunState, StoredSnapshot

_Line = tuple[str, str, str | None, int, Decimal | None, Decimal | None]


async def is_same_again(session: AsyncSession, run: RunRecord, snapshots: Sequence[StoredSnapshot]) -> bool:
    """Score a stored day again and compare with the ledger; a day not finished has no entries."""
    rulebook = await session.get(RulebookRecord, run.rulebook_id, populate_existing=True)
    is_finished = run.state == RunState.FINISHED.value
    counted = _counted(snapshots, rulebook.content if rulebook else {}, run.day) if is_finished else []
    written = await _written(session, run.id)
    return counted is not None and len(written) == len(counted) and all(map(_agree, written, counted))


def _agree(written: tuple[_Line, Any], counted: tuple[_Line, list[str]]) -> bool:
    return written[0] == counted[0] and states_evidence(written[1], counted[1])


async def _written(session: AsyncSession, run_id: int) -> list[tuple[_Line, Any]]:
    """List the lines of a day with the evidence as the ledger has both."""
    rows = await session.scalars(
        select(LedgerRecord).where(LedgerRecord.run_id == run_id).execution_options(populate_existing=True)
    )
    lines: list[tuple[_Line, Any]] = [
        ((row.crm_user, row.rule, row.outcome, row.points, row.value, row.bound), row.evidence) for row in rows
    ]
    return sorted(lines, key=_user_and_rule)


def _counted(
    snapshots: Sequence[StoredSnapshot], content: dict[str, Any], day: date
) -> list[tuple[_Line, list[str]]] | None:
    """Score a stored day again; None for stored data that cannot be read any more."""
    try:
        rulebook = Rulebook.from_json(content)
        lines = [
            (_line(card, line), keys_of(line.items))
            for card in (item.score(rulebook, day) for item in snapshots)
            for line in card.lines
        ]
    except UNREADABLE:
        return None
    return sorted(lines, key=_user_and_rule)


def _line(card: Scorecard, line: ScoreLine) -> _Line:
    return card.manager.crm_user, line.rule.id, line.outcome.value, line.points, line.value, line.bound


def _user_and_rule(found: tuple[_Line, Any]) -> tuple[str, str]:
    return found[0][:2]
