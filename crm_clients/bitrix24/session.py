"""Hold the state that the parts of a Bitrix24 read share: request, portal, deadline, and the way of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.bitrix24.api import Bitrix24Api, refused
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.lists import OffsetQuery, QueryProgress
from crm_clients.bitrix24.values import Row, number
from crm_clients.errors import CrmError, CrmNonsense
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.pacing import Deadline
from scoring.records import DealState, Fact

LEAD, DEAL, CONTACT, COMPANY = 1, 2, 3, 4
PATHS = {LEAD: "lead", DEAL: "deal", CONTACT: "contact", COMPANY: "company"}
"""Paths of the pages of CRM objects on a portal, by Bitrix24's number of the kind of object."""

STATUS_PAGES = 4
"""Pages of stages asked for at once: the method tells sources, industries and other directories too."""
_STATES = {"S": DealState.WON, "F": DealState.LOST, "P": DealState.OPEN}
_STATES_BY_WORD = {"success": DealState.WON, "failure": DealState.LOST, "apology": DealState.LOST}


def state_of(semantics: Any) -> DealState | None:
    """Translate Bitrix24's letter for won, lost or in work."""
    return _STATES.get(str(semantics or ""))


@dataclass(slots=True)
class Stages:
    """Hold the meaning of the stages of all pipelines."""

    states: dict[str, DealState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def start(self, group: str) -> QueryProgress:
        """Begin to read the stages: crm.status.list knows the stages of every pipeline."""
        return OffsetQuery(
            method="crm.status.list",
            params={"order": {"ID": "ASC"}},
            fold=self._fold,
            what="stages",
            group=group,
            expected_pages=STATUS_PAGES,
        ).start()

    def _fold(self, rows: Sequence[Row]) -> tuple[()]:
        for row in rows:
            if not str(row.get("ENTITY_ID", "")).startswith("DEAL_STAGE"):
                continue
            stage, extra = str(row["STATUS_ID"]), row.get("EXTRA")
            word = str(extra.get("SEMANTICS") or "") if isinstance(extra, Mapping) else ""
            self.states[stage] = state_of(row.get("SEMANTICS")) or _STATES_BY_WORD.get(word, DealState.OPEN)
            self.names[stage] = str(row.get("NAME") or stage)
        return ()

    def of(self, row: Row) -> DealState | None:
        """Tell where a deal stands; None for a closed deal of an unknown stage, which may be won or lost."""
        state = self.states.get(str(row.get("stageId"))) or state_of(row.get("stageSemanticId"))
        if state is None and row.get("closed") not in (True, "Y", 1, "1"):
            return DealState.OPEN
        return state


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
        await self.stream.put(partial(_folded, progress, rows))


def _raise_refusal(lists: Sequence[QueryProgress]) -> None:
    for progress in lists:
        if progress.problem is not None and refused(progress.problem):
            raise progress.problem


def _folded(progress: QueryProgress, rows: Sequence[Row]) -> Iterable[Fact]:
    """Make the page's facts; a row of an undocumented form fails the list, never the whole read."""
    with rows_checked(progress):
        if progress.problem is None:
            noted = list(progress.query.fold(rows))
            return noted if progress.query.make is None else _made(progress, noted)
    return ()


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
