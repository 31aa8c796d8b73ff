"""What the parts of one Bitrix24 read share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.bitrix24.api import Bitrix24Api, Reply, command, refused
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.lists import KeysetQuery, OffsetQuery
from crm_clients.bitrix24.values import Row, number
from crm_clients.errors import CrmError, CrmNonsense
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.http import Deadline
from scoring.records import DealState, Fact

LEAD, DEAL, CONTACT, COMPANY = 1, 2, 3, 4
PATHS = {LEAD: "lead", DEAL: "deal", CONTACT: "contact", COMPANY: "company"}
"""Bitrix24's numbers for kinds of CRM objects, and where their pages are."""

_STATES = {"S": DealState.WON, "F": DealState.LOST, "P": DealState.OPEN}


def state_of(semantics: Any) -> DealState | None:
    """Won, lost or in work, by the letter that Bitrix24 has for it."""
    return _STATES.get(str(semantics or ""))


class SingleCall(KeysetQuery):
    """A method that answers with one thing."""

    def __init__(self, method: str, params: Mapping[str, Any], *, what: str, group: str = "") -> None:
        super().__init__(method, params, lambda _rows: (), what=what, group=group)
        self.value: Any = None

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """The one command."""
        return {f"{name}p0": command(self.method, self.params)}

    def accept(self, replies: Mapping[str, Reply]) -> Iterable[Sequence[Row]]:  # type: ignore[override]
        """Keep the answer."""
        for reply in replies.values():
            if reply.error is not None or not reply.known:
                self._failed(reply)
            else:
                self.value, self.over = reply.value, True
        return ()


@dataclass(slots=True)
class Stages:
    """What the stages of all pipelines mean."""

    states: dict[str, DealState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def listing(self, group: str) -> KeysetQuery:
        """Reads them: crm.status.list knows those of every pipeline."""
        return OffsetQuery("crm.status.list", {"order": {"ID": "ASC"}}, self._fold, what="stages", group=group)

    def _fold(self, rows: Sequence[Row]) -> tuple[()]:
        for row in rows:
            if not str(row.get("ENTITY_ID", "")).startswith("DEAL_STAGE"):
                continue
            stage, extra = str(row["STATUS_ID"]), row.get("EXTRA")
            said = str(extra.get("SEMANTICS") or "") if isinstance(extra, Mapping) else ""
            by_word = {"success": DealState.WON, "failure": DealState.LOST, "apology": DealState.LOST}
            self.states[stage] = state_of(row.get("SEMANTICS")) or by_word.get(said, DealState.OPEN)
            self.names[stage] = str(row.get("NAME") or stage)
        return ()

    def of(self, row: Row) -> DealState | None:
        """Where a deal stands; None: closed, but nobody says whether won or lost."""
        state = self.states.get(str(row.get("stageId"))) or state_of(row.get("stageSemanticId"))
        if state is None and row.get("closed") not in (True, "Y", 1, "1"):
            return DealState.OPEN
        return state


def place(owner_type: Any, owner: Any) -> str:
    """The page of the CRM object that an activity or a call hangs on; empty if there is none."""
    path = PATHS.get(number(owner_type))
    return f"crm/{path}/details/{number(owner)}/" if path and number(owner) else ""


@dataclass(slots=True)
class ReadSession:
    """One read: what is asked, of which portal, until when, and where the facts go."""

    api: Bitrix24Api
    config: Bitrix24Config
    memory: ClientMemory
    request: ReadRequest
    deadline: Deadline
    stream: Stream
    stages: Stages = field(default_factory=Stages)
    lists: BatchScheduler = field(init=False)

    def __post_init__(self) -> None:
        """Listings are folded where the facts are taken."""
        self.lists = BatchScheduler(self.api, self.deadline, self._take)

    def wants(self, *kpis: str) -> bool:
        """Whether any of them is asked for."""
        return not self.request.kpis.isdisjoint(kpis)

    def concerns(self, user: str) -> bool:
        """Whether anybody asks about this user; a hint saves work only."""
        return not self.request.members or user in self.request.members

    async def fetch(self, listings: Sequence[KeysetQuery]) -> None:
        """Read them to their ends; their rows are folded in their turn, before those of whatever is read later.

        The longest come last: they fill whatever room the others leave in a request. Raises CrmRefused where the portal
        refuses everything.
        """
        await self.lists.read(sorted(listings, key=lambda listing: listing.want))
        _not_refused(listings)

    async def read(self, listings: Sequence[KeysetQuery]) -> None:
        """Read them to their ends and have every row folded, if not yet made. Raises as `fetch`."""
        await self.fetch(listings)
        await self.stream.drained()

    async def read_rest(self, listings: Sequence[KeysetQuery]) -> None:
        """Read those to their ends that were `lists.beside` the others, as `read` does."""
        await self.lists.finish()
        await self.stream.drained()
        _not_refused(listings)

    async def _take(self, listing: KeysetQuery, rows: Sequence[Row]) -> None:
        await self.stream.put(partial(_folded, listing, rows))


def _not_refused(listings: Sequence[KeysetQuery]) -> None:
    for listing in listings:
        if listing.problem is not None and refused(listing.problem):
            raise listing.problem


def _folded(listing: KeysetQuery, rows: Sequence[Row]) -> Iterable[Fact]:
    """The page's facts; a row of a form that nothing documents fails its listing, never the whole read."""
    with sound(listing):
        if listing.problem is None:
            noted = list(listing.fold(rows))
            return noted if listing.make is None else _made(listing, listing.make, noted)
    return ()


def _made(listing: KeysetQuery, make: Callable[[Any], Iterable[Fact]], noted: Sequence[Any]) -> Iterator[Fact]:
    with sound(listing):
        yield from make(noted)


@contextmanager
def sound(listing: KeysetQuery) -> Iterator[None]:
    """What is wrong with a row is a problem of its listing."""
    try:
        yield
    except CrmError as error:
        listing.problem = error
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        listing.problem = CrmNonsense(f"{listing.what}: a row of an unexpected form ({type(error).__name__})")


def problem_of(listings: Iterable[KeysetQuery]) -> str:
    """Why some of them could not be read in full; empty if all were."""
    return next((str(listing.problem) for listing in listings if listing.problem is not None), "")
