"""Bitrix24's deals as they stood at the cutoff.

The row tells where a deal stands and when it came there (`movedTime`). Of those that were closed since the window began
or moved since the cutoff the stage history tells the rest: `closeDate` is a plan or a date, and a move between two
failure stages is no new loss (docs/crm/bitrix24.md, docs/crm/README.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from sys import intern
from typing import Any

from crm_clients.bitrix24.api import PAGE
from crm_clients.bitrix24.fields import Fields, guessed, is_empty, values_of
from crm_clients.bitrix24.lists import KeysetQuery
from crm_clients.bitrix24.session import DEAL, ReadSession, problem_of, sound, state_of
from crm_clients.bitrix24.values import Row, identity, instant, is_yes, number, stamp
from scoring.records import NOTHING, Change, Deal, DealState, Doubtful, Money, RecordKind

WHAT = "deals"
MOVED = 30
"""What part of the open deals is expected to have been closed since the window began."""
STORIES = 33
"""Deals whose stage histories are asked for by one list: mostly they fill two pages."""
MOVES = 3
"""Rows that a deal's history is expected to have."""
SAME = timedelta(seconds=5)
"""A move changes a deal; a change later than that is another one."""

_UNTOLD = frozenset({Change.OWNER, Change.AMOUNT, Change.FIELD, Change.LOSS_REASON})
"""Bitrix24 keeps no history of any field but the stage."""
_FIELDS = (
    "id", "title", "stageId", "stageSemanticId", "categoryId", "assignedById", "createdTime", "movedTime",
    "updatedTime", "opportunity", "currencyId", "isRecurring", "closed",
)  # fmt: skip


_Open = tuple[Row, datetime, datetime]
"""A row, when it was created, and since when it is in its stage."""


@dataclass(frozen=True, slots=True)
class Move:
    """A deal came to a stage."""

    at: datetime
    order: int
    stage: str
    state: DealState | None
    pipeline: str


@dataclass(slots=True)
class StagePosition:
    """Where a deal stood after some of its moves."""

    state: DealState | None = DealState.OPEN
    closed_at: datetime | None = None
    stage_since: datetime | None = None
    reopened: bool = False
    pipeline: str = ""
    """Empty: as the row says."""


@dataclass(slots=True)
class Names:
    """The portal's own fields that the settings name."""

    loss_reason: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """By pipeline: (as the settings spell it, as the portal does)."""

    @classmethod
    def guess(cls, session: ReadSession) -> Names:
        """As portals mostly spell them."""
        return cls._named(session, lambda _setting, name: guessed(name))

    @classmethod
    def learn(cls, session: ReadSession, fields: Fields) -> Names:
        """Raises CrmRefused where the settings name a field that is not there."""
        names = cls._named(session, fields.name)
        if names.loss_reason:
            names.reasons = fields.labels(names.loss_reason)
        return names

    @classmethod
    def _named(cls, session: ReadSession, spelled: Callable[[str, str], str]) -> Names:
        names = cls()
        if session.config.loss_reason_field and session.wants("lost_without_reason"):
            names.loss_reason = spelled("loss_reason_field", session.config.loss_reason_field)
        if session.wants("deals_missing_fields"):
            names.required = {
                pipeline: [(name, spelled("required_fields", name)) for name in wanted]
                for pipeline, wanted in session.config.required_fields.items()
            }
        return names

    def wanted(self, pipeline: str) -> Sequence[tuple[str, str]]:
        """What is required in a pipeline, as in `required`."""
        everywhere, here = self.required.get("*", ()), self.required.get(pipeline, ())
        return list(dict([*everywhere, *here]).items()) if everywhere and here else everywhere or here

    @property
    def select(self) -> list[str]:
        """All fields to read."""
        own = [name for wanted in self.required.values() for _, name in wanted]
        return list(dict.fromkeys([*_FIELDS, *filter(None, [self.loss_reason]), *own]))


class DealReader:
    """Reads the deals that were open at the cutoff, and those closed in the window."""

    def __init__(
        self, session: ReadSession, pages: int, has_task: Callable[[int], bool], has_comment: Callable[[int], bool]
    ) -> None:
        """`pages` is a guess at those of the open deals."""
        self._session, self._names, self._pages = session, Names.guess(session), pages
        self._has_task, self._has_comment = has_task, has_comment
        self._asks_tasks, self._asks_comments = (
            session.wants("deals_without_task"),
            session.wants("deals_without_comment"),
        )
        self._start, self._cutoff = session.request.window.start, session.request.window.cutoff
        self._began = session.api.clock.now()
        self._aside: dict[int, Row] = {}
        """Those whose story must be read."""
        self._doubted: set[DealState] = set()
        self.without_task: array[int] = array("q")
        """Open deals of members that own nothing planned."""
        self.without_comment: array[int] = array("q")
        """Open deals of members of which no comment is known."""
        self.lists = self._every()
        """Of deals. May be asked for at once, as the names are guessed, but not be folded before they are known."""

    async def read(self, names: Names) -> str:
        """Hand the open deals over, and find those whose story must be read; why not all could be read, or nothing."""
        guess, self._names = self._names, names
        if guess.select != names.select:
            self.lists = self._every()
            self._session.lists.ahead(())
        await self._session.read(self.lists)
        return problem_of(self.lists)

    async def read_stories(self, beside: Sequence[KeysetQuery] = ()) -> str:
        """Hand the other deals over, once their stories are read.

        `beside` are lists of other kinds that share its requests.
        """
        session = self._session
        told: dict[int, list[Move]] = {}
        # Whatever moved while it was read may have been in neither list.
        moved = self._list({">=movedTime": stamp(self._began - timedelta(minutes=1))}, 1)
        self.lists.append(moved)  # what is wrong with a row may be seen later, when its fact is made
        lists = [moved, *self._stories(told)]
        await session.read([*lists, *beside])
        late = [deal for deal in self._aside if deal not in told]
        if late:
            lists += list(self._stories(told))
            await session.read([listing for listing in lists if listing.open])
        if problem := problem_of(lists):
            return problem
        while self._aside:  # what is handed over is no longer kept
            page = [self._aside.popitem() for _ in range(min(PAGE, len(self._aside)))]
            await session.stream.put(partial(self._refined, page, told))
        await session.stream.drained()
        return problem_of(self.lists)

    def _every(self) -> list[KeysetQuery]:
        return [
            self._list({"closed": "N"}, self._pages),
            self._list({"closed": "Y", ">=movedTime": stamp(self._start)}, self._pages // MOVED + 1),
            # One that was never moved need not have a time of it.
            self._list({"closed": "Y", ">=createdTime": stamp(self._start)}, 1),
        ]

    def _list(self, conditions: Mapping[str, Any], pages: int) -> KeysetQuery:
        params = {"entityTypeId": DEAL, "filter": conditions, "select": self._names.select}
        return KeysetQuery(
            "crm.item.list",
            params,
            self._fold,
            what=WHAT,
            group=RecordKind.DEALS,
            key="id",
            at="items",
            pages=pages,
            make=self._make,
        )

    def _fold(self, rows: Sequence[Row]) -> Iterator[_Open]:
        """Those that were open at the cutoff, with what is to be asked of them noted; the others are put aside."""
        for row in rows:
            created, moved = instant(row.get("createdTime")), instant(row.get("movedTime"))
            if is_yes(row.get("isRecurring")) or created is None or created >= self._cutoff:
                continue
            key, state = number(row["id"]), self._session.stages.of(row)
            if (moved is None or moved < self._cutoff) and state is DealState.OPEN:
                self._note_open(key, identity(row.get("assignedById")))
                yield row, created, moved or created
            elif moved is None or moved >= self._start:
                self._aside[key] = row

    def _make(self, noted: Sequence[_Open]) -> Iterator[Deal | Doubtful]:
        for row, created, since in noted:
            yield from self._told(self._deal(row, created, StagePosition(DealState.OPEN, None, since)))

    def _note_open(self, deal: int, manager: str) -> None:
        if self._session.concerns(manager):
            if self._asks_tasks and not self._has_task(deal):
                self.without_task.append(deal)
            if self._asks_comments and not self._has_comment(deal):
                self.without_comment.append(deal)

    def _stories(self, told: dict[int, list[Move]]) -> Iterator[KeysetQuery]:
        """The whole stage histories of the deals that need theirs."""
        deals = [deal for deal in self._aside if deal not in told]
        for deal in deals:
            told[deal] = []

        def fold(rows: Sequence[Row]) -> tuple[()]:
            for row in rows:
                at = instant(row.get("CREATED_TIME"))
                moves = told.get(number(row.get("OWNER_ID")))
                if at is not None and moves is not None:
                    stage = str(row.get("STAGE_ID") or "")
                    state = state_of(row.get("STAGE_SEMANTIC_ID")) or self._session.stages.states.get(stage)
                    moves.append(Move(at, number(row["ID"]), stage, state, str(number(row.get("CATEGORY_ID")))))
            return ()

        for start in range(0, len(deals), STORIES):
            some = deals[start : start + STORIES]
            params = {
                "entityTypeId": DEAL,
                "filter": {"OWNER_ID": some},
                "select": ["ID", "OWNER_ID", "CREATED_TIME", "STAGE_ID", "STAGE_SEMANTIC_ID", "CATEGORY_ID", "TYPE_ID"],
            }
            yield KeysetQuery(
                "crm.stagehistory.list",
                params,
                fold,
                what="what became of deals",
                group=RecordKind.DEALS,
                at="items",
                pages=len(some) * MOVES // PAGE + 1,
            )

    def _refined(self, rows: Sequence[tuple[int, Row]], told: dict[int, list[Move]]) -> Sequence[Deal | Doubtful]:
        refined: list[Deal | Doubtful] = []
        with sound(self.lists[0]):
            for deal, row in rows:
                refined += self._as_it_stood(deal, row, told.pop(deal, ()))
        return refined

    def _as_it_stood(self, deal: int, row: Row, told: Iterable[Move]) -> Sequence[Deal | Doubtful]:
        moves = sorted(told, key=lambda move: (move.at, move.order))
        stage, created = str(row.get("stageId")), instant(row.get("createdTime"))
        moved = instant(row.get("movedTime")) or created
        if moved is not None and (not moves or (moves[-1].stage != stage and moved >= moves[-1].at)):
            moves.append(Move(moved, 0, stage, self._session.stages.of(row), _pipeline(row)))
        standing = _standing(move for move in moves if move.at < self._cutoff)
        if standing.state is None:
            standing = StagePosition(DealState.LOST)  # closed, nobody says how: doubtful for both
        if standing.state is DealState.OPEN:
            self._note_open(deal, identity(row.get("assignedById")))
        return self._told(self._deal(row, created or self._start, standing))

    def _told(self, deal: Deal) -> Sequence[Deal | Doubtful]:
        """Give the deal as it stood, with a doubt for every member if another may have been responsible then."""
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
        name = self._names.loss_reason
        if not name:
            return ""
        values = (str(value).strip() for value in values_of(row.get(name)) if not is_empty(value, name))
        told = next((value for value in values if value != "0"), "")  # no choice of a list has this number
        return self._names.reasons.get(told) or self._session.stages.names.get(told) or told

    def _missing(self, row: Row, pipeline: str) -> tuple[str, ...]:
        wanted = self._names.wanted(pipeline)
        return tuple([shown for shown, name in wanted if is_empty(row.get(name), name)]) if wanted else ()


def _standing(moves: Iterator[Move]) -> StagePosition:
    """Where moves lead: closed since it entered the state, not the stage; reopened if it was closed before that."""
    state: DealState | None = DealState.OPEN
    closed_at = since = None
    was_closed = reopened = False
    stage = pipeline = ""
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
        state = move.state
    return StagePosition(state, closed_at, since, reopened and closed_at is not None, pipeline)


def _pipeline(row: Row) -> str:
    return str(number(row.get("categoryId")))


def _money(row: Row) -> Money | None:
    amount = row.get("opportunity")
    if amount in (None, "", False):
        return None
    exact = Decimal(str(amount) if isinstance(amount, float) else amount)
    return Money(exact, intern(str(row.get("currencyId") or ""))) if exact else None
