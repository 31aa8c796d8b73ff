"""Load finished days of a team; every message of an evening shares one reading."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.context import AppContext
from scoring.standings import discipline
from storage.days import queries, runs
from storage.db.database import Session
from storage.ledger import totals
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, DigestNotice, EveningNotice, run_event
from storage.people import teams
from storage.values import Day


async def load_day(session: Session, ctx: AppContext, key: str, day: date) -> Day | None:
    """Load a team's day with all evidence; None if the day was not scored."""
    length = await ledger_length(session, key)

    async def make() -> Day | None:
        found = await queries.day(session, key, day)
        return None if found is None else replace(found, cards=found.cards.told_apart())

    return await ctx.days.get((key, day, length), make)


async def load_last_day(session: Session, ctx: AppContext, key: str) -> Day | None:
    """Load the newest finished day of a team; None before the first."""
    run = await runs.last_finished(session, key)
    return await load_day(session, ctx, key, run.day) if run else None


async def load_told(
    session: Session, key: str, day: date, kind: DeliveryKind, recipient: str
) -> EveningNotice | DigestNotice | None:
    """Load what a recipient was told of a day; None without such a message."""
    run = await runs.find(session, key, day)
    sent = await deliveries.find(session, run_event(run.id), kind, recipient) if run else None
    return sent.notice if sent and isinstance(sent.notice, EveningNotice | DigestNotice) else None


async def load_disciplines(session: Session, key: str, days: Collection[date]) -> dict[date, Decimal | None]:
    """Load the discipline % of a team's days, of all managers together; None for a day on which nobody was scored."""
    if not days:
        return {}
    outcomes = await totals.outcomes_of_days(session, key, min(days), max(days))
    return {day: discipline(*outcomes.get(day, (0, 0))) for day in days}


async def ledger_length(session: Session, key: str) -> int:
    """Count the team's ledger entries: a shared value holds until a correction adds an entry."""
    return await teams.length(session, key)
