"""Read a CRM connection once and fold the facts into the tallies of all teams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial, reduce

from crm_clients.base import CrmClient, ReadRequest
from crm_clients.errors import (
    ClientFault,
    CrmError,
    CrmNonsense,
    CrmRefused,
    CrmUnavailable,
    RightsMissing,
)
from reglament.connections import Connections
from reglament.day.guard import crm_error
from reglament.day.missing import unread_snapshot
from reglament.day.time_limit import ended_in_time
from reglament.gc_tuning import no_full_collection
from scoring.kpi import Scope
from scoring.records import Completed, Fact, Failed, RecordKind
from scoring.rules import CrmCounting
from scoring.snapshot import Cause, NotRead, Snapshot
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window


@dataclass(frozen=True, slots=True)
class ConnectionReading:
    """Hold the snapshots of a read by team, with requests, seconds and the error that ended the read early."""

    snapshots: Mapping[str, tuple[Snapshot, ...]] = field(default_factory=dict)
    requests: int = 0
    seconds: float = 0.0
    error: CrmError | None = None
    faults: Mapping[str, CrmError] = field(default_factory=dict)
    """By team: the error that ended the counting for this team alone."""

    def error_of(self, team: str) -> CrmError | None:
        """Return the error that concerns a team."""
        return self.faults.get(team, self.error)

    def join(self, other: ConnectionReading) -> ConnectionReading:
        """Join the readings of different teams of a connection."""
        return ConnectionReading(
            {**self.snapshots, **other.snapshots},
            self.requests + other.requests,
            self.seconds + other.seconds,
            self.error or other.error,
            {**self.faults, **other.faults},
        )

    @property
    def problem(self) -> str:
        """Say in words why the read ended early; empty for a complete read."""
        return str(self.error) if self.error else ""


def is_refusal(error: CrmError | None) -> bool:
    """Tell whether the CRM refuses all answers until a person acts, so that asking again makes matters worse."""
    return isinstance(error, CrmRefused) and not isinstance(error, RightsMissing)


_CAUSES: tuple[tuple[type[CrmError], str], ...] = (
    (RightsMissing, "rights"),
    (CrmRefused, "refused"),
    (CrmUnavailable, "unavailable"),
    (CrmNonsense, "nonsense"),
    (ClientFault, "fault"),
)
"""Kinds of errors, the particular before the general, with the ends of the text keys `problem-…`."""


def cause_of(error: CrmError | None) -> str:
    """Name the kind of an error, for which people read what to do next; empty without an error."""
    return next((cause for kind, cause in _CAUSES if isinstance(error, kind)), "")


async def read_sheets(
    connections: Connections,
    connection: str,
    sheets: Mapping[str, TallySheet],
    crm_rules: Mapping[str, CrmCounting | None],
) -> ConnectionReading:
    """Read a connection once for `sheets` (by team) within the connection's time limit; no sheets, no read.

    `crm_rules` is what the rulebook of each team's day says of the connection. Teams that differ there (in the days
    after a change, if their windows began at different instants), or in the cutoff, are read one after another.
    """
    together: dict[tuple[datetime, CrmCounting | None], dict[str, TallySheet]] = {}
    for team, sheet in sheets.items():
        together.setdefault((sheet.window.cutoff, crm_rules[team]), {})[team] = sheet
    readings = [
        await read_connection(
            connections.client_for(connection, each),
            part,
            timeout_seconds=connections.timeout(connection),
            shift=connections.shift(connection),
        )
        for (_, each), part in together.items()
    ]
    return reduce(ConnectionReading.join, readings, ConnectionReading())


async def read_connection(
    crm: CrmClient, sheets: Mapping[str, TallySheet], *, timeout_seconds: float, shift: timedelta = timedelta(0)
) -> ConnectionReading:
    """Read once the records that all `sheets` (by team) need and count KPIs.

    Raises nothing that a client or the counting raises: the KPIs of an unfinished kind of record are then not read.
    `shift` is the distance of the instant taken for now from the clock (`--at`): lateness is measured against the
    shifted instant.
    """
    with no_full_collection():
        return await _read(crm, sheets, timeout_seconds, shift)


async def _read(
    crm: CrmClient, sheets: Mapping[str, TallySheet], timeout_seconds: float, shift: timedelta
) -> ConnectionReading:
    tallies = _Tallies({team: Tally(sheet, crm.capabilities, crm.link) for team, sheet in sheets.items()})
    request = _request(sheets.values())
    before, started = crm.stats.requests, time.monotonic()
    error: CrmError | None = None
    try:
        await ended_in_time(partial(tallies.fold, crm, request, shift), timeout_seconds, "records")
    except CrmError as caught:
        error = caught
        tallies.end(request, caught)
    return ConnectionReading(
        {team: await tallies.snapshots(team, sheet) for team, sheet in sheets.items()},
        crm.stats.requests - before,
        time.monotonic() - started,
        error,
        tallies.faults,
    )


@dataclass(slots=True)
class _Tallies:
    """Fold facts into the tallies of all teams; an exception ends the counting of its own team alone."""

    tallies: dict[str, Tally]
    faults: dict[str, CrmError] = field(default_factory=dict)
    _completed: set[RecordKind] = field(default_factory=set)
    _is_over: bool = False

    async def fold(self, crm: CrmClient, request: ReadRequest, shift: timedelta) -> None:
        """Fold the facts of a read, as long as the read is not over."""
        async for fact in crm.read(request):
            if self._is_over:
                return
            if isinstance(fact, Completed):
                self._completed.add(fact.kind)
                fact = Completed(fact.kind, fact.started_at + shift)  # noqa: PLW2901
            self.add(fact)

    def end(self, request: ReadRequest, error: CrmError) -> None:
        """End a read early: kinds of record that are not complete have failed, and what comes later counts nowhere."""
        self._is_over = True
        for kind in request.kinds - self._completed:
            self.add(Failed(kind, str(error), error.cause))

    def add(self, fact: Fact) -> None:
        """Fold a fact into every tally."""
        for team, tally in self.tallies.items():
            try:
                tally.add(fact)
            except Exception as caught:
                self.faults[team] = crm_error(caught, f"counting for {team}")
        if self.faults:
            self.tallies = {team: tally for team, tally in self.tallies.items() if team not in self.faults}

    async def snapshots(self, team: str, sheet: TallySheet) -> tuple[Snapshot, ...]:
        """Return the snapshots of a team; without data after an exception."""
        if team in self.tallies:
            try:
                return tuple(await asyncio.to_thread(self.tallies[team].snapshots))
            except Exception as caught:
                self.faults[team] = crm_error(caught, f"counting for {team}")
        reason = NotRead(Cause.INCOMPLETE, str(self.faults[team]))
        return tuple(unread_snapshot(manager, sheet.kpis, reason) for manager in sheet.members.values())


def _request(sheets: Iterable[TallySheet]) -> ReadRequest:
    """Join the sheets into a single request: the union of windows, KPIs and members."""
    every = list(sheets)
    return ReadRequest(
        window=reduce(Window.union, (sheet.window for sheet in every)),
        kpis=frozenset[str]().union(*(sheet.kpis for sheet in every)),
        members=frozenset[str]().union(*(sheet.members.keys() | sheet.aliases.keys() for sheet in every)),
        stale_days=max(
            Scope(sheet.window, sheet.zone, sheet.settings, sheet.calendar).stale_calendar_days for sheet in every
        ),
    )


def _scope(sheet: TallySheet) -> Scope:
    return Scope(sheet.window, sheet.zone, sheet.settings, sheet.calendar)
