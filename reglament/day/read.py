"""One read of a CRM connection, folded into the tallies of all teams that ask (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce

from crm_clients.base import CrmClient, ReadRequest
from crm_clients.errors import CrmError, CrmRefused, DeadlineExceeded, RightsMissing
from reglament.gc_tuning import no_full_collection
from scoring.records import Completed, Failed
from scoring.snapshot import Cause, Manager, NotAvailable, NotRead, Reading, Snapshot
from scoring.tally import Tally, TallySheet
from scoring.workdays import Window

GRACE_SECONDS = 30.0
"""A client holds its own deadline; this much later the read is ended from outside."""


@dataclass(frozen=True, slots=True)
class ConnectionReading:
    """What one read gave, by team."""

    snapshots: Mapping[str, tuple[Snapshot, ...]]
    requests: int
    seconds: float
    problem: str = ""
    """Why the read ended early, for people."""
    refused: bool = False
    """The CRM refuses us until somebody acts: asking again makes it worse."""


async def read_connection(
    crm: CrmClient, sheets: Mapping[str, TallySheet], *, timeout_seconds: float, shift: timedelta = timedelta(0)
) -> ConnectionReading:
    """Read once what all `sheets` (by team) need, and count it. Never raises CrmError: a KPI is then not read.

    `shift` is how far the instant taken for now is from the clock (`--at`): lateness is measured against it.
    """
    with no_full_collection():
        return await _read(crm, sheets, timeout_seconds, shift)


async def _read(
    crm: CrmClient, sheets: Mapping[str, TallySheet], timeout_seconds: float, shift: timedelta
) -> ConnectionReading:
    tallies = {team: Tally(sheet, crm.capabilities, crm.link) for team, sheet in sheets.items()}
    request = _request(sheets.values())
    before, started = crm.stats.requests, time.monotonic()
    error: CrmError | None = None
    completed = set()
    try:
        async with asyncio.timeout(timeout_seconds + GRACE_SECONDS):
            async for fact in crm.read(request):
                if isinstance(fact, Completed):
                    completed.add(fact.kind)
                    fact = Completed(fact.kind, fact.started_at + shift)  # noqa: PLW2901
                for tally in tallies.values():
                    tally.add(fact)
    except CrmError as caught:
        error = caught
    except TimeoutError:
        error = DeadlineExceeded("the CRM did not answer in the time that is set for a read")
    problem = str(error) if error else ""
    if error:
        for kind in request.kinds - completed:
            for tally in tallies.values():
                tally.add(Failed(kind, problem))
    return ConnectionReading(
        {team: tuple(await asyncio.to_thread(tally.snapshots)) for team, tally in tallies.items()},
        crm.stats.requests - before,
        time.monotonic() - started,
        problem,
        isinstance(error, CrmRefused) and not isinstance(error, RightsMissing),
    )


def _request(sheets: Iterable[TallySheet]) -> ReadRequest:
    every = list(sheets)
    return ReadRequest(
        window=reduce(Window.union, (sheet.window for sheet in every)),
        kpis=frozenset[str]().union(*(sheet.kpis for sheet in every)),
        members=frozenset[str]().union(*(sheet.members.keys() | sheet.aliases.keys() for sheet in every)),
        stale_days=max(sheet.settings.stale_days for sheet in every),
    )


def unreadable(manager: Manager, kpis: Iterable[str], cause: Cause, detail: str = "") -> Snapshot:
    """The snapshot of somebody for whom nothing could be read."""
    return Snapshot(manager, {key: NotRead(cause, detail) for key in kpis})


def still_missing(snapshots: Iterable[Snapshot]) -> tuple[str, ...]:
    """KPIs that a further attempt could still give: not read in full for somebody."""
    return tuple(
        sorted(
            {
                key
                for snapshot in snapshots
                for key, reading in snapshot.readings.items()
                if isinstance(reading, NotRead) and reading.cause in (Cause.INCOMPLETE, Cause.RIGHTS)
            }
        )
    )


WORDS = {
    Cause.INCOMPLETE: "the CRM did not give all of it in time",
    Cause.LATE: "read too late after the cutoff, and this CRM does not tell how it was then",
    Cause.CHANGED: "changed after the cutoff in a field without history",
    Cause.UNKNOWN_USER: "the CRM does not know this user",
    Cause.RIGHTS: "the key may not see it",
    Cause.NOT_ASKED: "was not read",
}


def missing(snapshots: Iterable[Snapshot]) -> dict[str, str]:
    """Why KPIs are absent: for everybody, or for whom (the `missing` of the JSON output)."""
    every = list(snapshots)
    reasons: dict[str, dict[str, list[str]]] = {}
    for snapshot in every:
        for key, reading in snapshot.readings.items():
            text = _why(reading)
            if text:
                reasons.setdefault(key, {}).setdefault(text, []).append(snapshot.manager.crm_user)
    return {
        key: "; ".join(
            text if len(users) == len(every) else f"{text} ({', '.join(users)})" for text, users in by.items()
        )
        for key, by in reasons.items()
    }


def _why(reading: Reading) -> str:
    if isinstance(reading, NotAvailable):
        return "not available in this CRM"
    if isinstance(reading, NotRead):
        return f"{WORDS[reading.cause]}: {reading.detail}" if reading.detail else WORDS[reading.cause]
    return ""
