"""Packed evidence is the evidence itself: nothing of it is lost, and it stands in the order it is shown in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from scoring.compact.evidence_sequence import EvidenceEncoder, EvidenceSequence
from scoring.records import Money
from scoring.snapshot import Evidence

ids = st.text(max_size=6) | st.integers(0, 10**12).map(str)
instants = st.datetimes(timezones=st.sampled_from([UTC]))
sums = st.builds(Money, st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["RUB", "USD", ""]))
urls = st.sampled_from(["", "https://crm.example/deal/{}/", "https://crm.example/{}/of/{}", "https://crm.example/5/"])


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    key = draw(ids)
    return Evidence(
        draw(st.sampled_from(["deal", "task", "call"])),
        key,
        draw(st.text()),
        draw(urls).replace("{}", key),
        draw(st.none() | sums),
        draw(st.none() | instants),
        draw(st.booleans()),
        draw(st.just("") | ids),
        missing_fields=draw(st.lists(st.text(min_size=1), max_size=2).map(tuple)),
        loss_reason=draw(st.none() | st.text(max_size=5)),
    )


def packed(*items: Evidence) -> EvidenceSequence:
    press = EvidenceEncoder()
    return EvidenceSequence(press, [press.put(item) for item in items])


def exact(item: Evidence) -> tuple[str, Evidence]:
    """Sums that are equal may still be written in two ways."""
    return (str(item.amount.amount) if item.amount else "", item)


@given(st.lists(evidence(), max_size=5))
def test_what_was_packed_comes_out_as_it_was(items: list[Evidence]) -> None:
    press = EvidenceEncoder()
    places = [press.put(item) for item in items]
    assert [exact(press.get(place)) for place in places] == [exact(item) for item in items]
    assert [press.identity(place) for place in places] == [item.id for item in items]


@given(st.lists(evidence(), max_size=5))
def test_the_oldest_stands_first_and_what_has_no_time_last(items: list[Evidence]) -> None:
    late = datetime.max.replace(tzinfo=UTC)
    expected = sorted(items, key=lambda item: (item.since or late, item.kind, item.id))
    assert list(packed(*items)) == expected


@given(st.lists(evidence(), max_size=5), st.integers(0, 5), st.integers(0, 5))
def test_it_is_a_sequence_like_any_other(items: list[Evidence], start: int, stop: int) -> None:
    found = packed(*items)
    plain = tuple(found)
    assert found == plain
    assert plain == found
    assert hash(found) == hash(plain)
    assert len(found) == len(plain) == len(items)
    assert found[start:stop] == plain[start:stop]
    assert [found[place] for place in range(len(found))] == list(plain)
    assert (found == packed(*items[:1])) is (len(items) <= 1)


def test_equal_sums_keep_their_digits() -> None:
    money = Money(Decimal("10.500"), "RUB")
    (item,) = packed(Evidence("deal", "1", "Насосы", "", amount=money))
    assert str(item.amount.amount) == "10.500"


def test_packed_evidence_is_written_like_a_tuple():
    item = Evidence("deal", "7", "Поставка", "https://crm.example/deal/7/", Money(Decimal("1500.50"), "RUB"))
    assert repr(packed(item)) == repr((item,))
    assert repr(packed(*[item] * 6)).endswith("), …)")
