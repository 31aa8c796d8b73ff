"""When the garbage collector may look through everything: never while somebody waits for an answer.

A full collection of this program takes a quarter of a second, in which no message leaves and no tap is answered.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 1_000_000
_MANY, _TIMES = 20_000, 2
"""Things made before the young are looked through, while rows come by the thousand: most are gone by then. And how
often that is done before what survived it is looked through too: it must not become too much for one step."""
_NORMAL = gc.get_threshold()
_reads = 0
"""Reads that go on now."""


def keep_what_is_loaded() -> None:
    """Leave modules, tables and settings alone from now on: they live as long as the process."""
    gc.collect()
    gc.freeze()


@contextmanager
def no_full_collection() -> Iterator[None]:
    """Collect only what is young, and seldom: what is counted meanwhile holds no cycles, and there is much of it."""
    global _reads  # noqa: PLW0603  # the collector is one for the process
    _reads += 1
    gc.set_threshold(_MANY, _TIMES, _NEVER)
    try:
        yield
    finally:
        _reads -= 1
        if not _reads:
            gc.set_threshold(*_NORMAL)
