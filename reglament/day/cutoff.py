"""Run a business day from the cutoff to the messages, top to bottom (docs/product.md §5, docs/architecture.md).

The unit of work is a connection and a cutoff: all teams of the connection share a single read of the CRM; claim,
snapshots and ledger stay per team. Every step may be repeated by any process at any time: a finished day stays as
written. Whatever a client or the counting raises, the day is settled at its deadline, and no team's trouble touches
another team.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from reglament.day.claims import TeamDay, TeamResult, claim_days, renewed_leases
from reglament.day.departures import add_departed, complete_departed, load_departed
from reglament.day.due import DueCutoff
from reglament.day.guard import DATABASE_TROUBLE, crm_error
from reglament.day.members import ConnectionRosters, load_rosters, rosters_without_users
from reglament.day.read import ConnectionReading, read_sheets
from reglament.day.settle_surely import settle_surely
from reglament.day.tally_sheet import load_sheets
from reglament.process import Process


async def run_cutoff(
    process: Process,
    due: DueCutoff,
    *,
    manual_instant: bool = False,
    ignore_retry_time: bool = False,
    last_attempt: bool = False,
) -> list[TeamResult]:
    """Run the business day `due.day` of all teams of a connection with the same cutoff.

    `manual_instant` marks the run as scored with an instant set by hand (`--at`). `ignore_retry_time` does not wait
    for the retry time of a postponed run. `last_attempt` settles the day with the present reading instead of
    postponing.
    """
    claims = await _claim(process, due.teams, due, manual_instant=manual_instant, ignore_retry_time=ignore_retry_time)
    days = [claim for claim in claims if isinstance(claim, TeamDay)]
    results = [claim for claim in claims if isinstance(claim, TeamResult)]
    if not days:
        return results
    with structlog.contextvars.bound_contextvars(connection=due.connection, day=due.day.isoformat()):
        async with renewed_leases(process.db, days):
            return results + await _run_days(process, due, days, last_attempt=last_attempt)


async def _claim(
    process: Process, keys: Sequence[str], due: DueCutoff, *, manual_instant: bool, ignore_retry_time: bool
) -> list[TeamDay | TeamResult]:
    """Claim the day of teams together; after an exception one by one, and the exception is one team's result."""
    how = {"manual_instant": manual_instant, "ignore_retry_time": ignore_retry_time}
    try:
        return await claim_days(process, keys, due.day, **how)
    except DATABASE_TROUBLE:
        raise
    except Exception as caught:
        if len(keys) > 1:
            return [claim for key in keys for claim in await _claim(process, [key], due, **how)]
        problem = str(crm_error(caught, f"claim for {keys[0]}"))
        return [TeamResult(keys[0], due.day, problem=problem, failed=True)]


async def _run_days(
    process: Process, due: DueCutoff, days: Sequence[TeamDay], *, last_attempt: bool
) -> list[TeamResult]:
    """Read the connection once and settle each day; after an unforeseen exception read for each team alone.

    The second reading keeps a team's trouble away from the other teams.
    """
    try:
        rosters, reading = await _read(process, due, days)
    except DATABASE_TROUBLE:
        raise
    except Exception as caught:
        if len(days) > 1:
            return [
                result for day in days for result in await _run_days(process, due, [day], last_attempt=last_attempt)
            ]
        fault = crm_error(caught, f"day of {days[0].key}")
        rosters, reading = await rosters_without_users(process, days, fault), ConnectionReading()
    return [await settle_surely(process, day, rosters, reading, last_attempt=last_attempt) for day in days]


async def _read(
    process: Process, due: DueCutoff, days: Sequence[TeamDay]
) -> tuple[ConnectionRosters, ConnectionReading]:
    """Store who belongs to the teams, order the KPIs that `days` still lack, read them, and tell who left the CRM."""
    unread = [day for day in days if day.unread_kpis]
    rosters = await load_rosters(process, due, unread)
    sheets = await load_sheets(process, unread, rosters)
    departed = await load_departed(process, sheets)
    crm_rules = {day.key: day.run.rulebook.crm for day in unread}
    reading = await read_sheets(process.connections, due.connection, add_departed(sheets, departed), crm_rules)
    return rosters, await complete_departed(process, reading, sheets, departed)
