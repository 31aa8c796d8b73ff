"""Keep when runs counted deals as won or lost, so that the same deal counts once in 14 days (docs/product.md §19)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.earlier_runs import CLOSED_AGAIN_DAYS
from scoring.kpis import DEALS_LOST, DEALS_WON, LOST_WITHOUT_REASON, WON_AMOUNT
from scoring.records import DealState
from scoring.snapshot import evidence_of
from storage.db.models import ClosedDealRecord, RunRecord, TeamRecord
from storage.values import RunState, StoredSnapshot

CLOSED_BY: Mapping[DealState, tuple[str, ...]] = {
    DealState.WON: (DEALS_WON, WON_AMOUNT),
    DealState.LOST: (DEALS_LOST, LOST_WITHOUT_REASON),
}
"""KPIs that count a deal as closed, by state."""
LONGEST_WINDOWS = 14
"""Days that two windows may span together, holidays included."""


def closed_in(snapshots: Iterable[StoredSnapshot]) -> dict[tuple[str, str], datetime]:
    """Collect the instants of the wins and losses that snapshots count, by state and deal."""
    found: dict[tuple[str, str], datetime] = {}
    for state, deal, at in _counted(snapshots):
        found[state, deal] = max(at, found.get((state, deal), at))
    return found


def _counted(snapshots: Iterable[StoredSnapshot]) -> Iterator[tuple[str, str, datetime]]:
    """Iterate over state, deal and instant; of a doubtful value what counted for certain."""
    for item in snapshots:
        readings = item.snapshot.readings
        for state, kpis in CLOSED_BY.items():
            for kpi in readings.keys() & set(kpis):
                for each in evidence_of(readings[kpi]):
                    if each.since is not None:
                        yield state.value, each.id, each.since


async def note_closed(session: AsyncSession, run_id: int, snapshots: Iterable[StoredSnapshot]) -> None:
    """Note the wins and losses of a run anew, as the snapshots count them now."""
    await session.execute(delete(ClosedDealRecord).where(ClosedDealRecord.run_id == run_id))
    rows = [
        {"run_id": run_id, "state": state, "deal": deal, "at": at}
        for (state, deal), at in sorted(closed_in(snapshots).items())
    ]
    if rows:
        await session.execute(insert(ClosedDealRecord), rows)


async def load_closed(
    session: AsyncSession, days: Mapping[str, tuple[date, datetime]]
) -> dict[str, dict[DealState, dict[str, datetime]]]:
    """Load by team when deals were counted as closed before a day with a cutoff.

    The search goes as far back as 14 days before the window before may reach.
    """
    if not days:
        return {}
    since = {team: cutoff - timedelta(days=CLOSED_AGAIN_DAYS + LONGEST_WINDOWS) for team, (_, cutoff) in days.items()}
    rows = await session.execute(
        select(TeamRecord.key, RunRecord.day, RunRecord.cutoff, ClosedDealRecord)
        .join(RunRecord, RunRecord.id == ClosedDealRecord.run_id)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(
            TeamRecord.key.in_(list(days)),
            RunRecord.state == RunState.FINISHED.value,
            RunRecord.day < max(day for day, _ in days.values()),
            RunRecord.cutoff >= min(since.values()),
        )
    )
    closed: dict[str, dict[DealState, dict[str, datetime]]] = {
        team: {state: {} for state in CLOSED_BY} for team in days
    }
    for team, day, cutoff, row in rows:
        if day < days[team][0] and cutoff >= since[team]:
            of_state = closed[team][DealState(row.state)]
            of_state[row.deal] = max(row.at, of_state.get(row.deal, row.at))
    return closed
