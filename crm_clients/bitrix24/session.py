"""Hold the state that the parts of a Bitrix24 read share: request, portal, deadline, and the way of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.bitrix24.api import Bitrix24Api, refused
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.lists import ListQuery, OffsetQuery, QueryProgress
from crm_clients.bitrix24.rows import DealRow, FunnelRow, PortalRow, StatusRow, owner_of, portal_row
from crm_clients.bitrix24.values import Row, is_yes, number
from crm_clients.errors import CrmError, CrmNonsense
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.rows import Sifted, sifted_rows
from scoring.records import DealState, Fact, RecordKind

LEAD, DEAL, CONTACT, COMPANY = 1, 2, 3, 4
PATHS = {LEAD: "lead", DEAL: "deal", CONTACT: "contact", COMPANY: "company"}
"""Paths of the pages of CRM objects on a portal, by Bitrix24's number of the kind of object."""

STATUS_PAGES = 4
"""Pages of stages asked for at once: the method tells sources, industries and other directories too."""
_STATES = {"S": DealState.WON, "F": DealState.LOST, "P": DealState.OPEN}
_STATES_BY_WORD = {
    "process": DealState.OPEN,
    "success": DealState.WON,
    "failure": DealState.LOST,
    "apology": DealState.LOST,
}


def state_of(semantics: Any) -> DealState | None:
    """Translate Bitrix24's letter for won, lost or in work."""
    return _STATES.get(str(semantics or ""))


@dataclass(slots=True)
class Stages:
    """Hold the meaning of the stages of all pipelines."""

    states: dict[str, DealState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    funnels: set[int] = field(default_factory=set)
    """Funnels that the portal shows to the webhook; empty where the portal does not tell."""
    _funnel_of: dict[str, int] = field(default_factory=dict)
    """By stage."""
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Place of a stage in the funnel, by stage."""

    def start(self, group: str) -> QueryProgress:
        """Begin to read the stages: crm.status.list knows the stages of every pipeline."""
        return OffsetQuery(
            method="crm.status.list",
            params={"order": {"ID": "ASC"}},
            fold=self._fold,
            row=StatusRow,
            what="stages",
            group=group,
            expected_pages=STATUS_PAGES,
        ).start()

    def start_funnels(self, group: str) -> QueryProgress:
        """Begin to read the funnels that the webhook's user may see."""
        return OffsetQuery(
            method="crm.category.list",
            params={"entityTypeId": DEAL},
            fold=self._fold_funnels,
            row=FunnelRow,
            what="funnels",
            group=group,
            key="id",
            rows_at="categories",
        ).start()

    @property
    def without_funnel(self) -> list[int]:
        """List the funnels that have stages and are not shown to the webhook."""
        return sorted(set(self._funnel_of.values()) - self.funnels) if self.funnels else []

    @property
    def order(self) -> dict[str, list[str]]:
        """List the stages of each funnel in the funnel's order."""
        order: dict[str, list[str]] = {str(funnel): [] for funnel in sorted(self.funnels)}
        for stage in sorted(self._places, key=self._places.__getitem__):
            order.setdefault(str(self._funnel_of[stage]), []).append(stage)
        return order

    def are_shown(self, row: DealRow) -> bool:
        """Tell whether people see an open deal: its stage exists, and the stage's funnel does (docs/crm/README.md)."""
        return row.stageId in self.names and (not self.funnels or self._funnel_of[row.stageId] in self.funnels)

    def _fold_funnels(self, rows: Sequence[FunnelRow]) -> tuple[()]:
        self.funnels.update(row.id for row in rows)
        return ()

    def _fold(self, rows: Sequence[StatusRow]) -> tuple[()]:
        for row in rows:
            if row.is_stage:
                stage = row.STATUS_ID
                state = state_of(row.SEMANTICS) or _STATES_BY_WORD.get(row.word)
                self._funnel_of[stage] = number(row.ENTITY_ID.removeprefix("DEAL_STAGE").removeprefix("_"))
                self._places[stage] = (row.SORT or 0, row.ID)
                self.names[stage] = clean_title(row.NAME or stage)
                if state is not None:
                    self.states[stage] = state
        return ()

    def of(self, row: DealRow) -> DealState | None:
        """Tell where a deal stands; None for a closed deal of an unknown stage, which may be won or lost.

        Of a stage whose meaning the portal does not tell, the row's own word counts, and only then whether it is
        closed.
        """
        state = self.states.get(row.stageId) or state_of(row.stageSemanticId)
        return state if state is not None or is_yes(row.closed) else DealState.OPEN


def place(owner_type: Any, owner: Any) -> str:
    """Name the page of the CRM object that an activity or a call hangs on; empty if there is none."""
    path = PATHS.get(number(owner_type))
    return f"crm/{path}/details/{number(owner)}/" if path and number(owner) else ""


@dataclass(slots=True)
class ReadSession:
    """Hold a read: the request, the portal, the deadline, and the stream that takes the facts."""

    api: Bitrix24Api
    config: Bitrix24Config
    memory: ClientMemory
    request: ReadRequest
    deadline: Deadline
    stream: Stream
    stages: Stages = field(default_factory=Stages)
    currency: str = ""
    """The portal's own currency, in which sums without a currency are; empty where the portal does not tell."""
    scheduler: BatchScheduler = field(init=False)

    def __post_init__(self) -> None:
        """Have pages folded where the facts are taken."""
        self.scheduler = BatchScheduler(self.api, self.deadline, self._take)

    def wants(self, *kpis: str) -> bool:
        """Tell whether any of the KPIs is asked for."""
        return not self.request.kpis.isdisjoint(kpis)

    def concerns(self, user: str) -> bool:
        """Tell whether the read is about this user; a hint that only saves work."""
        return not self.request.members or user in self.request.members

    async def fetch(self, lists: Sequence[QueryProgress]) -> None:
        """Read lists to the end; the rows are folded in turn, before the rows of any list read later.

        Raises CrmRefused where the portal refuses everything.
        """
        await self.scheduler.read(lists)
        _raise_refusal(lists)

    async def read(self, lists: Sequence[QueryProgress]) -> None:
        """Read lists to the end and have every row folded. Raises as `fetch`."""
        await self.fetch(lists)
        await self.stream.drained()

    async def read_filler(self, lists: Sequence[QueryProgress]) -> None:
        """Read the rest of the scheduler's filler, which `lists` are, as `read` does."""
        await self.scheduler.finish()
        await self.stream.drained()
        _raise_refusal(lists)

    async def _take(self, progress: QueryProgress, rows: Sequence[Row]) -> None:
        await self.stream.put(partial(_folded, progress, rows, self.api.clock.now()))


def _raise_refusal(lists: Sequence[QueryProgress]) -> None:
    for progress in lists:
        if progress.problem is not None and refused(progress.problem):
            raise progress.problem


def _folded(progress: QueryProgress, rows: Sequence[Row], now: datetime) -> Iterable[Fact]:
    """Make the page's facts; a row of an undocumented form fails the list, never the whole read."""
    with rows_checked(progress):
        if progress.problem is None:
            sifted = _sifted(progress.query, rows, now)
            noted = list(progress.query.fold(sifted.rows))
            facts = noted if progress.query.make is None else _made(progress, noted)
            return chain(sifted.unreadable, facts) if sifted.unreadable else facts
    return ()


def _sifted(query: ListQuery, rows: Sequence[Row], now: datetime) -> Sifted[Any]:
    """Decode the rows of a page. Raises MalformedRow for a bad row of nobody known."""
    if query.row is None:
        return Sifted(list(rows))
    row_type, check = query.row, query.check

    def convert(raw: Row) -> PortalRow:
        row = portal_row(raw, row_type, query.what, now)
        if check is not None:
            check(row)
        return row

    owner = query.owner or row_type.owner
    if not owner:
        return Sifted([convert(row) for row in rows])
    return sifted_rows(rows, convert, query.what, RecordKind(query.group), owner_of(owner))


def _made(progress: QueryProgress, noted: Sequence[Any]) -> Iterator[Fact]:
    with rows_checked(progress):
        if progress.query.make is not None:
            yield from progress.query.make(noted)


@contextmanager
def rows_checked(progress: QueryProgress) -> Iterator[None]:
    """Make an error in a row a problem of the row's list."""
    try:
        yield
    except CrmError as error:
        progress.problem = error
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        progress.problem = CrmNonsense(f"{progress.query.what}: a row of an unexpected form ({type(error).__name__})")
