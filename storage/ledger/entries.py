"""Select ledger entries as values of `scoring`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from scoring.entries import Entry, EntryKind, Month, Side
from scoring.scorecard import Outcome
from storage.db.models import (
    LedgerRecord,
    ManagerRecord,
    ReasonRecord,
    RulebookRecord,
    RunRecord,
    SnapshotRecord,
    TeamRecord,
)
from storage.errors import NotFound, Refused
from storage.evidence.load import load_lists, load_rows
from storage.evidence.stored import keys_of

PORTION = 1000
"""Rows read at a time."""
_EVIDENCE = 14
"""Place of the evidence among the selected columns."""


async def entry(session: AsyncSession, team: str, seq: int) -> Entry:
    """Find one entry of a team's ledger. Raises NotFound."""
    rows = await select_entries(session, TeamRecord.key == team, LedgerRecord.seq == seq)
    if not rows:
        raise NotFound(f"the ledger of {team} has no entry {seq}")
    return rows[0]


async def select_entries(session: AsyncSession, *conditions: ColumnElement[bool], evidence: bool = True) -> list[Entry]:
    """Select entries in the order of the chain, in portions: other tasks need not wait for months of entries.

    Without `evidence` the keys are left out: boards and sums need none, and a month of keys is large.
    """
    old, row, run = aliased(LedgerRecord), LedgerRecord, RunRecord
    reversed_seq = select(old.seq).where(old.id == row.reverses_id).scalar_subquery()  # a join would read every team
    query = (
        select(
            row.seq, TeamRecord.key, row.kind, row.crm_user, ManagerRecord.name, row.day, row.booked_in, row.rule,
            row.kpi, row.outcome, row.points, row.side, row.value, row.bound, row.evidence if evidence else null(),
            RulebookRecord.version, reversed_seq, ReasonRecord.author, ReasonRecord.reason, row.created_at, row.hash,
            row.manager_id, run.id,
        )
        .join(TeamRecord, TeamRecord.id == row.team_id)
        .join(ManagerRecord, ManagerRecord.id == row.manager_id)
        .outerjoin(RulebookRecord, RulebookRecord.id == row.rulebook_id)
        .outerjoin(ReasonRecord, ReasonRecord.id == row.reason_id)
        .outerjoin(run, and_(run.team_id == row.team_id, run.day == row.day))
        .where(*conditions)
        .order_by(row.team_id, row.seq)
    )  # fmt: skip
    found: list[Entry] = []
    named: dict[int, tuple[int, int, str]] = {}
    rows: Any  # a portion
    for rows in (await session.execute(query)).partitions(PORTION):
        await asyncio.sleep(0)
        for *values, manager_id, run_id in rows:
            entry_ = _to_entry(*values)
            if isinstance(values[_EVIDENCE], dict) and run_id is not None:
                named[len(found)] = run_id, manager_id, entry_.kpi
            found.append(entry_)
    keys = await _load_keys(session, set(named.values()))
    for place, key in named.items():
        found[place] = replace(found[place], evidence=keys.get(key, ()))
    return found


async def _load_keys(
    session: AsyncSession, wanted: set[tuple[int, int, str]]
) -> dict[tuple[int, int, str], tuple[str, ...]]:
    """Load the evidence keys that entries commit to from the snapshots, by run, manager and KPI."""
    of_run: dict[int, set[int]] = defaultdict(set)
    for run_id, manager_id, _ in wanted:
        of_run[run_id].add(manager_id)
    kpis = {kpi for *_, kpi in wanted}
    found: dict[tuple[int, int, str], tuple[str, ...]] = {}
    for run_id, managers in of_run.items():
        rows = await load_rows(session, SnapshotRecord.run_id == run_id, SnapshotRecord.manager_id.in_(managers))
        for (_, manager_id), evidence in (await load_lists(session, rows, kpis)).items():
            found |= {
                (run_id, manager_id, kpi): tuple(keys_of(items))
                for kpi, items in evidence.items()
                if (run_id, manager_id, kpi) in wanted
            }
    return found


def _to_entry(  # the columns that `select_entries` names
    seq: int, team: str, kind: str, crm_user: str, name: str, day: date, booked_in: str, rule: str, kpi: str,
    outcome: str | None, points: int, side: str, value: Decimal | None, bound: Decimal | None, evidence: Any,
    version: str | None, reverses: int | None, author: str | None, reason: str | None, created_at: datetime, hash_: str,
) -> Entry:  # fmt: skip
    return Entry(
        seq=seq,
        team=team,
        kind=EntryKind(kind),
        crm_user=crm_user,
        name=name,
        day=day,
        booked_in=_month(booked_in),
        rule=rule,
        kpi=kpi,
        outcome=None if outcome is None else Outcome(outcome),
        points=points,
        side=Side(side),
        value=value,
        bound=bound,
        evidence=tuple(evidence) if isinstance(evidence, list) else (),
        rulebook=version or "",
        reverses=reverses,
        author=author or "",
        reason=reason or "",
        created_at=created_at,
        hash=hash_,
    )


@cache
def _month(text: str) -> Month:
    return Month.parse(text)


def is_hex(text: str) -> bool:
    """Tell whether a text is written with the digits of a hash."""
    return len(text) >= 4 and set(text.lower()) <= set("0123456789abcdef")


async def find_digest(session: AsyncSession, prefix: str) -> list[Entry]:
    """Find the entries whose hash begins with the digits of a digest. Raises Refused for other characters."""
    if not is_hex(prefix):
        raise Refused("a digest is written with the digits 0-9 and a-f, at least four of them")
    return await select_entries(session, func.substr(LedgerRecord.hash, 1, len(prefix)) == prefix.lower())
