"""Keep the garbage collector from full collections during a read.

A full collection of this program takes a quarter of a second; meanwhile no message leaves and no tap is answered.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 1_000_000
_MANY, _TIMES = 20_000, 2
"""Thresholds of the young and the middle generation during a read: rows come by the thousand and most are gone before
20,000 objects are allocated; after two young collections the middle generation is collected too, before a collection
takes long."""
_NORMAL = gc.get_threshold()
_reads = 0
"""Number of reads in progress."""


def keep_what_is_loaded() -> None:
    """Exclude modules, tables and settings from all later collections: all live as long as the process."""
    gc.collect()
    gc.freeze()


@contextmanager
def no_full_collection() -> Iterator[None]:
    """Collect only young objects, and seldom, while the block runs: the many objects of a read form no cycles."""
    global _reads  # noqa: PLW0603  # the collector is one for the process
    _reads += 1
    gc.set_threshold(_MANY, _TIMES, _NEVER)
    try:
        yield
    finally:
        _reads -= 1
        if not _reads:
            gc.set_threshold(*_NORMAL)
