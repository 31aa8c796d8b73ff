"""Store the versions of a team's rulebook and of the price of a point, and find the version of a day.

A version holds from when it was first loaded; a day is judged by the newest one loaded before its window starts. The
very first holds at once, also for days before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.payout import MoneyTerms
from scoring.rules import Rulebook, Schedule, version_of
from storage.db.models import MoneyVersionRecord, RulebookRecord, TeamRecord
from storage.db.sql import lock_team, portions, team_named
from storage.db.types import canonical_json, decimal_text
from storage.errors import NotFound

Version = TypeVar("Version", RulebookRecord, MoneyVersionRecord)

MONEY_SCHEMA = 2
"""Number of the form in which courses are stored; texts of 0.1.0 carry none."""


async def keep_rulebook(session: AsyncSession, team: str, rulebook: Rulebook, at: datetime) -> bool:
    """Store the rulebook if it differs from the team's newest; tell whether it did."""
    owner = await lock_team(session, team)
    newest = await _newest(session, RulebookRecord, owner.id)
    if newest is not None and _says_the_same(newest.content, rulebook):
        return False
    content = rulebook.to_json()
    session.add(RulebookRecord(team_id=owner.id, version=version_of(content), content=content, valid_from=at))
    await session.flush()
    return True


def _says_the_same(content: dict[str, Any], rulebook: Rulebook) -> bool:
    """Tell whether a stored text means this rulebook, also where an earlier release wrote it with fewer settings."""
    try:
        return Rulebook.from_json(content).is_same_as(rulebook)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return False  # altered since: `verify` tells


async def rulebook_at(session: AsyncSession, team: str, instant: datetime) -> Rulebook:
    """Find the rulebook that judges a window starting at `instant`. Raises NotFound for a team without a rulebook."""
    return Rulebook.from_json((await rulebook_record_at(session, team, instant)).content)


async def rulebook_record_at(session: AsyncSession, team: str, instant: datetime) -> RulebookRecord:
    """Find the row of the rulebook that judges a window starting at `instant`."""
    owner = await team_named(session, team)
    row = await _valid_at(session, RulebookRecord, owner.id, instant)
    if row is None:
        raise NotFound(f"team {team!r} has no rulebook yet")
    return row


async def records_at(session: AsyncSession, instants: Mapping[int, datetime]) -> dict[int, RulebookRecord]:
    """Find the rows of the rulebooks that judge windows starting at `instants`, both by team id.

    Raises NotFound for a team without a rulebook.
    """
    loaded: dict[int, list[tuple[int, datetime]]] = {team_id: [] for team_id in instants}
    row = RulebookRecord
    for portion in portions(sorted(instants)):
        query = select(row.team_id, row.id, row.valid_from).where(row.team_id.in_(portion)).order_by(row.id)
        for team_id, rulebook_id, at in await session.execute(query):
            loaded[team_id].append((rulebook_id, at))
    chosen = {}
    for team_id, versions in loaded.items():
        if not versions:
            raise NotFound(f"team {team_id} has no rulebook yet")
        valid = [rulebook_id for rulebook_id, at in versions if at <= instants[team_id]]
        chosen[valid[-1] if valid else versions[0][0]] = team_id
    found: dict[int, RulebookRecord] = {}
    for portion in portions(sorted(chosen)):
        found |= {chosen[each.id]: each for each in await session.scalars(select(row).where(row.id.in_(portion)))}
    return found


async def loaded_schedules(session: AsyncSession, team: str) -> list[tuple[datetime, Schedule]]:
    """List the schedules of a team's rulebooks with the instant of loading, oldest first; none for an unknown team."""
    query = select(RulebookRecord).join(TeamRecord, TeamRecord.id == RulebookRecord.team_id)
    rows = await session.scalars(query.where(TeamRecord.key == team).order_by(RulebookRecord.id))
    found = [(row.valid_from, _schedule_in(row.content)) for row in rows]
    return [(at, schedule) for at, schedule in found if schedule is not None]


def _schedule_in(content: dict[str, Any]) -> Schedule | None:
    """Read the schedule of a stored rulebook; None in older texts, and in a text that was altered: `verify` tells."""
    try:
        return Schedule.from_json(content["schedule"]) if content.get("schedule") else None
    except ValueError:
        return None


async def next_rulebook(session: AsyncSession, team: str, instant: datetime) -> tuple[Rulebook, datetime] | None:
    """Find the newest rulebook, unless valid for a window starting at `instant`, and the instant of loading."""
    owner = await team_named(session, team)
    newest = await _newest(session, RulebookRecord, owner.id)
    valid = await _valid_at(session, RulebookRecord, owner.id, instant)
    if newest is None or valid is None or newest.id == valid.id:
        return None
    return Rulebook.from_json(newest.content), newest.valid_from


async def keep_money(session: AsyncSession, team: str, terms: MoneyTerms | None, at: datetime) -> bool:
    """Store the course of a point if it differs from the newest; tell whether it did. None: a team without money."""
    owner = await lock_team(session, team)
    newest = await _newest(session, MoneyVersionRecord, owner.id)
    content = _terms_to_json(terms)
    if newest is not None and not _is_unclear(newest.content) and _terms_from_json(newest.content) == terms:
        return False
    version = hashlib.sha256(canonical_json(content).encode()).hexdigest()[:12]
    session.add(MoneyVersionRecord(team_id=owner.id, version=version, content=content, valid_from=at))
    await session.flush()
    return True


async def money_at(session: AsyncSession, team: str, instant: datetime) -> MoneyTerms | None:
    """Find the course that pays a period with the first window starting at `instant`; None: without money.

    Raises NotFound for a team whose settings were never loaded.
    """
    owner = await team_named(session, team)
    row = await _valid_at(session, MoneyVersionRecord, owner.id, instant)
    if row is None:
        raise NotFound(f"team {team!r} has no course of a point yet")
    if _is_unclear(row.content) and await _is_followed_by_none(session, row):
        return None
    return _terms_from_json(row.content)


async def money_record_at(session: AsyncSession, team_id: int, instant: datetime) -> MoneyVersionRecord | None:
    """Find the row of the course that was loaded last before `instant`; None for a team never loaded."""
    return await _valid_at(session, MoneyVersionRecord, team_id, instant)


async def next_money(session: AsyncSession, team: str) -> MoneyTerms | None:
    """Find the course loaded last, which pays the periods that have not begun."""
    newest = await _newest(session, MoneyVersionRecord, (await team_named(session, team)).id)
    return _terms_from_json(newest.content) if newest is not None else None


def _is_unclear(content: dict[str, Any]) -> bool:
    """Tell whether the text may also mean no money: 0.1.0 stored the default course for a team without money."""
    return bool(content) and "schema" not in content and _terms_from_json(content) == MoneyTerms()


async def _is_followed_by_none(session: AsyncSession, row: MoneyVersionRecord) -> bool:
    """Tell whether the next version is that of a team without money: the first start after an upgrade stores one."""
    query = select(MoneyVersionRecord).where(MoneyVersionRecord.team_id == row.team_id)
    following = await session.scalar(
        query.where(MoneyVersionRecord.id > row.id).order_by(MoneyVersionRecord.id).limit(1)
    )
    return following is not None and not following.content


async def _newest(session: AsyncSession, table: type[Version], team_id: int) -> Version | None:
    """Find the version stored last: a clock that was wrong does not change the order."""
    return await session.scalar(select(table).where(table.team_id == team_id).order_by(table.id.desc()).limit(1))


async def _valid_at(session: AsyncSession, table: type[Version], team_id: int, instant: datetime) -> Version | None:
    query = select(table).where(table.team_id == team_id)
    loaded = query.where(table.valid_from <= instant).order_by(table.id.desc())
    row = await session.scalar(loaded.limit(1))
    if row is not None:
        return row
    return await session.scalar(query.order_by(table.id).limit(1))


def _terms_to_json(terms: MoneyTerms | None) -> dict[str, Any]:
    if terms is None:
        return {}
    return {
        "schema": MONEY_SCHEMA,
        "currency": terms.currency,
        "base": decimal_text(terms.base),
        "per_point": decimal_text(terms.per_point),
        "per_penalty_point": decimal_text(terms.per_penalty_point),
        "floor": decimal_text(terms.floor),
        "cap": None if terms.cap is None else decimal_text(terms.cap),
    }


def _terms_from_json(data: dict[str, Any]) -> MoneyTerms | None:
    if not data:
        return None
    return MoneyTerms(
        currency=data["currency"],
        base=Decimal(data["base"]),
        per_point=Decimal(data["per_point"]),
        per_penalty_point=Decimal(data["per_penalty_point"]),
        floor=Decimal(data["floor"]),
        cap=None if data["cap"] is None else Decimal(data["cap"]),
    )
