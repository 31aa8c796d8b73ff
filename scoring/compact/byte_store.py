"""Keep strings of bytes end to end: a Python object for each would take 33 bytes more."""

from __future__ import annotations

_BITS = 16
_BOARD = 1 << _BITS


class ByteStore:
    """Hold strings of bytes on boards of 64 kB, found again by a place of four bytes."""

    __slots__ = ("_boards", "_used")

    def __init__(self) -> None:
        self._boards: list[bytearray] = []
        self._used = _BOARD
        """Bytes of the last board that are taken."""

    def put(self, item: bytes) -> int:
        """Keep a string and return the place."""
        if self._used + max(1, len(item)) > _BOARD:
            self._boards.append(bytearray(max(_BOARD, len(item))))
            self._used = 0
        begin = self._used
        self._used += len(item)
        self._boards[-1][begin : self._used] = item
        return len(self._boards) - 1 << _BITS | begin

    def look(self, place: int) -> memoryview:
        """Return the bytes from a place on: the content must tell where the content ends."""
        return memoryview(self._boards[place >> _BITS])[place & _BOARD - 1 :]
