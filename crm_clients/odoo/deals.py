"""Odoo's opportunities as deals, and the human comments on them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from crm_clients.base import ReadRequest
from crm_clients.errors import CrmNonsense, CrmRefused
from crm_clients.odoo.api import PAGE, Domain, OdooApi, Row, instant, label, naive, reference
from crm_clients.odoo.history import DEAL_KPIS, Historian, History, refine
from crm_clients.shared.http import Deadline
from crm_clients.shared.reassignment import shadows
from scoring.records import Comment, Deal, DealState, Money

WHAT = "deals"
_FIELDS = (
    "name",
    "user_id",
    "team_id",
    "active",
    "probability",
    "stage_id",
    "create_date",
    "write_date",
    "date_conversion",
    "date_closed",
    "date_last_stage_update",
    "date_open",
    "expected_revenue",
    "company_currency",
)
_REASONS = ("lost_reason_id", "lost_reason")
"""Since 15, and before."""
_TAGS = re.compile(r"<[^>]*>|&nbsp;")


class DealReader:
    """Reads open deals and those closed since the window's start, page by page."""

    def __init__(self, api: OdooApi, request: ReadRequest, required: Mapping[str, Sequence[str]]) -> None:
        self._api = api
        self._start, self._cutoff = request.window.start, request.window.cutoff
        self._members = request.members
        self._required = required if "deals_missing_fields" in request.kpis else {}
        self._historian = Historian(api, self._cutoff)
        self._types: dict[str, str] = {}
        self._won_stages: frozenset[int] = frozenset()

    async def pages(self, deadline: Deadline) -> AsyncIterator[list[Deal]]:
        """Deals as they stood at the cutoff, as far as Odoo tells."""
        await self._prepare(deadline)
        reason = [name for name in _REASONS if name in self._types][:1]
        status = ["won_status"] if "won_status" in self._types else []
        fields = sorted({*_FIELDS, *reason, *status, *self._required_names()})
        async for rows in self._api.pages("crm.lead", self._domain(), fields, deadline=deadline, what=WHAT):
            stories = await self._historian.read([row["id"] for row in rows if self._has_story(row)], deadline)
            yield [
                deal
                for row in rows
                if (plain := self._deal(row)) is not None
                for deal in self._refined(plain, row, stories)
            ]

    async def _prepare(self, deadline: Deadline) -> None:
        types = await self._api.call("crm.lead", "fields_get", attributes=["type"], deadline=deadline, what=WHAT)
        if not isinstance(types, Mapping):
            raise CrmNonsense("deals: Odoo does not say which fields they have")
        self._types = {name: str(about.get("type")) for name, about in types.items()}
        if unknown := sorted(self._required_names() - self._types.keys()):
            raise CrmRefused(f"required_fields: deals of this Odoo have no {', '.join(unknown)}: correct the setting")
        won = await self._api.all_rows("crm.stage", [["is_won", "=", True]], ("id",), deadline=deadline, what=WHAT)
        self._won_stages = frozenset(row["id"] for row in won)

    def _required_names(self) -> set[str]:
        return {name for names in self._required.values() for name in names}

    def _domain(self) -> Domain:
        """One filter for open and closed ones, so that a deal closed or reopened while it is read is in some page."""
        since = naive(self._start)
        if "won_status" in self._types:
            opened: Domain = ["&", ["active", "=", True], ["won_status", "=", "pending"]]
            closed: Domain = [["won_status", "in", ["won", "lost"]]]
        else:
            won: Domain = ["&", ["probability", "=", 100], ["stage_id", "in", sorted(self._won_stages)]]
            opened = ["&", ["active", "=", True], "!", *won]
            closed = ["|", *won, "&", ["active", "=", False], ["probability", "=", 0]]
        # A lost deal that was moved to another stage has no date; if it was lost since, it was also written since.
        undated: Domain = ["&", "&", ["date_closed", "=", False], ["write_date", ">=", since], *closed]
        return [["type", "=", "opportunity"], "|", *opened, "|", ["date_closed", ">=", since], *undated]

    def _state(self, row: Row) -> DealState | None:
        """None: archived, neither won nor lost."""
        if self._is_won(row):
            return DealState.WON
        if row["active"]:
            return DealState.OPEN
        return DealState.LOST if not row["probability"] else None

    def _is_won(self, row: Row) -> bool:
        if "won_status" in row:
            return bool(row["won_status"] == "won")
        return bool(row["probability"] == 100) and reference(row["stage_id"]) in self._won_stages

    def _deal(self, row: Row) -> Deal | None:
        state, closed_at = self._state(row), instant(row["date_closed"])
        if state is None:
            if closed_at is None or closed_at < self._cutoff:
                return None
            state = DealState.LOST  # archived after the cutoff: it was open then, and never counts as lost
        created = instant(row["create_date"])
        if created is None:
            raise CrmNonsense(f"deals: Odoo does not say when {row['id']} was created")
        converted = instant(row["date_conversion"])
        user, team = reference(row["user_id"]), reference(row["team_id"])
        pipeline = str(team or "")
        return Deal(
            id=str(row["id"]),
            title=str(row["name"] or ""),
            manager=str(user or ""),
            state=state,
            created_at=max(created, converted) if converted else created,
            pipeline=pipeline,
            closed_at=None if state is DealState.OPEN else closed_at,
            stage_since=instant(row["date_last_stage_update"]),
            amount=_money(row),
            loss_reason=next((label(row[name]) for name in _REASONS if name in row), ""),
            missing_fields=self._missing(row, pipeline),
        )

    def _missing(self, row: Row, pipeline: str) -> tuple[str, ...]:
        names = dict.fromkeys((*self._required.get("*", ()), *self._required.get(pipeline, ())))
        return tuple(name for name in names if _is_empty(row[name], self._types[name]))

    def _has_story(self, row: Row) -> bool:
        """Whether the fields alone may mislead: closed deals, and what was changed since the cutoff."""
        return self._state(row) is not DealState.OPEN or self._is_changed(row)

    def _is_changed(self, row: Row) -> bool:
        written = instant(row["write_date"])
        return written is not None and written >= self._cutoff

    def _refined(self, deal: Deal, row: Row, stories: Mapping[int, History]) -> list[Deal]:
        changed = self._is_changed(row)
        given = instant(row["date_open"])
        reassigned = changed and deal.created_at < self._cutoff and (given is None or given >= self._cutoff)
        refined = refine(deal, stories.get(row["id"]), changed=changed, reassigned=reassigned, cutoff=self._cutoff)
        if not reassigned:
            return [refined]
        return [refined, *shadows(refined, self._members, DEAL_KPIS, self._start - timedelta(seconds=1))]


async def human_comments(
    api: OdooApi, deals: Sequence[str], robots: Collection[int | None], deadline: Deadline
) -> AsyncIterator[Comment]:
    """What people wrote on `deals`; mailings, tracked changes and what `robots` (partners) wrote are left out."""
    ids = [int(deal) for deal in deals]
    for start in range(0, len(ids), PAGE):
        domain: Domain = [
            ["model", "=", "crm.lead"],
            ["res_id", "in", ids[start : start + PAGE]],
            ["message_type", "in", ["comment", "email"]],
        ]
        fields = ("res_id", "date", "author_id")
        async for page in api.guarded_pages("mail.message", domain, fields, deadline=deadline, what="comments"):
            for row in page:
                if reference(row["author_id"]) not in robots:
                    yield Comment(str(row["res_id"]), instant(row["date"]))


def _money(row: Row) -> Money | None:
    amount = row["expected_revenue"]
    if not amount:
        return None
    return Money(Decimal(amount), label(row["company_currency"]))


def _is_empty(value: Any, kind: str) -> bool:
    if kind == "html" and isinstance(value, str):
        return not _TAGS.sub("", value).strip()
    if isinstance(value, str):
        return not value.strip()
    return not value
