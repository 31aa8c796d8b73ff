"""How a team stands as if the cutoff were now: a reading judged by the rules, nothing stored."""

from __future__ import annotations

from bot.context import AppContext, LiveReading
from scoring.scorecard import Scorecard, score
from storage.days import runs
from storage.db.database import Session
from storage.people import absences


async def cards(session: Session, ctx: AppContext, reading: LiveReading) -> list[Scorecard]:
    """Everybody's rules, who is absent excused, with the marks of what is new; worked out once a reading."""
    team = ctx.teams[reading.team]

    async def make() -> list[Scorecard]:
        absent = await absences.absent_on(session, team.connection, reading.day)
        users = [snapshot.manager.crm_user for snapshot in reading.snapshots]
        last = await runs.last_keys(session, team.key, reading.day, users, reading.rulebook.counted)
        return [
            score(
                snapshot,
                reading.rulebook,
                absent=snapshot.manager.crm_user in absent,
                last=last.get(snapshot.manager.crm_user, {}),
            )
            for snapshot in reading.snapshots
        ]

    return await ctx.standings.get((team.key, reading.read_at.isoformat()), make)


async def card(session: Session, ctx: AppContext, reading: LiveReading, crm_user: str) -> Scorecard | None:
    """One manager's; None if he is not among those who were read."""
    every = await cards(session, ctx, reading)
    return next((each for each in every if each.manager.crm_user == crm_user), None)
