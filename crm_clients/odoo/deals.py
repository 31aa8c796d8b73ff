"""Read Odoo's opportunities as deals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import datetime

import msgspec

from crm_clients.errors import MalformedRow
from crm_clients.odoo.history import DealHistory, DealPosition, HistoryReader, refine
from crm_clients.odoo.lead import WHAT, Lead, LeadFields
from crm_clients.odoo.losses import LossLog
from crm_clients.odoo.rights import require_deals
from crm_clients.odoo.rows import NOBODY, OwnCompanyRow, StageRow, TeamRow, user_of
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.stages import stage_order
from crm_clients.odoo.values import Domain, Row, id_of, naive, name_of, utc, utc_or_none
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.rows import malformed, unreadable
from scoring.causes import Cause
from scoring.kpis import DEALS_MISSING_FIELDS, LOST_WITHOUT_REASON
from scoring.records import Deal, DealState, Doubtful, Money, RecordKind, Unreadable

_FIELDS_ONLY = frozenset({DEALS_MISSING_FIELDS})
_LOSSES = frozenset({"deals_lost", LOST_WITHOUT_REASON})


class DealReader:
    """Read open deals and deals closed since the window's start, page by page.

    Deals of an archived sales team are left out: the CRM hides the team's pipeline.
    """

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._start, self._cutoff = session.start.replace(microsecond=0), session.cutoff
        self._histories = HistoryReader(session)
        self._losses = LossLog(session)
        self._fields: LeadFields
        self._won_stages: frozenset[int] = frozenset()
        self._archived_teams: frozenset[str] = frozenset()
        self._currency = ""
        """The currency of the key's company, once a deal without a currency was read."""
        self._handed_over: list[Deal] = []
        """Deals of which Odoo does not tell the owner at the cutoff."""
        self._unreadable: list[Unreadable] = []

    async def pages(self) -> AsyncIterator[list[Deal]]:
        """Yield deals, corrected to the cutoff as far as Odoo tells."""
        await require_deals(self._session.lists, self._session.bound_deals)
        await self._prepare()
        async for rows in self._session.lists.whole_pages("crm.lead", self._domain(), self._fields.names, WHAT):
            leads = [(raw, lead) for raw in rows if (lead := self._decoded(raw)) is not None]
            await self._histories.read([lead.row.id for _, lead in leads if self._needs_history(lead)])
            await self._learn_currency(leads)
            yield [deal for raw, lead in leads if (deal := self._refined(raw, lead)) is not None]

    async def by_ids(self, ids: Collection[int]) -> list[tuple[Deal, datetime]]:
        """Read single deals, corrected to the cutoff, each with the instant of the last change."""
        await self._prepare()
        found: list[tuple[Deal, datetime]] = []
        domain: Domain = [["id", "in", sorted(ids)], ["type", "=", "opportunity"]]
        async for rows in self._session.lists.raw_pages("crm.lead", domain, self._fields.names, WHAT):
            leads = [(raw, self._fields.decode(raw)) for raw in rows]
            await self._histories.read([lead.row.id for _, lead in leads])
            await self._learn_currency(leads)
            deals = ((self._refined(raw, lead), lead) for raw, lead in leads)
            found += [(deal, utc(lead.row.write_date)) for deal, lead in deals if deal is not None]
        return found

    def doubts(self) -> tuple[Doubtful | Unreadable, ...]:
        """State, once the pages are read, which rows are unreadable, and of which deals Odoo hides the former owner."""
        members = self._session.request.members
        doubts: list[Doubtful | Unreadable] = [*self._unreadable]
        doubts += [owner_doubt(deal, members) for deal in self._handed_over]
        if self._fields.unknown:
            text = f"required_fields: deals of this Odoo have no {', '.join(self._fields.unknown)}: correct the setting"
            doubts.append(Unreadable(RecordKind.DEALS, frozenset(), text, _FIELDS_ONLY, Cause.RIGHTS))
        return tuple(doubts)

    async def _prepare(self) -> None:
        lists, session = self._session.lists, self._session
        required = session.config.required_fields if DEALS_MISSING_FIELDS in session.request.kpis else {}
        teams = await lists.rows("crm.team", [], TeamRow, "sales teams")
        stages = await stage_order(lists, teams) if any("/" in key for key in required) else {}
        self._fields = LeadFields(await lists.fields("crm.lead", WHAT), required, stages)
        won = await lists.rows("crm.stage", [["is_won", "=", True]], StageRow, "stages")
        self._won_stages = frozenset(row.id for row in won)
        self._archived_teams = frozenset(str(team.id) for team in teams if not team.active)
        if session.request.kpis & _LOSSES:
            subtypes = await self._histories.subtypes()
            await self._losses.read(next(key for key, state in subtypes.items() if state is DealState.LOST))

    async def _learn_currency(self, leads: list[tuple[Row, Lead]]) -> None:
        if self._currency or all(lead.row.company_currency for _, lead in leads):
            return
        own = await self._session.lists.rows("res.company", [], OwnCompanyRow, "companies of this Odoo")
        self._currency = name_of(own[0].currency_id) if own else ""

    def _domain(self) -> Domain:
        """Filter open and closed deals at once, so that a deal closed or reopened meanwhile is on some page."""
        since = naive(self._start)
        if self._fields.has_status:
            opened: Domain = ["&", ["active", "=", True], ["won_status", "=", "pending"]]
            closed: Domain = [["won_status", "in", ["won", "lost"]]]
        else:
            won: Domain = ["&", ["probability", "=", 100], ["stage_id", "in", sorted(self._won_stages)]]
            opened = ["&", ["active", "=", True], "!", *won]
            closed = ["|", *won, "&", ["active", "=", False], ["probability", "=", 0]]
        # A lost deal that was moved to another stage has no date; if it was lost since, it was also written since.
        undated: Domain = ["&", "&", ["date_closed", "=", False], ["write_date", ">=", since], *closed]
        return [["type", "=", "opportunity"], "|", *opened, "|", ["date_closed", ">=", since], *undated]

    def _decoded(self, raw: Row) -> Lead | None:
        """Decode a row; None, with a note of what is wrong, if the row touches the owner alone. Raises MalformedRow."""
        try:
            lead = self._fields.decode(raw)
            self._session.past(lead.row.create_date, raw, WHAT)
            if self._state(lead) is not DealState.OPEN and utc(_closed_or_written(lead)) < self._start:
                raise malformed(raw, WHAT, "the deal was closed too long ago to have been asked for")
        except MalformedRow as error:
            self._unreadable.append(unreadable(error, RecordKind.DEALS, user_of(raw)))
            return None
        if lead.problem is not None:
            owner = frozenset({id_of(lead.row.user_id) or NOBODY})
            self._unreadable.append(Unreadable(RecordKind.DEALS, owner, str(lead.problem), _FIELDS_ONLY))
        return None if lead.pipeline in self._archived_teams else lead

    def _state(self, lead: Lead) -> DealState | None:
        """Tell the present state; None: archived, neither won nor lost."""
        if self._is_won(lead):
            return DealState.WON
        if lead.row.active:
            return DealState.OPEN
        return DealState.LOST if not lead.row.probability else None

    def _is_won(self, lead: Lead) -> bool:
        if lead.status:
            return lead.status == "won"
        stage = lead.row.stage_id
        return lead.row.probability == 100 and stage is not None and stage[0] in self._won_stages

    def _deal(self, lead: Lead) -> Deal | None:
        row, state, closed_at = lead.row, self._state(lead), utc_or_none(lead.row.date_closed)
        if state is None:
            if closed_at is None or closed_at < self._cutoff:
                return None
            state = DealState.LOST  # archived after the cutoff: it was open then, and never counts as lost
        return Deal(
            id=str(row.id),
            title=clean_title(row.name),
            manager=id_of(row.user_id),
            state=state,
            created_at=utc(max(row.create_date, row.date_conversion or row.create_date)),
            pipeline=lead.pipeline,
            closed_at=None if state is DealState.OPEN else closed_at,
            stage_since=utc_or_none(row.date_last_stage_update),
            amount=self._money(lead),
            loss_reason=lead.loss_reason,
            missing_fields=lead.missing_fields,
        )

    def _money(self, lead: Lead) -> Money | None:
        amount = lead.row.expected_revenue
        if not amount:
            return None
        return Money(amount, name_of(lead.row.company_currency) or self._currency)

    def _needs_history(self, lead: Lead) -> bool:
        """Tell whether the fields alone may mislead: of closed deals, and of deals changed since the cutoff."""
        is_plain = self._state(lead) is DealState.OPEN and not self._is_changed(lead)
        return not is_plain or self._losses.was_lost_and_moved(lead.row.id)

    def _is_changed(self, lead: Lead) -> bool:
        return utc(lead.row.write_date) >= self._cutoff

    def _refined(self, raw: Row, lead: Lead) -> Deal | None:
        """Make the deal as of the cutoff; None if the row is no deal, or its messages touch the owner alone."""
        deal = self._deal(lead)
        if deal is None:
            return None
        if error := self._histories.malformed.get(lead.row.id):
            self._unreadable.append(unreadable(error, RecordKind.DEALS, user_of(raw)))
            return None
        changed, given = self._is_changed(lead), utc_or_none(lead.row.date_open)
        reassigned = changed and deal.created_at < self._cutoff and (given is None or given >= self._cutoff)
        history = self._histories.found.get(lead.row.id)
        deal = refine(deal, history, changed=changed, reassigned=reassigned, cutoff=self._cutoff)
        deal = self._lost_elsewhere(deal, history)
        if reassigned:
            self._handed_over.append(deal)
        return deal

    def _lost_elsewhere(self, deal: Deal, history: DealHistory | None) -> Deal:
        """Add when and in which team the deal was lost, if the deal stands in another team now."""
        then = history.position(before=self._cutoff) if history else DealPosition()
        if then.lost_at is None or not self._losses.was_lost_and_moved(int(deal.id)):
            return deal
        team = self._losses.team_at(int(deal.id), then.lost_at, deal.pipeline)
        if team == deal.pipeline:
            return deal
        mover = then.lost_by if deal.state is DealState.OPEN else deal.moved_by
        return msgspec.structs.replace(deal, lost_at=then.lost_at, lost_from=team, moved_by=mover)


def _closed_or_written(lead: Lead) -> datetime:
    """Tell by which date a closed deal was asked for."""
    return lead.row.date_closed or lead.row.write_date
