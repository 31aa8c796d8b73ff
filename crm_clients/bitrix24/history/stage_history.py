"""Read the stage history of Bitrix24's deals: the stage at an instant, and the entry into that stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm_clients.bitrix24.api import PAGE
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import DealRow, MoveRow
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.stages import state_of
from crm_clients.bitrix24.values import stamp
from scoring.records import DealState, RecordKind

DEALS = 33
"""Deals in a list of stage histories."""
WON, LOST = "S", "F"
"""STAGE_SEMANTIC_ID of a won and of a lost stage."""
MOVES = 4
"""Rows that a deal's history is expected to have."""


@dataclass(frozen=True, slots=True)
class Move:
    """Describe that a deal came to a stage."""

    at: datetime
    order: int
    stage: str
    state: DealState | None
    pipeline: str


@dataclass(slots=True)
class StagePosition:
    """Describe where a deal stood after some moves."""

    state: DealState | None = DealState.OPEN
    closed_at: datetime | None = None
    """When the deal came into the closed state; a move between two failure stages does not change that."""
    stage_since: datetime | None = None
    reopened: bool = False
    """Whether the deal was closed before, and opened again."""
    pipeline: str = ""
    """Empty where the row tells the pipeline."""
    stage: str = ""
    """Empty where the row tells the stage."""
    lost_at: datetime | None = None
    """When the deal was lost last."""
    lost_from: str = ""
    """Pipeline in which the deal was lost last."""


class StageHistory:
    """Read the moves of deals for which the row does not tell enough, and keep the moves by deal."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._moves: dict[int, list[Move]] = {}

    def start(self, deals: Iterable[int]) -> list[QueryProgress]:
        """Begin to read the whole histories of deals that were not asked for before."""
        new = [deal for deal in deals if deal not in self._moves]
        self._moves.update((deal, []) for deal in new)
        return [self._query(new[first : first + DEALS]).start() for first in range(0, len(new), DEALS)]

    def take(self, deal: int) -> list[Move]:
        """Give the moves of a deal in order, and forget the deal."""
        return sorted(self._moves.pop(deal, ()), key=lambda move: (move.at, move.order))

    def _query(self, deals: Sequence[int]) -> KeysetQuery:
        return KeysetQuery(
            method="crm.stagehistory.list",
            params={"entityTypeId": DEAL, "filter": {"OWNER_ID": deals}, "select": MoveRow.select()},
            fold=self._fold,
            row=MoveRow,
            what="stage histories of deals",
            group=RecordKind.DEALS,
            rows_at="items",
            expected_pages=len(deals) * MOVES // PAGE + 1,
        )

    def _fold(self, rows: Sequence[MoveRow]) -> tuple[()]:
        for row in rows:
            if (moves := self._moves.get(row.OWNER_ID)) is not None:
                state = state_of(row.STAGE_SEMANTIC_ID) or self._session.stages.states.get(row.STAGE_ID)
                moves.append(Move(row.CREATED_TIME, row.ID, row.STAGE_ID, state, str(row.CATEGORY_ID)))
        return ()


class ClosingLog:
    """Read which deals came to a closing stage lately, and in which pipelines deals were lost."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._pipelines: dict[int, set[int]] = {}
        """Pipelines of the losses, by deal."""
        self.closed: set[int] = set()
        """Deals that were won or lost; those that exist must come in a list of deals."""

    def start(self) -> QueryProgress:
        """Begin to read since the window before: a deal lost and moved on stands in no list of the lost."""
        window = self._session.request.window
        closings = {
            "STAGE_SEMANTIC_ID": [WON, LOST],
            ">=CREATED_TIME": stamp(self._session.request.since),
            "<CREATED_TIME": stamp(window.cutoff, up=True),
        }
        return KeysetQuery(
            method="crm.stagehistory.list",
            params={"entityTypeId": DEAL, "filter": closings, "select": MoveRow.select()},
            fold=self._fold,
            row=MoveRow,
            what="closings of deals",
            group=RecordKind.DEALS,
            rows_at="items",
        ).start()

    def was_lost_elsewhere(self, row: DealRow) -> bool:
        """Tell whether a deal was lost lately in another pipeline than the present."""
        return bool(self._pipelines.get(row.id, set()) - {row.categoryId})

    def _fold(self, rows: Sequence[MoveRow]) -> tuple[()]:
        for row in rows:
            self.closed.add(row.OWNER_ID)
            if row.STAGE_SEMANTIC_ID == LOST:
                self._pipelines.setdefault(row.OWNER_ID, set()).add(row.CATEGORY_ID)
        return ()


def position_after(moves: Iterator[Move]) -> StagePosition:
    """Follow moves to the last position."""
    state: DealState | None = DealState.OPEN
    closed_at = since = lost_at = None
    was_closed = reopened = False
    stage = pipeline = lost_from = ""
    for move in moves:
        pipeline = move.pipeline
        if move.stage != stage or since is None:
            stage, since = move.stage, move.at
        if move.state is state:
            continue
        if move.state is DealState.OPEN:
            reopened, closed_at = was_closed, None
        else:
            closed_at, was_closed = move.at, True
        if move.state is DealState.LOST:
            lost_at, lost_from = move.at, move.pipeline
        state = move.state
    is_reopened = reopened and closed_at is not None
    return StagePosition(state, closed_at, since, is_reopened, pipeline, stage, lost_at, lost_from)
