"""Strings of bytes by the hundred thousand, end to end: by itself each costs more than what stands in it."""

from __future__ import annotations

_BITS = 16
_BOARD = 1 << _BITS


class ByteStore:
    """Puts strings of bytes on boards of 64 kB and finds them again by their places, which fit into four bytes."""

    __slots__ = ("_boards", "_used")

    def __init__(self) -> None:
        self._boards: list[bytearray] = []
        self._used = _BOARD
        """Bytes of the last board that are taken."""

    def put(self, item: bytes) -> int:
        """Its place."""
        if self._used + max(1, len(item)) > _BOARD:
            self._boards.append(bytearray(max(_BOARD, len(item))))
            self._used = 0
        begin = self._used
        self._used += len(item)
        self._boards[-1][begin : self._used] = item
        return len(self._boards) - 1 << _BITS | begin

    def look(self, place: int) -> memoryview:
        """What was put there, and whatever stands behind it: where a thing ends must be known from itself."""
        return memoryview(self._boards[place >> _BITS])[place & _BOARD - 1 :]
