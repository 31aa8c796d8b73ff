"""Live a month from a seed, and tell its story if an invariant breaks."""

from __future__ import annotations

import gc
from collections import Counter

from tests.simulation.world import SOME_DEATHS, World

FELT: Counter[str] = Counter()
"""Troubles that the months of this process met, by kind."""


async def lived(seed: int, url: str, *, replicas: int = 1, deaths: tuple[float, float] = SOME_DEATHS) -> World:
    """Live the month of a seed; a failure prints the story."""
    world = World(seed, url, replicas, deaths)
    usual = gc.get_threshold()
    gc.set_threshold(200_000, *usual[1:])  # most of what a month makes is gone by itself
    try:
        await world.live()
    except BaseException:
        print(world.told())  # noqa: T201  # the story of the seed that failed
        raise
    finally:
        gc.set_threshold(*usual)
        FELT.update(world.story.troubles.felt)
    return world
