"""Run reads side by side; a failing read ends all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

PARTS = 4
"""Lists of ids read at once."""


async def together(*reads: Awaitable[Any]) -> None:
    """Await reads side by side; the first error cancels the others and is raised."""
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        await asyncio.gather(*tasks)
    finally:
        await cancel(tasks)


async def cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until all have ended."""
    ended = list(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)


async def in_parts(ids: Iterable[int], size: int, read: Callable[[list[int]], Awaitable[None]]) -> None:
    """Call `read` for every `size` of the sorted ids, a few calls at once."""
    wanted = sorted(set(ids))
    gate = asyncio.Semaphore(PARTS)

    async def take_turn(part: list[int]) -> None:
        async with gate:
            await read(part)

    await together(*(take_turn(wanted[begin : begin + size]) for begin in range(0, len(wanted), size)))
