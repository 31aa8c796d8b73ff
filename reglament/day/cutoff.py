"""Run a business day from the cutoff to the messages, top to bottom (docs/product.md §5, docs/architecture.md).

The unit of work is a connection and a cutoff: all teams of the connection share a single read of the CRM; claim,
snapshots and ledger stay per team. Every step may be repeated by any process at any time: a finished day stays as
written.
"""

from __future__ import annotations

import structlog

from reglament.day.claims import TeamDay, TeamResult, claim_day, renewed_leases
from reglament.day.departures import add_departed, load_departed, release_departed
from reglament.day.due import DueCutoff
from reglament.day.members import load_rosters
from reglament.day.read import read_sheets
from reglament.day.settle import settle
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
    claims = [
        await claim_day(process, key, due.day, manual_instant=manual_instant, ignore_retry_time=ignore_retry_time)
        for key in due.teams
    ]
    days = [claim for claim in claims if isinstance(claim, TeamDay)]
    results = [claim for claim in claims if isinstance(claim, TeamResult)]
    if not days:
        return results
    with structlog.contextvars.bound_contextvars(connection=due.connection, day=due.day.isoformat()):
        async with renewed_leases(process.db, days):
            unread = [day for day in days if day.unread_kpis]
            rosters = await load_rosters(process, due, unread)
            sheets = await load_sheets(process, unread, rosters)
            departed = await load_departed(process, sheets)
            reading = await read_sheets(process.connections, due.connection, add_departed(sheets, departed))
            reading = await release_departed(process, reading, sheets, departed)
            return results + [await settle(process, day, rosters, reading, last_attempt=last_attempt) for day in days]
