"""Lines that are kept back come out as they were put in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crm_clients.amocrm.buffer import RowBuffer
from crm_clients.amocrm.deals import LeadLine

texts = st.text() | st.sampled_from(["\ud800 half a sign", "длинное " * 20_000])
seconds = st.integers(0, 2**40)
lines = st.builds(
    LeadLine,
    id=st.integers(1, 2**70),
    name=texts,
    price=st.sampled_from(["", "0", "10.50"]),
    owner=seconds,
    stage=st.tuples(seconds, seconds),
    created=seconds,
    updated=seconds,
    closed=seconds,
    has_task=st.booleans(),
    reason=st.text(),
    filled=st.lists(st.text()).map(tuple),
)


@given(st.lists(lines, max_size=4))
def test_lines_come_out_as_they_were_put_in(wanted: list[LeadLine]) -> None:
    held = RowBuffer(LeadLine)
    held.extend(wanted)
    assert len(held) == len(wanted)
    assert list(held) == wanted
