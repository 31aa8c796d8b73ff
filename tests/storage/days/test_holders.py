"""Who held a record: what a dictionary would say, in less memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.days.holders import RecordHolders

RECORDS = st.lists(st.sampled_from(["0", "1", "01", "7", "x", "", "9" * 18, "9" * 19, "²", "١"]), max_size=6)


@given(st.lists(st.tuples(st.sampled_from(["7", "12", "45"]), RECORDS), max_size=5))
def test_the_first_named_user_holds_a_record(named):
    expected: dict[str, str] = {}
    for user, records in named:
        for record in records:
            expected.setdefault(record, user)
    holders = RecordHolders(named)
    assert holders == expected
    assert len(holders) == len(expected)
    assert holders.get("404") is None
    assert "y" not in holders
