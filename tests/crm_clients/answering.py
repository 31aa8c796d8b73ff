"""A process beside a made-up server that puts its answers together: the server has time to notice requests."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

_forked: list[Any] = []
"""In a process of `answering`: the server as it has inherited it."""


def answering(fake: Any) -> Executor:
    """A process for answers, which knows the server as it is now. To be called before threads are started."""
    gc.collect()
    gc.freeze()  # a collection of all that would delay answers
    process = ProcessPoolExecutor(1, get_context("fork"), _forked.append, (fake,))
    process.submit(len, ()).result()  # it is born now
    return process


async def answered(process: Executor, make: Callable[..., Any], *asked: Any) -> Any:
    """What `make(fake, *asked)` comes to there."""
    return await asyncio.get_running_loop().run_in_executor(process, _made, make, *asked)


def _made(make: Callable[..., Any], *asked: Any) -> Any:
    return make(_forked[0], *asked)
