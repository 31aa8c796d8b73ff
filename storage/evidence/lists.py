"""Encode which items each KPI of a snapshot names: runs of addresses, a few bytes for a list of any length."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_FORM = 1
"""First byte: the form of the rest."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Hold the items that a snapshot names, by KPI, as addresses in the packs of `sources` laid end to end."""

    sources: Sequence[tuple[int, int]]
    """Id of the run whose snapshot of the manager holds the pack, and number of items in the pack."""
    addresses: Mapping[str, Sequence[int]]
    """Addresses by KPI, in the order of the list; KPIs with an empty list are left out."""


def encode(lists: Lists) -> bytes:
    """Encode lists. Addresses that follow each other take two numbers, however many there are."""
    out = bytearray([_FORM])
    _put(out, len(lists.sources))
    for run_id, count in lists.sources:
        _put(out, run_id)
        _put(out, count)
    for kpi, addresses in sorted(lists.addresses.items()):
        name = kpi.encode()
        _put(out, len(name))
        out += name
        stretches = list(_stretches(addresses))
        _put(out, len(stretches))
        end = 0
        for begin, length in stretches:
            _put(out, _unsigned(begin - end))
            _put(out, length)
            end = begin + length
    return bytes(out)


def decode(data: bytes) -> Lists:
    """Decode lists. Raises ValueError for bytes that are no lists."""
    numbers = _Numbers(data)
    if numbers.next() != _FORM:
        raise ValueError("the bytes are no lists of evidence of this version")
    sources = [(numbers.next(), numbers.next()) for _ in range(numbers.next())]
    total = sum(count for _, count in sources)
    addresses: dict[str, Sequence[int]] = {}
    while not numbers.at_end:
        kpi, found, end = numbers.text(), array("I"), 0
        for _ in range(numbers.next()):
            begin = end + _signed(numbers.next())
            end = begin + numbers.next()
            if not 0 <= begin < end <= total:
                raise ValueError("a list of evidence names items that no pack has")
            found.extend(range(begin, end))
        addresses[kpi] = found
    return Lists(sources, addresses)


def _stretches(addresses: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Split addresses into stretches that rise by one: begin and length."""
    begin = end = None
    for address in addresses:
        if begin is not None and address == end:
            end += 1
            continue
        if begin is not None and end is not None:
            yield begin, end - begin
        begin, end = address, address + 1
    if begin is not None and end is not None:
        yield begin, end - begin


def _unsigned(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _signed(number: int) -> int:
    return -((number + 1) >> 1) if number & 1 else number >> 1


def _put(out: bytearray, number: int) -> None:
    """Write a number in groups of seven bits, the lowest first."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class _Numbers:
    """Read numbers and texts one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._data)

    def next(self) -> int:
        number = shift = 0
        while True:
            if self.at_end:
                raise ValueError("the lists of evidence are cut off")
            byte = self._data[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def text(self) -> str:
        length = self.next()
        begin, self._at = self._at, self._at + length
        return self._data[begin : self._at].decode()
