"""Score a live reading by the rules of the running window; the result is never stored."""

from __future__ import annotations

from bot.context import AppContext, LiveReading
from scoring.scorecard import Scorecard
from storage.days.snapshots import last_keys
from storage.days.terms_of_day import with_terms
from storage.db.database import Session
from storage.values import JudgedDay, StoredSnapshot


async def load_live_cards(session: Session, ctx: AppContext, reading: LiveReading) -> list[Scorecard]:
    """Score all managers of a reading, once a reading; absent managers are excused, new evidence is marked."""
    team = ctx.teams[reading.team]

    async def make() -> list[Scorecard]:
        users = [snapshot.manager.crm_user for snapshot in reading.snapshots]
        last = await last_keys(session, team.key, reading.day, users, reading.rulebook.counted)
        read = [
            StoredSnapshot(snapshot, last=last.get(snapshot.manager.crm_user, {})) for snapshot in reading.snapshots
        ]
        judged = JudgedDay(team.key, team.connection, reading.day, reading.rulebook)
        return [item.score(reading.rulebook, reading.day) for item in await with_terms(session, judged, read)]

    return await ctx.standings.get((team.key, reading.read_at.isoformat()), make)


async def load_live_card(session: Session, ctx: AppContext, reading: LiveReading, crm_user: str) -> Scorecard | None:
    """Score one manager of a reading; None if the reading does not hold the manager."""
    cards = await load_live_cards(session, ctx, reading)
    return next((card for card in cards if card.manager.crm_user == crm_user), None)
