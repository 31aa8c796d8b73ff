"""Read the history of deals from the messages that Odoo posts on deals.

The fields alone are not enough. Archiving a won deal sets a new date (`date_closed`), moving a lost deal to another
stage clears the date, and so does reopening. The messages "Opportunity Won", "Lost", "Restored" and "Stage Changed"
stay, and who may read a deal may read the messages. Values of tracked fields are shown to administrators alone; that a
tracked field changed is visible to all: a message of type `notification`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, instant, naive, reference
from scoring.records import NOTHING, Change, Deal, DealState

WHAT = "what happened to deals"
_SUBTYPES: Mapping[str, DealState | None] = {
    "crm.mt_lead_won": DealState.WON,
    "crm.mt_lead_lost": DealState.LOST,
    "crm.mt_lead_restored": DealState.OPEN,
    "crm.mt_lead_stage": None,
}
"""A stage change reopens a won deal; a lost deal stays lost until restored."""

_UNTOLD = frozenset({Change.OWNER, Change.STAGE, Change.AMOUNT, Change.LOSS_REASON})
"""Changes that a notification may announce: the changed field and the earlier value are shown to administrators."""


@dataclass(frozen=True, slots=True)
class DealPosition:
    """Describe where a deal stood after some of the messages."""

    state: DealState = DealState.OPEN
    since: datetime | None = None
    """When the deal entered a closed state."""
    reopened: bool = False


@dataclass(slots=True)
class DealHistory:
    """Hold the messages of a deal, oldest first."""

    moves: list[tuple[datetime, DealState | None]] = field(default_factory=list)
    changed_otherwise: bool = False
    """Whether another tracked field changed since the cutoff: amount, responsible, team, reason, ..."""

    def position(self, before: datetime | None = None) -> DealPosition:
        """Tell where the deal stood, now or at an instant."""
        position = DealPosition()
        for at, state in self.moves:
            if before is not None and at >= before:
                break
            position = _after(position, at, state)
        return position


def _after(position: DealPosition, at: datetime, state: DealState | None) -> DealPosition:
    if state is None:
        state = DealState.OPEN if position.state is DealState.WON else position.state
    if state is position.state:
        return position
    if state is DealState.OPEN:
        return DealPosition(DealState.OPEN, None, True)
    return DealPosition(state, at, position.reopened)


class HistoryReader:
    """Read the histories of a page of deals."""

    def __init__(self, session: ReadSession) -> None:
        self._lists, self._cutoff = session.lists, session.cutoff
        self._states: dict[int, DealState | None] | None = None

    async def read(self, deals: Sequence[int]) -> dict[int, DealHistory]:
        """Read histories by deal; a deal without messages is missing."""
        if not deals:
            return {}
        states = await self._subtypes()
        since_cutoff: Domain = ["&", ["message_type", "=", "notification"], ["date", ">=", naive(self._cutoff)]]
        domain: Domain = [
            ["model", "=", "crm.lead"],
            ["res_id", "in", list(deals)],
            "|",
            ["subtype_id", "in", sorted(states)],
            *since_cutoff,
        ]
        found: dict[int, DealHistory] = {}
        fields = ("res_id", "date", "subtype_id", "message_type")
        async for page in self._lists.guarded_pages("mail.message", domain, fields, WHAT):
            for row in sorted(page, key=lambda row: row["id"]):
                self._note(found.setdefault(int(row["res_id"]), DealHistory()), row, states)
        for history in found.values():
            history.moves.sort(key=lambda move: move[0])
        return found

    def _note(self, history: DealHistory, row: Row, states: Mapping[int, DealState | None]) -> None:
        at, subtype = instant(row["date"]), reference(row["subtype_id"])
        if at is None:
            return
        if subtype is not None and subtype in states:
            history.moves.append((at, states[subtype]))
        elif row["message_type"] == "notification" and at >= self._cutoff:
            history.changed_otherwise = True

    async def _subtypes(self) -> dict[int, DealState | None]:
        """Read the subtypes by id in this database; names are translated, external ids are not."""
        if self._states is None:
            model = "mail.message.subtype"
            rows = await self._lists.rows(model, [["res_model", "=", "crm.lead"]], ("id",), WHAT)
            names = await self._lists.call(model, "get_external_id", WHAT, ids=[row["id"] for row in rows])
            known = {int(key): str(name) for key, name in names.items()}
            self._states = {key: _SUBTYPES[name] for key, name in known.items() if name in _SUBTYPES}
        return self._states


def refine(deal: Deal, history: DealHistory | None, *, changed: bool, reassigned: bool, cutoff: datetime) -> Deal:
    """Correct a deal to the cutoff, as far as the messages tell."""
    history = history or DealHistory()
    told = history.position()
    dated = _dated(deal, told)
    if not changed:
        return dated
    unknown = NOTHING
    then = history.position(before=cutoff)
    if history.moves and then.state is not _at_cutoff(dated, cutoff) and not _is_tie(deal, told, cutoff):
        dated = msgspec.structs.replace(dated, state=then.state, closed_at=then.since, reopened=then.reopened)
        unknown = frozenset({Change.AMOUNT, Change.LOSS_REASON})
    if reassigned or history.changed_otherwise:
        unknown = _UNTOLD
    return msgspec.structs.replace(dated, changed=unknown)


def _is_tie(deal: Deal, told: DealPosition, cutoff: datetime) -> bool:
    """Tell whether a deal was closed in the last second before the cutoff, and the message dated a second later."""
    if deal.closed_at is None or told.since is None:
        return False
    return deal.closed_at < cutoff <= told.since and told.since - deal.closed_at < timedelta(seconds=5)


def _dated(deal: Deal, told: DealPosition) -> Deal:
    """Take the earlier date of field and messages: the field moves on when a closed deal is archived."""
    if deal.state is DealState.OPEN or told.state is not deal.state or told.since is None:
        return deal
    closed_at = told.since if deal.closed_at is None else min(deal.closed_at, told.since)
    return msgspec.structs.replace(deal, closed_at=closed_at, reopened=told.reopened)


def _at_cutoff(deal: Deal, cutoff: datetime) -> DealState:
    """Tell the state that counting takes a deal for at the cutoff."""
    late = deal.closed_at is not None and deal.closed_at >= cutoff
    return DealState.OPEN if late else deal.state
