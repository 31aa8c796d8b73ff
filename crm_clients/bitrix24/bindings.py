"""Find the next steps to which Bitrix24's deals are bound, but which another object owns.

A list of activities shows owners only.

The bindings of deals that seem to have no next step are asked for many deals in a command, and the answer does not tell
which deal was meant. So the deals are laid out in squares and asked about by row and by column: the row and the column
in which an activity is found name the deal. An activity found in several rows is asked for the activity's own bindings.

Whether a portal takes several bindings for "any of them" is not documented, so a question with a known answer goes
along (`docs/crm/bitrix24.md`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import product
from math import isqrt
from typing import Any

from crm_clients.bitrix24.api import COMMANDS
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress, problem_of, single_call
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import ActivityRow, BindingRow, portal_row
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.tasks import WHAT_ACTIVITIES, TaskReader
from crm_clients.bitrix24.values import Row, rows_of, stamp
from crm_clients.errors import CrmError, CrmNonsense
from scoring.records import RecordKind, Task

SIDE = 240
"""Deals that a command asks about at most: PHP reads a thousand parameters of a query, a server a MB of a request."""
NOBODY = 2**31 - 1
"""A deal that does not exist, nor does the deal before."""
OPEN: Row = {"COMPLETED": "N"}
CLOCKS = timedelta(minutes=1)
"""The portal's may be behind ours."""

Fold = Callable[[Sequence[ActivityRow]], Iterable[Task]]


def bound_to(deals: Callable[[], Sequence[int]], condition: Row, fold: Fold) -> QueryProgress:
    """Begin to read the activities bound to any of some deals; the thousand parameters are written when asked."""

    def params() -> Mapping[str, Any]:
        bindings = [{"OWNER_TYPE_ID": DEAL, "OWNER_ID": deal} for deal in deals()]
        return {"filter": {**condition, "BINDINGS": bindings}, "select": ActivityRow.select()}

    return KeysetQuery(
        method="crm.activity.list",
        params=params,
        fold=fold,
        row=ActivityRow,
        what=WHAT_ACTIVITIES,
        group=RecordKind.TASKS,
    ).start()


class GroupTesting:
    """Lay deals out in squares, so that a row and a column name a deal.

    Rows and columns are numbered through all squares.
    """

    def __init__(self, deals: Sequence[int]) -> None:
        self._deals = deals
        self.side = min(SIDE, isqrt(max(0, len(deals) - 1)) + 1)
        """Deals of a row, and of a column."""
        squares = -(-len(deals) // self.side**2)
        self.lines = squares * self.side
        """Number of rows, and of columns."""

    def row(self, line: int) -> Sequence[int]:
        """List the deals of a row."""
        return self._deals[line * self.side : (line + 1) * self.side]

    def column(self, line: int) -> Sequence[int]:
        """List the deals of a column."""
        square, column = divmod(line, self.side)
        size = self.side**2
        return self._deals[square * size + column : (square + 1) * size : self.side]

    def deal_at(self, row: int, column: int) -> int | None:
        """Name the deal of a row and a column; None where the two do not cross."""
        place = row * self.side + column % self.side
        crosses = row // self.side == column // self.side and place < len(self._deals)
        return self._deals[place] if crosses else None


class BindingLookup:
    """Find the activities that some deals without a next step of their own are bound to.

    The `lists` are read with others; then `settle` ends the lookup.
    """

    def __init__(self, session: ReadSession, tasks: TaskReader, deals: Sequence[int]) -> None:
        self._session, self._tasks, self.deals = session, tasks, deals
        self._began = session.api.clock.now() - CLOCKS
        self._groups = GroupTesting(deals)
        self._found: dict[int, ActivityRow] = {}
        self._rows: dict[int, set[int]] = defaultdict(set)
        self._columns: dict[int, set[int]] = defaultdict(set)
        """By activity, the lines in which the activity was found."""
        self._handed: set[int] = set()
        """Activities of which all deals were handed over."""
        self._understood = False
        self._in_groups = len(deals) > COMMANDS and bool(tasks.covered_deal)
        self.done = tasks.done_since()
        """Activities done since the cutoff, asked after the next steps of each deal, which may have been done
        meanwhile.
        """
        self._asked = [*(self._by_group() if self._in_groups else self._by_deal(deals, OPEN)), *self.done]
        self.lists = [*([self._control()] if self._in_groups else []), *self._asked]

    async def settle(self) -> CrmError | None:
        """Hand over the activities found; return the problem if not all could be asked."""
        # What was done was asked after all the rest, unless that took another request.
        later = self._tasks.done_since() if any(progress.in_parts for progress in self._asked) else []
        return (
            problem_of(self._asked) or await self._read(later) or await self._open_steps() or await self._done_steps()
        )

    async def _open_steps(self) -> CrmError | None:
        """Name the deals of the activities found in groups."""
        if not self._in_groups:
            return None
        if not self._understood:
            return await self._read(self._open_of(self.deals))
        unclear: dict[int, ActivityRow] = {}
        for key, row in self._found.items():
            deal = self._named_by_lines(key, row)
            if deal is None:
                unclear[key] = row
            else:
                await self._session.stream.give([self._tasks.task(row, frozenset({str(deal)}))])
        asked = unclear | self._few_done()
        if not asked or await self._read_bindings(asked):
            return None
        suspects = {deal for key in unclear for deal in self._suspects(key)}
        return await self._read(self._open_of(suspects))

    def _named_by_lines(self, key: int, row: ActivityRow) -> int | None:
        """Name the deal that an activity is bound to; None for several deals, or an activity changed meanwhile."""
        rows, columns = self._rows[key], self._columns[key]
        if len(rows) != 1 or len(columns) != 1 or self._began <= row.LAST_UPDATED:
            return None
        return self._groups.deal_at(min(rows), min(columns))

    def _suspects(self, key: int) -> Iterator[int]:
        """List the deals that an activity may be bound to, as far as the lines tell in which the activity was found."""
        every = range(self._groups.lines)
        for row, column in product(self._rows[key] or every, self._columns[key] or every):
            if (deal := self._groups.deal_at(row, column)) is not None:
                yield deal

    def _few_done(self) -> dict[int, ActivityRow]:
        """Give the activities done since the cutoff, unless asking deal by deal asks less."""
        done = {key: row for key, row in self._tasks.done.items() if key not in self._handed}
        return done if len(done) <= len(self.deals) else {}

    async def _done_steps(self) -> CrmError | None:
        if self._handed.issuperset(self._tasks.done) or await self._read_bindings(self._few_done()):
            return None
        done = {"COMPLETED": "Y", ">=LAST_UPDATED": stamp(self._session.request.window.cutoff)}
        return await self._read(self._by_deal(self.deals, done))

    async def _read_bindings(self, found: Mapping[int, ActivityRow]) -> bool:
        """Hand over activities with all deals to which each is bound; False if the portal does not tell of any."""
        asked = {
            key: single_call("crm.activity.binding.list", {"activityId": key}, what="bindings", group=RecordKind.TASKS)
            for key in found
        }
        await self._session.read(list(asked.values()))
        if not asked or any(call.problem for call in asked.values()):
            return False
        try:
            bound = {key: self._deals_of(call.value) for key, call in asked.items()}
        except CrmNonsense:
            return False
        for key, deals in bound.items():
            await self._session.stream.give([self._tasks.task(found[key], deals)])
        self._handed |= found.keys()
        return True

    def _deals_of(self, value: Any) -> frozenset[str]:
        """Read the deals among the objects to which an activity is bound. Raises CrmNonsense."""
        now = self._session.api.clock.now()
        rows = [portal_row(row, BindingRow, "bindings", now) for row in rows_of(value)]
        return frozenset(str(row.entityId) for row in rows if row.entityTypeId == DEAL)

    async def _read(self, lists: Sequence[QueryProgress]) -> CrmError | None:
        await self._session.read(lists)
        return problem_of(lists)

    def _open_of(self, deals: Iterable[int]) -> list[QueryProgress]:
        """Begin to read the next steps of each deal, and again the activities done since."""
        return [*self._by_deal(deals, OPEN), *self._tasks.done_since()]

    def _by_deal(self, deals: Iterable[int], condition: Row) -> list[QueryProgress]:
        """Ask about a single deal a command, which owns all that is found."""

        def fold(deal: int, rows: Sequence[ActivityRow]) -> Iterator[Task]:
            for row in filter(self._tasks.is_step, rows):
                yield self._tasks.task(row, frozenset({str(deal)}))

        return [bound_to(partial(list, [deal]), condition, partial(fold, deal)) for deal in deals]

    def _by_group(self) -> Iterator[QueryProgress]:
        """Ask about a row or a column of deals a command, and note the line of each activity found."""

        def fold(seen: dict[int, set[int]], line: int, rows: Sequence[ActivityRow]) -> tuple[()]:
            for row in filter(self._tasks.is_step, rows):
                self._found[row.ID] = row
                seen[row.ID].add(line)
            return ()

        for members, seen in ((self._groups.row, self._rows), (self._groups.column, self._columns)):
            for line in range(self._groups.lines):
                if members(line):
                    yield bound_to(partial(members, line), OPEN, partial(fold, seen, line))

    def _control(self) -> QueryProgress:
        """Ask for an activity that is found only where several bindings mean "any of these"."""

        def fold(rows: Sequence[ActivityRow]) -> tuple[()]:
            self._understood = self._understood or bool(rows)
            return ()

        return bound_to(partial(list, [NOBODY, self._tasks.covered_deal, NOBODY - 1]), OPEN, fold)
