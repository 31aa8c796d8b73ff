"""An administrator removes the guards, changes one thing, and puts the guards back: `verify` names what was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs
from sqlalchemy import select

from scoring.snapshot import Value
from storage.days import retention
from storage.days.codec import readings_to_json
from storage.days.snapshots import stored_snapshots
from storage.db.database import Session
from storage.db.models import ManagerRecord, SnapshotRecord
from tests.storage.verify.attacks_on_chains import CHAINS
from tests.storage.verify.attacks_on_days import DAYS
from tests.storage.verify.attacks_on_rows import PEOPLE, RULES
from tests.storage.verify.history import LATER, findings

ATTACKS = {"days": DAYS, "rules": RULES, "people": PEOPLE, "chains": CHAINS}
"""Attacks by what they change, and by name: statements, and what `verify` says of them."""


@pytest.mark.parametrize("changed", ATTACKS)
async def test_what_was_changed_is_named(past, changed):
    """Each attack is taken back before the next: living through the past anew for each would take minutes."""
    unnamed = {}
    for name, (*statements, said) in ATTACKS[changed].items():
        told = await findings(past, statements)
        if not any(said in each for each in told):
            unnamed[name] = told
    assert unnamed == {}


async def test_names_stay_covered_when_retention_blanked_titles(past):
    async with past.transaction() as session:
        await retention.blank(session, LATER + timedelta(days=30))
    for statement, said in {
        "UPDATE snapshots SET name = 'Another' WHERE run_id = 1": "the day 2026-11-16 names 12 otherwise than was read",
        "UPDATE absences SET author = 'Boris'": "absence 1: changed without an event: author",
        "UPDATE absences SET decided_by = 'Boris'": "absence 1: changed without an event: decided_by",
        'UPDATE runs SET missing = \'{"calls_held":"x"}\' WHERE id = 1': "explains absent readings otherwise",
        "UPDATE journal_rows SET lasting_salt = '' WHERE name = 'runs'": "names 12 otherwise",
        "DELETE FROM deliveries WHERE kind = 'personal'": "the day 2026-11-17 has other messages, or to others",
    }.items():
        told = await findings(past, [statement])
        assert any(said in each for each in told), (statement, told)


@pytest.mark.parametrize("changed", [{"title": "Another"}, {"url": "https://crm.invalid/1"}], ids=["titles", "links"])
async def test_titles_and_links_of_evidence_cannot_be_changed_unnoticed(past, changed):
    async def attack(session: Session) -> None:
        run_id = await session.scalar(select(SnapshotRecord.run_id).limit(1))
        users = dict((await session.execute(select(ManagerRecord.crm_user, ManagerRecord.id))).all())
        for item in await stored_snapshots(session, run_id):
            row = await session.get(SnapshotRecord, (run_id, users[item.snapshot.manager.crm_user]))
            forged = {
                kpi: replace(reading, items=tuple(structs.replace(each, **changed) for each in reading.items))
                if isinstance(reading, Value)
                else reading
                for kpi, reading in item.snapshot.readings.items()
            }
            row.readings, row.evidence_lists, row.evidence_pack = readings_to_json(forged), None, None
            row.last_keys = {}
        await session.flush()

    told = await findings(past, attack)
    assert any("or his evidence otherwise" in each for each in told), told
    assert not any("counts something else" in each for each in told), told
