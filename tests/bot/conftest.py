"""Offices for scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.office import SALES, Office, opened_office


@pytest.fixture
def office_url(sqlite_url: str) -> str:
    """Where an office keeps its data; tests of what people do override it, to be on both databases."""
    return sqlite_url


@pytest.fixture
async def office(office_url: str) -> AsyncIterator[Office]:
    """One team of everybody, with its group in the settings."""
    async with opened_office(office_url) as opened:
        yield opened


@pytest.fixture
async def two_teams(office_url: str) -> AsyncIterator[Office]:
    """Two teams under one head, their groups still to be bound."""
    shared = {key: value for key, value in SALES.items() if key != "chat_id"}
    teams = {
        "sales": shared | {"members": {"users": ["11", "12", "13", "14"]}},
        "b2b": shared | {"title": "B2B", "members": {"users": ["15", "16", "17"]}},
    }
    async with opened_office(office_url, teams) as opened:
        yield opened
