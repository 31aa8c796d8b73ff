"""Load the clocks of all teams: calendar, first scored day and reminder time decide when a team is due."""

from __future__ import annotations

from reglament.day.due import TeamClock
from reglament.process import Process
from storage.people import teams


async def load_clocks(process: Process) -> dict[str, TeamClock]:
    """Load the clocks of all teams in the settings, by team."""
    result = {}
    async with process.db.reading() as session:
        for key, team in process.settings.teams.items():
            stored = await teams.find(session, key)
            result[key] = TeamClock(key, team.crm, team.calendar(), stored.scored_from, team.reminder_minutes)
    return result
