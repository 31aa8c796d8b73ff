"""Read Bitrix24's deals as they stood at the cutoff.

The row tells where a deal stands and when the deal came there (`movedTime`). For deals closed since the window began or
moved since the cutoff the stage history tells the rest: `closeDate` is a plan or a date, and a move between two failure
stages is no new loss (docs/crm/bitrix24.md, docs/crm/README.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from sys import intern
from typing import Any

from crm_clients.bitrix24.api import PAGE
from crm_clients.bitrix24.control.known_records import KnownRecords
from crm_clients.bitrix24.fields import DealFields, is_empty, values_of
from crm_clients.bitrix24.history.stage_history import Move, StageHistory, StagePosition, position_after
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress, problem_of
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import DealRow
from crm_clients.bitrix24.session import ReadSession, rows_checked
from crm_clients.bitrix24.values import is_same_change, is_yes, stamp
from crm_clients.errors import CrmError
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.rows import malformed
from scoring.records import NOTHING, Change, Deal, DealState, Doubtful, Money, RecordKind

WHAT = "deals"
MOVED = 30
"""Open deals for each deal that is expected to have been closed since the window began."""

_UNTOLD = frozenset({Change.OWNER, Change.AMOUNT, Change.FIELD, Change.LOSS_REASON})
"""Changes of which Bitrix24 keeps no history: only stages have a history."""
_Open = tuple[DealRow, datetime]
"""A deal's row, and since when the deal is in the stage."""


class DealReader:
    """Read the deals that were open at the cutoff, and the deals closed in the window."""

    def __init__(
        self,
        session: ReadSession,
        fields: DealFields,
        known: KnownRecords[Any],
        expected_pages: int,
        has_task: Callable[[int], bool],
        has_comment: Callable[[int], bool],
        was_lost: Callable[[DealRow], bool],
    ) -> None:
        """Prepare the lists; `expected_pages` are the pages of open deals.

        `was_lost` tells whether a deal was lost lately in another pipeline than the present.
        """
        self._session, self._fields, self._known = session, fields, known
        self._has_task, self._has_comment, self._was_lost = has_task, has_comment, was_lost
        self._asks_tasks = session.wants("deals_without_task")
        self._asks_comments = session.wants("deals_without_comment")
        self._start, self._cutoff = session.request.since, session.request.window.cutoff
        self._began = session.api.clock.now()
        self._history = StageHistory(session)
        self._set_aside: dict[int, DealRow] = {}
        """Rows of deals that need their stage history."""
        self.without_task: array[int] = array("q")
        """Open deals of members, without any planned activity of their own."""
        self.without_comment: array[int] = array("q")
        """Open deals of members of which no comment is known."""
        self.lists = [
            self._list({"closed": "N"}, expected_pages, is_closed=False),
            self._list({"closed": "Y", ">=movedTime": stamp(self._start)}, expected_pages // MOVED + 1, is_closed=True),
            # A deal that was never moved may have no time of a move.
            self._list({"closed": "Y", ">=createdTime": stamp(self._start)}, 1, is_closed=True),
        ]

    async def read(self) -> CrmError | None:
        """Hand over the open deals and set the others aside; return the problem if not all could be read."""
        await self._session.read(self.lists)
        return problem_of(self.lists)

    async def read_set_aside(self, others: Sequence[QueryProgress] = ()) -> CrmError | None:
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

    def _list(
        self, conditions: Mapping[str, Any], expected_pages: int, *, is_closed: bool | None = None
    ) -> QueryProgress:
        """Begin a list of deals; rows that are not `is_closed` as asked for show the answer to another question."""
        return KeysetQuery(
            method="crm.item.list",
            params={"entityTypeId": DEAL, "filter": conditions, "select": self._fields.select},
            fold=self._fold,
            make=self._make,
            row=DealRow,
            see=self._known.see,
            check=partial(self._check, is_closed),
            what=WHAT,
            group=RecordKind.DEALS,
            key="id",
            rows_at="items",
            expected_pages=expected_pages,
        ).start()

    def _check(self, is_closed: bool | None, row: DealRow) -> None:
        """Raise MalformedRow for a row not asked for, one without a needed field, or a sum of no currency."""
        if is_closed is not None and is_yes(row.closed) is not is_closed:
            raise malformed(row.raw, WHAT, f"`closed` is {row.closed}, and other deals were asked for")
        if lacking := [name for name in self._fields.own if name not in row.raw]:
            raise malformed(row.raw, WHAT, f"lacks `{lacking[0]}`")
        if row.opportunity and not row.currencyId and not self._session.currency:
            raise malformed(row.raw, WHAT, "lacks a currency, and the portal does not tell its own")

    def _fold(self, rows: Sequence[DealRow]) -> Iterator[_Open]:
        """Note the questions about deals open at the cutoff, and give these deals; set the others aside."""
        self._known.keep([row.id for row in rows if not is_yes(row.closed)])
        for row in rows:
            moved = row.movedTime
            if is_yes(row.isRecurring) or row.createdTime >= self._cutoff:
                continue
            if moved is not None and moved < self._cutoff and self._stands_open(row):
                if not self._session.stages.are_shown(row):
                    continue
                self._note_open(row.id, row.manager)
                yield row, moved
            elif moved is None or moved >= self._start:
                self._set_aside[row.id] = row

    def _stands_open(self, row: DealRow) -> bool:
        """Tell whether the row alone shows an open deal, which was not lost in another pipeline lately."""
        return self._session.stages.of(row) is DealState.OPEN and not self._was_lost(row)

    def _make(self, noted: Sequence[_Open]) -> Iterator[Deal | Doubtful]:
        for row, since in noted:
            yield from self._told(self._deal(row, StagePosition(DealState.OPEN, None, since)))

    def _note_open(self, deal: int, manager: str) -> None:
        if self._session.concerns(manager):
            if self._asks_tasks and not self._has_task(deal):
                self.without_task.append(deal)
            if self._asks_comments and not self._has_comment(deal):
                self.without_comment.append(deal)

    def _as_they_stood(self, rows: Sequence[tuple[int, DealRow]]) -> Sequence[Deal | Doubtful]:
        deals: list[Deal | Doubtful] = []
        with rows_checked(self.lists[0]):
            for deal, row in rows:
                deals += self._as_it_stood(row, self._history.take(deal))
        return deals

    def _as_it_stood(self, row: DealRow, moves: list[Move]) -> Sequence[Deal | Doubtful]:
        moved, told = row.movedTime or row.createdTime, self._session.stages.of(row)
        moves = [replace(move, state=move.state or told) if move.stage == row.stageId else move for move in moves]
        if not moves or (moves[-1].stage != row.stageId and moved >= moves[-1].at):
            moves.append(Move(moved, 0, row.stageId, told, str(row.categoryId)))
        standing = position_after(move for move in moves if move.at < self._cutoff)
        if standing.state is None:
            standing = StagePosition(DealState.LOST)  # closed, nobody says how: doubtful for both
        if standing.state is DealState.OPEN:
            if not self._session.stages.are_shown(row):
                return ()
            self._note_open(row.id, row.manager)
        return self._told(self._deal(row, standing))

    def _told(self, deal: Deal) -> Sequence[Deal | Doubtful]:
        """Give the deal as at the cutoff, with a doubt for every member if another may have been responsible then."""
        if Change.OWNER not in deal.changed:
            return (deal,)
        return (deal, owner_doubt(deal, self._session.request.members))

    def _deal(self, row: DealRow, standing: StagePosition) -> Deal:
        pipeline = standing.pipeline or str(row.categoryId)
        state = standing.state or DealState.LOST
        key, was_lost = row.id, standing.lost_from not in ("", pipeline)
        return Deal(
            id=str(key),
            title=clean_title(row.title or ""),
            manager=row.manager,
            state=state,
            created_at=row.createdTime,
            pipeline=pipeline,
            closed_at=standing.closed_at,
            stage_since=standing.stage_since,
            amount=self._money(row),
            loss_reason=self._reason(row) if was_lost or state is DealState.LOST else "",
            missing_fields=self._missing(row, pipeline, standing.stage or row.stageId),
            has_task=True if not self._asks_tasks or self._has_task(key) else None,
            has_comment=True if not self._asks_comments or self._has_comment(key) else None,
            reopened=standing.reopened,
            moved_by=self._mover(row, standing),
            lost_at=standing.lost_at if was_lost else None,
            lost_from=standing.lost_from if was_lost else "",
            changed=self._changed(row, standing),
        )

    def _changed(self, row: DealRow, standing: StagePosition) -> frozenset[Change]:
        """Name the possible changes, if the deal was changed after the cutoff by more than a move and counts at all."""
        if row.updatedTime < self._cutoff:
            return NOTHING
        moved = row.movedTime
        if moved is not None and moved >= self._cutoff and is_same_change(moved, row.updatedTime):
            return NOTHING
        if standing.state is DealState.OPEN or standing.state is None:
            return _UNTOLD
        counts = standing.closed_at is not None and self._start <= standing.closed_at < self._cutoff
        return _UNTOLD if counts else NOTHING

    def _mover(self, row: DealRow, standing: StagePosition) -> str:
        """Give the user who closed the deal; empty if the deal moved again since, for the row tells the last move."""
        moved, closed = row.movedTime, standing.closed_at
        if not self._fields.mover or moved is None or closed is None or not is_same_change(moved, closed):
            return ""
        return str(row.movedBy or "")

    def _reason(self, row: DealRow) -> str:
        name = self._fields.loss_reason
        if not name:
            return ""
        values = (str(value).strip() for value in values_of(row.raw[name]) if not is_empty(value, name))
        told = next((value for value in values if value != "0"), "")  # no choice of a list has this number
        return clean_title(self._fields.reasons.get(told) or self._session.stages.names.get(told) or told)

    def _missing(self, row: DealRow, pipeline: str, stage: str) -> tuple[str, ...]:
        spelled, titles = self._fields.spelled, self._fields.titles
        wanted = self._fields.required.required_at(pipeline, stage) if spelled else ()
        empty = [titles[name] for name in wanted if is_empty(row.raw[spelled[name]], spelled[name])] if wanted else ()
        return tuple(empty)

    def _money(self, row: DealRow) -> Money | None:
        """Give the sum; a sum without a currency is in the portal's own."""
        if not row.opportunity:
            return None
        return Money(row.opportunity, intern(row.currencyId or self._session.currency))
