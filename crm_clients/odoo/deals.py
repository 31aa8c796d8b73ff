"""Read Odoo's opportunities as deals."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal

from crm_clients.errors import CrmNonsense, CrmRefused
from crm_clients.odoo.history import DealHistory, HistoryReader, refine
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, instant, label, many2one_id, naive, reference
from scoring.records import Change, Deal, DealState, Doubtful, Money, RecordKind

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
    """Read open deals and deals closed since the window's start, page by page."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._start, self._cutoff = session.start, session.cutoff
        self._required = session.config.required_fields if "deals_missing_fields" in session.request.kpis else {}
        self._histories = HistoryReader(session)
        self._types: dict[str, str] = {}
        """The types of the fields that deals have in this database."""
        self._won_stages: frozenset[int] = frozenset()
        self._is_any_reassigned = False

    async def pages(self) -> AsyncIterator[list[Deal]]:
        """Yield deals, corrected to the cutoff as far as Odoo tells."""
        await self._prepare()
        async for rows in self._session.lists.pages("crm.lead", self._domain(), self._fields(), WHAT):
            histories = await self._histories.read([row["id"] for row in rows if self._needs_history(row)])
            yield [
                self._refined(plain, row, histories.get(row["id"]))
                for row in rows
                if (plain := self._deal(row)) is not None
            ]

    def doubts(self) -> tuple[Doubtful, ...]:
        """Doubt the deals of all members, once the pages are read, if Odoo hides the former owner of a deal."""
        if not self._is_any_reassigned:
            return ()
        return (Doubtful(RecordKind.DEALS, self._session.request.members, Change.OWNER),)

    async def _prepare(self) -> None:
        lists = self._session.lists
        self._types = await lists.field_types("crm.lead", WHAT)
        if unknown := sorted(self._required_names() - self._types.keys()):
            raise CrmRefused(f"required_fields: deals of this Odoo have no {', '.join(unknown)}: correct the setting")
        won = await lists.rows("crm.stage", [["is_won", "=", True]], ("id",), WHAT)
        self._won_stages = frozenset(row["id"] for row in won)

    def _fields(self) -> list[str]:
        reason = [name for name in _REASONS if name in self._types][:1]
        status = ["won_status"] if "won_status" in self._types else []
        return sorted({*_FIELDS, *reason, *status, *self._required_names()})

    def _required_names(self) -> set[str]:
        return {name for names in self._required.values() for name in names}

    def _domain(self) -> Domain:
        """Filter open and closed deals at once, so that a deal closed or reopened meanwhile is on some page."""
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
        """Tell the present state; None: archived, neither won nor lost."""
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
        pipeline = many2one_id(row["team_id"])
        return Deal(
            id=str(row["id"]),
            title=str(row["name"] or ""),
            manager=many2one_id(row["user_id"]),
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

    def _needs_history(self, row: Row) -> bool:
        """Tell whether the fields alone may mislead: of closed deals, and of deals changed since the cutoff."""
        return self._state(row) is not DealState.OPEN or self._is_changed(row)

    def _is_changed(self, row: Row) -> bool:
        written = instant(row["write_date"])
        return written is not None and written >= self._cutoff

    def _refined(self, deal: Deal, row: Row, history: DealHistory | None) -> Deal:
        changed = self._is_changed(row)
        given = instant(row["date_open"])
        reassigned = changed and deal.created_at < self._cutoff and (given is None or given >= self._cutoff)
        self._is_any_reassigned |= reassigned
        return refine(deal, history, changed=changed, reassigned=reassigned, cutoff=self._cutoff)


def _money(row: Row) -> Money | None:
    amount = row["expected_revenue"]
    if not amount:
        return None
    return Money(Decimal(amount), label(row["company_currency"]))


def _is_empty(value: object, kind: str) -> bool:
    if kind == "html" and isinstance(value, str):
        return not _TAGS.sub("", value).strip()
    if isinstance(value, str):
        return not value.strip()
    return not value
