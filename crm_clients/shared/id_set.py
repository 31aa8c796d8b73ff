"""Many numeric ids in little memory."""

from __future__ import annotations

CHUNK = 4096
"""Ids that share a piece of memory: near ids cost a bit each, far ones do not cost what lies between."""


class IdSet:
    """A set of ids that only grows: a bit each, nothing to sort, so that no step of it takes long."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        """Put one in."""
        place, bit = divmod(number, CHUNK)
        chunk = self._chunks.get(place)
        if chunk is None:
            chunk = self._chunks[place] = bytearray(CHUNK // 8)
        chunk[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, number: int) -> bool:
        """Whether it was put in."""
        place, bit = divmod(number, CHUNK)
        chunk = self._chunks.get(place)
        return chunk is not None and bool(chunk[bit >> 3] & 1 << (bit & 7))
