"""Decide which items of a snapshot are new, and write lists and pack of the snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scoring.snapshot import Evidence, Reading, evidence_of
from storage.evidence import lists, pack
from storage.evidence.lists import Lists
from storage.evidence.pack import Item, to_item
from storage.evidence.stored import LastKeys, StoredEvidence

Place = tuple[int, int]
"""Run whose snapshot of the manager holds an item, and place in the pack."""


@dataclass(frozen=True, slots=True)
class EncodedEvidence:
    """Hold the evidence of a snapshot as stored."""

    lists: bytes
    pack: bytes
    """Items that no earlier snapshot of the manager holds."""


def encode_evidence(run_id: int, readings: Mapping[str, Reading], last: LastKeys) -> EncodedEvidence:
    """Encode the evidence of a manager's readings in a run.

    An item that the last reading of the same KPI named, letter for letter, is named again where that run found the
    item. So an item stays known from day to day without a search in all that was ever stored, and stands in the lists
    of a KPI without a gap between the first and the last reading that names it: retention builds on that.
    """
    new: dict[Item, int] = {}
    counts: dict[int, int] = {}
    places: dict[str, list[Place]] = {}
    for kpi, reading in sorted(readings.items()):
        items = evidence_of(reading)
        if not items:
            continue
        known: dict[Item, Place] = {}
        for earlier in (last.items_of(kpi), items):
            known |= _stored_places(earlier, run_id, counts)
        places[kpi] = [known.get(item) or (run_id, new.setdefault(item, len(new))) for item in items_as_stored(items)]
    counts[run_id] = len(new)
    return EncodedEvidence(lists.encode(_addressed(places, counts)), pack.encode(new))


def _stored_places(items: Sequence[Evidence], run_id: int, counts: dict[int, int]) -> Iterator[tuple[Item, Place]]:
    """Find where items are stored but in the pack of `run_id`, which is written anew; note the lengths of the packs."""
    if not isinstance(items, StoredEvidence):
        return
    counts |= dict(items.book.sources)
    for item, place in zip(items_as_stored(items), items.book.places(items.addresses), strict=True):
        if place[0] != run_id:
            yield item, place


def items_as_stored(items: Iterable[Evidence]) -> Iterator[Item]:
    """Take evidence apart; stored evidence is not built for that."""
    if not isinstance(items, StoredEvidence):
        return map(to_item, items)
    whole = list(items.book.items)
    return (whole[address] for address in items.addresses)


def _addressed(places: Mapping[str, Sequence[Place]], counts: Mapping[int, int]) -> Lists:
    """Lay the packs of all named runs end to end, and name the items by address."""
    named = sorted({run_id for found in places.values() for run_id, _ in found})
    begins: dict[int, int] = {}
    end = 0
    for run_id in named:
        begins[run_id] = end
        end += counts[run_id]
    addresses = {kpi: [begins[run_id] + place for run_id, place in found] for kpi, found in places.items()}
    return Lists([(run_id, counts[run_id]) for run_id in named], addresses)
