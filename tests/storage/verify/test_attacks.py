"""An administrator removes the guards, changes one thing, and puts the guards back: `verify` names what was done."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.storage.verify.attacks_on_chains import CHAINS
from tests.storage.verify.attacks_on_days import DAYS
from tests.storage.verify.attacks_on_rows import PEOPLE, RULES
from tests.storage.verify.history import findings, live_through

ATTACKS = DAYS | RULES | PEOPLE | CHAINS


@pytest_asyncio.fixture
async def past(database):
    await live_through(database)
    return database


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_was_changed_is_named(past, name):
    *statements, said = ATTACKS[name]
    told = await findings(past, statements)
    assert any(said in each for each in told), told
