"""Read the history of deals from the messages that Odoo posts on deals.

The fields alone are not enough. Archiving a won deal sets a new date (`date_closed`), moving a lost deal to another
stage clears the date, and so does reopening. The messages "Opportunity Won", "Lost", "Restored" and "Stage Changed"
stay, and who may read a deal may read the messages. Values of tracked fields are shown to administrators alone; that a
tracked field changed is visible to all: a message of type `notification`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from crm_clients.errors import CrmNonsense, MalformedRow
from crm_clients.odoo.rows import MoveRow, SubtypeRow, decoded
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, naive
from crm_clients.shared.rows import malformed
from scoring.records import Change, Deal, DealState

WHAT = "what happened to deals"
_SUBTYPES: Mapping[str, DealState | None] = {
    "crm.mt_lead_won": DealState.WON,
    "crm.mt_lead_lost": DealState.LOST,
    "crm.mt_lead_restored": DealState.OPEN,
    "crm.mt_lead_stage": None,
}
"""A stage change reopens a won deal; a lost deal stays lost until restored."""

_TRACKED = frozenset({Change.STAGE, Change.AMOUNT, Change.LOSS_REASON})
"""Changes that a notification may announce: the changed field and the earlier value are shown to administrators.

Another owner is announced too, but `date_open` tells since when a deal has its owner.
"""
_UNTRACKED = frozenset({Change.FIELD})
"""Changes of which nothing is told but that the deal was written."""


@dataclass(frozen=True, slots=True)
class DealPosition:
    """Describe where a deal stood after some of the messages."""

    state: DealState = DealState.OPEN
    since: datetime | None = None
    """When the deal entered a closed state."""
    reopened: bool = False
    moved_by: str = ""
    """The user who closed the deal, if the settings ask."""
    lost_at: datetime | None = None
    """When the deal was lost last."""
    lost_by: str = ""
    """The user who lost the deal last, if the settings ask."""


@dataclass(frozen=True, slots=True)
class Move:
    """Describe a message that tells of a deal's stage or state."""

    at: datetime
    state: DealState | None
    """None: the stage changed, whatever the state."""
    user: str = ""


@dataclass(slots=True)
class DealHistory:
    """Hold the messages of a deal, oldest first."""

    moves: list[Move] = field(default_factory=list)
    changed_otherwise: bool = False
    """Whether another tracked field changed since the cutoff: amount, responsible, team, reason, ..."""

    def position(self, before: datetime | None = None) -> DealPosition:
        """Tell where the deal stood, now or at an instant."""
        position = DealPosition()
        for move in self.moves:
            if before is not None and move.at >= before:
                break
            position = _after(position, move)
        return position


def _after(position: DealPosition, move: Move) -> DealPosition:
    state = move.state
    if state is None:
        state = DealState.OPEN if position.state is DealState.WON else position.state
    if state is position.state:
        return position
    if state is DealState.OPEN:
        return replace(position, state=state, since=None, reopened=True, moved_by="")
    closed = replace(position, state=state, since=move.at, moved_by=move.user)
    return replace(closed, lost_at=move.at, lost_by=move.user) if state is DealState.LOST else closed


class HistoryReader:
    """Read the histories of deals, a page of deals at a time."""

    def __init__(self, session: ReadSession) -> None:
        self._lists, self._session, self._cutoff = session.lists, session, session.cutoff
        self._states: dict[int, DealState | None] | None = None
        self.found: dict[int, DealHistory] = {}
        """Histories of the last page by deal; a deal without messages is missing."""
        self.malformed: dict[int, MalformedRow] = {}
        """What is wrong with a message, by deal."""
        self._users: dict[int, str] = {}
        """Users by contact, if the settings credit the mover."""

    async def read(self, deals: Sequence[int]) -> None:
        """Read the histories of a page of deals. Raises MalformedRow for a message that does not name its deal."""
        self.found, self.malformed = {}, {}
        if not deals:
            return
        states = await self.subtypes()
        if self._session.config.deals_credit == "mover":
            self._users = await self._session.users_by_contact()
        since_cutoff: Domain = ["&", ["message_type", "=", "notification"], ["date", ">=", naive(self._cutoff)]]
        domain: Domain = [
            ["model", "=", "crm.lead"],
            ["res_id", "in", list(deals)],
            "|",
            ["subtype_id", "in", sorted(states)],
            *since_cutoff,
        ]
        fields = MoveRow.__struct_fields__
        async for page in self._lists.raw_guarded_pages("mail.message", domain, fields, WHAT):
            for raw in sorted(page, key=lambda row: row["id"]):
                self._note(raw, states, deals)
        for history in self.found.values():
            history.moves.sort(key=lambda move: move.at)

    def _note(self, raw: Row, states: Mapping[int, DealState | None], deals: Sequence[int]) -> None:
        try:
            row = decoded(raw, MoveRow, WHAT)
            at = self._session.past(row.date, raw, WHAT)
        except MalformedRow as error:
            if raw.get("res_id") not in deals:
                raise
            self.malformed[raw["res_id"]] = error
            return
        if row.res_id not in deals:
            raise malformed(raw, WHAT, "the message is of a deal that was not asked for")
        history = self.found.setdefault(row.res_id, DealHistory())
        if row.subtype_id is not None and row.subtype_id[0] in states:
            user = "" if row.author_id is None else self._users.get(row.author_id[0], "")
            history.moves.append(Move(at, states[row.subtype_id[0]], user))
        elif row.message_type == "notification" and at >= self._cutoff:
            history.changed_otherwise = True
        else:
            self.malformed[row.res_id] = malformed(raw, WHAT, "the message is none of those that were asked for")

    async def subtypes(self) -> dict[int, DealState | None]:
        """Read the subtypes by id in this database; names are translated, external ids are not."""
        if self._states is None:
            model = "mail.message.subtype"
            rows = await self._lists.rows(model, [["res_model", "=", "crm.lead"]], SubtypeRow, WHAT)
            names = await self._lists.call(model, "get_external_id", WHAT, ids=[row.id for row in rows])
            if not isinstance(names, Mapping):
                raise CrmNonsense(f"{WHAT}: Odoo does not name the subtypes of messages")
            states = {row.id: str(names.get(str(row.id))) for row in rows}
            self._states = {key: _SUBTYPES[name] for key, name in states.items() if name in _SUBTYPES}
            if len(self._states) < len(_SUBTYPES):
                raise CrmNonsense(f"{WHAT}: Odoo does not name every subtype of messages that deals have")
        return self._states


def refine(deal: Deal, history: DealHistory | None, *, changed: bool, reassigned: bool, cutoff: datetime) -> Deal:
    """Correct a deal to the cutoff, as far as the messages tell."""
    history = history or DealHistory()
    told = history.position()
    dated = _dated(deal, told)
    if not changed:
        return dated
    unknown = _UNTRACKED
    then = history.position(before=cutoff)
    if history.moves and then.state is not _at_cutoff(dated, cutoff) and not _is_tie(deal, told, cutoff):
        dated = msgspec.structs.replace(
            dated, state=then.state, closed_at=then.since, reopened=then.reopened, moved_by=then.moved_by
        )
        unknown = _UNTRACKED | {Change.AMOUNT, Change.LOSS_REASON}
    if history.changed_otherwise:
        unknown = _UNTRACKED | _TRACKED
    if reassigned:
        unknown |= {Change.OWNER}
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
    return msgspec.structs.replace(deal, closed_at=closed_at, reopened=told.reopened, moved_by=told.moved_by)


def _at_cutoff(deal: Deal, cutoff: datetime) -> DealState:
    """Tell the state that counting takes a deal for at the cutoff."""
    late = deal.closed_at is not None and deal.closed_at >= cutoff
    return DealState.OPEN if late else deal.state
