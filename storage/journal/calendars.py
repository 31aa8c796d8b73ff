"""Keep the working calendars of a team in the journal, and the days that will never be read."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.workdays import OfficialDay, WorkCalendar
from storage.db.models import JournalEventRecord, RunRecord
from storage.db.sql import lock_team
from storage.db.types import canonical_json
from storage.journal.chain import append, find_head
from storage.journal.kinds import JournalKind
from storage.values import RunState

StoredCalendar = tuple[datetime, WorkCalendar]
"""A calendar with the instant from which the journal tells of it."""


async def store_calendar(session: AsyncSession, team: str, calendar: WorkCalendar, at: datetime) -> bool:
    """Write the calendar of a team into the journal if it differs from the last written; tell whether it did.

    A team whose journal has not begun has nothing to miss. Raises NotFound.
    """
    owner = await lock_team(session, team)
    if await find_head(session, owner.id) is None:
        return False
    content = calendar_to_json(calendar, calendar.local_date(at))
    stored = await _contents(session, owner.id, JournalKind.CALENDAR_STORED, newest=True)
    if stored and canonical_json(stored[0][1]) == canonical_json(content):
        return False
    await append(session, owner.id, JournalKind.CALENDAR_STORED, content, at)
    return True


async def settle_unread(
    session: AsyncSession, team: str, awaited: Collection[date], calendar: WorkCalendar, at: datetime
) -> list[date]:
    """Settle the due days that no run finished and none will: those before now that are not `awaited`.

    Return the days settled. Raises NotFound.
    """
    owner = await lock_team(session, team)
    calendars = [(stored, calendar_from_json(content)) for stored, content in await _calendars(session, owner.id)]
    today = calendar.local_date(at)
    finished = await session.scalars(
        select(RunRecord.day).where(RunRecord.team_id == owner.id, RunRecord.state == RunState.FINISHED.value)
    )
    settled = {*finished, *await unread_days(session, owner.id), *awaited}
    days = [day for day in due_days(calendars, owner.scored_from, today - timedelta(days=1)) if day not in settled]
    for day in days:
        await append(session, owner.id, JournalKind.DAY_NOT_READ, {"day": day.isoformat()}, at)
    return days


async def unread_days(session: AsyncSession, chain: int) -> set[date]:
    """Load the days of a chain that were settled as not read."""
    events = await _contents(session, chain, JournalKind.DAY_NOT_READ)
    return {date.fromisoformat(content["day"]) for _, content in events}


async def _calendars(session: AsyncSession, chain: int) -> list[tuple[datetime, Mapping[str, Any]]]:
    return await _contents(session, chain, JournalKind.CALENDAR_STORED)


async def _contents(
    session: AsyncSession, chain: int, kind: JournalKind, *, newest: bool = False
) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Load instants and contents of the events of a kind, oldest first; `newest`: of the newest event only."""
    event = JournalEventRecord
    query = select(event.at, event.payload).where(event.chain == chain, event.kind == kind.value)
    query = query.order_by(event.seq.desc()).limit(1) if newest else query.order_by(event.seq)
    return [(at, json.loads(payload)["content"]) for at, payload in await session.execute(query)]


def calendar_to_json(calendar: WorkCalendar, today: date) -> dict[str, Any]:
    """Write a calendar as plain data; official days of last, this and next year as dates."""
    off, work = _official(calendar.official, today.year)
    return {
        "zone": str(calendar.zone),
        "cutoff": calendar.cutoff.isoformat("minutes"),
        "weekdays": sorted(calendar.weekdays),
        "days_off": sorted(map(str, calendar.days_off)),
        "extra_workdays": sorted(map(str, calendar.extra_workdays)),
        "short_days": {str(day): at.isoformat("minutes") for day, at in calendar.short_days.items()},
        "official_off": list(off),
        "official_work": list(work),
    }


@lru_cache(maxsize=32)
def _official(official: OfficialDay, year: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the official days off and the official working days of three years; teams of a country share the lists."""
    first, last = date(year - 1, 1, 1), date(year + 1, 12, 31)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    told = {day: official(day) for day in days}
    return tuple(str(day) for day in days if told[day] is False), tuple(str(day) for day in days if told[day])


def calendar_from_json(data: Mapping[str, Any]) -> WorkCalendar:
    """Read a stored calendar."""
    official = dict.fromkeys(map(date.fromisoformat, data["official_off"]), False)
    official |= dict.fromkeys(map(date.fromisoformat, data["official_work"]), True)
    return WorkCalendar(
        zone=ZoneInfo(data["zone"]),
        cutoff=time.fromisoformat(data["cutoff"]),
        weekdays=frozenset(data["weekdays"]),
        days_off=frozenset(map(date.fromisoformat, data["days_off"])),
        extra_workdays=frozenset(map(date.fromisoformat, data["extra_workdays"])),
        short_days={date.fromisoformat(day): time.fromisoformat(at) for day, at in data["short_days"].items()},
        official=official.get,
    )


def due_days(calendars: Sequence[StoredCalendar], first: date, last: date) -> list[date]:
    """List the working days from `first` to `last` by the calendars in force then, since the oldest of them."""
    if not calendars:
        return []
    at, calendar = calendars[0]
    day = max(first, calendar.local_date(at))
    days = []
    while day <= last:
        if _is_due(calendars, day):
            days.append(day)
        day += timedelta(days=1)
    return days


def _is_due(calendars: Sequence[StoredCalendar], day: date) -> bool:
    """Tell whether a day is a working day by every calendar in force in the window that ends with the cutoff.

    A day off holds if loaded before the cutoff, an extra working day if loaded before the window (docs/product.md §19).
    """
    known = [each for each in calendars if each[0] <= each[1].cutoff_of(day)]
    if not known or not known[-1][1].is_workday(day):
        return False
    calendar = known[-1][1]
    start = calendar.cutoff_of(calendar.previous_workday(day))
    before = [each for each in known if each[0] <= start][-1:]
    within = [each for each in known if each[0] > start]
    return all(each.is_workday(day) for _, each in (*before, *within))
