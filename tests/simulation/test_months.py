"""Live months of seven people on SQLite and on PostgreSQL, each from a seed that stays the same."""

from __future__ import annotations

import pytest

from tests.simulation.months import lived

ON_SQLITE = (0, 5, 9, 14)
ON_POSTGRESQL = ((0, 3),)
"""Seed, and number of replicas."""


@pytest.mark.parametrize("seed", ON_SQLITE)
async def test_a_month_with_every_trouble_loses_doubles_and_invents_nothing(seed, memory_url):
    await lived(seed, memory_url)


@pytest.mark.parametrize(("seed", "replicas"), ON_POSTGRESQL)
async def test_replicas_live_a_month_with_every_trouble_on_postgresql(seed, replicas, postgresql_url):
    await lived(seed, postgresql_url, replicas=replicas)
