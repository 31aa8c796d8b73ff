"""What is put on a shelf is found again at its place, whatever else was put there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scoring.compact.byte_store import ByteStore

sizes = st.sampled_from([0, 1, 60, 30_000, 65_535, 65_536, 70_000])


@given(st.lists(st.tuples(sizes, st.integers(0, 255)), max_size=12))
def test_everything_is_found_at_its_place(wanted: list[tuple[int, int]]) -> None:
    shelf = ByteStore()
    items = [bytes([letter]) * size for size, letter in wanted]
    places = [shelf.put(item) for item in items]
    assert [bytes(shelf.look(place)[: len(item)]) for place, item in zip(places, items, strict=True)] == items
