"""Rank a team's managers for `reglament board`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from reglament.commands import output
from reglament.config.settings import Settings
from reglament.process import open_process, store_teams
from scoring.entries import Month
from scoring.standings import leaderboard
from storage.days import runs
from storage.ledger import exceptions, totals
from storage.people import people


async def board(settings: Settings, key: str, period: Literal["day", "week", "month"], day: date | None) -> output.Json:
    """Return the standings of the day, ISO week or month up to `day`, or else up to the last finished day."""
    async with open_process(settings) as process:
        await store_teams(process)
        async with process.db.reading() as session:
            run = await runs.last_finished(session, key, until=day)
            until = day or (run.day if run else settings.teams[key].calendar().local_date(process.now()))
            monday = until - timedelta(days=until.weekday())
            first = {"day": until, "week": monday, "month": until.replace(day=1)}[period]
            if period == "month":  # a month counts what is booked in it
                month = Month.of(until)
                team = await totals.totals_of_month(session, key, month, until)
                today = await totals.points_of_day(session, key, until, month)
            else:
                team = await totals.totals_of_days(session, key, first, until)
                today = await totals.points_of_day(session, key, until)
            off = await exceptions.days_off(session, key, first, until)
            members = [(member.crm_user, member.name) for member in await people.members(session, key)]
    standings = leaderboard(team, members, today=today, days_off=off)
    return output.board_json(key, period, first, until, standings)
