"""Read the deals that are open now, and the deals closed since the window's start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.required_fields import RequiredFields
from crm_clients.template.rows import DealRow
from crm_clients.template.session import ReadSession
from crm_clients.template.stages import stage_order
from scoring.records import Change, Deal, DealState, Doubtful, Money

_UNTOLD = frozenset({Change.OWNER, Change.AMOUNT, Change.FIELD, Change.LOSS_REASON, Change.STAGE})
"""Changes of which this CRM keeps no history; `updated_at` tells only that some field changed."""


async def read_deals(session: ReadSession) -> AsyncIterator[Deal | Doubtful]:
    """Yield deals; of a deal changed since the cutoff any member may have been the owner."""
    setting = session.config.required_fields
    by_stage = any("/" in key for key in setting)
    required = RequiredFields(setting, await stage_order(session.api, session.deadline) if by_stage else {})
    async for row in session.rows("deals", DealRow, session.start):
        deal = deal_at(row, required, session.cutoff, tells_mover=session.config.deals_credit == "mover")
        yield deal
        if deal.changed:
            yield owner_doubt(deal, session.request.members)


def deal_at(row: DealRow, required: RequiredFields, cutoff: datetime, *, tells_mover: bool = False) -> Deal:
    """Make the deal of a row as at the cutoff; `changed` names what is uncertain."""
    deal = _deal(row, required, tells_mover=tells_mover)
    return deal if _is_known(row, cutoff) else msgspec.structs.replace(deal, changed=_UNTOLD)


def _is_known(row: DealRow, cutoff: datetime) -> bool:
    """Tell whether a deal's fields at the cutoff are known: nothing changed since, or only that the deal was closed."""
    is_only_closed = row.updated_at == row.closed_at and not row.reopened
    return row.created_at >= cutoff or row.updated_at < cutoff or is_only_closed


def _deal(row: DealRow, required: RequiredFields, *, tells_mover: bool) -> Deal:
    pipeline = str(row.pipeline)
    names = required.required_at(pipeline, str(row.stage))
    is_closed = row.state is not DealState.OPEN
    return Deal(
        id=str(row.id),
        title=clean_title(row.title),
        manager=str(row.owner or ""),
        state=row.state,
        created_at=row.created_at,
        pipeline=pipeline,
        closed_at=row.closed_at,
        stage_since=row.stage_since,
        amount=None if row.amount is None else Money(row.amount, row.currency),
        loss_reason=clean_title(row.loss_reason),
        missing_fields=tuple(name for name in names if not row.fields.get(name, "").strip()),
        reopened=row.reopened,
        moved_by=str(row.moved_by or "") if is_closed and tells_mover else "",
    )
