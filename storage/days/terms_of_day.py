"""Load what decides a day besides readings and rules: absences, first days, probation, used records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from scoring.terms.circumstances import Half
from storage.days.first_day_back import load_appeared
from storage.days.newcomers import load_beginnings
from storage.days.used_records import load_used
from storage.people import absences
from storage.values import JudgedDay, StoredSnapshot


async def with_terms(session: AsyncSession, judged: JudgedDay, items: Sequence[StoredSnapshot]) -> list[StoredSnapshot]:
    """Return the snapshots of a day that is to be judged, with all that decides the day."""
    items = await with_absences(session, judged, items)
    users = [item.snapshot.manager.crm_user for item in items]
    beginnings = await load_beginnings(session, judged, users)
    used = await load_used(session, judged, items)
    return [
        replace(
            item,
            circumstances=replace(
                item.circumstances, begun=beginnings[user][0], newcomer=beginnings[user][1], used=used.get(user, {})
            ),
        )
        for user, item in zip(users, items, strict=True)
    ]


async def with_absences(
    session: AsyncSession, judged: JudgedDay, items: Sequence[StoredSnapshot]
) -> list[StoredSnapshot]:
    """Return the snapshots of a day with the absences recorded by now; all else that decided the day stays."""
    away = await absences.away_on(session, judged.connection, judged.day)
    at_work = [
        item
        for item in items
        for user in [item.snapshot.manager.crm_user]
        if judged.rulebook.employment(user).is_at_work(judged.day) and away.get(user, Half.AM) is not None
    ]
    appeared = await load_appeared(session, judged, at_work)
    return [
        replace(
            item,
            absent=user in away and away[user] is None,
            circumstances=replace(item.circumstances, half=away.get(user), appeared=appeared.get(user, {})),
        )
        for item in items
        for user in [item.snapshot.manager.crm_user]
    ]
