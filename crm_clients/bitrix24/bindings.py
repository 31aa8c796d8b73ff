"""What Bitrix24's deals are bound to as a further object: a list of activities shows their owners alone.

It is asked for the deals that seem to have nothing planned (docs/crm/bitrix24.md), many in one command, whose answer
does not tell which was meant. So each deal is asked about in three groups of which no other is in all three: the groups
that an activity is found in name its deal. Where they do not, for it has several, it is asked for its bindings itself.

Whether a portal takes several bindings for "any of them" its documentation leaves open, so a question with a known
answer goes first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import count, product
from typing import Any

from crm_clients.bitrix24.api import COMMANDS
from crm_clients.bitrix24.lists import KeysetQuery
from crm_clients.bitrix24.session import DEAL, ReadSession, SingleCall, problem_of
from crm_clients.bitrix24.tasks import SELECT, WHAT_ACTIVITIES, TaskReader
from crm_clients.bitrix24.values import Row, identity, instant, number, rows_of, stamp
from scoring.records import RecordKind, Task

GROUP = 240
"""Deals that one command asks about at most: PHP reads a thousand parameters of a query, a server a MB of a request."""
WAYS = 3
"""Groups that each deal is in."""
NOBODY = 2**31 - 1
"""A deal that does not exist, nor does the one before."""
OPEN: Row = {"COMPLETED": "N"}
CLOCKS = timedelta(minutes=1)
"""The portal's may be behind ours."""

Fold = Callable[[Sequence[Row]], Iterable[Task]]


class _Bound(KeysetQuery):
    """What is bound to any of some deals. Written out only when it is asked for: there may be a thousand of them."""

    def __init__(self, deals: Callable[[], Sequence[int]], condition: Row, fold: Fold) -> None:
        params = {"filter": condition, "select": SELECT}
        super().__init__("crm.activity.list", params, fold, what=WHAT_ACTIVITIES, group=RecordKind.TASKS)
        self._deals = deals

    def _asked(self) -> Mapping[str, Any]:
        bindings = [{"OWNER_TYPE_ID": DEAL, "OWNER_ID": deal} for deal in self._deals()]
        return {**self.params, "filter": {**self.params["filter"], "BINDINGS": bindings}}


class GroupTesting:
    """Deals in groups: each in one group of every way, and no two in the same groups of all ways.

    They lie in rows as long as there are groups. From row to row each way turns on by another step, so that all its
    groups are alike in size; the steps tell the row.
    """

    def __init__(self, deals: Sequence[int]) -> None:
        self.deals = deals
        self.size = next(size for size in count(-(-len(deals) // GROUP) or 1) if size**WAYS >= len(deals))
        """Groups of each way."""

    def members(self, way: int, group: int) -> list[int]:
        """The deals of a group."""
        size = self.size
        places = (row * size + (group - self._turn(way, row)) % size for row in range(-(-len(self.deals) // size)))
        return [self.deals[place] for place in places if place < len(self.deals)]

    def deal_of(self, groups: Sequence[int]) -> int | None:
        """The deal that is in these groups of the ways; None if there is none."""
        first, second, third = groups
        low = (second - first) % self.size
        high = (third - first - 2 * low) % self.size
        place = (high * self.size + low) * self.size + first
        return self.deals[place] if place < len(self.deals) else None

    def _turn(self, way: int, row: int) -> int:
        return (0, row, 2 * row + row // self.size)[way]


class BindingLookup:
    """What some deals that own no next step are bound to. Its `listings` are read with others, then it is `settled`."""

    def __init__(self, session: ReadSession, tasks: TaskReader, deals: Sequence[int]) -> None:
        self._session, self._tasks, self.deals = session, tasks, deals
        self._began = session.api.clock.now() - CLOCKS
        self._groups = GroupTesting(deals)
        self._found: dict[int, Row] = {}
        self._seen: dict[int, tuple[set[int], ...]] = defaultdict(lambda: tuple(set() for _ in range(WAYS)))
        """By activity, the groups in which it was found, of each way."""
        self._handed: set[int] = set()
        """Activities of which all deals were handed over."""
        self._understood = False
        self._in_groups = len(deals) > COMMANDS and bool(tasks.owner)
        self.since = tasks.done_since()
        """What has been done is asked after the next steps of each deal, for it may have been done meanwhile."""
        self._asked = [*(self._by_group() if self._in_groups else self._by_deal(deals, OPEN)), *self.since]
        self.listings = [*([self._control()] if self._in_groups else []), *self._asked]

    async def settled(self) -> str:
        """Hand over what was found; why not all could be asked, or nothing."""
        # What has been done was asked after all the rest, unless that took another request.
        later = self._tasks.done_since() if any(listing.in_parts for listing in self._asked) else []
        return (
            problem_of(self._asked) or await self._told(later) or await self._open_steps() or await self._done_steps()
        )

    async def _open_steps(self) -> str:
        """Name the deals of what was found in groups."""
        if not self._in_groups:
            return ""
        if not self._understood:
            return await self._told(self._open_of(self.deals))
        unclear: dict[int, Row] = {}
        for key, row in self._found.items():
            deal = self._named_by(self._seen[key], row)
            if deal is None:
                unclear[key] = row
            else:
                await self._session.stream.give([self._tasks.task(row, frozenset({str(deal)}))])
        asked = unclear | self._few_done()
        if not asked or await self._told_by_activity(asked):
            return ""
        suspects = {deal for key in unclear for deal in self._suspects(self._seen[key])}
        return await self._told(self._open_of(suspects))

    def _named_by(self, ways: Sequence[set[int]], row: Row) -> int | None:
        """The deal that an activity is bound to; None if there may be several, or it was changed meanwhile."""
        changed = instant(row.get("LAST_UPDATED"))
        if any(len(way) != 1 for way in ways) or (changed is not None and changed >= self._began):
            return None
        return self._groups.deal_of([min(way) for way in ways])

    def _suspects(self, ways: Sequence[set[int]]) -> Iterator[int]:
        """Deals that an activity may be bound to, as far as the groups tell where it was found."""
        for groups in product(*(way or range(self._groups.size) for way in ways)):
            if (deal := self._groups.deal_of(groups)) is not None:
                yield deal

    def _few_done(self) -> dict[int, Row]:
        """What has been done since the cutoff, unless asking deal by deal asks less."""
        done = {key: row for key, row in self._tasks.done.items() if key not in self._handed}
        return done if len(done) <= len(self.deals) else {}

    async def _done_steps(self) -> str:
        if self._handed.issuperset(self._tasks.done) or await self._told_by_activity(self._few_done()):
            return ""
        done = {"COMPLETED": "Y", ">=LAST_UPDATED": stamp(self._session.request.window.cutoff)}
        return await self._told(self._by_deal(self.deals, done))

    async def _told_by_activity(self, found: Mapping[int, Row]) -> bool:
        """Hand over activities with all deals they are bound to; False if the portal does not tell of any."""
        asked = {
            key: SingleCall("crm.activity.binding.list", {"activityId": key}, what="bindings", group=RecordKind.TASKS)
            for key in found
        }
        await self._session.read(list(asked.values()))
        if not asked or any(once.problem for once in asked.values()):
            return False
        for key, once in asked.items():
            bound = [row for row in rows_of(once.value) if number(row.get("entityTypeId")) == DEAL]
            deals = frozenset(identity(row.get("entityId")) for row in bound)
            await self._session.stream.give([self._tasks.task(found[key], deals)])
        self._handed |= found.keys()
        return True

    async def _told(self, asked: Sequence[KeysetQuery]) -> str:
        await self._session.read(asked)
        return problem_of(asked)

    def _open_of(self, deals: Iterable[int]) -> list[KeysetQuery]:
        """The next steps of each deal, and again what has been done since."""
        return [*self._by_deal(deals, OPEN), *self._tasks.done_since()]

    def _by_deal(self, deals: Iterable[int], condition: Row) -> list[KeysetQuery]:
        """One deal a command: what is found is its own."""

        def fold(deal: int, rows: Sequence[Row]) -> Iterator[Task]:
            for row in filter(self._tasks.is_step, rows):
                yield self._tasks.task(row, frozenset({str(deal)}))

        return [_Bound(partial(list, [deal]), condition, partial(fold, deal)) for deal in deals]

    def _by_group(self) -> Iterator[KeysetQuery]:
        """Many deals a command: what is found is noted with the group."""

        def fold(way: int, group: int, rows: Sequence[Row]) -> tuple[()]:
            for row in filter(self._tasks.is_step, rows):
                key = number(row["ID"])
                self._found[key] = row
                self._seen[key][way].add(group)
            return ()

        for way, group in product(range(WAYS), range(self._groups.size)):
            yield _Bound(partial(self._groups.members, way, group), OPEN, partial(fold, way, group))

    def _control(self) -> KeysetQuery:
        """Finds something where several bindings mean "any of them"."""

        def fold(rows: Sequence[Row]) -> tuple[()]:
            self._understood = self._understood or bool(rows)
            return ()

        return _Bound(partial(list, [NOBODY, self._tasks.owner, NOBODY - 1]), OPEN, fold)
