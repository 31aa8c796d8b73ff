"""Months of made-up companies, each from one seed: nothing is lost, doubled or unproven, whatever fails."""

from __future__ import annotations

import os

import pytest

from tests.simulation.world import World

FIRST = int(os.environ.get("SIMULATE_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("SIMULATE_SEEDS", "12")))


async def _lived(seed: int, url: str) -> None:
    world = World(seed, url)
    try:
        await world.live()
    except BaseException:
        print("\n".join(world.log))  # noqa: T201  # the story of the seed that failed
        raise


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_month_on_sqlite(seed, sqlite_url):
    await _lived(seed, sqlite_url)


@pytest.mark.parametrize("seed", SEEDS[:2])
async def test_a_month_on_postgresql(seed, postgresql_url):
    await _lived(seed, postgresql_url)
