"""Read Bitrix24's deals as they stood at the cutoff.

The row tells where a deal stands and when the deal came there (`movedTime`). For deals closed since the window began or
moved since the cutoff the stage history tells the rest: `closeDate` is a plan or a date, and a move between two failure
stages is no new loss (docs/crm/bitrix24.md, docs/crm/README.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from sys import intern
from typing import Any

from crm_clients.bitrix24.api import PAGE
from crm_clients.bitrix24.fields import DealFields, is_empty, values_of
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress, problem_of
from crm_clients.bitrix24.session import DEAL, ReadSession, rows_checked
from crm_clients.bitrix24.stage_history import Move, StageHistory, StagePosition, position_after
from crm_clients.bitrix24.values import Row, identity, instant, is_yes, number, stamp
from scoring.records import NOTHING, Change, Deal, DealState, Doubtful, Money, RecordKind

WHAT = "deals"
MOVED = 30
"""Open deals for each deal that is expected to have been closed since the window began."""
SAME = timedelta(seconds=5)
"""Longest time between a move and the change of the row by the same move; a later change is another."""

_UNTOLD = frozenset({Change.OWNER, Change.AMOUNT, Change.FIELD, Change.LOSS_REASON})
"""Changes of which Bitrix24 keeps no history: only stages have a history."""
_Open = tuple[Row, datetime, datetime]
"""A deal's row, when the deal was created, and since when the deal is in the stage."""


class DealReader:
    """Read the deals that were open at the cutoff, and the deals closed in the window."""

    def __init__(
        self,
        session: ReadSession,
        fields: DealFields,
        expected_pages: int,
        has_task: Callable[[int], bool],
        has_comment: Callable[[int], bool],
    ) -> None:
        """Prepare the lists; `expected_pages` are the pages of open deals."""
        self._session, self._fields = session, fields
        self._has_task, self._has_comment = has_task, has_comment
        self._asks_tasks = session.wants("deals_without_task")
        self._asks_comments = session.wants("deals_without_comment")
        self._start, self._cutoff = session.request.window.start, session.request.window.cutoff
        self._began = session.api.clock.now()
        self._history = StageHistory(session)
        self._set_aside: dict[int, Row] = {}
        """Rows of deals that need their stage history."""
        self._doubted: set[DealState] = set()
        self.without_task: array[int] = array("q")
        """Open deals of members, without any planned activity of their own."""
        self.without_comment: array[int] = array("q")
        """Open deals of members of which no comment is known."""
        self.lists = [
            self._list({"closed": "N"}, expected_pages),
            self._list({"closed": "Y", ">=movedTime": stamp(self._start)}, expected_pages // MOVED + 1),
            # A deal that was never moved may have no time of a move.
            self._list({"closed": "Y", ">=createdTime": stamp(self._start)}, 1),
        ]

    async def read(self) -> str:
        """Hand over the open deals and set the others aside; return the reason if not all could be read."""
        await self._session.read(self.lists)
        return problem_of(self.lists)

    async def read_set_aside(self, others: Sequence[QueryProgress] = ()) -> str:
        """Hand over the deals set aside, by their stage histories; `others` are lists that share the requests."""
        # A deal that moved while the lists were read may have been in none of them.
        moved = self._list({">=movedTime": stamp(self._began - timedelta(minutes=1))}, 1)
        self.lists.append(moved)  # an error in a row may be found later, when its fact is made
        lists = [moved, *self._history.start(self._set_aside)]
        await self._session.read([*lists, *others])
        if late := self._history.start(self._set_aside):
            lists += late
            await self._session.read(late)
        if problem := problem_of(lists):
            return problem
        while self._set_aside:  # rows that are handed over are no longer kept
            page = [self._set_aside.popitem() for _ in range(min(PAGE, len(self._set_aside)))]
            await self._session.stream.put(partial(self._as_they_stood, page))
        await self._session.stream.drained()
        return problem_of(self.lists)

    def _list(self, conditions: Mapping[str, Any], expected_pages: int) -> QueryProgress:
        return KeysetQuery(
            method="crm.item.list",
            params={"entityTypeId": DEAL, "filter": conditions, "select": self._fields.select},
            fold=self._fold,
            make=self._make,
            what=WHAT,
            group=RecordKind.DEALS,
            key="id",
            rows_at="items",
            expected_pages=expected_pages,
        ).start()

    def _fold(self, rows: Sequence[Row]) -> Iterator[_Open]:
        """Note the questions about deals open at the cutoff, and give these deals; set the others aside."""
        for row in rows:
            created, moved = instant(row.get("createdTime")), instant(row.get("movedTime"))
            if is_yes(row.get("isRecurring")) or created is None or created >= self._cutoff:
                continue
            key, state = number(row["id"]), self._session.stages.of(row)
            if (moved is None or moved < self._cutoff) and state is DealState.OPEN:
                self._note_open(key, identity(row.get("assignedById")))
                yield row, created, moved or created
            elif moved is None or moved >= self._start:
                self._set_aside[key] = row

    def _make(self, noted: Sequence[_Open]) -> Iterator[Deal | Doubtful]:
        for row, created, since in noted:
            yield from self._told(self._deal(row, created, StagePosition(DealState.OPEN, None, since)))

    def _note_open(self, deal: int, manager: str) -> None:
        if self._session.concerns(manager):
            if self._asks_tasks and not self._has_task(deal):
                self.without_task.append(deal)
            if self._asks_comments and not self._has_comment(deal):
                self.without_comment.append(deal)

    def _as_they_stood(self, rows: Sequence[tuple[int, Row]]) -> Sequence[Deal | Doubtful]:
        deals: list[Deal | Doubtful] = []
        with rows_checked(self.lists[0]):
            for deal, row in rows:
                deals += self._as_it_stood(row, self._history.take(deal))
        return deals

    def _as_it_stood(self, row: Row, moves: list[Move]) -> Sequence[Deal | Doubtful]:
        stage, created = str(row.get("stageId")), instant(row.get("createdTime"))
        moved = instant(row.get("movedTime")) or created
        if moved is not None and (not moves or (moves[-1].stage != stage and moved >= moves[-1].at)):
            moves.append(Move(moved, 0, stage, self._session.stages.of(row), _pipeline(row)))
        standing = position_after(move for move in moves if move.at < self._cutoff)
        if standing.state is None:
            standing = StagePosition(DealState.LOST)  # closed, nobody says how: doubtful for both
        if standing.state is DealState.OPEN:
            self._note_open(number(row["id"]), identity(row.get("assignedById")))
        return self._told(self._deal(row, created or self._start, standing))

    def _told(self, deal: Deal) -> Sequence[Deal | Doubtful]:
        """Give the deal as at the cutoff, with a doubt for every member if another may have been responsible then."""
        if Change.OWNER not in deal.changed or deal.state in self._doubted:
            return (deal,)
        self._doubted.add(deal.state)
        return (deal, Doubtful(RecordKind.DEALS, self._session.request.members, Change.OWNER, deal.state))

    def _deal(self, row: Row, created: datetime, standing: StagePosition) -> Deal:
        pipeline = standing.pipeline or _pipeline(row)
        state = standing.state or DealState.LOST
        key = number(row["id"])
        return Deal(
            id=str(key),
            title=str(row.get("title") or ""),
            manager=identity(row.get("assignedById")),
            state=state,
            created_at=created,
            pipeline=pipeline,
            closed_at=standing.closed_at,
            stage_since=standing.stage_since,
            amount=_money(row),
            loss_reason=self._reason(row) if state is DealState.LOST else "",
            missing_fields=self._missing(row, pipeline),
            has_task=True if not self._asks_tasks or self._has_task(key) else None,
            has_comment=True if not self._asks_comments or self._has_comment(key) else None,
            reopened=standing.reopened,
            changed=self._changed(row, standing),
        )

    def _changed(self, row: Row, standing: StagePosition) -> frozenset[Change]:
        """Name the possible changes, if the deal was changed after the cutoff by more than a move and counts at all."""
        updated = instant(row.get("updatedTime"))
        if updated is None or updated < self._cutoff:
            return NOTHING
        moved = instant(row.get("movedTime"))
        if moved is not None and moved >= self._cutoff and abs(updated - moved) <= SAME:
            return NOTHING
        if standing.state is DealState.OPEN or standing.state is None:
            return _UNTOLD
        in_window = standing.closed_at is not None and standing.closed_at in self._session.request.window
        return _UNTOLD if in_window else NOTHING

    def _reason(self, row: Row) -> str:
        name = self._fields.loss_reason
        if not name:
            return ""
        values = (str(value).strip() for value in values_of(row.get(name)) if not is_empty(value, name))
        told = next((value for value in values if value != "0"), "")  # no choice of a list has this number
        return self._fields.reasons.get(told) or self._session.stages.names.get(told) or told

    def _missing(self, row: Row, pipeline: str) -> tuple[str, ...]:
        wanted = self._fields.required_in(pipeline)
        return tuple([shown for shown, name in wanted if is_empty(row.get(name), name)]) if wanted else ()


def _pipeline(row: Row) -> str:
    return str(number(row.get("categoryId")))


def _money(row: Row) -> Money | None:
    amount = row.get("opportunity")
    if amount in (None, "", False):
        return None
    exact = Decimal(str(amount) if isinstance(amount, float) else amount)
    return Money(exact, intern(str(row.get("currencyId") or ""))) if exact else None
