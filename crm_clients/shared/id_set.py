"""Hold many numeric ids in little memory."""

from __future__ import annotations

CHUNK = 4096
"""Ids that share a piece of memory: near ids cost a bit each, the gap between far ids costs nothing."""


class IdSet:
    """Hold a set of ids that only grows: a bit each, without sorting, so that no step takes long."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        """Add an id."""
        place, bit = divmod(number, CHUNK)
        chunk = self._chunks.get(place)
        if chunk is None:
            chunk = self._chunks[place] = bytearray(CHUNK // 8)
        chunk[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, number: int) -> bool:
        """Tell whether an id was added."""
        place, bit = divmod(number, CHUNK)
        chunk = self._chunks.get(place)
        return chunk is not None and bool(chunk[bit >> 3] & 1 << (bit & 7))
