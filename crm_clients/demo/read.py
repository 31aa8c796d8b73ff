"""Read the facts of a request from the made-up company."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from crm_clients.base import ReadRequest
from crm_clients.demo.config import DemoConfig
from crm_clients.demo.deal_life import FIELDS
from crm_clients.demo.world import World
from crm_clients.shared.required_fields import RequiredFields
from scoring.records import Company, Completed, Fact, Record, RecordKind

_ORDER = (
    RecordKind.COMPANIES,
    RecordKind.MEETINGS,
    RecordKind.CALLS,
    RecordKind.TASKS,
    RecordKind.COMMENTS,
    RecordKind.DEALS,
)
"""Tasks and comments come before the deals that both belong to."""


async def read_facts(
    world: World, config: DemoConfig, request: ReadRequest, now: datetime, ask: Callable[[datetime], None]
) -> AsyncIterator[Fact]:
    """Yield the records of `request.kinds` as of the cutoff (or of an earlier `now`), with a mark per kind.

    `ask` counts a request, and raises CrmUnavailable while the made-up CRM is down.
    """
    moment = min(now, request.window.cutoff)
    for kind in sorted(request.kinds, key=_ORDER.index):
        ask(now)
        # Beside the event loop: a large company takes seconds to make up.
        for record in await asyncio.to_thread(list, _records(world, config, request, kind, moment)):
            yield record
        yield Completed(kind, now)


def _records(
    world: World, config: DemoConfig, request: ReadRequest, kind: RecordKind, moment: datetime
) -> Iterator[Record]:
    start = min(request.since, moment)
    match kind:
        case RecordKind.CALLS:
            return world.calls(start, moment)
        case RecordKind.COMPANIES:
            return _companies(world, config, start, moment)
        case RecordKind.MEETINGS:
            types = config.meeting_types
            return (meeting for kind, meeting in world.meetings(start, moment) if not types or kind in types)
    lives = world.lives(start, moment)
    match kind:
        case RecordKind.TASKS:
            return chain.from_iterable(life.tasks_at(moment) for life in lives)
        case RecordKind.COMMENTS:
            return chain.from_iterable(life.comments_at(moment) for life in lives)
    tells_mover = config.deals_credit == "mover"
    deals = (life.deal_at(moment, _required(config, life.deal.pipeline), tells_mover=tells_mover) for life in lives)
    return (deal for deal in deals if deal is not None)


def _companies(world: World, config: DemoConfig, start: datetime, moment: datetime) -> Iterator[Company]:
    by_owner = config.companies_credit == "owner"
    for row in world.companies(start, moment):
        yield Company(row.id, row.title, row.owner if by_owner else row.creator, row.created_at)


def _required(config: DemoConfig, pipeline: str) -> Sequence[str]:
    """List the fields a deal needs: the fields of the pipeline; the CRM's own where the settings list none at all."""
    listed = config.required_fields
    return RequiredFields(listed).required_at(pipeline, "") if any(listed.values()) else FIELDS
