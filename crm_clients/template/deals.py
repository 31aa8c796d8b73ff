"""Read the deals that are open now, and the deals closed since the window's start."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.required_fields import RequiredFields
from crm_clients.template.rows import DealRow
from crm_clients.template.session import ReadSession
from crm_clients.template.stages import stage_order
from scoring.records import Change, Deal, DealState, Doubtful, Money, RecordKind

_UNTOLD = frozenset({Change.OWNER, Change.AMOUNT, Change.FIELD, Change.LOSS_REASON, Change.STAGE})
"""Changes of which this CRM keeps no history; `updated_at` tells only that some field changed."""


async def read_deals(session: ReadSession) -> AsyncIterator[Deal | Doubtful]:
    """Yield deals; of a deal changed since the cutoff any member may have been the owner."""
    setting = session.config.required_fields
    by_stage = any("/" in key for key in setting)
    required = RequiredFields(setting, await stage_order(session.api, session.deadline) if by_stage else {})
    async for row in session.rows("deals", DealRow, session.start):
        deal = _deal(row, required, tells_mover=session.config.deals_credit == "mover")
        if not row.created_at < session.cutoff <= row.updated_at:
            yield deal
            continue
        yield msgspec.structs.replace(deal, changed=_UNTOLD)
        yield Doubtful(RecordKind.DEALS, session.request.members, Change.OWNER, deal.state, deal)


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
