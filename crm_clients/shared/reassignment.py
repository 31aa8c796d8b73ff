"""Doubts about whose a deal was at the cutoff, where a CRM keeps no history of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from scoring.records import Deal, DealState


def shadows(deal: Deal, members: Iterable[str], kpis: frozenset[str], before: datetime) -> list[Deal]:
    """Doubts for whoever may have been responsible at the cutoff: rows that count nothing.

    The deal may have been given to another after the cutoff, and the CRM does not tell whose it was. `before` is an
    instant before the window, so that the rows lie outside of it.
    """
    return [
        Deal(
            id=f"{deal.id}/{member}",
            title=deal.title,
            manager=member,
            state=DealState.LOST,
            created_at=deal.created_at,
            pipeline=deal.pipeline,
            closed_at=before,
            doubtful=kpis,
        )
        for member in sorted(members)
        if member != deal.manager
    ]
