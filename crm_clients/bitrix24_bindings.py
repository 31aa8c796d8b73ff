"""What Bitrix24's deals are bound to as a further object: a list of activities shows their owners alone.

It is asked for the deals that seem to have nothing planned (crm-apis.md §1.1), many in one command. Whether a portal
takes several bindings for "any of them" its documentation leaves open, so a question with a known answer goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from crm_clients.bitrix24_api import COMMANDS
from crm_clients.bitrix24_job import DEAL, Job, Once, problem_of
from crm_clients.bitrix24_lists import Listing
from crm_clients.bitrix24_tasks import SELECT, WHAT_ACTIVITIES, TaskReader
from crm_clients.bitrix24_values import Row, identity, number, rows_of, stamp
from scoring.records import RecordKind, Task

GROUP = 40
"""Deals that one command asks about where few are expected to be bound to anything."""
NOBODY = 2**31 - 1
"""A deal that does not exist."""
OPEN: Row = {"COMPLETED": "N"}

Tell = Callable[[tuple[int, ...], Sequence[Row]], None]
"""Is told which deals were asked about, and what was found."""


class _Bound(Listing):
    """What is bound to any of some deals. Written out only when it is asked for: there may be a thousand of them."""

    def __init__(self, deals: tuple[int, ...], condition: Row, fold: Callable[[Sequence[Row]], Iterator[Task]]) -> None:
        params = {"filter": condition, "select": SELECT}
        super().__init__("crm.activity.list", params, fold, what=WHAT_ACTIVITIES, group=RecordKind.TASKS)
        self._deals = deals

    def _page(self, after: str) -> dict[str, Any]:
        page = super()._page(after)
        page["filter"]["BINDINGS"] = [{"OWNER_TYPE_ID": DEAL, "OWNER_ID": deal} for deal in self._deals]
        return page


class BindingReader:
    """Finds the next steps of deals that own none."""

    def __init__(self, job: Job, tasks: TaskReader) -> None:
        self._job, self._tasks = job, tasks
        self._told: set[int] = set()
        """Activities of which all deals were handed over."""

    async def read(self, deals: Sequence[int]) -> str:
        """Hand over what the deals are bound to; why not all could be asked, or nothing."""
        if not deals:
            return ""
        since = self._tasks.done_since()
        return await self._open_steps(deals, since) or problem_of(since) or await self._done_steps(deals)

    async def _open_steps(self, deals: Sequence[int], since: Sequence[Listing]) -> str:
        if len(deals) <= COMMANDS or not self._tasks.owner:
            asked = [*self._by_deal(deals, OPEN), *since]
            await self._job.read(asked)
            return problem_of(asked)
        found: dict[int, Row] = {}
        suspects: list[int] = []
        understood: list[bool] = []

        def note(group: tuple[int, ...], rows: Sequence[Row]) -> None:
            suspects.extend(group)
            found.update((number(row["ID"]), row) for row in rows)

        groups = [tuple(deals[start : start + GROUP]) for start in range(0, len(deals), GROUP)]
        control = self._bound((NOBODY, self._tasks.owner), OPEN, lambda *_: understood.append(True))
        asked = [*(self._bound(group, OPEN, note) for group in groups), *since]
        await self._job.read([control, *asked])
        if problem := problem_of(asked):
            return problem
        if understood and await self._told_by_activity(found | self._few_done(deals)):
            return ""
        return await self._told_by_deal(suspects if understood else deals, OPEN)

    def _few_done(self, deals: Sequence[int]) -> dict[int, Row]:
        """What has been done since the cutoff, unless asking deal by deal asks less."""
        done = {key: row for key, row in self._tasks.done.items() if key not in self._told}
        return done if len(done) <= len(deals) else {}

    async def _done_steps(self, deals: Sequence[int]) -> str:
        if self._told.issuperset(self._tasks.done) or await self._told_by_activity(self._few_done(deals)):
            return ""
        return await self._told_by_deal(
            deals, {"COMPLETED": "Y", ">=LAST_UPDATED": stamp(self._job.request.window.cutoff)}
        )

    async def _told_by_activity(self, found: Mapping[int, Row]) -> bool:
        """Hand over activities with all deals they are bound to; False if the portal does not tell of any."""
        asked = {
            key: Once("crm.activity.binding.list", {"activityId": key}, what="bindings", group=RecordKind.TASKS)
            for key in found
        }
        await self._job.read(list(asked.values()))
        if not asked or any(once.problem for once in asked.values()):
            return False
        for key, once in asked.items():
            bound = [row for row in rows_of(once.value) if number(row.get("entityTypeId")) == DEAL]
            deals = frozenset(identity(row.get("entityId")) for row in bound)
            await self._job.stream.give([self._tasks.task(found[key], deals)])
        self._told |= found.keys()
        return True

    async def _told_by_deal(self, deals: Iterable[int], condition: Row) -> str:
        asked = list(self._by_deal(deals, condition))
        await self._job.read(asked)
        return problem_of(asked)

    def _by_deal(self, deals: Iterable[int], condition: Row) -> Iterator[Listing]:
        return (self._bound((deal,), condition, None) for deal in deals)

    def _bound(self, deals: tuple[int, ...], condition: Row, tell: Tell | None) -> Listing:
        """Asks what is bound to any of the deals; without `tell` there is one, and what is found covers it."""

        def fold(rows: Sequence[Row]) -> Iterator[Task]:
            steps = [row for row in rows if self._tasks.is_step(row)]
            if steps and tell is not None:
                tell(deals, steps)
            elif steps:
                yield from (self._tasks.task(row, frozenset({str(deals[0])})) for row in steps)

        return _Bound(deals, condition, fold)
