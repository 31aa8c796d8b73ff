"""Do the work of `reglament appeal`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from reglament.appeals.acts import AppealAct, decide_appeal, file_appeal, withdraw_appeal
from reglament.commands.absence.person import find_person, named
from reglament.config.settings import Settings
from reglament.errors import SettingsError
from reglament.process import open_database, open_process
from reglament.witnesses.anchoring import anchor_once
from storage.appeals import appeals
from storage.people import people
from storage.values import Appeal, AppealCause, AppealState

LONGEST_AUTHOR = 200


async def file(
    settings: Settings, person: str, day: date, rule: str, cause: AppealCause, text: str, author: str, team: str | None
) -> AppealAct:
    """File an appeal. Raises SettingsError for an unknown person or team, AppealRefused."""
    author = _checked_author(author)
    async with open_process(settings) as process:
        async with process.db.reading() as session:
            who = find_person(await people.all_members(session), person)
        key = team or who.team
        if key is None:
            raise SettingsError(f"{named(who)} belongs to no team now: name the team with --team")
        act = await file_appeal(process, who, key, day, rule, cause, text, author)
        await anchor_once(process)
    return act


async def decide(settings: Settings, number: int, state: AppealState, reason: str, author: str) -> AppealAct:
    """Decide an appeal. Raises NotFound, AppealRefused."""
    author = _checked_author(author)
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            act = await decide_appeal(process, session, number, state, author=author, reason=reason)
        await anchor_once(process)
    return act


async def withdraw(settings: Settings, number: int, author: str) -> AppealAct:
    """Withdraw an appeal. Raises NotFound, AppealRefused."""
    author = _checked_author(author)
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            act = await withdraw_appeal(process, session, number, author=author)
        await anchor_once(process)
    return act


async def list_appeals(settings: Settings, team: str | None, *, only_open: bool) -> list[Appeal]:
    """List appeals, oldest first."""
    teams = None if team is None else [team]
    async with open_database(settings) as database, database.reading() as session:
        return await (appeals.open_appeals(session, teams) if only_open else appeals.listed(session, teams))


async def count_by_rule(
    settings: Settings, team: str | None, first: date | None, last: date | None
) -> Mapping[tuple[str, str], Counter[AppealState]]:
    """Count the appeals of a span by team, rule and state."""
    async with open_database(settings) as database, database.reading() as session:
        teams = None if team is None else [team]
        return await appeals.count_by_rule(session, teams, first or date.min, last or date.max)


def parse_cause(text: str) -> AppealCause:
    """Read a cause. Raises SettingsError for another word."""
    try:
        return AppealCause(text.strip().lower().replace("-", "_"))
    except ValueError:
        raise SettingsError(f"{text!r} is no cause; one of {', '.join(AppealCause)}") from None


def parse_outcome(text: str) -> AppealState:
    """Read the outcome of a decision. Raises SettingsError for another word."""
    outcomes = (AppealState.KEPT, AppealState.EXCUSED, AppealState.REFUSED)
    found = next((state for state in outcomes if state == text.strip().lower()), None)
    if found is None:
        raise SettingsError(f"{text!r} is no decision; one of {', '.join(outcomes)}")
    return found


def _checked_author(author: str) -> str:
    """Return the author's name. Raises SettingsError for none, and for a very long name."""
    author = " ".join(author.split())
    if not author:
        raise SettingsError("an appeal needs an author: who acts?")
    if len(author) > LONGEST_AUTHOR:
        raise SettingsError(f"the author's name has {len(author)} characters; {LONGEST_AUTHOR} are allowed")
    return author
