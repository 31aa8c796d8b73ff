"""Live months of made-up companies, each from one seed: nothing is lost, doubled or unproven, whatever fails."""

from __future__ import annotations

import os

import pytest

from tests.simulation.months import lived
from tests.simulation.world import MANY_DEATHS, SOME_DEATHS

FIRST = int(os.environ.get("SIMULATE_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("SIMULATE_SEEDS", "12")))
DEATHS = MANY_DEATHS if os.environ.get("SIMULATE_DEATHS") == "many" else SOME_DEATHS
ON = os.environ.get("SIMULATE_ON", "sqlite postgresql").split()


@pytest.mark.parametrize("seed", SEEDS if "sqlite" in ON else [])
async def test_a_month_on_sqlite(seed, memory_url):
    await lived(seed, memory_url, deaths=DEATHS)


@pytest.mark.parametrize("seed", SEEDS if "postgresql" in ON else [])
async def test_a_month_on_postgresql(seed, postgresql_url):
    await lived(seed, postgresql_url, replicas=1 + 2 * (seed % 2), deaths=DEATHS)
