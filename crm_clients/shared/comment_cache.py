"""Remember in a client's memory which deals have a human comment: once commented is enough.

Threads pack and unpack, as hundreds of thousands of deals take a while.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise

from crm_clients.base import ClientMemory

KEY = "comments"


class CommentCache:
    """Hold the deals that were commented by `until` (seconds), 8 bytes each."""

    def __init__(self, deals: Iterable[int] = (), until: int = 0) -> None:
        self.deals = array("q", sorted(set(deals)))
        self.until = until

    @classmethod
    async def load(cls, memory: ClientMemory, cutoff: int) -> CommentCache:
        """Load the saved deals; none if unusable, or saved for a later time than `cutoff`."""
        kept = await asyncio.to_thread(_unpack, await memory.get(KEY))
        return kept if kept is not None and kept.until <= cutoff else cls()

    def __contains__(self, deal: int) -> bool:
        """Tell whether the deal is known to have a comment."""
        place = bisect_left(self.deals, deal)
        return place < len(self.deals) and self.deals[place] == deal

    async def save(self, memory: ClientMemory) -> None:
        """Save the deals, unless newer deals are saved already."""
        stored = await asyncio.to_thread(_unpack, await memory.get(KEY))
        if stored is None or stored.until <= self.until:
            await memory.put(KEY, await asyncio.to_thread(_pack, self))


def _pack(known: CommentCache) -> str:
    steps = array("q", (deal - before for before, deal in pairwise([0, *known.deals])))
    packed = base64.b64encode(zlib.compress(steps.tobytes(), 6)).decode()
    return json.dumps({"until": known.until, "deals": packed})


def _unpack(text: str | None) -> CommentCache | None:
    """Unpack saved deals; None if unusable: then all deals are looked at again."""
    try:
        kept = json.loads(text or "")
        steps = array("q")
        steps.frombytes(zlib.decompress(base64.b64decode(kept["deals"])))
        known = CommentCache(until=int(kept["until"]))
        total = 0
        for step in steps:
            total += step
            known.deals.append(total)
    except (ValueError, KeyError, TypeError, binascii.Error, zlib.error):
        return None
    return known
