"""Numbers by id behave as a dictionary, whatever the ids look like."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scoring.compact.id_map import IdMap

ids = st.one_of(
    st.integers(0, 600).map(str),
    st.integers(0, 10**25).map(str),
    st.sampled_from(["", "0", "00", "07", "-7", "+7", " 7", "7 ", "٧", "7_0", "task-7", "9" * 18, "9" * 19]),
    st.text(max_size=3),
)


@given(st.lists(st.tuples(ids, st.integers(-(2**63), 2**63 - 1)), max_size=40), st.lists(ids, max_size=10))
def test_the_first_number_of_an_id_counts(given_numbers: list[tuple[str, int]], others: list[str]) -> None:
    numbers, expected = IdMap(), dict[str, int]()
    for key, value in given_numbers:
        assert numbers.put(key, value) is (key not in expected)
        expected.setdefault(key, value)
    for key in [*expected, *others]:
        assert numbers.get(key) == expected.get(key)
        assert (key in numbers) is (key in expected)
