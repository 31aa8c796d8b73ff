"""Read the deals that are open now, and the deals closed since the window's start."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crm_clients.shared.cleaning import clean_title
from crm_clients.template.rows import DealRow
from crm_clients.template.session import ReadSession
from scoring.records import NOTHING, Change, Deal, Doubtful, Money, RecordKind

_UNTOLD = frozenset({Change.OWNER, Change.AMOUNT, Change.FIELD, Change.LOSS_REASON, Change.STAGE})
"""Changes of which this CRM keeps no history; `updated_at` tells only that some field changed."""


async def read_deals(session: ReadSession) -> AsyncIterator[Deal | Doubtful]:
    """Yield deals; a deal changed since the cutoff is doubtful for all members: any may have been the owner."""
    is_any_changed = False
    async for row in session.rows("deals", DealRow, session.start):
        changed = row.created_at < session.cutoff <= row.updated_at
        is_any_changed |= changed
        yield _deal(row, session.config.required_fields, changed=changed)
    if is_any_changed:
        yield Doubtful(RecordKind.DEALS, session.request.members, Change.OWNER)


def _deal(row: DealRow, required: dict[str, list[str]], *, changed: bool) -> Deal:
    pipeline = str(row.pipeline)
    names = dict.fromkeys((*required.get("*", ()), *required.get(pipeline, ())))
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
        changed=_UNTOLD if changed else NOTHING,
    )
