"""Offices for scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.office import SALES, Office, opened_office


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    """One team of everybody, with its group in the settings."""
    async with opened_office(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def two_teams(sqlite_url: str) -> AsyncIterator[Office]:
    """Two teams under one head, their groups still to be bound."""
    shared = {key: value for key, value in SALES.items() if key != "chat_id"}
    teams = {
        "sales": shared | {"members": {"users": ["11", "12", "13", "14"]}},
        "b2b": shared | {"title": "B2B", "members": {"users": ["15", "16", "17"]}},
    }
    async with opened_office(sqlite_url, teams) as opened:
        yield opened
