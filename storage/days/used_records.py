"""Find the records that broke a rule before, where a record breaks a rule once (docs/product.md §19, Launch)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, in_force
from scoring.rules import Rule
from scoring.terms.circumstances import EvidenceKeys
from scoring.terms.launch import CarriedOver
from storage.days import runs
from storage.days.snapshots import stored_snapshots
from storage.db.models import LedgerRecord, TeamRecord
from storage.ledger.entries import select_entries
from storage.values import JudgedDay, StoredSnapshot

NEW_AGAIN_DAYS = 10
"""Scored days in order after which a record breaks a rule anew."""
LOOK_BACK = timedelta(days=366)


async def load_used(
    session: AsyncSession, judged: JudgedDay, items: Iterable[StoredSnapshot]
) -> dict[str, EvidenceKeys]:
    """Load by CRM user and rule the evidence keys that count no more.

    A record is used up by a day on which the rule was kept or broken with the record counted, among the rule's last ten
    such days; days excused, forgiven or in observation use nothing up.
    """
    rules = {rule.id: rule for rule in judged.rulebook.rules if rule.limits_state}
    if judged.rulebook.launch.carried_over is not CarriedOver.ONCE or not rules:
        return {}
    users = {item.snapshot.manager.crm_user for item in items}
    scored = await _load_scored_days(session, judged, users, rules)
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for day in {day for of_rules in scored.values() for days in of_rules.values() for day in days}:
        for user, counted in (await _load_counted(session, judged, day, list(rules.values()))).items():
            for rule, keys in counted.items():
                if day in scored.get(user, {}).get(rule, ()):
                    found[user][rule] |= keys
    return {user: {rule: frozenset(keys) for rule, keys in of_rules.items()} for user, of_rules in found.items()}


async def _load_scored_days(
    session: AsyncSession, judged: JudgedDay, users: Iterable[str], rules: Iterable[str]
) -> dict[str, dict[str, list[date]]]:
    """Load by CRM user and rule the last days on which the rule was kept or broken."""
    entries = await select_entries(
        session,
        TeamRecord.key == judged.team,
        LedgerRecord.crm_user.in_(list(users)),
        LedgerRecord.rule.in_(list(rules)),
        LedgerRecord.day.between(judged.day - LOOK_BACK, judged.day - timedelta(days=1)),
        evidence=False,
    )
    days: dict[str, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    for entry in filter(_is_scored, in_force(entries)):
        days[entry.crm_user][entry.rule].add(entry.day)
    return {
        user: {rule: sorted(found, reverse=True)[:NEW_AGAIN_DAYS] for rule, found in of_rules.items()}
        for user, of_rules in days.items()
    }


def _is_scored(entry: Entry) -> bool:
    return entry.outcome is not None and entry.outcome.scored


async def _load_counted(
    session: AsyncSession, judged: JudgedDay, day: date, rules: Sequence[Rule]
) -> dict[str, dict[str, set[str]]]:
    """Load by CRM user and rule the evidence keys that counted on a day; spared and appeared records did not."""
    run = await runs.find(session, judged.team, day)
    if run is None:
        return {}
    found: dict[str, dict[str, set[str]]] = {}
    for item in await stored_snapshots(session, run.id):
        card = item.score(run.rulebook, day)
        found[card.manager.crm_user] = {
            line.rule.id: {each.key for each in line.items if not each.spared} - line.appeared
            for line in card.lines
            if line.rule.id in {rule.id for rule in rules}
        }
    return found
